"""What a recovery of the database refuses: moments that RDS does not have, and steps that would lose a database."""

from datetime import UTC, datetime
from typing import Any

import pytest

from components.shared.recovery import RecoverySettings
from components.shared.recovery_steps import inputs_of, unreachable, wrong_step

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)
ARN = "arn:aws:rds:us-east-1:111122223333:auto-backup:ab-1"
OLD, RECENT = "is older than the {} days that RDS keeps", "is less than 5 minutes ago, which RDS has not saved yet"


def recovery(**settings: Any) -> RecoverySettings:
    """Not validated: the moments are those of the test's own day."""
    return RecoverySettings.model_construct(**settings)


@pytest.mark.parametrize(
    ("restore_time", "arn", "problem"),
    [
        ("2026-11-19T12:00:00Z", None, None),
        ("2026-11-19T11:59:59Z", None, OLD.format(7)),
        ("2026-11-26T11:55:00Z", None, None),
        ("2026-11-26T11:55:01Z", None, RECENT),
        ("latest", None, None),
        (None, None, None),
        # Of the lost database's retention nothing is known but RDS's limit.
        ("2026-10-22T12:00:00Z", ARN, None),
        ("2026-10-22T11:59:59Z", ARN, OLD.format(35)),
    ],
)
def test_a_moment_is_within_what_rds_has(restore_time: str | None, arn: str | None, problem: str | None) -> None:
    found = unreachable(recovery(restore_time=restore_time, automated_backups_arn=arn), 7, NOW)

    if problem is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith(f"fixrx:database.recovery.restore_time: {restore_time} {problem}: ")


NONE = recovery(restore_time=None)
FIRST = recovery(restore_time="2026-11-20T03:00:00Z")
SERVES = recovery(restore_time="2026-11-20T03:00:00Z", serve=True)
EARLIER = recovery(restore_time="2026-11-19T03:00:00Z", serve=True)
ELSEWHERE = recovery(restore_time="2026-11-20T03:00:00Z", automated_backups_arn=ARN)
REPLACES = "another moment or source would replace it"
DELETES = "is gone, but the restored database serves"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (NONE, NONE, None),
        (NONE, FIRST, None),
        (NONE, SERVES, None),
        (FIRST, SERVES, None),
        (SERVES, FIRST, None),
        (FIRST, NONE, None),
        (SERVES, NONE, DELETES),
        (FIRST, EARLIER, REPLACES),
        (SERVES, ELSEWHERE, REPLACES),
    ],
)
def test_no_step_deletes_or_replaces_what_is_in_use(
    before: RecoverySettings, after: RecoverySettings, problem: str | None
) -> None:
    found = wrong_step({"engine_version": "17", **inputs_of(before)}, after)

    assert (found is None) == (problem is None)
    assert problem is None or problem in str(found)
