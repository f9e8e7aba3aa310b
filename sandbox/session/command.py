"""The sandbox's commands: `python -m sandbox up|preview|refresh|destroy|down|status|export|analyze|tool`."""

import argparse
import gc
import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from review import ApprovalError, Approvals, Plan, refusal
from sandbox.session import engine, summary
from sandbox.session.console import Progress, UserError, console, errors_in_one_sentence
from sandbox.session.lock import alone
from sandbox.session.operations import Session, session
from sandbox.session.outcome import Outcome
from sandbox.session.processes import ROOT, daemons
from sandbox.session.source import Source
from sandbox.session.workspace import Workspace, policy_environment


def up(arguments: argparse.Namespace) -> None:
    """Deploys the stack, and leaves its state and outputs for other programs."""
    started = time.monotonic()
    workspace = _workspace(arguments)
    workspace.source.warm_up()
    with _session(arguments, workspace, changes=True) as opened:
        _planned(arguments, opened)
        placeholders = None if arguments.without_inputs else opened.placeholders

        def begin(urn: str = GATED[0]) -> None:
            # Its gate waits for what people supply; whatever it depends on is there by now.
            if placeholders is not None and urn.endswith(GATED):
                placeholders.supply()

        # The gate of a later release does not wait.
        begin()

        with Progress(console, "Deploying") as progress:
            outcome = Outcome(
                on_step=lambda count: progress.update(f"{count} steps"),
                on_line=lambda line: console.print(escape(line)),
                on_begin=begin,
            )
            opened.up(outcome)
    summary.show_total(outcome.plan, started)
    summary.show_deployment(workspace.state(), workspace.account, opened.endpoints)


def preview(arguments: argparse.Namespace) -> None:
    """Shows what `up` would change."""
    started = time.monotonic()
    workspace = _workspace(arguments)
    workspace.source.warm_up()
    with _session(arguments, workspace, changes=False) as opened:
        plan = _planned(arguments, opened)
    summary.show_total(plan, started, planned=True)


def refresh(arguments: argparse.Namespace) -> None:
    """Brings the state up to what the emulator holds, and shows what had drifted."""
    started = time.monotonic()
    workspace = _workspace(arguments)
    workspace.require_deployed()
    outcome = Outcome()
    with _session(arguments, workspace, changes=True) as opened:
        opened.refresh(outcome)
    summary.show_drift(outcome.plan)
    summary.show_total(outcome.plan, started)


def destroy(arguments: argparse.Namespace) -> None:
    """Deletes the stack's resources from the emulator, which goes on running."""
    started = time.monotonic()
    workspace = _workspace(arguments)
    workspace.require_deployed()
    with (
        _session(arguments, workspace, changes=True) as opened,
        Progress(console, f"Deleting {arguments.stack}") as progress,
    ):
        opened.placeholders.remove()
        outcome = Outcome(on_step=lambda count: progress.update(f"{count} steps"))
        opened.destroy(outcome)
    summary.show_total(outcome.plan, started)


def export(arguments: argparse.Namespace) -> None:
    """Prints the stack's state."""
    workspace = _workspace(arguments)
    workspace.require_deployed()
    with _session(arguments, workspace, changes=False) as opened:
        print(opened.export(show_secrets=arguments.show_secrets))


def analyze(arguments: argparse.Namespace) -> None:
    """Runs the policy pack on the stack's last deployed state, without the program, the provider or the emulator."""
    workspace = _workspace(arguments)
    workspace.require_deployed()
    state = workspace.home / "stack.json"
    executable = engine.find(engine.PULUMI)
    environment = {**os.environ, **policy_environment(arguments.directory)}
    command = [str(executable), "policy", "analyze", "--file", str(state), "--policy-pack", str(arguments.policies)]
    if subprocess.run(command, env=environment, check=False).returncode:
        raise UserError("The deployed state breaks the policies above, or could not be analysed.")


def status(arguments: argparse.Namespace) -> None:
    """Says what runs, and where."""
    for home in _homes(arguments.directory):
        for daemon in daemons(home):
            if not daemon.log.exists():
                # Most stacks need no cluster.
                continue
            running = daemon.running()
            where = f"runs on port {running.port}, process {running.pid}" if running else "does not run"
            print(f"{home.name}: the {daemon.name} {where}; its log is {daemon.log}")
    if not _homes(arguments.directory):
        print("Nothing is deployed in the sandbox.")


