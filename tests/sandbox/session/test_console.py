"""Errors of the operating system in a user's words; a full disk is found by writing, never by words in a text."""

import errno
import os
import resource
from pathlib import Path

import pytest

from sandbox.session.console import disk_full, errors_in_one_sentence


def test_disk_with_space_is_not_full(tmp_path: Path) -> None:
    assert not disk_full(tmp_path)


def test_disk_that_takes_no_more_is_full(tmp_path: Path) -> None:
    """In a process of its own, whose files may not grow: the same error as on a full disk, but for its number."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        os._exit(0 if disk_full(tmp_path) else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "/x/state.json"),
            "Nothing more can be written to /x/state.json, because the disk is full: free some space (see `df -h`) and "
            "try again.",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/x/lock"),
            "/x/lock cannot be used (Read-only file system): give yourself the right to write there.",
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            "The operating system refused to go on: Too many open files.",
        ),
    ],
)
def test_operating_systems_error_is_one_sentence(
    error: OSError, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, errors_in_one_sentence():
        raise error
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"error: {sentence}\n"
