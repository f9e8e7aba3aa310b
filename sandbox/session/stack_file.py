"""A stack's settings file, and the engine's copy of it: the same text but for what only its owner's key opens."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sandbox.session.console import UserError


class StackFile:
    """A file as its nodes. Scalars stay as they are written: the engine reads `12:30` as text, and Python as 750."""

    def __init__(self, document: yaml.MappingNode) -> None:
        self._document = document

    @classmethod
    def read(cls, path: Path) -> "StackFile":
        """Reads a file; one that is no mapping counts as empty. Raises UserError if it is not YAML."""
        document = _parsed(path, yaml.compose)
        if not isinstance(document, yaml.MappingNode):
            document = yaml.MappingNode("tag:yaml.org,2002:map", [])
        return cls(document)

    def remove(self, *keys: str) -> None:
        """Removes keys of the file itself."""
        _remove(self._document, set(keys))

    def add(self, key: str, value: str) -> None:
        """Adds a key with a text."""
        text = [yaml.ScalarNode("tag:yaml.org,2002:str", each) for each in (key, value)]
        self._document.value.append(tuple(text))

    def take_secrets(self) -> list[str]:
        """Removes encrypted values from the configuration; returns the path of each."""
        return [
            path
            for key, section in self._document.value
            if key.value == "config" and isinstance(section, yaml.MappingNode)
            for path in _take_secrets(section)
        ]

    def text(self) -> str:
        """The file to write."""
        written: str = yaml.serialize(self._document, Dumper=yaml.SafeDumper)
        return written


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a file, empty if it has none. Raises UserError if it is not YAML."""
    content = _parsed(path, yaml.load)
    return content if isinstance(content, dict) else {}


def _parsed(path: Path, parse: Any) -> Any:
    try:
        return parse(path.read_text(), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UserError(f"{path} cannot be read, because it is not valid YAML: {error}") from None


def _take_secrets(section: yaml.MappingNode, prefix: str = "") -> Iterator[str]:
    taken = set()
    for key, value in section.value:
        if not isinstance(value, yaml.MappingNode):
            continue
        path = f"{prefix}.{key.value}" if prefix else key.value
        if [inner.value for inner, _ in value.value] == ["secure"]:
            taken.add(key.value)
            yield path
        else:
            yield from _take_secrets(value, path)
    _remove(section, taken)


def _remove(mapping: yaml.MappingNode, keys: set[str]) -> None:
    mapping.value = [(key, value) for key, value in mapping.value if str(key.value) not in keys]
