"""PM2 as the unit of the service starts it: the rendered ecosystem file, the unit's own commands, another directory."""

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.shared.host.configuration import DIRECTORY
from tests.host.configuration import file_of
from tests.host.programs import (
    NODE,
    answers,
    free_ports,
    node_environment,
    node_modules,
    placed,
    running,
    send,
    wait_until,
)

ECOSYSTEM = "/etc/fixrx/ecosystem.config.js"
PRELOADED = "/etc/fixrx/worker.js"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running PM2 with its workers."""

    ports: Sequence[int]
    directory: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]

    @property
    def release(self) -> Path:
        return self.directory / "release"

    def pids(self) -> list[int]:
        return [int(send(port, "/who").json()["pid"]) for port in self.ports]

    def reload(self, **environment: str) -> None:
        """Run what `systemctl reload` runs, with other variables in the environment files."""
        command = unit_command("ExecReload", self.directory)
        environment = {**self.environment, **environment}
        finished = subprocess.run(
            command, env=environment, cwd=self.release, capture_output=True, text=True, check=False, timeout=120
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr


def unit_command(setting: str, directory: Path) -> list[str]:
    """Return the last command of a setting of the unit; those before load the secrets."""
    unit = file_of("/etc/systemd/system/fixrx-api.service").text
    command = re.findall(rf"^{setting}=(.*)$", unit, re.MULTILINE)[-1]
    here = placed(command, {DIRECTORY: f"{directory}/release"})
    # A start names the ecosystem file, a reload does not.
    return here.replace(ECOSYSTEM, f"{directory}/ecosystem.config.js").split()


@contextlib.contextmanager
def service(
    directory: Path, others: Mapping[str, str] | None = None, *, server: Path = NODE / "server.js", **environment: str
) -> Iterator[Service]:
    """Run the service until the block ends. `others` are replacements in the ecosystem file, `server` is the API."""
    modules = node_modules()
    release = directory / "release"
    (release / "dist").mkdir(parents=True)
    (directory / "logs").mkdir()
    shutil.copy(server, release / "dist" / "server.js")
    (release / "node_modules").symlink_to(modules)
    # PM2 starts one for each processor.
    ports = free_ports(os.cpu_count() or 1)
    logs = {"/var/log/fixrx": f"{directory}/logs"}
    (directory / "worker.js").write_text(placed(file_of(PRELOADED).text, logs))
    paths = {DIRECTORY: str(release), **logs, "PORT: 3000": f"PORT: {ports[0]}", PRELOADED: f"{directory}/worker.js"}
    (directory / "ecosystem.config.js").write_text(placed(file_of(ECOSYSTEM).text, {**paths, **(others or {})}))
    variables = {**node_environment(modules), "PM2_HOME": f"{directory}/pm2", "PORT": str(ports[0]), **environment}
    with running(unit_command("ExecStart", directory), environment=variables, directory=directory) as process:
        wait_until(lambda: all(map(answers, ports)), f"workers of PM2; see {directory}/output")
        yield Service(ports=ports, directory=directory, environment=variables, process=process)
