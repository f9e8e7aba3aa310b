"""Ways to change a state, and what a case of a broken rule is made of."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.policies.exported import ACCOUNT, UNKNOWN_SENTINEL, State, arn, document

WHOLE = ""
"""Instead of a path: the resource as a whole."""
PROTECT = "protect"
"""Instead of a path: Pulumi's option of that name."""


@dataclass(frozen=True)
class Change:
    """A change of a state, which says what it changes."""

    apply: Callable[[State], object]
    fields: frozenset[tuple[str, str]]
    """Logical names of resources, each with the path of the property that changes."""

    def __call__(self, state: State) -> None:
        self.apply(state)


@dataclass(frozen=True)
class Case:
    """One way to break a rule."""

    rule: str
    subject: str
    """Logical name of the resource that the finding is about."""
    change: Change
    unknown: tuple[str, str] | None
    """Resource and property that leave the verdict on the subject undetermined; None where no property can."""
    also: tuple[tuple[str, str], ...] = ()
    """Rules that rightly find the same change, each with its subject."""


def put(name: str, path: str, value: Any) -> Change:
    """Set a property of a resource, before and after deployment."""

    def change(state: State) -> None:
        entry = state.find(name)
        for side in ("inputs", "outputs"):
            _put(entry[side], path.split("."), value)

    return Change(change, frozenset({(name, path)}))


def _put(target: Any, steps: list[str], value: Any) -> None:
    *parents, last = [int(step) if step.isdecimal() else step for step in steps]
    for step in parents:
        target = target[step] if isinstance(step, int) else target.setdefault(step, {})
    target[last] = value


def drop(name: str, key: str) -> Change:
    """Leave out a property of a resource."""

    def change(state: State) -> None:
        entry = state.find(name)
        for side in ("inputs", "outputs"):
            entry[side].pop(key, None)
        entry["propertyDependencies"].pop(key, None)

    return Change(change, frozenset({(name, key)}))


def remove(name: str) -> Change:
    """Leave out a resource."""
    return Change(lambda state: state.entries.remove(state.find(name)), frozenset({(name, WHOLE)}))


def unprotect(name: str) -> Change:
    """Let Pulumi delete a resource."""
    return Change(lambda state: state.find(name).update(protect=False), frozenset({(name, PROTECT)}))


def refer(name: str, key: str, target: str, output: str = "id") -> Change:
    """Point a property at another resource."""

    def change(state: State) -> None:
        put(name, key, state.find(target)["outputs"][output])(state)
        state.find(name)["propertyDependencies"][key] = [state.find(target)["urn"]]

    return Change(change, frozenset({(name, key)}))


def add(resource_type: str, name: str, inputs: dict[str, Any]) -> Change:
    """Add a resource."""
    return Change(lambda state: state.add(resource_type, name, inputs), frozenset({(name, WHOLE)}))


def both(*changes: Change) -> Change:
    """Make several changes."""

    def change(state: State) -> None:
        for one in changes:
            one(state)

    return Change(change, frozenset().union(*(one.fields for one in changes)))


def hide(name: str, path: str) -> Change:
    """Make a value unknown, as it is before deployment, without a dependency that says where it will come from."""

    def change(state: State) -> None:
        put(name, path, UNKNOWN_SENTINEL)(state)
        state.find(name)["propertyDependencies"].pop(path.partition(".")[0], None)

    return Change(change, frozenset({(name, path)}))


def changed_fields(before: State, after: State) -> set[tuple[str, str]]:
    """Return what differs between two states: logical names of resources with the paths of single values."""
    old, new = ({entry["urn"]: entry for entry in state.entries} for state in (before, after))
    return {
        (urn.rpartition("::")[2], path)
        for urn in old.keys() | new.keys()
        if old.get(urn) != new.get(urn)
        for path in _differing(_fields(old.get(urn)), _fields(new.get(urn)))
    }


def _differing(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def _fields(entry: dict[str, Any] | None) -> dict[str, Any]:
    if entry is None:
        return {}
    found: dict[str, Any] = {WHOLE: True, PROTECT: entry["protect"]}
    for side in ("inputs", "outputs", "propertyDependencies"):
        for path, value in _values(entry[side]):
            found.setdefault(path, []).append(value)
    return found


def _values(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single value with its path; an empty object or list is one."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    if above and not items:
        yield above, value
    for key, item in items:
        yield from _values(item, f"{above}.{key}" if above else str(key))


def session(**changes: Any) -> str:
    """Return the good platform's session document with other inputs."""
    good = {"cloudWatchLogGroupName": "sessions", "cloudWatchEncryptionEnabled": True, "idleSessionTimeout": "20"}
    return json.dumps({"schemaVersion": "1.0", "sessionType": "Standard_Stream", "inputs": {**good, **changes}})


def granting(**changes: Any) -> dict[str, Any]:
    """Return the statement of the good platform's topic, with changes."""
    return {
        "Sid": "AlarmsPublish",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": arn("topic"),
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        **changes,
    }


def trusting(service: str, **changes: Any) -> str:
    """Return a trust policy."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **changes}
    return document(statement)
