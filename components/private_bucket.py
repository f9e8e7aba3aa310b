"""A private bucket: versioned, encrypted and reached over TLS only; the base of every bucket of the platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from components import iam

ABORT_UPLOAD_DAYS = 1
"""Parts of an upload that broke off are invisible and are paid for until somebody aborts it."""


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    bucket_name: str
    """Physical name; bucket names are shared by all of AWS's customers."""
    lifecycle_rules: Sequence[Mapping[str, Any]]
    kms_key_arn: pulumi.Input[str] | None = None
    """Without a key the bucket is encrypted by S3's own (SSE-S3), which log deliveries require."""
    object_lock_days: int | None = None
    """Days for which no version can be deleted, or None for no lock."""
    policy_statements: Sequence[iam.Statement] = field(default_factory=tuple)
    access_log_bucket: pulumi.Input[str] | None = None
    access_log_prefix: str = ""
    protect: bool = True
    """Refuse to delete the bucket. Without it, deleting the bucket deletes what is in it as well."""


class PrivateBucket(pulumi.ComponentResource):
    """An S3 bucket with everything that keeps it private."""

    bucket_name: pulumi.Output[str]
    arn: pulumi.Output[str]
    writable_name: pulumi.Output[str]
    """The name, known only once the bucket's policy stands: what an AWS service that delivers logs has to wait for."""

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
        self._keep_versions()
        policy = self._create_policy()
        self.writable_name = pulumi.Output.all(self._bucket.bucket, policy.id).apply(lambda known: str(known[0]))
        if args.access_log_bucket is not None:
            self._log_access(args.access_log_bucket)

        self.register_outputs({"bucket_name": self.bucket_name, "arn": self.arn})

    def _create_bucket(self) -> aws.s3.Bucket:
        return aws.s3.Bucket(
            f"{self._name}-bucket",
            bucket=self._args.bucket_name,
            # Can be set at creation only; turning it on later means a new bucket.
            object_lock_enabled=self._args.object_lock_days is not None,
            # Logs arrive all the time: a stack that may be destroyed could not be, if the bucket had to be empty first.
            force_destroy=not self._args.protect,
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
            opts=self._child,
        )
        aws.s3.BucketOwnershipControls(
            f"{self._name}-ownership",
            bucket=self._bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )

    def _encrypt(self) -> None:
        if self._args.kms_key_arn is None:
            rule: dict[str, Any] = {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
        else:
            rule = {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": self._args.kms_key_arn,
                },
                # One call to KMS per bucket and while, not per object.
                "bucket_key_enabled": True,
            }
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{self._name}-encryption", bucket=self._bucket.bucket, rules=[rule], opts=self._child
        )

    def _keep_versions(self) -> None:
        versioning = aws.s3.BucketVersioning(
            f"{self._name}-versioning",
            bucket=self._bucket.bucket,
            versioning_configuration={"status": "Enabled"},
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
            opts=after_versioning,
        )
        if self._args.object_lock_days is not None:
            aws.s3.BucketObjectLockConfiguration(
                f"{self._name}-object-lock",
                bucket=self._bucket.bucket,
                rule={"default_retention": {"mode": "GOVERNANCE", "days": self._args.object_lock_days}},
                opts=after_versioning,
            )

    def _create_policy(self) -> aws.s3.BucketPolicy:
        everything = [self._bucket.arn, pulumi.Output.concat(self._bucket.arn, "/*")]
        return aws.s3.BucketPolicy(
            f"{self._name}-policy",
            bucket=self._bucket.bucket,
            policy=iam.document(
                iam.statement(
                    "TlsOnly",
                    effect="Deny",
                    principals=iam.ANYBODY,
                    actions=["s3:*"],
                    resources=everything,
                    conditions={"Bool": {"aws:SecureTransport": "false"}},
                ),
                *self._args.policy_statements,
            ),
            opts=self._child,
        )

    def _log_access(self, target: pulumi.Input[str]) -> None:
        aws.s3.BucketLogging(
            f"{self._name}-access-log",
            bucket=self._bucket.bucket,
            target_bucket=target,
            target_prefix=self._args.access_log_prefix,
            opts=self._child,
        )
