"""The guide's `s3://fixrx-backups`: database dumps under `database/`, archives of the application under `application/`.

The guide deletes local copies after 7 and 30 days and never deletes anything from the bucket. Here the same numbers are
lifecycle rules of the bucket, and object lock keeps every version for the shorter of the two.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.backup_bucket import BackupBucketSettings
from components.shared import iam
from components.shared.keys import StackContext
from components.shared.private_bucket import LogDestination, PrivateBucket, PrivateBucketArgs
from components.shared.releases import DATABASE_PREFIX, DRILLS_PREFIX, RELEASES_PREFIX, backup_bucket_name
from components.shared.runtime import ReleaseStore

APPLICATION_PREFIX = "application/"
REPORT_DAYS = 400
"""A year of monthly drills, and the one before."""


@dataclass(frozen=True, kw_only=True)
class BackupBucketArgs:
    settings: BackupBucketSettings
    stack: StackContext
    access_logs: LogDestination


class BackupBucket(pulumi.ComponentResource):
    """Bucket of backups that cannot be deleted before their time."""

    bucket_name: pulumi.Output[str]
    releases: ReleaseStore

    def __init__(self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:BackupBucket", name, None, opts)
        identity = args.stack.identity
        bucket_name = backup_bucket_name(identity)
        bucket = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                kms_key_arn=args.stack.keys.data,
                object_lock_days=args.settings.object_lock_days,
                lifecycle_rules=[
                    _expire(DATABASE_PREFIX, args.settings.database_retention_days),
                    _expire(APPLICATION_PREFIX, args.settings.application_retention_days),
                    _expire(DRILLS_PREFIX, REPORT_DAYS),
                ],
                policy_statements=[_refuse_deletion(f"arn:aws:s3:::{bucket_name}")],
                access_logs=args.access_logs,
                protect=args.settings.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.bucket_name = bucket.bucket_name
        self.releases = ReleaseStore(
            bucket_name=bucket.bucket_name,
            bucket_arn=bucket.arn,
            prefix=RELEASES_PREFIX,
            key_arn=args.stack.keys.data,
        )
        self.register_outputs({"bucket_name": self.bucket_name})


def _expire(prefix: str, days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": f"expire-{prefix.rstrip('/')}",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
        # An overwritten or deleted backup can be restored for as long as a current one.
        "noncurrent_version_expiration": {"noncurrent_days": days},
    }


def _refuse_deletion(bucket_arn: str) -> iam.Statement:
    """Only the lifecycle deletes versions; deleting one by hand first needs a reviewed change of this policy."""
    return iam.statement(
        "NoDeletionByHand",
        effect="Deny",
        principals=iam.ANY_PRINCIPAL,
        actions=["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
        resources=[bucket_arn, f"{bucket_arn}/*"],
    )
