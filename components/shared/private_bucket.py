"""A private bucket: versioned, encrypted and reached over TLS only; the base of every bucket of the platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.shared import iam

ABORT_UPLOAD_DAYS = 1
"""Parts of an interrupted upload are not listed, but cost money until the upload is aborted."""
S3_LOGS_PREFIX = "s3/"
"""Of the server access logs of all buckets; an entry names its bucket."""


@dataclass(frozen=True, kw_only=True)
class LogDestination:
    """Where an AWS service delivers its access logs."""

    bucket: pulumi.Input[str]
    """Known only after the bucket's policy allows the delivery: AWS tries it as soon as logging is switched on."""
    prefix: str


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    bucket_name: str
    """Physical name; bucket names are shared by all of AWS's customers."""
    lifecycle_rules: Sequence[aws.s3.BucketLifecycleConfigurationRuleArgsDict]
    kms_key_arn: pulumi.Input[str] | None = None
    """Without a key the bucket is encrypted by S3's own (SSE-S3), which log deliveries require."""
    object_lock_days: int | None = None
    """Days for which no version can be deleted, or None for no lock."""
    policy_statements: Sequence[iam.Statement] = field(default_factory=tuple)
    access_logs: LogDestination | None = None
    region: str | None = None
    """None for the stack's own."""
    protect: bool = True
    """Refuse to delete the bucket. Without it, deleting the bucket deletes what is in it as well."""


class PrivateBucket(pulumi.ComponentResource):
    """An S3 bucket with everything that keeps it private."""

    bucket_name: pulumi.Output[str]
    arn: pulumi.Output[str]
    writable_name: pulumi.Output[str]
    """The name, known only after the bucket's policy exists: an AWS service that delivers logs must wait for that."""
    versioned_name: pulumi.Output[str]
    """The name, known only after the bucket keeps versions: S3 replicates nothing without them."""

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:PrivateBucket", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self._bucket = self._create_bucket()
        self.bucket_name = self._bucket.bucket
        self.arn = self._bucket.arn
        self._close_to_public()
        self._encrypt()
        versioning = self._keep_versions()
        policy = self._create_policy()
        self.writable_name = self._name_after(policy)
        self.versioned_name = self._name_after(versioning)
        if args.access_logs is not None:
            self._log_access(args.access_logs)

        self.register_outputs({"bucket_name": self.bucket_name, "arn": self.arn})

    def _name_after(self, part: pulumi.CustomResource) -> pulumi.Output[str]:
        return pulumi.Output.all(self._bucket.bucket, part.id).apply(lambda known: str(known[0]))

    def _create_bucket(self) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            f"{self._name}-bucket",
            bucket=self._args.bucket_name,
            # Can be set at creation only; turning it on later means a new bucket.
            object_lock_enabled=self._args.object_lock_days is not None,
            # Logs arrive all the time, so a bucket that must be empty first could never be destroyed.
            force_destroy=not self._args.protect,
            region=self._args.region,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.protect),
        )

    def _close_to_public(self) -> None:
        aws.s3.BucketPublicAccessBlock(
            f"{self._name}-public-access-block",
            bucket=self._bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=self._args.region,
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self._bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            region=self._args.region,
            opts=self._child,
        )

    def _encrypt(self) -> None:
        rule: aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict
        if self._args.kms_key_arn is None:
            rule = {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
        else:
            rule = {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": self._args.kms_key_arn,
                },
                # S3 then calls KMS from time to time for the bucket instead of once for each object.
                "bucket_key_enabled": True,
            }
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption",
            bucket=self._bucket.bucket,
            rules=[rule],
            region=self._args.region,
            opts=self._child,
        )

    def _keep_versions(self) -> aws.s3.BucketVersioning:
        versioning = aws.s3.BucketVersioning(
            f"{self._name}-versioning",
            bucket=self._bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            region=self._args.region,
            opts=self._child,
        )
        # Rules about old versions, and a lock, are refused while versioning is off.
        after_versioning = pulumi.ResourceOptions(parent=self, depends_on=[versioning])
        aws.s3.BucketLifecycleConfiguration(
            f"{self._name}-lifecycle",
            bucket=self._bucket.bucket,
            rules=[
                *self._args.lifecycle_rules,
                {
                    "id": "abort-unfinished-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_UPLOAD_DAYS},
                },
            ],
            region=self._args.region,
            opts=after_versioning,
        )
        if self._args.object_lock_days is not None:
            aws.s3.BucketObjectLockConfiguration(
                f"{self._name}-object-lock",
                bucket=self._bucket.bucket,
                rule={"default_retention": {"mode": "GOVERNANCE", "days": self._args.object_lock_days}},
                region=self._args.region,
                opts=after_versioning,
            )
        return versioning

    def _create_policy(self) -> aws.s3.BucketPolicy:
        everything = [self._bucket.arn, pulumi.Output.concat(self._bucket.arn, "/*")]
        return aws.s3.BucketPolicy(
            f"{self._name}-policy",
            bucket=self._bucket.bucket,
            policy=iam.document(
                iam.statement(
                    "TlsOnly",
                    effect="Deny",
                    principals=iam.ANY_PRINCIPAL,
                    actions=["s3:*"],
                    resources=everything,
                    conditions={"Bool": {"aws:SecureTransport": "false"}},
                ),
                *self._args.policy_statements,
            ),
            region=self._args.region,
            opts=self._child,
        )

    def _log_access(self, destination: LogDestination) -> None:
        aws.s3.BucketLogging(
            f"{self._name}-access-log",
            bucket=self._bucket.bucket,
            target_bucket=destination.bucket,
            target_prefix=destination.prefix,
            region=self._args.region,
            opts=self._child,
        )


@dataclass(frozen=True, kw_only=True)
class CopiedBucket:
    """A bucket of which another one, in a second region, is a copy."""

    name: pulumi.Output[str]
    """Known only after the bucket keeps versions."""
    retention_days: Mapping[str, int]
    """What is copied: prefix to days."""
    object_lock_days: int


def expire(prefix: str, days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    """Return the lifecycle rule that deletes what is under a prefix, and its older versions."""
    return {
        "id": f"expire-{prefix.rstrip('/')}",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
        # An overwritten or deleted backup can be restored for as long as a current one.
        "noncurrent_version_expiration": {"noncurrent_days": days},
    }


def refuse_deletion(bucket_arn: str) -> iam.Statement:
    """Only the lifecycle deletes versions; deleting one by hand first needs a reviewed change of this policy."""
    return iam.statement(
        "NoDeletionByHand",
        effect="Deny",
        principals=iam.ANY_PRINCIPAL,
        actions=["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
        resources=[bucket_arn, f"{bucket_arn}/*"],
    )


def expire_logs(days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    """Return the lifecycle rule of a bucket that receives logs, which nobody overwrites."""
    return {
        "id": "expire-logs",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"days": days},
        "noncurrent_version_expiration": {"noncurrent_days": 1},
    }


def receive_access_logs(bucket_arn: str, account_id: str) -> iam.Statement:
    """Let S3 deliver the access logs of the account's buckets, which must be in the same region as this one."""
    return iam.statement(
        "S3ServerAccessLogs",
        principals={"Service": "logging.s3.amazonaws.com"},
        actions=["s3:PutObject"],
        resources=f"{bucket_arn}/{S3_LOGS_PREFIX}*",
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
    )
