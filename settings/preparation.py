"""Values as they are written in YAML, brought into the form that the models check, where their meaning is certain."""

import re
from collections.abc import Mapping

from pydantic import BaseModel

from settings.expectation import Expectation, Kind, expectation_at, of_field


class BareNumber(str):
    """The text of a number that was written without quotes where text is meant: `engine_version: 18`."""

    __slots__ = ()


class BareWord(str):
    """The text of `true` or `false` that was written where a number is meant; pydantic takes them as 1 and 0."""

    __slots__ = ()


class Unreadable:
    """Stands for a value that is encrypted in the stack's file: only `pulumi up` can decrypt and check it."""


UNREADABLE = Unreadable()


def prepare(model: type[BaseModel], key: str, value: object) -> object:
    """Return the value of a top-level key for validation."""
    return _prepared(expectation_at(model, [key]), value)


def is_encrypted(value: object) -> bool:
    """Tell whether a value is as `pulumi config set --secret` writes it: `secure: v1:...`."""
    return isinstance(value, Mapping) and list(value) == ["secure"] and isinstance(value["secure"], str)


def _prepared(expected: Expectation, value: object) -> object:
    if is_encrypted(value):
        return UNREADABLE
    if isinstance(value, Mapping):
        fields = expected.fields
        return {
            name: _prepared(of_field(fields[name]), each) if name in fields else _unreadable_kept(each)
            for name, each in value.items()
        }
    if isinstance(value, list) and expected.item is not None:
        return [_prepared(expected.item, each) for each in value]
    return _prepared_scalar(expected, value)


def _prepared_scalar(expected: Expectation, value: object) -> object:
    if isinstance(value, bool):
        return value if expected.is_text or expected.kind is Kind.SWITCH else BareWord(str(value).lower())
    if expected.is_text and isinstance(value, int):
        return value if _has_other_spellings(expected, value) else BareNumber(value)
    if expected.kind is Kind.CHOICE and isinstance(value, str) and not expected.is_text:
        return int(value) if re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) else value
    return value


def _has_other_spellings(expected: Expectation, number: int) -> bool:
    """Tell whether the text may have been another one: the engine hands `release: 1.0` over as 1."""
    return expected.text_format is not None and expected.text_format.matches(f"{number}.0")


def _unreadable_kept(value: object) -> object:
    return UNREADABLE if is_encrypted(value) else value
