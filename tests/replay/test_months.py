"""A thousand months against the alarms of the program: each fires for an episode that is long enough, and no other.

What is expected is calculated from the episodes alone, to the minute.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pytest

from replay import Replay, Series
from replay.evaluation import Condition, State
from replay.metrics import Samples
from tests.components.test_alarms import METRIC_MATH, SINGLE_METRIC
from tests.recorder import Recording
from tests.replay.stacks import START, at, recorded_stack

MONTH = 30 * 24 * 60
MONTHS = 1000
BEGIN = int(START.timestamp()) // 60
DAILY = {"VaultBackupMissing": "completed"}
"""Alarms on something that happens once a day, to the name of its metric."""
ALARMS = sorted({*SINGLE_METRIC, *METRIC_MATH} - DAILY.keys())

Changes = list[tuple[int, State]]


@dataclass(frozen=True)
class Month:
    """Values of a metric, one in each period at the same phase, and which of them are breaching."""

    minutes: list[int]
    breaching: list[bool]


def months(seed: int, period: int, periods: int) -> Iterator[Month]:
    """A calm month first, then months with up to eight episodes that are shorter or longer than the alarm's periods."""
    random_source = random.Random(seed)
    count = MONTH // period
    yield Month([BEGIN + index * period for index in range(count)], [False] * count)
    while True:
        phase = random_source.randrange(period)
        breaching = [False] * count
        for _ in range(random_source.randint(1, 8)):
            first = random_source.randrange(1, count)
            length = random_source.randint(1, 3 * periods)
            breaching[first : first + length] = [True] * len(breaching[first : first + length])
        yield Month([BEGIN + phase + index * period for index in range(count)], breaching)


def expected(month: Month, periods: int) -> Changes:
    """The Nth breaching value in a row raises the alarm when its minute has passed; the next good one ends it."""
    changes: Changes = []
    row = 0
    for minute, breaching in zip(month.minutes, month.breaching, strict=True):
        row = row + 1 if breaching else 0
        if row == periods:
            changes.append((minute + 1, State.ALARM))
        elif row == 0 and changes and changes[-1][1] is State.ALARM:
            changes.append((minute + 1, State.OK))
    return changes


def values(title: str, condition: Condition, month: Month) -> dict[str, Samples]:
    """Values that are beyond the threshold where the month is breaching, and just within it elsewhere."""
    bad = {
        "GreaterThanThreshold": condition.threshold + 1,
        "GreaterThanOrEqualToThreshold": condition.threshold,
        "LessThanThreshold": condition.threshold - 1,
    }[condition.comparison]
    good = condition.threshold
    if condition.comparison == "GreaterThanOrEqualToThreshold":
        good -= 1

    def samples(bad: float, good: float, count: int = 1) -> Samples:
        size = len(month.minutes)
        return Samples(month.minutes, [bad if each else good for each in month.breaching], [count] * size)

    match title:
        case "HighErrorRate":
            return {"target": samples(20, 15), "balancer": samples(11, 15)}
        case "HighErrorShare":
            return {"target": samples(60, 50), "balancer": Samples([], [], []), "requests": samples(1000, 1000)}
        case "VaultJobFailed":
            silent = dict.fromkeys(condition.measures, Samples([], [], []))
            return {**silent, "copies": samples(1, 0)}
        case "WatchmanFailed":
            return {"errors": samples(1, 0), "dropped": Samples([], [], [])}
        case _:
            key = "beats" if title == "NotifierSilent" else "result"
            return {key: samples(bad, good, count=200 if title == "ResponseTimeHigh" else 1)}


@pytest.mark.parametrize("title", ALARMS)
def test_alarm_fires_for_every_episode_that_is_long_enough(production: Recording, title: str) -> None:
    [condition] = [alarm.trigger for alarm in recorded_stack(production).alarms.values() if alarm.title == title]
    assert isinstance(condition, Condition)
    found = []
    seconds = 0.0
    for month in islice(months(ALARMS.index(title), condition.period, condition.periods), MONTHS // len(ALARMS) + 1):
        series = values(title, condition, month)
        started = time.perf_counter()
        changes = condition.changes(series, State.OK, min(month.minutes), BEGIN + MONTH)
        seconds += time.perf_counter() - started
        assert changes == [change for change in expected(month, condition.periods) if change[0] <= BEGIN + MONTH]
        found.append(changes)
    # The first is calm, some have only episodes that are too short, and most have one that is long enough.
    assert not found[0]
    assert sum(map(bool, found)) > len(found) / 2
    print(f"{len(found) / seconds:.0f} months a second")


@pytest.mark.parametrize("title", DAILY)
@pytest.mark.parametrize("seed", range(20))
def test_missing_backup_is_noticed_within_26_hours_and_an_hour(production: Recording, title: str, seed: int) -> None:
    """One a day but for some days; the alarm looks back from each full hour."""
    [condition] = [alarm.trigger for alarm in recorded_stack(production).alarms.values() if alarm.title == title]
    assert isinstance(condition, Condition)
    random_source = random.Random(seed)
    days = [0] + [day for day in range(1, 30) if seed == 0 or random_source.random() < 0.8]
    dumps = [BEGIN + day * 24 * 60 + 120 + random_source.randrange(30) for day in days]
    changes: Changes = []
    for dump, following in zip(dumps, [*dumps[1:], BEGIN + MONTH], strict=True):
        noticed = ((dump + 26 * 60) // 60 + 1) * 60
        if noticed <= following:
            changes.append((noticed, State.ALARM))
            if following < BEGIN + MONTH:
                changes.append(((following // 60 + 1) * 60, State.OK))
    samples = {DAILY[title]: Samples(dumps, [1.0] * len(dumps), [1] * len(dumps))}
    assert condition.changes(samples, State.OK, dumps[0], BEGIN + MONTH) == changes
    assert bool(changes) == (seed != 0)


def test_calm_month_of_the_whole_stack_wakes_nobody(stack: Recording) -> None:
    """All alarms at once, through series as a file has them."""
    deployed = recorded_stack(stack)
    assert deployed.beyond == {}
    series = []
    for alarm in deployed.alarms.values():
        if not isinstance(alarm.trigger, Condition):
            continue
        size = MONTH // alarm.trigger.period
        if alarm.title in DAILY:
            calm = {DAILY[alarm.title]: [(at(day * 24 * 60 + 125), 1.0) for day in range(30)]}
        else:
            month = Month([BEGIN + index * alarm.trigger.period for index in range(size)], [False] * size)
            calm = {
                key: [(at(minute - BEGIN), value) for minute, value in zip(each.minutes, each.values, strict=True)]
                for key, each in values(alarm.title, alarm.trigger, month).items()
            }
        for key, points in calm.items():
            series.append(Series(alarm=alarm.title, metric=alarm.trigger.measures[key].metric, points=points))
    replay = Replay(deployed, series, START)
    assert replay.advance(at(MONTH)) == []
    assert replay.without_series == []
