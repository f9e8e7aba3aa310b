"""AWS Lambda on this machine: its own client for Python, and the HTTP interface by which the client is told what to do.

The function is a process of its own, in a directory with the files of its archive. Of the packages of this repository
it sees those that the runtime brings. The name of its handler, its log format and the names of its variables are those
that the program deploys.

What this does not show: arm64, Python 3.13 where this Python is another one, the limits of memory and time, and that
AWS lets the role do what the function asks for.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import files
from pathlib import Path
from typing import Any

from drill.jobs import CREDENTIALS, REGION
from tests.recorder import Registration

VERSION = "2018-06-01"
"""Of the interface."""
RUNTIME_PACKAGES = (
    *("awslambdaric", "simplejson", "snapshot-restore-py"),
    *("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"),
)
"""The client and the AWS SDK, each with what it imports: what is there without being in the archive."""
SECONDS_FOR_AN_ANSWER = 120


class FunctionError(Exception):
    """What Lambda reports of an invocation, or of a start, that failed."""

    def __init__(self, report: Mapping[str, Any]) -> None:
        super().__init__(f"{report['errorType']}: {report['errorMessage']}")
        self.report = report


@dataclass
class RunningFunction:
    """A function that waits for events."""

    name: str
    directory: Path
    """Of the files of the archive."""
    milliseconds: int
    """The longest run."""
    log_file: Path
    _events: queue.Queue[tuple[str, Any] | None] = field(default_factory=queue.Queue)
    _answers: queue.Queue[tuple[str, Any]] = field(default_factory=queue.Queue)
    _count: int = 0

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def invoke(self, event: Any) -> Any:
        """Return what the function returns. Raises FunctionError for an error of it."""
        self._count += 1
        request_id = f"request-{self._count}"
        self._events.put((request_id, event))
        path, answer = self._answers.get(timeout=SECONDS_FOR_AN_ANSWER)
        if path == f"invocation/{request_id}/response":
            return answer
        assert path in (f"invocation/{request_id}/error", "init/error"), path
        raise FunctionError(answer)


def _interface(function: RunningFunction) -> type[BaseHTTPRequestHandler]:
    """Return what answers the client."""

    class Interface(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            # The client is killed in the end.
            with suppress(ConnectionError):
                super().handle()

        def do_GET(self) -> None:
            assert self.path == f"/{VERSION}/runtime/invocation/next"
            found = function._events.get()
            if found is None:
                # The test is over, and so is the process.
                self.close_connection = True
                return
            request_id, event = found
            deadline = int(time.time() * 1000) + function.milliseconds
            self._send(
                200,
                json.dumps(event).encode(),
                {
                    "Lambda-Runtime-Aws-Request-Id": request_id,
                    "Lambda-Runtime-Deadline-Ms": str(deadline),
                    "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{REGION}:111122223333:function:"
                    f"{function.name}",
                },
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            function._answers.put((self.path.removeprefix(f"/{VERSION}/runtime/"), json.loads(body)))
            self._send(202, b"{}", {})

        def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Interface


@contextmanager
def running_function(
    deployed: Registration, directory: Path, variables: Mapping[str, str], without: str | None = None
) -> Iterator[RunningFunction]:
    """Start a function that the program deploys, below a directory, and end it.

    `variables` has the function's own where this machine has other values, and those that stand for AWS's network.
    `without` is a file or folder that the archive is to lack.
    """
    inputs = deployed.plain
    assert (deployed.type, inputs["loggingConfig"]["logFormat"]) == ("aws:lambda/function:Function", "JSON")
    task, temporary = directory / "task", directory / "tmp"
    temporary.mkdir()
    _unpack(inputs["code"].assets, task)
    if without is not None:
        (task / without).rename(directory / "left-out")
    function = RunningFunction(
        name=inputs["name"],
        directory=task,
        milliseconds=int(inputs["timeout"] * 1000),
        log_file=directory / "log",
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), _interface(function))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    environment = {
        # No folder of packages but the runtime's, and the task's before all others.
        "PYTHONPATH": str(_link_runtime(directory / "runtime")),
        # Lambda's own place for the archive is read-only.
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(temporary),
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": inputs["name"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(int(inputs["memorySize"])),
        "AWS_LAMBDA_LOG_GROUP_NAME": inputs["loggingConfig"]["logGroup"],
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_REGION": REGION,
        **CREDENTIALS,
        **inputs["environment"]["variables"],
        **variables,
    }
    with function.log_file.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-S", "-m", "awslambdaric", inputs["handler"]],
            cwd=task,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield function
        finally:
            process.kill()
            process.wait(timeout=10)
            function._events.put(None)
            server.shutdown()
            server.server_close()


def _unpack(assets: Mapping[str, Any], task: Path) -> None:
    """Write the files of an archive."""
    for name, asset in assets.items():
        target = task / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(asset.path, target)


def _link_runtime(place: Path) -> Path:
    """Make a folder with the runtime's packages alone."""
    place.mkdir()
    for package in RUNTIME_PACKAGES:
        for file in files(package) or ():
            top = place / file.parts[0]
            if file.parts[0] not in ("..", "__pycache__") and not top.exists():
                top.symlink_to(str(file.locate()).removesuffix(str(file)) + file.parts[0])
    return place
