"""logrotate with the rendered file, while PM2's workers write: every line is kept, once.

The user, and whether the service runs, are this machine's; all else is the file's.
"""

import getpass
import grp
import gzip
import json
import os
import shutil
import stat
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.shared.host.configuration import DIRECTORY, PM2_HOME
from tests.host.configuration import file_of
from tests.host.programs import (
    NODE,
    answers,
    free_ports,
    node_environment,
    node_modules,
    placed,
    program,
    running,
    send,
    wait_until,
)

pytestmark = pytest.mark.host

LINES = 20_000
"""Of each worker, in about four seconds."""
ROTATIONS = 6
PM2_LINE = "Reloading log..."
"""PM2 makes each worker write it after a rotation; the one line that is not the application's."""


def rotation(directory: Path) -> Path:
    """Write the rendered file for this machine, and return its path."""
    user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    text = placed(
        file_of("/etc/logrotate.d/fixrx").text,
        {
            "/var/log/fixrx": f"{directory}/logs",
            "0640 fixrx fixrx": f"0640 {user} {group}",
            "su fixrx fixrx": f"su {user} {group}",
            "systemctl --quiet is-active fixrx-api.service": "true",
            "runuser --user=fixrx -- ": "",
            PM2_HOME: f"{directory}/pm2",
            DIRECTORY: f"{directory}/release",
        },
    )
    file = directory / "logrotate.conf"
    file.write_text(text)
    # logrotate refuses a file that others may write.
    file.chmod(0o644)
    return file


def rotate(file: Path, environment: Mapping[str, str]) -> None:
    command = [program("logrotate"), "--force", "--verbose", "--state", str(file.with_suffix(".state")), str(file)]
    finished = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )
    assert finished.returncode == 0, finished.stderr


def contents(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()


def test_rotation_under_load_keeps_every_line_once(tmp_path: Path) -> None:
    modules = node_modules()
    release, logs = tmp_path / "release", tmp_path / "logs"
    (release / "dist").mkdir(parents=True)
    logs.mkdir(mode=0o750)
    shutil.copy(NODE / "server.js", release / "dist")
    (release / "node_modules").symlink_to(modules)
    ports = free_ports(os.cpu_count() or 1)
    (tmp_path / "ecosystem.config.js").write_text(
        placed(
            file_of("/etc/fixrx/ecosystem.config.js").text,
            {
                DIRECTORY: str(release),
                "/var/log/fixrx": str(logs),
                "PORT: 3000": f"PORT: {ports[0]}",
                "/etc/fixrx": str(tmp_path),
            },
        )
    )
    keep = placed(file_of("/etc/fixrx/worker.js").text, {"/var/log/fixrx": str(logs)})
    (tmp_path / "worker.js").write_text(keep)
    environment = {**node_environment(modules), "PM2_HOME": f"{tmp_path}/pm2"}
    file = rotation(tmp_path)
    command = [f"{release}/node_modules/.bin/pm2-runtime", "start", f"{tmp_path}/ecosystem.config.js"]

    with running(command, environment=environment, directory=tmp_path):
        wait_until(lambda: all(map(answers, ports)), f"workers of PM2; see {tmp_path}/output")
        for port in ports:
            send(port, f"/log-on?count={LINES}")
        for _ in range(ROTATIONS):
            rotate(file, environment)
            time.sleep(0.3)

        def written() -> Counter[tuple[int, int]]:
            texts = map(contents, logs.glob("out.log*"))
            lines = (json.loads(line) for text in texts for line in text.splitlines() if line != PM2_LINE)
            return Counter((int(line["worker"]), line["line"]) for line in lines if "line" in line)

        wait_until(lambda: len(written()) >= LINES * len(ports), "the last line")
        found = written()

    assert set(found) == {(port, line) for port in ports for line in range(LINES)}
    assert set(found.values()) == {1}
    # Lines went into several files: the workers wrote while logrotate worked.
    holding = [each.name for each in logs.glob("out.log*") if '"line"' in contents(each)]
    assert len(holding) >= 3, holding
    # The newest of the old ones waits for the next rotation: PM2 may still have been writing to it.
    assert (logs / "out.log.1").exists()
    assert (logs / "out.log.2.gz").exists()
    assert stat.S_IMODE((logs / "out.log").stat().st_mode) == 0o640


def test_file_that_the_application_keeps_open_gets_its_next_lines(tmp_path: Path) -> None:
    """As winston does it: opened once, to append. A rotation that renames the file would take the lines with it."""
    (tmp_path / "logs").mkdir(mode=0o750)
    log = tmp_path / "logs/combined.log"
    file = rotation(tmp_path)

    with log.open("a", buffering=1) as application:
        for number in range(4):
            application.write(f"{number}\n")
            rotate(file, {"PATH": os.environ["PATH"]})
        application.write("4\n")

    assert log.read_text() == "4\n"
    assert sorted(contents(each) for each in log.parent.glob("combined.log.*")) == ["0\n", "1\n", "2\n", "3\n"]


def test_thirty_rotations_are_kept(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir(mode=0o750)
    pm2 = tmp_path / "release/node_modules/.bin/pm2"
    pm2.parent.mkdir(parents=True)
    pm2.write_text(f'#!/bin/sh\necho "$PM2_HOME $*" >>{tmp_path}/calls\n')
    pm2.chmod(0o755)
    file = rotation(tmp_path)

    for number in range(33):
        (tmp_path / "logs/out.log").write_text(f"{number}\n")
        (tmp_path / "logs/combined.log").write_text(f"{number}\n")
        rotate(file, {"PATH": os.environ["PATH"]})

    for name in ("out", "combined"):
        kept = sorted(int(contents(each)) for each in (tmp_path / "logs").glob(f"{name}.log.*"))
        assert kept == list(range(3, 33))
    # Once for all files of a rotation.
    assert (tmp_path / "calls").read_text().splitlines() == [f"{tmp_path}/pm2 reloadLogs"] * 33


def test_empty_and_missing_logs_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir(mode=0o750)
    file = rotation(tmp_path)

    rotate(file, {"PATH": os.environ["PATH"]})
    (tmp_path / "logs/out.log").touch()
    rotate(file, {"PATH": os.environ["PATH"]})

    assert [each.name for each in (tmp_path / "logs").iterdir()] == ["out.log"]
