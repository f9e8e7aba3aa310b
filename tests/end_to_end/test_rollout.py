"""Releases that reach the fleet, and those that do not: what `up` says, and how migration, servers and markers are.

One deployed stack, releases one after another. What is asserted is read from the emulator, past Pulumi and provider.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.end_to_end.driver import ROOT, Result, Sandbox, summary

pytestmark = pytest.mark.engine

FIRST = "1.0.0"
PROJECT = "fixrx-staging-migrate"
ALARM = "fixrx-staging-HighErrorRate"
MIN_SIZE = 2
LONG = 600.0
"""Seconds that a build or a refresh takes in the emulator when a test wants it to be under way."""
SETTLED_TIMEOUT_SECONDS = 120


class Fleet:
    """The staging stack in a sandbox, as operators see its releases."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self._folder = folder

    def up(self, release: str) -> Result:
        return self.sandbox.run("up", *self._pinned(release))

    def deploy(self, release: str) -> str:
        """Deploy what has to succeed; what `up` printed and said meanwhile."""
        result = self.up(release)
        assert result.status == 0, result.output + result.errors
        return result.output + result.errors

    def disturbed_up(
        self, release: str, reached: Callable[[], bool], disturb: Callable[[int], None]
    ) -> tuple[int, str]:
        """An `up` that is disturbed, by its process group, when it has reached something; its status and errors."""
        command = [sys.executable, "-m", "sandbox", "up", "--stack", "staging"]
        command += ["--directory", str(self.sandbox.directory), *self._pinned(release)]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as running:
            wait_until(lambda: running.poll() is not None or reached())
            assert running.poll() is None
            disturb(running.pid)
            _, errors = running.communicate(timeout=SETTLED_TIMEOUT_SECONDS)
        return running.returncode, " ".join(errors.split())

    def order(self, **courses: Mapping[str, object]) -> None:
        """Let the next build or instance refresh take another course than success in a moment."""
        orders = {kind.replace("_", " "): {"times": 1, **course} for kind, course in courses.items()}
        (self.sandbox.directory / "staging" / "courses.json").write_text(json.dumps(orders))

    @property
    def builds(self) -> list[tuple[str, str, str]]:
        """Task, release and status of every build, the oldest first."""
        client = self.sandbox.client("codebuild")
        ids = client.list_builds_for_project(projectName=PROJECT, sortOrder="ASCENDING")["ids"]
        if not ids:
            return []
        found = {build["id"]: build for build in client.batch_get_builds(ids=ids)["builds"]}
        return [
            (variables["TASK"], variables["RELEASE"], found[each]["buildStatus"])
            for each in ids
            for variables in [{v["name"]: v["value"] for v in found[each]["environment"]["environmentVariables"]}]
        ]

    def tasks(self, release: str) -> list[tuple[str, str]]:
        """Task and status of the builds of a release, the oldest first."""
        return [(task, status) for task, name, status in self.builds if name == release]

    @property
    def group(self) -> dict[str, Any]:
        [group] = self.sandbox.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        return dict(group)

    @property
    def servers(self) -> dict[str, str]:
        """Server to the version of the launch template that it was started from."""
        return {each["InstanceId"]: each["LaunchTemplate"]["Version"] for each in self.group["Instances"]}

    @property
    def wanted_version(self) -> str:
        """The version of the launch template that the group starts servers from."""
        return str(self.group["LaunchTemplate"]["Version"])

    @property
    def refreshes(self) -> list[str]:
        """The status of every instance refresh, the newest first."""
        client = self.sandbox.client("autoscaling")
        found = client.describe_instance_refreshes(AutoScalingGroupName=self.group["AutoScalingGroupName"])
        return [refresh["Status"] for refresh in found["InstanceRefreshes"]]

    def marker(self, name: str) -> dict[str, Any]:
        value = self.sandbox.client("ssm").get_parameter(Name=f"/fixrx/staging/{name}")["Parameter"]["Value"]
        content: dict[str, Any] = json.loads(value)
        return content

    def snapshots(self, release: str) -> list[str]:
        """The snapshots that were made before a release."""
        found = self.sandbox.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
        begin = f"fixrx-staging-before-{release.replace('.', '-')}-"
        return sorted(each["DBSnapshotIdentifier"] for each in found if each["DBSnapshotIdentifier"].startswith(begin))

    def assert_released(self, release: str) -> None:
        """Both markers, and every server, are of the release."""
        version = self.wanted_version
        assert (self.marker("migrated")["release"], self.marker("released")["release"]) == (release, release)
        assert self.marker("released")["template"] == version
        assert list(self.servers.values()) == [version] * MIN_SIZE

    def alarm(self, state: str) -> None:
        self.sandbox.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="Test")

    def _pinned(self, release: str) -> Sequence[str]:
        pin = {"release": release, "release_sha256": release.replace(".", "").zfill(64)}
        return ("--settings", str(self.sandbox.settings(self._folder / f"{release}.yaml", app_servers=pin)))


