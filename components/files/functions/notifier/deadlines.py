"""When somebody must have answered: the guide's response times. All times are UTC."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType

RESPONSE_TIMES = MappingProxyType({"P1": timedelta(minutes=15), "P2": timedelta(hours=1), "P3": timedelta(hours=4)})
"""Of clock time, at night and on Sundays too. P4 has until the end of the next business day."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """When people work."""

    business_days: Collection[int]
    """Monday is 0; at least one."""
    end_hour: int
    holidays: Collection[date]

    def deadline(self, severity: str, start: datetime) -> datetime:
        """Return when somebody must have answered an incident, or the reminder, that began at `start`."""
        if severity in RESPONSE_TIMES:
            return start + RESPONSE_TIMES[severity]
        return self._end_of_next_business_day(start.astimezone(UTC).date())

    def _end_of_next_business_day(self, day: date) -> datetime:
        day += timedelta(days=1)
        while day.weekday() not in self.business_days or day in self.holidays:
            day += timedelta(days=1)
        return datetime.combine(day, time(self.end_hour), UTC)
