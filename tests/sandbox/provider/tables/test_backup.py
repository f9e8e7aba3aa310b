"""AWS Backup in the sandbox, and what copies RDS's backups and S3's objects into another region."""

import json
from typing import Any

import boto3
import pytest

from sandbox.provider.resource_provider import ProviderError
from tests.sandbox.provider.services import ACCOUNT, TRUST, Resource, Services, emulator

pytestmark = pytest.mark.emulator

VAULT = "aws:backup/vault:Vault"
LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
POLICY = "aws:backup/vaultPolicy:VaultPolicy"
PLAN = "aws:backup/plan:Plan"
SELECTION = "aws:backup/selection:Selection"
TESTING_PLAN = "aws:backup/restoreTestingPlan:RestoreTestingPlan"
TESTING_SELECTION = "aws:backup/restoreTestingSelection:RestoreTestingSelection"
AUTOMATED = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
ELSEWHERE = "us-west-2"


def elsewhere(service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator().endpoint,
        region_name=ELSEWHERE,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def role(services: Services) -> str:
    made = services.client("iam").create_role(RoleName="backup", AssumeRolePolicyDocument=TRUST)
    return str(made["Role"]["Arn"])


def vault(services: Services, **more: Any) -> Resource:
    return services.create(VAULT, {"name": "fixrx-backups", **more})


def rule(**more: Any) -> dict[str, Any]:
    return {
        "ruleName": "daily",
        "targetVaultName": "fixrx-backups",
        "schedule": "cron(0 5 * * ? *)",
        "startWindow": 60,
        "completionWindow": 360,
        "enableContinuousBackup": False,
        "lifecycle": {"deleteAfter": 35},
        **more,
    }


def vault_policy(action: str = "backup:DeleteRecoveryPoint") -> str:
    statement = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": [action], "Resource": ["*"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_vault_keeps_key_and_tags(services: Services) -> None:
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]
    made = vault(services, kmsKeyArn=key, tags={"Team": "data"})

    found = services.client("backup").describe_backup_vault(BackupVaultName="fixrx-backups")
    assert (made.id, found["EncryptionKeyArn"]) == ("fixrx-backups", key)
    assert made.state["arn"] == f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:fixrx-backups"
    tags = services.client("backup").list_tags(ResourceArn=made.state["arn"])["Tags"]
    assert tags == {"Project": "fixrx", "Team": "data"}
    assert services.drift(made) == {}
    services.update(made, tags={"Owner": "ops"})
    tags = services.client("backup").list_tags(ResourceArn=made.state["arn"])["Tags"]
    assert tags == {"Project": "fixrx", "Owner": "ops"}


def test_vaults_of_two_regions_may_have_the_same_name(services: Services) -> None:
    here = vault(services)
    there = services.create(VAULT, {"name": "fixrx-backups", "region": ELSEWHERE}, "there")
    services.create(POLICY, {"backupVaultName": here.id, "policy": vault_policy()})
    services.create(POLICY, {"backupVaultName": there.id, "policy": vault_policy(), "region": ELSEWHERE}, "there")

    assert there.state["arn"] == f"arn:aws:backup:{ELSEWHERE}:{ACCOUNT}:backup-vault:fixrx-backups"
    found = elsewhere("backup").describe_backup_vault(BackupVaultName="fixrx-backups")
    assert found["BackupVaultArn"] == there.state["arn"]


def test_a_vault_with_another_name_or_key_is_another_vault(services: Services) -> None:
    made = vault(services)
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]

    assert services.changes(made, name="others") == {"name": True}
    assert services.changes(made, kmsKeyArn=key) == {"kmsKeyArn": True}
    services.delete(made)
    assert services.client("backup").list_backup_vaults()["BackupVaultList"] == []


def test_a_lock_is_set_seen_and_kept(services: Services) -> None:
    made = vault(services)
    lock = services.create(LOCK, {"backupVaultName": made.id, "minRetentionDays": 7, "maxRetentionDays": 400})

    found = services.client("backup").describe_backup_vault(BackupVaultName=made.id)
    assert (found["Locked"], found["MinRetentionDays"], found["MaxRetentionDays"]) == (True, 7, 400)
    assert services.drift(lock) == {}
    with pytest.raises(ProviderError, match="fixrx-backups is locked: AWS deletes no vault with backups"):
        services.delete(made)
    services.client("backup").delete_backup_vault_lock_configuration(BackupVaultName=made.id)
    assert services.drift(lock) is None
    services.delete(lock)
    services.delete(made)


