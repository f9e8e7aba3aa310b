"""The monthly maintenance window, as CloudWatch can mute alarms in it.

A mute rule repeats by day of the month or by day of the week; the first Sunday of a month is neither. So each hour the
rules for the next window are written again, which changes nothing if they are there.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_NAMES = 100
"""CloudWatch's limit of a rule."""


def next_window(day: str, start: str, minutes: int, now: datetime) -> datetime:
    """Return when the window begins that is open now, or else the next one: the first such day of a month, UTC."""
    hour, minute = (int(part) for part in start.split(":"))
    year, month = now.year, now.month
    for _ in range(2):
        first = datetime(year, month, 1, hour, minute, tzinfo=UTC)
        begin = first + timedelta(days=(DAYS.index(day) - first.weekday()) % len(DAYS))
        if now < begin + timedelta(minutes=minutes):
            return begin
        year, month = year + month // 12, month % 12 + 1
    raise AssertionError(f"no {day} in two months from {now}")


def mute(prefix: str, window: Mapping[str, Any], alarms: Sequence[str], now: datetime) -> datetime:
    """Write the rules for the next window, and return when it begins."""
    begin = next_window(window["day"], window["start"], window["minutes"], now)
    client = boto3.client("cloudwatch")
    for number, first in enumerate(range(0, len(alarms), MOST_NAMES), start=1):
        client.put_alarm_mute_rule(
            Name=f"{prefix}-monthly-{number}",
            Description="Planned work on the first such day of the month; no alarm of severity P1",
            Rule={
                "Schedule": {
                    "Expression": f"at({begin:%Y-%m-%dT%H:%M})",
                    "Duration": f"PT{window['minutes']}M",
                    "Timezone": "UTC",
                }
            },
            MuteTargets={"AlarmNames": list(alarms[first : first + MOST_NAMES])},
        )
    return begin
