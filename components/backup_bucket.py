"""The guide's `s3://fixrx-backups`: database dumps under `database/`, archives of the application under `application/`.

The guide deletes local copies after 7 and 30 days and never deletes anything from the bucket. Here the same numbers are
lifecycle rules of the bucket, and object lock keeps every version for the shorter of the two.
"""

from dataclasses import dataclass

import pulumi

from components.sections.backup_bucket import BackupBucketSettings
from components.shared.keys import StackContext
from components.shared.private_bucket import (
    CopiedBucket,
    LogDestination,
    PrivateBucket,
    PrivateBucketArgs,
    expire,
    refuse_deletion,
)
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
    copied: CopiedBucket
    """What of it is copied to a second region: what cannot be built again."""

    def __init__(self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:BackupBucket", name, None, opts)
        identity = args.stack.identity
        bucket_name = backup_bucket_name(identity)
        retention_days = {
            DATABASE_PREFIX: args.settings.database_retention_days,
            APPLICATION_PREFIX: args.settings.application_retention_days,
        }
        bucket = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                kms_key_arn=args.stack.keys.data,
                object_lock_days=args.settings.object_lock_days,
                lifecycle_rules=[
                    *(expire(prefix, days) for prefix, days in retention_days.items()),
                    expire(DRILLS_PREFIX, REPORT_DAYS),
                ],
                policy_statements=[refuse_deletion(f"arn:aws:s3:::{bucket_name}")],
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
        self.copied = CopiedBucket(
            name=bucket.versioned_name,
            retention_days=retention_days,
            object_lock_days=args.settings.object_lock_days,
        )
        self.register_outputs({"bucket_name": self.bucket_name})
