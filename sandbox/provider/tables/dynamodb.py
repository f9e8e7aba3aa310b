"""DynamoDB: tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, call, constant, template
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import tagging, without
from sandbox.provider.values import UNKNOWN


def _prepare(inputs: Inputs) -> dict[str, Any]:
    """DynamoDB has one list of keys, and its own form of the switches."""
    kinds = (("hashKey", "HASH"), ("rangeKey", "RANGE"))
    keys = [{"attributeName": inputs[key], "keyType": kind} for key, kind in kinds if inputs.get(key)]
    encryption = inputs.get("serverSideEncryption")
    prepared = {
        **without(inputs, "hashKey", "rangeKey", "serverSideEncryption"),
        **({"keySchema": keys} if keys else {}),
    }
    if encryption:
        key = {"kmsMasterKeyId": encryption["kmsKeyArn"]} if encryption.get("kmsKeyArn") else {}
        prepared["sseSpecification"] = {"enabled": encryption["enabled"], "sseType": "KMS", **key}
    return prepared


def _table_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    keys = {inputs.get(key) for key in ("hashKey", "rangeKey") if inputs.get(key)}
    names = {one.get("name") for one in inputs.get("attributes") or []}
    if UNKNOWN not in keys | names and keys != names and not inputs.get("globalSecondaryIndexes"):
        yield CheckFailure("attributes", "must be those of the keys, and no others")
    if inputs.get("billingMode") == "PAY_PER_REQUEST" and (inputs.get("readCapacity") or inputs.get("writeCapacity")):
        yield CheckFailure("billingMode", "cannot be PAY_PER_REQUEST with a capacity")


def _read_encryption(live: Live) -> Any:
    found = live.description.get("SSEDescription") or {}
    if found.get("Status") != "ENABLED":
        return None
    return {"enabled": True, "kmsKeyArn": found.get("KMSMasterKeyArn")}


def _backups(inputs: Inputs, identifier: str) -> Iterable[Request]:
    enabled = (inputs.get("pointInTimeRecovery") or {}).get("enabled", False)
    yield Request(
        "update_continuous_backups",
        {"TableName": identifier, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": enabled}},
    )


def _read_backups(api: Api, live: Live) -> Mapping[str, Any]:
    found = api("describe_continuous_backups", TableName=live.id)["ContinuousBackupsDescription"]
    enabled = found["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    return {"pointInTimeRecovery": {"enabled": enabled}} if "pointInTimeRecovery" in live.state else {}


def _expiry(inputs: Inputs, identifier: str) -> Iterable[Request]:
    ttl = inputs.get("ttl")
    if ttl:
        specification = {"Enabled": ttl.get("enabled", False), "AttributeName": ttl.get("attributeName")}
        yield Request("update_time_to_live", {"TableName": identifier, "TimeToLiveSpecification": specification})


def _read_expiry(api: Api, live: Live) -> Mapping[str, Any]:
    found = api("describe_time_to_live", TableName=live.id)["TimeToLiveDescription"]
    enabled = found["TimeToLiveStatus"] == "ENABLED"
    return {"ttl": {"attributeName": found["AttributeName"], "enabled": True}} if enabled else {}


_TABLE = ResourceType(
    token="aws:dynamodb/table:Table",
    service="dynamodb",
    create="create_table",
    id=template("{name}"),
    renames={
        "attributes": "AttributeDefinitions",
        "attributes.name": "AttributeName",
        "attributes.type": "AttributeType",
        "name": "TableName",
    },
    prepare=_prepare,
    tagging=tagging("tag_resource untag_resource list_tags_of_resource", ResourceArn="arn"),
    read=call("describe_table", TableName="id"),
    description="Table",
    attributes={
        "arn": "TableArn",
        "billingMode": "BillingModeSummary.BillingMode",
        "deletionProtectionEnabled": "DeletionProtectionEnabled",
        "hashKey": "KeySchema[?KeyType=='HASH'] | [0].AttributeName",
        "rangeKey": "KeySchema[?KeyType=='RANGE'] | [0].AttributeName",
        "serverSideEncryption": _read_encryption,
        "streamEnabled": constant(False),
        "tableClass": constant("STANDARD"),
    },
    absent_outputs="globalSecondaryIndexes globalTableWitness readCapacity streamArn streamLabel streamViewType ttl "
    "warmThroughput writeCapacity",
    update=call("update_table", TableName="id"),
    update_omits="hashKey rangeKey name",
    delete=call("delete_table", TableName="id"),
    replace="name hashKey rangeKey",
    autoname=Autoname("name", longest=255),
    defaults={"billingMode": "PROVISIONED"},
    features=(
        Feature("pointInTimeRecovery", _backups, read=_read_backups, replaces_all=True),
        Feature("ttl", _expiry, read=_read_expiry),
    ),
    validate=_table_rules,
    rules={
        "name": rules.matches(r"[a-zA-Z0-9_.-]{3,255}", "3 to 255 letters, digits, hyphens, underscores and periods"),
        "attributes.type": rules.one_of("S", "N", "B"),
    },
    references={"serverSideEncryption.kmsKeyArn": references.KMS_KEY},
)

TYPES = (_TABLE,)
