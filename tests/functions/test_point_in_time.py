"""Recovery to a chosen second, row by row: what RDS does from its backups, by PostgreSQL's own means.

What it does not show: RDS's own restore, and how long it takes.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from components.files.functions.credentials.database import Database
from drill.postgresql import Pair, Server, free_port, run
from tests.functions.conftest import NAME, Function

pytestmark = pytest.mark.host

EVENTS = "CREATE TABLE events (id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())"
ROWS = "SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM events"
SECONDS_TO_ARCHIVE = 30
USED = ("DATABASE_URL", "REPLICA_DATABASE_URL")


def folder(path: Path) -> Path:
    """Make a folder of PostgreSQL's user."""
    path.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(path, "postgres")
    return path


def archive_into(server: Server, archive: Path) -> None:
    """Keep every file of the log, and the second in which each transaction was committed."""
    server.ask(
        "postgres",
        "ALTER SYSTEM SET archive_mode = on",
        f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'",
        "ALTER SYSTEM SET track_commit_timestamp = on",
    )
    server.control("restart")


def wait_for_archive(server: Server, archive: Path) -> None:
    """Close the present file of the log, and wait until it is in the archive."""
    name = server.ask("postgres", "SELECT pg_walfile_name(pg_current_wal_lsn())", "SELECT pg_switch_wal()").split()[0]
    end = time.monotonic() + SECONDS_TO_ARCHIVE
    while not (archive / name).exists():
        assert time.monotonic() < end, f"{name} was not archived"
        time.sleep(0.1)


@contextmanager
def restored(backup: Path, archive: Path, moment: str, authority: Path) -> Iterator[Server]:
    """Run a server from a base backup and the archive, up to a moment."""
    server = Server(port=free_port(), directory=backup.parent, authority=authority)
    configuration = backup / "postgresql.auto.conf"
    configuration.write_text(
        configuration.read_text()
        + f"port = {server.port}\nunix_socket_directories = '{server.directory}'\narchive_mode = off\n"
        + f"restore_command = 'cp {archive}/%f %p'\n"
        + f"recovery_target_time = '{moment}'\nrecovery_target_action = promote\n"
    )
    (backup / "recovery.signal").touch()
    if os.geteuid() == 0:
        shutil.chown(backup / "recovery.signal", "postgres")
    server.control("start")
    try:
        end = time.monotonic() + SECONDS_TO_ARCHIVE
        while server.ask("postgres", "SELECT pg_is_in_recovery()") != "f":
            assert time.monotonic() < end, "the recovery does not end"
            time.sleep(0.1)
        yield server
    finally:
        server.control("stop", "--mode=immediate")


def log_in(server: Server, url: str) -> None:
    """Raises an error if the database refuses."""
    found = urlsplit(url)
    with Database(endpoint=f"localhost:{server.port}", name=NAME).connected(str(found.username), found.password):
        pass


def with_another_password(url: str) -> str:
    password = str(urlsplit(url).password)
    return url.replace(password, password[::-1])


def test_exactly_the_rows_of_a_second_come_back_and_the_present_passwords_work(
    function: Function, fresh: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, directory = fresh.primary, fresh.primary.directory.parent
    archive, place = folder(directory / "archive"), folder(directory / "restored")
    function.bootstrap()
    primary.ask(NAME, EVENTS, user="fixrx_migrate")
    archive_into(primary, archive)
    source = (f"--host={primary.directory}", f"--port={primary.port}", "--username=postgres")
    run("pg_basebackup", f"--pgdata={place / 'data'}", *source, "--checkpoint=fast", "--wal-method=none", "--no-sync")
    # For two seconds and more, so that one of them begins while rows are written.
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        primary.ask(NAME, "INSERT INTO events DEFAULT VALUES", user="fixrx_migrate")
    seconds = "SELECT max(date_trunc('second', pg_xact_commit_timestamp(xmin)))::timestamptz FROM events"
    moment = datetime.fromisoformat(primary.ask(NAME, f"SET TIME ZONE 'UTC'; {seconds}")).astimezone(UTC).isoformat()
    until = primary.ask(NAME, f"{ROWS} WHERE pg_xact_commit_timestamp(xmin) <= '{moment}'")
    assert 0 < len(until.split()) < len(primary.ask(NAME, ROWS).split())
    values = {variable: with_another_password(function.value(variable)) for variable in USED}
    for variable, value in values.items():
        function.put(variable, value)
    function.bootstrap()
    for value in values.values():
        log_in(primary, value)
    primary.ask(NAME, "DELETE FROM events", user="fixrx_migrate")
    wait_for_archive(primary, archive)

    with restored(place / "data", archive, moment, primary.authority) as server:
        assert server.ask(NAME, ROWS) == until
        assert primary.ask(NAME, ROWS) == ""
        for url in values.values():
            with pytest.raises(Exception, match="password authentication failed"):
                log_in(server, url)

        for name in ("DATABASE_ENDPOINT", "REPLICA_ENDPOINT"):
            monkeypatch.setenv(name, f"localhost:{server.port}")
        assert function.bootstrap() == {
            **dict.fromkeys(USED, "changed"),
            "REDIS_URL": "kept",
            "JWT_SECRET": "kept",
        }
        for variable, before in values.items():
            now = function.value(variable)
            assert urlsplit(now).port == server.port
            assert urlsplit(now).password == urlsplit(before).password
            log_in(server, now)
        assert server.ask(NAME, ROWS, user="fixrx_app_a") == until
