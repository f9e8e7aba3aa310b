"""What holds for all tests: which come first, and that under CI none is skipped, as it would prove nothing."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts what takes longest first, so that no processor waits for it at the end."""
    items.sort(key=lambda item: "end_to_end" not in item.path.parts)


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
