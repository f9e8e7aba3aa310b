"""What breaks the rules of `policies.rules.backups`."""

from tests.policies.changes import Case, drop, put, remove

CASES = (
    Case(
        "rds-backup-retention-is-sufficient",
        "primary",
        put("primary", "backupRetentionPeriod", 1),
        ("primary", "backupRetentionPeriod"),
    ),
    Case("rds-backup-retention-is-sufficient", "primary", drop("primary", "backupRetentionPeriod"), None),
    Case(
        "rds-final-snapshot-enabled",
        "primary",
        put("primary", "skipFinalSnapshot", True),
        ("primary", "skipFinalSnapshot"),
    ),
    Case(
        "rds-automated-backups-are-retained",
        "primary",
        drop("primary", "deleteAutomatedBackups"),
        ("primary", "deleteAutomatedBackups"),
    ),
    Case(
        "rds-snapshot-tags-are-copied",
        "replica",
        put("replica", "copyTagsToSnapshot", False),
        ("replica", "copyTagsToSnapshot"),
    ),
    Case(
        "elasticache-snapshot-retention-is-sufficient",
        "cache",
        put("cache", "snapshotRetentionLimit", 0),
        ("cache", "snapshotRetentionLimit"),
    ),
    Case("backup-vaults-are-locked", "vault", remove("vault-lock"), ("vault-lock", "minRetentionDays")),
    Case("backup-vaults-are-locked", "vault", put("vault-lock", "minRetentionDays", 1), None),
    Case("backup-vault-customer-managed-key-used", "vault", drop("vault", "kmsKeyArn"), ("vault", "kmsKeyArn")),
    Case("backup-plans-have-selections", "plan", remove("selection"), ("selection", "resources")),
    Case("backup-plans-have-selections", "plan", put("selection", "resources", []), None),
    Case(
        "backup-plan-retention-is-sufficient",
        "plan",
        put("plan", "rules.0.lifecycle.deleteAfter", 2),
        ("plan", "rules.0.lifecycle"),
    ),
    Case("backup-restore-is-tested", "plan", remove("restore-test"), ("restore-test", "protectedResourceType")),
    Case("backup-schedules-are-enabled", "nightly", put("nightly", "state", "DISABLED"), ("nightly", "state")),
)
