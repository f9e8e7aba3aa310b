"""What a release needs and people supply: its archive, and the values of the secrets."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from rollout.gate import Gate, Refusal, code_of
from rollout.marker import Release

DIGEST = "sha256"
"""Metadata of an archive: the digest that was computed where it was built."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """Where the archive of a release is."""

    bucket: str
    key: str
    upload: str
    """Command that puts it there."""

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


async def await_inputs(
    gate: Gate, *, release: Release, archive: Archive, secrets: Mapping[str, str], minutes: int
) -> None:
    """Return when everything is there. Raises Refusal when the time is over, and for an archive that is another one."""

    async def missing() -> list[str]:
        return [*await _missing_archive(gate, release, archive), *await _missing_secrets(gate, secrets)]

    await _await(gate, missing, minutes)


async def await_secrets(gate: Gate, *, secrets: Mapping[str, str], minutes: int) -> None:
    """Return when every secret has a value. Raises Refusal when the time is over."""
    await _await(gate, lambda: _missing_secrets(gate, secrets), minutes)


async def _await(gate: Gate, find_missing: Callable[[], Awaitable[list[str]]], minutes: int) -> None:
    wait = gate.wait(minutes * 60)
    while missing := await find_missing():
        if not await wait.pause([f"waits for {line}" for line in missing]):
            listed = "\n".join(f"  {line}" for line in missing)
            raise Refusal(
                f"Not there, after {minutes} minutes:\n{listed}\nNo server was changed. Supply it, and run `pulumi up` "
                "again: it goes on from here."
            )


async def _missing_secrets(gate: Gate, secrets: Mapping[str, str]) -> list[str]:
    """Return which secrets have no value, and the command that supplies it."""
    ordered = sorted(secrets.items())
    empty = await asyncio.gather(*(_has_no_value(gate, arn) for _, arn in ordered))
    return [
        f"the secret {variable}: aws secretsmanager put-secret-value --secret-id {arn} --secret-string file://FILE"
        for (variable, arn), is_empty in zip(ordered, empty, strict=True)
        if is_empty
    ]


async def _missing_archive(gate: Gate, release: Release, archive: Archive) -> list[str]:
    try:
        found = await gate.aws("s3", "head_object", Bucket=archive.bucket, Key=archive.key)
    except ClientError as error:
        if code_of(error) in ("404", "NoSuchKey", "NotFound"):
            return [f"the release {archive.url}: {archive.upload}"]
        raise
    digest = found.get("Metadata", {}).get(DIGEST)
    if digest != release.sha256:
        # An archive is never overwritten, so waiting would not help.
        raise Refusal(
            f"{archive.url} is not the release that is pinned: "
            f"{f'its digest is {digest}' if digest else 'it has no digest'}, and release_sha256 is {release.sha256}. "
            "No server was changed. Pin the digest that the build of the release has printed, or build a release of "
            "another name."
        )
    return []


async def _has_no_value(gate: Gate, arn: str) -> bool:
    """Ask for the labels of the secret's versions; no value is read."""
    answer = await gate.aws("secretsmanager", "describe_secret", SecretId=arn)
    return not any("AWSCURRENT" in stages for stages in answer.get("VersionIdsToStages", {}).values())
