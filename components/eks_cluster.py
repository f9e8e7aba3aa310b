"""The control plane of Kubernetes: private, its secrets under a key of their own, all of its logs kept.

Its API has no public address: who deploys is in the VPC, or goes through a node with Session Manager
(docs/kubernetes.md). Access comes from access entries alone; who creates the cluster gets none by that. It costs 0.10
USD an hour, and 0.60 USD after the end of standard support: instead of that AWS raises its version then. Where a stack
names an existing cluster, nothing is made here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.sections.kubernetes import ExistingCluster, KubernetesSettings
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Placement
from components.shared.keys import StackContext, create_key
from components.shared.kubernetes import Cluster
from components.shared.only_grows import OnlyGrows, inputs_of, refuse_lower

CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
CLUSTER_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
ACCESS_POLICIES = "arn:aws:eks::aws:cluster-access-policy"
METRICS_NAMESPACE = "AWS/EKS"
"""What EKS reports of every control plane, without charge."""
UNSCHEDULABLE_MINUTES = 10


@dataclass(frozen=True, kw_only=True)
class EksClusterArgs:
    settings: KubernetesSettings
    stack: StackContext
    placement: Placement | None
    """None if the cluster is somebody else's."""
    workflow_role_arns: Mapping[str, pulumi.Input[str]]
    """Of the workflows that preview and deploy, by these names; empty without a repository."""


