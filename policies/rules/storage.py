"""Buckets: private, versioned, tidied up, and for backups impossible to empty before their time.

pulumi-aws splits a bucket into one resource per aspect. Each aspect must be there and refer to the bucket.
"""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import statements
from policies.engine.patterns import must_be, must_have, must_not_be
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope, Setting
from policies.environment import in_production
from policies.rules.encryption import BUCKET, receives_service_logs

PUBLIC_ACCESS_BLOCK: Final = "aws:s3/bucketPublicAccessBlock"
OWNERSHIP: Final = "aws:s3/bucketOwnershipControls"
VERSIONING: Final = "aws:s3/bucketVersioning"
LIFECYCLE: Final = "aws:s3/bucketLifecycleConfiguration"
LOGGING: Final = "aws:s3/bucketLogging"
LOCK: Final = "aws:s3/bucketObjectLockConfiguration"
POLICY: Final = "aws:s3/bucketPolicy"
BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
BYPASS: Final = "s3:BypassGovernanceRetention"
S3_GUIDE: Final = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"


def _blocks_everything_public(block: StackResource) -> bool:
    return all(block.get(path) is True for path in BLOCKS)


def _aborts_broken_uploads(lifecycle: StackResource) -> bool:
    return any(
        rule.get("status") == "Enabled" and rule.is_set("abortIncompleteMultipartUpload.daysAfterInitiation")
        for rule in lifecycle.items("rules")
    )


def _is_backup_bucket(bucket: StackResource) -> bool:
    return "backup" in str(bucket.get("bucket") or bucket.get("bucketPrefix") or "")


def _acl_is_private(resource: StackResource, _: Context) -> Iterator[Problem]:
    if str(resource.get("acl") or "").startswith(("public-", "authenticated-read")):
        yield "is opened to strangers by its ACL"


def _logs_access(bucket: StackResource, context: Context) -> Iterator[Problem]:
    if not context.stack.referrers(bucket, LOGGING, "bucket") and not receives_service_logs(bucket, context):
        yield "does not log who reads it: a leak cannot be traced"


def _backups_are_locked(bucket: StackResource, context: Context) -> Iterator[Problem]:
    least = context.settings["days"]
    retentions = [
        (lock.get("rule.defaultRetention.mode"), lock.get("rule.defaultRetention.days") or 0)
        for lock in context.stack.referrers(bucket, LOCK, "bucket")
        if lock.get("objectLockEnabled") in (None, "Enabled")
    ]
    if not any(days >= least for _, days in retentions):
        yield f"lets backups be deleted before {least} days: ransomware deletes backups first"
    elif all(mode != "COMPLIANCE" for mode, _ in retentions) and not _bypass_is_denied(bucket, context):
        yield f"has a lock that whoever is allowed {BYPASS} can open"


def _bypass_is_denied(bucket: StackResource, context: Context) -> bool:
    return any(
        not statement.allows and {BYPASS, "s3:*", "*"} & set(statement.actions) and not statement.conditions
        for policy in context.stack.referrers(bucket, POLICY, "bucket")
        for statement in statements(policy, "policy")
    )


def _backups_are_kept(lifecycle: StackResource, context: Context) -> Iterator[Problem]:
    for rule in lifecycle.items("rules"):
        least = context.settings.get(f"{str(rule.get('filter.prefix') or '').partition('/')[0]}_days")
        for path in ("expiration.days", "noncurrentVersionExpiration.noncurrentDays"):
            days = rule.get(path)
            if least is not None and days is not None and days < least:
                yield f"deletes {rule.get('filter.prefix')} after {days} days, and the guide keeps it for {least}"


def _access_logs_are_kept(bucket: StackResource, context: Context) -> Iterator[Problem]:
    least = context.settings["days"]
    if not receives_service_logs(bucket, context):
        return
    for lifecycle in context.stack.referrers(bucket, LIFECYCLE, "bucket"):
        for rule in lifecycle.items("rules"):
            days = rule.get("expiration.days")
            if days is not None and days < least:
                yield f"deletes access logs after {days} days, and the guide keeps logs for {least}"


