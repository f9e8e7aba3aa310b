"""Automated backup strategy: databases and caches can be restored, and leave a backup when they are deleted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policies import aws
from policies.engine import schedules
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import statements
from policies.engine.iam_patterns import arn_parts, matches, matches_arn
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule

SHORTEST_LOCK_DAYS: Final = 7
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
BACKUP_GUIDE: Final = "https://docs.aws.amazon.com/aws-backup/latest/devguide"
S3_GUIDE: Final = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
KEEPS_BACKUPS: Final = (
    "backup:DeleteRecoveryPoint",
    "backup:PutBackupVaultAccessPolicy",
    "backup:UpdateRecoveryPointLifecycle",
)
"""What a vault's policy has to deny to everyone, itself not to be overwritten included."""
DEFAULT_SCHEDULE: Final = "cron(0 5 ? * * *)"
DEFAULT_START_WINDOW: Final = 60
"""AWS Backup's, in minutes."""
DEFAULT_REPLICATED_DAYS: Final = 7
"""RDS's."""
PLACES_OF_RESTORES: Final = ("dbSubnetGroupName", "publiclyAccessible", "vpcSecurityGroupIds")
"""What of a restored database says who can reach it."""
TAG_OPERATORS: Final[Mapping[str, bool]] = {
    "stringEquals": True,
    "stringLikes": True,
    "stringNotEquals": False,
    "stringNotLikes": False,
}
"""Conditions of a selection, and whether a tag has to match."""
UTC_NAMES: Final = ("UTC", "Etc/UTC", "GMT", "Etc/GMT")


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
        return aws.same_region(lock, vault) and (lock.number("minRetentionDays") or 0) >= SHORTEST_LOCK_DAYS

    if not context.stack.has_referrer(vault, aws.BACKUP_VAULT_LOCK, "backupVaultName", where=locks_long_enough):
        yield f"has no vault lock of {SHORTEST_LOCK_DAYS} days or more: an attacker can delete the backups"


@rule(
    "backup-vaults-refuse-deletion",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BACKUP_VAULT],
    scope=Scope.STACK,
    documentation=f"{BACKUP_GUIDE}/create-a-vault-access-policy.html",
    remediation=f"Declare a backup.VaultPolicy that denies {', '.join(KEEPS_BACKUPS)} to every principal.",
)
def vaults_refuse_deletion(vault: StackResource, context: Context) -> Iterator[Problem]:
    """The policy of a backup vault denies everyone to delete backups, or to overwrite that policy."""

    def refuses(policy: StackResource) -> bool:
        denials = [each for each in statements(policy, "policy") if each.denies_everyone and not each.conditions]
        return aws.same_region(policy, vault) and all(
            any(denial.covers_action(action) for denial in denials) for action in KEEPS_BACKUPS
        )

    if not context.stack.has_referrer(vault, aws.BACKUP_VAULT_POLICY, "backupVaultName", where=refuses):
        yield "has no policy that denies everyone to delete its backups: an administrator's credentials are enough"


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
    documentation=f"{BACKUP_GUIDE}/assigning-resources.html",
    remediation="Declare a backup.Selection with the databases' ARNs or a tag.",
)
def plans_have_selections(plan: StackResource, context: Context) -> Iterator[Problem]:
    """Backup plans select resources."""

    def selects(selection: StackResource) -> bool:
        return any(map(selection.is_set, ("resources", "selectionTags", "conditions")))

    if not context.stack.has_referrer(plan, aws.BACKUP_SELECTION, "planId", where=selects):
        yield "selects no resources: it makes no backups"


@rule(
    "backup-databases-are-selected",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=lambda database: aws.is_primary(database) and aws.in_production(database),
    scope=Scope.STACK,
    security_hub=["RDS.26"],
    remediation="Add the database's ARN to the resources of a backup.Selection.",
)
def databases_are_selected(database: StackResource, context: Context) -> Iterator[Problem]:
    """Databases of production are in a backup plan: their own backups end with whoever may delete them."""
    unknown = None
    for selection in context.stack.of_type(aws.BACKUP_SELECTION):
        try:
            if _selects(selection, database, context):
                return
        except UnknownValue as error:
            unknown = error
    if unknown is not None:
        raise unknown
    yield "is in no backup plan: whoever may delete it may delete all its backups"


