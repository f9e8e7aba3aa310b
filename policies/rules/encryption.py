"""Data encrypted at rest, under keys of our own: whoever may read the storage may still not read the data."""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be, must_be_set
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope, Setting
from policies.rules.admin_access import LAUNCH_TEMPLATE
from policies.rules.database_access import CACHE, DATABASE, is_primary, is_replica

BUCKET: Final = "aws:s3/bucket"
BUCKET_ENCRYPTION: Final = "aws:s3/bucketServerSideEncryptionConfiguration"
LOG_GROUP: Final = "aws:cloudwatch/logGroup"
TOPIC: Final = "aws:sns/topic"
SECRET: Final = "aws:secretsmanager/secret"
KEY: Final = "aws:kms/key"
PARAMETER: Final = "aws:ssm/parameter"
KMS: Final = frozenset({"aws:kms", "aws:kms:dsse"})
TRUE: Final = (True, "true")
"""A launch template takes booleans as text."""
VOLUME_PATHS: Final = {
    LAUNCH_TEMPLATE: "blockDeviceMappings",
    "aws:ec2/instance": "ebsBlockDevices",
    "aws:ec2/launchConfiguration": "ebsBlockDevices",
}
SECRET_WORDS: Final = ("secret", "password", "token", "private", "credential")


def receives_service_logs(bucket: StackResource, context: Context) -> bool:
    """Tell whether AWS delivers access logs into the bucket; its deliveries cannot use a key of ours."""
    return any(
        context.stack.referrers(bucket, kind, path)
        for kind, path in (
            ("aws:lb/loadBalancer", "accessLogs.bucket"),
            ("aws:lb/loadBalancer", "connectionLogs.bucket"),
            ("aws:s3/bucketLogging", "targetBucket"),
        )
    )


def _database_is_encrypted(database: StackResource, _: Context) -> Iterator[Problem]:
    encrypted = database.get("storageEncrypted")
    inherits = encrypted is None and is_replica(database)
    if encrypted is not True and not inherits:
        yield "is not encrypted: a snapshot can be read wherever it is copied"


def _volumes_are_encrypted(server: StackResource, _: Context) -> Iterator[Problem]:
    ebs = "ebs." if server.type == LAUNCH_TEMPLATE else ""
    volumes = [volume.get(f"{ebs}encrypted") for volume in server.items(VOLUME_PATHS[server.type])]
    if server.type != LAUNCH_TEMPLATE:
        volumes.append(server.get("rootBlockDevice.encrypted"))
    if not volumes or any(encrypted not in TRUE for encrypted in volumes):
        yield "starts servers with unencrypted disks: a snapshot or a discarded disk can be read"


def _bucket_is_encrypted(bucket: StackResource, context: Context) -> Iterator[Problem]:
    configurations = context.stack.referrers(bucket, BUCKET_ENCRYPTION, "bucket")
    inline = bucket.items("serverSideEncryptionConfiguration")
    rules = [rule for owner in [*configurations, *inline] for path in ("rules", "rule") for rule in owner.items(path)]
    algorithms = {rule.get("applyServerSideEncryptionByDefault.sseAlgorithm") for rule in rules}
    if not algorithms or not algorithms <= KMS | {"AES256"}:
        yield "says nothing about encryption: it depends on AWS's default, under a key that is not ours"
    elif any(_uses_a_foreign_key(rule) for rule in rules) and not receives_service_logs(bucket, context):
        yield "is encrypted under a key that is not ours: whoever may read the bucket may read its content"


def _uses_a_foreign_key(rule: StackResource) -> bool:
    default = "applyServerSideEncryptionByDefault"
    return rule.get(f"{default}.sseAlgorithm") == "AES256" or not rule.is_set(f"{default}.kmsMasterKeyId")


def _is_symmetric(key: StackResource) -> bool:
    """AWS rotates symmetric encryption keys only."""
    specification = key.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    return bool(specification == "SYMMETRIC_DEFAULT")


def _deletion_can_be_stopped(key: StackResource, context: Context) -> Iterator[Problem]:
    least = context.settings["days"]
    days = key.get("deletionWindowInDays")
    if days is not None and days < least:
        yield f"is gone {days} days after its deletion, with all data under it; {least} leave time to notice"


def _holds_a_secret(parameter: StackResource) -> bool:
    name = str(parameter.get("name") or "").lower()
    return any(word in name for word in SECRET_WORDS)


