"""YAML as the engine reads it (`gopkg.in/yaml.v3`): `no` and `2:00` are text, not the false and the 120 of YAML 1.1.

Each value becomes what the engine hands to a program as JSON.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import yaml

MOST_VALUES = 10_000
"""In a file, counted where they are used: more come from references to references only."""
DEEPEST = 50
"""Structures in each other."""


class NotYaml(Exception):
    """A text that is no YAML, or more than a file of settings can be; the message is for the author of the text."""


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """A key that a structure has twice, of which YAML's readers would take the last or none."""

    path: tuple[str, ...]
    first_line: int
    second_line: int


def read(text: str) -> tuple[object, list[Duplicate]]:
    """Return the value of a document and its duplicate keys. Raises NotYaml."""
    try:
        document = yaml.compose(text, Loader=_Loader)
        return (
            (None, []) if document is None else (_Reader().value(document, 0), list(_duplicates(document, (), set())))
        )
    except yaml.MarkedYAMLError as error:
        raise NotYaml(_syntax(error)) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise NotYaml("is not valid YAML: it has a character that YAML does not know, or is too deep") from error


def _syntax(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = "" if mark is None else f" in line {mark.line + 1}, column {mark.column + 1}"
    problem = error.problem or "it is cut off"
    if r"'\t'" in problem:
        return f"is not valid YAML{place}: there is a tab; indent with spaces"
    if "alias" in problem:
        return f"is not valid YAML{place}: text that begins with * or & must be in quotes"
    # What the parser quotes may be part of a secret, unless it is the name of one of its tokens.
    return f"is not valid YAML{place}: {re.sub(_QUOTED_TEXT, 'other text', problem)}"


_QUOTED_TEXT = r"""(?s)'(?!<[a-z ]+>')[^']{2,}'|"[^"]*"|'[A-Za-z0-9]'"""


class _Loader(yaml.SafeLoader):
    """Finds the type of a scalar without quotes."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("int", r"[-+]?(0|[1-9][0-9_]*|0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|0[0-9_]+)", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789"),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$", re.ASCII), list(_first))


def _duplicates(node: yaml.Node, path: tuple[str, ...], seen: set[int]) -> Iterator[Duplicate]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for position, each in enumerate(node.value):
            yield from _duplicates(each, (*path, str(position)), seen)
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, line = _key(key_node), key_node.start_mark.line + 1
            if key in lines and not _is_merge(key_node):
                yield Duplicate(path=(*path, key), first_line=lines[key], second_line=line)
            lines.setdefault(key, line)
            yield from _duplicates(value_node, (*path, key), seen)


def _key(node: yaml.Node) -> str:
    return node.value if isinstance(node.value, str) else "a structure"


def _is_merge(node: yaml.Node) -> bool:
    return node.tag == "tag:yaml.org,2002:merge"


class _Reader:
    """Turns nodes into values."""

    def __init__(self) -> None:
        self._values = 0

    def value(self, node: yaml.Node, depth: int) -> object:
        self._values += 1
        if self._values > MOST_VALUES or depth > DEEPEST:
            raise NotYaml("refers to itself or repeats too much; write the values out")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, depth + 1) for each in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        text = str(node.value)
        return SCALARS.get(node.tag.rpartition(":")[2], str)(text)

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, object]:
        merged: dict[str, object] = {}
        own: dict[str, object] = {}
        for key_node, value_node in node.value:
            value = self.value(value_node, depth + 1)
            if not _is_merge(key_node):
                own[_key(key_node)] = value
                continue
            for each in reversed(value if isinstance(value, list) else [value]):
                merged.update(each if isinstance(each, dict) else {})
        return {**merged, **own}


def _integer(text: str) -> object:
    digits = text.replace("_", "")
    try:
        octal = re.fullmatch(r"([-+]?)0o?([0-7]+)", digits)
        if octal:
            return int(octal[1] + octal[2], 8)
        return int(digits, 10 if re.fullmatch(r"[-+]?[0-9]+", digits) else 0)
    except ValueError:
        # A tag that claims a number, or more digits than Python turns into one.
        return text


def _float(text: str) -> object:
    """Return 12 for 12.0, as the engine hands it over."""
    try:
        number = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    return int(number) if number.is_integer() else number


SCALARS: Mapping[str, Callable[[str], object]] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _float,
    "timestamp": lambda text: f"{text} 00:00:00 +0000 UTC",
}
"""From a scalar to its value, by YAML tag; any other tag is text."""
