"""How GitHub's workflows reach the account without a key: one role each to preview, deploy, look for images, upload
releases, publish static files.

A workflow presents a token in which GitHub signs the repository and the trigger, and receives credentials for an hour.
No role can change the roles here or the permissions boundary: an administrator does that from a terminal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.continuous_integration import GITHUB, ContinuousIntegrationSettings
from components.shared import iam
from components.shared import kubernetes_permissions as kubernetes
from components.shared import workflow_permissions as permissions
from components.shared.identity import StackIdentity
from components.shared.workflow_permissions import WorkflowScope

AUDIENCE = "sts.amazonaws.com"
SESSION_SECONDS = 3600
DEPLOY_SESSION_SECONDS = 4 * 3600
"""A deployment waits for its migration and for every server, one after another. The workflow asks for as long."""


@dataclass(frozen=True, kw_only=True)
class ContinuousIntegrationArgs:
    settings: ContinuousIntegrationSettings
    identity: StackIdentity
    zone: str
    """Domain of the hosted zone."""
    api_domain: str
    """Domain of the API, whose certificate and records a deployment may change."""
    cdn_domain: str
    """Domain of the static files, likewise."""
    boundary_arns: Sequence[pulumi.Input[str]]
    """Boundary of the platform's roles: a deployment may create roles only with it."""
    has_pods: bool = False
    """Whether a deployment makes a cluster of Kubernetes, or what pods need in somebody else's."""


