"""What needs a shell beside the database: dumps, restore drills, maintenance and migrations, as CodeBuild projects.

Not on an app server: it faces the internet, and must not hold a dump, nor lose its memory to one. A build costs
0.0034 USD a minute. The scripts are in components/files/jobs, and `make drill` runs them on a laptop.

Each job logs in to the database as a role of its own (components/credentials.py), with a token of IAM.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Placement
from components.shared.database_access import MIGRATION_USER, DatabaseAccess
from components.shared.functions import create_scheduler
from components.shared.host import CA_BUNDLE_PATH
from components.shared.job_scripts import script_of
from components.shared.keys import StackContext
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.releases import DATABASE_PREFIX, DRILLS_PREFIX
from components.shared.restore_test import VERDICT
from components.shared.runtime import ReleaseStore
from components.shared.section import RETENTION_AUDIT_DAYS

IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
"""Amazon Linux 2023, like the servers; a release is built for their architecture."""
COMPUTE_TYPE = "BUILD_GENERAL1_SMALL"
"""2 processors, 4 GiB, 64 GB of disk."""
LONGEST_MINUTES: Mapping[str, int] = {"dump": 240, "drill": 480, "maintenance": 240, "migrate": 60}
DATABASE_USERS: Mapping[str, str] = {
    "drill": "fixrx_backup",
    "dump": "fixrx_backup",
    "maintenance": "fixrx_maintenance",
    "migrate": MIGRATION_USER,
}
"""Job to the role of the database that it logs in as; a drill, in the database of a restore test only."""
LONGEST_QUEUE_MINUTES = 30
START_BUILD = "arn:aws:scheduler:::aws-sdk:codebuild:startBuild"
"""EventBridge Scheduler calls CodeBuild's StartBuild itself."""
START_ATTEMPTS = 5
START_WITHIN_SECONDS = 1800
HOURS_WITHOUT_DUMP = 26
"""One dump a day, two hours late."""


@dataclass(frozen=True, kw_only=True)
class DatabaseJobsArgs:
    stack: StackContext
    placement: Placement
    releases: ReleaseStore
    """Of the bucket that the dumps are in as well."""
    primary: DatabaseAccess
    replica: DatabaseAccess
    database_name: str
    url_options: str
    """Query string of a connection URL, for the migrations."""
    postgresql_version: str
    storage_gib: int
    node_version: str
    windows: MaintenanceWindows
    restore_test_plan: pulumi.Output[str] | None
    """ARN of AWS Backup's plan, whose restores get a verdict; None without restore tests."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What a job is told, and what it may do."""

    variables: Mapping[str, pulumi.Input[str]]
    permissions: Sequence[iam.Statement]


