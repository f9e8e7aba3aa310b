"""The gate `prepared`: what the migration of an image needs is there, and what it may damage can be had back.

The migration itself is a job in the cluster, which comes after it; the pods come after that.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from rollout import inputs, snapshots
from rollout.gate import Gate, code_of, require_account

DIGEST_CHARACTERS = 12
"""Of the digest, in the name of a snapshot."""


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What the gate has to know, by its names in AWS."""

    account_id: str
    prefix: str
    """First part of the stack's names."""
    tags: Mapping[str, str]
    """Of the snapshot."""
    marker: str
    """Name of the parameter."""
    digest: str
    """Of the image."""
    secrets: Mapping[str, str]
    """Environment variable to the ARN of the secret that must have a value."""
    database: str
    wait_minutes: int
    """For the secrets of the first image. Later ones are there before it is pinned."""


async def prepared(gate: Gate, preparation: Preparation, *, first: bool) -> None:
    """Return when the image may be migrated. Raises Refusal if the inputs do not come in time.

    `first` says whether the stack has no marker yet.
    """
    await require_account(gate, preparation.account_id)
    await inputs.await_secrets(gate, secrets=preparation.secrets, minutes=preparation.wait_minutes if first else 0)
    if await _was_prepared(gate, preparation):
        gate.tell("the image was migrated before: no snapshot is taken")
        return
    short = preparation.digest.partition(":")[2][:DIGEST_CHARACTERS]
    await snapshots.take(
        gate,
        database=preparation.database,
        name=snapshots.name_before(preparation.prefix, f"image-{short}"),
        tags={**preparation.tags, "Image": preparation.digest},
        used=None,
    )


async def _was_prepared(gate: Gate, preparation: Preparation) -> bool:
    """Tell whether an earlier value of the marker names the image. AWS keeps a hundred."""
    try:
        async for version in gate.pages("ssm", "get_parameter_history", "Parameters", Name=preparation.marker):
            if version["Value"] == preparation.digest:
                return True
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
    return False
