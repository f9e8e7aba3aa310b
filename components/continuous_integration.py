"""How GitHub's workflows reach the account without a key: one role that previews, one that deploys.

A workflow presents a token in which GitHub signs the repository and the trigger, and receives credentials for an hour.
Neither role can change the roles here or the permissions boundary: an administrator does that from a terminal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.continuous_integration import GITHUB, ContinuousIntegrationSettings
from components.shared import iam
from components.shared.identity import GLOBAL_SERVICES_REGION, StackIdentity

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
"""Actions that show the platform's configuration, by service, and none of its data: no object, log or secret value."""

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
"""Further actions of a deployment, by service. Those on secrets and roles are granted separately and by resource."""
ROLE_SERVICES = ("ec2.amazonaws.com", "monitoring.rds.amazonaws.com", "vpc-flow-logs.amazonaws.com")


@dataclass(frozen=True, kw_only=True)
class ContinuousIntegrationArgs:
    settings: ContinuousIntegrationSettings
    identity: StackIdentity
    boundary_arn: pulumi.Input[str]
    """Boundary of the platform's roles: a deployment may create roles only with it."""


class ContinuousIntegration(pulumi.ComponentResource):
    """GitHub as an identity provider, and one role each for preview and deployment."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """By purpose, `preview` or `deploy`; empty without a repository. Workflows find them in the repository variables
    AWS_<PURPOSE>_ROLE_<STACK>."""

    def __init__(self, name: str, args: ContinuousIntegrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:ContinuousIntegration", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.role_arns = {}
        if args.settings.repository is not None:
            identity_provider_arn = self._find_or_create_identity_provider()
            # A pull request is code without review: it may read the platform's configuration and not its data.
            preview = self._create_role("preview", identity_provider_arn, "pull_request", self._preview_statements())
            trigger = f"environment:{args.identity.environment}"
            deploy = self._create_role("deploy", identity_provider_arn, trigger, self._deploy_statements())
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
        self, purpose: str, identity_provider_arn: pulumi.Input[str], trigger: str, statements: Sequence[iam.Statement]
    ) -> aws.iam.Role:
        """The policy is also the role's permissions boundary, so a policy attached later adds no permission."""
        identity = self._args.identity
        # Outside the path of the platform's roles, because a deployment may manage the roles in that path.
        path = f"/{identity.prefix}-continuous-integration/"
        policy = aws.iam.Policy(
            f"{self._name}-{purpose}-policy",
            path=path,
            description=f"{identity.prefix}: permissions of the workflow that runs the {purpose}",
            policy=iam.document(*statements),
            opts=self._child,
        )
        role = aws.iam.Role(
            f"{self._name}-{purpose}-role",
            path=path,
            max_session_duration=SESSION_SECONDS,
            permissions_boundary=policy.arn,
            assume_role_policy=self._trust(identity_provider_arn, trigger),
            opts=self._child,
        )
        aws.iam.RolePolicyAttachment(
            f"{self._name}-{purpose}-attachment", role=role.name, policy_arn=policy.arn, opts=self._child
        )
        return role

    def _trust(self, identity_provider_arn: pulumi.Input[str], trigger: str) -> pulumi.Output[str]:
        """Exact strings: a pattern could also match a fork or any branch."""
        subject = f"repo:{self._args.settings.repository}:{trigger}"
        trust: iam.Statement = {
            "Sid": "WorkflowMayAssume",
            "Effect": "Allow",
            "Principal": {"Federated": identity_provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{GITHUB}:aud": AUDIENCE, f"{GITHUB}:sub": subject}},
        }
        return iam.document(trust)

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
        """Restrict the actions to resources of this account and to the regions of this stack."""
        identity = self._args.identity
        return iam.statement(
            sid,
            actions=[action for service, several in actions.items() for action in iam.actions(service, several)],
            resources=["*"],
            conditions={
                "StringEqualsIfExists": {"aws:ResourceAccount": identity.account_id},
                # Requests to Route 53 count as made in this region.
                "StringEquals": {"aws:RequestedRegion": sorted({identity.region, GLOBAL_SERVICES_REGION})},
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
            context = {"kms:EncryptionContext:stack": self._args.identity.environment}
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
        identity = self._args.identity
        scope = f"{identity.region}:{identity.account_id}"
        return [
            iam.statement(
                "ManageSecrets",
                actions=iam.actions("secretsmanager", "CreateSecret Delete* Get* Put* Restore* Tag* Untag* Update*"),
                resources=[f"arn:aws:secretsmanager:{scope}:secret:{identity.project}/{identity.environment}/*"],
            ),
            iam.statement(
                "EncryptSecrets",
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=[f"arn:aws:kms:{scope}:key/*"],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{identity.region}.amazonaws.com"}},
            ),
        ]

    def _read_identities(self) -> iam.Statement:
        account = f"arn:aws:iam::{self._args.identity.account_id}"
        return iam.statement(
            "ReadIdentities",
            actions=["iam:Get*", "iam:List*"],
            resources=[f"{account}:{kind}/*" for kind in ("instance-profile", "oidc-provider", "policy", "role")],
        )

    def _manage_roles(self) -> Sequence[iam.Statement]:
        account = f"arn:aws:iam::{self._args.identity.account_id}"
        path = iam.role_path(self._args.identity)
        roles, profiles = f"{account}:role{path}*", f"{account}:instance-profile{path}*"
        return [
            # Only with the boundary: a role created by a deployment can never do more than the platform's roles.
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
                "PassRolesToServices",
                actions=["iam:PassRole"],
                resources=[roles],
                conditions={"StringEquals": {"iam:PassedToService": list(ROLE_SERVICES)}},
            ),
            iam.statement(
                "CreateServiceLinkedRoles",
                actions=["iam:CreateServiceLinkedRole"],
                resources=[f"{account}:role/aws-service-role/*"],
            ),
        ]
