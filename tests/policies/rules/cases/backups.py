"""What breaks the rules of `policies.rules.backups`."""

import json

from tests.policies.changes import Case, both, drop, put, remove

COPIES = "arn:aws:backup:us-west-2:111122223333:backup-vault:elsewhere"


def refusing(*actions: str, **more: object) -> str:
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": list(actions), "Resource": "*", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


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
    # The lock of a vault of the same name in another region is none.
    Case("backup-vaults-are-locked", "copies", remove("copies-lock"), None),
    Case("backup-vaults-refuse-deletion", "vault", remove("vault-policy"), ("vault-policy", "policy")),
    Case("backup-vaults-refuse-deletion", "copies", remove("copies-policy"), None),
    Case(
        "backup-vaults-refuse-deletion",
        "vault",
        put("vault-policy", "policy", refusing("backup:DeleteRecoveryPoint", "backup:UpdateRecoveryPointLifecycle")),
        None,
    ),
    Case(
        "backup-vaults-refuse-deletion",
        "vault",
        put("vault-policy", "policy", refusing("backup:*", Condition={"Bool": {"aws:SecureTransport": "false"}})),
        None,
    ),
    Case("backup-vault-customer-managed-key-used", "vault", drop("vault", "kmsKeyArn"), ("vault", "kmsKeyArn")),
    Case(
        "backup-plans-have-selections",
        "plan",
        remove("selection"),
        ("selection", "resources"),
        also=(("backup-databases-are-selected", "primary"),),
    ),
    Case(
        "backup-plans-have-selections",
        "plan",
        put("selection", "resources", []),
        None,
        also=(("backup-databases-are-selected", "primary"),),
    ),
    Case(
        "backup-plan-retention-is-sufficient",
        "plan",
        put("plan", "rules.0.lifecycle.deleteAfter", 2),
        ("plan", "rules.0.lifecycle"),
    ),
    Case(
        "backup-databases-are-selected",
        "primary",
        put("selection", "resources", ["arn:aws:rds:us-east-1:111122223333:db:another"]),
        ("selection", "resources"),
    ),
    Case(
        "backup-databases-are-selected",
        "cluster",
        put("cluster-selection", "resources", ["arn:aws:rds:us-east-1:111122223333:db:another"]),
        None,
    ),
    Case(
        "backup-databases-are-selected",
        "primary",
        both(put("selection", "resources", ["*"]), put("selection", "notResources", ["arn:aws:*:*:*:primary"])),
        None,
    ),
    Case(
        "backup-plans-start-away-from-windows",
        "plan",
        put("plan", "rules.0.schedule", "cron(0 2 * * ? *)"),
        ("plan", "rules.0.schedule"),
    ),
    Case(
        "backup-plans-start-away-from-windows",
        "plan",
        put("plan", "rules.0.scheduleExpressionTimezone", "America/New_York"),
        None,
    ),
    Case("backup-plans-start-away-from-windows", "plan", put("plan", "rules.0.startWindow", 1260), None),
    Case(
        "backup-copies-leave-the-region",
        "plan",
        put("plan", "rules.0.copyActions", []),
        ("plan", "rules.0.copyActions"),
    ),
    Case(
        "backup-copies-leave-the-region",
        "plan",
        both(put("plan", "region", "us-west-2"), put("plan", "rules.0.copyActions.0.destinationVaultArn", COPIES)),
        None,
    ),
    Case("s3-backups-leave-the-region", "backups", remove("replication"), ("replication", "bucket")),
    Case(
        "s3-backups-leave-the-region",
        "backups",
        put("replication", "rules.0.status", "Disabled"),
        None,
        also=(("s3-replicas-are-encrypted", "replication"),),
    ),
    Case(
        "s3-backups-leave-the-region",
        "backups",
        put("replication", "rules.0.destination.bucket", "arn:aws:test:us-east-1:111122223333:logs"),
        None,
    ),
    Case(
        "s3-replicas-are-encrypted",
        "replication",
        put("replication", "rules.0.destination.encryptionConfiguration", {}),
        ("replication", "rules.0.status"),
    ),
    Case(
        "s3-replicas-are-encrypted",
        "replication",
        put("replication", "rules.0.sourceSelectionCriteria", {}),
        None,
    ),
    Case("backup-restore-is-tested", "plan", remove("restore-test"), ("restore-test", "protectedResourceType")),
    Case("backup-restore-is-tested", "plan", put("restore-test", "protectedResourceArns", []), None),
    Case(
        "backup-restore-tests-are-closed",
        "restore-test",
        put("restore-test", "restoreMetadataOverrides", {"dbSubnetGroupName": "data", "publiclyAccessible": "false"}),
        ("restore-test", "restoreMetadataOverrides"),
    ),
    Case(
        "backup-restore-tests-are-closed",
        "restore-test",
        put("restore-test", "restoreMetadataOverrides.publiclyAccessible", "true"),
        None,
    ),
    Case(
        "rds-replicated-backups-are-sufficient",
        "replicated",
        put("replicated", "retentionPeriod", 3),
        ("replicated", "retentionPeriod"),
    ),
    Case("rds-replicated-backups-are-sufficient", "replicated", drop("replicated", "kmsKeyId"), None),
    Case("backup-schedules-are-enabled", "nightly", put("nightly", "state", "DISABLED"), ("nightly", "state")),
)
