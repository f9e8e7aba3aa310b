"""Silence is an alarm: a function measures each hour how old backups, drills, rotations and secrets are.

It asks for what is there, and not for what was started. Each check has an alarm of its own, for which missing values
count as failures; so a function that does not run is noticed as well. It also mutes alarms in the monthly maintenance
window, which CloudWatch cannot repeat by itself. The function is in components/files/functions/watchman.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, MetricMath, Severity
from components.shared.functions import FunctionArgs, create_function, create_scheduler
from components.shared.keys import StackContext
from components.shared.maintenance_windows import MonthlyWindow
from components.shared.releases import DATABASE_PREFIX, DRILLS_PREFIX

SECONDS = 120
"""A dozen requests, each of which may be repeated."""
METRIC = "Age"
HOURS = 2
"""One missed hour may be AWS's; two are a failure."""


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


class Watchman(pulumi.ComponentResource):
    """The function, the schedule that calls it, and an alarm for each check."""

    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: WatchmanArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Watchman", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._prefix = args.stack.identity.prefix

        function = self._create_function()
        group = self._schedule(function)
        self.alarms = [*self._age_alarms(), _failed(function.name, group)]

        self.register_outputs({"function": function.name})

    def _create_function(self) -> aws.lambda_.Function:
        _, function = create_function(
            self._name,
            FunctionArgs(
                stack=self._args.stack,
                package="watchman",
                description="Measures how old backups, drills, rotations and secrets are; docs/monitoring.md",
                seconds=SECONDS,
                variables={"METRIC_NAMESPACE": self._prefix, "WATCHED": self._watched()},
                statements=self._permissions(),
                # Never two at once: both would write the same rules.
                at_once=1,
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
        return [*statements, *([see_vaults] if vaults else [])]

    def _schedule(self, function: aws.lambda_.Function) -> pulumi.Output[str]:
        """Return the group of the schedule. Calls that were dropped are in no queue: the next one is an hour later."""
        call = iam.statement("Call", actions=["lambda:InvokeFunction"], resources=[function.arn])
        scheduler = create_scheduler(self._name, "watchman", self._args.stack.identity, [call], self._child)
        aws.scheduler.Schedule(
            f"{self._name}-schedule",
            name="hourly",
            group_name=scheduler.group_name,
            description="Measures how old backups, drills, rotations and secrets are",
            schedule_expression="rate(1 hour)",
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={"arn": function.arn, "role_arn": scheduler.role.arn, "input": "{}"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[scheduler.policy]),
        )
        return scheduler.group_name

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
        "or could not mute alarms in the next monthly window",
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
