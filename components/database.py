"""PostgreSQL: a primary with a standby in another zone, and a read replica.

Not here: the application's own database roles, and rotation of the password. The password is ours and not RDS's,
because RDS refuses a read replica of a source whose password it manages itself. A db.m7g.large costs about 120 USD a
month in each of three places (primary, standby, replica; us-east-1), plus storage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.sections.database import DatabaseSettings
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, Severity
from components.shared.connections import Placement
from components.shared.keys import StackContext
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.ports import POSTGRESQL_PORT
from components.shared.user_data import CA_BUNDLE_PATH

MASTER_USERNAME = "fixrx_admin"
PASSWORD_LENGTH = 32
CA_CERTIFICATE = "rds-ca-rsa2048-g1"
STATEMENT_TIMEOUT_MS = 30_000
"""The guide's 30 s. It is set on the application's connections only: set for the whole server it would cancel every
dump, migration and VACUUM."""
SLOW_STATEMENT_MS = 1000
EXPORTED_LOGS = ("postgresql", "upgrade")
MONITORING_INTERVAL_SECONDS = 60
PERFORMANCE_INSIGHTS_DAYS = 7
"""The longest retention without charge."""
EVENT_CATEGORIES = ("availability", "deletion", "failover", "failure", "low storage", "maintenance", "recovery")
BYTES_PER_GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    settings: DatabaseSettings
    windows: MaintenanceWindows
    stack: StackContext
    placement: Placement
    event_topic_arn: pulumi.Input[str]
    max_connections: int
    """Connections that an instance of this class accepts; the threshold of an alarm follows from it."""


class Database(pulumi.ComponentResource):
    """PostgreSQL primary and replica."""

    endpoint: pulumi.Output[str]
    replica_endpoint: pulumi.Output[str]
    url: pulumi.Output[str]
    """Secret. Connection URL of the primary, with TLS verified."""
    replica_url: pulumi.Output[str]
    """Secret. The same for the replica: read-only, some milliseconds behind the primary."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Database", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._database_name = f"{args.stack.identity.project}_{args.stack.identity.environment}"

        self._subnet_group = aws.rds.SubnetGroup(
            f"{name}-subnets", subnet_ids=args.placement.subnet_ids, opts=self._child
        )
        self._monitoring_role = self._create_monitoring_role()
        self._password = self._create_password()
        primary = self._create_primary()
        replica = self._create_replica(primary)
        self._send_events([primary, replica])

        self.endpoint = primary.endpoint
        self.replica_endpoint = replica.endpoint
        self.url = self._url(primary)
        self.replica_url = self._url(replica)
        self.alarms = [*self._primary_alarms(primary), *self._replica_alarms(replica)]
        self.register_outputs({"endpoint": self.endpoint, "replica_endpoint": self.replica_endpoint})

    def _create_monitoring_role(self) -> aws.iam.Role:
        role = iam.service_role(
            f"{self._name}-monitoring",
            "monitoring.rds.amazonaws.com",
            self._args.stack.identity.account_id,
            self._child,
        )
        aws.iam.RolePolicyAttachment(
            f"{self._name}-monitoring-policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
            opts=self._child,
        )
        return role

    def _create_password(self) -> random.RandomPassword:
        return random.RandomPassword(
            f"{self._name}-password",
            length=PASSWORD_LENGTH,
            # RDS refuses some special characters; 32 letters and digits are 190 bits.
            special=False,
            opts=self._child,
        )

    def _create_parameter_group(
        self, role: str, parameters: Sequence[aws.rds.ParameterGroupParameterArgsDict]
    ) -> aws.rds.ParameterGroup:
        """Named by Pulumi and never deleted first: an upgrade needs the groups of the old and new family together."""
        return aws.rds.ParameterGroup(
            f"{self._name}-{role}-parameters",
            family=f"postgres{self._args.settings.engine_version}",
            parameters=[
                {"name": "rds.force_ssl", "value": "1"},
                {
                    "name": "shared_preload_libraries",
                    "value": "pg_stat_statements,auto_explain",
                    "apply_method": "pending-reboot",
                },
                {"name": "log_min_duration_statement", "value": str(SLOW_STATEMENT_MS)},
                {"name": "auto_explain.log_min_duration", "value": str(SLOW_STATEMENT_MS)},
                *parameters,
            ],
            opts=self._child,
        )

    def _create_log_groups(self, role: str) -> Sequence[aws.cloudwatch.LogGroup]:
        """Before the instance: RDS would create them without a key and without expiry."""
        return [
            aws.cloudwatch.LogGroup(
                f"{self._name}-{role}-{log}-log-group",
                name=f"/aws/rds/instance/{self._identifier(role)}/{log}",
                retention_in_days=self._args.settings.log_retention_days,
                kms_key_id=self._args.stack.keys.logs,
                opts=self._child,
            )
            for log in EXPORTED_LOGS
        ]

    def _create_primary(self) -> aws.rds.Instance:
        settings = self._args.settings
        # A second final snapshot of the same name would fail the deletion.
        suffix = random.RandomId(f"{self._name}-final-snapshot-suffix", byte_length=4, opts=self._child)
        args = self._instance_args("primary")
        args.engine = "postgres"
        args.engine_version = settings.engine_version
        args.engine_lifecycle_support = "open-source-rds-extended-support-disabled"
        args.db_name = self._database_name
        args.username = MASTER_USERNAME
        args.password = self._password.result
        args.port = POSTGRESQL_PORT
        args.db_subnet_group_name = self._subnet_group.name
        args.allocated_storage = settings.allocated_storage_gib
        args.kms_key_id = self._args.stack.keys.data
        args.multi_az = settings.multi_az
        args.backup_retention_period = settings.backup_retention_days
        args.backup_window = self._args.windows.database_backup
        args.delete_automated_backups = False
        args.skip_final_snapshot = False
        args.final_snapshot_identifier = pulumi.Output.concat(
            self._args.stack.identity.prefix, "-primary-final-", suffix.hex
        )
        return self._create_instance("primary", args, parameters=[])

    def _create_replica(self, primary: aws.rds.Instance) -> aws.rds.Instance:
        """Inherits engine, credentials, subnets, storage and encryption key of its source; RDS refuses them here."""
        args = self._instance_args("replica")
        args.replicate_source_db = primary.identifier
        # A replica has no final snapshot; its data is the primary's.
        args.skip_final_snapshot = True
        # Without it, a long read on the replica is cancelled when the primary removes rows that it still needs.
        return self._create_instance("replica", args, parameters=[{"name": "hot_standby_feedback", "value": "1"}])

    def _instance_args(self, role: str) -> aws.rds.InstanceArgs:
        """Return what primary and replica have in common."""
        settings = self._args.settings
        return aws.rds.InstanceArgs(
            identifier=self._identifier(role),
            instance_class=settings.instance_class,
            vpc_security_group_ids=[self._args.placement.security_group_id],
            publicly_accessible=False,
            storage_type="gp3",
            storage_encrypted=True,
            max_allocated_storage=settings.max_allocated_storage_gib,
            ca_cert_identifier=CA_CERTIFICATE,
            iam_database_authentication_enabled=True,
            auto_minor_version_upgrade=True,
            maintenance_window=self._args.windows.maintenance,
            apply_immediately=settings.apply_immediately,
            copy_tags_to_snapshot=True,
            deletion_protection=settings.deletion_protection,
            enabled_cloudwatch_logs_exports=list(EXPORTED_LOGS),
            monitoring_interval=MONITORING_INTERVAL_SECONDS,
            monitoring_role_arn=self._monitoring_role.arn,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=self._args.stack.keys.data,
            performance_insights_retention_period=PERFORMANCE_INSIGHTS_DAYS,
        )

    def _create_instance(
        self,
        role: str,
        args: aws.rds.InstanceArgs,
        parameters: Sequence[aws.rds.ParameterGroupParameterArgsDict],
    ) -> aws.rds.Instance:
        log_groups = self._create_log_groups(role)
        args.parameter_group_name = self._create_parameter_group(role, parameters).name
        return aws.rds.Instance(
            f"{self._name}-{role}",
            args,
            pulumi.ResourceOptions(
                parent=self, protect=self._args.settings.deletion_protection, depends_on=list(log_groups)
            ),
        )

    def _identifier(self, role: str) -> str:
        identity = self._args.stack.identity
        return identity.physical_name("aws:rds/instance:Instance", f"{identity.prefix}-postgres-{role}")

    def _send_events(self, instances: Sequence[aws.rds.Instance]) -> None:
        aws.rds.EventSubscription(
            f"{self._name}-events",
            sns_topic=self._args.event_topic_arn,
            source_type="db-instance",
            source_ids=[instance.identifier for instance in instances],
            event_categories=list(EVENT_CATEGORIES),
            opts=self._child,
        )

    def _url(self, instance: aws.rds.Instance) -> pulumi.Output[str]:
        """`sslmode=verify-full` makes the client verify the server's certificate and its host name."""
        options = quote(f"-c statement_timeout={STATEMENT_TIMEOUT_MS}")
        return pulumi.Output.secret(
            pulumi.Output.concat(
                f"postgresql://{MASTER_USERNAME}:",
                self._password.result,
                "@",
                instance.endpoint,
                f"/{self._database_name}?sslmode=verify-full&sslrootcert={CA_BUNDLE_PATH}&options={options}",
            )
        )

    def _primary_alarms(self, primary: aws.rds.Instance) -> Sequence[AlarmSpecification]:
        threshold, max_connections = self._args.settings.connection_alarm_threshold, self._args.max_connections
        connections = partial(
            _alarm(primary),
            metric_name="DatabaseConnections",
            statistic="Maximum",
            period_seconds=60,
            evaluation_periods=2,
        )
        return [
            connections(
                name="DatabaseConnectionHigh",
                summary=f"High database connection usage: more than {threshold} connections",
                threshold=threshold,
            ),
            connections(
                name="DatabaseConnectionLimitNear",
                summary=f"The database uses 80 % of the {max_connections} connections that it accepts; at 100 % it "
                "refuses the API",
                threshold=int(0.8 * max_connections),
                severity=Severity.P2,
            ),
            *self._instance_alarms(primary, "Database"),
        ]

    def _replica_alarms(self, replica: aws.rds.Instance) -> Sequence[AlarmSpecification]:
        return [
            _alarm(replica)(
                name="ReplicaLagHigh",
                summary="The replica is more than 30 s behind the primary: reads return old data",
                metric_name="ReplicaLag",
                threshold=30,
                evaluation_periods=1,
            ),
            *self._instance_alarms(replica, "Replica"),
        ]

    def _instance_alarms(self, instance: aws.rds.Instance, prefix: str) -> Sequence[AlarmSpecification]:
        storage = self._args.settings.allocated_storage_gib
        alarm = _alarm(instance)
        return [
            alarm(
                name=f"{prefix}StorageLow",
                summary=f"Less than 20 % of {storage} GiB is free and storage autoscaling has not added any; a full "
                "database stops",
                metric_name="FreeStorageSpace",
                statistic="Minimum",
                comparison="LessThanThreshold",
                threshold=storage * BYTES_PER_GIB // 5,
                evaluation_periods=1,
                severity=Severity.P2,
            ),
            alarm(
                name=f"{prefix}CpuHigh",
                summary="CPU utilization has been above 80 % for 15 minutes",
                metric_name="CPUUtilization",
                threshold=80,
                evaluation_periods=3,
            ),
        ]


def _alarm(instance: aws.rds.Instance) -> "partial[AlarmSpecification]":
    """Return an alarm on this instance that averages over five minutes unless told otherwise."""
    return partial(
        AlarmSpecification,
        severity=Severity.P3,
        namespace="AWS/RDS",
        dimensions={"DBInstanceIdentifier": instance.identifier},
        statistic="Average",
        period_seconds=300,
    )
