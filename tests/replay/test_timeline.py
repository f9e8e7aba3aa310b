"""Composite alarms, suppressors, mute rules, and the clock."""

from datetime import UTC, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from replay import Outcome, Replay, SeriesError
from replay.evaluation import State
from replay.mutes import MuteRule
from replay.rules import Rule, RuleError
from tests.replay.stacks import START, at, composite_alarm, metric_alarm, mute_rule, replayed, stack, switched, told

NOTIFIED = "notified"
STATES = {"a": State.ALARM, "o": State.OK, "i": State.INSUFFICIENT_DATA, "name with (x)": State.ALARM}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("ALARM(a)", True),
        ('ALARM("a")', True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:111122223333:alarm:a)", True),
        ('ALARM("name with (x)")', True),
        ("ALARM(o)", False),
        ("OK(o)", True),
        ("OK(i)", False),
        ("INSUFFICIENT_DATA(i)", True),
        ("NOT ALARM(a)", False),
        ("ALARM(a) AND ALARM(o)", False),
        ("ALARM(a) OR ALARM(o)", True),
        ("ALARM(a) OR ALARM(a) AND ALARM(o)", True),
        ("(ALARM(a) OR ALARM(a)) AND ALARM(o)", False),
        ("NOT ALARM(o) AND NOT (ALARM(o) OR OK(a))", True),
        ("  ALARM(a)\n  AND TRUE", True),
        ("FALSE", False),
    ],
)
def test_rule(text: str, holds: bool) -> None:
    assert Rule(text).holds(STATES) is holds


@pytest.mark.parametrize("text", ["", "a", "ALARM()", "ALARM(a) XOR ALARM(o)", "TRUE OR AT_LEAST(1, ALARM, (a))", "1"])
def test_wrong_rule_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(RuleError, match="the rule"):
        Rule(text)


def test_composite_follows_its_children_through_others() -> None:
    deployed = stack(
        composite_alarm("Outer", "ALARM(fixrx-production-Inner) AND NOT ALARM(fixrx-production-B)"),
        composite_alarm("Inner", "ALARM(fixrx-production-A) OR ALARM(fixrx-production-B)"),
        metric_alarm("A"),
        metric_alarm("B"),
    )
    assert replayed(deployed, switched("A", "OOAAAO"), switched("B", "OOOAOO"), until=6) == [
        (2, "A", "ALARM", NOTIFIED),
        (2, "Inner", "ALARM", NOTIFIED),
        (2, "Outer", "ALARM", NOTIFIED),
        (3, "B", "ALARM", NOTIFIED),
        (3, "Outer", "OK", NOTIFIED),
        (4, "B", "OK", NOTIFIED),
        (4, "Outer", "ALARM", NOTIFIED),
        (5, "A", "OK", NOTIFIED),
        (5, "Inner", "OK", NOTIFIED),
        (5, "Outer", "OK", NOTIFIED),
    ]


