"""Shapes that the tables of several services share."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jmespath

from sandbox.provider import requests
from sandbox.provider.emulator import Api
from sandbox.provider.model import Call, Inputs, Live, Request, Tagging, call
from sandbox.provider.schema import CheckFailure

MANAGED = "Managed by Pulumi"
"""The provider's default for descriptions."""


def tagging(
    operations: str,
    path: str = "Tags",
    *,
    survive: bool = False,
    replace_all: Callable[[Api, str, Mapping[str, str]], None] | None = None,
    **arguments: Any,
) -> Tagging:
    """Tagging by two operations, which add and remove, and a third that reads if the description lacks the tags."""
    add, remove, *read = (call(operation, **arguments) for operation in operations.split())
    return Tagging(add, remove, read[0] if read else None, path, replace_all, survive)


def pick(listing: Call, path: str, **wanted: str) -> Callable[[Api, Live], Mapping[str, Any] | None]:
    """Reads a list (`path` in the answer) and picks the item whose members have the values of these properties."""

    def read(api: Api, live: Live) -> Mapping[str, Any] | None:
        state = {**live.state, "id": live.id}
        answer = api(listing.operation, **requests.arguments(api.service, listing, state))
        values = {member: state[key] for member, key in wanted.items()}
        found: list[Mapping[str, Any]] = jmespath.search(path, answer) or []
        return next((one for one in found if all(one.get(key) == value for key, value in values.items())), None)

    return read


def send(api: Api, calls: Iterable[Request]) -> None:
    """Make the calls."""
    for request in calls:
        api(request.operation, **request.parameters)


def without(inputs: Inputs, *keys: str) -> dict[str, Any]:
    """The inputs but for some."""
    return {key: value for key, value in inputs.items() if key not in keys}


def members(inputs: Inputs, names: str | Mapping[str, str]) -> dict[str, Any]:
    """The parameters for those of the named inputs that are given: property -> parameter, or capitalised words."""
    pairs = names.items() if isinstance(names, Mapping) else [(name, capital(name)) for name in names.split()]
    return {member: inputs[key] for key, member in pairs if inputs.get(key)}


def under(parent: str, names: str, of: str = "") -> dict[str, str]:
    """Renames of properties that are members of one structure: `under("A.B", "name")` is `{"name": "A.B.Name"}`."""
    return {of + name: f"{parent}.{capital(name)}" for name in names.split()}


def capital(name: str) -> str:
    """`roleName` -> `RoleName`."""
    return name[:1].upper() + name[1:]


def capitals(value: Mapping[str, Any]) -> dict[str, Any]:
    """An object of the schema in the form of most APIs."""
    return {capital(key): item for key, item in value.items()}


def uncapitals(value: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `capitals`."""
    return {key[:1].lower() + key[1:]: item for key, item in value.items()}


def given(inputs: Inputs, *keys: str) -> list[str]:
    """Those of the inputs that are given."""
    return [key for key in keys if inputs.get(key) is not None]


def required(reasons: Mapping[str, str]) -> Callable[[Inputs], Iterable[CheckFailure]]:
    """A rule that inputs are given which the provider's schema does not require: input -> what to say without it."""
    return lambda inputs: [CheckFailure(key, reason) for key, reason in reasons.items() if inputs.get(key) is None]


def each(names: str, value: Any) -> dict[str, Any]:
    """The same value for several names."""
    return dict.fromkeys(names.split(), value)


def exactly_one(*keys: str, names: str = "") -> Callable[[Inputs], Iterable[CheckFailure]]:
    """A rule that one of these inputs is given, and no other; the failure is at the first."""
    names = names or (" and ".join(keys) if len(keys) == 2 else ", ".join(keys))

    def validate(inputs: Inputs) -> Iterable[CheckFailure]:
        if len(given(inputs, *keys)) != 1:
            yield CheckFailure(keys[0], f"exactly one of {names} must be given")

    return validate
