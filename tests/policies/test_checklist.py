"""The report on the guide's checklist."""

import json
from datetime import date
from pathlib import Path

import pytest

from policies.checklist import Report, Status, as_json, as_markdown, main, report
from policies.engine.checklist_items import ChecklistItem
from policies.engine.evaluation import RuleIndex, evaluate_all
from policies.engine.state import state_of
from policies.engine.waivers import Waiver, Waivers
from policies.rules import ALL_RULES
from tests.policies.changes import hide, put, remove
from tests.policies.exported import State
from tests.policies.platform import good_platform

TODAY = date(2026, 11, 24)
INDEX = RuleIndex(ALL_RULES)


def report_on(state: State, *waivers: Waiver) -> Report:
    return report(INDEX, state_of(state.exported()), Waivers(waivers, TODAY))


def line(result: Report, item: ChecklistItem) -> tuple[Status, int, int, int]:
    found = next(line for line in result.lines if line.item == item.value.text)
    return found.status, found.failed, found.waived, found.undetermined


def test_report_has_every_line_of_the_guides_checklist_in_its_order() -> None:
    lines = report_on(good_platform()).lines

    assert [line.item for line in lines if line.section != "Beyond the checklist"] == [
        "PostgreSQL 14.9+ database server",
        "Redis cache server (latest stable)",
        "Node.js 18+ runtime environment",
        "Load balancer (Nginx/HAProxy)",
        "SSL certificates configured",
        "Domain DNS configured",
        "CDN setup for static assets",
        "Firewall rules configured",
        "VPN access for admin operations",
        "SSH key-based authentication",
        "Database access restrictions",
        "API rate limiting configured",
        "Security headers implemented",
        "Twilio SMS service configured",
        "SendGrid email service setup",
        "Firebase push notifications ready",
        "OAuth providers configured",
        "Monitoring services integrated",
    ]


def test_every_item_is_enforced_by_a_rule() -> None:
    assert [item.value.text for item in ChecklistItem if not any(rule.item is item for rule in ALL_RULES)] == []


def test_good_platform_passes_every_item() -> None:
    result = report_on(good_platform())

    assert {line.status for line in result.lines} == {Status.PASSED}
    assert not result.failed


def test_finding_fails_its_item() -> None:
    state = good_platform()
    put("https", "routingHttpResponseXFrameOptionsHeaderValue", "SAMEORIGIN")(state)

    result = report_on(state)

    assert line(result, ChecklistItem.SECURITY_HEADERS) == (Status.FAILED, 1, 0, 0)
    assert [line.item for line in result.lines if line.status is not Status.PASSED] == ["Security headers implemented"]


def test_advice_is_told_and_fails_no_item() -> None:
    state = good_platform()
    put("rate-limit", "action", {"block": {"customResponse": {"responseCode": 503}}})(state)

    result = report_on(state)

    assert line(result, ChecklistItem.AVAILABILITY)[:2] == (Status.PASSED, 0)
    [told] = [problem for each in result.lines for problem in each.problems]
    assert told.startswith("rate-limit answers users with 503 in place of the API.")
    assert not result.failed


def test_item_without_a_single_resource_is_shown_and_fails_nothing() -> None:
    state = good_platform()
    remove("cdn")(state)

    result = report_on(state)

    assert line(result, ChecklistItem.CDN) == (Status.NOT_IMPLEMENTED, 0, 0, 0)
    assert not result.failed


def test_stack_that_fulfils_nothing_fails() -> None:
    assert report_on(State()).failed


def test_state_that_does_not_exist_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "stack.json"
    assert main(["--state", str(missing)], TODAY) == 2
    assert capsys.readouterr().err == (
        f"error: There is no deployed state to judge: {missing} does not exist. Run `make up` first.\n"
    )


def test_waived_finding_is_counted_as_waived() -> None:
    state = good_platform()
    put("primary", "username", "postgres")(state)
    waiver = Waiver(
        rule="rds-master-username-is-not-default",
        urn="*::primary",
        owner="ops@fixrx.com",
        reason="Inherited from the first installation",
        expires=date(2027, 1, 1),
    )

    result = report_on(state, waiver)

    assert line(result, ChecklistItem.DATABASE_ACCESS) == (Status.WAIVED, 0, 1, 0)
    assert not result.failed


def test_unknown_value_is_counted_as_unknown() -> None:
    state = good_platform()
    hide("primary", "username")(state)

    assert line(report_on(state), ChecklistItem.DATABASE_ACCESS) == (Status.UNDETERMINED, 0, 0, 1)


def test_counts_add_up_to_the_verdicts() -> None:
    state = good_platform()
    put("primary", "publiclyAccessible", True)(state)
    hide("replica", "publiclyAccessible")(state)

    lines = report_on(state).lines
    read = state_of(state.exported())
    evaluated = {
        (rule.name, resource.urn) for rule, resource in evaluate_all(INDEX, read.inputs, read.outputs).evaluated
    }
    assert sum(each.passed + each.failed + each.waived + each.undetermined for each in lines) == len(evaluated)
    assert [(each.failed, each.undetermined) for each in lines if each.failed or each.undetermined] == [(1, 1)]
    assert [len(each.problems) for each in lines] == [each.failed for each in lines]


def test_json_and_markdown_hold_every_item() -> None:
    result = report_on(good_platform())

    read = json.loads(as_json(result))
    rows = [row for row in as_markdown(result).splitlines() if row.startswith("| ")]

    assert [item["item"] for item in read["items"]] == [item.value.text for item in ChecklistItem]
    assert len(rows) == len(ChecklistItem) + 1
    assert read["failed"] is False


def test_command_prints_writes_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = good_platform()
    put("primary", "publiclyAccessible", True)(state)
    (tmp_path / "state.json").write_text(json.dumps(state.exported()))

    code = main(
        [
            "--state",
            str(tmp_path / "state.json"),
            "--markdown",
            str(tmp_path / "checklist.md"),
            "--json",
            str(tmp_path / "checklist.json"),
        ],
        TODAY,
    )

    printed = capsys.readouterr().out
    assert code == 1
    assert "primary is publicly accessible" in printed
    assert "| Database access restrictions | failed |" in (tmp_path / "checklist.md").read_text()
    assert json.loads((tmp_path / "checklist.json").read_text())["failed"] is True


@pytest.mark.parametrize("content", ["not json", "[]", "{}"])
def test_command_says_what_is_wrong_with_the_file(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state.json").write_text(content)

    assert main(["--state", str(tmp_path / "state.json")], TODAY) == 2
    assert capsys.readouterr().err.startswith("error: ")
