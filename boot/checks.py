"""What is checked on a server that has booted. Each check raises AssertionError with what is wrong."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from boot.emulator import made_up_secret, searchable
from boot.server import READY_PATH, Answer, Server
from components.shared.ports import APPLICATION_PORT

Check: TypeAlias = Callable[[Server], None]

SECURITY_HEADERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "1; mode=block",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
}
HEALTH_PATH = "/api/v1/system/health"
FLOOD = 200
"""Requests at once: 20 are allowed, and 10 more each second. Far more, because software emulation may be slow."""
SLOW_MILLISECONDS = 8000
CHANGED = "longer"
"""Begins a changed secret: the sample tells its length."""
SETTLED_SECONDS = 90
"""The longest that a worker takes to be back, in software emulation."""
WEBSOCKET_SECONDS = 30
MARK = "written-by-the-check-of-the-disk"


def user_data_is_the_templates(server: Server) -> None:
    """cloud-init has got the bytes of the launch template."""
    expected = server.instance.launch_template.user_data
    stored = server.output("base64 --wrap=0 /var/lib/cloud/instance/user-data.txt")
    assert base64.b64decode(stored) == expected, "cloud-init has other user data than the launch template"


def security_headers(server: Server) -> None:
    """Once each, on an answer and on an error."""
    for path, status in ((READY_PATH, 200), ("/api/v1/nothing", 404), ("/metrics", 404)):
        answer = _get(server, path)
        assert answer.status == status, f"{path} answers {answer.status}"
        _require_security_headers(path, answer)


def public_health_path(server: Server) -> None:
    """/health leads to the guide's health path, of the pinned release."""
    answer = _get(server, "/health")
    assert answer.status == 200, f"/health answers {answer.status}"
    assert json.loads(answer.body)["status"] == "healthy"
    for path in (HEALTH_PATH, "/api/v1/system/database/status", "/api/v1/system/metrics"):
        url = f"localhost:{APPLICATION_PORT}{path}"
        status = int(server.output(f"curl --silent --output /dev/null --write-out '%{{http_code}}' {url}"))
        assert status == 200, f"{url} answers {status} on the server"


def websocket_passes(server: Server) -> None:
    """Through nginx to a worker and back."""
    text = "to the worker and back"
    client = {"X-Forwarded-For": server.next_client()}
    try:
        with connect(f"ws://127.0.0.1:{server.host_port}/", additional_headers=client, proxy=None) as websocket:
            websocket.send(text)
            answer = websocket.recv(WEBSOCKET_SECONDS)
    except (WebSocketException, OSError) as error:
        raise AssertionError(f"the websocket does not work: {error}") from None
    assert answer == text, f"the websocket has answered {answer!r}"


def rate_is_limited(server: Server) -> None:
    """For each client address alone, with 429 and Retry-After."""
    client = {"X-Forwarded-For": "198.51.100.7"}
    answers = server.get_many(READY_PATH, FLOOD, client)
    counted = Counter(answer.status for answer in answers)
    assert set(counted) == {200, 429}, f"of {FLOOD} requests at once the answers are {dict(counted)}"
    assert counted[200] >= 21, f"only {counted[200]} of {FLOOD} requests were let through, and 21 may pass at once"
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.headers.get("retry-after") == "1", f"Retry-After is {refused.headers.get('retry-after')}"
    _require_security_headers("429", refused)
    # Whatever the client claims before the load balancer's own entry.
    spoofed = server.get_many(READY_PATH, FLOOD, {"X-Forwarded-For": "203.0.113.99, 198.51.100.7"})
    assert 429 in {answer.status for answer in spoofed}, "a made-up X-Forwarded-For escapes the limit"
    other = _get(server, READY_PATH)
    assert other.status == 200, f"another client gets {other.status}"


def every_secret_arrived(server: Server) -> None:
    """In each worker, with its whole length; the sample tells lengths only."""
    for port, environment in _environments(server).items():
        wrong = [
            variable
            for variable, value in server.secrets.items()
            if environment.get(variable) != len(value.rstrip("\r\n"))
        ]
        assert not wrong, f"the worker on port {port} has not the values of {', '.join(wrong)}"


def killed_worker_returns(server: Server) -> None:
    """A worker that is killed is started again, and nobody sees an error."""
    before = _process_on(server, APPLICATION_PORT)
    with _requests(server) as statuses:
        server.output(f"kill -KILL {before}")
        deadline = time.monotonic() + SETTLED_SECONDS
        while _process_on(server, APPLICATION_PORT) in ("", before):
            assert time.monotonic() < deadline, f"the killed worker is not replaced after {SETTLED_SECONDS} s"
            time.sleep(0.5)
    assert set(statuses) == {200}, f"while a worker was dead the answers were {dict(statuses)}"


