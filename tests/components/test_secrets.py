"""Secrets: the whole inventory, and which of them ever pass through Pulumi."""

import pytest

from components.secrets import Secrets, SecretsArgs
from components.sections.secrets import SecretsSettings
from components.shared.keys import StackContext
from tests.recorder import CANARY, STACK, Recording, record

CONTAINER = "aws:secretsmanager/secret:Secret"
VALUE = "aws:secretsmanager/secretVersion:SecretVersion"
GENERATED = ["DATABASE_URL", "JWT_SECRET", "JWT_SECRET_NEXT", "REDIS_URL", "REPLICA_DATABASE_URL"]
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
    assert {each.name for each in stack.of_type(VALUE)} == {f"{logical_name(variable)}-value" for variable in GENERATED}


def test_value_goes_into_its_own_container(stack: Recording) -> None:
    assert {each.name: each.plain["secretId"] for each in stack.of_type(VALUE)} == {
        f"{logical_name(variable)}-value": f"{logical_name(variable)}-id" for variable in GENERATED
    }


def test_jwt_secret_is_generated(stack: Recording) -> None:
    assert stack.named("secrets-jwt").plain == {"length": 64, "special": False, "keepers": {"generation": "1"}}
    assert stack.named("secrets-jwt-secret-value").plain["secretString"] == f"{CANARY}-secrets-jwt"


@pytest.mark.parametrize(
    ("generation", "keys"),
    [
        (1, {"JWT_SECRET": "secrets-jwt", "JWT_SECRET_NEXT": "secrets-jwt-2"}),
        (
            2,
            {
                "JWT_SECRET": "secrets-jwt-2",
                "JWT_SECRET_NEXT": "secrets-jwt-3",
                "JWT_SECRET_PREVIOUS": "secrets-jwt",
            },
        ),
        (
            3,
            {
                "JWT_SECRET": "secrets-jwt-3",
                "JWT_SECRET_NEXT": "secrets-jwt-4",
                "JWT_SECRET_PREVIOUS": "secrets-jwt-2",
            },
        ),
    ],
)
def test_jwt_secret_is_replaced_by_counting_up(generation: int, keys: dict[str, str]) -> None:
    """The key of a generation is one resource, so that it keeps its value while its role changes."""
    recording = record_secrets(SecretsSettings(jwt_generation=generation))

    assert {each.name: each.plain["secretString"] for each in recording.of_type(VALUE)} == {
        f"{logical_name(variable)}-value": f"{CANARY}-{name}" for variable, name in keys.items()
    }
    for each in recording.of_type("random:index/randomPassword:RandomPassword"):
        assert each.plain["keepers"] == {"generation": each.name.removeprefix("secrets-jwt").lstrip("-") or "1"}


@pytest.mark.parametrize("generation", [1, 2, 7])
def test_old_and_new_servers_accept_each_others_sessions(generation: int) -> None:
    """While they are replaced, both serve the same users."""
    old, new = (
        {each.name: each.plain["secretString"] for each in record_secrets(settings).of_type(VALUE)}
        for settings in (SecretsSettings(jwt_generation=generation), SecretsSettings(jwt_generation=generation + 1))
    )

    assert old["secrets-jwt-secret-value"] != new["secrets-jwt-secret-value"]
    assert old["secrets-jwt-secret-value"] in new.values()
    assert new["secrets-jwt-secret-value"] in old.values()


def test_after_a_leak_no_key_that_a_server_knew_is_accepted() -> None:
    old, new = (
        {each.plain["secretString"] for each in record_secrets(settings).of_type(VALUE)}
        for settings in (SecretsSettings(jwt_generation=2), SecretsSettings(jwt_generation=5))
    )

    assert old & new == set()


def test_oauth_providers_get_a_container_each() -> None:
    recording = record_secrets(SecretsSettings(oauth_providers=("facebook",)))

    oauth = [each.name for each in recording.of_type(CONTAINER) if "oauth" in each.name]
    assert oauth == ["secrets-oauth-facebook-client-secret"]
