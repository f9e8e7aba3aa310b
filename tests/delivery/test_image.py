"""The pinned image against the newest one, which moto knows from AWS's public parameters."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from moto.ec2.models import ec2_backends

from bootstrap.access import CommandError
from bootstrap.stack_file import read_stack_file
from delivery.image import Comparison, Image, compare, describe, is_newer, write
from tests.delivery.account import ACCOUNTS, REGION, client, stack_files

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
PINNED = "ami-08a311a6aaa3cd94a"
PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"


def image(identifier: str, days: int) -> Image:
    return Image(id=identifier, name=f"al2023-{identifier}", created=NOW - timedelta(days=days, minutes=1))


@pytest.mark.usefixtures("account")
def test_the_newest_image_is_pinned_with_its_name_beside_it(tmp_path: Path) -> None:
    folder = stack_files(tmp_path / "stacks")
    newest = client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"]
    images = ec2_backends[ACCOUNTS["production"]][REGION].amis
    images[PINNED].creation_date = datetime(2026, 9, 30, tzinfo=UTC)
    images[newest].creation_date = datetime(2026, 11, 20, tzinfo=UTC)
    file = read_stack_file("production", folder)
    before = (folder / file.file_name).read_text().splitlines()

    found = compare(file)

    assert found.pinned is not None
    assert (found.newest.id, found.newest.age(NOW), found.pinned.id, found.pinned.age(NOW)) == (newest, 6, PINNED, 57)
    assert is_newer(found)
    assert write(file, found.newest, REGION, folder)
    after = (folder / file.file_name).read_text().splitlines()
    assert [new for old, new in zip(before, after, strict=True) if new != old] == [
        f"    image_id: {newest}  # {found.newest.name}, us-east-1"
    ]


@pytest.mark.usefixtures("account")
def test_a_pinned_image_that_aws_has_not_got_is_no_error(tmp_path: Path) -> None:
    folder = stack_files(tmp_path / "stacks")
    path = folder / "Pulumi.production.yaml"
    path.write_text(path.read_text().replace(PINNED, "ami-0123456789abcdef0"))

    found = compare(read_stack_file("production", folder))

    assert found.pinned is None
    assert is_newer(found)


@pytest.mark.usefixtures("account")
def test_other_credentials_are_refused() -> None:
    with pytest.raises(CommandError, match="The credentials are of account 111122223333"):
        compare(read_stack_file("staging"))


@pytest.mark.parametrize(
    ("pinned", "newer", "sentences"),
    [
        (
            image("ami-1", 57),
            True,
            "staging has pinned ami-1, al2023-ami-1, 57 days old.\nThe newest is ami-2, al2023-ami-2, 1 day old.",
        ),
        (image("ami-2", 1), False, "staging has pinned the newest image: ami-2, al2023-ami-2, 1 day old."),
        (
            image("ami-3", 0),
            False,
            "staging has pinned ami-3, al2023-ami-3, 0 days old.\nThe newest is ami-2, al2023-ami-2, 1 day old.",
        ),
        (
            None,
            True,
            "staging has pinned ami-1, which AWS does not have in this region: no server can start from it.\n"
            "The newest is ami-2, al2023-ami-2, 1 day old.",
        ),
    ],
    ids=["older", "the same", "AWS took one back", "gone"],
)
def test_what_is_said_of_both_images(pinned: Image | None, newer: bool, sentences: str) -> None:
    found = Comparison(newest=image("ami-2", 1), pinned=pinned)

    assert describe("staging", "ami-1", found, NOW) == sentences
    assert is_newer(found) == newer
