"""Features that AWS keeps as a list of named attributes with text values, as load balancers and topics have them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request
from sandbox.provider.values import UNKNOWN

Paths = Mapping[str, str]
"""Property path -> attribute name."""


def attribute_list(
    noun: str, parameter: str, paths: Paths, applies: Callable[[Inputs, str], bool] = lambda inputs, path: True
) -> Feature:
    """Attributes of a `noun` that are changed as one list of keys and values; `parameter` names the resource."""

    def requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
        attributes = [
            {"Key": name, "Value": text(value)}
            for path, name in paths.items()
            if applies(inputs, path)
            for value in [at(inputs, path)]
            if value is not None
        ]
        if attributes:
            yield Request(f"modify_{noun}_attributes", {parameter: identifier, "Attributes": attributes})

    def current(api: Api, live: Live) -> Mapping[str, Any]:
        found = {
            one["Key"]: one["Value"] for one in api(f"describe_{noun}_attributes", **{parameter: live.id})["Attributes"]
        }
        return nested({path: found[name] for path, name in paths.items() if found.get(name) not in (None, "")})

    return Feature(inputs=tops(paths), requests=requests, read=current)


def attributes_one_by_one(
    operation: str,
    parameter: str,
    names: Mapping[str, str],
    cleared: Mapping[str, str | None],
    applies: Callable[[Inputs, str], bool],
) -> Feature:
    """Attributes of which one is set per call: property -> attribute name, in the order of the calls.

    `cleared`: the value that is sent for an input that was removed; None sends none. Others keep their value.
    """

    def requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
        previous = inputs.get("previous") or {}
        for key, name in names.items():
            value = inputs.get(key)
            if not applies(inputs, key) or (value is None and (key not in cleared or not previous.get(key))):
                continue
            content = cleared[key] if value is None else text(value)
            parameters = {parameter: identifier, "AttributeName": name}
            yield Request(operation, parameters if content is None else {**parameters, "AttributeValue": content})

    return Feature(" ".join(names), requests, replaces_all=True)


def tops(paths: Iterable[str]) -> str:
    """The inputs that the paths begin with."""
    return " ".join(dict.fromkeys(path.split(".")[0] for path in paths))


def at(inputs: Any, path: str) -> Any:
    """The value at a path, None if there is none."""
    for step in path.split("."):
        inputs = inputs.get(step) if isinstance(inputs, Mapping) else None
    return inputs


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """`{"a.b": 1}` as `{"a": {"b": 1}}`."""
    result: dict[str, Any] = {}
    for path, value in values.items():
        *steps, last = path.split(".")
        target = result
        for step in steps:
            target = target.setdefault(step, {})
        target[last] = value
    return result


def text(value: Any) -> Any:
    """An attribute's value is text, whatever it means."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if value == UNKNOWN else str(value)
