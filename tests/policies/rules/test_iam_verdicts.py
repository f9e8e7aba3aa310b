"""What the rules say about single IAM documents, right and wrong ones, in every notation that AWS accepts."""

import json
from typing import Any

import pytest

from policies.engine.evaluation import RuleIndex, evaluate_all
from policies.engine.state import state_of
from policies.rules import ALL_RULES
from tests.policies.exported import ACCOUNT, State, document, tags

INDEX = RuleIndex(rule for rule in ALL_RULES if rule.name.startswith(("iam-", "vpc-endpoint-policy", "s3-tls", "kms-")))
OTHER = "444455556666"
ROLES = f"arn:aws:iam::{ACCOUNT}:role"

ACTIONS, RESOURCES = "iam-policy-actions-are-explicit", "iam-policy-resources-are-explicit"
ESCALATION, BOUNDARY = "iam-privilege-escalation-is-impossible", "iam-role-creation-requires-boundary"
DECRYPT, PASS_ROLE = "iam-kms-decrypt-is-restricted", "iam-pass-role-is-restricted"
PUBLIC, OTHERS = "iam-resource-policy-is-not-public", "iam-resource-policy-is-limited-for-other-accounts"
SOURCE, INVALID = "iam-resource-policy-has-source-account", "iam-policy-document-is-valid"
TRUST_PUBLIC, TRUST_OTHERS = "iam-role-trust-is-not-public", "iam-cross-account-trust-is-restricted"
FEDERATED, OIDC = "iam-federated-trust-is-restricted", "iam-oidc-trust-is-restricted"


def found(resource_type: str, **inputs: Any) -> set[str]:
    state = State()
    state.add(resource_type, "subject", {"tags": tags("subject"), **inputs})
    read = state_of(state.exported())
    verdicts = evaluate_all(INDEX, read.inputs, read.outputs)
    assert verdicts.undetermined == []
    return {finding.rule.name for finding in verdicts.findings}


def of_identity(*statements: dict[str, Any]) -> set[str]:
    return found("aws:iam/policy", policy=document(*({"Effect": "Allow", **each} for each in statements)))


@pytest.mark.parametrize(
    "resource",
    [
        "*",
        "**",
        "arn:*",
        "arn:aws:*",
        "arn:aws:s3*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::*/*",
        f"arn:aws:iam::{ACCOUNT}:*",
        "arn:aws:iam::*:role/*",
        "arn:aws:secretsmanager:*:*:secret:*",
        "arn:aws:dynamodb:*:????????????:table/*",
    ],
)
def test_resource_that_is_everything_is_reported_however_it_is_written(resource: str) -> None:
    assert of_identity({"Action": "dynamodb:PutItem", "Resource": resource}) == {RESOURCES}
    assert of_identity({"Action": "dynamodb:PutItem", "Resource": ["arn:aws:s3:::b", resource]}) == {RESOURCES}


