"""Kills the engine, the provider or the command at random moments of `up`.

`python -m tests.end_to_end.kills --count 50`: after each, the next `up` has to succeed, the one after it has to find
nothing to do, the emulator has to hold what it holds after an `up` that nobody has disturbed, and when the sandbox is
ended, no process may be left.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.driver import ROOT, Sandbox, summary
from tests.end_to_end.inventory import amounts

TARGETS = ("engine", "provider", "command")
_MARK = "FIXRX_TEST_MARK"
_POLL_SECONDS = 0.005
_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One sandbox that is disturbed again and again."""

    sandbox: Sandbox
    arguments: tuple[str, ...]
    mark: str

    def up(self) -> str:
        """An `up` that nobody disturbs; its output."""
        result = self.sandbox.run("up", *self.arguments, **{_MARK: self.mark})
        assert result.status == 0, result.output + result.errors
        return result.output

    def disturbed_up(self, target: str, seconds: float) -> str:
        """An `up` of which one process is killed after a time; what the command printed."""
        command = [sys.executable, "-m", "sandbox", "up", "--stack", self.sandbox.stack]
        command += ["--directory", str(self.sandbox.directory), *self.arguments]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, _MARK: self.mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running:
            time.sleep(seconds)
            while running.poll() is None and not self._kill(target, running.pid):
                time.sleep(_POLL_SECONDS)
            output, _ = running.communicate(timeout=_TIMEOUT_SECONDS)
        assert "Traceback" not in output, output
        return output

    def processes(self) -> list[str]:
        """The command line of every process that a command of this trial has started, directly or not."""
        return [_read(process / "cmdline") for process in _processes() if self.mark in _read(process / "environ")]

    def _kill(self, target: str, command: int) -> bool:
        process = {"command": lambda: command, "engine": lambda: _child(command), "provider": self._provider}[target]()
        if process is None:
            return False
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def _provider(self) -> int | None:
        path = self.sandbox.directory / self.sandbox.stack / "provider.pid"
        try:
            return int(path.read_text())
        except (FileNotFoundError, ValueError):
            return None


def _processes() -> Iterator[Path]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            yield process


def _read(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _child(command: int) -> int | None:
    """The engine that a command has started."""
    for process in _processes():
        status = _read(process / "stat")
        if status and int(status.rpartition(")")[2].split()[1]) == command and "(pulumi)" in status:
            return int(process.name)
    return None


def disturb(trial: Trial, undisturbed: dict[str, int], target: str, seconds: float) -> None:
    """Kills once, and asserts everything that has to hold afterwards."""
    trial.disturbed_up(target, seconds)
    trial.up()
    again = trial.up()
    assert set(summary(again)) == {"unchanged"}, again
    held = amounts(trial.sandbox)
    wrong = {
        kind: f"{held.get(kind)} instead of {undisturbed.get(kind)}"
        for kind in sorted({*held, *undisturbed})
        if held.get(kind) != undisturbed.get(kind)
    }
    assert wrong == {}, wrong


def undisturbed(trial: Trial) -> tuple[dict[str, int], float]:
    """What an `up` from nothing leaves in the emulator, and the seconds that it takes."""
    started = time.monotonic()
    trial.up()
    seconds = time.monotonic() - started
    trial.up()
    return amounts(trial.sandbox), seconds


def start_again(trial: Trial) -> None:
    """Ends the sandbox, and asserts that no process is left."""
    trial.sandbox.succeed("down")
    assert trial.processes() == []


def new_trial(directory: Path, stack: str, *arguments: str) -> Trial:
    """A trial in a directory of its own."""
    return Trial(sandbox=Sandbox(directory, stack), arguments=arguments, mark=uuid.uuid4().hex)


def main() -> None:
    """Disturbs as often as asked, and prints what was killed when."""
    parser = argparse.ArgumentParser(prog="python -m tests.end_to_end.kills", description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--stack", default="staging")
    parser.add_argument("arguments", nargs="*", help="passed on to `up`, after `--`")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as directory:
        trial = new_trial(Path(directory), arguments.stack, *arguments.arguments)
        expected, seconds = undisturbed(trial)
        print(f"seed {arguments.seed}; an undisturbed up takes {seconds:.1f} s", flush=True)
        for number in range(arguments.count):
            start_again(trial)
            target, moment = TARGETS[number % len(TARGETS)], moments.uniform(0, seconds)
            print(f"{number + 1}: kill the {target} after {moment:.2f} s", flush=True)
            disturb(trial, expected, target, moment)
        start_again(trial)


if __name__ == "__main__":
    main()
