"""From a resource type's table and some inputs to the API requests, and everything that can be wrong with them.

Used both to validate (in a preview, with values that are not known yet) and to make the calls, so that what is checked
is what is sent.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.provider import mapping
from sandbox.provider.mapping import Mapped
from sandbox.provider.model import Call, Inputs, Request, ResourceType, Text
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import UNKNOWN, Properties, top

_TAG_MEMBERS = ("Tags", "tags", "TagList", "TagSet", "AddTags", "BackupPlanTags", "BackupVaultTags")
_KEY_MEMBERS = ("TagKeys", "tagKeys", "RemoveTagKeys", "Keys", "TagKeyList")


def creation(kind: ResourceType, inputs: Inputs, tags: Mapping[str, str]) -> tuple[Request, Mapped]:
    """The request that creates the resource, with how its parameters came about."""
    if kind.custom_create:
        return Request("", {}), Mapped(failures=_unclaimed(kind, inputs))
    operation = kind.operation(inputs)
    shape = mapping.operation(kind.service, operation).input_shape
    mapped = _map(kind, shape, inputs, kind.renames)
    if tags:
        _add_tags(kind, shape, mapped.parameters, tags)
    return Request(operation, mapped.parameters), mapped


def tags_at_creation(kind: ResourceType, inputs: Inputs) -> bool:
    """Whether the create operation takes the tags, so that no calls of their own are needed."""
    if kind.custom_create:
        return False
    shape = mapping.operation(kind.service, kind.operation(inputs)).input_shape
    return bool(kind.tag_specification) or any(member in shape.members for member in _TAG_MEMBERS)


def updating(kind: ResourceType, inputs: Inputs, changed: frozenset[str], state: Inputs) -> tuple[Request, Mapped]:
    """The request that changes inputs in place; raises LookupError if the type has none."""
    if kind.update is None:
        if not kind.replaces_all:
            raise LookupError(f"{', '.join(sorted(changed))} cannot be changed in place")
        return creation(kind, inputs, {})
    shape = mapping.operation(kind.service, kind.update.operation).input_shape
    omitted = kind.update_omits.split()
    chosen = {
        key: value for key, value in inputs.items() if (kind.replaces_all or key in changed) and key not in omitted
    }
    mapped = _map(kind, shape, chosen, {**kind.renames, **kind.update_renames})
    mapped.parameters |= arguments(kind.service, kind.update, state)
    return Request(kind.update.operation, mapped.parameters), mapped


def arguments(service: str, call: Call, state: Inputs) -> dict[str, Any]:
    """The parameters of a call: strings of the table are properties (a single one becomes a list where one is due)."""
    members = mapping.operation(service, call.operation).input_shape.members
    parameters: dict[str, Any] = {}
    for name, source in call.arguments.items():
        value = _argument(source, state)
        if value is None:
            continue
        wrap = members[name].type_name == "list" and not isinstance(value, list)
        parameters[name] = [value] if wrap else value
    return parameters


def _argument(source: Any, state: Inputs) -> Any:
    if isinstance(source, Text):
        return source.value
    if not isinstance(source, str):
        return source
    value: Any = state
    for step in source.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def tag_parameters(service: str, operation: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The tags in the form that an operation takes them."""
    shape = mapping.operation(service, operation).input_shape
    member = next(name for name in _TAG_MEMBERS if name in shape.members)
    return {member: _tags(shape.members[member], tags)}


