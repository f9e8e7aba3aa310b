"""Alerting rules for those who have a Prometheus, from the alarm specifications that have a query for it.

The guide's three alerts, under its names and with its thresholds; docs/metrics.md says why its expressions never fire.
"""

from collections.abc import Sequence

import yaml

from components.shared.alarm_specification import AlarmSpecification, PrometheusQuery, Severity

CRITICAL = (Severity.P1, Severity.P2)
"""What the guide's rules call critical; the others are warnings."""


def prometheus_rules(specifications: Sequence[AlarmSpecification]) -> str:
    """Return a rule file as Prometheus reads it."""
    rules = [_rule(each, each.prometheus) for each in specifications if each.prometheus]
    return yaml.safe_dump({"groups": [{"name": "fixrx-alerts", "rules": rules}]}, sort_keys=False, width=1000)


def _rule(specification: AlarmSpecification, query: PrometheusQuery) -> dict[str, object]:
    sign = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}[specification.comparison]
    return {
        "alert": specification.name,
        "expr": f"{query.expression} {sign} {specification.threshold / query.divisor:g}",
        "for": f"{specification.hold_seconds // 60}m",
        "labels": {"severity": "critical" if specification.severity in CRITICAL else "warning"},
        "annotations": {"summary": specification.summary, "runbook": specification.runbook},
    }
