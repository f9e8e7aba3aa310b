"""The start of a cluster whose ports somebody else takes."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox.cluster import components, server
from sandbox.cluster.server import Server
from sandbox.session import engine
from tests.marks import require

TAKEN_IN_TURN = ("etcd", "kube-apiserver", "metrics-server", "node-b1")
"""Programs of four kinds: each says in its own way that it cannot listen."""


def listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


@pytest.fixture
def choices(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, int]]]:
    """The ports of each attempt. In each of the first ones, somebody takes one after it was chosen."""
    chosen: list[dict[str, int]] = []
    with ExitStack() as stack:

        def choose() -> dict[str, int]:
            ports = components.free_ports()
            if len(chosen) < len(TAKEN_IN_TURN):
                stack.enter_context(listening(ports[TAKEN_IN_TURN[len(chosen)]]))
            chosen.append(ports)
            return ports

        monkeypatch.setattr(server, "free_ports", choose)
        yield chosen


@pytest.mark.engine
@pytest.mark.cluster
def test_cluster_starts_on_other_ports_when_one_is_taken(tmp_path: Path, choices: list[dict[str, int]]) -> None:
    require("cluster")
    cluster = Server(engine.find(engine.CLUSTER), tmp_path / "cluster")
    try:
        cluster.start()
        assert len(choices) == len(TAKEN_IN_TURN) + 1
        assert cluster.port == choices[-1]["kube-apiserver"]
    finally:
        cluster.stop()


def test_taken_port_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two blocks, one is left when somebody listens in the other."""
    count = len(components.free_ports())
    first = min(components.free_ports().values())
    monkeypatch.setattr(components, "FIRST_PORT", first)
    monkeypatch.setattr(components, "AFTER_PORTS", first + 2 * count + 1)
    with listening(first + 3):
        assert {min(components.free_ports().values()) for _ in range(20)} == {first + count}
        with listening(first + count), pytest.raises(RuntimeError, match=f"the ports from {first} to "):
            components.free_ports()
