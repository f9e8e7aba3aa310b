"""The script that an app server runs at its first boot, rendered from `files/user_data.sh`."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from components.backup_bucket import RELEASES_PREFIX
from components.database import CA_BUNDLE_PATH

TEMPLATE = Path(__file__).parent / "files" / "user_data.sh"
LARGEST_BYTES = 16 * 1024
"""EC2 takes no more, before base64."""


@dataclass(frozen=True, kw_only=True)
class UserData:
    """What the script needs to know. Nothing of it is secret."""

    region: str
    bucket: str
    release: str
    node_version: str
    drain_seconds: int
    settings: Mapping[str, str]
    """Environment variables of the application, in plain."""
    secret_arns: Mapping[str, str]
    """Environment variable to the ARN of the secret that holds its value."""

    def script(self) -> str:
        """Return the script. Raises ValueError if EC2 would not take it."""
        text = Template(TEMPLATE.read_text()).substitute(
            region=self.region,
            bucket=self.bucket,
            releases_prefix=RELEASES_PREFIX,
            release=self.release,
            node_version=self.node_version,
            drain_seconds=self.drain_seconds,
            ca_bundle_path=CA_BUNDLE_PATH,
            settings=_lines(f"{variable}={value}" for variable, value in self.settings.items()),
            secrets=_lines(f"{variable} {arn}" for variable, arn in self.secret_arns.items()),
        )
        if len(text.encode()) > LARGEST_BYTES:
            raise ValueError(f"user data is {len(text.encode())} bytes long, and EC2 takes {LARGEST_BYTES} at most")
        return text

    def encoded(self) -> str:
        """Return the script as a launch template wants it, in base64."""
        return base64.b64encode(self.script().encode()).decode()


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(sorted(lines))
