"""Secrets Manager in the sandbox: real secrets and versions, which wait for their deletion as in AWS."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.provider.services import Resource, Services, serve

pytestmark = pytest.mark.emulator

SECRET = "aws:secretsmanager/secret:Secret"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
STATEMENT = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:DeleteSecret", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with serve(tmp_path) as running:
        yield running


def secret(services: Services, **inputs: Any) -> Resource:
    return services.create(SECRET, {"name": "fixrx/DATABASE_URL", **inputs})


def describe(services: Services, resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = services.client("secretsmanager").describe_secret(SecretId=resource.id)
    return found


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"recoveryWindowInDays": 6}, [("recoveryWindowInDays", "must be 0, or between 7 and 30")]),
        ({"recoveryWindowInDays": 0}, []),
        ({"policy": "{}"}, [("policy", "has no Statement")]),
        (
            {"name": "with space"},
            [("name", "must be at most 512 letters, digits and characters of / _ + = . @ -")],
        ),
        ({"kmsKeyId": "alias/none"}, [("kmsKeyId", "there is no KMS key alias/none")]),
    ],
)
def test_check_of_a_secret(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(SECRET, {"name": "fixrx", **inputs}) == expected


def test_a_secret_changes_in_place_and_drifts(services: Services) -> None:
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]
    container = secret(services, kmsKeyId=key, description="URL", policy=POLICY, tags={"Tier": "data"})
    assert services.drift(container) == {}

    services.update(container, description="URL of the database", policy=None, tags={"Tier": "app"})

    real = describe(services, container)
    assert (real["Description"], real["KmsKeyId"], real["Tags"]) == (
        "URL of the database",
        key,
        [{"Key": "Project", "Value": "fixrx"}, {"Key": "Tier", "Value": "app"}],
    )
    assert "ResourcePolicy" not in services.client("secretsmanager").get_resource_policy(SecretId=container.id)
    assert services.drift(container) == {}

    services.client("secretsmanager").update_secret(SecretId=container.id, Description="changed by hand")
    assert services.drift(container) == {"description": "changed by hand"}


def test_a_name_from_a_prefix(services: Services) -> None:
    container = services.create(SECRET, {"namePrefix": "fixrx/DATABASE_URL-"})
    name = describe(services, container)["Name"]
    assert name.startswith("fixrx/DATABASE_URL-")
    assert len(name) == len("fixrx/DATABASE_URL-") + 26
    assert (container.state["name"], container.state["namePrefix"]) == (name, "fixrx/DATABASE_URL-")
    assert services.changes(container, description="new") == {"description": False}
    assert services.drift(container) == {}


def test_a_deleted_secret_waits_and_counts_as_gone(services: Services) -> None:
    container = secret(services, recoveryWindowInDays=7)
    version = services.create(VERSION, {"secretId": container.id, "secretString": "postgresql://"})
    services.delete(version)
    services.delete(container)
    assert "DeletedDate" in describe(services, container)
    assert [services.drift(container), services.drift(version)] == [None, None]
    assert services.failures(VERSION, {"secretId": container.id, "secretString": "x"}) == [
        ("secretId", f"there is no secret {container.id}")
    ]


def test_a_secret_without_recovery_is_deleted_at_once(services: Services) -> None:
    services.delete(secret(services, recoveryWindowInDays=0))
    container = secret(services, recoveryWindowInDays=0)
    services.delete(container)
    with pytest.raises(services.client("secretsmanager").exceptions.ResourceNotFoundException):
        services.client("secretsmanager").describe_secret(SecretId=container.id)


def test_a_secret_deleted_by_hand_can_be_deleted(services: Services) -> None:
    container = secret(services)
    services.client("secretsmanager").delete_secret(SecretId=container.id, RecoveryWindowInDays=7)
    services.delete(container)
    assert "DeletedDate" in describe(services, container)


def test_a_version_holds_the_value(services: Services) -> None:
    container = secret(services)
    version = services.create(VERSION, {"secretId": container.id, "secretString": "postgresql://"})
    value = services.client("secretsmanager").get_secret_value(SecretId=container.id)
    assert (value["SecretString"], value["VersionId"]) == ("postgresql://", version.state["versionId"])
    assert version.id == f"{container.id}|{version.state['versionId']}"
    assert (version.state["arn"], version.state["secretArn"]) == (container.id, container.id)
    assert version.state["versionStages"] == ["AWSCURRENT"]
    assert services.drift(version) == {}
    assert services.changes(version, secretString="other") == {"secretString": True}


def test_a_binary_value_goes_there_and_back(services: Services) -> None:
    encoded = base64.b64encode(b"\x00\xff").decode()
    version = services.create(VERSION, {"secretId": secret(services).id, "secretBinary": encoded})
    value = services.client("secretsmanager").get_secret_value(SecretId=version.state["secretId"])
    assert value["SecretBinary"] == b"\x00\xff"
    assert services.drift(version) == {}


def test_stages_move_in_place(services: Services) -> None:
    container = secret(services)
    inputs = {"secretId": container.id, "secretString": "one", "versionStages": ["AWSCURRENT", "blue"]}
    version = services.create(VERSION, inputs)
    services.update(version, versionStages=["AWSCURRENT", "green"])
    stages = describe(services, container)["VersionIdsToStages"]
    assert stages == {version.state["versionId"]: ["AWSCURRENT", "green"]}
    assert services.drift(version) == {}


def test_a_replaced_version_loses_its_stages(services: Services) -> None:
    container = secret(services)
    old = services.create(VERSION, {"secretId": container.id, "secretString": "one"})
    new = services.create(VERSION, {"secretId": container.id, "secretString": "two"})
    services.delete(old)
    assert describe(services, container)["VersionIdsToStages"][new.state["versionId"]] == ["AWSCURRENT"]
    assert services.client("secretsmanager").get_secret_value(SecretId=container.id)["SecretString"] == "two"


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, [("secretString", "exactly one of secretString and secretBinary must be given")]),
        ({"secretBinary": "not base64"}, [("secretBinary", "must be base64")]),
    ],
)
def test_check_of_a_version(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(VERSION, {"secretId": secret(services).id, **inputs}) == expected


def test_a_version_needs_a_secret_that_exists(services: Services) -> None:
    assert services.failures(VERSION, {"secretId": "none", "secretString": "x"}) == [
        ("secretId", "there is no secret none")
    ]
