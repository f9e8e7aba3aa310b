"""What people supply on AWS: the archive of the pinned release, and the values of the vendors' secrets.

A first `up` waits for them. In the sandbox nobody is there to supply them, so it writes placeholders: an archive with
nothing in it, and a value for each secret that has none. Those that a function of the platform makes are among them,
since the emulator runs no function.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.provider.emulator import ApiError, Emulator
from sandbox.session.console import console

PLACEHOLDER = "placeholder-in-the-sandbox"
_MARK = {"placeholder": "sandbox"}
"""Metadata of an archive that the sandbox has written, by which it is found when the bucket is deleted."""


class Placeholders:
    """The placeholders of one stack in its emulator."""

    def __init__(self, emulator: Emulator, project: str, settings: Mapping[str, Any]) -> None:
        """`settings` are those of the stack's file."""
        servers = settings.get(f"{project}:app_servers")
        self._pin: Mapping[str, Any] = servers if isinstance(servers, Mapping) else {}
        prefix = f"{project}-backups-{settings.get(f'{project}:environment')}-"
        self._emulator = emulator
        self._bucket = f"{prefix}{emulator.account_id}"

    def supply(self) -> None:
        """Write what is missing of what there is a place for; say so if that fails, as then `up` waits for it."""
        try:
            written = [*self._supply_secrets(), *self._supply_release()]
        except ApiError as error:
            console.print(f"No placeholders were written for what people supply on AWS, because {error}.")
            return
        if written:
            console.print(f"Written in place of what people supply on AWS, as placeholders: {', '.join(written)}.")

    def remove(self) -> None:
        """Remove the archives, every version of them: a bucket that holds something cannot be deleted."""
        s3 = self._emulator.api("s3")
        try:
            versions = s3("list_object_versions", Bucket=self._bucket).get("Versions", [])
        except ApiError as error:
            if error.missing:
                return
            raise
        for version in versions:
            which = {"Bucket": self._bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            if _MARK.items() <= s3("head_object", **which).get("Metadata", {}).items():
                s3("delete_object", **which, BypassGovernanceRetention=True)

    def _supply_secrets(self) -> list[str]:
        """Write the secrets without a value."""
        api = self._emulator.api("secretsmanager")
        empty = [
            secret
            for secret in api("list_secrets", MaxResults=100)["SecretList"]
            if not secret.get("SecretVersionsToStages")
        ]
        for secret in empty:
            api("put_secret_value", SecretId=secret["ARN"], SecretString=PLACEHOLDER)
        return [f"{len(empty)} secrets"] if empty else []

    def _supply_release(self) -> list[str]:
        release, digest = self._pin.get("release"), self._pin.get("release_sha256")
        if not release or not digest:
            return []
        which = {"Bucket": self._bucket, "Key": f"releases/{release}.tar.gz"}
        s3 = self._emulator.api("s3")
        try:
            s3("head_bucket", Bucket=self._bucket)
        except ApiError as error:
            if error.missing:
                return []
            raise
        try:
            s3("head_object", **which)
        except ApiError as error:
            if not error.missing:
                raise
            s3("put_object", **which, Body=b"", Metadata={**_MARK, "sha256": str(digest)})
            return [f"release {release}"]
        return []
