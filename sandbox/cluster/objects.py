"""What is in the cluster from the start: types, nodes, metrics."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from sandbox.cluster.api import Api, Object
from sandbox.cluster.components import ZONES

Condition = Callable[[], bool]

_FILES = Path(__file__).parent / "files"
_NODE_CAPACITY = {"cpu": "2", "memory": "8Gi", "pods": "29"}
"""Of an m7g.large."""
_NODE_ALLOCATABLE = {"cpu": "1930m", "memory": "7Gi", "pods": "29"}
_NODES = "/api/v1/nodes"
USUAL_CPU = "100m"
"""What a container uses at first. An autoscaler waits for metrics, and what uses nothing has none."""


def kwok_configuration() -> str:
    """How kwok plays nodes and pods."""
    return (_FILES / "kwok.yaml").read_text()


def definitions() -> Iterator[Object]:
    """The definition of each type of the controllers."""
    for described in yaml.safe_load((_FILES / "types.yaml").read_text()):
        kind = described["kind"]
        plural = kind.lower() + "s"
        status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        schema = {"type": "object", "required": ["spec"], "properties": {"spec": described["spec"], "status": status}}
        yield {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{described['group']}"},
            "spec": {
                "group": described["group"],
                "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
                "scope": described.get("scope", "Namespaced"),
                "versions": [
                    {
                        "name": described["version"],
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": schema},
                        "subresources": {"status": {}},
                    }
                ],
            },
        }


def define_types(api: Api) -> None:
    for definition in definitions():
        name = definition["metadata"]["name"]
        api.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", definition)


def types_are_served(api: Api) -> bool:
    return all(
        api.call("GET", f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}").status == 200
        for spec in (definition["spec"] for definition in definitions())
    )


def make_nodes(api: Api) -> None:
    """The nodes' objects, as a cloud provider would make them: two in each of three zones."""
    for name, zone in ZONES.items():
        labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "arm64",
            "topology.kubernetes.io/zone": zone,
            "topology.kubernetes.io/region": zone[:-1],
        }
        # Where metrics-server finds what kwok serves for this node.
        annotations = {"metrics.k8s.io/resource-metrics-path": f"/metrics/nodes/{name}/metrics/resource"}
        metadata = {"name": name, "labels": labels, "annotations": annotations}
        api.apply(f"{_NODES}/{name}", {"apiVersion": "v1", "kind": "Node", "metadata": metadata})
        status = {"capacity": _NODE_CAPACITY, "allocatable": _NODE_ALLOCATABLE}
        api.merge(f"{_NODES}/{name}/status", {"status": status})


def nodes_are_ready(api: Api) -> bool:
    """Whether pods can be placed on every node."""
    nodes = api.items(_NODES)
    return len(nodes) == len(ZONES) and all(_ready(node) and not node["spec"].get("taints") for node in nodes)


def _ready(node: dict[str, Any]) -> bool:
    conditions = node["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def use(api: Api, cpu: str) -> None:
    """Lets every container use so much of a processor, from now on."""
    usage = {"cpu": {"value": cpu}, "memory": {"value": "200Mi"}}
    api.apply(
        "/apis/kwok.x-k8s.io/v1alpha1/clusterresourceusages/load",
        {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterResourceUsage",
            "metadata": {"name": "load"},
            "spec": {"usages": [{"usage": usage}]},
        },
    )


def serve_metrics(api: Api, port: int, authority: Path) -> None:
    """Lets the API server ask metrics-server. No service may have an address on loopback, but an alias may."""
    service = {"namespace": "kube-system", "name": "metrics-server", "port": port}
    api.apply(
        "/api/v1/namespaces/kube-system/services/metrics-server",
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "metrics-server"},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
        },
    )
    api.apply(
        "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": service,
                "caBundle": base64.b64encode(authority.read_bytes()).decode(),
            },
        },
    )
