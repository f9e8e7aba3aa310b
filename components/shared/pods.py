"""The pods of the API and of its migration, and what may reach them, as Kubernetes describes them.

Without privileges and with a root file system that cannot be written, as the restricted pod security standard asks; of
each kind of probe one, with one purpose; no two containers with the same task.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Protocol, TypeAlias

import pulumi
import pulumi_kubernetes as kubernetes

from components.shared.host import ProxyConfiguration, render
from components.shared.kubernetes import CONTROLLERS_NAMESPACE
from components.shared.pod_sizes import POD_MILLICPU, PROXY_MEMORY_MIB, PROXY_MILLICPU
from components.shared.ports import (
    ANYWHERE_IPV4,
    APPLICATION_PORT,
    DNS_PORT,
    HTTP_PORT,
    HTTPS_PORT,
    POD_PORT,
    POSTGRESQL_PORT,
    REDIS_PORT,
)
from components.shared.runtime import TargetGroup

LABELS = {"app.kubernetes.io/name": "fixrx-api"}
MIGRATION_LABELS = {"app.kubernetes.io/name": "fixrx-migrate"}
FILES_PATH = "/etc/fixrx-pod"
"""Where a pod has the files of its ConfigMap. /etc/fixrx is the image's own."""
TEMPLATES = Path(__file__).parents[1] / "files"
USER_ID = 10001
"""Of every process. An image must not depend on another one."""

DEREGISTRATION_SECONDS = 15
"""From the end of a pod to the load balancer sending it nothing new; until then it goes on serving."""
MARGIN_SECONDS = 15
STARTED_SECONDS = 180
"""How long a process may take to its first answer, as on servers."""
STARTUP_PERIOD_SECONDS = 5
POD_IDENTITY_BLOCK = "169.254.170.23/32"
"""EKS Pod Identity, on the pod's own node."""
LINK_LOCAL_BLOCK = "169.254.0.0/16"
"""Among them the instance metadata of the node."""
LOGS_SIZE = "1Gi"
SCRATCH_SIZE = "256Mi"

Pod: TypeAlias = kubernetes.core.v1.PodSpecArgsDict
Container: TypeAlias = kubernetes.core.v1.ContainerArgsDict
NetworkPolicySpec: TypeAlias = kubernetes.networking.v1.NetworkPolicySpecArgsDict


class PodSettings(Protocol):
    """What a pod is sized by: the section `fixrx:kubernetes` has it."""

    @property
    def heap_mib(self) -> int: ...

    @property
    def memory_request_mib(self) -> int: ...

    @property
    def memory_limit_mib(self) -> int: ...

    @property
    def proxy_image(self) -> str | None: ...


def node_options(settings: PodSettings) -> str:
    """Return what every Node process gets: its heap, and how it finishes what it has in hand."""
    return f"--max-old-space-size={settings.heap_mib} --require={FILES_PATH}/worker.js"


def grace_seconds(target_group: TargetGroup) -> int:
    """From the end of a pod to its last process: new requests stop, running ones finish, and a margin."""
    return DEREGISTRATION_SECONDS + target_group.drain_seconds + MARGIN_SECONDS


def replacement_seconds(target_group: TargetGroup) -> int:
    """From the start of a pod, with its image and its registration, to the end of the one that it replaces."""
    return 2 * STARTED_SECONDS + grace_seconds(target_group)


def files(target_group: TargetGroup, vpc_cidr: IPv4Network) -> Mapping[str, str]:
    """Return the files of the pods by name: nginx's is the template that servers have."""
    proxy = ProxyConfiguration(
        user="# No user: nginx has no privileges here that it could give up.",
        error_log="/dev/stderr",
        access_log="/dev/stdout",
        pid_file="/tmp/nginx.pid",
        port=POD_PORT,
        worker_ports=(APPLICATION_PORT,),
        vpc_cidr=str(vpc_cidr),
        ready_path=target_group.ready_path,
        health_path=target_group.health_path,
        idle_timeout_seconds=target_group.idle_timeout_seconds,
    )
    return {
        "nginx.conf": render("nginx.conf", proxy.values),
        "worker.js": (TEMPLATES / "worker.js").read_text(),
        "migrate.js": (TEMPLATES / "pods" / "migrate.js").read_text(),
    }


