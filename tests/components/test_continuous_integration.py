"""Roles of GitHub's workflows: who may take them on, and how their policies and boundaries are put together.

What the roles may do, request by request, is in `tests/layers/test_workflow_permissions.py`.
"""

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest
from pydantic import ValidationError

from components.continuous_integration import ContinuousIntegration, ContinuousIntegrationArgs
from components.sections.continuous_integration import ContinuousIntegrationSettings
from tests.recorder import IDENTITY, Recording, record

REPOSITORY = "fixrx/fixrx-infrastructure"
BACKEND = "fixrx/fixrx-backend"
PROVIDER_ARN = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
LONGEST_MANAGED_POLICY = 6144
"""IAM's quota, in characters without white space."""


def workflows(**settings: Any) -> Recording:
    def program() -> None:
        ContinuousIntegration(
            "ci",
            ContinuousIntegrationArgs(
                settings=ContinuousIntegrationSettings(repository=REPOSITORY, **settings),
                # The longest name of a region.
                identity=replace(IDENTITY, second_region="ap-southeast-2"),
                zone="z" * 60 + ".fixrx.com",
                api_domain="a" * 54 + ".fixrx.com",
                cdn_domain="c" * 54 + ".fixrx.com",
                boundary_arns=["arn:of-the-boundary"],
            ),
        )

    return record(program)


def without_repository() -> ContinuousIntegration:
    return ContinuousIntegration(
        "ci",
        ContinuousIntegrationArgs(
            settings=ContinuousIntegrationSettings(),
            identity=IDENTITY,
            zone="fixrx.com",
            api_domain="api.fixrx.com",
            cdn_domain="static.fixrx.com",
            boundary_arns=["arn:of-the-boundary"],
        ),
    )


def statements(recording: Recording, name: str) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in recording.named(name).document("policy")["Statement"]}


def allows(recording: Recording, name: str, action: str) -> bool:
    """Whether any statement names the action, on any resource."""
    return any(
        fnmatchcase(action, pattern) for each in statements(recording, name).values() for pattern in each["Action"]
    )


@pytest.mark.parametrize("environment", ["production", "staging"])
@pytest.mark.parametrize("purpose", ["preview", "deploy", "image", "release"])
def test_each_role_is_for_named_occasions_of_one_repository(environment: str, purpose: str, stack: Recording) -> None:
    role = stack.named(f"continuous-integration-{purpose}-role")
    subjects = {
        "preview": [f"{REPOSITORY}:pull_request", f"{REPOSITORY}:ref:refs/heads/main"],
        "deploy": [f"{REPOSITORY}:environment:{environment}"],
        "image": [f"{REPOSITORY}:ref:refs/heads/main"],
        "release": [f"{BACKEND}:environment:release"],
    }[purpose]

    assert role.document("assumeRolePolicy") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "WorkflowMayAssume",
                "Effect": "Allow",
                "Principal": {"Federated": "arn:aws:iam:us-east-1:111122223333:continuous-integration-github"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                        "token.actions.githubusercontent.com:sub": [f"repo:{subject}" for subject in subjects],
                    }
                },
            }
        ],
    }
    assert (role.plain["maxSessionDuration"], role.plain["path"]) == (
        14400 if purpose == "deploy" else 3600,
        f"/fixrx-{environment}-continuous-integration/",
    )


def attached(recording: Recording, purpose: str) -> set[str]:
    """The policies that a role has."""
    role = f"continuous-integration-{purpose}-role"
    return {
        each.plain["policyArn"].rpartition(":")[2]
        for each in recording.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.plain["role"] == role
    }


def boundary(recording: Recording, purpose: str) -> str:
    arn = recording.named(f"continuous-integration-{purpose}-role").plain["permissionsBoundary"]
    return str(arn.rpartition(":")[2])


@pytest.mark.parametrize("purpose", ["preview", "image", "release"])
def test_what_these_may_do_is_also_all_that_they_may_ever_do(stack: Recording, purpose: str) -> None:
    policy = f"continuous-integration-{purpose}-policy"

    assert (attached(stack, purpose), boundary(stack, purpose)) == ({policy}, policy)


