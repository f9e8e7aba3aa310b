"""CloudWatch in the sandbox: real alarms and dashboards; composite alarms are recorded."""

import json
from typing import Any

import pytest

from tests.sandbox.provider.services import ACCOUNT, REGION, Resource, Services

pytestmark = pytest.mark.emulator

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
BASE: dict[str, Any] = {
    "name": "cpu",
    "comparisonOperator": "GreaterThanThreshold",
    "threshold": 80,
    "evaluationPeriods": 2,
}
METRIC: dict[str, Any] = {
    "namespace": "AWS/EC2",
    "metricName": "CPUUtilization",
    "period": 300,
    "dimensions": {"Name": "app"},
}
SIMPLE = {**BASE, **METRIC, "statistic": "Average"}
ERRORS: dict[str, Any] = {"namespace": "AWS/ApplicationELB", "metricName": "Errors", "period": 60, "stat": "Sum"}
REQUESTS: dict[str, Any] = {**ERRORS, "metricName": "Requests", "dimensions": {"LoadBalancer": "app/x"}}
QUERIES: list[dict[str, Any]] = [
    {"id": "result", "expression": "100 * errors / requests", "label": "error rate", "returnData": True},
    {"id": "errors", "metric": ERRORS, "returnData": False},
    {"id": "requests", "metric": REQUESTS},
]
COMPUTED = {**BASE, "metricQueries": QUERIES}


def without(inputs: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key not in keys}


def topic(services: Services) -> str:
    return str(services.client("sns").create_topic(Name="p1")["TopicArn"])


def describe(services: Services, resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = services.client("cloudwatch").describe_alarms(AlarmNames=[resource.id])["MetricAlarms"][0]
    return found


ONE_MEASURE = ("statistic", "exactly one of statistic, extendedStatistic, metricQueries must be given")
ONE_THRESHOLD = ("threshold", "exactly one of threshold, thresholdMetricId must be given")
MISSING_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:none"


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        (SIMPLE, []),
        (COMPUTED, []),
        ({**without(SIMPLE, "statistic"), "extendedStatistic": "p99.9"}, []),
        (without(SIMPLE, "statistic"), [ONE_MEASURE]),
        ({**SIMPLE, "extendedStatistic": "p99"}, [ONE_MEASURE]),
        ({**COMPUTED, "statistic": "Sum"}, [ONE_MEASURE]),
        (without(SIMPLE, "threshold"), [ONE_THRESHOLD]),
        (without(SIMPLE, "evaluationPeriods"), [("evaluationPeriods", "an alarm needs evaluationPeriods")]),
        (without(SIMPLE, "period"), [("period", "an alarm on a single metric needs period")]),
        ({**COMPUTED, "period": 60}, [("period", "belongs into the metricQueries that are given")]),
        ({**SIMPLE, "period": 5}, [("period", "must be 10, 20, 30 or a multiple of 60")]),
        ({**SIMPLE, "period": 90}, [("period", "must be 10, 20, 30 or a multiple of 60")]),
        (
            {**SIMPLE, "evaluationPeriods": 300},
            [("evaluationPeriods", "times the period must not exceed 86400 seconds, is 90000")],
        ),
        ({**SIMPLE, "evaluationPeriods": 168, "period": 3600}, []),
        (
            {**SIMPLE, "datapointsToAlarm": 3},
            [("datapointsToAlarm", "must not exceed evaluationPeriods (2), is 3")],
        ),
        (
            {**SIMPLE, "treatMissingData": "bad"},
            [("treatMissingData", "must be one of missing, ignore, breaching, notBreaching")],
        ),
        (
            {**SIMPLE, "evaluateLowSampleCountPercentiles": "ignore"},
            [("evaluateLowSampleCountPercentiles", "is for an extendedStatistic that is a percentile")],
        ),
        (
            {**without(SIMPLE, "statistic"), "extendedStatistic": "q99"},
            [("extendedStatistic", "must be a percentile such as p95 or another of its kind")],
        ),
        (
            {**SIMPLE, "alarmActions": ["p1"]},
            [
                ("alarmActions[0]", "must be an ARN"),
            ],
        ),
        (
            {**SIMPLE, "alarmActions": [MISSING_TOPIC]},
            [("alarmActions[0]", f"there is no SNS topic {MISSING_TOPIC}")],
        ),
        (
            {**BASE, "metricQueries": [{**QUERIES[0], "returnData": False}, *QUERIES[1:]]},
            [("metricQueries", "must have returnData in exactly 1, has it in 0")],
        ),
        (
            {**BASE, "metricQueries": [*QUERIES, {"id": "errors", "expression": "1"}]},
            [
                ("metricQueries[1].id", "must be unique, errors is not"),
                ("metricQueries[3].id", "must be unique, errors is not"),
            ],
        ),
        (
            {**BASE, "metricQueries": [{**QUERIES[0], "metric": ERRORS}]},
            [("metricQueries[0]", "must have exactly one of expression and metric")],
        ),
    ],
)
def test_check_of_an_alarm(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(ALARM, inputs) == expected


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({**SIMPLE, "comparisonOperator": ">"}, "comparisonOperator"),
        ({**SIMPLE, "statistic": "Mean"}, "statistic"),
        ({**SIMPLE, "unit": "percent"}, "unit"),
        ({**SIMPLE, "okActions": [f"{MISSING_TOPIC}{number}" for number in range(6)]}, "okActions"),
    ],
)
def test_check_by_the_service_model(services: Services, inputs: dict[str, Any], path: str) -> None:
    assert services.failures(ALARM, inputs)[0][0] == path


