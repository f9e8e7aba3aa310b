"""The archive by itself: which bytes it has, and what it refuses."""

import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.access import CommandError
from delivery.archive import read_manifest, sha256_of, write_archive

MANIFEST = '{"release": "1.0.0", "commit": "%s", "node": "24.1.0", "npm": "11.0.0", "arch": "arm64", "checks": {}}' % (
    "a" * 40
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    (made / "release.json").write_text(MANIFEST)
    return made


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as content:
        return content.getnames()


def test_neither_time_nor_mode_of_this_machine_is_in_the_archive(folder: Path, tmp_path: Path) -> None:
    first = write_archive(folder, tmp_path / "first.tar.gz", 1000)
    os.utime(folder / "release.json", (5, 5))
    (folder / "release.json").chmod(0o600)

    assert write_archive(folder, tmp_path / "second.tar.gz", 1000) == first
    assert sha256_of(tmp_path / "second.tar.gz") == first
    assert write_archive(folder, tmp_path / "third.tar.gz", 1001) != first


def test_entries_are_in_the_order_of_their_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("b", "B", "a-b", "ä", "a/z"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)

    write_archive(folder, tmp_path / "archive.tar.gz", 0)

    assert names(tmp_path / "archive.tar.gz") == ["B", "a", "a-b", "a/z", "b", "release.json", "ä"]


def test_what_npm_notes_for_itself_is_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "node_modules" / ".cache" / "babel").mkdir(parents=True)
    (folder / "node_modules" / ".cache" / "babel" / "1.json").write_text("{}")
    (folder / "node_modules" / ".package-lock.json").write_text("{}")
    (folder / "node_modules" / "ws").mkdir()
    (folder / "node_modules" / "ws" / ".package-lock.json").write_text("{}")

    write_archive(folder, tmp_path / "archive.tar.gz", 0)

    assert names(tmp_path / "archive.tar.gz") == [
        "node_modules",
        "node_modules/ws",
        "node_modules/ws/.package-lock.json",
        "release.json",
    ]


def test_gnu_tar_unpacks_it(folder: Path, tmp_path: Path) -> None:
    """A server has GNU tar. A path of more than 256 characters takes an entry that not every tar knows."""
    deep = Path(*["package" * 9] * 6) / "index.js"
    (folder / deep).parent.mkdir(parents=True)
    (folder / deep).write_text("deep")
    (folder / "command").write_text("#!/bin/sh\n")
    (folder / "command").chmod(0o700)
    (folder / "link").symlink_to("command")
    write_archive(folder, tmp_path / "archive.tar.gz", 1795680000)
    target = tmp_path / "target"
    target.mkdir()

    subprocess.run(["tar", "-xzf", tmp_path / "archive.tar.gz", "-C", target], check=True, timeout=60)

    assert (target / deep).read_text() == "deep"
    assert os.readlink(target / "link") == "command"
    assert (target / "command").stat().st_mode & 0o777 == 0o755 & ~current_umask()
    assert (target / "release.json").stat().st_mtime == 1795680000


def current_umask() -> int:
    """Files of the superuser keep the mode of the archive."""
    umask = os.umask(0)
    os.umask(umask)
    return 0 if os.geteuid() == 0 else umask


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside", ".."])
def test_a_link_out_of_the_release_is_refused(folder: Path, tmp_path: Path, target: str) -> None:
    (folder / "link").symlink_to(target)

    with pytest.raises(CommandError, match=r"^link is a link to .+, which is not in the release: copy the file"):
        write_archive(folder, tmp_path / "archive.tar.gz", 0)

    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_a_socket_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(CommandError, match=r"^socket is neither a file nor a folder nor a link; remove it\.$"):
            write_archive(folder, tmp_path / "archive.tar.gz", 0)


def test_the_manifest_is_read_back(folder: Path, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "archive.tar.gz", 0)

    assert (
        read_manifest(tmp_path / "archive.tar.gz").release,
        read_manifest(tmp_path / "archive.tar.gz").node_major,
    ) == (
        "1.0.0",
        "24",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "has no release.json; build it with `release build`."),
        ("{", "release.json is not one of `release build` (no JSON); build it again."),
        (MANIFEST.replace("arm64", "riscv"), "release.json is not one of `release build` (arch); build it again."),
        (MANIFEST.replace("1.0.0", "../x"), "release.json is not one of `release build` (release); build it again."),
        (
            "{}",
            "release.json is not one of `release build` (arch, checks, commit, node, npm, release); build it again.",
        ),
    ],
)
def test_an_archive_without_its_manifest_is_refused(
    folder: Path, tmp_path: Path, text: str | None, sentence: str
) -> None:
    (folder / "release.json").unlink()
    if text is not None:
        (folder / "release.json").write_text(text)
    write_archive(folder, tmp_path / "archive.tar.gz", 0)

    with pytest.raises(CommandError) as raised:
        read_manifest(tmp_path / "archive.tar.gz")
    assert str(raised.value).endswith(sentence)


@given(cut=st.integers(min_value=0, max_value=300))
def test_a_file_that_is_cut_off_or_no_archive_is_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    (folder / "content").mkdir()
    (folder / "content" / "release.json").write_text(MANIFEST)
    archive = folder / "archive.tar.gz"
    write_archive(folder / "content", archive, 0)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: min(cut, len(whole) // 2)])

    with pytest.raises(CommandError, match=r"is no archive of a release, or is cut off; build it again\.$"):
        read_manifest(archive)


def test_an_archive_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"does not exist; `release build` makes archives\.$"):
        read_manifest(tmp_path / "archive.tar.gz")