def test_a_release_may_be_added_and_nothing_else(production: Recording) -> None:
    assert statements(production, "continuous-integration-release-policy") == {
        "AddReleases": {
            "Sid": "AddReleases",
            "Effect": "Allow",
            "Action": ["s3:PutObject"],
            "Resource": ["arn:aws:s3:::fixrx-backups-production-111122223333/releases/*"],
            "Condition": {
                "Null": {"s3:if-none-match": "false"},
                "StringEquals": {"aws:ResourceAccount": "111122223333"},
            },
        },
        "EncryptReleases": {
            "Sid": "EncryptReleases",
            "Effect": "Allow",
            "Action": ["kms:GenerateDataKey"],
            "Resource": ["arn:aws:kms:us-east-1:111122223333:key/*"],
            "Condition": {
                "StringEquals": {
                    "aws:ResourceTag/Project": "fixrx",
                    "aws:ResourceTag/Environment": "production",
                    "kms:ViaService": "s3.us-east-1.amazonaws.com",
                }
            },
        },
    }


@pytest.mark.parametrize("key", ["backend_repository", "web_repository"])
def test_another_repository_comes_with_the_platforms_own(key: str) -> None:
    with pytest.raises(ValidationError, match=f"{key} is set without repository; set both"):
        ContinuousIntegrationSettings.model_validate({key: BACKEND})


def test_the_website_publishes_files_and_nothing_else() -> None:
    website = workflows(web_repository="fixrx/website")

    role = website.named("ci-assets-role")
    (trust,) = role.document("assumeRolePolicy")["Statement"]
    assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
        "repo:fixrx/website:environment:assets"
    ]
    assert role.plain["permissionsBoundary"].endswith(":ci-assets-policy")
    bucket = "arn:aws:s3:::fixrx-assets-production-111122223333"
    account = {"StringEquals": {"aws:ResourceAccount": "111122223333"}}
    tagged = {"aws:ResourceTag/Project": "fixrx", "aws:ResourceTag/Environment": "production"}
    assert statements(website, "ci-assets-policy") == {
        sid: {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources, **condition}
        for sid, actions, resources, condition in (
            ("FindAssets", ["s3:ListBucket"], [bucket], {"Condition": account}),
            (
                "PublishAssets",
                ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                [f"{bucket}/site/*", f"{bucket}/left/*"],
                {"Condition": account},
            ),
            ("FindDistribution", ["cloudfront:ListDistributions"], ["*"], {}),
            (
                "InvalidateAssets",
                ["cloudfront:CreateInvalidation"],
                ["arn:aws:cloudfront::111122223333:distribution/*"],
                {"Condition": {"StringEquals": tagged}},
            ),
        )
    }


def test_a_deployment_has_several_policies_and_one_boundary_for_them_all(stack: Recording) -> None:
    parts = ("", "-data", "-edge", "-identities", "-network", "-operations", "-rollout", "-storage", "-tags", "-zone")

    assert attached(stack, "deploy") == {f"continuous-integration-deploy{part}-policy" for part in parts}
    assert boundary(stack, "deploy") == "continuous-integration-deploy-boundary"


def test_policies_are_short_enough_even_with_every_setting() -> None:
    recording = workflows(state_bucket="s" * 63, state_key_arn=f"arn:aws:kms:us-east-1:111122223333:key/{'k' * 36}")

    lengths = {
        each.name: sum(not character.isspace() for character in each.plain["policy"])
        for each in recording.of_type("aws:iam/policy:Policy")
    }

    assert {name: length for name, length in lengths.items() if length > LONGEST_MANAGED_POLICY} == {}


@pytest.mark.parametrize(
    "action",
    [
        "ec2:GetConsoleOutput",
        "ec2:GetPasswordData",
        "kms:Decrypt",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "s3:GetObject",
        "secretsmanager:GetSecretValue",
        "ssm:StartSession",
        "sts:AssumeRole",
    ],
)
def test_a_pull_request_sees_no_data(production: Recording, action: str) -> None:
    assert not allows(production, "continuous-integration-preview-policy", action)


def test_a_pull_request_reads_no_parameter_but_the_markers(production: Recording) -> None:
    found = statements(production, "continuous-integration-preview-policy")

    reading = [each["Resource"] for each in found.values() if "ssm:GetParameter" in each["Action"]]
    assert [arn for resources in reading for arn in resources if arn.split(":")[2] in ("ssm", "*")] == [
        "arn:aws:ssm:us-east-1:111122223333:document/fixrx-production-*",
        "arn:aws:ssm:us-east-1:111122223333:parameter/fixrx/production/*",
    ]


