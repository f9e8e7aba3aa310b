"""Locks on files: one command at a time, since two would work on the same state."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.session.console import Progress, UserError, console

ENGINE_TIMEOUT_SECONDS = 120
"""An engine whose command was killed finishes the steps under way, or, if it runs no program, the whole operation."""

_POLL_SECONDS = 0.05


@contextmanager
def alone(directory: Path) -> Iterator[int]:
    """Holds the lock of a sandbox, and yields its file descriptor for the engine to inherit.

    Raises UserError if another command holds it. An engine that has outlived its command is waited for.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        if not acquire(lock.fileno()):
            lock.seek(0)
            holder = lock.read().strip()
            if not holder.isdigit() or _exists(int(holder)):
                raise UserError(
                    f"Another command uses the sandbox (process {holder}), and only one can at a time: "
                    "wait until it has ended, or end it."
                )
            with Progress(console, "Waiting for the engine of a command that was killed"):
                ended = wait_until(lambda: acquire(lock.fileno()), ENGINE_TIMEOUT_SECONDS)
            if not ended:
                raise UserError(
                    f"The engine of a command that was killed still runs after {ENGINE_TIMEOUT_SECONDS} s: "
                    "end the process `pulumi`, and try again."
                )
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock.fileno()


def acquire(descriptor: int) -> bool:
    """Takes the lock of an open file for this process and those that inherit the file; whether nobody else had it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Waits for a condition, at most as long as given; whether it has come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
