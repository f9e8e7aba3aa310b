"""`release.json`, which every release carries: what it was made of, and what was checked."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, ValidationError

from bootstrap.access import CommandError
from components.sections.app_servers import AppServersSettings
from components.shared.instance_types import Architecture
from components.shared.section import TextFormat

FILE_NAME = "release.json"
(RELEASE_NAME,) = (each for each in AppServersSettings.model_fields["release"].metadata if isinstance(each, TextFormat))
"""The form of the setting `app_servers.release`."""
COMMIT = TextFormat(pattern=r"[0-9a-f]{40}|[0-9a-f]{64}", description="a commit", example="40 hexadecimal digits")


class Manifest(BaseModel):
    """Nothing here depends on when or where the release was built: its archive would not be the same twice."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    release: Annotated[str, RELEASE_NAME]
    commit: Annotated[str, COMMIT]
    node: str
    """Node's version on the machine that built it."""
    npm: str
    arch: Architecture
    """In AWS's words, as `app_servers.image_architecture`."""
    install_scripts: Sequence[str] = ()
    """Packages whose install scripts were run."""
    checks: Mapping[str, str]
    """From the name of a check to its result."""

    @property
    def node_major(self) -> str:
        return self.node.partition(".")[0]


def parse_manifest(text: bytes) -> Manifest:
    """Raises CommandError."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(each["loc"][0]) if each["loc"] else "no JSON" for each in error.errors()}))
        raise CommandError(
            f"The archive's {FILE_NAME} is not one of `release build` ({wrong}); build it again."
        ) from None


def check_release_name(name: str) -> str:
    """Return the name. Raises CommandError if it can be no release."""
    try:
        return RELEASE_NAME.check(name)
    except ValueError as error:
        raise CommandError(f"The name of the release {error}.") from None
