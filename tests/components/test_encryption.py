"""Encryption keys: one for each domain, rotating, and which services may use them."""

from typing import Any

import pytest

from tests.recorder import Recording

KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
ADMINISTRATORS = {
    "Sid": "AccountAdministers",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": ["kms:*"],
    "Resource": ["*"],
}
LOGS = {
    "Sid": "CloudWatchLogs",
    "Effect": "Allow",
    "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
    "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
    "Resource": ["*"],
    "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:111122223333:log-group:*"}},
}
PUBLISHERS = {
    "Sid": "AlarmPublishers",
    "Effect": "Allow",
    "Principal": {
        "Service": [
            "cloudwatch.amazonaws.com",
            "events.rds.amazonaws.com",
            "budgets.amazonaws.com",
            "costalerts.amazonaws.com",
        ]
    },
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": ["*"],
    "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
}


def test_keys_are_these_and_all_rotate(stack: Recording, environment: str) -> None:
    keys = stack.of_type(KEY)
    of_second_region = ["backup-vault-dr-key"] if environment == "production" else []

    assert sorted(each.name for each in keys) == [
        *of_second_region,
        "cdn-web-acl-log-key",
        "dns-query-log-key",
        "encryption-data-key",
        "encryption-logs-key",
        "encryption-notifications-key",
        "encryption-secrets-key",
    ]
    for each in keys:
        assert (each.plain["enableKeyRotation"], each.plain["deletionWindowInDays"]) == (True, 30)


TOPICS = {
    "Sid": "TopicsToQueue",
    "Effect": "Allow",
    "Principal": {"Service": "sns.amazonaws.com"},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": ["*"],
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:111122223333:notifications-*"},
    },
}


@pytest.mark.parametrize(
    ("key", "grants"),
    [
        ("encryption-data-key", []),
        ("encryption-secrets-key", []),
        ("encryption-logs-key", [LOGS]),
        ("encryption-notifications-key", [PUBLISHERS, TOPICS]),
        ("dns-query-log-key", [LOGS]),
        ("cdn-web-acl-log-key", [LOGS]),
    ],
)
def test_who_may_use_a_key(production: Recording, key: str, grants: list[dict[str, Any]]) -> None:
    assert production.named(key).document("policy") == {
        "Version": "2012-10-17",
        "Statement": [ADMINISTRATORS, *grants],
    }


def test_operators_find_keys_by_alias(production: Recording) -> None:
    assert {each.plain["name"]: each.plain["targetKeyId"] for each in production.of_type(ALIAS)} == {
        f"alias/fixrx/production/{domain}": f"encryption-{domain}-key-id"
        for domain in ("data", "logs", "notifications", "secrets")
    }


def test_every_log_group_is_encrypted_and_comes_to_an_end(stack: Recording) -> None:
    groups = stack.of_type("aws:cloudwatch/logGroup:LogGroup")

    assert {each.plain["kmsKeyId"].rpartition("/")[2] for each in groups} == {
        "encryption-logs-key",
        "dns-query-log-key",
        "cdn-web-acl-log-key",
    }
    assert [each.name for each in groups if each.plain["retentionInDays"] < 30] == []
