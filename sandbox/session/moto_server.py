"""The AWS emulator as a process, moto behind HTTP: `python -m sandbox.session.moto_server --socket N`.

It serves one request at a time. moto keeps its state in plain dictionaries and its own server answers on many threads,
so sometimes a request changes what another one iterates over, and fails with an error that AWS would never return.
Serial requests cost no time: the threads would share one interpreter anyway. N is a socket that the parent process has
bound, so that its address is known before moto is imported. When ready it prints `{"port": N, "pid": N}`.

moto lacks instance refreshes and most of CodeBuild's builds: `instance_refreshes` and `builds` add them, and
`bucket_policies` lets objects be read.

It survives a provider that is killed, so it also keeps what it has answered to the calls of a creation: it tells later
what the creation had made (see `sandbox.provider.leftovers`).
"""

import argparse
import io
import json
import os
import re
import socket
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from sandbox.provider.emulator import CREATION_HEADER, CREATIONS_PATH, IDLE_PATH, REPLAY_HEADER
from sandbox.session import bucket_policies, builds, instance_refreshes
from sandbox.session.courses import Courses

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Answer = tuple[str, list[tuple[str, str]], bytes]
"""Status, headers and body."""

CREATIONS_KEPT = 1024
"""A provider that is killed leaves at most as many unfinished creations as it has threads, 32."""

IDLE_TIMEOUT_SECONDS = 30
"""The slowest calls, those that make keys, take a tenth of a second each."""

_LOOPBACK_HOST = re.compile(r"(?:[\w.-]+\.)?(?:localhost|127\.0\.0\.1)(?::\d+)?", re.ASCII)


def local_programs_only(application: Application) -> Application:
    """The same application, closed to web pages that the user's browser shows.

    A page cannot hide its Origin, nor can a name that resolves to 127.0.0.1 (DNS rebinding) appear as a loopback name.
    """

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_ORIGIN" in environ or not _LOOPBACK_HOST.fullmatch(environ.get("HTTP_HOST", "")):
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"The sandbox serves programs on this machine only.\n"]

        def without_cors(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kept = [header for header in headers if not header[0].lower().startswith("access-control-")]
            return start_response(status, kept, *rest)

        return application(environ, without_cors)

    return guarded


def one_at_a_time(application: Application) -> Application:
    """The same application, which handles a request only when it has answered the one before.

    `IDLE_PATH` answers when nothing waits any more: the requests of a provider that was killed are still carried out.
    """
    serving = threading.Lock()
    changed = threading.Condition()
    waiting = 0

    def wait(difference: int) -> None:
        nonlocal waiting
        with changed:
            waiting += difference
            changed.notify_all()

    def serialised(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") == IDLE_PATH:
            with changed:
                changed.wait_for(lambda: not waiting, IDLE_TIMEOUT_SECONDS)
            start_response("204 No Content", [])
            return []
        wait(1)
        try:
            with serving:
                return list(application(environ, start_response))
        finally:
            wait(-1)

    return serialised


class AnsweredCreations:
    """Keeps the answers to each creation's calls, and gives them again to the provider that asks what was made.

    A replayed call that was not made before is made now: the creation is then finished, and can be deleted as a whole.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._answers: OrderedDict[str, deque[tuple[str, Answer]]] = OrderedDict()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(CREATIONS_PATH):
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(len(self._answers.get(path.removeprefix(CREATIONS_PATH), ()))).encode()]
        answers = self._answers.get(environ.get(_variable(REPLAY_HEADER), ""))
        if answers and answers[0][0] == _call(environ):
            _, (status, headers, body) = answers.popleft()
            start_response(status, headers)
            return [body]
        creation = environ.get(_variable(CREATION_HEADER))
        if creation is None:
            return self._application(environ, start_response)
        return self._record(creation, environ, start_response)

    def _record(self, creation: str, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def listen(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            told.append((status, headers))
            return start_response(status, headers, *rest)

        call = _call(environ)
        body = b"".join(self._application(environ, listen))
        status, headers = told[-1]
        self._answers.setdefault(creation, deque()).append((call, (status, headers, body)))
        while len(self._answers) > CREATIONS_KEPT:
            self._answers.popitem(last=False)
        return [body]


def _variable(header: str) -> str:
    """What WSGI calls a header."""
    return f"HTTP_{header.upper().replace('-', '_')}"


def _call(environ: dict[str, Any]) -> str:
    """Names the operation of a request in any of AWS's protocols; its parameters may contain secrets."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if not target and "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        target = parse_qs(body.decode()).get("Action", [""])[0]
    return f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')} {target}"


def main() -> None:
    """Serves until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.session.moto_server", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of a bound socket")
    parser.add_argument("--courses", type=Path, help="orders how refreshes and builds go (see `courses`)")
    arguments = parser.parse_args()
    courses = Courses(arguments.courses)
    instance_refreshes.install(courses)
    builds.install(courses)
    bucket_policies.install()
    emulator = AnsweredCreations(DomainDispatcherApplication(create_backend_app))
    application = local_programs_only(one_at_a_time(emulator))
    with socket.socket(fileno=arguments.socket) as listener:
        host, port = listener.getsockname()
        server = make_server(
            host, port, application, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno()
        )
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
