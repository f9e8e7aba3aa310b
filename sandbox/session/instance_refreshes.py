"""Instance refreshes, which moto lacks: the servers of an Auto Scaling group are replaced one after another.

A refresh goes on whenever somebody asks for the group or its refreshes. moto also tells the same version of the launch
template for all servers of a group; here each keeps the one that it was started with. And moto cannot start a server
from a later version of a template that has user data, which is mended here.
"""

import inspect
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState
from moto.autoscaling.responses import AutoScalingResponse
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.utils import parse_user_data

from sandbox.session.courses import Course, Courses

USUAL = Course(seconds=0.5, status="Successful")
_ACTIVE = ("Pending", "InProgress")
_VERSION = "sandbox_template_version"


class RefreshInProgress(AutoscalingClientError):
    """AWS accepts one refresh of a group at a time."""

    code = "InstanceRefreshInProgress"
    message = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh."


class NoActiveRefresh(AutoscalingClientError):
    """There is nothing to cancel."""

    code = "ActiveInstanceRefreshNotFound"
    message = "No in progress or pending Instance Refresh found for the Auto Scaling group."


class Refresh:
    """One refresh of a group: first in the queue, then a server at a time."""

    def __init__(self, group: Any, preferences: dict[str, Any], desired: dict[str, Any], course: Course) -> None:
        self.preferences = preferences
        self.status = "Pending"
        self._id = str(uuid.uuid4())
        self._group = group
        self._desired = desired
        self._course = course
        self._asked = time.monotonic()
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._reason = ""
        self._version = version_of(group)
        self._outdated = [state.instance.id for state in group.instance_states if self._must_go(state)]
        self._all = len(self._outdated)

    @property
    def active(self) -> bool:
        return self.status in _ACTIVE

    def go_on(self) -> None:
        """Do what is due by now."""
        if not self.active:
            return
        if self._started is None:
            self._started, self.status = datetime.now(UTC), "InProgress"
        if firing := self._firing_alarms():
            self._end("Failed", f"The alarms {', '.join(firing)} went into the ALARM state.")
            return
        passed = min(1.0, (time.monotonic() - self._asked) / max(self._course.seconds, 0.001))
        # One that does not succeed stops halfway.
        share = passed if self._course.status == "Successful" else passed / 2
        while self._outdated and self._all - len(self._outdated) < int(self._all * share):
            replace_server(self._group, self._outdated.pop(0))
        if passed == 1.0:
            self._end(self._course.status, self._course.reason)

    def cancel(self) -> None:
        self._end("Cancelled", "Cancelled due to user request.")

    def described(self) -> dict[str, Any]:
        """As AWS describes it."""
        percent = 100 if not self._all else 100 * (self._all - len(self._outdated)) // self._all
        times = {"StartTime": self._started, "EndTime": self._ended}
        return {
            "InstanceRefreshId": self._id,
            "AutoScalingGroupName": self._group.name,
            "Status": self.status,
            "PercentageComplete": percent,
            "InstancesToUpdate": len(self._outdated),
            "Preferences": self.preferences,
            "Strategy": "Rolling",
            **({"StatusReason": self._reason} if self._reason else {}),
            **({"DesiredConfiguration": self._desired} if self._desired else {}),
            **{key: moment for key, moment in times.items() if moment is not None},
        }

    def _must_go(self, state: Any) -> bool:
        return not self.preferences.get("SkipMatching") or getattr(state, _VERSION, None) != self._version

    def _firing_alarms(self) -> list[str]:
        backend = self._group.autoscaling_backend
        alarms = cloudwatch_backends[backend.account_id][backend.region_name].alarms
        watched = self.preferences.get("AlarmSpecification", {}).get("Alarms", [])
        return [name for name in watched if name in alarms and alarms[name].state_value == "ALARM"]

    def _end(self, status: str, reason: str) -> None:
        self.status, self._reason, self._ended = status, reason, datetime.now(UTC)


def version_of(group: Any) -> str:
    """The number of the launch template's version that the group starts servers with."""
    template = group.ec2_launch_template
    if template is None:
        return ""
    wanted = group.launch_template_version
    numbers = {"$Default": template.default_version_number, "$Latest": template.latest_version_number}
    return str(numbers.get(wanted, wanted))


