"""Policy documents as AWS reads them, and what a statement is about."""

import json
from typing import Any

import pytest

from policies.engine.iam_documents import (
    CALLER_CONDITION_KEYS,
    InvalidDocument,
    Statement,
    is_every_of_a_kind,
    is_every_resource,
    is_whole_service,
    permissions,
    statements,
    statements_of,
)
from policies.engine.resource import UNKNOWN, UnknownValue
from tests.policies.resources import resource

ACCOUNT_ARN = "arn:aws:iam::111122223333"


def statement(**fields: Any) -> Statement:
    return statements_of(policy(fields))[0]


def policy(*entries: dict[str, Any]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", **({} if "NotAction" in e else {"Action": "s3:GetObject"}), **e} for e in entries
        ],
    }


def test_document_reads_the_same_however_it_is_written() -> None:
    short = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}}
    long = {
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": ["*"]}]
    }

    read = [
        statements(resource("k", "n", {"policy": document}), "policy")
        for document in (short, long, json.dumps(short), json.dumps(long))
    ]

    assert read == [read[0]] * 4
    assert read[0][0].is_open_to_everyone


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("{", "is not valid JSON"),
        ("[]", "has no Statement"),
        ("3", "has no Statement"),
        ({"Version": "2012-10-17"}, "has no Statement"),
        ({"Statement": ["x"]}, "has a statement 1 that is no object"),
        (policy({"Effect": "allow"}), "has an Effect other than Allow and Deny (statement 1)"),
        (policy({"NotAction": "s3:*", "Action": "s3:*"}), "needs either Action or NotAction (statement 1)"),
        (policy({"Resources": "*", "Sid": "S"}), "has the element Resources, which AWS does not have (S)"),
        (policy({"Resource": "*", "NotResource": "x"}), "has both Resource and NotResource (statement 1)"),
        (policy({"Principal": "*", "NotPrincipal": "*"}), "has both Principal and NotPrincipal (statement 1)"),
        (policy({"Action": "GetObject"}), "has an action that is not service:name (statement 1)"),
        (policy({"Action": "s3:Get Object"}), "has an action that is not service:name (statement 1)"),
        (
            policy({"Condition": {"StringIs": {"a": "b"}}}),
            "has the condition operator StringIs, which AWS does not have (statement 1)",
        ),
        (
            policy({"Condition": {"StringEquals": "a"}}),
            "has a Condition that is not operator, key and values (statement 1)",
        ),
    ],
)
def test_document_that_aws_refuses(document: Any, problem: str) -> None:
    with pytest.raises(InvalidDocument) as error:
        statements_of(document)

    assert str(error.value) == problem


def test_document_with_an_unknown_part_is_unknown() -> None:
    with pytest.raises(UnknownValue):
        statements(resource("k", "n", {"policy": policy({"Resource": UNKNOWN})}), "policy")


def test_dollar_is_an_ordinary_character_in_a_document_of_2008() -> None:
    today = policy({"Resource": "home/${aws:username}"})
    older = {**today, "Version": "2008-10-17"}

    assert statements_of(today)[0].may_match_resource("home/alice")
    assert not statements_of(older)[0].may_match_resource("home/alice")
    assert statements_of(older)[0].may_match_resource("home/${$}{aws:username}")


@pytest.mark.parametrize(
    ("fields", "action", "may", "all_of_it"),
    [
        ({"Action": "S3:getobject"}, "s3:GetObject", True, True),
        ({"Action": "s3:Get*"}, "s3:GetObject*", True, True),
        ({"Action": "s3:GetObject"}, "s3:*", True, False),
        ({"Action": ["s3:Get*", "s3:*"]}, "s3:*", True, True),
        ({"Action": "*"}, "iam:PassRole", True, True),
        ({"Action": "s3:?etObject"}, "s3:SetObject", True, True),
        ({"Action": "ec2:*"}, "s3:*", False, False),
        ({"NotAction": "iam:*"}, "s3:GetObject", True, True),
        ({"NotAction": "iam:*"}, "iam:PassRole", False, False),
        ({"NotAction": "iam:Get*"}, "iam:*", True, False),
        ({"NotAction": "IAM:passrole"}, "iam:PassRole", False, False),
    ],
)
def test_action_of_a_statement(fields: dict[str, Any], action: str, may: bool, all_of_it: bool) -> None:
    found = statement(**fields)

    assert (found.may_match_action(action), found.covers_action(action)) == (may, all_of_it)


