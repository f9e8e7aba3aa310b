"""A plan, or what was carried out of it, read from the engine's events."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import StepEventMetadata

from review.differences import Difference, differences

STACK_TYPE = "pulumi:pulumi:Stack"
_PROVIDERS = "pulumi:providers:"


class Kind(StrEnum):
    """What happens to a resource; the value is the past participle for a sentence."""

    DELETE = "deleted"
    REPLACE = "replaced"
    UPDATE = "updated"
    CREATE = "created"
    SAME = "unchanged"


_KINDS = {
    OpType.CREATE: Kind.CREATE,
    OpType.IMPORT: Kind.CREATE,
    OpType.UPDATE: Kind.UPDATE,
    OpType.REPLACE: Kind.REPLACE,
    OpType.DELETE: Kind.DELETE,
    OpType.SAME: Kind.SAME,
    OpType.READ: Kind.SAME,
}
"""A replacement's own create and delete are part of it and have no entry."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource."""

    kind: Kind
    urn: str
    type: str
    parent: str = ""
    old: Mapping[str, Any] = field(default_factory=dict)
    """Inputs before, secrets masked; empty for a resource that is new."""
    new: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What the provider says of the resource, secrets masked; empty for one that goes."""
    causes: frozenset[str] = frozenset()
    """The inputs that force a replacement, or the paths of the values in them, as the provider says it."""
    retained: bool = False
    """Whether the resource stays in AWS when Pulumi gives it up."""

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rpartition("::")[2]

    @property
    def title(self) -> str:
        """The resource as a person names it."""
        return title_of(self.urn)

    @cached_property
    def differences(self) -> list[Difference]:
        """The inputs that differ; none for a resource that comes or goes as a whole."""
        return differences(self.old, self.new) if self.kind in (Kind.UPDATE, Kind.REPLACE) else []

    def forces(self, difference: Difference) -> bool:
        """Whether a difference forces the replacement."""
        return any(_overlap(difference.path, cause) for cause in self.causes)

    @property
    def unseen_causes(self) -> list[str]:
        """What forces the replacement and does not differ as far as it is shown."""
        paths = [difference.path for difference in self.differences]
        return sorted(cause for cause in self.causes if not any(_overlap(path, cause) for path in paths))


def _overlap(one: str, other: str) -> bool:
    """Whether two paths are the same, or one leads into what the other names."""
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) and longer[len(shorter) :][:1] in ("", ".", "[")


def title_of(urn: str) -> str:
    """A resource as a person names it: its type's last part and its logical name."""
    qualified_type, _, name = urn.rpartition("::")
    return f"{qualified_type.rpartition(':')[2]} {name}"


class Plan:
    """The changes by URN, in the order in which the engine reported them."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        self._changes = {change.urn: change for change in changes}

    @classmethod
    def from_event_log(cls, text: str) -> "Plan":
        """Reads what `pulumi preview --event-log <file>` writes. Raises ValueError for another file."""
        plan = cls()
        for line in text.splitlines():
            event = json.loads(line)
            if not isinstance(event, dict) or "sequence" not in event:
                raise ValueError(line)
            plan.add(EngineEvent.from_json(event))
        if not plan._changes:
            raise ValueError("no resource")
        return plan

    def add(self, event: EngineEvent) -> None:
        """Takes note of one event of the engine."""
        if event.resource_pre_event:
            self._add_step(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            # What a refresh has found is known only now.
            self._add_step(event.res_outputs_event.metadata)

    def add_change(self, change: Change) -> None:
        """Adds a change that the engine has refused before it reported it."""
        self._changes[change.urn] = change

    def of(self, kind: Kind) -> list[Change]:
        """The changes of one kind; the stack itself is no resource, and Pulumi's providers stand for nothing in AWS."""
        return [change for change in self._resources() if change.kind is kind]

    def all(self) -> list[Change]:
        """Every resource, also those that stay as they are."""
        return list(self._resources())

    def totals(self) -> Counter[Kind]:
        """How many changes there are of each kind."""
        return Counter(change.kind for change in self._resources())

    def _resources(self) -> Iterator[Change]:
        for change in self._changes.values():
            if change.type != STACK_TYPE and not change.type.startswith(_PROVIDERS):
                yield change

    def component(self, change: Change) -> str:
        """The logical name of the resource directly below the stack that a resource descends from."""
        seen = {change.urn}
        while (parent := self._changes.get(change.parent)) and parent.type != STACK_TYPE and parent.urn not in seen:
            change = parent
            seen.add(change.urn)
        return change.name

    def _add_step(self, step: StepEventMetadata) -> None:
        kind = _KINDS.get(step.op)
        if kind is None:
            return
        before, after = step.old, step.new
        state = after or before
        self._changes[step.urn] = Change(
            kind=kind,
            urn=step.urn,
            type=step.type,
            parent=state.parent if state else "",
            old=(before.inputs or {}) if before else {},
            new=(after.inputs or {}) if after else {},
            outputs=(after.outputs or {}) if after else {},
            causes=frozenset(key.removeprefix(".") for key in step.keys or ()) if kind is Kind.REPLACE else frozenset(),
            retained=bool(before and before.retain_on_delete),
        )
