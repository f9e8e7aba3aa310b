"""A real PostgreSQL and an emulated account, for the jobs on the database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drill.command import DATABASE, STATEMENTS
from drill.jobs import Account, Jobs, running_account
from drill.postgresql import Pair, running_pair
from tests import marks


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    marks.require("host")
    # Above it are folders that only this user may enter, and PostgreSQL runs as another one.
    directory = tmp_path_factory.mktemp("postgresql")
    for path in (directory, *directory.parents[:2]):
        path.chmod(0o755)
    with running_pair(directory) as found:
        found.make_database(DATABASE, *STATEMENTS)
        yield found


@pytest.fixture
def account() -> Iterator[Account]:
    with running_account() as found:
        yield found


@pytest.fixture
def jobs(account: Account, pair: Pair, tmp_path: Path) -> Jobs:
    return Jobs(account, pair, DATABASE, tmp_path)
