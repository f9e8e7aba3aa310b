"""What a setting accepts, read from the type of its field, in plain words."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from ipaddress import IPv4Network
from typing import Annotated, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from components.shared.section import TextFormat

Step = str | int
"""A part of a setting's path: a name, or a position in a list."""


class Kind(Enum):
    """What is meant."""

    SECTION = auto()
    LIST = auto()
    SWITCH = auto()
    NUMBER = auto()
    CHOICE = auto()
    NETWORK = auto()
    TEXT = auto()


KINDS: Mapping[object, Kind] = {bool: Kind.SWITCH, int: Kind.NUMBER, IPv4Network: Kind.NETWORK}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What one setting accepts."""

    kind: Kind
    section: type[BaseModel] | None = None
    item: "Expectation | None" = None
    """What each entry of a list must be."""
    options: tuple[str | int, ...] = ()
    text_format: TextFormat | None = None
    smallest: int | None = None
    largest: int | None = None
    default: object = None

    @property
    def is_text(self) -> bool:
        """Whether a number is accepted as the text that was meant."""
        return self.kind in (Kind.TEXT, Kind.NETWORK) or any(isinstance(option, str) for option in self.options)

    @property
    def fields(self) -> Mapping[str, FieldInfo]:
        return {} if self.section is None else self.section.model_fields

    @property
    def example(self) -> str:
        """A value as it is written in the file."""
        if isinstance(self.default, str | int) and not isinstance(self.default, bool):
            return f'"{self.default}"' if str(self.default).isdigit() and self.is_text else str(self.default)
        if self.text_format is not None:
            return self.text_format.example
        if self.kind is Kind.NETWORK:
            return "10.0.0.0/16"
        if self.options:
            return str(self.options[0])
        if self.kind is Kind.NUMBER:
            return str(self.smallest or 1)
        return "true"

    @property
    def range_in_words(self) -> str:
        """The limits of a number, after "a whole number"."""
        if self.smallest is not None and self.largest is not None:
            return f" from {self.smallest} to {self.largest}"
        if self.smallest is not None:
            return f" of at least {self.smallest}"
        return "" if self.largest is None else f" of at most {self.largest}"


def expectation_at(model: type[BaseModel], path: Sequence[Step]) -> Expectation:
    """Return what the setting at a path accepts. Raises KeyError for a path that leads to no setting."""
    current = Expectation(kind=Kind.SECTION, section=model)
    for step in path:
        if isinstance(step, int) and current.item is not None:
            current = current.item
        else:
            current = of_field(current.fields[str(step)])
    return current


def of_field(field: FieldInfo) -> Expectation:
    """Return what a field accepts."""
    default = None if field.is_required() else field.default
    return _of_type(field.annotation, field.metadata, default)


def _of_type(annotation: object, metadata: Sequence[object], default: object = None) -> Expectation:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_type(arguments[0], [*arguments[1:], *metadata], default)
    if origin in (Union, types.UnionType):
        return _of_type(next(each for each in arguments if each is not type(None)), metadata, default)
    if origin is tuple:
        return Expectation(kind=Kind.LIST, item=_of_type(arguments[0], []), default=default)
    if origin is Literal:
        return Expectation(kind=Kind.CHOICE, options=arguments, default=default)
    return _of_class(annotation, metadata, default)


def _of_class(annotation: object, metadata: Sequence[object], default: object) -> Expectation:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return Expectation(kind=Kind.CHOICE, options=tuple(str(each) for each in annotation), default=default)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Expectation(kind=Kind.SECTION, section=annotation, default=default)
    formats = [each for each in metadata if isinstance(each, TextFormat)]
    return Expectation(
        kind=KINDS.get(annotation, Kind.TEXT),
        text_format=formats[0] if formats else None,
        smallest=next((int(str(each.ge)) for each in metadata if isinstance(each, annotated_types.Ge)), None),
        largest=next((int(str(each.le)) for each in metadata if isinstance(each, annotated_types.Le)), None),
        default=default,
    )
