"""PostgreSQL: a primary with a standby in another zone, and a read replica.

The roles in it, and what the application logs in with, are components/credentials.py's. The administrator's password is
of use once, before there are roles; it is ours and not RDS's, because RDS refuses a read replica of a source whose
password it manages itself. A db.m7g.large costs about 120 USD a
month in each of three places (primary, standby, replica; us-east-1), plus storage.

A recovery (`database.recovery`) is a second pair of the same kind, restored to a chosen second. It never takes the
place of the first one: a setting says which of the two serves, and both stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

import pulumi
import pulumi_aws as aws
import pulumi_random as random

from components.sections.database import CA_CERTIFICATE, DatabaseSettings
from components.shared import iam, recovery_steps
from components.shared.alarm_specification import (
    AlarmSpecification,
    DashboardSection,
    Metric,
    PrometheusQuery,
    Severity,
)
from components.shared.connections import Placement
from components.shared.database_access import DatabaseAccess
from components.shared.host import CA_BUNDLE_PATH
from components.shared.keys import StackContext
from components.shared.logs import mask_personal_data
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.only_grows import OnlyGrows, inputs_of, refuse_lower
from components.shared.ports import POSTGRESQL_PORT
from components.shared.recovery import LATEST

MASTER_USERNAME = "fixrx_admin"
PASSWORD_LENGTH = 32
STATEMENT_TIMEOUT_MS = 30_000
"""The guide's 30 s. It is set on the application's connections only: set for the whole server it would cancel every
dump, migration and VACUUM."""
TLS_OPTIONS = f"sslmode=verify-full&sslrootcert={CA_BUNDLE_PATH}"
"""Of a connection URL: the client verifies the server's certificate and its host name."""
URL_OPTIONS = f"{TLS_OPTIONS}&options={quote(f'-c statement_timeout={STATEMENT_TIMEOUT_MS}')}"
"""Of the application's connection URLs."""
SLOW_STATEMENT_MS = 1000
EXPORTED_LOGS = ("postgresql", "upgrade")
MONITORING_INTERVAL_SECONDS = 60
PERFORMANCE_INSIGHTS_DAYS = 7
"""The longest retention without charge."""
EVENT_CATEGORIES = (
    "availability",
    "deletion",
    "failover",
    "failure",
    "low storage",
    "maintenance",
    "read replica",
    "recovery",
)
BYTES_PER_GIB = 2**30
FIRST_FAMILY = "17"
"""Major version whose parameter groups have names without a version: every stack was created with it."""
REPLICA_LAG_SECONDS = 120
"""PostgreSQL's lag is the age of the last transaction. While nothing is written it rises to 300 s, falls to about 0
with a checkpoint, and rises again: its minimum in five minutes is below 60 s as long as the replica follows."""
BACKLOG_SHARE = 0.1
"""Share of the storage that may wait for the replica; it fills the primary's disk until the replica returns."""


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    settings: DatabaseSettings
    windows: MaintenanceWindows
    stack: StackContext
    placement: Placement
    event_topic_arn: pulumi.Input[str]
    max_connections: int
    """Connections that an instance of this class accepts; the threshold of an alarm follows from it."""


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """Two instances with the same data."""

    primary: aws.rds.Instance
    replica: aws.rds.Instance
    replica_role: str
    """Of the replica; its endpoint follows from it."""


