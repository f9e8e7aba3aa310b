"""The script of the first boot, run by the real bash.

Every absolute path that the script writes to is put under a temporary directory, and what would change the machine or
needs AWS is a stand-in at the head of PATH that writes down how it was called. Not shown: that Amazon Linux has the
packages, and what systemd makes of the units, which other tests here and the boot of a virtual machine show.
"""

import hashlib
import os
import stat
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from components.shared.host import HostConfiguration, script
from components.shared.host.files import host_files
from tests.host.configuration import ARN, HOST, SECRETS
from tests.host.environment_file import read_environment_file

WRITTEN_PATHS = ("/etc/", "/run/fixrx", "/usr/local/sbin", "/var/www", "/var/log/fixrx", "/tmp/release", "/opt/aws")
RELEASE = ("dist/server.js", "node_modules/.bin/pm2", "node_modules/.bin/pm2-runtime", "logs/old.log")
NOT_FOUND = "An error occurred (404) when calling the HeadObject operation: Not Found"
DENIED = "An error occurred (403) when calling the HeadObject operation: Forbidden"
CLOCK = "sleep() { SECONDS=$((SECONDS + $1)); }"
"""Lets the time pass that the script sleeps."""
ASKED_FOR_A_TOKEN = (
    "--fail --silent --show-error --max-time 5 --request PUT --header X-aws-ec2-metadata-token-ttl-seconds: 60 "
    "http://169.254.169.254/latest/api/token"
)
ASKED_WHO_IT_IS = (
    "--fail --silent --show-error --max-time 5 --header X-aws-ec2-metadata-token: the-token "
    "http://169.254.169.254/latest/meta-data/instance-id"
)
GIVEN_UP = (
    "autoscaling set-instance-health --region us-east-1 --instance-id i-0123 --health-status Unhealthy "
    "--no-should-respect-grace-period"
)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A directory that stands for a server's root, and stand-ins for its commands."""

    root: Path

    @property
    def stand_ins(self) -> Path:
        return self.root / "stand-ins"

    def stand_in(self, command: str, body: str, directory: Path | None = None) -> None:
        """Put a stand-in on PATH that writes its arguments to a list before it does what `body` says."""
        path = (directory or self.stand_ins) / command
        path.write_text(f'#!/bin/bash\necho "{command} $*" >>"{self.root}/calls"\n{body}\n')
        path.chmod(0o755)

    def calls(self, command: str) -> list[str]:
        lines = (self.root / "calls").read_text().splitlines()
        return [line.removeprefix(f"{command} ") for line in lines if line.startswith(f"{command} ")]

    def make_release(self, files: Sequence[str] = RELEASE) -> str:
        """Put a release with these files where it is downloaded from, and return its digest."""
        contents = self.path("contents")
        for file in files:
            (contents / file).parent.mkdir(parents=True, exist_ok=True)
            (contents / file).write_text("content\n")
            (contents / file).chmod(0o600)
        with tarfile.open(self.path("release.tar.gz"), "w:gz") as archive:
            archive.add(contents, arcname=".")
        return hashlib.sha256(self.path("release.tar.gz").read_bytes()).hexdigest()

    def boot(self, host: HostConfiguration = HOST, prelude: str = "") -> subprocess.CompletedProcess[str]:
        """Boot with the digest of the release that is there, unless the host pins another than zeros."""
        digest = hashlib.sha256(self.path("release.tar.gz").read_bytes()).hexdigest()
        pinned = replace(host, release_sha256=digest) if host.release_sha256 == HOST.release_sha256 else host
        text = script(pinned)
        for path in WRITTEN_PATHS:
            text = text.replace(path, f"{self.root}{path}")
        # Only the program that runs it is new here.
        text = text.replace(
            f"{self.root}/usr/local/sbin/fixrx-load-secrets || missing=1", "fixrx-load-secrets || missing=1"
        )
        return subprocess.run(
            ["bash", "-c", f"{prelude}\n{text}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": f"{self.stand_ins}:{os.environ['PATH']}"},
        )

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    server = Server(root=tmp_path)
    agent = server.path("opt/aws/amazon-cloudwatch-agent/bin")
    for directory in (server.stand_ins, agent, *map(server.path, ("tmp", "var/www/fixrx-backend", "contents"))):
        directory.mkdir(parents=True)
    server.make_release()
    for command in ("dnf", "systemctl", "useradd", "chown", "sleep", "logger", "fixrx-load-secrets", "nginx"):
        server.stand_in(command, "")
    server.stand_in("amazon-cloudwatch-agent-ctl", "", agent)
    server.stand_in("journalctl", "echo 'the journal says why'")
    server.stand_in("id", "exit 1")
    # Owners can be given by root alone.
    server.stand_in(
        "install",
        'arguments=(); for each; do case $each in --owner=* | --group=*) ;; *) arguments+=("$each") ;; esac; done\n'
        'exec /usr/bin/install "${arguments[@]}"',
    )
    server.stand_in(
        "curl",
        'case "$*" in *api/token) echo the-token ;; *instance-id) echo i-0123 ;; *http_code*) printf 200 ;; esac',
    )
    server.stand_in("aws", f'if [ "$2" = cp ]; then cp "{tmp_path}/release.tar.gz" "${{@: -1}}"; fi')
    return server


