"""Background processes: started once, found again, replaced when killed, ended for good. With a stand-in for both."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.session.console import UserError
from sandbox.session.processes import Account, Daemon, Processes, Running, listen

ACCOUNT = Account(id="111122223333", region="us-east-1")
READY = """print('{"port": 4711, "pid": 1}');"""
SLEEPER = ["-c", f"import time; {READY} time.sleep(60)"]
SILENT = ["-c", "import time; time.sleep(60)"]
STUBBORN = ["-c", f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY} time.sleep(60)"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon("sleeper", tmp_path)
    yield daemon
    daemon.stop()


def start(daemon: Daemon, arguments: list[str] = SLEEPER) -> Running:
    daemon.spawn(arguments, os.environ, "a test")
    assert daemon.await_ready() == 4711
    running = daemon.running()
    assert running is not None
    return running


def exists(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def test_running_daemon_is_found_by_another_command(daemon: Daemon, tmp_path: Path) -> None:
    running = start(daemon)
    assert (running.port, running.purpose) == (4711, "a test")
    assert Daemon("sleeper", tmp_path).running() == running


def test_stopped_daemon_is_gone(daemon: Daemon) -> None:
    running = start(daemon)
    daemon.stop()
    assert daemon.running() is None
    assert not exists(running.pid)
    daemon.stop()


def test_killed_daemon_does_not_count_as_running(daemon: Daemon) -> None:
    running = start(daemon)
    os.kill(running.pid, signal.SIGKILL)
    os.waitpid(running.pid, 0)
    assert daemon.running() is None


def test_reused_process_id_is_never_taken_for_the_daemon(daemon: Daemon, tmp_path: Path) -> None:
    record = {"pid": os.getpid(), "port": 4711, "purpose": "before the last reboot"}
    (tmp_path / "sleeper.json").write_text(json.dumps(record))
    assert daemon.running() is None
    daemon.stop()


def test_daemon_that_ignores_the_signal_is_killed(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.session.processes.STOP_TIMEOUT_SECONDS", 0.2)
    running = start(daemon, STUBBORN)
    daemon.stop()
    assert not exists(running.pid)


def test_daemon_that_ends_at_once_says_why(daemon: Daemon) -> None:
    daemon.spawn(["-c", "raise SystemExit('the port is taken')"], os.environ, "a test")
    with pytest.raises(UserError) as error:
        daemon.await_ready()
    assert str(error.value) == (
        "The sandbox's sleeper ended at once: its last words were 'the port is taken'. "
        f"Its whole log is {daemon.log}; fix what it names and try again."
    )
    assert daemon.running() is None


def test_daemon_that_is_never_ready_is_ended(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.session.processes.READY_TIMEOUT_SECONDS", 0.1)
    daemon.spawn(SILENT, os.environ, "a test")
    with pytest.raises(UserError, match=r"was not ready within 0\.1 seconds: it left no message"):
        daemon.await_ready()
    assert not daemon.alive()


def test_daemon_whose_command_was_killed_is_not_used_but_ended(daemon: Daemon) -> None:
    daemon.spawn(SLEEPER, os.environ, "a test")
    assert daemon.alive()
    assert daemon.running() is None
    daemon.stop()
    assert not daemon.alive()


def test_second_daemon_of_a_name_is_refused(daemon: Daemon) -> None:
    start(daemon)
    with pytest.raises(UserError, match="another one holds"):
        daemon.spawn(SLEEPER, os.environ, "a test")


def test_failure_of_the_provider_ends_the_emulator_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start_emulator(self: Processes, _: int) -> int:
        return start(self.emulator).port

    def start_failing_provider(self: Processes, _: int) -> None:
        assert self.emulator.alive()
        self.provider.spawn(["-c", "raise SystemExit('no')"], os.environ, "a test")

    monkeypatch.setattr(Processes, "_spawn_emulator", start_emulator)
    monkeypatch.setattr(Processes, "_spawn_provider", start_failing_provider)
    processes = Processes(tmp_path, ACCOUNT)
    with pytest.raises(UserError, match="The sandbox's provider ended at once"):
        processes.ensure(0)
    assert not processes.emulator.alive()


def test_cluster_that_cannot_start_says_why(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$1: the disk has gone" >&2\nexit 1\n')
    program.chmod(0o700)
    processes = Processes(tmp_path, ACCOUNT)
    with pytest.raises(UserError) as error:
        processes.ensure_cluster(program)
    assert str(error.value).startswith(
        "The sandbox's cluster ended at once: its last words were 'etcd has ended: etcd: the disk has gone'."
    )
    assert not processes.cluster.alive()


def test_emulator_of_another_account_does_not_fit(tmp_path: Path) -> None:
    processes = Processes(tmp_path, ACCOUNT)
    processes.emulator.spawn(SLEEPER, os.environ, processes.emulator_purpose())
    processes.emulator.await_ready()
    try:
        assert processes.emulator_fits()
        assert not Processes(tmp_path, Account(id="999999999999", region="us-east-1")).emulator_fits()
    finally:
        processes.stop()
    assert not processes.emulator_fits()


def test_port_that_is_taken_is_refused() -> None:
    with listen(0) as other:
        taken = other.getsockname()[1]
        with pytest.raises(UserError, match=rf"Port {taken} on 127\.0\.0\.1 cannot be used for the AWS emulator"):
            listen(taken)
    listen(taken).close()
