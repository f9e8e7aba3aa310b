"""Maintenance windows: the guide's, as each service wants to be told."""

import datetime
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.shared.maintenance_windows import DAYS, MaintenanceWindows

MINUTES_PER_WEEK = 7 * 24 * 60
times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))


def test_windows_of_the_guide() -> None:
    windows = MaintenanceWindows()

    assert windows.database_backup == "02:00-02:30"
    assert windows.cache_snapshot == "02:00-03:00"
    assert windows.maintenance == "sun:03:00-sun:04:00"


@pytest.mark.parametrize(
    ("settings", "rendered"),
    [
        ({"weekly": {"day": "sat", "start": "23:30", "minutes": 60}}, "sat:23:30-sun:00:30"),
        ({"weekly": {"day": "sun", "start": "23:00", "minutes": 120}}, "sun:23:00-mon:01:00"),
        ({"weekly": {"day": "wed", "start": "23:00", "minutes": 60}}, "wed:23:00-thu:00:00"),
        ({"weekly": {"day": "mon", "start": "16:00", "minutes": 480}}, "mon:16:00-tue:00:00"),
    ],
)
def test_window_past_midnight_ends_on_the_next_day(settings: dict[str, Any], rendered: str) -> None:
    assert MaintenanceWindows.model_validate(settings).maintenance == rendered


def test_daily_window_past_midnight() -> None:
    windows = MaintenanceWindows.model_validate({"daily": {"start": "23:45", "minutes": 90}})

    assert (windows.database_backup, windows.cache_snapshot) == ("23:45-01:15", "23:45-01:15")


@pytest.mark.parametrize(
    "settings",
    [
        {"daily": {"start": "03:00"}},
        {"daily": {"start": "02:30"}},
        {"daily": {"start": "03:59"}},
        {"daily": {"start": "02:01"}},
        {"daily": {"start": "01:00", "minutes": 121}},
        {"daily": {"start": "23:30", "minutes": 120}, "weekly": {"day": "mon", "start": "01:00"}},
        {"daily": {"start": "00:15"}, "weekly": {"day": "tue", "start": "23:30", "minutes": 60}},
        {"weekly": {"start": "02:59"}},
    ],
)
def test_backup_that_meets_maintenance_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="daily and weekly overlap"):
        MaintenanceWindows.model_validate(settings)


@pytest.mark.parametrize(
    ("settings", "snapshot", "maintenance"),
    [
        ({"daily": {"start": "04:00"}}, "04:00-05:00", "sun:03:00-sun:04:00"),
        ({"daily": {"start": "01:00", "minutes": 120}}, "01:00-03:00", "sun:03:00-sun:04:00"),
        (
            {"daily": {"start": "23:00", "minutes": 60}, "weekly": {"day": "mon", "start": "00:00"}},
            "23:00-00:00",
            "mon:00:00-mon:01:00",
        ),
    ],
)
def test_windows_that_only_touch_are_accepted(settings: dict[str, Any], snapshot: str, maintenance: str) -> None:
    windows = MaintenanceWindows.model_validate(settings)

    assert (windows.cache_snapshot, windows.maintenance) == (snapshot, maintenance)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"daily": {"minutes": 29}}, "greater than or equal to 30"),
        ({"weekly": {"minutes": 59}}, "greater than or equal to 60"),
        ({"monthly": {"minutes": 59}}, "greater than or equal to 60"),
        ({"daily": {"start": "24:00"}}, "it looks like"),
        ({"daily": {"start": "2:00"}}, 'did you mean "02:00"'),
        ({"daily": {"start": "2.30"}}, 'did you mean "02:30"'),
        ({"daily": {"start": "120"}}, 'did you mean "02:00"'),
        ({"daily": {"start": "1440"}}, "it looks like"),
        ({"weekly": {"day": "sunday"}}, "Input should be 'mon'"),
    ],
)
def test_window_that_no_service_takes_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MaintenanceWindows.model_validate(settings)


