"""Maintenance windows: the guide's, as each service wants to be told."""

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
