"""The rendered files, checked by the programs that read them."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from components.shared.host import script
from components.shared.host.configuration import DIRECTORY
from components.shared.host.files import AGENT_PATH
from components.shared.job_scripts import PARTS, script_of
from tests.host.configuration import HOST, file_of
from tests.host.programs import NODE, ROOT, node_environment, node_modules, placed, program

pytestmark = pytest.mark.host


def run(*command: str, **environment: str) -> tuple[int, str]:
    finished = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
    )
    return finished.returncode, finished.stdout + finished.stderr


def shell_files() -> list[str]:
    """Every shell file of the repository, by its name or by its first line; not the template, which is rendered."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name and name != "components/files/user_data.sh"]
    return [str(file) for file in files if file.is_file() and is_shell(file)]


def is_shell(file: Path) -> bool:
    with file.open("rb") as opened:
        first = opened.readline(200)
    return file.suffix == ".sh" or (first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash")))


def test_shellcheck_finds_nothing_in_any_shell_file() -> None:
    files = shell_files()

    assert str(ROOT / ".ci/run") in files
    assert run(program("shellcheck"), "--norc", "--shell=bash", *files) == (0, "")


@pytest.mark.parametrize("job", PARTS)
def test_shellcheck_finds_nothing_in_a_job(tmp_path: Path, job: str) -> None:
    file = tmp_path / f"{job}.sh"
    file.write_text(script_of(job))

    assert run(program("shellcheck"), "--norc", "--shell=bash", str(file)) == (0, "")


def test_shellcheck_finds_nothing_in_the_rendered_script(tmp_path: Path) -> None:
    file = tmp_path / "user_data.sh"
    file.write_text(script(HOST))

    assert run(program("shellcheck"), "--norc", str(file)) == (0, "")


def test_systemd_finds_nothing_in_the_rendered_units(tmp_path: Path) -> None:
    (tmp_path / "nginx.service.d").mkdir()
    # verify wants the commands to be there; `true` stands for those of the release.
    commands = {
        "/usr/local/sbin/fixrx-load-secrets": "/usr/bin/true",
        f"{DIRECTORY}/node_modules/.bin/pm2-runtime": "/usr/bin/true",
        f"{DIRECTORY}/node_modules/.bin/pm2 ": "/usr/bin/true ",
    }
    loader = dict(list(commands.items())[:1])
    for name, here in (("fixrx-api.service", commands), ("fixrx-secrets.service", loader), ("fixrx-secrets.timer", {})):
        (tmp_path / name).write_text(placed(file_of(f"/etc/systemd/system/{name}").text, here))
    drop_in = file_of("/etc/systemd/system/nginx.service.d/fixrx.conf").text
    (tmp_path / "nginx.service.d/fixrx.conf").write_text(drop_in)
    path = f"{tmp_path}:/lib/systemd/system"
    verify = [program("systemd-analyze"), "verify", "--man=no"]

    for name in ("fixrx-api.service", "fixrx-secrets.timer", "fixrx-secrets.service", "nginx.service"):
        assert run(*verify, name, SYSTEMD_UNIT_PATH=path) == (0, "")


@pytest.mark.parametrize("name", ["fixrx-api.service", "fixrx-secrets.service"])
def test_a_service_is_exposed_no_more_than_it_needs(tmp_path: Path, name: str) -> None:
    """1.7 of 10: what is left is the network, IPv4 and IPv6, and what V8 needs, or for the secrets to be root without
    a capability. Each setting taken out adds 0.1."""
    (tmp_path / name).write_text(file_of(f"/etc/systemd/system/{name}").text)
    judge = [program("systemd-analyze"), "security", "--no-pager", "--offline=true", "--threshold=17"]

    status, said = run(*judge, name, SYSTEMD_UNIT_PATH=str(tmp_path))

    assert status == 0, said


def test_timer_looks_every_five_minutes_and_no_later_than_the_sixth() -> None:
    lines = file_of("/etc/systemd/system/fixrx-secrets.timer").text.splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    asked = [program("systemd-analyze"), "calendar", "--iterations=3", "--base-time=2026-01-01 00:00:00 UTC"]

    status, said = run(*asked, settings["OnCalendar"], TZ="UTC")

    assert status == 0, said
    assert re.findall(r"00:(\d\d:\d\d) UTC", said) == ["05:00", "10:00", "15:00"]
    assert (settings["RandomizedDelaySec"], settings["AccuracySec"]) == ("60s", "1s")


@pytest.mark.parametrize(("status", "left"), [(0, True), (1, False)])
def test_reload_that_fails_is_tried_again_at_the_next_look(tmp_path: Path, status: int, left: bool) -> None:
    """The file is then no longer what the workers have; without it the next look finds a change."""
    file = tmp_path / "secrets.env"
    file.touch()
    (tmp_path / "systemctl").write_text(f'#!/bin/sh\necho "$*"\nexit {status}\n')
    (tmp_path / "systemctl").chmod(0o755)
    unit = file_of("/etc/systemd/system/fixrx-secrets.service").text
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    here = shlex.split(placed(command, {"/run/fixrx/secrets.env": str(file)}))

    assert run(*here, PATH=f"{tmp_path}:/usr/bin:/bin") == (status, "reload fixrx-api.service\n")
    assert file.exists() is left


def test_node_reads_the_ecosystem_file_and_the_api_of_the_tests(tmp_path: Path) -> None:
    path = node_environment(node_modules())["PATH"]
    file = tmp_path / "ecosystem.config.js"
    file.write_text(file_of("/etc/fixrx/ecosystem.config.js").text)

    for checked in (file, NODE / "server.js"):
        assert run("node", "--check", str(checked), PATH=path) == (0, "")


def test_agents_file_is_json_with_the_parts_of_the_agent() -> None:
    """Its parts only: the agent's own schema is in its repository, which no package registry offers."""
    file = json.loads(file_of(AGENT_PATH).text)

    assert set(file) == {"agent", "metrics", "logs"}
    assert set(file["metrics"]["metrics_collected"]) == {"disk", "mem"}
    assert set(file["logs"]["metrics_collected"]) == {"prometheus"}
