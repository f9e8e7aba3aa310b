"""The script of the first boot, run by the real bash.

Every absolute path that the script writes to is put under a temporary directory, and what would change the machine or
needs AWS is a stand-in at the head of PATH that writes down how it was called. Not shown: that Amazon Linux has the
packages, and that systemd takes the unit.
"""

import base64
import json
import os
import stat
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from components.shared.user_data import LARGEST_BYTES, UserData
from tests.components.shared.environment_file import read_environment_file

ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:"
SECRETS = {variable: f"{ARN}{variable}" for variable in ("DATABASE_URL", "FIREBASE_SERVICE_ACCOUNT")}
USER_DATA = UserData(
    region="us-east-1",
    bucket="backups",
    releases_prefix="releases/",
    release="1.2.3",
    node_version="24",
    drain_seconds=60,
    settings={"PORT": "3000", "NODE_ENV": "production"},
    secret_arns=SECRETS,
    secret_versions={"DATABASE_URL": "version-1"},
    patience_seconds=600,
)
WRITTEN_PATHS = (
    "/etc/fixrx",
    "/etc/systemd",
    "/run/fixrx",
    "/usr/local/sbin",
    "/var/www",
    "/var/log/fixrx",
    "/tmp/release",
)
FIREBASE = json.dumps(
    {"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"},
    indent=2,
)
AWKWARD_VALUES = [
    "plain",
    "with spaces  and\ttab",
    'double " quote',
    "single ' quote",
    "back\\slash and \\n that is no line break",
    "dollar $HOME ${PATH} $(id)",
    "back`tick`",
    "# no comment ; either",
    "equals=sign=",
    "percent %n %%",
    "first line\nsecond line\n\nfourth line",
    "ends in backslash\\",
    "\\",
    '"',
    "  spaces around  ",
    "ünïcode ✓",
    "",
    "postgresql://fixrx_admin:a@host:5432/db?sslmode=verify-full&options=-c%20statement_timeout%3D30000",
    json.dumps({"private_key": "-----BEGIN\n$x\\y\n"}),
    FIREBASE,
]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A directory that stands for a server's root, and stand-ins for its commands."""

    root: Path

    @property
    def stand_ins(self) -> Path:
        return self.root / "stand-ins"

    def stand_in(self, command: str, body: str) -> None:
        """Put a stand-in on PATH that writes its arguments to a list before it does what `body` says."""
        path = self.stand_ins / command
        path.write_text(f'#!/bin/bash\necho "{command} $*" >>"{self.root}/calls"\n{body}\n')
        path.chmod(0o755)

    def calls(self, command: str) -> list[str]:
        lines = (self.root / "calls").read_text().splitlines()
        return [line.removeprefix(f"{command} ") for line in lines if line.startswith(f"{command} ")]

    def boot(self, user_data: UserData, prelude: str = "") -> subprocess.CompletedProcess[str]:
        script = f"{prelude}\n{user_data.script()}"
        for path in WRITTEN_PATHS:
            script = script.replace(path, f"{self.root}{path}")
        return self._run(script)

    def _run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": f"{self.stand_ins}:{os.environ['PATH']}"},
        )

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    def load_secrets(self, values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run the loader that the script has written, against these values by variable."""
        for variable, value in values.items():
            (self.root / f"{variable}.secret").write_text(value)
        # Like the AWS CLI: the value and one line break, or an error where there is no value.
        self.stand_in(
            "aws", f'while [ "$1" != --secret-id ]; do shift; done\ncat "{self.root}/${{2##*:}}.secret" && echo'
        )
        return self._run(self.path("/usr/local/sbin/fixrx-load-secrets").read_text())


@pytest.fixture
def server(tmp_path: Path) -> Server:
    server = Server(root=tmp_path)
    for directory in ("stand-ins", "tmp", "etc/systemd/system", "usr/local/sbin", "var/www/fixrx-backend", "contents"):
        server.path(directory).mkdir(parents=True)
    server.path("contents/ecosystem.config.js").write_text("module.exports = {}\n")
    with tarfile.open(server.path("release.tar.gz"), "w:gz") as archive:
        archive.add(server.path("contents"), arcname=".")
    for command in ("dnf", "curl", "systemctl", "useradd", "chown", "sleep"):
        server.stand_in(command, "")
    server.stand_in("id", "exit 1")
    # Owners can be given by root alone; the directories are made all the same.
    server.stand_in("install", 'for last; do :; done\nmkdir -p "$last"')
    server.stand_in("aws", f'if [ "$2" = cp ]; then cp "{tmp_path}/release.tar.gz" "${{@: -1}}"; fi')
    return server


def test_script_is_valid_bash() -> None:
    checked = subprocess.run(["bash", "-n"], input=USER_DATA.script(), capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_script_is_encoded_as_a_launch_template_wants_it() -> None:
    assert base64.b64decode(USER_DATA.encoded()).decode() == USER_DATA.script()


def test_script_is_far_below_the_limit_of_ec2() -> None:
    assert len(USER_DATA.script().encode()) < LARGEST_BYTES / 2


def test_script_that_is_too_long_is_refused() -> None:
    long = replace(USER_DATA, settings={"LONG": "x" * LARGEST_BYTES})

    with pytest.raises(ValueError, match=r"^user data is \d+ bytes long, and EC2 accepts at most 16384$"):
        long.script()


def test_server_gets_what_it_needs_in_this_order(server: Server) -> None:
    finished = server.boot(USER_DATA)

    assert (finished.returncode, finished.stderr) == (0, "")
    root = server.root
    assert (root / "calls").read_text().splitlines() == [
        "dnf install --assumeyes nodejs24",
        "id fixrx",
        f"useradd --system --home-dir {root}/var/www/fixrx-backend --shell /sbin/nologin fixrx",
        f"install --directory --owner=fixrx --group=fixrx {root}/var/www/fixrx-backend {root}/var/log/fixrx",
        f"install --directory {root}/etc/fixrx",
        "aws s3api head-object --region us-east-1 --bucket backups --key releases/1.2.3.tar.gz",
        *(
            f"aws secretsmanager get-secret-value --region us-east-1 --secret-id {arn} --query ARN --output text"
            for arn in SECRETS.values()
        ),
        f"curl --fail --silent --show-error --output {root}/etc/fixrx/rds-ca.pem "
        "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem",
        f"aws s3 cp --region us-east-1 s3://backups/releases/1.2.3.tar.gz {root}/tmp/release.tar.gz",
        f"chown --recursive fixrx:fixrx {root}/var/www/fixrx-backend",
        "systemctl daemon-reload",
        "systemctl enable --now fixrx-api.service",
    ]


def test_server_has_the_release_and_no_archive(server: Server) -> None:
    server.boot(USER_DATA)

    assert [path.name for path in server.path("/var/www/fixrx-backend").iterdir()] == ["ecosystem.config.js"]
    assert list(server.path("/tmp").iterdir()) == []


def test_server_knows_its_settings_and_the_names_of_its_secrets(server: Server) -> None:
    server.boot(USER_DATA)

    settings = server.path("/etc/fixrx/settings.env").read_text()
    assert read_environment_file(settings) == {"NODE_ENV": "production", "PORT": "3000"}
    assert server.path("/etc/fixrx/secrets.list").read_text().splitlines() == [
        f"DATABASE_URL {ARN}DATABASE_URL version-1",
        f"FIREBASE_SERVICE_ACCOUNT {ARN}FIREBASE_SERVICE_ACCOUNT",
    ]


def test_new_version_of_a_secret_is_a_new_script() -> None:
    """A changed script is a new version of the launch template, which replaces the servers."""
    renewed = replace(USER_DATA, secret_versions={"DATABASE_URL": "version-2"})

    assert renewed.script() == USER_DATA.script().replace("version-1", "version-2") != USER_DATA.script()


def test_service_runs_pm2_as_its_own_user_and_loads_secrets_first(server: Server) -> None:
    server.boot(USER_DATA)

    unit = server.path("/etc/systemd/system/fixrx-api.service").read_text().replace(str(server.root), "")
    assert unit.partition("[Service]\n")[2].partition("\n\n")[0].splitlines() == [
        "User=fixrx",
        "WorkingDirectory=/var/www/fixrx-backend",
        "EnvironmentFile=/etc/fixrx/settings.env",
        "EnvironmentFile=-/run/fixrx/secrets.env",
        "ExecStartPre=+/usr/local/sbin/fixrx-load-secrets",
        "ExecStart=/var/www/fixrx-backend/node_modules/.bin/pm2-runtime start ecosystem.config.js --env production",
        "Restart=always",
        "RestartSec=5",
        "TimeoutStopSec=60",
        "NoNewPrivileges=true",
    ]


def test_user_that_exists_is_not_created_again(server: Server) -> None:
    server.stand_in("id", "")

    server.boot(USER_DATA)

    assert server.calls("useradd") == []


def test_download_that_fails_is_tried_again(server: Server) -> None:
    server.stand_in("curl", f'[ "$(grep --count ^curl "{server.root}/calls")" -ge 3 ]')

    finished = server.boot(USER_DATA)

    assert finished.returncode == 0
    assert finished.stderr.splitlines() == ["failed: fetch_database_certificates; trying again in 10 s"] * 2
    assert server.calls("sleep") == ["10", "10"]
    assert len(server.calls("curl")) == 3


@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("dnf", "install_runtime"),
        ("aws", "nothing_is_missing"),
        ("curl", "fetch_database_certificates"),
        ("tar", "fetch_release"),
        ("chown", "fetch_release"),
    ],
)
def test_server_that_cannot_be_made_ready_gives_up_and_starts_nothing(server: Server, command: str, step: str) -> None:
    server.stand_in(command, "exit 1")

    finished = server.boot(replace(USER_DATA, patience_seconds=0))

    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1] == f"gave up after 0 s: {step}"
    assert server.calls("systemctl") == []


def test_patience_is_for_all_waits_together(server: Server) -> None:
    """Three waits of ten minutes would be longer than the group's patience with the server."""
    server.stand_in("dnf", f'[ "$(grep --count ^dnf "{server.root}/calls")" -ge 31 ]')
    server.stand_in("curl", "exit 1")

    finished = server.boot(USER_DATA, prelude="sleep() { SECONDS=$((SECONDS + $1)); }")

    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1] == "gave up after 600 s: fetch_database_certificates"
    # Half of the time has gone into the first wait. The machine's own seconds count as well.
    assert len(server.calls("dnf")) == 31
    assert 21 <= len(server.calls("curl")) <= 31