def _selects(selection: StackResource, database: StackResource, context: Context) -> bool:
    """Tell whether a selection is about a database: by name, by a pattern, or by a tag."""

    def names(path: str) -> bool:
        if any(target is database for target in context.stack.targets(selection, path, database.type)):
            return True
        patterns = [text for text in selection.texts(path) if "*" in text]
        return any(pattern == "*" or matches_arn(pattern, str(database.get("arn"))) for pattern in patterns)

    tags = aws.tags_of(database)
    by_tag = any(tags.get(str(tag.get("key"))) == tag.get("value") for tag in selection.items("selectionTags"))
    chosen = names("resources") or by_tag
    return chosen and not names("notResources") and _meets_conditions(selection, database)


def _meets_conditions(selection: StackResource, database: StackResource) -> bool:
    """Tell whether a database has the tags that all conditions of a selection demand."""
    tags = {f"aws:ResourceTag/{key}": str(value) for key, value in aws.tags_of(database).items()}
    return all(
        matches(str(demand.get("value")), tags.get(str(demand.get("key"))) or "") == wanted
        for conditions in selection.items("conditions")
        for operator, wanted in TAG_OPERATORS.items()
        for demand in conditions.items(operator)
    )


@rule(
    "backup-plans-start-away-from-windows",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BACKUP_PLAN],
    scope=Scope.STACK,
    documentation=f"{BACKUP_GUIDE}/plan-options-and-configuration.html",
    remediation="Change `start` in `fixrx:backup_vault`, or the schedule of the rule.",
    settings={"minutes": Setting(default=60, minimum=0, maximum=720, description="Least minutes between them")},
)
def plans_start_away_from_windows(plan: StackResource, context: Context) -> Iterator[Problem]:
    """Backup plans start an hour or more away from the backup and maintenance windows of databases."""
    databases = context.stack.of_type(aws.DB_INSTANCE, aws.DB_CLUSTER)
    for each in plan.items("rules"):
        name, zone = each.get("ruleName"), each.get("scheduleExpressionTimezone")
        moments = schedules.starts(str(each.get("schedule") or DEFAULT_SCHEDULE))
        if moments is None or zone not in (None, "", *UTC_NAMES):
            yield f"starts the rule {name} at no time of day in UTC, in which the windows of databases are"
            continue
        lasting = int(each.number("startWindow") or DEFAULT_START_WINDOW)
        for moment, database, window in _near(moments, lasting, context.settings["minutes"], databases):
            yield (
                f"starts the rule {name} at {schedules.clock(moment)} or up to {lasting} minutes later, too near the "
                f"window {window} of {database.name}: RDS refuses the backup"
            )
            break


def _near(
    moments: Sequence[int], lasting: int, least: int, databases: Sequence[StackResource]
) -> Iterator[tuple[int, StackResource, str]]:
    """Yield the moments that are too near a window, with the database and the window."""
    for database in databases:
        for path in (aws.BACKUP_WINDOWS[database.type], aws.MAINTENANCE_WINDOWS[database.type]):
            window = str(database.get(path) or "")
            for moment in moments:
                if any(schedules.distance(moment, lasting, span) < least for span in schedules.spans(window)):
                    yield moment, database, window


@rule(
    "backup-copies-leave-the-region",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BACKUP_PLAN],
    applies_to=aws.in_production,
    scope=Scope.STACK,
    documentation=f"{BACKUP_GUIDE}/cross-region-backup.html",
    remediation="Set `dr_region` in `fixrx:backup_vault`: copy_actions into a vault of another region.",
)
def copies_leave_the_region(plan: StackResource, context: Context) -> Iterator[Problem]:
    """Backup plans of production copy every backup into another region."""

    def leaves(copy: StackResource) -> bool:
        vaults = context.stack.targets(copy, "destinationVaultArn", aws.BACKUP_VAULT)
        regions = [vault.get("region") for vault in vaults] or [arn_parts(str(copy.get("destinationVaultArn")))[2]]
        return any(region != plan.get("region") for region in regions)

    for each in plan.items("rules"):
        if not any(map(leaves, each.items("copyActions"))):
            yield f"copies no backup of the rule {each.get('ruleName')} into another region: all are lost with this one"


