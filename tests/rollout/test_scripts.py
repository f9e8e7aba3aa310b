"""The two scripts of a release as they run: with a real shell, tar, sha256sum and npm, and stand-ins for AWS."""

import hashlib
import http.server
import io
import json
import os
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from components.database_jobs import buildspec
from components.shared.job_scripts import script_of
from components.verification import SCRIPT as VERIFY
from tests.host.programs import program

pytestmark = pytest.mark.host

RELEASE = "1.4.0"
TOKEN = "database:5432/?Action=connect&DBUser=fixrx_migrate&X-Amz-Signature=a/b"
URL = f"postgresql://fixrx_migrate:{quote(TOKEN, safe='')}@database:5432/fixrx?sslmode=verify-full"
"""Not a real one; it must not be printed."""
NOTE = "node -e \"require('fs').appendFileSync(process.env.CALLS, '{name} ' + process.env.DATABASE_URL + '\\n')\""

STAND_INS = {
    "dnf": 'echo "dnf $*" >>"${CALLS}"',
    "curl": 'echo "curl $*" >>"${CALLS}"',
    "aws": """
        echo "aws $1 $2" >>"${CALLS}"
        case "$1 $2" in
          's3 cp')
            [[ "$4" == "s3://bucket/releases/1.4.0.tar.gz" ]] || { echo "no such object: $4" >&2; exit 1; }
            if [[ -e "${FAIL_ONCE}" ]]; then rm "${FAIL_ONCE}"; echo 'no route' >&2; exit 1; fi
            cp "${ARCHIVE}" "$5" ;;
          'rds generate-db-auth-token') [[ "$4 $6 $8" == "database 5432 fixrx_migrate" ]] || exit 1; echo "${TOKEN}" ;;
          *) exit 1 ;;
        esac""",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    status: int
    output: str
    calls: Sequence[str]
    """Of stand-ins and of the release's own scripts, in their order."""


class Job:
    """A build of the migration project."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name, body in STAND_INS.items():
            self._write(name, body)
        node, npm = program("node"), program("npm")
        for name, path in (("node", node), ("npm", npm)):
            (self._programs / name).symlink_to(path)
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
        self._node_version = version.removeprefix("v").partition(".")[0]
        self.fail_once = folder / "fail-once"

    def run(
        self,
        scripts: Mapping[str, str],
        *,
        task: str = "migrate",
        digest: str | None = None,
        node: str | None = None,
    ) -> Run:
        archive = self._folder / "archive.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            content = json.dumps({"name": "backend", "scripts": scripts}).encode()
            entry = tarfile.TarInfo("package.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        # CodeBuild's own Node comes first there; the packages are in /usr/bin.
        script = script_of("migrate")
        assert 'PATH="/usr/bin:${PATH}"' in script
        script = script.replace("/usr/bin:", f"{self._programs}:")
        place = self._folder / "work"
        place.mkdir()
        calls = self._folder / "calls"
        calls.touch()
        finished = subprocess.run(
            ["/bin/bash", "-c", yaml.safe_load(buildspec(script))["phases"]["build"]["commands"][0]],
            cwd=place,
            env={
                "PATH": f"{self._programs}:{os.environ['PATH']}",
                "HOME": str(self._folder),
                "CALLS": str(calls),
                "ARCHIVE": str(archive),
                "FAIL_ONCE": str(self.fail_once),
                "TOKEN": TOKEN,
                "RETRY_SECONDS": "0",
                "TASK": task,
                "RELEASE": RELEASE,
                "RELEASE_SHA256": digest or hashlib.sha256(archive.read_bytes()).hexdigest(),
                "BUCKET": "bucket",
                "RELEASES_PREFIX": "releases/",
                "DATABASE_ENDPOINT": "database:5432",
                "DATABASE_NAME": "fixrx",
                "DATABASE_USER": "fixrx_migrate",
                "DATABASE_URL_OPTIONS": "sslmode=verify-full",
                "CA_BUNDLE_PATH": str(self._folder / "certificates" / "bundle.pem"),
                "NODE_VERSION": node or self._node_version,
                "NPM_CONFIG_UPDATE_NOTIFIER": "false",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return Run(
            status=finished.returncode,
            output=finished.stdout,
            calls=[line for line in calls.read_text().splitlines() if not line.startswith(("dnf", "curl"))],
        )

    def _write(self, name: str, body: str) -> None:
        path = self._programs / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


GOOD = {"migrate:production": NOTE.format(name="migrate"), "migrate:status": NOTE.format(name="status")}


def test_migration_is_followed_by_its_status(job: Job) -> None:
    done = job.run(GOOD)

    assert (done.status, done.output.splitlines()[-1]) == (0, "migrate: migrate of release 1.4.0 succeeded")
    assert done.calls == [
        "aws s3 cp",
        "aws rds generate-db-auth-token",
        f"migrate {URL}",
        "aws rds generate-db-auth-token",
        f"status {URL}",
    ]
    assert [secret for secret in (URL, TOKEN) if secret in done.output] == []


def test_status_migrates_nothing(job: Job) -> None:
    done = job.run(GOOD, task="status")

    assert (done.status, done.calls[2:]) == (0, [f"status {URL}"])


@pytest.mark.parametrize(
    ("scripts", "said", "ran"),
    [
        ({**GOOD, "migrate:production": "exit 3"}, "migrate: npm run migrate:production failed", 0),
        ({**GOOD, "migrate:status": "exit 1"}, "migrate: npm run migrate:status failed", 1),
        ({"migrate:status": GOOD["migrate:status"]}, "migrate: npm run migrate:production failed", 0),
    ],
)
def test_release_that_cannot_migrate_fails_the_build(job: Job, scripts: dict[str, str], said: str, ran: int) -> None:
    done = job.run(scripts)

    assert (done.status, done.output.splitlines()[-1]) == (1, said)
    assert len([call for call in done.calls if call.endswith(URL)]) == ran


def test_another_archive_is_not_unpacked(job: Job) -> None:
    done = job.run(GOOD, digest="a" * 64)

    assert done.status == 1
    assert done.output.splitlines()[-1].endswith(f"and {'a' * 64} is pinned")
    assert done.calls == ["aws s3 cp"]


def test_download_is_tried_again(job: Job) -> None:
    job.fail_once.touch()

    assert job.run(GOOD).calls[:2] == ["aws s3 cp", "aws s3 cp"]


def test_other_major_version_of_node_is_refused(job: Job) -> None:
    done = job.run(GOOD, node="9")

    assert (done.status, done.calls) == (1, [])
    assert done.output.splitlines()[-1].endswith(", not 9")


def test_unknown_task_does_nothing(job: Job) -> None:
    done = job.run(GOOD, task="drop")

    assert (done.status, done.output.splitlines()[-1]) == (1, "migrate: TASK is drop, not migrate or status")
    assert done.calls == ["aws s3 cp"]


@dataclass
class Api:
    """The API of a server, on any port."""

    port: int
    statuses: dict[str, int]
    """Path to the status of its answer; 200 without an entry."""
    asked: list[str]


@pytest.fixture
def api() -> Iterator[Api]:
    found = Api(port=0, statuses={}, asked=[])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(found.statuses.get(self.path, 200))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("localhost", 0), Handler) as server:
        found.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def verify(api: Api, manifest: Path) -> tuple[int, str]:
    script = VERIFY.read_text()
    for old, new in {
        "localhost:3000": f"localhost:{api.port}",
        "/var/www/fixrx-backend/release.json": str(manifest),
    }.items():
        assert old in script
        script = script.replace(old, new)
    finished = subprocess.run(
        ["/bin/bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin"},
    )
    return finished.returncode, finished.stdout


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "release.json"
    path.write_text(json.dumps({"release": RELEASE, "commit": "c" * 40}))
    return path


SYSTEM = "/api/v1/system"
PATHS = [f"{SYSTEM}/health", f"{SYSTEM}/database/status", f"{SYSTEM}/metrics"]


def test_server_that_is_well_says_its_release(api: Api, manifest: Path) -> None:
    assert verify(api, manifest) == (0, f"release={RELEASE}\n")
    assert api.asked == PATHS


@pytest.mark.parametrize("path", PATHS)
def test_server_that_is_not_well_says_what_is_not(api: Api, manifest: Path, path: str) -> None:
    api.statuses[path] = 503

    assert verify(api, manifest) == (1, f"{path} is not well\n")


def test_server_without_a_release_fails(api: Api, tmp_path: Path) -> None:
    status, output = verify(api, tmp_path / "none.json")

    assert (status, output) == (1, "")