RULES = (
    Rule(
        name="rds-storage-encrypted",
        description="Databases are encrypted at rest.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.HIGH,
        security_hub=("RDS.3",),
        resource_types=frozenset({DATABASE}),
        check=_database_is_encrypted,
        remediation="Set storage_encrypted=True; AWS cannot encrypt an existing database in place.",
    ),
    Rule(
        name="rds-customer-managed-key-used",
        description="Databases are encrypted under a key of our own.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.MEDIUM,
        security_hub=("RDS.3",),
        resource_types=frozenset({DATABASE}),
        # A replica in the same region takes its source's key, and AWS refuses another.
        applies_to=is_primary,
        check=must_be_set("kmsKeyId", "is encrypted under AWS's key: its use cannot be limited or withdrawn"),
        remediation="Set kms_key_id to the ARN of the data key.",
    ),
    Rule(
        name="rds-performance-insights-customer-managed-key-used",
        description="Performance Insights keeps its statistics under a key of our own.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Overview.html",
        resource_types=frozenset({DATABASE}),
        applies_to=lambda database: database.get("performanceInsightsEnabled") is True,
        check=must_be_set(
            "performanceInsightsKmsKeyId", "keeps query statistics under AWS's key: queries may hold customers' data"
        ),
        remediation="Set performance_insights_kms_key_id to the ARN of the data key.",
    ),
    Rule(
        name="elasticache-storage-encrypted",
        description="Caches are encrypted at rest.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.HIGH,
        security_hub=("ElastiCache.4",),
        resource_types=frozenset({CACHE}),
        check=must_be("atRestEncryptionEnabled", True, "is not encrypted: its snapshots hold readable sessions"),
        remediation="Set at_rest_encryption_enabled=True; changing it replaces the cache.",
    ),
    Rule(
        name="elasticache-customer-managed-key-used",
        description="Caches are encrypted under a key of our own.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ElastiCache.4",),
        resource_types=frozenset({CACHE}),
        check=must_be_set("kmsKeyId", "is encrypted under AWS's key: its use cannot be limited or withdrawn"),
        remediation="Set kms_key_id to the ARN of the data key.",
    ),
    Rule(
        name="ec2-block-devices-encrypted",
        description="Servers start with encrypted disks.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.HIGH,
        security_hub=("EC2.3", "EC2.7"),
        resource_types=frozenset(VOLUME_PATHS),
        check=_volumes_are_encrypted,
        remediation="Set encrypted on every block device, the root volume included.",
    ),
    Rule(
        name="ebs-volumes-encrypted",
        description="Volumes are encrypted.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.HIGH,
        security_hub=("EC2.3",),
        resource_types=frozenset({"aws:ebs/volume"}),
        check=must_be("encrypted", True, "is not encrypted: a snapshot or a discarded disk can be read"),
        remediation="Set encrypted=True.",
    ),
    Rule(
        name="s3-customer-managed-key-used",
        description="Buckets are encrypted under a key of our own, or by S3 where AWS delivers logs.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.MEDIUM,
        security_hub=("S3.17",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=_bucket_is_encrypted,
        remediation='Declare an s3.BucketServerSideEncryptionConfiguration with sse_algorithm="aws:kms" and a key.',
    ),
    Rule(
        name="cloudwatch-logs-customer-managed-key-used",
        description="Log groups are encrypted under a key of our own.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        resource_types=frozenset({LOG_GROUP}),
        check=must_be_set("kmsKeyId", "is encrypted under AWS's key: logs hold what users typed and where they live"),
        remediation="Set kms_key_id to the ARN of the logs key.",
    ),
    Rule(
        name="sns-topics-encrypted",
        description="Topics are encrypted.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.LOW,
        security_hub=("SNS.1",),
        resource_types=frozenset({TOPIC}),
        check=must_be_set("kmsMasterKeyId", "is not encrypted: its messages tell where the platform hurts"),
        remediation="Set kms_master_key_id to the notifications key.",
    ),
    Rule(
        name="secrets-customer-managed-key-used",
        description="Secrets are encrypted under a key of our own.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
        resource_types=frozenset({SECRET}),
        check=must_be_set("kmsKeyId", "is encrypted under AWS's key, which every identity of the account may use"),
        remediation="Set kms_key_id to the ARN of the secrets key.",
    ),
    Rule(
        name="ssm-secret-parameters-encrypted",
        description="Parameters whose name speaks of a secret are SecureStrings.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-securestring.html",
        resource_types=frozenset({PARAMETER}),
        applies_to=_holds_a_secret,
        check=must_be("type", "SecureString", "keeps a secret as plain text"),
        remediation='Set type="SecureString" and key_id, or use Secrets Manager.',
    ),
    Rule(
        name="kms-key-rotation-enabled",
        description="Keys rotate every year.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.MEDIUM,
        security_hub=("KMS.4",),
        resource_types=frozenset({KEY}),
        applies_to=_is_symmetric,
        check=must_be("enableKeyRotation", True, "never changes: what leaks once opens everything for ever"),
        remediation="Set enable_key_rotation=True.",
    ),
    Rule(
        name="kms-deletion-window-is-sufficient",
        description="A deleted key can be had back for 30 days.",
        item=ChecklistItem.ENCRYPTION,
        severity=RuleSeverity.HIGH,
        security_hub=("KMS.3",),
        resource_types=frozenset({KEY}),
        check=_deletion_can_be_stopped,
        remediation="Set deletion_window_in_days=30.",
        settings={"days": Setting(default=30, minimum=7, maximum=30, description="Days between deletion and loss")},
    ),
)
