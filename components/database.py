"""PostgreSQL: a primary with a standby in another zone, and a read replica.

Not here: the application's own database roles, and rotation of the password. The password is ours and not RDS's,
because RDS refuses a read replica of a source whose password it manages itself. A db.m7g.large costs about 120 USD a
month in each of three places (primary, standby, replica; us-east-1), plus storage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

import pulumi
import pulumi_aws as aws
import pulumi_random as random
from pydantic import Field, model_validator

from components import iam
from components.alarm_specification import AlarmSpecification, Severity
from components.instance_types import DatabaseClass, capacity_of
from components.maintenance_windows import MaintenanceWindows
from components.naming import Label
from components.section import LogRetentionDays, Section
from components.security_groups import GuardedGroup, Peer

PORT = 5432
MASTER_USERNAME = "fixrx_admin"
PASSWORD_LENGTH = 32
CA_CERTIFICATE = "rds-ca-rsa2048-g1"
CA_BUNDLE_PATH = "/etc/fixrx/rds-ca.pem"
"""Where a server keeps the certificates that RDS's are checked against."""
STATEMENT_TIMEOUT_MS = 30_000
"""The guide's 30 s. It belongs to the application's connections: set for the whole server it would end every dump,
migration and VACUUM."""
SLOW_STATEMENT_MS = 1000
EXPORTED_LOGS = ("postgresql", "upgrade")
MONITORING_INTERVAL_SECONDS = 60
PERFORMANCE_INSIGHTS_DAYS = 7
"""The retention that costs nothing."""
EVENT_CATEGORIES = ("availability", "deletion", "failover", "failure", "low storage", "maintenance", "recovery")
BYTES_PER_GIB = 2**30


