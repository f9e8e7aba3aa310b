"""What the markers say: which release was migrated, and which release on which servers was verified."""

import json
from dataclasses import dataclass
from typing import Any

import pulumi


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release of the application; another archive under the same name is another release."""

    name: str
    sha256: str
    """Of the archive, in hexadecimal digits."""


def migrated_value(release: Release) -> str:
    """Return the value of the marker `migrated`, which an update of the image alone does not change."""
    return json.dumps({"release": release.name, "sha256": release.sha256})


def released_value(release: Release, template_version: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return the value of the marker `released`.

    The version of the launch template only grows, also on the way back to an earlier release: with the release alone,
    the marker would not change, and nobody would verify, after a rollout that has failed.
    """
    return pulumi.Output.json_dumps({"release": release.name, "sha256": release.sha256, "template": template_version})


def release_in(value: str) -> Release | None:
    """Return the release that a marker names, None if somebody has written something else there."""
    try:
        content: Any = json.loads(value)
        return Release(name=content["release"], sha256=content["sha256"])
    except (ValueError, TypeError, KeyError):
        return None
