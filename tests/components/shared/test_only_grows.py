"""Values that only grow: what is lower, and that neither a preview nor a deployment gets past it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from components import cache, database
from components.sections.cache import CacheSettings
from components.sections.database import DatabaseSettings
from components.shared.only_grows import OnlyGrows, inputs_of, problems
from tests.end_to_end.driver import ROOT
from tests.headings import anchors
from tests.marks import require


def value(text: str) -> OnlyGrows:
    return OnlyGrows(key="store.version", value=text, because="there is no way back")


@pytest.mark.parametrize(
    ("deployed", "wanted"),
    [("17", "16"), ("10", "9"), ("100", "20"), ("8.1", "7.2"), ("8.2", "8.1"), ("10.0", "9.9"), ("7.10", "7.9")],
)
def test_a_lower_value_is_one_sentence_with_the_setting(deployed: str, wanted: str) -> None:
    assert problems({"version": value(wanted)}, {"version": deployed}) == [
        f"fixrx:store.version: {wanted} is lower than the deployed {deployed}: there is no way back."
    ]


@pytest.mark.parametrize(
    ("deployed", "wanted"), [("17", "17"), ("16", "17"), ("9", "10"), ("20", "100"), ("7.2", "8.1"), ("7.9", "7.10")]
)
def test_the_same_or_a_higher_value_is_none(deployed: str, wanted: str) -> None:
    assert problems({"version": value(wanted)}, {"version": deployed}) == []


def test_a_value_that_the_state_lacks_is_new() -> None:
    """Of a stack that was deployed before the component stated it."""
    assert problems({"version": value("1")}, {"other": "17"}) == []


def test_each_lower_value_has_its_sentence_and_the_inputs_are_the_values() -> None:
    values = {"version": value("16"), "size": OnlyGrows(key="store.size", value="20", because="it cannot shrink")}

    assert inputs_of(values) == {"version": "16", "size": "20"}
    assert problems(values, {"version": "17", "size": "30"}) == [
        "fixrx:store.version: 16 is lower than the deployed 17: there is no way back.",
        "fixrx:store.size: 20 is lower than the deployed 30: it cannot shrink.",
    ]


def test_every_way_back_that_is_named_has_its_section() -> None:
    values = [*database.what_only_grows(DatabaseSettings()).values(), *cache.what_only_grows(CacheSettings()).values()]
    named = [re.findall(r"docs/\S+#[\w-]+", each.because) for each in values]

    assert [len(each) for each in named] == [1, 1, 1]
    assert {each for [each] in named} <= anchors("docs/upgrades.md")


class Deployment:
    """A stack with one component, deployed by the engine again and again."""

    def __init__(self, folder: Path) -> None:
        require("engine")
        self._folder = folder
        tool = [sys.executable, "-m", "sandbox", "tool", "pulumi"]
        found = subprocess.run(tool, cwd=ROOT, capture_output=True, text=True, check=True)
        self._path = f"{Path(found.stdout.strip()).parent}{os.pathsep}{os.environ['PATH']}"

    def run(self, *arguments: str) -> dict[str, Any]:
        """Deploy the values; return what the engine refused, and what is in the state then."""
        completed = subprocess.run(
            [sys.executable, "-m", "tests.components.shared.growing", str(self._folder), *arguments],
            cwd=ROOT,
            env={**os.environ, "PATH": self._path},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert completed.stdout, completed.stderr
        answer: dict[str, Any] = json.loads(completed.stdout)
        assert completed.returncode == (0 if answer["refusal"] is None else 1)
        return answer


@pytest.mark.engine
def test_the_engine_refuses_before_anything_in_the_component_is_changed(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployed = {"store": {"version": "17", "size": "30"}, "inside": {"version": "17"}}
    older = "fixrx:store.version: 16 is lower than the deployed 17: there is no way back."
    smaller = "fixrx:store.size: 20 is lower than the deployed 30: it cannot shrink."

    assert deployment.run("17", "30") == {"refusal": None, **deployed}
    for arguments, sentence in (
        (("16", "30", "--preview"), f'error: Preview failed: before hook "store-only-grows" failed: {older}\n'),
        (("16", "30"), f'error: before hook "store-only-grows" failed: {older}\n'),
        # What is higher does not make up for what is lower.
        (("18", "20"), f'error: before hook "store-only-grows" failed: {smaller}\n'),
    ):
        refused = deployment.run(*arguments)
        assert sentence in refused.pop("refusal")
        assert refused == deployed
    assert deployment.run("18", "100") == {
        "refusal": None,
        "store": {"version": "18", "size": "100"},
        "inside": {"version": "18"},
    }
