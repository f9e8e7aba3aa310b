"""Runs a job's script as CodeBuild does, with what a laptop has: an emulator of AWS, and packages that are there."""

import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
from moto.server import ThreadedMotoServer

from components.shared.job_scripts import script_of
from drill.postgresql import OWNER, PASSWORD, Pair, major_version, programs
from sandbox import UserError

BUCKET = "backups"
DATABASE_PREFIX, DRILLS_PREFIX = "database/", "drills/"
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "drill", "AWS_SECRET_ACCESS_KEY": "drill", "AWS_DEFAULT_REGION": REGION}
NOTHING = "#!/bin/sh\n"
"""In place of dnf and curl: the packages and the certificates are there."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The part of AWS that jobs use: a bucket, and what else a test makes in it."""

    url: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def keys(self, prefix: str) -> list[str]:
        """Of the objects under a prefix, in the order of their names."""
        listed = self.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [str(each["Key"]) for each in listed.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return bytes(self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def write(self, key: str, content: bytes) -> None:
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)

    def delete(self, key: str) -> None:
        self.client("s3").delete_object(Bucket=BUCKET, Key=key)


@contextmanager
def running_account() -> Iterator[Account]:
    """Run an emulator with an empty bucket."""
    # It would write a line for each request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        account = Account(url=f"http://{host}:{port}")
        # moto keeps what an earlier emulator of this process had.
        urlopen(Request(f"{account.url}/moto-api/reset", method="POST")).close()
        account.client("s3").create_bucket(Bucket=BUCKET)
        yield account
    finally:
        server.stop()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended."""

    status: int
    lines: tuple[str, ...]
    """What it wrote, errors among the rest."""
    peak_kilobytes: int
    """Memory of the largest of its processes."""


class Jobs:
    """The jobs of one database."""

    def __init__(self, account: Account, pair: Pair, database: str, directory: Path) -> None:
        """`directory` is for what a build leaves; the programs of the laptop are put there as well."""
        self._account = account
        self._pair = pair
        self._database = database
        self._directory = directory
        self._programs = directory / "programs"
        self._programs.mkdir(exist_ok=True)
        aws = shutil.which("aws")
        if aws is None:
            raise UserError("The AWS CLI is not installed: run `sh tools/debian.sh`.")
        for name, script in {
            "dnf": NOTHING,
            "curl": NOTHING,
            # This PostgreSQL knows a password in place of tokens.
            "aws": f"#!/bin/sh\n[ \"$1 $2\" != 'rds generate-db-auth-token' ] || {{ echo '{PASSWORD}'; exit; }}\n"
            f'exec {aws} --endpoint-url {account.url} "$@"\n',
        }.items():
            path = self._programs / name
            path.write_text(script)
            path.chmod(0o755)

    def run(self, job: str, environment: Mapping[str, str] | None = None) -> Outcome:
        """Run one to its end. The environment adds to what CodeBuild is told."""
        place = self._directory / "work"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        process = subprocess.Popen(
            ["/bin/bash", "-c", script_of(job)],
            cwd=place,
            env={**self._environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        peak = _Peak(process.pid)
        output, _ = process.communicate(timeout=1800)
        return Outcome(status=process.returncode, lines=tuple(output.splitlines()), peak_kilobytes=peak.stop())

    def _environment(self) -> Mapping[str, str]:
        return {
            **CREDENTIALS,
            "PATH": f"{self._programs}:{programs()}:{os.environ['PATH']}",
            "HOME": str(self._directory),
            "LANG": "C.UTF-8",
            "RETRY_SECONDS": "0",
            "BUCKET": BUCKET,
            "DATABASE_PREFIX": DATABASE_PREFIX,
            "DRILLS_PREFIX": DRILLS_PREFIX,
            "POSTGRESQL_VERSION": major_version(),
            "CA_BUNDLE_PATH": str(self._pair.primary.authority),
            "DATABASE_USER": OWNER,
            "DATABASE_NAME": self._database,
            "DATABASE_ENDPOINT": f"localhost:{self._pair.primary.port}",
            "REPLICA_ENDPOINT": f"localhost:{self._pair.standby.port}",
            "STORAGE_GIB": "100",
            "MINUTES": "60",
        }


class _Peak:
    """Looks at the memory of a build's processes while it runs."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._over.wait(0.1):
            for path in Path("/proc").glob("[0-9]*"):
                self._peak = max(self._peak, self._kilobytes(path))

    def _kilobytes(self, path: Path) -> int:
        try:
            if int((path / "stat").read_text().rpartition(")")[2].split()[2]) != self._group:
                return 0
            lines = (path / "status").read_text().splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
