"""JSON schemas for kubeconform, made of what an API server says of its types: exactly its version, custom types too."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.cluster.api import Api, Object

SCALARS = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ["string", "number"],
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["string", "integer"],
}
"""Types that a manifest may write in two ways."""
LEFT_OUT = {"default", "description", "example", "format"}


def write(api: Api, versions: Iterable[str], target: Path) -> None:
    """Writes a schema for each type of some versions of the API, such as `v1` and `apps/v1`."""
    target.mkdir(parents=True, exist_ok=True)
    for version in versions:
        path = f"apis/{version}" if "/" in version else f"api/{version}"
        components = api.get(f"/openapi/v3/{path}")["components"]["schemas"]
        for schema in components.values():
            for kind in schema.get("x-kubernetes-group-version-kind", []):
                if "metadata" in schema.get("properties", {}):
                    _write(target, schema, components, kind)


def _write(target: Path, schema: Object, components: Object, names: Object) -> None:
    group, version, kind = names["group"], names["version"], names["kind"]
    needed: set[str] = set()
    definitions: Object = {}
    made = _strict(schema, needed)
    while missing := needed - definitions.keys():
        for name in missing:
            scalar = SCALARS.get(name)
            definitions[name] = {"type": scalar} if scalar else _strict(components[name], needed)
    made["properties"] |= {"apiVersion": {"const": f"{group}/{version}" if group else version}, "kind": {"const": kind}}
    made |= {"required": sorted({*made.get("required", []), "apiVersion", "kind"}), "definitions": definitions}
    # kubeconform's {{ .ResourceKind }}{{ .KindSuffix }}
    suffix = f"-{group.partition('.')[0]}-{version}" if group else f"-{version}"
    (target / f"{kind.lower()}{suffix}.json").write_text(json.dumps(made))


def _strict(node: Any, needed: set[str]) -> Any:
    """The same as a JSON schema that forbids what it does not name; adds what it refers to."""
    if isinstance(node, list):
        return [_strict(each, needed) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        needed.add(name := node["$ref"].rpartition("/")[2])
        return {"$ref": f"#/definitions/{name}"}
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    kept = {key: value for key, value in node.items() if not key.startswith("x-kubernetes") and key not in LEFT_OUT}
    # The names of properties are no keywords, even where they look the same.
    properties = {key: _strict(value, needed) for key, value in kept.pop("properties", {}).items()}
    made = {key: _strict(value, needed) for key, value in kept.items()}
    if properties:
        made["properties"] = properties
        if not node.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    return made
