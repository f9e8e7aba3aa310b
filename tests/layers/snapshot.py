"""The snapshot of a stack: every resource with its inputs, as the program registers it.

    python -m tests.layers.snapshot

renews both files after an intended change. They are read in review: a changed identity is a replaced resource.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import rpc

from components.shared.host import decoded
from tests.recorder import REPOSITORY, Recording, Registration, record_stack

SNAPSHOTS = Path(__file__).parent / "snapshots"
STACKS = ("production", "staging")
RENEW = "python -m tests.layers.snapshot"


def snapshot_of(recording: Recording) -> Mapping[str, Any]:
    """Return the resources by type and name, in alphabetical order: the order of registration is not stable."""
    described = {f"{each.type} {each.name}": _describe(each) for each in recording.registrations}
    return dict(sorted(described.items()))


def committed(environment: str) -> Mapping[str, Any]:
    """Return the snapshot in the repository."""
    content: Mapping[str, Any] = yaml.load(path_of(environment).read_text(), yaml.CSafeLoader)
    return content


def path_of(environment: str) -> Path:
    return SNAPSHOTS / f"{environment}.yaml"


def write(environment: str) -> None:
    """Renew the snapshot of one stack."""
    text = yaml.dump(snapshot_of(record_stack(environment)), Dumper=yaml.CSafeDumper, sort_keys=False, width=120)
    path_of(environment).write_text(text)


def _describe(resource: Registration) -> Mapping[str, Any]:
    """Tags are left out: they are the same everywhere, and `test_graph.py` asserts them."""
    options = {
        "protect": resource.protect,
        "ignore_changes": list(resource.ignore_changes),
        "delete_before_replace": resource.delete_before_replace,
        "aliases": list(resource.aliases),
        "depends_on": list(resource.depends_on),
    }
    inputs = {key: _readable(value) for key, value in sorted(resource.inputs.items()) if key != "tags"}
    if "userData" in inputs:
        inputs["userData"] = decoded(inputs["userData"])
    return {
        "parent": resource.parent,
        **{name: value for name, value in options.items() if value},
        "inputs": inputs,
    }


def _readable(value: Any) -> Any:
    """Return a value as a reviewer reads it: a secret hidden, a JSON document as its content, whole numbers whole."""
    if isinstance(value, pulumi.AssetArchive):
        # Its packages; the files of a library change with its version.
        return sorted({name.partition("/")[0] for name in value.assets if ".dist-info/" not in name})
    if rpc.is_rpc_secret(value):
        return "[secret]"
    if isinstance(value, Mapping):
        return {key: _readable(each) for key, each in sorted(value.items())}
    if isinstance(value, list):
        return [_readable(each) for each in value]
    with suppress(ValueError):
        if isinstance(value, str) and value.startswith("{"):
            return json.loads(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


if __name__ == "__main__":
    for stack in STACKS:
        write(stack)
        print(f"wrote {path_of(stack).relative_to(REPOSITORY)}")
