"""Mutation of the good platform. The same runs on a deployed stack with `python -m policies.mutation`."""

import json
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from policies.engine.evaluation import RuleIndex
from policies.engine.waivers import Waivers
from policies.mutation.__main__ import MutationReport, main, run, show
from policies.mutation.operators import mutants_of
from policies.mutation.run import MutationTarget
from policies.rules import ALL_RULES
from tests.policies.changes import put
from tests.policies.exported import State
from tests.policies.platform import good_platform

pytestmark = pytest.mark.xdist_group("mutants")
"""In one process: the run takes seconds and is shared."""


def stack_of(state: State, without: str = "") -> MutationTarget:
    index = RuleIndex(rule for rule in ALL_RULES if rule.name != without)
    return MutationTarget(state.exported(), index, Waivers((), date(2026, 11, 24)))


@pytest.fixture(scope="module")
def report() -> MutationReport:
    return run(stack_of(good_platform()))


def test_no_mutant_survives_without_a_reason(report: MutationReport) -> None:
    assert report.survivors == []


def test_no_rule_reports_an_unrelated_resource(report: MutationReport) -> None:
    assert report.unrelated_findings == []


def test_every_mutant_is_killed_or_justified(report: MutationReport) -> None:
    assert (report.mutants, report.kills, report.outages, report.harmless) == (1319, 1135, 22, 162)


@pytest.mark.parametrize(
    ("rule", "survivor"),
    [
        ("rds-public-access-disabled", "primary.publiclyAccessible: flipped"),
        ("s3-versioning-enabled", "backups-versioning: removed"),
        ("waf-rate-limit-is-enforced", "rate-limit.statement.rateBasedStatement.limit: ten times as much"),
        ("iam-policy-actions-are-explicit", "app-policy.policy: statement ReadReleases: every action"),
    ],
)
def test_run_reports_that_a_rule_is_missing(rule: str, survivor: str) -> None:
    """Only the resource in question is mutated: a whole run for each rule would take minutes."""
    state = good_platform()
    urn = state.find(survivor.partition(":")[0].partition(".")[0])["urn"]

    survivors = [result.mutant.name for result in stack_of(state, without=rule).results(urn) if not result.killed]

    assert survivor in survivors


def test_every_operator_is_used_on_something() -> None:
    used = {mutant.operator for entry in good_platform().entries for mutant in mutants_of(entry, guards_others=True)}

    assert {"flipped", "emptied", "left out", "removed", "protection removed", "reduced to 1"} <= used
    assert any(operator.startswith("downgraded to") for operator in used)
    assert any(operator.endswith("every principal") for operator in used)


def test_command_refuses_a_stack_that_violates_rules_without_a_mutation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = good_platform()
    put("primary", "publiclyAccessible", True)(state)
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state.exported()))

    assert main(["--state", str(path)]) == 2
    assert "primary is publicly accessible" in capsys.readouterr().err


def test_command_refuses_waivers_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    waivers, state = tmp_path / "waivers.yaml", tmp_path / "state.json"
    waivers.write_text("- rule: no-such-rule")
    state.write_text(json.dumps(good_platform().exported()))
    monkeypatch.setattr("policies.mutation.__main__.WAIVER_FILE", waivers)

    assert main(["--state", str(state)]) == 2
    assert capsys.readouterr().err.startswith("error: waivers.yaml cannot be used: ")


def test_command_refuses_what_is_no_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--state", str(tmp_path / "missing.json")]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_score_is_printed_in_one_line_at_the_end(report: MutationReport, capsys: pytest.CaptureFixture[str]) -> None:
    show(report, Console(width=200))

    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last == (
        f"{report.mutants} mutants: {report.kills} weaknesses reported, {report.outages} outages, "
        f"{report.harmless} harmless, 0 not reported; 0 unrelated findings."
    )
