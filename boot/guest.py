"""One server in a virtual machine of QEMU, and the way into it: the guest agent, in place of Session Manager."""

import base64
import ipaddress
import json
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boot import front, metadata
from boot.accelerator import Accelerator
from boot.image import Image
from sandbox import UserError

RELAY = Path(__file__).parent / "relay.py"
MEMORY_MIB = 1536
UUID = "ec2e1916-9099-7caf-fd21-012345abcdef"
"""Begins as EC2's do: cloud-init recognises the cloud by it."""
KERNEL_ARGUMENTS = (
    "root=/dev/nvme0n1 rw console=ttyS0 net.ifnames=0 quiet loglevel=4 mitigations=off random.trust_cpu=on "
    "systemd.show_status=0 tsc=unstable nokaslr audit=0 no_timer_check"
)
AGENT_TIMEOUT_SECONDS = 300
"""The agent is asked before the machine has started it."""
COMMAND_TIMEOUT_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a command in the machine ended, and what it said on both streams."""

    status: int
    output: str


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """How the machine is connected."""

    metadata_port: int
    front_port: int
    address: str
    """The server's own, in the application's subnet; the host is the network's first address, as a load balancer is in
    the VPC."""
    network: str
    server_port: int
    """On which the load balancer would reach it."""
    host_port: int
    """On loopback, where it is reached instead."""


class Guest:
    """A machine that runs until it is stopped. Everything that it writes is in `folder`."""

    def __init__(self, image: Image, folder: Path, wiring: Wiring, processors: int, accelerator: Accelerator) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.processors = processors
        self.console = folder / "console.log"
        self.overlay = folder / "disk.qcow2"
        self.agent = Agent(folder / "agent")
        self._errors = folder / "qemu.log"
        # Of a machine before: what it said must not be taken for this one's.
        for path in (self.console, self.overlay, self.agent.path):
            path.unlink(missing_ok=True)
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(image.disk), str(self.overlay)]
        subprocess.run(create, check=True)
        command = [
            # The machine ends with this process, however that ends.
            *("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"),
            *accelerator.arguments,
            *("-machine", "q35,hpet=off", "-smp", str(processors), "-m", str(MEMORY_MIB)),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
            *("-kernel", str(image.kernel), "-append", KERNEL_ARGUMENTS),
            *("-drive", f"file={self.overlay},if=none,id=root,format=qcow2,cache=unsafe"),
            *("-device", "nvme,drive=root,serial=vol0123456789abcdef0"),
            *_network(wiring),
            *("-device", "virtio-rng-pci"),
            *("-smbios", f"type=1,manufacturer=Amazon EC2,product=m7g.large,uuid={UUID},serial={UUID}"),
            *("-serial", f"file:{self.console}"),
            *("-device", "virtio-serial-pci"),
            *("-chardev", f"socket,path={self.agent.path},server=on,wait=off,id=agent"),
            *("-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
        ]
        self.started = time.monotonic()
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)

    def require_running(self) -> None:
        """Raises UserError if the machine has ended."""
        if self._process.poll() is not None:
            said = self._errors.read_text(errors="replace").strip().splitlines()[-1:] or ["nothing"]
            raise UserError(
                f"The virtual machine has ended (status {self._process.returncode}); QEMU said: {said[0]}. "
                f"Its console is {self.console}."
            )

    def console_text(self) -> str:
        """What the machine has written to its console so far, as `aws ec2 get-console-output` would show it."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def run(self, script: str, timeout_seconds: float = COMMAND_TIMEOUT_SECONDS) -> Result:
        """Runs a script of bash in the machine, as root, and waits for its end."""
        return self.agent.run(script, timeout_seconds)

    def stop(self) -> None:
        """Ends the machine as a power failure does."""
        self.agent.close()
        self._process.kill()
        self._process.wait()


def _network(wiring: Wiring) -> Sequence[str]:
    """Two networks of QEMU, both closed: the link-local one with the metadata service and AWS, and the subnet's."""
    relay = shlex.join([sys.executable, "-ISE", str(RELAY)])
    gateway = next(ipaddress.ip_network(wiring.network).hosts())
    link_local = (
        "user,id=aws,restrict=on,net=169.254.0.0/16,host=169.254.0.2,dns=169.254.0.3,dhcpstart=169.254.0.15"
        f",guestfwd=tcp:{metadata.ADDRESS}:80-cmd:{relay} {wiring.metadata_port}"
        f",guestfwd=tcp:{front.ADDRESS}:443-cmd:{relay} {wiring.front_port}"
    )
    subnet = (
        f"user,id=subnet,restrict=on,net={wiring.network},host={gateway},dns={gateway + 1},dhcpstart={wiring.address}"
        f",hostfwd=tcp:127.0.0.1:{wiring.host_port}-{wiring.address}:{wiring.server_port}"
    )
    return [
        *("-netdev", link_local, "-device", "virtio-net-pci,netdev=aws,romfile=,mac=0a:00:00:00:00:01"),
        *("-netdev", subnet, "-device", "virtio-net-pci,netdev=subnet,romfile=,mac=0a:00:00:00:00:02"),
    ]


class Agent:
    """The guest agent's socket: https://www.qemu.org/docs/master/interop/qemu-ga-ref.html"""

    def __init__(self, path: Path) -> None:
        # A socket's path may have about a hundred characters.
        self.path = path
        self._socket: socket.socket | None = None
        self._received = b""

    def run(self, script: str, timeout_seconds: float) -> Result:
        """Runs a script of bash as root. Raises UserError if it does not end in time."""
        deadline = time.monotonic() + timeout_seconds
        started = self._ask(
            "guest-exec", {"path": "/bin/bash", "arg": ["-c", f"exec 2>&1\n{script}"], "capture-output": True}
        )
        while True:
            status = self._ask("guest-exec-status", {"pid": started["pid"]})
            if status["exited"]:
                output = base64.b64decode(status.get("out-data", "")).decode(errors="replace")
                return Result(status=int(status.get("exitcode", -1)), output=output)
            if time.monotonic() > deadline:
                raise UserError(f"A command in the machine has not ended within {timeout_seconds:.0f} s: {script[:80]}")
            time.sleep(0.2)

    def close(self) -> None:
        """Lets another program connect."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, command: str, arguments: Mapping[str, object]) -> Mapping[str, Any]:
        if self._socket is None:
            self._socket = self._connect()
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        answer: Mapping[str, Any] = json.loads(self._line(self._socket))
        if "return" not in answer:
            raise UserError(f"The machine's agent refuses {command}: {answer}")
        found: Mapping[str, Any] = answer["return"]
        return found

    def _line(self, connection: socket.socket) -> bytes:
        while b"\n" not in self._received:
            try:
                data = connection.recv(65536)
            except TimeoutError:
                raise UserError(f"The machine's agent has not answered for {AGENT_TIMEOUT_SECONDS} s.") from None
            if not data:
                raise UserError("The machine's agent has gone, and the machine probably with it.")
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(AGENT_TIMEOUT_SECONDS)
        deadline = time.monotonic() + 10
        while True:
            with suppress(FileNotFoundError, ConnectionRefusedError):
                connection.connect(str(self.path))
                return connection
            if time.monotonic() > deadline:
                raise UserError("The machine's agent cannot be reached: the virtual machine does not run.")
            time.sleep(0.05)


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
