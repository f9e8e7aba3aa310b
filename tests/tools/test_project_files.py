"""Files that have to agree with each other: the project's, the policy pack's, the Makefile, the README.

The official CLI runs program and policies in the environment that the Makefile makes. The CLI itself is not run here.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from policies.rules import ALL_RULES
from sandbox.session.processes import ROOT


def environment_named_by(project_file: Path) -> Path:
    options: dict[str, str] = yaml.safe_load(project_file.read_text())["runtime"]["options"]
    assert options["toolchain"] == "pip"
    return (project_file.parent / options["virtualenv"]).resolve()


def test_program_and_policies_run_in_the_environment_that_make_makes() -> None:
    made = ROOT.resolve() / ".venv"

    assert "PYTHON := .venv/bin/python" in (ROOT / "Makefile").read_text().splitlines()
    assert [environment_named_by(ROOT / name) for name in ("Pulumi.yaml", "policies/PulumiPolicy.yaml")] == [made, made]


def test_the_official_cli_finds_pip_in_the_environment() -> None:
    """Its language host asks pip which packages there are, to know which providers the program needs."""
    listing = subprocess.run([sys.executable, "-m", "pip", "list"], capture_output=True, text=True, check=True).stdout

    assert {"pulumi", "pulumi-aws", "pulumi-random"} <= {
        line.split()[0].replace("_", "-") for line in listing.splitlines()
    }


def test_the_readme_counts_the_rules() -> None:
    counted = re.findall(r"CrossGuard pack of (\d+) rules", (ROOT / "README.md").read_text())

    assert counted == [str(len(ALL_RULES))]


@pytest.mark.parametrize("target", ["up", "preview", "refresh", "destroy"])
def test_the_name_of_a_stack_is_not_run_by_the_shell(target: str) -> None:
    """`echo` stands for the sandbox and prints the arguments that it receives."""
    stack = "x; echo $(echo run) 'y\" #"
    command = ["make", "--silent", target, f"STACK={stack}".replace("$", "$$"), "SANDBOX=echo"]
    # The make that runs the tests passes its own variables on.
    environment = {
        key: value for key, value in os.environ.items() if key not in ("ARGUMENTS", "MAKEFLAGS", "MAKELEVEL")
    }

    output = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout

    assert output == f"{target} --stack {stack}\n"


@pytest.mark.parametrize("target", ["down", "status"])
def test_nothing_is_installed_to_end_nothing(target: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)

    answer = subprocess.run(
        ["make", "--no-print-directory", target], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert (answer.stdout, answer.stderr) == ("Nothing runs.\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]


def test_a_disk_with_too_little_space_is_told_before_anything_is_installed(tmp_path: Path) -> None:
    """`df` is replaced by one that reports 1023 MiB."""
    fake = tmp_path / "bin" / "df"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho Filesystem\necho /dev/disk 9999999 0 1047552 90% /\n")
    fake.chmod(0o755)

    answer = subprocess.run(
        ["sh", str(ROOT / "tools" / "environment.sh")],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    assert answer.stderr == (
        "error: the Python packages need 1024 MiB, and the disk has 1023 MiB left: free some space (see `df -h .`).\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
