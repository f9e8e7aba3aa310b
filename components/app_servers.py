"""The app servers: three to ten instances over all zones that replace themselves, scale by load and roll out changes.

The guide has four topologies (three servers, two hosts, three ports on one, a fourth by hand). Here every server is
alike, runs one PM2 with a process per processor on port 3000, and exists because the group wants it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import pulumi
import pulumi_aws as aws
from pydantic import Field, StringConstraints, model_validator

from components import iam
from components.alarm_specification import AlarmSpecification, Severity
from components.backup_bucket import RELEASES_PREFIX, ReleaseStore
from components.instance_types import Capacity, ServerType, capacity_of
from components.load_balancer import APPLICATION_PORT, FrontEnd
from components.naming import Label
from components.section import Section
from components.security_groups import GuardedGroup, Peer
from components.user_data import UserData

HTTPS_PORT = 443
BOOT_SECONDS = 300
"""From launch to the first request that can be served: packages, release and the start of Node, with some to spare."""
MOST_HEALTHY_PERCENT = 110
"""A replacement starts before the old server stops, one at a time: more at once need more database connections."""
GIB_PER_PROCESS = 1.25
"""PM2 restarts a process at 1 GiB; the rest is for its start and for memory that V8 does not count."""
GIB_FOR_SYSTEM = 1.0
SERVERS_METRIC = "GroupInServiceInstances"
SSM_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


class AppServersSettings(Section):
    """Section `fixrx:app_servers`."""

    image_id: Annotated[str, StringConstraints(pattern=r"^ami-([0-9a-f]{8}|[0-9a-f]{17})$")]
    """Amazon Linux 2023. Pinned: an image that moves by itself would replace the whole fleet on an unrelated change."""
    release: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Which archive under `releases/` of the backup bucket the servers run."""
    instance_type: ServerType = "m7g.large"
    """Needs 1.25 GiB of memory for each processor and 1 GiB for the system. Processor architecture as in `image_id`."""
    min_size: Annotated[int, Field(ge=1, le=100)] = 3
    """Servers that always run."""
    max_size: Annotated[int, Field(ge=1, le=100)] = 10
    """Servers that run at the most. More of them leave fewer database connections for each."""
    target_cpu_percent: Annotated[int, Field(ge=10, le=90)] = 70
    """Load of the processors that scaling aims at; the guide's figure."""
    requests_per_server_per_minute: Annotated[int, Field(ge=100)] = 6000
    """Load at which servers are added even if their processors are idle, waiting for the database. 100 a second is an
    assumption until a load test replaces it."""
    node_version: Literal["22", "24", "26"] = "24"
    """18 and 20 are past their end of support."""
    pool_size: Annotated[int, Field(ge=1, le=100)] | None = None
    """Database connections of each process; without it the largest that the connection budget allows."""
    root_volume_gib: Annotated[int, Field(ge=8, le=1024)] = 30

    @model_validator(mode="after")
    def _sizes_are_ordered(self) -> Self:
        if self.min_size > self.max_size:
            raise ValueError("min_size is greater than max_size; swap or change them")
        return self

    @model_validator(mode="after")
    def _processes_fit_memory(self) -> Self:
        needed = self.capacity.vcpus * GIB_PER_PROCESS + GIB_FOR_SYSTEM
        if self.capacity.memory_gib < needed:
            raise ValueError(
                f"instance_type has {self.capacity.memory_gib:g} GiB of memory, and a process for each of its "
                f"{self.capacity.vcpus} processors needs {needed:g} GiB; take a type with more, such as m7g.large"
            )
        return self

    @property
    def capacity(self) -> Capacity:
        return capacity_of(self.instance_type)

    @property
    def peak_servers(self) -> int:
        """The most that run at once: the maximum, and those that a rolling replacement starts first."""
        return math.ceil(self.max_size * MOST_HEALTHY_PERCENT / 100)


@dataclass(frozen=True, kw_only=True)
class AppServersArgs:
    settings: AppServersSettings
    label: Label
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    load_balancer: FrontEnd
    upstreams: Mapping[str, Peer]
    """The groups that servers connect to, by what they are."""
    environment: Mapping[str, str]
    """Environment variables in plain."""
    secret_arns: Mapping[str, pulumi.Input[str]]
    secrets_key_arn: pulumi.Input[str]
    releases: ReleaseStore
    session_log_group_arn: pulumi.Input[str]
    drain_seconds: int


