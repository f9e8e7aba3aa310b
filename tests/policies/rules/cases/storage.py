"""What breaks the rules of `policies.rules.storage`."""

from tests.policies.changes import Case, put, remove
from tests.policies.exported import document

CASES = (
    Case("s3-public-access-blocked", "backups", remove("backups-block"), ("backups-block", "bucket")),
    Case("s3-public-access-blocked", "logs", put("logs-block", "blockPublicPolicy", False), None),
    Case(
        "s3-acls-disabled",
        "logs",
        put("logs-ownership", "rule.objectOwnership", "ObjectWriter"),
        ("logs-ownership", "rule"),
    ),
    Case("s3-acl-is-not-public", "logs", put("logs", "acl", "public-read"), ("logs", "acl")),
    Case(
        "s3-versioning-enabled",
        "backups",
        put("backups-versioning", "versioningConfiguration.status", "Suspended"),
        ("backups-versioning", "bucket"),
    ),
    Case("s3-incomplete-uploads-are-aborted", "logs", remove("logs-lifecycle"), ("logs-lifecycle", "bucket")),
    Case("s3-access-logging-enabled", "backups", remove("backups-logging"), ("backups-logging", "bucket")),
    Case(
        "storage-force-destroy-disabled",
        "backups",
        put("backups", "forceDestroy", True),
        ("backups", "forceDestroy"),
    ),
    Case(
        "s3-backup-object-lock-enabled",
        "backups",
        put("backups", "objectLockEnabled", False),
        ("backups", "objectLockEnabled"),
    ),
    Case("s3-backup-retention-is-locked", "backups", remove("backups-lock"), ("backups-lock", "bucket")),
    Case("s3-backup-retention-is-locked", "backups", put("backups-lock", "objectLockEnabled", "Disabled"), None),
    Case("storage-force-destroy-disabled", "zone", put("zone", "forceDestroy", True), None),
    Case(
        "s3-backup-retention-is-locked",
        "backups",
        put("backups-lock", "rule.defaultRetention.days", 1),
        ("backups-lock", "rule"),
    ),
    Case(
        "s3-backup-retention-is-locked",
        "backups",
        put(
            "backups-policy",
            "policy",
            document(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ),
        ),
        ("backups-policy", "policy"),
    ),
    Case(
        "s3-access-log-retention-is-sufficient",
        "logs",
        put("logs-lifecycle", "rules.0.expiration", {"days": 1}),
        ("logs-lifecycle", "rules.0.expiration"),
    ),
    Case(
        "s3-backup-retention-is-sufficient",
        "backups-lifecycle",
        put("backups-lifecycle", "rules.0.expiration.days", 1),
        ("backups-lifecycle", "rules"),
    ),
)
