"""States of a metric alarm: the tables and examples of AWS's pages, one by one."""

from datetime import UTC, datetime
from itertools import product

import pytest

from replay.evaluation import COMPARISONS, Condition, Measure, MissingData, State, verdict
from replay.metrics import Samples

OK, ALARM, INSUFFICIENT_DATA = State.OK, State.ALARM, State.INSUFFICIENT_DATA
STAYS = None
"""AWS's "Retain current state"."""

# "How alarm state is evaluated when data is missing": data points, then missing, ignore, breaching, not breaching.
THREE_OF_THREE = [
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", INSUFFICIENT_DATA, STAYS, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, STAYS, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, STAYS, ALARM, OK),
]
MODES = [MissingData.MISSING, MissingData.IGNORE, MissingData.BREACHING, MissingData.NOT_BREACHING]
TABLE = [
    (points, alarms, mode, state)
    for alarms, rows in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, *states in rows
    for mode, state in zip(MODES, states, strict=True)
]


@pytest.mark.parametrize(("points", "alarms", "mode", "state"), TABLE)
def test_missing_data_is_treated_as_in_the_tables(
    points: str, alarms: int, mode: MissingData, state: State | None
) -> None:
    assert verdict(points.replace(" ", ""), alarms, 3, mode) == state


@pytest.mark.parametrize("points", ["----X", "---X-"])
def test_alarm_is_not_raised_prematurely(points: str) -> None:
    """ "Avoiding premature transitions to alarm state", for missing data that is missing."""
    assert verdict(points, 3, 3, MissingData.MISSING) is STAYS


@pytest.mark.parametrize("points", ["---X0", "--X-0"])
def test_alarm_is_not_raised_by_data_that_turns_out_well(points: str) -> None:
    assert verdict(points, 3, 3, MissingData.MISSING) is OK


@pytest.mark.parametrize("mode", MODES)
def test_complete_data_is_judged_by_its_count(mode: MissingData) -> None:
    """Without missing points: M of the last N, whatever is farther back and however missing ones are treated."""
    for points in map("".join, product("X0", repeat=5)):
        for alarms in (1, 2, 3):
            expected = ALARM if points[2:].count("X") >= alarms else OK
            assert verdict(points, alarms, 3, mode) is expected


@pytest.mark.parametrize(
    ("points", "state"), [("XXX??", STAYS), ("?X000", OK), ("?XXXX", ALARM), ("?-XX-", STAYS), ("--?--", STAYS)]
)
def test_percentile_of_few_samples_leaves_the_state(points: str, state: State | None) -> None:
    assert verdict(points, 3, 3, MissingData.NOT_BREACHING) is state


def condition(**changes: object) -> Condition:
    usual: dict[str, object] = {
        "measures": {"m": Measure(namespace="Tests", metric="m", dimensions={}, statistic="Sum")},
        "expressions": {},
        "result": "m",
        "comparison": "GreaterThanThreshold",
        "threshold": 3.0,
        "period": 1,
        "periods": 3,
        "alarms": 3,
    }
    return Condition(**(usual | changes))  # type: ignore[arg-type]


def samples(values: dict[int, float]) -> dict[str, Samples]:
    return {"m": Samples(list(values), list(values.values()), [1] * len(values))}


def test_three_consecutive_periods_are_needed() -> None:
    """The figure of "Alarm evaluation": above 3 in the periods three to five, and in the ninth, which is not enough."""
    values = dict(enumerate([1.0, 2.0, 4.0, 5.0, 4.0, 2.0, 1.0, 2.0, 5.0, 2.0, 1.0], start=1))
    assert condition().changes(samples(values), OK, 1, 12) == [(6, ALARM), (7, OK)]


@pytest.mark.parametrize(
    ("alarms", "expected"), [(1, [(2, ALARM)]), (2, [(4, ALARM), (5, OK), (8, ALARM)]), (3, []), (4, [])]
)
def test_m_of_n(alarms: int, expected: list[tuple[int, State]]) -> None:
    """Breaching in the minutes 1, 3, 6 and 7: the points need not be consecutive, but in the last 3, or 4 for M = 4."""
    values = {minute: 9.0 if minute in (1, 3, 6, 7) else 0.0 for minute in range(1, 9)}
    changed = condition(alarms=alarms, periods=max(3, alarms)).changes(samples(values), OK, 1, 8)
    assert changed == expected


