"""A real PostgreSQL on this machine: a primary with a streaming standby, and TLS by an authority of its own."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import UserError

OWNER = "fixrx_admin"
"""No superuser, as on RDS."""
PASSWORD = "a/b:c@d %41"
"""With what has to be quoted in many places."""
LOGIN = ("--auth-local=trust", "--auth-host=scram-sha-256")
SECONDS_TO_FOLLOW = 60
CONFIGURATION = """
listen_addresses = 'localhost'
port = {port}
unix_socket_directories = '{directory}'
ssl = on
ssl_cert_file = '{certificate}'
ssl_key_file = '{key}'
shared_preload_libraries = 'pg_stat_statements'
fsync = off
autovacuum = off
hot_standby_feedback = on
wal_receiver_status_interval = 1s
{replication}
"""


def programs() -> Path:
    """The folder of PostgreSQL's programs; Debian has only the client's on PATH. Raises UserError without a server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    initdb = shutil.which("initdb") or (str(found[-1] / "initdb") if found else None)
    if initdb is None:
        raise UserError("PostgreSQL's server is not installed: run `sh tools/debian.sh`.")
    return Path(os.path.realpath(initdb)).parent


def major_version() -> str:
    """Of the installed server."""
    said = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2].partition(".")[0]


def _unprivileged(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "--user=postgres", "--", *command] if os.geteuid() == 0 else list(command)


