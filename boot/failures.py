"""Boots that must fail: what is broken before, and the reason that the server has to give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from boot.emulator import Emulator
from boot.release import Release
from boot.server import Server


@dataclass(frozen=True, kw_only=True)
class Supplied:
    """What the servers of a stack find in AWS."""

    emulator: Emulator
    bucket: str
    key: str
    release: Release
    secret_arns: Mapping[str, str]

    def upload(self) -> None:
        """Puts the pinned release where the servers look for it."""
        self.upload_content(self.release.archive.read_bytes())

    def upload_content(self, content: bytes) -> None:
        """Puts an archive there, whatever is in it."""
        self.emulator.upload(self.bucket, self.key, content, {"sha256": self.release.sha256})

    def delete(self) -> None:
        """Takes the release away."""
        self.emulator.delete(self.bucket, self.key)

    def empty_secret(self) -> None:
        """Leaves a secret with a line break only, as an editor does."""
        self.emulator.put_secret(self.secret_arns[self.variable], "\n")

    @property
    def variable(self) -> str:
        """The secret that is emptied: the last by name."""
        return max(self.secret_arns)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One way in which a boot fails."""

    title: str
    prepare: Callable[[Supplied], None]
    repair: Callable[[Supplied], None]
    reasons: Callable[[Supplied], tuple[str, ...]]
    """What the line must have in it."""


def failures(value: str) -> tuple[Failure, ...]:
    """All of them. `value` is what the emptied secret gets back."""
    return (
        Failure(
            title="a secret is empty",
            prepare=Supplied.empty_secret,
            repair=lambda supplied: supplied.emulator.put_secret(supplied.secret_arns[supplied.variable], value),
            reasons=lambda supplied: (f"the secret {supplied.variable} is empty: aws secretsmanager put-secret-value",),
        ),
        Failure(
            title="the release is missing",
            prepare=Supplied.delete,
            repair=Supplied.upload,
            reasons=lambda supplied: (f"the release s3://{supplied.bucket}/{supplied.key} is not there: upload it",),
        ),
        Failure(
            title="the release has another digest",
            prepare=lambda supplied: supplied.upload_content(supplied.release.archive.read_bytes() + b"\0"),
            repair=Supplied.upload,
            reasons=lambda supplied: (
                f"the release {supplied.release.name} has the SHA-256 ",
                f"but {supplied.release.sha256} is pinned",
            ),
        ),
    )


def require_reason(server: Server, line: str, reasons: tuple[str, ...]) -> None:
    """Raises AssertionError if the line says something else, or the Auto Scaling group has not been told."""
    for reason in reasons:
        assert reason in line, f"the reason is not {reason!r}, but: {line}"
    told = server.await_call("SetInstanceHealth")
    expected = {"InstanceId": server.instance.id, "HealthStatus": "Unhealthy", "ShouldRespectGracePeriod": "false"}
    parameters = dict(told.parameters)
    found = {name: parameters.get(name) for name in expected}
    assert told.status == 200, f"SetInstanceHealth was answered with {told.status}"
    assert found == expected, f"SetInstanceHealth was called with {found}"
