"""What an operator must be told about, as data: every component lists its own, `alarms.py` turns them into alarms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        """The guide's name of the level and the time within which somebody answers."""
        return {
            Severity.P1: "Critical, answer within 15 minutes",
            Severity.P2: "High, answer within 1 hour",
            Severity.P3: "Medium, answer within 4 hours",
            Severity.P4: "Low, answer on the next business day",
        }[self]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One CloudWatch metric of a metric-math alarm."""

    namespace: str
    metric_name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str


@dataclass(frozen=True, kw_only=True)
class AlarmSpecification:
    """One condition of one thing that somebody should be told about.

    It holds when the metric compares to `threshold` as `comparison` says in `evaluation_periods` periods in a row.
    """

    name: str
    """Unique in the stack; the guide's name where the guide has one."""
    summary: str
    """What is wrong and what follows from it, for the person who is woken."""
    severity: Severity
    threshold: float
    period_seconds: int
    evaluation_periods: int
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    statistic: str | None = None
    """`Sum`, `Average`, `Maximum`, `Minimum`, or a percentile such as `p95`."""
    expression: str | None = None
    """Metric math over the ids in `metrics`, in place of the one metric."""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    comparison: str = "GreaterThanThreshold"
    treat_missing_data: str = "notBreaching"
    """`notBreaching` where no data means that nothing happened, `breaching` where it means that the thing is gone."""

    @property
    def runbook(self) -> str:
        """Where it is written what to do; alarms of several nodes or zones, told apart by a suffix, share a section."""
        return f"docs/runbooks.md#{self.name.partition('-')[0].lower()}"
