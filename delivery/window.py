"""Whether a stack may be deployed now.

Staging may be at any time. Production may be deployed in the windows of the calendar and in the monthly maintenance
window, and in no freeze. The daily and the weekly window are AWS's, for backups and restarts: no deployment belongs
there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from components.shared.maintenance_windows import DAYS, MonthlyWindow
from components.shared.section import Environment
from delivery.deployment_calendar import Calendar, Freeze, utc

LOOK_AHEAD_DAYS = 400
"""A calendar that closes for longer than that is said to have no next window."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """From its first moment, until the moment at its end."""

    begin: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.begin <= moment < self.end


@dataclass(frozen=True, kw_only=True)
class Verdict:
    allowed: bool
    sentence: str


def judge(environment: Environment, calendar: Calendar, monthly: MonthlyWindow, now: datetime) -> Verdict:
    """Whether a deployment may begin now, and why, or when it may."""
    if environment is not Environment.PRODUCTION:
        return Verdict(allowed=True, sentence=f"{environment} may be deployed at any time.")
    freeze = _freeze_at(calendar, now)
    if freeze is not None:
        return Verdict(
            allowed=False,
            sentence=f"Production is frozen until {utc(freeze.end)}: {freeze.reason} ({freeze.owner}). "
            f"{_next(calendar, monthly, now)}",
        )
    window = next((each for each in _spans(calendar, monthly, now) if each.holds(now)), None)
    if window is None:
        return Verdict(
            allowed=False, sentence=f"{utc(now)} is in no deployment window. {_next(calendar, monthly, now)}"
        )
    return Verdict(allowed=True, sentence=f"Production may be deployed until {utc(window.end)}.")


def next_opening(calendar: Calendar, monthly: MonthlyWindow, now: datetime) -> datetime | None:
    """The first moment after now at which a deployment may begin that may not begin now."""
    for day in range(LOOK_AHEAD_DAYS):
        for span in _spans(calendar, monthly, now + timedelta(days=day)):
            opening = max(span.begin, now)
            while (freeze := _freeze_at(calendar, opening)) is not None:
                opening = freeze.end
            if span.holds(opening):
                return opening
    return None


def _next(calendar: Calendar, monthly: MonthlyWindow, now: datetime) -> str:
    opening = next_opening(calendar, monthly, now)
    if opening is None:
        return "No window follows; change deployment-calendar.yaml."
    return f"The next deployment may begin at {utc(opening)}."


def _freeze_at(calendar: Calendar, moment: datetime) -> Freeze | None:
    """The freeze that ends last, of those that hold."""
    holding = [each for each in calendar.freezes if each.begin <= moment < each.end]
    return max(holding, key=lambda each: each.end, default=None)


def _spans(calendar: Calendar, monthly: MonthlyWindow, now: datetime) -> list[Span]:
    """The windows of the day of a moment, in the order of their beginning; the monthly one may be the day before's."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = [
        Span(begin=_at(midnight, each.begin), end=_at(midnight, each.end))
        for each in calendar.windows
        if DAYS[midnight.weekday()] in each.days
    ]
    for day in (midnight - timedelta(days=1), midnight):
        found += _monthly(monthly, day)
    return sorted(found, key=lambda each: each.begin)


def _monthly(monthly: MonthlyWindow, day: datetime) -> Iterator[Span]:
    """On the first such day of a month."""
    if day.day <= len(DAYS) and DAYS[day.weekday()] == monthly.day:
        begin = _at(day, monthly.start)
        yield Span(begin=begin, end=begin + timedelta(minutes=monthly.minutes))


def _at(midnight: datetime, time_of_day: str) -> datetime:
    hour, minute = time_of_day.split(":")
    return midnight.replace(hour=int(hour), minute=int(minute))