def test_server_gets_what_it_needs_in_this_order(server: Server) -> None:
    finished = server.boot()

    assert (finished.returncode, finished.stderr) == (0, "")
    root = server.root
    directory = f"{root}/var/www/fixrx-backend"
    assert [line for line in (root / "calls").read_text().splitlines() if " -D " not in line] == [
        "dnf install --assumeyes nodejs24 nginx logrotate amazon-cloudwatch-agent",
        "id fixrx",
        f"useradd --system --home-dir {directory} --no-create-home --shell /sbin/nologin fixrx",
        f"install --directory --owner=root --group=fixrx --mode=0750 {directory}",
        f"install --directory --owner=fixrx --group=fixrx --mode=0750 {root}/var/log/fixrx",
        "systemctl restart systemd-sysctl.service",
        "systemctl mask --now sshd.service sshd.socket",
        f"amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:{root}/etc/fixrx/amazon-cloudwatch-agent.json",
        "aws s3api head-object --region us-east-1 --bucket backups --key releases/1.2.3.tar.gz",
        "fixrx-load-secrets ",
        f"curl --fail --silent --show-error --output {root}/etc/fixrx/rds-ca.pem "
        "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
        f"aws s3 cp --no-progress --region us-east-1 s3://backups/releases/1.2.3.tar.gz {root}/tmp/release.tar.gz",
        f"chown --recursive --no-dereference root:fixrx {directory}",
        "systemctl daemon-reload",
        "systemctl enable --now logrotate.timer",
        "systemctl enable --now nginx.service",
        "systemctl enable --now fixrx-api.service",
        "curl --silent --output /dev/null --max-time 5 --write-out %{http_code} "
        "http://127.0.0.1:80/api/v1/system/ready",
        "systemctl enable --now fixrx-secrets.timer",
    ]
    assert finished.stdout.splitlines()[-1].startswith("FIXRX BOOT FINISHED: release 1.2.3 serves after ")


def test_every_file_is_written_as_it_is(server: Server) -> None:
    server.boot()

    for file in host_files(HOST):
        written = server.path(file.path)
        assert written.read_text().replace(str(server.root), "") == file.text
        assert stat.S_IMODE(written.stat().st_mode) == int(file.mode, 8)


def test_server_has_the_release_and_no_archive(server: Server) -> None:
    server.boot()

    directory = server.path("/var/www/fixrx-backend")
    assert {path.name for path in directory.iterdir()} == {"dist", "node_modules", "logs"}
    assert list(server.path("/tmp").iterdir()) == []
    # The application writes to ./logs, where logrotate and the agent look for it.
    assert (directory / "logs").readlink() == server.path("/var/log/fixrx")
    assert stat.S_IMODE((directory / "dist/server.js").stat().st_mode) == 0o640
    assert stat.S_IMODE((directory / "dist").stat().st_mode) == 0o750


def test_server_knows_its_settings_and_the_names_of_its_secrets(server: Server) -> None:
    server.boot()

    settings = server.path("/etc/fixrx/settings.env").read_text()
    assert read_environment_file(settings) == {"NODE_ENV": "production", "PORT": "3000"}
    assert server.path("/etc/fixrx/secrets.list").read_text().splitlines() == [
        f"DATABASE_URL {ARN}DATABASE_URL",
        f"FIREBASE_SERVICE_ACCOUNT {ARN}FIREBASE_SERVICE_ACCOUNT",
    ]