@rule(
    "s3-backups-leave-the-region",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUCKET],
    applies_to=lambda bucket: aws.is_backup_bucket(bucket) and aws.in_production(bucket),
    scope=Scope.STACK,
    security_hub=["S3.7"],
    remediation="Set `dr_region` in `fixrx:backup_vault`: s3.BucketReplicationConfig into a bucket of another region.",
)
def bucket_copies_leave_the_region(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Backup buckets of production are replicated into another region, unless they are the copy themselves."""

    def copies_of(replication: StackResource) -> Iterator[StackResource | None]:
        for each in replication.items("rules"):
            if each.get("status") == "Enabled":
                copies = context.stack.targets(each, "destination.bucket", aws.BUCKET)
                yield from copies
                if not copies:
                    yield None

    def leaves(replication: StackResource) -> bool:
        """A copy in another stack counts: its region is not known."""
        return any(copy is None or not aws.same_region(copy, bucket) for copy in copies_of(replication))

    replications = context.stack.of_type(aws.BUCKET_REPLICATION)
    if any(copy is bucket for replication in replications for copy in copies_of(replication)):
        return
    if not context.stack.has_referrer(bucket, aws.BUCKET_REPLICATION, "bucket", where=leaves):
        yield "is not replicated into another region: the dumps in it are lost together with the database"


@rule(
    "s3-replicas-are-encrypted",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BUCKET_REPLICATION],
    documentation=f"{S3_GUIDE}/replication-config-for-kms-objects.html",
    remediation="Set source_selection_criteria.sse_kms_encrypted_objects and "
    "destination.encryption_configuration.replica_kms_key_id in each rule.",
)
def replicas_are_encrypted(replication: StackResource, _: Context) -> Iterator[Problem]:
    """Replication of a bucket is on, includes encrypted objects, and encrypts copies with a customer-managed key."""
    for each in replication.items("rules"):
        if each.get("status") != "Enabled":
            yield f"copies nothing of the rule {each.get('id')}: it is disabled"
        elif each.get("sourceSelectionCriteria.sseKmsEncryptedObjects.status") != "Enabled":
            yield f"leaves out objects under a KMS key in the rule {each.get('id')}: S3 copies none, and nothing fails"
        elif not aws.uses_own_key(each, "destination.encryptionConfiguration.replicaKmsKeyId"):
            yield f"encrypts no copy of the rule {each.get('id')} with a customer-managed key"


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
    if not any(map(_tests_something, selections)):
        yield "makes backups whose restore is not tested: a backup that cannot be restored is not noticed"


def _tests_something(selection: StackResource) -> bool:
    protected = ("protectedResourceArns", "protectedResourceConditions")
    return selection.is_set("protectedResourceType") and any(map(selection.is_set, protected))


@rule(
    "backup-restore-tests-are-closed",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.RESTORE_TESTING_SELECTION],
    applies_to=lambda selection: selection.get("protectedResourceType") == "RDS",
    documentation=f"{BACKUP_GUIDE}/restore-testing-inferred-metadata.html",
    remediation="Override dbSubnetGroupName, vpcSecurityGroupIds and publiclyAccessible in restore_metadata_overrides.",
)
def restore_tests_are_closed(selection: StackResource, _: Context) -> Iterator[Problem]:
    """Restore tests of databases restore them where the network is the program's, and not publicly."""
    overrides = selection.get("restoreMetadataOverrides") or {}
    given = {str(key).lower() for key, value in overrides.items() if value not in (None, "", "[]")}
    missing = [key for key in PLACES_OF_RESTORES if key.lower() not in given]
    if missing:
        yield f"does not set {', '.join(missing)}: AWS Backup restores a copy of all data into the default network"
    elif selection.get("restoreMetadataOverrides.publiclyAccessible") is not False:
        yield "restores a copy of all data with an address that the internet can connect to"


@rule(
    "rds-replicated-backups-are-sufficient",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_AUTOMATED_BACKUPS],
    documentation=f"{RDS_GUIDE}/USER_ReplicateBackups.html",
    remediation="Raise `replicated_retention_days` in `fixrx:backup_vault` to 7 or more, and set kms_key_id.",
    settings={"days": Setting(default=7, minimum=1, maximum=35, description="Days of replicated backups")},
)
def replicated_backups_are_sufficient(replication: StackResource, context: Context) -> Iterator[Problem]:
    """Automated backups in another region are kept for 7 days or more, under a customer-managed key."""
    days, least = replication.number("retentionPeriod") or DEFAULT_REPLICATED_DAYS, context.settings["days"]
    if days < least:
        yield f"keeps replicated backups for {days} days; the guide demands {least}"
    if not aws.uses_own_key(replication, "kmsKeyId"):
        yield "is encrypted with an AWS managed key"


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
