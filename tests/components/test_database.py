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


def test_what_only_grows_is_stated_and_compared_before_an_update(production: Recording) -> None:
    """So that the engine has the deployed values beside the new ones."""
    other = record_stack("production", {"database": {"engine_version": "18", "allocated_storage_gib": 200}})

    database = production.named("database")
    assert database.plain == {"engine_version": "17", "allocated_storage_gib": "100"}
    assert database.before_update == ("database-only-grows",)
    assert other.named("database").plain == {"engine_version": "18", "allocated_storage_gib": "200"}


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
    ],
)
def test_database_that_could_not_run_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DatabaseSettings(**settings)
