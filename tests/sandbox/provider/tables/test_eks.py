"""EKS and ECR in the sandbox: what a private cluster consists of, and what AWS would refuse."""

import json
from typing import Any

import pytest

from tests.sandbox.provider.services import ACCOUNT, REGION, TRUST, Resource, Services, network

pytestmark = pytest.mark.emulator

CLUSTER, NODES, ADD_ON = "aws:eks/cluster:Cluster", "aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon"
REPOSITORY, LIFECYCLE = "aws:ecr/repository:Repository", "aws:ecr/lifecyclePolicy:LifecyclePolicy"
LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
EXPIRE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
            "action": {"type": "expire"},
        }
    ]
}


def role(services: Services) -> str:
    made: str = services.client("iam").create_role(RoleName="eks", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    return made


def cluster_inputs(services: Services, **more: Any) -> dict[str, Any]:
    subnets, group = network(services)
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {
        "name": "fixrx",
        "version": "1.35",
        "roleArn": role(services),
        "vpcConfig": {
            "subnetIds": subnets,
            "securityGroupIds": [group],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "encryptionConfig": {"provider": {"keyArn": key}, "resources": ["secrets"]},
        "enabledClusterLogTypes": LOGS,
        "bootstrapSelfManagedAddons": False,
        "upgradePolicy": {"supportType": "STANDARD"},
        "zonalShiftConfig": {"enabled": True},
        "deletionProtection": True,
        **more,
    }


def cluster(services: Services) -> Resource:
    return services.create(CLUSTER, cluster_inputs(services))


def test_a_cluster_has_an_address_and_a_certificate(services: Services) -> None:
    made = cluster(services)

    assert made.id == "fixrx"
    assert made.state["arn"] == f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/fixrx"
    assert made.state["endpoint"].endswith(f".gr7.{REGION}.eks.amazonaws.com")
    assert made.state["certificateAuthority"]["data"].startswith("LS0tLS1CRUdJTi")


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"vpcConfig": {"subnetIds": ["subnet-1", "subnet-2"], "endpointPublicAccess": False}}, "vpcConfig"),
        ({"enabledClusterLogTypes": ["api", "audits"]}, "enabledClusterLogTypes"),
        ({"version": "1.36.0"}, "version"),
        ({"accessConfig": {"authenticationMode": "OIDC"}}, "accessConfig"),
        ({"upgradePolicy": {"supportType": "LONG"}}, "upgradePolicy"),
    ],
)
def test_what_no_cluster_can_have_is_refused(services: Services, change: dict[str, Any], path: str) -> None:
    found = services.failures(CLUSTER, {**cluster_inputs(services), **change})

    assert path in {place.partition(".")[0].partition("[")[0] for place, _ in found}


def test_nodes_need_a_cluster_and_sizes_in_order(services: Services) -> None:
    made = cluster(services)
    group = {
        "clusterName": made.id,
        "nodeRoleArn": made.inputs["roleArn"],
        "subnetIds": made.inputs["vpcConfig"]["subnetIds"],
        "amiType": "AL2023_ARM_64_STANDARD",
        "scalingConfig": {"minSize": 3, "desiredSize": 3, "maxSize": 3},
    }

    # Nothing that was asked for reads as drift.
    given = {"instanceTypes": ["m7g.xlarge"], "version": "1.35", "releaseVersion": "1.35.1-20261001"}
    assert services.create(NODES, group).state["instanceTypes"] == ["t3.medium"]
    assert services.create(NODES, {**group, **given}, name="given").state["status"] == "ACTIVE"
    sizes = {"minSize": 3, "desiredSize": 2, "maxSize": 3}
    assert [place for place, _ in services.failures(NODES, {**group, "scalingConfig": sizes})] == [
        "scalingConfig.desiredSize"
    ]
    assert [place for place, _ in services.failures(NODES, {**group, "clusterName": "shop"})] == ["clusterName"]
    assert [place for place, _ in services.failures(NODES, {**group, "amiType": "AL2023"})] == ["amiType"]


def test_an_add_on_has_a_pinned_version_and_valid_values(services: Services) -> None:
    add_on = {
        "clusterName": cluster(services).id,
        "addonName": "vpc-cni",
        "addonVersion": "v1.22.4-eksbuild.3",
        "configurationValues": '{"enableNetworkPolicy":"true"}',
        "resolveConflictsOnCreate": "OVERWRITE",
        "resolveConflictsOnUpdate": "OVERWRITE",
    }

    assert services.create(ADD_ON, add_on).id == "fixrx:vpc-cni"
    for path, value in (("addonVersion", "latest"), ("configurationValues", "{"), ("resolveConflictsOnUpdate", "ASK")):
        assert [place for place, _ in services.failures(ADD_ON, {**add_on, path: value})] == [path]


def test_who_may_enter_and_who_a_pod_is(services: Services) -> None:
    made = cluster(services)
    principal = made.inputs["roleArn"]
    entered = {"clusterName": made.id, "principalArn": principal}
    entry = services.create("aws:eks/accessEntry:AccessEntry", {**entered, "userName": "night-shift"})
    access = {
        "clusterName": made.id,
        "principalArn": principal,
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
        "accessScope": {"type": "cluster"},
    }
    association = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
    identity = services.create(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        {"clusterName": made.id, "namespace": "fixrx", "serviceAccount": "fixrx-migrate", "roleArn": principal},
    )

    assert entry.id == f"fixrx:{principal}"
    assert services.create(association, access).id.endswith(
        "#arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    )
    assert identity.id.startswith("a-")
    wrong = {**access, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert [place for place, _ in services.failures(association, wrong)] == ["policyArn"]


def repository(services: Services) -> Resource:
    key = services.client("kms").create_key()["KeyMetadata"]["Arn"]
    return services.create(
        REPOSITORY,
        {
            "name": "fixrx/production/api",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": key}],
        },
    )


def test_a_repository_is_as_it_was_asked_for(services: Services) -> None:
    made = repository(services)
    (found,) = services.client("ecr").describe_repositories(repositoryNames=["fixrx/production/api"])["repositories"]

    assert found["imageTagMutability"] == "IMMUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": True}
    assert found["encryptionConfiguration"]["encryptionType"] == "KMS"
    assert made.state["repositoryUrl"].endswith("/fixrx/production/api")
    assert services.drift(made) == {}


def test_what_somebody_changes_in_a_repository_is_seen(services: Services) -> None:
    made = repository(services)
    services.client("ecr").put_image_tag_mutability(repositoryName="fixrx/production/api", imageTagMutability="MUTABLE")

    assert list(services.drift(made) or {}) == ["imageTagMutability"]


def test_images_expire_by_a_policy(services: Services) -> None:
    made = repository(services)
    policy = services.create(LIFECYCLE, {"repository": made.id, "policy": json.dumps(EXPIRE)})
    found = services.client("ecr").get_lifecycle_policy(repositoryName=made.id)

    assert json.loads(found["lifecyclePolicyText"]) == EXPIRE
    assert policy.id == made.id
    twice = {"rules": [*EXPIRE["rules"], *EXPIRE["rules"]]}
    assert services.failures(LIFECYCLE, {"repository": made.id, "policy": json.dumps(twice)}) == [
        ("policy", "has two rules of the same priority")
    ]
