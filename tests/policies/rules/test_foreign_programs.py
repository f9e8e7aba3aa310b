"""The pack on programs of other teams: exactly the violations that are there."""

import pytest

from policies.engine.evaluation import RuleIndex, evaluate_all
from policies.engine.state import state_of
from policies.rules import ALL_RULES
from tests.policies.exported import State
from tests.policies.rules.foreign_programs import PROGRAMS, Program


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_violations_are_exactly_these(program: Program) -> None:
    state = State()
    program.build(state)
    read = state_of(state.exported())

    verdicts = evaluate_all(RuleIndex(ALL_RULES), read.inputs, read.outputs)

    found: dict[str, set[str]] = {}
    for finding in verdicts.findings:
        found.setdefault(finding.resource.name, set()).add(finding.rule.name)
    assert {name: tuple(sorted(rules)) for name, rules in found.items()} == program.violations
    assert verdicts.undetermined == []
    assert [finding.problem for finding in verdicts.findings if "could not be checked" in finding.problem] == []