def test_user_that_exists_is_not_created_again(server: Server) -> None:
    server.stand_in("id", "")

    server.boot()

    assert server.calls("useradd") == []


def test_ssh_daemon_runs_only_if_asked_for(server: Server) -> None:
    server.boot(replace(HOST, ssh_daemon=True))

    assert [call for call in server.calls("systemctl") if call.startswith("mask")] == []


def test_server_without_agent_serves_all_the_same(server: Server) -> None:
    server.path("/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl").unlink()

    finished = server.boot()

    assert finished.returncode == 0
    assert finished.stderr.splitlines()[-1] == (
        "the CloudWatch agent does not start: no logs and no metrics of this server"
    )


def test_download_that_fails_is_tried_again_and_said_once(server: Server) -> None:
    server.stand_in(
        "curl",
        f"""
case "$*" in
  *http_code*) printf 200 ;;
  *) [ "$(grep --count rds-ca "{server.root}/calls")" -ge 3 ] || {{ echo 'curl: (6) no such host' >&2; exit 6; }} ;;
esac
""",
    )

    finished = server.boot()

    assert finished.returncode == 0
    assert finished.stderr.splitlines() == ["fetch_database_certificates: curl: (6) no such host; trying every 10 s"]
    assert server.calls("sleep") == ["10", "10"]


def test_everything_that_is_missing_is_named_together_until_it_is_there(server: Server) -> None:
    """The release and a secret are put there while the server waits."""
    tries = f'"$(grep --count head-object "{server.root}/calls")"'
    server.stand_in(
        "aws",
        f"""
if [ "$2" = cp ]; then cp "{server.root}/release.tar.gz" "${{@: -1}}"; exit 0; fi
[ {tries} -ge 3 ] || {{ echo "{NOT_FOUND}" >&2; exit 254; }}
""",
    )
    server.stand_in("fixrx-load-secrets", f"[ {tries} -ge 4 ] || {{ echo 'the secret X has no value' >&2; exit 1; }}")

    finished = server.boot()

    assert finished.returncode == 0
    missing = "the release s3://backups/releases/1.2.3.tar.gz is not there: upload it"
    assert finished.stderr.splitlines() == [
        f"everything_is_there: {missing};the secret X has no value; trying every 10 s",
        "everything_is_there: the secret X has no value; trying every 10 s",
    ]
    assert server.calls("sleep") == ["10", "10", "10"]


def test_what_is_forbidden_is_not_called_missing(server: Server) -> None:
    # The CLI begins its errors with an empty line.
    server.stand_in("aws", f'if [ "$1" = s3api ]; then printf "\\n{DENIED}\\n" >&2; exit 254; fi')

    finished = server.boot(replace(HOST, patience_seconds=0))

    assert reason(finished) == (
        f"everything_is_there has not succeeded for 0 s: the release s3://backups/releases/1.2.3.tar.gz cannot be "
        f"read: {DENIED}"
    )


def test_patience_is_for_all_waits_together(server: Server) -> None:
    """Three waits of ten minutes would be longer than the group's patience with the server."""
    server.stand_in("dnf", f'[ "$(grep --count ^dnf "{server.root}/calls")" -ge 31 ]')
    server.stand_in("curl", "exit 1")

    finished = server.boot(prelude=CLOCK)

    assert reason(finished) == "fetch_database_certificates has not succeeded for 600 s: "
    # Half of the time has gone into the first wait. The machine's own seconds count as well.
    assert len(server.calls("dnf")) == 31
    assert 21 <= len([call for call in server.calls("curl") if "rds-ca" in call]) <= 31


