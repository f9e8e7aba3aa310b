"""PM2 of a release with the rendered ecosystem file, on the Node of the servers."""

import http.client
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.host.pm2 import service
from tests.host.programs import answers, send, wait_until

pytestmark = pytest.mark.host


def test_each_worker_has_its_port_and_the_node_of_the_servers(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        found = [send(port, "/who").json() for port in running.ports]

    assert len(found) == os.cpu_count()
    assert [int(each["port"]) for each in found] == list(running.ports)
    assert len({each["pid"] for each in found}) == len(found)
    assert {each["node"].split(".")[0] for each in found} == {"v24"}


def test_stop_lets_a_running_request_finish(tmp_path: Path) -> None:
    """4 s is longer than the 1.6 s that PM2 gives a worker by itself."""
    with service(tmp_path) as running, ThreadPoolExecutor() as pool:
        slow = [pool.submit(send, port, "/slow?ms=4000") for port in running.ports]
        threading.Event().wait(0.5)
        running.process.terminate()

        assert [answer.result().json() for answer in slow] == [{"finished": True}] * len(slow)
        assert running.process.wait(20) == 0
        assert not any(map(answers, running.ports))


def test_worker_that_leaks_is_restarted_and_the_others_are_not(tmp_path: Path) -> None:
    """The limit is 300 MB here instead of 1 GB, and PM2 looks every second instead of every 30."""
    limit = {"max_memory_restart: '1G'": "max_memory_restart: '300M'"}
    with service(tmp_path, limit, PM2_WORKER_INTERVAL="1000") as running:
        before = running.pids()
        for _ in range(4):
            send(running.ports[0], "/leak?mib=25")
        # Busy, not leaking: below the limit.
        threading.Event().wait(4)
        assert running.pids() == before

        for _ in range(8):
            send(running.ports[0], "/leak?mib=25")

        def restarted() -> bool:
            try:
                return running.pids()[0] != before[0]
            except (OSError, http.client.HTTPException):
                return False

        wait_until(restarted, "restart of the worker that leaks")
        assert running.pids()[1:] == before[1:]
