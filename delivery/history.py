"""Which releases a stack has run: the versions of the parameters that a deployment writes.

Of servers when a release serves; of pods when everything is there for their migration, so an image that then failed is
in the history too.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from bootstrap.access import Access, CommandError, error_code
from settings import PROJECT


@dataclass(frozen=True, kw_only=True)
class Released:
    """One version of the parameter: from then on this release was served, until the next version."""

    release: str
    """Its name; of pods the digest of the image."""
    sha256: str
    since: datetime


def read_history(access: Access, environment: str) -> Sequence[Released]:
    """Every release that servers have served, the oldest first; AWS keeps the last 100 versions.

    Raises CommandError if somebody else has written the parameter.
    """
    name = f"/{PROJECT}/{environment}/released"
    try:
        return [_released(value, since) for value, since in _versions(access, name)]
    except (ValueError, KeyError, TypeError):
        raise CommandError(
            f"The parameter {name} was not written by a deployment; its history says nothing "
            "about releases. Choose a release yourself, with `release pin`."
        ) from None


def read_images(access: Access, environment: str) -> Sequence[Released]:
    """Every image of pods that was deployed, the oldest first; AWS keeps the last 100 versions."""
    versions = _versions(access, f"/{PROJECT}/{environment}/prepared")
    return [Released(release=digest, sha256=digest, since=since) for digest, since in versions]


def _versions(access: Access, name: str) -> Sequence[tuple[str, datetime]]:
    paginator = access.client("ssm").get_paginator("get_parameter_history")
    try:
        versions = [each for page in paginator.paginate(Name=name) for each in page["Parameters"]]
    except ClientError as error:
        if error_code(error) == "ParameterNotFound":
            return []
        raise
    in_order = sorted(versions, key=lambda each: int(each["Version"]))
    return [(str(version["Value"]), version["LastModifiedDate"]) for version in in_order]


def _released(value: str, since: datetime) -> Released:
    content = json.loads(value)
    return Released(release=str(content["release"]), sha256=str(content["sha256"]), since=since)


def served_since(history: Sequence[Released], now: datetime, days: int) -> frozenset[str]:
    """The releases that were served in the last days: also the one that was when they began."""
    begin = now - timedelta(days=days)
    before = [each.release for each in history if each.since < begin]
    return frozenset({*before[-1:], *(each.release for each in history if each.since >= begin)})


def previous(history: Sequence[Released], pinned: str) -> Released | None:
    """The release to go back to: the last one before the pinned one was served for the first time.

    So a second way back does not return to the release that the first one left. A pinned release that was never
    served, because its deployment failed, is left for the last one that was.
    """
    releases = [each.release for each in history]
    earlier = history[: releases.index(pinned)] if pinned in releases else history
    return earlier[-1] if earlier else None
