"""The project that migrates the database: where it runs, what it may do, and that it runs once at a time."""

import json
import re
from typing import Any

import pulumi
import pytest
import yaml

from components.database_jobs import DatabaseJobs, DatabaseJobsArgs
from components.shared.database_access import DatabaseAccess
from components.shared.job_scripts import script_of
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.runtime import ReleaseStore
from tests.recorder import PLACEMENT, STACK, Recording, record

RELEASES = ReleaseStore(
    bucket_name="releases-bucket", bucket_arn="arn:of-the-bucket", prefix="releases/", key_arn="arn:of-the-bucket-key"
)


def access(role: str) -> DatabaseAccess:
    return DatabaseAccess(
        endpoint=pulumi.Output.from_input(f"{role}.example.com:5432"),
        resource_id=pulumi.Output.from_input(f"db-{role}"),
    )


def record_jobs() -> Recording:
    def program() -> None:
        DatabaseJobs(
            "database-jobs",
            DatabaseJobsArgs(
                stack=STACK,
                placement=PLACEMENT,
                releases=RELEASES,
                primary=access("primary"),
                replica=access("replica"),
                database_name="fixrx_production",
                url_options="sslmode=verify-full",
                postgresql_version="17",
                storage_gib=100,
                node_version="24",
                windows=MaintenanceWindows(),
                restore_test_plan=pulumi.Output.from_input("arn:of-the-plan"),
            ),
        )

    return record(program)


USERS = "arn:aws:rds-db:us-east-1:111122223333:dbuser:"
JOBS = ("drill", "dump", "maintenance", "migrate")


@pytest.mark.parametrize(("job", "minutes"), [("dump", 240), ("drill", 480), ("maintenance", 240), ("migrate", 60)])
def test_a_job_runs_its_script_beside_the_database_and_once_at_a_time(job: str, minutes: int) -> None:
    project = record_jobs().named(f"database-jobs-{job}").plain

    assert project["vpcConfig"] == {
        "vpcId": "vpc-1",
        "subnets": ["subnet-a", "subnet-b"],
        "securityGroupIds": ["sg-1"],
    }
    assert {key: project[key] for key in ("concurrentBuildLimit", "autoRetryLimit", "buildTimeout")} == {
        "concurrentBuildLimit": 1,
        "autoRetryLimit": 0,
        "buildTimeout": minutes,
    }
    assert yaml.safe_load(project["source"]["buildspec"]) == {
        "version": 0.2,
        "env": {"shell": "bash"},
        "phases": {"build": {"commands": [script_of(job)]}},
    }


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_told_what_its_script_asks_for_and_no_secret(job: str) -> None:
    """Everything in capitals that a script uses and does not set; who starts it supplies the rest."""
    script = script_of(job)
    set_by_script = set(re.findall(r"(?:^|\s|\()([A-Z][A-Z_0-9]*)=", script, re.MULTILINE)) | {"EUID", "SECONDS", "PWD"}
    used = set(re.findall(r"\$\{([A-Z][A-Z_0-9]*)\}", script)) - set_by_script
    told = {
        each["name"]
        for each in record_jobs().named(f"database-jobs-{job}").plain["environment"]["environmentVariables"]
    }
    by_whom_it_starts = {
        "drill": {"TASK"},
        "maintenance": {"TASK", "MINUTES"},
        "migrate": {"TASK", "RELEASE", "RELEASE_SHA256"},
    }
    from_the_login = {"PGDATABASE", "PGHOST", "PGPORT", "PGUSER", "SNAPSHOT"}

    assert used - from_the_login - by_whom_it_starts.get(job, set()) <= told
    assert [name for name in told if not re.search(rf"\b{name}\b", script)] == []


