"""The three runtimes: what each has, what a cluster of its own consists of, and what a pod may do and reach."""

import json
import subprocess
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import botocore.session
import pytest
from botocore.signers import generate_db_auth_token

from components.shared.host import decoded
from tests.recorder import RANDOM_HEX, REPOSITORY, Recording, Registration, record_stack

DIGEST = f"sha256:{'0' * 64}"
PROXY = f"public.ecr.aws/nginx/nginx-unprivileged@{DIGEST}"
IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/fixrx/production/api@{DIGEST}"
EXISTING = {
    "name": "shop",
    "endpoint": "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com",
    "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
    "security_group_id": "sg-0123456789abcdef0",
}
RULE = "aws:vpc/securityGroup{side}Rule:SecurityGroup{side}Rule"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"


@cache
def stack(runtime: str, changes: str = "{}") -> Recording:
    kubernetes = {"image_digest": DIGEST, "proxy_image": PROXY, **json.loads(changes)}
    return record_stack(
        "production",
        {
            "runtime": runtime,
            "kubernetes": kubernetes,
            "continuous_integration": {"repository": "fixrx/infrastructure"},
        },
    )


def with_pods(**changes: Any) -> Recording:
    return stack("kubernetes", json.dumps(changes))


def both(percent: int) -> Recording:
    return stack("both", json.dumps({"traffic_percent": percent}))


def spec(name: str) -> Any:
    return with_pods().named(f"eks-workload-{name}").plain["spec"]


def pod(name: str = "deployment") -> Any:
    return spec(name)["template"]["spec"]


def opened(recording: Recording, side: str) -> set[tuple[str, str, str, int]]:
    kind = RULE.format(side=side)
    return {
        (
            each.plain["securityGroupId"].removeprefix("connections-").removesuffix("-id"),
            str(each.plain.get("referencedSecurityGroupId") or each.plain.get("cidrIpv4") or each.plain["cidrIpv6"])
            .removeprefix("connections-")
            .removesuffix("-id"),
            each.plain["ipProtocol"],
            int(each.plain["fromPort"]),
        )
        for each in recording.of_type(kind)
    }


def kubernetes_of(recording: Recording) -> list[Registration]:
    return [each for each in recording.registrations if each.type.startswith("kubernetes:")]


# Which runtime has what.


def test_servers_alone_are_the_default_and_have_nothing_of_kubernetes(production: Recording) -> None:
    assert kubernetes_of(production) == []
    assert [each.name for each in production.registrations if "eks" in each.name or "pods" in each.name] == []


def test_pods_alone_have_no_servers() -> None:
    recording = with_pods()

    assert recording.of_type("aws:autoscaling/group:Group") == []
    assert [each.name for each in recording.registrations if "app-servers" in each.name] == []
    assert [each.name for each in recording.of_type("aws:lb/targetGroup:TargetGroup")] == ["load-balancer-pods"]


def test_both_leave_every_server_as_it_is(production: Recording) -> None:
    """But for the size of the pools: servers and pods share the connections."""
    before = {each.name: each.plain for each in production.registrations if "app-servers" in each.name}
    now = {each.name: each.plain for each in both(0).registrations if "app-servers" in each.name}
    scripts = [decoded(each["app-servers-launch-template"]["userData"]) for each in (before, now)]
    pools = [script.partition("PG_POOL_MAX=")[2].partition("\n")[0] for script in scripts]
    changed = {name for name in before if before[name] != now[name]}

    assert before.keys() == now.keys()
    assert changed == {"app-servers-launch-template"}
    assert pools == ["3", "2"]
    assert scripts[0].replace("PG_POOL_MAX=3", "PG_POOL_MAX=2") == scripts[1]


@pytest.mark.parametrize(("percent", "servers", "pods"), [(0, 100, 0), (25, 75, 25), (100, 0, 100)])
@pytest.mark.parametrize(("name", "action"), [("https", "defaultActions"), ("health", "actions")])
def test_requests_are_shared_by_weight(percent: int, servers: int, pods: int, name: str, action: str) -> None:
    assert both(percent).named(f"load-balancer-{name}").plain[action] == [
        {
            "type": "forward",
            "forward": {
                "targetGroups": [
                    {"arn": "arn:aws:lb:us-east-1:111122223333:load-balancer-api", "weight": servers},
                    {"arn": "arn:aws:lb:us-east-1:111122223333:load-balancer-pods", "weight": pods},
                ]
            },
        }
    ]


