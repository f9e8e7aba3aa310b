"""What a command says while it works: one line for each step, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

output = Console(highlight=False, emoji=False, soft_wrap=True)
"""Results."""
console = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
"""Progress, warnings and errors."""


def say(sentence: str) -> None:
    """Write a line of the result."""
    output.print(escape(sentence))


def warn(sentence: str) -> None:
    console.print(f"[yellow]warning:[/yellow] {escape(sentence)}")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Show on a terminal that a step runs, and write a line when it is done."""
    started = time.monotonic()
    if sys.stderr.isatty():
        with console.status(escape(f"{title} ...")):
            yield
    else:
        yield
    console.print(escape(f"  {title}: {time.monotonic() - started:.1f} s"))
