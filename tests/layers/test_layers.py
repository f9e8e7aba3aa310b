"""The shape of the program: what may stand where, and how long it may be."""

import ast
from collections.abc import Sequence
from pathlib import Path

import pulumi
import pytest

from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.runtime import ApiRuntime
from tests.recorder import REPOSITORY, record

LAYERS = sorted((REPOSITORY / "layers").glob("*.py"))
# What is in files/ is no part of the program: it runs on a server.
COMPONENTS = sorted(
    path
    for path in (REPOSITORY / "components").rglob("*.py")
    if REPOSITORY / "components" / "files" not in path.parents
)
OUTSIDE_WORLD = {"boto3", "os", "requests", "socket", "subprocess"}
STACK_LOOK_UPS = {"Config", "get_stack", "StackReference", "get_organization"}


def imported(path: Path) -> set[str]:
    """Return the first part of every module that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found


def attributes(path: Path) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}


def test_main_reads_like_the_picture() -> None:
    """`tests/test_imports.py` asserts what it imports."""
    assert len((REPOSITORY / "__main__.py").read_text().splitlines()) <= 41


@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.stem)
def test_layer_is_short_and_declares_no_resource(layer: Path) -> None:
    assert len(layer.read_text().splitlines()) <= 100
    assert imported(layer) <= {"components", "dataclasses", "functools", "layers", "pulumi", "rollout", "settings"}


@pytest.mark.parametrize("layer", LAYERS, ids=lambda path: path.stem)
def test_layer_has_no_logic(layer: Path) -> None:
    decisions = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.Match, ast.Lambda)

    assert [node.lineno for node in ast.walk(ast.parse(layer.read_text())) if isinstance(node, decisions)] == []


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda path: path.stem)
def test_component_does_not_know_its_stack(component: Path) -> None:
    """What differs between stacks arrives as settings; a look-up would make the plan depend on the account."""
    assert imported(component) & OUTSIDE_WORLD == set()
    assert attributes(component) & STACK_LOOK_UPS == set()


class Pods:
    """A second runtime, with nothing in common with the app servers but the protocol."""

    def __init__(self) -> None:
        self.name: pulumi.Output[str] = pulumi.Output.from_input("pods")
        self.alarms: Sequence[AlarmSpecification] = [
            AlarmSpecification(
                name="PodsUnavailable",
                summary="No pod is ready",
                severity=Severity.P1,
                measure=Metric(namespace="Pods", metric_name="Ready", dimensions={}, statistic="Minimum"),
                threshold=1,
                unit="pods",
                section=DashboardSection.SERVICE,
                period_seconds=60,
                evaluation_periods=2,
            )
        ]


def test_another_runtime_needs_no_more_than_the_protocol() -> None:
    """mypy checks the assignment: it fails if the protocol asks for more than a name and alarms."""
    found: list[str] = []

    def program() -> None:
        runtime: ApiRuntime = Pods()
        pulumi.export("name", runtime.name)
        found.extend(alarm.name for alarm in runtime.alarms)

    assert record(program).stack_outputs == {"name": "pods"}
    assert found == ["PodsUnavailable"]
