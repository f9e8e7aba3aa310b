"""Quiet maintenance: which alarms are silent and when, and what becomes of one that lasts longer than a window."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from components.shared.maintenance_windows import MaintenanceWindows
from replay import Replay, Series
from replay.mutes import MuteRule
from tests.recorder import Recording, record_stack
from tests.replay.stacks import START, at, minute_of, recorded_stack, told

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
MUTE_RULE = "aws:cloudwatch/alarmMuteRule:AlarmMuteRule"
MINUTE = timedelta(minutes=1)
SUNDAY = 3 * 24 * 60
"""Minutes from the start of the replays, a Thursday, to the first Sunday."""
HIGH, LOW = 99.0, 1.0


def rules_of(recording: Recording) -> list[MuteRule]:
    return list(recorded_stack(recording).mute_rules)


def cpu(until: int, begins: int, ends: int) -> Series:
    """The servers' CPU by the minute, high from one minute to another."""
    return Series(
        alarm="ServerCpuHigh", points=[(at(each), HIGH if begins <= each < ends else LOW) for each in range(until)]
    )


def replayed(recording: Recording, series: Series, until: int) -> list[tuple[float, str, str, str]]:
    return told(Replay(recorded_stack(recording), [series], START).advance(at(until)))


def test_a_rule_mutes_every_alarm_that_tells_except_those_of_p1(stack: Recording, environment: str) -> None:
    alarms = {
        str(alarm.plain.get("name") or alarm.plain["alarmName"]): str(alarm.plain["alarmDescription"]).split()[0]
        for alarm in [*stack.of_type(ALARM), *stack.of_type(COMPOSITE)]
        if alarm.name.startswith("alarms-") and alarm.plain.get("alarmActions")
    }
    expected = {name for name, severity in alarms.items() if severity != "P1"}

    assert set(alarms.values()) >= {"P1", "P2", "P3"}
    assert alarms[f"fixrx-{environment}-ApiDown"] == "P1"
    assert f"fixrx-{environment}-ResponseTimeHigh-unless-down" in expected
    assert [rule.alarms for rule in rules_of(stack)] == [expected, expected]


def test_the_rules_have_the_guides_windows(production: Recording) -> None:
    rules = sorted(production.of_type(MUTE_RULE), key=lambda rule: rule.name)
    schedules = [each.plain["rule"]["schedule"] for each in rules]

    assert schedules == [
        {"expression": "cron(0 2 * * *)", "duration": "PT30M", "timezone": "UTC"},
        {"expression": "cron(0 3 * * SUN)", "duration": "PT60M", "timezone": "UTC"},
    ]


def test_the_rules_follow_the_windows_of_the_settings() -> None:
    windows = MaintenanceWindows.model_validate(
        {"daily": {"start": "23:45", "minutes": 45}, "weekly": {"day": "wed", "start": "04:15", "minutes": 90}}
    )

    assert windows.quiet == (("daily", "cron(45 23 * * *)", 45), ("weekly", "cron(15 4 * * WED)", 90))


@pytest.mark.parametrize(("offset", "begin", "minutes"), [(0, 120, 30), (SUNDAY, 180, 60)], ids=["daily", "weekly"])
def test_what_lasts_longer_than_a_window_is_told_once_at_its_end(
    production: Recording, offset: int, begin: int, minutes: int
) -> None:
    begins, end = offset + begin, offset + begin + minutes
    events = replayed(production, cpu(end + 60, begins, end + 20), end + 60)

    assert [(state, outcome.partition(" by ")[0]) for _, _, state, outcome in events] == [
        ("ALARM", "muted"),
        ("still ALARM", "notified"),
        ("OK", "notified"),
    ]
    assert begins < events[0][0] < end
    assert events[1][0] == end


def test_of_what_begins_and_ends_in_a_window_only_the_end_is_told_and_not_before_the_window_ends(
    production: Recording,
) -> None:
    events = replayed(production, cpu(SUNDAY + 300, SUNDAY + 180, SUNDAY + 200), SUNDAY + 300)

    assert [(state, outcome.partition(" by ")[0]) for _, _, state, outcome in events] == [
        ("ALARM", "muted"),
        ("OK", "muted"),
        ("still OK", "notified"),
    ]
    assert events[2][0] == SUNDAY + 240


def test_an_outage_in_a_window_is_told_at_once(production: Recording) -> None:
    series = Series(
        alarm="NoHealthyServer", points=[(at(each), 0.0 if 121 <= each < 135 else 3.0) for each in range(180)]
    )
    events = Replay(recorded_stack(production), [series], START).advance(at(180))

    told_of = [(str(event.state), str(event.outcome)) for event in events if event.alarm.title == "ApiDown"]
    assert told_of == [("ALARM", "notified"), ("OK", "notified")]
    assert {event.alarm.title for event in events} == {"ApiDown", "NoHealthyServer"}
    assert all(120 < minute_of(event.time) < 150 for event in events)


def edges(day: date) -> Iterator[tuple[datetime, bool]]:
    """Moments of a day at the edges of the guide's windows, and whether alarms are quiet then."""
    windows = [(time(2), 30)] + ([(time(3), 60)] if day.weekday() == 6 else [])
    for begin, minutes in windows:
        start = datetime.combine(day, begin, UTC)
        end = start + minutes * MINUTE
        yield from ((start - MINUTE, False), (start, True), (end - MINUTE, True), (end, False))
    if day.weekday() != 6:
        yield datetime.combine(day, time(3, 30), UTC), False


def test_the_days_are_right_for_ten_years(production: Recording) -> None:
    rules = rules_of(production)
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(3653)]

    assert days[-1] == date(2036, 1, 1)
    wrong = [
        moment
        for day in days
        for moment, quiet in edges(day)
        if any(rule.end_of_window(moment) for rule in rules) is not quiet
    ]
    assert wrong == []


def test_more_alarms_than_a_rule_takes_are_muted_by_several(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rules_of(record_stack("production", {}))
    monkeypatch.setattr("components.mutes.MOST_NAMES", 20)
    parts = rules_of(record_stack("production", {}))

    assert all(1 <= len(rule.alarms) <= 20 for rule in parts)
    for rule in whole:
        same = [part.alarms for part in parts if part.expression == rule.expression]
        assert frozenset().union(*same) == rule.alarms
        assert sum(map(len, same)) == len(rule.alarms)
