"""SNS: topics, their policies, subscriptions."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import (
    Autoname,
    Feature,
    Inputs,
    Live,
    Request,
    ResourceType,
    Rule,
    call,
    template,
)
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.attributes import attributes_one_by_one
from sandbox.provider.tables.helpers import capital, tagging, without
from sandbox.provider.tables.resource_policies import resource_policy
from sandbox.provider.values import UNKNOWN

_DEFAULT_MESSAGE_BYTES = 256 * 1024
"""What AWS sets for a topic that does not limit its messages."""

_PROTOCOLS = ("application", "firehose", "http", "lambda", "sqs")
_FEEDBACK_ROLES = [f"{one}{outcome}FeedbackRoleArn" for one in _PROTOCOLS for outcome in ("Success", "Failure")]
_FEEDBACK_RATES = [f"{one}SuccessFeedbackSampleRate" for one in _PROTOCOLS]
# Removed, these are set to nothing; the others then keep their values, because AWS chooses them.
_OPTIONS = ["archivePolicy", "contentBasedDeduplication", "deliveryPolicy", "displayName", "kmsMasterKeyId"]
_TOPIC_OPTIONS = [*_OPTIONS, *_FEEDBACK_ROLES, *_FEEDBACK_RATES]
_TOPIC_ATTRIBUTES = [*_TOPIC_OPTIONS, "maximumMessageSize", "policy", "signatureVersion", "tracingConfig"]


def _attribute(key: str) -> str:
    """SNS's name for an attribute."""
    return re.sub("^(Http|Sqs)", lambda found: found[0].upper(), capital(key))


def _fifo(inputs: Inputs) -> dict[str, Any]:
    """A topic becomes first-in first-out by an attribute at its creation."""
    prepared = without(inputs, "fifoTopic", "fifoThroughputScope")
    if inputs.get("fifoTopic") is not True:
        return prepared
    scope = inputs.get("fifoThroughputScope")
    return {**prepared, "attributes": {"FifoTopic": "true"} | ({"FifoThroughputScope": scope} if scope else {})}


def _topic_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    fifo = inputs.get("fifoTopic") is True
    name = inputs.get("name")
    if isinstance(name, str) and name != UNKNOWN and name.endswith(".fifo") != fifo:
        reason = "must end in .fifo for a FIFO topic" if fifo else "may end in .fifo only for a FIFO topic"
        yield CheckFailure("name", reason)
    for key in ("archivePolicy", "contentBasedDeduplication", "fifoThroughputScope"):
        if inputs.get(key) and not fifo:
            yield CheckFailure(key, "can only be set for a FIFO topic")


_NAME = "at most 256 letters, digits, hyphens and underscores"

_TOPIC = ResourceType(
    token="aws:sns/topic:Topic",
    service="sns",
    create="create_topic",
    id="TopicArn",
    tagging=tagging("tag_resource untag_resource list_tags_for_resource", ResourceArn="id"),
    prepare=_fifo,
    read=call("get_topic_attributes", TopicArn="id"),
    description="Attributes",
    attributes={
        "arn": "TopicArn",
        "name": lambda live: live.id.rsplit(":", 1)[1],
        "fifoTopic": "FifoTopic == 'true'",
        "contentBasedDeduplication": "ContentBasedDeduplication == 'true'",
        "maximumMessageSize": lambda live: live.state.get("maximumMessageSize") or _DEFAULT_MESSAGE_BYTES,
    },
    absent_outputs="beginningArchiveTime fifoThroughputScope policy signatureVersion tracingConfig",
    # The emulator accepts every value of these and reports none.
    write_only="archivePolicy fifoThroughputScope maximumMessageSize signatureVersion tracingConfig "
    + " ".join([*_FEEDBACK_ROLES, *_FEEDBACK_RATES]),
    delete=call("delete_topic", TopicArn="id"),
    replace="name namePrefix fifoTopic fifoThroughputScope",
    autoname=Autoname("name", longest=256),
    defaults={"contentBasedDeduplication": False, "fifoTopic": False},
    features=(
        attributes_one_by_one(
            "set_topic_attributes",
            "TopicArn",
            {key: _attribute(key) for key in _TOPIC_ATTRIBUTES},
            cleared=dict.fromkeys(_TOPIC_OPTIONS, ""),
            applies=lambda inputs, key: key != "contentBasedDeduplication" or bool(inputs.get("fifoTopic")),
        ),
    ),
    validate=_topic_rules,
    rules={
        "archivePolicy": rules.json_document,
        "deliveryPolicy": rules.json_document,
        "displayName": rules.matches(r".{0,100}", "at most 100 characters"),
        "fifoThroughputScope": rules.one_of("Topic", "MessageGroup"),
        "maximumMessageSize": rules.between(1024, 1024 * 1024),
        "name": rules.matches(r"[a-zA-Z0-9_-]{1,256}|[a-zA-Z0-9_-]{1,251}\.fifo", _NAME),
        "policy": resource_policy("sns"),
        "signatureVersion": rules.one_of("1", "2"),
        "tracingConfig": rules.one_of("PassThrough", "Active"),
        **dict.fromkeys(_FEEDBACK_ROLES, rules.arn),
        **dict.fromkeys(_FEEDBACK_RATES, rules.between(0, 100)),
    },
    references={"kmsMasterKeyId": references.KMS_KEY, **dict.fromkeys(_FEEDBACK_ROLES, references.ROLE)},
)