def run(name: str, *arguments: str, log: Path | None = None, directory: Path = Path("/")) -> str:
    """Run a program of PostgreSQL in a directory; return what it says. Raises UserError if it fails."""
    # A server that is started keeps its standard output open.
    with log.open("a") if log else contextlib.nullcontext(subprocess.PIPE) as output:
        done = subprocess.run(
            _unprivileged([str(programs() / name), *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
            cwd=directory,
        )
    if done.returncode:
        raise UserError(f"{name} failed: {(log.read_text() if log else done.stdout).strip()}")
    return (done.stdout or "").strip()


@dataclass(frozen=True, kw_only=True)
class Server:
    """One instance."""

    port: int
    directory: Path
    authority: Path
    """The certificate by which clients verify the server's."""

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def ask(self, database: str, *statements: str, user: str = "postgres") -> str:
        """Run statements, each in its own transaction; return what they say. Raises UserError if one fails."""
        commands = [f"--command={statement}" for statement in statements]
        where = [f"--host={self.directory}", f"--port={self.port}", f"--dbname={database}", f"--username={user}"]
        options = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
        return run("psql", *options, *where, *commands)

    def background(self, database: str, *statements: str, repetitions: int) -> "subprocess.Popen[bytes]":
        """Run statements over and over while something else happens."""
        process = self.start("psql", "--no-psqlrc", "--quiet", f"--dbname={database}", stdin=subprocess.PIPE)
        script = "".join(f"{statement};\n" for statement in statements) * repetitions
        threading.Thread(target=process.communicate, args=(script.encode(),), daemon=True).start()
        return process

    def start(self, program: str, *arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        """Start a client of the superuser."""
        where = [f"--host={self.directory}", f"--port={self.port}", "--username=postgres"]
        return subprocess.Popen(
            _unprivileged([str(programs() / program), *where, *arguments]),
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )

    def control(self, *arguments: str) -> None:
        """Start, stop or restart it. Raises UserError if that fails."""
        run("pg_ctl", f"--pgdata={self.data}", "--silent", "--wait", *arguments, log=self.directory.parent / "log")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A primary and the standby that follows it."""

    primary: Server
    standby: Server

    def make_database(self, name: str, *statements: str) -> None:
        """Make a database by statements of its owner, and wait until the standby has it."""
        self.primary.ask("postgres", f"CREATE DATABASE {name} OWNER {OWNER}")
        self.primary.ask(name, *statements, user=OWNER)
        self.wait_for_standby()

    @contextlib.contextmanager
    def disconnected(self) -> Iterator[None]:
        """Let the standby not follow for a while."""
        source = self.standby.ask("postgres", "SHOW primary_conninfo")
        self._follow("")
        try:
            yield
        finally:
            self._follow(source)
            self.wait_for_standby()

    def _follow(self, source: str) -> None:
        quoted = source.replace("'", "''")
        self.standby.ask("postgres", f"ALTER SYSTEM SET primary_conninfo = '{quoted}'", "SELECT pg_reload_conf()")
        self._wait(f"SELECT count(*) = {int(bool(source))} FROM pg_stat_wal_receiver")

    def wait_for_standby(self) -> None:
        """Raises UserError if the standby does not get there."""
        position = self.primary.ask("postgres", "SELECT pg_current_wal_lsn()")
        self._wait(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    def _wait(self, query: str) -> None:
        end = time.monotonic() + SECONDS_TO_FOLLOW
        while self.standby.ask("postgres", query) != "t":
            if time.monotonic() > end:
                raise UserError(f"The standby has not answered yes within {SECONDS_TO_FOLLOW} s: {query}")
            time.sleep(0.1)


@contextlib.contextmanager
def running_pair(directory: Path) -> Iterator[Pair]:
    """Run a primary and its standby in a directory that every user of this machine can reach."""
    directory.chmod(0o755)
    certificates = make_certificates(directory)
    primary, standby = (
        Server(port=free_port(), directory=directory / name, authority=certificates["authority.pem"])
        for name in ("primary", "standby")
    )
    for server in (primary, standby):
        server.directory.mkdir()
    if os.geteuid() == 0:
        for path in (certificates["server.key"], primary.directory, standby.directory):
            shutil.chown(path, "postgres")
    locale = ("--encoding=UTF8", "--locale=C.UTF-8")
    run("initdb", f"--pgdata={primary.data}", "--username=postgres", *LOGIN, *locale, "--no-sync")
    _configure(primary, certificates)
    with _started(primary):
        role = f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE PASSWORD '{PASSWORD}'"
        primary.ask("postgres", role, f"GRANT pg_monitor TO {OWNER}")
        source = (f"--host={primary.directory}", f"--port={primary.port}", "--username=postgres")
        run("pg_basebackup", f"--pgdata={standby.data}", *source, "--checkpoint=fast", "--no-sync")
        _configure(standby, certificates, f"primary_conninfo = 'host={primary.directory} port={primary.port}'")
        (standby.data / "standby.signal").touch()
        if os.geteuid() == 0:
            shutil.chown(standby.data / "standby.signal", "postgres")
        with _started(standby):
            yield Pair(primary=primary, standby=standby)


@contextlib.contextmanager
def _started(server: Server) -> Iterator[None]:
    server.control("start")
    try:
        yield
    finally:
        server.control("stop", "--mode=immediate")


def _configure(server: Server, certificates: Mapping[str, Path], replication: str = "") -> None:
    text = CONFIGURATION.format(
        port=server.port,
        directory=server.directory,
        certificate=certificates["server.pem"],
        key=certificates["server.key"],
        replication=replication,
    )
    (server.data / "postgresql.auto.conf").write_text(text)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def make_certificates(directory: Path) -> Mapping[str, Path]:
    """Make the certificate of a server on localhost and of its authority; return the files by name."""
    authority_key, authority = directory / "authority.key", directory / "authority.pem"
    key, certificate, request = (directory / f"server.{suffix}" for suffix in ("key", "pem", "csr"))
    new_key = ("-newkey", "rsa:2048", "-nodes")
    signer = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial")
    for arguments in (
        ("req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, "-subj", "/CN=authority"),
        ("req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=localhost"),
        ("x509", "-req", "-in", request, "-out", certificate, *signer),
    ):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)
    key.chmod(0o600)
    return {path.name: path for path in (authority, key, certificate)}
