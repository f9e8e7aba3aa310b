"""Node and npm: which ones there are, and how a script of the backend is run.

A script sees no credential of the caller: packages run code in tests and builds.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.access import CommandError
from components.shared.instance_types import Architecture

PASSED_ON = re.compile(
    r"PATH|HOME|LANG|LC_ALL|TMPDIR|CI|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|npm_config_(?!.*auth).*",
    re.IGNORECASE,
)
"""The environment variables that a script gets."""
ARCHITECTURES: Mapping[str, Architecture] = {"arm64": Architecture.ARM64, "x64": Architecture.X86_64}
"""From Node's name of an architecture to AWS's."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command left."""

    exit_status: int
    output: str


@dataclass(frozen=True, kw_only=True)
class Node:
    """The Node and npm of the path, in one folder, at one commit's time."""

    folder: Path
    committed_at: int

    def npm(self, *arguments: str) -> Outcome:
        """Run npm; the output has the errors as well, as a terminal would show them. Raises CommandError if there is
        no npm."""
        return self._run(["npm", *arguments], errors=subprocess.STDOUT)

    def npm_answer(self, *arguments: str) -> Outcome:
        """Run npm for what it writes to its standard output."""
        return self._run(["npm", *arguments], errors=subprocess.DEVNULL)

    def version(self) -> str:
        """Node's version without its `v`."""
        return self._answer("node", "--version").removeprefix("v")

    def npm_version(self) -> str:
        return self._answer("npm", "--version")

    def architecture(self) -> Architecture:
        """Raises CommandError for one that servers do not have."""
        name = self._answer("node", "--print", "process.arch")
        if name not in ARCHITECTURES:
            raise CommandError(f"This machine is {name}, and the servers are {' or '.join(ARCHITECTURES.values())}.")
        return ARCHITECTURES[name]

    def _answer(self, *command: str) -> str:
        outcome = self._run(command, errors=subprocess.DEVNULL)
        if outcome.exit_status:
            raise CommandError(f"`{' '.join(command)}` fails; install Node and npm again.")
        return outcome.output.strip()

    def _run(self, command: Sequence[str], *, errors: int) -> Outcome:
        environment = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
        # What a bundler writes as the time of a build.
        environment["SOURCE_DATE_EPOCH"] = str(self.committed_at)
        try:
            process = subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                check=False,
            )
        except FileNotFoundError:
            raise CommandError(f"{command[0]} is needed and was not found; install Node, with npm.") from None
        return Outcome(exit_status=process.returncode, output=process.stdout.decode(errors="replace"))
