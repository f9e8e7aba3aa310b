"""CloudWatch: alarms and dashboards. Log groups, which the SDK counts to CloudWatch as well, are in `logs`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.provider.model import (
    Autoname,
    Inputs,
    Reference,
    ResourceType,
    Rule,
    arn,
    call,
    template,
)
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import capital, exactly_one, tagging, under, without
from sandbox.provider.values import UNKNOWN

# Actions may be resources other than topics, none of which the sandbox has.
_ACTION = Reference(
    references.TOPIC.resource_kind, lambda api, value: ":sns:" not in value or references.TOPIC.exists(api, value)
)
_ACTIONS = ("alarmActions", "okActions", "insufficientDataActions")

_DAY_SECONDS = 24 * 3600
_WEEK_SECONDS = 7 * _DAY_SECONDS

_STATISTICS = "SampleCount|Average|Sum|Minimum|Maximum"
_EXTENDED_STATISTICS = (
    r"(p|tm|wm|tc|ts)(\d{1,2}(\.\d{1,10})?|100)|IQM|(TM|WM|PR|TC|TS)\((\d+(\.\d+)?%?)?:(\d+(\.\d+)?%?)?\)"
)


def _in_minutes(*exceptions: str) -> Rule:
    """Shorter periods than a minute are for metrics of high resolution."""

    def rule(value: str) -> str | None:
        if value in exceptions or (value.isdigit() and int(value) > 0 and int(value) % 60 == 0):
            return None
        return f"must be {', '.join(exceptions)} or a multiple of 60"

    return rule


def _explicit_queries(inputs: Inputs) -> dict[str, Any]:
    """Without returnData, CloudWatch returns the data of a query; the provider's default is false."""
    queries = inputs.get("metricQueries")
    if not isinstance(queries, list):
        return dict(inputs)
    explicit = [{"returnData": False, **query} if isinstance(query, dict) else query for query in queries]
    return {**inputs, "metricQueries": explicit}


def _alarm_rules(inputs: Inputs) -> Iterator[CheckFailure]:
    if inputs.get("evaluationCriteria") is None:
        yield from _measure_rules(inputs)
        yield from _window_rules(inputs)
    if isinstance(inputs.get("metricQueries"), list):
        yield from _query_rules(inputs, inputs["metricQueries"])
    extended = inputs.get("extendedStatistic")
    percentile = extended is None or str(extended).startswith("p")
    if inputs.get("evaluateLowSampleCountPercentiles") is not None and (extended is None or not percentile):
        yield CheckFailure("evaluateLowSampleCountPercentiles", "is for an extendedStatistic that is a percentile")


def _measure_rules(inputs: Inputs) -> Iterator[CheckFailure]:
    """What is measured, and against what."""
    for key in ("comparisonOperator", "evaluationPeriods"):
        if inputs.get(key) is None:
            yield CheckFailure(key, f"an alarm needs {key}")
    yield from exactly_one("statistic", "extendedStatistic", "metricQueries")(inputs)
    yield from exactly_one("threshold", "thresholdMetricId", names="threshold, thresholdMetricId")(inputs)
    queried = inputs.get("metricQueries") is not None
    for key in ("metricName", "namespace", "period"):
        if queried and inputs.get(key) is not None:
            yield CheckFailure(key, "belongs into the metricQueries that are given")
        elif not queried and inputs.get(key) is None:
            yield CheckFailure(key, f"an alarm on a single metric needs {key}")
    if queried and inputs.get("dimensions") is not None:
        yield CheckFailure("dimensions", "belongs into the metricQueries that are given")


def _window_rules(inputs: Inputs) -> Iterator[CheckFailure]:
    """CloudWatch looks back one day, and a week for periods of an hour and more."""
    periods, datapoints = inputs.get("evaluationPeriods"), inputs.get("datapointsToAlarm")
    if not isinstance(periods, int):
        return
    if isinstance(datapoints, int) and datapoints > periods:
        yield CheckFailure("datapointsToAlarm", f"must not exceed evaluationPeriods ({periods}), is {datapoints}")
    queries = inputs.get("metricQueries")
    metrics = [query.get("metric") for query in queries if isinstance(query, dict)] if isinstance(queries, list) else []
    lengths = [metric.get("period") for metric in metrics if isinstance(metric, dict)] + [inputs.get("period")]
    longest = max((length for length in lengths if isinstance(length, int)), default=0)
    limit = _WEEK_SECONDS if longest >= 3600 else _DAY_SECONDS
    if periods * longest > limit:
        reason = f"times the period must not exceed {limit} seconds, is {periods * longest}"
        yield CheckFailure("evaluationPeriods", reason)


