"""A stack's alarms in the course of time: which state they are in, and which actions they take."""

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from replay.evaluation import Condition, Measure, State
from replay.metrics import Samples
from replay.rules import Rule
from replay.series import Series, SeriesError
from replay.stack import Alarm, Stack

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Outcome(StrEnum):
    """What became of the actions for a state."""

    NOTIFIED = "notified"
    MUTED = "muted"
    SUPPRESSED = "suppressed"
    WAITING = "waiting"
    """A composite alarm waits whether its suppressor goes into ALARM."""
    NO_ACTION = "no action"


@dataclass(frozen=True, kw_only=True)
class Event:
    """An alarm changes its state, or takes actions that were held back."""

    time: datetime
    alarm: Alarm
    previous: State | None
    """None if the state stays, and actions are taken or held back further."""
    state: State
    outcome: Outcome
    by: str = ""
    """The mute rule or the suppressor that holds the actions back."""

    @property
    def topics(self) -> Sequence[str]:
        """Names of the topics that the actions are for."""
        return [arn.rpartition(":")[2] for arn in self.alarm.actions.get(self.state, ())]


@dataclass
class _Held:
    """Actions of a composite alarm that its suppressor holds back."""

    until: datetime | None
    """When the period of waiting or extension ends; None while the suppressor is in ALARM."""


class Replay:
    """The alarms of a stack, each OK in the beginning, and a clock that `advance` moves.

    Only alarms with a series are evaluated, from their first point on: what was before is not known. The others stay
    OK. What a minute held is known at its end. Raises SeriesError if a series fits nothing.
    """

    def __init__(self, stack: Stack, series: Sequence[Series], start: datetime) -> None:
        self._stack = stack
        self._samples = _assigned(stack, series)
        self._now = start.astimezone(UTC).replace(second=0, microsecond=0)
        self.states: dict[str, State] = {}
        for name, alarm in stack.alarms.items():
            self.states[name] = self._composed(alarm.trigger) if isinstance(alarm.trigger, Rule) else State.OK
        self._held: dict[str, _Held] = {}
        self._muted: dict[str, datetime] = {}
        """When the window ends in which an alarm's last actions were muted."""
        self._timers: list[datetime] = []

    @property
    def without_series(self) -> Sequence[Alarm]:
        """Metric alarms that are not evaluated."""
        return [
            alarm
            for name, alarm in self._stack.alarms.items()
            if isinstance(alarm.trigger, Condition) and name not in self._samples
        ]

    def advance(self, until: datetime) -> list[Event]:
        """Move the clock, and return what happens until then, that moment included."""
        changes = self._metric_changes(until)
        for moment in changes:
            heapq.heappush(self._timers, moment)
        events: list[Event] = []
        while self._timers and self._timers[0] <= until:
            moment = heapq.heappop(self._timers)
            events += self._happen(moment, changes.pop(moment, {}))
        self._now = max(self._now, until)
        return events

    def _metric_changes(self, until: datetime) -> dict[datetime, dict[str, State]]:
        changes: dict[datetime, dict[str, State]] = defaultdict(dict)
        for name, samples in self._samples.items():
            condition = self._stack.alarms[name].trigger
            assert isinstance(condition, Condition)
            known = [each.minutes[0] for each in samples.values() if each.minutes]
            after = max(_minute(self._now), min(known, default=0))
            for minute, state in condition.changes(samples, self.states[name], after, _minute(until)):
                changes[EPOCH + minute * MINUTE][name] = state
        return changes

    def _happen(self, moment: datetime, metric_changes: Mapping[str, State]) -> list[Event]:
        """States first, then what is due: a suppressor that goes into ALARM when the waiting ends is in time."""
        before = dict(self.states)
        self.states |= metric_changes
        for name, alarm in self._stack.alarms.items():
            if isinstance(alarm.trigger, Rule):
                self.states[name] = self._composed(alarm.trigger)
        changed = [name for name in self._stack.alarms if self.states[name] != before[name]]
        self._suppressors_changed(moment, changed)
        events = [self._changed(moment, self._stack.alarms[name], before[name]) for name in changed]
        for name, alarm in self._stack.alarms.items():
            held, muted = self._held.get(name), self._muted.get(name)
            if held and held.until and held.until <= moment:
                del self._held[name]
                events.append(self._act(moment, alarm, None))
            elif muted and muted <= moment:
                event = self._act(moment, alarm, None)
                # Another window may go on: then nothing happens yet.
                events += [event] if event.outcome is not Outcome.MUTED else []
        return events

    def _suppressors_changed(self, moment: datetime, changed: Sequence[str]) -> None:
        for name, held in self._held.items():
            suppressor = self._stack.alarms[name].suppressor
            if suppressor is None or suppressor.alarm not in changed:
                continue
            if self.states[suppressor.alarm] is State.ALARM:
                held.until = None
            elif held.until is None:
                held.until = self._due(moment + suppressor.extension)

    def _changed(self, moment: datetime, alarm: Alarm, previous: State) -> Event:
        """An alarm's new state replaces actions for the old one that were still held back."""
        self._held.pop(alarm.name, None)
        self._muted.pop(alarm.name, None)
        state = self.states[alarm.name]
        if (suppressor := alarm.suppressor) is None or not alarm.actions.get(state):
            return self._act(moment, alarm, previous)
        if self.states[suppressor.alarm] is State.ALARM:
            outcome, until = Outcome.SUPPRESSED, None
        elif suppressor.wait:
            outcome, until = Outcome.WAITING, self._due(moment + suppressor.wait)
        else:
            return self._act(moment, alarm, previous)
        self._held[alarm.name] = _Held(until)
        by = self._stack.alarms[suppressor.alarm].title
        return Event(time=moment, alarm=alarm, previous=previous, state=state, outcome=outcome, by=by)

    def _act(self, moment: datetime, alarm: Alarm, previous: State | None) -> Event:
        self._muted.pop(alarm.name, None)
        state = self.states[alarm.name]
        outcome, by = Outcome.NOTIFIED, ""
        if not alarm.actions.get(state):
            outcome = Outcome.NO_ACTION
        elif windows := self._windows(alarm, moment):
            end, by = max(windows)
            outcome = Outcome.MUTED
            self._muted[alarm.name] = self._due(end)
        return Event(time=moment, alarm=alarm, previous=previous, state=state, outcome=outcome, by=by)

    def _windows(self, alarm: Alarm, moment: datetime) -> list[tuple[datetime, str]]:
        """Ends and names of the mute windows that the alarm is in."""
        rules = [rule for rule in self._stack.mute_rules if alarm.name in rule.alarms]
        return [(end, rule.name) for rule in rules if (end := rule.end_of_window(moment))]

    def _due(self, moment: datetime) -> datetime:
        heapq.heappush(self._timers, moment)
        return moment

    def _composed(self, rule: Rule) -> State:
        return State.ALARM if rule.holds(self.states) else State.OK