NOT_FOUND = "An error occurred (404) when calling the HeadObject operation: Not Found"
NO_VALUE = (
    "An error occurred (ResourceNotFoundException) when calling the GetSecretValue operation: Secrets Manager can't "
    "find the specified secret value for staging label: AWSCURRENT"
)
DENIED = "An error occurred (403) when calling the HeadObject operation: Forbidden"


def test_everything_that_is_missing_is_named_at_once_until_it_is_there(server: Server) -> None:
    """The release and two secrets are put there while the server waits."""
    attempts = f'"$(grep --count head-object "{server.root}/calls")"'
    server.stand_in(
        "aws",
        f"""
if [ "$2" = cp ]; then cp "{server.root}/release.tar.gz" "${{@: -1}}"; exit 0; fi
if [ {attempts} -ge 3 ]; then exit 0; fi
if [ "$2" = head-object ]; then echo "{NOT_FOUND}" >&2; else echo "{NO_VALUE}" >&2; fi
exit 254
""",
    )

    finished = server.boot(USER_DATA)

    assert finished.returncode == 0
    assert (
        finished.stderr.splitlines()
        == [
            "missing:",
            "the release s3://backups/releases/1.2.3.tar.gz is not there: upload it",
            *(
                f"the secret {variable} has no value: aws secretsmanager put-secret-value --secret-id {arn}"
                for variable, arn in SECRETS.items()
            ),
            "failed: nothing_is_missing; trying again in 10 s",
        ]
        * 2
    )
    assert server.calls("systemctl") == ["daemon-reload", "enable --now fixrx-api.service"]


