"""How the project's commands talk to the person who runs them: errors in one sentence, progress for what takes long.

Everything here goes to the standard error stream, so that a command's standard output stays usable by another program.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

SECONDS_BETWEEN_LINES = 15
"""How often progress is reported where the output is not a terminal, as in a build log."""

console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


class UserError(Exception):
    """An error in terms of the user: what happened, why, and what to do."""


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
    except UserError as error:
        console.print(f"[red]error:[/red] {escape(str(error))}")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        console.print("Interrupted.")
        raise SystemExit(130) from None
    except OSError as error:
        if not disk_full(str(error)):
            raise
        console.print(f"[red]error:[/red] {escape(disk_full_sentence(error.filename))}")
        raise SystemExit(1) from None


def disk_full(message: str) -> bool:
    """Whether a message, from Python, Go or SQLite, says that nothing more can be written."""
    signs = ("no space left on device", "file too large", "disk quota exceeded", "disk is full", "disk i/o error")
    return any(sign in message.lower() for sign in signs)


def disk_full_sentence(place: object = None) -> str:
    """What to tell a user whose disk is full."""
    where = f" to {place}" if place else ""
    return f"Nothing more can be written{where}, because the disk is full: free some space (see `df -h`) and try again."
