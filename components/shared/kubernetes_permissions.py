"""What Kubernetes needs in the account: the most that its roles may do, and what a deployment does to make it.

Its roles have a boundary apart from the platform's, because the network plugin attaches network interfaces and the load
balancer's controller registers targets, which no other part may. What it lists is what AWS's own policies of EKS need
here: AmazonEKSClusterPolicy allows far more, for load balancers and volumes that EKS makes.
"""

from collections.abc import Sequence

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
        # Nodes: AWS's own images are in AWS's accounts.
        iam.statement("PullImages", actions=PULL_IMAGES, resources=[f"arn:aws:ecr:{identity.region}:*:repository/*"]),
        iam.statement(
            "BeNode",
            actions=["eks:DescribeCluster", "eks-auth:AssumeRoleForPodIdentity"],
            resources=[f"arn:aws:eks:{scope}:cluster/*"],
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
