"""One sandboxed stack: its processes, its state, and the engine's operations on it through the Automation API.

The program and the stack's settings are the user's own; the engine works on copies of the settings files, as it writes
an encryption salt into them. The state belongs to the resources in one emulator's memory: the two only go together.
"""

import importlib
import json
import os
import re
import runpy
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pulumi.automation import (
    CommandError,
    ConfigValue,
    LocalWorkspace,
    OutputMap,
    PulumiCommand,
    Stack,
    StackNotFoundError,
    UpdateSummary,
)

# Not exported by the package, though a stack of a class of one's own can only be made with it.
from pulumi.automation._stack import StackInitMode
from semver import VersionInfo

from sandbox.session import engine
from sandbox.session.console import Progress, UserError, console
from sandbox.session.outcome import Outcome
from sandbox.session.processes import ROOT, Account, Addresses, Processes

PROJECT_NAME = "fixrx"
PASSPHRASE = "sandbox"
"""Encrypts the secrets in the state. They are generated; a user who can read the directory can decrypt them."""

_FOREIGN_ENCRYPTION = ("secretsprovider", "encryptedkey", "encryptionsalt")


class Engine(PulumiCommand):
    """The Automation API's handle on a known executable; the API itself would look no further than PATH."""

    def __init__(self, executable: Path, version: VersionInfo) -> None:
        self.command = str(executable)
        self.version = version


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is deployed: the stack's settings, the program and the policies."""

    stack: str
    settings: Path
    program: Path = ROOT / "__main__.py"
    policies: tuple[Path, ...]

    @classmethod
    def of(
        cls,
        stack: str,
        settings: Path | None,
        program: Path | None,
        *,
        policies: tuple[Path, ...] = (ROOT / "policies",),
    ) -> "Source":
        """The project's own stack of that name, or another settings file or program in its place."""
        settings = settings or ROOT / f"Pulumi.{stack}.yaml"
        if not settings.is_file():
            known = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
            raise UserError(
                f"There is no stack {stack!r}, because {settings} does not exist: choose one of "
                f"{', '.join(known)}, or write that file."
            )
        return cls(
            stack=stack,
            settings=settings,
            program=program or cls.program,
            policies=policies,
        )

    def account(self) -> Account:
        """The AWS account and region that the stack's settings name."""
        config = _read_yaml(self.settings).get("config") or {}
        account = config.get(f"{PROJECT_NAME}:account")
        if not isinstance(account, dict) or not account.get("id"):
            raise UserError(
                f"{self.settings} does not say which AWS account the stack lives in: "
                f'add `{PROJECT_NAME}:account: {{id: "111122223333", region: us-east-1}}`.'
            )
        return Account(id=str(account["id"]), region=str(account.get("region", "us-east-1")))

    def warm_up(self) -> None:
        """Imports the AWS SDK, seconds of work, while the engine starts. What fails here fails again when it runs."""
        if str(ROOT) not in sys.path:
            sys.path.insert(0, str(ROOT))

        threading.Thread(target=_import_components, daemon=True).start()

    def run(self) -> None:
        """Runs the program, as the engine's language host would."""
        # Waits until `warm_up` is done: two threads in an SDK that imports itself lazily meet half-made modules.
        _import_components()
        runpy.run_path(str(self.program), run_name="__main__")


def _import_components() -> None:
    with suppress(Exception):
        importlib.import_module("components")


