"""Data encrypted at rest with customer-managed keys: access to the storage is not enough to read the data."""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule

KMS_ALGORITHMS: Final = frozenset({"aws:kms", "aws:kms:dsse"})
S3_ALGORITHM: Final = "AES256"
DEFAULT_ENCRYPTION: Final = "applyServerSideEncryptionByDefault"
SECRET_WORDS: Final = ("secret", "password", "token", "private", "credential")
LONGEST_ROTATION_DAYS: Final = 366
"""A year, in which KMS rotates by default."""
AWS_KEY_PROBLEM: Final = "is encrypted with an AWS managed key: access to the key cannot be restricted or revoked"


@rule(
    "rds-storage-encrypted",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    security_hub=["RDS.3"],
    remediation="Set storage_encrypted=True; AWS cannot encrypt an existing database.",
)
def database_storage_encrypted(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases are encrypted at rest."""
    encrypted = database.get("storageEncrypted")
    inherited = encrypted is None and aws.is_replica(database)
    if encrypted is not True and not inherited:
        yield "is not encrypted: its snapshots can be read where they are copied to"


@rule(
    "rds-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    # A replica in the same region uses its source's key, and AWS refuses another.
    applies_to=aws.is_primary,
    security_hub=["RDS.3"],
    remediation="Set kms_key_id to the ARN of the data key.",
)
def database_customer_managed_key_used(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases are encrypted with a customer-managed key."""
    if not aws.uses_own_key(database, "kmsKeyId"):
        yield AWS_KEY_PROBLEM


@rule(
    "rds-performance-insights-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER_INSTANCE],
    applies_to=lambda database: database.get("performanceInsightsEnabled") is True,
    documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PerfInsights.Overview.html",
    remediation="Set performance_insights_kms_key_id to the ARN of the data key.",
)
def performance_insights_customer_managed_key_used(database: StackResource, _: Context) -> Iterator[Problem]:
    """Performance Insights data is encrypted with a customer-managed key."""
    if not aws.uses_own_key(database, "performanceInsightsKmsKeyId"):
        yield "encrypts Performance Insights data with an AWS managed key: the data contains texts of queries"


@rule(
    "elasticache-storage-encrypted",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CACHE],
    security_hub=["ElastiCache.4"],
    remediation="Set at_rest_encryption_enabled=True; changing it replaces the cache.",
)
def cache_storage_encrypted(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches are encrypted at rest."""
    if cache.get("atRestEncryptionEnabled") is not True:
        yield "is not encrypted at rest: its snapshots contain sessions in plain text"


@rule(
    "elasticache-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.CACHE, aws.SERVERLESS_CACHE],
    security_hub=["ElastiCache.4"],
    remediation="Set kms_key_id to the ARN of the data key.",
)
def cache_customer_managed_key_used(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches are encrypted with a customer-managed key."""
    if not aws.uses_own_key(cache, "kmsKeyId"):
        yield AWS_KEY_PROBLEM


@rule(
    "ec2-block-devices-encrypted",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.HIGH,
    resource_types=aws.SERVER_TYPES,
    security_hub=["EC2.3", "EC2.7"],
    remediation="Set encrypted on every block device, including the root volume.",
)
def block_devices_encrypted(server: StackResource, _: Context) -> Iterator[Problem]:
    """Servers have encrypted volumes."""
    if server.type == aws.LAUNCH_TEMPLATE:
        volumes = [device.get("ebs.encrypted") for device in server.items("blockDeviceMappings")]
    else:
        volumes = [device.get("encrypted") for device in server.items("ebsBlockDevices")]
        volumes.append(server.get("rootBlockDevice.encrypted"))
    if not volumes or any(encrypted is not True for encrypted in volumes):
        yield "has unencrypted volumes: their snapshots can be read"


@rule(
    "ebs-volumes-encrypted",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.EBS_VOLUME],
    security_hub=["EC2.3"],
    remediation="Set encrypted=True.",
)
def volumes_encrypted(volume: StackResource, _: Context) -> Iterator[Problem]:
    """EBS volumes are encrypted."""
    if volume.get("encrypted") is not True:
        yield "is not encrypted: its snapshots can be read"