WAITING, SUPPRESSED = "waiting by S", "suppressed by S"
# "Suppressing composite alarm actions", examples 1 to 6: WaitPeriod is 2 units, ExtensionPeriod 3; a unit is a minute.
EXAMPLES = {
    "1: not suppressed after WaitPeriod": (
        "OOAAAAAAAAAA",
        "OOOOOOOOOOOO",
        [(2, "ALARM", WAITING), (4, "still ALARM", NOTIFIED)],
    ),
    "2: suppressed before WaitPeriod expires": (
        "OOAAAAAAAAAA",
        "OOOAAAAAAAAA",
        [(2, "ALARM", WAITING)],
    ),
    "3: transition during WaitPeriod": (
        "OOAOOOOOOOOO",
        "OOOOOOOOOOOO",
        [(2, "ALARM", WAITING), (3, "OK", WAITING), (5, "still OK", NOTIFIED)],
    ),
    "4: transition while suppressed": (
        "OOAAAAAAAAAA",
        "OAAAAAAAAAAA",
        [(2, "ALARM", SUPPRESSED)],
    ),
    "5: not suppressed after ExtensionPeriod": (
        "OOAAAAAAAAAA",
        "OOOAAAOOOOOO",
        [(2, "ALARM", WAITING), (9, "still ALARM", NOTIFIED)],
    ),
    "6: transition during ExtensionPeriod": (
        "OOAAAAAOOOOO",
        "OOOAAAOOOOOO",
        [(2, "ALARM", WAITING), (7, "OK", WAITING), (9, "still OK", NOTIFIED)],
    ),
    "suppressed at the moment at which WaitPeriod ends": (
        "OOAAAAAAAAAA",
        "OOOOAAAAAAAA",
        [(2, "ALARM", WAITING)],
    ),
    "suppressed again during ExtensionPeriod": (
        "OOAAAAAAAAAA",
        "OOOAOAAOOOOO",
        [(2, "ALARM", WAITING), (10, "still ALARM", NOTIFIED)],
    ),
    "suppressor comes and goes without a transition": (
        "OOOOOOOOOOOO",
        "OOAAOOOOOOOO",
        [],
    ),
    "both at once": (
        "OOAAAOOOOOOO",
        "OOAAAOOOOOOO",
        [(2, "ALARM", SUPPRESSED), (5, "OK", WAITING), (7, "still OK", NOTIFIED)],
    ),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_suppressor(example: str) -> None:
    main, suppressor, expected = EXAMPLES[example]
    silent: dict[str, list[str]] = {"alarmActions": [], "okActions": []}
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-M)", "fixrx-production-S", wait=120, extension=180),
        metric_alarm("M", **silent),
        metric_alarm("S", **silent),
    )
    events = replayed(deployed, switched("M", main), switched("S", suppressor), until=12)
    assert [(minute, state, outcome) for minute, alarm, state, outcome in events if alarm == "C"] == expected


def test_suppressor_without_periods_holds_back_at_once_and_lets_go_at_once() -> None:
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-M)", "arn:aws:cloudwatch:x:1:alarm:fixrx-production-S"),
        metric_alarm("M", okActions=[]),
        metric_alarm("S", actionsEnabled=False),
    )
    assert replayed(deployed, switched("M", "OAAAAO"), switched("S", "OOOAOO"), until=6) == [
        (1, "M", "ALARM", NOTIFIED),
        (1, "C", "ALARM", NOTIFIED),
        (3, "S", "ALARM", "no action"),
        (4, "S", "OK", "no action"),
        (5, "M", "OK", "no action"),
        (5, "C", "OK", NOTIFIED),
    ]


def test_wait_in_seconds_ends_within_a_minute() -> None:
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-M)", "fixrx-production-S", wait=90, extension=1),
        metric_alarm("M", alarmActions=[]),
        metric_alarm("S"),
    )
    events = replayed(deployed, switched("M", "OA"), until=5)
    assert [event for event in events if event[1] == "C"] == [
        (1, "C", "ALARM", WAITING),
        (2.5, "C", "still ALARM", NOTIFIED),
    ]


def test_suppressor_that_loses_its_data_while_an_alarm_waits_changes_nothing() -> None:
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-M)", "fixrx-production-S", wait=300, extension=60),
        metric_alarm("M", alarmActions=[]),
        metric_alarm("S", treatMissingData="missing"),
    )
    events = replayed(deployed, switched("M", "OOA"), switched("S", "OO"), until=9)
    assert [event for event in events if event[1] != "M"] == [
        (2, "C", "ALARM", WAITING),
        (4, "S", "INSUFFICIENT_DATA", "no action"),
        (7, "C", "still ALARM", NOTIFIED),
    ]


def test_state_without_actions_ends_the_waiting() -> None:
    composite = composite_alarm("C", "ALARM(fixrx-production-M)", "fixrx-production-S", wait=180, extension=60)
    composite["outputs"]["okActions"] = []
    deployed = stack(composite, metric_alarm("M", alarmActions=[]), metric_alarm("S"))
    events = replayed(deployed, switched("M", "OOAO"), until=9)
    assert [event for event in events if event[1] == "C"] == [
        (2, "C", "ALARM", WAITING),
        (3, "C", "OK", "no action"),
    ]