def changed_secret_is_reloaded(server: Server) -> None:
    """`systemctl reload` brings a new value to every worker, without an error for anybody."""
    variable = next(iter(server.secrets))
    server.change_secret(variable, CHANGED + made_up_secret())
    with _requests(server) as statuses:
        server.output("systemctl reload fixrx-api.service")
    assert set(statuses) == {200}, f"during the reload the answers were {dict(statuses)}"
    every_secret_arrived(server)


def changed_secret_is_found(server: Server) -> None:
    """What the timer starts brings a new value to every worker, without an error for anybody, and nothing twice."""
    timer = "fixrx-secrets.timer"
    state = server.run(f"systemctl is-enabled {timer}; systemctl is-active {timer}").output.split()
    assert state == ["enabled", "active"], f"{timer} is {state}"
    # Another than the one that was reloaded: the sample tells lengths only.
    _, variable, *_ = server.secrets
    before = _process_on(server, APPLICATION_PORT)
    server.change_secret(variable, CHANGED + made_up_secret())
    with _requests(server) as statuses:
        server.output("systemctl start fixrx-secrets.service")
    assert set(statuses) == {200}, f"during the run the answers were {dict(statuses)}"
    every_secret_arrived(server)
    after = _process_on(server, APPLICATION_PORT)
    assert after not in ("", before), "the changed secret has not replaced the worker"
    server.output("systemctl start fixrx-secrets.service")
    assert _process_on(server, APPLICATION_PORT) == after, "a run without a changed secret has replaced the worker"


def failed_look_is_visible(server: Server) -> None:
    """An empty secret fails the unit of the timer, its journal says why, and the workers stay as they are."""
    unit = "fixrx-secrets.service"
    variable = next(iter(server.secrets))
    before = _process_on(server, APPLICATION_PORT)
    server.emulator.put_secret(server.secret_arns[variable], " ")
    assert server.run(f"systemctl start {unit}").status != 0, f"{unit} succeeds though {variable} is empty"
    state = server.run(f"systemctl is-failed {unit}").output.strip()
    assert state == "failed", f"{unit} is {state} though {variable} is empty"
    said = server.output(f"journalctl --unit {unit} --output=cat --no-pager")
    assert f"the secret {variable} is empty: " in said, f"the journal of {unit} does not say why it failed: {said}"
    server.emulator.put_secret(server.secret_arns[variable], server.secrets[variable])
    server.output(f"systemctl start {unit}")
    assert _process_on(server, APPLICATION_PORT) == before, "a look that failed has replaced the worker"


def nothing_failed(server: Server) -> None:
    """systemd lists no unit that failed."""
    failed = server.output("systemctl --failed --plain --no-legend")
    assert not failed, f"failed units: {failed}"


def no_ssh_daemon(server: Server) -> None:
    """The image's SSH daemon does not run, and port 22 is closed."""
    state = server.run("systemctl is-active sshd.service sshd.socket").output.split()
    assert state == ["inactive", "inactive"], f"sshd is {state}"
    listening = server.output("ss --no-header --listening --tcp --numeric 'sport = :22'")
    assert not listening, f"port 22 is open: {listening}"


def only_nginx_is_open(server: Server) -> None:
    """The workers listen on loopback, whatever the security groups allow."""
    lines = server.output("ss --no-header --listening --tcp --numeric").splitlines()
    addresses = {line.split()[3] for line in lines}
    outside = sorted(address for address in addresses if not address.startswith(("127.", "[::1]")))
    assert outside == ["0.0.0.0:80"], f"open to the network: {', '.join(outside)}"


def logs_are_rotated(server: Server) -> None:
    """The real logrotate takes every log, and the workers write into the new files."""
    server.output("logrotate --force /etc/logrotate.d/fixrx")
    _get(server, READY_PATH)
    rotated = server.output("ls /var/log/fixrx").split()
    assert "out.log.1" in rotated, f"after logrotate the logs are {', '.join(rotated)}"
    size = int(server.output("sleep 1; stat --format=%s /var/log/fixrx/out.log"))
    assert size > 0, "the workers do not write into the new out.log"


def no_secret_in_messages(server: Server) -> None:
    """Neither the journal nor the arguments of a process hold a secret's value."""
    said = server.output("journalctl --no-pager --output=export; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'")
    _require_no_secret(server, "the journal or a process's arguments", said.encode())