@given(
    times,
    st.integers(min_value=30, max_value=240),
    st.sampled_from(DAYS),
    times,
    st.integers(min_value=60, max_value=480),
)
def test_windows_that_are_taken_are_disjoint_on_the_clock_of_the_week(
    daily: str, daily_minutes: int, day: str, weekly: str, weekly_minutes: int
) -> None:
    """Compared with a second way of computing it: every minute of the week that either window covers."""
    settings = {
        "daily": {"start": daily, "minutes": daily_minutes},
        "weekly": {"day": day, "start": weekly, "minutes": weekly_minutes},
        # Long enough for every weekly one.
        "monthly": {"minutes": 720},
    }
    maintenance = minutes_covered([DAYS.index(day)], weekly, weekly_minutes)
    backups = minutes_covered(range(7), daily, max(daily_minutes, 60))

    try:
        windows = MaintenanceWindows.model_validate(settings)
    except ValidationError:
        assert maintenance & backups
        return
    assert not maintenance & backups
    assert re.fullmatch(r"\w{3}:\d\d:\d\d-\w{3}:\d\d:\d\d", windows.maintenance)


def minutes_covered(days: Any, start: str, minutes: int) -> set[int]:
    hour, minute = start.split(":")
    first = int(hour) * 60 + int(minute)
    return {(day * 1440 + first + offset) % MINUTES_PER_WEEK for day in days for offset in range(minutes)}


def days_of(expression: str, years: range) -> list[datetime.datetime]:
    """When a schedule starts, by the meaning of EventBridge Scheduler's fields."""
    minute, hour, day, month, weekday, year = expression.removeprefix("cron(").removesuffix(")").split()
    assert (month, year) == ("*", "*")
    assert (day, weekday) == ("*", "?") or day == "?"
    name, _, number = weekday.partition("#")
    found = []
    for ordinal in range(datetime.date(years.start, 1, 1).toordinal(), datetime.date(years.stop, 1, 1).toordinal()):
        date = datetime.date.fromordinal(ordinal)
        nth = (date.day - 1) // 7 + 1
        if weekday == "?" or (name == DAYS[date.weekday()].upper() and number in ("", str(nth))):
            found.append(datetime.datetime.combine(date, datetime.time(int(hour), int(minute))))
    return found


def test_jobs_start_on_the_right_days_of_ten_years() -> None:
    expressions = {each.name: each.expression for each in MaintenanceWindows().schedules}
    starts = {name: days_of(expression, range(2026, 2036)) for name, expression in expressions.items()}

    assert {name: len(found) for name, found in starts.items()} == {
        "dump": 3652,
        "vacuum": 522,
        "drill": 120,
        "reindex": 120,
    }
    assert {(each.weekday(), each.day <= 7, each.hour) for each in starts["reindex"]} == {(6, True, 4)}
    assert datetime.datetime(2028, 2, 29, 2) in starts["dump"]
    assert [each.isoformat() for each in starts["drill"][:3]] == [
        "2026-01-04T02:00:00",
        "2026-02-01T02:00:00",
        "2026-03-01T02:00:00",
    ]


@given(
    st.sampled_from(DAYS),
    times,
    st.integers(min_value=60, max_value=480),
    st.sampled_from(DAYS),
    times,
    st.integers(min_value=60, max_value=720),
)
def test_the_maintenance_of_indexes_is_within_its_window_and_never_beside_vacuum(
    weekly_day: str, weekly: str, weekly_minutes: int, monthly_day: str, monthly: str, monthly_minutes: int
) -> None:
    """A project runs one build at a time: the second one would not start."""
    settings = {
        # Out of the way, at another time than the weekly window.
        "daily": {"start": f"{(int(weekly[:2]) + 12) % 24:02d}:{weekly[3:]}"},
        "weekly": {"day": weekly_day, "start": weekly, "minutes": weekly_minutes},
        "monthly": {"day": monthly_day, "start": monthly, "minutes": monthly_minutes},
    }
    vacuum = minutes_covered([DAYS.index(weekly_day)], weekly, weekly_minutes)
    window = minutes_covered([DAYS.index(monthly_day)], monthly, monthly_minutes)
    try:
        windows = MaintenanceWindows.model_validate(settings)
    except ValidationError as refusal:
        assert "to the maintenance of indexes" in str(refusal)
        assert vacuum & window
        return
    [reindex] = [each for each in windows.schedules if each.name == "reindex"]
    minute, hour, *_, weekday, _ = reindex.expression.removeprefix("cron(").removesuffix(")").split()
    assert weekday == f"{monthly_day.upper()}#1"
    covered = minutes_covered(
        [DAYS.index(monthly_day)], f"{int(hour):02d}:{int(minute):02d}", int(reindex.variables["MINUTES"])
    )
    assert covered <= window
    assert not covered & vacuum
