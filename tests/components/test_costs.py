"""Costs: the budget, what is unusual, and the way to people."""

from typing import Any

import pytest

from components.costs import Costs, CostsArgs
from components.sections.costs import CostsSettings
from components.shared.alarm_specification import Severity
from tests.recorder import IDENTITY, Recording, record

TOPIC = "arn:aws:sns:us-east-1:111122223333:notifications-"
MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"


def made(**settings: Any) -> Recording:
    def program() -> None:
        topics = {severity: f"{TOPIC}{severity.lower()}" for severity in Severity}
        Costs("costs", CostsArgs(settings=CostsSettings(**settings), identity=IDENTITY, topic_arns=topics))

    return record(program)


def test_budget_is_told_of_at_80_percent_and_before_it_is_exceeded() -> None:
    budget = made(monthly_usd=1234).named("costs-budget").plain

    def notification(kind: str, threshold: int, topic: str) -> dict[str, Any]:
        return {
            "notificationType": kind,
            "comparisonOperator": "GREATER_THAN",
            "threshold": threshold,
            "thresholdType": "PERCENTAGE",
            "subscriberSnsTopicArns": [f"{TOPIC}{topic}"],
        }

    assert budget == {
        "name": "fixrx-production-monthly",
        "budgetType": "COST",
        "timeUnit": "MONTHLY",
        "limitAmount": "1234",
        "limitUnit": "USD",
        "notifications": [notification("ACTUAL", 80, "p4"), notification("FORECASTED", 100, "p3")],
    }


def test_what_is_unusual_is_told_at_once() -> None:
    recording = made(anomaly_usd=77)

    assert recording.named("costs-monitor").plain == {
        "name": "fixrx-production-services",
        "monitorType": "DIMENSIONAL",
        "monitorDimension": "SERVICE",
    }
    assert recording.named("costs-anomalies").plain == {
        "name": "fixrx-production-anomalies",
        "frequency": "IMMEDIATE",
        "monitorArnLists": ["arn:aws:costexplorer:us-east-1:111122223333:costs-monitor"],
        "subscribers": [{"type": "SNS", "address": f"{TOPIC}p3"}],
        "thresholdExpression": {
            "dimension": {
                "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                "matchOptions": ["GREATER_THAN_OR_EQUAL"],
                "values": ["77"],
            }
        },
    }


def test_monitor_of_the_account_is_used() -> None:
    """AWS admits no second one."""
    arn = "arn:aws:ce::111122223333:anomalymonitor/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    recording = made(anomaly_monitor_arn=arn)

    assert recording.of_type(MONITOR) == []
    assert recording.named("costs-anomalies").plain["monitorArnLists"] == [arn]


@pytest.mark.parametrize("topic", ["notifications-p3", "notifications-p4"])
def test_topics_of_costs_and_their_key_let_the_messages_through(stack: Recording, topic: str) -> None:
    publish, *_ = stack.named(f"{topic}-policy").document("policy")["Statement"]
    key = stack.named(topic).plain["kmsMasterKeyId"].rpartition("/")[2]
    use = next(each for each in stack.named(key).document("policy")["Statement"] if each["Sid"] == "AlarmPublishers")
    account = {"StringEquals": {"aws:SourceAccount": publish["Condition"]["StringEquals"]["aws:SourceAccount"]}}

    for statement in (publish, use):
        assert {"budgets.amazonaws.com", "costalerts.amazonaws.com"} <= set(statement["Principal"]["Service"])
        assert statement["Condition"] == account
