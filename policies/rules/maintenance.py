"""The guide's maintenance windows: what AWS may restart, it restarts when users have been told."""

import re
from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Setting
from policies.rules.database_access import CACHE, DATABASE, is_replica

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKLY: Final = re.compile(r"(?P<day>[a-z]{3}):(?P<start>\d\d:\d\d)-(?P<last_day>[a-z]{3}):(?P<end>\d\d:\d\d)")
DAILY: Final = re.compile(r"(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)")
BACKUP_WINDOWS: Final = {DATABASE: "backupWindow", CACHE: "snapshotWindow"}
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"


def _clock(hour: int) -> str:
    return f"{hour:02d}:00"


def _is_maintained_in_the_window(resource: StackResource, context: Context) -> Iterator[Problem]:
    settings = context.settings
    day = DAYS[settings["weekday"] - 1]
    declared = f"{day}:{_clock(settings['from_hour'])}-{day}:{_clock(settings['to_hour'])}"
    window = WEEKLY.fullmatch(str(resource.get("maintenanceWindow") or "").lower())
    if window is None:
        yield f"has no maintenance window: AWS chooses one of its own, which is not {declared}"
    elif not (
        window["day"] == window["last_day"] == day
        and _clock(settings["from_hour"]) <= window["start"] < window["end"] <= _clock(settings["to_hour"])
    ):
        yield f"is restarted in {window[0]}, and users have been told of {declared}"


def _is_backed_up_in_the_window(resource: StackResource, context: Context) -> Iterator[Problem]:
    first, last = _clock(context.settings["from_hour"]), _clock(context.settings["to_hour"])
    window = DAILY.fullmatch(str(resource.get(BACKUP_WINDOWS[resource.type]) or ""))
    if window is None:
        yield f"has no backup window: AWS chooses one of its own, which is not {first}-{last}"
    elif not first <= window["start"] < window["end"] <= last:
        yield f"is backed up in {window[0]}, outside {first}-{last}: in working hours that is felt"


def _is_backed_up(resource: StackResource) -> bool:
    return resource.type != DATABASE or not is_replica(resource)


RULES = (
    Rule(
        name="maintenance-weekly-window-is-used",
        description="Databases and caches are patched on Sunday from 03:00 to 04:00 UTC.",
        item=ChecklistItem.MAINTENANCE,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{RDS_GUIDE}/USER_UpgradeDBInstance.Maintenance.html",
        resource_types=frozenset({DATABASE, CACHE}),
        check=_is_maintained_in_the_window,
        remediation="Set `weekly` in `fixrx:maintenance_windows`, and the same in this rule's settings.",
        settings={
            "weekday": Setting(default=7, minimum=1, maximum=7, description="Day of the week, Monday is 1"),
            "from_hour": Setting(default=3, minimum=0, maximum=23, description="Hour (UTC) at which the window opens"),
            "to_hour": Setting(default=4, minimum=1, maximum=24, description="Hour (UTC) at which it closes"),
        },
    ),
    Rule(
        name="maintenance-backup-window-is-used",
        description="Databases and caches are backed up between 02:00 and 03:00 UTC.",
        item=ChecklistItem.MAINTENANCE,
        severity=RuleSeverity.LOW,
        documentation=f"{RDS_GUIDE}/USER_WorkingWithAutomatedBackups.html",
        resource_types=frozenset(BACKUP_WINDOWS),
        applies_to=_is_backed_up,
        check=_is_backed_up_in_the_window,
        remediation="Set `daily` in `fixrx:maintenance_windows`, and the same in this rule's settings.",
        settings={
            "from_hour": Setting(default=2, minimum=0, maximum=23, description="Hour (UTC) at which the window opens"),
            "to_hour": Setting(default=3, minimum=1, maximum=24, description="Hour (UTC) at which it closes"),
        },
    ),
)
