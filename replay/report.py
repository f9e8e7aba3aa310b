"""A replay as a table for a person."""

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from replay.evaluation import Condition, State
from replay.stack import Stack
from replay.timeline import Event, Outcome, Replay

STYLES = {State.ALARM: "red", State.OK: "green", State.INSUFFICIENT_DATA: "yellow"}


def report(stack: Stack, replay: Replay, events: Sequence[Event]) -> RenderableType:
    """Return the events, and what is to be known of the alarms without one."""
    lines = [Text(line) for line in (_totals(events), *_rest(stack, replay))]
    return Group(_table(events), *lines) if events else Group(*lines)


def _table(events: Sequence[Event]) -> Table:
    table = Table(box=SIMPLE)
    for title in ("Time (UTC)", "Alarm", "State", "Severity", "Topic", "Actions"):
        table.add_column(title, overflow="fold")
    for event in events:
        state = f"{event.previous} -> {event.state}" if event.previous else f"still {event.state}"
        table.add_row(
            f"{event.time:%Y-%m-%d %H:%M:%S}",
            Text(event.alarm.title),
            Text(state, STYLES[event.state]),
            event.alarm.severity,
            Text(", ".join(event.topics)),
            Text(_outcome(event)),
        )
    return table


def _outcome(event: Event) -> str:
    if not event.by:
        return event.outcome
    return f"{event.outcome} {'for' if event.outcome is Outcome.WAITING else 'by'} {event.by}"


def _totals(events: Sequence[Event]) -> str:
    changes = sum(event.previous is not None for event in events)
    outcomes = Counter(event.outcome for event in events)
    severities = Counter(event.alarm.severity for event in events if event.outcome is Outcome.NOTIFIED)
    told = ", ".join(f"{severity or 'without severity'} {count}" for severity, count in sorted(severities.items()))
    counts = [f"{outcomes[outcome]} {outcome}" for outcome in Outcome if outcomes[outcome]]
    return f"State changes: {changes}. Actions: {', '.join(counts) or 'none'}.{f' Notified: {told}.' if told else ''}"


def _rest(stack: Stack, replay: Replay) -> Iterator[str]:
    total = sum(isinstance(alarm.trigger, Condition) for alarm in stack.alarms.values())
    if silent := len(replay.without_series):
        yield f"Without a series, taken for OK: {silent} of {total} metric alarms."
    for name, reason in sorted(stack.beyond.items()):
        yield f"Not replayed: {name}: {reason}."
