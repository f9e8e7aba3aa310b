"""What is deployed: a stack's settings, the program and the policies."""

import importlib
import runpy
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.session.console import UserError
from sandbox.session.processes import ROOT, Account
from sandbox.session.stack_file import read_yaml

PROJECT_NAME = "fixrx"


@dataclass(frozen=True, kw_only=True)
class Source:
    """The stack's settings, the program and the policies."""

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
        config = self.configuration()
        account = config.get(f"{PROJECT_NAME}:account")
        if not isinstance(account, dict) or not account.get("id"):
            raise UserError(
                f"{self.settings} does not say which AWS account the stack lives in: "
                f'add `{PROJECT_NAME}:account: {{id: "111122223333", region: us-east-1}}`.'
            )
        return Account(id=str(account["id"]), region=str(account.get("region", "us-east-1")))

    def configuration(self) -> dict[str, Any]:
        """What the stack's file configures."""
        config = read_yaml(self.settings).get("config")
        return config if isinstance(config, dict) else {}

    @property
    def runs_kubernetes(self) -> bool:
        """Whether the settings ask for the Kubernetes runtime."""
        return self.configuration().get(f"{PROJECT_NAME}:runtime") in ("kubernetes", "both")

    def check_settings(self) -> None:
        """Checks the settings in a fraction of a second, before anything starts. Raises UserError with every problem.

        Only the project's own program says what its settings have to be.
        """
        if self.program != type(self).program:
            return
        command = [sys.executable, "-m", "settings", str(self.settings.absolute()), "--stack", self.stack]
        checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if checked.returncode:
            raise UserError(checked.stderr.strip())

    def warm_up(self) -> None:
        """Imports the AWS SDK, seconds of work, while the engine starts. What fails here fails again when it runs."""
        if str(ROOT) not in sys.path:
            sys.path.insert(0, str(ROOT))

        threading.Thread(target=_import_program, daemon=True).start()

    def await_warm(self) -> None:
        """Waits until `warm_up` is done: two threads in an SDK that imports itself lazily meet half-made modules."""
        _import_program()

    def run(self) -> None:
        """Runs the program, as the engine's language host would."""
        self.await_warm()
        runpy.run_path(str(self.program), run_name="__main__")


def _import_program() -> None:
    with suppress(Exception):
        importlib.import_module("layers")
