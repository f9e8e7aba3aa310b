"""Mute rules: windows in which the actions of some alarms are not executed."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

_EXPRESSION = re.compile(r"^(cron|at)\((.+)\)$")
_CRON_VALUES = r"(?:\*|(?:\d+|[A-Z]{3})(?:-(?:\d+|[A-Z]{3}))?)"
_CRON_FIELD = re.compile(f"^{_CRON_VALUES}(?:,{_CRON_VALUES})*$")


@dataclass(frozen=True, kw_only=True)
class MuteRule:
    """A rule. Raises ValueError if its schedule is wrong, or beyond what AWS documents."""

    name: str
    alarms: frozenset[str]
    expression: str
    duration: timedelta
    timezone: tzinfo
    starts: datetime | None = None
    """Occurrences before do not count."""
    expires: datetime | None = None
    """A window ends here at the latest."""

    def __post_init__(self) -> None:
        kind, text = self._parsed()
        if kind == "at":
            datetime.strptime(text, "%Y-%m-%dT%H:%M")
            return
        fields = text.split()
        if len(fields) != 5 or not all(map(_CRON_FIELD.match, fields)) or (fields[2] != "*" and fields[4] != "*"):
            # Whether a day must fit both fields or one of them is not documented.
            raise ValueError(f"the schedule {self.expression}")
        try:
            CronSim(text, datetime(2026, 1, 1))
        except CronSimError as error:
            raise ValueError(f"the schedule {self.expression}") from error

    def end_of_window(self, moment: datetime) -> datetime | None:
        """Return when the window ends in which the moment is; None if it is in none. The end is no longer in it."""
        begin = self._latest_begin(moment)
        if begin is None or (self.starts and begin < self.starts):
            return None
        end = min(begin + self.duration, self.expires or datetime.max.replace(tzinfo=moment.tzinfo))
        return end if moment < end else None

    def _latest_begin(self, moment: datetime) -> datetime | None:
        kind, text = self._parsed()
        if kind == "at":
            begin = datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=self.timezone).astimezone(moment.tzinfo)
            return begin if begin <= moment else None
        after = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        found = next(CronSim(text, after.astimezone(self.timezone), reverse=True), None)
        return found.astimezone(moment.tzinfo) if found else None

    def _parsed(self) -> tuple[str, str]:
        found = _EXPRESSION.match(self.expression)
        if found is None:
            raise ValueError(f"the schedule {self.expression}")
        return found[1], found[2]
