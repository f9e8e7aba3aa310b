"""One outage is one page: the alarms as the program deploys them, over minutes in which servers fail and recover."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from replay import Event, Outcome, Replay, Series
from replay.evaluation import State
from replay.stack import Suppressor
from tests.recorder import Recording
from tests.replay.stacks import START, at, minute_of, recorded_stack

UNHEALTHY_AFTER, HEALTHY_AFTER = 30, 20
"""Seconds: three checks of the load balancer that fail, two that succeed."""
UNREACHABLE_AFTER, REACHABLE_AFTER = 90, 90
"""Seconds: three checks of Route 53."""
SERVERS = 3
HOUR, DAY = 60, 24 * 60
TOTAL, PARTIAL = 1.0, 0.2
"""Shares of the requests that fail."""
OF_PARTIAL = ("HighErrorRate-unless-down", "HighErrorShare-unless-down")


@dataclass(frozen=True)
class Fault:
    """From one second to another, so many of the requests fail."""

    begin: int
    end: int
    share: float = TOTAL
    outside: bool = False
    """Whether requests do not even come to the load balancer: no server notices anything."""

    @property
    def minutes(self) -> range:
        return range(self.begin // 60, -(-self.end // 60))

    def share_of(self, minute: int) -> float:
        """How many of the requests of a minute fail."""
        first, last = 60 * minute, 60 * minute + 60
        return self.share * max(0, min(last, self.end) - max(first, self.begin)) / 60

    def lasts_for(self, minute: int, seconds_before: int, seconds_after: int) -> bool:
        """Whether a check that needs so long for a failure, and for a success, has failed in the whole minute."""
        whole = self.begin + seconds_before <= 60 * minute and 60 * minute + 60 <= self.end + seconds_after
        return self.share == TOTAL and whole


def minutes_of(faults: Sequence[Fault], length: int, requests: int) -> list[Series]:
    """What CloudWatch receives in so many minutes, with so many requests in each."""
    failing, lost = [0.0] * length, [0.0] * length
    healthy = [float(SERVERS)] * length
    reached, opened = [1.0] * length, [1.0] * length
    for fault in faults:
        for minute in range(fault.minutes.start, min(length, fault.minutes.stop + 2)):
            (lost if fault.outside else failing)[minute] += fault.share_of(minute)
            if fault.lasts_for(minute, UNHEALTHY_AFTER, HEALTHY_AFTER) and not fault.outside:
                healthy[minute] = 0
            if fault.lasts_for(minute, UNREACHABLE_AFTER, REACHABLE_AFTER):
                reached[minute] = 0
            if fault.lasts_for(minute, 0, 0):
                opened[minute] = 0

    def series(metric: str, values: Sequence[float | None]) -> Series:
        return Series(metric=metric, points=[(at(m), value) for m, value in enumerate(values) if value is not None])

    # A request that nobody answers is not measured: no response time, and the load balancer's own error.
    errors = [round(share * requests) for share in failing]
    arrived = [requests - round(share * requests) for share in lost]
    slow = [(at(m), 0.2, arrived[m] - errors[m]) for m in range(length) if arrived[m] > errors[m]]
    return [
        series("HTTPCode_Target_5XX_Count", [None] * length),
        series("HTTPCode_ELB_5XX_Count", [float(count) if count else None for count in errors]),
        series("RequestCount", [float(count) if count else None for count in arrived]),
        series("HealthyHostCount", healthy),
        series("UnHealthyHostCount", [SERVERS - count for count in healthy]),
        series("HealthCheckStatus", reached),
        series("Probe", opened),
        Series(metric="TargetResponseTime", points=slow),
    ]


def happens(recording: Recording, faults: Sequence[Fault], length: int, requests: int) -> list[Event]:
    replay = Replay(recorded_stack(recording), minutes_of(faults, length, requests), START)
    return replay.advance(at(length))


def sent(events: Sequence[Event], topic: str = "") -> list[tuple[str, State]]:
    """What reaches a topic: alarm and state."""
    return [
        (event.alarm.title, event.state)
        for event in events
        if event.outcome is Outcome.NOTIFIED and any(topic in each for each in event.topics)
    ]


def pages(events: Sequence[Event]) -> list[str]:
    return [title for title, state in sent(events) if state is State.ALARM]


@pytest.mark.parametrize("requests", [7, 30, 600, 60000], ids="{} requests a minute".format)
@pytest.mark.parametrize("second", [0, 20, 40, 59])
@pytest.mark.parametrize("lasts", [6 * 60, 17 * 60 + 31, 3 * 3600])
def test_total_outage_is_one_page_and_its_end_one_message(
    production: Recording, requests: int, second: int, lasts: int
) -> None:
    begin = 20 * 60 + second
    events = happens(production, [Fault(begin, begin + lasts)], 5 * HOUR, requests)

    assert sent(events, "notifications-p1") == [("ApiDown", State.ALARM), ("ApiDown", State.OK)]
    assert pages(events) == ["ApiDown"]
    page, end = [event for event in events if event.alarm.title == "ApiDown"]
    assert minute_of(page.time) - begin / 60 <= 4
    assert timedelta(0) <= end.time - at((begin + lasts) / 60) <= timedelta(minutes=3)


@pytest.mark.parametrize("second", [0, 20, 40, 59])
def test_outage_that_no_server_notices_is_one_page(production: Recording, second: int) -> None:
    """The domain, the certificate or the web ACL."""
    begin = 1200 + second
    events = happens(production, [Fault(begin, begin + 1800, outside=True)], 2 * HOUR, 600)

    assert sent(events, "notifications-p1") == [("ApiDown", State.ALARM), ("ApiDown", State.OK)]
    assert pages(events) == ["ApiDown"]
    assert min(event.time for event in events if event.alarm.title == "ApiDown") <= at(begin / 60 + 5)


def test_websockets_alone_are_told_of(production: Recording) -> None:
    calm = minutes_of([], HOUR, 600)
    points = [(at(minute), 0.0 if 20 <= minute < 40 else 1.0) for minute in range(HOUR)]
    series = [Series(metric="Probe", points=points) if each.metric == "Probe" else each for each in calm]
    events = Replay(recorded_stack(production), series, START).advance(at(HOUR))

    assert pages(events) == ["WebsocketFails-unless-down"]
    (told_at,) = [event.time for event in events if event.outcome is Outcome.NOTIFIED and event.state is State.ALARM]
    assert told_at == at(20 + 3 + 4)


def test_ends_that_were_held_back_reach_the_function_only(production: Recording) -> None:
    """It tells of no end whose beginning it has not told: tests/functions/test_notifier.py."""
    events = happens(production, [Fault(1200, 1800)], HOUR, 600)

    others = [each for each in sent(events) if each[0] != "ApiDown"]
    assert sorted(others) == [
        ("HighErrorRate-unless-down", State.OK),
        ("HighErrorShare-unless-down", State.OK),
        ("UnhealthyServer-unless-down", State.OK),
        ("WebsocketFails-unless-down", State.OK),
    ]
    assert sorted(sent(events, "notifications-p4")) == sorted(others)


def test_partial_outage_raises_its_own_alarms(production: Recording) -> None:
    events = happens(production, [Fault(1200, 2400, PARTIAL)], 2 * HOUR, 600)

    assert sorted(pages(events)) == [*OF_PARTIAL]
    first = min(event.time for event in events if event.outcome is Outcome.NOTIFIED)
    assert first <= at(20 + 1 + 4)
    ends = [title for title, state in sent(events, "notifications-p4") if state is State.OK]
    assert sorted(ends) == sorted(pages(events))


def test_partial_outage_that_becomes_total_is_one_more_page(production: Recording) -> None:
    events = happens(production, [Fault(1200, 2400, PARTIAL), Fault(2400, 4200)], 2 * HOUR, 600)

    assert sorted(pages(events)) == ["ApiDown", *OF_PARTIAL]


def test_what_goes_on_after_the_outage_is_told_after_it(production: Recording) -> None:
    events = happens(production, [Fault(1200, 2400), Fault(2400, 4800, PARTIAL)], 2 * HOUR, 600)

    first, *later = pages(events)
    assert (first, sorted(later)) == ("ApiDown", [*OF_PARTIAL])


@pytest.mark.parametrize(
    ("wait", "extension"), [(0, 6), (4, 0)], ids=["without the time before", "without the time after"]
)
def test_both_times_are_needed(production: Recording, wait: int, extension: int) -> None:
    """Without one of them, this outage is three pages: so the test above can fail."""
    deployed = recorded_stack(production)
    times = {"wait": timedelta(minutes=wait), "extension": timedelta(minutes=extension)}
    alarms = {
        name: replace(alarm, suppressor=Suppressor(alarm=alarm.suppressor.alarm, **times))
        if alarm.suppressor
        else alarm
        for name, alarm in deployed.alarms.items()
    }
    series = minutes_of([Fault(1200, 2400)], HOUR, 600)
    events = Replay(replace(deployed, alarms=alarms), series, START).advance(at(HOUR))

    assert sorted(pages(events)) == ["ApiDown", *OF_PARTIAL]


@pytest.mark.parametrize("seed", range(40))
def test_weeks_of_outages_have_a_page_each(production: Recording, seed: int) -> None:
    """Total and partial ones of random lengths, an hour and more apart."""
    chance = random.Random(seed)
    faults: list[Fault] = []
    expected = dict.fromkeys(("ApiDown", *OF_PARTIAL), 0)
    second = 0
    while (second := second + chance.randrange(3600, 24 * 3600)) < 6 * DAY * 60:
        fault = Fault(second, second + chance.randrange(360, 7200), chance.choice((TOTAL, PARTIAL)))
        faults.append(fault)
        second = fault.end
        for title in ("ApiDown",) if fault.share == TOTAL else OF_PARTIAL:
            expected[title] += 1
    events = happens(production, faults, 7 * DAY, 600)

    found = pages(events)
    assert {title: found.count(title) for title in {*found, *expected}} == expected