class AppServers(pulumi.ComponentResource):
    """Auto Scaling group of identical servers behind the load balancer."""

    security_group_id: pulumi.Output[str]
    peer: Peer
    group_name: pulumi.Output[str]
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: AppServersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:AppServers", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self._group = GuardedGroup(name, "App servers", args.vpc_id, self._child)
        self.security_group_id = self._group.id
        self.peer = Peer(security_group_id=self._group.id, port=APPLICATION_PORT)
        self._open_ways()
        role, grants = self._create_role()
        launch_template = self._create_launch_template(role)
        # A server that boots before it may fetch its secrets would spend its grace period on retries.
        scaling_group = self._create_scaling_group(launch_template, [*self._group.rules, *grants])
        self._scale(scaling_group)

        self.group_name = scaling_group.name
        self.alarms = _alarms(scaling_group, args.settings)
        self.register_outputs({"group_name": self.group_name, "security_group_id": self.security_group_id})

    def refuse_other_rules(self) -> None:
        """Remove rules that anybody adds by hand."""
        self._group.refuse_other_rules()

    def _open_ways(self) -> None:
        """In from the load balancer; out to the upstreams, and to third parties and AWS by HTTPS. Nothing else."""
        load_balancer = Peer(security_group_id=self._args.load_balancer.security_group_id, port=APPLICATION_PORT)
        self._group.allow_from_group(
            "load-balancer", load_balancer, "Requests and health checks, from the load balancer"
        )
        for upstream, peer in self._args.upstreams.items():
            self._group.allow_to_group(upstream, peer, f"Connections to {upstream}")
        self._group.allow_to_internet("https", HTTPS_PORT, "Twilio, SendGrid, Firebase, OAuth providers and AWS")

    def _create_role(self) -> tuple[aws.iam.Role, Sequence[pulumi.Resource]]:
        role = iam.service_role(self._name, "ec2.amazonaws.com", None, self._child)
        policy = iam.role_policy(self._name, role, iam.document(*self._permissions()), self._child)
        session_manager = aws.iam.RolePolicyAttachment(
            f"{self._name}-session-manager", role=role.name, policy_arn=SSM_POLICY, opts=self._child
        )
        # A permission given by hand in the console is removed by the next `pulumi up`.
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
        args = self._args
        return [
            iam.statement(
                "ReadOwnSecrets",
                actions=["secretsmanager:GetSecretValue"],
                resources=[args.secret_arns[variable] for variable in sorted(args.secret_arns)],
            ),
            iam.statement(
                "DecryptOwnSecrets",
                actions=["kms:Decrypt"],
                resources=[args.secrets_key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{args.label.region}.amazonaws.com"}},
            ),
            iam.statement(
                "ReadReleases",
                actions=["s3:GetObject"],
                resources=[pulumi.Output.concat(args.releases.bucket_arn, f"/{RELEASES_PREFIX}*")],
            ),
            iam.statement(
                "DecryptReleases",
                actions=["kms:Decrypt"],
                resources=[args.releases.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{args.label.region}.amazonaws.com"}},
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
                resources=[f"arn:aws:logs:{args.label.region}:{args.label.account_id}:log-group:*"],
            ),
        ]

    def _user_data(self) -> pulumi.Output[str]:
        args = self._args

        def render(known: Mapping[str, Any]) -> str:
            return UserData(
                region=args.label.region,
                bucket=known["bucket"],
                release=args.settings.release,
                node_version=args.settings.node_version,
                drain_seconds=args.drain_seconds,
                settings=args.environment,
                secret_arns=known["secret_arns"],
            ).encoded()

        return pulumi.Output.all(bucket=args.releases.bucket_name, secret_arns=dict(args.secret_arns)).apply(render)

    def _create_launch_template(self, role: aws.iam.Role) -> aws.ec2.LaunchTemplate:
        settings, label = self._args.settings, self._args.label
        profile = aws.iam.InstanceProfile(f"{self._name}-instance-profile", role=role.name, opts=self._child)
        return aws.ec2.LaunchTemplate(
            f"{self._name}-launch-template",
            image_id=settings.image_id,
            instance_type=settings.instance_type,
            iam_instance_profile={"arn": profile.arn},
            vpc_security_group_ids=[self.security_group_id],
            user_data=self._user_data(),
            update_default_version=True,
            ebs_optimized="true",
            # Figures every minute in place of every five: scaling and alarms see load four minutes earlier.
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
                {"resource_type": kind, "tags": label.tags(f"{self._name}-server")}
                for kind in ("instance", "volume", "network-interface")
            ],
            opts=self._child,
        )

    def _create_scaling_group(
        self, launch_template: aws.ec2.LaunchTemplate, ready_first: Sequence[pulumi.Resource]
    ) -> aws.autoscaling.Group:
        settings = self._args.settings
        tags = self._args.label.tags(f"{self._name}-group")
        maintenance = {"min_healthy_percentage": 100, "max_healthy_percentage": MOST_HEALTHY_PERCENT}
        return aws.autoscaling.Group(
            f"{self._name}-group",
            min_size=settings.min_size,
            max_size=settings.max_size,
            desired_capacity=settings.min_size,
            vpc_zone_identifiers=self._args.subnet_ids,
            target_group_arns=[self._args.load_balancer.target_group_arn],
            health_check_type="ELB",
            health_check_grace_period=BOOT_SECONDS,
            default_instance_warmup=BOOT_SECONDS,
            availability_zone_distribution={"capacity_distribution_strategy": "balanced-best-effort"},
            instance_maintenance_policy=maintenance,
            enabled_metrics=[SERVERS_METRIC],
            metrics_granularity="1Minute",
            # The number, not "$Latest": a refresh starts only when this input changes.
            launch_template={"id": launch_template.id, "version": launch_template.latest_version.apply(str)},
            instance_refresh={
                "strategy": "Rolling",
                "preferences": {**maintenance, "instance_warmup": str(BOOT_SECONDS), "skip_matching": True},
            },
            tags=[{"key": key, "value": value, "propagate_at_launch": False} for key, value in tags.items()],
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(ready_first),
                # Scaling decides how many; a deployment in the evening peak must not send servers home.
                ignore_changes=["desiredCapacity"],
            ),
        )

    def _scale(self, group: aws.autoscaling.Group) -> None:
        """Each policy adds servers on its own; servers go only when both agree."""
        settings = self._args.settings
        targets: Mapping[str, tuple[Mapping[str, Any], float]] = {
            "cpu": ({"predefined_metric_type": "ASGAverageCPUUtilization"}, settings.target_cpu_percent),
            "requests": (
                {
                    "predefined_metric_type": "ALBRequestCountPerTarget",
                    "resource_label": self._args.load_balancer.request_count_label,
                },
                settings.requests_per_server_per_minute,
            ),
        }
        for target, (metric, value) in targets.items():
            aws.autoscaling.Policy(
                f"{self._name}-scale-by-{target}",
                autoscaling_group_name=group.name,
                policy_type="TargetTrackingScaling",
                target_tracking_configuration={"predefined_metric_specification": metric, "target_value": value},
                opts=self._child,
            )


def _alarms(group: aws.autoscaling.Group, settings: AppServersSettings) -> Sequence[AlarmSpecification]:
    def alarm(name: str, summary: str, metric_name: str, **differing: Any) -> AlarmSpecification:
        return AlarmSpecification(
            name=name,
            summary=summary,
            severity=Severity.P3,
            metric_name=metric_name,
            dimensions={"AutoScalingGroupName": group.name},
            period_seconds=300,
            **differing,
        )

    return [
        alarm(
            "ServerCpuHigh",
            "The servers' processors have been 90 % busy for 15 minutes: scaling does not keep up or is at its maximum",
            "CPUUtilization",
            namespace="AWS/EC2",
            statistic="Average",
            threshold=90,
            evaluation_periods=3,
        ),
        alarm(
            "ServerGroupAtMaximum",
            f"All {settings.max_size} servers that the group may have are running; more load has nowhere to go",
            SERVERS_METRIC,
            namespace="AWS/AutoScaling",
            statistic="Minimum",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=settings.max_size,
            evaluation_periods=3,
        ),
    ]
