"""Backups beyond the instance: what is left when the database is deleted, its region is lost or a credential is stolen.

RDS's own backups end with whoever may delete the database. AWS Backup keeps others in a vault whose lock refuses to
delete them early, and copies each one into a vault in a second region under a key of that region. RDS replicates its
automated backups there as well, which lose minutes instead of a day, and S3 the dumps and archives of the backup
bucket. Once a month the newest backup is restored into an instance that nothing can reach but the job that
judges it (components/database_jobs.py).

Not here: continuous backup by AWS Backup, which would take RDS's own backups over and change their window.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.backup_vault import (
    START_WINDOW_MINUTES,
    BackupVaultSettings,
)
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, MetricMath, Severity
from components.shared.connections import Placement
from components.shared.keys import StackContext, create_key
from components.shared.private_bucket import (
    S3_LOGS_PREFIX,
    CopiedBucket,
    LogDestination,
    PrivateBucket,
    PrivateBucketArgs,
    expire,
    expire_logs,
    receive_access_logs,
    refuse_deletion,
)
from components.shared.restore_test import RESTORE_TEST_HOURS, RESTORE_TEST_SCHEDULE, RESTORE_TEST_START_HOURS
from components.shared.section import RETENTION_AUDIT_DAYS
from components.shared.vault_lock import LOCK_MAX_DAYS, LOCK_MIN_DAYS

COMPLETION_WINDOW_MINUTES = 360
"""A backup that is not done six hours after its start is given up."""
COPY_RETENTION_DAYS = 35
"""Of the copies in the second region, where an older state than the newest is rarely wanted."""
NEWEST_WITHIN_DAYS = 7
HOURS_WITHOUT_BACKUP = 26
"""One backup a day, two hours late."""
BACKUP_POLICIES = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyFor"
READ_VERSIONS = (
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectVersionForReplication",
    "s3:GetObjectVersionTagging",
)


@dataclass(frozen=True, kw_only=True)
class BackupVaultArgs:
    settings: BackupVaultSettings
    stack: StackContext
    primary_arn: pulumi.Input[str]
    """ARN of the database that serves; its replica has the same data."""
    primary_arns: Sequence[pulumi.Input[str]]
    """That one, and during a recovery the one that does not serve."""
    subnet_group_name: pulumi.Input[str]
    """Of the database: where a restore test restores it."""
    bucket: CopiedBucket
    restore_test: Placement | None
    """In the network; None without restore tests."""


class BackupVault(pulumi.ComponentResource):
    """Vaults here and in a second region, the plan that fills them, and the test that restores from them."""

    alarms: Sequence[AlarmSpecification]
    name: str
    """Of the vaults: the same in both regions. Who looks for a backup after a disaster knows it."""
    copy_regions: Sequence[str]
    """Where there is a vault with copies."""
    restore_test_plan: pulumi.Output[str] | None
    """ARN of the plan of restore tests, if there are some."""

    def __init__(self, name: str, args: BackupVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:BackupVault", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._kept = pulumi.ResourceOptions(parent=self, protect=args.settings.protect)
        self.name = args.stack.identity.physical_name("aws:backup/vault:Vault", f"{args.stack.identity.prefix}-backups")

        self.alarms = []
        self.restore_test_plan = None
        self.copy_regions = [region for region in [args.settings.second_region] if region]
        if args.settings.enabled:
            self._create()
        self.register_outputs({"enabled": args.settings.enabled})

    def _create(self) -> None:
        args = self._args
        vault = self._create_vault(self._name, args.stack.keys.data)
        copies = [self._create_second_region(region) for region in self.copy_regions]
        self._back_up(vault, copies)
        if args.restore_test is not None:
            self.restore_test_plan = self._test_restores(vault, args.restore_test)
        self.alarms = _alarms(vault.name)

    def _create_vault(self, name: str, key_arn: pulumi.Input[str], region: str | None = None) -> aws.backup.Vault:
        settings = self._args.settings
        vault = aws.backup.Vault(
            f"{name}-vault",
            name=self.name,
            kms_key_arn=key_arn,
            force_destroy=False,
            region=region,
            opts=self._kept,
        )
        aws.backup.VaultLockConfiguration(
            f"{name}-lock",
            backup_vault_name=vault.name,
            min_retention_days=LOCK_MIN_DAYS,
            max_retention_days=LOCK_MAX_DAYS,
            changeable_for_days=settings.immutable_after_days,
            region=region,
            # A vault has one lock: the end of the old one, after the new one, would leave it without.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        aws.backup.VaultPolicy(
            f"{name}-policy",
            backup_vault_name=vault.name,
            policy=iam.document(_refuse_changes(vault.arn)),
            region=region,
            # The policy refuses to be overwritten, so another one needs the removal of this one first.
            opts=pulumi.ResourceOptions(parent=self, replace_on_changes=["policy"], delete_before_replace=True),
        )
        return vault

    def _create_second_region(self, region: str) -> aws.backup.Vault:
        """Return the vault there."""
        name, identity = f"{self._name}-dr", self._args.stack.identity
        # A key stays in its region, and must be usable when the first one is not.
        key = create_key(
            name,
            f"{identity.prefix}: copies of backups in {region}",
            identity.account_id,
            [],
            self._kept,
            region=region,
        )
        aws.rds.InstanceAutomatedBackupsReplication(
            f"{name}-automated-backups",
            source_db_instance_arn=self._args.primary_arn,
            kms_key_id=key.arn,
            retention_period=self._args.settings.replicated_retention_days,
            region=region,
            opts=self._child,
        )
        self._copy_bucket(name, key, region)
        return self._create_vault(name, key.arn, region)

    def _back_up(self, vault: aws.backup.Vault, copies: Sequence[aws.backup.Vault]) -> None:
        settings = self._args.settings
        hour, minute = (int(part) for part in settings.start.split(":"))
        rules = {
            "daily": ("* * ?", settings.daily_retention_days),
            "weekly": ("? * MON", settings.weekly_retention_days),
            "monthly": ("1 * ?", settings.monthly_retention_days),
        }
        plan = aws.backup.Plan(
            f"{self._name}-plan",
            rules=[
                {
                    "rule_name": name,
                    "target_vault_name": vault.name,
                    "schedule": f"cron({minute} {hour} {days} *)",
                    "start_window": START_WINDOW_MINUTES,
                    "completion_window": COMPLETION_WINDOW_MINUTES,
                    "enable_continuous_backup": False,
                    "lifecycle": {"delete_after": retention_days},
                    "copy_actions": [
                        {"destination_vault_arn": copy.arn, "lifecycle": {"delete_after": COPY_RETENTION_DAYS}}
                        for copy in copies
                    ],
                }
                for name, (days, retention_days) in rules.items()
            ],
            opts=self._child,
        )
        aws.backup.Selection(
            f"{self._name}-selection",
            plan_id=plan.id,
            iam_role_arn=self._create_role("Backup").arn,
            resources=list(self._args.primary_arns),
            opts=self._child,
        )

    def _create_role(self, purpose: str) -> aws.iam.Role:
        """Return the role with which AWS Backup makes backups, or restores: AWS's policies for the two."""
        name = f"{self._name}-{purpose.lower()}"
        role = iam.service_role(name, "backup.amazonaws.com", self._args.stack.identity.account_id, self._child)
        suffix = {"Backup": "Backup", "Restore": "Restores"}[purpose]
        aws.iam.RolePolicyAttachment(
            f"{name}-role-attachment", role=role.name, policy_arn=f"{BACKUP_POLICIES}{suffix}", opts=self._child
        )
        return role

    def _copy_bucket(self, name: str, key: aws.kms.Key, region: str) -> None:
        args = self._args
        bucket_name = self._bucket_name("backups")
        copy = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                kms_key_arn=key.arn,
                # S3 copies locked objects only into a bucket with a lock.
                object_lock_days=args.bucket.object_lock_days,
                # Deletions by a lifecycle are not replicated.
                lifecycle_rules=[expire(prefix, days) for prefix, days in args.bucket.retention_days.items()],
                policy_statements=[refuse_deletion(f"arn:aws:s3:::{bucket_name}")],
                access_logs=self._access_logs(name, region),
                region=region,
                protect=args.settings.protect,
            ),
            self._child,
        )
        source_arn = pulumi.Output.concat("arn:aws:s3:::", args.bucket.name)
        # S3 does not say for which account it assumes the role; nobody can pass a role of another account to it.
        role = iam.service_role(f"{name}-replication", "s3.amazonaws.com", None, self._child)
        policy = iam.role_policy(
            f"{name}-replication",
            role,
            iam.document(*self._replication_statements(source_arn, f"arn:aws:s3:::{bucket_name}", key.arn, region)),
            self._child,
        )
        aws.s3.BucketReplicationConfig(
            f"{name}-replication",
            bucket=args.bucket.name,
            role=role.arn,
            rules=[
                {
                    "id": prefix.rstrip("/"),
                    "priority": priority,
                    "status": "Enabled",
                    "filter": {"prefix": prefix},
                    # Who deletes an object here does not delete it there.
                    "delete_marker_replication": {"status": "Disabled"},
                    "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": pulumi.Output.concat("arn:aws:s3:::", copy.versioned_name),
                        "encryption_configuration": {"replica_kms_key_id": key.arn},
                    },
                }
                for priority, prefix in enumerate(args.bucket.retention_days, start=1)
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )

    def _bucket_name(self, what: str) -> str:
        identity = self._args.stack.identity
        return identity.physical_name(
            "aws:s3/bucket:Bucket", f"{identity.project}-{what}-dr-{identity.environment}-{identity.account_id}"
        )

    def _access_logs(self, name: str, region: str) -> LogDestination:
        """S3 delivers logs within a region only: who reads a copy is written down there."""
        bucket_name = self._bucket_name("access-logs")
        logs = PrivateBucket(
            f"{name}-access-logs",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                lifecycle_rules=[expire_logs(RETENTION_AUDIT_DAYS)],
                policy_statements=[
                    receive_access_logs(f"arn:aws:s3:::{bucket_name}", self._args.stack.identity.account_id)
                ],
                region=region,
                protect=self._args.settings.protect,
            ),
            self._child,
        )
        return LogDestination(bucket=logs.writable_name, prefix=S3_LOGS_PREFIX)

    def _replication_statements(
        self, source_arn: pulumi.Output[str], copy_arn: str, key_arn: pulumi.Input[str], region: str
    ) -> Sequence[iam.Statement]:
        stack = self._args.stack
        prefixes = self._args.bucket.retention_days

        return [
            iam.statement(
                "ReadReplication", actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=[source_arn]
            ),
            iam.statement(
                "ReadVersions",
                actions=READ_VERSIONS,
                resources=[pulumi.Output.concat(source_arn, f"/{prefix}*") for prefix in prefixes],
            ),
            iam.statement(
                "WriteCopies",
                actions=["s3:ReplicateObject", "s3:ReplicateTags"],
                resources=[f"{copy_arn}/{prefix}*" for prefix in prefixes],
            ),
            iam.statement(
                "Decrypt",
                actions=["kms:Decrypt"],
                resources=[stack.keys.data],
                conditions=iam.through(stack.identity.region, "s3"),
            ),
            iam.statement(
                "EncryptCopies", actions=["kms:Encrypt"], resources=[key_arn], conditions=iam.through(region, "s3")
            ),
        ]

    def _test_restores(self, vault: aws.backup.Vault, placement: Placement) -> pulumi.Output[str]:
        """Restore the newest backup where only its judge can connect to it; return the ARN of the plan.

        AWS Backup deletes the instance afterwards.
        """
        args, identity = self._args, self._args.stack.identity
        plan = aws.backup.RestoreTestingPlan(
            f"{self._name}-restore-test",
            # No hyphens, which a name of Pulumi's would have.
            name=identity.physical_name(
                "aws:backup/restoreTestingPlan:RestoreTestingPlan", identity.prefix.replace("-", "_")
            ),
            schedule_expression=RESTORE_TEST_SCHEDULE,
            schedule_expression_timezone="UTC",
            start_window_hours=RESTORE_TEST_START_HOURS,
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [vault.arn],
                "recovery_point_types": ["SNAPSHOT"],
                "selection_window_days": NEWEST_WITHIN_DAYS,
            },
            opts=self._child,
        )
        group_ids = pulumi.Output.from_input(placement.security_group_id).apply(lambda group: json.dumps([group]))
        aws.backup.RestoreTestingSelection(
            f"{self._name}-restore-test-selection",
            name="primary",
            restore_testing_plan_name=plan.name,
            protected_resource_type="RDS",
            protected_resource_arns=[args.primary_arn],
            iam_role_arn=self._create_role("Restore").arn,
            # Without them AWS Backup restores into the default VPC, and as large as the original.
            restore_metadata_overrides={
                "dbInstanceClass": args.settings.restore_test_class,
                "dbSubnetGroupName": args.subnet_group_name,
                # Not restored otherwise; the judge logs in with a token.
                "enableIamDatabaseAuthentication": "true",
                "multiAz": "false",
                "publiclyAccessible": "false",
                "vpcSecurityGroupIds": group_ids,
            },
            validation_window_hours=RESTORE_TEST_HOURS,
            opts=self._child,
        )
        arn: pulumi.Output[str] = plan.arn
        return arn


