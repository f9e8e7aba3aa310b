"""Recognises a resource that was only renamed: without an alias, Pulumi deletes the old one and creates another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from review.plan import Change, Kind, Plan

LEAST_LIKENESS = 0.7
"""The part of the inputs that must be equal. Names differ in a rename, and references to what was renamed with it."""

_NAMES = ("__defaults", "tags", "tagsAll", "name", "namePrefix", "bucket", "identifier")


@dataclass(frozen=True, kw_only=True)
class Rename:
    """A deletion and a creation that look like one resource under two names."""

    old: Change
    new: Change

    def __str__(self) -> str:
        return (
            f"{self.new.title} looks like a rename of {self.old.name}: to keep what is deployed, give the new one "
            f'aliases=["{self.old.urn}"]'
        )


def renames(plan: Plan) -> list[Rename]:
    """The renames in a plan; of a component and what is in it, the component alone."""
    found: list[Rename] = []
    created = plan.of(Kind.CREATE)
    for old in plan.of(Kind.DELETE):
        candidates = [new for new in created if new.type == old.type and not _taken(found, new)]
        likeness = {new.urn: _likeness(plan, old, new) for new in candidates}
        best = max(candidates, key=lambda new: likeness[new.urn], default=None)
        if best is not None and likeness[best.urn] >= LEAST_LIKENESS:
            found.append(Rename(old=old, new=best))
    parents = {rename.old.urn: rename.new.urn for rename in found}
    return [rename for rename in found if parents.get(rename.old.parent) != rename.new.parent or not rename.old.parent]


def _taken(found: list[Rename], new: Change) -> bool:
    return any(rename.new.urn == new.urn for rename in found)


def _likeness(plan: Plan, old: Change, new: Change) -> float:
    """The part of the inputs that is equal. Most components have none: they are alike if the same types are in them."""
    before, after = _compared(old.old), _compared(new.new)
    if not before and not after:
        inside = [sorted(_types_in(plan, change)) for change in (old, new)]
        return 1.0 if inside[0] == inside[1] and inside[0] else 0.0
    keys = {*before, *after}
    return float(sum(before.get(key) == after.get(key) for key in keys)) / len(keys)


def _compared(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key not in _NAMES}


def _types_in(plan: Plan, component: Change) -> list[str]:
    changes = [*plan.of(Kind.DELETE), *plan.of(Kind.CREATE)]
    return [change.type for change in changes if change.parent == component.urn]
