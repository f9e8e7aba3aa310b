"""Every component's alarm specifications as CloudWatch alarms. A metric alarm costs 0.10 USD a month."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.alarm_specification import AlarmSpecification, Metric, Severity
from components.naming import Label

PERCENTILE = re.compile(r"^p\d+(\.\d+)?$")


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    label: Label
    specifications: Sequence[AlarmSpecification]
    topic_arns: Mapping[Severity, pulumi.Input[str]]


class Alarms(pulumi.ComponentResource):
    """One alarm per specification; it tells its severity's topic when it begins and when it is over."""

    arns: Mapping[str, pulumi.Output[str]]

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Alarms", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.arns = {specification.name: self._create_alarm(specification).arn for specification in args.specifications}

        self.register_outputs({"arns": dict(self.arns)})

    def _create_alarm(self, specification: AlarmSpecification) -> aws.cloudwatch.MetricAlarm:
        topic_arn = self._args.topic_arns[specification.severity]
        label = self._args.label
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{specification.name}",
            name=label.physical_name("aws:cloudwatch/metricAlarm:MetricAlarm", f"{label.prefix}-{specification.name}"),
            alarm_description=f"{specification.severity} ({specification.severity.meaning}). {specification.summary}. "
            f"Runbook: {specification.runbook}",
            comparison_operator=specification.comparison,
            threshold=specification.threshold,
            evaluation_periods=specification.evaluation_periods,
            treat_missing_data=specification.treat_missing_data,
            alarm_actions=[topic_arn],
            ok_actions=[topic_arn],
            tags={"Severity": str(specification.severity)},
            opts=self._child,
            **_what_is_measured(specification),
        )


def _what_is_measured(specification: AlarmSpecification) -> Mapping[str, Any]:
    if specification.expression is not None:
        result = {"id": "result", "expression": specification.expression, "label": specification.name}
        queries = [
            _metric_query(key, metric, specification.period_seconds) for key, metric in specification.metrics.items()
        ]
        return {"metric_queries": [{**result, "return_data": True}, *queries]}
    measured: dict[str, Any] = {
        "namespace": specification.namespace,
        "metric_name": specification.metric_name,
        "dimensions": dict(specification.dimensions),
        "period": specification.period_seconds,
    }
    if specification.statistic is not None and PERCENTILE.match(specification.statistic):
        # With few requests a percentile is chance; CloudWatch then keeps the state it has.
        return {
            **measured,
            "extended_statistic": specification.statistic,
            "evaluate_low_sample_count_percentiles": "ignore",
        }
    return {**measured, "statistic": specification.statistic}


def _metric_query(key: str, metric: Metric, period_seconds: int) -> Mapping[str, Any]:
    return {
        "id": key,
        "metric": {
            "namespace": metric.namespace,
            "metric_name": metric.metric_name,
            "dimensions": dict(metric.dimensions),
            "stat": metric.statistic,
            "period": period_seconds,
        },
        "return_data": False,
    }
