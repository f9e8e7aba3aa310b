"""One sandboxed stack on disk: its processes, its state, and what the engine needs to know to stay in the sandbox.

The program and the stack's settings are the user's own; the engine works on copies of the settings files, as it writes
an encryption salt into them. The state belongs to the resources in one emulator's memory: the two only go together.
"""

import json
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import ConfigValue, LocalWorkspace, Stack, StackNotFoundError

# Not exported by the package, though a stack of a class of one's own can only be made with it.
from pulumi.automation._stack import StackInitMode

from sandbox.cluster.relay import KUBECONFIG_VARIABLE, PROVIDER_VARIABLE
from sandbox.provider import leftovers
from sandbox.provider.emulator import ApiError, Emulator
from sandbox.provider.leftovers import Creations, Leftover
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.store import RECORD_FILE, Record
from sandbox.session.console import Progress, UserError, console
from sandbox.session.engine import KUBERNETES_PROVIDER, find
from sandbox.session.engine_process import Engine
from sandbox.session.processes import ROOT, Addresses, Daemon, Processes, emulator_url
from sandbox.session.source import Source
from sandbox.session.stack_file import StackFile, read_yaml
from sandbox.session.state import State

_FOREIGN_ENCRYPTION = ("secretsprovider", "encryptedkey", "encryptionsalt")
_POLICY_HOST = Path(__file__).parent / "policy_host.py"


class Workspace:
    """A stack in the sandbox below `directory`."""

    def __init__(self, directory: Path, source: Source) -> None:
        self.source = source
        self.home = directory / source.stack
        self.account = source.account()
        self.processes = Processes(self.home, self.account)
        self.plan = self.home / "plan.json"
        self._directory = directory
        self._work = self.home / "workspace"
        self._state = self.home / "state"
        self._unfinished = self.home / "unfinished"

    def state(self) -> State:
        """The stack's state as the engine has written it last."""
        return State.of(self._state, self.source.stack)

    def publish(self) -> None:
        """Leaves the state and the stack's outputs for other programs."""
        state = self.state()
        _write(self.home / "stack.json", state.export())
        _write(self.home / "outputs.json", state.outputs())

    def discard(self) -> None:
        """Ends the processes and forgets the state: what the emulator held is gone with it."""
        self.processes.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def require_deployed(self) -> None:
        """Raises UserError if nothing of the stack is deployed."""
        if not self.state().resources:
            raise UserError(
                f"Nothing of {self.source.stack} is deployed in the sandbox: "
                f"run `make up STACK={self.source.stack}` first."
            )

    def require_emulator(self, *, changes: bool) -> None:
        """Makes sure that a state, if there is one, goes with the emulator that runs.

        Raises UserError if it does not. Only where the command changes the stack anyway, and what was deployed is gone
        already, the state is forgotten too.
        """
        ended = self._ended()
        if not self.home.exists() or ended is None:
            return
        stack = self.source.stack
        if self.state().resources:
            if ended is self.processes.emulator and (running := ended.running()):
                raise UserError(
                    f"{stack} is deployed in the sandbox for another purpose ({running.purpose}) than its settings now "
                    f"ask for ({self.processes.emulator_purpose()}): undo the change, or run `make down` to end the "
                    "sandbox and forget what is deployed."
                )
            if not changes:
                raise UserError(
                    f"The {ended.name} of {stack} has ended, and what it held is gone: run `make down` to forget the "
                    f"state too, or `make up STACK={stack}` to deploy again."
                )
            console.print(f"Starting {stack} from nothing, because its {ended.name} has ended.")
        self.discard()

    @property
    def needs_cluster(self) -> bool:
        """Whether the settings ask for Kubernetes, or something is deployed there."""
        return self.source.runs_kubernetes or self.state().in_kubernetes

    def _ended(self) -> Daemon | None:
        """The process that held what is deployed, and does no longer run or fit."""
        if not self.processes.emulator_fits():
            return self.processes.emulator
        if self.state().in_kubernetes and not self.processes.cluster.running():
            return self.processes.cluster
        return None

    def begin(self) -> None:
        """Notes that the emulator may soon hold more than the state says."""
        self._unfinished.touch()

    def end(self) -> None:
        """Notes that the state is complete, unless a process was killed before it could be written down."""
        with self._creations() as creations:
            state = self.state()
            if self.processes.provider.alive() and not state.interrupted and not creations.leftovers(state.known):
                creations.forget()
                self._unfinished.unlink(missing_ok=True)

    def recover(self) -> bool:
        """Deletes what a killed process has left in the emulator; returns whether the state must be read anew."""
        if not self._unfinished.exists():
            return False
        # Its work may still be under way, and it must not come after this.
        self.processes.provider.stop()
        with self._creations() as creations:
            if left := creations.leftovers(self.state().known):
                self._delete(left, creations.record)
                # What remains noted is in the state.
                creations.forget()
        return True

    def tell_leftovers(self) -> None:
        """Names what a killed process has left in the emulator, for a command that changes nothing."""
        if not self._unfinished.exists():
            return
        with self._creations() as creations:
            left = creations.leftovers(self.state().known)
        if left:
            console.print(
                f"A command was killed before it could finish. In the emulator, and not in the state:\n"
                f"{_listed(left)}\n"
                f"`make up STACK={self.source.stack}` deletes them before it goes on."
            )

    def _delete(self, left: list[Leftover], record: Record) -> None:
        self.source.await_warm()
        running = self.processes.emulator.running()
        assert running is not None
        emulator = Emulator(emulator_url(running.port), self.account.id, self.account.region)
        with Progress(console, "Deleting what a killed command has left"):
            try:
                leftovers.delete(left, emulator, record)
            except (ApiError, ProviderError) as error:
                raise UserError(
                    f"What a killed command has left in the emulator cannot be deleted ({error}):\n{_listed(left)}\n"
                    "Delete it yourself, or run `make down` to start from nothing."
                ) from None
        console.print(
            f"A command was killed before it could finish. Deleted, as the state did not have it:\n{_listed(left)}"
        )

    @contextmanager
    def _creations(self) -> Iterator[Creations]:
        """What the provider has noted."""
        with closing(Record(self.processes.data / RECORD_FILE)) as record:
            yield Creations(record)

    def write_files(self) -> list[str]:
        """Puts the engine's copies of the settings in place; returns the configuration paths that are secret."""
        self._work.mkdir(parents=True, exist_ok=True)
        self._state.mkdir(parents=True, exist_ok=True)
        # Only one command at a time works here, so a lock in the state is one that a killed engine has left.
        shutil.rmtree(self._state / ".pulumi" / "locks", ignore_errors=True)
        project = read_yaml(ROOT / "Pulumi.yaml")
        # Named here as well as on PATH, because the engine warns of what it only finds on PATH.
        binaries = str(_binaries(self._directory))
        project["plugins"] = {"analyzers": [{"name": "policy-python", "path": binaries}]}
        if self.needs_cluster:
            project["plugins"]["providers"] = [{"name": "kubernetes", "path": binaries}]
        _write_text(self._work / "Pulumi.yaml", yaml.safe_dump(project))
        copy = self._work / f"Pulumi.{self.source.stack}.yaml"
        salt = read_yaml(copy).get("encryptionsalt") if copy.exists() else None
        settings = StackFile.read(self.source.settings)
        settings.remove(*_FOREIGN_ENCRYPTION)
        if salt:
            settings.add("encryptionsalt", salt)
        secret_paths = settings.take_secrets()
        _write_text(copy, settings.text())
        return secret_paths

    def environment(self, endpoints: Addresses) -> dict[str, str]:
        """What the engine needs to know to stay in the sandbox."""
        attached = ("aws", "random") if self.needs_cluster else ("aws", "random", "kubernetes")
        return {
            **policy_environment(self._directory),
            **(self._kubernetes_environment() if self.needs_cluster else {}),
            # A kill would leave half of a file with metadata, which nobody reads here: they are not written as a whole.
            "PULUMI_BACKEND_URL": f"file://{self._state}?metadata=skip",
            # The latest state is enough: without the emulator of that time, an earlier one is worth nothing.
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{endpoints.provider_port}" for package in attached),
        }

    def _kubernetes_environment(self) -> dict[str, str]:
        """What the Kubernetes provider needs to know, with the relay in place through which the engine meets it."""
        _write_executable(
            _binaries(self._directory) / "pulumi-resource-kubernetes",
            f'PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -u -m sandbox.cluster.relay "$@"',
        )
        return {
            PROVIDER_VARIABLE: str(find(KUBERNETES_PROVIDER)),
            KUBECONFIG_VARIABLE: str(self.processes.kubeconfig),
        }

    def open(self, command: Engine, endpoints: Addresses, kind: type[Stack]) -> Stack:
        """The stack as the Automation API sees it, made if it is new."""
        secret_paths = self.write_files()
        workspace = LocalWorkspace(
            work_dir=str(self._work),
            pulumi_home=str(self.home / "pulumi"),
            program=self.source.run,
            env_vars=self.environment(endpoints),
            pulumi_command=command,
        )
        try:
            stack = kind(self.source.stack, workspace, StackInitMode.SELECT)
        except StackNotFoundError:
            stack = kind(self.source.stack, workspace, StackInitMode.CREATE)
        if secret_paths:
            placeholder = ConfigValue("placeholder-in-the-sandbox", secret=True)
            stack.set_all_config(dict.fromkeys(secret_paths, placeholder), path=True)
        return stack


