"""Checks a stack's file (`Pulumi.<stack>.yaml`) without the engine: what the engine hands over, and what it hides."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.shared.suggestion import closest
from settings.parsing import examine
from settings.preparation import is_encrypted
from settings.problems import InvalidSettings, Problem
from settings.stack import PROJECT, StackSettings
from settings.yaml_text import Duplicate, NotYaml, read

FILE_KEYS = ("config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider")
"""What Pulumi knows at the top of a stack's file."""
Examined = tuple[Mapping[str, Any], list[Problem]]
"""The sections that are valid and readable, and all problems."""
HOW_TO_BEGIN = f"begin with `config:` and, below it, `{PROJECT}:environment: ...`"


def check_file(path: Path, stack: str | None = None) -> list[Problem]:
    """Return everything that is wrong with a stack's file. The stack's name is in the file's, if none is given."""
    return _examine_file(path, stack)[1]


def read_file(path: Path, stack: str | None = None) -> StackSettings:
    """Return the settings in a stack's file. Raises InvalidSettings, also for a setting that is encrypted."""
    sections, problems = _examine_file(path, stack)
    unreadable = [
        Problem(key=key, what="is encrypted, or has a value that is: only Pulumi can read it")
        for key in StackSettings.model_fields
        if key not in sections
    ]
    if problems or unreadable:
        raise InvalidSettings(problems or unreadable)
    return StackSettings(**sections)


def check_text(name: str, text: str, stack: str | None) -> list[Problem]:
    """Return everything that is wrong with the text of a stack's file of that name."""
    return _examine_text(name, text, stack)[1]


def _examine_file(path: Path, stack: str | None) -> Examined:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _refused(path.name, _missing_file(path))
    except UnicodeDecodeError:
        return _refused(path.name, "is not text in UTF-8; save it as UTF-8")
    except OSError as error:
        return _refused(path.name, f"cannot be read: {error.strerror}")
    return _examine_text(path.name, text, stack or _stack_of(path))


def _examine_text(name: str, text: str, stack: str | None) -> Examined:
    try:
        content, duplicates = read(text)
    except NotYaml as error:
        return _refused(name, str(error))
    if content is None:
        return _refused(name, f"is empty; {HOW_TO_BEGIN}")
    if not isinstance(content, dict):
        return _refused(name, f"is not a stack's file; {HOW_TO_BEGIN}")
    problems = [_duplicate(each) for each in duplicates] + list(_unknown_file_keys(content))
    configuration = content.get("config") or {}
    if not isinstance(configuration, dict):
        wrong = _whole(name, "config is not a section; write the settings below `config:`, indented")
        return {}, [*problems, wrong]
    if any(each.path == ("config",) for each in duplicates):
        return {}, problems
    problems += _written_both_ways(configuration)
    raw = {_full_key(key): _as_the_engine_hands_it_over(value) for key, value in configuration.items()}
    encrypted = [_full_key(key) for key, value in configuration.items() if is_encrypted(value)]
    sections, further = examine(raw, stack, encrypted)
    return sections, [*problems, *further]


def _refused(name: str, what: str) -> Examined:
    return {}, [_whole(name, what)]


def _stack_of(path: Path) -> str | None:
    match = re.fullmatch(r"Pulumi\.(.+)\.ya?ml", path.name)
    return match[1] if match else None


def _whole(name: str, what: str) -> Problem:
    return Problem(namespace="", key=name, what=what)


def _missing_file(path: Path) -> str:
    known = sorted(name for each in path.parent.glob("Pulumi.*.yaml") if (name := _stack_of(each)) is not None)
    if not known:
        return "does not exist"
    meant = closest(_stack_of(path) or "", known)
    question = f"; did you mean {meant}" if meant else ""
    return f"does not exist; the stacks here are {', '.join(known)}{question}"


def _duplicate(found: Duplicate) -> Problem:
    path = found.path[1:] if found.path[0] == "config" and len(found.path) > 1 else found.path
    what = f"is in the file twice, in lines {found.first_line} and {found.second_line}; keep one"
    namespace, colon, name = ".".join(path).partition(":")
    return Problem(namespace=namespace, key=name, what=what) if colon else _whole(namespace, what)


def _unknown_file_keys(content: Mapping[str, object]) -> Iterator[Problem]:
    for key in content:
        if key.startswith(f"{PROJECT}:"):
            yield _whole(key, "is not below `config:`; indent it below that line")
        elif key not in FILE_KEYS:
            meant = closest(key, FILE_KEYS)
            advice = f"did you mean {meant}" if meant else f"Pulumi reads {', '.join(FILE_KEYS)} only"
            yield _whole(key, f"is not a key of a stack's file; {advice}")


def _written_both_ways(configuration: Mapping[str, object]) -> Iterator[Problem]:
    for key in configuration:
        if key != _full_key(key) and _full_key(key) in configuration:
            yield Problem(key=key, what=f"is in the file twice, as {key} and as {PROJECT}:{key}; keep one")


def _full_key(key: str) -> str:
    """The engine puts a key without a namespace into the program's."""
    return key if ":" in key else f"{PROJECT}:{key}"


def _as_the_engine_hands_it_over(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
