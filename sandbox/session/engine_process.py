"""The engine as a process of its own: interrupted with care, never left behind.

The Automation API would start it in the terminal's process group, where Ctrl-C reaches it and the command at once: the
command ends, and what the engine then still does is never written down.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from sandbox.session.console import console

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Engine(PulumiCommand):
    """Runs the engine's commands with a known executable; the API itself would look no further than PATH."""

    def __init__(self, executable: Path, version: VersionInfo, inherited: int) -> None:
        """`inherited` is an open file that the engine holds as well, as long as it lives: the lock of the sandbox."""
        self.command = str(executable)
        self.version = version
        self.interrupted = False
        """Whether the latest command was interrupted."""
        self.killed_by = 0
        """The signal that ended the latest command, 0 if none did."""
        self._inherited = inherited
        self._process: subprocess.Popen[str] | None = None
        self._signals = 0

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Runs one command to its end. Raises CommandError if it fails."""
        binaries = str(Path(self.command).parent)
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        environment["PATH"] = os.pathsep.join([binaries, environment.get("PATH", "")])
        self._signals = 0
        with self._signals_passed_on():
            # What is interrupted here is passed on in order: no exception may end this without the engine.
            self._process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
                pass_fds=(self._inherited,),
            )
            readers = [_Reader(self._process.stdout, on_output), _Reader(self._process.stderr, on_error)]
            self._pass_on()
            code = self._process.wait()
            output, errors = (reader.text() for reader in readers)
            self._process = None
        self.interrupted = self._signals > 0
        self.killed_by = max(0, -code)
        result = CommandResult(stdout=output, stderr=errors, code=code)
        if result.code:
            raise create_command_error(result)
        return result

    @contextmanager
    def _signals_passed_on(self) -> Iterator[None]:
        """Ctrl-C, and what else asks this command to end, lets the engine finish its steps; a second one stops it."""

        def note(_: int, __: FrameType | None) -> None:
            self._signals += 1
            self._pass_on()

        previous = {number: signal.signal(number, note) for number in _ENDING}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _pass_on(self) -> None:
        if self._signals and self._process is not None:
            self._process.send_signal(signal.SIGINT if self._signals == 1 else signal.SIGKILL)
            if self._signals == 1:
                console.print("Interrupted: the steps under way are finished first. Ctrl-C again stops them.")


class _Reader:
    """Reads one output of the engine in a thread, line by line."""

    def __init__(self, stream: IO[str] | None, on_line: OnOutput | None) -> None:
        assert stream is not None
        self._stream = stream
        self._on_line = on_line
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def text(self) -> str:
        """Everything that was written, once the engine has ended."""
        self._thread.join()
        return "\n".join(self._lines)

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                self._lines.append(line.rstrip())
                if self._on_line:
                    self._on_line(line.rstrip())
