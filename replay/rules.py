"""The rule of a composite alarm: ALARM, OK and INSUFFICIENT_DATA of other alarms, joined by AND, OR and NOT."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from replay.evaluation import State

_TOKEN = re.compile(
    r"""\b(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<plain>[^")\s]+))\s*\)
    |\b(?P<word>AND|OR|NOT|TRUE|FALSE)\b""",
    re.VERBOSE,
)
_PYTHON = {"AND": "and", "OR": "or", "NOT": "not", "TRUE": "True", "FALSE": "False"}


class RuleError(ValueError):
    """The rule is wrong, or beyond this module."""


def alarm_name(reference: str) -> str:
    """Return the name in a reference to an alarm, which is a name or an ARN."""
    return reference.partition(":alarm:")[2] if reference.startswith("arn:") else reference


@dataclass(frozen=True)
class Rule:
    """A rule. Raises RuleError if it cannot be read."""

    text: str

    def __post_init__(self) -> None:
        self.holds(dict.fromkeys(self.names(), State.OK))

    def names(self) -> set[str]:
        """Return the names of the alarms that it looks at."""
        return {alarm_name(found["quoted"] or found["plain"]) for found in _TOKEN.finditer(self.text) if found["state"]}

    def holds(self, states: Mapping[str, State]) -> bool:
        """Say whether the rule is true."""
        try:
            tree = ast.parse(_TOKEN.sub(_translated, " ".join(self.text.split())), mode="eval").body
        except SyntaxError as error:
            raise RuleError(f"the rule {self.text}") from error
        return self._holds(tree, states)

    def _holds(self, node: ast.expr, states: Mapping[str, State]) -> bool:
        match node:
            case ast.Constant(value=bool() as value):
                return value
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self._holds(operand, states)
            case ast.BoolOp(op=sign, values=values):
                # All of them, so that a wrong one is found when the rule is read.
                held = [self._holds(value, states) for value in values]
                return all(held) if isinstance(sign, ast.And) else any(held)
            case ast.Call(func=ast.Name(id=state), args=[ast.Constant(value=str() as reference)]):
                return states[alarm_name(reference)] == state
            case _:
                raise RuleError(f"the rule {self.text}")


def _translated(token: "re.Match[str]") -> str:
    """A token in Python's spelling."""
    if token["state"]:
        return f"{token['state']}({token['quoted'] or token['plain']!r})"
    return _PYTHON[token["word"]]
