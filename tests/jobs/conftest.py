"""A real PostgreSQL and an emulated account, for the jobs on the database."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drill.command import DATABASE, STATEMENTS
from drill.jobs import Account, Jobs, running_account
from drill.postgresql import Pair, running_pair
from tests import marks


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    marks.require("host")
    # Not in pytest's folder, which only this user may enter: PostgreSQL runs as another one.
    with tempfile.TemporaryDirectory(prefix="fixrx-") as directory, running_pair(Path(directory)) as found:
        found.make_database(DATABASE, *STATEMENTS)
        yield found


@pytest.fixture
def account() -> Iterator[Account]:
    with running_account() as found:
        yield found


@pytest.fixture
def jobs(account: Account, pair: Pair, tmp_path: Path) -> Jobs:
    return Jobs(account, pair, DATABASE, tmp_path)