class ContinuousIntegration(pulumi.ComponentResource):
    """GitHub as an identity provider, and one role for each purpose of a workflow."""

    role_arns: Mapping[str, pulumi.Output[str]]
    """By purpose, `preview`, `deploy`, `image`, `release` or `assets`; empty without a repository. Workflows find them
    in the repository variables AWS_<PURPOSE>_ROLE_<STACK>."""

    def __init__(self, name: str, args: ContinuousIntegrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:ContinuousIntegration", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._scope = WorkflowScope(
            identity=args.identity,
            zone=args.zone,
            api_domain=args.api_domain,
            cdn_domain=args.cdn_domain,
            boundary_arns=args.boundary_arns,
            has_pods=args.has_pods,
        )
        # Outside the path of the platform's roles, because a deployment may manage the roles in that path.
        self._path = f"/{args.identity.prefix}-continuous-integration/"
        self._deploy_role: aws.iam.Role | None = None
        self.role_arns = {}
        if args.settings.repository is not None:
            identity_provider_arn = self._find_or_create_identity_provider()
            # A pull request is code without review: it may read the platform's configuration and not its data.
            preview = self._create_preview_role(identity_provider_arn)
            self._deploy_role = self._create_deploy_role(identity_provider_arn)
            image = self._create_image_role(identity_provider_arn)
            self.role_arns = {"preview": preview.arn, "deploy": self._deploy_role.arn, "image": image.arn}
            # Adds releases, and can neither read nor replace nor delete one.
            releases = permissions.release_statements(self._scope)
            assets = permissions.assets_statements(self._scope)
            for purpose, repository, does, statements in (
                ("release", args.settings.backend_repository, "uploads releases", releases),
                ("assets", args.settings.web_repository, "publishes static files", assets),
            ):
                if repository is not None:
                    role = self._create_publisher_role(purpose, identity_provider_arn, repository, does, statements)
                    self.role_arns = {**self.role_arns, purpose: role.arn}
        self.register_outputs({"role_arns": dict(self.role_arns)})

    def manage_zone(self, zone_id: pulumi.Input[str], health_check_id: pulumi.Input[str]) -> None:
        """Let deployments change the hosted zone itself and the health check, which only their ids tell from others."""
        if self._deploy_role is not None:
            statements = permissions.zone_statements(zone_id, health_check_id)
            self._attach("deploy-zone", "the hosted zone", statements, self._deploy_role)

    def _find_or_create_identity_provider(self) -> pulumi.Input[str]:
        if self._args.settings.identity_provider_arn is not None:
            return self._args.settings.identity_provider_arn
        provider = aws.iam.OpenIdConnectProvider(
            f"{self._name}-github", url=f"https://{GITHUB}", client_id_lists=[AUDIENCE], opts=self._child
        )
        arn: pulumi.Output[str] = provider.arn
        return arn

    def _create_preview_role(self, identity_provider_arn: pulumi.Input[str]) -> aws.iam.Role:
        """The policy is also the role's permissions boundary, so a policy attached later adds no permission."""
        statements = [
            *permissions.read_statements(self._scope, self._path),
            *(kubernetes.deployment_reads(self._args.identity) if self._args.has_pods else []),
            *self._use_state(["s3:GetObject"], ["kms:Decrypt"]),
        ]
        policy = self._create_policy("preview-policy", "permissions of the workflow that runs the preview", statements)
        # A deployment is planned on main with it, before its approval.
        subjects = self._subjects("pull_request", "ref:refs/heads/main")
        role = self._create_role("preview", identity_provider_arn, subjects, policy)
        self._attach_policy("preview", policy, role)
        return role

    def _create_deploy_role(self, identity_provider_arn: pulumi.Input[str]) -> aws.iam.Role:
        """Several policies, since IAM limits the length of one, and a boundary of its own that bounds them all."""
        scope = self._scope
        state = self._use_state(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], ["kms:Decrypt", "kms:Encrypt"])
        boundary = self._create_policy(
            "deploy-boundary",
            "the most that the workflow that runs the deploy may do",
            permissions.boundary_statements(scope, state),
        )
        subjects = self._subjects(f"environment:{self._args.identity.environment}")
        role = self._create_role("deploy", identity_provider_arn, subjects, boundary, DEPLOY_SESSION_SECONDS)
        policy = self._create_policy(
            "deploy-policy",
            "permissions of the workflow that runs the deploy",
            [*permissions.read_statements(scope, self._path), *state],
        )
        self._attach_policy("deploy", policy, role)
        self._attach(
            "deploy-identities",
            "roles and backups",
            [*permissions.identity_statements(scope), *permissions.backup_statements(scope)],
            role,
        )
        self._attach("deploy-tags", "tags", permissions.tag_statements(scope), role)
        self._attach("deploy-network", "network", permissions.network_statements(scope), role)
        self._attach("deploy-edge", "load balancer, DNS and servers", permissions.edge_statements(scope), role)
        self._attach(
            "deploy-rollout",
            "releases and CDN",
            [*permissions.rollout_statements(scope), *permissions.cdn_statements(scope)],
            role,
        )
        self._attach("deploy-data", "databases", permissions.data_statements(scope), role)
        self._attach("deploy-storage", "buckets, keys, logs", permissions.storage_statements(scope), role)
        self._attach("deploy-operations", "alarms and messages", permissions.operations_statements(scope), role)
        if self._args.has_pods:
            # Not attached: a role has ten attached policies at most.
            boundary_arns = self._args.boundary_arns
            statements = [
                *kubernetes.deployment_reads(scope.identity),
                *kubernetes.deployment_writes(scope.identity, boundary_arns),
            ]
            iam.role_policy(f"{self._name}-deploy-kubernetes", role, iam.document(*statements), self._child)
        return role

    def _create_image_role(self, identity_provider_arn: pulumi.Input[str]) -> aws.iam.Role:
        """Reads what AWS publishes for everybody, for the weekly workflow of the main branch."""
        statements = permissions.image_statements(self._scope)
        policy = self._create_policy("image-policy", "permissions of the workflow that looks for images", statements)
        role = self._create_role("image", identity_provider_arn, self._subjects("ref:refs/heads/main"), policy)
        self._attach_policy("image", policy, role)
        return role

    def _create_publisher_role(
        self,
        purpose: str,
        identity_provider_arn: pulumi.Input[str],
        repository: str,
        does: str,
        statements: Sequence[iam.Statement],
    ) -> aws.iam.Role:
        """A role of another repository, for its environment of the purpose's name. Its policy is all it may ever do."""
        policy = self._create_policy(f"{purpose}-policy", f"permissions of the workflow that {does}", statements)
        subjects = [f"repo:{repository}:environment:{purpose}"]
        role = self._create_role(purpose, identity_provider_arn, subjects, policy)
        self._attach_policy(purpose, policy, role)
        return role

    def _create_role(
        self,
        purpose: str,
        identity_provider_arn: pulumi.Input[str],
        subjects: Sequence[str],
        boundary: aws.iam.Policy,
        session_seconds: int = SESSION_SECONDS,
    ) -> aws.iam.Role:
        return aws.iam.Role(
            f"{self._name}-{purpose}-role",
            path=self._path,
            max_session_duration=session_seconds,
            permissions_boundary=boundary.arn,
            assume_role_policy=self._trust(identity_provider_arn, subjects),
            opts=self._child,
        )

    def _attach(self, name: str, subject: str, statements: Sequence[iam.Statement], role: aws.iam.Role) -> None:
        description = f"permissions of the workflow that runs the deploy: {subject}"
        self._attach_policy(name, self._create_policy(f"{name}-policy", description, statements), role)

    def _create_policy(self, name: str, description: str, statements: Sequence[iam.Statement]) -> aws.iam.Policy:
        return aws.iam.Policy(
            f"{self._name}-{name}",
            path=self._path,
            description=f"{self._args.identity.prefix}: {description}",
            policy=iam.document(*statements),
            opts=self._child,
        )

    def _attach_policy(self, name: str, policy: aws.iam.Policy, role: aws.iam.Role) -> None:
        aws.iam.RolePolicyAttachment(
            f"{self._name}-{name}-attachment", role=role.name, policy_arn=policy.arn, opts=self._child
        )

    def _subjects(self, *occasions: str) -> Sequence[str]:
        """What GitHub calls the workflows of the platform's own repository on these occasions."""
        return [f"repo:{self._args.settings.repository}:{occasion}" for occasion in occasions]

    def _trust(self, identity_provider_arn: pulumi.Input[str], subjects: Sequence[str]) -> pulumi.Output[str]:
        """Exact strings: a pattern could also match a fork or any branch."""
        trust: iam.Statement = {
            "Sid": "WorkflowMayAssume",
            "Effect": "Allow",
            "Principal": {"Federated": identity_provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{GITHUB}:aud": AUDIENCE, f"{GITHUB}:sub": subjects}},
        }
        return iam.document(trust)

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
