"""The production database restored to a chosen second: beside the first one, cut over, and back; on one deployment."""

import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.driver import Result, Sandbox, summary

pytestmark = pytest.mark.engine

FIRST = ("fixrx-production-postgres-primary", "fixrx-production-postgres-replica")
RESTORED = ("fixrx-production-postgres-restored", "fixrx-production-postgres-restored-replica")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Of its own: the restored instances are protected, so what is deployed cannot be left as it was."""
    directory = tmp_path_factory.mktemp("recovery")
    made = Sandbox(directory, "production")
    made.succeed("up")
    yield made
    made.run("down")
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def moment() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def with_recovery(sandbox: Sandbox, folder: Path, command: str, moment: datetime, *, serve: bool) -> Result:
    recovery = {"restore_time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "serve": serve}
    settings = sandbox.settings(folder / "settings.yaml", database={"recovery": recovery})
    return sandbox.run(command, "--settings", str(settings))


def instances(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    found = sandbox.client("rds").describe_db_instances()["DBInstances"]
    for each in found:
        each.pop("LatestRestorableTime", None)
    return {each["DBInstanceIdentifier"]: each for each in found}


def replaced(sandbox: Sandbox, before: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The logical names of what has another id than before, or is gone."""
    after = sandbox.state()
    return {name for name, resource in before.items() if resource.get("id") != after.get(name, {}).get("id")}


def served(sandbox: Sandbox) -> tuple[str, ...]:
    """The hosts of the connection URLs that the function makes; the emulator has no functions."""
    told = sandbox.state()["credentials-function"]["outputs"]["environment"]["variables"]
    return tuple(told[name].partition(".")[0] for name in ("DATABASE_ENDPOINT", "REPLICA_ENDPOINT"))


@pytest.mark.parametrize(
    ("ago", "reason"),
    [
        (timedelta(days=36), "is older than the 35 days that RDS keeps"),
        (timedelta(minutes=1), "is less than 5 minutes ago, which RDS has not saved yet"),
    ],
)
def test_moment_that_rds_does_not_have_is_refused_in_the_preview(
    sandbox: Sandbox, tmp_path: Path, ago: timedelta, reason: str
) -> None:
    refused = with_recovery(sandbox, tmp_path, "preview", datetime.now(UTC) - ago, serve=False)

    assert refused.status == 1
    assert 'before hook "database-recovery-time" failed' in refused.sentence
    assert reason in " ".join(refused.sentence.split())


def test_database_is_restored_cut_over_and_led_back(sandbox: Sandbox, tmp_path: Path, moment: datetime) -> None:
    before = instances(sandbox)
    bootstrap = sandbox.state()["credentials-bootstrap"]["id"]

    restored = with_recovery(sandbox, tmp_path, "up", moment, serve=False)
    assert restored.status == 0, restored.errors
    aside = instances(sandbox)
    assert set(aside) == {*FIRST, *RESTORED}
    assert {name: aside[name] for name in before} == before
    assert served(sandbox) == FIRST
    assert sandbox.state()["credentials-bootstrap"]["id"] == bootstrap

    state = sandbox.state()
    cut_over = with_recovery(sandbox, tmp_path, "up", moment, serve=True)
    assert cut_over.status == 0, cut_over.errors
    assert replaced(sandbox, state) == {"backup-vault-dr-automated-backups", "credentials-bootstrap"}
    assert instances(sandbox) == aside
    assert served(sandbox) == RESTORED
    assert "deleted" not in summary(cut_over.output)
    after = sandbox.state()["credentials-bootstrap"]["outputs"]["triggers"]["database"]
    assert after == sandbox.state()["database-restored"]["outputs"]["resourceId"]
    sandbox.succeed("analyze")

    back = with_recovery(sandbox, tmp_path, "up", moment, serve=False)
    assert back.status == 0, back.errors
    assert instances(sandbox) == aside
    assert served(sandbox) == FIRST


def test_restored_database_is_not_lost_by_a_setting(sandbox: Sandbox, tmp_path: Path, moment: datetime) -> None:
    """Neither while it serves, nor by another moment, nor afterwards: production protects it."""
    assert with_recovery(sandbox, tmp_path, "up", moment, serve=True).status == 0
    before = instances(sandbox)

    gone = sandbox.run("up")
    assert gone.status == 1
    assert "fixrx:database.recovery is gone, but the restored database serves" in " ".join(gone.sentence.split())
    other = with_recovery(sandbox, tmp_path, "up", moment - timedelta(hours=1), serve=True)
    assert other.status == 1
    assert "another moment or source would replace it" in " ".join(other.sentence.split())

    assert with_recovery(sandbox, tmp_path, "up", moment, serve=False).status == 0
    ended = sandbox.run("up")
    assert (ended.status, "protect" in ended.sentence) == (1, True)
    assert instances(sandbox) == before
