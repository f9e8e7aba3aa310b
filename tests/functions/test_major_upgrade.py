"""A major upgrade rehearsed with PostgreSQL's own pg_upgrade, from 15, the oldest that the settings accept, to 18.

RDS upgrades by pg_upgrade as well. What this does not show: RDS's checks before it, and how long it takes.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drill import postgresql
from drill.postgresql import Server, programs
from tests import marks
from tests.functions.conftest import NAME, may
from tests.functions.test_newer_postgresql import MAY, PORT, bootstrap, newer_programs

pytestmark = pytest.mark.host

AS_ON_RDS = (
    "CREATE ROLE fixrx_admin LOGIN CREATEDB CREATEROLE",
    "CREATE ROLE rds_iam",
    "GRANT rds_iam, pg_read_all_data, pg_read_all_stats, pg_stat_scan_tables TO fixrx_admin WITH ADMIN OPTION",
    f"CREATE DATABASE {NAME} OWNER fixrx_admin",
)
EVENTS = (
    "CREATE TABLE events (id bigserial PRIMARY KEY, note text)",
    "INSERT INTO events (note) SELECT md5(n::text) FROM generate_series(1, 1000) n",
)
ROWS = "SELECT count(*), sum(id), max(note) FROM events"


def started(server: Server) -> None:
    options = f"-p {PORT} -k {server.directory} -c listen_addresses= -c shared_preload_libraries=pg_stat_statements"
    server.control("start", f"--options={options}")


def initialised(place: Path, *options: str) -> Server:
    server = Server(port=PORT, directory=place, authority=Path("unused"))
    locale = ("--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres", "--auth=trust", "--no-sync")
    postgresql.run("initdb", f"--pgdata={server.data}", *locale, *options)
    return server


@pytest.fixture
def place() -> Iterator[Path]:
    """For both servers, and for what pg_upgrade writes."""
    marks.require("host")
    with tempfile.TemporaryDirectory(prefix="fixrx-") as parent:
        Path(parent).chmod(0o755)
        made = Path(parent) / "servers"
        for folder in (made, made / "old", made / "new"):
            folder.mkdir()
            if os.geteuid() == 0:
                shutil.chown(folder, "postgres")
        yield made


def test_roles_and_rows_come_through_an_upgrade(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = programs()
    old = initialised(place / "old")
    started(old)
    try:
        old.ask("postgres", *AS_ON_RDS)
        old.ask(NAME, "CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pgstattuple")
        old.ask(NAME, "CREATE TABLE old (id serial)", user="fixrx_admin")
        bootstrap(old)
        old.ask(NAME, *EVENTS, user="fixrx_migrate")
        rows, version = old.ask(NAME, ROWS), old.ask(NAME, "SHOW server_version_num")
    finally:
        old.control("stop")
    monkeypatch.setattr(postgresql, "programs", newer_programs)
    new = initialised(place / "new", "--no-data-checksums")
    postgresql.run(
        "pg_upgrade",
        f"--old-bindir={before}",
        f"--new-bindir={newer_programs()}",
        f"--old-datadir={old.data}",
        f"--new-datadir={new.data}",
        "--username=postgres",
        f"--socketdir={place}",
        "--no-sync",
        directory=place,
    )
    started(new)
    try:
        assert (version[:2], new.ask(NAME, "SHOW server_version_num")[:2]) == ("15", "18")
        assert new.ask(NAME, ROWS) == rows
        new.ask("postgres", "GRANT pg_maintain TO fixrx_admin WITH ADMIN OPTION")
        # It was the owner, and nobody may take that back: docs/upgrades.md.
        new.ask(NAME, "DROP OWNED BY fixrx_maintenance", "DROP ROLE fixrx_maintenance", user="fixrx_admin")
        bootstrap(new)
        assert {(user, statement): may(new, user, statement) for user, statement in MAY} == MAY
    finally:
        new.control("stop", "--mode=immediate")