def _reset_policy(api: Api, live: Live) -> None:
    """A topic always has a policy: what is left is the one that AWS gives to every new topic."""
    actions = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe "
    actions += "ListSubscriptionsByTopic Publish Receive"
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in actions.split()],
        "Resource": live.id,
        "Condition": {"StringEquals": {"AWS:SourceOwner": live.account_id}},
    }
    policy = {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
    api("set_topic_attributes", TopicArn=live.id, AttributeName="Policy", AttributeValue=json.dumps(policy))


_TOPIC_POLICY = ResourceType(
    token="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    create="set_topic_attributes",
    id=template("{arn}"),
    renames={"arn": "TopicArn", "policy": "AttributeValue"},
    constants={"AttributeName": "Policy"},
    read=call("get_topic_attributes", TopicArn="id"),
    description="Attributes",
    attributes={"policy": "Policy"},
    replaces_all=True,
    delete=_reset_policy,
    replace="arn",
    rules={"arn": rules.arn, "policy": resource_policy("sns")},
    references={"arn": references.TOPIC},
)

_EMAIL_ADDRESS = rules.matches(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", "an e-mail address")
_ENDPOINTS: Mapping[str, Rule] = {
    **dict.fromkeys(("application", "firehose", "lambda", "sqs"), rules.arn),
    **dict.fromkeys(("email", "email-json"), _EMAIL_ADDRESS),
    "http": rules.matches(r"http://\S+", "an address that begins with http://"),
    "https": rules.matches(r"https://\S+", "an address that begins with https://"),
    "sms": rules.matches(r"\+[1-9]\d{5,14}", "a telephone number such as +14155550100"),
}
"""Protocol -> what its endpoints look like."""

_RAW_PROTOCOLS = ("firehose", "http", "https", "sqs")
"""Those that can do without SNS's envelope."""

_CLEARED = {
    **dict.fromkeys(("deliveryPolicy", "rawMessageDelivery", "subscriptionRoleArn"), ""),
    "filterPolicy": "{}",
    "redrivePolicy": None,
}
"""What is sent for a setting that was removed."""


def _replay(inputs: Inputs, identifier: str) -> Iterable[Request]:
    value = {"AttributeName": "ReplayPolicy", "AttributeValue": inputs["replayPolicy"]}
    yield Request("set_subscription_attributes", {"SubscriptionArn": identifier, **value})


def _waits_for_confirmation(live: Live) -> bool:
    """The recipient of the mail or the owner of the site must agree first; the emulator confirms all at once."""
    protocol = str(live.description["Protocol"])
    return protocol.startswith("email") or (protocol.startswith("http") and not live.state.get("endpointAutoConfirms"))


def _subscription_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    protocol, endpoint = inputs.get("protocol"), inputs.get("endpoint")
    if not isinstance(protocol, str) or protocol == UNKNOWN:
        return
    if protocol in _ENDPOINTS and isinstance(endpoint, str) and endpoint != UNKNOWN:
        wrong = _ENDPOINTS[protocol](endpoint)
        if wrong:
            yield CheckFailure("endpoint", wrong)
    if protocol == "firehose" and inputs.get("subscriptionRoleArn") is None:
        yield CheckFailure("subscriptionRoleArn", "a firehose subscription needs the role that SNS writes with")
    if inputs.get("rawMessageDelivery") is True and protocol not in _RAW_PROTOCOLS:
        yield CheckFailure("rawMessageDelivery", f"can only be true for {', '.join(_RAW_PROTOCOLS)}")
    if inputs.get("filterPolicyScope") is not None and inputs.get("filterPolicy") is None:
        yield CheckFailure("filterPolicyScope", "needs a filterPolicy")


# A filter is read by its scope, so the scope is sent first.
_SUBSCRIPTION_ATTRIBUTES = "filterPolicyScope filterPolicy deliveryPolicy rawMessageDelivery redrivePolicy "
_SUBSCRIPTION_ATTRIBUTES += "subscriptionRoleArn"

_SUBSCRIPTION = ResourceType(
    token="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    create="subscribe",
    # The ARN, and not the words "pending confirmation", is given for a subscription that waits as well.
    constants={"ReturnSubscriptionArn": True},
    id="SubscriptionArn",
    renames={"topic": "TopicArn"},
    read=call("get_subscription_attributes", SubscriptionArn="id"),
    description="Attributes",
    attributes={
        "arn": "SubscriptionArn",
        "ownerId": "Owner",
        "confirmationWasAuthenticated": lambda live: not _waits_for_confirmation(live),
        "pendingConfirmation": _waits_for_confirmation,
    },
    absent_outputs="filterPolicyScope",
    delete=call("unsubscribe", SubscriptionArn="id"),
    replace="topic protocol endpoint",
    defaults={"confirmationTimeoutInMinutes": 1, "endpointAutoConfirms": False, "rawMessageDelivery": False},
    provider_only="confirmationTimeoutInMinutes endpointAutoConfirms",
    features=(
        attributes_one_by_one(
            "set_subscription_attributes",
            "SubscriptionArn",
            {key: capital(key) for key in _SUBSCRIPTION_ATTRIBUTES.split()},
            _CLEARED,
            lambda inputs, key: key != "rawMessageDelivery" or inputs.get("protocol") in _RAW_PROTOCOLS,
        ),
        Feature("replayPolicy", _replay, stored_only=True),
    ),
    validate=_subscription_rules,
    rules={
        **dict.fromkeys(("deliveryPolicy", "filterPolicy", "redrivePolicy", "replayPolicy"), rules.json_document),
        **dict.fromkeys(("subscriptionRoleArn", "topic"), rules.arn),
        "filterPolicyScope": rules.one_of("MessageAttributes", "MessageBody"),
        "protocol": rules.one_of(*sorted(_ENDPOINTS)),
    },
    references={"topic": references.TOPIC, "subscriptionRoleArn": references.ROLE},
)

TYPES = (_TOPIC, _TOPIC_POLICY, _SUBSCRIPTION)