MUTED = "muted by window"
# "How alarm mute rules work": the window is from t1 to t5.
SCENARIOS = {
    "back within the window": ("OOAAOOOOOO", [(2, "ALARM", MUTED), (4, "OK", MUTED), (5, "still OK", NOTIFIED)]),
    "still there after the window": (
        "OOAAAAAAOO",
        [(2, "ALARM", MUTED), (5, "still ALARM", NOTIFIED), (8, "OK", NOTIFIED)],
    ),
    "begins with the window": ("OAAAAAAAAA", [(1, "ALARM", MUTED), (5, "still ALARM", NOTIFIED)]),
    "begins when the window ends": ("OOOOOAAAAA", [(5, "ALARM", NOTIFIED)]),
    "ends when the window ends": ("OOAAAOOOOO", [(2, "ALARM", MUTED), (5, "OK", NOTIFIED)]),
    "begins before the window": ("OOOOOOOOOA", [(9, "ALARM", NOTIFIED)]),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_mute_rule(scenario: str) -> None:
    states, expected = SCENARIOS[scenario]
    deployed = stack(metric_alarm("A"), mute_rule("window", ["A"], "cron(1 0 * * *)", "PT4M"))
    events = replayed(deployed, switched("A", states), until=10)
    assert [(minute, state, outcome) for minute, _, state, outcome in events] == expected


def test_only_alarm_actions_of_the_first_scenario() -> None:
    """AWS's first scenario: an alarm without OK actions that is back within the window does nothing at its end."""
    deployed = stack(metric_alarm("A", okActions=[]), mute_rule("window", ["A"], "cron(1 0 * * *)", "PT4M"))
    assert replayed(deployed, switched("A", "OOAAOO"), until=10) == [
        (2, "A", "ALARM", MUTED),
        (4, "A", "OK", "no action"),
    ]


def test_overlapping_mute_rules() -> None:
    """AWS's third scenario: from t1 to t5 and from t3 to t9."""
    deployed = stack(
        metric_alarm("A"),
        metric_alarm("B"),
        mute_rule("window", ["A"], "cron(1 0 * * *)", "PT4M"),
        mute_rule("second", ["A", "C"], "at(2026-11-26T00:03)", "PT6M"),
        mute_rule("third", ["C"], "at(2026-11-26T00:03)", "PT2M"),
        metric_alarm("C"),
    )
    states = [switched("A", "OOAAAAAAAAAA"), switched("B", "OOAAAAAAAAAA"), switched("C", "OOOOAAAAAAAA")]
    assert replayed(deployed, *states, until=12) == [
        (2, "A", "ALARM", MUTED),
        (2, "B", "ALARM", NOTIFIED),
        (4, "C", "ALARM", "muted by second"),
        (9, "A", "still ALARM", NOTIFIED),
        (9, "C", "still ALARM", NOTIFIED),
    ]


def test_actions_after_waiting_are_muted_too() -> None:
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-M)", "fixrx-production-S", wait=120, extension=180),
        metric_alarm("M", alarmActions=[]),
        metric_alarm("S"),
        mute_rule("window", ["C"], "cron(3 0 * * *)", "PT4M"),
    )
    events = replayed(deployed, switched("M", "OOAAAAAAAA"), until=10)
    assert [event for event in events if event[1] == "C"] == [
        (2, "C", "ALARM", WAITING),
        (4, "C", "still ALARM", MUTED),
        (7, "C", "still ALARM", NOTIFIED),
    ]


def test_muted_actions_are_forgotten_when_a_new_state_waits() -> None:
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-M)", "fixrx-production-S", wait=120, extension=180),
        metric_alarm("M", alarmActions=[]),
        metric_alarm("S"),
        mute_rule("window", ["C"], "cron(3 0 * * *)", "PT4M"),
    )
    events = replayed(deployed, switched("M", "OOAAAAOOOO"), until=10)
    assert [event for event in events if event[1] == "C"] == [
        (2, "C", "ALARM", WAITING),
        (4, "C", "still ALARM", MUTED),
        (6, "C", "OK", WAITING),
        (8, "C", "still OK", NOTIFIED),
    ]


def rule(expression: str, duration: timedelta = timedelta(hours=1), timezone: tzinfo = UTC, **more: object) -> MuteRule:
    return MuteRule(
        name="rule",
        alarms=frozenset(),
        expression=expression,
        duration=duration,
        timezone=timezone,
        **more,  # type: ignore[arg-type]
    )


HOUR = timedelta(hours=1)
THURSDAY = START


