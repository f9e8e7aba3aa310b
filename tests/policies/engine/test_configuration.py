"""Levels and settings from a configuration file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from policies.check_configuration import main
from policies.engine.configuration import ConfigurationError, configure, default_configuration, read_entries
from policies.engine.evaluation import RuleIndex
from policies.engine.rule import Level
from policies.rules import ALL_RULES

INDEX = RuleIndex(ALL_RULES)
LEVELS = Path(__file__).parents[3] / "policies" / "levels"


def configured(folder: Path, content: Any) -> Any:
    path = folder / "levels.json"
    path.write_text(json.dumps(content))
    return configure(INDEX, read_entries(path))


ADVICE = ["waf-maintenance-is-off"]


def advisory(levels: Mapping[str, Level]) -> list[str]:
    assert set(levels.values()) == {Level.ADVISORY, Level.MANDATORY}
    return [name for name, level in levels.items() if level is Level.ADVISORY]


def test_without_a_file_every_rule_is_mandatory_but_one() -> None:
    assert advisory(default_configuration(INDEX).levels) == ADVICE


def test_advice_stays_advice_unless_its_rule_is_named(tmp_path: Path) -> None:
    assert advisory(configured(tmp_path, {"all": "mandatory"}).levels) == ADVICE
    strict = configured(tmp_path, {"waf-maintenance-is-off": "mandatory"}).levels
    assert set(strict.values()) == {Level.MANDATORY}


def test_development_is_advisory_throughout() -> None:
    configuration = configure(INDEX, read_entries(LEVELS / "development.json"))

    assert set(configuration.levels.values()) == {Level.ADVISORY}


@pytest.mark.parametrize("path", sorted(LEVELS.glob("*.json")), ids=lambda path: path.name)
def test_our_own_files_are_right(path: Path) -> None:
    assert main([str(path)]) == 0


def test_rule_beats_all(tmp_path: Path) -> None:
    levels = configured(tmp_path, {"all": "advisory", "rds-public-access-disabled": "mandatory"}).levels

    assert [name for name, level in levels.items() if level is Level.MANDATORY] == ["rds-public-access-disabled"]


def test_setting_and_level_in_one_entry(tmp_path: Path) -> None:
    configuration = configured(
        tmp_path, {"auto-scaling-minimum-size-is-sufficient": {"enforcementLevel": "advisory", "production": 5}}
    )

    assert configuration.levels["auto-scaling-minimum-size-is-sufficient"] is Level.ADVISORY
    assert configuration.settings["auto-scaling-minimum-size-is-sufficient"] == {"production": 5, "elsewhere": 2}


def test_every_mistake_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        configured(
            tmp_path,
            {
                "rds-public-access-disable": "advisory",
                "rds-public-access-disabled": "lenient",
                "auto-scaling-minimum-size-is-sufficient": {"productoin": 5, "elsewhere": "two"},
            },
        )

    assert str(refusal.value) == (
        "The configuration of the rules cannot be used: "
        "there is no rule 'rds-public-access-disable' (did you mean 'rds-public-access-disabled'?); "
        "rds-public-access-disabled has the level 'lenient', and there are mandatory, advisory, disabled; "
        "auto-scaling-minimum-size-is-sufficient has no setting 'productoin' (did you mean 'production'?); "
        "auto-scaling-minimum-size-is-sufficient.elsewhere must be a whole number from 1 to 100."
    )


@pytest.mark.parametrize("value", [True, 2.5, 101, None])
def test_setting_that_is_no_number_in_range_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must be a whole number from 2 to 100"):
        configured(tmp_path, {"auto-scaling-minimum-size-is-sufficient": {"production": value}})


@pytest.mark.parametrize("content", ["{", "[]"])
def test_command_refuses_what_is_no_configuration(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "levels.json"
    path.write_text(content)

    assert main([str(path)]) == 1
    assert str(path) in capsys.readouterr().err