class DatabaseSettings(Section):
    """Section `fixrx:database`."""

    engine_version: Literal["15", "16", "17", "18"] = "17"
    """Major version only: with a full version, the automatic minor upgrade of the primary fails while the replica is
    older. 14 and older are past their end of support."""
    instance_class: DatabaseClass = "db.m7g.large"
    """Of the primary, its standby and the replica. Changing it is a failover in the maintenance window."""
    allocated_storage_gib: Annotated[int, Field(ge=20, le=65536)] = 100
    """Storage at the start."""
    max_allocated_storage_gib: Annotated[int, Field(ge=40, le=65536)] = 1000
    """Up to which RDS enlarges the storage by itself."""
    multi_az: bool = True
    """A standby in another zone; a failover takes 60 to 120 s."""
    backup_retention_days: Annotated[int, Field(ge=1, le=35)] = 35
    """Days within which the database can be restored to any moment."""
    deletion_protection: bool = True
    """Refuse to delete or replace the databases."""
    log_retention_days: LogRetentionDays = 30
    connection_alarm_threshold: Annotated[int, Field(ge=10, le=5000)] = 80
    """The guide's DatabaseConnectionHigh."""
    apply_immediately: bool = False
    """Change the database at once, with the restart that may take, instead of in the maintenance window."""

    @model_validator(mode="after")
    def _storage_can_grow(self) -> Self:
        if self.max_allocated_storage_gib < 2 * self.allocated_storage_gib:
            raise ValueError(
                "max_allocated_storage_gib is less than twice allocated_storage_gib, so storage could fill up; raise it"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    settings: DatabaseSettings
    windows: MaintenanceWindows
    label: Label
    vpc_id: pulumi.Input[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    data_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    event_topic_arn: pulumi.Input[str]
    max_connections: int
    """What an instance of this class accepts, for the alarm before that."""


class Database(pulumi.ComponentResource):
    """PostgreSQL primary and replica, reachable by nobody until `allow_from` is called."""

    endpoint: pulumi.Output[str]
    replica_endpoint: pulumi.Output[str]
    url: pulumi.Output[str]
    """Secret. Connection URL of the primary, with TLS verified."""
    replica_url: pulumi.Output[str]
    """Secret. The same for the replica: reads only, some milliseconds behind."""
    peer: Peer
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Database", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._database_name = f"{args.label.project}_{args.label.environment}"

        self._subnet_group = aws.rds.SubnetGroup(f"{name}-subnets", subnet_ids=args.subnet_ids, opts=self._child)
        self._group = GuardedGroup(name, "PostgreSQL", args.vpc_id, self._child)
        self.peer = Peer(security_group_id=self._group.id, port=PORT)
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

    def allow_from(self, name: str, security_group_id: pulumi.Input[str]) -> None:
        """Let the members of a group connect."""
        peer = Peer(security_group_id=security_group_id, port=PORT)
        self._group.allow_from_group(name, peer, f"PostgreSQL, from {name}")

    def refuse_other_rules(self) -> None:
        """Remove rules that anybody adds by hand. Call it after the last `allow_from`."""
        self._group.refuse_other_rules()

    def _create_monitoring_role(self) -> aws.iam.Role:
        role = iam.service_role(
            f"{self._name}-monitoring", "monitoring.rds.amazonaws.com", self._args.label.account_id, self._child
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

    def _create_parameter_group(self, role: str, parameters: Sequence[dict[str, str]]) -> aws.rds.ParameterGroup:
        """Named by Pulumi and never deleted first: an upgrade needs the old and the new family's group side by side."""
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

    def _create_log_groups(self, identifier: str, role: str) -> Sequence[aws.cloudwatch.LogGroup]:
        """Ahead of the instance: RDS would create them without key and without an end."""
        return [
            aws.cloudwatch.LogGroup(
                f"{self._name}-{role}-{log}-log-group",
                name=f"/aws/rds/instance/{identifier}/{log}",
                retention_in_days=self._args.settings.log_retention_days,
                kms_key_id=self._args.logs_key_arn,
                opts=self._child,
            )
            for log in EXPORTED_LOGS
        ]

    def _create_primary(self) -> aws.rds.Instance:
        settings = self._args.settings
        # A second final snapshot of the same name would fail the deletion.
        suffix = random.RandomId(f"{self._name}-final-snapshot-suffix", byte_length=4, opts=self._child)
        return self._create_instance(
            "primary",
            parameters=[],
            options=pulumi.ResourceOptions(protect=settings.deletion_protection),
            engine="postgres",
            engine_version=settings.engine_version,
            engine_lifecycle_support="open-source-rds-extended-support-disabled",
            db_name=self._database_name,
            username=MASTER_USERNAME,
            password=self._password.result,
            port=PORT,
            db_subnet_group_name=self._subnet_group.name,
            allocated_storage=settings.allocated_storage_gib,
            kms_key_id=self._args.data_key_arn,
            multi_az=settings.multi_az,
            backup_retention_period=settings.backup_retention_days,
            backup_window=self._args.windows.database_backup,
            delete_automated_backups=False,
            skip_final_snapshot=False,
            final_snapshot_identifier=pulumi.Output.concat(self._args.label.prefix, "-primary-final-", suffix.hex),
        )

    def _create_replica(self, primary: aws.rds.Instance) -> aws.rds.Instance:
        """Inherits engine, credentials, subnets, storage and encryption key of its source; RDS refuses them here."""
        return self._create_instance(
            "replica",
            # Without it, a long read on the replica is cancelled when the primary removes rows that it still needs.
            parameters=[{"name": "hot_standby_feedback", "value": "1"}],
            options=pulumi.ResourceOptions(protect=self._args.settings.deletion_protection),
            replicate_source_db=primary.identifier,
            # A replica has no final snapshot; its data is the primary's.
            skip_final_snapshot=True,
        )

    def _create_instance(
        self, role: str, parameters: Sequence[dict[str, str]], options: pulumi.ResourceOptions, **differing: Any
    ) -> aws.rds.Instance:
        settings = self._args.settings
        identifier = self._args.label.physical_name(
            "aws:rds/instance:Instance", f"{self._args.label.prefix}-postgres-{role}"
        )
        log_groups = self._create_log_groups(identifier, role)
        parameter_group = self._create_parameter_group(role, parameters)
        return aws.rds.Instance(
            f"{self._name}-{role}",
            identifier=identifier,
            instance_class=settings.instance_class,
            parameter_group_name=parameter_group.name,
            vpc_security_group_ids=[self._group.id],
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
            performance_insights_kms_key_id=self._args.data_key_arn,
            performance_insights_retention_period=PERFORMANCE_INSIGHTS_DAYS,
            opts=pulumi.ResourceOptions(parent=self, protect=options.protect, depends_on=list(log_groups)),
            **differing,
        )

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
        """`sslmode=verify-full` makes the client check that it talks to this database and to nobody in between."""
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
        settings = self._args.settings
        most = self._args.max_connections
        return [
            _alarm(
                primary,
                "DatabaseConnectionHigh",
                f"High database connection usage: more than {settings.connection_alarm_threshold} connections",
                "DatabaseConnections",
                statistic="Maximum",
                threshold=settings.connection_alarm_threshold,
                period_seconds=60,
                evaluation_periods=2,
            ),
            _alarm(
                primary,
                "DatabaseConnectionLimitNear",
                f"The database uses four fifths of the {most} connections that it accepts; then it turns the API away",
                "DatabaseConnections",
                statistic="Maximum",
                threshold=int(0.8 * most),
                period_seconds=60,
                evaluation_periods=2,
                severity=Severity.P2,
            ),
            *self._instance_alarms(primary, "Database"),
        ]

    def _replica_alarms(self, replica: aws.rds.Instance) -> Sequence[AlarmSpecification]:
        return [
            _alarm(
                replica,
                "ReplicaLagHigh",
                "The replica is more than 30 s behind: readers see old data",
                "ReplicaLag",
                threshold=30,
                evaluation_periods=1,
            ),
            *self._instance_alarms(replica, "Replica"),
        ]

    def _instance_alarms(self, instance: aws.rds.Instance, prefix: str) -> Sequence[AlarmSpecification]:
        storage = self._args.settings.allocated_storage_gib
        return [
            _alarm(
                instance,
                f"{prefix}StorageLow",
                f"Less than a fifth of {storage} GiB is free and RDS has not enlarged it; a full database stops",
                "FreeStorageSpace",
                statistic="Minimum",
                comparison="LessThanThreshold",
                threshold=storage * BYTES_PER_GIB // 5,
                evaluation_periods=1,
                severity=Severity.P2,
            ),
            _alarm(
                instance,
                f"{prefix}CpuHigh",
                "The processors have been more than 80 % busy for 15 minutes",
                "CPUUtilization",
                threshold=80,
                evaluation_periods=3,
            ),
        ]


def memory_gib(settings: DatabaseSettings) -> float:
    """Memory of an instance of the configured class, in GiB."""
    return capacity_of(settings.instance_class).memory_gib


def _alarm(
    instance: aws.rds.Instance, name: str, summary: str, metric_name: str, **differing: Any
) -> AlarmSpecification:
    usual = {"severity": Severity.P3, "statistic": "Average", "period_seconds": 300}
    return AlarmSpecification(
        name=name,
        summary=summary,
        namespace="AWS/RDS",
        metric_name=metric_name,
        dimensions={"DBInstanceIdentifier": instance.identifier},
        **{**usual, **differing},
    )
