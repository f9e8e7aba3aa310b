"""Property values as Pulumi puts them on the wire: unknowns, secrets, and conversion from and to protobuf structs.

Assets and resource references are not handled: no resource type of the sandbox takes one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What Pulumi sends instead of a value that is not known before the update runs."""

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_SHORTEST_SECRET = 8
"""SecretValues shorter than this are not searched for in derived values: a short word occurs everywhere."""

Properties = dict[str, Any]


def from_struct(struct: struct_pb2.Struct) -> Properties:
    """Python values of a struct; whole numbers, which protobuf sends as doubles, come back as integers."""
    return {key: _from_value(value) for key, value in struct.fields.items()}


def decode(struct: struct_pb2.Struct) -> Properties:
    """Return the plain values of a struct whose secrets need no mark again."""
    plain: Properties = without_secrets(from_struct(struct))
    return plain


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


def top(path: str) -> str:
    """The property at the start of a path such as `rules[0].port`."""
    return path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]


def secret(value: Any) -> Properties:
    """The value, marked so that the engine encrypts it in the state."""
    return {_SIGNATURE: _SECRET, "value": value}


def is_secret(value: Any) -> bool:
    """Whether the value itself is marked as secret; a secret deeper inside does not count."""
    return isinstance(value, dict) and value.get(_SIGNATURE) == _SECRET


def contains_secret(value: Any) -> bool:
    """Whether the value or any part of it is marked as secret."""
    return any(is_secret(node) for node in _nodes(value))


def without_secrets(value: Any) -> Any:
    """The value without any secret marks."""
    if is_secret(value):
        return without_secrets(value["value"])
    if isinstance(value, dict):
        return {key: without_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


def masked(value: Any) -> Any:
    """The value with a placeholder in the place of every secret."""
    if is_secret(value):
        return "[secret]"
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}
    return [masked(item) for item in value] if isinstance(value, list) else value


def contains_unknown(value: Any) -> bool:
    """Whether any part of the value is not known yet."""
    return any(node == UNKNOWN for node in _nodes(value) if isinstance(node, str))


class SecretValues:
    """The secrets among the values of one call, so that they can be marked again in what is derived from them."""

    def __init__(self) -> None:
        self._sources: list[Properties] = []

    def decode(self, struct: struct_pb2.Struct) -> Properties:
        """Return the plain values of a struct, and remember which of them are secret."""
        properties = from_struct(struct)
        self._sources.append(properties)
        plain: Properties = without_secrets(properties)
        return plain

    @property
    def found(self) -> bool:
        """Whether any value is secret."""
        return contains_secret(self._sources)

    def hides(self, path: str) -> bool:
        """Whether the property at the start of a path is secret, or a part of it is."""
        return any(contains_secret(source.get(top(path))) for source in self._sources)

    def mark(self, properties: Mapping[str, Any]) -> Properties:
        """Mark every property that is secret in a source, or that is new and whose text contains a secret.

        The second half keeps a value that is derived from a secret (a connection string, a rendered document) from
        appearing in plain text under a name of its own.
        """
        given = {key for source in self._sources for key in source}
        secret_keys = {key for source in self._sources for key, value in source.items() if contains_secret(value)}
        texts = {text for text in _secret_texts(self._sources) if len(text) >= _SHORTEST_SECRET}
        marked: Properties = {}
        for key, value in properties.items():
            exposed = key in secret_keys or (key not in given and _contains_text(value, texts))
            marked[key] = secret(without_secrets(value)) if exposed and value is not None else value
        return marked

    def redact(self, text: str) -> str:
        """Return the text with every secret replaced: error messages of an API may quote its parameters."""
        for hidden in sorted({hidden for hidden in _secret_texts(self._sources) if hidden}, key=len, reverse=True):
            text = text.replace(hidden, "[secret]")
        return text


def _secret_texts(value: Any) -> Iterator[str]:
    for node in _nodes(value):
        if is_secret(node):
            yield from (inner for inner in _nodes(without_secrets(node)) if isinstance(inner, str) and inner != UNKNOWN)


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
