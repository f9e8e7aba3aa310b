"""The gate `prepared`: secrets with values and a snapshot, once for each image."""

from dataclasses import replace

import pytest

from rollout.gate import Refusal
from rollout.prepared import Preparation, prepared
from tests.rollout.world import ACCOUNT, World, run

DIGEST = f"sha256:{'9f86d081884c' + '0' * 52}"
PREPARATION = Preparation(
    account_id=ACCOUNT,
    prefix="fixrx-production",
    tags={"Project": "fixrx"},
    marker="/fixrx/production/prepared",
    digest=DIGEST,
    secrets={"TWILIO_AUTH_TOKEN": "arn:twilio", "SENDGRID_API_KEY": "arn:sendgrid"},
    database="fixrx-production-postgres-primary",
    wait_minutes=60,
)


@pytest.fixture
def world() -> World:
    """Every secret has a value, and no image was migrated."""
    return World(secrets={"arn:twilio": True, "arn:sendgrid": True})


def ask(world: World, preparation: Preparation = PREPARATION, *, first: bool = False) -> None:
    run(prepared(world.gate(), preparation, first=first))


def test_a_snapshot_is_complete_before_the_gate_opens(world: World) -> None:
    ask(world)

    [snapshot] = world.snapshots
    [taken] = world.parameters("create_db_snapshot")
    assert snapshot["DBSnapshotIdentifier"] == "fixrx-production-before-image-9f86d081884c-1"
    assert snapshot["Status"] == "available"
    assert taken["DBInstanceIdentifier"] == "fixrx-production-postgres-primary"
    assert taken["Tags"] == [{"Key": "Image", "Value": DIGEST}, {"Key": "Project", "Value": "fixrx"}]
    assert world.elapsed == world.snapshot_seconds


def test_no_build_is_started_and_no_archive_is_asked_for(world: World) -> None:
    ask(world)

    assert world.builds == []
    assert world.parameters("head_object") == []


def test_an_image_that_was_migrated_before_needs_no_snapshot(world: World) -> None:
    world.history = ["sha256:other", DIGEST, "sha256:newer"]

    ask(world)

    assert world.snapshots == []


def test_the_first_image_waits_for_the_secrets(world: World) -> None:
    world.secrets["arn:twilio"] = False
    world.after(90, lambda: world.secrets.update({"arn:twilio": True}))

    ask(world, first=True)

    assert world.elapsed >= 90
    assert len(world.snapshots) == 1


def test_a_later_image_does_not_wait(world: World) -> None:
    world.secrets["arn:twilio"] = False

    with pytest.raises(Refusal, match="the secret TWILIO_AUTH_TOKEN: aws secretsmanager put-secret-value"):
        ask(world)

    assert world.snapshots == []


def test_another_account_is_refused(world: World) -> None:
    with pytest.raises(Refusal, match="credentials of that account"):
        ask(world, replace(PREPARATION, account_id="999988887777"))