@pytest.mark.parametrize(
    ("inputs", "failures"),
    [
        ({"minRetentionDays": 7, "maxRetentionDays": 400, "changeableForDays": 3}, []),
        ({"minRetentionDays": 0}, [("minRetentionDays", "must be between 1 and 36500")]),
        ({"changeableForDays": 2}, [("changeableForDays", "must be between 3 and 36500")]),
        (
            {"minRetentionDays": 8, "maxRetentionDays": 7},
            [("minRetentionDays", "must not exceed maxRetentionDays (7), is 8")],
        ),
    ],
)
def test_a_lock_has_bounds(services: Services, inputs: dict[str, Any], failures: list[tuple[str, str]]) -> None:
    vault(services)

    assert services.failures(LOCK, {"backupVaultName": "fixrx-backups", **inputs}) == failures


def test_what_is_about_a_vault_needs_one(services: Services) -> None:
    missing = "there is no backup vault fixrx-backups"

    assert services.failures(LOCK, {"backupVaultName": "fixrx-backups"}) == [("backupVaultName", missing)]
    assert services.failures(POLICY, {"backupVaultName": "fixrx-backups", "policy": vault_policy()}) == [
        ("backupVaultName", missing)
    ]
    assert services.failures(PLAN, {"rules": [rule()]}) == [("rules[0].targetVaultName", missing)]


def test_a_vaults_policy_takes_no_wildcard(services: Services) -> None:
    vault(services)

    assert services.failures(
        POLICY, {"backupVaultName": "fixrx-backups", "policy": vault_policy("backup:Delete*")}
    ) == [("policy", "has the action backup:Delete*: a vault's policy takes no wildcards")]


def test_a_plan_is_what_it_was_given(services: Services) -> None:
    vault(services)
    there = services.create(VAULT, {"name": "copies", "region": ELSEWHERE}, "there")
    copy = {"destinationVaultArn": there.state["arn"], "lifecycle": {"deleteAfter": 35}}
    made = services.create(PLAN, {"rules": [rule(copyActions=[copy])]}, "plan")

    found = services.client("backup").get_backup_plan(BackupPlanId=made.id)
    (kept,) = found["BackupPlan"]["Rules"]
    assert kept["ScheduleExpression"] == "cron(0 5 * * ? *)"
    assert (kept["StartWindowMinutes"], kept["CompletionWindowMinutes"]) == (60, 360)
    assert kept["Lifecycle"] == {"DeleteAfterDays": 35}
    assert kept["CopyActions"] == [
        {"DestinationBackupVaultArn": there.state["arn"], "Lifecycle": {"DeleteAfterDays": 35}}
    ]
    assert made.state["arn"] == found["BackupPlanArn"]
    assert services.drift(made) == {}


def test_a_change_of_a_plan_is_recorded_and_its_deletion_seen(services: Services) -> None:
    vault(services)
    made = services.create(PLAN, {"rules": [rule()]}, "plan")

    assert services.changes(made, rules=[rule(lifecycle={"deleteAfter": 90})]) == {"rules": False}
    services.update(made, rules=[rule(lifecycle={"deleteAfter": 90})])
    assert services.drift(made) == {}
    services.client("backup").delete_backup_plan(BackupPlanId=made.id)
    assert services.drift(made) is None


@pytest.mark.parametrize(
    ("more", "failure"),
    [
        (
            {"schedule": "every day"},
            ("rules[0].schedule", "must be cron(six fields), rate(number unit) or at(time)"),
        ),
        ({"startWindow": 30}, ("rules[0].startWindow", "must be 60 minutes or more")),
        (
            {"startWindow": 120, "completionWindow": 150},
            ("rules[0].completionWindow", "must be 60 minutes or more after startWindow"),
        ),
        (
            {"lifecycle": {"coldStorageAfter": 30, "deleteAfter": 100}},
            (
                "rules[0].lifecycle.deleteAfter",
                "must be 90 days or more after coldStorageAfter: cold storage is billed for 90",
            ),
        ),
    ],
)
def test_a_plan_that_aws_refuses(services: Services, more: dict[str, Any], failure: tuple[str, str]) -> None:
    vault(services)

    assert services.failures(PLAN, {"rules": [rule(**more)]}) == [failure]


def test_a_selection_selects_something(services: Services) -> None:
    vault(services)
    plan = services.create(PLAN, {"rules": [rule()]}, "plan")
    arn = role(services)
    given = {"planId": plan.id, "iamRoleArn": arn}

    assert services.failures(SELECTION, given) == [
        ("resources", "one of conditions, resources, selectionTags must be given")
    ]
    tags = [{"type": "STRINGEQUALS", "key": "Backup", "value": "yes"}]
    assert services.failures(SELECTION, {**given, "selectionTags": tags}) == []
    made = services.create(SELECTION, {**given, "resources": [f"arn:aws:rds:us-east-1:{ACCOUNT}:db:it"]})
    assert services.changes(made, resources=["*"]) == {"resources": True}
    assert services.drift(made) == {}


