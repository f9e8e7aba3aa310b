"""What is wrong with a value, in plain words: never in the validator's, and never with a value that may be a secret."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.shared.suggestion import closest, did_you_mean
from settings.expectation import Expectation, Kind, Step, expectation_at, of_field
from settings.preparation import BareNumber, BareWord, Unreadable
from settings.problems import Problem
from settings.secrecy import is_named_like_a_secret, looks_like_a_secret, may_be_quoted
from settings.stack import PROJECT, StackSettings

HOW_SECRETS_ARE_SET = (
    "a vendor's secret is written into AWS after `pulumi up`: `aws secretsmanager put-secret-value --secret-id <ARN> "
    '--secret-string ...`, with its ARN from the output "secrets"'
)
NO_SETTING = "is not a setting"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2} 00:00:00 \+0000 UTC"
"""What the engine makes of a date without quotes."""
LARGEST_SLIP = 3
"""Difference of length between a mistyped setting and its name, where the name itself looks like a secret's."""


def problems_of(section: str, details: Sequence[ErrorDetails], *, encrypted: bool = False) -> Iterator[Problem]:
    """Yield the errors of a section in plain words, but none about the value of a setting that cannot be read.

    No value of an encrypted section is repeated.
    """
    for detail in details:
        unknown = detail["type"] == "extra_forbidden"
        if (unknown or not isinstance(detail["input"], Unreadable)) and not _is_only_counted_short(detail):
            yield _problem_of([section, *detail["loc"]], detail, encrypted=encrypted)


def _is_only_counted_short(detail: ErrorDetails) -> bool:
    """Tell whether a list has entries enough: the validator counts those that are valid, and tells of the others."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _problem_of(path: Sequence[Step], detail: ErrorDetails, *, encrypted: bool) -> Problem:
    value, key = detail["input"], ".".join(str(step) for step in path)
    if detail["type"] == "extra_forbidden":
        return unknown_setting(path, value, encrypted=encrypted)
    if detail["type"] == "missing":
        return Problem(key=key, what=f"is missing; {_how_to_add(path)}")
    expected = expectation_at(StackSettings, path)
    if value is None or value == "":
        return Problem(key=key, what=f"is empty; {_what_to_write(str(path[-1]), expected)}")
    if detail["type"] in ("value_error", "too_short", "too_long"):
        sentence = _own_words(detail)
    else:
        sentence = f"is {_not_accepted(str(path[-1]), expected, value)}"
    if isinstance(value, BareNumber) or (isinstance(value, str) and re.fullmatch(_DATE, value)):
        sentence += "; put it in quotes"
    shown = None if encrypted else _shown(value)
    return Problem(key=key, what=sentence if shown is None else f"{shown} {sentence}")


def missing_setting(section: str) -> Problem:
    """A section, or a setting outside of all sections, that has no default."""
    return Problem(key=section, what=f"is missing; {_how_to_add([section])}")


def unknown_setting(path: Sequence[Step], value: object, *, encrypted: bool = False) -> Problem:
    """A key that is no setting: a typing mistake, a setting in the wrong place, or a secret."""
    *parents, name = [str(step) for step in path]
    key = ".".join([*parents, name])
    siblings = expectation_at(StackSettings, path[:-1]).fields
    meant = closest(name, siblings)
    text = _text_of_scalar(value)
    if encrypted or isinstance(value, Unreadable):
        return Problem(key=key, what=f"{NO_SETTING}; {HOW_SECRETS_ARE_SET}")
    if text and (looks_like_a_secret(text) or (is_named_like_a_secret(name) and not _is_slip(name, meant, siblings))):
        return Problem(
            key=key,
            what="looks like a secret, and it is in plain text: remove it here and replace it where it was issued; "
            f"{HOW_SECRETS_ARE_SET}",
        )
    elsewhere = _places_of(name)
    if elsewhere:
        return Problem(key=key, what=f"{NO_SETTING} here; did you mean {' or '.join(elsewhere)}")
    if meant is not None:
        return Problem(key=key, what=f"{NO_SETTING}; did you mean {meant}")
    return Problem(key=key, what=f"{NO_SETTING}; remove it, or see docs/settings.md for the settings")


def _is_slip(name: str, meant: str | None, siblings: Mapping[str, FieldInfo]) -> bool:
    """Tell whether a name that looks like a secret's is a mistyped setting: about as long, and no section."""
    return (
        meant is not None
        and abs(len(meant) - len(name)) <= LARGEST_SLIP
        and of_field(siblings[meant]).kind is not Kind.SECTION
    )


