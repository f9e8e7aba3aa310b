"""`approvals.yaml`: what it permits, until when, and what is said of a file that is wrong."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from review import ApprovalError, Approvals
from tests.review.changes import plan_of, step, urn

DATABASE = "aws:rds/instance:Instance"
TODAY = date(2026, 11, 26)
DELETED = step("delete", DATABASE, "primary", old={})


def entry(**changes: object) -> str:
    fields = {"urn": urn(DATABASE, "primary"), "action": "delete", "owner": "ops", "until": TODAY, "reason": "moved"}
    return "- " + "\n  ".join(f"{key}: {value}" for key, value in {**fields, **changes}.items()) + "\n"


def missing(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "approvals.yaml"
    path.write_text(text)
    return [each.why for each in Approvals.read(path).missing(plan_of(DELETED), TODAY)]


def test_entry_permits_until_its_last_day(tmp_path: Path) -> None:
    assert missing(tmp_path, entry()) == []
    assert missing(tmp_path, entry(until=TODAY - timedelta(days=1))) == [
        "the entry in approvals.yaml counted until 2026-11-25"
    ]


@pytest.mark.parametrize("change", [{"urn": urn(DATABASE, "replica")}, {"action": "replace"}])
def test_entry_permits_one_thing_only(change: dict[str, object], tmp_path: Path) -> None:
    assert missing(tmp_path, entry(**change)) == ["no entry in approvals.yaml"]


def test_empty_or_missing_file_permits_nothing(tmp_path: Path) -> None:
    assert missing(tmp_path, "# nothing yet\n") == ["no entry in approvals.yaml"]
    assert Approvals.read(tmp_path / "none.yaml").missing(plan_of(DELETED), TODAY)[0].why == "no entry in none.yaml"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "urn: x",
            "approvals.yaml is wrong: it must be a list of entries, each with urn, action, owner, until, reason",
        ),
        (entry().replace("  owner: ops\n", ""), "approvals.yaml is wrong: entry 1 has no `owner`"),
        (entry(action="forget"), "approvals.yaml is wrong: entry 1: `action` must be `delete` or `replace`"),
        (
            entry() + entry(until="soon"),
            "approvals.yaml is wrong: entry 2: `until` must be a day such as 2026-12-31, without quotes",
        ),
        (
            entry(colour="blue"),
            "approvals.yaml is wrong: entry 1: `colour` is not one of urn, action, owner, until, reason",
        ),
        (entry(owner=7), "approvals.yaml is wrong: entry 1: `owner` must be a person or a team"),
    ],
)
def test_file_that_is_wrong_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(ApprovalError) as error:
        missing(tmp_path, text)
    assert str(error.value) == problem


def test_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ApprovalError, match=r"^approvals\.yaml is not valid YAML: "):
        missing(tmp_path, "- [")
