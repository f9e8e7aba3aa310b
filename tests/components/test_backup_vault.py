"""Backups beyond the instance: vaults, plan, copies in a second region, restore test; and a stack without them."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.backup_vault import BackupVault, BackupVaultArgs
from components.sections.backup_vault import BackupVaultSettings
from components.shared.private_bucket import CopiedBucket
from tests.recorder import PLACEMENT, STACK, Recording, record, record_stack

VAULT = "fixrx-production-backups"
PRIMARY = "arn:aws:rds:us-east-1:111122223333:database-primary"
DR = "us-west-2"
DR_KEY = "arn:aws:kms:us-east-1:111122223333:key/backup-vault-dr-key"
"""The recorder knows one region."""
SOURCE, COPY = "fixrx-backups-production-111122223333", "fixrx-backups-dr-production-111122223333"
LOGS = "fixrx-access-logs-dr-production-111122223333"
BACKUP_TYPES = ("aws:backup/", "aws:rds/instanceAutomatedBackupsReplication", "aws:s3/bucketReplicationConfig")


def of_the_vault(recording: Recording) -> set[str]:
    return {each.name for each in recording.registrations if each.name.startswith("backup-vault-")}


@pytest.mark.parametrize(
    ("name", "region", "key"),
    [
        ("backup-vault", {}, "arn:aws:kms:us-east-1:111122223333:key/encryption-data-key"),
        ("backup-vault-dr", {"region": DR}, DR_KEY),
    ],
)
def test_a_vault_in_each_region_is_locked(
    production: Recording, name: str, region: Mapping[str, str], key: str
) -> None:
    vault = production.named(f"{name}-vault")

    assert vault.plain == {"name": VAULT, "kmsKeyArn": key, "forceDestroy": False, **region}
    assert vault.protect
    # Without changeableForDays the lock can be removed by those who have the right to.
    assert production.named(f"{name}-lock").plain == {
        "backupVaultName": VAULT,
        "minRetentionDays": 7,
        "maxRetentionDays": 400,
        **region,
    }
    policy = production.named(f"{name}-policy")
    assert policy.pick("backupVaultName", *region) == {"backupVaultName": VAULT, **region}
    assert policy.document("policy")["Statement"] == [
        {
            "Sid": "NoDeletionByHand",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": [
                "backup:DeleteRecoveryPoint",
                "backup:PutBackupVaultAccessPolicy",
                "backup:UpdateRecoveryPointLifecycle",
            ],
            "Resource": ["*"],
        }
    ]


def test_the_old_lock_and_policy_go_before_new_ones(production: Recording) -> None:
    """Else the end of the old lock would be the end of any lock, and the old policy would refuse the new one."""
    first = {each.name for each in production.registrations if each.delete_before_replace}

    assert first == {f"backup-vault{region}-{part}" for region in ("", "-dr") for part in ("lock", "policy")}


def test_the_plan_is_the_agreed_one(production: Recording) -> None:
    def rule(name: str, schedule: str, days: int) -> dict[str, Any]:
        return {
            "ruleName": name,
            "targetVaultName": VAULT,
            "schedule": schedule,
            "startWindow": 60,
            "completionWindow": 360,
            "enableContinuousBackup": False,
            "lifecycle": {"deleteAfter": days},
            "copyActions": [
                {
                    "destinationVaultArn": "arn:aws:backup:us-east-1:111122223333:backup-vault-dr-vault",
                    "lifecycle": {"deleteAfter": 35},
                }
            ],
        }

    assert production.named("backup-vault-plan").plain == {
        "rules": [
            rule("daily", "cron(0 5 * * ? *)", 35),
            rule("weekly", "cron(0 5 ? * MON *)", 90),
            rule("monthly", "cron(0 5 1 * ? *)", 365),
        ]
    }
    assert production.named("backup-vault-selection").plain == {
        "planId": "backup-vault-plan-id",
        "iamRoleArn": "arn:aws:iam:us-east-1:111122223333:backup-vault-backup-role",
        "resources": [PRIMARY],
    }


@pytest.mark.parametrize(
    ("role", "policy"),
    [
        ("backup", "AWSBackupServiceRolePolicyForBackup"),
        ("restore", "AWSBackupServiceRolePolicyForRestores"),
    ],
)
def test_aws_backup_has_a_role_for_each_purpose(production: Recording, role: str, policy: str) -> None:
    trust = production.named(f"backup-vault-{role}-role").document("assumeRolePolicy")["Statement"]

    assert [(each["Principal"], each["Condition"]) for each in trust] == [
        ({"Service": "backup.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": "111122223333"}})
    ]
    assert production.named(f"backup-vault-{role}-role-attachment").plain == {
        "role": f"backup-vault-{role}-role",
        "policyArn": f"arn:aws:iam::aws:policy/service-role/{policy}",
    }


def test_automated_backups_are_replicated(production: Recording) -> None:
    assert production.named("backup-vault-dr-automated-backups").plain == {
        "sourceDbInstanceArn": PRIMARY,
        "kmsKeyId": DR_KEY,
        "retentionPeriod": 14,
        "region": DR,
    }


def test_the_key_of_the_second_region_is_the_accounts_alone(production: Recording) -> None:
    key = production.named("backup-vault-dr-key")

    assert (key.plain["region"], key.protect) == (DR, True)
    assert [each["Sid"] for each in key.document("policy")["Statement"]] == ["AccountAdministers"]


def test_everything_of_the_second_region_says_so(production: Recording) -> None:
    """A resource without a region would be made in the first one. IAM has none, and a replication is its source's."""
    in_first = {
        each.name
        for each in production.registrations
        if each.name.startswith("backup-vault-dr-")
        and each.type.startswith("aws:")
        and not each.type.startswith("aws:iam/")
        and each.plain.get("region") != DR
    }

    assert in_first == {"backup-vault-dr-replication"}


