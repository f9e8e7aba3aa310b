"""The metric of what the watchman tries each minute: 1 if it succeeds, 0 if it fails."""

from components.shared.alarm_specification import Metric

METRIC = "Probe"


def probe_metric(namespace: str, check: str) -> Metric:
    return Metric(namespace=namespace, metric_name=METRIC, dimensions={"Check": check}, statistic="Minimum")
