"""Maintenance windows: AWS restarts databases and caches in the guide's windows only."""

import re
from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Setting, rule

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKLY: Final = re.compile(r"(?P<day>[a-z]{3}):(?P<start>\d\d:\d\d)-(?P<last_day>[a-z]{3}):(?P<end>\d\d:\d\d)")
DAILY: Final = re.compile(r"(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)")
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"


def _clock(hour: int) -> str:
    return f"{hour:02d}:00"


@rule(
    "maintenance-weekly-window-is-used",
    item=ChecklistItem.MAINTENANCE,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.MAINTENANCE_WINDOWS,
    applies_to=aws.is_separate_cache,
    documentation=f"{RDS_GUIDE}/USER_UpgradeDBInstance.Maintenance.html",
    remediation="Set `weekly` in `fixrx:maintenance_windows`, and the same in this rule's settings.",
    settings={
        "weekday": Setting(default=7, minimum=1, maximum=7, description="Day of the week, Monday is 1"),
        "from_hour": Setting(default=3, minimum=0, maximum=23, description="Hour (UTC) at which the window starts"),
        "to_hour": Setting(default=4, minimum=1, maximum=24, description="Hour (UTC) at which it ends"),
    },
)
def weekly_window_is_used(store: StackResource, context: Context) -> Iterator[Problem]:
    """Databases and caches are maintained on Sunday from 03:00 to 04:00 UTC."""
    settings = context.settings
    day = DAYS[settings["weekday"] - 1]
    first, last = _clock(settings["from_hour"]), _clock(settings["to_hour"])
    declared = f"{day}:{first}-{day}:{last}"
    window = WEEKLY.fullmatch(str(store.get(aws.MAINTENANCE_WINDOWS[store.type]) or "").lower())
    if window is None:
        yield f"has no maintenance window: AWS chooses one, which is not {declared}"
    elif not (window["day"] == window["last_day"] == day and first <= window["start"] < window["end"] <= last):
        yield f"has the maintenance window {window[0]}, which is not within {declared}"


@rule(
    "maintenance-backup-window-is-used",
    item=ChecklistItem.MAINTENANCE,
    severity=RuleSeverity.LOW,
    resource_types=aws.BACKUP_WINDOWS,
    applies_to=aws.is_primary,
    documentation=f"{RDS_GUIDE}/USER_WorkingWithAutomatedBackups.html",
    remediation="Set `daily` in `fixrx:maintenance_windows`, and the same in this rule's settings.",
    settings={
        "from_hour": Setting(default=2, minimum=0, maximum=23, description="Hour (UTC) at which the window starts"),
        "to_hour": Setting(default=3, minimum=1, maximum=24, description="Hour (UTC) at which it ends"),
    },
)
def backup_window_is_used(store: StackResource, context: Context) -> Iterator[Problem]:
    """Databases and caches are backed up between 02:00 and 03:00 UTC."""
    first, last = _clock(context.settings["from_hour"]), _clock(context.settings["to_hour"])
    window = DAILY.fullmatch(str(store.get(aws.BACKUP_WINDOWS[store.type]) or ""))
    if window is None:
        yield f"has no backup window: AWS chooses one, which is not {first}-{last}"
    elif not first <= window["start"] < window["end"] <= last:
        yield f"has the backup window {window[0]}, which is not within {first}-{last}: backups slow it down"
