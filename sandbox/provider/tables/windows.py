"""RDS's and ElastiCache's daily window for backups and weekly window for maintenance: AWS refuses two that overlap."""

import re
from collections.abc import Iterable

from sandbox.provider.model import Inputs
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables.rules import daily_window, weekly_window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_SHORTEST = 30


def overlap(inputs: Inputs, daily: str, weekly: str = "maintenanceWindow") -> Iterable[CheckFailure]:
    """A failure if the two windows have a minute in common; windows that are malformed or unknown pass."""
    every_day, once = str(inputs.get(daily)), str(inputs.get(weekly))
    if daily_window(every_day) or weekly_window(_SHORTEST)(once):
        return
    start, length = _weekly_minutes(once)
    taken = {minute % _DAY_MINUTES for minute in range(start, start + length)}
    if taken & _daily_minutes(every_day):
        yield CheckFailure(daily, f"{every_day} overlaps with {weekly} {once}")


def _daily_minutes(window: str) -> set[int]:
    first, last = (_minutes(part) for part in window.split("-"))
    length = (last - first) % _DAY_MINUTES
    return {minute % _DAY_MINUTES for minute in range(first, first + length)}


def _weekly_minutes(window: str) -> tuple[int, int]:
    first, last = (
        _DAYS.index(day) * _DAY_MINUTES + _minutes(time)
        for day, time in re.findall(r"([a-z]{3}):(\d\d:\d\d)", window.lower())
    )
    return first, (last - first) % _WEEK_MINUTES


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