def _assigned(stack: Stack, series: Sequence[Series]) -> Mapping[str, Mapping[str, Samples]]:
    """Values by alarm and id of its metric, for the alarms that have a series."""
    found: dict[str, dict[str, list[Series]]] = {}
    for each in series:
        fits = [
            (alarm.name, key)
            for alarm in stack.alarms.values()
            if isinstance(alarm.trigger, Condition)
            for key, measure in alarm.trigger.measures.items()
            if _fits(each, alarm, measure)
        ]
        if not fits:
            raise SeriesError(f"The series {each} fits no metric of any alarm.")
        if each.metric is None and len(fits) > 1:
            raise SeriesError(f"The series {each} fits several metrics of the alarm: give `metric` too.")
        for name, key in fits:
            found.setdefault(name, {}).setdefault(key, []).append(each)
    return {
        name: {key: _samples(given.get(key, [])) for key in condition.measures}
        for name, given in found.items()
        if isinstance(condition := stack.alarms[name].trigger, Condition)
    }


def _fits(series: Series, alarm: Alarm, measure: Measure) -> bool:
    return (
        (series.alarm is None or alarm.is_called(series.alarm))
        and series.namespace in (None, measure.namespace)
        and series.metric in (None, measure.metric)
        and (series.unit is None or measure.unit in (None, series.unit))
        and series.dimensions.items() <= measure.dimensions.items()
    )


def _samples(series: Sequence[Series]) -> Samples:
    points = [point for each in series for point in each.points]
    rows = sorted((_minute(point[0]), point[1], point[2] if len(point) == 3 else 1) for point in points)
    minutes, values, counts = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    return Samples(minutes, values, counts)


def _minute(time: datetime) -> int:
    return (time - EPOCH) // MINUTE
