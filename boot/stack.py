"""The stack that a boot takes its launch template from: a sandbox of its own, which is ended afterwards."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from boot.emulator import Emulator
from boot.release import ROOT, Release
from sandbox import UserError
from settings import PROJECT, StackSettings, read_file

DIRECTORY = ROOT / ".sandbox" / "boot"
"""Apart from the user's own sandbox, whose release and secrets stay what they are."""


class Stack:
    """A stack's own settings, but for what a boot has to change: the release, and how long a server waits."""

    def __init__(self, name: str, directory: Path = DIRECTORY) -> None:
        """Raises InvalidSettings if the stack's file is wrong."""
        self.name = name
        self.directory = directory
        self.home = directory / name
        self.file = ROOT / f"Pulumi.{name}.yaml"
        self.settings: StackSettings = read_file(self.file, name)

    @property
    def region(self) -> str:
        return self.settings.account.region

    def deploy(self, release: Release, patience_seconds: int) -> None:
        """Deploys the stack, or what has changed. Raises UserError if that fails."""
        content = yaml.safe_load(self.file.read_text())
        servers = content["config"][f"{PROJECT}:app_servers"]
        servers |= {"release": release.name, "release_sha256": release.sha256}
        servers |= {"boot_patience_seconds": patience_seconds}
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self.directory / self.file.name
        file.write_text(yaml.safe_dump(content))
        self._sandbox("up", "--stack", self.name, "--settings", str(file))

    def emulator(self) -> Emulator:
        """The emulator that holds the deployed stack."""
        return Emulator(self.home, self.region)

    def secret_arns(self) -> Mapping[str, str]:
        """Environment variable to the ARN of its secret, from the stack's outputs."""
        return {str(variable): str(arn) for variable, arn in self._outputs()["secrets"].items()}

    def release_bucket(self) -> str:
        return str(self._outputs()["backup_bucket"])

    def end(self) -> None:
        """Ends the sandbox's processes, and forgets the stack."""
        self._sandbox("down")

    def _outputs(self) -> Mapping[str, Any]:
        outputs: Mapping[str, Any] = json.loads((self.home / "outputs.json").read_text())
        return outputs

    def _sandbox(self, *arguments: str) -> None:
        command: Sequence[str] = [sys.executable, "-m", "sandbox", *arguments, "--directory", str(self.directory)]
        result = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if result.returncode:
            said = (result.stderr.rpartition("error: ")[2] or result.stdout).strip()
            raise UserError(f"The stack {self.name} could not be deployed for the boot: {said}")
