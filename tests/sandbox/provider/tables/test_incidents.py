"""What tells of incidents, in the sandbox: real queues and tables, and recorded event sources."""

import json
from typing import Any

import pytest

from tests.sandbox.provider.services import ACCOUNT, REGION, Services

pytestmark = pytest.mark.emulator

QUEUE = "aws:sqs/queue:Queue"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TABLE = "aws:dynamodb/table:Table"
EVENT_SOURCE = "aws:lambda/eventSourceMapping:EventSourceMapping"
DEAD_LETTERS = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
REDRIVE = json.dumps({"deadLetterTargetArn": DEAD_LETTERS, "maxReceiveCount": 12})
KEYS = {"hashKey": "subject", "rangeKey": "detail"}
ATTRIBUTES = [{"name": name, "type": "S"} for name in KEYS.values()]
ON_DEMAND: dict[str, Any] = {"name": "incidents", "billingMode": "PAY_PER_REQUEST", "attributes": ATTRIBUTES, **KEYS}


def attributes(services: Services, url: str) -> dict[str, str]:
    found: dict[str, str] = services.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found


def test_a_queue_changes_in_place_and_drifts(services: Services) -> None:
    services.create(QUEUE, {"name": "dead"}, name="dead")
    created = services.create(QUEUE, {"name": "incidents", "redrivePolicy": REDRIVE, "visibilityTimeoutSeconds": 180})
    assert created.id.endswith(f"/{ACCOUNT}/incidents")
    assert created.state["arn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:incidents"
    assert attributes(services, created.id)["VisibilityTimeout"] == "180"
    assert services.drift(created) == {}

    services.update(created, visibilityTimeoutSeconds=60, messageRetentionSeconds=1209600, tags={"Owner": "ops"})
    assert attributes(services, created.id)["MessageRetentionPeriod"] == "1209600"
    assert services.drift(created) == {}
    services.client("sqs").set_queue_attributes(QueueUrl=created.id, Attributes={"VisibilityTimeout": "1"})
    assert services.drift(created) == {"visibilityTimeoutSeconds": 1}
    assert services.changes(created, name="others") == {"name": True}
    services.delete(created)
    assert services.drift(created) is None


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"name": "a queue"}, "name"),
        ({"visibilityTimeoutSeconds": 43201}, "visibilityTimeoutSeconds"),
        ({"messageRetentionSeconds": 1209601}, "messageRetentionSeconds"),
        ({"redrivePolicy": "{"}, "redrivePolicy"),
        ({"redrivePolicy": json.dumps({"deadLetterTargetArn": DEAD_LETTERS})}, "redrivePolicy"),
        ({"kmsMasterKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/none"}, "kmsMasterKeyId"),
    ],
)
def test_check_of_a_queue(services: Services, inputs: dict[str, Any], path: str) -> None:
    assert [each for each, _ in services.failures(QUEUE, inputs)] == [path]


def test_a_queue_is_encrypted_in_one_way(services: Services) -> None:
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]

    assert services.failures(QUEUE, {"sqsManagedSseEnabled": True, "kmsMasterKeyId": key}) == [
        ("sqsManagedSseEnabled", "cannot be true with kmsMasterKeyId")
    ]


def test_a_queues_policy_is_a_resource_of_its_own(services: Services) -> None:
    queue = services.create(QUEUE, {"name": "incidents"}, name="queue")
    statement = {
        "Sid": "Send",
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue.state["arn"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    created = services.create(QUEUE_POLICY, {"queueUrl": queue.id, "policy": policy})
    assert json.loads(attributes(services, queue.id)["Policy"])["Statement"][0]["Sid"] == "Send"
    assert services.drift(created) == {}
    assert services.drift(queue) == {}
    services.delete(created)
    assert attributes(services, queue.id).get("Policy", "") == ""


def test_a_table_changes_in_place_and_drifts(services: Services) -> None:
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]
    inputs = {
        **ON_DEMAND,
        "serverSideEncryption": {"enabled": True, "kmsKeyArn": key},
        "pointInTimeRecovery": {"enabled": True},
        "ttl": {"attributeName": "expires", "enabled": True},
    }
    created = services.create(TABLE, inputs)
    client = services.client("dynamodb")
    table = client.describe_table(TableName="incidents")["Table"]
    assert {each["KeyType"]: each["AttributeName"] for each in table["KeySchema"]} == {
        "HASH": "subject",
        "RANGE": "detail",
    }
    assert table["SSEDescription"]["KMSMasterKeyArn"] == key
    assert services.drift(created) == {}

    services.update(created, deletionProtectionEnabled=True)
    assert client.describe_table(TableName="incidents")["Table"]["DeletionProtectionEnabled"] is True
    client.update_time_to_live(
        TableName="incidents", TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires"}
    )
    assert services.drift(created) == {"ttl": None}
    assert services.changes(created, name="others") == {"name": True}


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"attributes": ATTRIBUTES[:1]}, ("attributes", "must be those of the keys, and no others")),
        (
            {"attributes": [*ATTRIBUTES, {"name": "other", "type": "S"}]},
            ("attributes", "must be those of the keys, and no others"),
        ),
        ({"readCapacity": 5}, ("billingMode", "cannot be PAY_PER_REQUEST with a capacity")),
        ({"name": "in"}, ("name", "must be 3 to 255 letters, digits, hyphens, underscores and periods")),
    ],
)
def test_check_of_a_table(services: Services, changes: dict[str, Any], failure: tuple[str, str]) -> None:
    assert failure in services.failures(TABLE, {**ON_DEMAND, **changes})


def test_an_event_source_is_recorded(services: Services) -> None:
    inputs = {
        "functionName": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:notifier",
        "eventSourceArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:incidents",
        "batchSize": 1,
        "functionResponseTypes": ["ReportBatchItemFailures"],
        "scalingConfig": {"maximumConcurrency": 2},
    }
    created = services.create(EVENT_SOURCE, inputs)
    assert created.state["arn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:event-source-mapping:{created.id}"
    assert created.state["state"] == "Enabled"
    services.update(created, enabled=False, batchSize=2)
    assert (created.state["state"], created.state["batchSize"]) == ("Disabled", 2)
    assert services.drift(created) == {}
    other = f"arn:aws:sqs:{REGION}:{ACCOUNT}:other"
    assert services.changes(created, eventSourceArn=other) == {"eventSourceArn": True}
    assert {path for path, _ in services.failures(EVENT_SOURCE, {**inputs, "eventSourceArn": "incidents"})} == {
        "eventSourceArn"
    }
    one = {**inputs, "scalingConfig": {"maximumConcurrency": 1}}
    assert {path for path, _ in services.failures(EVENT_SOURCE, one)} == {"scalingConfig.maximumConcurrency"}
    services.delete(created)
    assert services.drift(created) is None