def test_an_alarm_changes_in_place_and_drifts(services: Services) -> None:
    actions = [topic(services)]
    created = services.create(ALARM, {**SIMPLE, "alarmActions": actions, "tags": {"Severity": "P1"}})
    assert created.id == "cpu"
    assert created.state["arn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:cpu"
    assert created.state["evaluateLowSampleCountPercentiles"] == ""
    assert services.drift(created) == {}

    services.update(
        created, threshold=90, datapointsToAlarm=1, alarmActions=None, okActions=actions, tags={"Severity": "P2"}
    )

    real = describe(services, created)
    assert {key: real[key] for key in ("Threshold", "DatapointsToAlarm", "AlarmActions", "OKActions")} == {
        "Threshold": 90.0,
        "DatapointsToAlarm": 1,
        "AlarmActions": [],
        "OKActions": actions,
    }
    assert services.client("cloudwatch").list_tags_for_resource(ResourceARN=created.state["arn"])["Tags"] == [
        {"Key": "Project", "Value": "fixrx"},
        {"Key": "Severity", "Value": "P2"},
    ]
    assert services.drift(created) == {}
    assert services.changes(created, name="load") == {"name": True}

    given = {
        key: real[key] for key in ("AlarmName", "ComparisonOperator", "EvaluationPeriods", "OKActions", "Statistic")
    }
    metric = {key: real[key] for key in ("Namespace", "MetricName", "Period", "Dimensions", "TreatMissingData")}
    services.client("cloudwatch").put_metric_alarm(**given, **metric, Threshold=95, DatapointsToAlarm=1)
    assert services.drift(created) == {"threshold": 95}


def test_an_alarm_on_a_percentile(services: Services) -> None:
    percentile = {"extendedStatistic": "p95", "evaluateLowSampleCountPercentiles": "ignore"}
    created = services.create(ALARM, {**without(SIMPLE, "statistic"), **percentile})
    real = describe(services, created)
    assert (real["ExtendedStatistic"], real["EvaluateLowSampleCountPercentile"]) == ("p95", "ignore")
    assert services.drift(created) == {}


def test_an_alarm_on_an_expression(services: Services) -> None:
    created = services.create(ALARM, COMPUTED)
    real = describe(services, created)["Metrics"]
    assert [(query["Id"], query["ReturnData"]) for query in real] == [
        ("result", True),
        ("errors", False),
        ("requests", False),
    ]
    assert real[2]["MetricStat"] == {
        "Metric": {
            "Namespace": "AWS/ApplicationELB",
            "MetricName": "Requests",
            "Dimensions": [{"Name": "LoadBalancer", "Value": "app/x"}],
        },
        "Period": 60,
        "Stat": "Sum",
    }
    assert services.drift(created) == {}

    services.update(created, metricQueries=[{**QUERIES[0], "expression": "errors"}, *QUERIES[1:]])
    assert describe(services, created)["Metrics"][0]["Expression"] == "errors"
    assert services.drift(created) == {}

    services.client("cloudwatch").put_metric_alarm(
        AlarmName="cpu",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=2,
        Threshold=80,
        TreatMissingData="missing",
        Metrics=[{"Id": "result", "Expression": "1", "ReturnData": True}],
    )
    assert services.drift(created) == {"metricQueries": [{"id": "result", "expression": "1", "returnData": True}]}


def test_a_new_alarm_of_an_old_name_has_its_own_tags(services: Services) -> None:
    services.delete(services.create(ALARM, {**SIMPLE, "tags": {"Old": "yes"}}))
    assert services.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    created = services.create(ALARM, {**SIMPLE, "tags": {"New": "yes"}})
    assert services.drift(created) == {}
    services.client("cloudwatch").delete_alarms(AlarmNames=["cpu"])
    assert services.drift(created) is None
    services.destroy()


def test_a_composite_alarm_is_recorded(services: Services) -> None:
    inputs = {"alarmName": "all", "alarmRule": "ALARM(cpu) OR ALARM(memory)", "alarmActions": [topic(services)]}
    suppressor = {"alarm": "deployment", "extensionPeriod": 10, "waitPeriod": 20}
    created = services.create(COMPOSITE, {**inputs, "actionsSuppressor": suppressor, "tags": {"Severity": "P1"}})
    assert created.state["arn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:all"
    services.update(created, alarmRule="NOT (OK(cpu))")
    assert created.state["alarmRule"] == "NOT (OK(cpu))"
    assert services.drift(created) == {}
    assert services.changes(created, actionsEnabled=False) == {"actionsEnabled": True}
    assert [path for path, _ in services.failures(COMPOSITE, {**inputs, "alarmRule": "cpu"})] == ["alarmRule"]
    services.delete(created)
    assert services.drift(created) is None


def widget(**changes: Any) -> dict[str, Any]:
    return {"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "hello"}, **changes}


VIEWS = "bar, gauge, pie, singleValue, table, timeSeries"


def metric(**changes: Any) -> dict[str, Any]:
    properties = {"region": REGION, "metrics": [["AWS/EC2", "CPUUtilization", "InstanceId", "i-1"]], **changes}
    return widget(type="metric", properties=properties)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "must have a list of widgets"),
        ({"widgets": [widget()] * 501}, "must have at most 500 widgets, has 501"),
        ({"widgets": [widget(), widget(width=25)]}, "has at widgets[1] a width that is not between 1 and 24"),
        ({"widgets": [widget(properties=None)]}, "has at widgets[0] no properties"),
        (
            {"widgets": [widget(type="chart")]},
            "has at widgets[0] a type that is none of alarm, custom, explorer, log, metric, text",
        ),
        (
            {"widgets": [widget(properties={"text": "x"})]},
            "has at widgets[0] the property text, which a widget of its type does not have",
        ),
        ({"widgets": [metric(region=None)]}, "has at widgets[0] no region"),
        ({"widgets": [metric(view="line")]}, f"has at widgets[0] a view that is none of {VIEWS}"),
        ({"widgets": [metric(metrics=None)]}, "has at widgets[0] neither metrics nor an alarm"),
        (
            {"widgets": [metric(metrics=[["AWS/EC2", "CPUUtilization", "InstanceId"]])]},
            'has at widgets[0] the metric ["AWS/EC2", "CPUUtilization", "InstanceId"]',
        ),
        (
            {"widgets": [metric(metrics=[["AWS/EC2", {"expression": "a"}]])]},
            'has at widgets[0] the metric ["AWS/EC2", {"expression": "a"}]',
        ),
        ({"widgets": [metric(metrics=[[{"id": "a"}]])]}, 'has at widgets[0] the metric [{"id": "a"}]'),
        (
            {"widgets": [metric(annotations={"horizontal": [{"value": "5"}]})]},
            'has at widgets[0] the annotation {"value": "5"}',
        ),
        (
            {"widgets": [metric(annotations={"horizontal": [{"value": 5, "fill": "red"}]})]},
            'has at widgets[0] the annotation {"value": 5, "fill": "red"}',
        ),
        ({"widgets": [widget(type="alarm", properties={"alarms": []})]}, "has at widgets[0] not 1 to 100 alarms"),
        (
            {"widgets": [widget(type="alarm", properties={"alarms": ["arn"] * 101})]},
            "has at widgets[0] not 1 to 100 alarms",
        ),
    ],
)
def test_check_of_a_dashboard(services: Services, body: dict[str, Any], reason: str) -> None:
    inputs = {"dashboardName": "overview", "dashboardBody": json.dumps(body)}
    assert services.failures(DASHBOARD, inputs) == [("dashboardBody", reason)]


def test_a_dashboard_changes_in_place_and_drifts(services: Services) -> None:
    body = json.dumps({"widgets": [widget()]})
    created = services.create(DASHBOARD, {"dashboardName": "overview", "dashboardBody": body})
    assert created.state["dashboardArn"] == f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/overview"
    assert services.drift(created) == {}

    wider = json.dumps({"widgets": [widget(width=12)]})
    services.update(created, dashboardBody=wider)
    cloudwatch = services.client("cloudwatch")
    assert cloudwatch.get_dashboard(DashboardName="overview")["DashboardBody"] == wider
    assert services.changes(created, dashboardName="other") == {"dashboardName": True}

    empty = json.dumps({"widgets": []})
    cloudwatch.put_dashboard(DashboardName="overview", DashboardBody=empty)
    assert services.drift(created) == {"dashboardBody": empty}
    services.delete(created)
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
