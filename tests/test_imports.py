"""Which part of the project imports which: the contracts in pyproject.toml, and that each of them can be broken."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = [contract["name"] for contract in CONFIGURATION["contracts"]]

SOUND = {
    "boot/stack.py": "import sandbox, settings",
    "bootstrap/access.py": "import settings",
    "components/database.py": "import components.sections.database, components.shared.identity",
    "components/sections/cache.py": "import components.shared.identity",
    "components/sections/database.py": "import components.shared.identity",
    "components/shared/identity.py": "",
    "components/cache.py": "import components.shared.identity",
    "delivery/store.py": "import bootstrap.access, components.shared.identity, settings",
    "doctor/run.py": "import bootstrap.access, components.database",
    "drill/jobs.py": "import components.shared.identity, sandbox",
    "layers/data.py": "import components.database, layers.foundation, settings",
    "layers/edge.py": "import layers.foundation",
    "layers/foundation.py": "import layers.network",
    "layers/network.py": "",
    "incidents/fire.py": "",
    "layers/operations.py": "import layers.runtime",
    "layers/options.py": "import layers.foundation",
    "layers/migration.py": "import layers.data, rollout",
    "layers/release.py": "import layers.operations, rollout",
    "layers/runtime.py": "import layers.data, layers.edge, layers.migration",
    "policies/aws.py": "import policies.engine.rule",
    "policies/engine/rule.py": "",
    "policies/rules/backups.py": "import policies.aws",
    "policies/rules/storage.py": "import policies.engine.rule",
    "replay/stack.py": "import replay.metrics",
    "replay/metrics.py": "",
    "review/plan.py": "",
    "rollout/__init__.py": "import rollout.gate",
    "rollout/gate.py": "",
    "sandbox/__init__.py": "import sandbox.session.console",
    "sandbox/cluster/api.py": "import sandbox.provider.diff",
    "sandbox/provider/diff.py": "",
    "sandbox/session/console.py": "import review.plan, sandbox.provider.diff",
    "settings/stack.py": "import components.sections.database",
    "tools/bench.py": "import policies.engine.rule, sandbox, settings",
}

FORBIDDEN = [
    ("settings/stack.py", "import layers.data", ["Layers, then settings, then components"]),
    (
        "layers/foundation.py",
        "import layers.data",
        ["Release, operations, runtime, migration, edge and data, foundation, network", "No circles"],
    ),
    ("components/cache.py", "import components.database", ["Components import only what they share"]),
    (
        "components/sections/database.py",
        "import components.database",
        ["Components import only what they share", "No circles"],
    ),
    ("components/sections/database.py", "import components.sections.cache", ["Sections are independent"]),
    ("components/database.py", "import policies.aws", ["Program imports no commands, policies, sandbox or tools"]),
    ("layers/data.py", "import tools.bench", ["Program imports no commands, policies, sandbox or tools"]),
    ("layers/data.py", "import doctor.run", ["Program imports no commands, policies, sandbox or tools"]),
    (
        "settings/stack.py",
        "import bootstrap.access",
        [
            "Program imports no commands, policies, sandbox or tools",
            "Doctor and delivery, then bootstrap, then settings",
        ],
    ),
    ("rollout/gate.py", "import settings", ["Rollout imports rollout only"]),
    (
        "rollout/gate.py",
        "import bootstrap.access",
        ["Program imports no commands, policies, sandbox or tools", "Rollout imports rollout only"],
    ),
    ("components/cache.py", "import rollout", ["Layers import rollout, as a whole"]),
    ("settings/stack.py", "import rollout.gate", ["Layers import rollout, as a whole"]),
    ("layers/data.py", "import delivery.store", ["Program imports no commands, policies, sandbox or tools"]),
    ("doctor/run.py", "import layers.data", ["Commands import no layers, policies, sandbox or tools"]),
    ("delivery/store.py", "import sandbox", ["Commands import no layers, policies, sandbox or tools"]),
    ("delivery/store.py", "import doctor.run", ["Doctor and delivery, then bootstrap, then settings"]),
    ("bootstrap/access.py", "import delivery.store", ["Doctor and delivery, then bootstrap, then settings"]),
    ("policies/aws.py", "import components.database", ["Policies import policies only"]),
    ("sandbox/provider/diff.py", "import settings", ["Sandbox imports sandbox and review only"]),
    ("review/plan.py", "import sandbox", ["Review imports review only"]),
    ("replay/stack.py", "import policies.aws", ["Replay imports replay only"]),
    ("tools/bench.py", "from sandbox import provider", ["Sandbox is imported as a whole"]),
    ("drill/jobs.py", "import settings", ["Drill imports job scripts and the sandbox only"]),
    (
        "sandbox/provider/diff.py",
        "import sandbox.session.engine",
        ["Session, then cluster, then provider", "No circles"],
    ),
    ("sandbox/cluster/api.py", "import sandbox.session.engine", ["Session, then cluster, then provider"]),
    ("policies/engine/rule.py", "import policies.aws", ["Rules, then AWS types, then engine", "No circles"]),
    ("policies/rules/backups.py", "from policies.rules.storage import RULES", ["Rule modules are independent"]),
    (
        "components/shared/identity.py",
        "from components.database import Database",
        ["Components import only what they share", "Sections are independent", "No circles"],
    ),
]
"""Module, a line added to it, and the contracts which that breaks."""


def broken_contracts(project: Path) -> list[str]:
    """The names of the contracts that a project with our pyproject.toml breaks."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=60)
    verdicts = dict(re.findall(r"^(.+) (KEPT|BROKEN)(?: \(.*\))?$", result.stdout, re.MULTILINE))
    assert list(verdicts) == CONTRACTS, result.stdout + result.stderr
    return [name for name, verdict in verdicts.items() if verdict == "BROKEN"]


def write_project(root: Path, extra: dict[str, str]) -> None:
    shutil.copy(ROOT / "pyproject.toml", root)
    modules = SOUND | {name: f"{SOUND.get(name, '')}\n{line}" for name, line in extra.items()}
    for name, text in modules.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in file.relative_to(root).parents[:-1]:
            (root / package / "__init__.py").touch()
        file.write_text(f"{text}\n")


def test_project_keeps_every_contract() -> None:
    assert broken_contracts(ROOT) == []


def test_sound_project_keeps_every_contract(tmp_path: Path) -> None:
    write_project(tmp_path, {})
    assert broken_contracts(tmp_path) == []


@pytest.mark.parametrize(("module", "line", "contracts"), FORBIDDEN)
def test_forbidden_import_is_found(tmp_path: Path, module: str, line: str, contracts: list[str]) -> None:
    write_project(tmp_path, {"sandbox/session/engine.py": "", module: line})
    assert broken_contracts(tmp_path) == contracts


def test_every_contract_has_an_import_that_breaks_it() -> None:
    assert {name for _, _, contracts in FORBIDDEN for name in contracts} == set(CONTRACTS)


def test_every_package_is_under_contract() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert packages - {"tests"} == set(CONFIGURATION["root_packages"])


def test_program_imports_layers_and_settings_only() -> None:
    """`__main__.py` is in no package, so no contract sees it."""
    imported = set()
    for node in ast.walk(ast.parse((ROOT / "__main__.py").read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported == {"layers", "pulumi", "settings"}