def policy_environment(directory: Path) -> dict[str, str]:
    """What the engine needs to know to run the policy pack, with or without its language plugin for Python.

    Without the plugin, it runs an executable of a name of its own, which this makes below `directory`.
    """
    binaries = _binaries(directory)
    binaries.mkdir(parents=True, exist_ok=True)
    # After the engine's address and the pack's folder come the options of PulumiPolicy.yaml, which say where Python is.
    command = f"{shlex.quote(sys.executable)} -u {shlex.quote(str(_POLICY_HOST))}"
    _write_executable(binaries / "pulumi-analyzer-policy-python", f'exec {command} "$1" "$2"')
    return {
        "PATH": os.pathsep.join([str(binaries), str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PULUMI_CONFIG_PASSPHRASE": _passphrase(directory),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _binaries(directory: Path) -> Path:
    return directory / "bin"


def _passphrase(directory: Path) -> str:
    """Encrypts the secrets in the states of this sandbox; made when it is first needed."""
    path = directory / "passphrase"
    if not path.exists():
        _write_text(path, secrets.token_urlsafe(32))
    return path.read_text()


def _listed(left: list[Leftover]) -> str:
    return "\n".join(f"  {leftover}" for leftover in reversed(left))


def _write(path: Path, content: dict[str, Any]) -> None:
    _write_text(path, json.dumps(content, indent=2) + "\n")


def _write_executable(path: Path, command: str) -> None:
    _write_text(path, f"#!/bin/sh\n{command}\n")
    path.chmod(0o700)


def _write_text(path: Path, text: str) -> None:
    """Replaces a file as a whole: a command that is killed leaves no half of one."""
    scratch = path.with_suffix(".tmp")
    scratch.write_text(text)
    scratch.replace(path)
