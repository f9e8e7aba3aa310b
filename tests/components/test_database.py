"""PostgreSQL: primary, replica, and what both need."""

import os
import shutil
import socket
import subprocess
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from components.database import TLS_OPTIONS, URL_OPTIONS
from components.sections.database import DatabaseSettings
from tests.recorder import Recording, record_stack

DATA_KEY = "arn:aws:kms:us-east-1:111122223333:key/encryption-data-key"
COMMON_PARAMETERS = [
    {"name": "rds.force_ssl", "value": "1"},
    {
        "name": "shared_preload_libraries",
        "value": "pg_stat_statements,auto_explain",
        "applyMethod": "pending-reboot",
    },
    {"name": "log_min_duration_statement", "value": "1000"},
    {"name": "auto_explain.log_min_duration", "value": "1000"},
]


def test_primary_has_a_standby_and_cannot_be_lost(production: Recording) -> None:
    assert production.named("database-primary").pick(
        "multiAz",
        "deletionProtection",
        "backupRetentionPeriod",
        "deleteAutomatedBackups",
        "skipFinalSnapshot",
        "finalSnapshotIdentifier",
    ) == {
        "multiAz": True,
        "deletionProtection": True,
        "backupRetentionPeriod": 35,
        "deleteAutomatedBackups": False,
        "skipFinalSnapshot": False,
        "finalSnapshotIdentifier": "fixrx-production-primary-final-0a1b2c3d",
    }


@pytest.mark.parametrize("role", ["primary", "replica"])
def test_instance_is_private_and_encrypted(production: Recording, role: str) -> None:
    assert production.named(f"database-{role}").pick(
        "publiclyAccessible", "storageEncrypted", "vpcSecurityGroupIds", "performanceInsightsKmsKeyId"
    ) == {
        "publiclyAccessible": False,
        "storageEncrypted": True,
        "vpcSecurityGroupIds": ["connections-database-id"],
        "performanceInsightsKmsKeyId": DATA_KEY,
    }


def test_only_the_major_version_is_pinned(production: Recording) -> None:
    """With a full version, the automatic minor upgrade of the primary fails while the replica is older."""
    assert production.named("database-primary").pick("engineVersion", "autoMinorVersionUpgrade") == {
        "engineVersion": "17",
        "autoMinorVersionUpgrade": True,
    }


def test_replica_inherits_what_rds_refuses_to_be_told_again(production: Recording) -> None:
    replica = production.named("database-replica").plain

    assert replica["replicateSourceDb"] == "fixrx-production-postgres-primary"
    inherited = {
        "engine",
        "engineVersion",
        "kmsKeyId",
        "username",
        "password",
        "dbName",
        "dbSubnetGroupName",
        "allocatedStorage",
        "backupRetentionPeriod",
        "backupWindow",
        "finalSnapshotIdentifier",
    }
    assert inherited & set(replica) == set()


def test_staging_is_smaller_and_can_be_deleted(staging: Recording) -> None:
    primary = staging.named("database-primary").plain

    assert {key: primary[key] for key in ("instanceClass", "allocatedStorage", "backupRetentionPeriod", "multiAz")} == {
        "instanceClass": "db.t4g.medium",
        "allocatedStorage": 20,
        "backupRetentionPeriod": 7,
        "multiAz": True,
    }
    assert primary["deletionProtection"] is False
    assert staging.named("database-replica").plain["deletionProtection"] is False


def test_database_stands_in_the_data_tier(production: Recording) -> None:
    assert production.named("database-subnets").plain["subnetIds"] == [f"network-data-{letter}-id" for letter in "abc"]


@pytest.mark.parametrize(
    ("role", "own_parameters"),
    [("primary", []), ("replica", [{"name": "hot_standby_feedback", "value": "1"}])],
)
def test_parameters_ask_for_tls_and_show_slow_statements(
    stack: Recording, role: str, own_parameters: list[dict[str, str]]
) -> None:
    group = stack.named(f"database-{role}-parameters").plain

    assert group["family"] == "postgres17"
    assert group["parameters"] == [*COMMON_PARAMETERS, *own_parameters]
    # Named by Pulumi: the groups of two families have to stand side by side during an upgrade.
    assert "name" not in group


