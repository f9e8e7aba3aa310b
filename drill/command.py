"""`make drill`: makes a database on this machine, dumps it, restores the dump, and says whether it is complete."""

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from drill.damage import DAMAGES, Damage, Place
from drill.jobs import Jobs, Outcome, running_account
from drill.postgresql import running_pair
from sandbox import Progress, UserError, console, errors_in_one_sentence

DATABASE = "fixrx_production"
STATEMENTS = (
    "CREATE TABLE users (id bigserial PRIMARY KEY, email text UNIQUE NOT NULL, created_at timestamptz DEFAULT now())",
    "CREATE TABLE photos (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, content bytea)",
    "CREATE INDEX ON photos (user_id)",
    "INSERT INTO users (email) SELECT format('user%s@example.com', n) FROM generate_series(1, 1000) AS n",
    "CREATE FUNCTION photo() RETURNS bytea LANGUAGE sql AS "
    "$$ SELECT string_agg(sha256(random()::text::bytea), '') FROM generate_series(1, 32) $$",
    "INSERT INTO photos (user_id, content) SELECT 1 + n % 1000, photo() FROM generate_series(1, 1000) AS n",
)
"""Some users with photos of 1 KiB, which cannot be compressed."""


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--damage", choices=DAMAGES, help="damage the backup in this way; the drill has to find it")
    parser.add_argument("--megabytes", type=int, default=1, help="size of the database's photos")
    arguments = parser.parse_args()
    with errors_in_one_sentence():
        directory = Path(tempfile.mkdtemp(prefix="fixrx-drill-"))
        try:
            _drill(directory, DAMAGES.get(arguments.damage, Damage(said="")), arguments.megabytes)
        finally:
            shutil.rmtree(directory, ignore_errors=True)


def _drill(directory: Path, damage: Damage, megabytes: int) -> None:
    with Progress(console, "Starting PostgreSQL") as progress, running_pair(directory) as pair:
        progress.update("making a database")
        pair.make_database(DATABASE, *STATEMENTS, *_copies(megabytes))
        progress.update("starting the emulator")
        with running_account() as account:
            place = Place(pair=pair, database=DATABASE, account=account)
            work = directory / "jobs"
            work.mkdir()
            jobs = Jobs(account, pair, DATABASE, work)
            damage.before(place)
            for job, after in (("dump", damage.after), ("drill", lambda _: None)):
                progress.update(f"running {job}")
                started = time.monotonic()
                outcome = jobs.run(job)
                _show(job, outcome, time.monotonic() - started)
                after(place)


def _copies(megabytes: int) -> list[str]:
    """Statements that make so many megabytes of photos out of the first one."""
    return ["INSERT INTO photos (user_id, content) SELECT user_id, photo() FROM photos LIMIT 1024"] * (megabytes - 1)


def _show(job: str, outcome: Outcome, seconds: float) -> None:
    for line in outcome.lines:
        console.print(line, highlight=False, markup=False)
    if outcome.status:
        raise UserError(f"The {job} failed: {outcome.lines[-1].partition(': ')[2]}.")
    console.print(
        f"{job}: {seconds:.0f} s, at most {outcome.peak_kilobytes / 1024:.0f} MiB in one process", highlight=False
    )
