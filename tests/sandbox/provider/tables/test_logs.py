"""CloudWatch Logs in the sandbox: real groups and policies; protection and a later change of key are recorded."""

import json
from typing import Any

import boto3
import pytest

from sandbox.provider.emulator import ApiError
from tests.sandbox.provider.services import ACCOUNT, REGION, Resource, Services

pytestmark = pytest.mark.emulator

GROUP = "aws:cloudwatch/logGroup:LogGroup"
POLICY = "aws:cloudwatch/logResourcePolicy:LogResourcePolicy"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/fixrx/app"
RETENTION = (
    "must be one of 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, "
    "3288, 3653"
)


def group(services: Services, **inputs: Any) -> Resource:
    return services.create(GROUP, {"name": "/fixrx/app", **inputs})


def key(services: Services) -> str:
    return str(services.client("kms").create_key()["KeyMetadata"]["Arn"])


def describe(services: Services) -> dict[str, Any]:
    found: dict[str, Any] = services.client("logs").describe_log_groups(logGroupNamePrefix="/fixrx/app")["logGroups"][0]
    return found


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"retentionInDays": 365}, []),
        ({"retentionInDays": 100}, [("retentionInDays", RETENTION)]),
        ({"name": "aws/fixrx"}, [("name", "must be a name that does not begin with aws/")]),
        (
            {"name": "with space"},
            [("name", r"must match ^(?:[\.\-_/#A-Za-z0-9]+)$ (CreateLogGroup: logGroupName)")],
        ),
        (
            {"kmsKeyId": "alias/fixrx"},
            [("kmsKeyId", "must be the ARN of a KMS key"), ("kmsKeyId", "there is no KMS key alias/fixrx")],
        ),
        ({"region": "us-moon-1"}, [("region", "there is no AWS region us-moon-1")]),
    ],
)
def test_check_of_a_group(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(GROUP, {"name": "/fixrx/app", **inputs}) == expected


def test_a_group_needs_its_key(services: Services) -> None:
    missing = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/none"
    assert services.failures(GROUP, {"name": "/fixrx/app", "kmsKeyId": missing}) == [
        ("kmsKeyId", f"there is no KMS key {missing}")
    ]


def test_a_group_changes_in_place_and_drifts(services: Services) -> None:
    created = group(services, kmsKeyId=key(services), retentionInDays=30, tags={"Tier": "app"})
    names = ("arn", "logGroupClass", "deletionProtectionEnabled", "namePrefix", "skipDestroy")
    assert [created.state[name] for name in names] == [ARN, "STANDARD", False, "", False]
    assert describe(services)["kmsKeyId"] == created.inputs["kmsKeyId"]
    assert services.drift(created) == {}

    services.update(created, retentionInDays=90, tags={"Tier": "data"})

    logs = services.client("logs")
    assert describe(services)["retentionInDays"] == 90
    assert logs.list_tags_for_resource(resourceArn=ARN)["tags"] == {"Project": "fixrx", "Tier": "data"}
    assert services.drift(created) == {}
    assert services.changes(created, name="/fixrx/web") == {"name": True}

    logs.put_retention_policy(logGroupName="/fixrx/app", retentionInDays=7)
    assert services.drift(created) == {"retentionInDays": 7}
    logs.delete_retention_policy(logGroupName="/fixrx/app")
    assert services.drift(created) == {"retentionInDays": 0}


def test_a_group_without_retention_never_expires(services: Services) -> None:
    created = group(services, retentionInDays=30)
    services.update(created, retentionInDays=None)
    assert "retentionInDays" not in describe(services)
    assert services.drift(created) == {}


def test_a_later_change_of_the_key_is_recorded(services: Services) -> None:
    created = group(services, kmsKeyId=key(services))
    other = key(services)
    services.update(created, kmsKeyId=other)
    assert created.state["kmsKeyId"] == other
    assert services.drift(created) == {}


def test_a_protected_group_is_not_deleted(services: Services) -> None:
    created = group(services, deletionProtectionEnabled=True)
    with pytest.raises(ApiError, match="is protected: set deletionProtectionEnabled to false first"):
        services.delete(created)
    services.update(created, deletionProtectionEnabled=False)
    services.destroy()
    assert services.client("logs").describe_log_groups()["logGroups"] == []


def test_a_group_that_is_to_stay_stays(services: Services) -> None:
    services.delete(group(services, skipDestroy=True))
    assert describe(services)["logGroupName"] == "/fixrx/app"


def test_a_new_group_of_an_old_name_has_its_own_tags(services: Services) -> None:
    services.delete(group(services, tags={"Old": "yes"}))
    created = group(services, tags={"New": "yes"})
    assert services.drift(created) == {}
    services.client("logs").delete_log_group(logGroupName="/fixrx/app")
    assert services.drift(created) is None
    services.destroy()


def test_a_group_in_another_region(services: Services) -> None:
    created = group(services, region="us-west-2")
    assert created.state["arn"] == ARN.replace(REGION, "us-west-2")
    endpoint = services.client("logs").meta.endpoint_url
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    west = boto3.client("logs", endpoint_url=endpoint, region_name="us-west-2", **keys)
    assert [one["logGroupName"] for one in west.describe_log_groups()["logGroups"]] == ["/fixrx/app"]
    assert services.client("logs").describe_log_groups()["logGroups"] == []
    services.destroy()
    assert west.describe_log_groups()["logGroups"] == []


def document(sid: str = "QueryLog", **changes: Any) -> str:
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": "route53.amazonaws.com"},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{ARN}:*",
        **changes,
    }
    shown = {name: value for name, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [shown]})


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"policyName": "query-log", "policyDocument": document()}, []),
        (
            {"policyDocument": document()},
            [("policyName", "exactly one of policyName and resourceArn must be given")],
        ),
        (
            {"policyName": "query-log", "policyDocument": document(Principal=None)},
            [("policyDocument", "has a statement without Principal")],
        ),
        (
            {"policyName": "query-log", "policyDocument": "{"},
            [
                (
                    "policyDocument",
                    "must be JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
                )
            ],
        ),
        (
            {"resourceArn": ARN, "policyDocument": document()},
            [("resourceArn", f"there is no log group {ARN}")],
        ),
    ],
)
def test_check_of_a_policy(services: Services, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(POLICY, inputs) == expected


def policies(services: Services) -> list[tuple[str, Any]]:
    found = services.client("logs").describe_resource_policies()["resourcePolicies"]
    return [(one["policyName"], json.loads(one["policyDocument"])) for one in found]


def test_a_policy_of_the_account(services: Services) -> None:
    created = services.create(POLICY, {"policyName": "query-log", "policyDocument": document()})
    assert [created.state[name] for name in ("policyScope", "revisionId")] == ["ACCOUNT", ""]
    assert services.drift(created) == {}

    services.update(created, policyDocument=document("Changed"))
    assert policies(services) == [("query-log", json.loads(document("Changed")))]
    assert services.changes(created, policyName="other") == {"policyName": True}

    by_hand = document("ByHand")
    services.client("logs").put_resource_policy(policyName="query-log", policyDocument=by_hand)
    assert services.drift(created) == {"policyDocument": by_hand}
    services.destroy()
    assert policies(services) == []


def test_a_policy_of_a_group(services: Services) -> None:
    created = group(services)
    policy = services.create(POLICY, {"resourceArn": created.state["arn"], "policyDocument": document()})
    assert (policy.id, policy.state["policyScope"], policy.state.get("policyName")) == (ARN, "RESOURCE", None)
    assert policy.state["revisionId"]
    assert services.drift(policy) == {}
    services.destroy()
    assert policies(services) == []


PROTECTION = "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy"
QUERY = "aws:cloudwatch/queryDefinition:QueryDefinition"
EMAIL = "arn:aws:dataprotection::aws:data-identifier/EmailAddress"


def protection(
    data: tuple[str, ...] = (EMAIL,), masked: tuple[str, ...] | None = None, **changes: Any
) -> dict[str, Any]:
    statements: list[dict[str, Any]] = [
        {"DataIdentifier": data, "Operation": {"Audit": {"FindingsDestination": {}}}},
        {"DataIdentifier": masked or data, "Operation": {"Deidentify": {"MaskConfig": {}}}},
    ]
    return {"Name": "personal-data", "Version": "2021-06-01", "Statement": statements, **changes}


def custom(name: str, expression: str) -> dict[str, Any]:
    return {"CustomDataIdentifier": [{"Name": name, "Regex": expression}]}


CHARACTERS = "must have a name and a regular expression of the characters that AWS lists: "


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (protection(), None),
        (protection((EMAIL, "Phone"), Configuration=custom("Phone", r"\+[1-9][0-9]{7,14}")), None),
        (protection(Statements=[]), "must not have Statements"),
        (protection(Version="2012-10-17"), "must have a Name, and 2021-06-01 as its Version"),
        (protection(Name=""), "must have a Name, and 2021-06-01 as its Version"),
        (
            protection(Statement=protection()["Statement"][::-1]),
            "must have two statements, the first with Audit and the second with Deidentify",
        ),
        (
            protection(
                Statement=[{**protection()["Statement"][0], "Operation": {"Audit": {}}}, protection()["Statement"][1]]
            ),
            "must have a FindingsDestination, which may be empty, in Audit",
        ),
        (
            protection(
                Statement=[
                    protection()["Statement"][0],
                    {**protection()["Statement"][1], "Operation": {"Deidentify": {}}},
                ]
            ),
            "must have an empty MaskConfig in Deidentify",
        ),
        (protection((EMAIL,), (f"{EMAIL}2",)), "must have the same DataIdentifier in both statements"),
        (protection((EMAIL, "Phone")), "must define Phone, which AWS does not"),
        (protection(("A b",), Configuration=custom("A b", "x")), f"{CHARACTERS}A b x"),
        (protection(("Phone",), Configuration=custom("Phone", "(a)")), f"{CHARACTERS}Phone (a)"),
    ],
)
def test_check_of_a_data_protection_policy(services: Services, policy: dict[str, Any], reason: str | None) -> None:
    group(services)
    inputs = {"logGroupName": "/fixrx/app", "policyDocument": json.dumps(policy)}
    assert services.failures(PROTECTION, inputs) == ([("policyDocument", reason)] if reason else [])


