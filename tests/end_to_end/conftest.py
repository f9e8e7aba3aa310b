"""Deploying takes tens of seconds, so the tests of a group share one deployed stack; each leaves it as it found it."""

import shutil
from collections.abc import Iterator

import pytest

from tests.end_to_end.driver import Sandbox


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox for the production stack, ended after the last test."""
    yield from _sandbox(tmp_path_factory, "production")


@pytest.fixture(scope="session")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox for the staging stack, ended after the last test."""
    yield from _sandbox(tmp_path_factory, "staging")


def _sandbox(factory: pytest.TempPathFactory, stack: str) -> Iterator[Sandbox]:
    directory = factory.mktemp(stack)
    sandbox = Sandbox(directory, stack)
    yield sandbox
    sandbox.run("down")
    shutil.rmtree(directory)
