"""Budgets and monitors of costs in the sandbox, which records them."""

from typing import Any

import pytest

from tests.sandbox.provider.services import ACCOUNT, Services

pytestmark = pytest.mark.emulator

BUDGET = "aws:budgets/budget:Budget"
MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
SUBSCRIPTION = "aws:costexplorer/anomalySubscription:AnomalySubscription"
MISSING_TOPIC = "arn:aws:sns:us-east-1:123456789012:none"


def topic(services: Services) -> str:
    return str(services.client("sns").create_topic(Name="p4")["TopicArn"])


def notification(address: str, **changes: Any) -> dict[str, Any]:
    return {
        "notificationType": "ACTUAL",
        "comparisonOperator": "GREATER_THAN",
        "threshold": 80,
        "thresholdType": "PERCENTAGE",
        "subscriberSnsTopicArns": [address],
        **changes,
    }


def budget(*notifications: dict[str, Any], **changes: Any) -> dict[str, Any]:
    inputs = {
        "name": "monthly",
        "budgetType": "COST",
        "timeUnit": "MONTHLY",
        "limitAmount": "2000",
        "limitUnit": "USD",
        "notifications": list(notifications),
        **changes,
    }
    return {key: value for key, value in inputs.items() if value is not None}


def subscription(**changes: Any) -> dict[str, Any]:
    return {
        "name": "anomalies",
        "frequency": "IMMEDIATE",
        "monitorArnLists": [f"arn:aws:ce::{ACCOUNT}:anomalymonitor/1"],
        "subscribers": [{"type": "EMAIL", "address": "ops@fixrx.com"}],
        **changes,
    }


def test_a_budget_is_recorded(services: Services) -> None:
    created = services.create(BUDGET, {**budget(notification(topic(services))), "tags": {"Project": "fixrx"}})

    assert (created.id, created.state["arn"]) == (f"{ACCOUNT}:monthly", f"arn:aws:budgets::{ACCOUNT}:budget/monthly")
    services.update(created, limitAmount="3000")
    assert created.state["limitAmount"] == "3000"
    assert services.drift(created) == {}
    assert services.changes(created, name="other") == {"name": True}
    services.delete(created)
    assert services.drift(created) is None


@pytest.mark.parametrize(
    ("inputs", "failure"),
    [
        (budget(limitAmount="much"), ("limitAmount", "must be a number")),
        (
            budget(limitAmount=None, limitUnit=None),
            ("limitAmount", "exactly one of limitAmount and plannedLimits must be given"),
        ),
        (budget(limitUnit=None), ("limitUnit", "belongs to limitAmount")),
        (budget(notification("", subscriberSnsTopicArns=[])), ("notifications[0]", "needs a topic or an address")),
        (
            budget(notification(MISSING_TOPIC)),
            ("notifications[0].subscriberSnsTopicArns[0]", f"there is no SNS topic {MISSING_TOPIC}"),
        ),
        (
            budget(*[notification("", subscriberSnsTopicArns=None, subscriberEmailAddresses=["a@b.de"])] * 11),
            ("notifications", "must be at most 10"),
        ),
        (budget(name="a:b"), ("name", "must be at most 100 characters without : and backslashes")),
    ],
)
def test_check_of_a_budget(services: Services, inputs: dict[str, Any], failure: tuple[str, str]) -> None:
    assert failure in services.failures(BUDGET, inputs)


@pytest.mark.parametrize(
    "change",
    [
        {"budgetType": "MONEY"},
        {"timeUnit": "WEEKLY"},
        {
            "notifications": [
                notification(
                    "", comparisonOperator=">", subscriberSnsTopicArns=None, subscriberEmailAddresses=["a@fixrx.com"]
                )
            ]
        },
    ],
)
def test_check_of_a_budget_by_the_service_model(services: Services, change: dict[str, Any]) -> None:
    assert services.failures(BUDGET, budget(**change)) != []


def test_a_monitor_and_its_subscription_are_recorded(services: Services) -> None:
    monitor = services.create(
        MONITOR, {"name": "services", "monitorType": "DIMENSIONAL", "monitorDimension": "SERVICE"}
    )
    assert monitor.id == monitor.state["arn"]
    assert monitor.id.startswith(f"arn:aws:ce::{ACCOUNT}:anomalymonitor/")
    subscribers = [{"type": "SNS", "address": topic(services)}]
    created = services.create(SUBSCRIPTION, subscription(monitorArnLists=[monitor.id], subscribers=subscribers))
    assert created.id.startswith(f"arn:aws:ce::{ACCOUNT}:anomalysubscription/")
    assert services.drift(created) == {}
    assert services.changes(created, name="other") == {"name": True}


@pytest.mark.parametrize(
    ("inputs", "failure"),
    [
        (
            {"name": "m", "monitorType": "DIMENSIONAL"},
            ("monitorDimension", "belongs to the type DIMENSIONAL, and must be given there"),
        ),
        (
            {"name": "m", "monitorType": "CUSTOM"},
            ("monitorSpecification", "belongs to the type CUSTOM, and must be given there"),
        ),
        (
            {"name": "m", "monitorType": "CUSTOM", "monitorSpecification": "{"},
            ("monitorSpecification", "must be JSON: Expecting property name enclosed in double quotes"),
        ),
    ],
)
def test_check_of_a_monitor(services: Services, inputs: dict[str, Any], failure: tuple[str, str]) -> None:
    assert [(path, reason[:60]) for path, reason in services.failures(MONITOR, inputs)] == [
        (failure[0], failure[1][:60])
    ]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"monitorArnLists": ["services"]}, "monitorArnLists[0]"),
        ({"subscribers": [{"type": "SNS", "address": MISSING_TOPIC}]}, "subscribers[0].address"),
        ({"subscribers": [{"type": "SNS", "address": "arn:x"}, {"type": "EMAIL", "address": "a@b.de"}]}, "subscribers"),
        ({"subscribers": [{"type": "SNS", "address": "arn:x"}], "frequency": "DAILY"}, "frequency"),
    ],
)
def test_check_of_a_subscription(services: Services, changes: dict[str, Any], path: str) -> None:
    assert path in [each for each, _ in services.failures(SUBSCRIPTION, subscription(**changes))]


def test_check_of_a_subscription_by_the_service_model(services: Services) -> None:
    assert services.failures(SUBSCRIPTION, subscription()) == []
    assert services.failures(SUBSCRIPTION, subscription(frequency="HOURLY")) != []
