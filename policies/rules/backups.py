"""Automated backup strategy: databases and caches that can be restored, and that leave a copy when they go."""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be, must_be_at_least, must_be_set, must_have, must_not_be
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope, Setting
from policies.rules.database_access import CACHE, DATABASE, is_primary

RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
BACKUP_GUIDE: Final = "https://docs.aws.amazon.com/aws-backup/latest/devguide"
VAULT: Final = "aws:backup/vault"
PLAN: Final = "aws:backup/plan"
RESTORE_TEST: Final = "aws:backup/restoreTestingSelection"


def _locks_for_a_week(lock: StackResource) -> bool:
    return (lock.get("minRetentionDays") or 0) >= 7


def _selects(selection: StackResource) -> bool:
    return any(selection.is_set(path) for path in ("resources", "selectionTags", "conditions"))


def _is_tried(_: StackResource, context: Context) -> Iterator[Problem]:
    tests = context.stack.of_type(RESTORE_TEST)
    if not any(test.is_set("protectedResourceType") for test in tests):
        yield "makes backups that nobody has ever restored: the first attempt is the emergency"


def _keeps_backups_long_enough(plan: StackResource, context: Context) -> Iterator[Problem]:
    least = context.settings["days"]
    for rule in plan.items("rules"):
        days = rule.get("lifecycle.deleteAfter")
        if days is not None and days < least:
            yield f"deletes what {rule.get('ruleName')} makes after {days} days: damage older than that is final"


RULES = (
    Rule(
        name="rds-backup-retention-is-sufficient",
        description="Databases can be restored to any moment of the last 7 days.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        security_hub=("RDS.11",),
        resource_types=frozenset({DATABASE}),
        applies_to=is_primary,
        check=must_be_at_least(
            "backupRetentionPeriod", "days", "keeps backups for {value} days: damage older than that is final"
        ),
        remediation="Raise `backup_retention_days` in `fixrx:database` to 7 or more.",
        settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days of automatic backups")},
    ),
    Rule(
        name="rds-final-snapshot-enabled",
        description="A database that is deleted leaves a final snapshot.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        documentation=f"{RDS_GUIDE}/USER_DeleteInstance.html",
        resource_types=frozenset({DATABASE}),
        applies_to=is_primary,
        check=must_not_be("skipFinalSnapshot", True, "leaves nothing behind when it is deleted by mistake"),
        remediation="Set skip_final_snapshot=False and final_snapshot_identifier.",
    ),
    Rule(
        name="rds-automated-backups-are-retained",
        description="Automatic backups stay when their database is deleted.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{RDS_GUIDE}/USER_WorkingWithAutomatedBackups.html",
        resource_types=frozenset({DATABASE}),
        applies_to=is_primary,
        check=must_be("deleteAutomatedBackups", False, "takes its automatic backups along when it is deleted"),
        remediation="Set delete_automated_backups=False; AWS's default is True.",
    ),
    Rule(
        name="rds-snapshot-tags-are-copied",
        description="Snapshots carry the tags of their database.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.LOW,
        security_hub=("RDS.17",),
        resource_types=frozenset({DATABASE}),
        check=must_be("copyTagsToSnapshot", True, "makes snapshots that do not tell whose they are"),
        remediation="Set copy_tags_to_snapshot=True.",
    ),
    Rule(
        name="elasticache-snapshot-retention-is-sufficient",
        description="Caches can be restored from a snapshot of the last 7 days.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ElastiCache.1",),
        resource_types=frozenset({CACHE}),
        check=must_be_at_least(
            "snapshotRetentionLimit",
            "days",
            "keeps snapshots for {value} days: when it is lost, everybody is signed out",
        ),
        remediation="Raise `snapshot_retention_days` in `fixrx:cache` to 7 or more.",
        settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days of snapshots")},
    ),
    Rule(
        name="backup-vaults-are-locked",
        description="Backup vaults are locked: nobody deletes a backup before its time.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        documentation=f"{BACKUP_GUIDE}/vault-lock.html",
        scope=Scope.STACK,
        resource_types=frozenset({VAULT}),
        check=must_have(
            "aws:backup/vaultLockConfiguration",
            "backupVaultName",
            "is not locked for a week or more: whoever breaks in deletes the backups first",
            where=_locks_for_a_week,
        ),
        remediation="Declare a backup.VaultLockConfiguration for the vault with min_retention_days=7 or more.",
    ),
    Rule(
        name="backup-vault-customer-managed-key-used",
        description="Backup vaults are encrypted under a key of our own.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.MEDIUM,
        security_hub=("Backup.1",),
        resource_types=frozenset({VAULT}),
        check=must_be_set("kmsKeyArn", "is encrypted under a key that is not ours"),
        remediation="Set kms_key_arn.",
    ),
    Rule(
        name="backup-plans-have-selections",
        description="Backup plans say what they back up.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        security_hub=("RDS.26",),
        scope=Scope.STACK,
        resource_types=frozenset({PLAN}),
        check=must_have("aws:backup/selection", "planId", "selects nothing, and backs up nothing", where=_selects),
        remediation="Declare a backup.Selection with the databases' ARNs or a tag.",
    ),
    Rule(
        name="backup-plan-retention-is-sufficient",
        description="Backup plans keep what they make for 7 days or more.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        documentation=f"{BACKUP_GUIDE}/plan-options-and-configuration.html",
        resource_types=frozenset({PLAN}),
        check=_keeps_backups_long_enough,
        remediation="Raise delete_after in the rule's lifecycle.",
        settings={"days": Setting(default=7, minimum=1, maximum=3650, description="Days of backups")},
    ),
    Rule(
        name="backup-restore-is-tested",
        description="Where there is a backup plan, restoring is tested.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{BACKUP_GUIDE}/restore-testing.html",
        scope=Scope.STACK,
        resource_types=frozenset({PLAN}),
        check=_is_tried,
        remediation="Declare a backup.RestoreTestingPlan with a RestoreTestingSelection.",
    ),
)
