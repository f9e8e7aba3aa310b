"""Settings changed in a stack's file: the line that is meant, and not a character of anything else."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.access import CommandError
from bootstrap.stack_file import ROOT, read_stack_file
from delivery.stack_edit import set_text, write_settings
from settings import InvalidSettings
from settings.yaml_text import read
from tests.delivery.account import stack_files

DIGEST = "0123456789abcdef" * 4


def changed_lines(before: str, after: str) -> list[tuple[str, str]]:
    assert len(before.splitlines()) == len(after.splitlines())
    return [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if pair[0] != pair[1]]


@pytest.mark.parametrize("stack", ["staging", "production"])
def test_only_the_lines_of_the_pin_change(tmp_path: Path, stack: str) -> None:
    folder = stack_files(tmp_path / "stacks")
    before = (ROOT / f"Pulumi.{stack}.yaml").read_text()

    assert write_settings(stack, {"app_servers": {"release": "1.4.0", "release_sha256": DIGEST}}, folder=folder)

    after = (folder / f"Pulumi.{stack}.yaml").read_text()
    old = read_stack_file(stack).settings.app_servers
    assert changed_lines(before, after) == [
        (f"    release: {old.release}", "    release: 1.4.0"),
        (f'    release_sha256: "{old.release_sha256}"', f"    release_sha256: {DIGEST}"),
    ]
    assert read_stack_file(stack, folder).settings.app_servers.release_sha256 == DIGEST
    assert sorted(each.name for each in folder.iterdir()) == ["Pulumi.production.yaml", "Pulumi.staging.yaml"]


def test_the_same_value_changes_nothing(tmp_path: Path) -> None:
    folder = stack_files(tmp_path / "stacks")
    file = folder / "Pulumi.staging.yaml"
    before = file.stat().st_mtime_ns

    assert not write_settings("staging", {"app_servers": {"release": "1.0.0"}}, folder=folder)
    assert file.stat().st_mtime_ns == before


SECTION = "config:\n  fixrx:app_servers:\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{SECTION}    release: 1.0.0  # why\n", f"{SECTION}    release: NEW  # why\n"),
        ("config:\n  app_servers:\n    release: 1.0.0\n", "config:\n  app_servers:\n    release: NEW\n"),
        (f"{SECTION}    release: '1.0.0'\n", f"{SECTION}    release: NEW\n"),
        ("config: {fixrx:app_servers: {release: 1.0.0}}", "config: {fixrx:app_servers: {release: NEW}}"),
        (
            'config: {"fixrx:app_servers": {"release": 1, "x": 1}}',
            'config: {"fixrx:app_servers": {"release": NEW, "x": 1}}',
        ),
        (f"{SECTION}    image_id: x\n", f"{SECTION}    image_id: x\n    release: NEW\n"),
        (f"{SECTION}    image_id: x  # y\n\n# end\n", f"{SECTION}    image_id: x  # y\n    release: NEW\n\n# end\n"),
        (f"{SECTION}    image_id: x", f"{SECTION}    image_id: x\n    release: NEW\n"),
        ("config: {fixrx:app_servers: {image_id: x}}\n", "config: {fixrx:app_servers: {image_id: x, release: NEW}}\n"),
        (
            f"{SECTION}    z:\n      - a\n  fixrx:dns: {{}}\n",
            f"{SECTION}    z:\n      - a\n    release: NEW\n  fixrx:dns: {{}}\n",
        ),
        (
            f"{SECTION}    z: [a,\n      b]\n  fixrx:dns: {{}}\n",
            f"{SECTION}    z: [a,\n      b]\n    release: NEW\n  fixrx:dns: {{}}\n",
        ),
    ],
    ids=[
        "comment",
        "short key",
        "quotes",
        "braces",
        "JSON",
        "new",
        "new before a comment",
        "no end of line",
        "new in braces",
        "new below a list",
        "new below a list in brackets",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["Linux", "Windows"])
def test_every_way_to_write_a_file_is_kept(text: str, expected: str, line_end: str) -> None:
    before, after = (each.replace("\n", line_end) for each in (text, expected))
    assert set_text(before, "app_servers", "release", "NEW") == after


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("1.4.0", "1.4.0"),
        ("v1", "v1"),
        ("1.10", '"1.10"'),
        ("5", '"5"'),
        ("1e5", '"1e5"'),
        ("1_000", '"1_000"'),
        ("0x1f", '"0x1f"'),
        ("2026-11-26", '"2026-11-26"'),
        ("true", '"true"'),
        ("no", '"no"'),
        ("null", '"null"'),
        ("0" * 64, f'"{"0" * 64}"'),
        ("12e" + "3" * 61, f'"12e{"3" * 61}"'),
        (DIGEST, DIGEST),
    ],
)
def test_a_text_that_yaml_takes_for_another_value_is_quoted(value: str, written: str) -> None:
    text = set_text("config:\n  fixrx:app_servers:\n    release: x\n", "app_servers", "release", value)

    assert text == f"config:\n  fixrx:app_servers:\n    release: {written}\n"


@given(value=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True))
def test_every_name_of_a_release_comes_back_as_text(value: str) -> None:
    text = set_text("config:\n  fixrx:app_servers:\n    release: x\n    size: 3\n", "app_servers", "release", value)

    for content in (read(text)[0], yaml.safe_load(text)):
        assert content == {"config": {"fixrx:app_servers": {"release": value, "size": 3}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [("  # old, us-east-1", "  # new, us-east-1"), (" # old", "  # new"), ("", ""), ("   ", "   ")],
)
def test_the_comment_of_a_changed_value_is_replaced_if_there_is_one(before: str, after: str) -> None:
    text = f"config:\n  fixrx:app_servers:\n    image_id: ami-1{before}\n    release: x  # stays\n"

    changed = set_text(text, "app_servers", "image_id", "ami-2", "new, us-east-1" if "us" in before else "new")

    assert changed == f"config:\n  fixrx:app_servers:\n    image_id: ami-2{after}\n    release: x  # stays\n"


def test_a_value_that_is_not_valid_leaves_the_file_alone(tmp_path: Path) -> None:
    folder = stack_files(tmp_path / "stacks")
    before = (folder / "Pulumi.staging.yaml").read_bytes()

    with pytest.raises(InvalidSettings, match="release_sha256"):
        write_settings("staging", {"app_servers": {"release_sha256": "abc"}}, folder=folder)

    assert (folder / "Pulumi.staging.yaml").read_bytes() == before


def test_a_value_that_two_places_share_is_not_changed(tmp_path: Path) -> None:
    folder = stack_files(tmp_path / "stacks")
    file = folder / "Pulumi.staging.yaml"
    text = (
        file.read_text()
        .replace("release: 1.0.0", "release: *shared")
        .replace("fixrx:environment: staging", "fixrx:owner: &shared ops@fixrx.com\n  fixrx:environment: staging")
    )
    file.write_text(text)

    with pytest.raises(CommandError, match=r"set app_servers\.release: 1\.4\.0 by hand\.$"):
        write_settings("staging", {"app_servers": {"release": "1.4.0"}}, folder=folder)

    assert file.read_text() == text


@pytest.mark.parametrize(
    "text", ["config: {}\n", "config:\n  fixrx:dns: {}\n", "", "config:\n  fixrx:app_servers: x\n"]
)
def test_a_file_without_the_section_is_said(text: str) -> None:
    with pytest.raises(CommandError, match=r"has no section fixrx:app_servers; add it\.$"):
        set_text(text, "app_servers", "release", "1.4.0")
