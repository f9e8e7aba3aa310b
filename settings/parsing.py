"""From configuration values to a `StackSettings`, or to everything that is wrong with them.

The engine and the check of a stack's file hand over the same: the text of each key, JSON for a structure.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from components.shared.section import Environment
from components.shared.suggestion import closest
from settings.preparation import Unreadable, prepare
from settings.problems import InvalidSettings, Problem
from settings.production import production_problems
from settings.rules import RULES
from settings.secrecy import is_named_like_a_secret
from settings.stack import PROJECT, StackSettings
from settings.wording import missing_setting, problems_of, unknown_setting

PULUMI_NAMESPACES = frozenset({"pulumi"})
"""Configuration of the engine itself."""


def parse_configuration(
    raw: Mapping[str, str], stack: str | None = None, encrypted: Collection[str] = ()
) -> StackSettings:
    """Build the settings from all configuration values by full key (`fixrx:network`).

    `encrypted` has the keys that are stored encrypted. Raises InvalidSettings with all problems.
    """
    sections, problems = examine(raw, stack, encrypted)
    if problems:
        raise InvalidSettings(problems)
    return StackSettings(**sections)


def parse_settings(raw: Mapping[str, str], stack: str | None = None) -> StackSettings:
    """Build the settings from the values of the program's own keys, without their namespace.

    A stack with the name production must have the environment production. Raises InvalidSettings with all problems.
    """
    return parse_configuration({f"{PROJECT}:{key}": value for key, value in raw.items()}, stack)


def examine(
    raw: Mapping[str, str], stack: str | None, encrypted: Collection[str] = ()
) -> tuple[Mapping[str, Any], list[Problem]]:
    """Return the sections that are valid, and all problems."""
    own = {key.removeprefix(f"{PROJECT}:"): text for key, text in raw.items() if key.startswith(f"{PROJECT}:")}
    problems = [problem for key in raw if not key.startswith(f"{PROJECT}:") for problem in _foreign_key(key)]
    problems += [
        unknown_setting([key], _decode(own[key]), encrypted=f"{PROJECT}:{key}" in encrypted)
        for key in sorted(set(own) - set(StackSettings.model_fields))
    ]
    sections: dict[str, Any] = {}
    for key, field in StackSettings.model_fields.items():
        if key not in own and not field.is_required():
            sections[key] = field.default
            continue
        if key not in own:
            problems.append(missing_setting(key))
            continue
        value = prepare(StackSettings, key, _decode(own[key]))
        if isinstance(value, Unreadable):
            continue
        try:
            sections[key] = TypeAdapter[Any](field.rebuild_annotation()).validate_python(value)
        except ValidationError as error:
            problems.extend(
                problems_of(key, error.errors(include_url=False), encrypted=f"{PROJECT}:{key}" in encrypted)
            )
    problems.extend(_problems_across(sections, stack))
    return sections, problems


def _problems_across(sections: Mapping[str, Any], stack: str | None) -> Iterator[Problem]:
    """Yield what valid sections violate together, in this environment."""
    environment = sections.get("environment")
    if stack == Environment.PRODUCTION and environment not in (None, Environment.PRODUCTION):
        yield Problem(key="environment", what=f"is {environment}, but the stack is called {stack}; set it to {stack}")
    if environment is Environment.PRODUCTION:
        yield from production_problems(sections)
    for rule in RULES:
        yield from rule.check(sections)


def _foreign_key(key: str) -> Iterator[Problem]:
    """Yield what is wrong with a key outside of the program's namespace."""
    namespace, _, name = key.partition(":")
    if namespace in PULUMI_NAMESPACES:
        return
    elif (namespace, name) == ("aws", "region"):
        yield Problem(
            namespace=namespace,
            key=name,
            what=f"is not used; remove it: the region is the setting {PROJECT}:account.region",
        )
    elif closest(namespace, [PROJECT]) is not None:
        yield Problem(namespace=namespace, key=name, what=f"is not used; did you mean {PROJECT}:{name}")
    else:
        what = f"is not used; remove it: every setting of this program begins with {PROJECT}:"
        if is_named_like_a_secret(name):
            what += ", and no setting is a secret"
        yield Problem(namespace=namespace, key=name, what=what)


def _decode(value: str) -> object:
    """Decode a structure, which arrives as JSON. Other text is the value itself; a bare number or word stays text."""
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return decoded if isinstance(decoded, dict | list) else value