class Workspace:
    """A stack in the sandbox below `directory`."""

    def __init__(self, directory: Path, source: Source) -> None:
        self.source = source
        self.home = directory / source.stack
        self.account = source.account()
        self.processes = Processes(self.home, self.account)
        self._binaries = directory / "bin"
        self._work = self.home / "workspace"
        self._state = self.home / "state"
        self.unfinished = self.home / "unfinished"
        """Exists while the emulator may hold more than the state says."""

    def has_resources(self) -> bool:
        """Whether the state holds any resource; asked of the file, as the engine takes its time to start."""
        for file in self._state.rglob(f"stacks/**/{self.source.stack}.json"):
            latest = json.loads(file.read_text())["checkpoint"].get("latest") or {}
            return bool(latest.get("resources"))
        return False

    @contextmanager
    def session(self, port: int = 0) -> Iterator["Session"]:
        """Everything that an operation of the engine needs, running. Ends on failure what it started for nothing."""
        executable = engine.find(engine.PULUMI)
        self._forget_if_lost()
        fresh = not self.home.exists()
        session: Session | None = None
        try:
            session = Session(self, executable, self.processes.ensure(port))
            session.open()
            yield session
        except BaseException:
            if fresh and not (session and session.deployed):
                self.discard()
            raise

    def discard(self) -> None:
        """Ends the processes and forgets the state: what the emulator held is gone with it."""
        self.processes.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _forget_if_lost(self) -> None:
        if not self.home.exists():
            return
        if self.unfinished.exists():
            reason = "the last command was killed before it could write down what it had done"
        elif self.processes.emulator_fits():
            return
        else:
            reason = "its emulator has ended, or is for another account or version"
        if self.has_resources():
            console.print(f"Starting {self.source.stack} from nothing, because {reason}.")
        self.discard()

    def write_files(self) -> list[str]:
        """Puts the engine's copies of the settings in place; returns the configuration paths that are secret."""
        self._work.mkdir(parents=True, exist_ok=True)
        self._state.mkdir(parents=True, exist_ok=True)
        # Only one command at a time works here, so a lock in the state is one that a killed engine has left.
        shutil.rmtree(self._state / ".pulumi" / "locks", ignore_errors=True)
        project = _read_yaml(ROOT / "Pulumi.yaml")
        # Named here as well as on PATH, because the engine warns of what it only finds on PATH.
        project["plugins"] = {"analyzers": [{"name": "policy-python", "path": str(self._binaries)}]}
        (self._work / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        settings = _read_yaml(self.source.settings)
        copy = self._work / f"Pulumi.{self.source.stack}.yaml"
        salt = _read_yaml(copy).get("encryptionsalt") if copy.exists() else None
        for key in _FOREIGN_ENCRYPTION:
            settings.pop(key, None)
        if salt:
            settings["encryptionsalt"] = salt
        secret_paths = list(_take_secrets(settings.get("config") or {}))
        copy.write_text(yaml.safe_dump(settings))
        return secret_paths

    def environment(self, endpoints: Addresses) -> dict[str, str]:
        """What the engine needs to know to stay in the sandbox."""
        return {
            **policy_environment(self._binaries),
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_DEBUG_PROVIDERS": ",".join(
                f"{package}:{endpoints.provider_port}" for package in ("aws", "random", "kubernetes")
            ),
            # The engine would write the whole state after every step. It may be lost here, see `changing`.
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
        }

    def open(self, executable: Path, endpoints: Addresses) -> Stack:
        """The stack as the Automation API sees it, made if it is new."""
        secret_paths = self.write_files()
        workspace = LocalWorkspace(
            work_dir=str(self._work),
            pulumi_home=str(self.home / "pulumi"),
            program=self.source.run,
            env_vars=self.environment(endpoints),
            pulumi_command=Engine(executable, engine.PULUMI.pinned()),
        )
        stack = _select_or_create(self.source.stack, workspace)
        if secret_paths:
            placeholder = ConfigValue("placeholder-in-the-sandbox", secret=True)
            stack.set_all_config(dict.fromkeys(secret_paths, placeholder), path=True)
        return stack


class QuickStack(Stack):
    """Leaves out what the API asks the engine after each operation, a second's work: the exported state has it all."""

    def outputs(self) -> OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:
        return UpdateSummary(
            kind="", start_time=datetime.now(UTC), message="", environment={}, config={}, result="succeeded"
        )


