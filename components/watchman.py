"""Silence is an alarm: a function measures each hour how old backups, drills, rotations and secrets are.

It asks for what is there, and not for what was started. Each check has an alarm of its own, for which missing values
count as failures; so a function that does not run is noticed as well. It also mutes alarms in the monthly maintenance
window, which CloudWatch cannot repeat by itself. Each minute it opens a websocket of the API, as a client does. The
function is in components/files/functions/watchman.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.alarm_specification import (
    AlarmSpecification,
    DashboardSection,
    InOutage,
    Metric,
    MetricMath,
    Severity,
)
from components.shared.functions import FunctionArgs, Scheduler, create_function, create_scheduler
from components.shared.keys import StackContext
from components.shared.maintenance_windows import MonthlyWindow
from components.shared.probe import probe_metric
from components.shared.releases import DATABASE_PREFIX, DRILLS_PREFIX

SECONDS = 120
"""A dozen requests, each of which may be repeated."""
METRIC = "Age"
HOURS = 2
"""One missed hour may be AWS's; two are a failure."""
PROBES = 3
"""In a row, a minute apart, until a websocket that does not open is a failure."""


@dataclass(frozen=True, kw_only=True)
class Age:
    """One check, and the value above which somebody is told."""

    check: str
    """As the function calls it."""
    alarm: str
    summary: str
    limit: float
    unit: str
    severity: Severity = Severity.P2


