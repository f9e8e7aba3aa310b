"""nginx with the rendered file, in front of the API of the tests.

127.0.0.1 stands for the load balancer, as the only address in the VPC; each client is another X-Forwarded-For.
"""

import contextlib
import getpass
import itertools
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.edge.paths import REACHES
from tests.host.configuration import HOST, file_of
from tests.host.programs import Answer, answers, free_ports, placed, program, running, send, wait_until, worker

pytestmark = pytest.mark.host

SECURITY = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
THE_APPS_OWN = json.dumps(dict.fromkeys(SECURITY, "of-the-application"))
CLIENTS = (f"198.51.{number // 250}.{number % 250}" for number in itertools.count())
"""Each address once, so that no test uses up another's requests."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running nginx."""

    port: int
    workers: Sequence[int]
    directory: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str, client: str = "", **more: str) -> Answer:
        return send(self.port, path, headers={"X-Forwarded-For": client or next(CLIENTS), **more})

    def log(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.directory / "access.log").read_text().splitlines()]

    def children(self) -> set[str]:
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())


@contextlib.contextmanager
def nginx(directory: Path, port: int, workers: Sequence[int]) -> Iterator[Server]:
    directory.mkdir(exist_ok=True)
    text = file_of("/etc/nginx/nginx.conf", replace(HOST, vpc_cidr="127.0.0.1/32")).text
    replacements = {
        "user nginx;": f"user {getpass.getuser()};",
        "/var/log/nginx/": f"{directory}/",
        "/run/nginx.pid": f"{directory}/nginx.pid",
        "listen 80 ": f"listen {port} ",
        **{f"127.0.0.1:{old} ": f"127.0.0.1:{new} " for old, new in zip(HOST.worker_ports, workers, strict=True)},
    }
    file = directory / "nginx.conf"
    file.write_text(placed(text, replacements))
    command = [program("nginx"), "-p", str(directory), "-e", str(directory / "early.log"), "-c", str(file)]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=30)
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr
    with running([*command, "-g", "daemon off;"], environment=os.environ, directory=directory) as process:
        wait_until(lambda: answers(port), "nginx listens")
        yield Server(port=port, workers=workers, directory=directory, process=process)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    first, second, port = free_ports(3)
    with worker(first, tmp_path / "1"), worker(second, tmp_path / "2"), nginx(tmp_path, port, [first, second]) as it:
        yield it


def assert_safe(answer: Answer) -> None:
    assert {name: answer.all(name) for name in SECURITY} == {name: [value] for name, value in SECURITY.items()}


@pytest.mark.parametrize("code", [200, 404, 500])
def test_each_security_header_comes_once_although_the_application_sends_it_too(server: Server, code: int) -> None:
    answer = server.get(f"/status?code={code}&headers={THE_APPS_OWN.replace(' ', '')}")

    assert answer.status == code
    assert_safe(answer)
    assert answer.all("Retry-After") == []


def test_refused_request_has_the_headers_and_says_when_to_come_back(server: Server) -> None:
    client = next(CLIENTS)
    refused = [answer for answer in (server.get("/who", client) for _ in range(60)) if answer.status != 200]

    assert refused
    for answer in refused:
        assert (answer.status, answer.all("Retry-After")) == (429, ["1"])
        assert_safe(answer)


def test_retry_after_of_the_application_is_kept(server: Server) -> None:
    for code in (429, 503):
        answer = server.get(f'/status?code={code}&headers={{"retry-after":"30"}}')

        assert (answer.status, answer.all("Retry-After")) == (code, ["30"])


def test_answer_without_workers_has_the_headers(tmp_path: Path) -> None:
    first, second, port = free_ports(3)
    with nginx(tmp_path, port, [first, second]) as server:
        answer = server.get("/who")

    assert (answer.status, answer.all("Retry-After")) == (502, [])
    assert_safe(answer)


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/METRICS", "//metrics", "/x/../metrics", "/%6detrics?a=b"])
def test_metrics_are_not_for_the_world(server: Server, path: str) -> None:
    answer = server.get(path)

    assert (answer.status, b"inner" in answer.body) == (404, False)
    assert_safe(answer)


@pytest.mark.parametrize(("path", "reaches"), REACHES.items())
def test_a_path_reaches_the_application_as_behind_the_load_balancer(
    server: Server, path: str, reaches: str | None
) -> None:
    answer = server.get(path)

    assert answer.all("X-Reached") == ([] if reaches is None else [reaches])
    assert reaches is not None or answer.status == 404
    assert_safe(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/API/v1/System/Metrics?a=b",
        "/api/v1/system/%6detrics",
        "/api//v1/system/metrics",
        "/api/v1/system/x/../metrics",
        "/api/v1/system/database/%73tatus",
    ],
)
def test_operational_endpoints_are_not_for_the_world_however_they_are_written(server: Server, path: str) -> None:
    answer = server.get(path)

    assert (answer.status, answer.all("X-Reached")) == (404, [])
    assert_safe(answer)


