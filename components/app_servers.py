"""The app servers: three to ten instances over all zones that replace themselves, scale by load and roll out changes.

The guide has four topologies (three servers, two hosts, three ports on one, a fourth by hand). Here all servers are
identical, run one PM2 with a process for each processor on port 3000, and are started by the Auto Scaling group only.

On a new stack, `pulumi up` comes first: it makes the bucket of the releases and the containers of the vendors' secrets,
and starts servers, which wait for both. Then upload the release and write the secrets, in any order. A server that
waits lists in its boot log (`aws ec2 get-console-output`) what is missing; none has to be restarted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.sections.app_servers import MOST_HEALTHY_PERCENT, AppServersSettings
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, Metric, Severity
from components.shared.connections import Placement
from components.shared.keys import StackContext
from components.shared.runtime import ApplicationEnvironment, ReleaseStore, ServerGroup, TargetGroup
from components.shared.user_data import UserData

BOOT_SECONDS = 300
"""From launch to the first request that can be served: packages, release and start of Node, with a margin."""
PATIENCE_SECONDS = 600
"""How long a server waits at its first boot for the release, the vendors' secrets and the network. A server whose time
runs out is replaced, and the next one waits again."""
GRACE_SECONDS = PATIENCE_SECONDS + BOOT_SECONDS
"""A server that may still wait is not replaced."""
SECONDS_OF_A_DAY = 24 * 60 * 60
SERVERS_METRIC = aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES
SSM_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, kw_only=True)
class AppServersArgs:
    settings: AppServersSettings
    stack: StackContext
    placement: Placement
    target_group: TargetGroup
    environment: ApplicationEnvironment
    releases: ReleaseStore
    session_log_group_arn: pulumi.Input[str]
    """Log group of the recorded administrator sessions."""
    ready_first: Sequence[pulumi.Resource]
    """What must be done before servers are started or replaced."""
    stop_alarms: Sequence[str]
    """Names of the alarms at which a replacement of servers stops."""


class AppServers(pulumi.ComponentResource):
    """Auto Scaling group of identical servers behind the load balancer."""

    name: pulumi.Output[str]
    """Name of the Auto Scaling group."""
    alarms: Sequence[AlarmSpecification]
    servers: ServerGroup

    def __init__(self, name: str, args: AppServersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:AppServers", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        role, permissions = self._create_role()
        launch_template = self._create_launch_template(role)
        # A server that boots before it may fetch its secrets would spend its grace period on retries.
        scaling_group = self._create_scaling_group(
            launch_template, [*args.ready_first, *args.placement.rules, *permissions]
        )
        self._scale(scaling_group)

        self.name = scaling_group.name
        self.alarms = _alarms(scaling_group, args.settings)
        self.servers = ServerGroup(
            name=scaling_group.name,
            template_id=launch_template.id,
            template_version=launch_template.latest_version.apply(str),
            # Start, then warm-up, then the end of what the server before has accepted.
            replacement_seconds=2 * BOOT_SECONDS + args.target_group.drain_seconds,
            grace_seconds=GRACE_SECONDS,
        )
        self.register_outputs({"name": self.name})

    def _create_role(self) -> tuple[aws.iam.Role, Sequence[pulumi.Resource]]:
        role = iam.service_role(self._name, "ec2.amazonaws.com", None, self._child)
        policy = iam.role_policy(self._name, role, iam.document(*self._permissions()), self._child)
        session_manager = aws.iam.RolePolicyAttachment(
            f"{self._name}-session-manager", role=role.name, policy_arn=SSM_POLICY, opts=self._child
        )
        # A permission that was added by hand is removed by the next `pulumi up`.
        aws.iam.RolePoliciesExclusive(
            f"{self._name}-only-own-policies", role_name=role.name, policy_names=[policy.name], opts=self._child
        )
        aws.iam.RolePolicyAttachmentsExclusive(
            f"{self._name}-only-own-attachments",
            role_name=role.name,
            policy_arns=[session_manager.policy_arn],
            opts=self._child,
        )
        return role, [policy, session_manager]

    def _permissions(self) -> Sequence[iam.Statement]:
        args, identity = self._args, self._args.stack.identity
        secret_arns = args.environment.secret_arns
        return [
            iam.statement(
                "ReadOwnSecrets",
                actions=["secretsmanager:GetSecretValue"],
                resources=[secret_arns[variable] for variable in sorted(secret_arns)],
            ),
            iam.statement(
                "DecryptOwnSecrets",
                actions=["kms:Decrypt"],
                resources=[args.stack.keys.secrets],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{identity.region}.amazonaws.com"}},
            ),
            iam.statement(
                "ReadReleases",
                actions=["s3:GetObject"],
                resources=[pulumi.Output.concat(args.releases.bucket_arn, f"/{args.releases.prefix}*")],
            ),
            # Without it, S3 answers 403 for a release that does not exist, as if it were forbidden.
            iam.statement("SeeMissingReleases", actions=["s3:ListBucket"], resources=[args.releases.bucket_arn]),
            iam.statement(
                "DecryptReleases",
                actions=["kms:Decrypt"],
                resources=[args.releases.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{identity.region}.amazonaws.com"}},
            ),
            iam.statement(
                "RecordAdminSessions",
                actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                resources=[pulumi.Output.concat(args.session_log_group_arn, ":*")],
            ),
            # Session Manager looks its log group up by listing them all before it writes.
            iam.statement(
                "FindSessionLog",
                actions=["logs:DescribeLogGroups"],
                resources=[f"arn:aws:logs:{identity.region}:{identity.account_id}:log-group:*"],
            ),
        ]

    def _user_data(self) -> pulumi.Output[str]:
        args = self._args

        def render(known: Mapping[str, Any]) -> str:
            return UserData(
                region=args.stack.identity.region,
                bucket=known["bucket"],
                releases_prefix=args.releases.prefix,
                release=args.settings.release,
                node_version=args.settings.node_version,
                drain_seconds=args.target_group.drain_seconds,
                settings=args.environment.values,
                secret_arns=known["secret_arns"],
                secret_versions=known["secret_versions"],
                patience_seconds=PATIENCE_SECONDS,
            ).encoded()

        return pulumi.Output.all(
            bucket=args.releases.bucket_name,
            secret_arns=dict(args.environment.secret_arns),
            secret_versions=dict(args.environment.secret_versions),
        ).apply(render)

    def _create_launch_template(self, role: aws.iam.Role) -> aws.ec2.LaunchTemplate:
        settings, identity = self._args.settings, self._args.stack.identity
        profile = aws.iam.InstanceProfile(f"{self._name}-instance-profile", role=role.name, opts=self._child)
        return aws.ec2.LaunchTemplate(
            f"{self._name}-launch-template",
            image_id=settings.image_id,
            instance_type=settings.instance_type,
            iam_instance_profile={"arn": profile.arn},
            vpc_security_group_ids=[self._args.placement.security_group_id],
            user_data=self._user_data(),
            update_default_version=True,
            ebs_optimized="true",
            # Metrics every minute instead of every five: scaling and alarms react four minutes earlier.
            monitoring={"enabled": True},
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                # One hop: a request forged through the app ends in the server's own network namespace.
                "http_put_response_hop_limit": 1,
            },
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": settings.root_volume_gib,
                        "encrypted": "true",
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": identity.tags(f"{self._name}-server")}
                for kind in ("instance", "volume", "network-interface")
            ],
            opts=self._child,
        )

    def _create_scaling_group(
        self, launch_template: aws.ec2.LaunchTemplate, ready_first: Sequence[pulumi.Resource]
    ) -> aws.autoscaling.Group:
        settings = self._args.settings
        tags = self._args.stack.identity.tags(f"{self._name}-group")
        return aws.autoscaling.Group(
            f"{self._name}-group",
            min_size=settings.min_size,
            max_size=settings.max_size,
            desired_capacity=settings.min_size,
            vpc_zone_identifiers=self._args.placement.subnet_ids,
            target_group_arns=[self._args.target_group.arn],
            health_check_type="ELB",
            max_instance_lifetime=settings.max_instance_days * SECONDS_OF_A_DAY,
            health_check_grace_period=GRACE_SECONDS,
            default_instance_warmup=BOOT_SECONDS,
            availability_zone_distribution={"capacity_distribution_strategy": "balanced-best-effort"},
            instance_maintenance_policy={
                "min_healthy_percentage": 100,
                "max_healthy_percentage": MOST_HEALTHY_PERCENT,
            },
            enabled_metrics=[SERVERS_METRIC],
            metrics_granularity="1Minute",
            # The number, not "$Latest": a refresh starts only when this input changes.
            launch_template={"id": launch_template.id, "version": launch_template.latest_version.apply(str)},
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {
                    "min_healthy_percentage": 100,
                    "max_healthy_percentage": MOST_HEALTHY_PERCENT,
                    "instance_warmup": str(BOOT_SECONDS),
                    "skip_matching": True,
                    **(
                        {"alarm_specification": {"alarms": list(self._args.stop_alarms)}}
                        if self._args.stop_alarms
                        else {}
                    ),
                },
            },
            tags=[{"key": key, "value": value, "propagate_at_launch": False} for key, value in tags.items()],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(ready_first),
                # Scaling decides how many; a deployment at peak load must not stop servers.
                ignore_changes=["desiredCapacity"],
            ),
        )

    def _scale(self, group: aws.autoscaling.Group) -> None:
        """Each policy adds servers on its own; servers are removed only when both agree."""
        settings = self._args.settings
        targets: Mapping[str, aws.autoscaling.PolicyTargetTrackingConfigurationArgsDict] = {
            "cpu": {
                "predefined_metric_specification": {"predefined_metric_type": "ASGAverageCPUUtilization"},
                "target_value": settings.target_cpu_percent,
            },
            "requests": {
                "predefined_metric_specification": {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": self._args.target_group.request_count_label,
                },
                "target_value": settings.requests_per_server_per_minute,
            },
        }
        for metric, target in targets.items():
            aws.autoscaling.Policy(
                f"{self._name}-scale-by-{metric}",
                autoscaling_group_name=group.name,
                policy_type="TargetTrackingScaling",
                target_tracking_configuration=target,
                opts=self._child,
            )


def _alarms(group: aws.autoscaling.Group, settings: AppServersSettings) -> Sequence[AlarmSpecification]:
    dimensions = {"AutoScalingGroupName": group.name}
    return [
        AlarmSpecification(
            name="ServerCpuHigh",
            summary="CPU utilization of the app servers has been above 90 % for 15 minutes: scaling is too slow or at "
            "its maximum",
            severity=Severity.P3,
            measure=Metric(
                namespace="AWS/EC2", metric_name="CPUUtilization", dimensions=dimensions, statistic="Average"
            ),
            threshold=90,
            period_seconds=300,
            evaluation_periods=3,
        ),
        AlarmSpecification(
            name="ServerGroupAtMaximum",
            summary=f"The Auto Scaling group runs its maximum of {settings.max_size} servers and cannot add more",
            severity=Severity.P3,
            measure=Metric(
                namespace="AWS/AutoScaling",
                metric_name=SERVERS_METRIC.value,
                dimensions=dimensions,
                statistic="Minimum",
            ),
            comparison="GreaterThanOrEqualToThreshold",
            threshold=settings.max_size,
            period_seconds=300,
            evaluation_periods=3,
        ),
    ]
