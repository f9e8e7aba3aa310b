"""The application's secrets, one container each. No value passes through Pulumi: all are created empty.

The URLs of the database and the cache and the keys of the sessions are made and rotated by components/credentials.py.
Credentials of Twilio, SendGrid, Firebase and the OAuth providers are written by an operator (`aws secretsmanager
put-secret-value`). A secret costs 0.40 USD a month.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.secrets import SecretsSettings
from components.shared.keys import StackContext

ROTATED_SECRETS: Mapping[str, str] = {
    "DATABASE_URL": "Connection URL of the primary",
    "REPLICA_DATABASE_URL": "Connection URL of the replica, which only reads",
    "REDIS_URL": "Connection URL of the cache",
    "JWT_SECRET": "Keys of the sessions: one signs, the one before and the one after are accepted",
}
"""Written and rotated by a function, and by nobody else."""
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


class Secrets(pulumi.ComponentResource):
    """Secrets Manager containers, named after the environment variables in which the application expects the values."""

    arns: Mapping[str, pulumi.Output[str]]
    """Environment variable to ARN."""
    rotated: Mapping[str, pulumi.Output[str]]
    """The same, of those that rotate."""
    of_vendors: Mapping[str, pulumi.Output[str]]
    """The same, of those that a vendor makes and an operator writes."""

    def __init__(self, name: str, args: SecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Secrets", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        containers = {**ROTATED_SECRETS, **self._vendor_secrets()}
        secrets = {variable: self._create_container(variable, text) for variable, text in containers.items()}
        self.arns = {variable: secret.arn for variable, secret in secrets.items()}
        self.rotated = {variable: self.arns[variable] for variable in ROTATED_SECRETS}
        self.of_vendors = {variable: arn for variable, arn in self.arns.items() if variable not in ROTATED_SECRETS}
        self.register_outputs({"arns": dict(self.arns)})

    def _vendor_secrets(self) -> Mapping[str, str]:
        oauth = {
            f"OAUTH_{provider.upper()}_CLIENT_SECRET": f"OAuth: client secret at {provider}"
            for provider in self._args.settings.oauth_providers
        }
        return {**VENDOR_SECRETS, **oauth}

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


def _dashed(variable: str) -> str:
    return variable.lower().replace("_", "-")
