"""The permissions boundary: what no role of the platform may ever do, whatever is attached to it later.

A boundary allows nothing by itself. A role may do what both its own policies and the boundary allow, so a permission
that a component gives to its role has to be here as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam
from components.naming import Label

SESSION_MANAGER_AGENT = (
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
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
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
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
"""The servers, the flow log, and RDS, which makes the log group of its machine's figures itself."""


@dataclass(frozen=True, kw_only=True)
class PermissionsBoundaryArgs:
    label: Label


class PermissionsBoundary(pulumi.ComponentResource):
    """The policy that bounds every role of the stack."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: PermissionsBoundaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:PermissionsBoundary", name, None, opts)
        policy = aws.iam.Policy(
            f"{name}-policy",
            path=role_path(args.label),
            description=f"{args.label.prefix}: the most that a role of the platform may do",
            policy=_document(args.label),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = policy.arn
        self.register_outputs({"arn": self.arn})


def role_path(label: Label) -> str:
    """IAM path of the platform's roles, by which others can be allowed to manage these roles and no others."""
    return f"/{label.prefix}/"


def confine_every_role(label: Label, boundary_arn: pulumi.Input[str]) -> None:
    """Give every role declared after this call the boundary and the stack's path, unless it sets its own."""
    confined: Mapping[str, Mapping[str, Any]] = {
        "aws:iam/role:Role": {"path": role_path(label), "permissions_boundary": boundary_arn},
        "aws:iam/instanceProfile:InstanceProfile": {"path": role_path(label)},
    }

    def confine(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ not in confined:
            return None
        # What is not set is None in `props`, and outputs are among it: the keys have to stay.
        unset = {key: value for key, value in confined[args.type_].items() if args.props.get(key) is None}
        return pulumi.ResourceTransformationResult(props={**args.props, **unset}, opts=args.opts)

    pulumi.runtime.register_stack_transformation(confine)


def _document(label: Label) -> pulumi.Output[str]:
    place = f"{label.region}:{label.account_id}"
    return iam.document(
        iam.statement(
            "ReadOwnSecrets",
            actions=["secretsmanager:GetSecretValue"],
            resources=[f"arn:aws:secretsmanager:{place}:secret:{label.project}/{label.environment}/*"],
        ),
        iam.statement(
            "ReadReleases",
            actions=["s3:GetObject"],
            resources=[f"arn:aws:s3:::{label.project}-*-{label.environment}-{label.account_id}/*"],
        ),
        iam.statement(
            "DecryptThroughServices",
            actions=["kms:Decrypt"],
            resources=[f"arn:aws:kms:{place}:key/*"],
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"{service}.{label.region}.amazonaws.com" for service in ("s3", "secretsmanager")
                    ]
                }
            },
        ),
        iam.statement("WriteLogs", actions=WRITE_LOGS, resources=[f"arn:aws:logs:{place}:log-group:*"]),
        iam.statement("SessionManagerAgent", actions=SESSION_MANAGER_AGENT, resources=["*"]),
    )
