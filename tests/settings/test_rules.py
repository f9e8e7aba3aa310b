"""Rules that involve several sections: a mistake in one is an error at import, not a rule that never runs."""

from collections.abc import Iterator

import pytest

from components.sections.database import DatabaseSettings
from components.sections.network import NetworkSettings
from settings import Problem
from settings.rules import RULES, rule_of


def test_rules_are_these() -> None:
    assert [rule.sections for rule in RULES] == [
        ("account", "network"),
        ("account", "continuous_integration"),
        ("network",),
        ("app_servers", "database"),
    ]


def test_misspelt_section_is_an_error() -> None:
    def rule(netwrk: NetworkSettings) -> Iterator[Problem]:
        yield Problem(key="network", what="is wrong")

    with pytest.raises(TypeError, match="a rule reads netwrk, which is not a section of StackSettings"):
        rule_of(rule)


def test_section_of_another_type_is_an_error() -> None:
    def rule(network: DatabaseSettings) -> Iterator[Problem]:
        yield Problem(key="network", what="is wrong")

    with pytest.raises(TypeError, match=r"a rule declares network as .*DatabaseSettings.*NetworkSettings"):
        rule_of(rule)


def test_rule_does_not_run_without_a_valid_section() -> None:
    def rule(network: NetworkSettings) -> Iterator[Problem]:
        yield Problem(key="network", what="is wrong")

    assert [str(problem) for problem in rule_of(rule).check({})] == []
    assert [str(problem) for problem in rule_of(rule).check({"network": NetworkSettings()})] == [
        "fixrx:network: is wrong"
    ]