def api_pod(
    settings: PodSettings,
    image: pulumi.Input[str],
    target_group: TargetGroup,
    *,
    account: pulumi.Input[str],
    settings_map: pulumi.Input[str],
    files_map: pulumi.Input[str],
    secret: str,
) -> Pod:
    """Return a pod that serves: the process, and nginx before it."""
    return {
        **_without_privileges(account),
        "termination_grace_period_seconds": grace_seconds(target_group),
        "topology_spread_constraints": _spread(),
        # Begins before the process and ends after it, so that each of its last requests finds a way out.
        "init_containers": [_proxy(settings)],
        "containers": [_process(settings, image, target_group, settings_map, secret)],
        "volumes": [
            _files_volume(files_map),
            {"name": "logs", "empty_dir": {"size_limit": LOGS_SIZE}},
            *_scratch_volumes("tmp", "proxy-tmp", "proxy-cache"),
        ],
    }


def migration_pod(
    settings: PodSettings,
    image: pulumi.Input[str],
    account: pulumi.Input[str],
    files_map: pulumi.Input[str],
    environment: Mapping[str, pulumi.Input[str]],
) -> Pod:
    """Return the pod that migrates the database and ends."""
    npm = {"HOME": "/tmp", "NPM_CONFIG_CACHE": "/tmp/npm", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}
    variables = {**environment, **npm}
    return {
        **_without_privileges(account),
        "restart_policy": "Never",
        "containers": [
            {
                "name": "migrate",
                "image": image,
                "command": ["node", f"{FILES_PATH}/migrate.js"],
                "env": [{"name": name, "value": variables[name]} for name in variables],
                "resources": _resources(POD_MILLICPU, settings.memory_request_mib, settings.memory_limit_mib),
                "security_context": _container_security(),
                "volume_mounts": [_files_mount(), {"name": "tmp", "mount_path": "/tmp"}],
            }
        ],
        "volumes": [_files_volume(files_map), *_scratch_volumes("tmp")],
    }