def _query_rules(inputs: Inputs, queries: list[Any]) -> Iterator[CheckFailure]:
    known = [query for query in queries if isinstance(query, dict)]
    identifiers = [str(query.get("id")) for query in known]
    for index, query in enumerate(queries):
        if not isinstance(query, dict):
            continue
        if (query.get("expression") is None) == (query.get("metric") is None):
            yield CheckFailure(f"metricQueries[{index}]", "must have exactly one of expression and metric")
        if identifiers.count(str(query.get("id"))) > 1:
            yield CheckFailure(f"metricQueries[{index}].id", f"must be unique, {query.get('id')} is not")
    band = inputs.get("thresholdMetricId")
    if band is not None and UNKNOWN not in (band, *identifiers) and band not in identifiers:
        yield CheckFailure("thresholdMetricId", f"must be the id of one of the metricQueries, {band} is none")
    returned = [query for query in known if query.get("returnData")]
    uncertain = len(known) < len(queries) or any(query.get("returnData") == UNKNOWN for query in known)
    # A band is returned together with the metric that it is for.
    expected = 1 if band is None else 2
    if not uncertain and len(returned) != expected:
        yield CheckFailure("metricQueries", f"must have returnData in exactly {expected}, has it in {len(returned)}")


_QUERY_ID = "letters, digits and underscores after a lower-case letter"

_METRIC_ALARM = ResourceType(
    token="aws:cloudwatch/metricAlarm:MetricAlarm",
    service="cloudwatch",
    create="put_metric_alarm",
    id=template("{name}"),
    parameter_prefix="Alarm",
    tagging=tagging("tag_resource untag_resource list_tags_for_resource", survive=True, ResourceARN="arn"),
    prepare=_explicit_queries,
    renames={
        "metricQueries": "Metrics",
        "metricQueries.metric": "MetricStat",
        **under("Metric", "dimensions metricName namespace", of="metricQueries.metric."),
    },
    read=call("describe_alarms", AlarmNames="id", AlarmTypes=["MetricAlarm"]),
    description="MetricAlarms[0]",
    # The emulator reports both, empty where they do not apply.
    attributes={"metricQueries": "Metrics || `null`", "dimensions": "Dimensions || `null`"},
    absent_outputs="evaluateLowSampleCountPercentiles",
    # The emulator accepts all of these and reports none.
    write_only="evaluationCriteria evaluationInterval evaluationWindow warmUpConfiguration",
    replaces_all=True,
    delete=call("delete_alarms", AlarmNames="id"),
    replace="name",
    autoname=Autoname("name"),
    defaults={"actionsEnabled": True, "treatMissingData": "missing"},
    validate=_alarm_rules,
    rules={
        **dict.fromkeys(_ACTIONS, rules.arn),
        "evaluateLowSampleCountPercentiles": rules.one_of("evaluate", "ignore"),
        "extendedStatistic": rules.matches(_EXTENDED_STATISTICS, "a percentile such as p95 or another of its kind"),
        "metricQueries.id": rules.matches(r"[a-z][a-zA-Z0-9_]{0,254}", _QUERY_ID),
        "metricQueries.metric.stat": rules.matches(f"{_STATISTICS}|{_EXTENDED_STATISTICS}", "a statistic such as Sum"),
        "metricQueries.period": _in_minutes("1", "5", "10", "20", "30"),
        "metricQueries.metric.period": _in_minutes("1", "5", "10", "20", "30"),
        "period": _in_minutes("10", "20", "30"),
        "treatMissingData": rules.one_of("missing", "ignore", "breaching", "notBreaching"),
    },
    references=dict.fromkeys(_ACTIONS, _ACTION),
)


def _suppressor(inputs: Inputs) -> dict[str, Any]:
    """One object in the schema, three parameters in the API."""
    suppressor = inputs.get("actionsSuppressor")
    if not isinstance(suppressor, dict):
        return dict(inputs)
    periods = {f"actionsSuppressor{capital(key)}": value for key, value in without(suppressor, "alarm").items()}
    return {**inputs, "actionsSuppressor": suppressor.get("alarm"), **periods}


_ALARM_RULE = r"\s*(NOT\s+|\(\s*)*((ALARM|OK|INSUFFICIENT_DATA)\s*\(|TRUE\b|FALSE\b)[\s\S]*"
_ALARM_RULE_TEXT = "an expression of ALARM(name), OK(name), INSUFFICIENT_DATA(name), AND, OR and NOT"

