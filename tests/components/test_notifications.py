"""Notifications: one encrypted topic for each severity, to which alarms may publish."""

import pytest

from components.notifications import Notifications, NotificationsArgs
from components.sections.notifications import NotificationsSettings
from components.shared.alarm_specification import Severity
from tests.recorder import STACK, Recording, record

MEANINGS = {
    "p1": "P1: Critical, respond within 15 minutes",
    "p2": "P2: High, respond within 1 hour",
    "p3": "P3: Medium, respond within 4 hours",
    "p4": "P4: Low, respond on the next business day",
}


def test_severities_are_the_guides() -> None:
    assert [severity.value for severity in Severity] == ["P1", "P2", "P3", "P4"]


@pytest.mark.parametrize("severity", MEANINGS)
def test_topic_of_each_severity(production: Recording, severity: str) -> None:
    assert production.named(f"notifications-{severity}").plain == {
        "displayName": f"fixrx-production {MEANINGS[severity]}",
        "kmsMasterKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-notifications-key",
    }


ALARMS_AND_EVENTS = ("cloudwatch.amazonaws.com", "events.rds.amazonaws.com")
COSTS = ("budgets.amazonaws.com", "costalerts.amazonaws.com")


@pytest.mark.parametrize("severity", MEANINGS)
def test_alarms_and_events_of_this_account_may_publish(production: Recording, severity: str) -> None:
    topic_arn = f"arn:aws:sns:us-east-1:111122223333:notifications-{severity}"
    policy = production.named(f"notifications-{severity}-policy")

    assert policy.plain["arn"] == topic_arn
    assert policy.document("policy")["Statement"] == [
        {
            "Sid": "AlarmsAndEventsPublish",
            "Effect": "Allow",
            "Principal": {"Service": [*ALARMS_AND_EVENTS, *(COSTS if severity in ("p3", "p4") else ())]},
            "Action": ["sns:Publish"],
            "Resource": [topic_arn],
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        },
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["sns:Publish"],
            "Resource": [topic_arn],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]


def test_operators_are_mailed_p1_as_it_comes(stack: Recording) -> None:
    subscriptions = stack.of_type("aws:sns/topicSubscription:TopicSubscription")
    assert {each.name: each.plain for each in subscriptions if each.name.startswith("notifications-")} == {
        "notifications-p1-email-1": {
            "topic": "arn:aws:sns:us-east-1:111122223333:notifications-p1",
            "protocol": "email",
            "endpoint": "ops@fixrx.com",
        }
    }


def test_every_address_is_subscribed() -> None:
    def program() -> None:
        settings = NotificationsSettings(email=("a@fixrx.com", "b@fixrx.com"))
        Notifications("notifications", NotificationsArgs(settings=settings, stack=STACK))

    subscriptions = record(program).of_type("aws:sns/topicSubscription:TopicSubscription")
    assert sorted((each.name, each.plain["endpoint"]) for each in subscriptions) == [
        ("notifications-p1-email-1", "a@fixrx.com"),
        ("notifications-p1-email-2", "b@fixrx.com"),
    ]
