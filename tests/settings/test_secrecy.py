"""Which values no message repeats, and which keys are those of secrets."""

import pytest

from settings.secrecy import is_named_like_a_secret, looks_like_a_secret, may_be_quoted


@pytest.mark.parametrize(
    "value",
    [
        "sk_live_abcdefgh",
        "SG.abcdef.ghijkl",
        "ghp_abcdefghijkl",
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AC0123456789abcdef0123456789abcdef",
        "-----BEGIN PRIVATE KEY-----",
        "postgresql://user:pass@host/db",
        "https://hooks.slack.com/services/T0/B0/x",
        "eyJhbGciOiJIUzI1NiJ9",
        "Tr0ub4dor&3",
        "Zk8qLw2vXr9TnB4mPd7s",
        "3f2b8c1d9e7a6054",
    ],
)
def test_secret_is_not_repeated(value: str) -> None:
    assert looks_like_a_secret(value)
    assert not may_be_quoted(value)


@pytest.mark.parametrize(
    "value",
    [
        "us-easst-1",
        "m7g.lagre",
        "db.m7g.large",
        "10.0.0.1/16",
        "ops@x",
        "2:00",
        "2026-01-01 00:00:00 +0000 UTC",
        "al2023-ami-2023.12.20260930.0-kernel-6.12-arm64",
        "ami-08a311a6aaa3cd94a",
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "fixrx-pulumi-state",
        "https://api.fixrx.com/v1",
        "per-zone",
        "",
    ],
)
def test_setting_is_no_secret(value: str) -> None:
    assert not looks_like_a_secret(value)


def test_long_text_is_not_repeated() -> None:
    assert may_be_quoted("a" * 60)
    assert not may_be_quoted("a" * 61)


@pytest.mark.parametrize(
    "name",
    [
        "twilio_auth_token",
        "TWILIO_AUTH_TOKEN",
        "twilioAuthToken",
        "twilio-auth-token",
        "password",
        "dbPassword",
        "masterpassword",
        "api_key",
        "APIKey",
        "clientSecret",
        "slack_webhook",
    ],
)
def test_key_of_a_secret(name: str) -> None:
    assert is_named_like_a_secret(name)


@pytest.mark.parametrize("name", ["secrets", "keyboard", "monkey", "release", "multi_az", "tokenizer"])
def test_key_of_a_setting(name: str) -> None:
    assert not is_named_like_a_secret(name)
