"""SNS in the sandbox: real topics, policies and subscriptions; what waits for a reader's answer goes on waiting."""

import json
from typing import Any

import pytest

from tests.sandbox.provider.services import ACCOUNT, REGION, Resource, Services

pytestmark = pytest.mark.emulator

TOPIC = "aws:sns/topic:Topic"
POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:p1"


def document(**changes: Any) -> str:
    statement = {
        "Sid": "Publish",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": ARN,
        **changes,
    }
    shown = {key: value for key, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [shown]})


def topic(services: Services, **inputs: Any) -> Resource:
    return services.create(TOPIC, {"name": "p1", **inputs})


def attributes(services: Services, resource: Resource) -> dict[str, str]:
    found: dict[str, str] = services.client("sns").get_topic_attributes(TopicArn=resource.id)["Attributes"]
    return found


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, []),
        ({"name": "p 1"}, [("name", "must be at most 256 letters, digits, hyphens and underscores")]),
        ({"name": "p1.fifo"}, [("name", "may end in .fifo only for a FIFO topic")]),
        ({"fifoTopic": True}, [("name", "must end in .fifo for a FIFO topic")]),
        ({"contentBasedDeduplication": True}, [("contentBasedDeduplication", "can only be set for a FIFO topic")]),
        ({"signatureVersion": 3}, [("signatureVersion", "must be one of 1, 2")]),
        ({"sqsSuccessFeedbackSampleRate": 101}, [("sqsSuccessFeedbackSampleRate", "must be between 0 and 100")]),
        ({"kmsMasterKeyId": "alias/none"}, [("kmsMasterKeyId", "there is no KMS key alias/none")]),
        ({"policy": document(Principal=None)}, [("policy", "has a statement without Principal")]),
    ],
)
def test_check_of_a_topic(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(TOPIC, {"name": "p1", **inputs}) == expected


def test_a_topic_changes_in_place_and_drifts(services: Services) -> None:
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]
    created = topic(services, displayName="P1", kmsMasterKeyId=key, signatureVersion=2, tags={"Severity": "P1"})
    assert {
        name: created.state[name] for name in ("arn", "name", "owner", "beginningArchiveTime", "maximumMessageSize")
    } == {
        "arn": ARN,
        "name": "p1",
        "owner": ACCOUNT,
        "beginningArchiveTime": "",
        "maximumMessageSize": 262144,
    }
    assert services.drift(created) == {}

    services.update(created, displayName="P1: production down", kmsMasterKeyId=None, tags={"Severity": "P2"})

    real = attributes(services, created)
    assert (real["DisplayName"], real.get("KmsMasterKeyId")) == ("P1: production down", None)
    assert services.client("sns").list_tags_for_resource(ResourceArn=ARN)["Tags"] == [
        {"Key": "Project", "Value": "fixrx"},
        {"Key": "Severity", "Value": "P2"},
    ]
    assert services.drift(created) == {}
    assert services.changes(created, name="p2") == {"name": True}

    services.client("sns").set_topic_attributes(TopicArn=ARN, AttributeName="DisplayName", AttributeValue="by hand")
    assert services.drift(created) == {"displayName": "by hand"}


def test_a_fifo_topic(services: Services) -> None:
    created = services.create(TOPIC, {"name": "p1.fifo", "fifoTopic": True, "contentBasedDeduplication": True})
    real = attributes(services, created)
    assert (real["FifoTopic"], real["ContentBasedDeduplication"]) == ("true", "true")
    assert services.drift(created) == {}
    services.update(created, contentBasedDeduplication=False)
    assert attributes(services, created)["ContentBasedDeduplication"] == "false"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        ("not JSON", "must be JSON: Expecting value: line 1 column 1 (char 0)"),
        (document(Principal=None), "has a statement without Principal"),
        (document(Resource=None), "has a statement without Resource"),
        (
            document(Action=["sns:Publish", "sqs:SendMessage"]),
            "has the action sqs:SendMessage, which is not one of sns",
        ),
        (document(Effect="Permit"), "has a statement whose Effect is neither Allow nor Deny"),
    ],
)
def test_check_of_a_topic_policy(services: Services, policy: str, reason: str) -> None:
    created = topic(services)
    assert services.failures(POLICY, {"arn": created.id, "policy": policy}) == [("policy", reason)]


def test_a_topic_policy_needs_its_topic(services: Services) -> None:
    assert services.failures(POLICY, {"arn": ARN, "policy": document()}) == [("arn", f"there is no SNS topic {ARN}")]