def test_health_leads_to_the_health_of_the_application_and_is_not_logged(server: Server) -> None:
    assert server.get("/health").json() == {"healthy": True}
    assert server.get("/api/v1/system/ready").json() == {"ready": True}
    assert server.get("/who?secret=x").status == 200
    wait_until(server.log, "line in the access log")

    assert [(line["path"], line["status"]) for line in server.log()] == [("/who", 200)]


def test_client_gets_ten_a_second_and_twenty_at_once_and_another_is_unaffected(server: Server) -> None:
    busy, calm = next(CLIENTS), next(CLIENTS)
    statuses: list[int] = []
    end = threading.Event()

    def hurry() -> None:
        while not end.is_set():
            statuses.append(server.get("/who", busy).status)
            time.sleep(0.01)

    thread = threading.Thread(target=hurry)
    start = time.monotonic()
    thread.start()
    others = []
    while time.monotonic() - start < 10:
        others.append(server.get("/who", calm).status)
        time.sleep(0.2)
    end.set()
    thread.join()
    seconds = time.monotonic() - start

    assert set(others) == {200}
    assert set(statuses) == {200, 429}
    # The first one, the burst, and then one for each tenth of a second.
    assert statuses.count(200) == pytest.approx(1 + 20 + 10 * seconds, rel=0.05)


@pytest.mark.parametrize("several", [True, False], ids=["header twice", "one header"])
def test_invented_address_before_the_real_one_does_not_escape_the_limit(server: Server, several: bool) -> None:
    real = next(CLIENTS)

    def headers(number: int) -> list[tuple[str, str]]:
        invented = f"203.0.113.{number}"
        if several:
            return [("X-Forwarded-For", invented), ("X-Forwarded-For", real)]
        return [("X-Forwarded-For", f"{invented}, {real}")]

    seen = [send(server.port, "/request", headers=headers(number)) for number in range(100)]

    assert {answer.status for answer in seen} == {200, 429}
    for answer in seen:
        if answer.status == 200:
            assert answer.json()["headers"]["x-forwarded-for"] == real
            assert answer.json()["headers"]["x-real-ip"] == real


def test_address_from_outside_the_vpc_is_not_asked_who_it_is(server: Server) -> None:
    answer = send(server.port, "/request", headers={"X-Forwarded-For": "203.0.113.1"}, source="127.0.0.2")

    assert answer.json()["headers"]["x-forwarded-for"] == "127.0.0.2"


def test_other_protocols_than_websockets_are_not_passed_on(server: Server) -> None:
    headers = server.get("/request", Upgrade="h2c", Connection="Upgrade").json()["headers"]

    assert "upgrade" not in headers
    assert headers.get("connection") != "upgrade"


def test_dead_worker_is_left_out_after_three_failures_and_no_client_notices(tmp_path: Path) -> None:
    dead, alive, port = free_ports(3)
    with worker(alive, tmp_path / "1"), nginx(tmp_path, port, [dead, alive]) as server:
        statuses = [server.get("/who").status for _ in range(100)]
        wait_until(lambda: len(server.log()) == 100, "all lines in the access log")
        tried = [line for line in server.log() if f"127.0.0.1:{dead}" in str(line["worker"])]

    assert statuses == [200] * 100
    assert len(tried) == 3


def test_hundred_websockets_survive_a_reload(server: Server) -> None:
    with contextlib.ExitStack() as stack:
        websockets = [stack.enter_context(open_websocket(server.port)) for _ in range(100)]
        assert [echo(each, "before") for each in websockets] == ["before"] * 100
        before = server.children()

        server.process.send_signal(1)  # What `nginx -s reload` sends.
        wait_until(lambda: len(server.children() - before) >= len(os.sched_getaffinity(0)), "new processes of nginx")

        assert [echo(each, "after") for each in websockets] == ["after"] * 100
        assert echo(stack.enter_context(open_websocket(server.port)), "new") == "new"


def open_websocket(port: int) -> ClientConnection:
    client = {"X-Forwarded-For": next(CLIENTS)}
    return connect(f"ws://127.0.0.1:{port}/", additional_headers=client, proxy=None)


def echo(websocket: ClientConnection, text: str) -> str | bytes:
    """Send a text, and return what comes back."""
    websocket.send(text)
    return websocket.recv(30)
