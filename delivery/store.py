"""The archives in the backup bucket: written once, listed, and taken out of sight when nothing needs them.

The bucket keeps every version and denies deleting one, so what is removed here can be brought back by removing the
delete marker.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from bootstrap.access import Access, CommandError, error_code
from components.shared.releases import RELEASES_PREFIX, archive_key

SUFFIX = ".tar.gz"
ALREADY_THERE = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True, kw_only=True)
class Archive:
    """What the bucket knows of a release."""

    release: str
    uploaded: datetime
    size: int
    """In bytes."""


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the uploader noted beside an archive."""

    release: str
    sha256: str
    commit: str
    builder: str


@dataclass(frozen=True, kw_only=True)
class ReleaseBucket:
    """The place of a stack's releases."""

    access: Access
    name: str

    def upload(self, archive: Path, details: Details) -> None:
        """Raises CommandError if the release is there already: S3 looks and writes in one step."""
        checksum = base64.b64encode(bytes.fromhex(details.sha256)).decode()
        try:
            with archive.open("rb") as body:
                self._s3.put_object(
                    **self._owner,
                    Key=archive_key(details.release),
                    Body=body,
                    IfNoneMatch="*",
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=checksum,
                    ContentType="application/gzip",
                    Metadata={"sha256": details.sha256, "commit": details.commit, "builder": details.builder},
                )
        except ClientError as error:
            if error_code(error) in ALREADY_THERE:
                raise CommandError(
                    f"The release {details.release} is in the bucket {self.name} already, and a release is never "
                    "overwritten: build this commit under another name (--release)."
                ) from None
            raise

    def archives(self) -> Sequence[Archive]:
        """All releases, the newest first."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(**self._owner, Prefix=RELEASES_PREFIX)
        found = [
            Archive(
                release=each["Key"].removeprefix(RELEASES_PREFIX).removesuffix(SUFFIX),
                uploaded=each["LastModified"],
                size=each["Size"],
            )
            for page in pages
            for each in page.get("Contents", [])
            if each["Key"].endswith(SUFFIX)
        ]
        return sorted(found, key=lambda each: (each.uploaded, each.release), reverse=True)

    def details(self, release: str) -> Details:
        """Raises CommandError if the release is not there, or if its digest is unknown or not that of its bytes."""
        try:
            found = self._s3.head_object(**self._owner, Key=archive_key(release), ChecksumMode="ENABLED")
        except ClientError as error:
            if error_code(error) in NOT_THERE:
                raise CommandError(
                    f"The release {release} is not in the bucket {self.name}; upload it with `release upload`."
                ) from None
            raise
        noted = found["Metadata"]
        sha256 = noted.get("sha256", "")
        stored = found.get("ChecksumSHA256")
        if not sha256:
            raise CommandError(
                f"The release {release} in the bucket {self.name} has no digest, for it was not uploaded with "
                "`release upload`; upload it under another name."
            )
        if stored is not None and base64.b64decode(stored).hex() != sha256:
            raise CommandError(
                f"The release {release} in the bucket {self.name} has other bytes than its digest says; do not use it."
            )
        return Details(
            release=release,
            sha256=sha256,
            commit=noted.get("commit", ""),
            builder=noted.get("builder", ""),
        )

    def hide(self, release: str) -> None:
        """Take a release out of sight: the bucket keeps its bytes behind a delete marker."""
        self._s3.delete_object(**self._owner, Key=archive_key(release))

    def keeps_versions(self) -> bool:
        """Whether deleting an object only hides it."""
        return bool(self._s3.get_bucket_versioning(**self._owner).get("Status") == "Enabled")

    @property
    def _owner(self) -> Mapping[str, str]:
        """A bucket of that name in another account is somebody else's."""
        return {"Bucket": self.name, "ExpectedBucketOwner": self.access.account_id}

    @property
    def _s3(self) -> Any:
        return self.access.client("s3")