def test_a_topic_policy_changes_in_place_drifts_and_leaves_the_default(services: Services) -> None:
    created = topic(services)
    default = json.loads(attributes(services, created)["Policy"])
    policy = services.create(POLICY, {"arn": created.id, "policy": document()})
    assert (policy.id, policy.state["owner"]) == (ARN, ACCOUNT)
    services.update(policy, policy=document(Sid="Alarms"))
    assert json.loads(attributes(services, created)["Policy"]) == json.loads(document(Sid="Alarms"))
    assert [services.drift(created), services.drift(policy)] == [{}, {}]

    by_hand = document(Sid="ByHand")
    services.client("sns").set_topic_attributes(TopicArn=ARN, AttributeName="Policy", AttributeValue=by_hand)
    drift = services.drift(policy)
    assert drift is not None
    assert {key: json.loads(value) for key, value in drift.items()} == {"policy": json.loads(by_hand)}
    # It is not the topic's own.
    assert services.drift(created) == {}

    services.delete(policy)
    left = json.loads(attributes(services, created)["Policy"])
    assert [left["Statement"][0][part] for part in ("Principal", "Condition")] == [
        default["Statement"][0][part] for part in ("Principal", "Condition")
    ]


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"protocol": "email", "endpoint": "ops@fixrx"}, [("endpoint", "must be an e-mail address")]),
        ({"protocol": "email", "endpoint": "ops at fixrx.com"}, [("endpoint", "must be an e-mail address")]),
        (
            {"protocol": "https", "endpoint": "fixrx.com"},
            [("endpoint", "must be an address that begins with https://")],
        ),
        ({"protocol": "sms", "endpoint": "555"}, [("endpoint", "must be a telephone number such as +14155550100")]),
        ({"protocol": "sqs", "endpoint": "queue"}, [("endpoint", "must be an ARN")]),
        (
            {"protocol": "mail", "endpoint": "ops@fixrx.com"},
            [("protocol", "must be one of application, email, email-json, firehose, http, https, lambda, sms, sqs")],
        ),
        (
            {"protocol": "email", "endpoint": "ops@fixrx.com", "rawMessageDelivery": True},
            [("rawMessageDelivery", "can only be true for firehose, http, https, sqs")],
        ),
        (
            {"protocol": "email", "endpoint": "ops@fixrx.com", "filterPolicyScope": "MessageBody"},
            [("filterPolicyScope", "needs a filterPolicy")],
        ),
    ],
)
def test_check_of_a_subscription(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    created = topic(services)
    assert services.failures(SUBSCRIPTION, {"topic": created.id, **inputs}) == expected


def test_an_email_subscription_waits_for_its_reader(services: Services) -> None:
    created = topic(services)
    inputs = {"topic": created.id, "protocol": "email", "endpoint": "ops@fixrx.com"}
    subscription = services.create(SUBSCRIPTION, inputs)
    names = ("arn", "ownerId", "pendingConfirmation", "confirmationWasAuthenticated", "filterPolicyScope")
    assert [subscription.state[name] for name in names] == [subscription.id, ACCOUNT, True, False, ""]
    assert subscription.id.startswith(f"{ARN}:")
    assert services.drift(subscription) == {}
    assert services.changes(subscription, endpoint="dev@fixrx.com") == {"endpoint": True}

    services.delete(subscription)
    assert services.client("sns").list_subscriptions()["Subscriptions"] == []


def test_a_queue_is_confirmed_and_filtered(services: Services) -> None:
    created = topic(services)
    inputs = {"topic": created.id, "protocol": "sqs", "endpoint": f"arn:aws:sqs:{REGION}:{ACCOUNT}:mail"}
    filters = {"filterPolicy": '{"severity": ["P1"]}', "filterPolicyScope": "MessageBody", "rawMessageDelivery": True}
    subscription = services.create(SUBSCRIPTION, {**inputs, **filters})
    assert subscription.state["pendingConfirmation"] is False
    assert services.drift(subscription) == {}

    services.update(subscription, filterPolicy='{"severity": ["P2"]}', rawMessageDelivery=False)
    sns = services.client("sns")
    real = sns.get_subscription_attributes(SubscriptionArn=subscription.id)["Attributes"]
    assert (real["FilterPolicy"], real["RawMessageDelivery"]) == ('{"severity": ["P2"]}', "false")
    assert services.drift(subscription) == {}

    sns.set_subscription_attributes(
        SubscriptionArn=subscription.id, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    assert services.drift(subscription) == {"rawMessageDelivery": True}

    services.update(subscription, filterPolicy=None, filterPolicyScope=None)
    real = sns.get_subscription_attributes(SubscriptionArn=subscription.id)["Attributes"]
    assert real["FilterPolicy"] == "{}"


def test_what_was_deleted_by_hand_is_gone(services: Services) -> None:
    created = topic(services)
    inputs = {"topic": created.id, "protocol": "email", "endpoint": "ops@fixrx.com"}
    subscription = services.create(SUBSCRIPTION, inputs)
    services.client("sns").delete_topic(TopicArn=created.id)
    assert [services.drift(created), services.drift(subscription)] == [None, None]
    services.destroy()