def network_policies(public_blocks: Sequence[str], data_blocks: Sequence[str]) -> Mapping[str, NetworkPolicySpec]:
    """Return every connection that pods of the namespace may have, by its purpose."""
    database: kubernetes.networking.v1.NetworkPolicyEgressRuleArgsDict = {
        "to": [{"ip_block": {"cidr": block}} for block in data_blocks],
        "ports": [_port(POSTGRESQL_PORT)],
    }
    return {
        "default-deny": {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
        "dns": {
            "pod_selector": {},
            "policy_types": ["Egress"],
            "egress": [
                {
                    "to": [
                        {
                            "namespace_selector": {
                                "match_labels": {"kubernetes.io/metadata.name": CONTROLLERS_NAMESPACE}
                            },
                            "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                        }
                    ],
                    "ports": [_port(DNS_PORT, "UDP"), _port(DNS_PORT)],
                }
            ],
        },
        "api": {
            "pod_selector": {"match_labels": LABELS},
            "policy_types": ["Ingress", "Egress"],
            "ingress": [
                {"from_": [{"ip_block": {"cidr": block}} for block in public_blocks], "ports": [_port(POD_PORT)]}
            ],
            "egress": [
                {**database, "ports": [_port(POSTGRESQL_PORT), _port(REDIS_PORT)]},
                # Twilio, SendGrid, Firebase, OAuth providers and AWS, and not the metadata of the node.
                {
                    "to": [{"ip_block": {"cidr": ANYWHERE_IPV4, "except_": [LINK_LOCAL_BLOCK]}}],
                    "ports": [_port(HTTPS_PORT)],
                },
            ],
        },
        "migration": {
            "pod_selector": {"match_labels": MIGRATION_LABELS},
            "policy_types": ["Egress"],
            "egress": [
                database,
                {"to": [{"ip_block": {"cidr": POD_IDENTITY_BLOCK}}], "ports": [_port(HTTP_PORT)]},
            ],
        },
    }


def _port(number: int, protocol: str = "TCP") -> kubernetes.networking.v1.NetworkPolicyPortArgsDict:
    return {"protocol": protocol, "port": number}


def _without_privileges(account: pulumi.Input[str]) -> Pod:
    return {
        "service_account_name": account,
        "automount_service_account_token": False,
        # Variables with the addresses of every service, which nobody has asked for.
        "enable_service_links": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER_ID,
            "run_as_group": USER_ID,
            "fs_group": USER_ID,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        # Required in the list of containers; the caller sets it.
        "containers": [],
    }


def _container_security() -> kubernetes.core.v1.SecurityContextArgsDict:
    return {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _spread() -> Sequence[kubernetes.core.v1.TopologySpreadConstraintArgsDict]:
    """Over zones strictly, and over nodes as far as it goes.

    A zone whose nodes are lost must not count, or no pod could take the place of those that were there. Pods of an
    earlier rollout must not count either, or the new ones would be placed around those that leave.
    """
    return [
        {
            "max_skew": 1,
            "topology_key": "topology.kubernetes.io/zone",
            "when_unsatisfiable": "DoNotSchedule",
            "node_taints_policy": "Honor",
            "label_selector": {"match_labels": LABELS},
            "match_label_keys": ["pod-template-hash"],
        },
        {
            "max_skew": 1,
            "topology_key": "kubernetes.io/hostname",
            "when_unsatisfiable": "ScheduleAnyway",
            "label_selector": {"match_labels": LABELS},
            "match_label_keys": ["pod-template-hash"],
        },
    ]


def _process(
    settings: PodSettings,
    image: pulumi.Input[str],
    target_group: TargetGroup,
    settings_map: pulumi.Input[str],
    secret: str,
) -> Container:
    return {
        "name": "api",
        "image": image,
        "command": ["node", "dist/server.js"],
        "env_from": [{"config_map_ref": {"name": settings_map}}, {"secret_ref": {"name": secret}}],
        "ports": [{"name": "process", "container_port": APPLICATION_PORT, "protocol": "TCP"}],
        "resources": _resources(POD_MILLICPU, settings.memory_request_mib, settings.memory_limit_mib),
        "security_context": _container_security(),
        # Has it begun? Only then the others ask.
        "startup_probe": {
            "http_get": {"path": target_group.ready_path, "port": APPLICATION_PORT},
            "period_seconds": STARTUP_PERIOD_SECONDS,
            "failure_threshold": STARTED_SECONDS // STARTUP_PERIOD_SECONDS,
        },
        # Can it serve, through nginx as the load balancer asks? If not, it gets no requests.
        "readiness_probe": {
            "http_get": {"path": target_group.ready_path, "port": POD_PORT},
            "period_seconds": 5,
            "timeout_seconds": 5,
            "failure_threshold": 3,
        },
        # Does the process accept connections at all? It asks for nothing else: an outage of the database must not end
        # all pods.
        "liveness_probe": {
            "tcp_socket": {"port": APPLICATION_PORT},
            "period_seconds": 10,
            "failure_threshold": 6,
        },
        "lifecycle": _leave_slowly(),
        "volume_mounts": [
            _files_mount(),
            {"name": "logs", "mount_path": "/var/log/fixrx"},
            {"name": "tmp", "mount_path": "/tmp"},
        ],
    }


def _proxy(settings: PodSettings) -> Container:
    """nginx with the guide's headers, rate limit and /health."""
    return {
        "name": "proxy",
        "image": settings.proxy_image or "",
        "restart_policy": "Always",
        "command": ["nginx", "-c", f"{FILES_PATH}/nginx.conf", "-g", "daemon off;"],
        "ports": [{"name": "http", "container_port": POD_PORT, "protocol": "TCP"}],
        "resources": _resources(PROXY_MILLICPU, PROXY_MEMORY_MIB, 2 * PROXY_MEMORY_MIB),
        "security_context": _container_security(),
        "volume_mounts": [
            _files_mount(),
            {"name": "proxy-tmp", "mount_path": "/tmp"},
            {"name": "proxy-cache", "mount_path": "/var/cache/nginx"},
        ],
    }


def _leave_slowly() -> kubernetes.core.v1.LifecycleArgsDict:
    return {"pre_stop": {"sleep": {"seconds": DEREGISTRATION_SECONDS}}}


def _resources(millicpu: int, request_mib: int, limit_mib: int) -> kubernetes.core.v1.ResourceRequirementsArgsDict:
    """A limit of CPU would only slow down a process beside an idle processor."""
    return {
        "requests": {"cpu": cpu_quantity(millicpu), "memory": memory_quantity(request_mib)},
        "limits": {"memory": memory_quantity(limit_mib)},
    }


def cpu_quantity(millicpu: int) -> str:
    """Return a share of processors as Kubernetes itself writes it.

    Pulumi's provider writes it like that as soon as there is a cluster, and holds against it a plan from before.
    """
    return f"{millicpu}m" if millicpu % 1000 else str(millicpu // 1000)


def memory_quantity(mib: int) -> str:
    """The same for memory."""
    return f"{mib}Mi" if mib % 1024 else f"{mib // 1024}Gi"


def _files_volume(name: pulumi.Input[str]) -> kubernetes.core.v1.VolumeArgsDict:
    return {"name": "files", "config_map": {"name": name}}


def _files_mount() -> kubernetes.core.v1.VolumeMountArgsDict:
    return {"name": "files", "mount_path": FILES_PATH, "read_only": True}


def _scratch_volumes(*names: str) -> Sequence[kubernetes.core.v1.VolumeArgsDict]:
    return [{"name": name, "empty_dir": {"size_limit": SCRATCH_SIZE}} for name in names]
