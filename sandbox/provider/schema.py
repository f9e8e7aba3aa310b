"""Names and types of every resource's properties, read from the installed Pulumi SDKs.

The SDKs are generated from the providers' schemas, so they are the schema: nothing is copied here that could go stale.
What they do not say (what forces replacement, ranges, formats) is the business of the resource tables.
"""

import collections.abc
import difflib
import enum
import functools
import importlib
import importlib.util
import inspect
import json
import re
import threading
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import _types as sdk_types

from sandbox.provider.values import UNKNOWN, Properties

_IMPORTING = threading.RLock()
"""The SDKs import their modules on first use, and a thread that comes in between sees half a module."""

_PACKAGES = {"aws": "pulumi_aws", "random": "pulumi_random", "kubernetes": "pulumi_kubernetes"}


@dataclass(frozen=True)
class CheckFailure:
    """One thing that is wrong with a resource's inputs, at a property path such as `healthCheck.interval`."""

    property: str
    reason: str


@dataclass(frozen=True)
class Scalar:
    """A string, boolean, integer or number; a `document` is a JSON text or the object itself; `any` is every value."""

    name: str

    def coerce(self, value: Any) -> Any:
        """The value as the provider bridge would convert it: "80" for an integer, 80 for a text, "true" for a flag."""
        result = value
        match self.name, value:
            case "document", dict():
                result = json.dumps(value)
            case "string", bool():
                result = str(value).lower()
            case "string", int() | float():
                result = str(value)
            case "boolean", "true" | "false":
                result = value == "true"
            case "integer", str() if re.fullmatch(r"[+-]?\d+", value):
                result = int(value)
            case "number", str() if re.fullmatch(r"[+-]?\d+(\.\d+)?", value):
                result = float(value)
        return result

    def check(self, value: Any, path: str) -> Iterator[CheckFailure]:
        """Failures of the value, none if it has this type."""
        fits = {
            "any": True,
            "string": isinstance(value, str),
            "document": isinstance(value, str | dict),
            "boolean": isinstance(value, bool),
            "integer": isinstance(value, int) and not isinstance(value, bool),
            "number": isinstance(value, int | float) and not isinstance(value, bool),
        }
        if not fits[self.name]:
            yield CheckFailure(path, f"expected {self}, got {_kind(value)}")

    def empty(self) -> Any:
        """What a provider reports for an attribute that has no value."""
        return {"string": "", "document": "", "boolean": False, "integer": 0, "number": 0}.get(self.name)

    def __str__(self) -> str:
        return {"integer": "an integer", "any": "anything"}.get(self.name, f"a {self.name}")


@dataclass(frozen=True)
class ListOf:
    """A list whose items all have one type."""

    item: "Type"

    def coerce(self, value: Any) -> Any:
        return [_coerce(self.item, item) for item in value] if isinstance(value, list) else value

    def check(self, value: Any, path: str) -> Iterator[CheckFailure]:
        if not isinstance(value, list):
            yield CheckFailure(path, f"expected a list, got {_kind(value)}")
            return
        for index, item in enumerate(value):
            yield from _check(self.item, item, f"{path}[{index}]")

    def empty(self) -> Any:
        return []


@dataclass(frozen=True)
class MapOf:
    """A map from strings to values of one type."""

    value: "Type"

    def coerce(self, value: Any) -> Any:
        return {key: _coerce(self.value, item) for key, item in value.items()} if isinstance(value, dict) else value

    def check(self, value: Any, path: str) -> Iterator[CheckFailure]:
        if not isinstance(value, dict):
            yield CheckFailure(path, f"expected a map, got {_kind(value)}")
            return
        for key, item in value.items():
            yield from _check(self.value, item, f"{path}.{key}")

    def empty(self) -> Any:
        return {}


