"""The servers of the Auto Scaling group and their replacement by the group's instance refresh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rollout.gate import Gate

LEAVING = ("Terminating", "Terminated", "Detaching", "Detached", "Standby", "EnteringStandby")
"""Beginnings of the states of servers that are on their way out, or put aside by an operator."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What the gate has to know of the group, by its names in AWS."""

    name: str
    template_id: str
    template_version: str
    target_group_arn: str
    min_size: int


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The servers of the group as they are now."""

    ready: Sequence[str]
    """Those of the right version that serve requests."""
    waiting: Mapping[str, str]
    """Server to what is not yet right with it."""
    outdated: Sequence[str]
    """Those of another version."""
    needed: int

    @property
    def complete(self) -> bool:
        return not self.waiting and not self.outdated and len(self.ready) >= self.needed

    def __str__(self) -> str:
        parts = [f"{len(self.ready)} of {max(self.needed, len(self.ready) + len(self.waiting))} new servers serve"]
        parts += [f"{server} {state}" for server, state in self.waiting.items()]
        if self.outdated:
            parts.append(f"{len(self.outdated)} of an earlier version")
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """An instance refresh: AWS replaces the group's servers one after another."""

    id: str
    status: str
    reason: str
    percent: int
    started: datetime | None
    """None until it leaves the queue."""
    preferences: Mapping[str, Any]
    version: str | None
    """Of the launch template, if who started it named one."""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Refresh":
        template = answer.get("DesiredConfiguration", {}).get("LaunchTemplate", {})
        return cls(
            id=answer["InstanceRefreshId"],
            status=answer["Status"],
            reason=answer.get("StatusReason", ""),
            percent=answer.get("PercentageComplete", 0),
            started=answer.get("StartTime"),
            preferences=answer.get("Preferences", {}),
            version=template.get("Version"),
        )

    @property
    def succeeded(self) -> bool:
        return self.status == "Successful"

    @property
    def failed(self) -> bool:
        """Whether it has not brought, and will not bring, every server to the new version."""
        return self.status in ("Failed", "Cancelled", "Cancelling") or self.status.startswith("Rollback")

    @property
    def active(self) -> bool:
        """Whether AWS accepts no other refresh of the group."""
        return self.status in ("Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking")


async def newest_refresh(gate: Gate, group: Group) -> Refresh | None:
    """Return the newest refresh to the group's version of the launch template.

    The provider names no version when it starts one: then it is of the version that the group had at that time, so
    one that began before our version was made is another's.
    """
    versions = await gate.aws(
        "ec2",
        "describe_launch_template_versions",
        LaunchTemplateId=group.template_id,
        Versions=[group.template_version],
    )
    made: datetime = versions["LaunchTemplateVersions"][0]["CreateTime"]
    # AWS lists the newest first.
    answer = await gate.aws("autoscaling", "describe_instance_refreshes", AutoScalingGroupName=group.name)
    for refresh in map(Refresh.of, answer["InstanceRefreshes"]):
        if refresh.version is not None:
            if refresh.version == group.template_version:
                return refresh
        elif refresh.started is None or refresh.started >= made:
            return refresh
    return None


async def start_refresh(gate: Gate, group: Group, preferences: Mapping[str, Any]) -> None:
    """Start another refresh, with the preferences of the one before."""
    await gate.aws(
        "autoscaling",
        "start_instance_refresh",
        AutoScalingGroupName=group.name,
        Strategy="Rolling",
        Preferences={**preferences, "SkipMatching": True},
    )


async def servers(gate: Gate, group: Group) -> Servers:
    """Return the servers as the group and the load balancer see them."""
    answer = await gate.aws("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[group.name])
    found = answer["AutoScalingGroups"][0]
    members = [each for each in found["Instances"] if not each["LifecycleState"].startswith(LEAVING)]
    outdated = [each["InstanceId"] for each in members if _version(each) != group.template_version]
    health = await gate.aws("elbv2", "describe_target_health", TargetGroupArn=group.target_group_arn)
    targets = {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in health["TargetHealthDescriptions"]}
    current = [each for each in members if each["InstanceId"] not in outdated]
    states = {each["InstanceId"]: _state(each, targets) for each in current}
    return Servers(
        ready=[server for server, state in states.items() if state is None],
        waiting={server: state for server, state in states.items() if state is not None},
        outdated=outdated,
        needed=group.min_size,
    )


def _version(instance: Mapping[str, Any]) -> str:
    return str(instance.get("LaunchTemplate", {}).get("Version", ""))


def _state(instance: Mapping[str, Any], targets: Mapping[str, str]) -> str | None:
    """Return what is not yet right with a server, None if it serves."""
    if instance["LifecycleState"] != "InService":
        return f"is {instance['LifecycleState']}"
    if instance["HealthStatus"].lower() != "healthy":
        return f"is {instance['HealthStatus']}"
    health = targets.get(instance["InstanceId"], "not registered")
    return None if health == "healthy" else f"is {health} at the load balancer"
