"""What is read - an exported state and a file of series - and what `python -m replay` prints of it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from replay import SeriesError, StateError, read_series, read_stack
from replay.__main__ import main
from replay.evaluation import Condition, State
from replay.stack import Suppressor
from tests.recorder import Recording
from tests.replay.stacks import TOPIC, composite_alarm, metric_alarm, mute_rule, recorded_stack, stack

POINTS = [["2026-11-26T02:00:00Z", 1], ["2026-11-26T03:01:30+01:00", 2.5, 40]]


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def exported(path: Path, *resources: dict[str, Any]) -> Path:
    return write(path / "stack.json", {"version": 3, "deployment": {"resources": list(resources)}})


def test_every_alarm_of_the_program_is_read(production: Recording) -> None:
    deployed = recorded_stack(production)
    assert deployed.beyond == {}
    alarms = {alarm.title: alarm for alarm in deployed.alarms.values()}
    assert len(alarms) == 55 + 6
    connections = alarms["DatabaseConnectionHigh"]
    assert (connections.name, connections.severity) == ("fixrx-production-DatabaseConnectionHigh", "P3")
    assert connections.actions[State.ALARM] == connections.actions[State.OK]
    assert connections.actions[State.ALARM][0].endswith(":notifications-p3")
    told = alarms["ResponseTimeHigh-unless-down"]
    assert (told.severity, told.actions[State.ALARM][0].rpartition(":")[2]) == ("P3", "notifications-p3")
    assert told.suppressor == Suppressor(
        alarm="fixrx-production-ApiDown", wait=timedelta(minutes=4), extension=timedelta(minutes=6)
    )
    slow = alarms["ResponseTimeHigh"]
    assert isinstance(slow.trigger, Condition)
    assert (slow.trigger.period, slow.trigger.periods, slow.trigger.alarms) == (1, 5, 5)
    assert slow.trigger.ignore_few_samples
    share = alarms["HighErrorShare"].trigger
    assert isinstance(share, Condition)
    assert set(share.measures) == {"target", "balancer", "requests"}
    assert not share.ignore_few_samples


@pytest.mark.parametrize(
    ("outputs", "severity"),
    [
        ({"tags": {"Severity": "P4"}, "alarmDescription": "P1 (Critical)."}, "P4"),
        ({"tags": {}, "alarmDescription": "P2 (High, respond within 1 hour). It is slow."}, "P2"),
        ({"tags": {}, "alarmDescription": "See P1."}, ""),
        ({"tags": {}, "alarmDescription": ""}, ""),
    ],
)
def test_severity_is_that_of_the_tag_or_of_the_description(outputs: dict[str, Any], severity: str) -> None:
    [alarm] = stack(metric_alarm("A", **outputs)).alarms.values()
    assert alarm.severity == severity


def test_what_the_provider_leaves_empty_is_not_set() -> None:
    empty = {"extendedStatistic": "", "evaluateLowSampleCountPercentiles": "", "unit": "", "datapointsToAlarm": 0}
    [alarm] = stack(
        metric_alarm(
            "A", evaluationPeriods=3, treatMissingData="", thresholdMetricId="", evaluationWindow=None, **empty
        )
    ).alarms.values()
    assert isinstance(alarm.trigger, Condition)
    assert (alarm.trigger.alarms, alarm.trigger.missing, alarm.trigger.ignore_few_samples) == (3, "missing", False)


def test_m_of_n_is_read() -> None:
    [alarm] = stack(metric_alarm("A", evaluationPeriods=3, datapointsToAlarm=2)).alarms.values()
    assert isinstance(alarm.trigger, Condition)
    assert (alarm.trigger.alarms, alarm.trigger.periods) == (2, 3)


def test_resources_that_are_being_deleted_are_left_out() -> None:
    assert stack({**metric_alarm("A"), "delete": True}).alarms == {}


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ({"evaluationCriteria": {"promqlCriteria": {"query": "up"}}}, "PromQL"),
        ({"thresholdMetricId": "band", "threshold": None}, "anomaly detection"),
        ({"evaluationWindow": {"wallClockWindow": {}}}, "a wall clock window"),
        ({"warmUpConfiguration": {"period": 60}}, "a warm-up"),
        ({"statistic": "", "extendedStatistic": "tm99"}, "the statistic tm99"),
        ({"period": 10}, "a period of 10 s"),
        ({"comparisonOperator": "GreaterThanUpperThreshold"}, "the comparison GreaterThanUpperThreshold"),
        ({"evaluationPeriods": None}, "evaluationPeriods: Field required"),
        ({"treatMissingData": "maybe"}, "treatMissingData: Input should be"),
        (
            {"metricQueries": [{"id": "e", "expression": "ANOMALY_DETECTION_BAND(m)", "returnData": True}]},
            "a period of ",
        ),
    ],
)
def test_alarm_that_is_beyond_the_replay_is_named_with_the_reason(outputs: dict[str, Any], reason: str) -> None:
    deployed = stack(metric_alarm("A", **outputs), metric_alarm("B"))
    assert [alarm.title for alarm in deployed.alarms.values()] == ["B"]
    assert deployed.beyond["alarms-A"].startswith(reason)


def test_what_looks_at_such_an_alarm_is_beyond_too() -> None:
    deployed = stack(
        composite_alarm("C", "ALARM(fixrx-production-A)"),
        composite_alarm("D", "ALARM(fixrx-production-B)", "fixrx-production-C"),
        metric_alarm("A", period=10),
        metric_alarm("B"),
        composite_alarm("E", "AT_LEAST(1, ALARM, (fixrx-production-B))"),
        mute_rule("F", ["B"], "rate(1 hour)", "PT1H"),
        mute_rule("G", ["B"], "cron(0 2 * * *)", "1 hour"),
    )
    assert [alarm.title for alarm in deployed.alarms.values()] == ["B"]
    assert deployed.beyond["alarms-C"] == "it looks at fixrx-production-A, which is not replayed"
    assert deployed.beyond["alarms-D"] == "it looks at fixrx-production-C, which is not replayed"
    assert deployed.beyond["alarms-E"] == "the rule AT_LEAST(1, ALARM, (fixrx-production-B))"
    assert deployed.beyond["alarms-F"] == "the schedule rate(1 hour)"
    assert deployed.beyond["alarms-G"].startswith("rule.schedule.duration: ")


def test_expression_on_other_expressions_is_read() -> None:
    queries = [
        {"id": "share", "expression": "100 * errors / requests", "returnData": True},
        {"id": "errors", "expression": "FILL(failed, 0)", "returnData": False},
        *(
            {
                "id": key,
                "metric": {"namespace": "Tests", "metricName": key, "period": 60, "stat": "Sum"},
                "returnData": False,
            }
            for key in ("failed", "requests")
        ),
    ]
    deployed = stack(metric_alarm("A", metricQueries=queries), metric_alarm("B", metricQueries=queries[:1]))
    assert deployed.beyond.keys() == {"alarms-B"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"deployment": 1}', '{"deployment": {"resources": [{}]}}'])
def test_file_that_is_no_state(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stack.json"
    path.write_text(text)
    with pytest.raises(StateError, match=r"is not what `pulumi stack export` writes\.$"):
        read_stack(path)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"does not exist\. Run `make up` first\.$"):
        read_stack(tmp_path / "stack.json")
    with pytest.raises(SeriesError, match=r"cannot be read: No such file or directory\.$"):
        read_series(tmp_path / "series.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, ": the file: Input should be a valid"),
        ([{"points": []}], r": \[0\]: Value error, give `alarm`, `metric` or both\."),
        ([{"alarm": "A"}], r": \[0\]\.points: Field required\."),
        ([{"alarm": "A", "points": [], "name": "A"}], r": \[0\]\.name: Extra inputs are not permitted\."),
        ([{"alarm": "A", "points": [["2026-11-26T02:00:00", 1]]}], "timezone"),
        ([{"alarm": "A", "points": [["2026-11-26T02:00:00Z"]]}], "Field required|at least"),
        ([{"alarm": "A", "points": [["2026-11-26T02:00:00Z", None]]}], "valid number"),
        ([{"alarm": "A", "points": [["2026-11-26T02:00:00Z", 1, 0]]}], "items|greater than 0"),
    ],
)
def test_wrong_series(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(SeriesError, match=message):
        read_series(write(tmp_path / "series.json", content))


def test_series_are_read(tmp_path: Path) -> None:
    [series] = read_series(write(tmp_path / "series.json", [{"metric": "Cpu", "points": POINTS}]))
    assert [(point[0].isoformat(), *point[1:]) for point in series.points] == [
        ("2026-11-26T02:00:00+00:00", 1.0),
        ("2026-11-26T03:01:30+01:00", 2.5, 40),
    ]


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[str]:
    main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    assert captured.err == ""
    return [" ".join(line.split()) for line in captured.out.splitlines() if line.strip(" ─")]


def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = exported(
        tmp_path,
        composite_alarm("Down", "ALARM(fixrx-production-Slow)", "fixrx-production-Slow", 60, 60),
        metric_alarm("Slow", alarmActions=[TOPIC, f"{TOPIC}-mail"], statistic="Sum"),
        metric_alarm("Quiet"),
        metric_alarm("Odd", period=10),
        mute_rule("nightly", ["Slow"], "cron(0 2 * * *)", "PT30M"),
    )
    points = [["2026-11-26T01:59Z", 0], ["2026-11-26T02:10Z", 1], ["2026-11-26T02:11Z", 0], ["2026-11-26T02:40Z", 1]]
    series = write(tmp_path / "series.json", [{"alarm": "Slow", "points": points}])
    assert run(capsys, "--state", state, "--series", series, "--until", "2026-11-26T02:50Z") == [
        "Time (UTC) Alarm State Severity Topic Actions",
        "2026-11-26 02:11:00 Slow OK -> ALARM P2 notifications-p2, notifications-p2-mail muted by nightly",
        "2026-11-26 02:11:00 Down OK -> ALARM P1 notifications-p2 suppressed by Slow",
        "2026-11-26 02:12:00 Slow ALARM -> OK P2 notifications-p2 muted by nightly",
        "2026-11-26 02:12:00 Down ALARM -> OK P1 notifications-p2 waiting for Slow",
        "2026-11-26 02:13:00 Down still OK P1 notifications-p2 notified",
        "2026-11-26 02:30:00 Slow still OK P2 notifications-p2 notified",
        "2026-11-26 02:41:00 Slow OK -> ALARM P2 notifications-p2, notifications-p2-mail notified",
        "2026-11-26 02:41:00 Down OK -> ALARM P1 notifications-p2 suppressed by Slow",
        "State changes: 6. Actions: 3 notified, 2 muted, 2 suppressed, 1 waiting. Notified: P1 1, P2 2.",
        "Without a series, taken for OK: 1 of 2 metric alarms.",
        "Not replayed: alarms-Odd: a period of 10 s.",
    ]


def test_replay_begins_and_ends_with_the_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What comes before is unknown, and the end of the file is no silence."""
    state = exported(tmp_path, metric_alarm("A", treatMissingData="breaching"))
    points = [["2026-11-26T02:00Z", 0], ["2026-11-26T02:01Z", 0]]
    series = write(tmp_path / "series.json", [{"alarm": "A", "points": points}])
    assert run(capsys, "--state", state, "--series", series) == ["State changes: 0. Actions: none."]
    assert len(run(capsys, "--state", state, "--series", series, "--until", "2026-11-26T03:00Z")) == 3


