"""What needs a shell beside the database: the migrations of a release, in a CodeBuild project.

Not on an app server: at first there is none, and later none has the new release. A build costs 0.0034 USD a minute.

The job reads DATABASE_URL, with the rights of the API itself, from its secret. Roles of its own in the database, and
tokens instead of passwords, come with the roles of the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.connections import Placement
from components.shared.host import CA_BUNDLE_PATH
from components.shared.job_scripts import script_of
from components.shared.keys import StackContext
from components.shared.runtime import ReleaseStore
from components.shared.section import RETENTION_AUDIT_DAYS

IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"
"""Amazon Linux 2023, like the servers; a release is built for their architecture."""
LONGEST_MINUTES = 60
LONGEST_QUEUE_MINUTES = 30


@dataclass(frozen=True, kw_only=True)
class DatabaseJobsArgs:
    stack: StackContext
    placement: Placement
    releases: ReleaseStore
    database_url_arn: pulumi.Input[str]
    """Of the secret."""
    node_version: str


class DatabaseJobs(pulumi.ComponentResource):
    """The project that migrates, with its role and its log."""

    migrate_project: pulumi.Output[str]
    """Name of the project."""
    log_group: str

    def __init__(self, name: str, args: DatabaseJobsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:DatabaseJobs", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        identity = args.stack.identity
        self.log_group = f"/{identity.project}/{identity.environment}/migrate"

        log_group = aws.cloudwatch.LogGroup(
            f"{name}-migrate-log-group",
            name=self.log_group,
            retention_in_days=RETENTION_AUDIT_DAYS,
            kms_key_id=args.stack.keys.logs,
            opts=self._child,
        )
        role = iam.service_role(f"{name}-migrate", "codebuild.amazonaws.com", identity.account_id, self._child)
        policy = iam.role_policy(f"{name}-migrate", role, iam.document(*self._permissions(log_group.arn)), self._child)
        project = self._create_project(role, log_group, [policy, *args.placement.rules])
        self.migrate_project = project.name
        self.register_outputs({"migrate_project": self.migrate_project})

    def _create_project(
        self, role: aws.iam.Role, log_group: aws.cloudwatch.LogGroup, ready_first: Sequence[pulumi.Resource]
    ) -> aws.codebuild.Project:
        args, identity = self._args, self._args.stack.identity
        variables = {
            "BUCKET": args.releases.bucket_name,
            "RELEASES_PREFIX": args.releases.prefix,
            "DATABASE_URL_ARN": args.database_url_arn,
            "CA_BUNDLE_PATH": CA_BUNDLE_PATH,
            "NODE_VERSION": args.node_version,
        }
        return aws.codebuild.Project(
            f"{self._name}-migrate",
            name=identity.physical_name("aws:codebuild/project:Project", f"{identity.prefix}-migrate"),
            description="Migrates the database to a release; started by `pulumi up`",
            service_role=role.arn,
            source={"type": "NO_SOURCE", "buildspec": buildspec(script_of("migrate"))},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "ARM_CONTAINER",
                "compute_type": "BUILD_GENERAL1_SMALL",
                "image": IMAGE,
                "image_pull_credentials_type": "CODEBUILD",
                "privileged_mode": False,
                "environment_variables": [
                    {"name": variable, "value": value, "type": "PLAINTEXT"} for variable, value in variables.items()
                ],
            },
            vpc_config={
                "vpc_id": args.placement.vpc_id,
                "subnets": args.placement.subnet_ids,
                "security_group_ids": [args.placement.security_group_id],
            },
            logs_config={"cloudwatch_logs": {"status": "ENABLED", "group_name": log_group.name}},
            build_timeout=LONGEST_MINUTES,
            queued_timeout=LONGEST_QUEUE_MINUTES,
            # Two migrations at once could undo each other.
            concurrent_build_limit=1,
            auto_retry_limit=0,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(ready_first)),
        )

    def _permissions(self, log_group_arn: pulumi.Input[str]) -> Sequence[iam.Statement]:
        args, identity = self._args, self._args.stack.identity
        scope = f"{identity.region}:{identity.account_id}"
        return [
            iam.statement(
                "WriteLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[pulumi.Output.concat(log_group_arn, ":*")],
            ),
            iam.statement(
                "ReadDatabaseUrl", actions=["secretsmanager:GetSecretValue"], resources=[args.database_url_arn]
            ),
            iam.statement(
                "DecryptDatabaseUrl",
                actions=["kms:Decrypt"],
                resources=[args.stack.keys.secrets],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{identity.region}.amazonaws.com"}},
            ),
            iam.statement(
                "ReadReleases",
                actions=["s3:GetObject"],
                resources=[pulumi.Output.concat(args.releases.bucket_arn, f"/{args.releases.prefix}*")],
            ),
            iam.statement(
                "DecryptReleases",
                actions=["kms:Decrypt"],
                resources=[args.releases.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{identity.region}.amazonaws.com"}},
            ),
            *iam.network_interface_statements(scope, args.placement.subnet_ids, args.placement.security_group_id),
        ]


def buildspec(script: str) -> str:
    """Return a build specification that runs a script of bash."""
    return "version: 0.2\nenv:\n  shell: bash\nphases:\n  build:\n    commands:\n      - |\n" + indent(script, " " * 8)
