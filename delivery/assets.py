"""What is published in the bucket of the CDN, and what changes with a directory.

A file that is no longer published gets an empty object beside it, whose own date says since when; both go when it is
old enough. Nothing else is kept, so a publication that was interrupted is finished by the next one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

from botocore.exceptions import ClientError

from bootstrap.access import Access, CommandError, error_code
from components.shared.assets import LEFT_PREFIX, SITE_PREFIX
from delivery.assets_files import AssetFile, order
from delivery.progress import step
from delivery.store import NOT_THERE

UPLOADS_AT_ONCE = 8
DELETED_AT_ONCE = 1000
"""Objects that S3 deletes in one request."""
MOST_PATHS = 3000
"""Paths of one distribution that CloudFront invalidates at a time; one that ends in * counts once."""
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the bucket has."""

    etags: Mapping[str, str]
    """By the file's name: S3's hash of the content."""
    left: Mapping[str, datetime]
    """By the name of a file that is no longer published: since when."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What a publication does."""

    uploads: Sequence[AssetFile]
    """In the order in which they have to be there."""
    leaves: Sequence[str]
    """Files that are no longer in the directory, for the first time."""
    returns: Sequence[str]
    """Files that are in the directory again, or are gone from the bucket: their date goes."""
    deletions: Sequence[str]
    invalidated: Sequence[str]
    """Paths as CloudFront takes them."""
    unchanged: int = field(default=0)