@pytest.mark.parametrize(
    ("expression", "begins"),
    [
        ("cron(0 2 * * *)", THURSDAY + 2 * HOUR),
        ("cron(30 2,14 * * *)", THURSDAY + 14.5 * HOUR),
        ("cron(0 2 * * SUN)", THURSDAY + (72 + 2) * HOUR),
        ("cron(0 18 * * FRI-SAT)", THURSDAY + (48 + 18) * HOUR),
        ("cron(0 1 1 * *)", THURSDAY + (5 * 24 + 1) * HOUR),
        ("cron(0 1 1 DEC *)", THURSDAY + (5 * 24 + 1) * HOUR),
        ("at(2026-11-26T14:05)", THURSDAY + 14 * HOUR + timedelta(minutes=5)),
    ],
)
def test_window_begins_and_ends(expression: str, begins: object) -> None:
    assert isinstance(begins, type(START))
    second = timedelta(seconds=1)
    muted = rule(expression)
    assert muted.end_of_window(begins - second) is None
    assert muted.end_of_window(begins) == begins + HOUR
    assert muted.end_of_window(begins + HOUR - second) == begins + HOUR
    assert muted.end_of_window(begins + HOUR) is None


def test_window_in_a_time_zone_follows_its_clock() -> None:
    berlin = rule("cron(0 2 * * *)", timezone=ZoneInfo("Europe/Berlin"))
    summer, winter = START.replace(month=7), START
    assert berlin.end_of_window(summer) == summer + HOUR
    assert berlin.end_of_window(winter) is None
    assert berlin.end_of_window(winter + HOUR) == winter + 2 * HOUR
    assert (
        rule("at(2026-11-26T02:00)", timezone=ZoneInfo("Europe/Berlin")).end_of_window(winter + HOUR)
        == winter + 2 * HOUR
    )


def test_time_zone_of_a_deployed_rule() -> None:
    zones = ["", "UTC", "Europe/Berlin", "Europe/Nowhere"]
    deployed = stack(*(mute_rule(f"{zone}!", [], "cron(0 2 * * *)", "P1DT2H", timezone=zone) for zone in zones))
    assert {each.name: str(each.timezone) for each in deployed.mute_rules} == {
        "!": "UTC",
        "UTC!": "UTC",
        "Europe/Berlin!": "Europe/Berlin",
    }
    assert {each.duration for each in deployed.mute_rules} == {26 * HOUR}
    assert list(deployed.beyond) == ["alarms-Europe/Nowhere!"]


def test_window_that_is_longer_than_its_interval_ends_with_the_last() -> None:
    assert rule("cron(0 * * * *)", 5 * HOUR).end_of_window(START + 3.5 * HOUR) == START + 8 * HOUR


def test_rule_that_begins_or_expires() -> None:
    muted = rule("cron(0 2 * * *)", 3 * HOUR, starts=START + 24 * HOUR, expires=START + (48 + 4) * HOUR)
    assert muted.end_of_window(START + 2 * HOUR) is None
    assert muted.end_of_window(START + 26 * HOUR) == START + 29 * HOUR
    assert rule("cron(0 2 * * *)", starts=START + 2 * HOUR).end_of_window(START + 2 * HOUR) == START + 3 * HOUR
    assert muted.end_of_window(START + 50 * HOUR) == START + 52 * HOUR
    assert muted.end_of_window(START + 52 * HOUR) is None
    assert muted.end_of_window(START + 74 * HOUR) is None


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 day)",
        "0 2 * * *",
        "cron(0 2 * *)",
        "cron(0 2 * * ? *)",
        "cron(0 2 1 * SUN)",
        "cron(*/5 2 * * *)",
        "cron(0 2 L * *)",
        "cron(0 2 * * SUN#1)",
        "cron(0 25 * * *)",
        "at(2026-11-26)",
        "at(2026-11-26T02:00:00)",
    ],
)
def test_other_schedules_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"the schedule|time data|unconverted"):
        rule(expression)


