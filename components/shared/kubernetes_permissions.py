"""What Kubernetes needs in the account: the most that its roles may do, and what a deployment does to make it.

Its roles have a boundary apart from the platform's, because the network plugin attaches network interfaces and the load
balancer's controller registers targets, which no other part may. What it lists is what AWS's own policies of EKS need
here: AmazonEKSClusterPolicy allows far more, for load balancers and volumes that EKS makes.
"""

from collections.abc import Mapping, Sequence

import pulumi

from components.shared import iam
from components.shared.database_access import MIGRATION_USER
from components.shared.identity import StackIdentity

ROLES_PREFIX = "eks-"
"""Logical names of the roles of Kubernetes begin with it."""
DESCRIBE_NETWORK = iam.actions(
    "ec2",
    "DescribeAvailabilityZones DescribeInstanceTopology DescribeInstanceTypes DescribeInstances "
    "DescribeNetworkInterfaces DescribeRouteTables DescribeSecurityGroups DescribeSubnets DescribeTags "
    "DescribeVolumes DescribeVolumesModifications DescribeVpcs DescribeVpcPeeringConnections",
)
EKS_REPOSITORIES = ("amazon-k8s-cni", "amazon/aws-network-policy-agent", "eks/")
"""Beginnings of the names of EKS's own repositories."""
PULL_IMAGES = iam.actions("ecr", "BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer")


def boundary_statements(identity: StackIdentity) -> Sequence[iam.Statement]:
    """Return the most that a role of Kubernetes may do."""
    scope = identity.arn_scope
    interfaces = f"arn:aws:ec2:{scope}:network-interface/*"
    return [
        iam.statement(
            "LookAround",
            actions=[
                *DESCRIBE_NETWORK,
                *iam.actions("elasticloadbalancing", "DescribeTargetGroups DescribeTargetHealth"),
                "ecr:GetAuthorizationToken",
            ],
            resources=["*"],
        ),
        iam.statement("DescribeKeys", actions=["kms:DescribeKey"], resources=[f"arn:aws:kms:{scope}:key/*"]),
        # The project's images, and those of EKS and its add-ons, which are in AWS's accounts, one in each region.
        iam.statement(
            "PullImages",
            actions=PULL_IMAGES,
            resources=[
                f"arn:aws:ecr:*:*:repository/{identity.project}/*",
                *(f"arn:aws:ecr:{identity.region}:*:repository/{name}*" for name in EKS_REPOSITORIES),
            ],
        ),
        iam.statement(
            "BeNode",
            actions=["eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity"],
            resources=[f"arn:aws:eks:{scope}:cluster/{identity.prefix}"],
        ),
        iam.statement("SessionManagerAgent", actions=iam.SESSION_MANAGER_AGENT, resources=["*"]),
        # The network plugin gives pods addresses of their node.
        iam.statement(
            "AddressesOfPods",
            actions=iam.actions(
                "ec2",
                "AssignPrivateIpAddresses AttachNetworkInterface CreateNetworkInterface CreateTags "
                "DeleteNetworkInterface DetachNetworkInterface ModifyNetworkInterfaceAttribute "
                "UnassignPrivateIpAddresses",
            ),
            resources=[
                interfaces,
                *(f"arn:aws:ec2:{scope}:{kind}/*" for kind in ("instance", "security-group", "subnet")),
            ],
            conditions={"StringEqualsIfExists": {"aws:ResourceAccount": identity.account_id}},
        ),
        # The controller of the load balancer puts pods into the stack's target group, which it finds by its tags.
        iam.statement(
            "RegisterPods",
            actions=iam.actions("elasticloadbalancing", "DeregisterTargets RegisterTargets"),
            resources=[f"arn:aws:elasticloadbalancing:{scope}:targetgroup/*"],
            conditions={
                "StringEquals": {
                    "aws:ResourceTag/Project": identity.project,
                    "aws:ResourceTag/Environment": identity.environment,
                }
            },
        ),
        iam.statement(
            "ReadOwnSecrets",
            actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            resources=[f"arn:aws:secretsmanager:{scope}:secret:{identity.project}/{identity.environment}/*"],
        ),
        iam.statement(
            "DecryptOwnSecrets",
            actions=["kms:Decrypt"],
            resources=[f"arn:aws:kms:{scope}:key/*"],
            conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{identity.region}.amazonaws.com"}},
        ),
        iam.statement(
            "MigrateDatabase",
            actions=["rds-db:connect"],
            resources=[f"arn:aws:rds-db:{scope}:dbuser:*/{MIGRATION_USER}"],
        ),
        iam.statement(
            "WriteMetrics",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": ["ContainerInsights", "CWAgent"]}},
        ),
        iam.statement("WriteLogs", actions=iam.WRITE_LOGS, resources=[f"arn:aws:logs:{scope}:log-group:*"]),
    ]


