"""Workloads that the sandbox's own commands deploy, and what the cluster says of them."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from sandbox.cluster import objects
from sandbox.cluster.api import Api, Object, await_condition
from sandbox.cluster.components import ZONES
from sandbox.cluster.identities import ADMIN, STRANGER, Identities
from sandbox.cluster.server import IDENTITIES, LOST_NODES
from tests.edge.interpreter import route
from tests.end_to_end.driver import Result, Sandbox
from tests.layers.manifests import IMAGES
from tests.marks import require

PROGRAM = Path(__file__).with_name("program.py")
IMAGE = "registry.invalid/api"
FIRST = {"image": f"{IMAGE}:1", "log_level": "info", "timeout": "60"}


class Deployed:
    """A Deployment in the cluster of a sandbox, with what belongs to it."""

    def __init__(self, sandbox: Sandbox, namespace: str, name: str, selector: str) -> None:
        require("cluster")
        self.sandbox = sandbox
        self.pods_path = f"/api/v1/namespaces/{namespace}/pods"
        self.path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        self.namespace = namespace
        self._selector = selector

    @property
    def data(self) -> Path:
        """Where the cluster keeps its files."""
        return self.sandbox.directory / self.sandbox.stack / "cluster-data"

    def state(self) -> dict[str, dict[str, Any]]:
        """The deployed resources by logical name."""
        return self.sandbox.state()

    def api(self, user: str = ADMIN) -> Api:
        """The API server as a user sees it."""
        identities = Identities(self.data / IDENTITIES)
        port = self.sandbox.process("cluster")["port"]
        return Api(port, identities.authority, identities.certificate(user))

    def stranger(self) -> Api:
        """The API server as a user without a role sees it."""
        return self.api(STRANGER)

    def get(self) -> Object:
        """The Deployment itself."""
        return self.api().get(self.path)

    def generation(self) -> int:
        """Counts the changes of the Deployment."""
        number: int = self.get()["metadata"]["generation"]
        return number

    def versions(self) -> dict[str, int]:
        """How often the Deployment was changed, and which ConfigMaps and Jobs there are."""
        paths = (f"/api/v1/namespaces/{self.namespace}/configmaps", f"/apis/batch/v1/namespaces/{self.namespace}/jobs")
        found = [self.get(), *(each for path in paths for each in self.api().items(path))]
        return {each["metadata"]["uid"]: each["metadata"].get("generation", 0) for each in found}

    def pods(self) -> list[Object]:
        """The pods of the Deployment that are ready and stay."""
        found = self.api().items(f"{self.pods_path}?labelSelector={self._selector.replace('=', '%3D')}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"] and _ready(pod)]

    def images(self) -> dict[str, int]:
        """How many pods are ready, by the tag or digest of their image."""
        return dict(Counter(_image(pod["spec"]) for pod in self.pods()))

    def jobs(self) -> dict[str, str]:
        """The Jobs that are there: the tag or digest of the image of each, by what no other Job has."""
        found = self.api().items(f"/apis/batch/v1/namespaces/{self.namespace}/jobs")
        return {job["metadata"]["uid"]: _image(job["spec"]["template"]["spec"]) for job in found}

    def template_image(self) -> str:
        """The tag or digest of the image that new pods get."""
        return _image(self.get()["spec"]["template"]["spec"])

    def zones(self) -> dict[str, int]:
        """How many pods are ready in each zone."""
        return dict(Counter(ZONES[node_of(pod)] for pod in self.pods()))

    def lose(self, nodes: list[str]) -> None:
        """Lets these nodes be lost, and no others."""
        (self.data / LOST_NODES).write_text(json.dumps(nodes))

    def wait(self, what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Waits for something, and fails where it does not come."""
        await_condition(what, condition, seconds)

    def end(self) -> None:
        """Ends the sandbox."""
        self.sandbox.succeed("down")


class Workload(Deployed):
    """The workload of `program`."""

    def __init__(self, directory: Path) -> None:
        super().__init__(Sandbox(directory, "workload"), "workload", "api", "app=api")
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
        return self.sandbox.run(command, *arguments)

    def up(self, **changes: str) -> Result:
        """Deploys the workload with some settings changed, for good."""
        self.settings |= changes
        return self.run("up")

    def deploy(self, **changes: str) -> str:
        """The same, which has to work; returns what it said."""
        return _succeeded(self.up(**changes))

    def log_levels(self) -> list[str]:
        """What the ConfigMaps of the namespace say."""
        found = self.api().items(f"/api/v1/namespaces/{self.namespace}/configmaps")
        return [each["data"]["LOG_LEVEL"] for each in found if "LOG_LEVEL" in each.get("data", {})]

    def use(self, cpu: str) -> None:
        """Lets each pod use this much of a processor."""
        objects.use(self.api(), cpu)


class Platform(Deployed):
    """The project's own program with pods, in place of servers unless `runtime` says otherwise."""

    def __init__(self, directory: Path) -> None:
        super().__init__(Sandbox(directory, "staging"), "fixrx", "fixrx-api", "app.kubernetes.io/name=fixrx-api")
        self._settings_file = directory / "settings.yaml"
        self._kubernetes: dict[str, Any] = {**IMAGES, "deletion_protection": False}
        self.runtime = "kubernetes"

    def change(self, **settings: Any) -> None:
        """Changes settings of `fixrx:kubernetes`, for what is run from now on."""
        self._kubernetes |= settings

    def run(self, command: str) -> Result:
        """One of the sandbox's commands, policies included."""
        settings = self.sandbox.settings(
            self._settings_file,
            runtime=self.runtime,
            kubernetes=self._kubernetes,
            network={"availability_zones": sorted(set(ZONES.values()))},
        )
        return self.sandbox.run(command, "--settings", str(settings))

    def succeed(self, command: str) -> str:
        """The same, which has to work; returns what it said."""
        return _succeeded(self.run(command))

    def drift(self) -> list[str]:
        """What a refresh says of the stack, but for the line with its totals."""
        return self.succeed("refresh").splitlines()[:-1]

    def shares(self, path: str) -> dict[str, float]:
        """How many percent of the requests for a path each target group gets, by its logical name."""
        state = self.state()
        rules = [each["inputs"] for each in state.values() if each["type"] == "aws:lb/listenerRule:ListenerRule"]
        groups = {each["id"]: name for name, each in state.items() if each["type"] == "aws:lb/targetGroup:TargetGroup"}
        routed = route(state["load-balancer-https"]["inputs"], rules, path)
        return {groups[arn]: share for arn, share in routed.shares.items()}

    def inputs(self) -> list[dict[str, str]]:
        """The names of what each pod gets its variables and files from."""
        return [_inputs(pod["spec"]) for pod in self.pods()]


def node_of(pod: Object) -> str:
    name: str = pod["spec"]["nodeName"]
    return name


def _succeeded(result: Result) -> str:
    assert result.status == 0, result.output + result.errors
    return result.output + result.errors


def _ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _inputs(spec: Object) -> dict[str, str]:
    (container,) = (each for each in spec["containers"] if each["name"] == "api")
    (files,) = (each["configMap"]["name"] for each in spec["volumes"] if "configMap" in each)
    settings, secret = container["envFrom"]
    return {"settings": settings["configMapRef"]["name"], "secret": secret["secretRef"]["name"], "files": files}


def _image(spec: Object) -> str:
    (image,) = (each["image"] for each in spec["containers"] if each["name"] in ("api", "migrate"))
    tag: str = image.rpartition(":")[2]
    return tag
