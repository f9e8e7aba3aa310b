"""Decisions about single requests, with moto's evaluation as a second opinion."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.iam.access_control import IAMPolicy, PermissionResult

from policies.engine.iam_documents import InvalidDocument
from policies.engine.iam_evaluation import Decision, Request, decide, is_allowed

ROLE = "arn:aws:iam::111122223333:role/app"
BUCKET = "arn:aws:s3:::bucket"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}


READ = policy({"Action": "s3:Get*", "Resource": f"{BUCKET}/*"})
GET = Request(action="s3:GetObject", resource=f"{BUCKET}/key")


def test_deny_comes_before_allow() -> None:
    deny = policy({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})

    assert decide([READ], GET) is Decision.ALLOWED
    assert decide([READ, deny], GET) is Decision.DENIED
    assert decide([deny, READ], GET) is Decision.DENIED
    assert decide([], GET) is Decision.NOT_ALLOWED
    assert decide([json.dumps(READ)], GET) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("S3:getOBJECT", f"{BUCKET}/key", True),
        ("s3:GetObject", f"{BUCKET}/a/b:c", True),
        ("s3:GetObject", f"{BUCKET.upper()}/key", False),
        ("s3:GetObject", BUCKET, False),
        ("s3:PutObject", f"{BUCKET}/key", False),
        ("s3:GetObject", "*", False),
    ],
)
def test_action_and_resource(action: str, resource: str, allowed: bool) -> None:
    assert is_allowed([READ], Request(action=action, resource=resource)) is allowed


def test_boundary_has_to_allow_too() -> None:
    assert is_allowed([READ], GET, boundary=[READ])
    assert decide([READ], GET, boundary=[]) is Decision.NOT_ALLOWED
    assert decide([READ], GET, boundary=[policy({"Action": "sqs:*", "Resource": "*"})]) is Decision.NOT_ALLOWED
    assert not is_allowed([], GET, boundary=[READ])
    denying = policy({"Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*"})
    assert decide([READ], GET, boundary=[denying]) is Decision.DENIED


def test_not_action_and_not_resource() -> None:
    document = policy({"NotAction": "iam:*", "NotResource": f"{BUCKET}/private/*"})

    assert is_allowed([document], GET)
    assert not is_allowed([document], Request(action="IAM:passRole", resource=ROLE))
    assert not is_allowed([document], Request(action="s3:GetObject", resource=f"{BUCKET}/private/key"))


def test_context_decides_conditions() -> None:
    document = policy(
        {
            "Action": "iam:PassRole",
            "Resource": "*",
            "Condition": {
                "StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "rds.amazonaws.com"]},
                "Bool": {"aws:MultiFactorAuthPresent": "true"},
                "StringEqualsIfExists": {"aws:RequestedRegion": "us-east-1"},
            },
        }
    )

    def allowed(**context: Any) -> bool:
        given = {f"{'iam' if key == 'PassedToService' else 'aws'}:{key}": value for key, value in context.items()}
        return is_allowed([document], Request(action="iam:PassRole", resource=ROLE, context=given))

    assert allowed(PassedToService="ec2.amazonaws.com", MultiFactorAuthPresent=True)
    assert allowed(passedtoservice="x", PassedToService="rds.amazonaws.com", MultiFactorAuthPresent="true")
    assert not allowed(PassedToService="lambda.amazonaws.com", MultiFactorAuthPresent=True)
    assert not allowed(PassedToService="ec2.amazonaws.com")
    assert not allowed(PassedToService="ec2.amazonaws.com", MultiFactorAuthPresent=True, RequestedRegion="eu-west-1")


def test_tag_keys_of_a_request_are_several_values() -> None:
    document = policy(
        {
            "Action": "ec2:CreateTags",
            "Resource": "*",
            "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "Name"}},
        }
    )

    def allowed(*keys: str) -> bool:
        return is_allowed([document], Request(action="ec2:CreateTags", context={"aws:TagKeys": keys}))

    assert (allowed("Name"), allowed("Name", "Owner"), allowed()) == (True, False, True)


def test_variable_in_a_resource_is_the_value_of_the_request() -> None:
    document = policy({"Action": "s3:GetObject", "Resource": f"{BUCKET}/${{aws:username}}/*"})

    def allowed(**context: str) -> bool:
        request = Request(
            action="s3:GetObject",
            resource=f"{BUCKET}/alice/key",
            context={f"aws:{name}": value for name, value in context.items()},
        )
        return is_allowed([document], request)

    assert (allowed(username="alice"), allowed(username="bob"), allowed(username="*"), allowed()) == (
        *(True, False),
        *(False, False),
    )


@pytest.mark.parametrize(
    ("principals", "caller", "allowed"),
    [
        ({"Principal": "*"}, ROLE, True),
        ({"Principal": {"AWS": ROLE}}, ROLE, True),
        ({"Principal": {"AWS": ROLE}}, "arn:aws:sts::111122223333:assumed-role/app/session", True),
        ({"Principal": {"AWS": ROLE}}, "arn:aws:sts::111122223333:assumed-role/other/session", False),
        ({"Principal": {"AWS": "111122223333"}}, ROLE, True),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, ROLE, True),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, "111122223333", True),
        ({"Principal": {"AWS": "arn:aws:iam::444455556666:root"}}, ROLE, False),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, "sns.amazonaws.com", True),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, "sqs.amazonaws.com", False),
        ({"NotPrincipal": {"AWS": ROLE}}, ROLE, False),
        ({"NotPrincipal": {"AWS": ROLE}}, "arn:aws:iam::111122223333:role/other", True),
        ({"Principal": "*"}, None, False),
        ({}, ROLE, True),
    ],
)
def test_principal(principals: dict[str, Any], caller: str | None, allowed: bool) -> None:
    document = policy({**principals, "Action": "s3:GetObject", "Resource": "*"})

    assert is_allowed([document], Request(action="s3:GetObject", resource=BUCKET, principal=caller)) is allowed


def test_invalid_document_is_an_error() -> None:
    with pytest.raises(InvalidDocument):
        is_allowed([{"Statement": [{"Effect": "Perhaps", "Action": "*", "Resource": "*"}]}], GET)


ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage"])
ACTION_PATTERNS = st.sampled_from(["*", "s3:*", "s3:Get*", "s3:*Object", "sqs:SendMessage", "s3:PutObject"])
"""Without `?`, which moto does not know."""
RESOURCES = st.sampled_from([BUCKET, f"{BUCKET}/key", "arn:aws:sqs:us-east-1:1:jobs"])
RESOURCE_PATTERNS = st.sampled_from(["*", f"{BUCKET}/*", BUCKET, "arn:aws:sqs:*:1:*", "arn:aws:s3:::b*"])
STATEMENTS = st.lists(
    st.fixed_dictionaries(
        {
            "Effect": st.sampled_from(["Allow", "Deny"]),
            "Action": st.lists(ACTION_PATTERNS, min_size=1, max_size=2),
            "Resource": st.lists(RESOURCE_PATTERNS, min_size=1, max_size=2),
        }
    ),
    min_size=1,
    max_size=4,
)
SECOND_OPINION = {
    PermissionResult.PERMITTED: Decision.ALLOWED,
    PermissionResult.DENIED: Decision.DENIED,
    PermissionResult.NEUTRAL: Decision.NOT_ALLOWED,
}


@given(STATEMENTS, ACTIONS, RESOURCES)
def test_moto_decides_the_same(statements: list[dict[str, Any]], action: str, resource: str) -> None:
    document = policy(*statements)

    other = IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)

    assert decide([document], Request(action=action, resource=resource)) is SECOND_OPINION[other]