RULES = (
    Rule(
        name="s3-public-access-blocked",
        description="Every bucket has all four public-access blocks.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.CRITICAL,
        security_hub=("S3.8",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=must_have(
            PUBLIC_ACCESS_BLOCK,
            "bucket",
            "can be opened to the public by one wrong policy or ACL",
            where=_blocks_everything_public,
        ),
        remediation="Declare an s3.BucketPublicAccessBlock with all four settings True.",
    ),
    Rule(
        name="s3-acls-disabled",
        description="Buckets do without ACLs: the owner owns every object.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("S3.12",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=must_have(
            OWNERSHIP,
            "bucket",
            "accepts ACLs: a writer can make its own object public",
            where=lambda ownership: ownership.get("rule.objectOwnership") == "BucketOwnerEnforced",
        ),
        remediation='Declare s3.BucketOwnershipControls with object_ownership="BucketOwnerEnforced".',
    ),
    Rule(
        name="s3-acl-is-not-public",
        description="No bucket is opened by a canned ACL.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.CRITICAL,
        security_hub=("S3.2", "S3.3"),
        resource_types=frozenset({BUCKET, "aws:s3/bucketAcl"}),
        check=_acl_is_private,
        remediation="Remove `acl`.",
    ),
    Rule(
        name="s3-versioning-enabled",
        description="Buckets keep old versions.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("S3.14",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=must_have(
            VERSIONING,
            "bucket",
            "keeps no old versions: what is overwritten or deleted is gone",
            where=lambda versioning: versioning.get("versioningConfiguration.status") == "Enabled",
        ),
        remediation='Declare an s3.BucketVersioning with status "Enabled".',
    ),
    Rule(
        name="s3-incomplete-uploads-are-aborted",
        description="Buckets abort unfinished uploads.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.LOW,
        security_hub=("S3.13",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=must_have(
            LIFECYCLE,
            "bucket",
            "keeps the parts of uploads that broke off: they are invisible and paid for",
            where=_aborts_broken_uploads,
        ),
        remediation="Declare an s3.BucketLifecycleConfiguration with abort_incomplete_multipart_upload.",
    ),
    Rule(
        name="s3-access-logging-enabled",
        description="Buckets log who reads them.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("S3.9",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=_logs_access,
        remediation="Declare an s3.BucketLogging that targets the access-log bucket.",
    ),
    Rule(
        name="storage-force-destroy-disabled",
        description="No bucket and no zone of production is emptied so that it can be deleted.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        documentation="https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucket/",
        resource_types=frozenset({BUCKET, "aws:route53/zone"}),
        applies_to=in_production,
        check=must_not_be("forceDestroy", True, "is emptied, to the last version or record, when the program drops it"),
        remediation="Remove force_destroy.",
    ),
    Rule(
        name="s3-backup-object-lock-enabled",
        description="Backup buckets are created with object lock.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        security_hub=("S3.15",),
        resource_types=frozenset({BUCKET}),
        applies_to=_is_backup_bucket,
        check=must_be("objectLockEnabled", True, "cannot lock backups: ransomware deletes backups first"),
        remediation="Set object_lock_enabled=True; changing it replaces the bucket.",
    ),
    Rule(
        name="s3-backup-retention-is-locked",
        description="Backups cannot be deleted before their time, by nobody.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        security_hub=("S3.15",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        applies_to=_is_backup_bucket,
        check=_backups_are_locked,
        remediation="Raise `object_lock_days` in `fixrx:backup_bucket`, and deny s3:BypassGovernanceRetention.",
        settings={"days": Setting(default=7, minimum=1, maximum=365, description="Days for which backups are locked")},
    ),
    Rule(
        name="s3-backup-retention-is-sufficient",
        description="Database backups are kept for 7 days, application backups for 30.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        documentation=f"{S3_GUIDE}/object-lifecycle-mgmt.html",
        resource_types=frozenset({LIFECYCLE}),
        check=_backups_are_kept,
        remediation="Raise `database_retention_days` or `application_retention_days` in `fixrx:backup_bucket`.",
        settings={
            "database_days": Setting(default=7, minimum=1, maximum=3650, description="Days under database/"),
            "application_days": Setting(default=30, minimum=1, maximum=3650, description="Days under application/"),
        },
    ),
    Rule(
        name="s3-access-log-retention-is-sufficient",
        description="Access logs are kept for 30 days or more.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{S3_GUIDE}/object-lifecycle-mgmt.html",
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=_access_logs_are_kept,
        remediation="Raise `retention_days` in `fixrx:access_logs`.",
        settings={"days": Setting(default=30, minimum=1, maximum=3650, description="Days of access logs")},
    ),
)
