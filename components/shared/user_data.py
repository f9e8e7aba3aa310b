"""The script that an app server runs at its first boot, rendered from `files/user_data.sh`."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

TEMPLATE = Path(__file__).parents[1] / "files" / "user_data.sh"
LARGEST_BYTES = 16 * 1024
"""EC2 accepts no more, before base64."""
CA_BUNDLE_PATH = "/etc/fixrx/rds-ca.pem"
"""File on a server with the certificate authorities that sign the certificates of RDS."""


@dataclass(frozen=True, kw_only=True)
class UserData:
    """The values that the script contains. None of them is secret."""

    region: str
    bucket: str
    releases_prefix: str
    release: str
    node_version: str
    drain_seconds: int
    settings: Mapping[str, str]
    """Environment variables of the application that are not secret."""
    secret_arns: Mapping[str, str]
    """Environment variable to the ARN of the secret that holds its value."""
    secret_versions: Mapping[str, str]
    """Environment variable to the version of its value, where the program writes it. Servers read the current version;
    it is in the script so that a new one changes the script, and with it the servers."""
    patience_seconds: int
    """How long the server waits for what is not there yet, in total."""

    def script(self) -> str:
        """Return the script. Raises ValueError if it is larger than EC2 accepts."""
        text = Template(TEMPLATE.read_text()).substitute(
            region=self.region,
            bucket=self.bucket,
            releases_prefix=self.releases_prefix,
            release=self.release,
            node_version=self.node_version,
            drain_seconds=self.drain_seconds,
            ca_bundle_path=CA_BUNDLE_PATH,
            patience_seconds=self.patience_seconds,
            settings=_lines(f"{variable}={value}" for variable, value in self.settings.items()),
            secrets=_lines(
                f"{variable} {arn} {self.secret_versions.get(variable, '')}".rstrip()
                for variable, arn in self.secret_arns.items()
            ),
        )
        if len(text.encode()) > LARGEST_BYTES:
            raise ValueError(f"user data is {len(text.encode())} bytes long, and EC2 accepts at most {LARGEST_BYTES}")
        return text

    def encoded(self) -> str:
        """Return the script in base64, as a launch template expects it."""
        return base64.b64encode(self.script().encode()).decode()


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(sorted(lines))
