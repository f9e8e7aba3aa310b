"""The guide's maintenance windows, declared once and rendered in the form of each service. All times are UTC."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.shared.section import Section, TextFormat

MINUTES_PER_DAY = 24 * 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SHORTEST_BACKUP_MINUTES = 30
"""RDS accepts no shorter window, for backups or for maintenance."""
SHORTEST_REINDEX_MINUTES = 30
"""Nothing is begun in the last five; the rest is enough for the indexes of a database of some GiB."""
SHORTEST_CACHE_MINUTES = 60
"""ElastiCache accepts no shorter window, for snapshots or for maintenance."""


def _time_meant(text: str) -> str | None:
    """Return the time that a text in another form means: `2:00`, or the 120 that YAML 1.1 makes of it."""
    match = re.fullmatch(r"([0-9]{1,2})[:.h]([0-5][0-9])", text, re.ASCII)
    if match:
        minute = 60 * int(match[1]) + int(match[2])
    elif re.fullmatch(r"[0-9]{1,4}", text, re.ASCII):
        minute = int(text)
    else:
        return None
    return f'"{_clock(minute)}"' if minute < MINUTES_PER_DAY else None


TimeOfDay = Annotated[
    str,
    TextFormat(
        pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]",
        description="a time of day in UTC",
        example='"02:00"',
        suggest=_time_meant,
    ),
]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class DailyWindow(Section):
    """Every day, for backups."""

    start: TimeOfDay = "02:00"
    minutes: Annotated[int, Field(ge=SHORTEST_BACKUP_MINUTES, le=240)] = 30


class WeeklyWindow(Section):
    """Once a week, when AWS may patch and restart."""

    day: Day = "sun"
    start: TimeOfDay = "03:00"
    minutes: Annotated[int, Field(ge=SHORTEST_CACHE_MINUTES, le=480)] = 60


class MonthlyWindow(Section):
    """On the first such day of a month, for planned work; on that night it covers the daily and the weekly window."""

    day: Day = "sun"
    start: TimeOfDay = "02:00"
    minutes: Annotated[int, Field(ge=60, le=720)] = 240


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a job on the database starts."""

    name: str
    job: str
    expression: str
    """In the form of EventBridge Scheduler."""
    variables: Mapping[str, str]
    """What the job is told."""


