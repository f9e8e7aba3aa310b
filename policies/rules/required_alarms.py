"""Monitoring services integrated: the conditions that come before an outage raise an alarm.

A table says for each resource type which metrics need an alarm, and the threshold at which an alarm still leaves time
to act. The platform's own alarms are stricter.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from policies import aws
from policies.aws import ABOVE, BELOW, Measurement
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

BYTES_PER_GIB: Final = 1024**3
FREE_STORAGE_SHARE: Final = 0.1
SMALLEST_STORAGE_GIB: Final = 20
"""RDS's minimum, for a database whose size is not given."""
FIVE_MINUTES: Final = 5 * 60
HALF_AN_HOUR: Final = 30 * 60
A_DAY: Final = 24 * 60 * 60


def _always(_: StackResource) -> bool:
    return True


def _is_issued_by_amazon(certificate: StackResource) -> bool:
    """Tell whether Amazon renews a certificate: an imported one has no validation method."""
    return certificate.is_set("validationMethod")


@dataclass(frozen=True, kw_only=True)
class RequiredAlarm:
    """A metric that needs an alarm."""

    metric: str
    comparisons: frozenset[str] = ABOVE
    threshold_limit: Callable[[StackResource], float]
    """The threshold beyond which the alarm of a resource fires too late."""
    window_seconds: int = HALF_AN_HOUR
    """How long the condition may last before the alarm fires."""
    applies_to: Callable[[StackResource], bool] = _always
    """Which resources of the type have the metric."""

    def is_met_by(self, alarm: StackResource, measurement: Measurement, subject: StackResource) -> bool:
        """Tell whether this alarm fires in time."""
        if measurement.metric != self.metric:
            return False
        comparison, threshold = alarm.get("comparisonOperator"), alarm.number("threshold")
        in_time = 0 < measurement.period_seconds * (alarm.number("evaluationPeriods") or 0) <= self.window_seconds
        if comparison not in self.comparisons or not in_time or threshold is None:
            return False
        limit = self.threshold_limit(subject)
        return bool(threshold <= limit if self.comparisons is ABOVE else threshold >= limit)


def _constant(value: float) -> Callable[[StackResource], float]:
    return lambda _: value


def _tenth_of_storage(database: StackResource) -> float:
    storage_gib = database.number("allocatedStorage") or SMALLEST_STORAGE_GIB
    return float(storage_gib) * FREE_STORAGE_SHARE * BYTES_PER_GIB


REQUIRED_ALARMS: Final[Mapping[str, Sequence[RequiredAlarm]]] = {
    aws.DB_INSTANCE: (
        RequiredAlarm(metric="CPUUtilization", threshold_limit=_constant(90)),
        RequiredAlarm(metric="FreeStorageSpace", comparisons=BELOW, threshold_limit=_tenth_of_storage),
        RequiredAlarm(metric="ReplicaLag", threshold_limit=_constant(120), applies_to=aws.is_replica),
        # A replica that has stopped reports a lag of -1.
        RequiredAlarm(metric="ReplicaLag", comparisons=BELOW, threshold_limit=_constant(0), applies_to=aws.is_replica),
    ),
    aws.CACHE: (
        RequiredAlarm(metric="EngineCPUUtilization", threshold_limit=_constant(90)),
        RequiredAlarm(metric="DatabaseMemoryUsagePercentage", threshold_limit=_constant(90)),
        RequiredAlarm(metric="Evictions", threshold_limit=_constant(100)),
    ),
    aws.LOAD_BALANCER: (
        RequiredAlarm(
            metric="HealthyHostCount", comparisons=BELOW, threshold_limit=_constant(1), window_seconds=FIVE_MINUTES
        ),
        RequiredAlarm(metric="UnHealthyHostCount", threshold_limit=_constant(1)),
        RequiredAlarm(metric="RejectedConnectionCount", threshold_limit=_constant(100), window_seconds=FIVE_MINUTES),
    ),
    aws.AUTO_SCALING_GROUP: (
        RequiredAlarm(metric="CPUUtilization", threshold_limit=_constant(95)),
        # From the CloudWatch agent: EC2 does not see how full a disk is.
        RequiredAlarm(metric="disk_used_percent", threshold_limit=_constant(90)),
    ),
    aws.BACKUP_VAULT: (
        RequiredAlarm(
            metric="NumberOfBackupJobsCompleted",
            comparisons=BELOW,
            threshold_limit=_constant(1),
            window_seconds=2 * A_DAY,
        ),
        *(
            RequiredAlarm(metric=f"NumberOf{jobs}", threshold_limit=_constant(0))
            for jobs in (
                "BackupJobsAborted",
                "BackupJobsExpired",
                "BackupJobsFailed",
                "CopyJobsFailed",
                "RestoreJobsFailed",
            )
        ),
    ),
    aws.SCHEDULE_GROUP: (RequiredAlarm(metric="InvocationDroppedCount", threshold_limit=_constant(0)),),
    aws.NAT_GATEWAY: (RequiredAlarm(metric="ErrorPortAllocation", threshold_limit=_constant(10)),),
    aws.DISTRIBUTION: (RequiredAlarm(metric="5xxErrorRate", threshold_limit=_constant(10)),),
    aws.HEALTH_CHECK: (
        RequiredAlarm(
            metric="HealthCheckStatus", comparisons=BELOW, threshold_limit=_constant(1), window_seconds=FIVE_MINUTES
        ),
    ),
    aws.DNSSEC: (
        RequiredAlarm(metric="DNSSECInternalFailure", threshold_limit=_constant(0), window_seconds=A_DAY),
        RequiredAlarm(metric="DNSSECKeySigningKeysNeedingAction", threshold_limit=_constant(0), window_seconds=A_DAY),
    ),
    aws.CERTIFICATE: (
        RequiredAlarm(
            metric="DaysToExpiry",
            comparisons=BELOW,
            threshold_limit=_constant(14),
            window_seconds=2 * A_DAY,
            applies_to=_is_issued_by_amazon,
        ),
    ),
}


