"""The probe of the watchman against real TLS servers, one of which speaks the websocket protocol."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3
import pytest
import trustme
from websockets.sync.server import Server, ServerConnection, serve

from components.files.functions.watchman import handler, probe

HOST = "localhost"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_of(authority: trustme.CA, name: str = HOST) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture(autouse=True)
def trusted(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client trusts this authority in place of those of the system."""

    def context() -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(made)
        return made

    monkeypatch.setattr(ssl, "create_default_context", context)
    monkeypatch.setattr(probe, "TIMEOUT_SECONDS", 0.5)


@contextmanager
def websocket_server(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[tuple[str, int | None]]]:
    """Yield path and close code of each websocket that was opened."""
    opened: list[tuple[str, int | None]] = []

    def follow(connection: ServerConnection) -> None:
        for _ in connection:
            """Nothing is said."""
        assert connection.request is not None
        opened.append((connection.request.path, connection.close_code))

    server: Server = serve(follow, "127.0.0.1", 0, ssl=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(probe, "PORT", server.socket.getsockname()[1])
    try:
        yield opened
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def raw_server(
    context: ssl.SSLContext | None, answer: Callable[[bytes], bytes | None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[bytes]]:
    """Answer one request with these bytes; None leaves the client waiting."""
    requests: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    released = threading.Event()

    def follow() -> None:
        connection, _ = listener.accept()
        with (
            suppress(OSError),
            connection,
            context.wrap_socket(connection, server_side=True) if context else connection as peer,
        ):
            requests.append(peer.recv(4096))
            found = answer(requests[0])
            if found is None:
                released.wait(5)
            else:
                peer.sendall(found)
                peer.recv(4096)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    monkeypatch.setattr(probe, "PORT", listener.getsockname()[1])
    try:
        yield requests
    finally:
        released.set()
        thread.join()
        listener.close()


def watched(status: int = 101, path: str = "/socket?a=b", health_check: str = "") -> dict[str, Any]:
    return {"api": {"host": HOST, "path": path, "status": status}, "health_check": health_check}


def test_websocket_that_opens_is_a_success_and_is_closed(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with websocket_server(tls_of(authority), monkeypatch) as opened:
        assert probe.probe(watched()) == {"websocket": 1.0}

    # 1005: closed in order, without a code.
    assert opened == [("/socket?a=b", 1005)]


def test_request_is_that_of_a_client(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the protocol's own example would be accepted with s3pPLMBiTxaQ9kYGzzhZRbK+xOo=."""
    monkeypatch.setattr(os, "urandom", lambda count: b"the sample nonce"[:count])
    accepted = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    with raw_server(tls_of(authority), lambda _: accepted, monkeypatch) as requests:
        assert probe.probe(watched()) == {"websocket": 1.0}

    lines = requests[0].decode().split("\r\n")
    assert lines[:2] == ["GET /socket?a=b HTTP/1.1", "Host: localhost"]
    assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" in lines
    assert {"Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"} <= set(lines)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.0\r\n",
        b"",
        None,
    ],
)
def test_every_other_answer_is_a_failure(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    with raw_server(tls_of(authority), lambda _: answer, monkeypatch):
        assert probe.probe(watched()) == {"websocket": 0.0}


def test_certificate_of_another_name_is_a_failure(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    with websocket_server(tls_of(authority, "www.fixrx.com"), monkeypatch) as opened:
        assert probe.probe(watched()) == {"websocket": 0.0}

    assert opened == []


def test_certificate_that_nobody_trusts_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with websocket_server(tls_of(trustme.CA()), monkeypatch) as opened:
        assert probe.probe(watched()) == {"websocket": 0.0}

    assert opened == []


def test_server_without_tls_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(None, lambda _: b"HTTP/1.1 101 Switching Protocols\r\n\r\n", monkeypatch):
        assert probe.probe(watched()) == {"websocket": 0.0}


def test_nobody_listens_is_a_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setattr(probe, "PORT", free.getsockname()[1])
    assert probe.probe(watched()) == {"websocket": 0.0}

    assert '"event": "no websocket", "host": "localhost", "reason": "ConnectionRefusedError' in capsys.readouterr().out


def test_name_that_is_not_found_is_a_failure() -> None:
    there_is_none = {**watched(), "api": {"host": "api.fixrx.invalid", "path": "/", "status": 101}}

    assert probe.probe(there_is_none) == {"websocket": 0.0}


@pytest.mark.parametrize(("status", "found"), [(503, 1.0), (101, 0.0)])
def test_in_maintenance_the_notice_is_the_right_answer(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch, status: int, found: float
) -> None:
    notice = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1800\r\nContent-Length: 2\r\n\r\nno"
    with raw_server(tls_of(authority), lambda _: notice, monkeypatch):
        assert probe.probe(watched(status)) == {"websocket": found}


class Route53:
    def __init__(self, statuses: list[str]) -> None:
        self._statuses = statuses

    def get_health_check_status(self, HealthCheckId: str) -> dict[str, Any]:
        assert HealthCheckId == "0a1b"
        return {"HealthCheckObservations": [{"StatusReport": {"Status": status}} for status in self._statuses]}


SUCCESS, FAILURE = "Success: HTTP Status Code 200, OK", "Failure: HTTP Status Code 503"


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ([SUCCESS] * 9, 1.0),
        ([SUCCESS] * 2 + [FAILURE] * 7, 1.0),
        ([SUCCESS] + [FAILURE] * 8, 0.0),
        ([FAILURE] * 9, 0.0),
        ([], 0.0),
    ],
)
def test_what_route_53_sees_is_brought_over(monkeypatch: pytest.MonkeyPatch, statuses: list[str], found: float) -> None:
    monkeypatch.setattr(probe, "_answer", lambda *_: 101)
    monkeypatch.setattr(boto3, "client", lambda service: {"route53": Route53(statuses)}[service])

    assert probe.probe(watched(health_check="0a1b")) == {"websocket": 1.0, "reached": found}


def test_handler_publishes_what_the_probe_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[dict[str, Any]] = []

    class CloudWatch:
        def put_metric_data(self, **data: Any) -> None:
            published.append(data)

    monkeypatch.setenv("WATCHED", "{}")
    monkeypatch.setenv("METRIC_NAMESPACE", "fixrx-production")
    monkeypatch.setattr(handler, "probe", lambda _: {"websocket": 0.0})
    monkeypatch.setattr(boto3, "client", lambda service: {"cloudwatch": CloudWatch()}[service])

    assert handler.handle({"task": "probe"}, None) == {"websocket": 0.0}
    (data,) = published
    assert data == {
        "Namespace": "fixrx-production",
        "MetricData": [{"MetricName": "Probe", "Dimensions": [{"Name": "Check", "Value": "websocket"}], "Value": 0.0}],
    }
