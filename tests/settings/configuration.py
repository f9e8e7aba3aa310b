"""Configurations to start from, changed one setting at a time."""

import copy
import json
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]


class Absence(Enum):
    """Instead of a value: the setting is left out. An enum, since its text is the same in each of pytest's workers."""

    MISSING = "left out"

    def __repr__(self) -> str:
        return self.name


MISSING = Absence.MISSING


def stack_file(environment: str) -> dict[str, Any]:
    """Return what a stack's file configures, by section."""
    text = (REPOSITORY / f"Pulumi.{environment}.yaml").read_text()
    return {key.removeprefix("fixrx:"): value for key, value in yaml.safe_load(text)["config"].items()}


def changed(configuration: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with settings, named by their path, set to other values or left out."""
    result = copy.deepcopy(dict(configuration))
    for path, value in changes.items():
        *sections, key = path.split(".")
        target = result
        for section in sections:
            target = target.setdefault(section, {})
        if value is MISSING:
            target.pop(key, None)
        else:
            target[key] = value
    return result


def as_pulumi_hands_it_over(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Return values as text: a structure as JSON, nothing as empty text, anything else as it is written."""
    return {
        key: value if isinstance(value, str) else "" if value is None else json.dumps(value)
        for key, value in configuration.items()
    }
