"""The sandbox's commands: `python -m sandbox up|preview|refresh|destroy|down|status|export|analyze|tool`."""

import argparse
import fcntl
import gc
import json
import os
import shutil
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.session import engine, summary
from sandbox.session.console import Progress, UserError, console, errors_in_one_sentence
from sandbox.session.processes import ROOT, daemons
from sandbox.session.workspace import Source, Workspace, policy_environment


def up(arguments: argparse.Namespace) -> None:
    """Deploys the stack, and leaves its state and outputs for other programs."""
    started = time.monotonic()
    workspace = _workspace(arguments)
    workspace.source.warm_up()
    with workspace.session(arguments.port) as session:
        outcome = session.up(print)
        state = session.export()
    _write(arguments.directory / "stack.json", state)
    _write(arguments.directory / "outputs.json", summary.outputs_of(state))
    summary.show_changes(outcome, started)
    summary.show_deployment(state, workspace.account, session.endpoints)


def preview(arguments: argparse.Namespace) -> None:
    """Shows what `up` would change."""
    started = time.monotonic()
    workspace = _workspace(arguments)
    workspace.source.warm_up()
    with workspace.session(arguments.port) as session:
        outcome = session.preview(print)
    summary.show_changes(outcome, started, planned=True)


def refresh(arguments: argparse.Namespace) -> None:
    """Brings the state up to what the emulator holds, and shows what had drifted."""
    started = time.monotonic()
    with _workspace(arguments).session(arguments.port) as session:
        outcome = session.refresh(print)
    summary.show_changes(outcome, started)


def destroy(arguments: argparse.Namespace) -> None:
    """Deletes the stack's resources from the emulator, which goes on running."""
    started = time.monotonic()
    with _workspace(arguments).session(arguments.port) as session:
        outcome = session.destroy(print)
        state = session.export()
    _write(arguments.directory / "stack.json", state)
    _write(arguments.directory / "outputs.json", {})
    summary.show_changes(outcome, started)


def export(arguments: argparse.Namespace) -> None:
    """Prints the stack's state."""
    with _workspace(arguments).session(arguments.port) as session:
        print(json.dumps(session.export(show_secrets=arguments.show_secrets), indent=2))


def analyze(arguments: argparse.Namespace) -> None:
    """Runs the policy pack on the last deployed state, without the program, the provider or the emulator."""
    state = arguments.directory / "stack.json"
    if not state.exists():
        raise UserError(f"There is no state to analyse, because {state} does not exist: run `make up` first.")
    executable = engine.find(engine.PULUMI)
    environment = {**os.environ, **policy_environment(arguments.directory / "bin")}
    command = [str(executable), "policy", "analyze", "--file", str(state), "--policy-pack", str(arguments.policies)]
    if subprocess.run(command, env=environment, check=False).returncode:
        raise UserError("The deployed state breaks the policies above, or could not be analysed.")


def status(arguments: argparse.Namespace) -> None:
    """Says what runs, and where."""
    for home in _homes(arguments.directory):
        for daemon in daemons(home):
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
    for left in ("stack.json", "outputs.json"):
        (arguments.directory / left).unlink(missing_ok=True)
    print("The sandbox has ended.")


def tool(arguments: argparse.Namespace) -> None:
    """Prints the path of a program that the project pins, obtained if necessary."""
    print(engine.find(engine.TOOLS[arguments.name]))


COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    command.__name__: command for command in (up, preview, refresh, destroy, down, status, export, analyze, tool)
}
READ_ONLY = {"status", "analyze", "tool"}


def main() -> None:
    """Runs the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("name", nargs="?", choices=engine.TOOLS, help="the program, for `tool` only")
    parser.add_argument("--stack", default="production", help="which Pulumi.<stack>.yaml to use")
    parser.add_argument("--settings", type=Path, help="another settings file instead of the stack's own")
    parser.add_argument("--program", type=Path, help="another program instead of the project's own")
    parser.add_argument("--port", type=int, default=0, help="the emulator's port; any free one if not given")
    parser.add_argument("--directory", type=Path, default=ROOT / ".sandbox", help="where the sandbox keeps everything")
    parser.add_argument("--policies", type=Path, default=ROOT / "policies", help="another policy pack")
    parser.add_argument("--no-policies", action="store_true", help="leave the policy pack out, to measure it")
    parser.add_argument("--show-secrets", action="store_true", help="export secrets in plain text")
    arguments = parser.parse_args()
    if (arguments.name is None) == (arguments.command == "tool"):
        parser.error("the command `tool` needs the name of a program, and no other command accepts one")
    # A command is short and keeps nearly all that it allocates: looking for garbage is a fifth of its start.
    gc.disable()
    threading.excepthook = _report_thread
    warnings.filterwarnings("ignore", message="Error in event stream")
    arguments.directory = arguments.directory.absolute()
    with errors_in_one_sentence():
        if arguments.command in READ_ONLY:
            COMMANDS[arguments.command](arguments)
            return
        with _alone(arguments.directory):
            COMMANDS[arguments.command](arguments)


def _report_thread(failure: threading.ExceptHookArgs) -> None:
    """Ctrl-C closes the engine's pipes while threads still read them; their errors are not reported."""
    pipe_closed = isinstance(failure.exc_value, ValueError) and "closed file" in str(failure.exc_value)
    if not pipe_closed:
        threading.__excepthook__(failure)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One command at a time: two would work on the same state."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise UserError(
                f"Another command uses the sandbox (process {lock.read().strip()}), and only one can at a time: "
                "wait until it has ended, or end it."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _workspace(arguments: argparse.Namespace) -> Workspace:
    packs = () if arguments.no_policies else (arguments.policies.absolute(),)
    source = Source.of(arguments.stack, arguments.settings, arguments.program, policies=packs)
    return Workspace(arguments.directory, source)


def _homes(directory: Path) -> list[Path]:
    return sorted(path.parent for path in directory.glob("*/emulator.lock"))


def _write(path: Path, content: dict[str, Any]) -> None:
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(content, indent=2) + "\n")
    scratch.replace(path)