def replace_server(group: Any, server: str) -> None:
    """Start a server first, then stop an old one, in the group and in its target groups."""
    backend = group.autoscaling_backend
    group.replace_autoscaling_group_instances(1, group.get_propagated_tags())
    group.instance_states = [state for state in group.instance_states if state.instance.id != server]
    backend.ec2_backend.terminate_instances([server])
    for arn in group.target_group_arns:
        backend.elbv2_backend.deregister_targets(arn, [{"Id": server}])
    backend.update_attached_target_groups(group.name)


_LAUNCH = FakeAutoScalingGroup.replace_autoscaling_group_instances
_CREATE_VERSION = LaunchTemplate.create_version
_DESCRIBE_GROUPS = AutoScalingResponse.describe_auto_scaling_groups


def _launch_and_note(group: Any, count_needed: int, propagated_tags: dict[str, str]) -> None:
    before = list(group.instance_states)
    _LAUNCH(group, count_needed, propagated_tags)
    for state in group.instance_states:
        if state not in before:
            setattr(state, _VERSION, version_of(group))


def _create_version(template: Any, data: dict[str, Any], description: str) -> Any:
    """Create a version of a template. moto gives the user data of a first version alone the type that it expects."""
    if isinstance(given := data.get("UserData"), str):
        data = {**data, "UserData": parse_user_data(given)}
    return _CREATE_VERSION(template, data, description)


def _launch_template(state: Any) -> dict[str, Any] | None:
    template = state.auto_scaling_group.ec2_launch_template
    if template is None:
        return None
    version = getattr(state, _VERSION, version_of(state.auto_scaling_group))
    return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": version}


class _Added(AutoScalingResponse):
    """What moto lacks, or does otherwise."""

    courses = Courses(None)

    def start_instance_refresh(self) -> ActionResult:
        group = _group(self)
        refreshes = _refreshes(group)
        if any(refresh.active for refresh in refreshes):
            raise RefreshInProgress
        preferences, desired = self._get_param("Preferences", {}), self._get_param("DesiredConfiguration", {})
        refresh = Refresh(group, preferences, desired, _Added.courses.next("instance refresh", USUAL))
        refreshes.insert(0, refresh)
        return ActionResult({"InstanceRefreshId": refresh.described()["InstanceRefreshId"]})

    def describe_instance_refreshes(self) -> ActionResult:
        wanted = self._get_param("InstanceRefreshIds", [])
        found = [refresh.described() for refresh in _refreshes(_group(self))]
        chosen = [each for each in found if not wanted or each["InstanceRefreshId"] in wanted]
        return ActionResult({"InstanceRefreshes": chosen})

    def cancel_instance_refresh(self) -> ActionResult:
        active = next((refresh for refresh in _refreshes(_group(self)) if refresh.active), None)
        if active is None:
            raise NoActiveRefresh
        active.cancel()
        return ActionResult({"InstanceRefreshId": active.described()["InstanceRefreshId"]})

    def describe_auto_scaling_groups(self) -> ActionResult:
        for group in self.autoscaling_backend.autoscaling_groups.values():
            _refreshes(group)
        return _DESCRIBE_GROUPS(self)


def install(courses: Courses) -> None:
    """Teach moto instance refreshes."""
    _Added.courses = courses
    setattr(FakeAutoScalingGroup, _LAUNCH.__name__, _launch_and_note)
    setattr(LaunchTemplate, _CREATE_VERSION.__name__, _create_version)
    setattr(InstanceState, _launch_template.__name__.lstrip("_"), property(_launch_template))
    for name, function in vars(_Added).items():
        if inspect.isfunction(function):
            setattr(AutoScalingResponse, name, function)


def _group(response: Any) -> Any:
    name = response._get_param("AutoScalingGroupName")
    group = response.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        raise ValidationError(f"AutoScalingGroup name not found - {name}")
    return group


def _refreshes(group: Any) -> list[Refresh]:
    """The group's refreshes, newest first, after what is due by now."""
    if not hasattr(group, "sandbox_refreshes"):
        group.sandbox_refreshes = []
    refreshes: list[Refresh] = group.sandbox_refreshes
    for refresh in refreshes:
        refresh.go_on()
    return refreshes