@pytest.mark.parametrize("role", ["primary", "replica"])
def test_log_groups_stand_before_the_instance(production: Recording, role: str) -> None:
    """RDS would create them itself, without a key and without expiry."""
    names = {f"database-{role}-{log}-log-group" for log in ("postgresql", "upgrade")}

    assert names <= set(production.named(f"database-{role}").depends_on)
    assert {name: production.named(name).plain for name in names} == {
        f"database-{role}-{log}-log-group": {
            "name": f"/aws/rds/instance/fixrx-production-postgres-{role}/{log}",
            "retentionInDays": 30,
            "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-logs-key",
        }
        for log in ("postgresql", "upgrade")
    }


def test_rds_may_measure_for_this_account_only(stack: Recording) -> None:
    role = stack.named("database-monitoring-role").document("assumeRolePolicy")

    assert role["Statement"] == [
        {
            "Sid": "ServiceMayAssume",
            "Effect": "Allow",
            "Principal": {"Service": "monitoring.rds.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": stack.named("aws").inputs["allowedAccountIds"].strip('[]"')}
            },
        }
    ]
    assert stack.named("database-monitoring-policy").plain == {
        "role": "database-monitoring-role",
        "policyArn": "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
    }


def test_events_of_both_instances_go_to_operators(production: Recording) -> None:
    assert production.named("database-events").pick("snsTopic", "sourceIds", "eventCategories") == {
        "snsTopic": "arn:aws:sns:us-east-1:111122223333:notifications-p2",
        "sourceIds": ["fixrx-production-postgres-primary", "fixrx-production-postgres-replica"],
        "eventCategories": [
            "availability",
            "deletion",
            "failover",
            "failure",
            "low storage",
            "maintenance",
            "read replica",
            "recovery",
        ],
    }


def test_servers_do_not_wait_for_the_replica(production: Recording) -> None:
    """Its URL follows from the primary's: RDS takes ten minutes and more to make a replica."""
    assert "database-replica" not in dependencies(production, "app-servers-group")
    assert "database-primary" in dependencies(production, "app-servers-group")
    told = production.named("credentials-function").plain["environment"]["variables"]
    assert told["REPLICA_ENDPOINT"] == production.stack_outputs["database_replica"]