class Session:
    """The engine's operations on one stack, while its processes run."""

    def __init__(self, workspace: Workspace, executable: Path, endpoints: Addresses) -> None:
        self.endpoints = endpoints
        self.deployed = workspace.has_resources()
        """Whether the emulator holds, or may hold, anything of the stack."""
        self._workspace = workspace
        self._executable = executable
        self._stack: Stack | None = None

    def open(self) -> None:
        """Makes the stack known to the engine."""
        try:
            self._stack = self._workspace.open(self._executable, self.endpoints)
        except CommandError as error:
            raise Outcome().explain("start", str(error)) from None

    @property
    def stack(self) -> Stack:
        assert self._stack is not None
        return self._stack

    def preview(self, on_output: Callable[[str], None] | None = None) -> Outcome:
        """Plans without applying. Raises UserError if the program, the provider or a mandatory policy objects."""
        return self._run(
            "preview",
            lambda outcome: self.stack.preview(
                on_output=on_output,
                on_event=outcome.on_event,
                color=_colour(),
                policy_packs=[str(pack) for pack in self._workspace.source.policies],
                suppress_outputs=True,
            ),
        )

    def up(self, on_output: Callable[[str], None]) -> Outcome:
        """Plans, and if nothing objects applies. Raises UserError otherwise, or if applying fails."""
        # The engine checks policies resource by resource: without this, what precedes a violation would be created.
        with Progress(console, "Checking the plan against the provider and the policies"):
            self.preview()
        self.deployed = True
        return self._run(
            "update",
            lambda outcome: self.stack.up(
                on_output=on_output,
                on_event=outcome.on_event,
                color=_colour(),
                policy_packs=[str(pack) for pack in self._workspace.source.policies],
                suppress_outputs=True,
            ),
            changes=True,
        )

    def refresh(self, on_output: Callable[[str], None]) -> Outcome:
        """Reads every resource from the emulator into the state; the outcome says which had drifted."""
        return self._run(
            "refresh",
            lambda outcome: self.stack.refresh(
                on_output=on_output, on_event=outcome.on_event, color=_colour(), suppress_outputs=True
            ),
            changes=True,
        )

    def destroy(self, on_output: Callable[[str], None]) -> Outcome:
        """Deletes every resource of the stack."""
        return self._run(
            "destroy",
            lambda outcome: self.stack.destroy(
                on_output=on_output, on_event=outcome.on_event, color=_colour(), suppress_outputs=True
            ),
            changes=True,
        )

    def export(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The state as `pulumi stack export` gives it, its secrets encrypted unless asked otherwise."""
        workspace = self.stack.workspace
        secrets = ["--show-secrets"] if show_secrets else []
        result = workspace.pulumi_command.run(
            ["stack", "export", "--stack", self.stack.name, *secrets],
            workspace.work_dir,
            {**workspace.env_vars, "PULUMI_HOME": workspace.pulumi_home or ""},
        )
        exported: dict[str, Any] = json.loads(result.stdout)
        return exported

    def _run(self, operation: str, operate: Callable[[Outcome], object], *, changes: bool = False) -> Outcome:
        outcome = Outcome()
        if changes:
            self._workspace.unfinished.touch()
        try:
            operate(outcome)
        except CommandError as error:
            output = str(error)
            if changes and not _was_killed(output):
                self._workspace.unfinished.unlink()
            raise outcome.explain(operation, output) from None
        if changes:
            self._workspace.unfinished.unlink()
        return outcome


def policy_environment(binaries: Path) -> dict[str, str]:
    """What the engine needs to know to run the policy pack, with or without its language plugin for Python.

    Without the plugin, it runs an executable of a name of its own, which this makes in `binaries`.
    """
    binaries.mkdir(parents=True, exist_ok=True)
    host = binaries / "pulumi-analyzer-policy-python"
    # After the engine's address and the pack's folder come the options of PulumiPolicy.yaml, which say where Python is.
    host.write_text(f'#!/bin/sh\nexec "{sys.executable}" -u -m pulumi.policy "$1" "$2"\n')
    host.chmod(0o755)
    return {
        "PATH": os.pathsep.join([str(binaries), str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _select_or_create(name: str, workspace: LocalWorkspace) -> Stack:
    try:
        return QuickStack(name, workspace, StackInitMode.SELECT)
    except StackNotFoundError:
        return QuickStack(name, workspace, StackInitMode.CREATE)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise UserError(f"{path} cannot be read, because it is not valid YAML: {error}") from None
    return content if isinstance(content, dict) else {}


def _take_secrets(section: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Removes encrypted values, which only their owner's key opens, and yields the configuration path of each."""
    for key in list(section):
        value = section[key]
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict) and set(value) == {"secure"}:
            del section[key]
            yield path
        elif isinstance(value, dict):
            yield from _take_secrets(value, path)


def _was_killed(engine_output: str) -> bool:
    """Whether the engine ended by a signal, which the Automation API reports as a negative exit status."""
    return re.search(r"^ code: -\d+", engine_output, re.MULTILINE) is not None


def _colour() -> str:
    return "always" if sys.stdout.isatty() else "never"
