"""What is deployed: a stack's settings, the program and the policies."""

import importlib
import runpy
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox.session.console import UserError
from sandbox.session.processes import ROOT, Account

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
        config = read_yaml(self.settings).get("config") or {}
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


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a file; raises UserError if it is not YAML."""
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise UserError(f"{path} cannot be read, because it is not valid YAML: {error}") from None
    return content if isinstance(content, dict) else {}


def _import_components() -> None:
    with suppress(Exception):
        importlib.import_module("components")