def _places_of(name: str) -> list[str]:
    """Return the settings of this name in all sections; `account_id` and `account.id` name the section as well."""
    return [
        f"{setting} below {PROJECT}:{section}"
        for section, field in StackSettings.model_fields.items()
        for setting in of_field(field).fields
        if name in (setting, f"{section}.{setting}", f"{section}_{setting}")
    ]


def _how_to_add(path: Sequence[Step]) -> str:
    expected = expectation_at(StackSettings, path)
    if expected.kind is Kind.SECTION:
        return f"add the section to the stack's file, with {_first_line(expected)}"
    key = f"{PROJECT}:{path[0]}" if len(path) == 1 else str(path[-1])
    return f"add it to the stack's file, such as `{key}: {expected.example}`"


def _first_line(section: Expectation) -> str:
    """Return a line of a section, as an example: the first setting that is required, else the first one."""
    names = sorted(section.fields, key=lambda name: not section.fields[name].is_required())
    inner = of_field(section.fields[names[0]])
    return (
        f"`{names[0]}: {inner.example}`"
        if inner.kind is not Kind.SECTION
        else f"`{names[0]}:` and {_first_line(inner)}"
    )


def _own_words(detail: ErrorDetails) -> str:
    """Return what our own checks say, and the number of entries of a list."""
    context: Mapping[str, Any] = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(context["error"])
    count = _entries(context["actual_length"]) if context["actual_length"] is not None else "more"
    if detail["type"] == "too_short":
        verb = "is" if context["min_length"] == 1 else "are"
        return f"has {count}; at least {context['min_length']} {verb} needed"
    return f"has {count}; at most {context['max_length']} are accepted"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _not_accepted(name: str, expected: Expectation, value: object) -> str:
    """Return what the value is not, and what to write; the sentence begins with "is"."""
    text = _text_of_scalar(value)
    if expected.kind is Kind.TEXT and isinstance(value, bool | int | float):
        kind = "no text" if isinstance(value, bool) else "a number"
        return f"{kind} without quotes, and text is meant; put it in quotes, such as {_what_is_written(name, expected)}"
    if expected.kind is Kind.CHOICE:
        options = [str(option) for option in expected.options]
        return "; ".join(
            each
            for each in (
                "not a value of this setting",
                _question(text, options),
                f"choose {_either(options)}",
                "put it in quotes" if isinstance(value, bool | float) else None,
            )
            if each
        )
    if expected.kind is Kind.NETWORK:
        return f"not an address block; {_network_meant(text) or _what_to_write(name, expected)}"
    nouns = {
        Kind.SECTION: "not a section",
        Kind.LIST: "not a list",
        Kind.SWITCH: "neither true nor false",
        Kind.NUMBER: f"not a whole number{expected.range_in_words}",
        Kind.TEXT: "not text",
    }
    return f"{nouns[expected.kind]}; {_what_to_write(name, expected)}"


def _what_to_write(name: str, expected: Expectation) -> str:
    if expected.kind is Kind.SECTION:
        return f"write its settings below it, indented, one a line, such as {_first_line(expected)}"
    if expected.kind is Kind.CHOICE:
        return f"choose {_either([str(option) for option in expected.options])}"
    return f"write {_what_is_written(name, expected)}"


def _what_is_written(name: str, expected: Expectation) -> str:
    if expected.kind is Kind.LIST:
        item = expected.item.example if expected.item is not None else ""
        default = expected.default if isinstance(expected.default, tuple) else ()
        return f"`{name}: [{', '.join(str(each) for each in default) or item}]`"
    if expected.kind is Kind.SWITCH:
        return f"`{name}: true` or `{name}: false`"
    example = expected.example
    if expected.is_text and not example.startswith('"'):
        example = json.dumps(example)
    return f"`{example}`" if name.isdigit() else f"`{name}: {example}`"


def _network_meant(text: str | None) -> str | None:
    """Return the block around an address: `10.0.0.1/16` is in `10.0.0.0/16`."""
    try:
        block = IPv4Network(text or "", strict=False)
    except ValueError:
        return None
    return f"it is an address inside of one: did you mean {block}"


def _question(text: str | None, options: Sequence[str]) -> str | None:
    if text is None or not all(option.isdecimal() for option in options):
        return None if text is None else did_you_mean(text, options)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text, re.ASCII):
        return None
    return f"did you mean {min(options, key=lambda option: abs(int(option) - float(text)))}"


def _either(options: Sequence[str]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _shown(value: object) -> str | None:
    """Return a value for the beginning of a sentence, or None if it must not be repeated."""
    text = _text_of_scalar(value)
    if text is None or not text or not may_be_quoted(text):
        return None
    return (
        json.dumps(text) if isinstance(value, str) and not (isinstance(value, BareWord) or text.isdecimal()) else text
    )


def _text_of_scalar(value: object) -> str | None:
    """Return a value as the file has it, or None for a structure."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None