class DatabaseJobs(pulumi.ComponentResource):
    """A project for each job, with its role and its log, and the schedules of those that nobody starts by hand."""

    migrate: aws.codebuild.Project
    """Waits for the primary only, where the others wait for the replica as well."""
    log_group: str
    """Of the migrations."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: DatabaseJobsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:DatabaseJobs", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        projects = {job: self._create_project(job, self._job(job)) for job in LONGEST_MINUTES}
        group = self._schedule({job: project for job, project in projects.items() if job != "migrate"})

        self.migrate = projects["migrate"]
        self.log_group = self._log_group_name("migrate")
        self.alarms = _alarms({job: project.name for job, project in projects.items()}, group)
        self.register_outputs({"migrate_project": self.migrate.name})

    def _log_group_name(self, job: str) -> str:
        identity = self._args.stack.identity
        return f"/{identity.project}/{identity.environment}/{job}"

    def _job(self, job: str) -> _Job:
        args, identity = self._args, self._args.stack.identity
        certificates = {"CA_BUNDLE_PATH": CA_BUNDLE_PATH}
        bucket = {"BUCKET": args.releases.bucket_name}
        if job == "drill":
            return _Job(
                variables={
                    **certificates,
                    **bucket,
                    "DATABASE_PREFIX": DATABASE_PREFIX,
                    "DRILLS_PREFIX": DRILLS_PREFIX,
                    "DATABASE_USER": DATABASE_USERS[job],
                    "DATABASE_NAME": args.database_name,
                    **({} if args.restore_test_plan is None else {"RESTORE_TEST_PLAN": args.restore_test_plan}),
                },
                permissions=[
                    self._list_dumps(),
                    self._objects("ReadDumps", "GetObject", DATABASE_PREFIX),
                    self._objects("WriteReports", "PutObject", DRILLS_PREFIX),
                    self._use_key("DecryptDumps", "Decrypt GenerateDataKey"),
                    *([] if args.restore_test_plan is None else self._judge_restores(DATABASE_USERS[job])),
                ],
            )
        client = {**certificates, "POSTGRESQL_VERSION": args.postgresql_version}
        user = DATABASE_USERS[job]
        database: Mapping[str, pulumi.Input[str]] = {
            "DATABASE_USER": user,
            "DATABASE_NAME": args.database_name,
            "DATABASE_ENDPOINT": args.primary.endpoint,
        }
        log_in = iam.log_in_statement("LogInToPrimary", identity, args.primary.resource_id, [user])
        if job == "dump":
            return _Job(
                variables={
                    **client,
                    **bucket,
                    **database,
                    "REPLICA_ENDPOINT": args.replica.endpoint,
                    "DATABASE_PREFIX": DATABASE_PREFIX,
                },
                permissions=[
                    log_in,
                    iam.log_in_statement("LogInToReplica", identity, args.replica.resource_id, [user]),
                    self._objects("WriteDumps", "AbortMultipartUpload PutObject", DATABASE_PREFIX),
                    # Of its own upload: S3 decrypts the parts when it joins them.
                    self._use_key("EncryptDumps", "Decrypt GenerateDataKey"),
                ],
            )
        if job == "maintenance":
            return _Job(
                variables={**client, **database, "STORAGE_GIB": str(args.storage_gib)},
                permissions=[log_in],
            )
        return _Job(
            variables={
                **bucket,
                "RELEASES_PREFIX": args.releases.prefix,
                **database,
                "DATABASE_URL_OPTIONS": args.url_options,
                **certificates,
                "NODE_VERSION": args.node_version,
            },
            permissions=[
                log_in,
                self._objects("ReadReleases", "GetObject", args.releases.prefix),
                self._use_key("DecryptReleases", "Decrypt"),
            ],
        )

    def _judge_restores(self, user: str) -> Sequence[iam.Statement]:
        """Of an instance that is made each month nothing but the beginning of its name is known before."""
        identity = self._args.stack.identity
        return [
            # AWS Backup has no resources for them.
            iam.statement(
                "JudgeRestores",
                actions=iam.actions("backup", "ListRestoreJobs PutRestoreValidationResult"),
                resources=["*"],
            ),
            iam.statement(
                "FindRestored",
                actions=["rds:DescribeDBInstances"],
                resources=[f"arn:aws:rds:{identity.arn_scope}:db:awsbackup-restore-test-*"],
            ),
            iam.log_in_statement("LogInToRestored", identity, "*", [user]),
        ]

    def _create_project(self, job: str, described: _Job) -> aws.codebuild.Project:
        args, identity = self._args, self._args.stack.identity
        name = f"{self._name}-{job}"
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            name=self._log_group_name(job),
            retention_in_days=RETENTION_AUDIT_DAYS,
            kms_key_id=args.stack.keys.logs,
            opts=self._child,
        )
        role = iam.service_role(name, "codebuild.amazonaws.com", identity.account_id, self._child)
        statements = [iam.write_log_statement(log_group.arn), *described.permissions, *self._network_interfaces()]
        policy = iam.role_policy(name, role, iam.document(*statements), self._child)
        return aws.codebuild.Project(
            name,
            name=identity.physical_name("aws:codebuild/project:Project", f"{identity.prefix}-{job}"),
            description=f"{job.capitalize()} of the database; docs/data.md",
            service_role=role.arn,
            source={"type": "NO_SOURCE", "buildspec": buildspec(script_of(job))},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "ARM_CONTAINER",
                "compute_type": COMPUTE_TYPE,
                "image": IMAGE,
                "image_pull_credentials_type": "CODEBUILD",
                "privileged_mode": False,
                "environment_variables": [
                    {"name": variable, "value": value, "type": "PLAINTEXT"}
                    for variable, value in described.variables.items()
                ],
            },
            vpc_config={
                "vpc_id": args.placement.vpc_id,
                "subnets": args.placement.subnet_ids,
                "security_group_ids": [args.placement.security_group_id],
            },
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": log_group.name}},
            build_timeout=LONGEST_MINUTES[job],
            queued_timeout=LONGEST_QUEUE_MINUTES,
            # Two of the same job at once could undo each other.
            concurrent_build_limit=1,
            auto_retry_limit=0,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, *args.placement.rules]),
        )

    def _schedule(self, projects: Mapping[str, aws.codebuild.Project]) -> pulumi.Output[str]:
        """Start the jobs in their windows; return the name of the group of the schedules."""
        identity = self._args.stack.identity
        start = iam.statement(
            "StartJobs", actions=["codebuild:StartBuild"], resources=[each.arn for each in projects.values()]
        )
        scheduler = create_scheduler(self._name, "database-jobs", identity, [start], self._child)
        verdicts = [] if self._args.restore_test_plan is None else [VERDICT]
        for schedule in (*self._args.windows.schedules, *verdicts):
            aws.scheduler.Schedule(
                f"{self._name}-schedule-{schedule.name}",
                name=schedule.name,
                group_name=scheduler.group_name,
                description=f"Starts the project {identity.prefix}-{schedule.job}",
                schedule_expression=schedule.expression,
                schedule_expression_timezone="UTC",
                flexible_time_window={"mode": "OFF"},
                target={
                    "arn": START_BUILD,
                    "role_arn": scheduler.role.arn,
                    "input": _start_build(projects[schedule.job].name, schedule.variables),
                    "retry_policy": {
                        "maximum_retry_attempts": START_ATTEMPTS,
                        "maximum_event_age_in_seconds": START_WITHIN_SECONDS,
                    },
                },
                opts=pulumi.ResourceOptions(parent=self, depends_on=[scheduler.policy]),
            )
        return scheduler.group_name

    def _objects(self, sid: str, actions: str, prefix: str) -> iam.Statement:
        return iam.statement(
            sid,
            actions=iam.actions("s3", actions),
            resources=[pulumi.Output.concat(self._args.releases.bucket_arn, f"/{prefix}*")],
        )

    def _list_dumps(self) -> iam.Statement:
        return iam.statement(
            "ListDumps",
            actions=["s3:ListBucket"],
            resources=[self._args.releases.bucket_arn],
            conditions={"StringEquals": {"s3:prefix": DATABASE_PREFIX}},
        )

    def _use_key(self, sid: str, actions: str) -> iam.Statement:
        return iam.statement(
            sid,
            actions=iam.actions("kms", actions),
            resources=[self._args.releases.key_arn],
            conditions=iam.through(self._args.stack.identity.region, "s3"),
        )

    def _network_interfaces(self) -> Sequence[iam.Statement]:
        identity, placement = self._args.stack.identity, self._args.placement
        return iam.network_interface_statements(identity.arn_scope, placement.subnet_ids, placement.security_group_id)


def _start_build(project: pulumi.Output[str], variables: Mapping[str, str]) -> pulumi.Output[str]:
    """Return the input of StartBuild."""
    overrides = [{"Name": name, "Value": value, "Type": "PLAINTEXT"} for name, value in variables.items()]
    return project.apply(
        lambda name: json.dumps({"ProjectName": name, "EnvironmentVariablesOverride": overrides}, sort_keys=True)
    )


def _alarms(projects: Mapping[str, pulumi.Output[str]], group: pulumi.Output[str]) -> Sequence[AlarmSpecification]:
    def builds(metric_name: str, job: str) -> Metric:
        return Metric(
            namespace="AWS/CodeBuild",
            metric_name=metric_name,
            dimensions={"ProjectName": projects[job]},
            statistic="Sum",
        )

    def failed(name: str, job: str, summary: str, severity: Severity) -> AlarmSpecification:
        return AlarmSpecification(
            name=name,
            summary=summary,
            severity=severity,
            measure=builds("FailedBuilds", job),
            threshold=0,
            unit="builds",
            section=DashboardSection.JOBS,
            period_seconds=300,
            evaluation_periods=1,
        )

    return [
        failed("DumpFailed", "dump", "The nightly dump of the database failed", Severity.P2),
        failed(
            "RestoreDrillFailed", "drill", "A dump or a backup could not be restored, or is not complete", Severity.P2
        ),
        failed(
            "DatabaseMaintenanceFailed",
            "maintenance",
            "A VACUUM or REINDEX of the database's maintenance failed",
            Severity.P3,
        ),
        AlarmSpecification(
            name="JobNotStarted",
            summary="EventBridge Scheduler could not start a job on the database",
            severity=Severity.P3,
            measure=Metric(
                namespace="AWS/Scheduler",
                metric_name="InvocationDroppedCount",
                dimensions={"ScheduleGroup": group},
                statistic="Sum",
            ),
            threshold=0,
            unit="starts",
            section=DashboardSection.JOBS,
            period_seconds=300,
            evaluation_periods=1,
        ),
    ]


def buildspec(script: str) -> str:
    """Return a build specification that runs a script of bash."""
    return "version: 0.2\nenv:\n  shell: bash\nphases:\n  build:\n    commands:\n      - |\n" + indent(script, " " * 8)
