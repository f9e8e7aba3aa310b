"""The files and the script of a server as texts: complete, the same on every machine, small enough for EC2."""

import base64
import gzip
import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import deflate
import pytest

from components.sections.app_servers import RESTART_GIB, RESTART_MIB
from components.shared.host import LARGEST_BYTES, decoded, encoded, script
from components.shared.host.configuration import SECONDS_FOR_A_CALL, SECRETS_IN_A_CALL
from components.shared.host.files import HostTemplate, host_files
from tests.host.configuration import ARN, HOST, file_of


def many_secrets(number: int) -> dict[str, str]:
    """As long and as hard to compress as real ones."""
    names = [f"OAUTH_PROVIDER_{index}_CLIENT_SECRET" for index in range(number)]
    return {name: f"{ARN}fixrx/production/{name}-{hashlib.sha256(name.encode()).hexdigest()[:32]}" for name in names}


def test_script_reads_the_same_out_of_the_launch_template() -> None:
    assert decoded(encoded(HOST)) == script(HOST)
    assert script(HOST).startswith("#!/bin/bash\n")


def test_compressed_script_begins_as_cloud_init_expects_it() -> None:
    content = base64.b64decode(encoded(HOST))

    assert content[:3] == b"\x1f\x8b\x08"
    # No time in it, and no name: the same at every time.
    assert content[3:8] == bytes(5)
    assert gzip.decompress(content).decode() == script(HOST)


def test_the_same_text_has_the_same_bytes_whatever_the_machine() -> None:
    """A new version of the library may compress otherwise: then every server is replaced once, without another change.

    This text and its digest say so before a deployment does.
    """
    text = "".join(f"{number * number} servers\n" for number in range(500)).encode()

    compressed = deflate.gzip_compress(text, 12)

    assert hashlib.sha256(compressed).hexdigest() == "ea3df59a978c26d3fb5cc5cb78f5d9a0f684c2e188245fad7ff17230bae3663b"


def test_thirty_secrets_leave_a_quarter_of_what_ec2_accepts() -> None:
    secrets = many_secrets(30)
    host = replace(HOST, secret_arns=secrets)

    assert len(base64.b64decode(encoded(host))) < LARGEST_BYTES * 3 / 4


def test_script_that_is_too_long_is_refused() -> None:
    noise = "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(1000))

    with pytest.raises(ValueError, match=r"^user data is \d+ bytes long, and EC2 accepts at most 16384$"):
        encoded(replace(HOST, settings={"LONG": noise}))


def test_file_that_would_end_too_early_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^/etc/fixrx/settings.env does not end in a line break, or contains END_OF"):
        script(replace(HOST, settings={"END_OF_FILE": "x"}))


def test_no_value_of_a_template_is_left_open() -> None:
    assert HostTemplate.delimiter not in script(HOST)


@pytest.mark.parametrize(
    ("drain", "kill", "stop"),
    [(60, 55, 65), (300, 295, 305), (6, 1, 11), (0, 1, 5)],
)
def test_workers_stop_before_pm2_and_pm2_before_systemd(drain: int, kill: int, stop: int) -> None:
    host = replace(HOST, drain_seconds=drain)

    assert (host.kill_seconds, host.stop_seconds) == (kill, stop)
    files = {file.path: file.text for file in host_files(host)}
    assert f"\n      kill_timeout: {kill * 1000},\n" in files["/etc/fixrx/ecosystem.config.js"]
    for unit in ("fixrx-api.service", "nginx.service.d/fixrx.conf"):
        assert f"\nTimeoutStopSec={stop}\n" in files[f"/etc/systemd/system/{unit}"]


@pytest.mark.parametrize(
    ("secrets", "workers", "seconds"),
    # A minute for each call of 20 secrets; 30 s to listen and 55 s to stop for each two workers.
    [(1, 1, 145), (20, 2, 145), (21, 2, 205), (40, 4, 290), (0, 1, 85)],
)
def test_start_may_take_as_long_as_its_parts(secrets: int, workers: int, seconds: int) -> None:
    host = replace(HOST, secret_arns=many_secrets(secrets), workers=workers)

    assert host.start_seconds == seconds


def test_settings_and_pm2_mean_the_same_restart() -> None:
    assert "max_memory_restart: '1G'," in file_of("/etc/fixrx/ecosystem.config.js").text
    assert RESTART_MIB == 1024
    assert HOST.restart_gib == RESTART_GIB


def test_limits_of_the_secret_loader_are_those_that_its_time_is_counted_with() -> None:
    """It is a program of its own, which Python reads as it is."""
    lines = file_of("/usr/local/sbin/fixrx-load-secrets").text.splitlines()

    assert f"AT_ONCE = {SECRETS_IN_A_CALL}" in lines
    assert f"SECONDS_FOR_A_CALL = {SECONDS_FOR_A_CALL}" in lines


def test_workers_have_the_ports_that_nginx_and_the_agent_ask() -> None:
    host = replace(HOST, workers=4)
    files = {file.path: file.text for file in host_files(host)}

    assert host.worker_ports == (3000, 3001, 3002, 3003)
    for port in host.worker_ports:
        assert f"server 127.0.0.1:{port} max_fails=3 fail_timeout=30s;" in files["/etc/nginx/nginx.conf"]
        assert f'"127.0.0.1:{port}"' in files["/etc/fixrx/prometheus.yaml"]


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    """The real nginx, of whatever version: an unknown or a repeated name is found here and not on a server."""
    (text,) = (file.text for file in host_files(HOST) if file.path == "/etc/nginx/nginx.conf")
    # The user of Amazon Linux, and the places where only root writes.
    text = (
        text.replace("user nginx;\n", "")
        .replace("/var/log/nginx", str(tmp_path))
        .replace("/run/nginx", f"{tmp_path}/nginx")
    )
    (tmp_path / "nginx.conf").write_text(text)

    command = ["nginx", "-t", "-e", str(tmp_path / "error.log"), "-c", str(tmp_path / "nginx.conf")]
    result = subprocess.run(command, env={"PATH": "/usr/sbin:/usr/bin"}, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