def untag_parameters(service: str, operation: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """The tags to remove in the form that an operation takes them: keys, or keys with values."""
    members = mapping.operation(service, operation).input_shape.members
    by_key = next((name for name in _KEY_MEMBERS if name in members), None)
    return {by_key: sorted(tags)} if by_key else tag_parameters(service, operation, tags)


def failures(kind: ResourceType, inputs: Properties, tags: Mapping[str, str]) -> Iterator[CheckFailure]:
    """Everything that the tables and the service model find wrong with the requests for some inputs."""
    request, mapped = creation(kind, inputs, tags)
    yield from mapped.failures
    if request.operation:
        yield from _request_failures(kind.service, request, mapped.origins, inputs)
    for feature in kind.features:
        given = sorted(key for key in feature.names if inputs.get(key) is not None and inputs[key] != UNKNOWN)
        if given:
            for extra in feature.requests(inputs, UNKNOWN):
                yield from _request_failures(kind.service, extra, {"": given[0]}, inputs)
    yield from _rule_failures(kind, inputs)
    if kind.validate:
        yield from kind.validate(inputs)


def shape_failures(mapped: Mapped, shape: Any, inputs: Properties, name: str) -> Iterator[CheckFailure]:
    """What is wrong with parameters that were mapped onto a structure, at the properties that they came from."""
    yield from mapped.failures
    for failure in mapping.validate(shape, mapped.parameters):
        origin = _origin(failure.property, mapped.origins)
        known = top(origin) in inputs
        yield CheckFailure(origin if known else "", f"{failure.reason} ({name}: {failure.property})")


def values_at(properties: Any, path: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every known value at a path such as `rules.id`, which goes through lists; with its exact path."""
    if isinstance(properties, list):
        for index, item in enumerate(properties):
            yield from values_at(item, path, f"{prefix}[{index}]")
    elif not path:
        if properties is not None and properties != UNKNOWN:
            yield prefix, properties
    elif isinstance(properties, dict):
        step, _, rest = path.partition(".")
        yield from values_at(properties.get(step), rest, f"{prefix}.{step}" if prefix else step)


def _remaining(kind: ResourceType, inputs: Inputs) -> dict[str, Any]:
    """Inputs that are for the create or update operation, because nothing else of the table claims them."""
    claimed = kind.feature_inputs() | set(kind.provider_only.split()) | {"region"}
    if kind.tags_are_tags:
        claimed |= {"tags"}
    if kind.autoname:
        claimed |= {kind.autoname.prefix}
    return {key: value for key, value in inputs.items() if key not in claimed}


def _unclaimed(kind: ResourceType, inputs: Inputs) -> list[CheckFailure]:
    return [
        CheckFailure(key, mapping.UNMAPPED)
        for key, value in _remaining(kind, inputs).items()
        if value is not None and not key.startswith("__") and key not in kind.custom_create_inputs.split()
    ]


def _map(kind: ResourceType, shape: Any, inputs: Inputs, renames: Mapping[str, str]) -> Mapped:
    chosen = _remaining(kind, inputs)
    if kind.prepare:
        chosen = kind.prepare(chosen)
    mapped = mapping.to_parameters(shape, chosen, renames, kind.parameter_prefix)
    for name, value in kind.constants.items():
        if name in shape.members:
            mapped.parameters.setdefault(name, value() if callable(value) else value)
    return mapped


def _add_tags(kind: ResourceType, shape: Any, parameters: dict[str, Any], tags: Mapping[str, str]) -> None:
    if kind.tag_specification:
        specification = shape.members["TagSpecifications"].member
        listed = _tags(specification.members["Tags"], tags)
        parameters["TagSpecifications"] = [{"ResourceType": kind.tag_specification, "Tags": listed}]
        return
    member = next((name for name in _TAG_MEMBERS if name in shape.members), None)
    if member:
        parameters[member] = _tags(shape.members[member], tags)


def _tags(shape: Any, tags: Mapping[str, str]) -> Any:
    pair = mapping.key_value_names(shape)
    return [{pair[0]: key, pair[1]: value} for key, value in sorted(tags.items())] if pair else dict(tags)


def _request_failures(
    service: str, request: Request, origins: Mapping[str, str], inputs: Properties
) -> Iterator[CheckFailure]:
    model = mapping.operation(service, request.operation)
    mapped = Mapped(dict(request.parameters), dict(origins))
    yield from shape_failures(mapped, model.input_shape, inputs, model.name)


def _origin(parameter: str, origins: Mapping[str, str]) -> str:
    """The property that a parameter, or else the nearest one around it, was made from."""
    while parameter and parameter not in origins:
        parameter = re.sub(r"(\.[^.\[]+|\[\d+\]|^[^.\[]+)$", "", parameter)
    return origins.get(parameter, "")


def _rule_failures(kind: ResourceType, inputs: Properties) -> Iterator[CheckFailure]:
    for path, rule in kind.rules.items():
        for exact, value in values_at(inputs, path):
            wrong = rule(str(value))
            if wrong:
                yield CheckFailure(exact, wrong)
