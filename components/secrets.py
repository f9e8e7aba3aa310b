"""The application's secrets, one container each. Pulumi writes the URLs of the database and the cache and the keys
of the sessions (JWT_SECRET).

Credentials of Twilio, SendGrid, Firebase and the OAuth providers never pass through Pulumi: their containers are
created empty and an operator writes the value (`aws secretsmanager put-secret-value`). A secret costs 0.40 USD a month.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.sections.secrets import SecretsSettings
from components.shared.keys import StackContext

JWT_SECRET_LENGTH = 64
VENDOR_SECRETS: Mapping[str, str] = {
    "TWILIO_ACCOUNT_SID": "Twilio: account that sends SMS",
    "TWILIO_AUTH_TOKEN": "Twilio: token of that account",
    "SENDGRID_API_KEY": "SendGrid: key that sends e-mail",
    "FIREBASE_PROJECT_ID": "Firebase: project of the push notifications",
    "FIREBASE_SERVICE_ACCOUNT": "Firebase: service account (JSON) that may send them",
}
"""The guide's inventory, and the service account without which the project id alone sends nothing."""


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    settings: SecretsSettings
    stack: StackContext
    generated: Mapping[str, pulumi.Input[str]]
    """Environment variable to value, for the secrets that Pulumi writes."""


class Secrets(pulumi.ComponentResource):
    """Secrets Manager containers, named after the environment variables in which the application expects the values."""

    arns: Mapping[str, pulumi.Output[str]]
    """Environment variable to ARN."""
    versions: Mapping[str, pulumi.Output[str]]
    """Environment variable to the version of its value, for the secrets that Pulumi writes; known when it is stored."""

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Secrets", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        generated = {**args.generated, **self._generate_jwt_secrets()}
        containers = {
            **dict.fromkeys(generated, "Written by the infrastructure program; do not edit"),
            **self._vendor_secrets(),
        }
        secrets = {variable: self._create_container(variable, text) for variable, text in containers.items()}
        self.arns = {variable: secret.arn for variable, secret in secrets.items()}
        self.versions = {
            variable: self._store(variable, secrets[variable], value).version_id
            for variable, value in generated.items()
        }
        self.register_outputs({"arns": dict(self.arns)})

    def _vendor_secrets(self) -> Mapping[str, str]:
        oauth = {
            f"OAUTH_{provider.upper()}_CLIENT_SECRET": f"OAuth: client secret at {provider}"
            for provider in self._args.settings.oauth_providers
        }
        return {**VENDOR_SECRETS, **oauth}

    def _generate_jwt_secrets(self) -> Mapping[str, pulumi.Output[str]]:
        """Return the key that signs, and those that are accepted as well: of the generation before and after.

        While servers are replaced, old and new ones sign with keys of neighbouring generations, and both accept both.
        """
        generation = self._args.settings.jwt_generation
        generations = {
            "JWT_SECRET": generation,
            "JWT_SECRET_NEXT": generation + 1,
            **({"JWT_SECRET_PREVIOUS": generation - 1} if generation > 1 else {}),
        }
        return {variable: self._generate_jwt_secret(number).result for variable, number in generations.items()}

    def _generate_jwt_secret(self, generation: int) -> random.RandomPassword:
        return random.RandomPassword(
            f"{self._name}-jwt" if generation == 1 else f"{self._name}-jwt-{generation}",
            length=JWT_SECRET_LENGTH,
            special=False,
            keepers={"generation": str(generation)},
            opts=self._child,
        )

    def _create_container(self, variable: str, description: str) -> aws.secretsmanager.Secret:
        identity = self._args.stack.identity
        return aws.secretsmanager.Secret(
            f"{self._name}-{_dashed(variable)}",
            # AWS keeps a deleted secret's name for days; a prefix lets a new one be created at once.
            name_prefix=identity.physical_name(
                "aws:secretsmanager/secret:Secret", f"{identity.project}/{identity.environment}/{variable}-"
            ),
            description=description,
            kms_key_id=self._args.stack.keys.secrets,
            recovery_window_in_days=self._args.settings.recovery_window_days,
            opts=self._child,
        )

    def _store(
        self, variable: str, container: aws.secretsmanager.Secret, value: pulumi.Input[str]
    ) -> aws.secretsmanager.SecretVersion:
        return aws.secretsmanager.SecretVersion(
            f"{self._name}-{_dashed(variable)}-value",
            secret_id=container.id,
            secret_string=pulumi.Output.secret(value),
            opts=self._child,
        )


def _dashed(variable: str) -> str:
    return variable.lower().replace("_", "-")
