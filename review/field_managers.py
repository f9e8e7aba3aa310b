"""What somebody has added to objects in a cluster, which no preview shows.

Pulumi compares the fields that the program declares. Others it does not know, such as a container or an environment
variable that somebody added. But Kubernetes notes who owns each field (`metadata.managedFields`), and a refresh reads
that. The provider takes over what kubectl has set when it next changes an object, and so removes it; what any other
program has set stays.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from review.plan import Change, Plan

KNOWN = re.compile(r"pulumi-kubernetes-.*|kube-controller-manager|controller|external-secrets(\.io.*)?")
"""Pulumi, and the controllers that write into the program's objects: of Kubernetes, load balancers and secrets."""
MOST_FIELDS = 3
"""Of an object and manager that are named."""


def added_by_others(plan: Plan) -> Sequence[str]:
    """Return a sentence for each object and each manager of fields in it that is not known, of what a refresh found."""
    objects = (change for change in plan.all() if change.type.startswith("kubernetes:"))
    return [sentence for change in objects for sentence in _of_object(change)]


def _of_object(change: Change) -> Iterator[str]:
    metadata = change.outputs.get("metadata") or {}
    for entry in metadata.get("managedFields") or []:
        # Of a subresource, such as the status, or the number of pods that the autoscaler sets.
        if entry.get("subresource") or KNOWN.fullmatch(str(entry.get("manager"))):
            continue
        fields = list(_leaves(entry.get("fieldsV1") or {}))
        named = ", ".join(fields[:MOST_FIELDS])
        more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
        yield f"{change.title}: {entry['manager']}, not Pulumi, has set {named}{more}."


def _leaves(fields: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Return the paths of the fields: `f:` is a name, `k:` the keys of an item in a list, `v:` a value of a list."""
    for key, below in fields.items():
        if key == ".":
            continue
        kind, _, name = key.partition(":")
        if kind == "f":
            deeper = f"{path}.{name}" if path else name
        elif kind == "k":
            deeper = f"{path}[{','.join(map(str, json.loads(name).values()))}]"
        else:
            deeper = f"{path}[{name}]"
        if any(each != "." for each in below):
            yield from _leaves(below, deeper)
        else:
            yield deeper
