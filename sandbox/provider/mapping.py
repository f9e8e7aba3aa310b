"""From Pulumi's inputs to the parameters of an AWS API call, and back, guided by botocore's service models.

Most properties differ from the API's members only in spelling (`vpcId` and `VpcId`, `subnetIds` and `SubnetIds`), so
they are matched by name; the resource tables give the rest. Nothing is guessed beyond spelling: what does not match is
reported, never dropped. Validation holds parameters against everything a service model says, which is more than
botocore itself checks before a call (it ignores enums, patterns and maxima).
"""

import datetime
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel, Shape

from sandbox.provider import schema
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import UNKNOWN

Renames = Mapping[str, str]
"""Property path -> path of API members ("healthCheck.path": "HealthCheckPath"); `*.id` stands for `id` at any depth."""

UNMAPPED = "the sandbox does not support this input: it has no API parameter for it"

_KEY_VALUE_PAIRS = (("Key", "Value"), ("key", "value"), ("TagKey", "TagValue"), ("Name", "Value"))


@functools.cache
def service(name: str) -> ServiceModel:
    """The service model that the installed botocore has for a service."""
    return _session().get_service_model(name)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


@functools.cache
def operation(service_name: str, method: str) -> OperationModel:
    """The model of an operation, by its boto3 method name."""
    model = service(service_name)
    for name in model.operation_names:
        if xform_name(name) == method:
            return model.operation_model(name)
    raise LookupError(f"{service_name} has no operation {method}")


@dataclass
class Mapped:
    """Parameters of a call, where each came from, and the properties that found no place."""

    parameters: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Path of a parameter -> path of the property it was made from."""
    failures: list[CheckFailure] = field(default_factory=list)


def to_parameters(shape: Shape, properties: Mapping[str, Any], renames: Renames, noun: str = "") -> Mapped:
    """Map properties onto the members of a structure; `noun` is the resource's own word (`Name` -> `RoleName`)."""
    mapping = _ToParameters(renames, noun, Mapped())
    mapping.mapped.parameters = mapping.structure(shape, properties, "", "")
    return mapping.mapped


