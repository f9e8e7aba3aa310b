"""Which properties a resource type has, as its class in Pulumi's SDK declares them."""

import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final, get_args, get_origin

from pulumi import _types

PACKAGES: Final = {"aws": "pulumi_aws", "kubernetes": "pulumi_kubernetes", "random": "pulumi_random"}
KEYS_OF_MAPS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("aws:backup/restoreTestingSelection:RestoreTestingSelection", "restoreMetadataOverrides"): frozenset(
        {"dbSubnetGroupName", "publiclyAccessible", "vpcSecurityGroupIds"}
    ),
    ("aws:ssm/document:Document", "permissions"): frozenset({"type", "account_ids"}),
}
"""Keys of maps that AWS gives a meaning: the SDK does not list them."""
FREE_MAPS: Final = frozenset(
    {
        "annotations",
        "data",
        "dimensions",
        "keepers",
        "labels",
        "limits",
        "matchLabels",
        "requests",
        "selector",
        "tags",
        "variables",
    }
)
"""Maps whose keys the author of a program chooses."""


class UnknownProperty(AssertionError):
    """A path names a property that its type does not have."""


@cache
def check_path(type_token: str, path: str) -> None:
    """Raise UnknownProperty unless a resource of this type can have a value at the path."""
    _follow(_properties_of(_class_of(type_token)), path.split("."), type_token, "")


def check_properties(type_token: str, properties: Mapping[str, Any]) -> None:
    """Raise UnknownProperty unless a resource of this type can have all these properties, nested ones included."""
    for path in _paths(properties):
        check_path(type_token, path)


def is_known_type(type_token: str) -> bool:
    """Tell whether the type belongs to a package whose SDK is installed."""
    return type_token.partition(":")[0] in PACKAGES


@cache
def _class_of(type_token: str) -> type:
    """Return the class of `aws:rds/instance:Instance`, `kubernetes:apps/v1:Deployment` or `random:index/...:...`."""
    package, module, name = type_token.split(":")
    # A group of Kubernetes such as networking.k8s.io has a module of its first part.
    folder = "" if module.startswith("index/") else module.replace(".k8s.io/", "/")
    if package == "aws":
        folder = module.partition("/")[0]
    steps = [PACKAGES[package], *folder.split("/")] if folder else [PACKAGES[package]]
    found: type = getattr(import_module(".".join(step + "_" if step == "lambda" else step for step in steps)), name)
    return found


@cache
def _properties_of(cls: type) -> Mapping[str, Any]:
    if _types.is_output_type(cls):
        return _types.output_type_types(cls)
    return {**_types.resource_types(cls), "id": str}


def _follow(properties: Mapping[str, Any], steps: Sequence[str], type_token: str, above: str) -> None:
    name, *below = steps
    path = f"{above}.{name}" if above else name
    if name not in properties:
        raise UnknownProperty(f"{type_token} has no property {path}")
    if below:
        _enter(properties[name], below, type_token, path)


def _enter(declared: Any, steps: Sequence[str], type_token: str, path: str) -> None:
    """Follow a path into a value of a declared type."""
    origin = get_origin(declared)
    if origin is typing.Union:
        _enter(next(each for each in get_args(declared) if each is not type(None)), steps, type_token, path)
    elif steps[0].isdecimal() and origin is not Mapping:
        element = get_args(declared)[0] if origin is Sequence else declared
        # A rule reads a single object as a list of one.
        if len(steps) > 1:
            _enter(element, steps[1:], type_token, f"{path}.{steps[0]}")
    elif origin is Sequence:
        _enter(get_args(declared)[0], steps, type_token, path)
    elif origin is Mapping:
        _enter_map(get_args(declared)[1], steps, type_token, path)
    elif declared is not Any:
        nested = _properties_of(declared) if isinstance(declared, type) and _types.is_output_type(declared) else {}
        _follow(nested, steps, type_token, path)


def _enter_map(declared: Any, steps: Sequence[str], type_token: str, path: str) -> None:
    key, *below = steps
    known = KEYS_OF_MAPS.get((type_token, path))
    if path.rpartition(".")[2] not in FREE_MAPS and (known is None or key not in known):
        raise UnknownProperty(f"{type_token} has no key {key} in the map {path}")
    if below:
        _enter(declared, below, type_token, f"{path}.{key}")


def _paths(value: Any, above: str = "") -> Iterator[str]:
    """Yield the path of every property, at every depth."""
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        # Pulumi's own notes begin with two underscores, and the signature of a secret is no property.
        # A path cannot name a key with a dot, as labels and annotations of Kubernetes have.
        if str(key).startswith("__") or "." in str(key) or key in ("4dabf18193072939515e22adb298388d", "ciphertext"):
            continue
        path = f"{above}.{key}" if above else str(key)
        yield path
        yield from _paths(item, path)
