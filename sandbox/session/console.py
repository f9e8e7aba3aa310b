"""How the project's commands talk to the person who runs them: errors in one sentence, progress for what takes long.

Everything here goes to the standard error stream, so that a command's standard output stays usable by another program.
"""

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

SECONDS_BETWEEN_LINES = 15
"""How often progress is reported where the output is not a terminal, as in a build log."""

INTERRUPTED_STATUS = 130
"""What shells report for a program that Ctrl-C has ended."""

_DISK_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
_TRIAL_BYTES = 64 * 1024

console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


class UserError(Exception):
    """An error in terms of the user: what happened, why, and what to do."""


class Interrupted(UserError):
    """Ctrl-C, when there is something to say about it."""


class Progress:
    """Reports one long step: a line that moves on a terminal, a new line every now and then elsewhere."""

    def __init__(self, output: Console, text: str) -> None:
        self._output = output
        self._text = text
        self._status = output.status(escape(text))
        self._started = time.monotonic()
        self._reported = self._started

    def __enter__(self) -> "Progress":
        if self._output.is_terminal:
            self._status.start()
        else:
            self._output.print(escape(f"{self._text} ..."))
        return self

    def __exit__(self, *_: object) -> None:
        # Elsewhere than on a terminal, stopping would print the text once more.
        if self._output.is_terminal:
            self._status.stop()

    def update(self, detail: str) -> None:
        """Says how far the step has come."""
        now = time.monotonic()
        line = f"{self._text}: {detail} ({now - self._started:.0f} s)"
        if self._output.is_terminal:
            self._status.update(escape(line))
        elif now - self._reported >= SECONDS_BETWEEN_LINES:
            self._reported = now
            self._output.print(escape(line))


@contextmanager
def errors_in_one_sentence() -> Iterator[None]:
    """Ends the command with the sentence of a UserError, or the cause of a full disk, instead of a traceback."""
    try:
        yield
    except Interrupted as error:
        console.print(escape(str(error)))
        raise SystemExit(INTERRUPTED_STATUS) from None
    except UserError as error:
        console.print(f"[red]error:[/red] {escape(str(error))}")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        console.print("Interrupted.")
        raise SystemExit(INTERRUPTED_STATUS) from None
    except OSError as error:
        console.print(f"[red]error:[/red] {escape(_operating_system_error(error))}")
        raise SystemExit(1) from None


def _operating_system_error(error: OSError) -> str:
    place = f" {error.filename}" if error.filename else ""
    if error.errno in _DISK_FULL:
        return disk_full_sentence(error.filename)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return (
            f"{error.filename or 'A file'!s} cannot be used ({error.strerror}): give yourself the right to write there."
        )
    return f"The operating system refused to go on{place and ' with'}{place}: {error.strerror or error}."


def disk_full(directory: Path) -> bool:
    """Whether a small file cannot be written to a directory, tried out: another program's message proves nothing."""
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"0" * _TRIAL_BYTES)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in _DISK_FULL
    return False


def disk_full_sentence(place: object = None) -> str:
    """What to tell a user whose disk is full."""
    where = f" to {place}" if place else ""
    return f"Nothing more can be written{where}, because the disk is full: free some space (see `df -h`) and try again."
