"""Releases in the bucket, in the stack's file and in the history of what was served, against moto."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bootstrap.access import CommandError, NoAccess
from bootstrap.stack_file import ROOT, read_stack_file
from delivery.__main__ import main
from delivery.archive import write_archive
from delivery.history import Released, previous, read_history, served_since
from delivery.pins import bucket_of, pin, promote, roll_back
from delivery.prune import unneeded
from delivery.release_commands import state_of
from delivery.store import Archive, Details
from tests.delivery.account import (
    ACCOUNTS,
    bucket_name,
    client,
    make_bucket,
    put_release,
    releases_in,
    serve,
    sha256_of,
    stack_files,
)

pytestmark = pytest.mark.usefixtures("account")
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
OLD, NEW = "a" * 40, "b" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stack_files(tmp_path / "stacks")


def details(content: bytes, release: str = "1.4.0") -> Details:
    return Details(release=release, sha256=sha256_of(content), commit=NEW, builder="a test")


def pinned(folder: Path, stack: str = "production") -> tuple[str, str]:
    settings = read_stack_file(stack, folder).settings.app_servers
    return settings.release, settings.release_sha256


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_an_upload_has_its_digest_its_commit_and_its_builder(tmp_path: Path) -> None:
    make_bucket("production")
    bucket = bucket_of(read_stack_file("production"))

    bucket.upload(write(tmp_path / "archive", b"content"), details(b"content"))

    assert bucket.details("1.4.0") == details(b"content")
    assert [(each.release, each.size) for each in bucket.archives()] == [("1.4.0", 7)]
    assert releases_in("production") == ["releases/1.4.0.tar.gz"]


@pytest.mark.parametrize("content", [b"content", b"other"], ids=["the same bytes", "other bytes"])
def test_a_release_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    make_bucket("production")
    bucket = bucket_of(read_stack_file("production"))
    bucket.upload(write(tmp_path / "first", b"content"), details(b"content"))

    with pytest.raises(CommandError) as raised:
        bucket.upload(write(tmp_path / "second", content), details(content))

    assert str(raised.value) == (
        f"The release 1.4.0 is in the bucket {bucket_name('production')} already, and a release is never overwritten: "
        "build this commit under another name (--release)."
    )
    assert bucket.details("1.4.0").sha256 == sha256_of(b"content")
    assert len(client("s3").list_object_versions(Bucket=bucket_name("production"))["Versions"]) == 1


def test_s3_is_told_the_digest_and_the_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto neither compares a checksum nor refuses an owner, so the request is looked at."""
    make_bucket("production")
    bucket = bucket_of(read_stack_file("production"))
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(bucket.access.client("s3"), "put_object", lambda **request: asked.append(request))

    bucket.upload(write(tmp_path / "archive", b"abc"), details(b"abc"))

    (request,) = asked
    assert {name: request[name] for name in ("IfNoneMatch", "ChecksumSHA256", "ExpectedBucketOwner")} == {
        "IfNoneMatch": "*",
        "ChecksumSHA256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
        "ExpectedBucketOwner": ACCOUNTS["production"],
    }


def test_an_archive_with_other_bytes_than_its_digest_is_not_pinned(folder: Path) -> None:
    make_bucket("production")
    put_release("production", "1.4.0", sha256="1" * 64)

    with pytest.raises(CommandError, match="has other bytes than its digest says; do not use it"):
        pin("production", "1.4.0", folder)


def test_an_archive_that_somebody_else_uploaded_is_not_pinned(folder: Path) -> None:
    bucket = make_bucket("production")
    client("s3").put_object(Bucket=bucket, Key="releases/1.4.0.tar.gz", Body=b"content", ChecksumAlgorithm="SHA256")

    with pytest.raises(CommandError, match="has no digest, for it was not uploaded with `release upload`"):
        pin("production", "1.4.0", folder)


def test_a_pin_is_the_release_with_the_digest_of_the_bucket(folder: Path) -> None:
    make_bucket("production")
    put_release("production", "1.0.0", OLD)
    digest = put_release("production", "1.4.0", NEW)

    change = pin("production", "1.4.0", folder)

    assert (change.old, change.new.release, change.changed, change.commits) == ("1.0.0", "1.4.0", True, f"{OLD}..{NEW}")
    assert pinned(folder) == ("1.4.0", digest)
    assert pinned(folder, "staging") == pinned(ROOT, "staging")
    assert not pin("production", "1.4.0", folder).changed


@pytest.mark.parametrize("release", ["1.4.0", "1.4"])
def test_a_release_that_is_not_in_the_bucket_is_not_pinned(folder: Path, release: str) -> None:
    make_bucket("production")
    before = pinned(folder)

    with pytest.raises(CommandError, match=f"^The release {release} is not in the bucket {bucket_name('production')};"):
        pin("production", release, folder)

    assert pinned(folder) == before