@pytest.mark.parametrize(
    ("fields", "pattern", "may", "all_of_it"),
    [
        ({}, "arn:aws:s3:::b", True, True),
        ({"Resource": "arn:aws:s3:::b/*"}, "arn:aws:s3:::b/k", True, True),
        ({"Resource": "arn:aws:s3:::B/*"}, "arn:aws:s3:::b/k", False, False),
        ({"Resource": "arn:aws:s3:::b/public/*"}, "arn:aws:s3:::b/*", True, False),
        ({"NotResource": "arn:aws:s3:::b/*"}, "arn:aws:s3:::b/k", False, False),
        ({"NotResource": "arn:aws:s3:::b/private/*"}, "arn:aws:s3:::b/*", True, False),
        ({"NotResource": "arn:aws:s3:::c/*"}, "arn:aws:s3:::b/*", True, True),
    ],
)
def test_resource_of_a_statement(fields: dict[str, Any], pattern: str, may: bool, all_of_it: bool) -> None:
    found = statement(**fields)

    assert (found.may_match_resource(pattern), found.covers_resource(pattern)) == (may, all_of_it)


@pytest.mark.parametrize(
    ("principal", "everyone"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": [f"{ACCOUNT_ARN}:root", "*"]}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::*:root"}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::*:role/reader"}}, True),
        ({"Principal": {"AWS": "arn:aws:iam::????????????:root"}}, True),
        ({"Principal": {"AWS": "arn:*"}}, True),
        ({"Principal": {"Service": "*"}}, True),
        ({"Principal": {"Federated": "*"}}, True),
        ({"NotPrincipal": {"AWS": f"{ACCOUNT_ARN}:root"}}, True),
        ({"Principal": {"AWS": "111122223333"}}, False),
        ({"Principal": {"AWS": f"{ACCOUNT_ARN}:root"}}, False),
        ({"Principal": {"AWS": f"{ACCOUNT_ARN}:role/*"}}, False),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbaced"}}, False),
        ({}, False),
    ],
)
def test_principal_that_is_everyone(principal: dict[str, Any], everyone: bool) -> None:
    assert statement(**principal).is_open_to_everyone is everyone


@pytest.mark.parametrize(
    ("condition", "narrow"),
    [
        ({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}, True),
        ({"StringEquals": {"AWS:principalaccount": ["111122223333", "444455556666"]}}, True),
        ({"StringLike": {"aws:PrincipalAccount": "111122223333"}}, True),
        ({"StringLike": {"aws:PrincipalAccount": "*"}}, False),
        ({"StringLike": {"aws:PrincipalAccount": ["111122223333", "1*"]}}, False),
        ({"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}, False),
        ({"StringEqualsIfExists": {"aws:PrincipalAccount": "111122223333"}}, False),
        ({"ForAllValues:StringEquals": {"aws:PrincipalAccount": "111122223333"}}, False),
        ({"Null": {"aws:PrincipalAccount": "false"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": []}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, True),
        ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}}, False),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}, True),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "*/ou-1/*"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": f"{ACCOUNT_ARN}:role/*"}}, True),
        ({"ArnLike": {"aws:PrincipalArn": "*"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/fixrx-*"}}, False),
        ({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/reader"}}, False),
        ({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket-*"}}, True),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:topic"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "111122223333"}}, True),
        ({"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}}, True),
        ({"StringEquals": {"aws:VpceAccount": "111122223333"}}, True),
        ({"StringEquals": {"aws:VpceOrgID": "o-a1b2c3d4e5"}}, True),
        ({"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}, True),
        ({"StringLike": {"aws:SourceVpce": "vpce-*"}}, False),
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, True),
        ({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}, False),
        ({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}, False),
        ({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, False),
        ({"StringLike": {"aws:userid": "AROAEXAMPLEID:*"}}, True),
        ({"StringLike": {"aws:userid": "*:session"}}, False),
        ({"StringEquals": {"kms:CallerAccount": "111122223333"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "a"}}, False),
        ({"StringEquals": {"kms:EncryptionContext:app": "fixrx"}}, False),
        ({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, False),
        ({"StringEquals": {"sts:ExternalId": "1234"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
    ],
)
def test_condition_that_narrows_who_calls(condition: dict[str, Any], narrow: bool) -> None:
    found = statement(Principal="*", Condition=condition)

    assert found.narrows(CALLER_CONDITION_KEYS) is narrow
    assert found.is_open_to_everyone is not narrow


@pytest.mark.parametrize(
    ("pattern", "every"),
    [
        ("*", True),
        ("**", True),
        ("arn:*", True),
        ("arn:aws:s3*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:s3:::*/*", True),
        ("arn:aws:iam::111122223333:*", True),
        ("arn:aws:iam::*:role/*", True),
        ("arn:aws:secretsmanager:*:*:secret:*", True),
        ("arn:aws:secretsmanager:*:*:secret:*-??????", True),
        ("arn:aws:dynamodb:us-east-1:????????????:table/*", True),
        ("arn:aws:kms:us-east-1:111122223333:key/*", False),
        ("arn:aws:s3:::bucket/*", False),
        ("arn:aws:s3:::fixrx-*", False),
        ("arn:aws:iam::*:role/fixrx", False),
        ("arn:aws:iam::111122223333:role/fixrx/*", False),
    ],
)
def test_resource_that_is_every_resource(pattern: str, every: bool) -> None:
    assert is_every_resource(pattern) is every


