"""The engine knows every option with which documents and workflows call it, in the environment that they set."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.session import engine
from sandbox.session.processes import ROOT

COMMAND = re.compile(
    r"""(?:"\$pulumi"|(?<![\w./-])pulumi)[ ](?:cancel|config|login|preview|refresh|stack|state|up)\b"""
    r"""(?:'[^'\n]*'|"[^"\n]*"|<[^>\n]*>|[^'"`|>&;#\n])*"""
)
EXPORT = re.compile(r"export (PULUMI_\w+)=(\S+)")
DEBUG = {"PULUMI_DEBUG_COMMANDS": "true"}
"""With which the engine has more options."""


@dataclass(frozen=True)
class Called:
    """One command, and the variables of the engine that are set where it runs."""

    place: str
    words: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]


def called(place: str, text: str, variables: dict[str, str]) -> Iterator[Called]:
    for match in COMMAND.finditer(text.replace("\\\n", " ")):
        words = tuple(shlex.split(match[0])[1:])
        if any(word.startswith("-") for word in words):
            yield Called(place, words, tuple(variables.items()))


def in_document(path: Path) -> Iterator[Called]:
    """In a block, an `export` counts for what follows it; in a sentence, the sentence says what is set."""
    text = path.read_text()
    blocks = re.compile(r"(?:^(?: {4}|\t).*\n)+", re.MULTILINE)
    for block in blocks.findall(text):
        yield from called(path.name, block, dict(EXPORT.findall(block)))
    for code in re.findall(r"`([^`]+)`", blocks.sub("", text)):
        yield from called(path.name, code, DEBUG)


def in_workflow(path: Path) -> Iterator[Called]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    for job in content["jobs"].values():
        for step in job.get("steps", []):
            set_here = {**content.get("env", {}), **job.get("env", {}), **step.get("env", {})}
            variables = {name: value for name, value in set_here.items() if name in DEBUG}
            yield from called(path.name, step.get("run", ""), variables)


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CALLED = sorted(
    {
        *(each for path in DOCUMENTS for each in in_document(path)),
        *(each for path in (ROOT / ".github/workflows").glob("*.yml") for each in in_workflow(path)),
    },
    key=str,
)


@pytest.mark.engine
def test_the_engine_knows_every_command() -> None:
    """With --help it reads the command line and does nothing; an option that it does not know is an error.

    It is the first option, since in a sentence the last may lack its value.
    """
    pulumi = engine.find(engine.TOOLS["pulumi"])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    refused = {}
    for each in CALLED:
        first = next(index for index, word in enumerate(each.words) if word.startswith("-"))
        done = subprocess.run(
            [pulumi, *each.words[:first], "--help", *each.words[first:]],
            env={**environment, "PULUMI_SKIP_UPDATE_CHECK": "true", **dict(each.variables)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            refused[each] = done.stderr
    assert refused == {}
    assert {each.place for each in CALLED if "--event-log" in each.words} == {
        "README.md",
        "deploy-stack.yml",
        "drift.yml",
        "preview.yml",
        "releases.md",
    }
