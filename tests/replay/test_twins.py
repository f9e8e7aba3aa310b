"""A thousand months: the guide's alarms in CloudWatch and their rules never differ for longer than the rules wait.

CloudWatch's side is `replay`, the other one the three expressions in a few lines, which promtool confirms on thirty of
the days. A minute is one sample of both: what a scrape of another interval would see is not shown.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, islice
from pathlib import Path

import pytest
import yaml

from replay.evaluation import Condition, State
from replay.metrics import Samples
from tests.host.test_prometheus_rules import expectation, promtool, rules
from tests.recorder import Recording
from tests.replay.stacks import recorded_stack

DAY = 24 * 60
MONTH = 30 * DAY
MONTHS = {"HighErrorRate": 800, "DatabaseConnectionHigh": 100, "ResponseTimeHigh": 100}
WINDOW = 5
"""Minutes of `rate`."""
REQUESTS = 200
"""A minute, of which some are slow. CloudWatch judges no 95th percentile by fewer."""


@dataclass(frozen=True)
class Twin:
    """An alarm and its rule over the same values, one for each minute."""

    levels: tuple[int, ...]
    """Values of an episode, on both sides of the threshold."""
    calm: tuple[int, ...]
    samples: Callable[[Sequence[int]], Mapping[str, Samples]]
    """What CloudWatch receives."""
    breaching: Callable[[Sequence[int]], list[bool]]
    """Whether the rule's expression is true at the end of each minute."""
    series: Callable[[Sequence[int]], Mapping[str, str]]
    """What Prometheus scrapes at the end of each minute."""


def _minutes(values: Sequence[int]) -> range:
    return range(len(values))


def _windows(values: Sequence[int]) -> list[int]:
    """Sums of the last five minutes."""
    total = [0, *accumulate(values)]
    return [total[end] - total[max(0, end - WINDOW)] for end in range(1, len(total))]


def _errors(values: Sequence[int]) -> Mapping[str, Samples]:
    """The load balancer reports no minute without an error."""
    minutes = [minute for minute, value in enumerate(values) if value]
    counted = Samples(minutes, [float(values[minute]) for minute in minutes], [1] * len(minutes))
    return {"target": counted, "balancer": Samples([], [], [])}


def _counter(values: Sequence[int]) -> str:
    # The first sample is a counter's value before the first minute.
    return " ".join(map(str, [0, *accumulate(values)]))


def _slow(values: Sequence[int]) -> Mapping[str, Samples]:
    """So many requests take 2 s, the others 0.1 s."""
    pairs = [(minute, seconds, count) for minute, slow in enumerate(values) for seconds, count in _both(slow) if count]
    return {"result": Samples([each[0] for each in pairs], [each[1] for each in pairs], [each[2] for each in pairs])}


def _both(slow: int) -> tuple[tuple[float, int], tuple[float, int]]:
    return (0.1, REQUESTS - slow), (2.0, slow)


def _buckets(values: Sequence[int]) -> Mapping[str, str]:
    fast = _counter([REQUESTS - slow for slow in values])
    everything = _counter([REQUESTS] * len(values))
    name = "http_request_duration_seconds_bucket"
    return {f'{name}{{le="1"}}': fast, f'{name}{{le="2.5"}}': everything, f'{name}{{le="+Inf"}}': everything}


TWINS = {
    # More than 30 in five minutes, or 0.1 a second.
    "HighErrorRate": Twin(
        levels=(5, 6, 7, 8, 12, 20, 31, 45, 60, 61, 500),
        calm=(*[0] * 19, 1),
        samples=_errors,
        breaching=lambda values: [total > 30 for total in _windows(values)],
        series=lambda values: {'http_request_duration_seconds_count{status_code="500"}': _counter(values)},
    ),
    "DatabaseConnectionHigh": Twin(
        levels=(79, 80, 81, 100),
        calm=(10, 40, 80),
        samples=lambda values: {
            "result": Samples(_minutes(values), [float(value) for value in values], [1] * len(values))
        },
        breaching=lambda values: [value > 80 for value in values],
        series=lambda values: {"active_connections": " ".join(map(str, [values[0], *values]))},
    ),
    # More than 5 % of the requests of five minutes.
    "ResponseTimeHigh": Twin(
        levels=(9, 10, 11, 15, 30, 200),
        calm=(0, 2),
        samples=_slow,
        breaching=lambda values: [
            slow * 20 > REQUESTS * min(minute, WINDOW) for minute, slow in enumerate(_windows(values), start=1)
        ],
        series=_buckets,
    ),
}