def test_what_is_forbidden_is_not_called_missing(server: Server) -> None:
    server.stand_in("aws", f'if [ "$1" = s3api ]; then echo "{DENIED}" >&2; exit 254; fi')

    finished = server.boot(replace(USER_DATA, patience_seconds=0))

    assert finished.stderr.splitlines() == [
        "missing:",
        f"the release s3://backups/releases/1.2.3.tar.gz cannot be read: {DENIED}",
        "gave up after 0 s: nothing_is_missing",
    ]


def test_service_sees_secrets_exactly_as_they_are_kept(server: Server) -> None:
    values = {f"SECRET_{number}": value for number, value in enumerate(AWKWARD_VALUES)}
    arns = {variable: f"{ARN}{variable}" for variable in values}
    server.boot(replace(USER_DATA, secret_arns=arns, secret_versions=dict.fromkeys(arns, "version-1")))

    finished = server.load_secrets(values)

    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert read_environment_file(server.path("/run/fixrx/secrets.env").read_text()) == values


def test_service_gets_a_service_account_that_is_json(server: Server) -> None:
    server.boot(USER_DATA)

    server.load_secrets({"DATABASE_URL": "x", "FIREBASE_SERVICE_ACCOUNT": f"{FIREBASE}\n"})

    written = read_environment_file(server.path("/run/fixrx/secrets.env").read_text())
    assert json.loads(written["FIREBASE_SERVICE_ACCOUNT"]) == json.loads(FIREBASE)


def test_secrets_can_be_read_by_root_alone(server: Server) -> None:
    server.boot(USER_DATA)

    server.load_secrets(dict.fromkeys(SECRETS, "x"))

    assert stat.S_IMODE(server.path("/run/fixrx/secrets.env").stat().st_mode) == 0o600
    assert server.calls("install")[-1] == f"--directory --mode=0700 {server.root}/run/fixrx"
    loader = server.path("/usr/local/sbin/fixrx-load-secrets")
    assert stat.S_IMODE(loader.stat().st_mode) == 0o700


def test_secrets_of_before_stay_when_one_cannot_be_fetched(server: Server) -> None:
    """A vendor's secret without a value keeps the service from starting half-configured."""
    server.boot(USER_DATA)
    server.load_secrets(dict.fromkeys(SECRETS, "before"))
    (server.root / "FIREBASE_SERVICE_ACCOUNT.secret").unlink()

    finished = server.load_secrets({"DATABASE_URL": "after"})

    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1] == (
        "these secrets cannot be read; have they values? FIREBASE_SERVICE_ACCOUNT"
    )
    written = server.path("/run/fixrx/secrets.env").read_text()
    assert read_environment_file(written) == dict.fromkeys(SECRETS, "before")
