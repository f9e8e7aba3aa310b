"""Property values as Pulumi puts them on the wire: unknowns, secrets, and conversion from and to protobuf structs.

Assets and resource references are not handled: no resource type of the sandbox takes one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi sends in place of a value that is not known before the update runs."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_SHORTEST_SECRET = 8
"""Secrets shorter than this are not searched for in derived values: a short word occurs everywhere."""

Properties = dict[str, Any]


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Python values of a struct; whole numbers, which protobuf sends as doubles, come back as integers."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def _from_value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [_from_value(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def to_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """A struct of the properties; those that are None are left out."""
    struct = struct_pb2.Struct()
    struct.update({key: _without_none(value) for key, value in properties.items() if value is not None})
    return struct


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def secret(value: Any) -> Properties:
    """The value, marked so that the engine encrypts it in the state."""
    return {_SIGNATURE: _SECRET, "value": value}


def is_secret(value: Any) -> bool:
    """Whether the value itself is marked as secret; a secret deeper inside does not count."""
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def contains_secret(value: Any) -> bool:
    """Whether the value or any part of it is marked as secret."""
    return any(is_secret(node) for node in _nodes(value))


def reveal(value: Any) -> Any:
    """The value without any secret marks."""
    if is_secret(value):
        return reveal(value["value"])
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def contains_unknown(value: Any) -> bool:
    """Whether any part of the value is not known yet."""
    return any(node == UNKNOWN for node in _nodes(value) if isinstance(node, str))


def protect(properties: Mapping[str, Any], *sources: Mapping[str, Any]) -> Properties:
    """Mark as secret every property that is secret in a source, or that is new and whose text contains a secret.

    The second half keeps a value that is derived from a secret (a connection string, a rendered document) from
    appearing in plain text under a name of its own.
    """
    given = {key for source in sources for key in source}
    secret_keys = {key for source in sources for key, value in source.items() if contains_secret(value)}
    texts = {text for source in sources for text in _secret_texts(source) if len(text) >= _SHORTEST_SECRET}
    protected: Properties = {}
    for key, value in properties.items():
        exposed = key in secret_keys or (key not in given and _contains_text(value, texts))
        protected[key] = secret(reveal(value)) if exposed and value is not None else value
    return protected


def redact(text: str, *sources: Mapping[str, Any]) -> str:
    """The text with every secret of the sources blotted out: error messages of an API may quote its parameters."""
    for hidden in sorted({hidden for source in sources for hidden in _secret_texts(source) if hidden}, key=len)[::-1]:
        text = text.replace(hidden, "[secret]")
    return text


def _secret_texts(value: Any) -> Iterator[str]:
    for node in _nodes(value):
        if is_secret(node):
            yield from (inner for inner in _nodes(reveal(node)) if isinstance(inner, str) and inner != UNKNOWN)


def _contains_text(value: Any, texts: set[str]) -> bool:
    return any(text in node for node in _nodes(value) if isinstance(node, str) for text in texts)


def _nodes(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)
