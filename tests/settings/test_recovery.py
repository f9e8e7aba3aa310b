"""What each kind of loss costs: as it follows from the settings, and as docs/data.md says it."""

from typing import Any

import pytest

from settings import parse_settings
from settings.recovery import EVERYTHING, Recovery, recovery_table
from tests.recorder import REPOSITORY, Recording
from tests.settings.configuration import as_pulumi_hands_it_over, changed, stack_file

DUMP = Recovery(loses="24 h", back_in="30 to 60 min", means="the dumps of 7 days, pg_restore")


def table(stack: str = "production", **changes: Any) -> dict[str, Recovery]:
    configuration = changed(stack_file(stack), {key.replace("__", "."): value for key, value in changes.items()})
    settings = parse_settings(as_pulumi_hands_it_over(configuration))
    return dict(recovery_table(settings.database, settings.backup_vault, settings.backup_bucket))


def test_production_survives_the_loss_of_its_region() -> None:
    assert table() == {
        "instance_or_zone": Recovery(loses="nothing", back_in="60 to 120 s", means="the standby in another zone"),
        "wrong_data": Recovery(loses="5 min", back_in="30 to 60 min", means="RDS's backups, to any second of 35 days"),
        "one_table": DUMP,
        "database_with_its_backups": Recovery(
            loses="24 h", back_in="30 to 60 min", means="the vault: daily 35 days, weekly 90, monthly 365"
        ),
        "old_data": Recovery(
            loses="24 h", back_in="30 to 60 min", means="the vault: daily 35 days, weekly 90, monthly 365"
        ),
        "region": Recovery(
            loses="10 to 30 min", back_in="1 to 2 h", means="RDS's backups in us-west-2, to any second of 14 days"
        ),
    }


def test_staging_has_its_dumps_and_no_second_region() -> None:
    found = table("staging")

    assert (found["database_with_its_backups"], found["old_data"], found["region"]) == (DUMP, DUMP, EVERYTHING)


@pytest.mark.parametrize(
    ("loss", "changes", "expected"),
    [
        (
            "instance_or_zone",
            {"environment": "staging", "database__multi_az": False},
            "loses 5 min, back in 30 to 60 min: RDS's backups, to any second of 35 days",
        ),
        ("region", {"backup_vault__dr_region": None}, "loses everything, back in never: nothing is left"),
        (
            "region",
            {"backup_vault__dr_region": "eu-west-1", "backup_vault__replicated_retention_days": 21},
            "loses 10 to 30 min, back in 1 to 2 h: RDS's backups in eu-west-1, to any second of 21 days",
        ),
        (
            "old_data",
            {"backup_vault__monthly_retention_days": 400},
            "loses 24 h, back in 30 to 60 min: the vault: daily 35 days, weekly 90, monthly 400",
        ),
    ],
)
def test_it_follows_from_the_settings(loss: str, changes: dict[str, Any], expected: str) -> None:
    assert str(table(**changes)[loss]) == expected


def test_the_stack_prints_it(production: Recording) -> None:
    assert production.stack_outputs["recovery"] == {loss: str(recovery) for loss, recovery in table().items()}


def test_the_documentation_says_the_same() -> None:
    text = (REPOSITORY / "docs" / "data.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]

    assert [row[1:] for row in rows if row[0] in LOSSES] == [
        [recovery.loses, recovery.back_in, recovery.means] for recovery in table().values()
    ]


LOSSES = (
    "an instance or a zone",
    "data that was wrongly changed",
    "one table",
    "the database and RDS's own backups",
    "data that was wrongly changed long ago",
    "the region",
)
