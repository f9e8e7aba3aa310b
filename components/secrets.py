"""The application's secrets, one container each. Addresses and passwords of our own parts are filled in here.

What Twilio, SendGrid, Firebase and the OAuth providers hand out never passes through Pulumi: its container is created
empty and an operator puts the value in (`aws secretsmanager put-secret-value`). A secret costs 0.40 USD a month.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pydantic import Field, StringConstraints

from components.naming import Label
from components.section import Section

JWT_SECRET_LENGTH = 64
VENDOR_SECRETS: Mapping[str, str] = {
    "TWILIO_ACCOUNT_SID": "Twilio: account that sends SMS",
    "TWILIO_AUTH_TOKEN": "Twilio: token of that account",
    "SENDGRID_API_KEY": "SendGrid: key that sends e-mail",
    "FIREBASE_PROJECT_ID": "Firebase: project of the push notifications",
    "FIREBASE_SERVICE_ACCOUNT": "Firebase: service account (JSON) that may send them",
}
"""The guide's inventory, and the service account without which the project id alone sends nothing."""

OauthProvider = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,30}$")]


class SecretsSettings(Section):
    """Section `fixrx:secrets`."""

    oauth_providers: tuple[OauthProvider, ...] = ("google", "apple")
    """Each gets a container for its client secret, for instance OAUTH_GOOGLE_CLIENT_SECRET."""
    jwt_generation: Annotated[int, Field(ge=1)] = 1
    """Count up to replace JWT_SECRET. Everybody who is signed in is signed out."""
    recovery_window_days: Literal[0, 7, 14, 30] = 30
    """Days within which a deleted secret can be had back."""


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    settings: SecretsSettings
    label: Label
    secrets_key_arn: pulumi.Input[str]
    generated: Mapping[str, pulumi.Input[str]]
    """Environment variable to value, for the secrets whose value the program knows."""


class Secrets(pulumi.ComponentResource):
    """Secrets Manager containers, named after the environment variables in which the application expects the values."""

    arns: Mapping[str, pulumi.Output[str]]
    """Environment variable to ARN; of a generated secret known only once it has its value."""

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Secrets", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        generated = {**args.generated, "JWT_SECRET": self._generate_jwt_secret().result}
        self.arns = {
            **{variable: self._store(variable, value) for variable, value in generated.items()},
            **{
                variable: self._create_container(variable, description).arn
                for variable, description in self._vendor_secrets().items()
            },
        }
        self.register_outputs({"arns": dict(self.arns)})

    def _vendor_secrets(self) -> Mapping[str, str]:
        oauth = {
            f"OAUTH_{provider.upper()}_CLIENT_SECRET": f"OAuth: client secret at {provider}"
            for provider in self._args.settings.oauth_providers
        }
        return {**VENDOR_SECRETS, **oauth}

    def _generate_jwt_secret(self) -> random.RandomPassword:
        return random.RandomPassword(
            f"{self._name}-jwt",
            length=JWT_SECRET_LENGTH,
            special=False,
            keepers={"generation": str(self._args.settings.jwt_generation)},
            opts=self._child,
        )

    def _create_container(self, variable: str, description: str) -> aws.secretsmanager.Secret:
        label = self._args.label
        return aws.secretsmanager.Secret(
            f"{self._name}-{_dashed(variable)}",
            # AWS keeps a deleted secret's name for days; a prefix lets a new one be created at once.
            name_prefix=label.physical_name(
                "aws:secretsmanager/secret:Secret", f"{label.project}/{label.environment}/{variable}-"
            ),
            description=description,
            kms_key_id=self._args.secrets_key_arn,
            recovery_window_in_days=self._args.settings.recovery_window_days,
            opts=self._child,
        )

    def _store(self, variable: str, value: pulumi.Input[str]) -> pulumi.Output[str]:
        container = self._create_container(variable, "Written by the infrastructure program; do not edit")
        version = aws.secretsmanager.SecretVersion(
            f"{self._name}-{_dashed(variable)}-value",
            secret_id=container.id,
            secret_string=pulumi.Output.secret(value),
            opts=self._child,
        )
        return pulumi.Output.all(container.arn, version.version_id).apply(lambda known: str(known[0]))


def _dashed(variable: str) -> str:
    return variable.lower().replace("_", "-")
