"""Secrets Manager: secrets, and versions of their values. Replicas in other regions are not supported."""

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import (
    Autoname,
    Inputs,
    Live,
    ResourceType,
    call,
    constant,
    template,
)
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import exactly_one, set_or_remove, tagging
from sandbox.provider.values import UNKNOWN

_RECOVERY_DAYS = 30


def _delete_secret(api: Api, live: Live) -> None:
    days = live.state.get("recoveryWindowInDays", _RECOVERY_DAYS)
    window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    try:
        api("delete_secret", SecretId=live.id, **window)
    except ApiError as error:
        if not _deleted(error):
            raise


def _deleted(error: ApiError) -> bool:
    """Whether a call failed because its secret waits for its deletion."""
    return error.code == "InvalidRequestException" and "delet" in str(error)


def _recovery_window(value: str) -> str | None:
    return "must be 0, or between 7 and 30" if value != "0" and rules.between(7, 30)(value) else None


def _read_policy(api: Api, live: Live) -> Mapping[str, Any]:
    return {"policy": api("get_resource_policy", SecretId=live.id).get("ResourcePolicy", "")}


_NAME = "at most 512 letters, digits and characters of / _ + = . @ -"

_SECRET = ResourceType(
    token="aws:secretsmanager/secret:Secret",
    service="secretsmanager",
    create="create_secret",
    id="ARN",
    tagging=tagging("tag_resource untag_resource", SecretId="id"),
    read=call("describe_secret", SecretId="id"),
    # A secret that waits for its deletion is gone for a program.
    description="[@][?!DeletedDate] | [0]",
    update=call("update_secret", SecretId="id"),
    delete=_delete_secret,
    replace="name namePrefix type",
    autoname=Autoname("name", longest=512),
    defaults={"forceOverwriteReplicaSecret": False, "recoveryWindowInDays": _RECOVERY_DAYS},
    provider_only="forceOverwriteReplicaSecret recoveryWindowInDays",
    features=(
        set_or_remove(
            "secretsmanager",
            "policy",
            call("put_resource_policy", SecretId="id", ResourcePolicy="policy"),
            call("delete_resource_policy", SecretId="id"),
            _read_policy,
        ),
    ),
    rules={
        "name": rules.matches(r"[A-Za-z0-9/_+=.@-]{1,512}", _NAME),
        "policy": rules.policy_document,
        "recoveryWindowInDays": _recovery_window,
    },
    references={"kmsKeyId": references.KMS_KEY},
)

_CURRENT = "AWSCURRENT"


def _binary_value(inputs: Inputs) -> dict[str, Any]:
    """The provider expects a binary value in base64, boto3 expects the bytes."""
    binary = inputs.get("secretBinary")
    if binary in (None, UNKNOWN) or rules.base64_text(str(binary)):
        return dict(inputs)
    return {**inputs, "secretBinary": base64.b64decode(str(binary))}


def _read_binary(live: Live) -> str | None:
    binary = live.description.get("SecretBinary")
    return None if binary is None else base64.b64encode(binary).decode()


def _version(live: Live) -> dict[str, str]:
    """The parameters that name a version, whose id is `secret|version`."""
    secret, _, version = live.id.partition("|")
    return {"SecretId": secret, "VersionId": version}


def _read_version(api: Api, live: Live) -> Mapping[str, Any] | None:
    name = _version(live)
    try:
        return {**api("get_secret_value", **name), "SecretId": name["SecretId"]}
    except ApiError as error:
        if _deleted(error):
            return None
        raise


def _move_stages(api: Api, live: Live) -> None:
    """Make the version's stages those of the program; AWSCURRENT can be moved here but not be removed."""
    name = _version(live)
    secret, version = name["SecretId"], name["VersionId"]
    present = set(api("get_secret_value", **name)["VersionStages"])
    wanted = set(live.state.get("versionStages") or [])
    for stage in sorted(wanted - present):
        parameters = {"SecretId": secret, "VersionStage": stage, "MoveToVersionId": version}
        if stage == _CURRENT:
            parameters["RemoveFromVersionId"] = api("get_secret_value", SecretId=secret)["VersionId"]
        api("update_secret_version_stage", **parameters)
    for stage in sorted(present - wanted - {_CURRENT}):
        api("update_secret_version_stage", SecretId=secret, VersionStage=stage, RemoveFromVersionId=version)


def _delete_version(api: Api, live: Live) -> None:
    """Secrets Manager drops a version that has no stage. The current one goes with its secret."""
    try:
        _move_stages(api, Live(live.id, {}, {}, live.region, live.account_id))
    except ApiError as error:
        if not _deleted(error):
            raise


_SECRET_VERSION = ResourceType(
    token="aws:secretsmanager/secretVersion:SecretVersion",
    service="secretsmanager",
    create="put_secret_value",
    id=lambda live: f"{live.state['secretId']}|{live.description['VersionId']}",
    prepare=_binary_value,
    read=_read_version,
    attributes={"arn": "ARN", "hasSecretStringWo": constant(False), "secretArn": "ARN", "secretBinary": _read_binary},
    custom_update=_move_stages,
    custom_update_inputs="versionStages",
    delete=_delete_version,
    replace="secretId secretString secretBinary",
    rules={"secretBinary": rules.base64_text},
    references={"secretId": references.SECRET},
    validate=exactly_one("secretString", "secretBinary"),
)

_ROTATION = ResourceType(
    token="aws:secretsmanager/secretRotation:SecretRotation",
    service="secretsmanager",
    create="rotate_secret",
    id=template("{secretId}"),
    renames={"rotationLambdaArn": "RotationLambdaARN"},
    attributes={"rotationEnabled": constant(True)},
    replace="secretId",
    defaults={"rotateImmediately": True},
    rules={
        "rotationLambdaArn": rules.arn,
        "rotationRules.automaticallyAfterDays": rules.between(1, 1000),
        "rotationRules.duration": rules.matches(r"[1-9]\d?h", "hours, such as 2h"),
        "rotationRules.scheduleExpression": rules.matches(
            r"(cron|rate)\([0-9A-Za-z#*/, ?-]+\)", "cron(...) or rate(...)"
        ),
    },
    references={"secretId": references.SECRET},
    # The emulator would call the function, which is recorded only.
    stored_only=True,
)

TYPES = (_SECRET, _SECRET_VERSION, _ROTATION)
