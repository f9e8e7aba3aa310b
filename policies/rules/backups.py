"""Automated backup strategy: databases and caches can be restored, and leave a backup when they are deleted."""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule

SHORTEST_LOCK_DAYS: Final = 7
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
BACKUP_GUIDE: Final = "https://docs.aws.amazon.com/aws-backup/latest/devguide"


@rule(
    "rds-backup-retention-is-sufficient",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=aws.is_primary,
    security_hub=["RDS.11"],
    remediation="Raise `backup_retention_days` in `fixrx:database` to 7 or more.",
    settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days of automatic backups")},
)
def database_retention_is_sufficient(database: StackResource, context: Context) -> Iterator[Problem]:
    """Databases keep automated backups for 7 days or more."""
    days, least = database.number("backupRetentionPeriod") or 0, context.settings["days"]
    if days < least:
        yield f"keeps automated backups for {days} days; the guide demands {least}"


@rule(
    "rds-final-snapshot-enabled",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=aws.is_primary,
    documentation=f"{RDS_GUIDE}/USER_DeleteInstance.html",
    remediation="Set skip_final_snapshot=False and final_snapshot_identifier.",
)
def final_snapshot_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases leave a final snapshot when they are deleted."""
    if database.get("skipFinalSnapshot") is True:
        yield "leaves no final snapshot: its data is lost when it is deleted by mistake"


@rule(
    "rds-automated-backups-are-retained",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=aws.is_primary,
    documentation=f"{RDS_GUIDE}/USER_WorkingWithAutomatedBackups.html",
    remediation="Set delete_automated_backups=False; AWS's default is True.",
)
def automated_backups_are_retained(database: StackResource, _: Context) -> Iterator[Problem]:
    """Automated backups are retained when their database is deleted."""
    if database.get("deleteAutomatedBackups") is not False:
        yield "deletes its automated backups when it is deleted"


@rule(
    "rds-snapshot-tags-are-copied",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    security_hub=["RDS.17"],
    remediation="Set copy_tags_to_snapshot=True.",
)
def snapshot_tags_are_copied(database: StackResource, _: Context) -> Iterator[Problem]:
    """Snapshots have the tags of their database."""
    if database.get("copyTagsToSnapshot") is not True:
        yield "does not copy its tags to snapshots: their owner is unknown"


@rule(
    "elasticache-snapshot-retention-is-sufficient",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.CACHE, aws.CACHE_CLUSTER, aws.SERVERLESS_CACHE],
    applies_to=lambda cache: aws.is_separate_cache(cache) and bool(cache.get("engine") != "memcached"),
    security_hub=["ElastiCache.1"],
    remediation="Raise `snapshot_retention_days` in `fixrx:cache` to 7 or more.",
    settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days of snapshots")},
)
def snapshot_retention_is_sufficient(cache: StackResource, context: Context) -> Iterator[Problem]:
    """Caches keep snapshots for 7 days or more."""
    days, least = cache.number("snapshotRetentionLimit") or 0, context.settings["days"]
    if days < least:
        yield f"keeps snapshots for {days} days; the guide demands {least}"


@rule(
    "backup-vaults-are-locked",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BACKUP_VAULT],
    scope=Scope.STACK,
    documentation=f"{BACKUP_GUIDE}/vault-lock.html",
    remediation="Declare a backup.VaultLockConfiguration for the vault with min_retention_days=7 or more.",
)
def vaults_are_locked(vault: StackResource, context: Context) -> Iterator[Problem]:
    """Backup vaults are locked: no identity can delete a backup too early."""

    def locks_long_enough(lock: StackResource) -> bool:
        return (lock.number("minRetentionDays") or 0) >= SHORTEST_LOCK_DAYS

    if not context.stack.has_referrer(vault, aws.BACKUP_VAULT_LOCK, "backupVaultName", where=locks_long_enough):
        yield f"has no vault lock of {SHORTEST_LOCK_DAYS} days or more: an attacker can delete the backups"


@rule(
    "backup-vault-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BACKUP_VAULT],
    security_hub=["Backup.1"],
    remediation="Set kms_key_arn.",
)
def vault_customer_managed_key_used(vault: StackResource, _: Context) -> Iterator[Problem]:
    """Backup vaults are encrypted with a customer-managed key."""
    if not aws.uses_own_key(vault, "kmsKeyArn"):
        yield "is encrypted with an AWS managed key"


@rule(
    "backup-plans-have-selections",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BACKUP_PLAN],
    scope=Scope.STACK,
    security_hub=["RDS.26"],
    remediation="Declare a backup.Selection with the databases' ARNs or a tag.",
)
def plans_have_selections(plan: StackResource, context: Context) -> Iterator[Problem]:
    """Backup plans select resources."""

    def selects(selection: StackResource) -> bool:
        return any(map(selection.is_set, ("resources", "selectionTags", "conditions")))

    if not context.stack.has_referrer(plan, aws.BACKUP_SELECTION, "planId", where=selects):
        yield "selects no resources: it makes no backups"


@rule(
    "backup-plan-retention-is-sufficient",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BACKUP_PLAN],
    documentation=f"{BACKUP_GUIDE}/plan-options-and-configuration.html",
    remediation="Raise delete_after in the rule's lifecycle.",
    settings={"days": Setting(default=7, minimum=1, maximum=3650, description="Days of backups")},
)
def plan_retention_is_sufficient(plan: StackResource, context: Context) -> Iterator[Problem]:
    """Backup plans keep backups for 7 days or more."""
    least = context.settings["days"]
    for each in plan.items("rules"):
        days = each.number("lifecycle.deleteAfter")
        if days is not None and days < least:
            yield f"deletes backups of the rule {each.get('ruleName')} after {days} days; the guide demands {least}"


@rule(
    "backup-restore-is-tested",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BACKUP_PLAN],
    scope=Scope.STACK,
    documentation=f"{BACKUP_GUIDE}/restore-testing.html",
    remediation="Declare a backup.RestoreTestingPlan with a RestoreTestingSelection.",
)
def restore_is_tested(_: StackResource, context: Context) -> Iterator[Problem]:
    """A stack with a backup plan tests the restore of its backups."""
    selections = context.stack.of_type(aws.RESTORE_TESTING_SELECTION)
    if not any(selection.is_set("protectedResourceType") for selection in selections):
        yield "makes backups whose restore is not tested: a backup that cannot be restored is not noticed"


@rule(
    "backup-schedules-are-enabled",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.SCHEDULE],
    documentation="https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-state.html",
    remediation="Remove state=DISABLED from the schedule.",
)
def schedules_are_enabled(schedule: StackResource, _: Context) -> Iterator[Problem]:
    """Schedules are enabled."""
    if schedule.get("state") == "DISABLED":
        yield "is disabled: what it starts, such as the nightly dump, does not run, and nothing fails"
