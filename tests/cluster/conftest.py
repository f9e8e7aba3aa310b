"""A cluster starts in a quarter of a minute, so the tests of a file share one, with the workload deployed in it."""

from collections.abc import Iterator

import pytest

from tests.cluster.workload import Workload


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workload]:
    """The workload in a cluster of its own, ended after the last test."""
    workload = Workload(tmp_path_factory.mktemp("cluster"))
    try:
        workload.deploy()
        workload.wait("the autoscaler's three pods", lambda: len(workload.pods()) == 3)
        yield workload
    finally:
        workload.end()
