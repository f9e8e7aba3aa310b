"""A dump and its restore drill, by the scripts that CodeBuild runs, with a real PostgreSQL primary and standby, TLS
verified, and the real AWS CLI against an emulated S3.

Not shown: the packages of Amazon Linux, the network of a build, and the rights of its role.
"""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from drill.command import DATABASE, STATEMENTS
from drill.damage import DAMAGES, Place
from drill.jobs import DATABASE_PREFIX, DRILLS_PREFIX, Account, Jobs, running_account
from drill.postgresql import OWNER, PASSWORD, Pair, major_version, programs

pytestmark = pytest.mark.host

PASSWORDS = (PASSWORD, quote(PASSWORD, safe=""))


def test_a_dump_is_taken_from_the_standby_and_restored(account: Account, jobs: Jobs, pair: Pair) -> None:
    dumped = jobs.run("dump")
    assert dumped.status == 0, dumped.lines
    dump, manifest = account.keys(DATABASE_PREFIX)
    described = json.loads(account.read(manifest))
    database = described["database"]
    assert (described["dump"], described["source"]) == (dump, "localhost")
    assert described["postgresql"] == int(major_version())
    assert (database["users"], database["rows"]) == (1000, {"public.photos": 1000, "public.users": 1000})
    assert database["constraints"] == [
        "photos_pkey on photos",
        "photos_user_id_fkey on photos",
        "users_email_key on users",
        "users_pkey on users",
    ]
    statements = pair.standby.ask("postgres", f"SELECT count(*) FROM pg_stat_database WHERE datname = '{DATABASE}'")
    assert statements == "1"

    drilled = jobs.run("drill")
    assert (drilled.status, drilled.lines[-1]) == (
        0,
        f"drill: the dump of {described['taken']} was restored and is complete",
    )
    [report] = account.keys(DRILLS_PREFIX)
    report_content = json.loads(account.read(report))
    assert {name: report_content[name] for name in ("dump", "users", "tables")} == {
        "dump": dump,
        "users": 1000,
        "tables": 2,
    }
    for outcome in (dumped, drilled):
        assert not [line for line in outcome.lines for password in PASSWORDS if password in line]


def test_rows_that_are_written_meanwhile_are_in_neither_dump_nor_manifest(
    account: Account, jobs: Jobs, pair: Pair
) -> None:
    """The manifest counts in the snapshot that is dumped, so rows that come and go cannot make a drill fail."""
    pair.primary.ask(DATABASE, "CREATE TABLE IF NOT EXISTS visits (id bigserial PRIMARY KEY)")
    pair.primary.ask(DATABASE, f"ALTER TABLE visits OWNER TO {OWNER}")
    writer = pair.primary.background(
        DATABASE, "INSERT INTO visits DEFAULT VALUES", "SELECT pg_sleep(0.01)", repetitions=1500
    )
    try:
        assert jobs.run("dump").status == 0
        drilled = jobs.run("drill")
        assert drilled.status == 0, drilled.lines
    finally:
        writer.kill()
        writer.wait()
        pair.primary.ask(DATABASE, "DROP TABLE visits")
        pair.wait_for_standby()


def test_a_standby_that_does_not_follow_is_not_dumped(account: Account, jobs: Jobs, pair: Pair) -> None:
    with pair.disconnected():
        dumped = jobs.run("dump")
    assert dumped.status == 0, dumped.lines
    assert [line for line in dumped.lines if "does not follow" in line] == [
        "dump: localhost is 3601 s behind, or does not follow"
    ] * 2


def test_a_standby_that_is_down_is_left_for_the_primary(account: Account, jobs: Jobs, pair: Pair) -> None:
    pair.standby.control("stop", "--mode=fast")
    try:
        dumped = jobs.run("dump")
    finally:
        pair.standby.control("start")
    assert dumped.status == 0, dumped.lines
    assert dumped.lines[-1].endswith("and its manifest: 1000 users, 2 tables")


@pytest.fixture(scope="module")
def good(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A good dump with its manifest, made once."""
    with running_account() as account:
        assert Jobs(account, pair, DATABASE, tmp_path_factory.mktemp("jobs")).run("dump").status == 0
        return {key: account.read(key) for key in account.keys(DATABASE_PREFIX)}


AFTERWARDS = [name for name, damage in DAMAGES.items() if damage.before is DAMAGES["truncated"].before]
BEFORE = [name for name in DAMAGES if name not in AFTERWARDS]


@pytest.mark.parametrize("name", AFTERWARDS)
def test_damage_of_a_dump_is_found(name: str, account: Account, jobs: Jobs, pair: Pair, good: dict[str, bytes]) -> None:
    for key, content in good.items():
        account.write(key, content)
    DAMAGES[name].after(Place(pair=pair, database=DATABASE, account=account))
    outcome = jobs.run("drill")
    assert outcome.status == 1
    assert [line for line in outcome.lines if line.startswith(DAMAGES[name].said)], outcome.lines
    assert account.keys(DRILLS_PREFIX) == []


@pytest.mark.parametrize("name", BEFORE)
def test_damage_of_a_database_is_found(name: str, account: Account, pair: Pair, tmp_path: Path) -> None:
    database = f"damaged_{BEFORE.index(name)}"
    pair.make_database(database, *STATEMENTS)
    jobs, place = Jobs(account, pair, database, tmp_path), Place(pair=pair, database=database, account=account)
    DAMAGES[name].before(place)
    outcome = jobs.run("dump")
    if DAMAGES[name].said.startswith("drill"):
        assert outcome.status == 0, outcome.lines
        DAMAGES[name].after(place)
        outcome = jobs.run("drill")
    assert outcome.status == 1
    assert [line for line in outcome.lines if line.startswith(DAMAGES[name].said)], outcome.lines


@pytest.mark.parametrize("question", ["relrowsecurity", "pg_is_in_recovery", "2 * pg_database_size"])
def test_a_question_that_fails_is_not_taken_for_an_answer(
    account: Account, jobs: Jobs, tmp_path: Path, question: str
) -> None:
    broken = tmp_path / "programs" / "psql"
    broken.write_text(f'#!/bin/bash\n[[ "$*" != *"{question}"* ]] || exit 1\nexec {programs()}/psql "$@"\n')
    broken.chmod(0o755)
    outcome = jobs.run("dump")
    assert (outcome.status, outcome.lines[-1]) == (1, "dump: neither the replica nor the primary could be dumped")
    assert account.keys(DATABASE_PREFIX) == []


def test_an_upload_that_breaks_off_is_no_backup(account: Account, jobs: Jobs, tmp_path: Path) -> None:
    """pg_dump ends in the middle; the CLI has completed the object all the same, and no manifest is written."""
    broken = tmp_path / "programs" / "pg_dump"
    broken.write_text(f'#!/bin/sh\n{programs()}/pg_dump "$@" | head -c 100000\nexit 1\n')
    broken.chmod(0o755)
    outcome = jobs.run("dump")
    assert (outcome.status, outcome.lines[-1]) == (1, "dump: neither the replica nor the primary could be dumped")
    assert [key for key in account.keys(DATABASE_PREFIX) if key.endswith(".json")] == []
