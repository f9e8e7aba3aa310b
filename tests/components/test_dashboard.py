"""The dashboard: one graph for each alarm, in its section, with its threshold."""

from typing import Any

import pytest

from tests.recorder import Recording
from tests.sandbox.provider.tables.test_cloudwatch import DASHBOARD

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"


def widgets(stack: Recording) -> list[dict[str, Any]]:
    (dashboard,) = stack.of_type(DASHBOARD)
    found: list[dict[str, Any]] = dashboard.document("dashboardBody")["widgets"]
    return found


def graph(stack: Recording, name: str) -> dict[str, Any]:
    (found,) = [each["properties"] for each in widgets(stack) if each["properties"]["title"].startswith(f"{name} (")]
    return dict(found)


def drawn(properties: dict[str, Any]) -> list[Any]:
    """What is measured as an alarm has it: metrics, statistics, expression."""
    return [
        last["expression"] if "expression" in last else [*names[:2], _pairs(names[2:]), last["stat"]]
        for *names, last in properties["metrics"]
    ]


def _pairs(parts: list[str]) -> dict[str, str]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def measured(inputs: dict[str, Any]) -> list[Any]:
    def row(metric: dict[str, Any], statistic: str) -> list[Any]:
        return [metric["namespace"], metric["metricName"], metric["dimensions"], statistic]

    if "metricQueries" not in inputs:
        return [row(inputs, inputs.get("statistic") or inputs["extendedStatistic"])]
    return [
        each["expression"] if "expression" in each else row(each["metric"], each["metric"]["stat"])
        for each in inputs["metricQueries"]
    ]


def test_every_alarm_has_its_graph_with_its_threshold(stack: Recording) -> None:
    graphs = [each for each in widgets(stack) if each["type"] == "metric"]
    assert len(graphs) == len(stack.of_type(ALARM))

    for alarm in stack.of_type(ALARM):
        found = graph(stack, alarm.name.removeprefix("alarms-"))
        assert drawn(found) == measured(dict(alarm.plain))
        (line,) = found["annotations"]["horizontal"]
        assert line["value"] == alarm.plain["threshold"]
        assert line["fill"] == ("below" if alarm.plain["comparisonOperator"].startswith("Less") else "above")
        assert line["label"].startswith(f"{alarm.inputs['tags']['Severity']} ")
        assert found["region"] == "us-east-1"


def test_sections_show_the_states_of_all_alarms_once(stack: Recording) -> None:
    states = [each["properties"] for each in widgets(stack) if each["type"] == "alarm"]

    assert [each["title"] for each in states] == ["Service", "Edge", "Data", "Jobs"]
    shown = [arn.rpartition(":alarms-")[2] for each in states for arn in each["alarms"]]
    assert sorted(shown) == sorted(alarm.name.removeprefix("alarms-") for alarm in stack.of_type(ALARM))


def test_what_an_expression_is_calculated_from_is_not_drawn(production: Recording) -> None:
    metrics = graph(production, "HighErrorRate")["metrics"]

    assert [last.get("visible", True) for *_, last in metrics] == [True, False, False]
    assert [last["id"] for *_, last in metrics] == ["result", "target", "balancer"]


@pytest.mark.parametrize(
    ("name", "unit", "label"),
    [
        ("HighErrorRate", "errors", "P1 errors"),
        ("ResponseTimeHigh", "seconds", "P3 seconds"),
        ("DatabaseStorageLow", "bytes", "P2 bytes"),
        ("CacheMemoryHigh-001", "%", "P3 %"),
    ],
)
def test_axis_has_the_unit_of_the_threshold(production: Recording, name: str, unit: str, label: str) -> None:
    found = graph(production, name)

    assert found["yAxis"] == {"left": {"label": unit, "showUnits": False}}
    assert found["annotations"]["horizontal"][0]["label"] == label


def test_no_widget_covers_another_and_none_leaves_the_grid(stack: Recording) -> None:
    cells = [
        (column, row)
        for each in widgets(stack)
        for column in range(each["x"], each["x"] + each["width"])
        for row in range(each["y"], each["y"] + each["height"])
    ]

    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) < 24
    assert len(widgets(stack)) <= 500
