"""A stack's configuration as one frozen model. The only package that reads Pulumi's configuration.

Everything wrong with a configuration is reported at once, by key, before any resource is declared.
"""

from settings.parsing import load_settings, parse_settings
from settings.problems import InvalidSettings, Problem
from settings.stack import PROJECT, AccountSettings, StackSettings

__all__ = [
    "PROJECT",
    "AccountSettings",
    "InvalidSettings",
    "Problem",
    "StackSettings",
    "load_settings",
    "parse_settings",
]
