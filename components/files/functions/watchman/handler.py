"""What EventBridge Scheduler calls once an hour, and once a minute with the task `probe`."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import boto3

from .checks import checks_of
from .first_weekday import mute
from .probe import probe


def handle(event: Mapping[str, Any], _: object) -> Mapping[str, Any]:
    """Publish what each check measures. Raises an error that names the checks that failed, when all others are done.

    A check that fails publishes nothing, and its alarm takes the silence for a failure.
    """
    watched = json.loads(os.environ["WATCHED"])
    if event.get("task") == "probe":
        seen = probe(watched)
        _publish("Probe", seen)
        return seen
    return _look(watched, datetime.now(tz=UTC))


def _look(watched: Mapping[str, Any], now: datetime) -> Mapping[str, float]:
    measured: dict[str, float] = {}
    failed: dict[str, str] = {}
    for name, check in checks_of(watched).items():
        try:
            measured[name] = check(now)
        except Exception as error:
            # One service that does not answer must not hide the others.
            failed[name] = f"{type(error).__name__}: {error}"
    try:
        mute(watched["prefix"], watched["window"], watched["alarms"], now)
    except Exception as error:
        failed["mute-rule"] = f"{type(error).__name__}: {error}"
    _publish("Age", measured)
    if failed:
        raise RuntimeError(f"not measured: {json.dumps(failed, sort_keys=True)}")
    return measured


def _publish(metric: str, measured: Mapping[str, float]) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace=os.environ["METRIC_NAMESPACE"],
        MetricData=[
            {"MetricName": metric, "Dimensions": [{"Name": "Check", "Value": name}], "Value": value}
            for name, value in measured.items()
        ],
    )
