"""What a user reads when a command cannot do its work: one clear sentence, no traceback, nothing half-started."""

import fcntl
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError

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
    assert lines[0] == "The stack's configuration has 4 problems; nothing was changed:"
    assert sorted(line.split(":")[1] for line in lines[1:]) == [
        "database.backup_retention_days",
        "database.colour",
        "owner",
        "spelling",
    ]
    # Neither engine nor emulator was started: there is no folder of the stack.
    assert [path.name for path in sandbox.directory.iterdir()] == ["lock"]
    assert result.output == ""


def test_settings_without_an_account(sandbox: Sandbox, tmp_path: Path) -> None:
    nameless = tmp_path / "settings.yaml"
    nameless.write_text("config:\n  fixrx:environment: staging\n")
    result = sandbox.run("preview", "--settings", str(nameless))
    assert result.status == 1
    assert result.sentence.splitlines()[1] == (
        '  fixrx:account: is missing; add the section to the stack\'s file, with `id: "111122223333"`'
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
        lock.write(str(os.getpid()))
        lock.flush()
        result = sandbox.run("up")
    assert result.status == 1
    assert result.sentence == (
        f"Another command uses the sandbox (process {os.getpid()}), and only one can at a time: "
        "wait until it has ended, or end it."
    )


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C reach child processes: a shell starts background jobs with SIGINT ignored, which they inherit."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("interruptible")
def test_interrupted_up_keeps_what_is_finished(sandbox: Sandbox) -> None:
    """Ctrl-C in a terminal reaches the command and whatever runs in its process group."""
    arguments = ["up", "--stack", "staging", "--directory", str(sandbox.directory)]
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        while not vpcs(sandbox):
            time.sleep(0.1)
        os.killpg(command.pid, signal.SIGINT)
        _, errors = command.communicate(timeout=60)
    assert command.returncode == 130, errors
    # The name servers of a new zone are told in between, whenever it is there.
    assert [line for line in errors.splitlines() if line.startswith(("Interrupted", "The update"))] == [
        "Interrupted: the steps under way are finished first. Ctrl-C again stops them.",
        "The update was interrupted; what succeeded is kept. Run it again to go on.",
    ]
    kept = len(sandbox.state())
    assert "network-vpc" in sandbox.state()
    again = sandbox.run("up")
    assert again.status == 0, again.errors
    assert "killed" not in again.errors
    assert summary(again.output)["unchanged"] > 0
    assert kept < len(sandbox.state())


def vpcs(sandbox: Sandbox) -> list[str]:
    """The stack's networks in the emulator, none as long as it does not run."""
    try:
        found = sandbox.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])
    except (FileNotFoundError, BotoCoreError):
        return []
    return [vpc["VpcId"] for vpc in found["Vpcs"]]


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.0, 1.5])
def test_interrupted_start_is_one_sentence(sandbox: Sandbox, seconds: float) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "preview", "--stack", "staging", "--directory", str(sandbox.directory)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        time.sleep(seconds)
        command.send_signal(signal.SIGINT)
        _, errors = command.communicate(timeout=60)
    assert "Traceback" not in errors
    assert command.returncode in (130, -signal.SIGINT)


def test_commands_that_need_a_deployed_stack_say_so(sandbox: Sandbox) -> None:
    for command in ("analyze", "refresh", "destroy", "export"):
        result = sandbox.run(command)
        assert result.status == 1
        assert result.sentence == ("Nothing of staging is deployed in the sandbox: run `make up STACK=staging` first.")
    assert nothing_runs(sandbox)


BUCKET = """import pulumi_aws as aws

aws.s3.Bucket("bucket")
"""


def test_preview_keeps_the_state_of_an_emulator_that_has_ended(sandbox: Sandbox, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(BUCKET)
    small = ("--no-policies", "--program", str(program))
    sandbox.succeed("up", *small)
    deployed = set(sandbox.state())
    os.kill(sandbox.process("emulator")["pid"], signal.SIGKILL)

    result = sandbox.run("preview", *small)

    assert result.status == 1
    assert result.sentence == (
        "The emulator of staging has ended, and what it held is gone: run `make down` to forget the state too, "
        "or `make up STACK=staging` to deploy again."
    )
    assert set(sandbox.state()) == deployed
    again = sandbox.run("up", *small)
    assert again.status == 0, again.errors
    assert "Starting staging from nothing, because its emulator has ended." in again.errors
    assert set(sandbox.state()) == deployed


UNSTEADY = """import time

import pulumi_aws as aws

aws.s3.Bucket("bucket", tags={"At": str(time.time_ns())})
"""


def test_only_what_was_previewed_is_applied(sandbox: Sandbox, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(UNSTEADY)

    result = sandbox.run("up", "--no-policies", "--program", str(program))

    assert result.status == 1
    first, second, *_, last = result.sentence.splitlines()
    assert first == "The update stopped, because it would have done what the preview before it did not show:"
    assert re.match(r"  Bucket bucket: properties changed: .*tags", second)
    assert last.endswith("the program has to be corrected; what succeeded is kept.")
    assert "bucket" not in sandbox.state()


def test_port_that_cannot_be(sandbox: Sandbox) -> None:
    result = sandbox.run("up", "--port", "99999")
    assert result.status == 2
    assert result.errors.splitlines()[-1] == (
        "python -m sandbox: error: argument --port: '99999' is no port: choose a number from 0 (any free one) to 65535"
    )


def test_directory_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    result = Sandbox(file / "sandbox", "staging").run("preview")
    assert result.status == 1
    assert result.sentence == f"The operating system refused to go on with {file / 'sandbox'}: Not a directory."
