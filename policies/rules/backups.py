"""Automated backup strategy: databases and caches that can be restored, and that leave a copy when they go."""

from typing import Final

from policies.items import Item
from policies.patterns import must_be, must_be_at_least, must_not_be
from policies.rule import Rule, Setting, Severity
from policies.rules.database_access import CACHE, DATABASE, is_primary

RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"

RULES = (
    Rule(
        name="backup-of-databases-is-kept-long-enough",
        description="Databases can be restored to any moment of the last 7 days.",
        item=Item.BACKUPS,
        severity=Severity.HIGH,
        controls=("RDS.11",),
        kinds=frozenset({DATABASE}),
        only_if=is_primary,
        check=must_be_at_least(
            "backupRetentionPeriod", "days", "keeps backups for {value} days: damage older than that is final"
        ),
        remediation="Raise `backup_retention_days` in `fixrx:database` to 7 or more.",
        settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days of automatic backups")},
    ),
    Rule(
        name="backup-of-databases-ends-with-a-snapshot",
        description="A database that is deleted leaves a final snapshot.",
        item=Item.BACKUPS,
        severity=Severity.HIGH,
        reading=f"{RDS_GUIDE}/USER_DeleteInstance.html",
        kinds=frozenset({DATABASE}),
        only_if=is_primary,
        check=must_not_be("skipFinalSnapshot", True, "leaves nothing behind when it is deleted by mistake"),
        remediation="Set skip_final_snapshot=False and final_snapshot_identifier.",
    ),
    Rule(
        name="backup-of-databases-outlives-them",
        description="Automatic backups stay when their database is deleted.",
        item=Item.BACKUPS,
        severity=Severity.MEDIUM,
        reading=f"{RDS_GUIDE}/USER_WorkingWithAutomatedBackups.html",
        kinds=frozenset({DATABASE}),
        only_if=is_primary,
        check=must_be("deleteAutomatedBackups", False, "takes its automatic backups along when it is deleted"),
        remediation="Set delete_automated_backups=False; AWS's default is True.",
    ),
    Rule(
        name="backup-of-databases-is-tagged",
        description="Snapshots carry the tags of their database.",
        item=Item.BACKUPS,
        severity=Severity.LOW,
        controls=("RDS.17",),
        kinds=frozenset({DATABASE}),
        check=must_be("copyTagsToSnapshot", True, "makes snapshots that do not tell whose they are"),
        remediation="Set copy_tags_to_snapshot=True.",
    ),
    Rule(
        name="backup-of-caches-is-kept-long-enough",
        description="Caches can be restored from a snapshot of the last 7 days.",
        item=Item.BACKUPS,
        severity=Severity.MEDIUM,
        controls=("ElastiCache.1",),
        kinds=frozenset({CACHE}),
        check=must_be_at_least(
            "snapshotRetentionLimit",
            "days",
            "keeps snapshots for {value} days: when it is lost, everybody is signed out",
        ),
        remediation="Raise `snapshot_retention_days` in `fixrx:cache` to 7 or more.",
        settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days of snapshots")},
    ),
)