def test_dumps_and_archives_are_copied_and_nothing_else(production: Recording) -> None:
    replication = production.named("backup-vault-dr-replication")

    assert replication.plain == {
        "bucket": SOURCE,
        "role": "arn:aws:iam:us-east-1:111122223333:backup-vault-dr-replication-role",
        "rules": [
            {
                "id": prefix,
                "priority": priority,
                "status": "Enabled",
                "filter": {"prefix": f"{prefix}/"},
                "deleteMarkerReplication": {"status": "Disabled"},
                "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                "destination": {
                    "bucket": f"arn:aws:s3:::{COPY}",
                    "encryptionConfiguration": {"replicaKmsKeyId": DR_KEY},
                },
            }
            for priority, prefix in ((1, "database"), (2, "application"))
        ],
    }
    # S3 refuses it while one of the buckets keeps no versions, and copies nothing without the role's rights.
    assert {
        "backups-store-versioning",
        "backup-vault-dr-store-versioning",
        "backup-vault-dr-replication-role-policy",
    } <= set(replication.depends_on)


def test_the_copy_is_kept_like_the_original(production: Recording) -> None:
    bucket = production.named("backup-vault-dr-store-bucket")
    original, copy = production.named("backups-store-lifecycle"), production.named("backup-vault-dr-store-lifecycle")

    assert bucket.plain == {"bucket": COPY, "objectLockEnabled": True, "forceDestroy": False, "region": DR}
    copied = [rule for rule in original.plain["rules"] if rule["id"] != "expire-drills"]
    assert copy.plain["rules"] == copied
    assert production.named("backup-vault-dr-store-object-lock").plain["rule"] == {
        "defaultRetention": {"mode": "GOVERNANCE", "days": 7}
    }
    encryption = production.named("backup-vault-dr-store-encryption").plain["rules"]
    assert [rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] for rule in encryption] == [DR_KEY]
    statements = production.named("backup-vault-dr-store-policy").document("policy")["Statement"]
    assert [(each["Sid"], each["Effect"]) for each in statements] == [("TlsOnly", "Deny"), ("NoDeletionByHand", "Deny")]


def test_who_reads_a_copy_is_logged_in_its_region(production: Recording) -> None:
    assert production.named("backup-vault-dr-store-access-log").plain == {
        "bucket": COPY,
        "targetBucket": LOGS,
        "targetPrefix": "s3/",
        "region": DR,
    }
    statements = production.named("backup-vault-dr-access-logs-policy").document("policy")["Statement"]
    assert [each["Resource"] for each in statements if each["Sid"] == "S3ServerAccessLogs"] == [
        f"arn:aws:s3:::{LOGS}/s3/*"
    ]
    (expiry, _) = production.named("backup-vault-dr-access-logs-lifecycle").plain["rules"]
    assert expiry["expiration"] == {"days": 365}


