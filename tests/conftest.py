"""Applies to all tests: the slowest run first, marks are enforced, and under CI a skipped test is a failure."""

import gc
import os
from collections.abc import Generator
from typing import TypeVar

import hypothesis
import pytest

from tests import marks
from tests.recorder import Recording, record_stack

# On a busy machine the same example takes a millisecond or a second.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")
# While the SDKs are imported, nearly everything that is allocated stays.
gc.set_threshold(100_000, 20, 100)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the slowest tests first, so that no processor is idle at the end."""
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)


def pytest_collection_finish() -> None:
    """Takes what was imported out of garbage collection: scanning the SDKs' modules is a quarter of the tests' time."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Tells the guard of the marks which test runs."""
    marks.set_current(item)
    try:
        return (yield)
    finally:
        marks.set_current(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the skip of a test into its failure under CI."""
    report = yield
    return _failed_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turns the skip of a whole module into its failure under CI."""
    report = yield
    return _failed_if_skipped(report)


def _failed_if_skipped(report: Report) -> Report:
    expected_to_fail = hasattr(report, "wasxfail")
    if os.environ.get("CI") == "true" and report.outcome == "skipped" and not expected_to_fail:
        report.outcome = "failed"
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"Under CI a skipped test is a failure. {reason}"
    return report


@pytest.fixture(scope="session")
def production() -> Recording:
    """What the program registers for the production stack, recorded once."""
    return record_stack("production")


@pytest.fixture(scope="session")
def staging() -> Recording:
    """What the program registers for the staging stack, recorded once."""
    return record_stack("staging")


@pytest.fixture(params=["production", "staging"])
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stack(environment: str, request: pytest.FixtureRequest) -> Recording:
    """Each of the two stacks in turn."""
    recording = request.getfixturevalue(environment)
    assert isinstance(recording, Recording)
    return recording