def reason(finished: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that says why a server does not start."""
    assert finished.returncode != 0
    (line,) = (line for line in finished.stderr.splitlines() if line.startswith("FIXRX BOOT FAILED: "))
    return line.removeprefix("FIXRX BOOT FAILED: ")


@pytest.mark.parametrize(
    ("command", "body", "expected"),
    [
        (
            "dnf",
            "echo 'No match for argument: nodejs24'; exit 1",
            "install_packages has not succeeded for 0 s: No match",
        ),
        ("fixrx-load-secrets", "echo 'the secret X is empty' >&2; exit 1", "everything_is_there has not succeeded for"),
        ("tar", "exit 2", "tar --extract --gzip --file=/tmp/release.tar.gz --directory="),
        ("chown", "exit 1", "chown --recursive --no-dereference root:fixrx"),
        ("nginx", "echo 'nginx: [emerg] bad line'", "nginx does not start: nginx: [emerg] bad line"),
    ],
)
def test_server_that_cannot_be_made_ready_says_why_and_gives_up(
    server: Server, command: str, body: str, expected: str
) -> None:
    server.stand_in(command, body)
    if command == "nginx":
        server.stand_in("systemctl", 'if [[ "$*" = *nginx* ]]; then exit 1; fi')

    finished = server.boot(replace(HOST, patience_seconds=0))

    assert reason(finished).replace(str(server.root), "").startswith(expected)
    # The same line is in the journal, and the group knows at once.
    assert server.calls("logger") == [f"--tag fixrx-boot --priority user.err -- FIXRX BOOT FAILED: {reason(finished)}"]
    assert [call for call in server.calls("curl") if "169.254" in call] == [ASKED_FOR_A_TOKEN, ASKED_WHO_IT_IS]
    assert server.calls("aws")[-1] == GIVEN_UP
    assert "enable --now fixrx-api.service" not in server.calls("systemctl")


def test_release_with_another_digest_is_not_unpacked(server: Server) -> None:
    actual = server.make_release()
    pinned = "ab" * 32

    finished = server.boot(replace(HOST, release_sha256=pinned))

    assert reason(finished) == f"the release 1.2.3 has the SHA-256 {actual}, but {pinned} is pinned"
    assert list(server.path("/var/www/fixrx-backend").iterdir()) == []
    assert server.calls("aws")[-1] == GIVEN_UP


@pytest.mark.parametrize("missing", ["dist/server.js", "node_modules/.bin/pm2", "node_modules/.bin/pm2-runtime"])
def test_release_without_what_is_started_says_so(server: Server, missing: str) -> None:
    server.path(f"contents/{missing}").unlink()
    server.make_release([file for file in RELEASE if file != missing])

    finished = server.boot()

    assert reason(finished) == f"the release 1.2.3 has no {missing}"
    assert server.calls("aws")[-1] == GIVEN_UP


def test_service_that_does_not_start_says_why(server: Server) -> None:
    server.stand_in("systemctl", 'if [[ "$*" = *fixrx-api* ]]; then exit 1; fi')

    finished = server.boot()

    assert reason(finished) == "fixrx-api does not start: the journal says why"
    assert server.calls("aws")[-1] == GIVEN_UP


def test_service_that_does_not_become_healthy_says_so(server: Server) -> None:
    server.stand_in("curl", 'if [[ "$*" = *http_code* ]]; then printf 502; fi')

    finished = server.boot(prelude=CLOCK)

    assert reason(finished) == (
        "http://127.0.0.1:80/api/v1/system/ready has not answered 200 for 180 s, at last 502: see "
        "/var/log/fixrx/err.log"
    ).replace("/var/log", f"{server.root}/var/log")
    # Every two seconds. The machine's own seconds count as well.
    assert 80 <= len([call for call in server.calls("curl") if "http_code" in call]) <= 92


def test_service_may_take_some_time_to_become_healthy(server: Server) -> None:
    server.stand_in(
        "curl",
        f"""
if [[ "$*" = *http_code* ]]; then
  if [ "$(grep --count http_code "{server.root}/calls")" -ge 5 ]; then printf 200; else printf 000; exit 7; fi
fi
""",
    )

    finished = server.boot()

    assert (finished.returncode, finished.stderr) == (0, "")
    assert server.calls("sleep") == ["2"] * 4


def test_server_that_cannot_reach_its_group_says_that_too(server: Server) -> None:
    server.stand_in("curl", "exit 7")

    finished = server.boot(replace(HOST, patience_seconds=0))

    assert reason(finished) == "fetch_database_certificates has not succeeded for 0 s: "
    assert finished.stderr.splitlines()[-1] == (
        "the group could not be told; it replaces the server at the end of its grace period"
    )


def test_no_secret_is_in_the_script() -> None:
    text = script(HOST)

    assert all(arn in text for arn in SECRETS.values())
    assert "SecretString" in text  # The loader is; its values are not.
