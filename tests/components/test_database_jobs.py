"""The project that migrates the database: where it runs, what it may do, and that it runs once at a time."""

from typing import Any

import yaml

from components.database_jobs import DatabaseJobs, DatabaseJobsArgs
from components.shared.job_scripts import script_of
from components.shared.runtime import ReleaseStore
from tests.recorder import PLACEMENT, STACK, Recording, record

PROJECT = "database-jobs-migrate"
RELEASES = ReleaseStore(
    bucket_name="releases-bucket", bucket_arn="arn:of-the-bucket", prefix="releases/", key_arn="arn:of-the-bucket-key"
)


def record_jobs() -> Recording:
    def program() -> None:
        DatabaseJobs(
            "database-jobs",
            DatabaseJobsArgs(
                stack=STACK,
                placement=PLACEMENT,
                releases=RELEASES,
                database_url_arn="arn:of-the-url",
                node_version="24",
            ),
        )

    return record(program)


def test_a_build_runs_the_script_beside_the_database_and_once_at_a_time() -> None:
    project = record_jobs().named(PROJECT).plain

    assert project["vpcConfig"] == {
        "vpcId": "vpc-1",
        "subnets": ["subnet-a", "subnet-b"],
        "securityGroupIds": ["sg-1"],
    }
    assert {key: project[key] for key in ("concurrentBuildLimit", "autoRetryLimit", "buildTimeout")} == {
        "concurrentBuildLimit": 1,
        "autoRetryLimit": 0,
        "buildTimeout": 60,
    }
    assert yaml.safe_load(project["source"]["buildspec"]) == {
        "version": 0.2,
        "env": {"shell": "bash"},
        "phases": {"build": {"commands": [script_of("migrate")]}},
    }


def test_a_build_is_told_where_things_are_and_no_secret() -> None:
    variables = record_jobs().named(PROJECT).plain["environment"]["environmentVariables"]

    assert {each["name"]: each["value"] for each in variables} == {
        "BUCKET": "releases-bucket",
        "RELEASES_PREFIX": "releases/",
        "DATABASE_URL_ARN": "arn:of-the-url",
        "CA_BUNDLE_PATH": "/etc/fixrx/rds-ca.pem",
        "NODE_VERSION": "24",
    }


def test_a_build_reads_releases_and_one_secret_and_writes_its_log() -> None:
    statements: list[dict[str, Any]] = record_jobs().named(f"{PROJECT}-role-policy").document("policy")["Statement"]

    assert {each["Sid"]: each["Action"] for each in statements} == {
        "WriteLog": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "ReadDatabaseUrl": ["secretsmanager:GetSecretValue"],
        "DecryptDatabaseUrl": ["kms:Decrypt"],
        "ReadReleases": ["s3:GetObject"],
        "DecryptReleases": ["kms:Decrypt"],
        "MakeNetworkInterfaces": ["ec2:CreateNetworkInterface"],
        "RemoveNetworkInterfaces": ["ec2:DeleteNetworkInterface"],
        "LendNetworkInterfaces": ["ec2:CreateNetworkInterfacePermission"],
        "LookAtNetwork": [
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
    }
    reads = {each["Sid"]: each["Resource"] for each in statements if each["Sid"].startswith("Read")}
    assert reads == {"ReadDatabaseUrl": ["arn:of-the-url"], "ReadReleases": ["arn:of-the-bucket/releases/*"]}


def test_the_log_is_kept_as_long_as_audit_logs(production: Recording) -> None:
    assert production.named(f"{PROJECT}-log-group").pick("name", "retentionInDays") == {
        "name": "/fixrx/production/migrate",
        "retentionInDays": 365,
    }
