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


JOB, INSTANCE = "a1b2c3d4-restore", "awsbackup-restore-test-a1b2c3d4"
JUDGED = ("backup put-restore-validation-result", "--validation-status")
AWS = """#!/bin/bash
echo "$*" >>{calls}
case "$1 $2" in
  'backup list-restore-jobs') head -n 1 {states}; [ "$(wc -l <{states})" = 1 ] || sed -i 1d {states} ;;
  'backup put-restore-validation-result') ;;
  'rds describe-db-instances') echo localhost:{port} ;;
  *) exec {real} "$@" ;;
esac
"""
"""The emulator knows no restore jobs."""


class Restored:
    """What AWS Backup answers about its restore test, one answer after another, and what it was told."""

    def __init__(self, folder: Path, pair: Pair) -> None:
        self._calls, self._states = folder / "calls", folder / "states"
        real = folder / "programs" / "aws"
        self._real = real.rename(real.with_name("real-aws"))
        text = AWS.format(calls=self._calls, states=self._states, port=pair.primary.port, real=self._real)
        real.write_text(text)
        real.chmod(0o755)

    def answers(self, *states: str) -> None:
        lines = [f"{JOB}\t{state}\tarn:aws:rds:us-east-1:111122223333:db:{INSTANCE}\n" for state in states]
        self._states.write_text("".join(lines) or "None\n")

    @property
    def asked(self) -> list[str]:
        return self._calls.read_text().splitlines()

    @property
    def verdicts(self) -> list[str]:
        told = [call.split() for call in self.asked if call.startswith(JUDGED[0])]
        assert {each[each.index("--restore-job-id") + 1] for each in told} <= {JOB}
        return [each[each.index(JUDGED[1]) + 1] for each in told]


@pytest.fixture
def restored(jobs: Jobs, pair: Pair, tmp_path: Path) -> Restored:
    return Restored(tmp_path, pair)


TOLD = {"TASK": "restored", "RESTORE_TEST_PLAN": "arn:of-the-plan", "WAIT_SECONDS": "0"}


def test_a_restored_backup_is_judged_when_it_is_complete(
    account: Account, jobs: Jobs, pair: Pair, restored: Restored, good: dict[str, bytes]
) -> None:
    """It is later than the dump, so other rows are no fault."""
    for key, content in good.items():
        account.write(key, content)
    restored.answers("PENDING", "RUNNING", "COMPLETED")
    pair.primary.ask(DATABASE, "DELETE FROM photos WHERE id = 1")
    try:
        done = jobs.run("drill", TOLD)
    finally:
        pair.primary.ask(DATABASE, "INSERT INTO photos SELECT 1, min(user_id) FROM photos")
        pair.wait_for_standby()

    assert (done.status, done.lines[-2:]) == (
        0,
        (
            f"drill: {INSTANCE} has every table, and all of it can be read",
            f"drill: the verdict on {INSTANCE} is SUCCESSFUL",
        ),
    )
    assert restored.verdicts == ["SUCCESSFUL"]
    assert [
        call.partition("--by-created-after")[0].split()[-1] for call in restored.asked if "list-restore" in call
    ] == ["arn:of-the-plan"] * 3
    assert [call.split()[3] for call in restored.asked if "describe-db-instances" in call] == [INSTANCE]
    # A drill of dumps it is not.
    assert account.keys(DRILLS_PREFIX) == []
    assert not [line for line in done.lines for password in PASSWORDS if password in line]


@pytest.mark.parametrize(
    ("break_it", "mend_it", "said"),
    [
        (
            "ALTER TABLE photos RENAME TO gone",
            "ALTER TABLE gone RENAME TO photos",
            "the table public.photos is missing",
        ),
        (
            "ALTER TABLE users RENAME CONSTRAINT users_email_key TO other",
            "ALTER TABLE users RENAME CONSTRAINT other TO users_email_key",
            "missing of the indexes: users_email_key",
        ),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_pkey'::regclass",
            "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'users_pkey'::regclass",
            "the index users_pkey is invalid in the database",
        ),
        (
            f"ALTER TABLE users RENAME TO away; CREATE TABLE users (id int); ALTER TABLE users OWNER TO {OWNER}",
            "DROP TABLE users; ALTER TABLE away RENAME TO users",
            "there are no users",
        ),
    ],
)
def test_a_restored_backup_that_lacks_something_is_refused(
    account: Account,
    jobs: Jobs,
    pair: Pair,
    restored: Restored,
    good: dict[str, bytes],
    break_it: str,
    mend_it: str,
    said: str,
) -> None:
    for key, content in good.items():
        account.write(key, content)
    restored.answers("COMPLETED")
    pair.primary.ask(DATABASE, break_it)
    try:
        done = jobs.run("drill", TOLD)
    finally:
        pair.primary.ask(DATABASE, mend_it)
        pair.wait_for_standby()

    assert (done.status, f"drill: {said}" in done.lines) == (1, True), done.lines
    assert restored.verdicts == ["FAILED"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (("RUNNING", "FAILED"), f"drill: AWS Backup could not restore: the job {JOB} is FAILED"),
        (("ABORTED",), f"drill: AWS Backup could not restore: the job {JOB} is ABORTED"),
        ((), "drill: AWS Backup has restored nothing within 1 s"),
    ],
)
def test_a_restore_that_does_not_come_fails_the_job_and_has_no_verdict(
    account: Account, jobs: Jobs, restored: Restored, answers: tuple[str, ...], said: str
) -> None:
    """AWS Backup itself says that the restore failed; it takes a verdict on a complete one only."""
    restored.answers(*answers)
    done = jobs.run("drill", {**TOLD, "LONGEST_WAIT_SECONDS": "1"})

    assert (done.status, done.lines[-1]) == (1, said)
    assert restored.verdicts == []


def test_restored_backup_without_a_dump_to_compare_with_is_refused(
    account: Account, jobs: Jobs, restored: Restored
) -> None:
    restored.answers("COMPLETED")
    done = jobs.run("drill", TOLD)

    assert done.status == 1
    assert restored.verdicts == ["FAILED"]


def test_a_drill_of_something_else_is_refused(jobs: Jobs) -> None:
    done = jobs.run("drill", {"TASK": "everything"})

    assert (done.status, done.lines) == (1, ("drill: there is no drill of everything",))