@rule(
    "s3-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    security_hub=["S3.17"],
    remediation='Declare an s3.BucketServerSideEncryptionConfiguration with sse_algorithm="aws:kms" and a key.',
)
def bucket_customer_managed_key_used(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Buckets are encrypted with a customer-managed key, or by S3 where AWS delivers logs or a CDN serves files."""
    configurations = context.stack.referrers(bucket, aws.BUCKET_ENCRYPTION, "bucket")
    rules = [each for configuration in configurations for each in configuration.items("rules")]
    rules += _inline_rules(bucket)
    algorithms = {each.get(f"{DEFAULT_ENCRYPTION}.sseAlgorithm") for each in rules}
    if not algorithms or not algorithms <= KMS_ALGORITHMS | {S3_ALGORITHM}:
        yield "has no encryption configuration: AWS's default does not use a customer-managed key"
    elif any(_uses_aws_key(each) for each in rules) and not _needs_no_key(bucket, context):
        yield "is not encrypted with a customer-managed key: read access to the bucket is enough to read its content"


def _needs_no_key(bucket: StackResource, context: Context) -> bool:
    return aws.receives_service_logs(bucket, context.stack) or aws.feeds_distribution(bucket, context.stack)


def _inline_rules(bucket: StackResource) -> list[StackResource]:
    """Return the encryption rules inside a bucket."""
    found = aws.inline_aspect(bucket, "serverSideEncryptionConfiguration", "serverSideEncryptionConfigurations")
    rules = "rules" if bucket.type_token.endswith(":BucketV2") else "rule"
    return [each for configuration in found for each in configuration.items(rules)]


def _uses_aws_key(each: StackResource) -> bool:
    algorithm = each.get(f"{DEFAULT_ENCRYPTION}.sseAlgorithm")
    return algorithm == S3_ALGORITHM or not aws.uses_own_key(each, f"{DEFAULT_ENCRYPTION}.kmsMasterKeyId")


@rule(
    "cloudwatch-logs-customer-managed-key-used",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOG_GROUP],
    documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
    remediation="Set kms_key_id to the ARN of the logs key.",
)
def log_group_customer_managed_key_used(group: StackResource, _: Context) -> Iterator[Problem]:
    """Log groups are encrypted with a customer-managed key."""
    if not aws.uses_own_key(group, "kmsKeyId"):
        yield "is not encrypted with a customer-managed key: logs contain input and addresses of users"


@rule(
    "sns-topics-encrypted",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.LOW,
    resource_types=[aws.TOPIC],
    security_hub=["SNS.1"],
    remediation="Set kms_master_key_id to the notifications key.",
)
def topics_encrypted(topic: StackResource, _: Context) -> Iterator[Problem]:
    """Topics are encrypted with a customer-managed key."""
    if not topic.is_set("kmsMasterKeyId"):
        yield "is not encrypted: its messages describe the platform's failures"
    elif not aws.uses_own_key(topic, "kmsMasterKeyId"):
        yield "is encrypted with an AWS managed key, which alarms and events cannot use: their messages are lost"


@rule(
    "secrets-customer-managed-key-used",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.SECRET],
    documentation="https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
    remediation="Set kms_key_id to the ARN of the secrets key.",
)
def secret_customer_managed_key_used(secret: StackResource, _: Context) -> Iterator[Problem]:
    """Secrets are encrypted with a customer-managed key."""
    if not aws.uses_own_key(secret, "kmsKeyId"):
        yield "is encrypted with an AWS managed key: every identity of the account may use it"


@rule(
    "ssm-secret-parameters-encrypted",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.SSM_PARAMETER],
    applies_to=lambda parameter: any(word in str(parameter.get("name") or "").lower() for word in SECRET_WORDS),
    documentation="https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-securestring.html",
    remediation='Set type="SecureString" and key_id, or use Secrets Manager.',
)
def secret_parameters_encrypted(parameter: StackResource, _: Context) -> Iterator[Problem]:
    """Parameters with the name of a secret are SecureStrings with a customer-managed key."""
    if parameter.get("type") != "SecureString":
        yield "has the name of a secret and is not a SecureString: its value is plain text"
    elif not aws.uses_own_key(parameter, "keyId"):
        yield AWS_KEY_PROBLEM


@rule(
    "kms-key-rotation-enabled",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.KMS_KEY],
    # AWS rotates symmetric encryption keys only.
    applies_to=lambda key: bool((key.get("customerMasterKeySpec") or "SYMMETRIC_DEFAULT") == "SYMMETRIC_DEFAULT"),
    security_hub=["KMS.4"],
    remediation="Set enable_key_rotation=True.",
)
def key_rotation_enabled(key: StackResource, _: Context) -> Iterator[Problem]:
    """KMS keys rotate every year."""
    days = key.number("rotationPeriodInDays")
    if key.get("enableKeyRotation") is not True:
        yield "has no automatic rotation: all data stays encrypted with the same key material"
    elif days is not None and days > LONGEST_ROTATION_DAYS:
        yield f"rotates every {days} days only: {LONGEST_ROTATION_DAYS} are the most"


@rule(
    "kms-deletion-window-is-sufficient",
    item=ChecklistItem.ENCRYPTION,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.KMS_KEY],
    security_hub=["KMS.3"],
    remediation="Set deletion_window_in_days=30.",
    settings={"days": Setting(default=30, minimum=7, maximum=30, description="Days between deletion and loss")},
)
def deletion_window_is_sufficient(key: StackResource, context: Context) -> Iterator[Problem]:
    """The deletion of a KMS key can be cancelled for 30 days."""
    days, least = key.number("deletionWindowInDays"), context.settings["days"]
    if days is not None and days < least:
        yield f"has a deletion window of {days} days: {least} are needed to notice before all its data is lost"
