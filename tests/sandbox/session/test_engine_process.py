"""How the engine is run: its output, its failure, Ctrl-C; with a script in the engine's place."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi.automation import CommandError
from semver import VersionInfo

from sandbox.session.engine_process import Engine
from sandbox.session.lock import alone

CAREFUL = """\
#!/bin/sh
trap 'echo finished; exit 255' INT
echo started
while true; do sleep 0.05; done
"""
"""Finishes its step when it is interrupted, as the engine does."""

STUBBORN = """\
#!/bin/sh
trap '' INT
echo started
while true; do sleep 0.05; done
"""


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "lock").open("w") as file:
        yield file.fileno()


def engine(tmp_path: Path, script: str, lock: int) -> Engine:
    path = tmp_path / "pulumi"
    path.write_text(script)
    path.chmod(0o755)
    return Engine(path, VersionInfo.parse("3.0.0"), lock)


def test_output_is_read_and_passed_on(tmp_path: Path, lock: int) -> None:
    lines: list[str] = []
    script = '#!/bin/sh\necho "$@"\necho warning >&2\necho "$COLOUR"\n'
    result = engine(tmp_path, script, lock).run(["stack", "ls"], str(tmp_path), {"COLOUR": "blue"}, lines.append)
    assert (result.stdout, result.stderr, result.code) == ("--non-interactive stack ls\nblue", "warning", 0)
    assert lines == ["--non-interactive stack ls", "blue"]


def test_failure_and_signal_are_told_apart(tmp_path: Path, lock: int) -> None:
    failing = engine(tmp_path, "#!/bin/sh\nexit 3\n", lock)
    with pytest.raises(CommandError):
        failing.run([], str(tmp_path), {})
    assert failing.killed_by == 0
    killed = engine(tmp_path, "#!/bin/sh\nkill -9 $$\n", lock)
    with pytest.raises(CommandError):
        killed.run([], str(tmp_path), {})
    assert killed.killed_by == signal.SIGKILL


def test_engine_holds_the_lock_after_its_command(tmp_path: Path, lock: int) -> None:
    script = f"#!/bin/sh\n[ -e /proc/self/fd/{lock} ] && echo held\n"
    assert engine(tmp_path, script, lock).run([], str(tmp_path), {}).stdout == "held"


@pytest.mark.parametrize(("script", "signals", "expected"), [(CAREFUL, 1, (True, 0)), (STUBBORN, 2, (True, 9))])
def test_ctrl_c(
    script: str, signals: int, expected: tuple[bool, int], tmp_path: Path, lock: int, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted = engine(tmp_path, script, lock)
    started = threading.Event()

    def press() -> None:
        started.wait(10)
        for _ in range(signals):
            os.kill(os.getpid(), signal.SIGINT)
            # Two at once would be one.
            time.sleep(0.5)

    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(CommandError):
        interrupted.run([], str(tmp_path), {}, lambda line: started.set())
    pressing.join()
    assert (interrupted.interrupted, interrupted.killed_by) == expected
    assert "the steps under way are finished first" in capsys.readouterr().err


def test_policy_pack_ends_with_an_engine_that_is_killed(tmp_path: Path) -> None:
    """Its standard input is the engine's pipe: closed, it ends, though it never reads the protocol."""
    package = tmp_path / "pulumi" / "policy"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import time\nprint('runs', flush=True)\ntime.sleep(60)\n")
    host = Path(__file__).resolve().parents[3] / "sandbox" / "session" / "policy_host.py"
    with subprocess.Popen(
        [sys.executable, str(host)], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "runs\n"
        process.stdin.close()
        assert process.wait(timeout=60) == 1


LOCK_SCRIPT = textwrap.dedent(
    """\
    import os, subprocess, sys
    from pathlib import Path
    from sandbox.session.lock import alone
    with alone(Path(sys.argv[1])) as lock:
        engine = subprocess.Popen(["sleep", sys.argv[2]], pass_fds=(lock,))
        print("runs", flush=True)
        os.kill(os.getpid(), 9)
    """
)


def test_engine_that_outlives_its_command_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).resolve().parents[3]
    killed = subprocess.run([sys.executable, "-c", LOCK_SCRIPT, str(tmp_path), "1.5"], cwd=root, check=False)
    assert killed.returncode == -signal.SIGKILL
    started = time.monotonic()
    with alone(tmp_path):
        assert time.monotonic() - started > 0.5
    assert capsys.readouterr().err == "Waiting for the engine of a command that was killed ...\n"
