"""SQS: queues and their policies."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, call, template
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.attributes import text
from sandbox.provider.tables.helpers import tagging, without
from sandbox.provider.tables.resource_policies import resource_policy
from sandbox.provider.values import UNKNOWN

_NUMBERS = "delaySeconds maxMessageSize messageRetentionSeconds receiveWaitTimeSeconds visibilityTimeoutSeconds"
_NAMES: Mapping[str, str] = {
    "delaySeconds": "DelaySeconds",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
"""Property -> attribute of a queue."""


def _attributes(inputs: Inputs, identifier: str) -> Iterable[Request]:
    previous = inputs.get("previous") or {}
    found = {
        name: "" if inputs.get(key) is None else text(inputs[key])
        for key, name in _NAMES.items()
        if inputs.get(key) is not None or previous.get(key)
    }
    if found:
        yield Request("set_queue_attributes", {"QueueUrl": identifier, "Attributes": found})


def _read_attributes(api: Api, live: Live) -> Mapping[str, Any]:
    found = api("get_queue_attributes", QueueUrl=live.id, AttributeNames=["All"])["Attributes"]
    return {key: _value(key, found[name]) for key, name in _NAMES.items() if found.get(name) and _is_told(live, key)}


def _is_told(live: Live, key: str) -> bool:
    """A queue's policy is a resource of its own, and SQS has values for what a program leaves open."""
    return live.state.get(key) is not None


def _value(key: str, found: str) -> Any:
    if key == "sqsManagedSseEnabled":
        return found == "true"
    return int(found) if key in _NUMBERS.split() or key == "kmsDataKeyReusePeriodSeconds" else found


_DEFAULTS: Mapping[str, int] = {
    "delaySeconds": 0,
    "kmsDataKeyReusePeriodSeconds": 300,
    "maxMessageSize": 262144,
    "messageRetentionSeconds": 345600,
    "receiveWaitTimeSeconds": 0,
    "visibilityTimeoutSeconds": 30,
}
"""What a queue has without a program's word."""


def _kept(key: str, default: int) -> Callable[[Live], int]:
    return lambda live: live.state.get(key, default)


def _queue_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    if inputs.get("sqsManagedSseEnabled") is True and inputs.get("kmsMasterKeyId"):
        yield CheckFailure("sqsManagedSseEnabled", "cannot be true with kmsMasterKeyId")
    policy = inputs.get("redrivePolicy")
    if isinstance(policy, str) and policy != UNKNOWN and not rules.json_document(policy):
        found = json.loads(policy)
        if not isinstance(found, dict) or set(found) != {"deadLetterTargetArn", "maxReceiveCount"}:
            yield CheckFailure("redrivePolicy", "must have deadLetterTargetArn and maxReceiveCount, and nothing else")


_QUEUE = ResourceType(
    token="aws:sqs/queue:Queue",
    service="sqs",
    create="create_queue",
    id="QueueUrl",
    renames={"name": "QueueName"},
    tagging=tagging("tag_queue untag_queue list_queue_tags", QueueUrl="id"),
    read=call("get_queue_attributes", QueueUrl="id", AttributeNames=["QueueArn"]),
    description="Attributes",
    attributes={
        "arn": "QueueArn",
        "name": lambda live: live.id.rsplit("/", 1)[1],
        "url": template("{id}"),
        "fifoQueue": lambda live: live.state.get("fifoQueue") or False,
        "contentBasedDeduplication": lambda live: live.state.get("contentBasedDeduplication") or False,
        "sqsManagedSseEnabled": lambda live: live.state.get(
            "sqsManagedSseEnabled", not live.state.get("kmsMasterKeyId")
        ),
        **{key: _kept(key, default) for key, default in _DEFAULTS.items()},
    },
    absent_outputs="deduplicationScope fifoThroughputLimit policy redriveAllowPolicy redrivePolicy",
    delete=call("delete_queue", QueueUrl="id"),
    replace="name namePrefix",
    autoname=Autoname("name", longest=80),
    features=(Feature(" ".join(_NAMES), _attributes, read=_read_attributes, replaces_all=True),),
    validate=_queue_rules,
    rules={
        "name": rules.matches(r"[a-zA-Z0-9_-]{1,80}", "at most 80 letters, digits, hyphens and underscores"),
        "delaySeconds": rules.between(0, 900),
        "kmsDataKeyReusePeriodSeconds": rules.between(60, 86400),
        "maxMessageSize": rules.between(1024, 1024 * 1024),
        "messageRetentionSeconds": rules.between(60, 1209600),
        "receiveWaitTimeSeconds": rules.between(0, 20),
        "visibilityTimeoutSeconds": rules.between(0, 43200),
        "policy": resource_policy("sqs"),
        "redriveAllowPolicy": rules.json_document,
        "redrivePolicy": rules.json_document,
    },
    references={"kmsMasterKeyId": references.KMS_KEY},
)


def _policy(inputs: Inputs) -> dict[str, Any]:
    return {**without(inputs, "policy"), "attributes": {"Policy": inputs["policy"]}}


def _remove_policy(api: Api, live: Live) -> None:
    api("set_queue_attributes", QueueUrl=live.id, Attributes={"Policy": ""})


_QUEUE_POLICY = ResourceType(
    token="aws:sqs/queuePolicy:QueuePolicy",
    service="sqs",
    create="set_queue_attributes",
    id=template("{queueUrl}"),
    prepare=_policy,
    read=call("get_queue_attributes", QueueUrl="id", AttributeNames=["Policy"]),
    description="Attributes",
    attributes={"policy": "Policy", "queueUrl": template("{id}")},
    replaces_all=True,
    delete=_remove_policy,
    replace="queueUrl",
    rules={"policy": resource_policy("sqs"), "queueUrl": rules.matches(r"https?://\S+", "the URL of a queue")},
)

TYPES = (_QUEUE, _QUEUE_POLICY)
