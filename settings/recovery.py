"""What each kind of loss costs, as it follows from a stack's settings: how much data, and how long.

The times are those of AWS's documentation and of practice with databases of about 100 GiB; a restore grows with the
size, and none of them was measured here. The data that is lost follows from how often a copy is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from components.sections.backup_bucket import BackupBucketSettings
from components.sections.backup_vault import BackupVaultSettings
from components.sections.database import DatabaseSettings

FAILOVER = "60 to 120 s"
RESTORE = "30 to 60 min"
RESTORE_ELSEWHERE = "1 to 2 h"
"""A restore, and everything else of the platform in another region or account."""
LAG_OF_AUTOMATED_BACKUPS = "5 min"
"""RDS saves the transaction log every five minutes."""
LAG_OF_REPLICATED_BACKUPS = "10 to 30 min"
BETWEEN_BACKUPS = "24 h"
"""Backups of the vault and dumps are made once a day."""


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """After one kind of loss."""

    loses: str
    """The recovery point: the data written in this last time."""
    back_in: str
    """The recovery time."""
    means: str
    """What brings the data back, and how far back it reaches."""

    def __str__(self) -> str:
        return f"loses {self.loses}, back in {self.back_in}: {self.means}"


EVERYTHING = Recovery(loses="everything", back_in="never", means="nothing is left")


def recovery_table(
    database: DatabaseSettings, vault: BackupVaultSettings, bucket: BackupBucketSettings
) -> Mapping[str, Recovery]:
    """Return what is lost and when the database is back, by what happened to it."""
    restored = Recovery(
        loses=LAG_OF_AUTOMATED_BACKUPS,
        back_in=RESTORE,
        means=f"RDS's backups, to any second of {database.backup_retention_days} days",
    )
    standby = Recovery(loses="nothing", back_in=FAILOVER, means="the standby in another zone")
    dump = Recovery(
        loses=BETWEEN_BACKUPS, back_in=RESTORE, means=f"the dumps of {bucket.database_retention_days} days, pg_restore"
    )
    kept = Recovery(
        loses=BETWEEN_BACKUPS,
        back_in=RESTORE,
        means=f"the vault: daily {vault.daily_retention_days} days, weekly {vault.weekly_retention_days}, monthly "
        f"{vault.monthly_retention_days}",
    )
    replicated = Recovery(
        loses=LAG_OF_REPLICATED_BACKUPS,
        back_in=RESTORE_ELSEWHERE,
        means=f"RDS's backups in {vault.second_region}, to any second of {vault.replicated_retention_days} days",
    )
    return {
        "instance_or_zone": standby if database.multi_az else restored,
        "wrong_data": restored,
        "one_table": dump,
        "database_with_its_backups": kept if vault.enabled else dump,
        "old_data": kept if vault.enabled else dump,
        "region": replicated if vault.second_region else EVERYTHING,
    }