def test_a_data_protection_policy_is_recorded_and_needs_its_group(services: Services) -> None:
    inputs = {"logGroupName": "/fixrx/app", "policyDocument": json.dumps(protection())}
    assert services.failures(PROTECTION, inputs) == [("logGroupName", "there is no log group /fixrx/app")]
    group(services)
    created = services.create(PROTECTION, inputs)
    assert services.drift(created) == {}
    services.create(GROUP, {"name": "/fixrx/other"})
    assert services.changes(created, logGroupName="/fixrx/other") == {"logGroupName": True}
    services.delete(created)
    assert services.drift(created) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fields @message\n| filter path like '/a|b/' | sort @timestamp desc", None),
        ("filter @message like /a\\/|b/ | limit 5", None),
        ("select 1", "select 1"),
        ("fields @message | | limit 5", "an empty one"),
        ("fields @message | where status = 500", "where status = 500"),
    ],
)
def test_check_of_a_query(services: Services, text: str, reason: str | None) -> None:
    group(services)
    inputs = {"name": "fixrx/errors", "queryString": text, "logGroupNames": ["/fixrx/app"]}
    commands = "dedup display fields filter limit parse pattern sort stats unmask unnest"
    expected = [("queryString", f"must begin each command with one of {commands}: {reason}")] if reason else []
    assert services.failures(QUERY, inputs) == expected


def test_a_query_is_recorded_and_needs_its_groups(services: Services) -> None:
    inputs = {"name": "fixrx/errors", "queryString": "fields @message", "logGroupNames": ["/fixrx/app"]}
    assert services.failures(QUERY, inputs) == [("logGroupNames[0]", "there is no log group /fixrx/app")]
    group(services)
    created = services.create(QUERY, inputs)
    assert created.state["queryDefinitionId"] == "fixrx/errors"
    assert services.changes(created, name="other") == {"name": False}
    services.delete(created)
    assert services.drift(created) is None