def test_the_target_group_of_pods_takes_addresses_and_checks_as_for_servers() -> None:
    recording = both(10)
    servers, pods = (recording.named(f"load-balancer-{name}").plain for name in ("api", "pods"))

    assert (pods["targetType"], pods["port"]) == ("ip", 8080)
    differing = {key for key in servers if servers[key] != pods[key]}
    assert differing == {"targetType", "port"}


def test_pods_alone_receive_everything() -> None:
    assert with_pods().named("load-balancer-https").plain["defaultActions"] == [
        {"type": "forward", "targetGroupArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-pods"}
    ]


def test_alarms_watch_what_is_there() -> None:
    def alarms(recording: Recording) -> set[str]:
        return {
            each.name.removeprefix("alarms-") for each in recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm")
        }

    of_servers = {
        "NoHealthyServer",
        "SecretsNotLoaded",
        "ServerCpuHigh",
        "ServerDiskFull",
        "ServerGroupAtMaximum",
        "UnhealthyServer",
    }
    of_pods = {
        "NoHealthyPod",
        "UnhealthyPod",
        "NodeDiskFull",
        "NodeFailed",
        "NodesMissing",
        "PodMemoryHigh",
        "PodsAtMaximum",
        "PodsCannotBeScheduled",
    }
    assert alarms(both(0)) - alarms(stack("app_servers")) == of_pods
    assert alarms(both(0)) - alarms(with_pods()) == of_servers


# The cluster.