class MaintenanceWindows(Section):
    """Section `fixrx:maintenance_windows`: daily 02:00-02:30, weekly Sunday 03:00-04:00, monthly first Sunday
    02:00-06:00."""

    daily: DailyWindow = DailyWindow()
    weekly: WeeklyWindow = WeeklyWindow()
    monthly: MonthlyWindow = MonthlyWindow()

    @model_validator(mode="after")
    def _backups_do_not_overlap_maintenance(self) -> Self:
        """RDS and ElastiCache refuse a backup window that overlaps with the maintenance window."""
        weekly_start = _minute(self.weekly.start)
        # A daily window that crosses midnight can overlap with a weekly window of the next or the previous day.
        for offset in (-MINUTES_PER_DAY, 0, MINUTES_PER_DAY):
            start = _minute(self.daily.start) + offset
            if start < weekly_start + self.weekly.minutes and weekly_start < start + self._snapshot_minutes:
                raise ValueError(
                    f"daily and weekly overlap: a cache snapshot from {self.daily.start} needs "
                    f"{self._snapshot_minutes} minutes; weekly begins at {self.weekly.start}; move one of the two"
                )
        return self

    @model_validator(mode="after")
    def _monthly_leaves_time_beside_weekly(self) -> Self:
        if self._reindex[1] < SHORTEST_REINDEX_MINUTES:
            raise ValueError(
                f"weekly leaves less than {SHORTEST_REINDEX_MINUTES} minutes of monthly to the maintenance of indexes; "
                "lengthen monthly or move one of the two"
            )
        return self

    @property
    def database_backup(self) -> str:
        """RDS backup window, `hh:mm-hh:mm`."""
        return _span(self.daily.start, self.daily.minutes)

    @property
    def cache_snapshot(self) -> str:
        """ElastiCache snapshot window: begins with the daily window and lasts the 60 minutes that ElastiCache
        requires."""
        return _span(self.daily.start, self._snapshot_minutes)

    @property
    def maintenance(self) -> str:
        """RDS and ElastiCache maintenance window, `ddd:hh:mm-ddd:hh:mm`."""
        end = _minute(self.weekly.start) + self.weekly.minutes
        last_day = DAYS[(DAYS.index(self.weekly.day) + end // MINUTES_PER_DAY) % len(DAYS)]
        return f"{self.weekly.day}:{self.weekly.start}-{last_day}:{_clock(end)}"

    def minutes_apart(self, start: TimeOfDay, minutes: int) -> int:
        """Return the shortest time between RDS's windows and what begins every day at `start` and lasts `minutes`.

        In minutes; 0 if they meet. The weekly window counts on every day.
        """
        begin = _minute(start)
        return min(
            _minutes_between(begin, minutes, _minute(window.start), window.minutes)
            for window in (self.daily, self.weekly)
        )

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The jobs on the database: a dump with each daily window, VACUUM with the weekly one, a restore drill and
        REINDEX with the monthly one, but never together with VACUUM."""
        weekly, monthly = self.weekly, self.monthly
        start = _minute(monthly.start)
        reindex, minutes = self._reindex
        return (
            Schedule(name="dump", job="dump", expression=_cron(_minute(self.daily.start), "* * ?"), variables={}),
            Schedule(
                name="vacuum",
                job="maintenance",
                expression=_cron(_minute(weekly.start), f"? * {weekly.day.upper()}"),
                variables={"TASK": "weekly", "MINUTES": str(weekly.minutes)},
            ),
            Schedule(name="drill", job="drill", expression=_cron(start, f"? * {monthly.day.upper()}#1"), variables={}),
            Schedule(
                name="reindex",
                job="maintenance",
                expression=_cron(reindex, f"? * {monthly.day.upper()}#1"),
                variables={"TASK": "monthly", "MINUTES": str(minutes)},
            ),
        )

    @property
    def quiet(self) -> tuple[tuple[str, str, int], ...]:
        """The windows that CloudWatch can repeat: name, schedule in its form, and minutes."""
        daily, weekly = _minute(self.daily.start), _minute(self.weekly.start)
        return (
            ("daily", f"cron({daily % 60} {daily // 60} * * *)", self.daily.minutes),
            ("weekly", f"cron({weekly % 60} {weekly // 60} * * {self.weekly.day.upper()})", self.weekly.minutes),
        )

    @property
    def _reindex(self) -> tuple[int, int]:
        """Minute of the day, and minutes: the longest part of the monthly window that the weekly one leaves.

        It begins on the day of the window: the day after a first Sunday cannot be written.
        """
        start, end = _minute(self.monthly.start), _minute(self.monthly.start) + self.monthly.minutes
        days = DAYS.index(self.weekly.day) - DAYS.index(self.monthly.day)
        parts = [(start, end)]
        for week in (-1, 0, 1):
            begins = (days + 7 * week) * MINUTES_PER_DAY + _minute(self.weekly.start)
            if begins < end and start < begins + self.weekly.minutes:
                parts = [(start, begins), (begins + self.weekly.minutes, end)]
        begins, ends = max((part for part in parts if part[0] < MINUTES_PER_DAY), key=lambda part: part[1] - part[0])
        return begins, ends - begins

    @property
    def _snapshot_minutes(self) -> int:
        return max(self.daily.minutes, SHORTEST_CACHE_MINUTES)


def _cron(minute: int, days: str) -> str:
    """Return a schedule: `days` are day of the month, month and day of the week."""
    return f"cron({minute % 60} {minute // 60} {days} *)"


def _minutes_between(start: int, minutes: int, other: int, other_minutes: int) -> int:
    """Return the shorter of the two gaps that two spans leave on the clock, in minutes; 0 if they meet."""
    until_other, until_start = (other - start) % MINUTES_PER_DAY, (start - other) % MINUTES_PER_DAY
    return max(0, min(until_other - minutes, until_start - other_minutes))


def _minute(time_of_day: str) -> int:
    hour, minute = time_of_day.split(":")
    return 60 * int(hour) + int(minute)


def _clock(minute: int) -> str:
    return f"{minute % MINUTES_PER_DAY // 60:02d}:{minute % 60:02d}"


def _span(start: str, minutes: int) -> str:
    return f"{start}-{_clock(_minute(start) + minutes)}"
