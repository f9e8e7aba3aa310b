"""Which releases are no longer needed."""

from collections.abc import Collection, Sequence

from delivery.store import Archive

DAYS = 30
"""A release that was served within these days is kept: it may be the way back."""


def unneeded(archives: Sequence[Archive], keep: int, needed: Collection[str]) -> Sequence[Archive]:
    """The archives, the newest first, without the newest `keep` and without those that are needed."""
    return [each for each in archives[keep:] if each.release not in needed]
