"""Who is who in the cluster: certificates of the components and users, signed by an authority made for this cluster."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import trustme

ADMIN = "admin"
"""May do everything: the engine deploys as this user."""
STRANGER = "stranger"
"""A user without any role."""

_ADMINISTRATORS = "system:masters"
_GROUPS = {
    "etcd": None,
    "kube-apiserver": None,
    "system:kube-controller-manager": None,
    "system:kube-scheduler": None,
    "front-proxy-client": None,
    "service-accounts": None,
    "kwok": _ADMINISTRATORS,
    "metrics-server": _ADMINISTRATORS,
    ADMIN: _ADMINISTRATORS,
    STRANGER: None,
}
_NAMES = ("localhost", "127.0.0.1", "10.96.0.1", "kubernetes.default.svc", "metrics-server.kube-system.svc")
"""Where the components listen, and what they call each other."""


@dataclass(frozen=True)
class Identities:
    """The files of all identities, below one directory."""

    directory: Path

    def make(self, port: int) -> None:
        """Makes the authority, and for everybody a certificate with its key and the way to the API server's port.

        All of it once, before anything starts: whoever reads a file while it is written finds it empty.
        """
        self.directory.mkdir(parents=True)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        for name, group in _GROUPS.items():
            certificate = authority.issue_cert(*_NAMES, common_name=name, organization_name=group or name)
            certificate.private_key_and_cert_chain_pem.write_to_path(str(self.certificate(name)))
            self.kubeconfig(name).write_text(self._kubeconfig(name, port))

    @property
    def authority(self) -> Path:
        """The certificate of the authority."""
        return self.directory / "authority.pem"

    def certificate(self, name: str) -> Path:
        """A certificate with its key."""
        return self.directory / f"{name.replace(':', '-')}.pem"

    def kubeconfig(self, name: str) -> Path:
        """How a user reaches the API server; complete in itself, so that it works from anywhere."""
        return self.directory / f"{name.replace(':', '-')}.kubeconfig"

    def _kubeconfig(self, name: str, port: int) -> str:
        authority, certificate = (
            base64.b64encode(file.read_bytes()).decode() for file in (self.authority, self.certificate(name))
        )
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority-data": authority}
        user = {"client-certificate-data": certificate, "client-key-data": certificate}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "sandbox",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": name}}],
        }
        return json.dumps(content)
