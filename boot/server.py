"""A server that boots: the virtual machine with its metadata service and its AWS, and what a check may do to it."""

import http.client
import ipaddress
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from boot import front, metadata, timeline
from boot.accelerator import Accelerator
from boot.emulator import Emulator, Instance
from boot.front import Call
from boot.guest import Guest, Result, Wiring, free_port
from boot.image import Image
from boot.servers import serving
from boot.timeline import Event

CLIENTS = ipaddress.ip_network("198.18.0.0/15")
READY_PATH = "/api/v1/system/ready"
LARGEST_DELAY_SECONDS = 600
"""A boot in software emulation, on a machine that others use too."""
CALL_SECONDS = 60
"""From a server's last line to its call of Auto Scaling: one start of the AWS CLI."""
FINISHED = "FIXRX BOOT FINISHED"
FAILED = "FIXRX BOOT FAILED"
_MONOTONIC = """
cut -d' ' -f1 /proc/uptime
systemctl show --property=InactiveExitTimestampMonotonic --value cloud-init-local.service
systemctl show --property=InactiveExitTimestampMonotonic --value fixrx-api.service
tail --lines=1 /run/dnf-stand-in
grep --max-count=1 'start: modules-final/config-scripts-user' /var/log/cloud-init.log | cut -c1-23
date '+%Y-%m-%d %H:%M:%S,%3N'
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """To a request through the forwarded port."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    names: tuple[str, ...]
    """Of all headers in lower case, as often as they were sent."""
    body: bytes
    seconds: float


@dataclass(kw_only=True)
class Server:
    """One server, from power-on to its end."""

    guest: Guest
    instance: Instance
    emulator: Emulator
    host_port: int
    secret_arns: Mapping[str, str]
    """Of all secrets that the servers read, by environment variable."""
    calls: list[Call] = field(default_factory=list)
    """To AWS, in their order."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """What the emulator's secrets hold, by environment variable."""
    former_secrets: dict[str, str] = field(default_factory=dict)
    """What one held before it was changed."""
    _clients: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def next_client(self) -> str:
        """An address that has sent no request yet, of those reserved for benchmarks (RFC 2544)."""
        return str(CLIENTS[next(self._clients)])

    def run(self, script: str) -> Result:
        """Runs a script of bash in the machine, as root."""
        return self.guest.run(script)

    def output(self, script: str) -> str:
        """What a script of bash has said. Raises AssertionError if it failed."""
        result = self.run(script)
        assert result.status == 0, f"{script} ended with {result.status}: {result.output.strip()}"
        return result.output.strip()

    def get(self, path: str, headers: Mapping[str, str] | None = None, timeout: float = 90) -> Answer:
        """Sends a request as the load balancer would."""
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.host_port, timeout=timeout)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        sent = [(name.lower(), value) for name, value in response.getheaders()]
        return Answer(
            status=response.status,
            headers=dict(sent),
            names=tuple(name for name, _ in sent),
            body=body,
            seconds=time.monotonic() - started,
        )

    def get_many(self, path: str, times: int, headers: Mapping[str, str]) -> Sequence[Answer]:
        """Sends the same request again and again, over connections of its own: as fast as one client can."""
        with ThreadPoolExecutor(32) as pool:
            return list(pool.map(lambda _: self.get(path, headers), range(times)))

    def change_secret(self, variable: str, value: str) -> None:
        """Writes another value of a secret, as a person does."""
        self.emulator.put_secret(self.secret_arns[variable], value)
        self.former_secrets[variable] = self.secrets[variable]
        self.secrets = {**self.secrets, variable: value}

    def status(self, path: str = READY_PATH) -> int:
        """The status of an answer; 0 if there is none."""
        try:
            return self.get(path, {"X-Forwarded-For": self.next_client()}, timeout=5).status
        except (OSError, http.client.HTTPException):
            return 0

    def await_first_answer(self, report: Callable[[str], None]) -> float:
        """Waits until the API answers 200, and returns the seconds since power-on. Raises AssertionError if it does
        not, or the server says that it cannot start."""
        while self.status() != 200:
            self.guest.require_running()
            seconds = time.monotonic() - self.guest.started
            console = self.guest.console_text()
            assert FAILED not in console, f"the server cannot start: {failure_line(console)}"
            assert seconds < LARGEST_DELAY_SECONDS, (
                f"no answer {seconds:.0f} s after power-on; the console is {self.guest.console}"
            )
            report(self._stage())
            time.sleep(0.2)
        return time.monotonic() - self.guest.started

    def await_failure(self, report: Callable[[str], None]) -> str:
        """Waits until the server says that it cannot start, and returns the line. Raises AssertionError if it does
        not."""
        while FAILED not in (console := self.guest.console_text()) or not console.endswith("\n"):
            self.guest.require_running()
            seconds = time.monotonic() - self.guest.started
            assert FINISHED not in console, "the server has started, though it should not"
            assert seconds < LARGEST_DELAY_SECONDS, (
                f"no reason {seconds:.0f} s after power-on; the console is {self.guest.console}"
            )
            report(self._stage())
            time.sleep(0.2)
        return failure_line(console)

    def await_call(self, operation: str) -> Call:
        """The machine's first call of an operation of AWS. Raises AssertionError if there is none."""
        deadline = time.monotonic() + CALL_SECONDS
        while True:
            for call in list(self.calls):
                if call.operation == operation:
                    return call
            assert time.monotonic() < deadline, f"the machine has not called {operation} within {CALL_SECONDS} s"
            time.sleep(0.2)

    def _stage(self) -> str:
        if not self.calls:
            return "kernel, systemd and cloud-init"
        last = self.calls[-1]
        return f"user data, last call to AWS: {last.service} {last.operation.partition(' ')[0]}"

    def events(self, first_answer: float) -> list[Event]:
        """What the boot consisted of, from the machine's clocks and the calls to AWS."""
        values = self.output(_MONOTONIC).splitlines()
        uptime, local, service, packages = (float(value) for value in values[:4])
        asked = time.monotonic() - self.guest.started
        # The kernel's clock starts a little after power-on.
        behind = asked - uptime
        cloud_init = uptime - _seconds_between(values[4], values[5])
        started = service / 1e6 + behind
        found = [
            Event(at=local / 1e6 + behind, step=timeline.SYSTEM),
            Event(at=cloud_init + behind, step=timeline.CLOUD_INIT),
            Event(at=packages + behind, step=timeline.PACKAGES),
            Event(at=started, step=timeline.RELEASE),
            Event(at=first_answer, step=timeline.SERVICE),
        ]
        for call in self.calls:
            step = {"secretsmanager": timeline.SECRETS, "s3": timeline.RELEASE}.get(call.service, timeline.FILES)
            at = call.at - self.guest.started
            if at < first_answer:
                found.append(Event(at=at, step=step))
        return found


