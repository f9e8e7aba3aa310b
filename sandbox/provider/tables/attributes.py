"""Features that AWS keeps as a list of named attributes with text values, as load balancers and topics have them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request
from sandbox.provider.values import UNKNOWN

Paths = Mapping[str, str]
"""Property path -> attribute name."""


def attribute_list(
    change: str, read: str, parameter: str, paths: Paths, applies: Callable[[Inputs, str], bool]
) -> Feature:
    """Attributes that are changed as one list of keys and values (`parameter` names the resource in both calls)."""

    def requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
        attributes = [
            {"Key": name, "Value": text(value)}
            for path, name in paths.items()
            if applies(inputs, path)
            for value in [at(inputs, path)]
            if value is not None
        ]
        if attributes:
            yield Request(change, {parameter: identifier, "Attributes": attributes})

    def current(api: Api, live: Live) -> Mapping[str, Any]:
        found = {one["Key"]: one["Value"] for one in api(read, **{parameter: live.id})["Attributes"]}
        return nested({path: found[name] for path, name in paths.items() if found.get(name) not in (None, "")})

    return Feature(inputs=tops(paths), requests=requests, read=current)


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
