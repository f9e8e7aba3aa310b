"""IAM's managed policies, boundaries and identity providers, read back from the emulator."""

import json
from typing import Any

import pytest

from tests.sandbox.provider.services import TRUST, Services

pytestmark = pytest.mark.emulator

GITHUB = "https://token.actions.githubusercontent.com"


def document(action: str, *, padding: int = 0) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Sid": "S" * (1 + padding), "Effect": "Allow", "Action": action, "Resource": "arn:aws:s3:::b"}
            ],
        }
    )


def default_document(services: Services, policy_arn: str) -> Any:
    iam = services.client("iam")
    version = iam.get_policy(PolicyArn=policy_arn)["Policy"]["DefaultVersionId"]
    return iam.get_policy_version(PolicyArn=policy_arn, VersionId=version)["PolicyVersion"]["Document"]


def test_a_policy_changes_its_document_in_place_more_often_than_iam_keeps_versions(services: Services) -> None:
    policy = services.create(
        "aws:iam/policy:Policy",
        {"policy": document("s3:GetObject"), "path": "/fixrx/", "tags": {"Name": "p"}},
        "policy",
    )
    assert policy.id == policy.state["arn"] == f"arn:aws:iam::123456789012:policy/fixrx/{policy.inputs['name']}"
    for number in range(7):
        services.update(policy, policy=document(f"s3:GetObject{number}"))
    assert default_document(services, policy.id)["Statement"][0]["Action"] == "s3:GetObject6"
    assert services.drift(policy) == {}
    services.client("iam").create_policy_version(
        PolicyArn=policy.id, PolicyDocument=document("s3:*"), SetAsDefault=True
    )
    assert json.loads((services.drift(policy) or {})["policy"])["Statement"][0]["Action"] == "s3:*"
    services.destroy()
    assert services.client("iam").list_policies(Scope="Local")["Policies"] == []


def test_a_policy_is_made_anew_for_another_name_or_place(services: Services) -> None:
    policy = services.create("aws:iam/policy:Policy", {"policy": document("s3:GetObject")}, "policy")
    assert services.changes(policy, path="/elsewhere/", description="other", policy=document("s3:PutObject")) == {
        "path": True,
        "description": True,
        "policy": False,
    }


def test_a_policy_is_no_longer_than_iam_takes(services: Services) -> None:
    shortest = len(document("s3:GetObject").replace(" ", ""))
    assert (
        services.failures("aws:iam/policy:Policy", {"policy": document("s3:GetObject", padding=6144 - shortest)}) == []
    )
    assert services.failures(
        "aws:iam/policy:Policy", {"policy": document("s3:GetObject", padding=6145 - shortest)}
    ) == [("policy", "has 6145 characters, and IAM takes 6144")]


def test_a_role_gets_and_loses_its_boundary_in_place(services: Services) -> None:
    boundary = services.create("aws:iam/policy:Policy", {"policy": document("s3:GetObject")}, "boundary")
    role = services.create("aws:iam/role:Role", {"assumeRolePolicy": TRUST, "permissionsBoundary": boundary.id}, "role")
    iam = services.client("iam")

    def bound() -> str | None:
        found = iam.get_role(RoleName=role.id)["Role"].get("PermissionsBoundary") or {}
        return found.get("PermissionsBoundaryArn")

    assert bound() == boundary.id
    iam.delete_role_permissions_boundary(RoleName=role.id)
    assert services.drift(role) == {"permissionsBoundary": None}
    services.update(role, permissionsBoundary=None)
    assert bound() is None
    services.update(role, permissionsBoundary=boundary.id)
    assert bound() == boundary.id


def test_a_boundary_that_does_not_exist_is_refused(services: Services) -> None:
    gone = "arn:aws:iam::123456789012:policy/gone"
    assert services.failures("aws:iam/role:Role", {"assumeRolePolicy": TRUST, "permissionsBoundary": gone}) == [
        ("permissionsBoundary", f"there is no IAM policy {gone}")
    ]


def test_an_identity_provider_knows_the_clients_that_are_listed(services: Services) -> None:
    provider = services.create(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        {"url": GITHUB, "clientIdLists": ["sts.amazonaws.com"], "tags": {"Name": "github"}},
        "github",
    )
    assert provider.id == provider.state["arn"]
    iam = services.client("iam")
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider.id)
    assert found["ClientIDList"] == ["sts.amazonaws.com"]
    services.update(provider, clientIdLists=["one", "two"])
    assert provider.state["clientIdLists"] == ["one", "two"]
    assert services.drift(provider) == {}
    assert services.changes(provider, url="https://example.com") == {"url": True}
    services.destroy()
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def test_an_identity_provider_has_a_secure_address(services: Services) -> None:
    assert services.failures(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        {"url": "http://example.com", "clientIdLists": ["sts.amazonaws.com"]},
    ) == [("url", "must be an address that begins with https://")]
