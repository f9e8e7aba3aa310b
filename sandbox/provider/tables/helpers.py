"""Shapes that the tables of several services share."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jmespath
from botocore import xform_name

from sandbox.provider import requests
from sandbox.provider.emulator import Api
from sandbox.provider.model import Call, Feature, Inputs, Live, Request, ResourceType, Tagging, call, constant
from sandbox.provider.schema import CheckFailure

MANAGED = "Managed by Pulumi"
"""The provider's default for descriptions."""


def recorded_uuid(kind: str, *inputs: str) -> Callable[[Live], uuid.UUID]:
    """The identity of a recorded resource: it follows from what each resource of the kind has for itself."""
    return lambda live: uuid.uuid5(
        uuid.NAMESPACE_URL, f"{live.account_id}/{kind}/{[live.state.get(key) for key in inputs]}"
    )


def recorded_id(prefix: str, *inputs: str) -> Callable[[Live], str]:
    """The id of a recorded resource, as EC2 and Route 53 Resolver make them: a prefix and 17 hexadecimal digits."""
    made = recorded_uuid(prefix, *inputs)
    return lambda live: f"{prefix}-0{made(live).hex[:16]}"


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


def regular_type(
    token: str, service: str, noun: str, key: str, *, plural: str = "", listed: str = "", **fields: Any
) -> ResourceType:
    """A type whose calls are named after it (`noun`) and name the resource by one parameter (`key`).

    It is read by a get call, or by a describe call that accepts `listed` and answers with a list named `plural`.
    Whatever differs is given as a field.
    """
    plural = plural or f"{noun}s"
    usual: dict[str, Any] = {
        "create": f"create_{xform_name(noun)}",
        "id": f"{noun}.{key}",
        "read": call(f"get_{xform_name(noun)}", **{key: "id"}),
        "description": noun,
        "delete": call(f"delete_{xform_name(noun)}", **{key: "id"}),
    }
    if listed:
        usual |= {"read": call(f"describe_{xform_name(plural)}", **{listed: "id"}), "description": f"{plural}[0]"}
    return ResourceType(token=token, service=service, **{**usual, **fields})


def exclusive(
    token: str,
    service: str,
    owner: str,
    listing: Call,
    lists: Mapping[str, tuple[str, Call]],
    *,
    exists: Call | None = None,
    **fields: Any,
) -> ResourceType:
    """A type that removes from its owner (an input, and the id) what its other inputs do not list.

    `lists`: input -> the ids in the answer of `listing`, as JMESPath that may contain `{id}`, and the call that removes
    one of them, which it names `one`. `exists` fails if the owner is missing, where `listing` does not.
    """

    def present(api: Api, identifier: str) -> dict[str, list[str]]:
        answer = api(listing.operation, **requests.arguments(service, listing, {"id": identifier}))
        return {key: sorted(jmespath.search(path.format(id=identifier), answer)) for key, (path, _) in lists.items()}

    def read(api: Api, live: Live) -> Mapping[str, Any]:
        if exists:
            api(exists.operation, **requests.arguments(service, exists, {"id": live.id}))
        return present(api, live.id)

    def keep_only(api: Api, live: Live) -> str:
        identifier = str(live.state[owner])
        for key, found in present(api, identifier).items():
            remove = lists[key][1]
            for one in (one for one in found if one not in live.state[key]):
                api(remove.operation, **requests.arguments(service, remove, {"id": identifier, "one": one}))
        return identifier

    return ResourceType(
        token=token,
        service=service,
        custom_create=keep_only,
        custom_update=keep_only,
        custom_create_inputs=" ".join([owner, *lists]),
        attributes={owner: lambda live: live.id},
        replace=owner,
        read=read,
        **fields,
    )


def set_or_remove(
    service: str, inputs: str, put: Call, remove: Call, read: Callable[[Api, Live], Mapping[str, Any]] | None = None
) -> Feature:
    """A setting that one call sets as a whole, if the first of its inputs is given, and another call removes."""

    def calls(values: Inputs, identifier: str) -> Iterable[Request]:
        chosen = put if values.get(inputs.split(maxsplit=1)[0]) else remove
        yield Request(chosen.operation, requests.arguments(service, chosen, {**values, "id": identifier}))

    return Feature(inputs, calls, read=read, replaces_all=True)


def described(main: Call, path: str, **more: tuple[Call, str]) -> Callable[[Api, Live], Mapping[str, Any] | None]:
    """Reads the description at a path of one answer, and adds what further calls answer at their paths.

    The further calls may use members of the description as well as properties.
    """

    def ask(api: Api, asked: Call, where: str, state: Inputs) -> Any:
        return jmespath.search(where, api(asked.operation, **requests.arguments(api.service, asked, state)))

    def read(api: Api, live: Live) -> Mapping[str, Any] | None:
        state = {**live.state, "id": live.id}
        found = ask(api, main, path, state)
        if not found:
            return None
        return {**found, **{name: ask(api, *one, {**state, **found, "id": live.id}) for name, one in more.items()}}

    return read


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
    """The parameters for those of the named inputs that are neither absent nor empty, 0 or false.

    `names`: property -> parameter, or words whose parameters are the same with a capital.
    """
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
    """A rule that inputs are given which the provider's schema does not require: input -> reason of the failure."""
    return lambda inputs: [CheckFailure(key, reason) for key, reason in reasons.items() if inputs.get(key) is None]


def each(names: str, value: Any) -> dict[str, Any]:
    """The same value for several names."""
    return dict.fromkeys(names.split(), value)


def constants(**values: Any) -> dict[str, Callable[[Live], Any]]:
    """Attributes that are the same for every resource of a type."""
    return {name: constant(value) for name, value in values.items()}


def unless_given(**choices: Callable[[Live], Any]) -> dict[str, Callable[[Live], Any]]:
    """Attributes that are the input where it is given, and else what AWS would choose."""

    def source(key: str, choose: Callable[[Live], Any]) -> Callable[[Live], Any]:
        def value(live: Live) -> Any:
            given = live.description.get(key)
            return choose(live) if given is None else given

        return value

    return {key: source(key, choose) for key, choose in choices.items()}


def parameter_changes(operation: str, group: str, member: str) -> Callable[[Inputs, str], Iterable[Request]]:
    """The calls that set the input `parameters` of a group, of which AWS accepts 20 per call."""

    def requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
        listed = [one for one in inputs.get("parameters") or [] if isinstance(one, dict)]
        parameters = [
            {"ParameterName": one.get("name"), "ParameterValue": one.get("value"), **members(one, "applyMethod")}
            for one in listed
        ]
        for start in range(0, len(parameters), 20):
            yield Request(operation, {group: identifier, member: parameters[start : start + 20]})

    return requests


def exactly_one(*keys: str, names: str = "") -> Callable[[Inputs], Iterable[CheckFailure]]:
    """A rule that one of these inputs is given, and no other; the failure is at the first."""
    names = names or (" and ".join(keys) if len(keys) == 2 else ", ".join(keys))

    def validate(inputs: Inputs) -> Iterable[CheckFailure]:
        if len(given(inputs, *keys)) != 1:
            yield CheckFailure(keys[0], f"exactly one of {names} must be given")

    return validate
