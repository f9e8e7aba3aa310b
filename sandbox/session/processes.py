"""The background processes behind a sandboxed stack: the AWS emulator, the provider, and the Kubernetes cluster if the
stack needs one.

They outlive the command that starts them. A daemon holds a lock on a file for as long as it lives: whether it runs is
asked of the lock, never of a process id, which the system may have given to another program since.
"""

import hashlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from sandbox.session.console import Progress, UserError, console, disk_full, disk_full_sentence
from sandbox.session.courses import COURSES_FILE
from sandbox.session.lock import acquire, wait_until

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
READY_TIMEOUT_SECONDS = 90
"""The emulator imports for 2 to 4 seconds; a loaded machine may need many times that."""

CLUSTER_TIMEOUT_SECONDS = 300
"""A cluster starts in 14 seconds on a free machine."""

STOP_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Account:
    """The AWS account and region that the emulator plays."""

    id: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Running:
    """A daemon that runs: where it listens, and what it was started for."""

    pid: int
    port: int
    """0 until it is ready."""
    purpose: str
    """What must be the same for another command to use the daemon."""


class Daemon:
    """One background process with its record, its lock and its log below `directory`."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.log = directory / "logs" / f"{name}.log"
        self.output = directory / f"{name}.out"
        self._lock = directory / f"{name}.lock"
        self._pid = directory / f"{name}.pid"
        self._record = directory / f"{name}.json"

    def alive(self) -> bool:
        """Whether the process runs, no matter which command started it."""
        if not self._lock.exists():
            return False
        with self._lock.open("r+") as lock:
            return not acquire(lock.fileno())

    def running(self) -> Running | None:
        """What runs and is ready, or None."""
        record = self._recorded()
        return record if record and record.port and self.alive() else None

    def spawn(self, arguments: list[str], environment: Mapping[str, str], purpose: str) -> None:
        """Starts `python <arguments>`; `await_ready` must follow."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("w") as lock:
            if not acquire(lock.fileno()):
                raise UserError(
                    f"The sandbox's {self.name} cannot be started, because another one holds {self._lock}: "
                    "wait a few seconds and try again."
                )
            # The process inherits the open lock, and with it the lock itself until it ends.
            os.set_inheritable(lock.fileno(), True)
            write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            self._pid.unlink(missing_ok=True)
            # The process itself writes its id down: this one may be killed before it could.
            note_and_become = 'echo $$ >"$0" && exec "$@"'
            pid = os.posix_spawn(
                "/bin/sh",
                ["sh", "-c", note_and_become, str(self._pid), sys.executable, "-u", *arguments],
                {**environment, "PYTHONPATH": str(ROOT)},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(self.output), write, 0o600),
                    (os.POSIX_SPAWN_OPEN, 2, str(self.log), write, 0o600),
                ],
                setsid=True,
            )
        self._remember(Running(pid=pid, port=0, purpose=purpose))

    def stop(self) -> None:
        """Ends the process, politely first; does nothing where none runs."""
        if self.alive() and (pid := self._process_id()) is not None:
            os.kill(pid, signal.SIGTERM)
            if not wait_until(lambda: not self.alive(), STOP_TIMEOUT_SECONDS):
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: not self.alive(), STOP_TIMEOUT_SECONDS)
        self._record.unlink(missing_ok=True)

    def await_ready(self, seconds: int | None = None) -> int:
        """Waits until the process has printed its port, and returns it. Ends it and raises UserError if it does not."""
        port: int | None = None
        limit = seconds or READY_TIMEOUT_SECONDS

        def settled() -> bool:
            nonlocal port
            line = self.output.read_text()
            port = int(json.loads(line)["port"]) if line.endswith("\n") else None
            return port is not None or not self.alive()

        wait_until(settled, limit)
        if port is not None and (record := self._recorded()):
            self._remember(replace(record, port=port))
            return port
        what = f"was not ready within {limit} seconds" if self.alive() else "ended at once"
        self.stop()
        if disk_full(self.log.parent):
            raise UserError(disk_full_sentence(self.log.parent))
        raise UserError(
            f"The sandbox's {self.name} {what}: {self._last_words()} Its whole log is {self.log}; "
            "fix what it names and try again."
        )

    def _process_id(self) -> int | None:
        """The id that the process has written down, which it does within milliseconds of its start."""

        def written() -> bool:
            return self._pid.exists() and self._pid.read_text().endswith("\n")

        return int(self._pid.read_text()) if wait_until(written, STOP_TIMEOUT_SECONDS) else None

    def _recorded(self) -> Running | None:
        return Running(**json.loads(self._record.read_text())) if self._record.exists() else None

    def _remember(self, running: Running) -> None:
        scratch = self._record.with_suffix(".tmp")
        scratch.write_text(json.dumps(asdict(running)))
        scratch.replace(self._record)

    def _last_words(self) -> str:
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return f"its last words were {lines[-1]!r}." if lines else "it left no message."


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the processes of a stack listen, on loopback."""

    emulator_port: int
    provider_port: int

    @property
    def emulator_url(self) -> str:
        return emulator_url(self.emulator_port)


class Processes:
    """The emulator, the provider and the cluster of one stack, which keep everything below `directory`."""

    def __init__(self, directory: Path, account: Account) -> None:
        self._account = account
        self.data = directory / "provider"
        self.cluster_data = directory / "cluster-data"
        self._courses = directory / COURSES_FILE
        self.emulator, self.provider, self.cluster = daemons(directory)

    def emulator_fits(self) -> bool:
        """Whether the emulator that holds the stack's resources runs, and is the one that this stack needs."""
        running = self.emulator.running()
        return running is not None and running.purpose == self.emulator_purpose()

    def ensure(self, emulator_port: int) -> Addresses:
        """Starts what does not run; port 0 lets the emulator take any.

        Raises UserError, after ending what it started, if one of the two does not start.
        """
        emulator, provider = self.emulator.running(), self.provider.running()
        if emulator and emulator_port not in (0, emulator.port):
            raise UserError(
                f"The emulator already runs on port {emulator.port}, so it cannot use port {emulator_port}: "
                "leave `--port` out, or end the sandbox with `make down` first; that forgets what is deployed."
            )
        if emulator and provider and provider.purpose == self._provider_purpose(emulator.port):
            return Addresses(emulator_port=emulator.port, provider_port=provider.port)
        started = [self.provider] if emulator else [self.emulator, self.provider]
        for daemon in started:
            # One whose command was killed while it started, or that fits this command no longer.
            daemon.stop()
        try:
            with Progress(console, "Starting the sandbox"):
                port = emulator.port if emulator else self._spawn_emulator(emulator_port)
                # Both import for seconds, so neither waits for the other.
                self._spawn_provider(port)
                ports = {daemon.name: daemon.await_ready() for daemon in started}
        except BaseException:
            for daemon in started:
                daemon.stop()
            raise
        return Addresses(emulator_port=port, provider_port=ports["provider"])

    def ensure_cluster(self, program: Path) -> None:
        """Starts the Kubernetes cluster if it does not run. Raises UserError if it does not start."""
        if self.cluster.running():
            return
        self.cluster.stop()
        arguments = ["-m", "sandbox.cluster.server", "--program", str(program), "--directory", str(self.cluster_data)]
        try:
            with Progress(console, "Starting Kubernetes"):
                self.cluster.spawn(arguments, os.environ, str(program))
                self.cluster.await_ready(CLUSTER_TIMEOUT_SECONDS)
        except BaseException:
            self.cluster.stop()
            raise

    @property
    def kubeconfig(self) -> Path:
        """How the cluster is reached, as a user who may do everything."""
        return self.cluster_data / "identities" / "admin.kubeconfig"

    def stop(self) -> None:
        """Ends all of them."""
        for daemon in (self.cluster, self.provider, self.emulator):
            daemon.stop()

    def _spawn_emulator(self, wanted_port: int) -> int:
        environment = {
            **os.environ,
            "MOTO_ACCOUNT_ID": self._account.id,
            # AWS's own policies, to which roles are attached, exist only on request.
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            # Certificates are otherwise validated a minute after their records are there.
            "MOTO_ACM_VALIDATION_WAIT": "0",
        }
        with listen(wanted_port) as listener:
            listener.set_inheritable(True)
            arguments = ["-m", "sandbox.session.moto_server", "--socket", str(listener.fileno())]
            arguments += ["--courses", str(self._courses)]
            self.emulator.spawn(arguments, environment, self.emulator_purpose())
            return int(listener.getsockname()[1])

    def _spawn_provider(self, emulator_port: int) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        arguments = [
            *("-m", "sandbox.provider.protocol", "--port", "0", "--emulator", emulator_url(emulator_port)),
            *("--account-id", self._account.id, "--region", self._account.region),
            *("--data-directory", str(self.data)),
        ]
        self.provider.spawn(arguments, os.environ, self._provider_purpose(emulator_port))

    def emulator_purpose(self) -> str:
        return f"account {self._account.id}, moto {version('moto')}"

    def _provider_purpose(self, emulator_port: int) -> str:
        """Names the code as well, so that a provider from before a change of its source is replaced."""
        code = hashlib.sha256()
        for path in sorted((ROOT / "sandbox").rglob("*.py")):
            code.update(path.read_bytes())
        return (
            f"account {self._account.id}, region {self._account.region}, emulator {emulator_port}, "
            f"pulumi-aws {version('pulumi-aws')}, code {code.hexdigest()[:12]}"
        )


def emulator_url(port: int) -> str:
    """The address of an emulator that listens on a port."""
    return f"http://{LOOPBACK}:{port}"


def daemons(directory: Path) -> tuple[Daemon, Daemon, Daemon]:
    """The emulator, the provider and the cluster that keep their records in a directory."""
    return Daemon("emulator", directory), Daemon("provider", directory), Daemon("cluster", directory)


def listen(wanted: int) -> socket.socket:
    """A socket on the wanted port, or on any free one for 0. Raises UserError if the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, wanted))
    except OSError as error:
        listener.close()
        raise UserError(
            f"Port {wanted} on {LOOPBACK} cannot be used for the AWS emulator ({error.strerror}): "
            "choose another with `--port`, or end the program that has it."
        ) from None
    listener.listen(128)
    return listener
