"""Ways to change a state, and what a case of a broken rule is made of."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.policies.exported import ACCOUNT, UNKNOWN_SENTINEL, State, arn, document

Change = Callable[[State], object]


@dataclass(frozen=True)
class Case:
    """One way to break a rule."""

    rule: str
    subject: str
    """Logical name of the resource that the finding is about."""
    change: Change
    unknown: tuple[str, str] | None
    """Resource and property that leave the verdict on the subject open; None where no property can."""
    also: tuple[tuple[str, str], ...] = ()
    """Rules that rightly find the same change, each with its subject."""


def put(name: str, path: str, value: Any) -> Change:
    """Set a property of a resource, before and after deployment."""

    def change(state: State) -> None:
        entry = state.find(name)
        for side in ("inputs", "outputs"):
            _put(entry[side], path.split("."), value)

    return change


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

    return change


def remove(name: str) -> Change:
    """Leave out a resource."""
    return lambda state: state.entries.remove(state.find(name))


def unprotect(name: str) -> Change:
    """Let Pulumi delete a resource."""
    return lambda state: state.find(name).update(protect=False)


def refer(name: str, key: str, target: str, output: str = "id") -> Change:
    """Point a property at another resource."""

    def change(state: State) -> None:
        put(name, key, state.find(target)["outputs"][output])(state)
        state.find(name)["propertyDependencies"][key] = [state.find(target)["urn"]]

    return change


def add(kind: str, name: str, inputs: dict[str, Any]) -> Change:
    """Add a resource."""
    return lambda state: state.add(kind, name, inputs)


def both(*changes: Change) -> Change:
    """Make several changes."""

    def change(state: State) -> None:
        for one in changes:
            one(state)

    return change


def hide(name: str, path: str) -> Change:
    """Make a value unknown, as it is before deployment, without a word about what it will come from."""

    def change(state: State) -> None:
        put(name, path, UNKNOWN_SENTINEL)(state)
        state.find(name)["propertyDependencies"].pop(path.partition(".")[0], None)

    return change


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
