"""Secrets: the whole inventory, and which of them ever pass through Pulumi."""

import pytest

from components.secrets import Secrets, SecretsArgs
from components.sections.secrets import SecretsSettings
from components.shared.keys import StackContext
from tests.recorder import STACK, Recording, record

CONTAINER = "aws:secretsmanager/secret:Secret"
ROTATED = ["DATABASE_URL", "JWT_SECRET", "REDIS_URL", "REPLICA_DATABASE_URL"]
FROM_VENDORS = [
    "FIREBASE_PROJECT_ID",
    "FIREBASE_SERVICE_ACCOUNT",
    "OAUTH_APPLE_CLIENT_SECRET",
    "OAUTH_GOOGLE_CLIENT_SECRET",
    "SENDGRID_API_KEY",
    "TWILIO_ACCOUNT_SID",
    "TWILIO_AUTH_TOKEN",
]


def logical_name(variable: str) -> str:
    return f"secrets-{variable.lower().replace('_', '-')}"


def record_secrets(settings: SecretsSettings, stack: StackContext = STACK) -> Recording:
    def program() -> None:
        Secrets("secrets", SecretsArgs(settings=settings, stack=stack))

    return record(program)


def test_inventory_is_this(stack: Recording, environment: str) -> None:
    assert {each.name: each.plain["namePrefix"] for each in stack.of_type(CONTAINER)} == {
        logical_name(variable): f"fixrx/{environment}/{variable}-" for variable in [*ROTATED, *FROM_VENDORS]
    } | {"incidents-slack": f"fixrx/{environment}/SLACK_WEBHOOK_URL-"}
    assert sorted(stack.stack_outputs["secrets"]) == sorted([*ROTATED, *FROM_VENDORS])


@pytest.mark.parametrize(("name", "days"), [("production", 30), ("staging", 7)])
def test_containers_are_encrypted_and_restorable(name: str, days: int, request: pytest.FixtureRequest) -> None:
    recording: Recording = request.getfixturevalue(name)

    for container in recording.of_type(CONTAINER):
        assert container.plain["kmsKeyId"] == "arn:aws:kms:us-east-1:111122223333:key/encryption-secrets-key"
        assert container.plain["recoveryWindowInDays"] == days
        assert container.plain["description"]


def test_no_value_passes_through_pulumi(stack: Recording) -> None:
    """None is in a state, a plan or a log; and of one that rotates, a version of Pulumi's would go back in time."""
    assert stack.of_type("aws:secretsmanager/secretVersion:SecretVersion") == []


def test_oauth_providers_get_a_container_each() -> None:
    recording = record_secrets(SecretsSettings(oauth_providers=("facebook",)))

    oauth = [each.name for each in recording.of_type(CONTAINER) if "oauth" in each.name]
    assert oauth == ["secrets-oauth-facebook-client-secret"]
