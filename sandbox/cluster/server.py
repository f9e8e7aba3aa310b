"""The control plane as one process: `python -m sandbox.cluster.server --program P --directory D`.

It starts the components and keeps them as children, which end with it, however it ends. When the nodes are ready and
metrics are served, it prints `{"port": N, "pid": N}`, the port of the API server. It serves until SIGTERM, or until a
component ends that should not.

`lost-nodes.json` in its directory is a list of nodes: these are killed, and come back when they are no longer listed.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from sandbox.cluster import objects
from sandbox.cluster.api import Api, await_condition
from sandbox.cluster.child import end_with_parent
from sandbox.cluster.components import ZONES, Command, Components, free_ports
from sandbox.cluster.identities import ADMIN, Identities

LOST_NODES = "lost-nodes.json"
IDENTITIES = "identities"
START_SECONDS = 120
"""For each of a few steps, which take 2 to 8 seconds on a free machine."""
ATTEMPTS = 5
"""How often the cluster is started on other ports."""

_POLL_SECONDS = 0.2
_TAKEN = "address already in use"
"""What a component says of a port that somebody listens on. Some of them end with that, and some go on without it."""


class PortTakenError(Exception):
    """Somebody else has taken a port between its choice and the start of the component that should listen there."""


class Server:
    """The components of one cluster, as children of this process."""

    def __init__(self, program: Path, directory: Path) -> None:
        """`directory` is emptied by each start."""
        self._program = program
        self._directory = directory
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._components = self._choose_ports()

    @property
    def port(self) -> int:
        """Where the API server listens."""
        return self._components.ports["kube-apiserver"]

    def start(self) -> None:
        """Starts everything, on other ports if one is taken.

        Raises TimeoutError, or RuntimeError with a component's last words.
        """
        for _ in range(ATTEMPTS):
            try:
                self._start()
            except PortTakenError:
                self.stop()
                self._components = self._choose_ports()
            else:
                return
        raise RuntimeError(f"other programs took ports of the cluster {ATTEMPTS} times while it started")

    def _choose_ports(self) -> Components:
        return Components(
            data=self._directory / "etcd",
            identities=Identities(self._directory / IDENTITIES),
            ports=free_ports(),
            kwok_configuration=self._directory / "kwok.yaml",
        )

    def _start(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        components = self._components
        components.identities.make(self.port)
        components.kwok_configuration.write_text(objects.kwok_configuration())
        self._run("etcd", components.etcd())
        self._run("kube-apiserver", components.api_server())
        identities = components.identities
        api = Api(self.port, identities.authority, identities.certificate(ADMIN))
        self._await("the API server", lambda: api.call("GET", "/readyz").status == 200)
        self._run("kube-controller-manager", components.controller_manager())
        self._run("kube-scheduler", components.scheduler())
        self._run("metrics-server", components.metrics_server())
        objects.define_types(api)
        self._await("the types of the workload", lambda: objects.types_are_served(api))
        objects.use(api, objects.USUAL_CPU)
        objects.make_nodes(api)
        for node in ZONES:
            self._run(node, components.node(node))
        objects.serve_metrics(api, components.ports["metrics-server"], identities.authority)
        self._await("the nodes", lambda: objects.nodes_are_ready(api))
        self._await("metrics", lambda: bool(api.get("/apis/metrics.k8s.io/v1beta1/nodes")))

    def keep(self) -> None:
        """Kills and restarts nodes as told. Raises RuntimeError when a component has ended."""
        while True:
            lost = _lost(self._directory / LOST_NODES)
            for node in ZONES:
                child = self._children[node]
                if node in lost and child.poll() is None:
                    child.kill()
                    child.wait()
                elif node not in lost and child.poll() is not None:
                    self._run(node, self._components.node(node))
            self._require_alive(except_for=lost)
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Ends everything at once: the cluster's objects are not needed any more."""
        for child in self._children.values():
            child.kill()
        for child in self._children.values():
            child.wait()
        self._children.clear()

    def _run(self, name: str, command: Command) -> None:
        with self._log(name).open("ab") as log:
            self._children[name] = subprocess.Popen(
                [str(self._program), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"HOME": str(self._directory), "PATH": os.environ["PATH"]},
                # No other thread runs in this process.
                preexec_fn=end_with_parent,  # noqa: PLW1509
            )

    def _await(self, what: str, condition: objects.Condition) -> None:
        def holds() -> bool:
            self._require_ports()
            self._require_alive()
            return condition()

        await_condition(what, holds, START_SECONDS)

    def _require_ports(self) -> None:
        for name in self._children:
            if _TAKEN in self._log(name).read_text(errors="replace"):
                raise PortTakenError

    def _require_alive(self, except_for: frozenset[str] = frozenset()) -> None:
        for name, child in self._children.items():
            if name not in except_for and child.poll() is not None:
                lines = self._log(name).read_text(errors="replace").splitlines() or ["it said nothing"]
                raise RuntimeError(f"{name} has ended: {lines[-1]}")

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


def _lost(path: Path) -> frozenset[str]:
    try:
        return frozenset(json.loads(path.read_text()))
    except (OSError, json.JSONDecodeError):
        # There is none, or it is being written.
        return frozenset()


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serves until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.cluster.server", description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help="the control plane's components in one program")
    parser.add_argument("--directory", type=Path, required=True, help="where everything is kept; emptied first")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    server = Server(arguments.program, arguments.directory)
    try:
        server.start()
        print(json.dumps({"port": server.port, "pid": os.getpid()}), flush=True)
        server.keep()
    except (RuntimeError, TimeoutError) as error:
        sys.exit(str(error))
    finally:
        server.stop()


if __name__ == "__main__":
    main()