def stop_finishes_requests(server: Server) -> None:
    """`systemctl stop` lets a running request finish; afterwards nginx answers 502 with the headers."""
    answers: list[Answer] = []
    path = f"/slow?ms={SLOW_MILLISECONDS}"
    thread = threading.Thread(target=lambda: answers.append(_get(server, path)))
    thread.start()
    time.sleep(2)
    server.output("systemctl stop fixrx-api.service")
    thread.join(60)
    assert answers, "the slow request was cut"
    assert answers[0].status == 200, f"the slow request got {answers[0].status}"
    assert json.loads(answers[0].body)["finished"] is True
    result = server.output("systemctl show --property=Result --value fixrx-api.service")
    assert result == "success", f"the service ended with {result}"
    gone = _get(server, READY_PATH)
    assert gone.status == 502, f"without a worker nginx answers {gone.status}"
    _require_security_headers("502", gone)


CHECKS: Mapping[str, Check] = {
    "the user data is the launch template's, byte for byte": user_data_is_the_templates,
    "security headers once each, on errors too": security_headers,
    "/health and the guide's health paths": public_health_path,
    "a websocket passes": websocket_passes,
    "429 with Retry-After, for one client only": rate_is_limited,
    "every secret arrived whole in every worker": every_secret_arrived,
    "a killed worker returns, without an error": killed_worker_returns,
    "a changed secret arrives by reload, without an error": changed_secret_is_reloaded,
    "a changed secret is found by the timer's unit, without an error": changed_secret_is_found,
    "a look for secrets that fails is visible, and changes nothing": failed_look_is_visible,
    "logrotate takes the logs, and lines go on": logs_are_rotated,
    "systemd lists no failed unit": nothing_failed,
    "the SSH daemon does not run": no_ssh_daemon,
    "only nginx listens on the network": only_nginx_is_open,
    "no secret's value in the journal or in a process's arguments": no_secret_in_messages,
    "a stop finishes a running request": stop_finishes_requests,
}
"""In their order: the last one ends the service."""


def mark_disk(server: Server) -> None:
    """Writes to the disk what disk_has_no_secret has to find there, and everything else that waits to be written."""
    server.output(f"echo {MARK} >/var/tmp/mark; sync; sync")


def disk_has_no_secret(server: Server) -> None:
    """After the machine's end: nothing that it has written to its disk or console holds a secret's value."""
    disk = server.guest.overlay.read_bytes()
    assert MARK.encode() in disk, "the search of the disk does not find what was written there"
    _require_no_secret(server, "the disk", disk)
    _require_no_secret(server, "the console", server.guest.console.read_bytes())


def _require_no_secret(server: Server, place: str, content: bytes) -> None:
    found = [
        variable
        for variable, value in [*server.secrets.items(), *server.former_secrets.items()]
        if any(part.encode() in content for part in searchable(value))
    ]
    assert not found, f"{place} holds the value of {', '.join(found)}"


def _get(server: Server, path: str) -> Answer:
    """Each time from another client: the limit of requests is not what is tried."""
    return server.get(path, {"X-Forwarded-For": server.next_client()})


def _require_security_headers(title: str, answer: Answer) -> None:
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get(name) == value, f"{title} has {name}: {answer.headers.get(name)}"
        assert answer.names.count(name) == 1, f"{title} has {name} {answer.names.count(name)} times"


def _environments(server: Server) -> Mapping[int, Mapping[str, int]]:
    """Length of each environment variable of each worker, by its port."""
    ports = range(APPLICATION_PORT, APPLICATION_PORT + server.guest.processors)
    return {port: json.loads(server.output(f"curl --silent --fail localhost:{port}/environment")) for port in ports}


def _process_on(server: Server, port: int) -> str:
    """The process id of the worker on a port; nothing if there is none."""
    result = server.run(f"curl --silent --fail --max-time 5 localhost:{port}{HEALTH_PATH}")
    return str(json.loads(result.output)["pid"]) if result.status == 0 else ""


@contextmanager
def _requests(server: Server) -> Iterator[Counter[int]]:
    """Asks all the time from one thread, and counts the statuses; 0 is no answer.

    As a user, not as the load balancer: a worker that stops says on the ready path, on purpose, that it is not ready.
    """
    statuses: Counter[int] = Counter()
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.1):
            try:
                statuses[_get(server, HEALTH_PATH).status] += 1
            except OSError:
                statuses[0] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        thread.join()
