"""Which releases a stack has run: the versions of the parameter that a deployment writes when a release serves."""

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
    sha256: str
    since: datetime


def parameter_name(environment: str) -> str:
    return f"/{PROJECT}/{environment}/released"


def read_history(access: Access, environment: str) -> Sequence[Released]:
    """Every release that was served, the oldest first; AWS keeps the last 100 versions.

    Raises CommandError if somebody else has written the parameter.
    """
    paginator = access.client("ssm").get_paginator("get_parameter_history")
    try:
        versions = [
            each for page in paginator.paginate(Name=parameter_name(environment)) for each in page["Parameters"]
        ]
    except ClientError as error:
        if error_code(error) == "ParameterNotFound":
            return []
        raise
    try:
        return [
            _released(version["Value"], version["LastModifiedDate"])
            for version in sorted(versions, key=lambda each: int(each["Version"]))
        ]
    except (ValueError, KeyError, TypeError):
        raise CommandError(
            f"The parameter {parameter_name(environment)} was not written by a deployment; its history says nothing "
            "about releases. Choose a release yourself, with `release pin`."
        ) from None


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
