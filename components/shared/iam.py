"""IAM roles and policy documents, all built in one form."""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.shared.identity import StackIdentity

Principals = Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]]
Conditions = Mapping[str, Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]]]
POLICY_VERSION = "2012-10-17"
ANY_PRINCIPAL: Mapping[str, str] = {"AWS": "*"}
"""Principal of a statement that denies, or whose conditions restrict it."""
LOOK_AT_NETWORK = (
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
"""What AWS gives for the whole account only, and CodeBuild asks for before it puts a build into a subnet."""


SESSION_MANAGER_AGENT = (
    "ec2messages:*Message*",
    "ec2messages:GetEndpoint",
    "ec2messages:SendReply",
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:GetManifest",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutComplianceItems",
    "ssm:PutConfigurePackageResult",
    "ssm:PutInventory",
    "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:*Channel",
)
"""What AmazonSSMManagedInstanceCore allows, without reading parameters: the platform keeps none."""
WRITE_LOGS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
    "logs:PutRetentionPolicy",
)
"""Servers, nodes, the flow log, and RDS, which makes the log group of its machine's figures itself."""


class Statement(TypedDict):
    """One statement of a policy document, with AWS's own keys."""

    Sid: str
    Effect: Literal["Allow", "Deny"]
    Principal: NotRequired[Principals]
    Action: Sequence[str] | str
    Resource: NotRequired[Sequence[pulumi.Input[str]] | str]
    Condition: NotRequired[Conditions]


def statement(
    sid: str,
    *,
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]] | str,
    effect: Literal["Allow", "Deny"] = "Allow",
    principals: Principals | None = None,
    conditions: Conditions | None = None,
) -> Statement:
    """Return one statement of a policy document. `principals` belongs to resource policies only."""
    result: Statement = {
        "Sid": sid,
        "Effect": effect,
        "Action": list(actions),
        "Resource": resources if isinstance(resources, str) else list(resources),
    }
    if principals is not None:
        result["Principal"] = principals
    if conditions:
        result["Condition"] = conditions
    return result


def actions(service: str, names: str) -> Sequence[str]:
    """Return actions of a service; `names` holds their names, separated by spaces."""
    return [f"{service}:{action}" for action in names.split()]


def through(region: str, *services: str) -> Conditions:
    """Return the condition under which a key is used through these services only."""
    names = [f"{service}.{region}.amazonaws.com" for service in services]
    return {"StringEquals": {"kms:ViaService": names[0] if len(names) == 1 else names}}


def write_log_statement(log_group_arn: pulumi.Output[str]) -> Statement:
    """Return the statement with which a role writes into one log group."""
    return statement(
        "WriteLog",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[pulumi.Output.concat(log_group_arn, ":*")],
    )


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the JSON of a policy document."""
    return pulumi.Output.json_dumps({"Version": POLICY_VERSION, "Statement": list(statements)})


def allow_account(resource: pulumi.Input[str], account_id: str) -> Statement:
    """Return a statement of an endpoint's policy that admits identities of this account only.

    The permissions of each identity stay in its own policies.
    """
    return statement(
        "OwnAccountOnly",
        principals=ANY_PRINCIPAL,
        actions=["*"],
        resources=[resource],
        conditions={"StringEquals": {"aws:PrincipalAccount": account_id}},
    )


def role_path(identity: StackIdentity) -> str:
    """Return the IAM path of the platform's roles, by which a policy can allow managing these roles and no others."""
    return f"/{identity.prefix}/"


def service_role(
    name: str,
    service: str,
    account_id: str | None,
    options: pulumi.ResourceOptions,
) -> aws.iam.Role:
    """Declare a role that only the given AWS service can assume.

    With an account id the service may assume it only on behalf of this account, which prevents the confused deputy
    problem. EC2 sends no such context, so instance roles pass None.
    """
    trust: Statement = {
        "Sid": "ServiceMayAssume",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if account_id is not None:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": account_id}}
    return aws.iam.Role(
        f"{name}-role",
        assume_role_policy=document(trust),
        opts=options,
    )


def pod_role(
    name: str,
    cluster_arn: pulumi.Input[str],
    account_id: str,
    options: pulumi.ResourceOptions,
) -> aws.iam.Role:
    """Declare a role that only pods of this cluster can assume, through EKS Pod Identity."""
    trust: Statement = {
        "Sid": "PodsMayAssume",
        "Effect": "Allow",
        "Principal": {"Service": "pods.eks.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account_id},
            "ArnEquals": {"aws:SourceArn": cluster_arn},
        },
    }
    return aws.iam.Role(f"{name}-role", assume_role_policy=document(trust), opts=options)


def role_policy(
    name: str, role: aws.iam.Role, policy: pulumi.Input[str], options: pulumi.ResourceOptions
) -> aws.iam.RolePolicy:
    """Declare an inline policy of this role."""
    return aws.iam.RolePolicy(f"{name}-role-policy", role=role.name, policy=policy, opts=options)


def network_interface_statements(
    scope: str, subnet_ids: Sequence[pulumi.Input[str]], security_group_id: pulumi.Input[str]
) -> Sequence[Statement]:
    """Let CodeBuild put builds into subnets: it makes a network interface for each build with the project's role.

    `scope` is the region and the account as they are in an ARN.
    """
    interfaces = f"arn:aws:ec2:{scope}:network-interface/*"
    subnets = [pulumi.Output.concat(f"arn:aws:ec2:{scope}:subnet/", subnet) for subnet in subnet_ids]
    group = pulumi.Output.concat(f"arn:aws:ec2:{scope}:security-group/", security_group_id)
    return [
        statement(
            "MakeNetworkInterfaces",
            actions=["ec2:CreateNetworkInterface"],
            resources=[interfaces, *subnets, group],
            conditions={"StringEqualsIfExists": {"aws:ResourceAccount": scope.partition(":")[2]}},
        ),
        statement(
            "RemoveNetworkInterfaces",
            actions=["ec2:DeleteNetworkInterface"],
            resources=[interfaces],
            conditions={"ArnEquals": {"ec2:Subnet": subnets}},
        ),
        statement(
            "LendNetworkInterfaces",
            actions=["ec2:CreateNetworkInterfacePermission"],
            resources=[interfaces],
            conditions={
                "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
                "ArnEquals": {"ec2:Subnet": subnets},
            },
        ),
        statement("LookAtNetwork", actions=LOOK_AT_NETWORK, resources="*"),
    ]


def log_in_statement(
    sid: str, identity: StackIdentity, resource_id: pulumi.Input[str], users: Sequence[str]
) -> Statement:
    """Let a role log in to a database of RDS with a token, as one of these users."""
    prefix = f"arn:aws:rds-db:{identity.arn_scope}:dbuser:"
    return statement(
        sid,
        actions=["rds-db:connect"],
        resources=[pulumi.Output.concat(prefix, resource_id, f"/{user}") for user in users],
    )
