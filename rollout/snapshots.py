"""A snapshot of the database before each migration: what a migration has damaged can be had back."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from rollout.gate import Gate, Refusal, code_of

LONGEST_SECONDS = 3600
"""A snapshot after the first one holds what has changed only, and takes minutes."""
FRESH = timedelta(hours=1)
"""A snapshot that a deployment has left that was killed is used, if it is no older."""


def name_before(prefix: str, release: str) -> str:
    """Return the name of the snapshots before a release, without their number.

    RDS accepts letters, digits and single hyphens; releases also have dots and underscores.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", release.lower()).strip("-")
    return f"{prefix}-before-{plain}"


async def take(gate: Gate, *, database: str, name: str, tags: Mapping[str, str], used: datetime | None) -> str:
    """Return the identifier of a new snapshot that is complete. Raises Refusal if there is none in time.

    `used` is when the latest migration has begun that made the snapshots before it old.
    """
    numbered = await _numbered(gate, database, name)
    newest = numbered[max(numbered)] if numbered else None
    if newest is not None and _is_fresh(newest, gate.clock.now(), used):
        identifier = str(newest["DBSnapshotIdentifier"])
    else:
        identifier = f"{name}-{max(numbered, default=0) + 1}"
        await _create(gate, database, identifier, tags)
    await _await_complete(gate, identifier)
    return identifier


async def _numbered(gate: Gate, database: str, name: str) -> dict[int, Mapping[str, Any]]:
    """Return the snapshots of that name, by number."""
    pattern = re.compile(rf"{re.escape(name)}-([0-9]+)")
    found: dict[int, Mapping[str, Any]] = {}
    snapshots = gate.pages(
        "rds", "describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=database, SnapshotType="manual"
    )
    async for snapshot in snapshots:
        if match := pattern.fullmatch(snapshot["DBSnapshotIdentifier"]):
            found[int(match[1])] = snapshot
    return found


def _is_fresh(snapshot: Mapping[str, Any], now: datetime, used: datetime | None) -> bool:
    """Tell whether a snapshot was made for the migration that comes next, by a deployment that was killed since."""
    if snapshot["Status"] == "creating":
        return True
    made = snapshot.get("SnapshotCreateTime")
    return (
        snapshot["Status"] == "available" and made is not None and now - made < FRESH and (used is None or made > used)
    )


async def _create(gate: Gate, database: str, identifier: str, tags: Mapping[str, str]) -> None:
    gate.tell(f"takes the snapshot {identifier} of the database before the migration")
    wait = gate.wait(LONGEST_SECONDS)
    while True:
        try:
            await gate.aws(
                "rds",
                "create_db_snapshot",
                DBInstanceIdentifier=database,
                DBSnapshotIdentifier=identifier,
                Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())],
            )
        except ClientError as error:
            if code_of(error) == "DBSnapshotAlreadyExists":
                return
            # A backup or a change of the database is under way.
            if code_of(error) != "InvalidDBInstanceState":
                raise
        else:
            return
        if not await wait.pause([f"waits until the database {database} accepts a snapshot"]):
            raise _refusal(identifier, f"the database {database} accepts none")


async def _await_complete(gate: Gate, identifier: str) -> None:
    wait = gate.wait(LONGEST_SECONDS)
    while True:
        answer = await gate.aws("rds", "describe_db_snapshots", DBSnapshotIdentifier=identifier)
        snapshot = answer["DBSnapshots"][0]
        status = snapshot["Status"]
        if status == "available":
            return
        if status != "creating":
            raise _refusal(identifier, f"it is {status}")
        percent = snapshot.get("PercentProgress", 0)
        if not await wait.pause([f"waits for the snapshot {identifier}, {percent} % done"]):
            raise _refusal(identifier, f"it is only {percent} % done")


def _refusal(identifier: str, reason: str) -> Refusal:
    return Refusal(
        f"There is no snapshot {identifier} to go back to, because {reason}. Nothing was migrated and no server was "
        "changed. Look at the database's events (`aws rds describe-events --source-type db-snapshot`), and run "
        "`pulumi up` again."
    )
