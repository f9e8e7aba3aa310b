"""Quiet maintenance: alarms that tell nobody in the maintenance windows. An alarm of severity P1 is never quiet.

When a window ends, CloudWatch executes the action of the state that the alarm is still in: ALARM for what lasts, OK for
what has ended within the window. The beginning of the latter is told to nobody; it stays in the alarm's history.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared.identity import StackIdentity
from components.shared.maintenance_windows import MaintenanceWindows

MOST_NAMES = 100
"""CloudWatch's limit of a rule."""


@dataclass(frozen=True, kw_only=True)
class MutesArgs:
    identity: StackIdentity
    windows: MaintenanceWindows
    alarm_names: Sequence[pulumi.Input[str]]
    """Physical names of the alarms that may be quiet."""


class Mutes(pulumi.ComponentResource):
    """Mute rules for the daily and the weekly window. Those of the monthly one are the watchman's."""

    def __init__(self, name: str, args: MutesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Mutes", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        names = list(args.alarm_names)
        for window, expression, minutes in args.windows.quiet:
            for number, first in enumerate(range(0, len(names), MOST_NAMES), start=1):
                aws.cloudwatch.AlarmMuteRule(
                    f"{name}-{window}-{number}",
                    name=args.identity.physical_name(
                        "aws:cloudwatch/alarmMuteRule:AlarmMuteRule", f"{args.identity.prefix}-{window}-{number}"
                    ),
                    description=f"The {window} maintenance window; no alarm of severity P1",
                    mute_targets={"alarm_names": names[first : first + MOST_NAMES]},
                    rule={
                        "schedule": {"expression": expression, "duration": f"PT{minutes}M", "timezone": "UTC"},
                    },
                    opts=child,
                )
        self.register_outputs({"alarms": len(names)})