def months(seed: int, twin: Twin, length: int) -> Iterator[list[int]]:
    """Calm, and up to eight episodes of a minute to an hour, each on one level."""
    source = random.Random(seed)
    while True:
        values = source.choices(twin.calm, k=length)
        for _ in range(source.randint(1, 8)):
            first, minutes = source.randrange(30, length - 90), source.choice((1, 2, 3, 4, 5, 6, 7, 10, 20, 60))
            values[first : first + minutes] = [source.choice(twin.levels)] * minutes
        yield values


def in_cloudwatch(condition: Condition, twin: Twin, values: Sequence[int]) -> list[bool]:
    """Whether the alarm is in ALARM at the end of each minute."""
    changes = dict(condition.changes(twin.samples(values), State.OK, 0, len(values)))
    state, result = State.OK, []
    for minute in range(1, len(values) + 1):
        state = changes.get(minute, state)
        result.append(state is State.ALARM)
    return result


def in_prometheus(breaching: Sequence[bool], wait: int) -> list[bool]:
    """Whether the alert fires at the end of each minute: true at each evaluation since `wait` minutes."""
    result, since = [], 0
    for breach in breaching:
        since = since + 1 if breach else 0
        result.append(since > wait)
    return result


def condition_of(recording: Recording, title: str) -> Condition:
    (found,) = [alarm.trigger for alarm in recorded_stack(recording).alarms.values() if alarm.title == title]
    assert isinstance(found, Condition)
    return found


def wait_of(recording: Recording, title: str) -> int:
    (rule,) = [each for each in yaml.safe_load(rules(recording))["groups"][0]["rules"] if each["alert"] == title]
    return int(rule["for"].removesuffix("m"))


def longest_run(flags: Sequence[bool]) -> int:
    return max((sum(1 for _ in run) for flag, run in groupby(flags) if flag), default=0)


@pytest.mark.parametrize("title", TWINS)
def test_twins_never_differ_for_longer_than_the_rule_waits(production: Recording, title: str) -> None:
    twin, condition, wait = TWINS[title], condition_of(production, title), wait_of(production, title)
    fired = both = 0
    for values in islice(months(len(title), twin, MONTH), MONTHS[title]):
        first = in_cloudwatch(condition, twin, values)
        second = in_prometheus(twin.breaching(values), wait)
        assert longest_run([one != other for one, other in zip(first, second, strict=True)]) <= wait
        fired += any(first)
        both += any(second)
    # Else they would agree on silence.
    assert fired > MONTHS[title] / 2
    assert both > MONTHS[title] / 2


def test_twins_are_a_thousand() -> None:
    assert sum(MONTHS.values()) == 1000


@pytest.mark.host
@pytest.mark.parametrize("title", TWINS)
def test_promtool_confirms_the_expressions_on_ten_days(production: Recording, tmp_path: Path, title: str) -> None:
    """At each change of the alert, a minute before and then, to the minute."""
    twin, wait = TWINS[title], wait_of(production, title)
    tests, changes = [], 0
    for values in islice(months(len(title), twin, DAY), 10):
        fires = in_prometheus(twin.breaching(values), wait)
        asked = {0: False}
        for minute in range(1, len(fires)):
            if fires[minute] != fires[minute - 1]:
                # The end of the first minute is promtool's minute 1.
                asked |= {minute: fires[minute - 1], minute + 1: fires[minute]}
                changes += 1
        tests.append(expectation(twin.series(values), title, asked, production))

    assert promtool(tmp_path, rules(production), *tests) == ""
    assert changes > 20


def test_slow_requests_in_every_second_minute_are_seen_by_the_rule_only(production: Recording) -> None:
    """What docs/metrics.md says of ResponseTimeHigh."""
    twin, condition = TWINS["ResponseTimeHigh"], condition_of(production, "ResponseTimeHigh")
    values = [0] * 30 + [100, 0] * 30

    assert not any(in_cloudwatch(condition, twin, values))
    assert any(in_prometheus(twin.breaching(values), 5))