class EksCluster(pulumi.ComponentResource):
    """The cluster and who may administer it, or the way to an existing one."""

    cluster: Cluster
    alarms: tuple[AlarmSpecification, ...]

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        grows = what_only_grows(args.settings)
        super().__init__("fixrx:components:EksCluster", name, dict(inputs_of(grows)), refuse_lower(name, grows, opts))
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.cluster = (
            self._find(args.settings.existing_cluster) if args.placement is None else self._create(args.placement)
        )
        self.alarms = _alarms(self.cluster)
        self.register_outputs({"name": self.cluster.name})

    def _find(self, existing: ExistingCluster) -> Cluster:
        arn = f"arn:aws:eks:{self._args.stack.identity.arn_scope}:cluster/{existing.name}"
        return Cluster(
            name=existing.name or "",
            arn=arn,
            version=self._args.settings.version,
            provider=self._connect(existing.name, arn, existing.endpoint, existing.certificate_authority),
        )

    def _create(self, placement: Placement) -> Cluster:
        identity = self._args.stack.identity
        cluster_name = identity.physical_name("aws:eks/cluster:Cluster", identity.prefix)
        cluster = self._create_cluster(cluster_name, placement)
        admitted = self._admit(cluster)
        return Cluster(
            name=cluster.name,
            arn=cluster.arn,
            version=self._args.settings.version,
            provider=self._connect(
                cluster.name, cluster.arn, cluster.endpoint, cluster.certificate_authority.data, admitted
            ),
        )

    def _create_cluster(self, cluster_name: str, placement: Placement) -> aws.eks.Cluster:
        args, settings, identity = self._args, self._args.settings, self._args.stack.identity
        protected = pulumi.ResourceOptions(parent=self, protect=settings.deletion_protection)
        key = create_key(
            self._name, f"{identity.prefix}: secrets of Kubernetes", identity.account_id, grants=[], options=protected
        )
        role = iam.service_role(self._name, "eks.amazonaws.com", identity.account_id, self._child)
        permitted = aws.iam.RolePolicyAttachment(
            f"{self._name}-policy", role=role.name, policy_arn=CLUSTER_POLICY, opts=self._child
        )
        # EKS would make it without a key and keep it for ever.
        log_group = aws.cloudwatch.LogGroup(
            f"{self._name}-log-group",
            name=identity.physical_name("aws:cloudwatch/logGroup:LogGroup", f"/aws/eks/{cluster_name}/cluster"),
            retention_in_days=settings.log_retention_days,
            kms_key_id=args.stack.keys.logs,
            opts=self._child,
        )
        return aws.eks.Cluster(
            f"{self._name}-control-plane",
            name=cluster_name,
            version=settings.version,
            role_arn=role.arn,
            vpc_config={
                "subnet_ids": placement.subnet_ids,
                "security_group_ids": [placement.security_group_id],
                "endpoint_private_access": True,
                "endpoint_public_access": False,
            },
            access_config={
                "authentication_mode": "API",
                "bootstrap_cluster_creator_admin_permissions": False,
            },
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(CONTROL_PLANE_LOGS),
            # EKS's own copies of the add-ons have no pinned version.
            bootstrap_self_managed_addons=False,
            upgrade_policy={"support_type": "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=settings.deletion_protection,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=settings.deletion_protection,
                depends_on=[permitted, log_group, *placement.rules],
            ),
        )

    def _admit(self, cluster: aws.eks.Cluster) -> list[pulumi.Resource]:
        """Let workflows and named administrators in. A preview reads, and no secrets."""
        roles = self._args.workflow_role_arns
        administrators: dict[str, pulumi.Input[str]] = {
            f"administrator-{number}": arn for number, arn in enumerate(self._args.settings.administrator_role_arns)
        }
        if "deploy" in roles:
            administrators["deploy"] = roles["deploy"]
        viewers = {"preview": roles["preview"]} if "preview" in roles else {}
        return [
            entry
            for policy, principals in (
                ("AmazonEKSClusterAdminPolicy", administrators),
                ("AmazonEKSViewPolicy", viewers),
            )
            for who, arn in principals.items()
            for entry in self._admit_role(cluster, who, arn, policy)
        ]

    def _admit_role(
        self, cluster: aws.eks.Cluster, who: str, arn: pulumi.Input[str], policy: str
    ) -> list[pulumi.Resource]:
        entry = aws.eks.AccessEntry(
            f"{self._name}-{who}-entry", cluster_name=cluster.name, principal_arn=arn, opts=self._child
        )
        association = aws.eks.AccessPolicyAssociation(
            f"{self._name}-{who}-access",
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"{ACCESS_POLICIES}/{policy}",
            access_scope={"type": "cluster"},
            opts=self._child,
        )
        return [entry, association]

    def _connect(
        self,
        name: pulumi.Input[str] | None,
        arn: pulumi.Input[str],
        endpoint: pulumi.Input[str] | None,
        certificate_authority: pulumi.Input[str] | None,
        after: list[pulumi.Resource] | None = None,
    ) -> kubernetes.Provider:
        """The token comes from `aws`, as whoever runs `pulumi up`; the configuration holds no secret."""
        token = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": ["eks", "get-token", "--cluster-name", name, "--region", self._args.stack.identity.region],
        }
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fixrx",
            "contexts": [{"name": "fixrx", "context": {"cluster": "fixrx", "user": "fixrx"}}],
            "clusters": [
                {
                    "name": "fixrx",
                    "cluster": {"server": endpoint, "certificate-authority-data": certificate_authority},
                }
            ],
            "users": [{"name": "fixrx", "user": {"exec": token}}],
        }
        return kubernetes.Provider(
            f"{self._name}-provider",
            kubeconfig=pulumi.Output.json_dumps(kubeconfig),
            # Another way to the same cluster must not replace all that is in it.
            cluster_identifier=arn,
            # A field that somebody has changed by hand is set back, instead of ending the deployment.
            enable_patch_force=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )


def what_only_grows(settings: KubernetesSettings) -> Mapping[str, OnlyGrows]:
    """Return the values that cannot be lowered; an existing cluster has a version of its own."""
    if settings.existing_cluster.name is not None:
        return {}
    return {
        "version": OnlyGrows(
            key="kubernetes.version",
            value=settings.version,
            because="EKS never lowers the version of a cluster; set it back, and see docs/upgrades.md#kubernetes",
        )
    }


def _alarms(cluster: Cluster) -> tuple[AlarmSpecification, ...]:
    return (
        AlarmSpecification(
            name="PodsCannotBeScheduled",
            summary=f"For {UNSCHEDULABLE_MINUTES} minutes there has been a pod that no node has room for: a rollout or "
            "the autoscaler waits for it",
            severity=Severity.P2,
            measure=Metric(
                namespace=METRICS_NAMESPACE,
                metric_name="scheduler_pending_pods_UNSCHEDULABLE",
                dimensions={"ClusterName": cluster.name},
                statistic="Minimum",
            ),
            threshold=0,
            unit="pods",
            section=DashboardSection.SERVICE,
            period_seconds=60,
            evaluation_periods=UNSCHEDULABLE_MINUTES,
        ),
    )
