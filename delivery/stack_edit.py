"""Settings changed in a stack's file, with its comments and everything else in it as they were."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from bootstrap.access import CommandError
from bootstrap.stack_file import ROOT
from settings import PROJECT, InvalidSettings
from settings.stack_file import check_text
from settings.yaml_text import NotYaml, read

COMMENT = re.compile(r"[ \t]*#[^\n\r]*")


def write_settings(
    stack: str, values: Mapping[str, Mapping[str, str]], comment: str | None = None, folder: Path = ROOT
) -> bool:
    """Set texts in a stack's file, by section and name, and return whether the file changed.

    `comment` replaces the one at the end of the line of each value that changes. Raises CommandError if the file
    cannot be changed so that only these settings differ, and InvalidSettings if it would not be valid. The file is
    unchanged then.
    """
    path = folder / f"Pulumi.{stack}.yaml"
    # The ends of lines stay as they are.
    with path.open(encoding="utf-8", newline="") as file:
        before = file.read()
    after = before
    texts = [(section, name, value) for section, named in values.items() for name, value in named.items()]
    for section, name, value in texts:
        after = set_text(after, section, name, value, comment)
    if after == before:
        return False
    if not _is_changed_to(after, _with(_settings(before), values)):
        raise CommandError(
            f"{path.name} is written in a way that no command can change; set "
            f"{', '.join(f'{section}.{name}: {value}' for section, name, value in texts)} by hand."
        )
    problems = check_text(path.name, after, stack)
    if problems:
        raise InvalidSettings(problems)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        file.write(after)
    os.chmod(partial, path.stat().st_mode)
    partial.replace(path)
    return True


def set_text(text: str, section: str, name: str, value: str, comment: str | None = None) -> str:
    """Return a stack's file with one setting changed, or added below the last one of its section."""
    settings = _section(text, section)
    for key, node in settings.value:
        if key.value == name:
            if isinstance(node, yaml.ScalarNode) and node.value == value:
                return text
            changed = f"{text[: node.start_mark.index]}{_scalar(value)}"
            rest = text[node.end_mark.index :]
            old = COMMENT.match(rest)
            if comment is not None and old is not None:
                return f"{changed}  # {comment}{rest[old.end() :]}"
            return f"{changed}{rest}"
    return _added(text, settings, name, value)


def _section(text: str, section: str) -> yaml.MappingNode:
    document = yaml.compose(text, Loader=yaml.SafeLoader)
    for key, node in _entries(document):
        if key == "config":
            for inner, settings in _entries(node):
                if inner in (section, f"{PROJECT}:{section}") and isinstance(settings, yaml.MappingNode):
                    return settings
    raise CommandError(f"The stack's file has no section {PROJECT}:{section}; add it.")


def _entries(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(str(key.value), value) for key, value in node.value]


def _added(text: str, settings: yaml.MappingNode, name: str, value: str) -> str:
    if not settings.value:
        raise CommandError("The section is empty, and no command can add to it; write it by hand.")
    key, last = settings.value[-1]
    if settings.flow_style:
        return f"{text[: last.end_mark.index]}, {name}: {_scalar(value)}{text[last.end_mark.index :]}"
    end = _end(last)
    line_end = re.compile(r"\r?\n|\Z").search(text, end.index)
    ends_at = end.index if end.column == 0 or line_end is None else line_end.end()
    new_line = "\r\n" if "\r\n" in text else "\n"
    separator = "" if text[:ends_at].endswith("\n") else new_line
    return f"{text[:ends_at]}{separator}{' ' * key.start_mark.column}{name}: {_scalar(value)}{new_line}{text[ends_at:]}"


def _end(node: yaml.Node) -> yaml.Mark:
    """The end of what is written last in a node: a structure without braces ends where the next one begins."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return node.end_mark


def _scalar(value: str) -> str:
    """The text as YAML: `1.10` and a digest of digits only would be numbers without quotes."""
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", value, re.ASCII) is not None
    if plain and yaml.safe_load(value) == value and read(value)[0] == value:
        return value
    return f'"{value}"'


def _is_changed_to(text: str, settings: Mapping[str, object]) -> bool:
    try:
        return _settings(text) == settings
    except CommandError:
        return False


def _settings(text: str) -> Mapping[str, object]:
    """All settings by key without the program's namespace, and the rest of the file."""
    try:
        content, duplicates = read(text)
    except NotYaml as error:
        raise CommandError(f"The stack's file {error}.") from None
    if not isinstance(content, dict) or not isinstance(content.get("config"), dict) or duplicates:
        raise CommandError("The stack's file has no section config, or a setting twice; correct it.")
    return {**content, "config": {key.removeprefix(f"{PROJECT}:"): each for key, each in content["config"].items()}}


def _with(settings: Mapping[str, object], values: Mapping[str, Mapping[str, str]]) -> Mapping[str, object]:
    config = settings["config"]
    assert isinstance(config, dict)
    changed = {section: {**config[section], **named} for section, named in values.items()}
    return {**settings, "config": {**config, **changed}}
