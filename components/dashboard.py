"""The stack's dashboard, from the alarm specifications of all components: one graph for each, its threshold in it.

The structure of the body is on AWS's page "Dashboard body structure and syntax". A dashboard costs 3 USD a month.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric
from components.shared.identity import StackIdentity

GRID_COLUMNS = 24
GRAPHS_IN_A_ROW = 3
GRAPH_HEIGHT = 6
STATES_HEIGHT = 3
RED = "#d62728"

Widget = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class DashboardArgs:
    identity: StackIdentity
    specifications: Sequence[AlarmSpecification]
    alarm_arns: Mapping[str, pulumi.Input[str]]
    """By the name of the specification."""


class Dashboard(pulumi.ComponentResource):
    """For each section the states of its alarms, and below them what the alarms measure."""

    def __init__(self, name: str, args: DashboardArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Dashboard", name, None, opts)
        kind = "aws:cloudwatch/dashboard:Dashboard"
        dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=args.identity.physical_name(kind, args.identity.prefix),
            dashboard_body=pulumi.Output.json_dumps({"periodOverride": "inherit", "widgets": _widgets(args)}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"name": dashboard.dashboard_name})


def _widgets(args: DashboardArgs) -> Sequence[Widget]:
    """Return the widgets of all sections, one section below the other."""
    widgets: list[Widget] = []
    top = 0
    for section in DashboardSection:
        found = [each for each in args.specifications if each.section is section]
        widgets.append(_states(section, [args.alarm_arns[each.name] for each in found], top))
        top += STATES_HEIGHT
        for number, specification in enumerate(found):
            widgets.append(_graph(specification, number, top, args.identity.region))
        top += -(-len(found) // GRAPHS_IN_A_ROW) * GRAPH_HEIGHT
    return widgets


def _states(section: DashboardSection, arns: Sequence[pulumi.Input[str]], top: int) -> Widget:
    properties = {"title": str(section), "alarms": list(arns), "sortBy": "stateUpdatedTimestamp"}
    return _widget("alarm", x=0, y=top, width=GRID_COLUMNS, height=STATES_HEIGHT, properties=properties)


def _graph(specification: AlarmSpecification, number: int, top: int, region: str) -> Widget:
    row, column = divmod(number, GRAPHS_IN_A_ROW)
    width = GRID_COLUMNS // GRAPHS_IN_A_ROW
    properties = {
        "title": f"{specification.name} ({specification.severity})",
        "view": "timeSeries",
        "region": region,
        "period": specification.period_seconds,
        "metrics": _metrics(specification),
        "yAxis": {"left": {"label": specification.unit, "showUnits": False}},
        "annotations": {"horizontal": [_threshold(specification)]},
    }
    y = top + row * GRAPH_HEIGHT
    return _widget("metric", x=column * width, y=y, width=width, height=GRAPH_HEIGHT, properties=properties)


def _widget(kind: str, *, x: int, y: int, width: int, height: int, properties: Mapping[str, object]) -> Widget:
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}


def _metrics(specification: AlarmSpecification) -> Sequence[Sequence[object]]:
    """What is drawn: the metric, or the result of an expression over metrics that are not drawn."""
    measure = specification.measure
    if isinstance(measure, Metric):
        return [_metric(measure, label=specification.name)]
    return [
        [{"id": "result", "expression": measure.expression, "label": specification.name}],
        *(_metric(metric, id=key, visible=False) for key, metric in measure.metrics.items()),
    ]


def _metric(metric: Metric, **options: str | bool) -> Sequence[object]:
    dimensions = [part for dimension in metric.dimensions.items() for part in dimension]
    return [metric.namespace, metric.metric_name, *dimensions, {"stat": metric.statistic, **options}]


def _threshold(specification: AlarmSpecification) -> Mapping[str, object]:
    """A line at the threshold, and the side of it on which the alarm begins in red."""
    return {
        "label": f"{specification.severity} {specification.unit}",
        "value": specification.threshold,
        "color": RED,
        "fill": "below" if specification.comparison.startswith("LessThan") else "above",
    }