OF_SCHEDULED_BUILDS: Final = (
    RequiredAlarm(metric="FailedBuilds", threshold_limit=_constant(0)),
    RequiredAlarm(metric="SucceededBuilds", comparisons=BELOW, threshold_limit=_constant(1), window_seconds=2 * A_DAY),
)
"""Alarms of which a build that nobody starts by hand needs one."""


@rule(
    "monitoring-has-required-alarms",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=REQUIRED_ALARMS,
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html",
    remediation="Keep the alarm in the component's alarm specifications, with a threshold that leaves time to act.",
)
def has_required_alarms(subject: StackResource, context: Context) -> Iterator[Problem]:
    """Resources that can cause an outage have alarms on the metrics that show it early."""
    if aws.is_watched_elsewhere(subject, context.stack):
        return
    index = context.stack.derived(aws.index_alarms)
    missing = [
        required.metric
        for required in REQUIRED_ALARMS[subject.type]
        if required.applies_to(subject)
        and len({alarm.urn for alarm, measured in index.on(subject) if required.is_met_by(alarm, measured, subject)})
        < _nodes(subject)
    ]
    if missing:
        index.require_known()
        yield f"has no alarm, or one that fires too late, for {', '.join(missing)}"


@rule(
    "monitoring-scheduled-builds-have-alarm",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SCHEDULE],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/codebuild/latest/userguide/monitoring-metrics.html",
    remediation="Keep the alarm of the job in components/database_jobs.py.",
)
def scheduled_builds_have_alarm(schedule: StackResource, context: Context) -> Iterator[Problem]:
    """Builds that a schedule starts have an alarm on failures, or on the absence of a success."""
    if not str(schedule.get("target.arn")).endswith(":startBuild"):
        return
    name = json.loads(str(schedule.get("target.input")))["ProjectName"]
    index = context.stack.derived(aws.index_alarms)
    for project in context.stack.named(aws.BUILD_PROJECT, name):
        alarms = index.on(project)
        if not any(each.is_met_by(alarm, seen, project) for each in OF_SCHEDULED_BUILDS for alarm, seen in alarms):
            index.require_known()
            yield f"starts {name}, of which nobody is told that it fails"


OF_ROTATIONS: Final = RequiredAlarm(metric="Errors", threshold_limit=_constant(0))


@rule(
    "monitoring-rotations-have-alarm",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET_ROTATION],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html",
    remediation="Keep the alarm in components/credentials.py.",
)
def rotations_have_alarm(rotation: StackResource, context: Context) -> Iterator[Problem]:
    """Functions that rotate secrets have an alarm on errors."""
    index = context.stack.derived(aws.index_alarms)
    for function in context.stack.targets(rotation, "rotationLambdaArn", aws.FUNCTION):
        if not any(OF_ROTATIONS.is_met_by(alarm, seen, function) for alarm, seen in index.on(function)):
            index.require_known()
            yield f"is done by {function.name}, of which nobody is told that it fails"


def _nodes(subject: StackResource) -> int:
    """Return how many alarms of a metric a resource needs: one for each node of a cache, otherwise one."""
    return int(subject.number("numCacheClusters") or 1) if subject.type == aws.CACHE else 1
