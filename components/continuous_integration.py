"""How GitHub's workflows reach the account without a key: one role that previews, one that deploys.

A workflow shows a token in which GitHub signs repository and occasion, and gets credentials for an hour. Neither role
can change the roles here or the permissions boundary: that is an administrator's, from a terminal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import StringConstraints

from components import iam
from components.dns import QUERY_LOG_REGION
from components.naming import Label
from components.permissions_boundary import role_path
from components.section import Section

GITHUB = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
SESSION_SECONDS = 3600

READ_ACTIONS: Mapping[str, str] = {
    "acm": "Describe* Get* List*",
    "autoscaling": "Describe*",
    "cloudwatch": "Describe* Get* List*",
    "ec2": "Describe*",
    "elasticache": "Describe* List*",
    "elasticloadbalancing": "Describe*",
    "kms": "Describe* GetKeyPolicy GetKeyRotationStatus List*",
    "logs": "Describe* List*",
    "rds": "Describe* List*",
    "route53": "Get* List*",
    "s3": "GetAccelerateConfiguration GetBucket* GetEncryptionConfiguration GetLifecycleConfiguration "
    "GetReplicationConfiguration List*",
    "secretsmanager": "Describe* GetResourcePolicy List*",
    "sns": "Get* List*",
    "ssm": "Describe* GetDocument List*",
    "wafv2": "Get* List*",
}
"""What shows how the platform is built, by service, and nothing of its data: no object, no log, no secret's value."""

WRITE_ACTIONS: Mapping[str, str] = {
    "acm": "AddTags* Delete* RemoveTags* Request* Update*",
    "autoscaling": "Attach* Cancel* Create* Delete* Detach* Disable* Enable* Put* Resume* Set* Start* Suspend* Update*",
    "cloudwatch": "Delete* Put* Tag* Untag*",
    "ec2": "Allocate* Assign* Associate* Attach* Authorize* Create* Delete* Detach* Disassociate* Get* Modify* "
    "Release* Replace* Revoke* RunInstances Unassign* Update*",
    "elasticache": "AddTags* Create* Decrease* Delete* Increase* Modify* RemoveTags*",
    "elasticloadbalancing": "Add* Create* Delete* Modify* Remove* Set*",
    "kms": "CreateAlias CreateGrant CreateKey DeleteAlias EnableKeyRotation PutKeyPolicy ScheduleKeyDeletion Tag* "
    "Untag* UpdateAlias UpdateKeyDescription",
    "logs": "Associate* Create* Delete* Disassociate* Put* Tag* Untag*",
    "rds": "Add* Create* Delete* Modify* Promote* Reboot* Remove* Reset*",
    "route53": "Change* Create* Delete* Update*",
    "s3": "CreateBucket DeleteBucket* PutBucket* PutEncryptionConfiguration PutLifecycleConfiguration TagResource "
    "UntagResource",
    "sns": "Create* Delete* Set* Subscribe Tag* Unsubscribe Untag*",
    "ssm": "AddTags* Create* Delete* Modify* RemoveTags* Update*",
    "wafv2": "Associate* Create* Delete* Disassociate* Put* Tag* Untag* Update*",
}
"""What a deployment calls besides, by service. Secrets and roles are not among it: they are named one by one."""
ROLE_SERVICES = ("ec2.amazonaws.com", "monitoring.rds.amazonaws.com", "vpc-flow-logs.amazonaws.com")


class ContinuousIntegrationSettings(Section):
    """Section `fixrx:continuous_integration`."""

    repository: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]+(@\d+)?/[A-Za-z0-9._-]+(@\d+)?$")] | None = (
        None
    )
    """GitHub repository whose workflows preview and deploy this stack; without it there are no roles. Written as
    GitHub writes it into its tokens: `owner/name`, and `owner@id/name@id` for one created since July 2026."""
    identity_provider_arn: (
        Annotated[str, StringConstraints(pattern=rf"^arn:aws:iam::\d{{12}}:oidc-provider/{GITHUB}$")] | None
    ) = None
    """Adopt GitHub's identity provider if the account has it already: there can only be one."""
    state_bucket: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    """S3 bucket in which Pulumi keeps the stack's state, if it is in one."""
    state_key_arn: (
        Annotated[str, StringConstraints(pattern=r"^arn:aws:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")] | None
    ) = None
    """KMS key that encrypts the secrets in the state, for the encryption context `stack=<environment>` only: the stack
    has to be created with `--secrets-provider "awskms://<key id>?region=<region>&context_stack=<environment>"`."""


