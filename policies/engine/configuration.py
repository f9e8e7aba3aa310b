"""Levels and settings of a stack, from the file that `--policy-pack-config` names.

Pulumi's SDK ignores a name that it does not know, so that a misspelt rule or setting would change nothing and give no
message. Here it is an error, at the start of the preview and in `python -m policies.check_configuration FILE...`.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.engine.evaluation import RuleIndex
from policies.engine.rule import Level, Rule, Setting

EVERY_RULE = "all"
LEVEL_KEY = "enforcementLevel"


class ConfigurationError(ValueError):
    """The configuration cannot be used. The message lists everything that is wrong with it."""


@dataclass(frozen=True)
class Entry:
    """What a configuration says about one rule, or about all."""

    level: str | None
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class PackConfiguration:
    """Levels and settings of every rule."""

    levels: Mapping[str, Level]
    settings: Mapping[str, Mapping[str, int]]


def default_configuration(index: RuleIndex) -> PackConfiguration:
    """Return the strict configuration, which needs no file."""
    return PackConfiguration(
        levels={name: rule.level for name, rule in index.rules.items()},
        settings=index.default_settings(),
    )


def configure(index: RuleIndex, entries: Mapping[str, Entry], also_known: Iterable[str] = ()) -> PackConfiguration:
    """Return the defaults as changed by the entries. `also_known` names what may be mentioned without being a rule.

    Raises ConfigurationError that lists every mistake.
    """
    strict = default_configuration(index)
    levels, settings = dict(strict.levels), dict(strict.settings)
    known = {EVERY_RULE, *index.rules, *also_known}
    mistakes: list[str] = []
    if EVERY_RULE in entries:
        level = _level(EVERY_RULE, entries[EVERY_RULE].level, mistakes)
        # A rule that only advises refuses nothing unless it is named.
        if level is not None and level is not Level.MANDATORY:
            levels = dict.fromkeys(levels, level)
    for name, entry in entries.items():
        if name not in known:
            mistakes.append(f"there is no rule {name!r}{_suggestion(name, known)}")
        elif name in index.rules:
            levels[name] = _level(name, entry.level, mistakes) or levels[name]
            settings[name] = {**settings[name], **_settings(index.rules[name], entry.settings, mistakes)}
    if mistakes:
        raise ConfigurationError("The configuration of the rules cannot be used: " + "; ".join(mistakes) + ".")
    return PackConfiguration(levels=levels, settings=settings)


def read_entries(path: Path) -> Mapping[str, Entry]:
    """Read a configuration file in Pulumi's format. Raises ConfigurationError if it is not one."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} is not a readable JSON file ({error}).") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} must hold one JSON object: rule names with their level or settings.")
    return {name: _entry(value) for name, value in content.items()}


def _entry(value: Any) -> Entry:
    if not isinstance(value, dict):
        return Entry(level=str(value), settings={})
    return Entry(
        level=value.get(LEVEL_KEY),
        settings={name: setting for name, setting in value.items() if name != LEVEL_KEY},
    )


def _level(name: str, level: str | None, mistakes: list[str]) -> Level | None:
    if level is None:
        return None
    if level not in set(Level):
        mistakes.append(f"{name} has the level {level!r}, and there are {', '.join(Level)}")
        return None
    return Level(level)


def _settings(rule: Rule, given: Mapping[str, Any], mistakes: list[str]) -> Mapping[str, int]:
    accepted: dict[str, int] = {}
    for name, value in given.items():
        setting = rule.settings.get(name)
        if setting is None:
            mistakes.append(f"{rule.name} has no setting {name!r}{_suggestion(name, rule.settings)}")
        elif not _fits(value, setting):
            mistakes.append(f"{rule.name}.{name} must be a whole number from {setting.minimum} to {setting.maximum}")
        else:
            accepted[name] = int(value)
    return accepted


def _fits(value: Any, setting: Setting) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return float(value).is_integer() and setting.minimum <= value <= setting.maximum


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
