"""The settings of a recovery: a second database beside the first one, restored to a chosen second."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from components.shared.section import Section, TextFormat

LATEST = "latest"
"""In place of a time: the last moment that RDS can restore."""


def _check_restore_time(text: str) -> str:
    """Return the text. Raises ValueError for a day that there is not, and for one that has not come."""
    if text == LATEST:
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no moment of the calendar") from None
    if moment > datetime.now(UTC):
        raise ValueError("is in the future: a database is restored to what it was")
    return text


class RecoverySettings(Section):
    """A second database beside the first one, restored to a chosen second: docs/runbooks.md."""

    restore_time: (
        Annotated[
            str,
            TextFormat(
                pattern=rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ|{LATEST}",
                description=f"a time in UTC, or {LATEST}",
                example="2026-11-26T03:00:00Z",
            ),
            AfterValidator(_check_restore_time),
        ]
        | None
    ) = None
    """The restored database has what was committed up to then. Within `backup_retention_days`, and five minutes ago or
    more; `latest` for as much as there is. Setting it makes the restored database and its replica; nothing else uses
    them."""
    serve: bool = False
    """The API, jobs and credentials use the restored database; false leads them back to the first one."""
    automated_backups_arn: (
        Annotated[
            str,
            TextFormat(
                pattern=r"arn:aws:rds:[a-z0-9-]+:\d{12}:auto-backup:ab-[a-z0-9]+",
                description="the ARN of automated backups",
                example="arn:aws:rds:us-west-2:111122223333:auto-backup:ab-0123456789abcdef",
            ),
        ]
        | None
    ) = None
    """Restore from these backups, of a database that was deleted or whose region is lost, instead of the first one's:
    `aws rds describe-db-instance-automated-backups`."""

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        if self.restore_time is None and (self.serve or self.automated_backups_arn is not None):
            raise ValueError(
                "there is no restore_time, so there is no restored database; set it, or leave out the rest"
            )
        return self
