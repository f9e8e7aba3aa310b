"""Bucket policies are kept and shown, and not judged.

moto takes a denial whose condition does not hold for a denial of everything: with the usual one, which denies requests
without TLS, no object could be read or written.
"""

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def _undecided(bucket: Any, action: str, resource: str) -> PermissionResult:
    return PermissionResult.NEUTRAL


def install() -> None:
    """Let moto judge no bucket policy."""
    setattr(FakeBucket, FakeBucket.get_permission.__name__, _undecided)
