"""A resource as a rule sees it: plain values, converted once, with marks for what is unknown and what is secret.

Both sources end here: the engine's messages (`policies.engine.server`) and an exported state (`policies.engine.state`).
Rules therefore never meet protobuf messages, proxies or Pulumi's signature objects.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
"""Marks an object that stands for something else in Pulumi's wire format and state file."""
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"

UNKNOWN_SENTINELS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What the engine sends during preview instead of a value that is known only after deployment."""

REDACTED_SECRET: Final = "[secret]"
"""What `pulumi policy analyze --file` writes instead of a secret that it cannot decrypt."""


BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


class Unknown:
    """A value that cannot be read: not known before deployment, or a secret that is encrypted."""

    def __init__(self, *, secret: bool) -> None:
        self.secret = secret

    def __repr__(self) -> str:
        return "an encrypted secret" if self.secret else "unknown before deployment"


UNKNOWN: Final = Unknown(secret=False)
ENCRYPTED: Final = Unknown(secret=True)


def judged_by_inputs(type_token: str) -> bool:
    """Whether a resource's outputs say nothing of the program.

    A cluster reports what its controllers and defaults have set as well: the number of pods that an autoscaler wants.
    """
    return type_token.startswith("kubernetes:")


class UnknownValue(Exception):
    """A rule read a value that cannot be known: its verdict on this resource is undetermined."""

    def __init__(self, urn: str, path: str) -> None:
        super().__init__(f"{urn} {path}")
        self.urn = urn
        self.path = path


class SecretText(str):
    """A secret that a rule may compare and parse, and that prints as a mask wherever it is put into a message."""

    __slots__ = ()

    def __str__(self) -> str:
        return REDACTED_SECRET

    def __repr__(self) -> str:
        return REDACTED_SECRET

    def __format__(self, specification: str) -> str:
        return REDACTED_SECRET


class SecretNumber(float):
    """A secret number; see `SecretText`."""

    __slots__ = ()

    def __str__(self) -> str:
        return REDACTED_SECRET

    def __repr__(self) -> str:
        return REDACTED_SECRET

    def __format__(self, specification: str) -> str:
        return REDACTED_SECRET


def comma_separated(texts: Iterable[str]) -> str:
    """Return texts as a list for a message; unlike `str.join` it does not look behind the mask of a secret."""
    return ", ".join(f"{text}" for text in texts)


def part_of(whole: str, part: str) -> str:
    """Return a part of a text, masked for printing if the whole is."""
    return SecretText(part) if isinstance(whole, SecretText) else part


def readable(text: str) -> str | Unknown:
    """Return a text, or the unknown value that it stands for."""
    if text in UNKNOWN_SENTINELS:
        return UNKNOWN
    return ENCRYPTED if text == REDACTED_SECRET else text


def mark_secret(value: Any) -> Any:
    """Return the value with every text and number in it masked for printing. Booleans cannot be masked, nor need be."""
    match value:
        case bool() | None:
            return value
        case Unknown():
            return ENCRYPTED
        case str():
            return SecretText(value)
        case int() | float():
            return SecretNumber(value)
        case Mapping():
            return {key: mark_secret(item) for key, item in value.items()}
        case _:
            return [mark_secret(item) for item in value]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StackResource:
    """One resource of a stack: its inputs for a rule about one resource, its outputs for a rule that joins several."""

    urn: str
    type_token: str
    properties: Mapping[str, Any]
    protect: bool = False
    parent: str = ""
    dependencies: Sequence[str] = ()
    property_dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    place: str = ""
    """For a part of a resource: its path in the whole."""

    @property
    def type(self) -> str:
        """The type without its class and in today's spelling, for instance `aws:lb/listener`."""
        return canonical_type(self.type_token)

    @property
    def name(self) -> str:
        """The logical name, which the author of the program chose."""
        return self.urn.rpartition("::")[2]

    def get(self, path: str) -> Any:
        """Return the value at a dotted path (`healthCheck.interval`, `rules.0.action`), or None where there is none.

        Raises UnknownValue if the value, or something on the way to it, cannot be known yet.
        """
        value: Any = self.properties
        for step in path.split("."):
            value = _step(value, step)
            if isinstance(value, Unknown):
                raise self.unknown(path)
        # Pulumi takes a boolean as text, and some of AWS's own are text.
        return BOOLEANS.get(value, value) if isinstance(value, str) else value

    def number(self, path: str) -> float | None:
        """Return the number at a path, also where it is written as text; None where there is none.

        Raises UnknownValue as `get` does, ValueError where a text is no number.
        """
        value = self.get(path)
        if not isinstance(value, str):
            number: float | None = value
            return number
        if not value:
            return None
        found = float(value)
        number = int(found) if found.is_integer() else found
        return SecretNumber(number) if isinstance(value, SecretText) else number

    def unknown(self, path: str) -> UnknownValue:
        """Return what to raise, or to report, where the value at a path cannot be known."""
        return UnknownValue(self.urn, f"{self.place}.{path}" if self.place else path)

    def items(self, path: str) -> Sequence["StackResource"]:
        """Return the objects of a list as views of their own, so that an unknown in one hides nothing of the others."""
        value = self.get(path)
        if value is None:
            return ()
        elements = [value] if isinstance(value, Mapping) else value
        return [self._view(element, f"{path}.{index}") for index, element in enumerate(elements)]

    def texts(self, path: str) -> Sequence[str]:
        """Return the text or texts at a path as a list. Raises UnknownValue if any of them is unknown."""
        value = self.get(path)
        if value is None:
            return ()
        elements = value if isinstance(value, list) else [value]
        if any(isinstance(element, Unknown) for element in elements):
            raise self.unknown(path)
        return [element for element in elements if isinstance(element, str)]

    def is_set(self, path: str) -> bool:
        """Tell whether a value is given at the path. An encrypted secret counts, an empty text or list does not."""
        try:
            return self.get(path) not in (None, "", [], {})
        except UnknownValue:
            if self.is_secret(path):
                return True
            # What comes out of another resource is given, though its value is not known before that resource exists.
            if self.property_dependencies.get(path.partition(".")[0]):
                return True
            raise

    def is_secret(self, path: str) -> bool:
        """Tell whether Pulumi keeps the value at the path encrypted. What is not there is no secret."""
        value: Any = self.properties
        for step in path.split("."):
            value = _step(value, step)
            if isinstance(value, Unknown):
                return value.secret
        return isinstance(value, SecretText | SecretNumber)

    def _view(self, element: Any, path: str) -> "StackResource":
        properties = element if isinstance(element, Mapping) else {"value": element}
        if isinstance(element, Unknown):
            properties = _EveryKeyUnknown(element)
        return StackResource(
            urn=self.urn,
            type_token=self.type_token,
            properties=properties,
            protect=self.protect,
            place=f"{self.place}.{path}" if self.place else path,
            property_dependencies=dict.fromkeys(properties, self.property_dependencies.get(path.partition(".")[0], ())),
        )


class _EveryKeyUnknown(dict[str, Any]):
    """Properties of an object that is unknown as a whole."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__()
        self._unknown = unknown

    def get(self, key: str, default: Any = None) -> Any:
        return self._unknown


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


_RENAMED_MODULES: Final = {
    "aws:alb": "aws:lb",
    "aws:applicationloadbalancing": "aws:lb",
    "aws:elasticloadbalancingv2": "aws:lb",
}


@cache
def canonical_type(type_token: str) -> str:
    """Return the type without its class, with the names that older programs use replaced by today's.

    `aws:alb/listener:Listener` and `aws:lb/listener:Listener` are the same thing to AWS, as are `aws:s3/bucketV2` and
    `aws:s3/bucket`. A Kubernetes kind is the same in every version of its API group.
    """
    path, _, name = type_token.rpartition(":")
    if path.startswith("kubernetes:"):
        return f"kubernetes:{name}"
    module, slash, resource = path.partition("/")
    if module == "aws:s3":
        resource = resource.removesuffix("V2")
    return f"{_RENAMED_MODULES.get(module, module)}{slash}{resource}"


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf below a value with its dotted path."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}.{index}")
    else:
        yield path, value