READ_CLUSTER = iam.actions("eks", "Describe* List*")
READ_REPOSITORY = iam.actions("ecr", "DescribeRepositories GetLifecyclePolicy ListTagsForResource")
MANAGE_CLUSTER = iam.actions(
    "eks",
    "AssociateAccessPolicy CreateAccessEntry CreateAddon CreateCluster CreateNodegroup CreatePodIdentityAssociation "
    "DeleteAccessEntry DeleteAddon DeleteCluster DeleteNodegroup DeletePodIdentityAssociation DisassociateAccessPolicy "
    "TagResource UntagResource UpdateAccessEntry UpdateAddon UpdateClusterConfig UpdateClusterVersion "
    "UpdateNodegroupConfig UpdateNodegroupVersion UpdatePodIdentityAssociation",
)
MANAGE_REPOSITORY = iam.actions(
    "ecr",
    "CreateRepository DeleteLifecyclePolicy DeleteRepository PutImageScanningConfiguration PutImageTagMutability "
    "PutLifecyclePolicy TagResource UntagResource",
)
MANAGE_LOG_GROUPS = iam.actions(
    "logs",
    "*DataProtectionPolicy AssociateKmsKey CreateLogGroup DeleteLogGroup ListTagsForResource PutRetentionPolicy "
    "TagResource UntagResource",
)
PASSED_TO = ("eks.amazonaws.com", "pods.eks.amazonaws.com")
"""Services to which a deployment passes roles of Kubernetes; those of nodes go to EC2, like those of servers."""
ATTACHED = (
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
    "CloudWatchAgentServerPolicy",
)
"""AWS's policies that the roles of Kubernetes have."""
LINKED_ROLES = ("eks", "eks-nodegroup")


def deployment_reads(identity: StackIdentity) -> Sequence[iam.Statement]:
    """Return what a preview and a deployment read of the cluster and its images. No secret, no image."""
    return [
        iam.statement(
            "ReadKubernetes",
            actions=[*READ_CLUSTER, *READ_REPOSITORY],
            resources=[*_cluster_arns(identity), *_repository_arns(identity)],
        )
    ]


def deployment_writes(identity: StackIdentity, boundary_arns: Sequence[pulumi.Input[str]]) -> Sequence[iam.Statement]:
    """Return what a deployment does besides, to the stack's own only: by name, and by the path of roles."""
    account = identity.account_id
    roles = f"arn:aws:iam::{account}:role{iam.role_path(identity)}*"
    linked = {"iam:AWSServiceName": [f"{service}.amazonaws.com" for service in LINKED_ROLES]}
    return [
        iam.statement(
            "ManageKubernetes",
            actions=[*MANAGE_CLUSTER, *MANAGE_REPOSITORY],
            resources=[*_cluster_arns(identity), *_repository_arns(identity)],
        ),
        iam.statement("ManageLogs", actions=MANAGE_LOG_GROUPS, resources=_log_group_arns(identity)),
        iam.statement(
            "PassRolesOfKubernetes",
            actions=["iam:PassRole"],
            resources=[roles],
            conditions={"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
        ),
        iam.statement(
            "AttachPoliciesOfKubernetes",
            actions=["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
            resources=[roles],
            conditions={
                "StringEquals": {"iam:PermissionsBoundary": boundary_arns},
                "ArnEquals": {"iam:PolicyARN": [f"arn:aws:iam::aws:policy/{policy}" for policy in ATTACHED]},
            },
        ),
        iam.statement(
            "CreateLinkedRoles",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[f"arn:aws:iam::{account}:role/aws-service-role/eks*"],
            conditions={"StringEquals": linked},
        ),
    ]


DEPLOYMENT_BOUNDS: Mapping[str, str] = {
    "ecr": "*Lif* *agR* *ate* De* List* PutImage?*",
}
"""What the boundary of a deployment allows besides, as patterns: IAM limits its length. The policies name actions."""
CLUSTER_BOUNDS = "eks: *agR* *ate* De* List*"
"""The same of EKS, on the stack's cluster: whoever enters any cluster enters what its pods may do."""


def cluster_bound(identity: StackIdentity) -> str:
    """The cluster and what belongs to it, in one pattern."""
    return f"arn:aws:eks:{identity.arn_scope}:*/{identity.prefix}*"


def _cluster_arns(identity: StackIdentity) -> Sequence[str]:
    """The cluster, and what belongs to it: its name follows the kind of each."""
    return [
        f"arn:aws:eks:{identity.arn_scope}:*/{identity.prefix}",
        f"arn:aws:eks:{identity.arn_scope}:*/{identity.prefix}/*",
    ]


def _repository_arns(identity: StackIdentity) -> Sequence[str]:
    return [f"arn:aws:ecr:{identity.arn_scope}:repository/{identity.project}/{identity.environment}/*"]


def _log_group_arns(identity: StackIdentity) -> Sequence[str]:
    names = (f"/aws/eks/{identity.prefix}/cluster", f"/aws/containerinsights/{identity.prefix}/*")
    return [f"arn:aws:logs:{identity.arn_scope}:log-group:{name}{part}" for name in names for part in ("", ":*")]
