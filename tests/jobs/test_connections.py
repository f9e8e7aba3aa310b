"""How many connections to the database the jobs hold at a time: what docs/data.md counts with.

What a migration holds is the backend's affair; docs/data.md allows it two.
"""

from threading import Thread

import pytest

from drill.command import DATABASE
from drill.jobs import Jobs
from drill.postgresql import OWNER, Pair
from tests.jobs.connections import most_at_once

pytestmark = pytest.mark.host


@pytest.mark.parametrize(
    ("job", "told", "held"),
    [
        ("dump", {}, {"primary": 0, "standby": 2}),
        # As when the replica is gone.
        ("dump", {"REPLICA_ENDPOINT": "localhost:1"}, {"primary": 2, "standby": 0}),
        ("maintenance", {"TASK": "weekly"}, {"primary": 1, "standby": 0}),
        ("maintenance", {"TASK": "monthly"}, {"primary": 1, "standby": 0}),
    ],
)
def test_a_job_holds_no_more_than_the_budget_allows_it(
    jobs: Jobs, pair: Pair, job: str, told: dict[str, str], held: dict[str, int]
) -> None:
    pair.primary.ask(DATABASE, "CREATE EXTENSION IF NOT EXISTS pgstattuple")

    def work() -> None:
        outcome = jobs.run(job, told)
        assert outcome.status == 0, outcome.lines

    assert most_at_once(pair, DATABASE, work) == held


def test_connections_at_the_same_time_are_counted(pair: Pair) -> None:
    """The measurement itself."""

    def work() -> None:
        clients = [
            Thread(target=pair.primary.ask, args=(DATABASE, "SELECT pg_sleep(2)"), kwargs={"user": OWNER})
            for _ in range(3)
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    assert most_at_once(pair, DATABASE, work) == {"primary": 3, "standby": 0}
