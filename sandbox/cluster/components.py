"""The command lines of the control plane's components and of the nodes."""

import random
import socket
from dataclasses import dataclass
from pathlib import Path

from sandbox.cluster.identities import Identities

ZONES = {f"node-{letter}{number}": f"us-east-1{letter}" for letter in "abc" for number in (1, 2)}
"""The zone of each node."""

FIRST_PORT, AFTER_PORTS = 20_000, 32_000
SERVICE_ADDRESSES = "10.96.0.0/16"
_LOOPBACK = "127.0.0.1"
_LISTENERS = ("etcd", "etcd-peer", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "metrics-server")

Command = list[str]


def free_ports() -> dict[str, int]:
    """A port for everything that listens. Raises RuntimeError where there is no room.

    They lie side by side, below those that Linux gives to whoever asks for any port (from 32768). Nothing keeps them
    until the components listen: who finds one taken has to ask again.
    """
    names = (*_LISTENERS, *ZONES)
    blocks = range(FIRST_PORT, AFTER_PORTS - len(names), len(names))
    for first in random.sample(blocks, len(blocks)):
        ports = dict(zip(names, range(first, first + len(names)), strict=True))
        if all(map(_is_free, ports.values())):
            return ports
    raise RuntimeError(f"the ports from {FIRST_PORT} to {AFTER_PORTS} are taken")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind((_LOOPBACK, port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, kw_only=True)
class Components:
    """How each component is called. Everything listens on loopback and nowhere else."""

    data: Path
    """Where etcd keeps the cluster's objects."""
    identities: Identities
    ports: dict[str, int]
    kwok_configuration: Path

    def etcd(self) -> Command:
        client, peer = (f"https://{_LOOPBACK}:{self.ports[name]}" for name in ("etcd", "etcd-peer"))
        peer = peer.replace("https", "http")
        return [
            *("etcd", "--name=sandbox", f"--data-dir={self.data}", "--log-level=warn"),
            # What it holds is worth nothing after a crash of the machine.
            "--unsafe-no-fsync",
            *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
            *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
            f"--initial-cluster=sandbox={peer}",
            *(f"--cert-file={self._certificate('etcd')}", f"--key-file={self._certificate('etcd')}"),
            *(f"--trusted-ca-file={self.identities.authority}", "--client-cert-auth"),
        ]

    def api_server(self) -> Command:
        """TLS, roles, pod security as a namespace's labels ask for it, and other API servers behind it."""
        authority, server = self.identities.authority, self._certificate("kube-apiserver")
        proxy, accounts = self._certificate("front-proxy-client"), self._certificate("service-accounts")
        return [
            *("kube-apiserver", f"--bind-address={_LOOPBACK}", f"--advertise-address={_LOOPBACK}"),
            *(f"--secure-port={self.ports['kube-apiserver']}", "--endpoint-reconciler-type=none"),
            *(f"--etcd-servers=https://{_LOOPBACK}:{self.ports['etcd']}", f"--etcd-cafile={authority}"),
            *(f"--etcd-certfile={server}", f"--etcd-keyfile={server}"),
            *(f"--tls-cert-file={server}", f"--tls-private-key-file={server}", f"--client-ca-file={authority}"),
            *("--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction"),
            # Whether a privileged container may run is for the pod security admission to say.
            "--allow-privileged",
            *(f"--service-account-key-file={accounts}", f"--service-account-signing-key-file={accounts}"),
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
            *(f"--requestheader-client-ca-file={authority}", "--requestheader-allowed-names=front-proxy-client"),
            *("--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group"),
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            *(f"--proxy-client-cert-file={proxy}", f"--proxy-client-key-file={proxy}"),
            # Pods leave a lost node after 5 seconds, in place of 5 minutes.
            *("--default-not-ready-toleration-seconds=5", "--default-unreachable-toleration-seconds=5"),
        ]

    def controller_manager(self) -> Command:
        """All controllers. They see a lost node, and scale, within seconds: on EKS both take minutes."""
        return [
            *("kube-controller-manager", *self._component("kube-controller-manager")),
            *("--use-service-account-credentials", "--leader-elect=false"),
            f"--root-ca-file={self.identities.authority}",
            f"--service-account-private-key-file={self._certificate('service-accounts')}",
            *("--node-monitor-period=1s", "--node-monitor-grace-period=8s", "--node-eviction-rate=10"),
            *("--horizontal-pod-autoscaler-sync-period=2s", "--horizontal-pod-autoscaler-downscale-stabilization=5s"),
            "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
            "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
        ]

    def scheduler(self) -> Command:
        return ["kube-scheduler", *self._component("kube-scheduler"), "--leader-elect=false"]

    def metrics_server(self) -> Command:
        return [
            *("metrics-server", *self._component("metrics-server")),
            # No shorter period is accepted than 10 seconds.
            *("--metric-resolution=10s", "--kubelet-request-timeout=5s"),
            *("--kubelet-use-node-status-port", "--kubelet-preferred-address-types=InternalIP"),
            f"--kubelet-certificate-authority={self.identities.authority}",
        ]

    def node(self, name: str) -> Command:
        """One kwok, which plays the kubelet of one node."""
        port, certificate = self.ports[name], self._certificate("kwok")
        return [
            *("kwok", f"--kubeconfig={self._kubeconfig('kwok')}", f"--config={self.kwok_configuration}"),
            # Without its name, a node that comes back has lost its address.
            *(f"--manage-single-node={name}", f"--node-name={name}"),
            *(f"--node-ip={_LOOPBACK}", f"--node-port={port}", f"--server-address={_LOOPBACK}:{port}"),
            *(f"--tls-cert-file={certificate}", f"--tls-private-key-file={certificate}"),
            f"--cidr=10.{list(ZONES).index(name)}.0.1/24",
            *("--node-lease-duration-seconds=6", "--enable-crds=ClusterResourceUsage"),
        ]

    def _component(self, name: str) -> Command:
        """How a component reaches the API server, and lets it judge who calls."""
        user = {
            "kube-controller-manager": "system:kube-controller-manager",
            "kube-scheduler": "system:kube-scheduler",
        }.get(name, name)
        kubeconfig, certificate = self._kubeconfig(user), self._certificate(user)
        return [
            *(f"--kubeconfig={kubeconfig}", f"--authentication-kubeconfig={kubeconfig}"),
            *(f"--authorization-kubeconfig={kubeconfig}", f"--bind-address={_LOOPBACK}"),
            *(f"--secure-port={self.ports[name]}", f"--tls-cert-file={certificate}"),
            f"--tls-private-key-file={certificate}",
        ]

    def _certificate(self, name: str) -> Path:
        return self.identities.certificate(name)

    def _kubeconfig(self, user: str) -> Path:
        return self.identities.kubeconfig(user)
