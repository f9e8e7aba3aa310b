"""The random package: passwords, strings and ids from the operating system's source of randomness.

A value is made once, at creation, and lives in Pulumi's state alone; every change makes a new one, as in the original.
`RandomPassword.bcryptHash` is not computed: bcrypt is not among the project's dependencies, and nothing reads the hash.
"""

import base64
import secrets
import string
from collections.abc import Callable, Iterable, Iterator

from sandbox.provider import autonaming, diff, schema
from sandbox.provider.resource_provider import Change, Diff, Identity, ProviderConfiguration, ProviderError, ReadResult
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import UNKNOWN, Properties

PASSWORD = "random:index/randomPassword:RandomPassword"
STRING = "random:index/randomString:RandomString"
ID = "random:index/randomId:RandomId"

SECRET_OUTPUTS = {PASSWORD: ("result",)}
"""Outputs that are secret by their nature."""

_SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
"""The special characters that the original uses unless `overrideSpecial` is given."""

_STRING_DEFAULTS = {
    "lower": True,
    "upper": True,
    "numeric": True,
    "number": True,
    "special": True,
    "minLower": 0,
    "minUpper": 0,
    "minNumeric": 0,
    "minSpecial": 0,
}


class Random:
    """The types of the random package that the sandbox has."""

    def check(
        self,
        identity: Identity,
        inputs: Properties,
        old: Properties,
        seed: bytes,
        proposal: autonaming.Proposal | None,
        configuration: ProviderConfiguration,
    ) -> tuple[Properties, list[CheckFailure]]:
        """The inputs, and what is wrong with them: types, and lengths that cannot be met."""
        checked = schema.coerce(identity.token, inputs)
        failures = schema.check(identity.token, checked)
        if identity.token not in (PASSWORD, STRING, ID):
            return inputs, [*failures, CheckFailure("", f"the sandbox does not support the type {identity.token}")]
        if not failures:
            failures += _id_failures(checked) if identity.token == ID else _string_failures(checked)
        return checked, failures

    def difference(
        self,
        identity: Identity,
        old: Properties,
        state: Properties,
        new: Properties,
        ignored: Iterable[str],
        configuration: ProviderConfiguration,
    ) -> Diff:
        """Every change replaces: a random value cannot be edited."""
        declared = _schema(identity.token).inputs
        skipped = {path.split(".")[0] for path in ignored}
        changed = {
            key
            for key in declared
            if key not in skipped and not diff.same(declared[key].type, old.get(key), new.get(key))
        }
        return Diff({key: Change(key not in old, key not in new, True) for key in sorted(changed)})

    def preview_create(
        self, identity: Identity, inputs: Properties, configuration: ProviderConfiguration
    ) -> Properties:
        """The inputs with their defaults; the values themselves come with creation."""
        return _with_defaults(identity.token, inputs) | dict.fromkeys(_results(identity.token), UNKNOWN)

    def preview_update(
        self, identity: Identity, state: Properties, inputs: Properties, configuration: ProviderConfiguration
    ) -> Properties:
        """Nothing changes in place."""
        return state

    def create(
        self, identity: Identity, inputs: Properties, configuration: ProviderConfiguration
    ) -> tuple[str, Properties]:
        """Make the value; the id is the one that the original gives."""
        makers: dict[str, Callable[[Properties], tuple[str, Properties]]] = {
            PASSWORD: _password,
            STRING: _string,
            ID: _id,
        }
        properties = _with_defaults(identity.token, inputs)
        identifier, results = makers[identity.token](properties)
        return identifier, properties | results

    def read(
        self,
        identity: Identity,
        identifier: str,
        inputs: Properties,
        state: Properties,
        configuration: ProviderConfiguration,
    ) -> ReadResult | None:
        """The state is the only place where the value lives."""
        return ReadResult(inputs, state)

    def update(
        self,
        identity: Identity,
        identifier: str,
        old: Properties,
        state: Properties,
        inputs: Properties,
        configuration: ProviderConfiguration,
    ) -> Properties:
        """Never called for a real change; see difference."""
        return state

    def delete(
        self, identity: Identity, identifier: str, state: Properties, configuration: ProviderConfiguration
    ) -> None:
        """There is nothing outside the state."""


def _schema(token: str) -> schema.ResourceSchema:
    declared = schema.resource(token)
    if declared is None:
        raise ProviderError(f"unknown resource type {token}")
    return declared


def _with_defaults(token: str, inputs: Properties) -> Properties:
    given = {key: value for key, value in inputs.items() if value is not None and not key.startswith("__")}
    if token == ID:
        return given
    filled = {**_STRING_DEFAULTS, **given}
    # `number` is the old name of `numeric`; whichever is given sets both.
    numeric = given.get("numeric", given.get("number", True))
    return {**filled, "numeric": numeric, "number": numeric}


def _results(token: str) -> tuple[str, ...]:
    return {
        PASSWORD: ("result",),
        STRING: ("result",),
        ID: ("b64Std", "b64Url", "dec", "hex"),
    }[token]


def _string_failures(inputs: Properties) -> Iterator[CheckFailure]:
    known = {key: value for key, value in _with_defaults(STRING, inputs).items() if value != UNKNOWN}
    length = known.get("length")
    minimum = sum(known.get(key, 0) for key in ("minLower", "minUpper", "minNumeric", "minSpecial"))
    if length is not None and length < 1:
        yield CheckFailure("length", f"must be at least 1, is {length}")
    elif length is not None and length < minimum:
        yield CheckFailure("length", f"must be at least {minimum}, the sum of the minima, is {length}")
    if not any(known.get(key, True) for key in ("lower", "upper", "numeric", "special")):
        yield CheckFailure("lower", "at least one of lower, upper, numeric and special must be true")


def _id_failures(inputs: Properties) -> Iterator[CheckFailure]:
    length = inputs.get("byteLength")
    if length not in (None, UNKNOWN) and length < 1:
        yield CheckFailure("byteLength", f"must be at least 1, is {length}")


def _characters(properties: Properties) -> str:
    """A random text of the length that has at least the minima of each class of characters."""
    special = properties.get("overrideSpecial") or _SPECIAL
    classes = {
        "Lower": (properties["lower"], string.ascii_lowercase),
        "Upper": (properties["upper"], string.ascii_uppercase),
        "Numeric": (properties["numeric"], string.digits),
        "Special": (properties["special"], special),
    }
    chosen = [
        secrets.choice(alphabet) for name, (_, alphabet) in classes.items() for _ in range(properties[f"min{name}"])
    ]
    everything = "".join(alphabet for wanted, alphabet in classes.values() if wanted)
    chosen += [secrets.choice(everything) for _ in range(properties["length"] - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def _password(properties: Properties) -> tuple[str, Properties]:
    return "none", {"result": _characters(properties)}


def _string(properties: Properties) -> tuple[str, Properties]:
    result = _characters(properties)
    return result, {"result": result}


def _id(properties: Properties) -> tuple[str, Properties]:
    value = secrets.token_bytes(properties["byteLength"])
    prefix = properties.get("prefix", "")
    url = base64.urlsafe_b64encode(value).decode().rstrip("=")
    return prefix + url, {
        "b64Std": prefix + base64.b64encode(value).decode(),
        "b64Url": prefix + url,
        "hex": prefix + value.hex(),
        "dec": prefix + str(int.from_bytes(value, "big")),
    }