def down(arguments: argparse.Namespace) -> None:
    """Ends the processes of all stacks and forgets their state, which is worth nothing without them."""
    with Progress(console, "Ending the sandbox"):
        for home in _homes(arguments.directory):
            for daemon in reversed(daemons(home)):
                daemon.stop()
            shutil.rmtree(home)
    print("The sandbox has ended.")


def tool(arguments: argparse.Namespace) -> None:
    """Prints the path of a program that the project pins, obtained if necessary."""
    print(engine.find(engine.TOOLS[arguments.name]))


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    command.__name__: command for command in (up, preview, refresh, destroy, down, status, export, analyze, tool)
}
LARGEST_PORT = 65535
GATED = tuple(f"aws:ssm/parameter:Parameter::{name}-marker" for name in ("migrated", "prepared"))
"""Ends of the URNs of the markers that wait for what people supply on AWS: of servers and of pods."""
RUN_THE_PROGRAM = {"up", "preview"}
READ_ONLY = {"status", "analyze", "tool"}


def main() -> None:
    """Runs the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("name", nargs="?", choices=engine.TOOLS, help="the program, for `tool` only")
    parser.add_argument("--stack", default="production", help="which Pulumi.<stack>.yaml to use")
    parser.add_argument("--settings", type=Path, help="another settings file instead of the stack's own")
    parser.add_argument("--program", type=Path, help="another program instead of the project's own")
    parser.add_argument("--port", type=_port, default=0, help="the emulator's port; any free one if not given")
    parser.add_argument("--directory", type=Path, default=ROOT / ".sandbox", help="where the sandbox keeps everything")
    parser.add_argument("--policies", type=Path, default=ROOT / "policies", help="another policy pack")
    parser.add_argument("--approvals", type=Path, default=ROOT / "approvals.yaml", help="other approvals of losses")
    parser.add_argument("--no-policies", action="store_true", help="leave the policy pack out, to measure it")
    parser.add_argument("--show-secrets", action="store_true", help="export secrets in plain text")
    parser.add_argument(
        "--without-inputs", action="store_true", help="write no placeholders for what people supply: `up` waits for it"
    )
    arguments = parser.parse_args()
    if (arguments.name is None) == (arguments.command == "tool"):
        parser.error("the command `tool` needs the name of a program, and no other command accepts one")
    # A command is short and keeps nearly all that it allocates: looking for garbage is a fifth of its start.
    gc.disable()
    warnings.filterwarnings("ignore", message="Error in event stream")
    arguments.directory = arguments.directory.absolute()
    # The state has secrets in it, if only generated ones, encrypted with a passphrase that lies beside it.
    os.umask(0o077)
    with errors_in_one_sentence():
        if arguments.command in READ_ONLY:
            COMMANDS[arguments.command](arguments)
            return
        with alone(arguments.directory) as arguments.lock:
            COMMANDS[arguments.command](arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= LARGEST_PORT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no port: choose a number from 0 (any free one) to {LARGEST_PORT}"
        )
    return int(text)


def _workspace(arguments: argparse.Namespace) -> Workspace:
    packs = () if arguments.no_policies else (arguments.policies.absolute(),)
    source = Source.of(arguments.stack, arguments.settings, arguments.program, policies=packs)
    if arguments.command in RUN_THE_PROGRAM:
        source.check_settings()
    return Workspace(arguments.directory, source)


def _session(arguments: argparse.Namespace, workspace: Workspace, *, changes: bool) -> AbstractContextManager[Session]:
    return session(workspace, arguments.lock, arguments.port, changes=changes)


def _planned(arguments: argparse.Namespace, opened: Session) -> Plan:
    """The plan, shown. Raises UserError if a mandatory policy, or the lack of an approval, forbids it."""
    today = datetime.now(UTC).date()
    try:
        approvals = Approvals.read(arguments.approvals)
    except ApprovalError as error:
        raise UserError(str(error)) from None
    outcome = Outcome()
    with Progress(console, "Planning, and checking the plan against the provider and the policies"):
        opened.preview(outcome)
    summary.show_plan(outcome.plan)
    summary.show_advice(outcome)
    if missing := approvals.missing(outcome.plan, today):
        raise UserError(refusal(missing, arguments.approvals.name, today))
    return outcome.plan


def _homes(directory: Path) -> list[Path]:
    return sorted(path.parent for path in directory.glob("*/emulator.lock"))
