"""The alarms of a deployed stack, from what `pulumi stack export` writes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import model_validator as validator
from pydantic.alias_generators import to_camel

from replay.evaluation import Condition, Measure, MissingData, State
from replay.metric_math import Formula
from replay.mutes import MuteRule
from replay.rules import Rule, alarm_name

_BEYOND = {
    "evaluation_criteria": "PromQL",
    "evaluation_window": "a wall clock window",
    "threshold_metric_id": "anomaly detection",
    "warm_up_configuration": "a warm-up",
}


class StateError(ValueError):
    """The file is not an exported state, or nothing can be replayed with it."""


@dataclass(frozen=True, kw_only=True)
class Suppressor:
    """Another alarm that holds the actions of a composite alarm back while it is in ALARM."""

    alarm: str
    wait: timedelta
    extension: timedelta


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm and whom it tells."""

    name: str
    """In AWS."""
    title: str
    """In the program: the logical name without that of its component."""
    logical_name: str
    severity: str
    """P1 to P4; empty if the alarm has none."""
    actions: Mapping[State, Sequence[str]]
    """ARNs, by the state that the alarm changes to."""
    trigger: Condition | Rule
    suppressor: Suppressor | None = None

    def is_called(self, name: str) -> bool:
        return name in (self.name, self.title, self.logical_name)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What decides on who is told of what."""

    alarms: Mapping[str, Alarm]
    """By name in AWS; composite alarms after those that they look at."""
    mute_rules: Sequence[MuteRule]
    beyond: Mapping[str, str]
    """Alarms and mute rules that are not replayed, and why."""


class _Outputs(BaseModel):
    """What AWS said of a resource. The provider has an empty text, list or object for what is not set."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    @validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if value not in (None, "", [], {})}


class _Metric(_Outputs):
    namespace: str
    metric_name: str
    dimensions: Mapping[str, str] = {}
    period: int
    stat: str
    unit: str | None = None


class _Query(_Outputs):
    id: str
    expression: str | None = None
    metric: _Metric | None = None
    return_data: bool = False


class _Alarm(_Outputs):
    actions_enabled: bool = True
    alarm_actions: Sequence[str] = ()
    alarm_description: str = ""
    insufficient_data_actions: Sequence[str] = ()
    ok_actions: Sequence[str] = ()
    tags: Mapping[str, str] = {}


class _MetricAlarm(_Alarm):
    name: str
    comparison_operator: str
    datapoints_to_alarm: int = 0
    dimensions: Mapping[str, str] = {}
    evaluate_low_sample_count_percentiles: str = "evaluate"
    evaluation_periods: int
    extended_statistic: str | None = None
    metric_name: str | None = None
    metric_queries: Sequence[_Query] = ()
    namespace: str | None = None
    period: int = 0
    statistic: str | None = None
    threshold: float
    treat_missing_data: MissingData = MissingData.MISSING
    unit: str | None = None

    def condition(self) -> Condition:
        queries = self.metric_queries or [_Query(id="result", metric=self._metric(), return_data=True)]
        metrics = {query.id: query.metric for query in queries if query.metric}
        periods = {metric.period for metric in metrics.values()}
        if len(periods) != 1 or min(periods) % 60:
            raise ValueError(f"a period of {', '.join(f'{period} s' for period in sorted(periods))}")
        return Condition(
            measures={key: _measure(metric) for key, metric in metrics.items()},
            expressions={query.id: Formula(query.expression) for query in queries if query.expression},
            result=next(query.id for query in queries if query.return_data),
            comparison=self.comparison_operator,
            threshold=self.threshold,
            period=periods.pop() // 60,
            periods=self.evaluation_periods,
            alarms=self.datapoints_to_alarm or self.evaluation_periods,
            missing=self.treat_missing_data,
            ignore_few_samples=self.evaluate_low_sample_count_percentiles == "ignore",
        )

    def _metric(self) -> _Metric:
        return _Metric.model_validate(
            {
                "namespace": self.namespace,
                "metricName": self.metric_name,
                "dimensions": self.dimensions,
                "period": self.period,
                "stat": self.statistic or self.extended_statistic,
                "unit": self.unit,
            }
        )


class _Suppressor(_Outputs):
    alarm: str
    extension_period: timedelta
    wait_period: timedelta


class _CompositeAlarm(_Alarm):
    alarm_name: str
    alarm_rule: str
    actions_suppressor: _Suppressor | None = None


class _Schedule(_Outputs):
    duration: timedelta
    expression: str
    timezone: Literal["UTC"] | ZoneInfo = "UTC"
    """Not every machine has a database of time zones, which even UTC would need."""


class _MuteRule(_Outputs):
    class _Rule(_Outputs):
        schedule: _Schedule

    class _Targets(_Outputs):
        alarm_names: frozenset[str] = frozenset()

    name: str
    rule: _Rule
    mute_targets: _Targets = _Targets()
    start_date: datetime | None = None
    expire_date: datetime | None = None


