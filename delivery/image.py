"""The image of the servers: the newest one of Amazon Linux 2023, and how old the pinned one is.

An image is pinned, and changes only by a reviewed change of the stack's file: patching is a replacement of servers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import ClientError

from bootstrap.access import Access, CommandError, error_code, find_image
from bootstrap.commands import access_to
from bootstrap.stack_file import ROOT, StackFile
from components.shared.instance_types import Architecture
from delivery.stack_edit import write_settings

SECTION = "app_servers"


@dataclass(frozen=True, kw_only=True)
class Image:
    id: str
    name: str
    created: datetime

    def age(self, now: datetime) -> int:
        """In whole days."""
        return (now - self.created).days


@dataclass(frozen=True, kw_only=True)
class Comparison:
    newest: Image
    pinned: Image | None
    """None where AWS has it no longer, or never had it in this region."""


def compare(file: StackFile) -> Comparison:
    """Look both images up. Raises CommandError."""
    access, settings = access_to(file), file.settings.app_servers
    access.identify()
    newest = _image(access, _newest_id(access, settings.image_architecture))
    if newest is None:
        raise CommandError(
            f"AWS names a newest image for {settings.image_architecture}, but has none of that id in {access.region}; "
            "try again later."
        )
    return Comparison(newest=newest, pinned=_image(access, settings.image_id))


def describe(stack: str, pinned_id: str, found: Comparison, now: datetime) -> str:
    """What a person wants to know, in sentences."""
    newest, pinned = found.newest, found.pinned
    if pinned is None:
        first = f"{stack} has pinned {pinned_id}, which AWS does not have in this region: no server can start from it."
    elif pinned.id == newest.id:
        return f"{stack} has pinned the newest image: {newest.id}, {newest.name}, {_days(newest.age(now))} old."
    else:
        first = f"{stack} has pinned {pinned.id}, {pinned.name}, {_days(pinned.age(now))} old."
    return f"{first}\nThe newest is {newest.id}, {newest.name}, {_days(newest.age(now))} old."


def is_newer(found: Comparison) -> bool:
    """Whether the newest image should be pinned. AWS can take a bad one back, and then names an older one."""
    return found.pinned is None or found.newest.created > found.pinned.created


def write(file: StackFile, newest: Image, region: str, folder: Path = ROOT) -> bool:
    """Pin an image in the stack's file, and return whether the file changed. Raises CommandError, InvalidSettings."""
    comment = f"{newest.name}, {region}"
    return write_settings(file.stack, {SECTION: {"image_id": newest.id}}, comment=comment, folder=folder)


def _newest_id(access: Access, architecture: Architecture) -> str:
    name = architecture.newest_image_parameter
    try:
        return str(access.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except ClientError as error:
        if error_code(error) == "ParameterNotFound":
            raise CommandError(f"AWS has no parameter {name} in {access.region}.") from None
        raise


def _image(access: Access, image_id: str) -> Image | None:
    found = find_image(access, image_id)
    if found is None:
        return None
    created = datetime.fromisoformat(found["CreationDate"]).astimezone(UTC)
    return Image(id=image_id, name=found["Name"], created=created)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
