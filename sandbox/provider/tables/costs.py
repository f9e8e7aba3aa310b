"""AWS Budgets and Cost Explorer. The emulator changes no budget and has no anomalies, so all of it is recorded."""

from collections.abc import Iterable
from typing import Any

from sandbox.provider.model import Autoname, Inputs, Live, Reference, ResourceType, template
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import recorded_uuid

_ANY_ACCOUNT = "000000000000"
_OF_BUDGET = {
    "name": "BudgetName",
    "budgetType": "BudgetType",
    "timeUnit": "TimeUnit",
    "billingViewArn": "BillingViewArn",
}
_MOST_NOTIFICATIONS = 10


def _budget(inputs: Inputs) -> dict[str, Any]:
    """One object in the API, and the notifications beside it."""
    budget = {member: inputs[key] for key, member in _OF_BUDGET.items() if inputs.get(key) is not None}
    if inputs.get("limitAmount") is not None:
        budget["BudgetLimit"] = {"Amount": inputs["limitAmount"], "Unit": inputs.get("limitUnit")}
    return {
        "accountId": _ANY_ACCOUNT,
        "budget": budget,
        "notificationsWithSubscribers": [_notification(each) for each in inputs.get("notifications") or ()],
    }


def _notification(given: Any) -> dict[str, Any]:
    addresses = {"SNS": given.get("subscriberSnsTopicArns"), "EMAIL": given.get("subscriberEmailAddresses")}
    return {
        "Notification": {
            "NotificationType": given.get("notificationType"),
            "ComparisonOperator": given.get("comparisonOperator"),
            "Threshold": given.get("threshold"),
            "ThresholdType": given.get("thresholdType"),
        },
        "Subscribers": [
            {"SubscriptionType": kind, "Address": each} for kind, found in addresses.items() for each in found or ()
        ],
    }


def _budget_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    if (inputs.get("limitAmount") is None) == (inputs.get("plannedLimits") is None):
        yield CheckFailure("limitAmount", "exactly one of limitAmount and plannedLimits must be given")
    if (inputs.get("limitAmount") is None) != (inputs.get("limitUnit") is None):
        yield CheckFailure("limitUnit", "belongs to limitAmount")
    given = inputs.get("notifications")
    for index, each in enumerate(given if isinstance(given, list) else ()):
        if not (each.get("subscriberSnsTopicArns") or each.get("subscriberEmailAddresses")):
            yield CheckFailure(f"notifications[{index}]", "needs a topic or an address")
    if isinstance(given, list) and len(given) > _MOST_NOTIFICATIONS:
        yield CheckFailure("notifications", f"must be at most {_MOST_NOTIFICATIONS}")


def _account_id(live: Live) -> str:
    return live.account_id


_BUDGET = ResourceType(
    token="aws:budgets/budget:Budget",
    service="budgets",
    create="create_budget",
    id=template("{account}:{name}"),
    prepare=_budget,
    attributes={
        "accountId": _account_id,
        "arn": lambda live: f"arn:aws:budgets::{live.account_id}:budget/{live.state['name']}",
    },
    absent_outputs="billingViewArn costFilters costTypes filterExpression metrics timePeriodEnd timePeriodStart",
    replace="name namePrefix",
    autoname=Autoname("name", longest=100),
    provider_only="accountId",
    rules={
        "limitAmount": rules.matches(r"\d+(\.\d+)?", "a number"),
        "name": rules.matches(r"[^:\\]{1,100}", "at most 100 characters without : and backslashes"),
        "notifications.subscriberSnsTopicArns": rules.arn,
    },
    references={"notifications.subscriberSnsTopicArns": references.TOPIC},
    validate=_budget_rules,
    stored_only=True,
)


def _monitor(inputs: Inputs) -> dict[str, Any]:
    members = {"name": "MonitorName", "monitorType": "MonitorType", "monitorDimension": "MonitorDimension"}
    return {"anomalyMonitor": {member: inputs[key] for key, member in members.items() if inputs.get(key) is not None}}


def _monitor_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    dimensional = inputs.get("monitorType") == "DIMENSIONAL"
    if dimensional != (inputs.get("monitorDimension") is not None):
        yield CheckFailure("monitorDimension", "belongs to the type DIMENSIONAL, and must be given there")
    if dimensional == (inputs.get("monitorSpecification") is not None):
        yield CheckFailure("monitorSpecification", "belongs to the type CUSTOM, and must be given there")


_MONITOR = ResourceType(
    token="aws:costexplorer/anomalyMonitor:AnomalyMonitor",
    service="ce",
    create="create_anomaly_monitor",
    id=lambda live: f"arn:aws:ce::{live.account_id}:anomalymonitor/{recorded_uuid('anomaly-monitor', 'name')(live)}",
    prepare=_monitor,
    attributes={"arn": template("{id}")},
    absent_outputs="monitorSpecification",
    replace="monitorDimension monitorSpecification monitorType",
    autoname=Autoname("name", longest=1024),
    rules={"monitorSpecification": rules.json_document},
    validate=_monitor_rules,
    stored_only=True,
)


def _subscription(inputs: Inputs) -> dict[str, Any]:
    subscribers = [{"Type": each.get("type"), "Address": each.get("address")} for each in inputs["subscribers"]]
    subscription = {
        "SubscriptionName": inputs["name"],
        "Frequency": inputs["frequency"],
        "MonitorArnList": inputs["monitorArnLists"],
        "Subscribers": subscribers,
    }
    return {"anomalySubscription": subscription}


def _subscription_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    given = inputs.get("subscribers")
    types = {each.get("type") for each in given} if isinstance(given, list) else set()
    if "SNS" in types and inputs.get("frequency") not in (None, "IMMEDIATE"):
        yield CheckFailure("frequency", "must be IMMEDIATE for a topic")
    if "SNS" in types and isinstance(given, list) and len(given) > 1:
        yield CheckFailure("subscribers", "must be one topic, or addresses")


# An address of mail is no topic.
_SUBSCRIBER = Reference(
    references.TOPIC.resource_kind, lambda api, value: ":sns:" not in value or references.TOPIC.exists(api, value)
)

_SUBSCRIPTION = ResourceType(
    token="aws:costexplorer/anomalySubscription:AnomalySubscription",
    service="ce",
    create="create_anomaly_subscription",
    id=lambda live: (
        f"arn:aws:ce::{live.account_id}:anomalysubscription/{recorded_uuid('anomaly-subscription', 'name')(live)}"
    ),
    prepare=_subscription,
    attributes={"arn": template("{id}"), "accountId": _account_id},
    replace="name",
    autoname=Autoname("name", longest=1024),
    provider_only="accountId",
    absent_outputs="thresholdExpression",
    rules={"monitorArnLists": rules.matches(r"arn:aws:ce::\d{12}:anomalymonitor/.+", "the ARN of a monitor")},
    references={"subscribers.address": _SUBSCRIBER},
    validate=_subscription_rules,
    stored_only=True,
)

TYPES = (_BUDGET, _MONITOR, _SUBSCRIPTION)
