"""Levels and settings from a configuration file."""

import json
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


def test_without_a_file_every_rule_is_mandatory() -> None:
    assert set(default_configuration(INDEX).levels.values()) == {Level.MANDATORY}


def test_development_is_advisory_throughout() -> None:
    configuration = configure(INDEX, read_entries(LEVELS / "development.json"))

    assert set(configuration.levels.values()) == {Level.ADVISORY}


@pytest.mark.parametrize("path", sorted(LEVELS.glob("*.json")), ids=lambda path: path.name)
def test_our_own_files_are_right(path: Path) -> None:
    assert main([str(path)]) == 0


def test_rule_beats_all(tmp_path: Path) -> None:
    levels = configured(tmp_path, {"all": "advisory", "database-is-not-public": "mandatory"}).levels

    assert [name for name, level in levels.items() if level is Level.MANDATORY] == ["database-is-not-public"]


def test_setting_and_level_in_one_entry(tmp_path: Path) -> None:
    configuration = configured(tmp_path, {"availability-of-servers": {"enforcementLevel": "advisory", "production": 5}})

    assert configuration.levels["availability-of-servers"] is Level.ADVISORY
    assert configuration.settings["availability-of-servers"] == {"production": 5, "elsewhere": 2}


def test_every_mistake_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        configured(
            tmp_path,
            {
                "database-is-not-publik": "advisory",
                "database-is-not-public": "lenient",
                "availability-of-servers": {"productoin": 5, "elsewhere": "two"},
            },
        )

    assert str(refusal.value) == (
        "The policy configuration cannot be used: "
        "there is no policy 'database-is-not-publik' (did you mean 'database-is-not-public'?); "
        "database-is-not-public has the level 'lenient', and there are mandatory, advisory, disabled; "
        "availability-of-servers has no setting 'productoin' (did you mean 'production'?); "
        "availability-of-servers.elsewhere must be a whole number from 1 to 100."
    )


@pytest.mark.parametrize("value", [True, 2.5, 101, None])
def test_setting_that_is_no_number_in_range_is_refused(value: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must be a whole number from 2 to 100"):
        configured(tmp_path, {"availability-of-servers": {"production": value}})


@pytest.mark.parametrize("content", ["{", "[]"])
def test_command_refuses_what_is_no_configuration(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "levels.json"
    path.write_text(content)

    assert main([str(path)]) == 1
    assert str(path) in capsys.readouterr().err
