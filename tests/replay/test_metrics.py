"""Statistics of a period, percentiles first of all."""

import pytest

from replay.evaluation import Condition, Measure, State
from replay.metrics import Samples, datapoints, least_samples, percent, statistic

HUNDRED = [float(value) for value in range(100, 0, -1)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Average", 4.0), ("Maximum", 7.0), ("Minimum", 1.0), ("SampleCount", 4.0), ("Sum", 16.0)],
)
def test_statistics(name: str, expected: float) -> None:
    """Of 1, 7, 4 and 4, the last two as one value that was measured twice."""
    assert statistic(name)([1.0, 7.0, 4.0], [1, 1, 2]) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("p0", 1.0),
        ("p1", 1.0),
        ("p1.5", 2.0),
        ("p50", 50.0),
        ("p95", 95.0),
        ("p99", 99.0),
        ("p99.9", 100.0),
        ("p100", 100.0),
    ],
)
def test_percentiles(name: str, expected: float) -> None:
    assert statistic(name)(HUNDRED, [1] * 100) == expected


def test_percentile_counts_repeated_values() -> None:
    assert statistic("p95")([2.0, 1.0], [5, 95]) == 1.0
    assert statistic("p95")([2.0, 1.0], [6, 94]) == 2.0


@pytest.mark.parametrize("name", ["p101", "p-1", "p", "tm99", "average", "IQM"])
def test_other_statistics_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"the statistic {name}"):
        statistic(name)


def test_sum_has_no_rounding_error_of_what_has_passed() -> None:
    samples = Samples([0, 1, 2], [1e16, 0.1, 0.2], [1, 1, 1])
    assert datapoints(samples, "Sum", 1, range(1, 5)) == [1e16, 0.1, 0.2, None]


def test_data_point_is_of_the_period_before_its_end() -> None:
    samples = Samples([2, 4, 4, 9], [1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1])
    points = datapoints(samples, "Sum", 3, range(14))
    assert points == [None, None, None, 1.0, 1.0, 6.0, 5.0, 5.0, None, None, 4.0, 4.0, 4.0, None]


def test_data_points_can_begin_and_end_anywhere() -> None:
    samples = Samples([2, 4, 4, 9], [1.0, 2.0, 3.0, 4.0], [1, 1, 1, 1])
    assert datapoints(samples, "Maximum", 3, range(6, 7)) == [3.0]
    assert datapoints(Samples([], [], []), "Maximum", 3, range(-2, 2)) == [None] * 4


@pytest.mark.parametrize(
    ("name", "least"), [("p99", 1000), ("p95", 200), ("p90", 100), ("p50", 20), ("p10", 100), ("p1", 1000)]
)
def test_samples_that_a_percentile_needs(name: str, least: int) -> None:
    """10/(1-percentile), in the lower half 10/percentile: AWS's example is 1000 for p99."""
    rank = percent(name)
    assert rank is not None
    assert least_samples(rank) == least


@pytest.mark.parametrize(
    ("ignored", "count", "fires"), [(True, 199, False), (True, 200, True), (False, 199, True), (False, 1, True)]
)
def test_slow_responses_of_few_requests(ignored: bool, count: int, fires: bool) -> None:
    condition = Condition(
        measures={"m": Measure(namespace="Tests", metric="m", dimensions={}, statistic="p95")},
        expressions={},
        result="m",
        comparison="GreaterThanThreshold",
        threshold=1,
        period=1,
        periods=1,
        alarms=1,
        ignore_few_samples=ignored,
    )
    samples = {"m": Samples([0], [5.0], [count])}
    assert condition.changes(samples, State.OK, 0, 1) == ([(1, State.ALARM)] if fires else [])
