"""What runs on an app server: every file of it, and the script of its first boot, rendered from typed values."""

from components.shared.host.configuration import (
    CA_BUNDLE_PATH,
    HostConfiguration,
    LogGroups,
    ProxyConfiguration,
)
from components.shared.host.files import render
from components.shared.host.user_data import LARGEST_BYTES, decoded, encoded, script

__all__ = [
    "CA_BUNDLE_PATH",
    "LARGEST_BYTES",
    "HostConfiguration",
    "LogGroups",
    "ProxyConfiguration",
    "decoded",
    "encoded",
    "render",
    "script",
]
