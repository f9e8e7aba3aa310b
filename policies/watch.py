"""Which alarm of a stack watches which resource, through its dimensions or through metric math."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from policies.engine.resource import StackResource, UnknownValue
from policies.engine.stack import StackGraph

ALARM: Final = "aws:cloudwatch/metricAlarm"
CACHE: Final = "aws:elasticache/replicationGroup"
CACHE_NODE_DIMENSION: Final = "CacheClusterId"
WATCHED_KINDS: Final = (
    "aws:acm/certificate",
    "aws:autoscaling/group",
    "aws:ec2/natGateway",
    "aws:lb/loadBalancer",
    "aws:rds/instance",
    CACHE,
)
"""Kinds that CloudWatch's dimensions name."""


@dataclass(frozen=True)
class Measurement:
    """One metric that an alarm watches."""

    metric: str
    statistic: str
    period_seconds: int
    dimensions_path: str


def _measurements(alarm: StackResource) -> Sequence[Measurement]:
    """Return what an alarm watches, directly or through metric math."""
    if alarm.is_set("metricName"):
        statistic = alarm.get("extendedStatistic") or alarm.get("statistic")
        return [Measurement(alarm.get("metricName"), str(statistic), alarm.get("period") or 0, "dimensions")]
    return [
        Measurement(
            query.get("metric.metricName"),
            str(query.get("metric.stat")),
            query.get("metric.period") or 0,
            f"metricQueries.{index}.metric.dimensions",
        )
        for index, query in enumerate(alarm.items("metricQueries"))
        if query.is_set("metric")
    ]


@dataclass(frozen=True)
class AlarmIndex:
    """Which alarms measure which resource, by URN, and what is not known about that."""

    alarms: Mapping[str, Sequence[tuple[StackResource, Measurement]]]
    unknown_references: Sequence[UnknownValue]

    def on(self, subject: StackResource) -> Sequence[tuple[StackResource, Measurement]]:
        """Return the alarms on a resource, each with what it measures."""
        return self.alarms.get(subject.urn, ())

    def require_known(self) -> None:
        """Raise UnknownValue if there may be more alarms than are known: before reporting that one is missing."""
        for unknown in self.unknown_references:
            raise unknown


def index_alarms(stack: StackGraph) -> AlarmIndex:
    alarms: dict[str, list[tuple[StackResource, Measurement]]] = defaultdict(list)
    unknown_references: list[UnknownValue] = []
    for alarm in stack.of_type(ALARM):
        try:
            for measurement in _measurements(alarm):
                for subject in _subjects(alarm, measurement, stack):
                    alarms[subject.urn].append((alarm, measurement))
        except UnknownValue as unknown:
            unknown_references.append(unknown)
    return AlarmIndex(alarms, unknown_references)


def _subjects(alarm: StackResource, measurement: Measurement, stack: StackGraph) -> Iterator[StackResource]:
    for name, value in (alarm.get(measurement.dimensions_path) or {}).items():
        path = f"{measurement.dimensions_path}.{name}"
        for kind in WATCHED_KINDS:
            yield from stack.targets(alarm, path, kind)
        if isinstance(value, str) and name == CACHE_NODE_DIMENSION:
            # CloudWatch knows a replication group's nodes only, which ElastiCache names after the group: "<group>-001".
            yield from stack.named(CACHE, value.rpartition("-")[0])
