"""Values, references and documents as rules see them."""

import json
from typing import Any

import pytest

from policies.aws import is_internet
from policies.engine.iam_documents import statements
from policies.engine.resource import (
    ENCRYPTED,
    UNKNOWN,
    SecretText,
    StackResource,
    UnknownValue,
    canonical_type,
    comma_separated,
    mark_secret,
)
from policies.engine.stack import StackGraph
from policies.engine.state import state_of
from tests.policies.exported import SECRET

VERSIONING = "aws:s3/bucketVersioning"


def resource(kind: str, name: str, properties: dict[str, Any], **references: list[str]) -> StackResource:
    urns = {key: [f"urn:pulumi:s::p::{urn}" for urn in value] for key, value in references.items()}
    return StackResource(
        urn=f"urn:pulumi:s::p::{kind}::{name}",
        type_token=f"{kind}:X",
        properties=properties,
        property_dependencies=urns,
    )


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("aws:lb/listener:Listener", "aws:lb/listener"),
        ("aws:alb/listener:Listener", "aws:lb/listener"),
        ("aws:elasticloadbalancingv2/loadBalancer:LoadBalancer", "aws:lb/loadBalancer"),
        ("aws:s3/bucketV2:BucketV2", "aws:s3/bucket"),
        ("aws:s3/bucketVersioningV2:BucketVersioningV2", "aws:s3/bucketVersioning"),
        ("aws:rds/instance:Instance", "aws:rds/instance"),
        ("pulumi:providers:aws", "pulumi:providers"),
        ("fixrx:components:Database", "fixrx:components"),
    ],
)
def test_kind_is_todays_name_of_a_type(token: str, kind: str) -> None:
    assert canonical_type(token) == kind


def test_get_follows_paths_and_returns_none_past_their_end() -> None:
    subject = resource("k", "n", {"rules": [{"action": {"block": {}}}], "name": "x"})

    assert subject.get("rules.0.action.block") == {}
    assert [subject.get(path) for path in ("rules.1.action", "name.first", "missing")] == [None, None, None]


@pytest.mark.parametrize("path", ["whole", "whole.part", "list.1", "list.1.part"])
def test_get_raises_where_the_value_or_the_way_to_it_is_unknown(path: str) -> None:
    subject = resource("k", "n", {"whole": UNKNOWN, "list": [1, UNKNOWN]})

    with pytest.raises(UnknownValue):
        subject.get(path)


def test_secret_prints_as_a_mask_and_compares_as_itself() -> None:
    masked = mark_secret({"text": "hunter2", "number": 4711, "list": ["hunter2"], "flag": True})

    assert f"{masked['text']} {masked['text']!r} {masked['text']!s} {masked['number']} {masked['list']}" == (
        "[secret] [secret] [secret] [secret] [[secret]]"
    )
    assert comma_separated([masked["text"], "plain"]) == "[secret], plain"
    assert (masked["text"], masked["number"], masked["flag"]) == ("hunter2", 4711, True)


def test_encrypted_secret_is_given_and_cannot_be_read() -> None:
    subject = resource("k", "n", {"password": ENCRYPTED})

    assert subject.is_set("password")
    assert subject.is_secret("password")
    with pytest.raises(UnknownValue):
        subject.get("password")


def test_exported_secret_with_its_plain_text_is_masked() -> None:
    entry = {
        "urn": "urn:pulumi:s::p::k:X::n",
        "type": "k:X",
        "inputs": {"password": {**SECRET, "plaintext": json.dumps("hunter2")}},
    }

    (subject,) = state_of({"deployment": {"resources": [entry]}}).inputs

    assert isinstance(subject.get("password"), SecretText)


def test_resource_that_is_about_to_be_deleted_is_left_out() -> None:
    entry = {"urn": "urn:pulumi:s::p::k:X::n", "type": "k:X", "delete": True}

    assert state_of({"deployment": {"resources": [entry]}}).inputs == []


def test_known_value_decides_against_a_dependency_on_another_resource() -> None:
    first, second = (resource("aws:s3/bucket", name, {"id": name, "bucket": name}) for name in ("first", "second"))
    versioning = resource(VERSIONING, "v", {"bucket": "first"}, bucket=["aws:s3/bucket::second"])
    stack = StackGraph([first, second, versioning])

    assert stack.referrers(first, VERSIONING, "bucket") == [versioning]
    assert stack.referrers(second, VERSIONING, "bucket") == ()


def test_dependency_decides_while_the_value_is_unknown() -> None:
    first, second = (resource("aws:s3/bucket", name, {"id": UNKNOWN}) for name in ("first", "second"))
    versioning = resource(VERSIONING, "v", {"bucket": UNKNOWN}, bucket=["aws:s3/bucket::second"])
    stack = StackGraph([first, second, versioning])

    assert stack.referrers(second, VERSIONING, "bucket") == [versioning]
    assert stack.referrers(first, VERSIONING, "bucket") == ()


def test_unknown_reference_without_dependency_leaves_everything_open() -> None:
    first, second = (resource("aws:s3/bucket", name, {"id": name}) for name in ("first", "second"))
    known = resource(VERSIONING, "known", {"bucket": "first"})
    unknown = resource(VERSIONING, "unknown", {"bucket": UNKNOWN})
    stack = StackGraph([first, second, known, unknown])

    assert stack.referrers(first, VERSIONING, "bucket") == [known]
    with pytest.raises(UnknownValue):
        stack.referrers(second, VERSIONING, "bucket")


def test_reference_to_another_type_is_known_not_to_be_meant() -> None:
    balancer = resource("aws:lb/loadBalancer", "balancer", {"id": UNKNOWN})
    database = resource("aws:rds/instance", "database", {"id": UNKNOWN})
    alarm = resource("alarm", "a", {"dimensions": {"Id": UNKNOWN}}, dimensions=["aws:rds/instance::database"])
    stack = StackGraph([balancer, database, alarm])

    assert stack.targets(alarm, "dimensions.Id", "aws:lb/loadBalancer") == []
    assert stack.targets(alarm, "dimensions.Id", "aws:rds/instance") == [database]


@pytest.mark.parametrize(
    ("block", "internet"),
    [
        ("0.0.0.0/0", True),
        ("0.0.0.0/1", True),
        ("::/0", True),
        ("2000::/3", True),
        ("10.0.0.0/8", False),
        ("fc00::/7", False),
        ("203.0.113.7/32", False),
    ],
)
def test_internet_is_whatever_is_wider_than_any_private_network(block: str, internet: bool) -> None:
    assert is_internet(block) is internet


def test_document_reads_the_same_however_it_is_written() -> None:
    short = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}}
    long = {
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": ["*"]}]
    }

    read = [
        statements(resource("k", "n", {"policy": policy}), "policy")
        for policy in (short, long, json.dumps(short), json.dumps(long))
    ]

    assert read == [read[0]] * 4
    assert read[0][0].is_open_to_everyone