def test_clock_is_moved_in_steps() -> None:
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-M)", "fixrx-production-S", wait=120, extension=180),
        metric_alarm("M"),
        metric_alarm("S"),
        mute_rule("window", ["C", "M"], "cron(8 0 * * *)", "PT4M"),
    )
    series = [switched("M", "OOAAAAAAAAAO"), switched("S", "OOOAAAOOOOOO")]
    whole = told(Replay(deployed, series, START).advance(at(20)))
    replay = Replay(deployed, series, START)
    steps = [event for half in range(1, 41) for event in told(replay.advance(at(half / 2)))]
    assert steps == whole
    assert {outcome for *_, outcome in whole} == {WAITING, MUTED, NOTIFIED}
    assert replay.states["fixrx-production-C"] is State.OK


def test_alarm_without_a_series_stays_ok() -> None:
    deployed = stack(metric_alarm("A"), metric_alarm("B", treatMissingData="breaching"))
    replay = Replay(deployed, [switched("A", "OA")], START)
    assert told(replay.advance(at(60))) == [(1, "A", "ALARM", NOTIFIED)]
    assert [alarm.title for alarm in replay.without_series] == ["B"]


def test_silence_is_a_series_without_points() -> None:
    deployed = stack(metric_alarm("B", treatMissingData="breaching"))
    silence = switched("B", "O")
    assert told(Replay(deployed, [silence], START).advance(at(60))) == [(1, "B", "ALARM", NOTIFIED)]


def test_alarm_is_evaluated_from_its_first_point_on() -> None:
    deployed = stack(metric_alarm("B", treatMissingData="breaching"))
    late = switched("B", " " * 10 + "O").model_copy(update={"points": [(at(9), 0.0)]})
    assert replayed(deployed, late, until=12) == []
    assert replayed(deployed, late, until=20) == [(13, "B", "ALARM", NOTIFIED)]


@pytest.mark.parametrize(
    ("selection", "fits"),
    [
        ({"alarm": "A"}, ["A"]),
        ({"alarm": "fixrx-production-A"}, ["A"]),
        ({"alarm": "alarms-A"}, ["A"]),
        ({"metric": "Cpu"}, ["A", "B"]),
        ({"metric": "Cpu", "dimensions": {"Node": "2"}}, ["B"]),
        ({"metric": "Cpu", "dimensions": {"Group": "g"}}, ["A", "B"]),
        ({"metric": "Cpu", "alarm": "B", "namespace": "Tests", "dimensions": {"Node": "2"}}, ["B"]),
        ({"metric": "Cpu", "unit": "Percent"}, ["A", "B"]),
        ({"metric": "Cpu", "unit": "Count"}, ["A"]),
    ],
)
def test_series_selects_by_what_it_gives(selection: dict[str, object], fits: list[str]) -> None:
    deployed = stack(
        metric_alarm("A", metricName="Cpu", dimensions={"Node": "1", "Group": "g"}),
        metric_alarm("B", metricName="Cpu", dimensions={"Node": "2", "Group": "g"}, unit="Percent"),
        metric_alarm("C", metricName="Memory"),
    )
    series = switched("A", "OA").model_copy(update={"alarm": None} | selection)
    assert [alarm for _, alarm, *_ in replayed(deployed, series, until=2)] == fits


@pytest.mark.parametrize(
    "selection", [{"alarm": "D"}, {"metric": "Disk"}, {"metric": "Cpu", "dimensions": {"Node": "3"}}]
)
def test_series_that_fits_nothing_is_an_error(selection: dict[str, object]) -> None:
    deployed = stack(metric_alarm("A", metricName="Cpu", dimensions={"Node": "1"}))
    series = switched("A", "OA").model_copy(update={"alarm": None} | selection)
    with pytest.raises(SeriesError, match="fits no metric of any alarm"):
        Replay(deployed, [series], START)


def test_series_of_one_metric_are_added_up() -> None:
    deployed = stack(metric_alarm("A", statistic="Sum", threshold=1))
    assert replayed(deployed, switched("A", "OAO"), switched("A", "OAO"), until=3) == [
        (1, "A", "ALARM", NOTIFIED),
        (2, "A", "OK", NOTIFIED),
    ]


def test_outcomes_are_all_tried_here() -> None:
    tried = {outcome.partition(" by ")[0] for outcome in (NOTIFIED, MUTED, WAITING, SUPPRESSED, "no action")}
    assert tried == set(Outcome)