_COMPOSITE_ALARM = ResourceType(
    token="aws:cloudwatch/compositeAlarm:CompositeAlarm",
    service="cloudwatch",
    stored_only=True,
    create="put_composite_alarm",
    id=template("{alarmName}"),
    prepare=_suppressor,
    attributes={"arn": arn("cloudwatch", "alarm:{id}")},
    replace="alarmName actionsEnabled",
    defaults={"actionsEnabled": True},
    rules={
        **dict.fromkeys(_ACTIONS, rules.arn),
        "alarmRule": rules.matches(_ALARM_RULE, _ALARM_RULE_TEXT),
    },
    references=dict.fromkeys(_ACTIONS, _ACTION),
)

_WIDGETS = ("alarm", "custom", "explorer", "log", "metric", "text")
_WIDGET_RANGES = {"x": (0, 23), "y": (0, 9999), "width": (1, 24), "height": (1, 1000)}
_MOST_WIDGETS = 500
_MOST_ALARMS = 100
_WIDGET_PROPERTIES = {
    "alarm": "alarms sortBy states title",
    "metric": "accountId annotations end labels legend liveData metrics period region setPeriodToTimeRange "
    "singleValueFullPrecision sparkline stacked start stat table timezone title trend view yAxis",
    "text": "background markdown",
}
_VIEWS = ("bar", "gauge", "pie", "singleValue", "table", "timeSeries")
_FILLS = ("above", "below", "none")


def dashboard_body(value: str) -> str | None:
    """A JSON object with widgets, of the types, in the grid and of the number that CloudWatch accepts."""
    wrong = rules.json_document(value)
    if wrong:
        return wrong
    widgets = json.loads(value).get("widgets")
    if not isinstance(widgets, list):
        return "must have a list of widgets"
    if len(widgets) > _MOST_WIDGETS:
        return f"must have at most {_MOST_WIDGETS} widgets, has {len(widgets)}"
    faults = (f"has at widgets[{index}] {fault}" for index, widget in enumerate(widgets) for fault in _widget(widget))
    return next(faults, None)


def _widget(widget: Any) -> Iterable[str]:
    if not isinstance(widget, dict):
        yield "no object"
        return
    if widget.get("type") not in _WIDGETS:
        yield f"a type that is none of {', '.join(_WIDGETS)}"
    if not isinstance(widget.get("properties"), dict):
        yield "no properties"
        return
    for key, (low, high) in _WIDGET_RANGES.items():
        place = widget.get(key, low)
        if not isinstance(place, int) or not low <= place <= high:
            yield f"a {key} that is not between {low} and {high}"
    properties = widget["properties"]
    known = _WIDGET_PROPERTIES.get(str(widget.get("type")))
    if known and (unknown := sorted(properties.keys() - set(known.split()))):
        yield f"the property {unknown[0]}, which a widget of its type does not have"
    if widget.get("type") == "metric":
        yield from _metric_widget(properties)
    if widget.get("type") == "alarm" and not 1 <= len(properties.get("alarms", ())) <= _MOST_ALARMS:
        yield f"not 1 to {_MOST_ALARMS} alarms"


def _metric_widget(properties: Mapping[str, Any]) -> Iterable[str]:
    if not isinstance(properties.get("region"), str):
        yield "no region"
    if properties.get("view", "timeSeries") not in _VIEWS:
        yield f"a view that is none of {', '.join(_VIEWS)}"
    annotations = properties.get("annotations", {})
    metrics = properties.get("metrics")
    if metrics is None and "alarms" not in annotations:
        yield "neither metrics nor an alarm"
    for metric in metrics or ():
        *names, last = metric if isinstance(metric, list) and metric else [None]
        texts = [*names, last] if isinstance(last, str) else names
        expression = isinstance(last, dict) and "expression" in last
        # Namespace, name, and pairs of dimensions; an expression has none of them.
        if not all(isinstance(text, str) for text in texts) or (bool(texts) == expression) or len(texts) % 2:
            yield f"the metric {json.dumps(metric)}"
    for line in annotations.get("horizontal", ()):
        if not isinstance(line.get("value"), int | float) or line.get("fill", "none") not in _FILLS:
            yield f"the annotation {json.dumps(line)}"


_DASHBOARD = ResourceType(
    token="aws:cloudwatch/dashboard:Dashboard",
    service="cloudwatch",
    create="put_dashboard",
    id=template("{dashboardName}"),
    read=call("get_dashboard", DashboardName="id"),
    replaces_all=True,
    delete=call("delete_dashboards", DashboardNames="id"),
    replace="dashboardName",
    rules={
        "dashboardBody": dashboard_body,
        "dashboardName": rules.matches(r"[A-Za-z0-9_-]{1,255}", "at most 255 letters, digits, hyphens and underscores"),
    },
)

TYPES = (_METRIC_ALARM, _COMPOSITE_ALARM, _DASHBOARD)
