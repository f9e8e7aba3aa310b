"""The engine's operations on one stack, through the Automation API, while the stack's processes run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pulumi.automation import CommandError, OutputMap, Stack, UpdateSummary

from sandbox.provider.emulator import Emulator
from sandbox.session import engine
from sandbox.session.console import Interrupted, Progress, UserError, console, disk_full, disk_full_sentence
from sandbox.session.engine_process import Engine
from sandbox.session.outcome import KEPT, Outcome
from sandbox.session.placeholders import Placeholders
from sandbox.session.processes import LOOPBACK, Addresses
from sandbox.session.source import PROJECT_NAME
from sandbox.session.workspace import Workspace


class QuickStack(Stack):
    """Leaves out what the API asks the engine after each operation, a second's work: the exported state has it all."""

    def outputs(self) -> OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary:
        return UpdateSummary(
            kind="", start_time=datetime.now(UTC), message="", environment={}, config={}, result="succeeded"
        )


@contextmanager
def session(workspace: Workspace, lock: int, port: int = 0, *, changes: bool) -> Iterator["Session"]:
    """Everything that an operation of the engine needs, running. Ends on failure what it started for nothing.

    `lock` is the descriptor of the sandbox's lock. `changes` says whether the operation changes the stack: only then is
    put in order first what an earlier command left unfinished.
    """
    command = Engine(engine.find(engine.PULUMI), engine.PULUMI.pinned(), lock)
    workspace.require_emulator(changes=changes)
    fresh = not workspace.home.exists()
    try:
        recovering = not fresh and changes and workspace.recover()
        if not fresh and not changes:
            workspace.tell_leftovers()
        endpoints = workspace.processes.ensure(port)
        if workspace.needs_cluster:
            workspace.processes.ensure_cluster(engine.find(engine.CLUSTER))
        opened = Session(workspace, command, endpoints)
        if recovering:
            opened.read_again()
        yield opened
    except BaseException:
        if fresh and not workspace.state().resources:
            workspace.discard()
        raise


class Session:
    """The engine's operations on one stack."""

    def __init__(self, workspace: Workspace, command: Engine, endpoints: Addresses) -> None:
        self.endpoints = endpoints
        self._workspace = workspace
        self._engine = command
        with self._explained("start", Outcome()):
            self.stack = workspace.open(command, endpoints, QuickStack)

    def preview(self, outcome: Outcome) -> None:
        """Plans without applying, and saves the plan.

        Raises UserError if the program, the provider or a mandatory policy objects.
        """
        with self._explained("preview", outcome), self._emulated_aws():
            self.stack.preview(
                plan=str(self._workspace.plan),
                on_event=outcome.on_event,
                policy_packs=[str(pack) for pack in self._workspace.source.policies],
                suppress_outputs=True,
                color="never",
            )

    def up(self, outcome: Outcome) -> None:
        """Applies the saved plan and nothing else. Raises UserError if that fails.

        A preview has to precede it: the engine checks policies resource by resource, so that without one what comes
        before a violation would be created. What differs from what was previewed and reviewed is refused.
        """
        with self._changing("update", outcome), self._emulated_aws():
            self.stack.up(
                plan=str(self._workspace.plan),
                on_event=outcome.on_event,
                policy_packs=[str(pack) for pack in self._workspace.source.policies],
                suppress_outputs=True,
                color="never",
            )

    def refresh(self, outcome: Outcome) -> None:
        """Reads every resource from the emulator into the state; the outcome says which had drifted."""
        with self._changing("refresh", outcome):
            self.stack.refresh(
                on_event=outcome.on_event, suppress_outputs=True, color="never", clear_pending_creates=True
            )

    def destroy(self, outcome: Outcome) -> None:
        """Deletes every resource of the stack."""
        with self._changing("destroy", outcome):
            self.stack.destroy(on_event=outcome.on_event, suppress_outputs=True, color="never")

    def read_again(self) -> None:
        """Makes the state true after a process was killed, whose work it may not have."""
        with Progress(console, "Reading from the emulator what a killed command has done"):
            self.refresh(Outcome())

    def export(self, *, show_secrets: bool) -> str:
        """The state as `pulumi stack export` prints it, its secrets encrypted unless asked otherwise."""
        workspace = self.stack.workspace
        secrets = ["--show-secrets"] if show_secrets else []
        result = workspace.pulumi_command.run(
            ["stack", "export", "--stack", self.stack.name, *secrets],
            workspace.work_dir,
            {**workspace.env_vars, "PULUMI_HOME": workspace.pulumi_home or ""},
        )
        return str(result.stdout)

    @property
    def placeholders(self) -> Placeholders:
        """What the sandbox supplies in place of people."""
        source, account = self._workspace.source, self._workspace.account
        emulator = Emulator(self.endpoints.emulator_url, account.id, account.region)
        return Placeholders(emulator, PROJECT_NAME, source.configuration())

    @contextmanager
    def _emulated_aws(self) -> Iterator[None]:
        """The program asks AWS while it runs; here, the emulator. The user's own credentials are hidden."""
        region = self._workspace.account.region
        before = {key: value for key, value in os.environ.items() if key.startswith("AWS_") or key == "NO_PROXY"}
        for key in before:
            del os.environ[key]
        os.environ |= {
            "AWS_ENDPOINT_URL": self.endpoints.emulator_url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": LOOPBACK,
        }
        try:
            yield
        finally:
            for key in [key for key in os.environ if key.startswith("AWS_") or key == "NO_PROXY"]:
                del os.environ[key]
            os.environ |= before

    @contextmanager
    def _changing(self, operation: str, outcome: Outcome) -> Iterator[None]:
        """An operation whose finished steps are kept and published, however it ends."""
        self._workspace.begin()
        try:
            with self._explained(operation, outcome):
                yield
        finally:
            self._workspace.publish()
            if not self._engine.killed_by:
                self._workspace.end()

    @contextmanager
    def _explained(self, operation: str, outcome: Outcome) -> Iterator[None]:
        try:
            yield
        except CommandError as error:
            if self._engine.interrupted:
                raise Interrupted(
                    f"The {operation} was interrupted; {KEPT[operation]}. Run it again to go on."
                ) from None
            if number := self._engine.killed_by:
                raise UserError(
                    f"The {operation} stopped, because the engine was killed (signal {number}, often for lack of "
                    f"memory); {KEPT[operation]}. Run it again."
                ) from None
            if not outcome.violations and disk_full(self._workspace.home):
                raise UserError(disk_full_sentence(self._workspace.home)) from None
            raise outcome.explain(operation, str(error), self._workspace.state()) from None