class _Resource(BaseModel):
    urn: str
    type: str
    outputs: Mapping[str, Any] = {}
    delete: bool = False

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]


class _Deployment(BaseModel):
    resources: Sequence[_Resource] = ()


class _Export(BaseModel):
    deployment: _Deployment


def read_stack(path: Path) -> Stack:
    """Read an exported state. Raises StateError if it is none."""
    try:
        return stack_of(json.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise StateError(f"There is no deployed state: {path} does not exist. Run `make up` first.") from error
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise StateError(f"{path} is not what `pulumi stack export` writes.") from error


def stack_of(exported: Any) -> Stack:
    """Return the alarms of an exported state. Raises ValueError if it is none."""
    resources = [each for each in _Export.model_validate(exported).deployment.resources if not each.delete]
    alarms: dict[str, Alarm] = {}
    mute_rules: list[MuteRule] = []
    beyond: dict[str, str] = {}
    for resource in resources:
        try:
            match resource.type:
                case "aws:cloudwatch/metricAlarm:MetricAlarm":
                    alarm = _metric_alarm(resource)
                    alarms[alarm.name] = alarm
                case "aws:cloudwatch/compositeAlarm:CompositeAlarm":
                    alarm = _composite_alarm(resource)
                    alarms[alarm.name] = alarm
                case "aws:cloudwatch/alarmMuteRule:AlarmMuteRule":
                    mute_rules.append(_mute_rule(resource))
        except ValidationError as error:
            first = error.errors()[0]
            beyond[resource.name] = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except ValueError as error:
            beyond[resource.name] = str(error)
    return Stack(alarms=_in_order(alarms, beyond), mute_rules=mute_rules, beyond=beyond)


def _in_order(alarms: Mapping[str, Alarm], beyond: dict[str, str]) -> Mapping[str, Alarm]:
    """Put each alarm after those that it looks at, and leave out what looks at an alarm that is not there."""
    graph = {name: _looks_at(alarm) for name, alarm in alarms.items()}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ValueError(f"the composite alarms {', '.join(error.args[1])} look at each other") from error
    result: dict[str, Alarm] = {}
    for name in order:
        if name not in alarms:
            continue
        if missing := graph[name] - result.keys():
            beyond[alarms[name].logical_name] = f"it looks at {', '.join(sorted(missing))}, which is not replayed"
        else:
            result[name] = alarms[name]
    return result


def _looks_at(alarm: Alarm) -> set[str]:
    children = alarm.trigger.names() if isinstance(alarm.trigger, Rule) else set()
    return children | ({alarm.suppressor.alarm} if alarm.suppressor else set())


def _metric_alarm(resource: _Resource) -> Alarm:
    for key, reason in _BEYOND.items():
        if resource.outputs.get(to_camel(key)):
            raise ValueError(reason)
    outputs = _MetricAlarm.model_validate(resource.outputs)
    return _alarm(resource, outputs, outputs.name, outputs.condition(), None)


def _composite_alarm(resource: _Resource) -> Alarm:
    outputs = _CompositeAlarm.model_validate(resource.outputs)
    found = outputs.actions_suppressor
    suppressor = (
        Suppressor(alarm=alarm_name(found.alarm), wait=found.wait_period, extension=found.extension_period)
        if found
        else None
    )
    return _alarm(resource, outputs, outputs.alarm_name, Rule(outputs.alarm_rule), suppressor)


def _alarm(
    resource: _Resource, outputs: _Alarm, name: str, trigger: Condition | Rule, suppressor: Suppressor | None
) -> Alarm:
    in_description = re.match(r"P[1-4]\b", outputs.alarm_description)
    actions = {
        State.ALARM: outputs.alarm_actions,
        State.OK: outputs.ok_actions,
        State.INSUFFICIENT_DATA: outputs.insufficient_data_actions,
    }
    return Alarm(
        name=name,
        title=resource.name.partition("-")[2] or resource.name,
        logical_name=resource.name,
        severity=outputs.tags.get("Severity") or (in_description[0] if in_description else ""),
        actions=actions if outputs.actions_enabled else {},
        trigger=trigger,
        suppressor=suppressor,
    )


def _measure(metric: _Metric) -> Measure:
    return Measure(
        namespace=metric.namespace,
        metric=metric.metric_name,
        dimensions=metric.dimensions,
        unit=metric.unit,
        statistic=metric.stat,
    )


def _mute_rule(resource: _Resource) -> MuteRule:
    outputs = _MuteRule.model_validate(resource.outputs)
    schedule = outputs.rule.schedule
    return MuteRule(
        name=outputs.name,
        alarms=outputs.mute_targets.alarm_names,
        expression=schedule.expression,
        duration=schedule.duration,
        timezone=UTC if schedule.timezone == "UTC" else schedule.timezone,
        starts=outputs.start_date,
        expires=outputs.expire_date,
    )
