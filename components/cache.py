"""Redis: one primary and replicas in other zones, encrypted, reachable over TLS only, by one user with a password.

The guide asks for Redis, and ElastiCache's last Redis is 7.1; Valkey, its successor, has the same protocol, receives
the new versions and costs 20 % less. `engine: valkey` selects it. Moving an existing cache between the two is
an upgrade in place and cannot be undone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.sections.cache import CacheSettings
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.connections import Placement
from components.shared.keys import StackContext
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.only_grows import OnlyGrows, inputs_of, refuse_lower
from components.shared.ports import REDIS_PORT

PASSWORD_LENGTH = 64
"""ElastiCache accepts 16 to 128 characters."""
APPLICATION_RIGHTS = "on ~* &* +@all -@admin -@dangerous +info"
"""Everything but what stops or empties the server. Clients ask for INFO when they connect."""
NO_RIGHTS = "off ~* -@all"
PARAMETER_FAMILIES = {"redis": "redis7", "valkey": "valkey8"}
LOG_TYPES = ("slow-log", "engine-log")


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    settings: CacheSettings
    windows: MaintenanceWindows
    stack: StackContext
    placement: Placement


class Cache(pulumi.ComponentResource):
    """ElastiCache replication group."""

    endpoint: pulumi.Output[str]
    address: pulumi.Output[str]
    """Host and port."""
    user_id: pulumi.Output[str]
    """Of the application, its name for Redis as well. Its passwords are components/credentials.py's."""
    user_arn: pulumi.Output[str]
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        grows = what_only_grows(args.settings)
        super().__init__("fixrx:components:Cache", name, inputs_of(grows), refuse_lower(name, grows, opts))
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        user = self._create_user()
        replication_group = self._create_replication_group(self._create_user_group(user))

        self.endpoint = replication_group.primary_endpoint_address
        self.address = pulumi.Output.concat(self.endpoint, f":{REDIS_PORT}")
        self.user_id, self.user_arn = user.user_id, user.arn
        self.alarms = self._alarms(replication_group)
        self.register_outputs({"endpoint": self.endpoint})

    def _create_parameter_group(self) -> aws.elasticache.ParameterGroup:
        return aws.elasticache.ParameterGroup(
            f"{self._name}-parameters",
            family=PARAMETER_FAMILIES[self._args.settings.engine],
            parameters=[{"name": "maxmemory-policy", "value": self._args.settings.eviction_policy}],
            opts=self._child,
        )

    def _create_log_groups(self) -> dict[str, aws.cloudwatch.LogGroup]:
        identity = self._args.stack.identity
        return {
            log_type: aws.cloudwatch.LogGroup(
                f"{self._name}-{log_type}-group",
                name=f"/{identity.project}/{identity.environment}/cache/{log_type}",
                retention_in_days=self._args.settings.log_retention_days,
                kms_key_id=self._args.stack.keys.logs,
                opts=self._child,
            )
            for log_type in LOG_TYPES
        }

    def _create_user(self) -> aws.elasticache.User:
        """Rotation replaces the first password, and Pulumi must not write it back."""
        password = random.RandomPassword(f"{self._name}-token", length=PASSWORD_LENGTH, special=False, opts=self._child)
        identifier = self._user_id("app")
        return aws.elasticache.User(
            f"{self._name}-user",
            user_id=identifier,
            user_name=identifier,
            engine=self._args.settings.engine,
            access_string=APPLICATION_RIGHTS,
            authentication_mode={"type": "password", "passwords": [pulumi.Output.secret(password.result)]},
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["authenticationMode"]),
        )

    def _create_user_group(self, user: aws.elasticache.User) -> aws.elasticache.UserGroup:
        """ElastiCache wants one user named default; AWS's own may do everything without a password."""
        nobody = aws.elasticache.User(
            f"{self._name}-default-user",
            user_id=self._user_id("default"),
            user_name="default",
            engine=self._args.settings.engine,
            access_string=NO_RIGHTS,
            authentication_mode={"type": "no-password-required"},
            opts=self._child,
        )
        return aws.elasticache.UserGroup(
            f"{self._name}-users",
            user_group_id=self._user_id("users"),
            engine=self._args.settings.engine,
            user_ids=[nobody.user_id, user.user_id],
            opts=self._child,
        )

    def _user_id(self, suffix: str) -> str:
        identity = self._args.stack.identity
        return identity.physical_name("aws:elasticache/user:User", f"{identity.prefix}-{suffix}")

    def _create_replication_group(self, users: aws.elasticache.UserGroup) -> aws.elasticache.ReplicationGroup:
        settings = self._args.settings
        several_nodes = settings.nodes > 1
        # A second final snapshot of the same name would fail the deletion.
        suffix = random.RandomId(f"{self._name}-final-snapshot-suffix", byte_length=4, opts=self._child)
        subnet_group = aws.elasticache.SubnetGroup(
            f"{self._name}-subnets", subnet_ids=self._args.placement.subnet_ids, opts=self._child
        )
        return aws.elasticache.ReplicationGroup(
            f"{self._name}-replication-group",
            replication_group_id=self._replication_group_id,
            description=f"{self._args.stack.identity.prefix}: cache of the API",
            engine=settings.engine,
            engine_version=settings.engine_version,
            node_type=settings.node_type,
            num_cache_clusters=settings.nodes,
            automatic_failover_enabled=several_nodes,
            multi_az_enabled=several_nodes,
            port=REDIS_PORT,
            subnet_group_name=subnet_group.name,
            security_group_ids=[self._args.placement.security_group_id],
            parameter_group_name=self._create_parameter_group().name,
            at_rest_encryption_enabled=True,
            kms_key_id=self._args.stack.keys.data,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            user_group_ids=[users.user_group_id],
            snapshot_retention_limit=settings.snapshot_retention_days,
            snapshot_window=self._args.windows.cache_snapshot,
            final_snapshot_identifier=pulumi.Output.concat(self._replication_group_id, "-final-", suffix.hex),
            maintenance_window=self._args.windows.maintenance,
            auto_minor_version_upgrade=True,
            apply_immediately=settings.apply_immediately,
            log_delivery_configurations=[
                {
                    "log_type": log_type,
                    "destination": log_group.name,
                    "destination_type": "cloudwatch-logs",
                    "log_format": "json",
                }
                for log_type, log_group in self._create_log_groups().items()
            ],
            opts=pulumi.ResourceOptions(parent=self, protect=settings.protect),
        )

    @property
    def _replication_group_id(self) -> str:
        return self._args.stack.identity.physical_name(
            "aws:elasticache/replicationGroup:ReplicationGroup", f"{self._args.stack.identity.prefix}-cache"
        )

    def _alarms(self, replication_group: aws.elasticache.ReplicationGroup) -> Sequence[AlarmSpecification]:
        """CloudWatch has metrics of the nodes only, which ElastiCache names after the group: `-001`, `-002` etc."""
        return [
            alarm
            for number in range(1, self._args.settings.nodes + 1)
            for alarm in _node_alarms(f"{number:03d}", replication_group)
        ]


