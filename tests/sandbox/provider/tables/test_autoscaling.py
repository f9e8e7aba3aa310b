"""Instance refreshes in the sandbox: started by a change of the group, as by the real provider, one at a time."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.session import courses, instance_refreshes
from tests.sandbox.provider.services import COURSES, Resource, Services, network

pytestmark = pytest.mark.emulator

IMAGE = "ami-0abcdef1234567890"
USER_DATA = base64.b64encode(b"#!/bin/bash\n").decode()
PREFERENCES = {"minHealthyPercentage": 100, "instanceWarmup": "300", "skipMatching": True}


@pytest.fixture(autouse=True)
def ordered(tmp_path: Path) -> Iterator[Path]:
    """The file that orders how refreshes go."""
    before = COURSES._path
    COURSES._path = tmp_path / courses.COURSES_FILE
    yield COURSES._path
    COURSES._path = before


class Fleet:
    """A group of three servers behind a target group."""

    def __init__(self, services: Services, **more: Any) -> None:
        self.services = services
        subnets, _ = network(services)
        ec2, elbv2 = services.client("ec2"), services.client("elbv2")
        vpc = ec2.describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]
        self.target_group = elbv2.create_target_group(Name="api", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][
            0
        ]["TargetGroupArn"]
        self.template = ec2.create_launch_template(
            LaunchTemplateName="app",
            LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro", "UserData": USER_DATA},
        )["LaunchTemplate"]["LaunchTemplateId"]
        self.group = services.create(
            "aws:autoscaling/group:Group",
            {
                "name": "app",
                "minSize": 3,
                "maxSize": 4,
                "desiredCapacity": 3,
                "vpcZoneIdentifiers": subnets,
                "targetGroupArns": [self.target_group],
                "launchTemplate": {"id": self.template, "version": "1"},
                "instanceRefresh": {"strategy": "Rolling", "preferences": PREFERENCES},
                **more,
            },
        )

    def roll(self) -> Resource:
        """Another version of the template, and the group changed to it."""
        ec2 = self.services.client("ec2")
        made = ec2.create_launch_template_version(
            LaunchTemplateId=self.template,
            SourceVersion="1",
            LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.small", "UserData": USER_DATA},
        )["LaunchTemplateVersion"]["VersionNumber"]
        self.services.update(self.group, launchTemplate={"id": self.template, "version": str(made)})
        return self.group

    def refreshes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.services.client("autoscaling").describe_instance_refreshes(
            AutoScalingGroupName="app"
        )["InstanceRefreshes"]
        return found

    def ended(self) -> dict[str, Any]:
        deadline = time.monotonic() + 10
        while (newest := self.refreshes()[0])["Status"] in ("Pending", "InProgress"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return newest

    def versions(self) -> dict[str, str]:
        [group] = self.services.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return {each["InstanceId"]: each["LaunchTemplate"]["Version"] for each in group["Instances"]}

    def targets(self) -> set[str]:
        health = self.services.client("elbv2").describe_target_health(TargetGroupArn=self.target_group)
        assert {each["TargetHealth"]["State"] for each in health["TargetHealthDescriptions"]} == {"healthy"}
        return {each["Target"]["Id"] for each in health["TargetHealthDescriptions"]}


def test_new_group_refreshes_nothing(services: Services) -> None:
    fleet = Fleet(services)
    assert fleet.refreshes() == []
    assert sorted(fleet.versions().values()) == ["1", "1", "1"]
    assert fleet.targets() == set(fleet.versions())
    assert services.drift(fleet.group) == {}


def test_another_template_replaces_every_server(services: Services) -> None:
    fleet = Fleet(services)
    before = fleet.versions()
    group = fleet.roll()
    assert set(fleet.versions()) & set(before) != set()
    done = fleet.ended()
    assert (done["Status"], done["PercentageComplete"], done["InstancesToUpdate"]) == ("Successful", 100, 0)
    assert done["Preferences"] == {"MinHealthyPercentage": 100, "InstanceWarmup": 300, "SkipMatching": True}
    # The provider names no version where AWS shall not go back by itself.
    assert "DesiredConfiguration" not in done
    assert done["StartTime"] <= done["EndTime"]
    assert sorted(fleet.versions().values()) == ["2", "2", "2"]
    assert set(fleet.versions()) & set(before) == set()
    assert fleet.targets() == set(fleet.versions())
    assert services.drift(group) == {}


def test_other_changes_refresh_nothing(services: Services) -> None:
    fleet = Fleet(services)
    services.update(fleet.group, maxSize=5, instanceRefresh={"strategy": "Rolling"})
    assert fleet.refreshes() == []
    services.update(fleet.group, instanceRefresh={"strategy": "Rolling", "triggers": ["maxSize"]})
    services.update(fleet.group, maxSize=6)
    assert len(fleet.refreshes()) == 1


def test_group_without_refresh_keeps_its_servers(services: Services) -> None:
    fleet = Fleet(services, instanceRefresh=None)
    fleet.roll()
    assert fleet.refreshes() == []
    assert sorted(fleet.versions().values()) == ["1", "1", "1"]


def test_refresh_that_is_under_way_is_cancelled_by_the_next(services: Services, ordered: Path) -> None:
    ordered.write_text('{"instance refresh": {"seconds": 60, "times": 1}}')
    fleet = Fleet(services)
    fleet.roll()
    assert fleet.refreshes()[0]["Status"] == "InProgress"
    with pytest.raises(ClientError) as caught:
        services.client("autoscaling").start_instance_refresh(AutoScalingGroupName="app")
    assert caught.value.response["Error"]["Code"] == "InstanceRefreshInProgress"
    fleet.roll()
    assert fleet.ended()["Status"] == "Successful"
    assert [each["Status"] for each in fleet.refreshes()] == ["Successful", "Cancelled"]
    assert sorted(fleet.versions().values()) == ["3", "3", "3"]


def test_refresh_that_is_ordered_to_fail_stops_halfway(services: Services, ordered: Path) -> None:
    ordered.write_text('{"instance refresh": {"status": "Failed", "reason": "No server", "seconds": 0.2, "times": 1}}')
    fleet = Fleet(services)
    fleet.roll()
    done = fleet.ended()
    assert (done["Status"], done["StatusReason"]) == ("Failed", "No server")
    assert sorted(fleet.versions().values()) == ["1", "1", "2"]
    services.client("autoscaling").start_instance_refresh(
        AutoScalingGroupName="app", Preferences={"SkipMatching": True}
    )
    kept = {server for server, version in fleet.versions().items() if version == "2"}
    assert fleet.ended()["Status"] == "Successful"
    assert sorted(fleet.versions().values()) == ["2", "2", "2"]
    assert kept <= set(fleet.versions())


def test_refresh_fails_when_an_alarm_fires(services: Services, ordered: Path) -> None:
    ordered.write_text('{"instance refresh": {"seconds": 60}}')
    alarms = services.client("cloudwatch")
    alarms.put_metric_alarm(
        AlarmName="errors",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Threshold=1,
        Namespace="N",
        MetricName="M",
        Period=60,
        Statistic="Sum",
    )
    watched = {**PREFERENCES, "alarmSpecification": {"alarms": ["errors"]}}
    fleet = Fleet(services, instanceRefresh={"strategy": "Rolling", "preferences": watched})
    fleet.roll()
    assert fleet.refreshes()[0]["Status"] == "InProgress"
    alarms.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    assert fleet.refreshes()[0]["StatusReason"] == "The alarms errors went into the ALARM state."
    assert fleet.refreshes()[0]["Status"] == "Failed"


def test_nothing_is_cancelled_where_nothing_is_under_way(services: Services) -> None:
    Fleet(services)
    with pytest.raises(ClientError) as caught:
        services.client("autoscaling").cancel_instance_refresh(AutoScalingGroupName="app")
    assert caught.value.response["Error"]["Code"] == "ActiveInstanceRefreshNotFound"


def test_orders_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "courses.json"
    found = courses.Courses(file)
    assert found.next("build", instance_refreshes.USUAL) == instance_refreshes.USUAL
    file.write_text('{"build": {"status": "FAILED", "times": 2}}')
    assert [found.next("build", instance_refreshes.USUAL).status for _ in range(3)] == [
        "FAILED",
        "FAILED",
        "Successful",
    ]
    assert found.next("other", instance_refreshes.USUAL) == instance_refreshes.USUAL
