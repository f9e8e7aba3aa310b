"""Monitoring services integrated: whatever an outage begins with raises an alarm before it is one.

For each kind of resource a table says which metrics have to be watched, and how loosely at the most. The figures are
the loosest at which there is still time to act; the platform's own alarms are tighter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.watch import CACHE, Measurement, index_alarms

ABOVE: Final = frozenset({"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"})
BELOW: Final = frozenset({"LessThanThreshold", "LessThanOrEqualToThreshold"})
BYTES_PER_GIB: Final = 1024**3
LARGEST_SHARE_IN_USE: Final = 0.9
SMALLEST_DISK_GIB: Final = 20
"""Of a database whose size is not given: the least that RDS sells."""
FIVE_MINUTES: Final = 5 * 60
HALF_AN_HOUR: Final = 30 * 60
A_DAY: Final = 24 * 60 * 60


def _always(_: StackResource) -> bool:
    return True


def _is_replica(database: StackResource) -> bool:
    return database.is_set("replicateSourceDb")


def _is_public(certificate: StackResource) -> bool:
    """Amazon renews only what it has issued, and that is what DNS validation is for."""
    return certificate.is_set("validationMethod")


@dataclass(frozen=True, kw_only=True)
class VitalSign:
    """A metric that tells of an outage before users do."""

    metric: str
    comparisons: frozenset[str] = ABOVE
    loosest: Callable[[StackResource], float]
    """The threshold beyond which an alarm comes too late."""
    window_seconds: int = HALF_AN_HOUR
    """How long the condition may hold before the alarm fires."""
    concerns: Callable[[StackResource], bool] = _always
    """Which resources of the kind have the metric."""

    def is_watched_by(self, alarm: StackResource, measurement: Measurement, subject: StackResource) -> bool:
        """Tell whether this alarm fires in time."""
        if measurement.metric != self.metric:
            return False
        comparison, threshold = alarm.get("comparisonOperator"), alarm.get("threshold")
        in_time = 0 < measurement.period_seconds * alarm.get("evaluationPeriods") <= self.window_seconds
        if comparison not in self.comparisons or not in_time:
            return False
        loosest = self.loosest(subject)
        return bool(threshold <= loosest if self.comparisons is ABOVE else threshold >= loosest)


def _always_at(value: float) -> Callable[[StackResource], float]:
    return lambda _: value


def _tenth_of_the_disk(database: StackResource) -> float:
    disk = database.get("allocatedStorage") or SMALLEST_DISK_GIB
    return float(disk) * (1 - LARGEST_SHARE_IN_USE) * BYTES_PER_GIB


VITAL_SIGNS: Final[Mapping[str, Sequence[VitalSign]]] = {
    "aws:rds/instance": (
        VitalSign(metric="CPUUtilization", loosest=_always_at(90)),
        VitalSign(metric="FreeStorageSpace", comparisons=BELOW, loosest=_tenth_of_the_disk),
        VitalSign(metric="ReplicaLag", loosest=_always_at(120), concerns=_is_replica),
    ),
    CACHE: (
        VitalSign(metric="EngineCPUUtilization", loosest=_always_at(90)),
        VitalSign(metric="DatabaseMemoryUsagePercentage", loosest=_always_at(90)),
        VitalSign(metric="Evictions", loosest=_always_at(100)),
    ),
    "aws:lb/loadBalancer": (
        VitalSign(metric="HealthyHostCount", comparisons=BELOW, loosest=_always_at(1), window_seconds=FIVE_MINUTES),
        VitalSign(metric="UnHealthyHostCount", loosest=_always_at(1)),
        VitalSign(metric="RejectedConnectionCount", loosest=_always_at(100), window_seconds=FIVE_MINUTES),
    ),
    "aws:autoscaling/group": (VitalSign(metric="CPUUtilization", loosest=_always_at(95)),),
    "aws:ec2/natGateway": (VitalSign(metric="ErrorPortAllocation", loosest=_always_at(10)),),
    "aws:acm/certificate": (
        VitalSign(
            metric="DaysToExpiry",
            comparisons=BELOW,
            loosest=_always_at(14),
            window_seconds=2 * A_DAY,
            concerns=_is_public,
        ),
    ),
}


def _is_watched(subject: StackResource, context: Context) -> Iterator[Problem]:
    watch = context.stack.derived(index_alarms)
    alarms = watch.on(subject)
    missing = [
        sign.metric
        for sign in VITAL_SIGNS[subject.type]
        if sign.concerns(subject)
        and len({alarm.urn for alarm, measurement in alarms if sign.is_watched_by(alarm, measurement, subject)})
        < _nodes(subject)
    ]
    if missing:
        watch.require_known()
        yield f"has no alarm, or one that fires too late, for {', '.join(missing)}: it fails unseen"


def _nodes(subject: StackResource) -> int:
    """How many machines have figures of their own: each node of a cache, and otherwise the resource as a whole."""
    return int(subject.get("numCacheClusters") or 1) if subject.type == CACHE else 1


RULES = (
    Rule(
        name="monitoring-has-required-alarms",
        description="Whatever holds state or stands in the way of every request has alarms for what brings it down.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html",
        scope=Scope.STACK,
        resource_types=frozenset(VITAL_SIGNS),
        check=_is_watched,
        remediation="Keep the alarm in the component's alarm specifications, with a threshold that leaves time to act.",
    ),
)
