"""The gate `migrated`: waits for the inputs, migrates once, and says what is wrong."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.builds import Task
from rollout.gate import Refusal
from rollout.marker import Release, migrated_value
from rollout.migrated import Migration, migrated
from rollout.snapshots import name_before
from tests.rollout.world import ACCOUNT, BEGAN, World, run

RELEASE = Release(name="1.4.0_rc.1", sha256="a" * 64)
KEY = "releases/1.4.0_rc.1.tar.gz"
SNAPSHOT = "fixrx-production-before-1-4-0-rc-1"
MIGRATION = Migration(
    account_id=ACCOUNT,
    prefix="fixrx-production",
    tags={"Project": "fixrx"},
    marker="/fixrx/production/migrated",
    release=RELEASE,
    bucket="backups",
    key=KEY,
    upload="python -m delivery release upload",
    secrets={"TWILIO_AUTH_TOKEN": "arn:twilio", "SENDGRID_API_KEY": "arn:sendgrid"},
    database="fixrx-production-postgres-primary",
    project="fixrx-production-migrate",
    log_group="/fixrx/production/migrate",
    wait_minutes=60,
)


def variables(release: Release = RELEASE, task: Task = Task.MIGRATE) -> list[dict[str, str]]:
    values = {"RELEASE": release.name, "RELEASE_SHA256": release.sha256, "TASK": task}
    return [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in values.items()]


@pytest.fixture
def world() -> World:
    """Everything is there, and nothing has been migrated."""
    return World(objects={KEY: {"sha256": "a" * 64}}, secrets={"arn:twilio": True, "arn:sendgrid": True})


def ask(world: World, migration: Migration = MIGRATION, *, first: bool = False) -> None:
    run(migrated(world.gate(), migration, first=first))


def refused(world: World, migration: Migration = MIGRATION, *, first: bool = False) -> str:
    with pytest.raises(Refusal) as caught:
        ask(world, migration, first=first)
    return str(caught.value)


def test_snapshot_is_complete_before_the_migration_begins(world: World) -> None:
    ask(world)
    [snapshot] = world.snapshots
    assert snapshot["DBSnapshotIdentifier"] == f"{SNAPSHOT}-1"
    assert world.builds[0]["startTime"] == BEGAN + timedelta(seconds=world.snapshot_seconds)
    [taken] = world.parameters("create_db_snapshot")
    assert taken["DBInstanceIdentifier"] == "fixrx-production-postgres-primary"
    assert taken["Tags"] == [{"Key": "Project", "Value": "fixrx"}, {"Key": "Release", "Value": "1.4.0_rc.1"}]
    [started] = world.parameters("start_build")
    assert started["projectName"] == "fixrx-production-migrate"
    assert started["environmentVariablesOverride"] == variables()
    assert world.builds[0]["buildStatus"] == "SUCCEEDED"
    assert world.elapsed == world.snapshot_seconds + world.build_seconds


def test_first_release_waits_for_its_inputs_and_says_once_a_minute_what_supplies_them(world: World) -> None:
    del world.objects[KEY]
    world.secrets["arn:twilio"] = False
    world.after(65, lambda: world.secrets.update({"arn:twilio": True}))
    world.after(150, lambda: world.objects.update({KEY: {"sha256": "a" * 64}}))
    ask(world, first=True)
    release = "the release s3://backups/releases/1.4.0_rc.1.tar.gz: python -m delivery release upload"
    secret = "the secret TWILIO_AUTH_TOKEN: aws secretsmanager put-secret-value --secret-id arn:twilio"
    assert [line for line in world.told if line.startswith(("waits for the release", "waits for the secret"))] == [
        f"waits for {release} (0 min of at most 60 min)",
        f"waits for {secret} --secret-string file://FILE (0 min of at most 60 min)",
        f"waits for {release} (1 min of at most 60 min)",
        f"waits for {release} (2 min of at most 60 min)",
    ]
    assert world.elapsed == 150 + world.snapshot_seconds + world.build_seconds


def test_first_release_is_refused_after_an_hour(world: World) -> None:
    world.secrets["arn:sendgrid"] = False
    sentence = refused(world, first=True)
    assert sentence == (
        "Not there, after 60 minutes:\n  the secret SENDGRID_API_KEY: aws secretsmanager put-secret-value --secret-id "
        "arn:sendgrid --secret-string file://FILE\nNo server was changed. Supply it, and run `pulumi up` again: it "
        "goes on from here."
    )
    assert world.elapsed == 3600
    assert world.times("create_db_snapshot") == 0


def test_later_releases_do_not_wait_for_their_inputs(world: World) -> None:
    del world.objects[KEY]
    assert refused(world).startswith("Not there, after 0 minutes:\n  the release s3://backups/")
    assert world.elapsed == 0


@pytest.mark.parametrize(
    ("metadata", "said"), [({"sha256": "b" * 64}, f"its digest is {'b' * 64}"), ({}, "it has no digest")]
)
def test_archive_that_is_another_one_is_refused_at_once(world: World, metadata: dict[str, str], said: str) -> None:
    world.objects[KEY] = metadata
    sentence = refused(world, first=True)
    assert sentence.startswith(
        f"s3://backups/{KEY} is not the release that is pinned: {said}, and release_sha256 is {'a' * 64}."
    )
    assert world.elapsed == 0


def test_release_that_was_live_before_is_not_migrated_again(world: World) -> None:
    other = Release(name="1.5.0", sha256="c" * 64)
    world.history = [migrated_value(RELEASE), migrated_value(other)]
    ask(world)
    assert world.snapshots == []
    assert [build["environment"]["environmentVariables"] for build in world.builds] == [variables(task=Task.STATUS)]


def test_another_archive_under_the_same_name_is_another_release(world: World) -> None:
    world.history = [migrated_value(replace(RELEASE, sha256="d" * 64)), "written by hand", '{"release": 1}', "[]"]
    ask(world)
    assert [build["environment"]["environmentVariables"] for build in world.builds] == [variables()]


def test_release_that_was_live_before_is_refused_if_the_database_does_not_know_it(world: World) -> None:
    world.history = [migrated_value(RELEASE)]
    world.build_ends = {"status": "FAILED"}
    sentence = refused(world)
    assert sentence.startswith(
        "The database does not have every migration of release 1.4.0_rc.1 (migrate:1: FAILED), although they ran once; "
        "was it restored? No server was changed. Its log: `aws logs tail /fixrx/production/migrate --since 3h "
        "--log-stream-names log-of-migrate:1` or https://console/migrate:1."
    )


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "TIMED_OUT", "STOPPED"])
def test_failed_migration_is_refused_with_the_address_of_its_log(world: World, status: str) -> None:
    world.build_ends = {"migrate": status}
    assert refused(world) == (
        f"The migration of release 1.4.0_rc.1 failed (migrate:1: {status}). No server was changed: they run what they "
        "ran before. Its log: `aws logs tail /fixrx/production/migrate --since 3h --log-stream-names log-of-migrate:1` "
        "or https://console/migrate:1. Correct the release or the database, and run `pulumi up` again, which migrates "
        "again; or pin the release that runs. See docs/runbooks.md#a-migration-failed."
    )


def test_failed_migration_is_tried_again_after_a_new_snapshot(world: World) -> None:
    world.build_ends = {"migrate": "FAILED"}
    refused(world)
    world.build_ends = {"migrate": "SUCCEEDED"}
    ask(world)
    assert [each["DBSnapshotIdentifier"] for each in world.snapshots] == [f"{SNAPSHOT}-1", f"{SNAPSHOT}-2"]
    assert [build["buildStatus"] for build in world.builds] == ["SUCCEEDED", "FAILED"]


def test_migration_whose_deployment_was_killed_is_waited_for(world: World) -> None:
    build = world.add_build("migrate:7", variables())
    world.after(300, lambda: build.update(buildStatus="SUCCEEDED"))
    ask(world)
    assert world.times("start_build") == 0
    assert world.snapshots == []
    assert world.elapsed == 300
    assert "migrate:7 migrates release 1.4.0_rc.1 already; waits for it" in world.told


def test_migration_that_succeeded_after_its_deployment_was_killed_is_not_repeated(world: World) -> None:
    world.add_build("migrate:7", variables(), "SUCCEEDED")
    world.add_build("migrate:8", variables(task=Task.STATUS), "SUCCEEDED")
    ask(world)
    assert world.times("start_build") == 0
    assert world.elapsed == 0


def test_migration_of_another_release_is_waited_for_first(world: World) -> None:
    other = world.add_build("migrate:7", variables(Release(name="1.3.0", sha256="e" * 64)))
    world.after(200, lambda: other.update(buildStatus="SUCCEEDED"))
    ask(world)
    assert world.builds[0]["startTime"] == BEGAN + timedelta(seconds=200 + world.snapshot_seconds)
    assert any(
        line.startswith("waits to migrate release 1.4.0_rc.1: migrate:7 for release 1.3.0 runs, and only one may")
        for line in world.told
    )


def test_migration_that_never_gets_its_turn_is_refused(world: World) -> None:
    world.add_build("migrate:7", variables(Release(name="1.3.0", sha256="e" * 64)))
    assert refused(world).startswith("Release 1.4.0_rc.1 could not migrate: migrate:7 for release 1.3.0 runs")
    assert world.elapsed == 90 * 60


def test_two_deployments_at_once_migrate_once(world: World) -> None:
    async def both() -> None:
        await asyncio.gather(*(migrated(world.gate(), MIGRATION, first=True) for _ in range(2)))

    run(both())
    assert len(world.builds) == 1


def test_build_that_began_during_the_snapshot_is_waited_for(world: World) -> None:
    def someone_else_starts() -> None:
        build = world.add_build("migrate:by-hand", variables())
        world.after(60, lambda: build.update(buildStatus="SUCCEEDED"))

    world.after(30, someone_else_starts)
    ask(world)
    assert [build["id"] for build in world.builds] == ["migrate:by-hand"]


def test_snapshot_of_a_killed_deployment_is_used(world: World) -> None:
    world.snapshots = [snapshot(1, "available", made=BEGAN - timedelta(minutes=20))]
    ask(world)
    assert len(world.snapshots) == 1
    world = World(objects=world.objects, secrets=world.secrets)
    creating = snapshot(1, "creating", made=None)
    world.snapshots = [creating]
    world.after(100, lambda: creating.update(Status="available"))
    ask(world)
    assert world.times("create_db_snapshot") == 0
    assert world.builds[0]["startTime"] == BEGAN + timedelta(seconds=100)


def test_old_snapshot_is_not_used(world: World) -> None:
    world.snapshots = [
        snapshot(9, "available", made=BEGAN - timedelta(minutes=61)),
        snapshot(10, "failed", made=BEGAN),
        {**snapshot(77, "available", made=BEGAN), "DBSnapshotIdentifier": "fixrx-production-before-9-9-9-77"},
    ]
    ask(world)
    assert world.parameters("create_db_snapshot")[0]["DBSnapshotIdentifier"] == f"{SNAPSHOT}-11"


def snapshot(number: int, status: str, made: Any) -> dict[str, Any]:
    found = {"DBSnapshotIdentifier": f"{SNAPSHOT}-{number}", "Status": status}
    return found if made is None else {**found, "SnapshotCreateTime": made}


def test_snapshot_that_fails_is_refused(world: World) -> None:
    world.snapshot_ends = "failed"
    assert refused(world).startswith(f"There is no snapshot {SNAPSHOT}-1 to go back to, because it is failed.")
    assert world.builds == []


def test_snapshot_that_takes_too_long_is_refused(world: World) -> None:
    world.snapshot_seconds = 100_000
    assert refused(world).startswith(f"There is no snapshot {SNAPSHOT}-1 to go back to, because it is only 40 % done.")
    assert world.elapsed == 3600


def test_snapshot_waits_while_the_database_is_busy(world: World) -> None:
    world.busy_until = 90
    ask(world)
    assert world.builds[0]["startTime"] == BEGAN + timedelta(seconds=90 + world.snapshot_seconds)


def test_build_that_does_not_end_is_refused(world: World) -> None:
    world.build_seconds = 100_000
    assert refused(world).startswith("migrate:1 has not ended in time. No server was changed.")


def test_other_accounts_are_refused(world: World) -> None:
    world.account = "999999999999"
    assert refused(world) == (
        "The credentials of the environment are of account 999999999999, and the stack lives in 111122223333: use "
        "credentials of that account, and run `pulumi up` again."
    )
    assert [operation for operation, _ in world.asked] == ["get_caller_identity"]


@pytest.mark.parametrize(
    ("release", "name"),
    [("1.0.0", "p-before-1-0-0"), ("V2__x.-", "p-before-v2-x"), ("2026-11-26", "p-before-2026-11-26")],
)
def test_name_of_a_snapshot_is_one_that_rds_accepts(release: str, name: str) -> None:
    assert name_before("p", release) == name


def test_value_of_the_marker_names_release_and_digest() -> None:
    assert migrated_value(RELEASE) == f'{{"release": "1.4.0_rc.1", "sha256": "{"a" * 64}"}}'
