"""KMS."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, Text, call, template
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import described, pick, set_or_remove, tagging


def _read_rotation(api: Api, live: Live) -> Mapping[str, Any]:
    try:
        return {"enableKeyRotation": api("get_key_rotation_status", KeyId=live.id)["KeyRotationEnabled"]}
    except ApiError as error:
        if error.code != "UnsupportedOperationException":
            raise
        return {"enableKeyRotation": False}


def _enabled(inputs: Inputs, identifier: str) -> Iterable[Request]:
    yield Request("disable_key" if inputs["isEnabled"] is False else "enable_key", {"KeyId": identifier})


def _amend_key(api: Api, live: Live) -> None:
    api("update_key_description", KeyId=live.id, Description=live.state.get("description") or "")
    if live.state.get("policy"):
        api("put_key_policy", KeyId=live.id, PolicyName="default", Policy=live.state["policy"])


_KEY = ResourceType(
    token="aws:kms/key:Key",
    service="kms",
    create="create_key",
    id="KeyMetadata.KeyId",
    tagging=tagging("tag_resource untag_resource list_resource_tags", KeyId="id"),
    renames={"customerMasterKeySpec": "KeySpec"},
    # A key that waits for its deletion is gone for a program.
    read=described(
        call("describe_key", KeyId="id"),
        "[KeyMetadata][?KeyState!='PendingDeletion'] | [0]",
        Policy=(call("get_key_policy", KeyId="id", PolicyName=Text("default")), "Policy"),
    ),
    attributes={"isEnabled": "Enabled"},
    absent_outputs="description rotationPeriodInDays",
    custom_update=_amend_key,
    custom_update_inputs="bypassPolicyLockoutSafetyCheck description policy",
    delete=call("schedule_key_deletion", KeyId="id", PendingWindowInDays="deletionWindowInDays"),
    replace="customerMasterKeySpec keyUsage multiRegion customKeyStoreId xksKeyId",
    defaults={
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "keyUsage": "ENCRYPT_DECRYPT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "multiRegion": False,
    },
    provider_only="deletionWindowInDays",
    # The emulator accepts the period of rotation but does not report it.
    write_only="bypassPolicyLockoutSafetyCheck rotationPeriodInDays",
    features=(
        set_or_remove(
            "kms",
            "enableKeyRotation rotationPeriodInDays",
            call("enable_key_rotation", KeyId="id", RotationPeriodInDays="rotationPeriodInDays"),
            call("disable_key_rotation", KeyId="id"),
            _read_rotation,
        ),
        Feature("isEnabled", _enabled),
    ),
    rules={
        "policy": rules.policy_document,
        "deletionWindowInDays": rules.between(7, 30),
        "rotationPeriodInDays": rules.between(90, 2560),
    },
)


def _key_arn(live: Live) -> str:
    return f"arn:aws:kms:{live.region}:{live.account_id}:key/{live.description['TargetKeyId']}"


_ALIAS = ResourceType(
    token="aws:kms/alias:Alias",
    service="kms",
    create="create_alias",
    id=template("{name}"),
    renames={"name": "AliasName"},
    read=pick(call("list_aliases"), "Aliases", AliasName="id"),
    attributes={"arn": "AliasArn", "targetKeyArn": _key_arn},
    update=call("update_alias", AliasName="id"),
    delete=call("delete_alias", AliasName="id"),
    replace="name namePrefix",
    autoname=Autoname("name", longest=256),
    rules={"name": rules.matches(r"alias/(?!aws/)[a-zA-Z0-9/_-]+", "alias/ and letters, digits, /, _ or -")},
    references={"targetKeyId": references.KMS_KEY},
)

TYPES = (_KEY, _ALIAS)