def what_only_grows(settings: CacheSettings) -> Mapping[str, OnlyGrows]:
    """The last version of Redis is older than the first one of Valkey, so the version tells the engines' order too."""
    return {
        "engine_version": OnlyGrows(
            key="cache.engine",
            value=settings.engine_version,
            because=f"{settings.engine} would replace the cache, and everything in it would be lost. Keep the deployed "
            "engine; the way back from an upgrade is in docs/upgrades.md#back-from-valkey",
        )
    }


def _node_alarms(number: str, group: aws.elasticache.ReplicationGroup) -> Sequence[AlarmSpecification]:
    def alarm(
        name: str, summary: str, metric_name: str, threshold: float, unit: str, severity: Severity
    ) -> AlarmSpecification:
        return AlarmSpecification(
            name=f"{name}-{number}",
            summary=summary,
            severity=severity,
            measure=Metric(
                namespace="AWS/ElastiCache",
                metric_name=metric_name,
                dimensions={"CacheClusterId": pulumi.Output.concat(group.id, "-", number)},
                statistic="Average",
            ),
            threshold=threshold,
            unit=unit,
            section=DashboardSection.DATA,
            period_seconds=300,
            evaluation_periods=3,
        )

    return [
        alarm(
            "CacheMemoryHigh",
            "The cache uses more than 80 % of its memory; at 100 % it evicts keys",
            "DatabaseMemoryUsagePercentage",
            80,
            "%",
            Severity.P3,
        ),
        alarm(
            "CacheCpuHigh",
            "The CPU of the Redis engine, which has one thread, has been above 70 % for 15 minutes",
            "EngineCPUUtilization",
            70,
            "%",
            Severity.P3,
        ),
        alarm(
            "CacheEvictions", "The cache evicts keys because its memory is full", "Evictions", 0, "keys", Severity.P4
        ),
    ]