def test_the_api_of_the_cluster_is_private_and_its_secrets_have_a_key() -> None:
    cluster = with_pods().named("eks-cluster-control-plane")

    assert cluster.plain == {
        "name": "fixrx-production",
        "version": "1.36",
        "roleArn": "arn:aws:iam:us-east-1:111122223333:eks-cluster-role",
        "vpcConfig": {
            "subnetIds": [f"network-application-{zone}-id" for zone in "abc"],
            "securityGroupIds": ["connections-kubernetes-api-id"],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "encryptionConfig": {
            "provider": {"keyArn": "arn:aws:kms:us-east-1:111122223333:key/eks-cluster-key"},
            "resources": ["secrets"],
        },
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "bootstrapSelfManagedAddons": False,
        "upgradePolicy": {"supportType": "STANDARD"},
        "zonalShiftConfig": {"enabled": True},
        "deletionProtection": True,
    }
    assert cluster.protect
    assert {"eks-cluster-log-group", "eks-cluster-policy"} <= set(cluster.depends_on)
    assert with_pods().named("eks-cluster-log-group").pick("name", "retentionInDays") == {
        "name": "/aws/eks/fixrx-production/cluster",
        "retentionInDays": 365,
    }


def test_who_may_enter_the_cluster() -> None:
    operators = "arn:aws:iam::111122223333:role/operators"
    recording = with_pods(administrator_role_arns=[operators])
    found = {
        each.plain["principalArn"]: (each.plain["policyArn"].rpartition("/")[2], each.plain["accessScope"])
        for each in recording.of_type("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    }
    roles = "arn:aws:iam:us-east-1:111122223333:continuous-integration"

    assert found == {
        operators: ("AmazonEKSClusterAdminPolicy", {"type": "cluster"}),
        f"{roles}-deploy-role": ("AmazonEKSClusterAdminPolicy", {"type": "cluster"}),
        f"{roles}-preview-role": ("AmazonEKSViewPolicy", {"type": "cluster"}),
    }
    assert len(recording.of_type("aws:eks/accessEntry:AccessEntry")) == 3


def test_the_way_to_the_cluster_holds_no_secret_and_survives_another_way() -> None:
    provider = with_pods().named("eks-cluster-provider").plain
    config = json.loads(provider["kubeconfig"])

    assert config["clusters"][0]["cluster"]["server"] == "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com"
    assert config["users"][0]["user"] == {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": ["eks", "get-token", "--cluster-name", "fixrx-production", "--region", "us-east-1"],
        }
    }
    assert provider["clusterIdentifier"] == "arn:aws:eks:us-east-1:111122223333:cluster/fixrx-production"
    assert provider["enablePatchForce"] == "true"


def test_everything_in_the_cluster_goes_that_way() -> None:
    assert {each.provider for each in kubernetes_of(with_pods())} == {"eks-cluster-provider"}


def test_nodes_are_over_all_zones_and_a_pod_cannot_be_its_node() -> None:
    recording = with_pods()
    template = recording.named("eks-nodes-launch-template")

    assert recording.named("eks-nodes-group").pick(
        "subnetIds", "amiType", "instanceTypes", "scalingConfig", "updateConfig", "version", "launchTemplate"
    ) == {
        "subnetIds": [f"network-application-{zone}-id" for zone in "abc"],
        "amiType": "AL2023_ARM_64_STANDARD",
        "instanceTypes": ["m7g.xlarge"],
        "scalingConfig": {"minSize": 6, "maxSize": 6, "desiredSize": 6},
        "updateConfig": {"maxUnavailable": 1},
        "version": "1.36",
        "launchTemplate": {"id": "eks-nodes-launch-template-id", "version": "1"},
    }
    assert template.pick("vpcSecurityGroupIds", "metadataOptions") == {
        "vpcSecurityGroupIds": ["connections-nodes-id"],
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 1},
    }
    assert [device["ebs"]["encrypted"] for device in template.plain["blockDeviceMappings"]] == ["true"]
    # EKS refuses a template that names them.
    assert {"imageId", "instanceType", "iamInstanceProfile", "userData", "keyName"} & set(template.plain) == set()


def test_nodes_of_another_architecture_get_its_image() -> None:
    group = with_pods(node_instance_types=["m7i.xlarge"]).named("eks-nodes-group")

    assert group.plain["amiType"] == "AL2023_x86_64_STANDARD"


@pytest.mark.parametrize("version", ["1.35", "1.36"])
def test_add_ons_are_pinned_for_the_version_and_come_in_order(version: str) -> None:
    recording = with_pods(version=version)
    add_ons = {each.plain["addonName"]: each for each in recording.of_type("aws:eks/addon:Addon")}
    before_nodes = {
        name for name, each in add_ons.items() if each.name in recording.named("eks-nodes-group").depends_on
    }
    after_nodes = {name for name, each in add_ons.items() if "eks-nodes-group" in each.depends_on}

    assert before_nodes == {"vpc-cni", "kube-proxy", "eks-pod-identity-agent"}
    assert after_nodes == {"coredns", "metrics-server", "amazon-cloudwatch-observability"}
    assert add_ons["kube-proxy"].plain["addonVersion"].startswith(f"v{version}.")
    # Without it nothing enforces a NetworkPolicy.
    assert json.loads(add_ons["vpc-cni"].plain["configurationValues"]) == {"enableNetworkPolicy": "true"}


def test_what_nodes_and_pods_may_connect_to() -> None:
    added = {side: opened(both(0), side) - opened(stack("app_servers"), side) for side in ("Ingress", "Egress")}

    assert added == {
        "Ingress": {
            ("nodes", "load-balancer", "tcp", 8080),
            ("database", "nodes", "tcp", 5432),
            ("cache", "nodes", "tcp", 6379),
            ("endpoints", "nodes", "tcp", 443),
            ("kubernetes-api", "nodes", "tcp", 443),
            ("nodes", "kubernetes-api", "tcp", 9443),
            ("nodes", "kubernetes-api", "tcp", 10250),
            ("nodes", "kubernetes-api", "tcp", 10251),
            ("nodes", "nodes", "tcp", 53),
            ("nodes", "nodes", "udp", 53),
            ("nodes", "nodes", "tcp", 10250),
        },
        "Egress": {
            ("load-balancer", "nodes", "tcp", 8080),
            ("nodes", "database", "tcp", 5432),
            ("nodes", "cache", "tcp", 6379),
            ("nodes", "endpoints", "tcp", 443),
            ("nodes", "0.0.0.0/0", "tcp", 443),
            ("nodes", "kubernetes-api", "tcp", 443),
            ("kubernetes-api", "nodes", "tcp", 9443),
            ("kubernetes-api", "nodes", "tcp", 10250),
            ("kubernetes-api", "nodes", "tcp", 10251),
            ("nodes", "nodes", "tcp", 53),
            ("nodes", "nodes", "udp", 53),
            ("nodes", "nodes", "tcp", 10250),
        },
    }


def test_images_can_be_pulled_past_the_policy_of_the_endpoint() -> None:
    statements = with_pods().named("endpoints-s3").document("policy")["Statement"]

    assert [each["Resource"] for each in statements if each["Sid"] == "ImageLayers"] == [
        ["arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"]
    ]


def test_roles_of_kubernetes_have_a_boundary_of_their_own() -> None:
    boundaries = {
        each.name: each.plain["permissionsBoundary"].rpartition(":")[2]
        for each in both(0).of_type("aws:iam/role:Role")
        if each.name.startswith(("eks-", "app-servers"))
    }

    assert boundaries == {
        "app-servers-role": "permissions-boundary-policy",
        **{
            f"eks-{name}-role": "permissions-boundary-kubernetes"
            for name in (
                "cluster",
                "controllers-aws-load-balancer-controller",
                "controllers-external-secrets",
                "nodes",
                "nodes-amazon-cloudwatch-observability",
                "nodes-vpc-cni",
                "workload-migration",
            )
        },
    }


def test_pods_assume_roles_of_this_cluster_only() -> None:
    (statement,) = with_pods().named("eks-workload-migration-role").document("assumeRolePolicy")["Statement"]

    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnEquals": {"aws:SourceArn": "arn:aws:eks:us-east-1:111122223333:cluster/fixrx-production"},
    }
    assert with_pods().named("eks-workload-migration-role-policy").document("policy")["Statement"] == [
        {
            "Sid": "LogIn",
            "Effect": "Allow",
            "Action": ["rds-db:connect"],
            "Resource": ["arn:aws:rds-db:us-east-1:111122223333:dbuser:db-database-primary/fixrx_migrate"],
        }
    ]