@pytest.mark.parametrize(
    ("job", "may"),
    [
        (
            "dump",
            {
                "LogInToPrimary": ("rds-db:connect", [f"{USERS}db-primary/fixrx_backup"]),
                "LogInToReplica": ("rds-db:connect", [f"{USERS}db-replica/fixrx_backup"]),
                "WriteDumps": ("s3:AbortMultipartUpload s3:PutObject", ["arn:of-the-bucket/database/*"]),
                "EncryptDumps": ("kms:Decrypt kms:GenerateDataKey", ["arn:of-the-bucket-key"]),
            },
        ),
        (
            "drill",
            {
                "ListDumps": ("s3:ListBucket", ["arn:of-the-bucket"]),
                "ReadDumps": ("s3:GetObject", ["arn:of-the-bucket/database/*"]),
                "WriteReports": ("s3:PutObject", ["arn:of-the-bucket/drills/*"]),
                "DecryptDumps": ("kms:Decrypt kms:GenerateDataKey", ["arn:of-the-bucket-key"]),
                "JudgeRestores": ("backup:ListRestoreJobs backup:PutRestoreValidationResult", ["*"]),
                "FindRestored": (
                    "rds:DescribeDBInstances",
                    ["arn:aws:rds:us-east-1:111122223333:db:awsbackup-restore-test-*"],
                ),
                "LogInToRestored": ("rds-db:connect", [f"{USERS}*/fixrx_backup"]),
            },
        ),
        (
            "maintenance",
            {
                "LogInToPrimary": ("rds-db:connect", [f"{USERS}db-primary/fixrx_maintenance"]),
            },
        ),
        (
            "migrate",
            {
                "LogInToPrimary": ("rds-db:connect", [f"{USERS}db-primary/fixrx_migrate"]),
                "ReadReleases": ("s3:GetObject", ["arn:of-the-bucket/releases/*"]),
                "DecryptReleases": ("kms:Decrypt", ["arn:of-the-bucket-key"]),
            },
        ),
    ],
)
def test_a_job_may_do_this_and_no_more(job: str, may: dict[str, tuple[str, list[str]]]) -> None:
    found = record_jobs().named(f"database-jobs-{job}-role-policy").document("policy")["Statement"]
    network = {"WriteLog", "MakeNetworkInterfaces", "RemoveNetworkInterfaces", "LendNetworkInterfaces", "LookAtNetwork"}

    assert network <= {each["Sid"] for each in found}
    assert {
        each["Sid"]: (" ".join(each["Action"]), each["Resource"]) for each in found if each["Sid"] not in network
    } == may


def test_the_log_is_kept_as_long_as_audit_logs(production: Recording) -> None:
    for job in JOBS:
        assert production.named(f"database-jobs-{job}-log-group").pick("name", "retentionInDays") == {
            "name": f"/fixrx/production/{job}",
            "retentionInDays": 365,
        }


def test_jobs_start_in_the_windows(production: Recording) -> None:
    registered = production.of_type("aws:scheduler/schedule:Schedule")
    schedules = [each.plain for each in registered if each.name.startswith("database-jobs-")]

    assert {each["name"]: (each["scheduleExpression"], json.loads(each["target"]["input"])) for each in schedules} == {
        "dump": ("cron(0 2 * * ? *)", {"ProjectName": "fixrx-production-dump", "EnvironmentVariablesOverride": []}),
        "drill": (
            "cron(0 2 ? * SUN#1 *)",
            {"ProjectName": "fixrx-production-drill", "EnvironmentVariablesOverride": []},
        ),
        "vacuum": ("cron(0 3 ? * SUN *)", started("TASK=weekly MINUTES=60")),
        "reindex": ("cron(0 4 ? * SUN#1 *)", started("TASK=monthly MINUTES=120")),
        # AWS Backup restores at 06:00, or up to an hour later.
        "verdict": ("cron(0 7 ? * SUN#1 *)", started("TASK=restored", "drill")),
    }
    assert {each["scheduleExpressionTimezone"] for each in schedules} == {"UTC"}
    assert {each["target"]["arn"] for each in schedules} == {"arn:aws:scheduler:::aws-sdk:codebuild:startBuild"}


def test_without_restore_tests_nothing_is_judged(staging: Recording) -> None:
    project = staging.named("database-jobs-drill").plain
    told = {each["name"] for each in project["environment"]["environmentVariables"]}
    statements = staging.named("database-jobs-drill-role-policy").document("policy")["Statement"]

    assert "RESTORE_TEST_PLAN" not in told
    assert {each["Sid"] for each in statements} & {"JudgeRestores", "FindRestored", "LogInToRestored"} == set()
    assert "database-jobs-schedule-verdict" not in {each.name for each in staging.registrations}


def test_a_restored_backup_is_judged_by_the_plan_that_restores_it(production: Recording) -> None:
    """The network lets this job, and nothing else, connect to it."""
    project = production.named("database-jobs-drill").plain
    told = {each["name"]: each["value"] for each in project["environment"]["environmentVariables"]}
    group = production.named("connections-restore-test-only-declared-rules").plain

    assert told["RESTORE_TEST_PLAN"] == "arn:aws:backup:us-east-1:111122223333:backup-vault-restore-test"
    assert (group["ingressRuleIds"], group["egressRuleIds"]) == (
        ["connections-restore-test-from-database-jobs-5432-id"],
        [],
    )


def started(variables: str, job: str = "maintenance") -> dict[str, Any]:
    pairs = [each.split("=") for each in variables.split()]
    return {
        "ProjectName": f"fixrx-production-{job}",
        "EnvironmentVariablesOverride": [{"Name": name, "Value": value, "Type": "PLAINTEXT"} for name, value in pairs],
    }


def test_the_scheduler_starts_these_jobs_and_no_migration(production: Recording) -> None:
    [statement] = production.named("database-jobs-scheduler-role-policy").document("policy")["Statement"]

    assert statement["Action"] == ["codebuild:StartBuild"]
    assert len(statement["Resource"]) == 3
    assert not [arn for arn in statement["Resource"] if "migrate" in arn]