@dataclass(frozen=True, kw_only=True)
class AssetsBucket:
    """The bucket of the CDN."""

    access: Access
    name: str

    def published(self) -> Published:
        """Raises CommandError if there is no bucket."""
        objects: dict[str, Mapping[str, Any]] = {}
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(**self._owner):
                objects |= {each["Key"]: each for each in page.get("Contents", [])}
        except ClientError as error:
            if error_code(error) in {*NOT_THERE, "NoSuchBucket"}:
                raise CommandError(f"There is no bucket {self.name}; deploy the stack first.") from None
            raise
        return Published(
            etags={
                key.removeprefix(SITE_PREFIX): each["ETag"].strip('"')
                for key, each in objects.items()
                if key.startswith(SITE_PREFIX)
            },
            left={
                key.removeprefix(LEFT_PREFIX): each["LastModified"]
                for key, each in objects.items()
                if key.startswith(LEFT_PREFIX)
            },
        )

    def has(self, file: AssetFile) -> bool:
        """Whether a file is there with its content and its headers."""
        try:
            found = self._s3.head_object(**self._owner, Key=f"{SITE_PREFIX}{file.name}")
        except ClientError as error:
            if error_code(error) in NOT_THERE:
                return False
            raise
        wanted = (file.md5, file.content_type, file.cache_control)
        return (found["ETag"].strip('"'), found.get("ContentType"), found.get("CacheControl")) == wanted

    def upload(self, file: AssetFile) -> None:
        with file.path.open("rb") as body:
            self._s3.put_object(
                **self._owner,
                Key=f"{SITE_PREFIX}{file.name}",
                Body=body,
                ContentType=file.content_type,
                CacheControl=file.cache_control,
            )

    def note_left(self, name: str) -> None:
        self._s3.put_object(**self._owner, Key=f"{LEFT_PREFIX}{name}", Body=b"")

    def delete(self, keys: Sequence[str]) -> None:
        """Raises CommandError if S3 keeps one of them."""
        for start in range(0, len(keys), DELETED_AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + DELETED_AT_ONCE]]
            answer = self._s3.delete_objects(**self._owner, Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                first = answer["Errors"][0]
                raise CommandError(f"S3 did not delete {first['Key']} ({first['Code']}); publish again.")

    @property
    def _owner(self) -> Mapping[str, str]:
        """A bucket of that name in another account is somebody else's."""
        return {"Bucket": self.name, "ExpectedBucketOwner": self.access.account_id}

    @property
    def _s3(self) -> Any:
        return self.access.client("s3")


def changes_of(bucket: AssetsBucket, files: Sequence[AssetFile], now: datetime, kept: timedelta) -> Changes:
    """What has to be done so that the bucket has the files.

    Raises CommandError if a file that browsers may keep for a year has changed.
    """
    published = bucket.published()
    names = {each.name for each in files}
    known = [each for each in files if each.name in published.etags]
    there = {file.name for file, has in zip(known, _each(bucket.has, known), strict=True) if has}
    _refuse_changed(published, files)
    absent = published.etags.keys() - names
    old = sorted(name for name, since in published.left.items() if name in absent and now - since >= kept)
    uploads = [each for each in files if each.name not in there]
    return Changes(
        uploads=uploads,
        leaves=sorted(absent - published.left.keys()),
        returns=sorted(published.left.keys() - absent),
        deletions=old,
        invalidated=invalidated_paths(files, old),
        unchanged=len(files) - len(uploads),
    )


def invalidated_paths(files: Iterable[AssetFile], deleted: Collection[str]) -> Sequence[str]:
    """What edges may have that is not right any more. All that has no hash, changed or not: what an interrupted
    publication has uploaded is not seen as a change by the next one.
    """
    names = {each.name for each in files if not each.is_hashed} | set(deleted)
    paths = {f"/{quote(name)}" for name in names} | ({"/"} if "index.html" in names else set())
    return sorted(paths) if len(paths) <= MOST_PATHS else ["/*"]


def publish(bucket: AssetsBucket, distribution: str, changes: Changes) -> str:
    """Do it, in an order that leaves no page without its files. Returns the id of the invalidation; empty if none."""
    for number, group in groupby(changes.uploads, key=order):
        uploads = list(group)
        what = ("hashed files", "other files", "pages")[number]
        with step(f"upload {len(uploads)} {what}"):
            _each(bucket.upload, uploads)
    if changes.returns or changes.leaves:
        with step("note what is no longer published"):
            bucket.delete([f"{LEFT_PREFIX}{name}" for name in changes.returns])
            _each(bucket.note_left, changes.leaves)
    if changes.deletions:
        # The dates last: without its date a file would count as one that has just left.
        with step(f"delete {len(changes.deletions)} old files"):
            bucket.delete([f"{SITE_PREFIX}{name}" for name in changes.deletions])
            bucket.delete([f"{LEFT_PREFIX}{name}" for name in changes.deletions])
    if not changes.invalidated:
        return ""
    with step(f"invalidate {len(changes.invalidated)} paths"):
        return invalidate(bucket.access, distribution, changes.invalidated)


def invalidate(access: Access, distribution: str, paths: Sequence[str]) -> str:
    """Make the edges ask the bucket again. Takes effect within about two minutes."""
    batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": uuid4().hex}
    answer = access.client("cloudfront").create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
    return str(answer["Invalidation"]["Id"])


def find_distribution(access: Access, domain: str) -> str:
    """The id of the distribution that serves a domain. Raises CommandError if there is none."""
    for page in access.client("cloudfront").get_paginator("list_distributions").paginate():
        for each in page["DistributionList"].get("Items", []):
            if domain in each["Aliases"].get("Items", []):
                return str(each["Id"])
    raise CommandError(f"There is no distribution for {domain} in the account; deploy the stack first.")


def _refuse_changed(published: Published, files: Sequence[AssetFile]) -> None:
    for file in files:
        if file.is_hashed and file.name in published.etags and published.etags[file.name] != file.md5:
            raise CommandError(
                f"{file.name} is published with another content, and its name looks as if it had a hash of the "
                "content, so browsers keep the old one for a year: rename it, or say with --hashed which names have "
                "one."
            )


def _each(do: Callable[[Item], Any], items: Iterable[Item]) -> Sequence[Any]:
    """Do something with each, several at once. The first error ends it; what is under way is finished."""
    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        futures = [pool.submit(do, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()
