"""The permissions boundary: the most that any role of the platform may do, even if other policies are attached later.

A boundary grants no permission. A role may do what both its own policies and the boundary allow, so a permission that a
component gives to its role must be listed here as well. The roles that read and restore whole databases have a boundary
of their own, so that no policy that is attached later lets another role do so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.identity import GLOBAL_SERVICES_REGION, StackIdentity
from components.shared.kubernetes_permissions import ROLES_PREFIX, boundary_statements

BACKUPS_PREFIX = "backup-vault-"
"""Logical names of the roles that AWS Backup, and S3's replication, assume begin with it."""


@dataclass(frozen=True, kw_only=True)
class PermissionsBoundaryArgs:
    identity: StackIdentity
    has_pods: bool = False
    """Whether the stack has roles of Kubernetes."""


class PermissionsBoundary(pulumi.ComponentResource):
    """The policies that bound the roles of the stack: for those of the backups, for those of Kubernetes, for all
    others."""

    arns: Sequence[pulumi.Output[str]]
    """Of all of them."""

    def __init__(self, name: str, args: PermissionsBoundaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:PermissionsBoundary", name, None, opts)
        self._name = name
        self._identity = args.identity
        self._child = pulumi.ResourceOptions(parent=self)

        self._arn = self._create_policy("policy", "a role of the platform", _statements(args.identity))
        self._of_roles = {
            BACKUPS_PREFIX: self._create_policy("backups", "a role of the backups", _backups(args.identity))
        }
        if args.has_pods:
            statements = boundary_statements(args.identity)
            self._of_roles[ROLES_PREFIX] = self._create_policy("kubernetes", "a role of Kubernetes", statements)

        self.arns = [self._arn, *self._of_roles.values()]
        self.register_outputs({"arn": self._arn, "backups_arn": self._of_roles[BACKUPS_PREFIX]})

    def set_on_every_role(self) -> None:
        """Set boundary and path on every role declared after this call, unless it sets its own."""
        identity = self._identity

        def set_defaults(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
            if args.type_ not in ("aws:iam/role:Role", "aws:iam/instanceProfile:InstanceProfile"):
                return None
            defaults: dict[str, Any] = {"path": iam.role_path(identity)}
            if args.type_ == "aws:iam/role:Role":
                own = [arn for prefix, arn in self._of_roles.items() if args.name.startswith(prefix)]
                defaults["permissions_boundary"] = own[0] if own else self._arn
            # Unset inputs, and outputs, are in `props` as None: the keys must stay.
            unset = {key: value for key, value in defaults.items() if args.props.get(key) is None}
            return pulumi.ResourceTransformationResult(props={**args.props, **unset}, opts=args.opts)

        pulumi.runtime.register_stack_transformation(set_defaults)

    def _create_policy(self, name: str, whose: str, statements: Sequence[iam.Statement]) -> pulumi.Output[str]:
        policy = aws.iam.Policy(
            f"{self._name}-{name}",
            path=iam.role_path(self._identity),
            description=f"{self._identity.prefix}: the most that {whose} may do",
            policy=iam.document(*statements),
            opts=self._child,
        )
        arn: pulumi.Output[str] = policy.arn
        return arn


def _statements(identity: StackIdentity) -> Sequence[iam.Statement]:
    scope = identity.arn_scope
    buckets = _buckets(identity)
    own_secrets = f"arn:aws:secretsmanager:{scope}:secret:{identity.project}/{identity.environment}/*"
    return [
        iam.statement(
            "ReadOwnSecrets",
            actions=["secretsmanager:GetSecretValue"],
            resources=[own_secrets],
        ),
        # The function that makes and rotates credentials, and jobs that log in to the database with a token. Servers,
        # which face the internet, do neither.
        iam.statement(
            "LogIn",
            actions=[
                *iam.actions("secretsmanager", "DescribeSecret PutSecretValue UpdateSecretVersionStage"),
                *iam.actions("elasticache", "DescribeUsers ModifyUser"),
                "rds-db:connect",
            ],
            resources=[
                own_secrets,
                f"arn:aws:elasticache:{scope}:user:{identity.prefix}-*",
                f"arn:aws:rds-db:{scope}:dbuser:*/{identity.project}_*",
            ],
            conditions=_by_roles_of(identity, "credentials", "database-jobs"),
        ),
        # What AWS gives for the whole account only.
        iam.statement(
            "LookAround",
            actions=[*iam.LOOK_AT_NETWORK, "ec2:DescribeTags", "secretsmanager:BatchGetSecretValue"],
            resources=["*"],
        ),
        iam.statement(
            "WriteOwnMetrics",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": identity.prefix}},
        ),
        iam.statement(
            "GiveUpOwnServers",
            actions=["autoscaling:SetInstanceHealth"],
            resources=[f"arn:aws:autoscaling:{scope}:autoScalingGroup:*:autoScalingGroupName/*"],
            conditions={
                "StringEquals": {
                    "aws:ResourceTag/Project": identity.project,
                    "aws:ResourceTag/Environment": identity.environment,
                }
            },
        ),
        # Only what the backup bucket's own policy lets pass: nobody deletes there. Who may not list gets 403, not 404.
        iam.statement(
            "ReleasesAndDumps",
            actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            resources=[buckets, f"{buckets}/*"],
        ),
        iam.statement(
            "KeysThroughServices",
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[f"arn:aws:kms:{scope}:key/*"],
            conditions={
                "StringEquals": {
                    "kms:ViaService": [
                        f"{service}.{identity.region}.amazonaws.com"
                        for service in ("dynamodb", "s3", "secretsmanager", "sns", "sqs")
                    ]
                }
            },
        ),
        iam.statement("WriteLogs", actions=iam.WRITE_LOGS, resources=[f"arn:aws:logs:{scope}:log-group:*"]),
        # CodeBuild makes one for each build, AWS Lambda for each subnet of a function.
        iam.statement(
            "NetworkInterfacesOfBuilds",
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=[f"arn:aws:ec2:{scope}:*/*"],
            conditions={"StringEqualsIfExists": {"aws:ResourceAccount": identity.account_id}},
        ),
        iam.statement(
            "StartOwnJobs",
            actions=["codebuild:StartBuild"],
            resources=[f"arn:aws:codebuild:{scope}:project/{identity.prefix}-*"],
        ),
        # The job that judges what AWS Backup has restored for a test.
        iam.statement(
            "JudgeRestores",
            actions=[*iam.actions("backup", "ListRestoreJobs PutRestoreValidationResult"), "rds:DescribeDBInstances"],
            resources=["*"],
            conditions=_by_roles_of(identity, "database-jobs"),
        ),
        # The function that tells people of incidents, and the role that reminds it of them.
        iam.statement(
            "TellOfIncidents",
            actions=[
                *iam.actions("dynamodb", "DeleteItem GetItem PutItem Query UpdateItem"),
                "scheduler:CreateSchedule",
                "sns:Publish",
                *iam.actions(
                    "sqs", "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage SendMessage"
                ),
            ],
            resources=[
                f"arn:aws:dynamodb:{scope}:table/{identity.prefix}-*",
                f"arn:aws:scheduler:{scope}:schedule/{identity.prefix}-incidents/remind-*",
                f"arn:aws:sns:{scope}:incidents-*",
                f"arn:aws:sqs:{scope}:{identity.prefix}-incidents*",
            ],
            conditions=_by_roles_of(identity, "incidents"),
        ),
        # The function that measures how old backups and secrets are, and what calls it.
        iam.statement(
            "LookAfter",
            actions=[
                "backup:ListRecoveryPointsByBackupVault",
                "cloudwatch:PutAlarmMuteRule",
                "lambda:InvokeFunction",
                "rds:DescribeDBInstances",
                *([] if _sees_outside(identity) else ["route53:GetHealthCheckStatus"]),
                "secretsmanager:DescribeSecret",
                "sns:ListSubscriptionsByTopic",
                "sqs:SendMessage",
            ],
            resources=[
                f"arn:aws:backup:*:{identity.account_id}:backup-vault:{identity.prefix}-*",
                # Alarms, and mute rules of the month.
                f"arn:aws:cloudwatch:{scope}:alarm*:{identity.prefix}-*",
                f"arn:aws:lambda:{scope}:function:{identity.prefix}-watchman",
                f"arn:aws:rds:{scope}:db:{identity.prefix}-*",
                *([] if _sees_outside(identity) else ["arn:aws:route53:::healthcheck/*"]),
                own_secrets,
                # Topics of incidents, and of notifications.
                f"arn:aws:sns:{scope}:*s-*",
                f"arn:aws:sqs:{scope}:{identity.prefix}-incidents-dead-letters",
            ],
            conditions=_by_roles_of(identity, "watchman"),
        ),
        iam.statement(
            "LetSchedulerRemind",
            actions=["iam:PassRole"],
            resources=[f"arn:aws:iam::{identity.account_id}:role{iam.role_path(identity)}incidents-scheduler-*"],
            conditions={
                **_by_roles_of(identity, "incidents"),
                "StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"},
            },
        ),
        iam.statement("SessionManagerAgent", actions=iam.SESSION_MANAGER_AGENT, resources=["*"]),
    ]


def _sees_outside(identity: StackIdentity) -> bool:
    """Whether the metrics of Route 53's health checks are in the stack's region, so that nobody has to ask for them."""
    return identity.region == GLOBAL_SERVICES_REGION


def _buckets(identity: StackIdentity) -> str:
    """The stack's own, in every region."""
    return f"arn:aws:s3:::{identity.project}-*-{identity.environment}-{identity.account_id}"


def _by_roles_of(identity: StackIdentity, *components: str) -> iam.Conditions:
    """Only the roles of these components: their logical names begin with the component's."""
    roles = f"arn:aws:iam::{identity.account_id}:role{iam.role_path(identity)}"
    return {"ArnLike": {"aws:PrincipalArn": [f"{roles}{component}-*" for component in components]}}


def _backups(identity: StackIdentity) -> Sequence[iam.Statement]:
    """What AWS Backup does with RDS, of AWS's two policies for all services, and what S3 does to copy a bucket.

    A restored database is a copy of all data. AWS Backup names the instances of its restore tests, and only these can
    be deleted.
    """
    account = identity.account_id
    buckets = _buckets(identity)
    keys = f"arn:aws:kms:*:{account}:key/*"

    def databases(resources: str) -> Sequence[str]:
        return [f"arn:aws:rds:*:{account}:{resource}" for resource in resources.split()]

    return [
        iam.statement(
            "SeeBackups",
            actions=["rds:DescribeDB*", "tag:GetResources"],
            resources=["*"],
        ),
        iam.statement(
            "EndRestoreTests",
            actions=["rds:DeleteDBInstance", "rds:ModifyDBInstance"],
            resources=databases("db:awsbackup-restore-test-*"),
        ),
        # In one, because a policy has 6,144 characters. An action applies to the resources of its own service only.
        iam.statement(
            "KeepBackups",
            actions=[
                *iam.actions("backup", "CopyIntoBackupVault DescribeBackupVault"),
                *iam.actions(
                    "rds",
                    "AddTagsToResource CopyDBSnapshot CreateDBSnapshot DeleteDBSnapshot ListTagsForResource "
                    "RestoreDBInstanceFromDBSnapshot",
                ),
                *iam.actions("s3", "GetObject* GetReplicationConfiguration ListBucket ReplicateObject ReplicateTags"),
            ],
            resources=[
                f"arn:aws:backup:*:{account}:backup-vault:{identity.prefix}-*",
                *databases(
                    f"db:awsbackup-restore-test-* db:{identity.prefix}-* og:default:* pg:database-* pg:default.* "
                    "snapshot:awsbackup:* subgrp:database-*"
                ),
                buckets,
                f"{buckets}/*",
            ],
        ),
        iam.statement("DescribeKeys", actions=["kms:DescribeKey"], resources=[keys]),
        iam.statement(
            "LetDatabasesUseKeys",
            actions=["kms:CreateGrant"],
            resources=[keys],
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        iam.statement(
            "EncryptCopies",
            actions=["kms:Decrypt", "kms:Encrypt"],
            resources=[keys],
            conditions={"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        ),
    ]
