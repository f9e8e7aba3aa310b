"""Alarms as data: every component lists its own specifications, and `components/alarms.py` declares the alarms."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import pulumi


class Severity(StrEnum):
    """The guide's incident levels."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"

    @property
    def meaning(self) -> str:
        """The guide's name of the level, and the time within which an operator must respond."""
        return {
            Severity.P1: "Critical, respond within 15 minutes",
            Severity.P2: "High, respond within 1 hour",
            Severity.P3: "Medium, respond within 4 hours",
            Severity.P4: "Low, respond on the next business day",
        }[self]


class DashboardSection(StrEnum):
    """The parts of the dashboard, in their order."""

    SERVICE = "Service"
    EDGE = "Edge"
    DATA = "Data"
    JOBS = "Jobs"


class InOutage(StrEnum):
    """What an alarm has to do with a complete outage, which one alarm tells of: components/shared/outage.py."""

    NOTHING = "nothing"
    """It tells what it sees, in an outage too: it may be the cause."""
    SHOWS_IT = "shows it"
    """It tells nobody: the alarm of the outage looks at it, and tells."""
    FOLLOWS = "follows from it"
    """It is quiet during an outage, which makes it begin too."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One CloudWatch metric, and how the values of a period become one."""

    namespace: str
    metric_name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str
    """`Sum`, `Average`, `Maximum`, `Minimum`, or a percentile such as `p95`."""


@dataclass(frozen=True, kw_only=True)
class MetricMath:
    """A value that is calculated from metrics. Raises ValueError without any: it would measure nothing."""

    expression: str
    """Metric math over the ids in `metrics`."""
    metrics: Mapping[str, Metric]

    def __post_init__(self) -> None:
        if not self.metrics:
            raise ValueError(f"the expression {self.expression} has no metrics")


@dataclass(frozen=True, kw_only=True)
class PrometheusQuery:
    """What a Prometheus measures in place of CloudWatch's metric, from what the application exports."""

    expression: str
    """PromQL without a comparison."""
    divisor: float = 1
    """The threshold is divided by it: CloudWatch counts in a period what `rate` counts in a second."""


@dataclass(frozen=True, kw_only=True)
class AlarmSpecification:
    """One condition of which operators are notified.

    It is true when what is measured, compared with `threshold` by `comparison`, matches in `evaluation_periods`
    consecutive periods.
    """

    name: str
    """Unique in the stack; the guide's name where the guide has one."""
    summary: str
    """What is wrong and its consequence, for the operator on call."""
    severity: Severity
    measure: Metric | MetricMath
    threshold: float
    unit: str
    """Of the threshold, for a person: `%`, `errors`."""
    section: DashboardSection
    """Part of the dashboard."""
    period_seconds: int
    evaluation_periods: int
    comparison: str = "GreaterThanThreshold"
    treat_missing_data: str = "notBreaching"
    """`notBreaching` if missing data means that nothing happened, `breaching` if it means that the resource is gone."""
    prometheus: PrometheusQuery | None = None
    """The same condition for those who have a Prometheus: the alarms of the guide."""
    in_outage: InOutage = InOutage.NOTHING

    @property
    def hold_seconds(self) -> int:
        """How long the condition has to be true: PromQL's `for`."""
        return self.period_seconds * self.evaluation_periods

    @property
    def runbook(self) -> str:
        return runbook_of(self.name)

    @property
    def description(self) -> str:
        """What CloudWatch sends with the alarm."""
        return describe(self.name, self.severity, self.summary)


def runbook_of(name: str) -> str:
    """Return the section of the runbook; alarms of several nodes or zones differ only in a suffix and share one."""
    return f"docs/runbooks.md#{name.partition('-')[0].lower()}"


def describe(name: str, severity: Severity, summary: str) -> str:
    """Return the description of an alarm, in which the function that tells of it finds what people read."""
    return f"{severity} ({severity.meaning}). {summary}. Runbook: {runbook_of(name)}"
