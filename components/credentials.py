"""What the application logs in with: a function that makes the database's roles and first values, and rotates them.

Its values pass through no deployment: it writes them into Secrets Manager, and servers read them there. Pulumi keeps no
version of a secret that rotates, because it would write the first value back after the second rotation. The function is
in components/files/functions/credentials, and costs nothing as long as nothing rotates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Placement
from components.shared.database_access import DatabaseAccess
from components.shared.functions import FunctionArgs, create_function
from components.shared.keys import StackContext

LIBRARIES = ("pg8000", "scramp", "asn1crypto", "python-dateutil", "six")
"""The driver of PostgreSQL and what it imports."""
SECONDS = 300
"""ElastiCache takes a minute for a new password, a replica as long as it lags."""
ROTATION = "cron(0 4 ? * SUN#2 *)"
"""Second Sunday of the month, 04:00 UTC: outside every maintenance window."""
ROTATION_DURATION = "2h"
DATABASE_USERS = ("fixrx_admin", "fixrx_rotator")
"""Roles that the function logs in as, with a token of IAM."""


@dataclass(frozen=True, kw_only=True)
class CredentialsArgs:
    stack: StackContext
    placement: Placement
    primary: DatabaseAccess
    replica: DatabaseAccess
    database_name: str
    version: str
    """Of PostgreSQL; during an upgrade another one than before and after it."""
    url_options: str
    """Query string of the connection URLs."""
    first_password: pulumi.Input[str]
    """Of the database's administrator, who needs it once."""
    cache_endpoint: pulumi.Input[str]
    cache_user_id: pulumi.Input[str]
    cache_user_arn: pulumi.Input[str]
    secret_arns: Mapping[str, pulumi.Output[str]]
    """Environment variable of the application to the secret, of those that rotate."""


class Credentials(pulumi.ComponentResource):
    """The function, its first call and the rotations."""

    bootstrap: aws.lambda_.Invocation
    """Over when every secret has a value."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: CredentialsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Credentials", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        role, function = self._create_function()
        self.bootstrap = self._bootstrap(function)
        self._rotate(role, function)
        self.alarms = [_alarm(function.name)]
        self.register_outputs({"function": function.name})

    def _create_function(self) -> tuple[aws.iam.Role, aws.lambda_.Function]:
        return create_function(
            self._name,
            FunctionArgs(
                stack=self._args.stack,
                package="credentials",
                description="Roles of the database, and rotation of what the API logs in with; docs/data.md",
                seconds=SECONDS,
                variables=self._variables(),
                statements=self._permissions(),
                libraries=LIBRARIES,
                placement=self._args.placement,
            ),
            self._child,
        )

    def _variables(self) -> Mapping[str, pulumi.Input[str]]:
        args = self._args
        return {
            "CREDENTIAL_ARNS": pulumi.Output.json_dumps(dict(args.secret_arns)),
            "DATABASE_ENDPOINT": args.primary.endpoint,
            "REPLICA_ENDPOINT": args.replica.endpoint,
            "DATABASE_NAME": args.database_name,
            "DATABASE_URL_OPTIONS": args.url_options,
            "CACHE_ENDPOINT": args.cache_endpoint,
            "CACHE_USER_ID": args.cache_user_id,
        }

    def _permissions(self) -> Sequence[iam.Statement]:
        args, identity = self._args, self._args.stack.identity
        return [
            iam.statement(
                "ReplaceValues",
                actions=iam.actions(
                    "secretsmanager", "DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage"
                ),
                resources=list(args.secret_arns.values()),
            ),
            iam.statement(
                "EncryptValues",
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[args.stack.keys.secrets],
                conditions=iam.through(identity.region, "secretsmanager"),
            ),
            iam.statement(
                "SetCachePasswords",
                actions=["elasticache:DescribeUsers", "elasticache:ModifyUser"],
                resources=[args.cache_user_arn],
            ),
            iam.log_in_statement("LogInToPrimary", identity, args.primary.resource_id, DATABASE_USERS),
        ]

    def _bootstrap(self, function: aws.lambda_.Function) -> aws.lambda_.Invocation:
        """Again when the function or the database is another one: every part of it may be repeated."""
        return aws.lambda_.Invocation(
            f"{self._name}-bootstrap",
            function_name=function.name,
            # Secret, as the password is.
            input=pulumi.Output.json_dumps({"bootstrap": {"password": self._args.first_password}}),
            triggers={
                "code": function.code_sha256,
                "database": self._args.primary.resource_id,
                # A database that is renamed stays itself, and the values have its old address.
                "endpoint": self._args.primary.endpoint,
                # What the roles need differs, and an upgrade leaves the database itself.
                "version": self._args.version,
            },
            lifecycle_scope="CREATE_ONLY",
            opts=self._child,
        )

    def _rotate(self, role: aws.iam.Role, function: aws.lambda_.Function) -> None:
        """After the replica is there, which is long after the primary: only rotations log in to it."""
        identity = self._args.stack.identity
        log_in = iam.log_in_statement("LogInToReplica", identity, self._args.replica.resource_id, DATABASE_USERS[1:])
        policy = iam.role_policy(f"{self._name}-replica", role, iam.document(log_in), self._child)
        permission = aws.lambda_.Permission(
            f"{self._name}-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="secretsmanager.amazonaws.com",
            source_account=identity.account_id,
            opts=self._child,
        )
        for variable, arn in self._args.secret_arns.items():
            aws.secretsmanager.SecretRotation(
                f"{self._name}-rotation-{variable.lower().replace('_', '-')}",
                secret_id=arn,
                rotation_lambda_arn=function.arn,
                # The first value is of today.
                rotate_immediately=False,
                rotation_rules={"schedule_expression": ROTATION, "duration": ROTATION_DURATION},
                # Secrets Manager tests the present value at once.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[permission, policy, self.bootstrap]),
            )


def _alarm(function_name: pulumi.Output[str]) -> AlarmSpecification:
    return AlarmSpecification(
        name="RotationFailed",
        summary="A step of a rotation failed; the present value stays valid",
        severity=Severity.P3,
        measure=Metric(
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions={"FunctionName": function_name},
            statistic="Sum",
        ),
        threshold=0,
        unit="errors",
        section=DashboardSection.JOBS,
        period_seconds=300,
        evaluation_periods=1,
    )