def dependencies(recording: Recording, name: str) -> set[str]:
    """Everything that a resource waits for, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for each in recording.named(waiting.pop()).depends_on:
            if each not in found:
                found.add(each)
                waiting.append(each)
    return found


UPGRADE = {"database": {"engine_version": "18", "upgrade_from": "17"}}


def test_upgrade_has_the_groups_of_both_versions_side_by_side() -> None:
    """RDS refuses to delete the old ones before it has upgraded both instances, the replica with the primary."""
    before, during = record_stack("production"), record_stack("production", UPGRADE)
    groups = "aws:rds/parameterGroup:ParameterGroup"

    assert {each.name: each.plain["family"] for each in during.of_type(groups)} == {
        "database-primary-parameters": "postgres17",
        "database-primary-parameters-postgres18": "postgres18",
        "database-replica-parameters": "postgres17",
        "database-replica-parameters-postgres18": "postgres18",
    }
    assert {each.identity for each in before.of_type(groups)} < {each.identity for each in during.of_type(groups)}
    assert during.named("database-primary").pick("engineVersion", "allowMajorVersionUpgrade", "parameterGroupName") == {
        "engineVersion": "18",
        "allowMajorVersionUpgrade": True,
        "parameterGroupName": "database-primary-parameters-postgres18",
    }
    assert during.named("database-replica").plain["parameterGroupName"] == "database-replica-parameters"


def test_after_the_upgrade_the_groups_of_the_old_version_go() -> None:
    after = record_stack("production", {"database": {"engine_version": "18"}})

    assert {each.name for each in after.of_type("aws:rds/parameterGroup:ParameterGroup")} == {
        "database-primary-parameters-postgres18",
        "database-replica-parameters-postgres18",
    }
    assert "allowMajorVersionUpgrade" not in after.named("database-primary").plain
    assert after.named("database-replica").plain["parameterGroupName"] == "database-replica-parameters-postgres18"


def test_roles_are_made_anew_when_an_upgrade_begins_and_when_it_is_done() -> None:
    """What they need differs by version, and the database and its address stay what they are."""
    settings = [{}, {"engine_version": "18", "upgrade_from": "17"}, {"engine_version": "18"}]
    recordings = [record_stack("production", {"database": each}) for each in settings]

    versions = [each.named("credentials-bootstrap").plain["triggers"]["version"] for each in recordings]
    assert versions == ["17", "17 to 18", "18"]


def test_what_only_grows_is_stated_and_compared_before_an_update(production: Recording) -> None:
    """So that the engine has the deployed values beside the new ones."""
    other = record_stack("production", {"database": {"engine_version": "18", "allocated_storage_gib": 200}})

    database = production.named("database")
    assert database.plain == {"engine_version": "17", "allocated_storage_gib": "100"}
    assert database.before_update == ("database-only-grows", "database-recovery-steps")
    assert other.named("database").plain == {"engine_version": "18", "allocated_storage_gib": "200"}


RECOVERY = {"restore_time": "2026-11-20T03:00:00Z"}
PAIRS = {
    "primary": ("database-primary", "database-replica"),
    "restored": ("database-restored", "database-restored-replica"),
}
LOOKS = {False: ("primary", "restored"), True: ("restored", "primary")}
"""Whether the restored database serves, to the pair that serves and the one that does not."""


@pytest.fixture(scope="module", params=[False, True], ids=["aside", "serves"])
def recovering(request: pytest.FixtureRequest) -> tuple[bool, Recording]:
    """Whether the restored database serves, and the stack then."""
    recovery = {**RECOVERY, "serve": request.param}
    return request.param, record_stack("production", {"database": {"recovery": recovery}})


def test_recovery_stands_beside_and_changes_no_instance_of_the_first_pair(
    production: Recording, recovering: tuple[bool, Recording]
) -> None:
    """With the same names and inputs, the engine neither replaces nor deletes one."""
    _, during = recovering
    instance = "aws:rds/instance:Instance"
    before = {each.identity: each.plain for each in production.of_type(instance)}
    after = {each.identity: each.plain for each in during.of_type(instance)}

    assert {identity: after[identity] for identity in before} == before
    assert {identity[1] for identity in after.keys() - before.keys()} == set(PAIRS["restored"])
    assert all(each.protect for each in during.of_type(instance))


def test_restored_database_is_what_the_first_one_is_but_for_its_data(recovering: tuple[bool, Recording]) -> None:
    _, during = recovering
    first, restored = (during.named(pair[0]).plain for pair in PAIRS.values())
    different = {key: restored.get(key) for key in {*first, *restored} if first.get(key) != restored.get(key)}

    assert different == {
        "identifier": "fixrx-production-postgres-restored",
        "finalSnapshotIdentifier": "fixrx-production-restored-final-0a1b2c3d",
        "restoreToPointInTime": {
            "sourceDbInstanceIdentifier": "fixrx-production-postgres-primary",
            "restoreTime": "2026-11-20T03:00:00Z",
        },
        # From the source.
        **dict.fromkeys(("allocatedStorage", "dbName", "password", "username")),
    }
    first, restored = (during.named(pair[1]).plain for pair in PAIRS.values())
    assert {key: restored.get(key) for key in {*first, *restored} if first.get(key) != restored.get(key)} == {
        "identifier": "fixrx-production-postgres-restored-replica",
        "replicateSourceDb": "fixrx-production-postgres-restored",
    }
    assert during.named("database-restored").ignore_changes == ()


def test_recovery_decides_who_serves(recovering: tuple[bool, Recording]) -> None:
    serves, during = recovering
    pair = LOOKS[serves][0]
    primary, replica = PAIRS[pair]
    hosts = [f"fixrx-production-postgres-{name.removeprefix('database-')}" for name in (primary, replica)]
    endpoints = [f"{host}.example.rds.amazonaws.com:5432" for host in hosts]

    told = during.named("credentials-function").plain["environment"]["variables"]
    assert [told["DATABASE_ENDPOINT"], told["REPLICA_ENDPOINT"]] == endpoints
    # Another value calls the function anew, which sets the passwords to what the secrets say.
    assert during.named("credentials-bootstrap").plain["triggers"] == {
        "code": "digest",
        "database": f"db-{primary}",
        "endpoint": endpoints[0],
        "version": "17",
    }
    assert [during.stack_outputs[name] for name in ("database", "database_replica")] == endpoints
    for job in ("dump", "maintenance", "migrate"):
        variables = during.named(f"database-jobs-{job}").plain["environment"]["environmentVariables"]
        assert {each["value"] for each in variables if each["name"] == "DATABASE_ENDPOINT"} == {endpoints[0]}
    users = "arn:aws:rds-db:us-east-1:111122223333:dbuser:"
    logins = {
        statement["Sid"]: statement["Resource"]
        for name in ("credentials-role-policy", "credentials-replica-role-policy")
        for statement in during.named(name).document("policy")["Statement"]
        if statement["Sid"].startswith("LogIn")
    }
    assert logins == {
        "LogInToPrimary": [f"{users}db-{primary}/{user}" for user in ("fixrx_admin", "fixrx_rotator")],
        "LogInToReplica": [f"{users}db-{replica}/fixrx_rotator"],
    }
    arn = f"arn:aws:rds:us-east-1:111122223333:{primary}"
    assert during.named("backup-vault-restore-test-selection").plain["protectedResourceArns"] == [arn]
    assert during.named("backup-vault-dr-automated-backups").plain["sourceDbInstanceArn"] == arn


def test_both_databases_are_in_the_backup_plan_and_tell_of_events(recovering: tuple[bool, Recording]) -> None:
    _, during = recovering

    assert during.named("backup-vault-selection").plain["resources"] == [
        f"arn:aws:rds:us-east-1:111122223333:database-{role}" for role in PAIRS
    ]
    assert during.named("database-events").plain["sourceIds"] == [
        f"fixrx-production-postgres-{role}" for role in ("primary", "replica", "restored", "restored-replica")
    ]


def test_alarms_follow_the_one_that_serves(production: Recording, recovering: tuple[bool, Recording]) -> None:
    """Those of the other one have the same conditions, and wake nobody."""
    serves, during = recovering
    instances = {f"fixrx-production-postgres-{name.removeprefix('database-')}" for name in PAIRS[LOOKS[serves][0]]}

    def alarms(recording: Recording) -> dict[str, Any]:
        found = recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
        return {
            each.plain["name"].removeprefix("fixrx-production-"): each.plain
            for each in found
            if "DBInstanceIdentifier" in each.plain.get("dimensions", {})
        }

    usual, now = alarms(production), alarms(during)
    assert now.keys() == {*usual, *(f"{name}-Aside" for name in usual)}
    assert {now[name]["dimensions"]["DBInstanceIdentifier"] for name in usual} == instances
    for name, alarm in usual.items():
        aside = now[f"{name}-Aside"]
        assert aside["dimensions"]["DBInstanceIdentifier"] not in instances
        assert [aside[key] for key in ("threshold", "comparisonOperator")] == [
            alarm[key] for key in ("threshold", "comparisonOperator")
        ]
        assert aside["alarmActions"] == ["arn:aws:sns:us-east-1:111122223333:notifications-p4"]
        assert f"Runbook: docs/runbooks.md#{name.lower()}" in aside["alarmDescription"]


def test_latest_and_backups_of_a_lost_database_can_be_restored() -> None:
    arn = "arn:aws:rds:us-east-1:111122223333:auto-backup:ab-0123456789abcdef"
    recovery = {"restore_time": "latest", "automated_backups_arn": arn}
    restored = record_stack("production", {"database": {"recovery": recovery}}).named("database-restored")

    assert restored.plain["restoreToPointInTime"] == {
        "sourceDbInstanceAutomatedBackupsArn": arn,
        "useLatestRestorableTime": True,
    }
    # They are under the key of the lost one.
    assert restored.ignore_changes == ("kmsKeyId",)


def test_password_is_long_and_has_no_character_that_rds_refuses(stack: Recording) -> None:
    assert stack.named("database-password").plain == {"length": 32, "special": False}


def test_function_is_told_everything_that_a_url_says(production: Recording) -> None:
    told = production.named("credentials-function").plain["environment"]["variables"]

    assert [told["DATABASE_ENDPOINT"], told["REPLICA_ENDPOINT"]] == [
        f"fixrx-production-postgres-{role}.example.rds.amazonaws.com:5432" for role in ("primary", "replica")
    ]
    assert told["DATABASE_NAME"] == "fixrx_production"
    assert parse_qs(told["DATABASE_URL_OPTIONS"], strict_parsing=True) == {
        "sslmode": ["verify-full"],
        "sslrootcert": ["/etc/fixrx/rds-ca.pem"],
        "options": ["-c statement_timeout=30000"],
    }


@pytest.mark.skipif(shutil.which("psql") is None, reason="needs psql, PostgreSQL's own client")
@pytest.mark.parametrize("options", [URL_OPTIONS, TLS_OPTIONS])
def test_postgresqls_own_client_takes_the_options(options: str) -> None:
    """It gets as far as trying to connect: an unknown parameter or a wrong value would stop it before."""
    with socket.socket() as reserved:
        # Bound and not listened to: nothing else can answer there, and a connection is refused.
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        nowhere = f"postgresql://somebody@127.0.0.1:{port}/fixrx_production?{options}"
        environment = {**os.environ, "LC_ALL": "C"}
        refused = subprocess.run(
            ["psql", nowhere], capture_output=True, text=True, check=False, timeout=120, env=environment
        )

    assert refused.returncode == 2
    assert f'connection to server at "127.0.0.1", port {port} failed: Connection refused' in refused.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine_version": "14"}, "Input should be '15', '16', '17' or '18'"),
        ({"engine_version": "17.4"}, "Input should be '15', '16', '17' or '18'"),
        ({"instance_class": "m7g.large"}, "is not of this service; did you mean db.m7g.large"),
        ({"instance_class": "cache.m7g.large"}, "is not of this service; did you mean db.m7g.large"),
        ({"upgrade_from": "17"}, "upgrade_from is not older than engine_version"),
        ({"engine_version": "16", "upgrade_from": "17"}, "upgrade_from is not older than engine_version"),
        ({"allocated_storage_gib": 600}, "less than twice allocated_storage_gib"),
        ({"allocated_storage_gib": 19}, "greater than or equal to 20"),
        ({"backup_retention_days": 0}, "greater than or equal to 1"),
        ({"backup_retention_days": 36}, "less than or equal to 35"),
        (
            {"engine_version": "18", "upgrade_from": "17", "recovery": {"restore_time": "latest"}},
            "upgrade_from and recovery exclude each other",
        ),
        ({"recovery": {"serve": True}}, "there is no restore_time, so there is no restored database"),
        (
            {"recovery": {"automated_backups_arn": "arn:aws:rds:us-east-1:111122223333:auto-backup:ab-1"}},
            "there is no restore_time, so there is no restored database",
        ),
        (
            {"recovery": {"automated_backups_arn": "arn:aws:rds:us-east-1:111122223333:db:x"}},
            "is not the ARN of automated",
        ),
        ({"recovery": {"restore_time": "2026-11-20T03:00:00"}}, "is not a time in UTC, or latest"),
        ({"recovery": {"restore_time": "2026-11-20T03:00:00+01:00"}}, "is not a time in UTC, or latest"),
        ({"recovery": {"restore_time": "2026-11-20 03:00"}}, "is not a time in UTC, or latest"),
        ({"recovery": {"restore_time": "2026-02-30T03:00:00Z"}}, "is no moment of the calendar"),
        ({"recovery": {"restore_time": "2999-01-01T00:00:00Z"}}, "is in the future"),
        ({"recovery": {"time": "latest"}}, "Extra inputs are not permitted"),
    ],
)
def test_database_that_could_not_run_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DatabaseSettings(**settings)
