"""Automated backup strategy: buckets that are private and versioned, and backups that cannot be deleted too early.

pulumi-aws splits a bucket into one resource for each aspect. Each of them has to exist and refer to the bucket.
"""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import statements
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule

PUBLIC_ACCESS_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
ACL_TYPES: Final = frozenset(
    {aws.BUCKET, aws.BUCKET_ACL, aws.BUCKET_OBJECT, aws.BUCKET_OBJECT_COPY, aws.BUCKET_OBJECT_CURRENT}
)
PUBLIC_GRANTEES: Final = frozenset({"AllUsers", "AuthenticatedUsers"})
"""Groups of S3 that are everybody, and everybody with any AWS account."""
BYPASS: Final = "s3:BypassGovernanceRetention"
S3_GUIDE: Final = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"


@rule(
    "s3-public-access-blocked",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    security_hub=["S3.8"],
    remediation="Declare an s3.BucketPublicAccessBlock with all four settings True.",
)
def public_access_blocked(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Buckets block public access in all four ways."""

    def blocks_all(block: StackResource) -> bool:
        return all(block.get(path) is True for path in PUBLIC_ACCESS_BLOCKS)

    if not context.stack.has_referrer(bucket, aws.BUCKET_PUBLIC_ACCESS_BLOCK, "bucket", where=blocks_all):
        yield "does not block public access: one wrong policy or ACL makes it public"


@rule(
    "s3-acls-disabled",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    security_hub=["S3.12"],
    remediation='Declare s3.BucketOwnershipControls with object_ownership="BucketOwnerEnforced".',
)
def acls_disabled(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Buckets have ACLs disabled: the bucket's owner owns every object."""

    def disables_acls(controls: StackResource) -> bool:
        return bool(controls.get("rule.objectOwnership") == "BucketOwnerEnforced")

    if not context.stack.has_referrer(bucket, aws.BUCKET_OWNERSHIP, "bucket", where=disables_acls):
        yield "accepts ACLs: a writer can make its objects public"


@rule(
    "s3-acl-is-not-public",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.CRITICAL,
    resource_types=ACL_TYPES,
    security_hub=["S3.2", "S3.3"],
    remediation="Remove `acl`, `grants` and `access_control_policy`.",
)
def acl_is_not_public(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Buckets and objects have no public ACL, neither by name nor by grants."""
    if str(resource.get("acl") or "").startswith(("public-", "authenticated-read")):
        yield "is public by its ACL"
    if resource.type == aws.BUCKET_ACL:
        grantees = [grant.get("grantee.uri") for grant in resource.items("accessControlPolicy.grants")]
    elif resource.type in (aws.BUCKET, aws.BUCKET_OBJECT_COPY):
        grantees = [grant.get("uri") for grant in resource.items("grants")]
    else:
        grantees = []
    everyone = sorted({str(uri).rpartition("/")[2] for uri in grantees} & PUBLIC_GRANTEES)
    if everyone:
        yield f"is public by a grant to {', '.join(everyone)}"


@rule(
    "s3-versioning-enabled",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    security_hub=["S3.14"],
    remediation='Declare an s3.BucketVersioning with status "Enabled".',
)
def versioning_enabled(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Buckets have versioning enabled."""

    def is_enabled(versioning: StackResource) -> bool:
        return bool(versioning.get("versioningConfiguration.status") == "Enabled")

    inline = any(each.get("enabled") is True for each in aws.inline_aspect(bucket, "versioning", "versionings"))
    if not inline and not context.stack.has_referrer(bucket, aws.BUCKET_VERSIONING, "bucket", where=is_enabled):
        yield "has no versioning: overwritten and deleted objects are lost"


@rule(
    "s3-incomplete-uploads-are-aborted",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    security_hub=["S3.13"],
    remediation="Declare an s3.BucketLifecycleConfiguration with abort_incomplete_multipart_upload.",
)
def incomplete_uploads_are_aborted(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Buckets abort incomplete multipart uploads."""

    def aborts(lifecycle: StackResource) -> bool:
        return any(
            each.get("status") == "Enabled" and each.is_set("abortIncompleteMultipartUpload.daysAfterInitiation")
            for each in lifecycle.items("rules")
        )

    inline = any(
        each.get("enabled") is not False and each.is_set("abortIncompleteMultipartUploadDays")
        for each in bucket.items("lifecycleRules")
    )
    if not inline and not context.stack.has_referrer(bucket, aws.BUCKET_LIFECYCLE, "bucket", where=aborts):
        yield "keeps the parts of incomplete multipart uploads: they are not listed, and are charged for"


@rule(
    "s3-access-logging-enabled",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    security_hub=["S3.9"],
    remediation="Declare an s3.BucketLogging that targets the access-log bucket.",
)
def access_logging_enabled(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Buckets log requests."""
    stack = context.stack
    if any(each.is_set("targetBucket") for each in aws.inline_aspect(bucket, "logging", "loggings")):
        return
    if not stack.referrers(bucket, aws.BUCKET_LOGGING, "bucket") and not aws.receives_service_logs(bucket, stack):
        yield "has no server access logging: a leak cannot be investigated"


@rule(
    "storage-force-destroy-disabled",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BACKUP_VAULT, aws.BUCKET, aws.DNS_ZONE],
    applies_to=aws.in_production,
    documentation="https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucket/",
    remediation="Remove force_destroy.",
)
def force_destroy_disabled(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Buckets, backup vaults and hosted zones of production are not deleted with their content."""
    if resource.get("forceDestroy") is True:
        yield "has force_destroy set: deleting it from the program deletes every object version, backup or record in it"


@rule(
    "s3-backup-object-lock-enabled",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BUCKET],
    applies_to=aws.is_backup_bucket,
    security_hub=["S3.15"],
    remediation="Set object_lock_enabled=True; changing it replaces the bucket.",
)
def backup_object_lock_enabled(bucket: StackResource, _: Context) -> Iterator[Problem]:
    """Backup buckets have Object Lock enabled."""
    if bucket.get("objectLockEnabled") is not True:
        yield "has no Object Lock: an attacker can delete the backups"


@rule(
    "s3-backup-retention-is-locked",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    applies_to=aws.is_backup_bucket,
    security_hub=["S3.15"],
    remediation="Raise `object_lock_days` in `fixrx:backup_bucket`, and deny s3:BypassGovernanceRetention.",
    settings={"days": Setting(default=7, minimum=1, maximum=365, description="Days for which backups are locked")},
)
def backup_retention_is_locked(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """No identity can delete a backup before its retention period ends."""
    least = context.settings["days"]
    retentions = [
        (lock.get("rule.defaultRetention.mode"), lock.number("rule.defaultRetention.days") or 0)
        for lock in context.stack.referrers(bucket, aws.BUCKET_OBJECT_LOCK, "bucket")
        if lock.get("objectLockEnabled") in (None, "Enabled")
    ]
    if not any(days >= least for _, days in retentions):
        yield f"does not lock backups for {least} days: an attacker can delete them"
    elif all(mode != "COMPLIANCE" for mode, _ in retentions) and not _bypass_is_denied(bucket, context):
        yield f"locks backups in governance mode: an identity with {BYPASS} can delete them"


def _bypass_is_denied(bucket: StackResource, context: Context) -> bool:
    return any(
        statement.denies_everyone
        and statement.matches_action(BYPASS)
        and aws.covers_objects(statement, bucket)
        and not statement.conditions
        for policy in [bucket, *context.stack.referrers(bucket, aws.BUCKET_POLICY, "bucket")]
        for statement in statements(policy, "policy")
    )


@rule(
    "s3-backup-retention-is-sufficient",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BUCKET_LIFECYCLE],
    documentation=f"{S3_GUIDE}/object-lifecycle-mgmt.html",
    remediation="Raise `database_retention_days` or `application_retention_days` in `fixrx:backup_bucket`.",
    settings={
        "database_days": Setting(default=7, minimum=1, maximum=3650, description="Days under database/"),
        "application_days": Setting(default=30, minimum=1, maximum=3650, description="Days under application/"),
    },
)
def backup_retention_is_sufficient(lifecycle: StackResource, context: Context) -> Iterator[Problem]:
    """Database backups are kept for 7 days, application backups for 30."""
    for each in lifecycle.items("rules"):
        prefix = str(each.get("filter.prefix") or "")
        least = context.settings.get(f"{prefix.partition('/')[0]}_days")
        for path in ("expiration.days", "noncurrentVersionExpiration.noncurrentDays"):
            days = each.number(path)
            if least is not None and days is not None and days < least:
                yield f"deletes {prefix} after {days} days; the guide demands {least}"


@rule(
    "s3-access-log-retention-is-sufficient",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    documentation=f"{S3_GUIDE}/object-lifecycle-mgmt.html",
    remediation="Raise `retention_days` in `fixrx:access_logs`.",
    settings={"days": Setting(default=30, minimum=1, maximum=3650, description="Days of access logs")},
)
def access_log_retention_is_sufficient(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Access logs are kept for 30 days or more."""
    least = context.settings["days"]
    if not aws.receives_service_logs(bucket, context.stack):
        return
    for lifecycle in context.stack.referrers(bucket, aws.BUCKET_LIFECYCLE, "bucket"):
        for each in lifecycle.items("rules"):
            days = each.number("expiration.days")
            if days is not None and days < least:
                yield f"deletes access logs after {days} days; the guide demands {least}"