def test_a_deployment_makes_roles_within_the_boundary_and_in_the_stacks_place_only(production: Recording) -> None:
    found = statements(production, "continuous-integration-deploy-identities-policy")
    roles = "arn:aws:iam::111122223333:role/fixrx-production/*"

    assert (found["ManageBoundRoles"]["Resource"], found["ManageBoundRoles"]["Condition"]) == (
        [roles],
        {
            "StringEquals": {
                "iam:PermissionsBoundary": [
                    f"arn:aws:iam:us-east-1:111122223333:permissions-boundary-{name}" for name in ("policy", "backups")
                ]
            }
        },
    )
    assert found["PassRolesToServices"]["Resource"] == [roles]
    assert found["ManageRoles"]["Resource"] == [
        roles,
        "arn:aws:iam::111122223333:instance-profile/fixrx-production/*",
    ]


def test_descriptions_are_of_the_own_account_and_region(staging: Recording) -> None:
    assert statements(staging, "continuous-integration-deploy-policy")["ListInAccount"]["Condition"] == {
        "StringEqualsIfExists": {"aws:ResourceAccount": "444455556666"},
        "StringEquals": {"aws:RequestedRegion": ["us-east-1"]},
    }


def test_the_boundary_reaches_the_state_too() -> None:
    """It is not among the platform's buckets and keys."""
    key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    recording = workflows(state_bucket="fixrx-state", state_key_arn=key_arn)

    policy, bound = (statements(recording, f"ci-deploy-{name}") for name in ("policy", "boundary"))

    assert {sid: bound[sid] for sid in ("UseState", "UseSecretsOfState")} == {
        sid: policy[sid] for sid in ("UseState", "UseSecretsOfState")
    }


def test_without_a_repository_the_zone_needs_no_policy() -> None:
    assert (
        record(lambda: without_repository().manage_zone("Z0123456789", "0a1b2c3d")).of_type("aws:iam/policy:Policy")
        == []
    )


def test_state_is_read_by_previews_and_written_by_deployments_of_the_same_stack() -> None:
    key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    recording = workflows(state_bucket="fixrx-state", state_key_arn=key_arn)
    objects, secrets = (
        {purpose: statements(recording, f"ci-{purpose}-policy")[sid] for purpose in ("preview", "deploy")}
        for sid in ("UseState", "UseSecretsOfState")
    )

    assert {purpose: each["Action"] for purpose, each in objects.items()} == {
        "preview": ["s3:GetObject", "s3:ListBucket"],
        "deploy": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject", "s3:ListBucket"],
    }
    assert objects["deploy"]["Resource"] == ["arn:aws:s3:::fixrx-state", "arn:aws:s3:::fixrx-state/.pulumi/*"]
    assert {purpose: each["Action"] for purpose, each in secrets.items()} == {
        "preview": ["kms:Decrypt"],
        "deploy": ["kms:Decrypt", "kms:Encrypt"],
    }
    assert (secrets["preview"]["Resource"], secrets["preview"]["Condition"]) == (
        [key_arn],
        {"StringEquals": {"kms:EncryptionContext:stack": "production"}},
    )


def test_an_identity_provider_that_is_there_already_is_adopted() -> None:
    recording = workflows(identity_provider_arn=PROVIDER_ARN)

    trusted = recording.named("ci-preview-role").document("assumeRolePolicy")["Statement"][0]["Principal"]

    assert recording.of_type("aws:iam/openIdConnectProvider:OpenIdConnectProvider") == []
    assert trusted == {"Federated": PROVIDER_ARN}


def test_without_a_repository_there_are_no_roles() -> None:
    assert [each.identity for each in record(without_repository).registrations] == [
        ("fixrx:components:ContinuousIntegration", "ci", "stack")
    ]


@pytest.mark.parametrize("repository", ["fixrx/infrastructure", "fixrx@123456/infrastructure@456789"])
def test_repository_is_written_as_github_writes_it(repository: str) -> None:
    assert ContinuousIntegrationSettings(repository=repository).repository == repository


@pytest.mark.parametrize(
    "settings",
    [
        {"repository": "fixrx"},
        {"repository": "fixrx/*"},
        {"repository": "fixrx/infrastructure:ref:refs/heads/main"},
        {"identity_provider_arn": "arn:aws:iam::111122223333:oidc-provider/example.com"},
        {"state_bucket": "s3://fixrx-state"},
        {"state_key_arn": "alias/fixrx-state"},
    ],
)
def test_what_would_let_others_in_or_never_match_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="it looks like"):
        ContinuousIntegrationSettings.model_validate(settings)
