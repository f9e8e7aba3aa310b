"""A small AWS in memory, on a clock of its own, for the tests of the gates.

Every question and every answer is held against botocore's model of the service: a parameter or a member that AWS does
not know fails the test. What happens in the course of time is said beforehand: `world.after(90, ...)`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from rollout.gate import Gate

Result = TypeVar("Result")
ACCOUNT = "111122223333"
BEGAN = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
_SESSION = botocore.session.Session()
_SERVICES: dict[str, Any] = {}


def error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said by the test"}}, operation)


def _check(service: str, operation: str, parameters: Mapping[str, Any], answer: Mapping[str, Any] | None) -> None:
    model = _SERVICES.setdefault(service, _SESSION.get_service_model(service))
    name = next(each for each in model.operation_names if xform_name(each) == operation)
    described = model.operation_model(name)
    shape, value = (described.input_shape, parameters) if answer is None else (described.output_shape, answer)
    members = set(shape.members) if shape is not None else set()
    assert set(value) <= members, f"{operation}: {set(value) - members} are unknown to {service}"
    if shape is not None:
        report = ParamValidator().validate(dict(value), shape)
        assert not report.has_errors(), f"{operation}: {report.generate_report()}"


@dataclass
class World:
    """What AWS holds, and what was asked of it."""

    account: str = ACCOUNT
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    """Key to metadata."""
    secrets: dict[str, bool] = field(default_factory=dict)
    """ARN to whether it has a value."""
    history: list[str] | None = None
    """Values of the marker, oldest first; None without a marker."""
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    busy_until: float = 0
    """When the database accepts a snapshot."""
    builds: list[dict[str, Any]] = field(default_factory=list)
    """Newest first."""
    build_ends: Mapping[str, str] = field(default_factory=lambda: {"migrate": "SUCCEEDED", "status": "SUCCEEDED"})
    build_seconds: float = 120
    snapshot_seconds: float = 180
    snapshot_ends: str = "available"
    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    template_made: datetime = BEGAN - timedelta(minutes=5)
    refreshes: list[dict[str, Any]] = field(default_factory=list)
    """Newest first."""
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    invocations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Server to its answer to the verification."""
    unknown_servers_until: float = 0
    web: dict[str, int | str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    elapsed: float = 0
    _events: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    _tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.elapsed)

    def seconds(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.elapsed += seconds
        due = [event for event in self._events if event[0] <= self.elapsed]
        self._events = [event for event in self._events if event not in due]
        for _, happen in sorted(due, key=lambda event: event[0]):
            happen()

    def after(self, seconds: float, happen: Callable[[], object]) -> None:
        """Let something happen later."""
        self._events.append((self.elapsed + seconds, happen))

    def gate(self, *, sandbox: bool = False) -> Gate:
        return Gate(aws=self, web=self.answer_web, clock=self, tell=self.told.append, sandbox=sandbox, begun=BEGAN)

    def times(self, operation: str) -> int:
        return len([one for one, _ in self.asked if one == operation])

    def parameters(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for one, parameters in self.asked if one == operation]

    async def answer_web(self, url: str) -> int | str:
        return self.web.get(url, "no such name")

    async def __call__(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        _check(service, operation, parameters, None)
        self.asked.append((operation, parameters))
        answer: dict[str, Any] = getattr(self, f"_{operation}")(**parameters)
        _check(service, operation, parameters, answer)
        # Others may go on, as while a thread waits for the network.
        await asyncio.sleep(0)
        return answer

    def _get_caller_identity(self) -> dict[str, Any]:
        return {"Account": self.account}

    def _head_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise error("404", "HeadObject")
        return {"Metadata": self.objects[Key]}

    def _describe_secret(self, SecretId: str) -> dict[str, Any]:
        stages = {"v" * 32: ["AWSCURRENT"]} if self.secrets[SecretId] else {}
        return {"VersionIdsToStages": stages}

    def _get_parameter_history(self, Name: str, NextToken: str = "0") -> dict[str, Any]:
        """One version a page, so that paging is tried."""
        if self.history is None:
            raise error("ParameterNotFound", "GetParameterHistory")
        page = int(NextToken)
        answer: dict[str, Any] = {"Parameters": [{"Name": Name, "Value": self.history[page]}]}
        return answer | ({"NextToken": str(page + 1)} if page + 1 < len(self.history) else {})

    def _describe_db_snapshots(self, **asked: Any) -> dict[str, Any]:
        name = asked.get("DBSnapshotIdentifier")
        found = [each for each in self.snapshots if name in (None, each["DBSnapshotIdentifier"])]
        return {"DBSnapshots": found}

    def _create_db_snapshot(self, DBInstanceIdentifier: str, DBSnapshotIdentifier: str, Tags: Any) -> dict[str, Any]:
        if self.elapsed < self.busy_until:
            raise error("InvalidDBInstanceState", "CreateDBSnapshot")
        if any(each["DBSnapshotIdentifier"] == DBSnapshotIdentifier for each in self.snapshots):
            raise error("DBSnapshotAlreadyExists", "CreateDBSnapshot")
        snapshot = {"DBSnapshotIdentifier": DBSnapshotIdentifier, "Status": "creating", "PercentProgress": 40}
        self.snapshots.append(snapshot)
        self.after(
            self.snapshot_seconds,
            lambda: snapshot.update(Status=self.snapshot_ends, SnapshotCreateTime=self.now()),
        )
        return {"DBSnapshot": dict(snapshot)}

    def _list_builds_for_project(self, projectName: str, sortOrder: str) -> dict[str, Any]:
        assert sortOrder == "DESCENDING"
        return {"ids": [build["id"] for build in self.builds]} if self.builds else {}

    def _batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        # In any order, as AWS answers.
        return {"builds": [build for build in reversed(self.builds) if build["id"] in ids]}

    def _start_build(
        self, projectName: str, environmentVariablesOverride: list[dict[str, str]], idempotencyToken: str
    ) -> dict[str, Any]:
        if idempotencyToken in self._tokens:
            return {"build": self._tokens[idempotencyToken]}
        if any(build["buildStatus"] == "IN_PROGRESS" for build in self.builds):
            raise error("AccountLimitExceededException", "StartBuild")
        task = {each["name"]: each["value"] for each in environmentVariablesOverride}["TASK"]
        build = self.add_build(f"migrate:{len(self.builds) + 1}", environmentVariablesOverride)
        self._tokens[idempotencyToken] = build
        self.after(self.build_seconds, lambda: build.update(buildStatus=self.build_ends[task]))
        return {"build": build}

    def add_build(self, name: str, variables: list[dict[str, str]], status: str = "IN_PROGRESS") -> dict[str, Any]:
        """A build that begins now."""
        build = {
            "id": name,
            "buildStatus": status,
            "currentPhase": "BUILD",
            "startTime": self.now(),
            "logs": {"streamName": f"log-of-{name}", "deepLink": f"https://console/{name}"},
            "environment": {
                "type": "ARM_CONTAINER",
                "image": "amazon",
                "computeType": "BUILD_GENERAL1_SMALL",
                "environmentVariables": variables,
            },
        }
        self.builds.insert(0, build)
        return build

    def _describe_launch_template_versions(self, LaunchTemplateId: str, Versions: list[str]) -> dict[str, Any]:
        return {"LaunchTemplateVersions": [{"VersionNumber": int(Versions[0]), "CreateTime": self.template_made}]}

    def _describe_instance_refreshes(self, AutoScalingGroupName: str) -> dict[str, Any]:
        return {"InstanceRefreshes": self.refreshes}

    def _start_instance_refresh(self, AutoScalingGroupName: str, Strategy: str, Preferences: Any) -> dict[str, Any]:
        self.add_refresh("another", "InProgress", Preferences=Preferences)
        return {"InstanceRefreshId": "another"}

    def add_refresh(self, name: str, status: str, **more: Any) -> dict[str, Any]:
        """A refresh that begins now."""
        refresh = {"InstanceRefreshId": name, "Status": status, "StartTime": self.now(), "PercentageComplete": 33}
        self.refreshes.insert(0, refresh | more)
        return self.refreshes[0]

    def _describe_auto_scaling_groups(self, AutoScalingGroupNames: list[str]) -> dict[str, Any]:
        group = {
            "AutoScalingGroupName": AutoScalingGroupNames[0],
            "MinSize": 1,
            "MaxSize": 10,
            "DesiredCapacity": 3,
            "DefaultCooldown": 0,
            "AvailabilityZones": [],
            "HealthCheckType": "ELB",
            "CreatedTime": BEGAN,
            "Instances": list(self.instances.values()),
        }
        return {"AutoScalingGroups": [group]}

    def add_server(self, name: str, version: int, **more: Any) -> None:
        """A server of the group that serves."""
        self.instances[name] = {
            "InstanceId": name,
            "AvailabilityZone": "us-east-1a",
            "LifecycleState": "InService",
            "HealthStatus": "Healthy",
            "ProtectedFromScaleIn": False,
            "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": str(version)},
        } | more
        self.targets[name] = "healthy"

    def replace_servers(self, version: int) -> None:
        """Every server is of a version from now on."""
        for name in list(self.instances):
            del self.instances[name]
            self.add_server(f"{name}-{version}", version)

    def _describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:
        targets = [{"Target": {"Id": name}, "TargetHealth": {"State": state}} for name, state in self.targets.items()]
        return {"TargetHealthDescriptions": targets}

    def _describe_alarms(self, AlarmNames: list[str]) -> dict[str, Any]:
        return {"MetricAlarms": [{"AlarmName": name, **self.alarms[name]} for name in AlarmNames]}

    def raise_alarm(self, name: str) -> None:
        self.alarms[name] = {"StateValue": "ALARM", "StateTransitionedTimestamp": self.now()}

    def _send_command(self, **command: Any) -> dict[str, Any]:
        if self.elapsed < self.unknown_servers_until:
            raise error("InvalidInstanceId", "SendCommand")
        return {"Command": {"CommandId": "c" * 36}}

    def _list_command_invocations(self, CommandId: str, Details: bool) -> dict[str, Any]:
        asked = self.parameters("send_command")[-1]["InstanceIds"]
        found = [
            {"InstanceId": name, "Status": answer["Status"], "CommandPlugins": [{"Output": answer["Output"]}]}
            for name, answer in self.invocations.items()
            if name in asked
        ]
        return {"CommandInvocations": found}


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)
