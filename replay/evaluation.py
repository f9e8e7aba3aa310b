"""How CloudWatch decides on the state of a metric alarm.

Pages "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data" of the CloudWatch user guide. Data
points are written as there: `X` is breaching, `0` is not, `-` is missing; the most recent is the last. `?` is a
percentile of too few samples.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from replay.metric_math import Formula
from replay.metrics import Column, Samples, datapoints, least_samples, percent, statistic

DAY = 24 * 60
HOUR = 60
EXTRA_POINTS = 2
"""How many data points are retrieved beyond the evaluation periods, in case some are missing: 5 for 3 in AWS's
examples. The number for other alarms is not documented."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


class State(StrEnum):
    """Of an alarm."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class MissingData(StrEnum):
    """What a missing data point is taken for."""

    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"
    IGNORE = "ignore"
    MISSING = "missing"


_FILLERS = {MissingData.BREACHING: "X", MissingData.NOT_BREACHING: "0"}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One metric of an alarm."""

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    unit: str | None = None
    statistic: str


@dataclass(frozen=True, kw_only=True)
class Condition:
    """When a metric alarm is in which state. Raises ValueError for what cannot be evaluated."""

    measures: Mapping[str, Measure]
    """By the ids that the expressions use."""
    expressions: Mapping[str, Formula]
    result: str
    """Id of the measure or expression that is compared with the threshold."""
    comparison: str
    threshold: float
    period: int
    """In minutes."""
    periods: int
    """N of "M of N": how many data points decide."""
    alarms: int
    """M: so many of them have to be breaching."""
    missing: MissingData = MissingData.MISSING
    ignore_few_samples: bool = False
    """Whether percentiles of too few samples leave the state as it is."""

    def __post_init__(self) -> None:
        if self.comparison not in COMPARISONS:
            raise ValueError(f"the comparison {self.comparison}")
        for measure in self.measures.values():
            statistic(measure.statistic)
        for formula in self.expressions.values():
            if unknown := formula.names() - {*self.measures, *self.expressions}:
                raise ValueError(f"the name {min(unknown)} in {formula.text}")
        self._column({key: [] for key in self.measures}, self.result)

    @property
    def interval(self) -> int:
        """Minutes from one evaluation to the next: alarms that look at more than a day are evaluated once an hour."""
        return HOUR if self.periods * self.period > DAY else 1

    def changes(self, samples: Mapping[str, Samples], state: State, after: int, until: int) -> list[tuple[int, State]]:
        """Return at which minutes the alarm changes from `state` to which states; `after` is excluded."""
        reach = self.periods + EXTRA_POINTS
        back = (reach - 1) * self.period
        first = after + 1
        points = self._points(samples, range(first - back, until + 1))
        result = []
        for index in self._moments(points, back, first):
            found = verdict(points[index - back : index + 1 : self.period], self.alarms, self.periods, self.missing)
            if found is not None and found != state:
                state = found
                result.append((first + index - back, state))
        return result

    def _moments(self, points: str, back: int, first: int) -> list[int]:
        """Return the indices of `points` at which the alarm is evaluated and can find something new."""
        starts = [run.start() for run in re.finditer(r"(.)\1*", points)]
        moments = {back} | {start + back - lag for start in starts for lag in range(0, back + 1, self.period)}
        shift = first - back
        evaluated = {-(-(shift + moment) // self.interval) * self.interval - shift for moment in moments}
        return sorted(moment for moment in evaluated if back <= moment < len(points))

    def _points(self, samples: Mapping[str, Samples], ends: range) -> str:
        columns = {
            key: datapoints(samples[key], measure.statistic, self.period, ends)
            for key, measure in self.measures.items()
        }
        compare = COMPARISONS[self.comparison]
        threshold = self.threshold
        points = [
            "-" if value is None else "X" if compare(value, threshold) else "0"
            for value in self._column(columns, self.result)
        ]
        if self.ignore_few_samples and self.result in self.measures:
            rank = percent(self.measures[self.result].statistic)
            least = 0 if rank is None else least_samples(rank)
            counts = datapoints(samples[self.result], "SampleCount", self.period, ends)
            points = [
                "?" if count is not None and count < least else point
                for point, count in zip(points, counts, strict=True)
            ]
        return "".join(points)

    def _column(self, columns: Mapping[str, Column], key: str) -> Column:
        if key in columns:
            return columns[key]
        formula = self.expressions[key]
        inputs = {name: self._column(columns, name) for name in formula.names()}
        return formula.column(inputs, self.period, self.periods + EXTRA_POINTS)


@lru_cache(maxsize=100_000)
def verdict(points: str, alarms: int, periods: int, missing: MissingData) -> State | None:
    """Return the state that follows from the data points of the evaluation range; None leaves it as it is."""
    real = points.replace("-", "")
    evaluated = real[-periods:] + _FILLERS.get(missing, "-") * (periods - len(real))
    if "?" in evaluated:
        return None
    if evaluated.count("X") >= alarms:
        return State.ALARM
    if not real and missing is MissingData.MISSING:
        return State.INSUFFICIENT_DATA
    if "0" in evaluated:
        return State.OK
    # Some data points, fewer than M, all of them breaching, among missing ones. An alarm is not raised for the most
    # recent ones alone, but when the oldest is as old as M periods. Until then the state is not documented: it stays.
    age = len(points) - points.find("X")
    return State.ALARM if missing is MissingData.MISSING and age >= alarms else None
