"""`approvals.yaml`: who accepts that something which holds data is deleted or replaced, and until when.

- urn: urn:pulumi:production::fixrx::fixrx:components:Database$aws:rds/instance:Instance::database-replica
  action: replace
  owner: ops@fixrx.com
  until: 2026-12-31
  reason: The replica moves to another subnet group; it is filled again from the primary.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from review.consequences import loss
from review.plan import Change, Kind, Plan

ACTIONS = {Kind.DELETE: "delete", Kind.REPLACE: "replace"}
"""What an entry calls the two kinds of change that it can permit."""


class ApprovalError(Exception):
    """The file cannot be read as approvals; the message says why and how to mend it."""


class Approval(BaseModel):
    """One accepted deletion or replacement."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    urn: str
    action: Literal["delete", "replace"]
    owner: str
    until: date
    """The last day on which it counts: the entry of one deployment must not permit the next one."""
    reason: str


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A loss that nobody has accepted."""

    change: Change
    why: str


class Approvals:
    """The entries of a file."""

    def __init__(self, entries: Iterable[Approval], path: Path) -> None:
        self._entries = tuple(entries)
        self.path = path

    @classmethod
    def read(cls, path: Path) -> "Approvals":
        """Reads a file; one that does not exist has no entries. Raises ApprovalError if it is not as above."""
        if not path.exists():
            return cls((), path)
        try:
            content = yaml.safe_load(path.read_text())
            return cls(TypeAdapter(list[Approval]).validate_python(content or []), path)
        except yaml.YAMLError as error:
            raise ApprovalError(f"{path.name} is not valid YAML: {error}") from None
        except ValidationError as error:
            raise ApprovalError(f"{path.name} is wrong: {_explained(error)}") from None

    def missing(self, plan: Plan, today: date) -> list[Missing]:
        """The losses of a plan that no entry accepts today."""
        found = []
        for kind, action in ACTIONS.items():
            for change in plan.of(kind):
                if loss(change) is not None and (why := self._objection(change, action, today)):
                    found.append(Missing(change=change, why=why))
        return found

    def _objection(self, change: Change, action: str, today: date) -> str | None:
        entries = [entry for entry in self._entries if entry.urn == change.urn and entry.action == action]
        if not entries:
            return f"no entry in {self.path.name}"
        latest = max(entry.until for entry in entries)
        return f"the entry in {self.path.name} counted until {latest:%Y-%m-%d}" if latest < today else None


def entry_for(change: Change, today: date) -> list[str]:
    """The lines to add to the file, with the owner and the reason to fill in."""
    return [
        f"- urn: {change.urn}",
        f"  action: {ACTIONS[change.kind]}",
        "  owner: <who answers for it>",
        f"  until: {today:%Y-%m-%d}",
        "  reason: <why, and where the data is now>",
    ]


def _explained(error: ValidationError) -> str:
    problems = []
    for each in error.errors():
        number, *fields = each["loc"] or ("",)
        place = f"entry {int(number) + 1}" if isinstance(number, int) else "the file"
        if each["type"] == "missing":
            problems.append(f"{place} has no `{fields[0]}`")
        elif each["type"] == "extra_forbidden":
            problems.append(f"{place}: `{fields[0]}` is not one of {', '.join(Approval.model_fields)}")
        elif fields:
            problems.append(f"{place}: `{fields[0]}` must be {_EXPECTED[str(fields[0])]}")
        else:
            problems.append("it must be a list of entries, each with " + ", ".join(Approval.model_fields))
    return "; ".join(problems)


_EXPECTED = {
    "urn": "a URN as the preview prints it",
    "action": "`delete` or `replace`",
    "owner": "a person or a team",
    "until": "a day such as 2026-12-31, without quotes",
    "reason": "a sentence",
}
