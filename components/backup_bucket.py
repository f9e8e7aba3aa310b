"""The guide's `s3://fixrx-backups`: database dumps under `database/`, archives of the application under `application/`.

The guide cleans up local copies after 7 and 30 days and never cleans up the bucket. Here the same numbers are lifecycle
rules of the bucket, and a lock keeps every version for the shorter of the two, whoever asks for its deletion.
"""

from dataclasses import dataclass
from typing import Annotated, Self

import pulumi
from pydantic import Field, model_validator

from components import iam
from components.access_logs import S3_PREFIX
from components.naming import Label
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from components.section import Section

DATABASE_PREFIX = "database/"
APPLICATION_PREFIX = "application/"
RELEASES_PREFIX = "releases/"
"""Apart from `application/` and without an end: a server that starts in a year needs the release that then runs."""


class BackupBucketSettings(Section):
    """Section `fixrx:backup_bucket`."""

    database_retention_days: Annotated[int, Field(ge=1, le=3650)] = 7
    """How long database dumps are kept; the guide's figure."""
    application_retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long archives of the application are kept; the guide's figure."""
    object_lock_days: Annotated[int, Field(ge=1, le=365)] = 7
    """Days for which nobody can delete a version of an object."""
    protect: bool = True
    """Refuse to delete the bucket. Without it, `pulumi destroy` deletes what is in it as well."""

    @model_validator(mode="after")
    def _lock_ends_before_lifecycle(self) -> Self:
        if self.object_lock_days > min(self.database_retention_days, self.application_retention_days):
            raise ValueError(
                "object_lock_days is longer than a retention: the lifecycle could not delete what the lock holds; "
                "lower object_lock_days or raise the retention"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class ReleaseStore:
    """What servers need to fetch a release from `RELEASES_PREFIX`."""

    bucket_name: pulumi.Input[str]
    bucket_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class BackupBucketArgs:
    settings: BackupBucketSettings
    label: Label
    data_key_arn: pulumi.Input[str]
    access_log_bucket: pulumi.Input[str]


class BackupBucket(pulumi.ComponentResource):
    """Bucket of backups that cannot be deleted before their time."""

    bucket_name: pulumi.Output[str]
    as_release_store: ReleaseStore

    def __init__(self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:BackupBucket", name, None, opts)
        bucket_name = args.label.physical_name(
            "aws:s3/bucket:Bucket", f"{args.label.project}-backups-{args.label.environment}-{args.label.account_id}"
        )
        bucket = PrivateBucket(
            f"{name}-store",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                kms_key_arn=args.data_key_arn,
                object_lock_days=args.settings.object_lock_days,
                lifecycle_rules=[
                    _expire(DATABASE_PREFIX, args.settings.database_retention_days),
                    _expire(APPLICATION_PREFIX, args.settings.application_retention_days),
                ],
                policy_statements=[_refuse_deletion(f"arn:aws:s3:::{bucket_name}")],
                access_log_bucket=args.access_log_bucket,
                access_log_prefix=S3_PREFIX,
                protect=args.settings.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.bucket_name = bucket.bucket_name
        self.as_release_store = ReleaseStore(
            bucket_name=bucket.bucket_name, bucket_arn=bucket.arn, key_arn=args.data_key_arn
        )
        self.register_outputs({"bucket_name": self.bucket_name})


def _expire(prefix: str, days: int) -> dict[str, object]:
    return {
        "id": f"expire-{prefix.rstrip('/')}",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
        # An overwritten or deleted backup can be had back for as long as a current one.
        "noncurrent_version_expiration": {"noncurrent_days": days},
    }


def _refuse_deletion(bucket_arn: str) -> iam.Statement:
    """Versions leave by the lifecycle only; deleting one by hand takes a reviewed change of this policy first."""
    return iam.statement(
        "NoDeletionByHand",
        effect="Deny",
        principals=iam.ANYBODY,
        actions=["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
        resources=[bucket_arn, f"{bucket_arn}/*"],
    )
