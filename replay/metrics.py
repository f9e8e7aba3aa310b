"""Periods: many values become one data point by a statistic."""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from operator import mul

Value = float | None
"""A data point; None if it is missing."""
Column = Sequence[Value]
"""One data point for each moment at which a period ends."""

_PERCENTILE = re.compile(r"^p(\d{1,2}(?:\.\d+)?|100)$")


@dataclass(frozen=True)
class Samples:
    """Values in the order of the minutes in which they were measured; minutes are counted from 1970."""

    minutes: Sequence[int]
    values: Sequence[float]
    counts: Sequence[int]
    """How often each was measured."""


Statistic = Callable[[Sequence[float], Sequence[int]], float]
"""What becomes of values and their counts. There is one value or more."""


@lru_cache
def statistic(name: str) -> Statistic:
    """Return the statistic with this name. Raises ValueError if there is none."""
    if name in _STATISTICS:
        return _STATISTICS[name]
    if (rank := percent(name)) is not None:
        return lambda values, counts: _percentile(rank, values, counts)
    raise ValueError(f"the statistic {name}")


def percent(name: str) -> Fraction | None:
    """Return the rank of a percentile: 95 of `p95`. Other statistics have none."""
    found = _PERCENTILE.match(name)
    return Fraction(found[1]) if found else None


def least_samples(rank: Fraction) -> float:
    """Return how many samples a percentile needs: AWS's 10/(1-percentile), in the lower half 10/percentile."""
    share = max(rank, 100 - rank) if 0 < rank < 100 else None
    return 0 if share is None else float(1000 / (100 - share))


def datapoints(samples: Samples, name: str, period: int, ends: range) -> list[Value]:
    """Return the data point of each period that ends at one of the minutes, which ascend. The period is in minutes."""
    merge = statistic(name)
    minutes, values, counts = samples.minutes, samples.values, samples.counts
    # A value enters the period that ends a minute later, and has left it when the period's length has passed too.
    passages = {minute + 1 for minute in minutes} | {minute + 1 + period for minute in minutes}
    bounds = [ends.start, *sorted(each for each in passages if ends.start < each < ends.stop), ends.stop]
    result: list[Value] = []
    for begin, end in pairwise(bounds):
        first, last = bisect_left(minutes, begin - period), bisect_left(minutes, begin)
        value = merge(values[first:last], counts[first:last]) if first < last else None
        result += [value] * (end - begin)
    return result


def _sum(values: Sequence[float], counts: Sequence[int]) -> float:
    return math.fsum(map(mul, values, counts))


def _percentile(rank: Fraction, values: Sequence[float], counts: Sequence[int]) -> float:
    """Return the least value that is not exceeded by so many percent. CloudWatch does not document its method."""
    if len(values) == 1:
        return values[0]
    left = max(1, -(-rank.numerator * sum(counts) // (100 * rank.denominator)))
    rows = iter(sorted(zip(values, counts, strict=True)))
    while left > 0:
        value, count = next(rows)
        left -= count
    return value


_STATISTICS: dict[str, Statistic] = {
    "Average": lambda values, counts: _sum(values, counts) / sum(counts),
    "Maximum": lambda values, _: max(values),
    "Minimum": lambda values, _: min(values),
    "SampleCount": lambda _, counts: float(sum(counts)),
    "Sum": _sum,
}
