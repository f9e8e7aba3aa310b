"""KMS."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, ResourceType, Tagging, call
from sandbox.provider.tables import references, rules


def _rotation(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("enableKeyRotation"):
        period = inputs.get("rotationPeriodInDays")
        parameters = {"KeyId": identifier} | ({"RotationPeriodInDays": period} if period else {})
        yield Request("enable_key_rotation", parameters)
    else:
        yield Request("disable_key_rotation", {"KeyId": identifier})


def _read_rotation(api: Api, live: Live) -> Mapping[str, Any]:
    try:
        status = api("get_key_rotation_status", KeyId=live.id)
    except ApiError as error:
        if error.code == "UnsupportedOperationException":
            return {"enableKeyRotation": False}
        raise
    return {"enableKeyRotation": status["KeyRotationEnabled"]}


def _enabled(inputs: Inputs, identifier: str) -> Iterable[Request]:
    yield Request("disable_key" if inputs["isEnabled"] is False else "enable_key", {"KeyId": identifier})


def _read_key(api: Api, live: Live) -> Mapping[str, Any] | None:
    """A key that waits for its deletion is gone as far as a program is concerned."""
    key = api("describe_key", KeyId=live.id)["KeyMetadata"]
    if key["KeyState"] == "PendingDeletion":
        return None
    return {**key, "Policy": api("get_key_policy", KeyId=live.id, PolicyName="default")["Policy"]}


def _amend_key(api: Api, live: Live) -> None:
    api("update_key_description", KeyId=live.id, Description=live.state.get("description") or "")
    if live.state.get("policy"):
        api("put_key_policy", KeyId=live.id, PolicyName="default", Policy=live.state["policy"])


_KEY = ResourceType(
    token="aws:kms/key:Key",
    service="kms",
    create="create_key",
    id="KeyMetadata.KeyId",
    tagging=Tagging(
        call("tag_resource", KeyId="id"), call("untag_resource", KeyId="id"), call("list_resource_tags", KeyId="id")
    ),
    renames={"customerMasterKeySpec": "KeySpec"},
    read=_read_key,
    attributes={"isEnabled": "Enabled"},
    absent_outputs="description rotationPeriodInDays",
    custom_update=_amend_key,
    custom_update_inputs="bypassPolicyLockoutSafetyCheck description policy",
    delete=call("schedule_key_deletion", KeyId="id", PendingWindowInDays="deletionWindowInDays"),
    replace="customerMasterKeySpec keyUsage multiRegion customKeyStoreId xksKeyId",
    defaults={
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "enableKeyRotation": False,
        "isEnabled": True,
        "keyUsage": "ENCRYPT_DECRYPT",
        "multiRegion": False,
    },
    provider_only="deletionWindowInDays",
    # The emulator takes the period of rotation but does not report it.
    write_only="bypassPolicyLockoutSafetyCheck rotationPeriodInDays",
    features=(
        Feature(
            inputs="enableKeyRotation rotationPeriodInDays", requests=_rotation, read=_read_rotation, replaces_all=True
        ),
        Feature(inputs="isEnabled", requests=_enabled),
    ),
    rules={
        "policy": rules.policy_document,
        "deletionWindowInDays": rules.between(7, 30),
        "rotationPeriodInDays": rules.between(90, 2560),
    },
)


def _read_alias(api: Api, live: Live) -> Mapping[str, Any] | None:
    aliases = api("list_aliases")["Aliases"]
    return next((alias for alias in aliases if alias["AliasName"] == live.id), None)


def _alias_key_arn(live: Live) -> str:
    return f"arn:aws:kms:{live.region}:{live.account_id}:key/{live.description['TargetKeyId']}"


_ALIAS = ResourceType(
    token="aws:kms/alias:Alias",
    service="kms",
    create="create_alias",
    id=lambda live: live.state["name"],
    renames={"name": "AliasName"},
    read=_read_alias,
    attributes={"arn": "AliasArn", "targetKeyArn": _alias_key_arn},
    update=call("update_alias", AliasName="id"),
    delete=call("delete_alias", AliasName="id"),
    replace="name namePrefix",
    autoname=Autoname("name", longest=256),
    rules={"name": rules.matches(r"alias/(?!aws/)[a-zA-Z0-9/_-]+", "alias/ and letters, digits, /, _ or -")},
    references={"targetKeyId": references.KMS_KEY},
)

TYPES = (_KEY, _ALIAS)