def _refuse_changes(vault_arn: pulumi.Input[str]) -> iam.Statement:
    """AWS Backup's own deletions, by the retention of a backup, go on. No wildcard: a vault's policy refuses them."""
    return iam.statement(
        "NoDeletionByHand",
        effect="Deny",
        principals=iam.ANY_PRINCIPAL,
        actions=[
            "backup:DeleteRecoveryPoint",
            "backup:PutBackupVaultAccessPolicy",
            "backup:UpdateRecoveryPointLifecycle",
        ],
        resources=["*"],
    )


def _alarms(vault: pulumi.Output[str]) -> Sequence[AlarmSpecification]:
    """From AWS Backup's metrics: CloudWatch may publish to the encrypted topics as it is, EventBridge may not."""

    def jobs(state: str) -> Metric:
        return Metric(
            namespace="AWS/Backup",
            metric_name=f"NumberOf{state}",
            dimensions={"BackupVaultName": vault},
            statistic="Sum",
        )

    failures = {
        "aborted": jobs("BackupJobsAborted"),
        "expired": jobs("BackupJobsExpired"),
        "failed": jobs("BackupJobsFailed"),
        "copies": jobs("CopyJobsFailed"),
        "restores": jobs("RestoreJobsFailed"),
    }
    return [
        AlarmSpecification(
            name="VaultBackupMissing",
            summary=f"No backup of the database has reached the vault for {HOURS_WITHOUT_BACKUP} hours",
            severity=Severity.P2,
            # An hour without a backup has no metric: FILL makes it one. No metric at all is no backup ever.
            measure=MetricMath(expression="FILL(completed, 0)", metrics={"completed": jobs("BackupJobsCompleted")}),
            comparison="LessThanThreshold",
            threshold=1,
            unit="backups",
            section=DashboardSection.JOBS,
            period_seconds=3600,
            evaluation_periods=HOURS_WITHOUT_BACKUP,
            treat_missing_data="breaching",
        ),
        AlarmSpecification(
            name="VaultJobFailed",
            summary="A backup, a copy into the second region or a test restore failed",
            severity=Severity.P2,
            measure=MetricMath(expression=" + ".join(f"FILL({each}, 0)" for each in failures), metrics=failures),
            threshold=0,
            unit="jobs",
            section=DashboardSection.JOBS,
            period_seconds=300,
            evaluation_periods=1,
        ),
    ]
