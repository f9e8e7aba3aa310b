"""The whole product as a user has it: its commands as processes, the real engine, the project's own program."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

from tests.marks import require

ROOT = Path(__file__).resolve().parent.parent.parent
COMMAND_TIMEOUT_SECONDS = 400


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a command ended and what it said."""

    status: int
    output: str
    errors: str

    @property
    def sentence(self) -> str:
        """The message of a command that failed, without the progress that precedes it."""
        return self.errors[self.errors.index("error: ") :].removeprefix("error: ").strip()


def _run(module: str, *arguments: str, **environment: str) -> Result:
    completed = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_TIMEOUT_SECONDS,
    )
    assert "Traceback" not in completed.stderr, completed.stderr
    return Result(status=completed.returncode, output=completed.stdout, errors=completed.stderr)


class Sandbox:
    """A sandbox of its own, away from the one that the user may have running."""

    def __init__(self, directory: Path, stack: str) -> None:
        require("engine")
        self.directory = directory
        self.stack = stack

    @property
    def state_file(self) -> Path:
        """Where a command leaves the state for other programs."""
        return self.directory / self.stack / "stack.json"

    def run(self, command: str, *arguments: str, **environment: str) -> Result:
        """Runs `python -m sandbox <command>` to its end."""
        where = ["--stack", self.stack, "--directory", str(self.directory)]
        return _run("sandbox", command, *where, *arguments, **environment)

    def mutants(self) -> Result:
        """Runs `python -m policies.mutation` on the deployed state."""
        return _run("policies.mutation", "--state", str(self.state_file), COLUMNS="200")

    def checklist(self, target: Path) -> dict[str, Any]:
        """Runs `python -m policies.checklist` on the deployed state, and returns the report that it writes."""
        result = _run("policies.checklist", "--state", str(self.state_file), "--json", str(target))
        assert f"Checklist of {self.stack}" in result.output
        report: dict[str, Any] = json.loads(target.read_text())
        return report

    def replay(self, series: Path) -> Result:
        """Runs `python -m replay` on the deployed state, as `make replay` does."""
        return _run("replay", "--state", str(self.state_file), "--series", str(series))

    def fire(self, alarm: str) -> Result:
        """Runs `python -m incidents fire` on the deployed state, as `make fire` does."""
        return _run("incidents", "fire", "--state", str(self.state_file), "--alarm", alarm, COLUMNS="200")

    def policy_events(self, program: Path) -> list[dict[str, str]]:
        """What the engine tells other programs of the policies that a preview of the program breaks."""
        result = _run("tests.end_to_end.policy_events", self.stack, str(self.directory), str(program))
        assert result.status == 0, result.errors
        events: list[dict[str, str]] = json.loads(result.output)
        return events

    def succeed(self, command: str, *arguments: str) -> str:
        """Runs a command that has to work, and returns what it printed."""
        result = self.run(command, *arguments)
        assert result.status == 0, result.output + result.errors
        return result.output

    def process(self, name: str) -> dict[str, Any]:
        """The record of a process that runs for the stack."""
        record: dict[str, Any] = json.loads((self.directory / self.stack / f"{name}.json").read_text())
        return record

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client of the emulator, past Pulumi and the provider."""
        url = f"http://127.0.0.1:{self.process('emulator')['port']}"
        return boto3.client(
            service, endpoint_url=url, region_name=region, aws_access_key_id="test", aws_secret_access_key="test"
        )

    def state(self) -> dict[str, dict[str, Any]]:
        """The deployed resources by logical name, as the last `up` left them."""
        state = json.loads(self.state_file.read_text())
        return {resource["urn"].rpartition("::")[2]: resource for resource in state["deployment"].get("resources", [])}

    def settings(self, target: Path, **changes: Any) -> Path:
        """A copy of the stack's settings with some sections replaced or extended, for `--settings`."""
        settings = yaml.safe_load((ROOT / f"Pulumi.{self.stack}.yaml").read_text())
        for section, change in changes.items():
            key = f"fixrx:{section}"
            present = settings["config"].get(key)
            settings["config"][key] = {**(present or {}), **change} if isinstance(change, dict) else change
        target.write_text(yaml.safe_dump(settings))
        return target


def summary(output: str) -> dict[str, int]:
    """The totals in the line at the end of a command."""
    if nothing := re.search(r"^Nothing (?:changed|would change): (\d+) resources", output, re.MULTILINE):
        return {"unchanged": int(nothing[1])}
    total = re.search(r"^(?:Plan|Done): (.*) \([\d.]+ s\)\.$", output, re.MULTILINE)
    assert total, output
    return {kind: int(count) for count, kind in (part.split() for part in total[1].split(", "))}