def test_points_before_the_beginning_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = exported(tmp_path, metric_alarm("A", evaluationPeriods=2))
    points = [["2026-11-26T02:00Z", 1], ["2026-11-26T02:01Z", 1], ["2026-11-26T02:02Z", 1]]
    series = write(tmp_path / "series.json", [{"alarm": "A", "points": points}])
    lines = run(capsys, "--state", state, "--series", series, "--from", "2026-11-26T03:02+01:00")
    assert lines[1].startswith("2026-11-26 02:03:00 A OK -> ALARM")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--series", ""], 2, "give a file: make replay SERIES=file.json"),
        (["--series", "none.json"], 2, "error: none.json cannot be read: No such file or directory.\n"),
        (
            ["--series", "series.json"],
            2,
            "error: There is no point in the series: say when the replay begins and ends, ",
        ),
        (["--series", "series.json", "--from", "today"], 2, "today is not a time with its zone"),
        (["--series", "other.json"], 2, "error: The series B fits no metric of any alarm.\n"),
        (
            ["--series", "vague.json"],
            2,
            "error: The series Two fits several metrics of the alarm: give `metric` too.\n",
        ),
    ],
)
def test_errors_are_sentences(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    metric = {"namespace": "Tests", "period": 60, "stat": "Sum"}
    queries = [
        {"id": "sum", "expression": "a + b", "returnData": True},
        *({"id": key, "metric": {**metric, "metricName": key}, "returnData": False} for key in ("a", "b")),
    ]
    state = exported(tmp_path, metric_alarm("A"), metric_alarm("Two", metricQueries=queries))
    write(tmp_path / "series.json", [{"alarm": "A", "points": []}])
    write(tmp_path / "other.json", [{"alarm": "B", "points": POINTS}])
    write(tmp_path / "vague.json", [{"alarm": "Two", "points": POINTS}])
    with pytest.raises(SystemExit) as ended:
        main(["--state", str(state), *arguments])
    assert ended.value.code == status
    assert message in capsys.readouterr().err