@dataclass
class _ToParameters:
    renames: Renames
    noun: str
    mapped: Mapped

    def structure(self, shape: Shape, properties: Mapping[str, Any], path: str, target: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in properties.items():
            if value is None or key.startswith("__"):
                continue
            place = member_path(shape.members, key, f"{path}{key}", self.renames, self.noun)
            if place is None:
                self.mapped.failures.append(CheckFailure(f"{path}{key}", UNMAPPED))
                continue
            self._put(shape, result, place.split("."), value, f"{path}{key}", target)
        if "Quantity" in shape.members and "Items" in result:
            result["Quantity"] = len(result["Items"])
        return result

    def _put(self, shape: Shape, result: dict[str, Any], place: list[str], value: Any, path: str, target: str) -> None:
        for step in place[:-1]:
            result, shape, target = result.setdefault(step, {}), shape.members[step], f"{target}{step}."
        member = place[-1]
        self.mapped.origins[f"{target}{member}"] = path
        result[member] = self.value(shape.members[member], value, path, f"{target}{member}")

    def value(self, shape: Shape, value: Any, path: str, target: str) -> Any:
        if value == UNKNOWN or value is None:
            return value
        match shape.type_name:
            case "list":
                return self._list(shape, value, path, target)
            case "map" if isinstance(value, dict):
                return {key: self.value(shape.value, item, f"{path}.{key}", target) for key, item in value.items()}
            case "structure":
                return self._nested(shape, value, path, target)
        return scalar(shape, value)

    def _list(self, shape: Shape, value: Any, path: str, target: str) -> Any:
        pair = key_value_names(shape)
        if pair and isinstance(value, dict) and not any(isinstance(item, dict | list) for item in value.values()):
            return [{pair[0]: key, pair[1]: scalar(shape.member, item)} for key, item in value.items()]
        items = value if isinstance(value, list) else [value]
        for index in range(len(items)):
            self.mapped.origins[f"{target}[{index}]"] = f"{path}[{index}]"
        return [self.value(shape.member, item, f"{path}[{i}]", f"{target}[{i}]") for i, item in enumerate(items)]

    def _nested(self, shape: Shape, value: Any, path: str, target: str) -> Any:
        if isinstance(value, list) and "Items" in shape.members:
            items = self.value(shape.members["Items"], value, path, f"{target}.Items")
            return {"Quantity": len(value), "Items": items}
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if value == UNKNOWN:
            return value
        if not isinstance(value, dict):
            self.mapped.failures.append(CheckFailure(path, f"expected one object for {target}"))
            return {}
        return self.structure(shape, value, f"{path}.", f"{target}.")


def member_path(members: Iterable[str], key: str, path: str, renames: Renames, noun: str = "") -> str | None:
    """Where a property belongs among the members of a structure: by the renames, else by its name; None if nowhere."""
    names = tuple(members)
    plain = re.sub(r"\[\d+\]", "", path)
    renamed = renames.get(plain) or (renames.get(f"*.{key}") if "." in plain else None)
    if renamed:
        return renamed if renamed.split(".")[0] in names else None
    return _member_by_name(key, names, noun)


@functools.cache
def _member_by_name(key: str, members: tuple[str, ...], noun: str) -> str | None:
    by_spelling = {_spelling(member): member for member in members}
    name = _spelling(key)
    singular = _singular(name)
    candidates = [name, singular, f"{name}s", f"{name}id", f"{singular}ids", f"{name}list", f"{singular}list"]
    if noun:
        candidates += [_spelling(noun) + name, _spelling(noun) + singular]
    return next((by_spelling[candidate] for candidate in candidates if candidate in by_spelling), None)


def _spelling(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def key_value_names(shape: Shape) -> tuple[str, str] | None:
    """Of a list of key-value structures (tags, dimensions) the names of the two members, else None."""
    if shape.type_name != "list" or shape.member.type_name != "structure":
        return None
    members = shape.member.members
    return next((pair for pair in _KEY_VALUE_PAIRS if pair[0] in members and pair[1] in members), None)


def scalar(shape: Shape, value: Any) -> Any:
    """The value in the API's scalar type, where the SDK and the API differ only in that ("80" and 80)."""
    result = value
    match shape.type_name, value:
        case "string", bool():
            result = str(value).lower()
        case "string", int() | float():
            result = str(value)
        case "integer" | "long", str() if re.fullmatch(r"-?\d+", value):
            result = int(value)
        case "float" | "double", int():
            result = float(value)
        case "boolean", "true" | "false":
            result = value == "true"
    return result


def validate(shape: Shape, value: Any, path: str = "") -> Iterator[CheckFailure]:
    """Everything in which a value departs from a shape of the service model; unknown values pass."""
    if value == UNKNOWN:
        return
    match shape.type_name:
        case "structure":
            yield from _validate_structure(shape, value, path)
        case "list":
            yield from _validate_list(shape, value, path)
        case "map":
            yield from _validate_map(shape, value, path)
        case "string":
            yield from _validate_string(shape, value, path)
        case "integer" | "long" | "float" | "double":
            yield from _validate_number(shape, value, path)
        case "boolean" if not isinstance(value, bool):
            yield CheckFailure(path, "expected a boolean")


def _validate_structure(shape: Shape, value: Any, path: str) -> Iterator[CheckFailure]:
    if not isinstance(value, dict):
        yield CheckFailure(path, "expected an object")
        return
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield CheckFailure(prefix + name, f"required by the API: {name}")
    for name, item in value.items():
        if name in shape.members:
            yield from validate(shape.members[name], item, prefix + name)
        else:
            yield CheckFailure(prefix + name, "the API has no such parameter")


def _validate_list(shape: Shape, value: Any, path: str) -> Iterator[CheckFailure]:
    if not isinstance(value, list):
        yield CheckFailure(path, "expected a list")
        return
    yield from _validate_length(shape, len(value), path, "items")
    for index, item in enumerate(value):
        yield from validate(shape.member, item, f"{path}[{index}]")


def _validate_map(shape: Shape, value: Any, path: str) -> Iterator[CheckFailure]:
    if not isinstance(value, dict):
        yield CheckFailure(path, "expected a map")
        return
    for key, item in value.items():
        yield from validate(shape.key, key, f"{path}.{key}")
        yield from validate(shape.value, item, f"{path}.{key}")


def _validate_string(shape: Shape, value: Any, path: str) -> Iterator[CheckFailure]:
    if not isinstance(value, str):
        yield CheckFailure(path, "expected a string")
        return
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        yield CheckFailure(path, f"must be one of {_enumeration(allowed)}")
    yield from _validate_length(shape, len(value), path, "characters")
    pattern = _pattern(shape.metadata.get("pattern", ""))
    if pattern and not pattern.search(value):
        yield CheckFailure(path, f"must match {pattern.pattern}")


def _enumeration(allowed: list[str]) -> str:
    shown = ", ".join(allowed[:12])
    return f"{shown} and {len(allowed) - 12} more" if len(allowed) > 12 else shown


def _validate_length(shape: Shape, length: int, path: str, unit: str) -> Iterator[CheckFailure]:
    """The services document minima of 0 and 1 alike for "may be absent"; both are held literally here."""
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and length < low:
        yield CheckFailure(path, f"must have at least {low} {unit}, has {length}")
    if high is not None and length > high:
        yield CheckFailure(path, f"must have at most {high} {unit}, has {length}")


def _validate_number(shape: Shape, value: Any, path: str) -> Iterator[CheckFailure]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield CheckFailure(path, "expected a number")
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield CheckFailure(path, f"must be at least {low}, is {value}")
    if high is not None and value > high:
        yield CheckFailure(path, f"must be at most {high}, is {value}")


_UNICODE_CLASSES = ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s"))


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str] | None:
    """A service model's pattern, which is Java's, in Python's dialect; None if it has none or Python cannot read it."""
    for java, python in _UNICODE_CLASSES:
        pattern = pattern.replace(java, python)
    try:
        whole = pattern if pattern.startswith("^") else f"^(?:{pattern})$"
        return re.compile(whole, re.DOTALL) if pattern else None
    except re.error:
        return None


def to_property(declared: schema.Type, value: Any, renames: Renames, path: str, noun: str = "") -> Any:
    """A value from an API's answer as the property of the declared type that would have produced it."""
    result = None
    match declared, value:
        case _, None:
            pass
        case schema.ObjectType(), _:
            result = _to_object(declared, value, renames, path, noun)
        case schema.ListOf(), _:
            result = _to_list(declared, value, renames, path)
        case schema.MapOf(), _:
            result = _to_map(value)
        case schema.Scalar(), _:
            result = _to_scalar(declared, value)
    return result


def _to_scalar(declared: schema.Scalar, value: Any) -> Any:
    match declared.name, value:
        case "string" | "document", dict():
            return json.dumps(value)
        case "string", bytes():
            return value.decode()
        case "string", datetime.datetime():
            return value.isoformat()
        case _, dict() | list():
            return None
    return declared.coerce(value)


def find_member(description: Any, key: str, path: str, renames: Renames, noun: str = "") -> Any:
    """What an API's answer has for a property, None if it has nothing."""
    if not isinstance(description, Mapping):
        return None
    place = member_path(description, key, path, renames, noun)
    value: Any = description if place else None
    for step in place.split(".") if place else ():
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _to_object(declared: schema.ObjectType, value: Any, renames: Renames, path: str, noun: str) -> Any:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    result = {
        key: to_property(inner.type, find_member(value, key, f"{path}.{key}", renames, noun), renames, f"{path}.{key}")
        for key, inner in declared.properties.items()
    }
    return {key: item for key, item in result.items() if item is not None}


def _to_list(declared: schema.ListOf, value: Any, renames: Renames, path: str) -> list[Any]:
    if isinstance(value, dict) and "Quantity" in value:
        value = value.get("Items", [])
    items = value if isinstance(value, list) else [value]
    return [to_property(declared.item, item, renames, path) for item in items]


def _to_map(value: Any) -> dict[str, Any] | None:
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        pair = next((pair for pair in _KEY_VALUE_PAIRS if all(pair[0] in item for item in value)), None)
        return {item[pair[0]]: item.get(pair[1], "") for item in value} if pair else None
    return dict(value) if isinstance(value, dict) else None
