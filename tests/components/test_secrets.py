"""Secrets: the whole inventory, and which of them ever pass through Pulumi."""

import pytest

from components.secrets import Secrets, SecretsArgs
from components.sections.secrets import SecretsSettings
from components.shared.keys import StackContext
from tests.recorder import CANARY, STACK, Recording, record

CONTAINER = "aws:secretsmanager/secret:Secret"
VALUE = "aws:secretsmanager/secretVersion:SecretVersion"
GENERATED = ["DATABASE_URL", "JWT_SECRET", "REDIS_URL", "REPLICA_DATABASE_URL"]
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
        Secrets("secrets", SecretsArgs(settings=settings, stack=stack, generated={}))

    return record(program)


def test_inventory_is_this(stack: Recording, environment: str) -> None:
    assert {each.name: each.plain["namePrefix"] for each in stack.of_type(CONTAINER)} == {
        logical_name(variable): f"fixrx/{environment}/{variable}-" for variable in [*GENERATED, *FROM_VENDORS]
    }
    assert sorted(stack.stack_outputs["secrets"]) == sorted([*GENERATED, *FROM_VENDORS])


@pytest.mark.parametrize(("name", "days"), [("production", 30), ("staging", 7)])
def test_containers_are_encrypted_and_restorable(name: str, days: int, request: pytest.FixtureRequest) -> None:
    recording: Recording = request.getfixturevalue(name)

    for container in recording.of_type(CONTAINER):
        assert container.plain["kmsKeyId"] == "arn:aws:kms:us-east-1:111122223333:key/encryption-secrets-key"
        assert container.plain["recoveryWindowInDays"] == days
        assert container.plain["description"]


def test_only_what_the_program_knows_gets_a_value(stack: Recording) -> None:
    """What a vendor hands out is put in by an operator and is in no state, no plan and no log of Pulumi."""
    assert sorted(each.name for each in stack.of_type(VALUE)) == [
        f"{logical_name(variable)}-value" for variable in GENERATED
    ]


def test_value_goes_into_its_own_container(stack: Recording) -> None:
    assert {each.name: each.plain["secretId"] for each in stack.of_type(VALUE)} == {
        f"{logical_name(variable)}-value": f"{logical_name(variable)}-id" for variable in GENERATED
    }


def test_jwt_secret_is_generated(stack: Recording) -> None:
    assert stack.named("secrets-jwt").plain == {"length": 64, "special": False, "keepers": {"generation": "1"}}
    assert stack.named("secrets-jwt-secret-value").plain["secretString"] == f"{CANARY}-secrets-jwt"


def test_jwt_secret_is_replaced_by_counting_up() -> None:
    recording = record_secrets(SecretsSettings(jwt_generation=2))

    assert recording.named("secrets-jwt").plain["keepers"] == {"generation": "2"}


def test_oauth_providers_get_a_container_each() -> None:
    recording = record_secrets(SecretsSettings(oauth_providers=("facebook",)))

    oauth = [each.name for each in recording.of_type(CONTAINER) if "oauth" in each.name]
    assert oauth == ["secrets-oauth-facebook-client-secret"]