def test_an_archive_without_a_digest_is_not_pinned(folder: Path) -> None:
    make_bucket("production")
    client("s3").put_object(
        Bucket=bucket_name("production"), Key="releases/1.4.0.tar.gz", Body=b"by hand", ChecksumAlgorithm="CRC32"
    )

    with pytest.raises(CommandError, match="has no digest, for it was not uploaded with `release upload`"):
        pin("production", "1.4.0", folder)


def test_promotion_copies_stagings_pin_and_shows_the_commits(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bucket("production")
    put_release("production", "1.0.0", OLD)
    put_release("production", "1.4.0", NEW)
    pin_staging(folder, "1.4.0", sha256_of(b"1.4.0"))

    change = promote("staging", "production", folder)

    assert (change.stack, change.old, change.new.release, change.commits) == (
        "production",
        "1.0.0",
        "1.4.0",
        f"{OLD}..{NEW}",
    )
    assert pinned(folder) == pinned(folder, "staging") == ("1.4.0", sha256_of(b"1.4.0"))


def pin_staging(folder: Path, release: str, sha256: str) -> None:
    file = folder / "Pulumi.staging.yaml"
    old_release, old_sha256 = pinned(folder, "staging")
    file.write_text(
        file.read_text().replace(f"release: {old_release}", f"release: {release}").replace(old_sha256, sha256)
    )


def test_another_archive_of_that_name_is_not_promoted(folder: Path) -> None:
    make_bucket("production")
    put_release("production", "1.4.0", NEW)
    pin_staging(folder, "1.4.0", "2" * 64)
    before = pinned(folder)

    with pytest.raises(CommandError, match=r"they are not the same release\.$"):
        promote("staging", "production", folder)

    assert pinned(folder) == before


def test_what_production_has_not_got_is_not_promoted(folder: Path) -> None:
    make_bucket("production")
    pin_staging(folder, "1.4.0", "2" * 64)

    with pytest.raises(CommandError, match=r"The release 1\.4\.0 is not in the bucket fixrx-backups-production"):
        promote("staging", "production", folder)
    with pytest.raises(CommandError, match="both are the same"):
        promote("staging", "staging", folder)


def test_credentials_of_another_account_change_nothing(folder: Path) -> None:
    with pytest.raises(NoAccess, match="The credentials are of account 111122223333"):
        pin("staging", "1.4.0", folder)


@pytest.mark.parametrize(
    ("served", "at", "target"),
    [
        (["1.2.0", "1.3.0"], "1.3.0", "1.2.0"),
        (["1.2.0", "1.3.0"], "1.4.0", "1.3.0"),
        (["1.2.0", "1.3.0", "1.3.0"], "1.3.0", "1.2.0"),
        (["1.2.0", "1.3.0", "1.4.0", "1.3.0"], "1.3.0", "1.2.0"),
        (["1.2.0", "1.3.0", "1.4.0", "1.3.0", "1.5.0"], "1.5.0", "1.3.0"),
        (["1.3.0"], "1.3.0", None),
        ([], "1.3.0", None),
    ],
    ids=["the last", "a failed deployment", "a new image between", "twice", "after a way back", "the first", "none"],
)
def test_the_way_back_is_what_was_served_before(served: Sequence[str], at: str, target: str | None) -> None:
    history = [Released(release=each, sha256="", since=NOW) for each in served]

    found = previous(history, at)

    assert (found and found.release) == target


def test_a_rollback_pins_the_release_before_with_its_digest(folder: Path) -> None:
    make_bucket("production")
    for release in ("0.9.0", "1.0.0"):
        put_release("production", release, OLD)
        serve("production", release)

    change = roll_back("production", folder)

    assert (change.old, change.new.release) == ("1.0.0", "0.9.0")
    assert pinned(folder) == ("0.9.0", sha256_of(b"0.9.0"))


def test_a_rollback_without_a_release_before_is_refused(folder: Path) -> None:
    make_bucket("production")
    put_release("production", "1.0.0")
    serve("production", "1.0.0")

    with pytest.raises(CommandError, match=r"^production has served no release before 1\.0\.0; choose one yourself"):
        roll_back("production", folder)


def test_a_rollback_to_other_bytes_than_were_served_is_refused(folder: Path) -> None:
    make_bucket("production")
    put_release("production", "0.9.0")
    value = json.dumps({"release": "0.9.0", "sha256": "3" * 64, "template": 1})
    client("ssm").put_parameter(Name="/fixrx/production/released", Value=value, Type="String")

    with pytest.raises(CommandError, match=r"has the digest .+, and production served 3{64} under that name"):
        roll_back("production", folder)


@pytest.mark.parametrize("value", ["1.0.0", "[]", '{"release": "1.0.0"}'])
def test_a_parameter_that_somebody_else_wrote_is_said(folder: Path, value: str) -> None:
    client("ssm").put_parameter(Name="/fixrx/production/released", Value=value, Type="String")

    with pytest.raises(
        CommandError, match=r"^The parameter /fixrx/production/released was not written by a deployment"
    ):
        read_history(bucket_of(read_stack_file("production", folder)).access, "production")


def served(*pairs: tuple[str, int]) -> list[Released]:
    return [Released(release=release, sha256="", since=NOW - timedelta(days=days)) for release, days in pairs]


@pytest.mark.parametrize(
    ("history", "needed"),
    [
        ([], set()),
        # A release of 45 days ago that was served until 10 days ago, and one that was replaced before.
        (served(("1.1.0", 60), ("1.2.0", 45), ("1.3.0", 10)), {"1.2.0", "1.3.0"}),
        (served(("1.1.0", 400)), {"1.1.0"}),
        (served(("1.1.0", 31), ("1.2.0", 30)), {"1.1.0", "1.2.0"}),
        (served(("1.1.0", 40), ("1.2.0", 31)), {"1.2.0"}),
    ],
)
def test_what_was_served_in_the_last_days_is_needed(history: list[Released], needed: set[str]) -> None:
    assert served_since(history, NOW, 30) == needed


def test_the_newest_and_the_needed_are_kept() -> None:
    archives = [Archive(release=str(number), uploaded=NOW, size=1) for number in range(9, 0, -1)]

    assert [each.release for each in unneeded(archives, 3, {"5", "1", "9"})] == ["6", "4", "3", "2"]
    assert unneeded(archives, 9, set()) == []


def test_a_hidden_release_can_be_brought_back(tmp_path: Path) -> None:
    make_bucket("production")
    put_release("production", "1.0.0")
    bucket = bucket_of(read_stack_file("production"))
    assert bucket.keeps_versions()

    bucket.hide("1.0.0")

    found = client("s3").list_object_versions(Bucket=bucket_name("production"))
    assert releases_in("production") == []
    assert (len(found["Versions"]), len(found["DeleteMarkers"])) == (1, 1)


@pytest.mark.parametrize(
    ("release", "state"),
    [
        ("1.0.0", "served until 2026-11-16 12:00"),
        ("1.1.0", "served since 2026-11-16 12:00"),
        ("1.2.0", "pinned"),
        ("1.3.0", ""),
    ],
)
def test_a_list_tells_what_is_pinned_and_served(release: str, state: str) -> None:
    assert state_of(release, "1.2.0", served(("1.0.0", 20), ("1.1.0", 10))) == state


MANIFEST = {"commit": NEW, "node": "24.1.0", "npm": "11.0.0", "arch": "arm64", "checks": {}}


def archive_of(tmp_path: Path, release: str, **changed: str) -> Path:
    content = tmp_path / f"content-{release}"
    content.mkdir()
    (content / "release.json").write_text(json.dumps({**MANIFEST, "release": release, **changed}))
    write_archive(content, tmp_path / f"{release}.tar.gz", 0)
    return tmp_path / f"{release}.tar.gz"


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    status = main([str(each) for each in arguments])
    captured = capsys.readouterr()
    return status, captured.out if status == 0 else captured.err


def test_the_commands_upload_list_and_prune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_bucket("production")
    for number in range(4):
        archive = archive_of(tmp_path, f"2.0.{number}")
        assert run(capsys, "release", "upload", archive, "--stack", "production")[0] == 0
    put_release("production", "1.0.0")
    serve("production", "2.0.0")

    status, listed = run(capsys, "release", "list", "--stack", "production")
    shown = run(capsys, "release", "prune", "--stack", "production", "--keep", "1")
    before = releases_in("production")
    done = run(capsys, "release", "prune", "--stack", "production", "--keep", "1", "--yes")

    assert status == 0
    assert "2.0.3" in listed and NEW[:12] in listed and "served since" in listed and "pinned" in listed
    assert shown[0] == done[0] == 0
    assert "Nothing was changed." in shown[1] and len(before) == 5
    kept = {each.removeprefix("releases/").removesuffix(".tar.gz") for each in releases_in("production")}
    # The newest, which is one of these three by the seconds of S3's times, and what is pinned and served.
    assert {"1.0.0", "2.0.0"} <= kept <= {"1.0.0", "2.0.0", "2.0.3"}


@pytest.mark.parametrize(
    ("changed", "options", "sentence"),
    [
        ({"node": "22.0.0"}, [], "built with Node 22, and production's servers have 24"),
        ({"arch": "x86_64"}, [], "built for x86_64, and production's servers are arm64"),
        ({}, ["--sha256", "4" * 64], f"and {'4' * 64} is expected"),
    ],
)
def test_an_archive_that_does_not_fit_is_not_uploaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], options: list[str], sentence: str
) -> None:
    make_bucket("production")
    archive = archive_of(tmp_path, "2.0.0", **changed)

    status, said = run(capsys, "release", "upload", archive, "--stack", "production", *options)

    assert (status, releases_in("production")) == (1, [])
    assert sentence in said


def test_a_bucket_that_keeps_no_versions_is_not_pruned(capsys: pytest.CaptureFixture[str]) -> None:
    client("s3").create_bucket(Bucket=bucket_name("production"))
    for release in ("1.1.0", "1.2.0"):
        put_release("production", release)

    status, said = run(capsys, "release", "prune", "--stack", "production", "--keep", "1", "--yes")

    assert (status, len(releases_in("production"))) == (1, 2)
    assert "would be lost for ever" in said
