"""SNS: topics, their policies, subscriptions."""

import json
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
    Tagging,
    call,
    template,
)
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.attributes import text
from sandbox.provider.tables.resource_policies import resource_policy
from sandbox.provider.values import UNKNOWN

_DEFAULT_MESSAGE_BYTES = 256 * 1024
"""What AWS sets for a topic that does not limit its messages."""

_FEEDBACK_PROTOCOLS = {
    "application": "Application",
    "firehose": "Firehose",
    "http": "HTTP",
    "lambda": "Lambda",
    "sqs": "SQS",
}
_FEEDBACK_ROLES = {
    f"{protocol}{outcome}FeedbackRoleArn": f"{name}{outcome}FeedbackRoleArn"
    for protocol, name in _FEEDBACK_PROTOCOLS.items()
    for outcome in ("Success", "Failure")
}
_FEEDBACK_RATES = {
    f"{protocol}SuccessFeedbackSampleRate": f"{name}SuccessFeedbackSampleRate"
    for protocol, name in _FEEDBACK_PROTOCOLS.items()
}
# Taken away, these are set to nothing; the others then stay as they are, because AWS chooses their values.
_TOPIC_OPTIONS = {
    "archivePolicy": "ArchivePolicy",
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    **_FEEDBACK_ROLES,
    **_FEEDBACK_RATES,
}
_TOPIC_ATTRIBUTES = {
    **_TOPIC_OPTIONS,
    "maximumMessageSize": "MaximumMessageSize",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}


def _topic_requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
    previous = inputs.get("previous") or {}
    for key, name in _TOPIC_ATTRIBUTES.items():
        value = inputs.get(key)
        if value is None and (key not in _TOPIC_OPTIONS or not previous.get(key)):
            continue
        if key == "contentBasedDeduplication" and not inputs.get("fifoTopic"):
            continue
        content = "" if value is None else text(value)
        parameters = {"TopicArn": identifier, "AttributeName": name, "AttributeValue": content}
        yield Request("set_topic_attributes", parameters)


def _fifo(inputs: Inputs) -> dict[str, Any]:
    """That a topic is first-in first-out must be said when it is created."""
    prepared = {key: value for key, value in inputs.items() if key not in ("fifoTopic", "fifoThroughputScope")}
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


_TOPIC = ResourceType(
    token="aws:sns/topic:Topic",
    service="sns",
    create="create_topic",
    id="TopicArn",
    tagging=Tagging(
        call("tag_resource", ResourceArn="id"),
        call("untag_resource", ResourceArn="id"),
        call("list_tags_for_resource", ResourceArn="id"),
    ),
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
    # Of these the emulator takes every value and tells none.
    write_only=f"archivePolicy fifoThroughputScope maximumMessageSize signatureVersion tracingConfig "
    f"{' '.join(_FEEDBACK_ROLES)} {' '.join(_FEEDBACK_RATES)}",
    delete=call("delete_topic", TopicArn="id"),
    replace="name namePrefix fifoTopic fifoThroughputScope",
    autoname=Autoname("name", longest=256),
    defaults={"contentBasedDeduplication": False, "fifoTopic": False},
    features=(Feature(inputs=" ".join(_TOPIC_ATTRIBUTES), requests=_topic_requests, replaces_all=True),),
    validate=_topic_rules,
    rules={
        "archivePolicy": rules.json_document,
        "deliveryPolicy": rules.json_document,
        "displayName": rules.matches(r".{0,100}", "at most 100 characters"),
        "fifoThroughputScope": rules.one_of("Topic", "MessageGroup"),
        "maximumMessageSize": rules.between(1024, 1024 * 1024),
        "name": rules.matches(
            r"[a-zA-Z0-9_-]{1,256}|[a-zA-Z0-9_-]{1,251}\.fifo", "at most 256 letters, digits, hyphens and underscores"
        ),
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
    "application": rules.arn,
    "email": _EMAIL_ADDRESS,
    "email-json": _EMAIL_ADDRESS,
    "firehose": rules.arn,
    "http": rules.matches(r"http://\S+", "an address that begins with http://"),
    "https": rules.matches(r"https://\S+", "an address that begins with https://"),
    "lambda": rules.arn,
    "sms": rules.matches(r"\+[1-9]\d{5,14}", "a telephone number such as +14155550100"),
    "sqs": rules.arn,
}
"""Protocol -> what its endpoints look like."""

_RAW_PROTOCOLS = ("firehose", "http", "https", "sqs")
"""Those that can do without SNS's envelope."""

_SUBSCRIPTION_ATTRIBUTES = {
    # A filter is read by its scope, so the scope goes first.
    "filterPolicyScope": "FilterPolicyScope",
    "filterPolicy": "FilterPolicy",
    "deliveryPolicy": "DeliveryPolicy",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}
_NOTHING = {"filterPolicy": "{}", "redrivePolicy": None}
"""What stands for a setting that is taken away, where it is not an empty text."""


def _subscription_requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
    previous = inputs.get("previous") or {}
    for key, name in _SUBSCRIPTION_ATTRIBUTES.items():
        value = inputs.get(key)
        if value is None and (key == "filterPolicyScope" or not previous.get(key)):
            continue
        if key == "rawMessageDelivery" and inputs.get("protocol") not in _RAW_PROTOCOLS:
            continue
        parameters = {"SubscriptionArn": identifier, "AttributeName": name}
        content = _NOTHING.get(key, "") if value is None else text(value)
        if content is not None:
            parameters["AttributeValue"] = content
        yield Request("set_subscription_attributes", parameters)


def _replay(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("replayPolicy"):
        parameters = {"SubscriptionArn": identifier, "AttributeName": "ReplayPolicy"}
        yield Request("set_subscription_attributes", {**parameters, "AttributeValue": inputs["replayPolicy"]})


def _waits_for_confirmation(live: Live) -> bool:
    """Whoever reads the mail or owns the site must agree first; the emulator confirms everything at once."""
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
        Feature(inputs=" ".join(_SUBSCRIPTION_ATTRIBUTES), requests=_subscription_requests, replaces_all=True),
        Feature(inputs="replayPolicy", requests=_replay, stored_only=True),
    ),
    validate=_subscription_rules,
    rules={
        "deliveryPolicy": rules.json_document,
        "filterPolicy": rules.json_document,
        "filterPolicyScope": rules.one_of("MessageAttributes", "MessageBody"),
        "protocol": rules.one_of(*_ENDPOINTS),
        "redrivePolicy": rules.json_document,
        "replayPolicy": rules.json_document,
        "subscriptionRoleArn": rules.arn,
        "topic": rules.arn,
    },
    references={"topic": references.TOPIC, "subscriptionRoleArn": references.ROLE},
)

TYPES = (_TOPIC, _TOPIC_POLICY, _SUBSCRIPTION)
