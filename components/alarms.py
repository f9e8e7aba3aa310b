"""CloudWatch alarms from the alarm specifications of all components. A metric alarm costs 0.10 USD a month.

An outage is one message: what shows it, or follows from it, tells by the alarms of components/shared/outage.py.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared.alarm_specification import AlarmSpecification, InOutage, Metric, MetricMath, Severity
from components.shared.identity import StackIdentity
from components.shared.outage import OutageArgs, create_outage_alarms, name_of_telling

PERCENTILE = re.compile(r"^p[0-9]+(\.[0-9]+)?$")


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    identity: StackIdentity
    specifications: Sequence[AlarmSpecification]
    topic_arns: Mapping[Severity, pulumi.Input[str]]


class Alarms(pulumi.ComponentResource):
    """One alarm per specification; the topic of its severity is notified when it starts and when it is resolved."""

    arns: Mapping[str, pulumi.Output[str]]
    quiet_names: Sequence[pulumi.Output[str]]
    """Physical names of those that may be quiet in maintenance windows: all but P1."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Alarms", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        alarms = {specification.name: self._create_alarm(specification) for specification in args.specifications}
        self.arns = {name: alarm.arn for name, alarm in alarms.items()}
        outage = OutageArgs(
            identity=args.identity, topic_arns=args.topic_arns, specifications=args.specifications, alarms=alarms
        )
        names = {each: alarm.name for each, alarm in alarms.items()}
        names |= {each: alarm.alarm_name for each, alarm in create_outage_alarms(name, outage, self._child).items()}
        self.quiet_names = [names[each] for each in names_of_quiet(args.specifications)]

        self.register_outputs({"arns": dict(self.arns)})

    def _create_alarm(self, specification: AlarmSpecification) -> aws.cloudwatch.MetricAlarm:
        topic_arns = [self._args.topic_arns[specification.severity]]
        tells = specification.in_outage is InOutage.NOTHING
        identity = self._args.identity
        args = aws.cloudwatch.MetricAlarmArgs(
            name=alarm_name(identity, specification.name),
            alarm_description=specification.description,
            comparison_operator=specification.comparison,
            threshold=specification.threshold,
            evaluation_periods=specification.evaluation_periods,
            treat_missing_data=specification.treat_missing_data,
            alarm_actions=topic_arns if tells else None,
            ok_actions=topic_arns if tells else None,
            tags={"Severity": str(specification.severity)},
        )
        match specification.measure:
            case Metric() as metric:
                _measure_metric(args, metric, specification.period_seconds)
            case MetricMath() as math:
                args.metric_queries = _metric_queries(specification, math)
        return aws.cloudwatch.MetricAlarm(f"{self._name}-{specification.name}", args, self._child)


def names_of_quiet(specifications: Sequence[AlarmSpecification]) -> Sequence[str]:
    """Return the names of the alarms that may be quiet in maintenance windows: a complete outage never is."""
    return [name_of_telling(each) for each in specifications if each.severity is not Severity.P1]


def alarm_name(identity: StackIdentity, name: str) -> str:
    """Return the physical name of an alarm."""
    return identity.physical_name("aws:cloudwatch/metricAlarm:MetricAlarm", f"{identity.prefix}-{name}")


def alarm_names(identity: StackIdentity, names: Sequence[str]) -> Sequence[str]:
    """Return the physical names of alarms."""
    return [alarm_name(identity, name) for name in names]


def _measure_metric(args: aws.cloudwatch.MetricAlarmArgs, metric: Metric, period_seconds: int) -> None:
    args.namespace = metric.namespace
    args.metric_name = metric.metric_name
    args.dimensions = dict(metric.dimensions)
    args.period = period_seconds
    if PERCENTILE.match(metric.statistic):
        args.extended_statistic = metric.statistic
        # A percentile of few requests is not significant; the alarm then keeps its state.
        args.evaluate_low_sample_count_percentiles = "ignore"
    else:
        args.statistic = metric.statistic


def _metric_queries(
    specification: AlarmSpecification, math: MetricMath
) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    result = aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id="result", expression=math.expression, label=specification.name, return_data=True
    )
    return [
        result,
        *(_metric_query(key, metric, specification.period_seconds) for key, metric in math.metrics.items()),
    ]


def _metric_query(key: str, metric: Metric, period_seconds: int) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=key,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=metric.namespace,
            metric_name=metric.metric_name,
            dimensions=dict(metric.dimensions),
            stat=metric.statistic,
            period=period_seconds,
        ),
        return_data=False,
    )
