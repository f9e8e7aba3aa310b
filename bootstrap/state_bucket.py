"""The bucket of Pulumi's state: versioned, encrypted by S3 itself, private, over TLS only, and not deleted by mistake.

It is encrypted with SSE-S3 and not with the key of the state's secrets. The workflows' roles may use that key with the
encryption context `stack=<environment>` only, and S3 always sends its own context `aws:s3:arn`: with SSE-KMS and the
same key every read of the state would be refused. The secrets in the state are encrypted with the key anyway.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from bootstrap.access import Access, CommandError, error_code
from bootstrap.documents import Statement, has_statements, with_statements
from bootstrap.feature import Feature, configured

OLD_VERSION_DAYS = 90
"""Every change of a stack writes a new version of its state, of about 1 MB."""
ENCRYPTION = "AES256"
_PUBLIC_ACCESS_BLOCK = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_LIFECYCLE_RULES: Sequence[Mapping[str, Any]] = (
    {
        "ID": "expire-old-versions",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_VERSION_DAYS},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    },
)


class ForeignBucket(CommandError):
    """The name is taken by a bucket of somebody else."""


class StateBucket:
    """The state bucket of an account, which may not exist yet."""

    def __init__(self, access: Access, name: str, tags: Mapping[str, str]) -> None:
        self.name = name
        self._access = access
        self._tags = tags
        self._s3 = access.client("s3")
        # AWS refuses every call if the bucket is not of this account.
        self._address = {"Bucket": name, "ExpectedBucketOwner": access.account_id}

    def exists(self) -> bool:
        """Whether the account has the bucket. Raises ForeignBucket if another account has it."""
        pages = self._s3.get_paginator("list_buckets").paginate(Prefix=self.name)
        if any(bucket["Name"] == self.name for page in pages for bucket in page["Buckets"]):
            return True
        try:
            self._s3.head_bucket(Bucket=self.name)
        except ClientError as error:
            if error_code(error) in ("404", "NoSuchBucket"):
                return False
            if error_code(error) not in ("301", "403"):
                raise
        raise self._foreign()

    def create(self) -> None:
        """Create the bucket. Raises ForeignBucket if another account was faster."""
        # S3 refuses to be told its first region.
        region = self._access.region
        location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            self._s3.create_bucket(Bucket=self.name, ObjectOwnership="BucketOwnerEnforced", **location)
        except ClientError as error:
            if error_code(error) == "BucketAlreadyExists":
                raise self._foreign() from None
            raise

    def region(self) -> str:
        """The region of the bucket, for which the first region has no name in S3's answer."""
        return str(self._s3.get_bucket_location(**self._address)["LocationConstraint"] or "us-east-1")

    def features(self) -> Sequence[Feature]:
        """What the bucket must have, in the order in which it is mended."""
        s3, address = self._s3, self._address
        return [
            Feature(
                description="blocks public access",
                is_there=lambda: self._public_access_block() == _PUBLIC_ACCESS_BLOCK,
                mend=lambda: s3.put_public_access_block(**address, PublicAccessBlockConfiguration=_PUBLIC_ACCESS_BLOCK),
            ),
            Feature(
                description="has no access control lists",
                is_there=lambda: self._ownership() == "BucketOwnerEnforced",
                mend=lambda: s3.put_bucket_ownership_controls(
                    **address, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
                ),
            ),
            Feature(
                description="encrypts with S3's own key (SSE-S3)",
                is_there=lambda: self._encryption() == ENCRYPTION,
                mend=lambda: s3.put_bucket_encryption(
                    **address,
                    ServerSideEncryptionConfiguration={
                        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": ENCRYPTION}}]
                    },
                ),
            ),
            Feature(
                description="keeps earlier versions",
                is_there=lambda: s3.get_bucket_versioning(**address).get("Status") == "Enabled",
                mend=lambda: s3.put_bucket_versioning(**address, VersioningConfiguration={"Status": "Enabled"}),
            ),
            Feature(
                description=f"deletes earlier versions after {OLD_VERSION_DAYS} days",
                is_there=lambda: all(rule in self._lifecycle() for rule in _LIFECYCLE_RULES),
                mend=self._set_lifecycle,
            ),
            Feature(
                description="accepts TLS only, no other account, and no deletion",
                is_there=lambda: has_statements(self._policy(), self._statements()),
                mend=lambda: s3.put_bucket_policy(
                    **address, Policy=with_statements(self._policy(), self._statements())
                ),
            ),
            Feature(
                description="has the project's tags",
                is_there=lambda: self._tags.items() <= self._present_tags().items(),
                mend=self._set_tags,
            ),
        ]

    def _foreign(self) -> ForeignBucket:
        return ForeignBucket(
            f"The bucket {self.name} exists and is not of account {self._access.account_id}: nothing was changed. Set "
            "continuous_integration.state_bucket to a name of your own."
        )

    def _public_access_block(self) -> Any:
        found = configured(
            lambda: self._s3.get_public_access_block(**self._address), "NoSuchPublicAccessBlockConfiguration"
        )
        return found and found["PublicAccessBlockConfiguration"]

    def _ownership(self) -> Any:
        found = configured(
            lambda: self._s3.get_bucket_ownership_controls(**self._address), "OwnershipControlsNotFoundError"
        )
        return found and found["OwnershipControls"]["Rules"][0]["ObjectOwnership"]

    def _encryption(self) -> Any:
        found = configured(
            lambda: self._s3.get_bucket_encryption(**self._address), "ServerSideEncryptionConfigurationNotFoundError"
        )
        if found is None:
            return None
        return found["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"][
            "SSEAlgorithm"
        ]

    def _lifecycle(self) -> list[Mapping[str, Any]]:
        found = configured(
            lambda: self._s3.get_bucket_lifecycle_configuration(**self._address), "NoSuchLifecycleConfiguration"
        )
        return list(found["Rules"]) if found else []

    def _set_lifecycle(self) -> None:
        own = {rule["ID"] for rule in _LIFECYCLE_RULES}
        others = [rule for rule in self._lifecycle() if rule.get("ID") not in own]
        self._s3.put_bucket_lifecycle_configuration(
            **self._address, LifecycleConfiguration={"Rules": [*_LIFECYCLE_RULES, *others]}
        )

    def _policy(self) -> str | None:
        found = configured(lambda: self._s3.get_bucket_policy(**self._address), "NoSuchBucketPolicy")
        return str(found["Policy"]) if found else None

    def _statements(self) -> Sequence[Statement]:
        everything = [f"arn:aws:s3:::{self.name}", f"arn:aws:s3:::{self.name}/*"]
        everybody = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": everything}
        return [
            {
                "Sid": "TlsOnly",
                **everybody,
                "Action": "s3:*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "OwnAccountOnly",
                **everybody,
                "Action": "s3:*",
                "Condition": {
                    "StringNotEquals": {"aws:PrincipalAccount": self._access.account_id},
                    "Bool": {"aws:PrincipalIsAWSService": "false"},
                },
            },
            # An administrator who means it removes this statement first. The lifecycle is not affected.
            {"Sid": "NoDeletion", **everybody, "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"]},
        ]

    def _present_tags(self) -> Mapping[str, str]:
        found = configured(lambda: self._s3.get_bucket_tagging(**self._address), "NoSuchTagSet")
        return {tag["Key"]: tag["Value"] for tag in found["TagSet"]} if found else {}

    def _set_tags(self) -> None:
        tags = {**self._present_tags(), **self._tags}
        self._s3.put_bucket_tagging(
            **self._address, Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}
        )
