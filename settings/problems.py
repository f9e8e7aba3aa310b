"""How an invalid configuration is reported: every problem with its key, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from settings.stack import PROJECT

LONGEST_KEY = 80
"""In characters; a longer key is no setting, and may be a value in the wrong place."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem of a configuration: the key, what is wrong with its value, and what to set."""

    key: str
    what: str
    namespace: str = PROJECT
    """Before the colon of the key; empty for what is no setting, such as the file as a whole."""

    def __str__(self) -> str:
        key = self.key if self.key.isprintable() else ascii(self.key)[1:-1]
        key = key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}..."
        return f"{self.namespace}:{key}: {self.what}" if self.namespace else f"{key}: {self.what}"


class InvalidSettings(Exception):
    """A configuration that cannot be deployed. Its message names every problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        super().__init__(report(problems))


def report(problems: Sequence[Problem]) -> str:
    """Return the problems as text, one a line below a heading."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = "\n".join(f"  {problem}" for problem in problems)
    return f"The stack's configuration has {count}; nothing was changed:\n{lines}"
