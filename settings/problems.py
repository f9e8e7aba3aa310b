"""How an invalid configuration is reported: every problem with its key, all at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from settings.stack import PROJECT


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem of a configuration: the key, what is wrong with its value, and what to set."""

    key: str
    what: str

    def __str__(self) -> str:
        return f"{PROJECT}:{self.key}: {self.what}"


class InvalidSettings(pulumi.RunError):
    """A configuration that cannot be deployed. Pulumi prints its message without a traceback."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"The stack's configuration has {count}; nothing was changed:\n{lines}")
