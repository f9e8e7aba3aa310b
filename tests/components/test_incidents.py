"""Incidents: from the topics to the queue, to the function and to people; and who watches the function."""

import json
from typing import Any

import pulumi
import pytest

from components.incidents import MOST_RECEIVES, SECONDS, VISIBILITY_SECONDS, Incidents, IncidentsArgs
from components.sections.notifications import NotificationsSettings
from components.shared.alarm_specification import Severity
from tests.recorder import STACK, Recording, record

KEY = "arn:aws:kms:us-east-1:111122223333:key/encryption-notifications-key"
QUEUE = "arn:aws:sqs:us-east-1:111122223333:incidents-queue"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"


def made(**settings: Any) -> Recording:
    def program() -> None:
        topic = pulumi.Output.from_input("arn:aws:sns:us-east-1:111122223333:notifications-p1")
        Incidents(
            "incidents",
            IncidentsArgs(
                settings=NotificationsSettings(**settings), stack=STACK, topic_arns=dict.fromkeys(Severity, topic)
            ),
        )

    return record(program)


def test_queue_keeps_what_fails(production: Recording) -> None:
    queue, dead_letters = production.named("incidents-queue").plain, production.named("incidents-dead-letters").plain

    assert json.loads(queue["redrivePolicy"]) == {
        "deadLetterTargetArn": "arn:aws:sqs:us-east-1:111122223333:incidents-dead-letters",
        "maxReceiveCount": MOST_RECEIVES,
    }
    assert {key: value for key, value in queue.items() if key not in ("redrivePolicy", "tags")} == {
        "name": "fixrx-production-incidents",
        "kmsMasterKeyId": KEY,
        "messageRetentionSeconds": 1209600,
        "visibilityTimeoutSeconds": 180,
    }
    assert (dead_letters["name"], dead_letters["kmsMasterKeyId"], dead_letters["messageRetentionSeconds"]) == (
        "fixrx-production-incidents-dead-letters",
        KEY,
        1209600,
    )
    assert VISIBILITY_SECONDS == 6 * SECONDS


def test_topics_alone_send_to_the_queue(production: Recording) -> None:
    allow, deny = production.named("incidents-queue-policy").document("policy")["Statement"]

    assert allow == {
        "Sid": "TopicsSend",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": ["sqs:SendMessage"],
        "Resource": [QUEUE],
        "Condition": {
            "ArnEquals": {
                "aws:SourceArn": [f"arn:aws:sns:us-east-1:111122223333:notifications-p{level}" for level in range(1, 5)]
            }
        },
    }
    assert (deny["Effect"], deny["Action"], deny["Condition"]) == (
        "Deny",
        ["sqs:*"],
        {"Bool": {"aws:SecureTransport": "false"}},
    )


def test_every_severity_reaches_the_queue(stack: Recording) -> None:
    found = {
        each.plain["topic"].rpartition("-")[2]: each.plain["protocol"]
        for each in stack.of_type(SUBSCRIPTION)
        if each.plain["endpoint"] == QUEUE
    }

    assert found == dict.fromkeys(("p1", "p2", "p3", "p4"), "sqs")


def test_people_read_mail_and_the_watchdog(stack: Recording) -> None:
    mailed = {
        each.plain["topic"].partition(":incidents-")[2]: each.plain["endpoint"]
        for each in stack.of_type(SUBSCRIPTION)
        if each.name.startswith("incidents-") and each.plain["protocol"] == "email"
    }

    assert mailed == {"mail": "ops@fixrx.com", "watchdog": "ops@fixrx.com"}


def test_escalation_address_gets_escalations_only() -> None:
    subscription = made(escalation_email="boss@fixrx.com").named("incidents-mail-escalation")

    assert subscription.plain["endpoint"] == "boss@fixrx.com"
    assert json.loads(subscription.plain["filterPolicy"]) == {"escalated": ["true"]}


def test_function_is_what_aws_lambda_needs(production: Recording) -> None:
    function = production.named("incidents-function").plain

    assert {key: function[key] for key in ("runtime", "timeout", "reservedConcurrentExecutions", "handler")} == {
        "runtime": "python3.13",
        "timeout": 30,
        "reservedConcurrentExecutions": 2,
        "handler": "notifier.handler.handle",
    }
    assert "vpcConfig" not in function
    source = production.named("incidents-event-source").plain
    assert (source["batchSize"], source["functionResponseTypes"], source["eventSourceArn"]) == (
        1,
        ["ReportBatchItemFailures"],
        QUEUE,
    )


def test_function_is_told_when_people_work() -> None:
    found = made(business_days=["sunday", "monday"], business_day_end_hour=18, holidays=["2026-12-25", "2026-01-01"])
    variables = found.named("incidents-function").plain["environment"]["variables"]

    assert (variables["BUSINESS_DAYS"], variables["BUSINESS_DAY_END_HOUR"], variables["HOLIDAYS"]) == (
        "[0, 6]",
        "18",
        '["2026-01-01", "2026-12-25"]',
    )


def test_without_slack_there_is_no_secret_and_no_right_to_one() -> None:
    found = made(slack=False)
    statements = found.named("incidents-role-policy").document("policy")["Statement"]

    assert found.of_type("aws:secretsmanager/secret:Secret") == []
    assert [each["Sid"] for each in statements if "ddress" in each["Sid"]] == []
    assert found.named("incidents-function").plain["environment"]["variables"]["SLACK_SECRET_ARN"] == ""


def test_table_is_encrypted_restorable_and_protected(production: Recording) -> None:
    table = production.named("incidents-table").plain

    assert (table["hashKey"], table["rangeKey"], table["billingMode"]) == ("subject", "detail", "PAY_PER_REQUEST")
    assert table["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    assert (table["pointInTimeRecovery"], table["deletionProtectionEnabled"]) == ({"enabled": True}, True)
    assert table["ttl"] == {"attributeName": "expires", "enabled": True}


@pytest.mark.parametrize(
    ("name", "metric", "threshold"),
    [
        ("NotifierFails", "Errors", 0),
        ("NotifierThrottled", "Throttles", 0),
        ("ReminderNotSent", "InvocationDroppedCount", 0),
        ("IncidentNotDelivered", "ApproximateNumberOfMessagesVisible", 0),
        ("IncidentLate", "ApproximateAgeOfOldestMessage", 300),
    ],
)
def test_watchdog_mails_what_is_wrong(production: Recording, name: str, metric: str, threshold: int) -> None:
    alarm = production.named(f"watchdog-{name}").plain

    assert (alarm["metricName"], alarm["threshold"], alarm["comparisonOperator"]) == (
        metric,
        threshold,
        "GreaterThanThreshold",
    )
    assert alarm["alarmActions"] == ["arn:aws:sns:us-east-1:111122223333:incidents-watchdog"]


def test_silence_of_two_hours_is_mailed(production: Recording) -> None:
    alarm = production.named("watchdog-NotifierSilent").plain
    heartbeat = production.named("incidents-heartbeat").plain

    assert (alarm["evaluationPeriods"], alarm["treatMissingData"], alarm["threshold"]) == (2, "breaching", 1)
    assert alarm["metricQueries"][1]["metric"]["period"] == 3600
    assert (heartbeat["scheduleExpression"], json.loads(heartbeat["target"]["input"])) == (
        "rate(1 hour)",
        {"heartbeat": True},
    )