class Database(pulumi.ComponentResource):
    """PostgreSQL primary and replica; while data is recovered, a restored pair beside them."""

    primary: aws.rds.Instance
    """The one that serves."""
    primary_arns: Sequence[pulumi.Output[str]]
    """Of every primary, whether it serves or not: all have to be backed up."""
    subnet_group_name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    replica_endpoint: pulumi.Output[str]
    access: DatabaseAccess
    """Of the primary."""
    replica_access: DatabaseAccess
    """Of the replica: read-only, some milliseconds behind the primary. Its endpoint is known before it exists."""
    database_name: str
    password: pulumi.Output[str]
    """Secret. Of the administrator."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        grows, recovery = what_only_grows(args.settings), args.settings.recovery
        opts = pulumi.ResourceOptions.merge(
            refuse_lower(name, grows, opts), recovery_steps.refuse_steps(name, recovery)
        )
        inputs = {**inputs_of(grows), **recovery_steps.inputs_of(recovery)}
        super().__init__("fixrx:components:Database", name, inputs, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.database_name = f"{args.stack.identity.project}_{args.stack.identity.environment}"

        self._subnet_group = aws.rds.SubnetGroup(
            f"{name}-subnets", subnet_ids=args.placement.subnet_ids, opts=self._child
        )
        self._monitoring_role = self._create_monitoring_role()
        self._password = self._create_password()
        self._groups = self._create_groups()
        first = self._create_first()
        pairs = [first, *self._create_restored(first)]
        self._send_events([instance for pair in pairs for instance in (pair.primary, pair.replica)])

        serving, *aside = reversed(pairs) if recovery.serve else pairs
        self.primary = serving.primary
        self.primary_arns = [pair.primary.arn for pair in pairs]
        self.subnet_group_name = self._subnet_group.name
        self.endpoint = serving.primary.endpoint
        self.replica_endpoint = serving.replica.endpoint
        self.password = pulumi.Output.secret(self._password.result)
        self.access = DatabaseAccess(endpoint=self.endpoint, resource_id=serving.primary.resource_id)
        self.replica_access = DatabaseAccess(
            endpoint=self.endpoint.apply(partial(self._endpoint_of, serving.replica_role)),
            resource_id=serving.replica.resource_id,
        )
        self.alarms = [
            *self._pair_alarms(serving),
            *(_aside(each) for pair in aside for each in self._pair_alarms(pair)),
        ]
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

    def _create_groups(self) -> Mapping[str, Mapping[str, aws.rds.ParameterGroup]]:
        """Return the groups of primaries and those of replicas, by major version."""
        own: Mapping[str, Sequence[aws.rds.ParameterGroupParameterArgsDict]] = {
            "primary": [],
            # Without it, a long read on the replica is cancelled when the primary removes rows that it still needs.
            "replica": [{"name": "hot_standby_feedback", "value": "1"}],
        }
        return {role: self._create_parameter_groups(role, parameters) for role, parameters in own.items()}

    def _create_parameter_groups(
        self, role: str, parameters: Sequence[aws.rds.ParameterGroupParameterArgsDict]
    ) -> Mapping[str, aws.rds.ParameterGroup]:
        """Return a group for each major version that an instance may have now: two of them during an upgrade.

        RDS refuses a group of another version, and refuses to delete one that an instance still uses.
        """
        versions = dict.fromkeys(filter(None, (self._args.settings.upgrade_from, self._args.settings.engine_version)))
        return {version: self._create_parameter_group(role, version, parameters) for version in versions}

    def _create_parameter_group(
        self, role: str, version: str, parameters: Sequence[aws.rds.ParameterGroupParameterArgsDict]
    ) -> aws.rds.ParameterGroup:
        suffix = "" if version == FIRST_FAMILY else f"-postgres{version}"
        return aws.rds.ParameterGroup(
            f"{self._name}-{role}-parameters{suffix}",
            family=f"postgres{version}",
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
        groups = {
            log: aws.cloudwatch.LogGroup(
                f"{self._name}-{role}-{log}-log-group",
                name=f"/aws/rds/instance/{self._identifier(role)}/{log}",
                retention_in_days=self._args.settings.log_retention_days,
                kms_key_id=self._args.stack.keys.logs,
                opts=self._child,
            )
            for log in EXPORTED_LOGS
        }
        # Slow statements, with the values that users have sent.
        mask_personal_data(f"{self._name}-{role}-postgresql", groups["postgresql"], self._child)
        return list(groups.values())

    def _create_first(self) -> _Pair:
        settings = self._args.settings
        args = self._primary_args("primary", f"{self._name}-final-snapshot-suffix")
        args.allow_major_version_upgrade = settings.upgrade_from is not None or None
        args.db_name = self.database_name
        args.username = MASTER_USERNAME
        args.password = self._password.result
        args.allocated_storage = settings.allocated_storage_gib
        primary = self._create_instance("primary", args, self._groups["primary"][settings.engine_version])
        return self._add_replica(primary, "replica")

    def _create_restored(self, first: _Pair) -> Sequence[_Pair]:
        """Return the restored pair, if there is one: in everything but its data what the first one is.

        RDS takes the storage, the key, the database and the users with their passwords from the source. The replica is
        there from the beginning: a cut-over does not wait for it, and neither does the way back.
        """
        settings, recovery = self._args.settings, self._args.settings.recovery
        if recovery.restore_time is None:
            return []
        args = self._primary_args("restored", f"{self._name}-restored-final-snapshot-suffix")
        latest, arn = recovery.restore_time == LATEST, recovery.automated_backups_arn
        args.restore_to_point_in_time = aws.rds.InstanceRestoreToPointInTimeArgs(
            source_db_instance_identifier=None if arn else first.primary.identifier,
            source_db_instance_automated_backups_arn=arn,
            restore_time=None if latest else recovery.restore_time,
            use_latest_restorable_time=latest or None,
        )
        options = pulumi.ResourceOptions.merge(
            recovery_steps.refuse_unreachable(self._name, recovery, settings.backup_retention_days),
            # Backups of another region have the key of that region, which the instance keeps.
            pulumi.ResourceOptions(ignore_changes=["kmsKeyId"] if arn else None),
        )
        primary = self._create_instance("restored", args, self._groups["primary"][settings.engine_version], options)
        return [self._add_replica(primary, "restored-replica")]

    def _primary_args(self, role: str, suffix_name: str) -> aws.rds.InstanceArgs:
        """Return what is the same for a new database and for a restored one."""
        settings = self._args.settings
        # A second final snapshot of the same name would fail the deletion.
        suffix = random.RandomId(suffix_name, byte_length=4, opts=self._child)
        args = self._instance_args(role)
        args.engine = "postgres"
        args.engine_version = settings.engine_version
        args.engine_lifecycle_support = "open-source-rds-extended-support-disabled"
        args.port = POSTGRESQL_PORT
        args.db_subnet_group_name = self._subnet_group.name
        args.kms_key_id = self._args.stack.keys.data
        args.multi_az = settings.multi_az
        args.backup_retention_period = settings.backup_retention_days
        args.backup_window = self._args.windows.database_backup
        args.delete_automated_backups = False
        args.skip_final_snapshot = False
        args.final_snapshot_identifier = pulumi.Output.concat(
            self._args.stack.identity.prefix, f"-{role}-final-", suffix.hex
        )
        return args

    def _add_replica(self, primary: aws.rds.Instance, role: str) -> _Pair:
        """Inherits engine, credentials, subnets, storage and encryption key of its source; RDS refuses them here."""
        args = self._instance_args(role)
        args.replicate_source_db = primary.identifier
        # A replica has no final snapshot; its data is the primary's.
        args.skip_final_snapshot = True
        # RDS upgrades the replica together with the primary; until then it accepts groups of the old version only.
        version = self._args.settings.upgrade_from or self._args.settings.engine_version
        replica = self._create_instance(role, args, self._groups["replica"][version])
        return _Pair(primary=primary, replica=replica, replica_role=role)

    def _instance_args(self, role: str) -> aws.rds.InstanceArgs:
        """Return what all instances have in common."""
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
        parameter_group: aws.rds.ParameterGroup,
        more: pulumi.ResourceOptions | None = None,
    ) -> aws.rds.Instance:
        log_groups = self._create_log_groups(role)
        args.parameter_group_name = parameter_group.name
        options = pulumi.ResourceOptions(
            parent=self, protect=self._args.settings.deletion_protection, depends_on=list(log_groups)
        )
        return aws.rds.Instance(f"{self._name}-{role}", args, pulumi.ResourceOptions.merge(options, more))

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

    def _endpoint_of(self, role: str, endpoint: str) -> str:
        """Return the endpoint of an instance from another one's: they differ in the identifier, the first label, only.

        RDS gives all instances of an account and region the same domain. So nothing that needs the URL has to wait the
        ten minutes and more in which the replica is made.
        """
        return f"{self._identifier(role)}{endpoint[endpoint.index('.') :]}"

    def _pair_alarms(self, pair: _Pair) -> Sequence[AlarmSpecification]:
        return [*self._primary_alarms(pair.primary), *self._replica_alarms(pair.replica)]

    def _primary_alarms(self, primary: aws.rds.Instance) -> Sequence[AlarmSpecification]:
        settings, max_connections = self._args.settings, self._args.max_connections
        connections = partial(
            _alarm,
            measure=_metric(primary, "DatabaseConnections", "Maximum"),
            unit="connections",
            period_seconds=60,
            evaluation_periods=2,
        )
        return [
            connections(
                name="DatabaseConnectionHigh",
                summary=f"High database connection usage: more than {settings.connection_alarm_threshold} connections",
                threshold=settings.connection_alarm_threshold,
                # Each worker exports the connections of its own pool: what else is connected, CloudWatch alone sees.
                prometheus=PrometheusQuery(expression="sum(active_connections)"),
            ),
            connections(
                name="DatabaseConnectionLimitNear",
                summary=f"The database uses 80 % of the {max_connections} connections that it accepts; at 100 % it "
                "refuses the API",
                threshold=int(0.8 * max_connections),
                severity=Severity.P2,
            ),
            _alarm(
                name="ReplicationBacklogHigh",
                summary=f"The primary keeps {100 * BACKLOG_SHARE:g} % of its {settings.allocated_storage_gib} GiB for "
                "the replica, which does not fetch them; a full database stops",
                measure=_metric(primary, "OldestReplicationSlotLag", "Minimum"),
                threshold=int(BACKLOG_SHARE * settings.allocated_storage_gib * BYTES_PER_GIB),
                unit="bytes",
                evaluation_periods=3,
                severity=Severity.P2,
            ),
            *self._instance_alarms(primary, "Database"),
        ]

    def _replica_alarms(self, replica: aws.rds.Instance) -> Sequence[AlarmSpecification]:
        return [
            _alarm(
                name="ReplicaLagHigh",
                summary=f"The replica has been more than {REPLICA_LAG_SECONDS} s behind the primary for 10 minutes: "
                "reads return old data",
                measure=_metric(replica, "ReplicaLag", "Minimum"),
                threshold=REPLICA_LAG_SECONDS,
                unit="seconds",
                evaluation_periods=2,
            ),
            _alarm(
                name="ReplicaStopped",
                summary="The replica reports no lag, or a lag of -1, for 15 minutes: replication has stopped",
                measure=_metric(replica, "ReplicaLag", "Maximum"),
                comparison="LessThanThreshold",
                threshold=0,
                unit="seconds",
                evaluation_periods=3,
                treat_missing_data="breaching",
                severity=Severity.P2,
            ),
            *self._instance_alarms(replica, "Replica"),
        ]

    def _instance_alarms(self, instance: aws.rds.Instance, prefix: str) -> Sequence[AlarmSpecification]:
        storage = self._args.settings.allocated_storage_gib
        return [
            _alarm(
                name=f"{prefix}StorageLow",
                summary=f"Less than 20 % of {storage} GiB is free and storage autoscaling has not added any; a full "
                "database stops",
                measure=_metric(instance, "FreeStorageSpace", "Minimum"),
                comparison="LessThanThreshold",
                threshold=storage * BYTES_PER_GIB // 5,
                unit="bytes",
                evaluation_periods=1,
                severity=Severity.P2,
            ),
            _alarm(
                name=f"{prefix}CpuHigh",
                summary="CPU utilization has been above 80 % for 15 minutes",
                measure=_metric(instance, "CPUUtilization", "Average"),
                threshold=80,
                unit="%",
                evaluation_periods=3,
            ),
        ]


def what_only_grows(settings: DatabaseSettings) -> Mapping[str, OnlyGrows]:
    """The limits of RDS's ModifyDBInstance."""
    return {
        "engine_version": OnlyGrows(
            key="database.engine_version",
            value=settings.engine_version,
            because="RDS cannot go back to an older version. Set it to the deployed one; the way back from an upgrade "
            "is in docs/upgrades.md#back-from-postgresql",
        ),
        "allocated_storage_gib": OnlyGrows(
            key="database.allocated_storage_gib",
            value=str(settings.allocated_storage_gib),
            because="RDS cannot shrink storage. Set it to the deployed size or more; for less, restore a dump into a "
            "new database, docs/upgrades.md#less-storage",
        ),
    }


def _aside(specification: AlarmSpecification) -> AlarmSpecification:
    """Return the alarm of an instance that does not serve: the same, and nobody is woken for it."""
    return replace(
        specification,
        name=f"{specification.name}-Aside",
        summary=f"Of the database that does not serve: {specification.summary}",
        severity=Severity.P4,
        prometheus=None,
    )


def _metric(instance: aws.rds.Instance, metric_name: str, statistic: str) -> Metric:
    return Metric(
        namespace="AWS/RDS",
        metric_name=metric_name,
        dimensions={"DBInstanceIdentifier": instance.identifier},
        statistic=statistic,
    )


_alarm = partial(AlarmSpecification, severity=Severity.P3, section=DashboardSection.DATA, period_seconds=300)
"""An alarm over five minutes unless told otherwise."""
