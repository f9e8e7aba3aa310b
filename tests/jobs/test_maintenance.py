"""The weekly and the monthly maintenance, by the script that CodeBuild runs, on a real PostgreSQL."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drill.command import STATEMENTS
from drill.jobs import Account, Jobs
from drill.postgresql import OWNER, Pair
from tests.host.programs import wait_until

pytestmark = pytest.mark.host

LONGEST_WAIT_SECONDS = 3.5
"""A statement of the maintenance waits 3 s at most for its lock, and everybody behind it as long."""
BLOATED = (
    "CREATE TABLE visits (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), page text NOT NULL)",
    "CREATE INDEX visits_page ON visits (page)",
    "INSERT INTO visits (page) SELECT md5(n::text) FROM generate_series(1, 100000) AS n",
    "DELETE FROM visits WHERE id % 4 <> 0",
)
IS_BLOATED = "SELECT avg_leaf_density < 50 FROM pgstatindex('visits_page')"


@pytest.fixture
def database(pair: Pair, request: pytest.FixtureRequest) -> str:
    name = f"maintained_{abs(hash(request.node.name))}"
    pair.make_database(name, *STATEMENTS, *BLOATED)
    pair.primary.ask(name, "CREATE EXTENSION pgstattuple", "CREATE EXTENSION pg_stat_statements")
    # Until the standby has said that it no longer needs the deleted rows.
    wait_until(lambda: pair.primary.ask(name, "VACUUM visits", IS_BLOATED) == "t", "the deleted rows are gone")
    return name


@pytest.fixture
def jobs(account: Account, pair: Pair, tmp_path: Path, database: str) -> Jobs:
    return Jobs(account, pair, database, tmp_path)


@contextmanager
def writers(pair: Pair, database: str, folder: Path) -> Iterator[list[float]]:
    """Four clients of pgbench that write until the end; yields a list that then has the seconds of each transaction."""
    script = folder / "script"
    statements = (
        "INSERT INTO visits (page) VALUES (md5(random()::text)); UPDATE users SET created_at = now() WHERE id = 7;"
    )
    script.write_text(statements)
    script.chmod(0o644)
    process = pair.primary.start(
        "pgbench",
        "--no-vacuum",
        "--client=4",
        "--time=600",
        "--log",
        f"--file={script}",
        f"--log-prefix={folder}/log",
        database,
    )
    seconds: list[float] = []
    try:
        time.sleep(1)
        assert process.poll() is None
        yield seconds
    finally:
        process.terminate()
        process.wait(10)
    for log in folder.glob("log.*"):
        seconds += [int(line.split()[2]) / 1e6 for line in log.read_text().splitlines() if line.count(" ") >= 5]


def size(pair: Pair, database: str, index: str) -> int:
    return int(pair.primary.ask(database, f"SELECT pg_relation_size('{index}')"))


def test_indexes_are_made_anew_and_writers_go_on(pair: Pair, database: str, jobs: Jobs) -> None:
    before = {index: size(pair, database, index) for index in ("visits_page", "visits_pkey")}
    folder = pair.primary.directory.parent / "pgbench"
    folder.mkdir()
    # For PostgreSQL's user, who writes the log of pgbench there.
    folder.chmod(0o777)
    with writers(pair, database, folder) as seconds:
        outcome = jobs.run("maintenance", {"TASK": "monthly"})
    assert (outcome.status, outcome.lines[-1]) == (0, "maintenance: monthly maintenance is done"), outcome.lines
    assert [line for line in outcome.lines if "REINDEX" in line] == [
        "maintenance: REINDEX INDEX CONCURRENTLY visits_page",
        "maintenance: REINDEX INDEX CONCURRENTLY visits_pkey",
    ]
    assert all(size(pair, database, index) < 0.6 * bytes_before for index, bytes_before in before.items())
    nobody_waited(seconds)


def test_tables_are_vacuumed_and_writers_go_on(pair: Pair, database: str, jobs: Jobs) -> None:
    folder = pair.primary.directory.parent / "pgbench-weekly"
    folder.mkdir()
    folder.chmod(0o777)
    with writers(pair, database, folder) as seconds:
        outcome = jobs.run("maintenance", {"TASK": "weekly"})
    assert (outcome.status, outcome.lines[-1]) == (0, "maintenance: weekly maintenance is done"), outcome.lines
    assert "maintenance: VACUUM (ANALYZE, TRUNCATE FALSE) visits" in outcome.lines
    nobody_waited(seconds)


def nobody_waited(seconds: list[float]) -> None:
    """For longer than a statement of the maintenance may wait for its lock."""
    print(f"the longest of {len(seconds)} transactions meanwhile took {max(seconds):.2f} s")
    assert len(seconds) > 100
    assert max(seconds) < LONGEST_WAIT_SECONDS


def test_what_a_broken_reindex_has_left_is_removed(pair: Pair, database: str, jobs: Jobs) -> None:
    pair.primary.ask(database, "CREATE INDEX visits_page_ccnew ON visits (page)", user=OWNER)
    pair.primary.ask(
        database, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'visits_page_ccnew'::regclass"
    )
    outcome = jobs.run("maintenance", {"TASK": "monthly"})
    assert outcome.status == 0, outcome.lines
    assert "maintenance: DROP INDEX CONCURRENTLY visits_page_ccnew" in outcome.lines
    assert pair.primary.ask(database, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == "0"


def test_an_index_for_which_there_is_no_room_stays(pair: Pair, database: str, jobs: Jobs) -> None:
    before = size(pair, database, "visits_page")
    outcome = jobs.run("maintenance", {"TASK": "monthly", "STORAGE_GIB": "0"})
    assert outcome.status == 0, outcome.lines
    assert [line for line in outcome.lines if "no room" in line] == [
        f"maintenance: no room for another {index} of {size(pair, database, index)} bytes"
        for index in ("visits_page", "visits_pkey")
    ]
    assert size(pair, database, "visits_page") == before


def test_tables_that_need_it_are_vacuumed_once(pair: Pair, database: str, jobs: Jobs) -> None:
    first = jobs.run("maintenance", {"TASK": "weekly"})
    assert first.status == 0, first.lines
    assert sorted(line for line in first.lines if "VACUUM" in line and line.startswith("maintenance: ")) == [
        "maintenance: VACUUM (ANALYZE, TRUNCATE FALSE) photos",
        "maintenance: VACUUM (ANALYZE, TRUNCATE FALSE) users",
        "maintenance: VACUUM (ANALYZE, TRUNCATE FALSE) visits",
    ]
    pair.primary.ask(database, "UPDATE photos SET content = NULL", "SELECT pg_stat_force_next_flush()", user=OWNER)
    second = jobs.run("maintenance", {"TASK": "weekly"})
    assert [line for line in second.lines if line.startswith("maintenance: VACUUM")] == [
        "maintenance: VACUUM (ANALYZE, TRUNCATE FALSE) photos"
    ]


def test_slow_statements_are_reported_by_todays_columns(pair: Pair, database: str, jobs: Jobs) -> None:
    pair.primary.ask(database, "SELECT pg_stat_statements_reset()", "SELECT count(*) FROM photos, users")
    outcome = jobs.run("maintenance", {"TASK": "weekly"})
    assert [line for line in outcome.lines if "SELECT count(*) FROM photos, users" in line]


def test_a_locked_table_is_left_and_the_others_are_done(pair: Pair, database: str, jobs: Jobs) -> None:
    locking = pair.primary.background(
        database, "BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE", "SELECT pg_sleep(60)", repetitions=1
    )
    try:
        time.sleep(1)
        outcome = jobs.run("maintenance", {"TASK": "weekly"})
    finally:
        end_sessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        pair.primary.ask(database, end_sessions)
        locking.wait(10)
    assert (outcome.status, outcome.lines[-1]) == (1, "maintenance: 1 statements failed")
    assert "maintenance: failed: VACUUM (ANALYZE, TRUNCATE FALSE) users" in outcome.lines
    assert "maintenance: VACUUM (ANALYZE, TRUNCATE FALSE) visits" in outcome.lines


def test_it_ends_with_its_window(jobs: Jobs) -> None:
    outcome = jobs.run("maintenance", {"TASK": "weekly", "MINUTES": "5"})
    assert outcome.status == 0
    assert outcome.lines[0] == "maintenance: the time is over; the rest is left for the next time"
    assert not [line for line in outcome.lines if line.startswith("maintenance: VACUUM")]


def test_another_task_is_refused(jobs: Jobs) -> None:
    assert jobs.run("maintenance", {"TASK": "daily"}).lines == ("maintenance: TASK is daily, not weekly or monthly",)
