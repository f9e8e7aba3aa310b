"""Reads what `pulumi stack export` writes, so that the pack runs without engine, account or network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.engine.resource import (
    ENCRYPTED,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    StackResource,
    judged_by_inputs,
    mark_secret,
    readable,
)


class StateError(ValueError):
    """The file is not an exported state."""


@dataclass(frozen=True)
class State:
    """The resources of an exported state, once with their inputs and once with their outputs."""

    inputs: Sequence[StackResource]
    outputs: Sequence[StackResource]
    stack: str
    """Name of the stack, "an empty stack" if it has no resource."""


def read_state(path: Path) -> State:
    """Read an exported state. Raises StateError if the file is not one."""
    try:
        exported = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise StateError(f"There is no deployed state to judge: {path} does not exist. Run `make up` first.") from error
    except (OSError, ValueError) as error:
        raise StateError(f"{path} is not a readable JSON file ({error}).") from error
    return state_of(exported)


def state_of(exported: Any) -> State:
    """Return the resources of an exported state. Raises StateError if it has no list of resources."""
    try:
        entries = exported["deployment"].get("resources") or []
    except (KeyError, TypeError, AttributeError) as error:
        raise StateError("This is not what `pulumi stack export` writes: it has no deployment.") from error
    kept = [entry for entry in entries if not entry.get("delete")]
    return State(
        inputs=[_resource(entry, "inputs") for entry in kept],
        outputs=[_resource(entry, "outputs") for entry in kept],
        stack=kept[0]["urn"].split(":")[2] if kept else "an empty stack",
    )


def _resource(entry: Mapping[str, Any], side: str) -> StackResource:
    told = "inputs" if judged_by_inputs(entry["type"]) else side
    properties = {name: _value(value) for name, value in (entry.get(told) or {}).items()}
    if side == "outputs" and entry.get("id"):
        # Other resources refer to the id, which not every provider repeats among the outputs.
        properties.setdefault("id", entry["id"])
    return StackResource(
        urn=entry["urn"],
        type_token=entry["type"],
        properties=properties,
        protect=bool(entry.get("protect")),
        parent=entry.get("parent") or "",
        dependencies=entry.get("dependencies") or (),
        property_dependencies={name: urns or () for name, urns in (entry.get("propertyDependencies") or {}).items()},
    )


def _value(value: Any) -> Any:
    match value:
        case dict() if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            return mark_secret(json.loads(value["plaintext"])) if "plaintext" in value else ENCRYPTED
        case dict():
            return {name: _value(item) for name, item in value.items()}
        case list():
            return [_value(item) for item in value]
        case str():
            return readable(value)
        case _:
            return value
