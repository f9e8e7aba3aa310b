"""ECR: repositories and what expires in them."""

import json
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Reference, Request, ResourceType, call, template
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import tagging, without

REPOSITORY = Reference(
    "repository of ECR", lambda api, value: bool(api("describe_repositories", repositoryNames=[value])["repositories"])
)


def _one_encryption(inputs: Inputs) -> dict[str, Any]:
    """The provider has a list, of which AWS takes one."""
    listed = inputs.get("encryptionConfigurations")
    prepared = without(inputs, "encryptionConfigurations")
    return {**prepared, "encryptionConfiguration": listed[0]} if isinstance(listed, list) and listed else prepared


def _lifecycle(value: str) -> str | None:
    wrong = rules.json_document(value)
    if wrong:
        return wrong
    content = json.loads(value)
    listed = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        return "has no rules"
    priorities = [each.get("rulePriority") for each in listed]
    return "has two rules of the same priority" if len(set(priorities)) < len(priorities) else None


_REPOSITORY = ResourceType(
    token="aws:ecr/repository:Repository",
    service="ecr",
    create="create_repository",
    id="repository.repositoryName",
    prepare=_one_encryption,
    renames={"name": "repositoryName", "encryptionConfiguration.kmsKey": "kmsKey"},
    tagging=tagging("tag_resource untag_resource list_tags_for_resource", "tags", resourceArn="arn"),
    read=call("describe_repositories", repositoryNames="id"),
    description="repositories[0]",
    attributes={
        "arn": "repositoryArn",
        "encryptionConfigurations": "[encryptionConfiguration]",
        "registryId": "registryId",
        "repositoryUrl": "repositoryUri",
    },
    features=(
        Feature(
            "imageTagMutability",
            lambda inputs, identifier: [
                Request(
                    "put_image_tag_mutability",
                    {"repositoryName": identifier, "imageTagMutability": inputs.get("imageTagMutability", "MUTABLE")},
                )
            ],
        ),
        Feature(
            "imageScanningConfiguration",
            lambda inputs, identifier: [
                Request(
                    "put_image_scanning_configuration",
                    {
                        "repositoryName": identifier,
                        "imageScanningConfiguration": inputs.get("imageScanningConfiguration", {"scanOnPush": False}),
                    },
                )
            ],
        ),
    ),
    absent_outputs="imageTagMutabilityExclusionFilters",
    delete=call("delete_repository", repositoryName="id"),
    replace="encryptionConfigurations name",
    autoname=Autoname("name", longest=256, lower_case=True),
    defaults={"imageTagMutability": "MUTABLE"},
    provider_only="forceDelete imageTagMutabilityExclusionFilters",
    rules={"name": rules.matches(r"[a-z0-9]+([._/-][a-z0-9]+)*", "lower-case words with . _ - and / between them")},
    references={"encryptionConfigurations.kmsKey": references.KMS_KEY},
)


def _read_policy(api: Api, live: Live) -> dict[str, Any]:
    return dict(api("get_lifecycle_policy", repositoryName=live.id))


_LIFECYCLE_POLICY = ResourceType(
    token="aws:ecr/lifecyclePolicy:LifecyclePolicy",
    service="ecr",
    create="put_lifecycle_policy",
    id=template("{repository}"),
    renames={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
    read=_read_policy,
    attributes={"registryId": "registryId", "policy": "lifecyclePolicyText", "repository": "repositoryName"},
    replaces_all=True,
    delete=call("delete_lifecycle_policy", repositoryName="id"),
    replace="repository",
    rules={"policy": _lifecycle},
    references={"repository": REPOSITORY},
)

TYPES = (_LIFECYCLE_POLICY, _REPOSITORY)
