"""The type check of `make check` knows the resources of AWS: what they take and what they have.

It says nothing about required arguments: in pulumi_aws every argument of a resource is optional.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """\
import pulumi_aws as aws

database = aws.rds.Instance("database", deletion_protection=True)
target_group = aws.lb.TargetGroup("api", name=database.endpoint, health_check={"path": "/health"})

aws.rds.Instance("misspelt-argument", enable_deletion_protecton=True)
misspelt_output = database.endpoitn
aws.lb.TargetGroup("misspelt-key", health_check={"pth": "/health"})
aws.rds.Instance("wrong-type", backup_retention_period="seven")
"""


def findings(project: Path, *files: Path) -> list[str]:
    """What `ty check` finds in a project or some files of it, as `file:line: rule`."""
    command = [sys.executable, "-m", "ty", "check", "--no-progress", "--output-format", "concise", "--python"]
    result = subprocess.run(
        [*command, sys.prefix, *map(str, files)], cwd=project, capture_output=True, text=True, check=False, timeout=60
    )
    found = re.findall(r"^(.+?:\d+):\d+: (?:error|warning)\[([a-z-]+)]", result.stdout, re.MULTILINE)
    total = re.search(r"^Found (\d+) diagnostic", result.stdout, re.MULTILINE)
    # A finding that this test cannot read, or a checker that did not run, is not a clean result.
    assert total is not None and int(total[1]) == len(found), result.stdout + result.stderr
    assert result.returncode == 1
    return [f"{Path(place).name}: {rule}" for place, rule in found]


def test_mistakes_in_resources_are_refused(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    assert findings(ROOT, program) == [
        "program.py:6: no-matching-overload",
        "program.py:7: missing-attribute",
        "program.py:8: invalid-argument-type",
        "program.py:8: unknown-typed-dict-constructor-key",
        "program.py:9: invalid-argument-type",
    ]


def test_every_folder_of_the_program_is_checked(tmp_path: Path) -> None:
    """Also one that does not exist yet; only the folders that pyproject.toml names are left to mypy."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    checked = ["__main__.py", "components/database.py", "layers/data.py", "settings/stack.py", "new/thing.py"]
    excluded = ["policies/pack.py", "sandbox/model.py", "tests/test_pack.py", "tools/lock.py"]
    for name in checked + excluded:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("number: int = 'text'\n")
    assert sorted(findings(tmp_path)) == sorted(f"{Path(name).name}:1: invalid-assignment" for name in checked)