def test_window_slides_by_a_minute() -> None:
    """AWS: at the end of minute 5 the data of the minutes 1 to 5 is evaluated, a minute later that of 2 to 6."""
    watched = condition(period=5, periods=1, alarms=1)
    assert watched.changes(samples({0: 2.0, 4: 2.0}), OK, 0, 9) == [(5, ALARM), (6, OK)]
    assert watched.changes(samples({0: 2.0, 5: 2.0}), OK, 0, 12) == []


def test_last_points_are_evaluated_again_when_the_metric_stops() -> None:
    """AWS's note: this "might cause the alarm to change state and re-execute actions"."""
    watched = condition(period=5, periods=1, alarms=1, missing=MissingData.NOT_BREACHING)
    changes = watched.changes(samples({0: 2.0, 4: 2.0}), OK, 0, 60)
    assert changes == [(5, ALARM), (6, OK), (10, ALARM), (11, OK), (15, ALARM), (16, OK)]


def test_alarm_that_looks_at_more_than_a_day_is_evaluated_once_an_hour() -> None:
    """ "Example of evaluating a multi-day alarm": a job fails at 10:02 and succeeds at 11:43."""
    day = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp()) // 60
    failed = {day + 10 * 60 + 2: 1.0, day + 11 * 60 + 43: 0.0}
    watched = condition(
        measures={"m": Measure(namespace="Tests", metric="m", dimensions={}, statistic="Minimum")},
        threshold=0.0,
        period=24 * 60,
        periods=3,
        alarms=1,
        missing=MissingData.NOT_BREACHING,
    )
    changes = watched.changes(samples(failed), OK, day + 10 * 60, day + 13 * 60)
    assert changes == [(day + 11 * 60, ALARM), (day + 12 * 60, OK)]


def test_alarm_that_looks_at_one_day_is_evaluated_every_minute() -> None:
    daily = condition(period=24 * 60, periods=1, alarms=1)
    assert daily.changes(samples({7: 4.0}), OK, 7, 9) == [(8, ALARM)]


def test_evaluation_reaches_two_periods_farther_back() -> None:
    """One breaching minute is in the evaluation range of a 1 of 1 alarm for three minutes, while nothing follows it."""
    errors = condition(periods=1, alarms=1, missing=MissingData.NOT_BREACHING)
    assert errors.changes(samples({0: 9.0}), OK, 0, 9) == [(1, ALARM), (4, OK)]


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [4.0]),
        ("GreaterThanOrEqualToThreshold", [3.0, 4.0]),
        ("LessThanThreshold", [2.0]),
        ("LessThanOrEqualToThreshold", [2.0, 3.0]),
    ],
)
def test_comparisons(comparison: str, breaching: list[float]) -> None:
    one = condition(comparison=comparison, periods=1, alarms=1)
    assert [value for value in (2.0, 3.0, 4.0) if one.changes(samples({0: value}), OK, 0, 1)] == breaching
    assert len(COMPARISONS) == 4


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (MissingData.BREACHING, [(6, ALARM)]),
        (MissingData.NOT_BREACHING, []),
        (MissingData.IGNORE, []),
        (MissingData.MISSING, [(6, INSUFFICIENT_DATA)]),
    ],
)
def test_metric_that_falls_silent(mode: MissingData, expected: list[tuple[int, State]]) -> None:
    """The last point is in minute 0, and in the range of five until minute 5."""
    quiet = condition(missing=mode)
    assert quiet.changes(samples({0: 1.0}), OK, 0, 30) == expected


def test_replay_in_steps_finds_what_one_replay_finds() -> None:
    values = {minute: 9.0 if minute % 11 in (3, 4, 5, 6) else 0.0 for minute in range(100) if minute % 7}
    watched = condition(missing=MissingData.IGNORE)
    whole = watched.changes(samples(values), OK, 0, 100)
    steps: list[tuple[int, State]] = []
    for minute in range(100):
        state = steps[-1][1] if steps else OK
        steps += watched.changes(samples(values), state, minute, minute + 1)
    assert steps == whole
    assert len(whole) > 10
