"""The pack in the real engine: offline, on an exported state, as `make analyze` runs it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sandbox.session import engine
from sandbox.session.workspace import policy_environment
from tests.marks import require
from tests.policies.changes import both, hide, put
from tests.policies.exported import State
from tests.policies.platform import good_platform

pytestmark = pytest.mark.engine

POLICIES = Path(__file__).parents[2] / "policies"
WEAK = both(put("primary", "publiclyAccessible", True), put("rate-limit", "statement.rateBasedStatement.limit", 5000))
"""One change that a rule of one resource finds, and one that a joining rule finds."""


def analyze(folder: Path, state: State, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the engine from a folder that knows nothing of this repository."""
    require("engine")
    path = folder / "state.json"
    path.write_text(json.dumps(state.exported()))
    executable = engine.find(engine.PULUMI)
    command = [str(executable), "policy", "analyze", "--file", str(path), "--policy-pack", str(POLICIES), *arguments]
    environment = {**os.environ, **policy_environment(folder / "bin")}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def diagnostics(output: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [event["policyEvent"] for event in events if "policyEvent" in event]


def configuration(folder: Path, content: Any) -> list[str]:
    path = folder / "levels.json"
    path.write_text(json.dumps(content))
    return ["--policy-pack-config", str(path)]


def test_good_platform_passes(tmp_path: Path) -> None:
    result = analyze(tmp_path, good_platform())

    assert (result.returncode, "✅ fixrx-checklist@v1.0.0" in result.stdout) == (0, True)


def test_violations_end_it_with_messages_that_a_person_can_read(tmp_path: Path) -> None:
    state = good_platform()
    WEAK(state)

    result = analyze(tmp_path, state)

    assert result.returncode != 0
    lines = [line.strip() for line in result.stdout.splitlines()]
    first = lines.index("- [mandatory] [severity: critical]  rds-public-access-disabled  (aws:rds:Instance: primary)")
    assert lines[first + 1 : first + 3] == [
        "primary is publicly accessible: it has an address that the internet can connect to (RDS.2).",
        "Set publicly_accessible=False.",
    ]


def test_violations_are_in_the_events_for_machines(tmp_path: Path) -> None:
    state = good_platform()
    WEAK(state)

    result = analyze(tmp_path, state, "--json")

    assert result.returncode != 0
    assert sorted(
        (event["policyName"], event["enforcementLevel"], event["severity"], event["resourceUrn"].rpartition("::")[2])
        for event in diagnostics(result.stdout)
    ) == [
        ("rds-public-access-disabled", "mandatory", "critical", "primary"),
        ("waf-rate-limit-is-enforced", "mandatory", "high", "acl"),
    ]


def test_development_only_advises(tmp_path: Path) -> None:
    state = good_platform()
    WEAK(state)

    result = analyze(tmp_path, state, "--policy-pack-config", str(POLICIES / "levels" / "development.json"))

    assert (result.returncode, result.stdout.count("[advisory]")) == (0, 2)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (
            {"rds-public-access-disable": "advisory"},
            "there is no rule 'rds-public-access-disable' (did you mean 'rds-public-access-disabled'?)",
        ),
        (
            {"waf-rate-limit-is-enforced": {"enforcementLevel": "mandatory", "requests_per_minut": 700}},
            "waf-rate-limit-is-enforced has no setting 'requests_per_minut' (did you mean 'requests_per_minute'?)",
        ),
    ],
)
def test_misspelt_configuration_ends_it(content: Any, complaint: str, tmp_path: Path) -> None:
    result = analyze(tmp_path, good_platform(), *configuration(tmp_path, content))

    assert result.returncode != 0
    assert complaint in result.stderr


def test_setting_outside_its_range_is_refused_by_the_engine(tmp_path: Path) -> None:
    content = {"waf-rate-limit-is-enforced": {"requests_per_minute": 5}}

    result = analyze(tmp_path, good_platform(), *configuration(tmp_path, content))

    assert result.returncode != 0
    assert "waf-rate-limit-is-enforced: requests_per_minute: Must be greater than or equal to 10" in result.stderr


def test_unknown_value_is_named_and_does_not_fail(tmp_path: Path) -> None:
    state = good_platform()
    hide("template", "keyName")(state)

    result = analyze(tmp_path, state)

    assert result.returncode == 0
    assert "admin-ssh-key-pairs-are-not-used: template.keyName" in result.stdout
