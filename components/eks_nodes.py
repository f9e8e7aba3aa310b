"""The nodes of Kubernetes over all zones, and the add-ons without which no pod runs on them.

Their number is fixed, so that the pods of the guide's ten find room at once and after the loss of a zone; a larger peak
is a setting. Nodes are replaced one at a time when the version, the release of the AMI or the launch template changes,
and as long as the disruption budgets of the pods allow it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.kubernetes import KubernetesSettings
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Placement
from components.shared.instance_types import Architecture
from components.shared.keys import StackContext
from components.shared.kubernetes import Cluster
from components.shared.logs import mask_personal_data

AMI_TYPES: Mapping[Architecture, str] = {
    Architecture.ARM64: "AL2023_ARM_64_STANDARD",
    Architecture.X86_64: "AL2023_x86_64_STANDARD",
}
NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonSSMManagedInstanceCore",
)
"""AWS's own. Session Manager is the way to a node, and through it to the cluster's API."""
NETWORK_POLICY = "AmazonEKS_CNI_Policy"
OBSERVABILITY_POLICY = "CloudWatchAgentServerPolicy"

NETWORK, PROXY, IDENTITY = "vpc-cni", "kube-proxy", "eks-pod-identity-agent"
DNS, METRICS, OBSERVABILITY = "coredns", "metrics-server", "amazon-cloudwatch-observability"
FIRST = (NETWORK, PROXY, IDENTITY)
"""A node is not ready without them. The others are pods themselves and wait for a node."""
ADD_ONS: Mapping[str, Mapping[str, str]] = {
    "1.35": {
        NETWORK: "v1.22.1-eksbuild.2",
        PROXY: "v1.35.3-eksbuild.11",
        IDENTITY: "v1.3.10-eksbuild.3",
        DNS: "v1.14.3-eksbuild.2",
        METRICS: "v0.8.1-eksbuild.6",
        OBSERVABILITY: "v5.4.0-eksbuild.1",
    },
    "1.36": {
        NETWORK: "v1.22.4-eksbuild.3",
        PROXY: "v1.36.0-eksbuild.21",
        IDENTITY: "v1.3.10-eksbuild.3",
        DNS: "v1.14.3-eksbuild.16",
        METRICS: "v0.8.1-eksbuild.10",
        OBSERVABILITY: "v5.4.0-eksbuild.1",
    },
}
"""Version of Kubernetes to versions of the add-ons (`aws eks describe-addon-versions --kubernetes-version 1.36`)."""
LOG_RETENTION_DAYS = 30
"""As on servers: the guide's 30 rotations of a day each."""
LOGS = ("application", "dataplane", "host", "performance")
"""What the observability add-on writes, each into a log group of this name."""
FULL_PERCENT = 85


@dataclass(frozen=True, kw_only=True)
class EksNodesArgs:
    settings: KubernetesSettings
    stack: StackContext
    cluster: Cluster
    placement: Placement | None
    """None if the nodes are somebody else's."""


