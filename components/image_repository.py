"""Where the images of the API are: tags that never move, a scan at each push, a key of our own.

Pods name an image by its digest, so an image is only deleted when no tag names it any more. Where a stack names another
repository, nothing is made here.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.kubernetes import KubernetesSettings
from components.shared.keys import StackContext
from components.shared.releases import image_repository_name

UNTAGGED_DAYS = 14
KEPT_IMAGES = 200
"""Of those with a tag: years of releases. The deployed one is among the newest."""


@dataclass(frozen=True, kw_only=True)
class ImageRepositoryArgs:
    settings: KubernetesSettings
    stack: StackContext


class ImageRepository(pulumi.ComponentResource):
    """A repository of ECR, or the way to another one."""

    image: pulumi.Output[str]
    """The pinned image: repository and digest."""

    def __init__(self, name: str, args: ImageRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:ImageRepository", name, None, opts)
        self._name = name
        self._args = args

        url: pulumi.Input[str] = args.settings.image_repository or self._create()
        self.image = pulumi.Output.concat(url, "@", args.settings.image_digest or "")
        self.register_outputs({"image": self.image})

    def _create(self) -> pulumi.Output[str]:
        repository = aws.ecr.Repository(
            f"{self._name}-api",
            name=image_repository_name(self._args.stack.identity),
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": self._args.stack.keys.data}],
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.settings.deletion_protection),
        )
        aws.ecr.LifecyclePolicy(
            f"{self._name}-api-lifecycle",
            repository=repository.name,
            policy=json.dumps({"rules": [_expire(1, "untagged", "sinceImagePushed", UNTAGGED_DAYS), _keep_newest(2)]}),
            opts=pulumi.ResourceOptions(parent=self),
        )
        url: pulumi.Output[str] = repository.repository_url
        return url


def _expire(priority: int, status: str, counted: str, days: int) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": f"{status} images expire after {days} days",
        "selection": {"tagStatus": status, "countType": counted, "countUnit": "days", "countNumber": days},
        "action": {"type": "expire"},
    }


def _keep_newest(priority: int) -> dict[str, object]:
    return {
        "rulePriority": priority,
        "description": f"the newest {KEPT_IMAGES} images stay",
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
        "action": {"type": "expire"},
    }
