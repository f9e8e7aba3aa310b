"""Exported states with a few alarms, and series that move them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from replay import Event, Replay, Series, Stack
from replay.stack import stack_of
from tests.recorder import Recording, unwrap

START = datetime(2026, 11, 26, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:111122223333:notifications-p2"
URN = "urn:pulumi:production::fixrx::"


def resource(kind: str, name: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    token = f"aws:cloudwatch/{kind[0].lower()}{kind[1:]}:{kind}"
    return {"urn": f"{URN}{token}::alarms-{name}", "type": token, "outputs": dict(outputs)}


def metric_alarm(name: str, **outputs: Any) -> dict[str, Any]:
    """An alarm on its own metric, which is above 0 in ALARM; `switched` moves it from minute to minute."""
    usual = {
        "name": f"fixrx-production-{name}",
        "alarmActions": [TOPIC],
        "okActions": [TOPIC],
        "tags": {"Severity": "P2"},
        "namespace": "Tests",
        "metricName": name,
        "statistic": "Maximum",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 0,
        "period": 60,
        "evaluationPeriods": 1,
        "treatMissingData": "ignore",
    }
    return resource("MetricAlarm", name, usual | outputs)


def composite_alarm(name: str, rule: str, suppressor: str = "", wait: int = 0, extension: int = 0) -> dict[str, Any]:
    """An alarm on other alarms; the periods are in seconds."""
    outputs: dict[str, Any] = {
        "alarmName": f"fixrx-production-{name}",
        "alarmRule": rule,
        "alarmDescription": "P1 (Critical, respond within 15 minutes). It is down.",
        "alarmActions": [TOPIC],
        "okActions": [TOPIC],
    }
    if suppressor:
        outputs["actionsSuppressor"] = {"alarm": suppressor, "waitPeriod": wait, "extensionPeriod": extension}
    return resource("CompositeAlarm", name, outputs)


def mute_rule(name: str, alarms: Sequence[str], expression: str, duration: str, **more: Any) -> dict[str, Any]:
    schedule = {"expression": expression, "duration": duration, "timezone": more.pop("timezone", "")}
    targets = {"alarmNames": [f"fixrx-production-{alarm}" for alarm in alarms]}
    return resource(
        "AlarmMuteRule", name, {"name": name, "rule": {"schedule": schedule}, "muteTargets": targets, **more}
    )


def stack(*resources: Mapping[str, Any]) -> Stack:
    return stack_of({"version": 3, "deployment": {"resources": list(resources)}})


def recorded_stack(recording: Recording) -> Stack:
    """What the program registers, as if it were deployed."""
    return stack(
        *({"urn": each.urn, "type": each.type, "outputs": unwrap(each.inputs)} for each in recording.registrations)
    )


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def minute_of(time: datetime) -> float:
    return (time - START) / timedelta(minutes=1)


def switched(name: str, states: str) -> Series:
    """A series that puts a `metric_alarm` into a state at each minute: `O` is OK, `A` is ALARM; the first is at t0."""
    points = [(at(minute - 1), float(state == "A")) for minute, state in enumerate(states) if minute]
    return Series(alarm=name, points=points)


def told(events: Sequence[Event]) -> list[tuple[float, str, str, str]]:
    """Minute, alarm, state, and what became of its actions."""
    return [
        (
            minute_of(event.time),
            event.alarm.title,
            f"{'' if event.previous else 'still '}{event.state}",
            f"{event.outcome} by {event.by}" if event.by else str(event.outcome),
        )
        for event in events
    ]


def replayed(deployed: Stack, *series: Series, until: float) -> list[tuple[float, str, str, str]]:
    """Everything that happens until a minute."""
    return told(Replay(deployed, series, START).advance(at(until)))
