"""From Pulumi's configuration values to a `StackSettings`, or to everything that is wrong with them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import TypeAdapter, ValidationError

from components.shared.section import Environment
from settings.problems import InvalidSettings, Problem
from settings.production import production_problems
from settings.rules import RULES
from settings.stack import PROJECT, StackSettings


def load_settings() -> StackSettings:
    """Read and check the configuration of the current stack. Raises InvalidSettings."""
    return parse_settings(_read_configuration(), pulumi.get_stack())


def parse_settings(raw: Mapping[str, str], stack: str | None = None) -> StackSettings:
    """Build the settings from configuration values by key, as Pulumi passes them: text, or JSON for a structure.

    A stack with the name production must have the environment production.
    Raises InvalidSettings with all problems.
    """
    problems = [
        Problem(key=key, what=f"is not a setting; the settings are {', '.join(sorted(StackSettings.model_fields))}")
        for key in sorted(set(raw) - set(StackSettings.model_fields))
    ]
    sections: dict[str, Any] = {}
    for key, field in StackSettings.model_fields.items():
        if key not in raw and not field.is_required():
            sections[key] = field.default
            continue
        if key not in raw:
            problems.append(Problem(key=key, what="is missing; add it to the stack's file"))
            continue
        try:
            sections[key] = TypeAdapter[Any](field.rebuild_annotation()).validate_python(_decode(raw[key]))
        except ValidationError as error:
            problems.extend(_problems_of(key, error))
    environment = sections.get("environment")
    if stack == Environment.PRODUCTION and environment not in (None, Environment.PRODUCTION):
        problems.append(
            Problem(key="environment", what=f"is {environment}, but the stack is called {stack}; set it to {stack}")
        )
    if environment is Environment.PRODUCTION:
        problems.extend(production_problems(sections))
    for rule in RULES:
        problems.extend(rule.check(sections))
    if problems:
        raise InvalidSettings(problems)
    return StackSettings(**sections)


def _read_configuration() -> Mapping[str, str]:
    prefix = f"{PROJECT}:"
    everything = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    return {key.removeprefix(prefix): value for key, value in everything.items() if key.startswith(prefix)}


def _decode(value: str) -> object:
    """Decode a structure, which arrives as JSON. Other text is the value itself; a bare number or word stays text."""
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return decoded if isinstance(decoded, dict | list) else value


def _problems_of(key: str, error: ValidationError) -> Iterator[Problem]:
    for detail in error.errors(include_input=False, include_url=False):
        path = ".".join([key, *(str(part) for part in detail["loc"])])
        if detail["type"] == "extra_forbidden":
            yield Problem(key=path, what="is not a setting; remove it or correct its name")
        elif detail["type"] == "missing":
            yield Problem(key=path, what="is missing; add it to the stack's file")
        else:
            message = detail["msg"].removeprefix("Value error, ")
            yield Problem(key=path, what=message[0].lower() + message[1:])
