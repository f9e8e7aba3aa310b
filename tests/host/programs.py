"""The real programs of a server, for tests: found on PATH or installed by npm, started on free ports, ended for sure.

A server's file is used as it is rendered. What cannot be the same on this machine, ports and paths, is replaced by
`placed` and nowhere else.
"""

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import marks

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).parent / "node"
CACHE = ROOT / ".host"
"""Ignored by git. npm fills it once for each lock file."""
SECONDS_TO_START = 60
"""For a program on a busy machine."""


def program(name: str) -> str:
    """Return the path of a program. The test is skipped without it, which is a failure under CI."""
    marks.require("host")
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def placed(text: str, replacements: Mapping[str, str]) -> str:
    """Return the text with other ports and paths. Raises ValueError for one that is not in it, or no longer."""
    for old, new in replacements.items():
        if old not in text:
            raise ValueError(f"{old!r} is not in the file")
        text = text.replace(old, new)
    return text


def free_ports(number: int) -> Sequence[int]:
    """Return ports that follow one another, all free a moment ago."""
    for _ in range(100):
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(_bound(0)).getsockname()[1]
            try:
                for port in range(first + 1, first + number):
                    stack.enter_context(_bound(port))
            except (OSError, OverflowError):
                continue
            return range(first, first + number)
    raise OSError(f"no {number} free ports in a row")


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


def wait_until(condition: Callable[[], object], what: str, seconds: float = SECONDS_TO_START) -> None:
    """Wait until something is true. Raises TimeoutError with what was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.05)


def node_modules() -> Path:
    """Return the folder with PM2, the websockets and the Node of the servers, installed by npm as it is locked."""
    npm = program("npm")
    lock = NODE / "package-lock.json"
    home = CACHE / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(NODE / name, home)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=home, check=True, timeout=200, stdin=subprocess.DEVNULL)
            (home / "complete").touch()
    return home / "node_modules"


def node_environment(modules: Path) -> dict[str, str]:
    """Return an environment in which `node` is the Node of the servers."""
    (node,) = modules.glob("node-linux-*/bin/node")
    return {"PATH": f"{node.parent}:{os.environ['PATH']}", "HOME": str(modules.parent)}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a request brought back."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def all(self, header: str) -> list[str]:
        """Return the values of every header with this name."""
        return [value for name, value in self.headers if name.lower() == header.lower()]


def send(
    port: int,
    path: str = "/",
    *,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    method: str = "GET",
    source: str = "127.0.0.1",
    body: bytes = b"",
) -> Answer:
    """Send one request on its own connection from an address of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
    with contextlib.closing(connection):
        return send_on(connection, path, headers=headers, method=method, body=body)


def send_on(
    connection: http.client.HTTPConnection,
    path: str,
    *,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    method: str = "GET",
    body: bytes = b"",
) -> Answer:
    """Send one request on a connection that may stay open. A header may come several times."""
    connection.putrequest(method, path)
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    response = connection.getresponse()
    return Answer(status=response.status, headers=response.getheaders(), body=response.read())


def answers(port: int) -> bool:
    """Return whether something listens."""
    with socket.socket() as asking:
        asking.settimeout(5)
        return asking.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(
    command: Sequence[str], *, environment: Mapping[str, str], directory: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own, which is gone afterwards whatever happens."""
    with (directory / "output").open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def worker(port: int, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the API of the tests alone, without PM2."""
    modules = node_modules()
    environment = {**node_environment(modules), "PORT": str(port), "NODE_PATH": str(modules)}
    directory.mkdir(exist_ok=True)
    with running(["node", str(NODE / "server.js")], environment=environment, directory=directory) as process:
        wait_until(lambda: answers(port), f"worker on {port}: {(directory / 'output').read_text()}")
        yield process
