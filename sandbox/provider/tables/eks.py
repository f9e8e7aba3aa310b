"""EKS: clusters, node groups, add-ons, access, identities of pods. The emulator has only a small part of the first two,
without what makes a cluster private, so all are validated and recorded. The cluster itself is played elsewhere.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.model import Autoname, Inputs, Live, Reference, ResourceType, arn, constant, template
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import recorded_uuid, unless_given, without
from sandbox.provider.values import UNKNOWN

_CLUSTER_NAME = rules.matches(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}", "1 to 100 letters, digits, hyphens and underscores")
_VERSION = rules.matches(r"1\.[0-9]{2}", "a minor version such as 1.36")
_ADD_ON_VERSION = rules.matches(r"v[0-9.]+-eksbuild\.[0-9]+", "a version such as v1.22.4-eksbuild.3")
_ACCESS_POLICY = rules.matches(r"arn:aws:eks::aws:cluster-access-policy/\w+", "the ARN of an access policy of EKS")
_CERTIFICATE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nsandbox\n-----END CERTIFICATE-----\n").decode()
CLUSTER = Reference("cluster of EKS", lambda api, value: False, "aws:eks/cluster:Cluster")


def _as_the_api_has_it(inputs: Inputs) -> dict[str, Any]:
    prepared = without(inputs, "encryptionConfig", "enabledClusterLogTypes")
    if inputs.get("encryptionConfig") is not None:
        prepared["encryptionConfig"] = [inputs["encryptionConfig"]]
    if inputs.get("enabledClusterLogTypes") is not None:
        prepared["logging"] = {"clusterLogging": [{"types": inputs["enabledClusterLogTypes"], "enabled": True}]}
    return prepared


def _cluster_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    network = inputs.get("vpcConfig")
    if not isinstance(network, dict):
        return
    if network.get("endpointPrivateAccess", False) is False and network.get("endpointPublicAccess", True) is False:
        yield CheckFailure("vpcConfig.endpointPrivateAccess", "must be true if endpointPublicAccess is false")
    subnets = network.get("subnetIds")
    if isinstance(subnets, list) and len(subnets) < 2:
        yield CheckFailure("vpcConfig.subnetIds", "must name subnets of two zones or more")


def _impossible(old: Inputs, new: Inputs) -> str | None:
    """EKS raises the version of a cluster by one minor version at a time."""
    before, after = old.get("version"), new.get("version")
    if UNKNOWN in (before, after) or before is None or after is None or before == after:
        return None
    minor = int(str(before).partition(".")[2])
    if str(after) == f"1.{minor + 1}":
        return None
    return f"version cannot change from {before} to {after}: EKS raises it by one minor version at a time"


_CLUSTER = ResourceType(
    token="aws:eks/cluster:Cluster",
    service="eks",
    create="create_cluster",
    id=template("{name}"),
    prepare=_as_the_api_has_it,
    renames={"vpcConfig": "resourcesVpcConfig"},
    attributes={
        "arn": arn("eks", "cluster/{name}"),
        "certificateAuthority": constant({"data": _CERTIFICATE}),
        "endpoint": lambda live: f"https://{_hexadecimal(live)}.gr7.{live.region}.eks.amazonaws.com",
        "platformVersion": constant("eks.1"),
        "status": constant("ACTIVE"),
    },
    absent_outputs="clusterId computeConfig controlPlaneScalingConfig createdAt identities "
    "kubeApiServerConfig kubeControllerManagerConfig kubeSchedulerConfig kubernetesNetworkConfig outpostConfig "
    "remoteNetworkConfig storageConfig",
    replace="bootstrapSelfManagedAddons encryptionConfig name roleArn",
    impossible_change=_impossible,
    autoname=Autoname("name", longest=100),
    provider_only="defaultAddonsToRemoves forceUpdateVersion",
    validate=_cluster_rules,
    rules={
        "name": _CLUSTER_NAME,
        "version": _VERSION,
        "enabledClusterLogTypes": rules.one_of("api", "audit", "authenticator", "controllerManager", "scheduler"),
    },
    references={
        "roleArn": references.ROLE,
        "encryptionConfig.provider.keyArn": references.KMS_KEY,
        "vpcConfig.subnetIds": references.SUBNET,
        "vpcConfig.securityGroupIds": references.SECURITY_GROUP,
    },
    stored_only=True,
)


def _hexadecimal(live: Live) -> str:
    return recorded_uuid("cluster", "name")(live).hex.upper()


def _group_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    scaling = inputs.get("scalingConfig")
    if not isinstance(scaling, dict):
        return
    least, wanted, most = (scaling.get(key) for key in ("minSize", "desiredSize", "maxSize"))
    numbers = [each for each in (least, wanted, most) if isinstance(each, int | float)]
    if len(numbers) == 3 and numbers != sorted(numbers):
        yield CheckFailure("scalingConfig.desiredSize", "must be between minSize and maxSize")
    template_given, disk = inputs.get("launchTemplate"), inputs.get("diskSize")
    if template_given and disk:
        yield CheckFailure("diskSize", "must not be given with a launch template, which says it")


_NODE_GROUP = ResourceType(
    token="aws:eks/nodeGroup:NodeGroup",
    service="eks",
    create="create_nodegroup",
    id=template("{clusterName}:{nodeGroupName}"),
    renames={
        "nodeGroupName": "nodegroupName",
        "nodeRoleArn": "nodeRole",
        "subnetIds": "subnets",
        "remoteAccess.sourceSecurityGroupIds": "sourceSecurityGroups",
    },
    attributes={
        "arn": lambda live: (
            f"arn:aws:eks:{live.region}:{live.account_id}:nodegroup/{live.state['clusterName']}/"
            f"{live.state['nodeGroupName']}/{recorded_uuid('nodegroup', 'clusterName', 'nodeGroupName')(live)}"
        ),
        "status": constant("ACTIVE"),
        **unless_given(
            instanceTypes=constant(["t3.medium"]),
            # The newest one.
            releaseVersion=lambda live: f"{live.description.get('version', '1.36')}.0-20261105",
            version=constant("1.36"),
        ),
    },
    absent_outputs="diskSize labels launchTemplate nodeGroupNamePrefix nodeRepairConfig remoteAccess resources taints "
    "updateConfig warmPoolConfig",
    defaults={"capacityType": "ON_DEMAND"},
    replace="amiType capacityType clusterName diskSize instanceTypes nodeGroupName nodeRoleArn remoteAccess subnetIds",
    autoname=Autoname("nodeGroupName", longest=63),
    provider_only="forceUpdateVersion",
    validate=_group_rules,
    rules={"version": _VERSION},
    references={
        "clusterName": CLUSTER,
        "launchTemplate.id": references.LAUNCH_TEMPLATE,
        "nodeRoleArn": references.ROLE,
        "subnetIds": references.SUBNET,
    },
    stored_only=True,
)

_ADD_ON = ResourceType(
    token="aws:eks/addon:Addon",
    service="eks",
    create="create_addon",
    id=template("{clusterName}:{addonName}"),
    renames={"resolveConflictsOnCreate": "resolveConflicts"},
    attributes={
        "arn": lambda live: (
            f"arn:aws:eks:{live.region}:{live.account_id}:addon/{live.state['clusterName']}/"
            f"{live.state['addonName']}/{recorded_uuid('addon', 'clusterName', 'addonName')(live)}"
        )
    },
    absent_outputs="configurationValues createdAt modifiedAt namespaceConfig",
    replace="addonName clusterName",
    provider_only="preserve resolveConflictsOnUpdate",
    rules={
        "addonVersion": _ADD_ON_VERSION,
        "configurationValues": rules.json_document,
        "resolveConflictsOnUpdate": rules.one_of("NONE", "OVERWRITE", "PRESERVE"),
    },
    references={
        "clusterName": CLUSTER,
        "podIdentityAssociations.roleArn": references.ROLE,
        "serviceAccountRoleArn": references.ROLE,
    },
    stored_only=True,
)

_ACCESS_ENTRY = ResourceType(
    token="aws:eks/accessEntry:AccessEntry",
    service="eks",
    create="create_access_entry",
    id=template("{clusterName}:{principalArn}"),
    renames={"userName": "username"},
    attributes={
        "accessEntryArn": lambda live: (
            f"arn:aws:eks:{live.region}:{live.account_id}:access-entry/{live.state['clusterName']}/role/"
            f"{live.account_id}/{live.state['principalArn'].rpartition('/')[2]}/"
            f"{recorded_uuid('access-entry', 'clusterName', 'principalArn')(live)}"
        ),
        # EKS takes the ARN of an assumed role.
        **unless_given(userName=lambda live: live.description["principalArn"]),
    },
    absent_outputs="createdAt kubernetesGroups modifiedAt",
    replace="clusterName principalArn type",
    defaults={"type": "STANDARD"},
    rules={"principalArn": rules.arn},
    references={"clusterName": CLUSTER},
    stored_only=True,
)


def _scope_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    scope = inputs.get("accessScope")
    if isinstance(scope, Mapping) and scope.get("type") == "namespace" and not scope.get("namespaces"):
        yield CheckFailure("accessScope.namespaces", "must be given with type namespace")


_ACCESS_POLICY_ASSOCIATION = ResourceType(
    token="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    service="eks",
    create="associate_access_policy",
    id=template("{clusterName}#{principalArn}#{policyArn}"),
    absent_outputs="associatedAt modifiedAt",
    replace="accessScope clusterName policyArn principalArn",
    validate=_scope_rules,
    rules={
        "accessScope.type": rules.one_of("cluster", "namespace"),
        "policyArn": _ACCESS_POLICY,
        "principalArn": rules.arn,
    },
    references={"clusterName": CLUSTER},
    stored_only=True,
)


def _association_id(live: Live) -> str:
    return f"a-{recorded_uuid('pod-identity', 'clusterName', 'namespace', 'serviceAccount')(live).hex[:17]}"


_POD_IDENTITY = ResourceType(
    token="aws:eks/podIdentityAssociation:PodIdentityAssociation",
    service="eks",
    create="create_pod_identity_association",
    id=_association_id,
    attributes={
        "associationArn": lambda live: (
            f"arn:aws:eks:{live.region}:{live.account_id}:podidentityassociation/{live.state['clusterName']}/"
            f"{_association_id(live)}"
        ),
        "associationId": _association_id,
    },
    absent_outputs="externalId policy targetRoleArn",
    defaults={"disableSessionTags": False},
    replace="clusterName namespace serviceAccount",
    rules={"roleArn": rules.arn},
    references={"clusterName": CLUSTER, "roleArn": references.ROLE},
    stored_only=True,
)

TYPES = (_ACCESS_ENTRY, _ACCESS_POLICY_ASSOCIATION, _ADD_ON, _CLUSTER, _NODE_GROUP, _POD_IDENTITY)