@dataclass(frozen=True, kw_only=True)
class ContinuousIntegrationArgs:
    settings: ContinuousIntegrationSettings
    label: Label
    boundary_arn: pulumi.Input[str]
    """Of the platform's roles, which a deployment may make."""


class ContinuousIntegration(pulumi.ComponentResource):
    """GitHub as an identity provider, and a role for each thing that its workflows do."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """By what a workflow does, `preview` or `deploy`: for the repository variables AWS_<WHAT>_ROLE_<STACK>."""

    def __init__(self, name: str, args: ContinuousIntegrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:ContinuousIntegration", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.role_arns = {}
        if args.settings.repository is not None:
            identity_provider_arn = self._find_or_create_identity_provider()
            # A pull request is code that nobody has reviewed yet: it may look at the platform and not at its data.
            preview = self._create_role("preview", identity_provider_arn, "pull_request", self._preview_statements())
            occasion = f"environment:{args.label.environment}"
            deploy = self._create_role("deploy", identity_provider_arn, occasion, self._deploy_statements())
            self.role_arns = {"preview": preview.arn, "deploy": deploy.arn}
        self.register_outputs({"role_arns": dict(self.role_arns)})

    def _find_or_create_identity_provider(self) -> pulumi.Input[str]:
        if self._args.settings.identity_provider_arn is not None:
            return self._args.settings.identity_provider_arn
        provider = aws.iam.OpenIdConnectProvider(
            f"{self._name}-github", url=f"https://{GITHUB}", client_id_lists=[AUDIENCE], opts=self._child
        )
        arn: pulumi.Output[str] = provider.arn
        return arn

    def _create_role(
        self, purpose: str, identity_provider_arn: pulumi.Input[str], occasion: str, statements: Sequence[iam.Statement]
    ) -> aws.iam.Role:
        """The one policy is what the role may do and its boundary as well: nothing attached later adds to it."""
        label = self._args.label
        # Beside the path of the platform's roles, which a deployment may manage.
        path = f"/{label.prefix}-continuous-integration/"
        policy = aws.iam.Policy(
            f"{self._name}-{purpose}-policy",
            path=path,
            description=f"{label.prefix}: what the workflow may do that runs the {purpose}",
            policy=iam.document(*statements),
            opts=self._child,
        )
        role = aws.iam.Role(
            f"{self._name}-{purpose}-role",
            path=path,
            max_session_duration=SESSION_SECONDS,
            permissions_boundary=policy.arn,
            assume_role_policy=self._trust(identity_provider_arn, occasion),
            opts=self._child,
        )
        aws.iam.RolePolicyAttachment(
            f"{self._name}-{purpose}-attachment", role=role.name, policy_arn=policy.arn, opts=self._child
        )
        return role

    def _trust(self, identity_provider_arn: pulumi.Input[str], occasion: str) -> pulumi.Output[str]:
        """Whole strings: with a pattern in their place, a fork or a branch of anybody's making would fit as well."""
        subject = f"repo:{self._args.settings.repository}:{occasion}"
        trust = {
            "Sid": "WorkflowMayAssume",
            "Effect": "Allow",
            "Principal": {"Federated": identity_provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{GITHUB}:aud": AUDIENCE, f"{GITHUB}:sub": subject}},
        }
        return pulumi.Output.json_dumps({"Version": iam.POLICY_VERSION, "Statement": [trust]})

    def _preview_statements(self) -> Sequence[iam.Statement]:
        return [
            self._in_own_account("ReadThePlatform", READ_ACTIONS),
            self._read_identities(),
            *self._use_state(["s3:GetObject"], ["kms:Decrypt"]),
        ]

    def _deploy_statements(self) -> Sequence[iam.Statement]:
        return [
            self._in_own_account("ReadThePlatform", READ_ACTIONS),
            self._in_own_account("ManageThePlatform", WRITE_ACTIONS),
            *self._manage_secrets(),
            self._read_identities(),
            *self._manage_roles(),
            *self._use_state(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], ["kms:Decrypt", "kms:Encrypt"]),
        ]

    def _in_own_account(self, sid: str, actions: Mapping[str, str]) -> iam.Statement:
        """Neither from, nor on, another account or region."""
        label = self._args.label
        return iam.statement(
            sid,
            actions=[action for service, several in actions.items() for action in iam.actions(service, several)],
            resources=["*"],
            conditions={
                "StringEqualsIfExists": {"aws:ResourceAccount": label.account_id},
                # Route 53 itself counts as called in the region of its query log.
                "StringEquals": {"aws:RequestedRegion": sorted({label.region, QUERY_LOG_REGION})},
            },
        )

    def _use_state(self, object_actions: Sequence[str], key_actions: Sequence[str]) -> Sequence[iam.Statement]:
        settings = self._args.settings
        statements = []
        if settings.state_bucket is not None:
            bucket = f"arn:aws:s3:::{settings.state_bucket}"
            statements.append(
                iam.statement(
                    "UseState", actions=[*object_actions, "s3:ListBucket"], resources=[bucket, f"{bucket}/.pulumi/*"]
                )
            )
        if settings.state_key_arn is not None:
            context = {"kms:EncryptionContext:stack": self._args.label.environment}
            statements.append(
                iam.statement(
                    "UseSecretsOfState",
                    actions=key_actions,
                    resources=[settings.state_key_arn],
                    conditions={"StringEquals": context},
                )
            )
        return statements

    def _manage_secrets(self) -> Sequence[iam.Statement]:
        label = self._args.label
        place = f"{label.region}:{label.account_id}"
        return [
            iam.statement(
                "ManageSecrets",
                actions=iam.actions("secretsmanager", "CreateSecret Delete* Get* Put* Restore* Tag* Untag* Update*"),
                resources=[f"arn:aws:secretsmanager:{place}:secret:{label.project}/{label.environment}/*"],
            ),
            iam.statement(
                "EncryptSecrets",
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=[f"arn:aws:kms:{place}:key/*"],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{label.region}.amazonaws.com"}},
            ),
        ]

    def _read_identities(self) -> iam.Statement:
        account = f"arn:aws:iam::{self._args.label.account_id}"
        return iam.statement(
            "ReadIdentities",
            actions=["iam:Get*", "iam:List*"],
            resources=[f"{account}:{kind}/*" for kind in ("instance-profile", "oidc-provider", "policy", "role")],
        )

    def _manage_roles(self) -> Sequence[iam.Statement]:
        account = f"arn:aws:iam::{self._args.label.account_id}"
        path = role_path(self._args.label)
        roles, profiles = f"{account}:role{path}*", f"{account}:instance-profile{path}*"
        return [
            # Only inside the boundary: a role made by a deployment can never do more than the platform's roles.
            iam.statement(
                "ManageBoundRoles",
                actions=iam.actions(
                    "iam",
                    "AttachRolePolicy CreateRole DeleteRolePolicy DetachRolePolicy PutRolePermissionsBoundary "
                    "PutRolePolicy",
                ),
                resources=[roles],
                conditions={"StringEquals": {"iam:PermissionsBoundary": self._args.boundary_arn}},
            ),
            iam.statement(
                "ManageRoles",
                actions=iam.actions(
                    "iam",
                    "AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile DeleteRole "
                    "RemoveRoleFromInstanceProfile TagInstanceProfile TagRole UntagInstanceProfile UntagRole "
                    "UpdateAssumeRolePolicy UpdateRole",
                ),
                resources=[roles, profiles],
            ),
            iam.statement(
                "GiveRolesToServices",
                actions=["iam:PassRole"],
                resources=[roles],
                conditions={"StringEquals": {"iam:PassedToService": list(ROLE_SERVICES)}},
            ),
            iam.statement(
                "LetServicesHaveTheirRoles",
                actions=["iam:CreateServiceLinkedRole"],
                resources=[f"{account}:role/aws-service-role/*"],
            ),
        ]
