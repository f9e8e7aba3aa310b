"""CodeBuild projects."""

from collections.abc import Iterable, Mapping

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Inputs, ResourceType, call, constant
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references
from sandbox.provider.tables.helpers import tagging
from sandbox.provider.values import UNKNOWN


def _project_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    source, artifacts = inputs.get("source"), inputs.get("artifacts")
    if isinstance(source, dict) and source.get("type") == "NO_SOURCE":
        if source.get("location"):
            yield CheckFailure("source.location", "must not be given with type NO_SOURCE")
        if not source.get("buildspec"):
            yield CheckFailure("source.buildspec", "must be given with type NO_SOURCE")
    elif (
        isinstance(source, dict) and source.get("type") not in (UNKNOWN, "CODEPIPELINE") and not source.get("location")
    ):
        yield CheckFailure("source.location", f"must be given with type {source.get('type')}")
    if isinstance(artifacts, dict) and artifacts.get("type") == "NO_ARTIFACTS" and artifacts.get("location"):
        yield CheckFailure("artifacts.location", "must not be given with type NO_ARTIFACTS")


def _tag(api: Api, identifier: str, tags: Mapping[str, str]) -> None:
    """CodeBuild has no calls for tags alone."""
    name = identifier.rpartition("/")[2]
    api("update_project", name=name, tags=[{"key": key, "value": value} for key, value in tags.items()])


_PROJECT = ResourceType(
    token="aws:codebuild/project:Project",
    service="codebuild",
    create="create_project",
    id="project.arn",
    renames={
        "buildTimeout": "timeoutInMinutes",
        "queuedTimeout": "queuedTimeoutInMinutes",
        "logsConfig.cloudwatchLogs": "cloudWatchLogs",
        "vpcConfig.securityGroupIds": "securityGroupIds",
    },
    tagging=tagging("update_project update_project", "tags", replace_all=_tag),
    read=call("batch_get_projects", names="name"),
    description="projects[0]",
    attributes={"badgeUrl": constant(""), "publicProjectAlias": constant("")},
    absent_outputs="badgeUrl description publicProjectAlias sourceVersion",
    update=call("update_project", name="name"),
    delete=call("delete_project", name="name"),
    replace="name",
    autoname=Autoname("name"),
    defaults={
        "autoRetryLimit": 0,
        "badgeEnabled": False,
        "buildTimeout": 60,
        "projectVisibility": "PRIVATE",
        "queuedTimeout": 480,
    },
    provider_only="projectVisibility",
    validate=_project_rules,
    references={
        "serviceRole": references.ROLE,
        "encryptionKey": references.KMS_KEY,
        "vpcConfig.vpcId": references.VPC,
        "vpcConfig.subnets": references.SUBNET,
        "vpcConfig.securityGroupIds": references.SECURITY_GROUP,
    },
)

TYPES = (_PROJECT,)
