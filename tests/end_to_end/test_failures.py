"""What a user reads when a command cannot do its work: one clear sentence, no traceback, nothing half-started."""

import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.driver import ROOT, Sandbox, summary

pytestmark = pytest.mark.engine


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox in which nothing has been started."""
    sandbox = Sandbox(tmp_path / "sandbox", "staging")
    yield sandbox
    sandbox.run("down")


def nothing_runs(sandbox: Sandbox) -> bool:
    return sandbox.succeed("status") == "Nothing is deployed in the sandbox.\n"


def test_port_that_is_taken(sandbox: Sandbox) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = sandbox.run("up", "--port", str(port))
    assert result.status == 1
    assert result.sentence == (
        f"Port {port} on 127.0.0.1 cannot be used for the AWS emulator (Address already in use): "
        "choose another with `--port`, or end the program that has it."
    )
    assert nothing_runs(sandbox)


def test_full_disk(sandbox: Sandbox) -> None:
    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    completed = subprocess.run(
        [sys.executable, "-m", "sandbox", "up", "--stack", "staging", "--directory", str(sandbox.directory)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit_files,
    )
    assert completed.returncode == 1
    assert "because the disk is full: free some space (see `df -h`) and try again." in completed.stderr
    assert "Traceback" not in completed.stderr
    assert nothing_runs(sandbox)


def test_no_engine_and_no_network(sandbox: Sandbox, tmp_path: Path) -> None:
    dead_end = "http://127.0.0.1:9"
    nowhere = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "GOMODCACHE": str(tmp_path / "modules")}
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), dead_end)
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    if go := shutil.which("go"):
        path += os.pathsep + str(Path(go).parent)
    index = {"UV_INDEX_URL": f"{dead_end}/simple", "PIP_INDEX_URL": f"{dead_end}/simple", "UV_NO_CACHE": "1"}
    result = sandbox.run("up", PATH=path, GOPROXY=dead_end, FIXRX_PULUMI="", **nowhere, **proxies, **index)
    assert result.status == 1
    assert result.sentence.startswith("pulumi 3.259.0 is needed and was not found: it could not be downloaded (")
    assert "and it could not be built (" in result.sentence
    assert result.sentence.endswith("or install it yourself and name it with FIXRX_PULUMI.")
    assert nothing_runs(sandbox)


def test_invalid_settings_are_all_reported(sandbox: Sandbox, tmp_path: Path) -> None:
    wrong = sandbox.settings(
        tmp_path / "settings.yaml",
        database={"backup_retention_days": 99, "colour": "blue"},
        owner="nobody",
        spelling={"mistake": True},
    )
    result = sandbox.run("preview", "--settings", str(wrong))
    assert result.status == 1
    lines = result.sentence.splitlines()
    assert lines[0] == "The preview stopped: The stack's configuration has 4 problems; nothing was changed:"
    assert sorted(line.split(":")[1] for line in lines[1:]) == [
        "database.backup_retention_days",
        "database.colour",
        "owner",
        "spelling",
    ]
    assert nothing_runs(sandbox)


def test_settings_without_an_account(sandbox: Sandbox, tmp_path: Path) -> None:
    nameless = tmp_path / "settings.yaml"
    nameless.write_text("config:\n  fixrx:environment: staging\n")
    result = sandbox.run("preview", "--settings", str(nameless))
    assert result.status == 1
    assert result.sentence == (
        f"{nameless} does not say which AWS account the stack lives in: "
        'add `fixrx:account: {id: "111122223333", region: us-east-1}`.'
    )


def test_unknown_stack(sandbox: Sandbox) -> None:
    result = Sandbox(sandbox.directory, "sandpit").run("preview")
    assert result.status == 1
    assert result.sentence == (
        f"There is no stack 'sandpit', because {ROOT / 'Pulumi.sandpit.yaml'} does not exist: "
        "choose one of production, staging, or write that file."
    )


def test_another_command_at_work(sandbox: Sandbox) -> None:
    sandbox.directory.mkdir(parents=True)
    with (sandbox.directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        result = sandbox.run("up")
    assert result.status == 1
    assert result.sentence == (
        "Another command uses the sandbox (process 4711), and only one can at a time: "
        "wait until it has ended, or end it."
    )


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C reach child processes: a shell starts background jobs with SIGINT ignored, which they inherit."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("interruptible")
def test_interrupted_up_ends_at_once_and_the_next_one_works(sandbox: Sandbox) -> None:
    """Ctrl-C in a terminal reaches the command and the engine that it has started."""
    arguments = ["up", "--stack", "staging", "--directory", str(sandbox.directory)]
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        assert command.stdout is not None
        for line in command.stdout:
            if "aws:ec2:Vpc network-vpc created" in line:
                break
        os.killpg(command.pid, signal.SIGINT)
        _, errors = command.communicate(timeout=30)
    assert command.returncode == 130
    assert errors.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in errors
    assert set(summary(sandbox.succeed("up"))) == {"created"}


def test_nothing_to_analyse(sandbox: Sandbox) -> None:
    result = sandbox.run("analyze")
    assert result.status == 1
    assert result.sentence == (
        f"There is no state to analyse, because {sandbox.directory / 'stack.json'} does not exist: run `make up` first."
    )
