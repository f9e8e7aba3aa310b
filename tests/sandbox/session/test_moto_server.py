"""What the emulator's process adds to moto: loopback only, answers kept for creations that were cut off."""

import io
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sandbox.provider.emulator import CREATIONS_PATH, IDLE_PATH
from sandbox.session.moto_server import AnsweredCreations, Application, local_programs_only, one_at_a_time

CORS = ("Access-Control-Allow-Origin", "*")


class Counter:
    """An application that answers with the number of its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.calls += 1
        start_response("200 OK", [("Content-Type", "text/plain"), CORS])
        return [str(self.calls).encode()]


def ask(application: Application, **environ: str) -> tuple[str, str, list[tuple[str, str]]]:
    """Status, body and headers of the answer to a request."""
    told: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        told.append((status, headers))

    request = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "127.0.0.1:5000", **environ}
    body = b"".join(application({**request, "wsgi.input": io.BytesIO(b"")}, start_response))
    return told[0][0], body.decode(), told[0][1]


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost", "my-bucket.localhost:5000", "123.s3.127.0.0.1:80"])
def test_programs_on_this_machine_are_served(host: str) -> None:
    assert ask(local_programs_only(Counter()), HTTP_HOST=host)[:2] == ("200 OK", "1")


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:5000", "[::1]"])
def test_other_names_of_this_machine_are_refused(host: str) -> None:
    application = Counter()
    assert ask(local_programs_only(application), HTTP_HOST=host)[0] == "403 Forbidden"
    assert application.calls == 0


def test_web_pages_are_refused_and_invited_by_no_header() -> None:
    application = Counter()
    assert ask(local_programs_only(application), HTTP_ORIGIN="http://127.0.0.1:8000")[0] == "403 Forbidden"
    assert application.calls == 0
    assert CORS in ask(application)[2]
    assert ask(local_programs_only(application))[2] == [("Content-Type", "text/plain")]


def test_calls_of_a_creation_are_answered_again_until_they_are_used_up() -> None:
    application = Counter()
    emulator = AnsweredCreations(application)
    create, tag = {"HTTP_X_AMZ_TARGET": "Create"}, {"HTTP_X_AMZ_TARGET": "Tag"}
    assert [ask(emulator, HTTP_X_SANDBOX_CREATION="7", **call)[1] for call in (create, tag)] == ["1", "2"]
    assert [ask(emulator, HTTP_X_SANDBOX_REPLAY="7", **call)[1] for call in (create, tag)] == ["1", "2"]
    assert ask(emulator, HTTP_X_SANDBOX_REPLAY="7", HTTP_X_AMZ_TARGET="Enable")[1] == "3"
    assert application.calls == 3


def test_creation_that_made_no_call_is_told_from_one_that_did() -> None:
    emulator = AnsweredCreations(Counter())
    ask(emulator, HTTP_X_SANDBOX_CREATION="7")
    assert [ask(emulator, PATH_INFO=f"{CREATIONS_PATH}{number}")[1] for number in (7, 8)] == ["1", "0"]


def test_emulator_is_idle_when_nothing_waits() -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        entered.set()
        release.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    emulator = one_at_a_time(slow)
    order: list[str] = []
    threads = [
        threading.Thread(target=lambda: order.append(ask(emulator)[1])),
        threading.Thread(target=lambda: order.append(ask(emulator, PATH_INFO=IDLE_PATH)[0])),
    ]
    threads[0].start()
    assert entered.wait(10)
    threads[1].start()
    threads[1].join(0.2)
    assert order == []
    release.set()
    for thread in threads:
        thread.join(10)
    assert order == ["done", "204 No Content"]
