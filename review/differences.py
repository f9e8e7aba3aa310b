"""Old and new values of a resource's inputs, down to the value that differs."""

import base64
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeGuard

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine puts in the place of a value that is known only after the deployment."""

LONGEST_VALUE = 100
"""Characters of a value that are shown; more would hide the plan's other lines."""

SHORTEST_BASE64 = 200
"""A name of that many characters does not exist, so that what decodes without an error was encoded."""

GZIP = b"\x1f\x8b"
"""How compressed content begins."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One value that differs; a side that has none is None."""

    path: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.old is None:
            return f"{self.path}: added {self.new}"
        if self.new is None:
            return f"{self.path}: removed {self.old}"
        return f"{self.path}: {self.old} -> {self.new}"

    @property
    def input(self) -> str:
        """The input at the start of the path."""
        return self.path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Every value that differs between two sets of inputs, in the order of their names."""
    return list(_in_mapping("", _public(old), _public(new)))


def _public(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs without the providers' own bookkeeping."""
    return {key: value for key, value in inputs.items() if not key.startswith("__")}


def _in_value(path: str, old: object, new: object) -> Iterator[Difference]:
    if old == new:
        return
    old, new = _parsed(old), _parsed(new)
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _in_mapping(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _in_list(path, old, new)
    elif _is_long_text(old) and _is_long_text(new):
        yield from _in_lines(path, old, new)
    else:
        yield Difference(path=path, old=_shown(old), new=_shown(new))


def _in_mapping(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for key in sorted({*old, *new}):
        inner = f"{path}.{key}" if path else key
        if key not in old:
            yield Difference(path=inner, old=None, new=_shown(new[key]))
        elif key not in new:
            yield Difference(path=inner, old=_shown(old[key]), new=None)
        else:
            yield from _in_value(inner, old[key], new[key])


def _in_list(path: str, old: list[Any], new: list[Any]) -> Iterator[Difference]:
    """Elements at the same place, where the lists are equally long; otherwise what has come and gone."""
    if len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _in_value(f"{path}[{number}]", before, after)
        return
    for element in old:
        if element not in new:
            yield Difference(path=path, old=_shown(element), new=None)
    for element in new:
        if element not in old:
            yield Difference(path=path, old=None, new=_shown(element))


def _in_lines(path: str, old: str, new: str) -> Iterator[Difference]:
    """The lines of a text that have come and gone: nobody finds one word in a script of 200 lines."""
    before, after = old.splitlines(), new.splitlines()
    gone = [line for line in before if line not in after]
    come = [line for line in after if line not in before]
    if len(gone) == len(come):
        for first, second in zip(gone, come, strict=True):
            yield Difference(path=path, old=_shown(first.strip()), new=_shown(second.strip()))
        return
    for line in gone:
        yield Difference(path=path, old=_shown(line.strip()), new=None)
    for line in come:
        yield Difference(path=path, old=None, new=_shown(line.strip()))


def _parsed(value: object) -> object:
    """A document as what it says: JSON in policies, dashboards and patterns, and scripts in base64 in user data, which
    may be compressed."""
    if isinstance(value, str) and len(value) >= SHORTEST_BASE64:
        with suppress(ValueError, EOFError, OSError, zlib.error):
            content = base64.b64decode(value, validate=True)
            return (gzip.decompress(content) if content.startswith(GZIP) else content).decode()
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            parsed: object = json.loads(value)
            return parsed
        except ValueError:
            return value
    return value


def _is_long_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and "\n" in value.strip()


def _shown(value: object) -> str:
    if value == UNKNOWN:
        return "(known after deployment)"
    text = json.dumps(value, ensure_ascii=False).replace(f'"{UNKNOWN}"', "(known after deployment)")
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[: LONGEST_VALUE // 2]} ... {text[-LONGEST_VALUE // 4 :]} ({len(text)} characters)"
