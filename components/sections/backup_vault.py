"""Section `fixrx:backup_vault`."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from components.shared.instance_types import DatabaseClass
from components.shared.maintenance_windows import TimeOfDay
from components.shared.production import Production, Protected
from components.shared.section import Section
from components.shared.vault_lock import LOCK_MAX_DAYS, LOCK_MIN_DAYS

START_WINDOW_MINUTES = 60
"""Within which AWS Backup starts a backup; it accepts no shorter one."""
DISTANCE_MINUTES = 60
"""Backups of RDS by AWS Backup fail, or wait, this long before RDS's own windows and in them."""


class BackupVaultSettings(Section):
    """Section `fixrx:backup_vault`: backups of the database outside of RDS, in AWS Backup, here and in a second region.

    RDS's own backups are deleted by whoever may delete the database; these are not. About 60 to 90 USD a month for
    100 GiB."""

    enabled: Annotated[
        bool,
        Production(
            one_of=(True,), because="whoever may delete the database may delete its other backups together with it"
        ),
    ] = True
    dr_region: str | None = "us-west-2"
    """The second region: copies of the vault, of the database's automated backups and of the backup bucket. `null` for
    none of them."""
    start: TimeOfDay = "05:00"
    """When a backup starts, or up to an hour later. RDS refuses it within an hour of its own windows."""
    daily_retention_days: Annotated[
        int,
        Field(ge=LOCK_MIN_DAYS, le=LOCK_MAX_DAYS),
        Production(at_least=35, because="a month and a few days of daily backups are agreed"),
    ] = 35
    weekly_retention_days: Annotated[int, Field(ge=LOCK_MIN_DAYS, le=LOCK_MAX_DAYS)] = 90
    monthly_retention_days: Annotated[int, Field(ge=LOCK_MIN_DAYS, le=LOCK_MAX_DAYS)] = 365
    replicated_retention_days: Annotated[int, Field(ge=1, le=35)] = 14
    """How far the database can be restored to any second in the second region."""
    immutable_after_days: Annotated[int, Field(ge=3, le=36500)] | None = None
    """Days until the vaults' lock can never be removed or shortened again, by nobody, AWS included. `null`: whoever has
    the right to may remove it."""
    restore_test: Annotated[
        bool, Production(one_of=(True,), because="a backup that was never restored is not known to be one")
    ] = True
    """Restore the newest backup each month into an instance that nobody can reach, and delete it again."""
    restore_test_class: DatabaseClass = "db.t4g.medium"
    protect: Protected = True
    """Refuse to delete the vaults, their keys and the copy of the backup bucket."""

    @property
    def second_region(self) -> str | None:
        """Where copies are, if there are any."""
        return self.dr_region if self.enabled else None

    @property
    def tests_restores(self) -> bool:
        return self.enabled and self.restore_test

    @model_validator(mode="after")
    def _rarer_backups_are_kept_longer(self) -> Self:
        if not self.daily_retention_days <= self.weekly_retention_days <= self.monthly_retention_days:
            raise ValueError(
                "weekly_retention_days and monthly_retention_days must not be shorter than those before: a weekly "
                "backup that goes before the daily ones is none"
            )
        return self