def test_the_repository_keeps_what_its_tags_say() -> None:
    repository = with_pods().named("image-repository-api")

    assert repository.pick("imageTagMutability", "imageScanningConfiguration", "encryptionConfigurations") == {
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfigurations": [
            {"encryptionType": "KMS", "kmsKey": "arn:aws:kms:us-east-1:111122223333:key/encryption-data-key"}
        ],
    }
    assert [each["selection"]["tagStatus"] for each in _lifecycle()] == ["untagged", "any"]


def _lifecycle() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = with_pods().named("image-repository-api-lifecycle").document("policy")["rules"]
    return found


def test_another_repository_is_used_as_it_is() -> None:
    recording = with_pods(image_repository="registry.example.com/fixrx/api")
    container = recording.named("eks-workload-deployment").plain["spec"]["template"]["spec"]["containers"][0]

    assert recording.of_type("aws:ecr/repository:Repository") == []
    assert container["image"] == f"registry.example.com/fixrx/api@{DIGEST}"


def test_an_existing_cluster_gets_the_workload_and_nothing_else() -> None:
    recording = with_pods(existing_cluster=EXISTING)
    made = {each.type for each in recording.registrations if each.type.startswith("aws:eks")}
    releases = recording.of_type("kubernetes:helm.sh/v3:Release")
    targets = recording.named("eks-workload-targets").plain["spec"]

    assert made == {"aws:eks/podIdentityAssociation:PodIdentityAssociation"}
    assert releases == []
    assert recording.named("eks-cluster-provider").plain["clusterIdentifier"].endswith(":cluster/shop")
    assert ("database", EXISTING["security_group_id"], "tcp", 5432) in opened(recording, "Ingress")
    # The controller opens the nodes' group, which is not the stack's.
    assert targets["networking"]["ingress"][0]["from"] == [
        {"securityGroup": {"groupID": "connections-load-balancer-id"}}
    ]


# The workload.


