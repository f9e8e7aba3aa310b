"""Money: a budget of the month, and costs that are unusual. Both are messages, which stop nothing.

They are of the whole account: tags tell what costs belong to only after somebody has activated them for billing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.costs import CostsSettings
from components.shared.alarm_specification import Severity
from components.shared.identity import StackIdentity

PERCENT_SPENT = 80
PERCENT_EXPECTED = 100


@dataclass(frozen=True, kw_only=True)
class CostsArgs:
    settings: CostsSettings
    identity: StackIdentity
    topic_arns: Mapping[Severity, pulumi.Input[str]]


class Costs(pulumi.ComponentResource):
    """A budget, a monitor of what each service of AWS costs, and who is told."""

    def __init__(self, name: str, args: CostsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Costs", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self._create_budget()
        self._watch_anomalies(self._find_or_create_monitor())

        self.register_outputs({"monthly_usd": args.settings.monthly_usd})

    def _create_budget(self) -> None:
        identity = self._args.identity
        aws.budgets.Budget(
            f"{self._name}-budget",
            name=identity.physical_name("aws:budgets/budget:Budget", f"{identity.prefix}-monthly"),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(self._args.settings.monthly_usd),
            limit_unit="USD",
            notifications=[
                self._notification("ACTUAL", PERCENT_SPENT, Severity.P4),
                self._notification("FORECASTED", PERCENT_EXPECTED, Severity.P3),
            ],
            opts=self._child,
        )

    def _notification(self, kind: str, percent: int, severity: Severity) -> aws.budgets.BudgetNotificationArgsDict:
        return {
            "notification_type": kind,
            "comparison_operator": "GREATER_THAN",
            "threshold": percent,
            "threshold_type": "PERCENTAGE",
            "subscriber_sns_topic_arns": [self._args.topic_arns[severity]],
        }

    def _find_or_create_monitor(self) -> pulumi.Input[str]:
        if self._args.settings.anomaly_monitor_arn is not None:
            return self._args.settings.anomaly_monitor_arn
        monitor = aws.costexplorer.AnomalyMonitor(
            f"{self._name}-monitor",
            name=f"{self._args.identity.prefix}-services",
            monitor_type="DIMENSIONAL",
            monitor_dimension="SERVICE",
            opts=self._child,
        )
        arn: pulumi.Output[str] = monitor.arn
        return arn

    def _watch_anomalies(self, monitor_arn: pulumi.Input[str]) -> None:
        aws.costexplorer.AnomalySubscription(
            f"{self._name}-anomalies",
            name=f"{self._args.identity.prefix}-anomalies",
            # AWS sends to topics at once only.
            frequency="IMMEDIATE",
            monitor_arn_lists=[monitor_arn],
            subscribers=[{"type": "SNS", "address": self._args.topic_arns[Severity.P3]}],
            threshold_expression={
                "dimension": {
                    "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    "match_options": ["GREATER_THAN_OR_EQUAL"],
                    "values": [str(self._args.settings.anomaly_usd)],
                }
            },
            opts=self._child,
        )
