"""The app servers: three to ten instances over all zones that replace themselves, scale by load and roll out changes.

The guide has four topologies (three servers, two hosts, three ports on one, a fourth by hand). Here all servers are
identical and are started by the Auto Scaling group only. On each, nginx on port 80 is in front of PM2 with a worker for
each processor, on port 3000 and those after it. docs/host.md describes the files of a server.

On a new stack, `pulumi up` comes first: it makes the bucket of the releases and the containers of the vendors' secrets,
and starts servers, which wait for both. Then upload the release and write the secrets, in any order. A server that
waits lists in its boot log (`aws ec2 get-console-output`) what is missing; none has to be restarted. A server that
cannot start says why there, in one line, and is replaced at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi
import pulumi_aws as aws

from components.sections.app_servers import MOST_HEALTHY_PERCENT, RESTART_GIB, AppServersSettings
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Placement
from components.shared.host import HostConfiguration, LogGroups, encoded
from components.shared.keys import StackContext
from components.shared.logs import mask_personal_data, save_queries
from components.shared.runtime import ApplicationEnvironment, ReleaseStore, ServerGroup, TargetGroup

BOOT_SECONDS = 300
"""From launch to the first request that can be served: packages, release and start of Node, with a margin."""
HEALTHY_SECONDS = 180
"""How long the service may take from its start to its first answer. A server that takes longer gives up."""
SECONDS_OF_A_DAY = 24 * 60 * 60
SERVERS_METRIC = aws.autoscaling.Metric.GROUP_IN_SERVICE_INSTANCES
LOG_RETENTION_DAYS = 30
"""The guide's 30 rotations of a day each."""
WITH_PERSONAL_DATA = ("application", "nginx")
"""Logs in which requests of users are."""
FULL_DISK_PERCENT = 80
"""The guide's daily check."""
SECRETS_METRIC = "SecretsBehindSeconds"
"""As `fixrx_load_secrets.py` writes it."""
SECRETS_SECONDS = 60 * 60
"""A dozen looks: whatever failed has not ended by itself."""
SSM_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, kw_only=True)
class AppServersArgs:
    settings: AppServersSettings
    stack: StackContext
    placement: Placement
    target_group: TargetGroup
    environment: ApplicationEnvironment
    releases: ReleaseStore
    vpc_cidr: IPv4Network
    """Addresses from which a server believes X-Forwarded-For: those of the load balancer are among them."""
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

        log_groups = self._create_log_groups()
        role, permissions = self._create_role(log_groups)
        launch_template = self._create_launch_template(role)
        # A server that boots before it may fetch its secrets would spend its grace period on retries.
        ready_first = [*args.ready_first, *args.placement.rules, *permissions, *log_groups]
        scaling_group = self._create_scaling_group(launch_template, ready_first)
        self._scale(scaling_group)

        self.name = scaling_group.name
        self.alarms = _alarms(scaling_group, args.settings, self._metrics_namespace)
        self.servers = ServerGroup(
            name=scaling_group.name,
            template_id=launch_template.id,
            template_version=launch_template.latest_version.apply(str),
            # Start, then warm-up, then the end of what the server before has accepted.
            replacement_seconds=2 * BOOT_SECONDS + args.target_group.drain_seconds,
            grace_seconds=args.settings.boot_patience_seconds + BOOT_SECONDS,
        )
        self.register_outputs({"name": self.name})

    @property
    def _metrics_namespace(self) -> str:
        return self._args.stack.identity.prefix

    @property
    def _log_group_names(self) -> LogGroups:
        identity = self._args.stack.identity

        def name(purpose: str) -> str:
            return identity.physical_name(
                "aws:cloudwatch/logGroup:LogGroup", f"/{identity.project}/{identity.environment}/servers/{purpose}"
            )

        return LogGroups(
            application=name("application"), nginx=name("nginx"), boot=name("boot"), metrics=name("metrics")
        )

    def _create_log_groups(self) -> Sequence[aws.cloudwatch.LogGroup]:
        groups = {
            purpose: aws.cloudwatch.LogGroup(
                f"{self._name}-{purpose}-log-group",
                name=name,
                retention_in_days=LOG_RETENTION_DAYS,
                kms_key_id=self._args.stack.keys.logs,
                opts=self._child,
            )
            for purpose, name in asdict(self._log_group_names).items()
        }
        for purpose in WITH_PERSONAL_DATA:
            mask_personal_data(f"{self._name}-{purpose}", groups[purpose], self._child)
        save_queries(self._name, self._args.stack.identity.prefix, groups, self._child)
        return list(groups.values())

    def _create_role(
        self, log_groups: Sequence[aws.cloudwatch.LogGroup]
    ) -> tuple[aws.iam.Role, Sequence[pulumi.Resource]]:
        role = iam.service_role(self._name, "ec2.amazonaws.com", None, self._child)
        statements = [*self._permissions(), *self._signals(log_groups)]
        policy = iam.role_policy(self._name, role, iam.document(*statements), self._child)
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
            # One call for many secrets; of each, the statement above decides.
            iam.statement("ReadSecretsAtOnce", actions=["secretsmanager:BatchGetSecretValue"], resources=["*"]),
            iam.statement(
                "DecryptOwnSecrets",
                actions=["kms:Decrypt"],
                resources=[args.stack.keys.secrets],
                conditions=iam.through(identity.region, "secretsmanager"),
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
                conditions=iam.through(identity.region, "s3"),
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

    def _signals(self, log_groups: Sequence[aws.cloudwatch.LogGroup]) -> Sequence[iam.Statement]:
        """What a server says of itself: logs, metrics, and that it cannot start."""
        identity = self._args.stack.identity
        group_name = identity.tags(self._group_name)["Name"]
        return [
            iam.statement(
                "WriteLogs",
                actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                resources=[pulumi.Output.concat(group.arn, ":*") for group in log_groups],
            ),
            # Has no resource; a namespace is the only limit.
            iam.statement(
                "WriteMetrics",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": self._metrics_namespace}},
            ),
            # The agent learns from the instance's tags in which group it is.
            iam.statement("FindOwnGroup", actions=["ec2:DescribeTags"], resources=["*"]),
            iam.statement(
                "GiveUp",
                actions=["autoscaling:SetInstanceHealth"],
                resources=[
                    f"arn:aws:autoscaling:{identity.region}:{identity.account_id}:autoScalingGroup:*"
                    ":autoScalingGroupName/*"
                ],
                conditions={"StringEquals": {"aws:ResourceTag/Name": group_name}},
            ),
        ]

    @property
    def _group_name(self) -> str:
        """Logical name of the Auto Scaling group, by whose tag its servers may find it."""
        return f"{self._name}-group"

    def _user_data(self) -> pulumi.Output[str]:
        args, settings = self._args, self._args.settings

        def render(known: Mapping[str, Any]) -> str:
            return encoded(
                HostConfiguration(
                    region=args.stack.identity.region,
                    bucket=known["bucket"],
                    releases_prefix=args.releases.prefix,
                    release=settings.release,
                    release_sha256=settings.release_sha256,
                    node_version=settings.node_version,
                    heap_mib=settings.heap_mib,
                    restart_gib=RESTART_GIB,
                    workers=settings.capacity.vcpus,
                    ssh_daemon=settings.ssh_daemon,
                    vpc_cidr=str(args.vpc_cidr),
                    ready_path=args.target_group.ready_path,
                    health_path=args.target_group.health_path,
                    drain_seconds=args.target_group.drain_seconds,
                    idle_timeout_seconds=args.target_group.idle_timeout_seconds,
                    settings=args.environment.values,
                    secret_arns=known["secret_arns"],
                    patience_seconds=settings.boot_patience_seconds,
                    healthy_seconds=HEALTHY_SECONDS,
                    log_groups=self._log_group_names,
                    metrics_namespace=self._metrics_namespace,
                )
            )

        return pulumi.Output.all(
            bucket=args.releases.bucket_name,
            secret_arns=dict(args.environment.secret_arns),
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
        tags = self._args.stack.identity.tags(self._group_name)
        return aws.autoscaling.Group(
            self._group_name,
            min_size=settings.min_size,
            max_size=settings.max_size,
            desired_capacity=settings.min_size,
            vpc_zone_identifiers=self._args.placement.subnet_ids,
            target_group_arns=[self._args.target_group.arn],
            health_check_type="ELB",
            max_instance_lifetime=settings.max_instance_days * SECONDS_OF_A_DAY,
            # A server that may still wait is not replaced.
            health_check_grace_period=settings.boot_patience_seconds + BOOT_SECONDS,
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


def _alarms(group: aws.autoscaling.Group, settings: AppServersSettings, namespace: str) -> Sequence[AlarmSpecification]:
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
            unit="%",
            section=DashboardSection.SERVICE,
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
            unit="servers",
            section=DashboardSection.SERVICE,
            period_seconds=300,
            evaluation_periods=3,
        ),
        AlarmSpecification(
            name="ServerDiskFull",
            summary=f"More than {FULL_DISK_PERCENT} % of an app server's disk is in use: on a full one nothing can be "
            "written, no log and no upload",
            severity=Severity.P3,
            # Of the fullest server. The agent adds the values of all servers up by group.
            measure=Metric(
                namespace=namespace, metric_name="disk_used_percent", dimensions=dimensions, statistic="Maximum"
            ),
            threshold=FULL_DISK_PERCENT,
            unit="%",
            section=DashboardSection.SERVICE,
            period_seconds=300,
            evaluation_periods=1,
        ),
        AlarmSpecification(
            name="SecretsNotLoaded",
            summary="An app server has not loaded the present secrets for an hour, or no server looks for them: the "
            "next rotation waits for it",
            severity=Severity.P3,
            # Of the server that is furthest behind; each of them looks every six minutes at least.
            measure=Metric(namespace=namespace, metric_name=SECRETS_METRIC, dimensions={}, statistic="Maximum"),
            threshold=SECRETS_SECONDS,
            unit="s",
            section=DashboardSection.SERVICE,
            period_seconds=600,
            # A server that was stopped for an hour says so once, when it looks again.
            evaluation_periods=2,
            # Silence is no sign that all is well: a timer that does not run, or a right that was taken away.
            treat_missing_data="breaching",
        ),
    ]
