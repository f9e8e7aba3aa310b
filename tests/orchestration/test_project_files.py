"""The official CLI runs program and policies in the environment that the Makefile makes. The CLI itself is not run."""

from pathlib import Path

import yaml

from sandbox.processes import ROOT


def environment_named_by(project_file: Path) -> Path:
    options: dict[str, str] = yaml.safe_load(project_file.read_text())["runtime"]["options"]
    assert options["toolchain"] == "pip"
    return (project_file.parent / options["virtualenv"]).resolve()


def test_program_and_policies_run_in_the_environment_that_make_makes() -> None:
    made = ROOT.resolve() / ".venv"

    assert "PYTHON := .venv/bin/python" in (ROOT / "Makefile").read_text().splitlines()
    assert [environment_named_by(ROOT / name) for name in ("Pulumi.yaml", "policies/PulumiPolicy.yaml")] == [made, made]