def test_the_role_of_the_replication_copies_and_reads_nothing_else(production: Recording) -> None:
    statements = production.named("backup-vault-dr-replication-role-policy").document("policy")["Statement"]

    assert {each["Sid"]: (each["Action"], each["Resource"]) for each in statements} == {
        "ReadReplication": (["s3:GetReplicationConfiguration", "s3:ListBucket"], [f"arn:aws:s3:::{SOURCE}"]),
        "ReadVersions": (
            [
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            [f"arn:aws:s3:::{SOURCE}/database/*", f"arn:aws:s3:::{SOURCE}/application/*"],
        ),
        "WriteCopies": (
            ["s3:ReplicateObject", "s3:ReplicateTags"],
            [f"arn:aws:s3:::{COPY}/database/*", f"arn:aws:s3:::{COPY}/application/*"],
        ),
        "Decrypt": (["kms:Decrypt"], ["arn:aws:kms:us-east-1:111122223333:key/encryption-data-key"]),
        "EncryptCopies": (["kms:Encrypt"], [DR_KEY]),
    }
    assert [each["Condition"] for each in statements if each["Sid"] in ("Decrypt", "EncryptCopies")] == [
        {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}} for region in ("us-east-1", DR)
    ]


def test_the_newest_backup_is_restored_where_only_its_judge_can_reach_it(production: Recording) -> None:
    assert production.named("backup-vault-restore-test").plain == {
        "name": "fixrx_production",
        "scheduleExpression": "cron(0 6 ? * SUN#1 *)",
        "scheduleExpressionTimezone": "UTC",
        "startWindowHours": 1,
        "recoveryPointSelection": {
            "algorithm": "LATEST_WITHIN_WINDOW",
            "includeVaults": ["arn:aws:backup:us-east-1:111122223333:backup-vault-vault"],
            "recoveryPointTypes": ["SNAPSHOT"],
            "selectionWindowDays": 7,
        },
    }
    selection = production.named("backup-vault-restore-test-selection")
    assert selection.plain == {
        "name": "primary",
        "restoreTestingPlanName": "fixrx_production",
        "protectedResourceType": "RDS",
        "protectedResourceArns": [PRIMARY],
        "iamRoleArn": "arn:aws:iam:us-east-1:111122223333:backup-vault-restore-role",
        "restoreMetadataOverrides": {
            "dbInstanceClass": "db.t4g.medium",
            "dbSubnetGroupName": "database-subnets",
            "enableIamDatabaseAuthentication": "true",
            "multiAz": "false",
            "publiclyAccessible": "false",
            "vpcSecurityGroupIds": '["connections-restore-test-id"]',
        },
        "validationWindowHours": 4,
    }
    rules = production.named("connections-restore-test-only-declared-rules")
    judge = "connections-restore-test-from-database-jobs-5432-id"
    assert (rules.plain["ingressRuleIds"], rules.plain["egressRuleIds"]) == ([judge], [])


def metrics(alarm: Mapping[str, Any]) -> dict[str, tuple[str, str, dict[str, str], str, float]]:
    return {
        query["id"]: (
            query["metric"]["namespace"],
            query["metric"]["metricName"],
            query["metric"]["dimensions"],
            query["metric"]["stat"],
            query["metric"]["period"],
        )
        for query in alarm["metricQueries"]
        if "metric" in query
    }


def expression(alarm: Mapping[str, Any]) -> str:
    (found,) = [query["expression"] for query in alarm["metricQueries"] if "expression" in query]
    return str(found)


def test_a_missing_backup_is_noticed_whatever_the_reason(production: Recording) -> None:
    alarm = production.named("alarms-VaultBackupMissing").plain

    assert expression(alarm) == "FILL(completed, 0)"
    assert metrics(alarm) == {
        "completed": ("AWS/Backup", "NumberOfBackupJobsCompleted", {"BackupVaultName": VAULT}, "Sum", 3600)
    }
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["evaluationPeriods"], alarm["treatMissingData"]) == (26, "breaching")


