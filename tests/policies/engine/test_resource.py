"""Values as rules see them: paths, unknown values, secrets."""

import json

import pytest

from policies.engine.resource import (
    ENCRYPTED,
    UNKNOWN,
    SecretText,
    UnknownValue,
    canonical_type,
    comma_separated,
    mark_secret,
)
from policies.engine.state import state_of
from tests.policies.exported import SECRET
from tests.policies.resources import resource


@pytest.mark.parametrize(
    ("token", "canonical"),
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
def test_kind_is_todays_name_of_a_type(token: str, canonical: str) -> None:
    assert canonical_type(token) == canonical


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