def test_the_deployment_leaves_the_number_of_pods_to_the_autoscaler() -> None:
    assert "replicas" not in spec("deployment")
    assert spec("deployment")["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
    }
    autoscaler = with_pods().named("eks-workload-autoscaler").plain
    assert autoscaler["metadata"] == {
        "annotations": {"pulumi.com/patchForce": "true"},
        "name": "fixrx-api-hpa",
        "namespace": "fixrx",
    }
    assert autoscaler["spec"] == {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "fixrx-api"},
        "minReplicas": 3,
        "maxReplicas": 10,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
            }
        ],
        "behavior": {
            "scaleDown": {
                "stabilizationWindowSeconds": 300,
                "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
            }
        },
    }


def test_what_the_program_declares_holds_whoever_has_changed_it() -> None:
    """A Helm release has no metadata of its own: Helm holds what is in its chart."""
    objects = [each for each in with_pods().registrations if each.type.startswith("kubernetes:")]
    assert {
        each.name
        for each in objects
        if each.plain.get("metadata", {}).get("annotations", {}).get("pulumi.com/patchForce") != "true"
    } == {each.name for each in objects if each.type == "kubernetes:helm.sh/v3:Release"}
    assert len(objects) > 2


def test_two_pods_stay_while_nodes_are_replaced() -> None:
    assert spec("disruption-budget") == {
        "minAvailable": 2,
        "selector": {"matchLabels": {"app.kubernetes.io/name": "fixrx-api"}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def test_pods_are_spread_and_find_room_when_a_zone_is_lost() -> None:
    found = [
        (each["topologyKey"], each["whenUnsatisfiable"], each.get("nodeTaintsPolicy"), each["matchLabelKeys"])
        for each in pod()["topologySpreadConstraints"]
    ]

    assert found == [
        ("topology.kubernetes.io/zone", "DoNotSchedule", "Honor", ["pod-template-hash"]),
        ("kubernetes.io/hostname", "ScheduleAnyway", None, ["pod-template-hash"]),
    ]


def test_each_probe_has_one_purpose() -> None:
    (container,) = pod()["containers"]

    assert container["startupProbe"] == {
        "httpGet": {"path": "/api/v1/system/ready", "port": 3000},
        "periodSeconds": 5,
        "failureThreshold": 36,
    }
    assert container["readinessProbe"]["httpGet"] == {"path": "/api/v1/system/ready", "port": 8080}
    assert "httpGet" not in container["livenessProbe"]
    assert container["livenessProbe"]["tcpSocket"] == {"port": 3000}


@pytest.mark.parametrize(
    ("heap", "request_size", "limit"),
    [(1024, "1280Mi", "1536Mi"), (2000, "2500Mi", "3000Mi"), (4096, "5Gi", "6Gi")],
)
def test_one_process_with_the_memory_of_its_heap(heap: int, request_size: str, limit: str) -> None:
    """As Kubernetes writes it: the provider does so as soon as there is a cluster, and holds the plan against it."""
    recording = with_pods(heap_mib=heap, nodes=12)
    container = recording.named("eks-workload-deployment").plain["spec"]["template"]["spec"]["containers"][0]
    options = recording.named("eks-workload-settings").plain["data"]["NODE_OPTIONS"]

    assert container["command"] == ["node", "dist/server.js"]
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": request_size},
        "limits": {"memory": limit},
    }
    assert options == f"--max-old-space-size={heap} --require=/etc/fixrx-pod/worker.js"


@pytest.mark.parametrize("drain", [0, 60, 300])
def test_a_pod_ends_after_its_last_request(drain: int) -> None:
    recording = record_stack(
        "production",
        {
            "runtime": "kubernetes",
            "kubernetes": {"image_digest": DIGEST, "proxy_image": PROXY},
            "load_balancer": {"drain_seconds": drain},
        },
    )
    found = recording.named("eks-workload-deployment").plain["spec"]["template"]["spec"]

    assert found["containers"][0]["lifecycle"]["preStop"] == {"sleep": {"seconds": 15}}
    assert found["terminationGracePeriodSeconds"] == 15 + drain + 15
    # nginx ends after the process: as a sidecar, not beside it.
    assert [(each["name"], each["restartPolicy"]) for each in found["initContainers"]] == [("proxy", "Always")]


@pytest.mark.parametrize("name", ["deployment", "migration"])
def test_pods_have_no_privileges(name: str) -> None:
    found = pod(name)

    assert found["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert found["automountServiceAccountToken"] is False
    for container in (*found.get("initContainers", []), *found["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["image"] in (IMAGE, PROXY)


def test_the_namespace_admits_restricted_pods_only() -> None:
    labels = with_pods().named("eks-workload-namespace").plain["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["pod-security.kubernetes.io/enforce-version"] == "v1.36"
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"


def test_pods_reach_what_is_named_and_nothing_else() -> None:
    found = {
        each.plain["metadata"]["name"]: each.plain["spec"]
        for each in with_pods().of_type("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    }
    data, public = ("10.0.12.0/22", "10.0.28.0/22", "10.0.44.0/22"), ("10.0.8.0/22", "10.0.24.0/22", "10.0.40.0/22")

    def ways(rules: list[dict[str, Any]], side: str) -> set[tuple[str, int]]:
        return {
            (peer["ipBlock"]["cidr"], int(port["port"]))
            for rule in rules
            for peer in rule[side]
            for port in rule["ports"]
        }

    assert found["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert ways(found["api"]["ingress"], "from") == {(block, 8080) for block in public}
    assert ways(found["api"]["egress"], "to") == {
        *((block, port) for block in data for port in (5432, 6379)),
        ("0.0.0.0/0", 443),
    }
    assert found["api"]["egress"][1]["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]
    assert ways(found["migration"]["egress"], "to") == {*((block, 5432) for block in data), ("169.254.170.23/32", 80)}
    assert "ingress" not in found["migration"]
    assert sorted(found) == ["api", "default-deny", "dns", "migration"]


def test_what_changes_has_no_fixed_name() -> None:
    for purpose, kind in (("settings", "configmap"), ("files", "configmap"), ("migration", "job")):
        resource = with_pods().named(f"eks-workload-{purpose}")
        assert resource.type.lower().endswith(kind)
        assert resource.plain["metadata"]["name"] == f"fixrx-api-{purpose}-{RANDOM_HEX}"
        assert {f"eks-workload-{purpose}-name"} <= {
            urn.rpartition("::")[2] for urn in resource.property_dependencies["metadata"]
        }
    for name in ("settings", "files"):
        assert with_pods().named(f"eks-workload-{name}").plain["immutable"] is True


@pytest.mark.parametrize(
    ("changes", "renamed"),
    [
        ({"max_pods": 9}, {"settings"}),
        ({"heap_mib": 1100}, {"settings", "migration"}),
        ({"image_digest": f"sha256:{'1' * 64}"}, {"migration"}),
        ({"secrets_generation": 2}, set()),
    ],
)
def test_what_has_another_content_has_another_name(changes: dict[str, Any], renamed: set[str]) -> None:
    def contents(recording: Recording) -> dict[str, str]:
        return {
            purpose: recording.named(f"eks-workload-{purpose}-name").plain["keepers"]["content"]
            for purpose in ("settings", "files", "migration")
        }

    before, after = contents(with_pods()), contents(with_pods(**changes))

    assert {purpose for purpose in before if before[purpose] != after[purpose]} == renamed


def test_a_failed_migration_is_made_again_by_the_next_deployment() -> None:
    migration = with_pods().named("eks-workload-migration").plain

    assert migration["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true"
    assert migration["spec"]["backoffLimit"] == 0


def test_pods_come_after_the_migration_and_the_migration_after_its_gates() -> None:
    recording = both(0)
    deployment, migration = (recording.named(f"eks-workload-{name}") for name in ("deployment", "migration"))

    assert {"eks-workload-migration", "eks-workload-secrets", "eks-workload-targets"} <= set(deployment.depends_on)
    assert {"prepared-marker", "migrated-marker", "eks-workload-migration-identity"} <= set(migration.depends_on)
    assert "migrated-marker" not in {each.name for each in with_pods().registrations}


def test_no_value_of_a_secret_is_in_the_program() -> None:
    recording = with_pods()
    wanted = recording.named("eks-workload-secrets").plain["spec"]

    assert recording.of_type("kubernetes:core/v1:Secret") == []
    assert wanted["target"] == {"name": "fixrx-api-1", "creationPolicy": "Owner"}
    assert {each["secretKey"] for each in wanted["data"]} >= {"DATABASE_URL", "JWT_SECRET", "REDIS_URL"}
    assert all(each["remoteRef"]["key"].startswith("arn:aws:secretsmanager:") for each in wanted["data"])


def test_another_generation_of_the_secrets_replaces_pods_after_its_copy_exists() -> None:
    before, after = with_pods(), with_pods(secrets_generation=2)

    def checksum(recording: Recording) -> str:
        found: str = recording.named("eks-workload-deployment").plain["spec"]["template"]["metadata"]["annotations"][
            "checksum/secrets"
        ]
        return found

    container = after.named("eks-workload-deployment").plain["spec"]["template"]["spec"]["containers"][0]
    assert checksum(before) != checksum(after)
    assert container["envFrom"][1] == {"secretRef": {"name": "fixrx-api-2"}}
    assert after.named("eks-workload-secrets").plain["metadata"]["name"] == "fixrx-api-2"


def test_targets_are_those_of_the_stacks_load_balancer() -> None:
    assert spec("targets") == {
        "targetGroupARN": "arn:aws:lb:us-east-1:111122223333:load-balancer-pods",
        "targetType": "ip",
        "serviceRef": {"name": "fixrx-api", "port": "http"},
    }
    assert spec("service")["ports"] == [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]


def test_nginx_has_the_same_rules_as_on_a_server() -> None:
    """But for its port, its processes and where it may write."""
    in_pod = with_pods().named("eks-workload-files").plain["data"]["nginx.conf"]
    script = decoded(both(0).named("app-servers-launch-template").plain["userData"])
    on_server = script.partition("/etc/nginx/nginx.conf <<'END_OF_FILE'\n")[2].partition("END_OF_FILE\n")[0]
    differing = [
        (old.strip(), new.strip())
        for old, new in zip(
            [line for line in on_server.splitlines() if "127.0.0.1:3001" not in line], in_pod.splitlines(), strict=True
        )
        if old != new
    ]

    assert differing == [
        ("user nginx;", "# No user: nginx has no privileges here that it could give up."),
        ("error_log /var/log/nginx/error.log warn;", "error_log /dev/stderr warn;"),
        ("pid /run/nginx.pid;", "pid /tmp/nginx.pid;"),
        ("access_log /var/log/nginx/access.log json;", "access_log /dev/stdout json;"),
        ("listen 80 default_server;", "listen 8080 default_server;"),
    ]


def test_the_token_of_the_migration_is_the_one_of_aws() -> None:
    """Signed here by the script of the pod, and by botocore."""
    host, user, now = "db.example.us-east-1.rds.amazonaws.com", "fixrx_migrate", "2026-11-26T22:00:01Z"
    keys = {"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "of/nobody+", "Token": "a+b/c=="}
    script = REPOSITORY / "components" / "files" / "pods" / "migrate.js"
    program = (
        f"process.stdout.write(require({json.dumps(str(script))})"
        f".token({json.dumps(keys)}, new Date({json.dumps(now)})))"
    )
    environment = {"AWS_REGION": "us-east-1", "DATABASE_USER": user, "DATABASE_ENDPOINT": f"{host}:5432"}
    made = subprocess.run(
        [_node(), "-e", program], env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout

    session = botocore.session.get_session()
    session.set_credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["Token"])
    client = session.create_client("rds", region_name="us-east-1")
    with patch("botocore.auth.get_current_datetime", return_value=datetime.fromisoformat("2026-11-26T22:00:01+00:00")):
        expected = generate_db_auth_token(client, host, 5432, user)
    assert _parts(made) == _parts(expected)


def _node() -> str:
    found = next((path for path in map(Path, ("/usr/bin/node", "/usr/local/bin/node")) if path.exists()), None)
    if found is None:
        pytest.skip("node is not installed: sh tools/debian.sh")
    return str(found)


def _parts(token: str) -> tuple[str, dict[str, str]]:
    where, _, query = token.partition("?")
    return where, dict(part.split("=", 1) for part in query.split("&"))
