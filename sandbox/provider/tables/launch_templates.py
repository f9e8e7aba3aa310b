"""Launch templates."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Feature, Inputs, Live, Request, call
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import ec2_type
from sandbox.provider.tables.helpers import given, without

_TEMPLATE_RENAMES = {
    "launchTemplateData.vpcSecurityGroupIds": "SecurityGroupIds",
    "launchTemplateData.disableApiStop": "DisableApiStop",
    "launchTemplateData.networkInterfaces.securityGroups": "Groups",
    "launchTemplateData.networkInterfaces.ipv4AddressCount": "SecondaryPrivateIpAddressCount",
    "launchTemplateData.placement.spreadDomain": "SpreadDomain",
    "description": "VersionDescription",
    "name": "LaunchTemplateName",
}


def _template_data(inputs: Inputs) -> dict[str, Any]:
    named = {key: inputs[key] for key in given(inputs, "name", "description")}
    data = without(inputs, "name", "description", "defaultVersion", "updateDefaultVersion")
    return {**named, "launchTemplateData": {key: value for key, value in data.items() if not key.startswith("__")}}


def _read_template(api: Api, live: Live) -> Mapping[str, Any] | None:
    template = api("describe_launch_templates", LaunchTemplateIds=[live.id])["LaunchTemplates"][0]
    versions = api("describe_launch_template_versions", LaunchTemplateId=live.id, Versions=["$Latest"])
    latest = versions["LaunchTemplateVersions"][0]
    return {**latest["LaunchTemplateData"], **template, "description": latest.get("VersionDescription")}


def _publish_template(api: Api, live: Live) -> None:
    if live.state.get("updateDefaultVersion"):
        template = api("describe_launch_templates", LaunchTemplateIds=[live.id])["LaunchTemplates"][0]
        latest = str(template["LatestVersionNumber"])
        api("modify_launch_template", LaunchTemplateId=live.id, DefaultVersion=latest)


def _default_version(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("defaultVersion"):
        parameters = {"LaunchTemplateId": identifier, "DefaultVersion": str(inputs["defaultVersion"])}
        yield Request("modify_launch_template", parameters)


_USER_DATA_BYTES = 16 * 1024
"""EC2's limit for user data before base64."""


def _user_data(value: str) -> str | None:
    """User data goes to EC2 in base64, and the provider does not encode it."""
    wrong = rules.base64_text(value)
    if wrong or len(base64.b64decode(value)) <= _USER_DATA_BYTES:
        return wrong
    return f"must be at most {_USER_DATA_BYTES} bytes before encoding"


_LAUNCH_TEMPLATE = ec2_type(
    "LaunchTemplate",
    prepare=_template_data,
    renames=_TEMPLATE_RENAMES,
    read=_read_template,
    attributes={
        "latestVersion": "LatestVersionNumber",
        "defaultVersion": "DefaultVersionNumber",
        "vpcSecurityGroupIds": "SecurityGroupIds",
        # The emulator lists the tags of the template itself among those for instances and volumes.
        "tagSpecifications": "TagSpecifications[?ResourceType != 'launch-template']",
    },
    absent_outputs="metadataOptions",
    update=call("create_launch_template_version", LaunchTemplateId="id"),
    update_omits="name",
    replaces_all=True,
    after_update=_publish_template,
    recomputed="latestVersion defaultVersion",
    replace="name namePrefix",
    autoname=Autoname("name", longest=128),
    provider_only="updateDefaultVersion",
    features=(Feature(inputs="defaultVersion", requests=_default_version),),
    rules={"userData": _user_data, "blockDeviceMappings.ebs.volumeSize": rules.between(1, 65536)},
    references={
        "vpcSecurityGroupIds": references.SECURITY_GROUP,
        "networkInterfaces.securityGroups": references.SECURITY_GROUP,
        "networkInterfaces.subnetId": references.SUBNET,
        "blockDeviceMappings.ebs.kmsKeyId": references.KMS_KEY,
        "iamInstanceProfile.name": references.INSTANCE_PROFILE,
        "iamInstanceProfile.arn": references.INSTANCE_PROFILE,
    },
)

TYPES = (_LAUNCH_TEMPLATE,)