@dataclass(frozen=True)
class ObjectType:
    """A nested object, named by its class in the SDK; the class is read when the object is first used."""

    module: str
    class_name: str

    @property
    def properties(self) -> Mapping[str, "Property"]:
        return _properties(self.module, self.class_name)

    def coerce(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = self.properties
        return {key: _coerce(known[key].type, item) if key in known else item for key, item in value.items()}

    def check(self, value: Any, path: str) -> Iterator[CheckFailure]:
        if not isinstance(value, dict):
            yield CheckFailure(path, f"expected an object, got {_kind(value)}")
            return
        yield from check_properties(self.properties, value, f"{path}.")

    def empty(self) -> Any:
        return {}


Type = Scalar | ListOf | MapOf | ObjectType
ANY = Scalar("any")


@dataclass(frozen=True)
class Property:
    """Type of one property; as an input it may be required, as an output it is required unless declared optional."""

    type: Type
    required: bool
    python_name: str


@dataclass(frozen=True)
class ResourceSchema:
    """Inputs and outputs of one resource type."""

    inputs: Mapping[str, Property]
    outputs: Mapping[str, Property]


def check(token: str, inputs: Properties) -> list[CheckFailure]:
    """Everything about the inputs that the SDK's own declarations rule out."""
    schema = resource(token)
    if schema is None:
        return [CheckFailure("", f"unknown resource type {token}")]
    return list(check_properties(schema.inputs, inputs, ""))


def coerce(token: str, inputs: Properties) -> Properties:
    """The inputs with scalars converted to their declared types, as the provider bridge converts them."""
    schema = resource(token)
    known = schema.inputs if schema else {}
    return {key: _coerce(known[key].type, value) if key in known else value for key, value in inputs.items()}


def check_properties(known: Mapping[str, Property], values: Mapping[str, Any], prefix: str) -> Iterator[CheckFailure]:
    """Failures of an object's properties: unknown names, wrong types, missing required ones."""
    for key, value in values.items():
        if key.startswith("__") or value is None:
            continue
        if key in known:
            yield from _check(known[key].type, value, prefix + key)
        else:
            yield CheckFailure(prefix + key, f"unknown input {key!r}{_suggestion(key, known)}")
    for key, declared in known.items():
        if declared.required and values.get(key) is None:
            yield CheckFailure(prefix + key, f"required input {key!r} is missing")


def _suggestion(key: str, known: Mapping[str, Property]) -> str:
    spellings = {spelling: name for name, declared in known.items() for spelling in (name, declared.python_name)}
    near = difflib.get_close_matches(key, spellings, 1)
    if not near:
        return ""
    name = near[0] if "_" in key else spellings[near[0]]
    return f"; did you mean {name!r}?"


def _coerce(declared: Type, value: Any) -> Any:
    return value if value is None or value == UNKNOWN else declared.coerce(value)


def _check(declared: Type, value: Any, path: str) -> Iterator[CheckFailure]:
    if value is not None and value != UNKNOWN:
        yield from declared.check(value, path)


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


@functools.cache
def resource(token: str) -> ResourceSchema | None:
    """The schema of a resource type; None if no installed SDK has the type."""
    found = _resource_classes(token.split(":", maxsplit=1)[0]).get(token)
    if found is None:
        return None
    with _IMPORTING:
        resource_class = getattr(importlib.import_module(found[0]), found[1])
        module = importlib.import_module(resource_class.__module__)
        arguments = next(name for name in (f"{found[1]}InitArgs", f"{found[1]}Args") if hasattr(module, name))
        return ResourceSchema(_properties(module.__name__, arguments), _outputs(resource_class))


@functools.cache
def _resource_classes(package: str) -> Mapping[str, tuple[str, str]]:
    """Token -> (module, class), from the registration text at the end of the SDK's top module."""
    spec = importlib.util.find_spec(_PACKAGES.get(package, "")) if package in _PACKAGES else None
    if spec is None or spec.origin is None:
        return {}
    with open(spec.origin, encoding="utf-8") as source:
        registered = re.search(r'resource_modules="""(.*?)"""', source.read(), re.DOTALL)
    modules = json.loads(registered.group(1)) if registered else []
    return {token: (entry["fqn"], name) for entry in modules for token, name in entry["classes"].items()}


@functools.cache
def _properties(module: str, class_name: str) -> Mapping[str, Property]:
    """Properties of a class of the SDK; required inputs are those whose constructor argument has no default."""
    with _IMPORTING:
        return _read_properties(module, class_name)


def _read_properties(module: str, class_name: str) -> Mapping[str, Property]:
    input_class = getattr(importlib.import_module(module), class_name)
    hints = sdk_types._raw_return_hints(input_class)
    if sdk_types.is_output_type(input_class):
        return {key: Property(_type(hint), type(None) not in typing.get_args(hint), key) for key, hint in hints.items()}
    names = {name: python for python, name in sdk_types.input_type_py_to_pulumi_names(input_class).items()}
    arguments = inspect.signature(input_class.__init__).parameters
    return {
        key: Property(_type(hint), arguments[names[key]].default is inspect.Parameter.empty, names[key])
        for key, hint in hints.items()
        if names[key] in arguments
    }


def _outputs(resource_class: type) -> Mapping[str, Property]:
    names = sdk_types.resource_pulumi_to_py_names(resource_class)
    outputs = {}
    for key, hint in sdk_types._raw_return_hints(resource_class).items():
        inner = typing.get_args(hint)[0] if typing.get_args(hint) else Any
        optional = type(None) in typing.get_args(inner)
        outputs[key] = Property(_type(inner), not optional, names.get(key, key))
    return outputs


def _type(hint: Any) -> Type:
    """The declared type behind an SDK annotation, which wraps it in unions with Awaitable, Output and typed dicts."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union([argument for argument in arguments if not _is_wrapper(argument)])
    if origin in (list, collections.abc.Sequence):
        return ListOf(_type(arguments[0]))
    if origin in (dict, collections.abc.Mapping):
        return MapOf(_type(arguments[1]))
    return _class_type(hint)


def _class_type(hint: Any) -> Type:
    scalars = {bool: "boolean", int: "integer", float: "number", str: "string"}
    if hint in scalars:
        return Scalar(scalars[hint])
    if inspect.isclass(hint) and (sdk_types.is_input_type(hint) or sdk_types.is_output_type(hint)):
        return ObjectType(hint.__module__, hint.__qualname__)
    return ANY


def _union(members: list[Any]) -> Type:
    """An enum of the SDK stands beside the plain scalar it is made of: those lists are hints, so the scalar is taken.

    A string beside an object is a JSON document, which the provider takes in either form.
    """
    plain = [member for member in members if not (inspect.isclass(member) and issubclass(member, enum.Enum))]
    found = {_type(member) for member in plain}
    if Scalar("string") in found and all(isinstance(one, Scalar | ObjectType) for one in found) and len(found) > 1:
        return Scalar("document")
    return found.pop() if len(found) == 1 else ANY


def _is_wrapper(hint: Any) -> bool:
    origin = typing.get_origin(hint) or hint
    return (
        hint is type(None)
        or origin is collections.abc.Awaitable
        or origin is pulumi.Output
        or typing.is_typeddict(hint)
    )


@functools.cache
def function_arguments(token: str) -> Mapping[str, Property] | None:
    """Arguments of a function such as `aws:ec2/getAmi:getAmi`; None if no installed SDK has it.

    Functions have no argument class; the Pulumi names stand only in the body: `__args__['mostRecent'] = most_recent`.
    """
    package, module_path, name = token.split(":")
    area = module_path.split("/")[0]
    python_name = snake_case(name)
    module_name = ".".join([_PACKAGES.get(package, package), *([] if area == "index" else [area]), python_name])
    if package not in _PACKAGES:
        return None
    with _IMPORTING:
        if importlib.util.find_spec(module_name) is None:
            return None
        function = getattr(importlib.import_module(module_name), python_name)
        hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    return {
        key: Property(_type(hints[argument]), parameters[argument].default is inspect.Parameter.empty, argument)
        for key, argument in re.findall(r"__args__\['(\w+)'\] = (\w+)", inspect.getsource(function))
    }


def snake_case(name: str) -> str:
    """`getVPCEndpoint` -> `get_vpc_endpoint`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])", r"_\1\2", name).lower()


@functools.cache
def provider_settings(package: str) -> Mapping[str, Property]:
    """Settings of a package's provider resource."""
    return _properties(f"{_PACKAGES[package]}.provider", "ProviderArgs")
