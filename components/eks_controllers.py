"""The two controllers in the cluster, as releases of their own Helm charts with pinned versions.

The AWS Load Balancer Controller puts pods into the target group of the stack's load balancer. External Secrets copies
values from Secrets Manager into the cluster, where etcd keeps them under the cluster's key; no value passes through
Pulumi. Each has an identity of its own through EKS Pod Identity and may do that alone. An existing cluster has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi_kubernetes.helm.v3 import Release

from components.shared import iam
from components.shared.connections import Placement
from components.shared.keys import StackContext
from components.shared.kubernetes import CONTROLLERS_NAMESPACE, Cluster

LOAD_BALANCER_CONTROLLER, EXTERNAL_SECRETS = "aws-load-balancer-controller", "external-secrets"
CHARTS: Mapping[str, tuple[str, str]] = {
    LOAD_BALANCER_CONTROLLER: ("https://aws.github.io/eks-charts", "3.5.0"),
    EXTERNAL_SECRETS: ("https://charts.external-secrets.io", "2.11.0"),
}
"""Chart to its repository and version."""
NAMESPACES: Mapping[str, str] = {
    LOAD_BALANCER_CONTROLLER: CONTROLLERS_NAMESPACE,
    EXTERNAL_SECRETS: "external-secrets",
}
LOOK_FOR_PODS = (
    *iam.actions(
        "ec2",
        "DescribeAvailabilityZones DescribeInstances DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets "
        "DescribeVpcs",
    ),
    *iam.actions("elasticloadbalancing", "DescribeTargetGroups DescribeTargetHealth"),
)
"""What AWS gives for the whole account only."""


@dataclass(frozen=True, kw_only=True)
class EksControllersArgs:
    stack: StackContext
    cluster: Cluster
    placement: Placement | None
    """None if the cluster, with its controllers, is somebody else's."""
    ready_first: Sequence[pulumi.Resource]
    """What a pod needs to run."""
    target_group_arn: pulumi.Input[str]
    secret_arns: Mapping[str, pulumi.Input[str]]


class EksControllers(pulumi.ComponentResource):
    """Both controllers."""

    ready: Sequence[pulumi.Resource]
    """What understands TargetGroupBinding and ExternalSecret."""

    def __init__(self, name: str, args: EksControllersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:EksControllers", name, None, args.cluster.options(opts))
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.ready = [] if args.placement is None else self._create(args.placement)
        self.register_outputs({"own": args.placement is not None})

    def _create(self, placement: Placement) -> Sequence[pulumi.Resource]:
        identity = self._args.stack.identity
        balancing = {
            "serviceAccount": {"create": True, "name": LOAD_BALANCER_CONTROLLER},
            "clusterName": self._args.cluster.name,
            # Nodes do not let pods ask for these.
            "region": identity.region,
            "vpcId": placement.vpc_id,
            "replicaCount": 2,
            "podDisruptionBudget": {"maxUnavailable": 1},
            # The stack has its load balancer and its web ACL; this one only registers pods.
            "createIngressClassResource": False,
            "enableServiceMutatorWebhook": False,
            "enableShield": False,
            "enableWaf": False,
            "enableWafv2": False,
        }
        secrets = {
            "serviceAccount": {"create": True, "name": EXTERNAL_SECRETS},
            "replicaCount": 2,
            "leaderElect": True,
            "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
            # A namespace reads what a store of its own is allowed to.
            "processClusterExternalSecret": False,
            "processClusterStore": False,
        }
        return [
            self._install(LOAD_BALANCER_CONTROLLER, self._register_pods(), balancing),
            self._install(EXTERNAL_SECRETS, self._read_secrets(), secrets),
        ]

    def _install(self, chart: str, statements: Sequence[iam.Statement], values: Mapping[str, object]) -> Release:
        args = self._args
        repository, version = CHARTS[chart]
        role = iam.pod_role(f"{self._name}-{chart}", args.cluster.arn, args.stack.identity.account_id, self._child)
        policy = iam.role_policy(f"{self._name}-{chart}", role, iam.document(*statements), self._child)
        association = aws.eks.PodIdentityAssociation(
            f"{self._name}-{chart}-identity",
            cluster_name=args.cluster.name,
            namespace=NAMESPACES[chart],
            service_account=chart,
            role_arn=role.arn,
            opts=self._child,
        )
        return Release(
            f"{self._name}-{chart}",
            name=chart,
            chart=chart,
            version=version,
            repository_opts={"repo": repository},
            namespace=NAMESPACES[chart],
            create_namespace=True,
            values=dict(values),
            # A release that does not get ready is taken back, so that the next attempt begins anew.
            atomic=True,
            # A pod gets its identity when it starts.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, association, *args.ready_first]),
        )

    def _register_pods(self) -> Sequence[iam.Statement]:
        return [
            iam.statement("LookForPods", actions=LOOK_FOR_PODS, resources=["*"]),
            iam.statement(
                "RegisterPods",
                actions=iam.actions("elasticloadbalancing", "DeregisterTargets RegisterTargets"),
                resources=[self._args.target_group_arn],
            ),
        ]

    def _read_secrets(self) -> Sequence[iam.Statement]:
        args = self._args
        return [
            iam.statement(
                "ReadOwnSecrets",
                actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                resources=[args.secret_arns[variable] for variable in sorted(args.secret_arns)],
            ),
            iam.statement(
                "DecryptOwnSecrets",
                actions=["kms:Decrypt"],
                resources=[args.stack.keys.secrets],
                conditions=iam.through(args.stack.identity.region, "secretsmanager"),
            ),
        ]
