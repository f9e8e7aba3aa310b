"""Which part of the pack may import which: rules know the engine and AWS, never one another."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

POLICIES = Path(__file__).parents[2] / "policies"
OTHER_PARTS = ("components", "functions", "jobs", "layers", "sandbox", "settings", "tools")


def imports_of(path: Path) -> Iterator[str]:
    """Yield the full name of everything that a file of the pack imports, modules and what is taken from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> list[str]:
    return [name for name in imports_of(path) if name.split(".")[0] == "policies"]


def files(folder: str) -> list[Path]:
    return sorted((POLICIES / folder).glob("*.py"))


@pytest.mark.parametrize("path", [path for path in files("rules") if path.name != "__init__.py"], ids=lambda p: p.stem)
def test_rule_module_imports_engine_and_aws_only(path: Path) -> None:
    assert [name for name in own_imports(path) if not name.startswith(("policies.engine.", "policies.aws"))] == []


def test_engine_knows_neither_aws_nor_a_rule() -> None:
    imported = {name for path in files("engine") for name in own_imports(path)}

    assert [name for name in imported if not name.startswith("policies.engine.")] == []


def test_aws_knows_no_rule() -> None:
    assert [name for name in own_imports(POLICIES / "aws.py") if not name.startswith("policies.engine.")] == []


def test_pack_imports_no_other_part_of_the_program() -> None:
    imported = {name for path in POLICIES.rglob("*.py") for name in imports_of(path)}

    assert [name for name in imported if name.split(".")[0] in OTHER_PARTS] == []