def kill(group: int) -> None:
    os.killpg(group, signal.SIGKILL)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SETTLED_TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A deployed stack that runs the first release."""
    folder = tmp_path_factory.mktemp("rollout")
    fleet = Fleet(Sandbox(folder / "sandbox", "staging"), folder)
    fleet.deploy(FIRST)
    yield fleet
    fleet.sandbox.run("down")


def test_first_deployment_migrates_once_after_a_snapshot(fleet: Fleet) -> None:
    assert fleet.tasks(FIRST) == [("migrate", "SUCCEEDED")]
    assert fleet.snapshots(FIRST) == ["fixrx-staging-before-1-0-0-1"]
    fleet.assert_released(FIRST)


def test_deployment_that_changes_nothing_asks_nothing(fleet: Fleet) -> None:
    builds, servers = fleet.builds, fleet.servers
    assert set(summary(fleet.deploy(FIRST))) == {"unchanged"}
    assert (fleet.builds, fleet.servers) == (builds, servers)


def test_next_release_replaces_every_server_after_its_migration(fleet: Fleet) -> None:
    before = fleet.servers
    output = fleet.deploy("1.1.0")
    assert fleet.tasks("1.1.0") == [("migrate", "SUCCEEDED")]
    assert fleet.snapshots("1.1.0") == ["fixrx-staging-before-1-1-0-1"]
    assert set(fleet.servers) & set(before) == set()
    assert fleet.refreshes == ["Successful"]
    fleet.assert_released("1.1.0")
    said = " ".join(output.split())
    assert "Written in place of what people supply on AWS, as placeholders: release 1.1.0." in said
    assert "no packets reach emulated servers" in said


def test_way_back_migrates_nothing(fleet: Fleet) -> None:
    fleet.deploy(FIRST)
    assert fleet.tasks(FIRST) == [("migrate", "SUCCEEDED"), ("status", "SUCCEEDED")]
    assert fleet.snapshots(FIRST) == ["fixrx-staging-before-1-0-0-1"]
    fleet.assert_released(FIRST)


def test_failed_migration_leaves_every_server(fleet: Fleet) -> None:
    before, version = fleet.servers, fleet.wanted_version
    fleet.order(build={"status": "FAILED"})
    result = fleet.up("1.2.0")
    assert result.status == 1
    sentence = " ".join(result.sentence.split())
    assert "The migration of release 1.2.0 failed" in sentence
    assert "No server was changed: they run what they ran before." in sentence
    assert "docs/runbooks.md#a-migration-failed" in sentence
    assert (fleet.servers, fleet.wanted_version) == (before, version)
    assert (fleet.marker("migrated")["release"], fleet.marker("released")["release"]) == (FIRST, FIRST)

    fleet.deploy("1.2.0")
    assert fleet.tasks("1.2.0") == [("migrate", "FAILED"), ("migrate", "SUCCEEDED")]
    # The failed one may have changed the database, so the second has a snapshot of its own.
    assert fleet.snapshots("1.2.0") == ["fixrx-staging-before-1-2-0-1", "fixrx-staging-before-1-2-0-2"]
    fleet.assert_released("1.2.0")


def test_failed_refresh_is_started_again(fleet: Fleet) -> None:
    fleet.order(instance_refresh={"status": "Failed", "reason": "No healthy server in time.", "seconds": 2})
    result = fleet.up("1.3.0")
    assert result.status == 1
    sentence = " ".join(result.sentence.split())
    assert "The rollout of release 1.3.0 ended as Failed: No healthy server in time (instance refresh" in sentence
    assert "docs/runbooks.md#a-rollout-failed" in sentence
    assert sorted(version == fleet.wanted_version for version in fleet.servers.values()) == [False, True]
    assert (fleet.marker("migrated")["release"], fleet.marker("released")["release"]) == ("1.3.0", "1.2.0")

    output = " ".join(fleet.deploy("1.3.0").split())
    assert "the instance refresh of an earlier deployment ended as Failed" in output
    assert fleet.refreshes[:2] == ["Successful", "Failed"]
    assert fleet.tasks("1.3.0") == [("migrate", "SUCCEEDED")]
    fleet.assert_released("1.3.0")


def test_alarm_during_the_refresh_stops_it(fleet: Fleet) -> None:
    fleet.order(instance_refresh={"seconds": LONG})
    before = len(fleet.refreshes)
    status, errors = fleet.disturbed_up("1.4.0", lambda: len(fleet.refreshes) > before, lambda _: fleet.alarm("ALARM"))
    assert status == 1
    # Whichever of the two sees it first.
    gate, refresh = f"The rollout raised an alarm: {ALARM} since", f"The alarms {ALARM} went into the ALARM state"
    assert gate in errors or refresh in errors
    assert "To go back, pin the release before and run `pulumi up`" in errors
    assert fleet.refreshes[0] == "Failed"
    assert (fleet.marker("migrated")["release"], fleet.marker("released")["release"]) == ("1.4.0", "1.3.0")

    # The way back, while nothing of the release is left to migrate.
    fleet.alarm("OK")
    fleet.deploy("1.3.0")
    fleet.assert_released("1.3.0")
    assert fleet.tasks("1.3.0") == [("migrate", "SUCCEEDED"), ("status", "SUCCEEDED")]


def test_deployment_killed_while_it_migrates_is_continued(fleet: Fleet) -> None:
    before = fleet.servers
    # Longer than the next `up` takes to get there, on a busy machine too.
    fleet.order(build={"seconds": 75})
    status, _ = fleet.disturbed_up("1.5.0", lambda: fleet.tasks("1.5.0") == [("migrate", "IN_PROGRESS")], kill)
    assert status == -signal.SIGKILL
    assert fleet.servers == before
    assert fleet.marker("migrated")["release"] == "1.3.0"

    output = " ".join(fleet.deploy("1.5.0").split())
    assert "migrates release 1.5.0 already; waits for it" in output
    assert fleet.tasks("1.5.0") == [("migrate", "SUCCEEDED")]
    assert fleet.snapshots("1.5.0") == ["fixrx-staging-before-1-5-0-1"]
    fleet.assert_released("1.5.0")


def test_deployment_killed_while_servers_are_replaced_is_continued(fleet: Fleet) -> None:
    before = len(fleet.refreshes)
    # Longer than the next `up` takes to get there, on a busy machine too.
    fleet.order(instance_refresh={"seconds": 60})
    status, _ = fleet.disturbed_up("1.6.0", lambda: len(fleet.refreshes) > before, kill)
    assert status == -signal.SIGKILL
    assert (fleet.marker("migrated")["release"], fleet.marker("released")["release"]) == ("1.6.0", "1.5.0")

    fleet.deploy("1.6.0")
    assert len(fleet.refreshes) == before + 1
    assert fleet.tasks("1.6.0") == [("migrate", "SUCCEEDED")]
    fleet.assert_released("1.6.0")


def test_stack_that_has_had_releases_is_deleted(fleet: Fleet) -> None:
    destroyed = fleet.sandbox.run("destroy")
    assert destroyed.status == 0, destroyed.output + destroyed.errors
    with pytest.raises((ClientError, BotoCoreError, ValueError)):
        _ = fleet.marker("released")
