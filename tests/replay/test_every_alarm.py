"""Every alarm that the program deploys can begin and can end: found by search, whatever it measures.

An alarm whose threshold nothing reaches, or which nothing ends, would look like one that is never needed.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product

import pytest

from replay import Replay, Series
from replay.evaluation import Condition, State
from replay.metrics import percent
from replay.stack import Alarm
from tests.recorder import Recording, record_stack
from tests.replay.stacks import START, recorded_stack

REQUESTS = 200
"""Behind each value of a percentile: fewer are not judged."""

Values = Mapping[str, float]
"""By the ids of the metrics."""


def metric_alarms(recording: Recording) -> Iterator[tuple[Alarm, Condition]]:
    for alarm in recorded_stack(recording).alarms.values():
        if isinstance(alarm.trigger, Condition):
            yield alarm, alarm.trigger


def candidates(condition: Condition) -> Iterator[Values]:
    """Values on both sides of the threshold, and far from it, in all combinations."""
    threshold = condition.threshold
    for values in product((0.0, threshold - 1, threshold, threshold + 1, 1000.0), repeat=len(condition.measures)):
        yield dict(zip(condition.measures, values, strict=True))


def states(recording: Recording, alarm: Alarm, condition: Condition, *phases: tuple[Values, int]) -> list[State]:
    """Which states the alarm goes through if each phase lasts so many periods."""
    points: dict[str, list[tuple[object, float, int]]] = {key: [] for key in condition.measures}
    time = START
    for values, periods in phases:
        for _ in range(periods):
            for key, value in values.items():
                count = REQUESTS if percent(condition.measures[key].statistic) is not None else 1
                points[key].append((time, value, count))
            time += timedelta(minutes=condition.period)
    series = [
        Series.model_validate({"alarm": alarm.name, "metric": condition.measures[key].metric, "points": points[key]})
        for key in condition.measures
    ]
    replay = Replay(recorded_stack(recording), series, START)
    return [event.state for event in replay.advance(time) if event.alarm.name == alarm.name]


def begins_and_ends(recording: Recording, alarm: Alarm, condition: Condition) -> bool:
    periods = condition.periods
    good = next(
        (values for values in candidates(condition) if not states(recording, alarm, condition, (values, 2 * periods))),
        None,
    )
    return good is not None and any(
        states(recording, alarm, condition, (good, periods), (bad, periods + 2), (good, periods + 2))
        == [State.ALARM, State.OK]
        for bad in candidates(condition)
    )


@pytest.mark.parametrize("changes", [{}, {"dns": {"dnssec": True}}], ids=["as it is", "with DNSSEC"])
def test_every_alarm_begins_and_ends(stack: Recording, environment: str, changes: dict[str, dict[str, bool]]) -> None:
    recording = record_stack(environment, changes) if changes else stack
    alarms = list(metric_alarms(recording))

    assert [alarm.title for alarm, condition in alarms if not begins_and_ends(recording, alarm, condition)] == []
    assert len(alarms) == len(recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"))