class EksNodes(pulumi.ComponentResource):
    """One group of nodes, and the add-ons of the cluster."""

    ready: Sequence[pulumi.Resource]
    """What a pod needs to run."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: EksNodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:EksNodes", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.ready = [] if args.placement is None else self._create(args.placement)
        self.alarms = [] if args.placement is None else _alarms(args.cluster, args.settings)
        self.register_outputs({"own": args.placement is not None})

    def _create(self, placement: Placement) -> Sequence[pulumi.Resource]:
        log_groups = self._create_log_groups()
        first = [self._create_add_on(add_on, []) for add_on in FIRST]
        group = self._create_group(placement, first)
        others = [add_on for add_on in ADD_ONS[self._args.cluster.version] if add_on not in FIRST]
        return [group, *(self._create_add_on(add_on, [group, *log_groups]) for add_on in others)]

    def _create_log_groups(self) -> Sequence[aws.cloudwatch.LogGroup]:
        """The add-on would make them without a key, and keep them for ever."""
        groups = {
            log: aws.cloudwatch.LogGroup(
                f"{self._name}-{log}-log-group",
                name=pulumi.Output.concat("/aws/containerinsights/", self._args.cluster.name, f"/{log}"),
                retention_in_days=LOG_RETENTION_DAYS,
                kms_key_id=self._args.stack.keys.logs,
                opts=self._child,
            )
            for log in LOGS
        }
        # What the API and nginx write.
        mask_personal_data(f"{self._name}-application", groups["application"], self._child)
        return list(groups.values())

    def _create_add_on(self, add_on: str, after: Sequence[pulumi.Resource]) -> aws.eks.Addon:
        args = self._args
        identities: Mapping[str, tuple[str, str]] = {
            NETWORK: ("aws-node", NETWORK_POLICY),
            OBSERVABILITY: ("cloudwatch-agent", OBSERVABILITY_POLICY),
        }
        configurations: Mapping[str, object] = {
            # Without it a NetworkPolicy is accepted, and nothing enforces it.
            NETWORK: {"enableNetworkPolicy": "true"},
        }
        associations: list[aws.eks.AddonPodIdentityAssociationArgsDict] = []
        if add_on in identities:
            service_account, policy = identities[add_on]
            associations.append(
                {"service_account": service_account, "role_arn": self._create_pod_role(add_on, policy).arn}
            )
        return aws.eks.Addon(
            f"{self._name}-{add_on}",
            cluster_name=args.cluster.name,
            addon_name=add_on,
            addon_version=ADD_ONS[args.cluster.version][add_on],
            configuration_values=json.dumps(configurations[add_on]) if add_on in configurations else None,
            pod_identity_associations=associations or None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )

    def _create_pod_role(self, add_on: str, policy: str) -> aws.iam.Role:
        args = self._args
        role = iam.pod_role(f"{self._name}-{add_on}", args.cluster.arn, args.stack.identity.account_id, self._child)
        aws.iam.RolePolicyAttachment(
            f"{self._name}-{add_on}-policy",
            role=role.name,
            policy_arn=f"arn:aws:iam::aws:policy/{policy}",
            opts=self._child,
        )
        return role

    def _create_group(self, placement: Placement, first: Sequence[aws.eks.Addon]) -> aws.eks.NodeGroup:
        args, settings = self._args, self._args.settings
        role = iam.service_role(self._name, "ec2.amazonaws.com", None, self._child)
        permitted = [
            aws.iam.RolePolicyAttachment(
                f"{self._name}-{policy.lower()}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self._child,
            )
            for policy in NODE_POLICIES
        ]
        # What was added by hand is removed by the next `pulumi up`.
        aws.iam.RolePoliciesExclusive(
            f"{self._name}-only-own-policies", role_name=role.name, policy_names=[], opts=self._child
        )
        aws.iam.RolePolicyAttachmentsExclusive(
            f"{self._name}-only-own-attachments",
            role_name=role.name,
            policy_arns=[attachment.policy_arn for attachment in permitted],
            opts=self._child,
        )
        template = self._create_launch_template(placement)
        return aws.eks.NodeGroup(
            f"{self._name}-group",
            cluster_name=args.cluster.name,
            version=args.cluster.version,
            release_version=settings.node_release,
            node_role_arn=role.arn,
            subnet_ids=placement.subnet_ids,
            ami_type=AMI_TYPES[settings.architecture],
            capacity_type="ON_DEMAND",
            instance_types=list(settings.node_instance_types),
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={"min_size": settings.nodes, "max_size": settings.nodes, "desired_size": settings.nodes},
            update_config={"max_unavailable": 1},
            node_repair_config={"enabled": True},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*permitted, *first, *placement.rules]),
        )

    def _create_launch_template(self, placement: Placement) -> aws.ec2.LaunchTemplate:
        """Without image, instance type and profile: EKS adds them."""
        identity = self._args.stack.identity
        return aws.ec2.LaunchTemplate(
            f"{self._name}-launch-template",
            vpc_security_group_ids=[placement.security_group_id],
            update_default_version=True,
            ebs_optimized="true",
            monitoring={"enabled": True},
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                # One hop: a pod cannot ask for the credentials of its node.
                "http_put_response_hop_limit": 1,
            },
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": self._args.settings.node_volume_gib,
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": identity.tags(f"{self._name}-node")}
                for kind in ("instance", "volume", "network-interface")
            ],
            opts=self._child,
        )


def _alarms(cluster: Cluster, settings: KubernetesSettings) -> Sequence[AlarmSpecification]:
    def of_cluster(metric_name: str, statistic: str) -> Metric:
        return Metric(
            namespace="ContainerInsights",
            metric_name=metric_name,
            dimensions={"ClusterName": cluster.name},
            statistic=statistic,
        )

    return [
        AlarmSpecification(
            name="NodeFailed",
            summary="A node of Kubernetes has not been ready for 15 minutes and was not repaired: there is less room "
            "for pods",
            severity=Severity.P3,
            measure=of_cluster("cluster_failed_node_count", "Minimum"),
            threshold=0,
            unit="nodes",
            section=DashboardSection.SERVICE,
            period_seconds=300,
            evaluation_periods=3,
        ),
        AlarmSpecification(
            name="NodesMissing",
            summary=f"Fewer than {settings.nodes} nodes of Kubernetes are there, or nothing reports them: after the "
            "loss of a zone not all pods may find room",
            severity=Severity.P2,
            measure=of_cluster("cluster_node_count", "Maximum"),
            comparison="LessThanThreshold",
            threshold=settings.nodes,
            unit="nodes",
            section=DashboardSection.SERVICE,
            period_seconds=300,
            evaluation_periods=3,
            treat_missing_data="breaching",
        ),
        AlarmSpecification(
            name="NodeDiskFull",
            summary=f"More than {FULL_PERCENT} % of the disk of the nodes of Kubernetes is in use: at full disks they "
            "stop pods and pull no image",
            severity=Severity.P3,
            measure=of_cluster("node_filesystem_utilization", "p90"),
            threshold=FULL_PERCENT,
            unit="%",
            section=DashboardSection.SERVICE,
            period_seconds=300,
            evaluation_periods=3,
        ),
    ]
