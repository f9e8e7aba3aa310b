"""PM2 of a release with the rendered ecosystem file, on the Node of the servers."""

import http.client
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.host.pm2 import service
from tests.host.programs import answers, free_ports, send, send_on, wait_until
from tests.host.test_nginx import nginx

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


def test_reload_brings_a_changed_variable_and_keeps_the_ports(tmp_path: Path) -> None:
    with service(tmp_path, SECRET="before") as running:
        before = running.pids()
        assert send(running.ports[0], "/variable?name=SECRET").json() == {"value": "before"}

        running.reload(SECRET="after")

        values = [send(port, "/variable?name=SECRET").json()["value"] for port in running.ports]
        assert values == ["after"] * len(running.ports)
        found = [send(port, "/who").json() for port in running.ports]
        assert [int(each["port"]) for each in found] == list(running.ports)
        assert not {each["pid"] for each in found} & set(before)


def test_reload_brings_a_new_variable_and_leaves_one_that_is_gone(tmp_path: Path) -> None:
    """PM2 merges environments. So a secret keeps its keys, and one that must go needs a restart: docs/host.md."""
    with service(tmp_path, OLD="old") as running:
        others = {name: value for name, value in running.environment.items() if name != "OLD"}
        replace(running, environment=others).reload(NEW="new")

        for port in running.ports:
            assert send(port, "/variable?name=NEW").json() == {"value": "new"}
            assert send(port, "/variable?name=OLD").json() == {"value": "old"}


def test_no_request_of_ten_thousand_fails_during_reloads_behind_nginx(tmp_path: Path) -> None:
    """Over connections that stay open, as those of a load balancer, and each request from another client.

    Every second one is a POST, which nginx does not send a second time.
    """
    clients = itertools.count()
    statuses: list[int] = []
    failures: list[str] = []
    reloaded = threading.Event()
    (port,) = free_ports(1)
    with service(tmp_path) as running, nginx(tmp_path / "nginx", port, running.ports) as server:
        before = running.pids()

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            while not (reloaded.is_set() and len(statuses) >= 10_000):
                number = next(clients)
                client = f"198.18.{number // 250 % 256}.{number % 250}"
                try:
                    method, body = ("POST", b"x") if number % 2 else ("GET", b"")
                    headers = {"X-Forwarded-For": client}
                    statuses.append(send_on(connection, "/who", headers=headers, method=method, body=body).status)
                except (OSError, http.client.HTTPException) as error:
                    failures.append(repr(error))
                    connection.close()
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        running.reload()
        running.reload()
        reloaded.set()
        for thread in threads:
            thread.join()
        after = running.pids()

    assert not set(before) & set(after)
    assert len(statuses) >= 10_000
    assert (failures, [status for status in statuses if status != 200]) == ([], [])