@pytest.mark.parametrize(
    ("action", "resource", "reported"),
    [
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:*", True),
        ("secretsmanager:Get*", f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:*", True),
        ("secretsmanager:DescribeSecret", f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:*", False),
        ("dynamodb:DeleteTable", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/*", True),
        ("iam:GetRole", f"{ROLES}/*", False),
        ("logs:PutLogEvents", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*", False),
        ("dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/fixrx-*", False),
    ],
)
def test_resource_that_is_every_one_of_a_kind(action: str, resource: str, reported: bool) -> None:
    assert of_identity({"Action": action, "Resource": resource}) == ({RESOURCES} if reported else set())


@pytest.mark.parametrize(
    ("condition", "reported"),
    [
        ({"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, False),
        ({"StringEqualsIfExists": {"aws:ResourceAccount": ACCOUNT}}, False),
        ({"StringEquals": {"aws:ResourceTag/Project": "fixrx"}}, False),
        ({"StringEquals": {"ec2:ResourceTag/Project": "fixrx"}}, False),
        ({"StringLike": {"aws:ResourceAccount": "*"}}, True),
        ({"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}, True),
        ({"Null": {"aws:ResourceAccount": "false"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
    ],
)
def test_condition_that_limits_every_resource(condition: dict[str, Any], reported: bool) -> None:
    statement = {"Action": "ec2:TerminateInstances", "Resource": "*", "Condition": condition}

    assert of_identity(statement) == ({RESOURCES} if reported else set())


@pytest.mark.parametrize("action", ["*", "**", "s3:*", "s3:**", "S3:?*", "s3*", "*:*"])
def test_whole_service_is_reported_however_it_is_written(action: str) -> None:
    assert of_identity({"Action": action, "Resource": "arn:aws:s3:::bucket/key"}) == {ACTIONS}


def test_actions_without_resource_level_are_known_in_any_case() -> None:
    assert of_identity({"Action": ["EC2:describeInstances", "ec2messages:*"], "Resource": "*"}) == {ACTIONS}
    assert of_identity({"Action": ["EC2:describeInstances", "ssmmessages:Open*"], "Resource": "*"}) == set()


@pytest.mark.parametrize(
    "action",
    [
        *("CreatePolicyVersion", "SetDefaultPolicyVersion", "AttachUserPolicy", "AttachGroupPolicy", "PutUserPolicy"),
        *("PutGroupPolicy", "AddUserToGroup", "CreateAccessKey", "CreateLoginProfile", "UpdateLoginProfile"),
        *("DeleteRolePermissionsBoundary", "DeleteUserPermissionsBoundary", "PutUserPermissionsBoundary"),
        *("createpolicyversion", "CreatePolicy*", "Create*Key", "Updat?LoginProfile", "*"),
    ],
)
def test_change_of_own_permissions_is_an_escalation(action: str) -> None:
    assert ESCALATION in of_identity({"Action": f"iam:{action}", "Resource": "*"})
    assert ESCALATION in of_identity({"Action": f"iam:{action}", "Resource": f"arn:aws:iam::{ACCOUNT}:*/fixrx/*"})
    assert ESCALATION not in of_identity({"Action": f"iam:{action}", "Resource": "arn:aws:s3:::bucket"})


@pytest.mark.parametrize(
    "deny",
    [
        {"Action": "iam:*", "Resource": "*"},
        {"NotAction": "s3:*", "Resource": "*"},
        {"Action": "IAM:Create*", "NotResource": "arn:aws:s3:::*"},
    ],
)
def test_deny_prevents_an_escalation(deny: dict[str, Any]) -> None:
    allow = {"Action": "iam:CreateAccessKey", "Resource": f"arn:aws:iam::{ACCOUNT}:user/*"}

    assert ESCALATION not in of_identity(allow, {**deny, "Effect": "Deny"})


def test_deny_with_exceptions_does_not_prevent_an_escalation() -> None:
    allow = {"Action": "iam:CreateAccessKey", "Resource": f"arn:aws:iam::{ACCOUNT}:user/*"}
    deny = {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}

    assert ESCALATION in of_identity(allow, {**deny, "Resource": f"arn:aws:iam::{ACCOUNT}:user/admin"})
    assert ESCALATION in of_identity(allow, {**deny, "Action": "iam:Delete*"})
    assert ESCALATION in of_identity(allow, {**deny, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}})


@pytest.mark.parametrize(
    "statements",
    [
        [{"Action": "iam:UpdateAssumeRolePolicy", "Resource": "*"}],
        [{"Action": "iam:UpdateAssumeRolePolicy", "Resource": f"{ROLES}/*"}],
        [{"Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"}],
        [{"Action": "lambda:UpdateFunctionCode", "Resource": "*"}],
        [{"Action": "lambda:UpdateFunctionCode", "Resource": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:*"}],
        [{"Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": "*"}],
        [{"Action": "iam:PassRole", "Resource": f"{ROLES}/*"}, {"Action": "ec2:Run*", "Resource": "*"}],
        [{"Action": "iam:PassRole", "NotResource": f"{ROLES}/admin"}, {"Action": "glue:CreateJob", "Resource": "*"}],
        [{"Action": "iam:PassRole", "Resource": "*"}, {"Action": "lambda:CreateFunction", "Resource": "*"}],
        [{"Action": "ssm:SendCommand", "Resource": "*"}],
        [{"NotAction": "s3:*", "Resource": "*"}],
    ],
)
def test_way_into_every_role_is_an_escalation(statements: list[dict[str, Any]]) -> None:
    assert ESCALATION in of_identity(*statements)


@pytest.mark.parametrize(
    "statements",
    [
        [{"Action": "iam:UpdateAssumeRolePolicy", "Resource": f"{ROLES}/fixrx/*"}],
        [{"Action": "sts:AssumeRole", "Resource": f"{ROLES}/reader"}],
        [{"Action": "lambda:UpdateFunctionCode", "Resource": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:resize"}],
        [{"Action": "iam:PassRole", "Resource": f"{ROLES}/app"}, {"Action": "ec2:RunInstances", "Resource": "*"}],
        [{"Action": "iam:PassRole", "Resource": "*"}],
        [
            {
                "Action": "iam:PutUserPolicy",
                "Resource": "*",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary"}},
            }
        ],
        [
            {
                "Action": "ssm:SendCommand",
                "Resource": "*",
                "Condition": {"StringEquals": {"ssm:resourceTag/Project": "fixrx"}},
            }
        ],
        [{"Action": ["iam:Get*", "iam:List*", "s3:Put*"], "Resource": "*"}],
    ],
)
def test_named_target_or_guard_is_no_escalation(statements: list[dict[str, Any]]) -> None:
    assert ESCALATION not in of_identity(*statements)


def test_escalation_names_the_ways_and_counts_the_others() -> None:
    state = State()
    everything = document({"Effect": "Allow", "Action": "iam:*", "Resource": "*"})
    state.add("aws:iam/policy", "subject", {"tags": tags("subject"), "policy": everything})
    read = state_of(state.exported())

    findings = evaluate_all(INDEX, read.inputs, read.outputs).findings

    (problem,) = [finding.problem for finding in findings if finding.rule.name == ESCALATION]
    assert problem == (
        "allows iam:AddUserToGroup, iam:AttachGroupPolicy, iam:AttachUserPolicy and 17 more ways: "
        "who has it can take over other permissions of the account"
    )


KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"


@pytest.mark.parametrize(
    "action",
    ["kms:Decrypt", "KMS:decrypt", "kms:De*", "kms:ReEncrypt*", "kms:ReEncryptFrom", "kms:CreateGrant", "kms:*t"],
)
def test_decryption_is_reported_however_it_is_written(action: str) -> None:
    assert of_identity({"Action": action, "Resource": KEY}) == {DECRYPT}


@pytest.mark.parametrize(
    ("action", "condition", "reported"),
    [
        ("kms:Decrypt", {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, False),
        ("kms:Decrypt", {"StringLike": {"KMS:viaservice": ["s3.*.amazonaws.com"]}}, False),
        ("kms:Decrypt", {"StringEquals": {"kms:EncryptionContext:stack": "production"}}, False),
        ("kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": "true"}}, False),
        ("kms:Decrypt", {"Bool": {"kms:GrantIsForAWSResource": "true"}}, True),
        ("kms:Decrypt", {"StringLike": {"kms:ViaService": "*"}}, True),
        ("kms:Decrypt", {"StringNotEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, True),
        ("kms:Decrypt", {"StringEqualsIfExists": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, True),
        ("kms:Decrypt", {"Null": {"kms:EncryptionContext:stack": "false"}}, True),
        ("kms:Decrypt", {"StringLike": {"kms:EncryptionContext:stack": "*"}}, True),
    ],
)
def test_condition_that_restricts_decryption(action: str, condition: dict[str, Any], reported: bool) -> None:
    statement = {"Action": action, "Resource": KEY, "Condition": condition}

    assert of_identity(statement) == ({DECRYPT} if reported else set())


def test_deny_without_a_service_restricts_decryption() -> None:
    deny = {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}
    elsewhere = {"StringNotEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}

    assert of_identity({"Action": "kms:Decrypt", "Resource": KEY}, {**deny, "Condition": elsewhere}) == set()


@pytest.mark.parametrize(
    ("condition", "reported"),
    [
        ({"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}}, False),
        ({"ArnEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}}, False),
        ({"StringLike": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/*"}}, True),
        ({"StringEqualsIfExists": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}}, True),
        ({"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}}, True),
        ({"Null": {"iam:PermissionsBoundary": "false"}}, True),
    ],
)
def test_condition_that_demands_a_boundary(condition: dict[str, Any], reported: bool) -> None:
    statement = {"Action": "IAM:createrole", "Resource": f"{ROLES}/fixrx/*", "Condition": condition}

    assert of_identity(statement) == ({BOUNDARY} if reported else set())


def test_role_is_passed_to_named_services() -> None:
    statement = {"Action": "iam:passrole", "Resource": f"{ROLES}/fixrx-?"}
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}

    assert of_identity(statement) == {PASS_ROLE}
    assert of_identity({**statement, "Condition": to_ec2}) == set()
    assert of_identity({**statement, "Condition": {"StringLike": {"iam:PassedToService": "*"}}}) == {PASS_ROLE}


def of_bucket(**statement: Any) -> set[str]:
    granted = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*", **statement}
    return found("aws:s3/bucketPolicy", policy=document(granted))


@pytest.mark.parametrize(
    "condition",
    [
        {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
        {"ArnLike": {"aws:PrincipalArn": "*"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/reader"}},
        {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"Null": {"aws:PrincipalAccount": "true"}},
        {"Null": {"aws:PrincipalAccount": "false"}},
        {"StringLike": {"aws:SourceVpce": "*"}},
        {"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"Bool": {"aws:SecureTransport": "true"}},
    ],
)
def test_condition_that_everybody_satisfies_leaves_a_policy_public(condition: dict[str, Any]) -> None:
    assert of_bucket(Principal="*", Condition=condition) == {PUBLIC}


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}},
        {"StringEquals": {"aws:VpceAccount": ACCOUNT}},
        {"StringEquals": {"aws:VpceOrgID": "o-a1b2c3d4e5"}},
        {"StringEquals": {"aws:SourceOrgID": "o-a1b2c3d4e5"}},
        {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}},
        {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}},
    ],
)
def test_condition_on_the_caller_makes_a_policy_private(condition: dict[str, Any]) -> None:
    assert of_bucket(Principal="*", Condition=condition) == set()


@pytest.mark.parametrize(
    ("principal", "action", "expected"),
    [
        ({"AWS": OTHER}, "s3:*", {OTHERS}),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, "*", {OTHERS}),
        ({"AWS": [ACCOUNT, f"arn:aws:iam::{OTHER}:role/x"]}, "s3:**", {OTHERS}),
        ({"AWS": OTHER}, "s3:GetObject", set()),
        ({"AWS": ACCOUNT}, "s3:*", set()),
        ({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}, "s3:GetObject", set()),
        ({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject", {SOURCE}),
    ],
)
def test_bucket_shared_with_another_account(principal: dict[str, Any], action: str, expected: set[str]) -> None:
    assert of_bucket(Principal=principal, Action=action) == expected


def of_trust(**statement: Any) -> set[str]:
    trust = document({"Effect": "Allow", "Action": "sts:AssumeRole", **statement})
    return found("aws:iam/role", assumeRolePolicy=trust, permissionsBoundary="arn:aws:iam::1:policy/b")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Principal": "*"}, {TRUST_PUBLIC}),
        ({"Principal": {"AWS": "arn:aws:iam::*:root"}}, {TRUST_PUBLIC}),
        ({"Principal": "*", "Condition": {"StringEquals": {"sts:ExternalId": "1"}}}, {TRUST_PUBLIC}),
        ({"Principal": {"AWS": OTHER}}, {TRUST_OTHERS}),
        ({"Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/x"}}, {TRUST_OTHERS}),
        ({"Principal": {"AWS": OTHER}, "Condition": {"StringEquals": {"sts:ExternalId": "1"}}}, set()),
        ({"Principal": {"AWS": OTHER}, "Condition": {"StringLike": {"sts:ExternalId": "*"}}}, {TRUST_OTHERS}),
        ({"Principal": {"AWS": OTHER}, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, set()),
        ({"Principal": {"AWS": ACCOUNT}}, set()),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, set()),
        ({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:*"}, {TRUST_PUBLIC}),
        ({"Principal": {"Federated": "arn:aws:iam::1:saml-provider/idp"}}, {FEDERATED}),
        (
            {
                "Principal": {"Federated": "arn:aws:iam::1:saml-provider/idp"},
                "Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}},
            },
            set(),
        ),
        ({"Principal": {"Federated": "cognito-identity.amazonaws.com"}}, {FEDERATED}),
        (
            {
                "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:pool"}},
            },
            {FEDERATED},
        ),
        (
            {
                "Principal": {"Federated": "cognito-identity.amazonaws.com"},
                "Condition": {
                    "StringEquals": {"cognito-identity.amazonaws.com:aud": "us-east-1:pool"},
                    "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
                },
            },
            set(),
        ),
        ({"Principal": {"Federated": "accounts.google.com"}}, {FEDERATED}),
        (
            {
                "Principal": {"Federated": "accounts.google.com"},
                "Condition": {"StringEquals": {"accounts.google.com:aud": "app"}},
            },
            set(),
        ),
        ({"Principal": {"Federated": "arn:aws:iam::1:oidc-provider/gitlab.com"}}, {OIDC}),
    ],
)
def test_trust(statement: dict[str, Any], expected: set[str]) -> None:
    assert of_trust(**statement) == expected


@pytest.mark.parametrize("text", ["{", "not json", '{"Version": "2012-10-17"}', '{"Statement": [{"Effect": "Allow"}]}'])
def test_invalid_document_is_one_finding(text: str) -> None:
    assert found("aws:iam/policy", policy=text) == {INVALID}
    assert found("aws:s3/bucketPolicy", policy=text) == {INVALID}
    assert found("aws:ec2/vpcEndpoint", policy=text) == {INVALID}
    assert found("aws:iam/role", assumeRolePolicy=text, permissionsBoundary="b") == {INVALID}


TLS = "s3-tls-is-required"
DENY: dict[str, Any] = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    ("changes", "denied"),
    [
        ({}, True),
        ({"Action": "*"}, True),
        ({"Action": "S3:*"}, True),
        ({"Principal": {"AWS": ["*"]}}, True),
        ({"Resource": "*"}, True),
        ({"Resource": "arn:aws:s3:::b*"}, True),
        ({"Condition": {"BoolIfExists": {"AWS:securetransport": [False]}}}, True),
        ({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}, True),
        ({"Resource": "arn:aws:s3:::b/public/*"}, False),
        ({"Resource": "arn:aws:s3:::other/*"}, False),
        ({"Resource": "arn:aws:s3:::b"}, False),
        ({"Action": "s3:GetObject"}, False),
        ({"Principal": {"AWS": ACCOUNT}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:SecureTransport": "false"}}}, False),
        ({"Condition": {"Null": {"aws:SecureTransport": "true"}}}, False),
        ({"Condition": {"NumericGreaterThan": {"s3:TlsVersion": "1.2"}}}, False),
        ({"Condition": {**DENY["Condition"], "StringEquals": {"aws:PrincipalAccount": OTHER}}}, False),
        ({"Effect": "Allow"}, False),
    ],
)
def test_plain_http_is_denied(changes: dict[str, Any], denied: bool) -> None:
    state = State()
    bucket = state.add("aws:s3/bucket", "subject", {"bucket": "b"})
    state.add("aws:s3/bucketPolicy", "policy", {"bucket": bucket.bucket, "policy": document({**DENY, **changes})})
    read = state_of(state.exported())

    findings = evaluate_all(INDEX, read.inputs, read.outputs).findings

    assert (TLS not in {finding.rule.name for finding in findings}) is denied


def test_endpoint_for_everyone_names_what_it_lets_through() -> None:
    packages = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::packages/*"}
    rule = "vpc-endpoint-policy-is-restricted"

    assert found("aws:ec2/vpcEndpoint", policy=document(packages)) == set()
    assert found("aws:ec2/vpcEndpoint", policy=document({**packages, "Resource": "arn:aws:s3:::*"})) == {rule}
    assert found("aws:ec2/vpcEndpointPolicy", policy=json.loads(document({**packages, "Action": "s3:**"}))) == {rule}
