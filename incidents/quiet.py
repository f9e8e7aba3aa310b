"""A deployment's own mute window: servers that are being replaced are no incident.

Only alarms that replacing servers or pods causes, none of them P1, and none that stops a rollout. A window ends with
the deployment, or by itself if nobody ends it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from components.shared.identity import StackIdentity

LONGEST = timedelta(hours=4)
"""As long as the credentials of a deployment are valid."""
OF_SERVERS = ("ServerGroupAtMaximum", "UnhealthyServer-unless-down")
OF_PODS = ("PodsAtMaximum", "UnhealthyPod-unless-down")


def rule_name(identity: StackIdentity) -> str:
    return f"{identity.prefix}-deployment"


def muted(identity: StackIdentity, *, servers: bool, pods: bool) -> Sequence[str]:
    """Physical names of the alarms that a deployment of the stack mutes."""
    names = (*(OF_SERVERS if servers else ()), *(OF_PODS if pods else ()))
    return [f"{identity.prefix}-{name}" for name in names]


def quiet(cloudwatch: Any, identity: StackIdentity, alarms: Sequence[str], now: datetime) -> datetime:
    """Begin the window at the next whole minute, and return when it ends at the latest."""
    begin = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    cloudwatch.put_alarm_mute_rule(
        Name=rule_name(identity),
        Description="A deployment replaces servers or pods; no alarm of severity P1",
        Rule={
            "Schedule": {
                "Expression": f"at({begin:%Y-%m-%dT%H:%M})",
                "Duration": f"PT{LONGEST // timedelta(minutes=1)}M",
                "Timezone": "UTC",
            }
        },
        MuteTargets={"AlarmNames": list(alarms)},
    )
    return begin + LONGEST


def loud(cloudwatch: Any, identity: StackIdentity) -> None:
    """End the window: CloudWatch takes up the actions of what is still wrong. Nothing happens if there is none."""
    cloudwatch.delete_alarm_mute_rule(AlarmMuteRuleName=rule_name(identity))
