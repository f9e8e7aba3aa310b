"""The images of the pods: which one a release is, by its tag in the stack's repository of ECR.

Tags there never move, so a release names one image for ever; a stack pins its digest all the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from bootstrap.access import Access, CommandError, error_code
from bootstrap.commands import access_to
from bootstrap.stack_file import StackFile
from components.shared.releases import image_repository_name

ECR = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<name>.+)")
SEVERE = ("CRITICAL", "HIGH")
SHORT = 12
"""Digits of a commit or a digest that a table shows."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """What the repository knows of an image."""

    digest: str
    release: str
    """The tag; where there is none, the beginning of the digest."""
    pushed: datetime
    size: int
    """In bytes, as pulled."""
    scan: str
    """What the scan at its push has found, in words."""


@dataclass(frozen=True, kw_only=True)
class ImageRepository:
    """The repository that a stack's pods take their image from."""

    access: Access
    name: str

    def find(self, release: str) -> Image:
        """Raises CommandError if no image has this tag."""
        return self._find({"imageTag": release}, f"no image of the release {release}; build and push it")

    def find_digest(self, digest: str) -> Image:
        """Raises CommandError if the image is not there."""
        return self._find({"imageDigest": digest}, f"no image {digest}; copy it into the repository, with its tag")

    def images(self) -> Sequence[Image]:
        """Every image with a tag, the newest first. Raises CommandError without the repository."""
        pages = self._ecr.get_paginator("describe_images").paginate(**self._place, filter={"tagStatus": "TAGGED"})
        try:
            found = [_image(each) for page in pages for each in page["imageDetails"]]
        except ClientError as error:
            raise self._explained(error, "") from None
        return sorted(found, key=lambda image: image.pushed, reverse=True)

    def _find(self, wanted: Mapping[str, str], missing: str) -> Image:
        try:
            found = self._ecr.describe_images(**self._place, imageIds=[wanted])["imageDetails"]
        except ClientError as error:
            raise self._explained(error, missing) from None
        return _image(found[0])

    def _explained(self, error: ClientError, missing: str) -> CommandError | ClientError:
        if error_code(error) == "ImageNotFoundException":
            return CommandError(f"The repository {self.name} has {missing}.")
        if error_code(error) == "RepositoryNotFoundException":
            return CommandError(f"There is no repository {self.name}; the first deployment of pods makes it.")
        return error

    @property
    def _place(self) -> Mapping[str, str]:
        return {"registryId": self.access.account_id, "repositoryName": self.name}

    @property
    def _ecr(self) -> Any:
        return self.access.client("ecr")


def repository_of(file: StackFile) -> ImageRepository:
    """The repository of a stack's image, for credentials of the stack's account.

    Raises NoAccess, and CommandError for a repository that is not one of ECR.
    """
    access = access_to(file)
    access.identify()
    address = file.settings.kubernetes.image_repository
    if address is None:
        return ImageRepository(access=access, name=image_repository_name(file.settings.identity))
    match = ECR.fullmatch(address)
    if match is None:
        raise CommandError(
            f"kubernetes.image_repository is {address}, which is no repository of ECR and cannot be asked; enter "
            "kubernetes.image_digest yourself."
        )
    return ImageRepository(access=Access(account_id=match["account"], region=match["region"]), name=match["name"])


def short(digest: str) -> str:
    """A digest as people name it."""
    return digest.removeprefix("sha256:")[:SHORT]


def _image(found: Mapping[str, Any]) -> Image:
    tags = sorted(found.get("imageTags") or [])
    return Image(
        digest=found["imageDigest"],
        release=tags[0] if tags else short(found["imageDigest"]),
        pushed=found["imagePushedAt"],
        size=found.get("imageSizeInBytes", 0),
        scan=_scan(found),
    )


def _scan(found: Mapping[str, Any]) -> str:
    summary = found.get("imageScanFindingsSummary")
    if summary is None:
        return "not scanned"
    counts = summary.get("findingSeverityCounts") or {}
    severe = [f"{counts[severity]} {severity.lower()}" for severity in SEVERE if counts.get(severity)]
    return ", ".join(severe) or "nothing critical or high"