def test_a_failed_job_is_noticed(production: Recording) -> None:
    alarm = production.named("alarms-VaultJobFailed").plain

    assert expression(alarm) == (
        "FILL(aborted, 0) + FILL(expired, 0) + FILL(failed, 0) + FILL(copies, 0) + FILL(restores, 0)"
    )
    assert {key: found[1] for key, found in metrics(alarm).items()} == {
        "aborted": "NumberOfBackupJobsAborted",
        "expired": "NumberOfBackupJobsExpired",
        "failed": "NumberOfBackupJobsFailed",
        "copies": "NumberOfCopyJobsFailed",
        "restores": "NumberOfRestoreJobsFailed",
    }
    assert (alarm["comparisonOperator"], alarm["threshold"]) == ("GreaterThanThreshold", 0)
    assert alarm["treatMissingData"] == "notBreaching"


def test_staging_has_none_of_it(staging: Recording) -> None:
    assert of_the_vault(staging) == set()
    assert [each.name for each in staging.registrations if each.type.startswith(BACKUP_TYPES)] == []
    assert "connections-restore-test" not in {each.name for each in staging.registrations}
    assert not [each.name for each in staging.registrations if each.name.startswith("alarms-Vault")]


def test_without_a_second_region_backups_stay_in_the_first() -> None:
    recording = record_stack("production", {"backup_vault": {"dr_region": None}})

    assert of_the_vault(recording) == {
        "backup-vault-backup-role",
        "backup-vault-backup-role-attachment",
        "backup-vault-lock",
        "backup-vault-plan",
        "backup-vault-policy",
        "backup-vault-restore-role",
        "backup-vault-restore-role-attachment",
        "backup-vault-restore-test",
        "backup-vault-restore-test-selection",
        "backup-vault-selection",
        "backup-vault-vault",
    }
    assert [rule["copyActions"] for rule in recording.named("backup-vault-plan").plain["rules"]] == [[], [], []]
    assert not [each.name for each in recording.registrations if each.plain.get("region") == DR]


def alone(**settings: Any) -> Recording:
    def program() -> None:
        BackupVault(
            "vault",
            BackupVaultArgs(
                settings=BackupVaultSettings.model_validate(settings),
                stack=STACK,
                primary_arn="arn:of-the-primary",
                primary_arns=["arn:of-the-primary"],
                subnet_group_name="subnets",
                bucket=CopiedBucket(
                    name=pulumi.Output.from_input("backups"), retention_days={"database/": 7}, object_lock_days=7
                ),
                restore_test=PLACEMENT,
            ),
        )

    return record(program)


def test_a_lock_for_ever_is_asked_for_by_itself() -> None:
    recording = alone(immutable_after_days=3)

    locks = recording.of_type("aws:backup/vaultLockConfiguration:VaultLockConfiguration")
    assert sorted((each.name, each.plain["changeableForDays"]) for each in locks) == [
        ("vault-dr-lock", 3),
        ("vault-lock", 3),
    ]


def test_settings_reach_the_plan() -> None:
    recording = alone(
        start="21:30",
        daily_retention_days=36,
        weekly_retention_days=91,
        monthly_retention_days=366,
        replicated_retention_days=21,
        restore_test_class="db.m7g.large",
        dr_region="eu-west-1",
        protect=False,
    )

    rules = recording.named("vault-plan").plain["rules"]
    assert [(rule["schedule"], rule["lifecycle"]["deleteAfter"]) for rule in rules] == [
        ("cron(30 21 * * ? *)", 36),
        ("cron(30 21 ? * MON *)", 91),
        ("cron(30 21 1 * ? *)", 366),
    ]
    assert recording.named("vault-dr-automated-backups").pick("retentionPeriod", "region") == {
        "retentionPeriod": 21,
        "region": "eu-west-1",
    }
    overrides = recording.named("vault-restore-test-selection").plain["restoreMetadataOverrides"]
    assert (overrides["dbInstanceClass"], json.loads(overrides["vpcSecurityGroupIds"])) == ("db.m7g.large", ["sg-1"])
    assert [each.name for each in recording.registrations if each.protect] == []