@pytest.mark.parametrize(
    ("pattern", "every"),
    [
        ("arn:aws:kms:us-east-1:111122223333:key/*", True),
        ("arn:aws:secretsmanager:us-east-1:111122223333:secret:*", True),
        ("arn:aws:iam::111122223333:role/*/*", True),
        ("arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:*:autoScalingGroupName/*", True),
        ("arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:*:autoScalingGroupName/fixrx-*", False),
        ("arn:aws:iam::111122223333:role/*/app/*", False),
        ("arn:aws:kms:us-east-1:111122223333:key/1234-*", False),
        ("arn:aws:iam::111122223333:role/app", False),
    ],
)
def test_resource_that_is_every_one_of_a_kind(pattern: str, every: bool) -> None:
    assert is_every_of_a_kind(pattern) is every


@pytest.mark.parametrize(
    ("action", "whole"),
    [
        ("*", True),
        ("**", True),
        ("*:*", True),
        ("s3:*", True),
        ("s3:**", True),
        ("s3:?*", True),
        ("s3*", True),
        ("*:Get*", True),
        ("s3:Get*", False),
        ("s3:GetObject", False),
        ("s3:?", False),
    ],
)
def test_action_that_is_a_whole_service(action: str, whole: bool) -> None:
    assert is_whole_service(action) is whole


def test_named_actions_leave_out_whole_services() -> None:
    assert statement(Action=["iam:*", "IAM:pass*"]).names_any(["iam:PassRole"])
    assert not statement(Action=["iam:*", "iam:Get*"]).names_any(["iam:PassRole"])


PUT = "iam:PutRolePolicy"
ALLOW = {"Action": ["iam:*"], "Resource": f"{ACCOUNT_ARN}:role/app/*"}


@pytest.mark.parametrize(
    ("deny", "allowed"),
    [
        ({"Action": "iam:put*", "Resource": "*"}, False),
        ({"Action": "iam:PutRolePolicy", "Resource": f"{ACCOUNT_ARN}:role/*"}, False),
        ({"NotAction": "s3:*", "Resource": "*"}, False),
        ({"Action": "iam:PutRolePolicy", "Resource": f"{ACCOUNT_ARN}:role/app/one"}, True),
        ({"Action": "iam:PutUserPolicy", "Resource": "*"}, True),
        ({"NotAction": "iam:*", "Resource": "*"}, True),
        ({"Action": "iam:*", "NotResource": f"{ACCOUNT_ARN}:role/app/*"}, True),
        ({"Action": "iam:*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}, True),
        ({"Action": "iam:*", "Resource": "*", "Principal": {"AWS": "444455556666"}}, True),
    ],
)
def test_deny_takes_a_permission_away(deny: dict[str, Any], allowed: bool) -> None:
    document = statements_of(policy(ALLOW, {**deny, "Effect": "Deny"}))

    assert [permission.action for permission in permissions(document, [PUT])] == ([PUT] if allowed else [])


@pytest.mark.parametrize(
    ("condition", "demanded"),
    [
        ({"StringNotEquals": {"iam:PermissionsBoundary": "b"}}, True),
        ({"StringNotEqualsIfExists": {"iam:PermissionsBoundary": "b"}}, True),
        ({"ArnNotLike": {"iam:PermissionsBoundary": "b"}}, True),
        ({"StringEquals": {"iam:PermissionsBoundary": "b"}}, False),
        ({"StringNotEquals": {"iam:PermissionsBoundary": "b", "aws:PrincipalAccount": "1"}}, False),
    ],
)
def test_deny_with_a_condition_demands_the_opposite(condition: dict[str, Any], demanded: bool) -> None:
    document = statements_of(policy(ALLOW, {"Effect": "Deny", "Action": PUT, "Resource": "*", "Condition": condition}))

    (permission,) = permissions(document, [PUT])

    assert permission.demands("iam:PermissionsBoundary") is demanded
