"""The file of accepted deviations."""

from datetime import date
from pathlib import Path

import pytest

from policies.engine.evaluation import Finding
from policies.engine.waivers import WAIVER_FILE, Waiver, WaiverError, read_waivers
from policies.rules import ALL_RULES
from tests.policies.resources import resource

TODAY = date(2026, 11, 24)
RULES = [rule.name for rule in ALL_RULES]
COMPLETE = {
    "rule": "rds-public-access-disabled",
    "urn": "'*::primary'",
    "owner": "ops@fixrx.com",
    "reason": "Migration from the old provider",
    "expires": "2026-12-31",
}


def write(folder: Path, **changes: str | None) -> Path:
    fields = {**COMPLETE, **changes}
    path = folder / "waivers.yaml"
    path.write_text("- " + "\n  ".join(f"{name}: {value}" for name, value in fields.items() if value is not None))
    return path


def test_our_own_waivers_are_complete_and_current() -> None:
    assert read_waivers(WAIVER_FILE, RULES, TODAY).expired == []


def test_complete_waiver_is_read(tmp_path: Path) -> None:
    (rule,) = (rule for rule in ALL_RULES if rule.name == COMPLETE["rule"])
    finding = Finding(rule, resource("aws:rds/instance", "primary", {}), "is wrong")

    ((found, waiver),) = read_waivers(write(tmp_path), RULES, TODAY).partition([finding]).waived

    assert found is finding
    assert waiver == Waiver(
        rule="rds-public-access-disabled",
        urn="*::primary",
        owner="ops@fixrx.com",
        reason="Migration from the old provider",
        expires=date(2026, 12, 31),
    )


def test_waiver_holds_on_its_last_day_and_not_after(tmp_path: Path) -> None:
    path = write(tmp_path)

    assert len(read_waivers(path, RULES, date(2026, 12, 31)).expired) == 0
    assert len(read_waivers(path, RULES, date(2027, 1, 1)).expired) == 1


@pytest.mark.parametrize("field", sorted(COMPLETE))
def test_incomplete_waiver_is_refused(field: str, tmp_path: Path) -> None:
    with pytest.raises(WaiverError, match=rf"entry 1, {field}: is missing"):
        read_waivers(write(tmp_path, **{field: None}), RULES, TODAY)


@pytest.mark.parametrize(
    ("field", "value"), [("owner", "operations"), ("reason", "because"), ("expires", "soon"), ("ruel", "x")]
)
def test_careless_waiver_is_refused(field: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(WaiverError, match=rf"entry 1, {field}: "):
        read_waivers(write(tmp_path, **{field: value}), RULES, TODAY)


def test_waiver_of_a_rule_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        WaiverError,
        match="entry 1, rule: there is no rule rds-public-access-disable, did you mean rds-public-access-disabled",
    ):
        read_waivers(write(tmp_path, rule="rds-public-access-disable"), RULES, TODAY)


@pytest.mark.parametrize("content", ["{", "rule: x", "- x"])
def test_file_that_is_no_list_of_waivers_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(content)

    with pytest.raises(WaiverError, match=r"waivers\.yaml"):
        read_waivers(path, RULES, TODAY)
