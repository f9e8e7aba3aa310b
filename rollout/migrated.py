"""The gate `migrated`: the inputs of a release are there, and its migration has run, once.

The servers are changed after it only: while it refuses, they run what they ran before.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from rollout import builds, inputs, snapshots
from rollout.gate import Gate, code_of, require_account
from rollout.marker import Release, release_in


@dataclass(frozen=True, kw_only=True)
class Migration:
    """What the gate has to know, by its names in AWS."""

    account_id: str
    prefix: str
    """First part of the stack's names."""
    tags: Mapping[str, str]
    """Of the snapshot."""
    marker: str
    """Name of the parameter."""
    release: Release
    bucket: str
    key: str
    """Of the release's archive in the bucket."""
    upload: str
    """Command that puts it there."""
    secrets: Mapping[str, str]
    """Environment variable to the ARN of the secret that must have a value."""
    database: str
    project: str
    """CodeBuild's, which runs the migrations."""
    log_group: str
    wait_minutes: int
    """For the inputs of the first release. Later ones are there before they are pinned."""


async def migrated(gate: Gate, migration: Migration, *, first: bool) -> None:
    """Return when the release is migrated. Raises Refusal if it cannot be, or its inputs do not come in time.

    `first` says whether the stack has no marker yet.
    """
    await require_account(gate, migration.account_id)
    work = builds.Work(
        project=migration.project, log_group=migration.log_group, release=migration.release, task=builds.Task.MIGRATE
    )
    await inputs.await_inputs(
        gate,
        release=migration.release,
        archive=inputs.Archive(bucket=migration.bucket, key=migration.key, upload=migration.upload),
        secrets=migration.secrets,
        minutes=migration.wait_minutes if first else 0,
    )
    if await _was_migrated(gate, migration):
        gate.tell(f"release {migration.release.name} was migrated before: its `migrate:status` is asked, no more")
        await builds.check(gate, work.asking_status())
        return
    await builds.run_once(
        gate,
        work,
        prepare=lambda earlier: snapshots.take(
            gate,
            database=migration.database,
            name=snapshots.name_before(migration.prefix, migration.release.name),
            tags={**migration.tags, "Release": migration.release.name},
            used=earlier,
        ),
    )


async def _was_migrated(gate: Gate, migration: Migration) -> bool:
    """Tell whether an earlier value of the marker names the release. AWS keeps a hundred."""
    try:
        async for version in gate.pages("ssm", "get_parameter_history", "Parameters", Name=migration.marker):
            if release_in(version["Value"]) == migration.release:
                return True
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
    return False
