"""What breaks the rules of `policies.rules.encryption`."""

from tests.policies.changes import Case, drop, put, remove

CASES = (
    Case(
        "rds-storage-encrypted",
        "primary",
        put("primary", "storageEncrypted", False),
        ("primary", "storageEncrypted"),
    ),
    Case("rds-customer-managed-key-used", "primary", drop("primary", "kmsKeyId"), ("primary", "kmsKeyId")),
    Case(
        "rds-performance-insights-customer-managed-key-used",
        "primary",
        drop("primary", "performanceInsightsKmsKeyId"),
        ("primary", "performanceInsightsKmsKeyId"),
    ),
    Case(
        "elasticache-storage-encrypted",
        "cache",
        put("cache", "atRestEncryptionEnabled", False),
        ("cache", "atRestEncryptionEnabled"),
    ),
    Case("elasticache-customer-managed-key-used", "cache", drop("cache", "kmsKeyId"), ("cache", "kmsKeyId")),
    Case(
        "ec2-block-devices-encrypted",
        "template",
        put("template", "blockDeviceMappings.0.ebs.encrypted", "false"),
        ("template", "blockDeviceMappings"),
    ),
    Case("ec2-block-devices-encrypted", "template", drop("template", "blockDeviceMappings"), None),
    Case("ebs-volumes-encrypted", "scratch", put("scratch", "encrypted", False), ("scratch", "encrypted")),
    Case("s3-customer-managed-key-used", "backups", remove("backups-encryption"), ("backups-encryption", "bucket")),
    Case(
        "s3-customer-managed-key-used",
        "backups",
        put("backups-encryption", "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
        ("backups-encryption", "rules"),
    ),
    Case(
        "s3-customer-managed-key-used",
        "backups",
        put("backups-encryption", "rules", [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]),
        None,
    ),
    Case("cloudwatch-logs-customer-managed-key-used", "flows", drop("flows", "kmsKeyId"), ("flows", "kmsKeyId")),
    Case("sns-topics-encrypted", "topic", drop("topic", "kmsMasterKeyId"), ("topic", "kmsMasterKeyId")),
    Case("secrets-customer-managed-key-used", "jwt_secret", drop("jwt_secret", "kmsKeyId"), ("jwt_secret", "kmsKeyId")),
    Case("ssm-secret-parameters-encrypted", "token", put("token", "type", "String"), ("token", "type")),
    Case(
        "kms-key-rotation-enabled",
        "data-key",
        put("data-key", "enableKeyRotation", False),
        ("data-key", "enableKeyRotation"),
    ),
    Case(
        "kms-deletion-window-is-sufficient",
        "data-key",
        put("data-key", "deletionWindowInDays", 7),
        ("data-key", "deletionWindowInDays"),
    ),
)