AGES = (
    Age(
        check="dump",
        alarm="DumpMissing",
        summary="The newest complete dump of the database is older than a day and two hours",
        limit=26,
        unit="hours",
    ),
    Age(
        check="drill",
        alarm="RestoreDrillMissing",
        summary="No restore of a dump has succeeded since the drill of last month",
        # Two first Sundays are 35 days apart at most.
        limit=36,
        unit="days",
    ),
    Age(
        check="automated-backup",
        alarm="RestorableTimeOld",
        summary="The database cannot be restored to a moment within the last half hour",
        # RDS stores the log every five minutes.
        limit=30,
        unit="minutes",
    ),
    Age(
        check="rotation",
        alarm="RotationMissing",
        summary="A secret that rotates each month has not been rotated",
        # Two second Sundays are 35 days apart at most; then an operator has a week.
        limit=42,
        unit="days",
        severity=Severity.P3,
    ),
    Age(
        check="vendor-secret",
        alarm="VendorSecretOld",
        summary="A secret of a vendor is older than 90 days",
        limit=90,
        unit="days",
        severity=Severity.P4,
    ),
    Age(
        check="subscription",
        alarm="AddressUnconfirmed",
        summary="An address of the alarms has not confirmed its subscription, or has ended it, and gets no mail",
        limit=0,
        unit="addresses",
        severity=Severity.P3,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Vaults:
    """AWS Backup's vaults, of one name in several regions, or none."""

    name: str
    regions: Sequence[str]

    @property
    def ages(self) -> Sequence[Age]:
        return [
            Age(
                check=f"recovery-point-{region}",
                alarm=f"VaultCopyMissing-{region}",
                summary=f"The newest copy of a backup in {region} is older than a day and a half",
                # A daily backup starts within an hour, and a copy to another region takes hours.
                limit=36,
                unit="hours",
            )
            for region in self.regions
        ]


@dataclass(frozen=True, kw_only=True)
class Call:
    """What the function is called for, again and again."""

    logical_name: str
    """Permanent, without the component's."""
    name: str
    description: str
    expression: str
    task: Mapping[str, str]
    attempts: int
    """How often a call is repeated that AWS Lambda does not take."""
    seconds: int
    """For how long: the next call does the same."""


CALLS = (
    Call(
        logical_name="schedule",
        name="hourly",
        description="Measures how old backups, drills, rotations and secrets are",
        expression="rate(1 hour)",
        task={},
        attempts=10,
        seconds=3600,
    ),
    Call(
        logical_name="probe-schedule",
        name="probe",
        description="Opens a websocket of the API",
        expression="rate(1 minute)",
        task={"task": "probe"},
        attempts=0,
        seconds=60,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Client:
    """What a client of the API asks for, and what it gets."""

    host: str
    path: str
    """Of a websocket that opens without a login."""
    maintenance: bool
    """Whether everybody gets the notice of maintenance: then that is the right answer."""
    health_check: pulumi.Input[str] | None
    """Id of Route 53's check, if its metric has to be brought to the stack's region."""

    @property
    def status(self) -> int:
        return 503 if self.maintenance else 101


@dataclass(frozen=True, kw_only=True)
class WatchmanArgs:
    stack: StackContext
    bucket_name: pulumi.Input[str]
    database_identifier: pulumi.Input[str]
    database_arn: pulumi.Input[str]
    copies: Vaults
    rotated_secret_arns: Sequence[pulumi.Input[str]]
    vendor_secret_arns: Sequence[pulumi.Input[str]]
    mail_topics: Sequence[tuple[pulumi.Output[str], int]]
    """Topics that mail people, and how many addresses each should have."""
    monthly: MonthlyWindow
    muted_alarms: Sequence[str]
    """Physical names of the alarms that are quiet in the monthly window: never those of P1."""
    client: Client
    dead_letters_arn: pulumi.Input[str]
    """Queue of calls that could not be made, of which an alarm tells."""


class Watchman(pulumi.ComponentResource):
    """The function, the schedules that call it, and an alarm for each check."""

    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: WatchmanArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Watchman", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._prefix = args.stack.identity.prefix

        function = self._create_function()
        group = self._schedule(function)
        self.alarms = [*self._age_alarms(), websocket_alarm(self._prefix), _failed(function.name, group)]

        self.register_outputs({"function": function.name})

    def _create_function(self) -> aws.lambda_.Function:
        _, function = create_function(
            self._name,
            FunctionArgs(
                stack=self._args.stack,
                package="watchman",
                description="Measures how old backups and secrets are, and opens a websocket; docs/monitoring.md",
                seconds=SECONDS,
                variables={"METRIC_NAMESPACE": self._prefix, "WATCHED": self._watched()},
                statements=self._permissions(),
                # A call of the hour and one of the minute.
                at_once=2,
            ),
            self._child,
        )
        return function

    def _watched(self) -> pulumi.Output[str]:
        args = self._args
        monthly = args.monthly
        return pulumi.Output.json_dumps(
            {
                "bucket": args.bucket_name,
                "dumps": DATABASE_PREFIX,
                "drills": DRILLS_PREFIX,
                "database": args.database_identifier,
                "vault": args.copies.name,
                "vault_regions": list(args.copies.regions),
                "rotated": list(args.rotated_secret_arns),
                "vendors": list(args.vendor_secret_arns),
                "topics": pulumi.Output.all(*(arn for arn, _ in args.mail_topics)).apply(self._addresses),
                "prefix": self._prefix,
                "window": {"day": monthly.day, "start": monthly.start, "minutes": monthly.minutes},
                "alarms": sorted(args.muted_alarms),
                "api": {"host": args.client.host, "path": args.client.path, "status": args.client.status},
                "health_check": args.client.health_check or "",
            }
        )

    def _addresses(self, arns: Sequence[str]) -> dict[str, int]:
        return dict(zip(arns, (addresses for _, addresses in self._args.mail_topics), strict=True))

    def _permissions(self) -> Sequence[iam.Statement]:
        """Names and ages, and no object, value or message."""
        args, identity = self._args, self._args.stack.identity
        rules = f"arn:aws:cloudwatch:{identity.arn_scope}:alarm-mute-rule:{self._prefix}-monthly-*"
        alarms = f"arn:aws:cloudwatch:{identity.arn_scope}:alarm:{self._prefix}-*"
        vaults = [
            pulumi.Output.concat(f"arn:aws:backup:{region}:{identity.account_id}:backup-vault:", args.copies.name)
            for region in args.copies.regions
        ]
        statements = [
            iam.statement(
                "WriteAges",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": self._prefix}},
            ),
            iam.statement(
                "ListDumps",
                actions=["s3:ListBucket"],
                resources=[pulumi.Output.concat("arn:aws:s3:::", args.bucket_name)],
                conditions={"StringEquals": {"s3:prefix": [DATABASE_PREFIX, DRILLS_PREFIX]}},
            ),
            iam.statement("SeeDatabase", actions=["rds:DescribeDBInstances"], resources=[args.database_arn]),
            iam.statement(
                "SeeSecrets",
                actions=["secretsmanager:DescribeSecret"],
                resources=[*args.rotated_secret_arns, *args.vendor_secret_arns],
            ),
            iam.statement(
                "SeeAddresses", actions=["sns:ListSubscriptionsByTopic"], resources=[arn for arn, _ in args.mail_topics]
            ),
            # AWS asks for the rule and for each alarm that it mutes.
            iam.statement("MuteAlarms", actions=["cloudwatch:PutAlarmMuteRule"], resources=[rules, alarms]),
        ]
        see_vaults = iam.statement("SeeVaults", actions=["backup:ListRecoveryPointsByBackupVault"], resources=vaults)
        return [*statements, *([see_vaults] if vaults else []), *self._see_outside()]

    def _see_outside(self) -> Sequence[iam.Statement]:
        if self._args.client.health_check is None:
            return []
        check = pulumi.Output.concat("arn:aws:route53:::healthcheck/", self._args.client.health_check)
        return [iam.statement("SeeOutside", actions=["route53:GetHealthCheckStatus"], resources=[check])]

    def _schedule(self, function: aws.lambda_.Function) -> pulumi.Output[str]:
        """Return the group of the schedules."""
        stack = self._args.stack
        statements = [
            iam.statement("Call", actions=["lambda:InvokeFunction"], resources=[function.arn]),
            iam.statement("KeepDeadLetters", actions=["sqs:SendMessage"], resources=[self._args.dead_letters_arn]),
            iam.statement(
                "EncryptDeadLetters",
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[stack.keys.notifications],
                conditions=iam.through(stack.identity.region, "sqs"),
            ),
        ]
        scheduler = create_scheduler(self._name, "watchman", stack.identity, statements, self._child)
        for call in CALLS:
            self._call(call, function, scheduler)
        return scheduler.group_name

    def _call(self, call: Call, function: aws.lambda_.Function, scheduler: Scheduler) -> None:
        aws.scheduler.Schedule(
            f"{self._name}-{call.logical_name}",
            name=call.name,
            group_name=scheduler.group_name,
            description=call.description,
            schedule_expression=call.expression,
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": function.arn,
                "role_arn": scheduler.role.arn,
                "input": json.dumps(call.task),
                "retry_policy": {
                    "maximum_event_age_in_seconds": call.seconds,
                    "maximum_retry_attempts": call.attempts,
                },
                "dead_letter_config": {"arn": self._args.dead_letters_arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[scheduler.policy]),
        )

    def _age_alarms(self) -> Sequence[AlarmSpecification]:
        return [
            AlarmSpecification(
                name=age.alarm,
                summary=age.summary,
                severity=age.severity,
                measure=Metric(
                    namespace=self._prefix,
                    metric_name=METRIC,
                    dimensions={"Check": age.check},
                    statistic="Maximum",
                ),
                threshold=age.limit,
                unit=age.unit,
                section=DashboardSection.JOBS,
                period_seconds=3600,
                evaluation_periods=HOURS,
                treat_missing_data="breaching",
            )
            for age in (*AGES, *self._args.copies.ages)
        ]


def websocket_alarm(namespace: str) -> AlarmSpecification:
    """Return the alarm of the probe, which unlike the others may be quiet in the monthly window."""
    return AlarmSpecification(
        name="WebsocketFails",
        summary="A websocket of the API does not open from outside, or nobody tries",
        severity=Severity.P2,
        measure=probe_metric(namespace, "websocket"),
        comparison="LessThanThreshold",
        threshold=1,
        unit="successes",
        section=DashboardSection.SERVICE,
        in_outage=InOutage.FOLLOWS,
        period_seconds=60,
        evaluation_periods=PROBES,
        treat_missing_data="breaching",
    )


def _failed(function_name: pulumi.Output[str], schedule_group: pulumi.Output[str]) -> AlarmSpecification:
    errors = Metric(
        namespace="AWS/Lambda", metric_name="Errors", dimensions={"FunctionName": function_name}, statistic="Sum"
    )
    dropped = Metric(
        namespace="AWS/Scheduler",
        metric_name="InvocationDroppedCount",
        dimensions={"ScheduleGroup": schedule_group},
        statistic="Sum",
    )
    return AlarmSpecification(
        name="WatchmanFailed",
        summary="The function that looks after backups, drills, rotations and secrets could not ask for all of them, "
        "could not mute alarms in the next monthly window, or could not try the API",
        severity=Severity.P3,
        measure=MetricMath(
            expression="FILL(errors, 0) + FILL(dropped, 0)", metrics={"errors": errors, "dropped": dropped}
        ),
        threshold=0,
        unit="errors",
        section=DashboardSection.JOBS,
        period_seconds=300,
        evaluation_periods=1,
    )