def failure_line(console: str) -> str:
    """The line in which the server says why it cannot start."""
    line = next(line for line in console.splitlines() if FAILED in line)
    return line[line.index(FAILED) :].strip()


def _seconds_between(earlier: str, later: str) -> float:
    form = "%Y-%m-%d %H:%M:%S,%f"
    return (datetime.strptime(later, form) - datetime.strptime(earlier, form)).total_seconds()


@contextmanager
def booting(
    *,
    image: Image,
    folder: Path,
    emulator: Emulator,
    instance: Instance,
    processors: int,
    accelerator: Accelerator,
    secret_arns: Mapping[str, str],
    secrets: Mapping[str, str],
) -> Iterator[Server]:
    """A machine that has just been switched on, ended with the block."""
    calls: list[Call] = []
    with ExitStack() as stack:
        tree = metadata.tree(instance)
        required = instance.launch_template.tokens_required
        metadata_port = stack.enter_context(
            serving(metadata.service(tree, tokens_required=required, on_request=lambda _: None))
        )
        front_port = stack.enter_context(serving(front.front(image, emulator.url, calls.append)))
        host_port = free_port()
        wiring = Wiring(
            metadata_port=metadata_port,
            front_port=front_port,
            address=instance.address,
            network=instance.network,
            server_port=emulator.target_port(),
            host_port=host_port,
        )
        guest = Guest(image, folder, wiring, processors, accelerator)
        stack.callback(guest.stop)
        yield Server(
            guest=guest,
            instance=instance,
            emulator=emulator,
            host_port=host_port,
            secret_arns=secret_arns,
            calls=calls,
            secrets=secrets,
        )