def restore_test(**more: Any) -> dict[str, Any]:
    return {
        "name": "fixrx",
        "scheduleExpression": "cron(0 6 ? * SUN#1 *)",
        "startWindowHours": 1,
        "recoveryPointSelection": {
            "algorithm": "LATEST_WITHIN_WINDOW",
            "includeVaults": [f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:fixrx-backups"],
            "recoveryPointTypes": ["SNAPSHOT"],
            "selectionWindowDays": 7,
        },
        **more,
    }


@pytest.mark.parametrize(
    ("more", "failures"),
    [
        ({}, []),
        ({"name": "fixrx-production"}, [("name", "must be at most 50 letters, digits and underscores")]),
        ({"startWindowHours": 169}, [("startWindowHours", "must be between 1 and 168")]),
    ],
)
def test_a_restore_test_is_validated(services: Services, more: dict[str, Any], failures: list[tuple[str, str]]) -> None:
    assert services.failures(TESTING_PLAN, restore_test(**more)) == failures


def test_a_restore_test_selects_for_a_plan_that_exists(services: Services) -> None:
    given = {
        "name": "primary",
        "restoreTestingPlanName": "fixrx",
        "protectedResourceType": "RDS",
        "protectedResourceArns": ["*"],
        "iamRoleArn": role(services),
        "restoreMetadataOverrides": {"multiAz": "false"},
        "validationWindowHours": 4,
    }

    assert services.failures(TESTING_SELECTION, given) == [
        ("restoreTestingPlanName", "there is no restore testing plan fixrx")
    ]
    plan = services.create(TESTING_PLAN, restore_test(), "plan")
    assert plan.state["arn"].startswith(f"arn:aws:backup:us-east-1:{ACCOUNT}:restore-testing-plan:fixrx-")
    made = services.create(TESTING_SELECTION, given)
    assert services.changes(made, validationWindowHours=5) == {"validationWindowHours": False}
    assert services.drift(made) == {}


def test_automated_backups_are_replicated_from_a_database_that_exists(services: Services) -> None:
    source = f"arn:aws:rds:us-east-1:{ACCOUNT}:db:primary"
    given = {"sourceDbInstanceArn": source, "retentionPeriod": 14, "region": ELSEWHERE}

    assert services.failures(AUTOMATED, given) == [("sourceDbInstanceArn", f"there is no database instance {source}")]
    services.client("rds").create_db_instance(
        DBInstanceIdentifier="primary", DBInstanceClass="db.m7g.large", Engine="postgres"
    )
    made = services.create(AUTOMATED, given)
    assert made.id.startswith(f"arn:aws:rds:{ELSEWHERE}:{ACCOUNT}:auto-backup:ab-")
    assert services.changes(made, retentionPeriod=35) == {"retentionPeriod": True}
    assert services.failures(AUTOMATED, {**given, "retentionPeriod": 36}) == [
        ("retentionPeriod", "must be between 1 and 35")
    ]


def replication(services: Services, **more: Any) -> dict[str, Any]:
    """From one bucket to another one, both with versions."""
    s3 = services.client("s3")
    for bucket in ("backups", "copies"):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {
        "bucket": "backups",
        "role": role(services),
        "rules": [
            {
                "id": "database",
                "priority": 1,
                "status": "Enabled",
                "filter": {"prefix": "database/"},
                "deleteMarkerReplication": {"status": "Disabled"},
                "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                "destination": {
                    "bucket": "arn:aws:s3:::copies",
                    "encryptionConfiguration": {"replicaKmsKeyId": key},
                },
                **more,
            }
        ],
    }


def test_a_replication_is_what_it_was_given(services: Services) -> None:
    made = services.create(REPLICATION, replication(services))

    found = services.client("s3").get_bucket_replication(Bucket="backups")["ReplicationConfiguration"]
    (kept,) = found["Rules"]
    assert (kept["ID"], kept["Priority"], kept["Status"]) == ("database", 1, "Enabled")
    assert kept["Destination"]["Bucket"] == "arn:aws:s3:::copies"
    assert services.drift(made) == {}
    services.delete(made)
    with pytest.raises(services.client("s3").exceptions.ClientError, match="ReplicationConfigurationNotFound"):
        services.client("s3").get_bucket_replication(Bucket="backups")


def test_a_replication_that_s3_refuses(services: Services) -> None:
    given = replication(services)
    (first,) = given["rules"]
    bare = {key: value for key, value in first.items() if key != "deleteMarkerReplication"}
    open_key = {**first, "destination": {"bucket": "arn:aws:s3:::copies"}}

    assert services.failures(REPLICATION, {**given, "rules": [bare]}) == [
        ("rules[0].deleteMarkerReplication", "must be given together with filter")
    ]
    assert services.failures(REPLICATION, {**given, "rules": [open_key]}) == [
        ("rules[0].destination.encryptionConfiguration", "must be given for objects under a KMS key")
    ]
    assert services.failures(REPLICATION, {**given, "rules": [first, {**first, "id": "again"}]}) == [
        ("rules[1].priority", "must be given and different in every rule")
    ]
