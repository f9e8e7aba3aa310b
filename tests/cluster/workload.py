"""The workload of the tests, deployed by the sandbox's own commands, and what the cluster says of it."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from sandbox.cluster.api import Api, Object, await_condition
from sandbox.cluster.components import ZONES
from sandbox.cluster.identities import ADMIN, STRANGER, Identities
from sandbox.cluster.server import IDENTITIES, LOST_NODES
from tests.end_to_end.driver import Result, Sandbox
from tests.marks import require

PROGRAM = Path(__file__).with_name("program.py")
NAMESPACE = "workload"
INSIDE = f"/api/v1/namespaces/{NAMESPACE}"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/api"
IMAGE = "registry.invalid/api"
FIRST = {"image": f"{IMAGE}:1", "log_level": "info", "timeout": "60"}


class Workload:
    """One sandbox with the workload of `program`."""

    def __init__(self, directory: Path) -> None:
        require("cluster")
        self._sandbox = Sandbox(directory, "workload")
        self._settings_file = directory / "settings.yaml"
        self.settings = dict(FIRST)

    def run(self, command: str) -> Result:
        """One of the sandbox's commands, with the workload's settings."""
        config = {
            "fixrx:account": {"id": "111122223333", "region": "us-east-1"},
            "fixrx:runtime": "kubernetes",
            "fixrx:workload": self.settings,
        }
        self._settings_file.write_text(yaml.safe_dump({"config": config}))
        arguments = ["--settings", str(self._settings_file)]
        if command in ("up", "preview"):
            arguments += ["--program", str(PROGRAM), "--no-policies", "--without-inputs"]
        return self._sandbox.run(command, *arguments)

    def up(self, **changes: str) -> Result:
        """Deploys the workload with some settings changed, for good."""
        self.settings |= changes
        return self.run("up")

    def deploy(self, **changes: str) -> str:
        """The same, which has to work; returns what it said."""
        result = self.up(**changes)
        assert result.status == 0, result.output + result.errors
        return result.errors

    def end(self) -> None:
        """Ends the sandbox."""
        self._sandbox.succeed("down")

    @property
    def data(self) -> Path:
        """Where the cluster keeps its files."""
        return self._sandbox.directory / "workload" / "cluster-data"

    def state(self) -> dict[str, dict[str, Any]]:
        """The deployed resources by logical name."""
        return self._sandbox.state()

    def api(self, user: str = ADMIN) -> Api:
        """The API server as a user sees it."""
        identities = Identities(self.data / IDENTITIES)
        port = self._sandbox.process("cluster")["port"]
        return Api(port, identities.authority, identities.certificate(user))

    def stranger(self) -> Api:
        """The API server as a user without a role sees it."""
        return self.api(STRANGER)

    def pods(self) -> list[Object]:
        """The pods of the Deployment that are ready and stay."""
        found = self.api().items(f"{INSIDE}/pods?labelSelector=app%3Dapi")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"] and _ready(pod)]

    def versions(self) -> dict[str, int]:
        """How often what each object should be was changed, of those that count it, and which ConfigMaps there are."""
        found = [
            each
            for path in (DEPLOYMENT, f"{INSIDE}/configmaps")
            for each in ([self.api().get(path)] if path == DEPLOYMENT else self.api().items(path))
        ]
        return {each["metadata"]["uid"]: each["metadata"].get("generation", 0) for each in found}

    def images(self) -> dict[str, int]:
        """How many pods are ready, by the end of their image."""
        return dict(Counter(pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in self.pods()))

    def zones(self) -> dict[str, int]:
        """How many pods are ready in each zone."""
        return dict(Counter(ZONES[node_of(pod)] for pod in self.pods()))

    def log_levels(self) -> list[str]:
        """What the ConfigMaps of the namespace say."""
        found = self.api().items(f"{INSIDE}/configmaps")
        return [each["data"]["LOG_LEVEL"] for each in found if "LOG_LEVEL" in each.get("data", {})]

    def use(self, cpu: str) -> None:
        """Lets each pod use this much of a processor."""
        usage = {"cpu": {"value": cpu}, "memory": {"value": "200Mi"}}
        self.api().apply(
            "/apis/kwok.x-k8s.io/v1alpha1/clusterresourceusages/load",
            {
                "apiVersion": "kwok.x-k8s.io/v1alpha1",
                "kind": "ClusterResourceUsage",
                "metadata": {"name": "load"},
                "spec": {"selector": {"matchNamespaces": [NAMESPACE]}, "usages": [{"usage": usage}]},
            },
        )

    def lose(self, nodes: list[str]) -> None:
        """Lets these nodes be lost, and no others."""
        (self.data / LOST_NODES).write_text(json.dumps(nodes))

    def wait(self, what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Waits for something, and fails where it does not come."""
        await_condition(what, condition, seconds)


def node_of(pod: Object) -> str:
    name: str = pod["spec"]["nodeName"]
    return name


def _ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
