"""The gate `released`: waits for every server, verifies it, watches the alarms, and says what is wrong."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rollout.gate import Refusal
from rollout.marker import Release
from rollout.released import Rollout, released
from tests.rollout.world import ACCOUNT, BEGAN, World, run

ROLLOUT = Rollout(
    account_id=ACCOUNT,
    release=Release(name="1.4.0", sha256="a" * 64),
    group="app-servers",
    template_id="lt-1",
    template_version="7",
    target_group_arn="arn:targets",
    min_size=3,
    replacement_seconds=600,
    grace_seconds=900,
    alarms=["HighErrorRate", "ResponseTimeHigh"],
    settle_minutes=5,
    document="fixrx-production-verify",
    domain="api.fixrx.com",
    ready_path="/ready",
)
ADVICE = (
    "Servers are left as they are. To go back, pin the release before and run `pulumi up`; to try again, run it as it "
    "is. See docs/runbooks.md#a-rollout-failed."
)
READY, METRICS = "https://api.fixrx.com/ready", "https://api.fixrx.com/metrics"


@pytest.fixture
def world() -> World:
    """Three servers of version 7 that are well."""
    world = World(
        alarms={name: {"StateValue": "OK", "StateUpdatedTimestamp": BEGAN} for name in ROLLOUT.alarms},
        web={READY: 200, METRICS: 404},
    )
    for name in ("i-a", "i-b", "i-c"):
        world.add_server(name, 7)
        world.invocations[name] = {"Status": "Success", "Output": "health ok\nrelease=1.4.0\n"}
    return world


def rolling(world: World, seconds: float = 900, status: str = "Successful", **more: Any) -> dict[str, Any]:
    """The servers are still of version 6; a refresh of this deployment replaces them, or ends otherwise."""
    world.replace_servers(6)
    refresh = world.add_refresh("refresh-1", "InProgress")

    def end() -> None:
        refresh.update(Status=status, **more)
        if status == "Successful":
            world.replace_servers(7)
            for name in world.instances:
                world.invocations[name] = {"Status": "Success", "Output": "release=1.4.0"}

    world.after(seconds, end)
    return refresh


def ask(world: World, rollout: Rollout = ROLLOUT, *, sandbox: bool = False) -> None:
    run(released(world.gate(sandbox=sandbox), rollout, first=False))


def refused(world: World, rollout: Rollout = ROLLOUT) -> str:
    with pytest.raises(Refusal) as caught:
        ask(world, rollout)
    return str(caught.value)


def test_servers_of_a_new_group_pass_without_a_refresh(world: World) -> None:
    ask(world)
    assert world.parameters("send_command")[0]["InstanceIds"] == ["i-a", "i-b", "i-c"]
    assert world.parameters("send_command")[0]["DocumentName"] == "fixrx-production-verify"
    assert "Parameters" not in world.parameters("send_command")[0]
    assert world.elapsed == 300


def test_refresh_is_waited_for_and_its_progress_said(world: World) -> None:
    rolling(world, 900)
    ask(world)
    assert world.elapsed == 900 + 300
    assert world.told[0] == ("waits until 3 servers run release 1.4.0 (launch template version 7), at most 45 minutes")
    assert world.told[1] == (
        "instance refresh InProgress, 33 %: 0 of 3 new servers serve, 3 of an earlier version (0 min of at most 45 min)"
    )
    progress = [line for line in world.told if line.startswith("instance refresh")]
    assert len(progress) == 15


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Cancelling", "RollbackFailed", "RollbackSuccessful"])
def test_refresh_that_ends_otherwise_is_refused_with_its_reason(world: World, status: str) -> None:
    rolling(world, 400, status, StatusReason="No healthy server for an hour.")
    assert refused(world) == (
        f"The rollout of release 1.4.0 ended as {status}: No healthy server for an hour (instance refresh refresh-1; 0 "
        f"of 3 new servers serve, 3 of an earlier version). {ADVICE}"
    )
    assert world.times("start_instance_refresh") == 0
    assert world.elapsed == 400


def test_failed_refresh_of_an_earlier_deployment_is_started_again(world: World) -> None:
    world.replace_servers(6)
    world.add_refresh("refresh-1", "Failed", Preferences={"MinHealthyPercentage": 100, "SkipMatching": False})
    world.refreshes[0]["StartTime"] = BEGAN - timedelta(minutes=3)

    def end() -> None:
        world.refreshes[0]["Status"] = "Successful"
        world.replace_servers(7)
        for name in world.instances:
            world.invocations[name] = {"Status": "Success", "Output": "release=1.4.0"}

    world.after(600, end)
    ask(world)
    assert world.parameters("start_instance_refresh") == [
        {
            "AutoScalingGroupName": "app-servers",
            "Strategy": "Rolling",
            "Preferences": {"MinHealthyPercentage": 100, "SkipMatching": True},
        }
    ]
    assert world.told[1].startswith("the instance refresh of an earlier deployment ended as Failed")


def test_refresh_that_was_started_again_and_fails_is_refused(world: World) -> None:
    world.replace_servers(6)
    world.add_refresh("refresh-1", "Failed")
    world.refreshes[0]["StartTime"] = BEGAN - timedelta(minutes=3)
    world.after(600, lambda: world.refreshes[0].update(Status="Failed", StatusReason="It did not start"))
    assert refused(world).startswith("The rollout of release 1.4.0 ended as Failed: It did not start (instance refresh")
    assert world.times("start_instance_refresh") == 1


def test_servers_that_nobody_replaces_are_replaced(world: World) -> None:
    world.replace_servers(6)
    world.after(300, lambda: world.refreshes[0].update(Status="Failed"))
    refused(world)
    [started] = world.parameters("start_instance_refresh")
    assert started["Preferences"] == {
        "AlarmSpecification": {"Alarms": ["HighErrorRate", "ResponseTimeHigh"]},
        "SkipMatching": True,
    }


def test_refresh_of_another_version_is_not_ours(world: World) -> None:
    world.add_refresh("before", "Failed")
    world.refreshes[0]["StartTime"] = world.template_made - timedelta(seconds=1)
    world.add_refresh("other", "Failed", DesiredConfiguration={"LaunchTemplate": {"Version": "6"}})
    ask(world)
    assert world.times("start_instance_refresh") == 0


def test_refresh_that_names_our_version_is_ours(world: World) -> None:
    rolling(world, 100, "Failed")
    world.refreshes[0]["DesiredConfiguration"] = {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "7"}}
    assert refused(world).startswith("The rollout of release 1.4.0 ended as Failed (instance refresh refresh-1;")


def test_refresh_that_waits_in_the_queue_is_waited_for(world: World) -> None:
    refresh = rolling(world, 300)
    del refresh["StartTime"]
    refresh["Status"] = "Pending"
    ask(world)
    assert world.elapsed == 300 + 300


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"LifecycleState": "Pending"}, "i-b is Pending"),
        ({"HealthStatus": "Unhealthy"}, "i-b is Unhealthy"),
    ],
)
def test_server_that_is_not_well_is_waited_for(world: World, change: dict[str, str], said: str) -> None:
    world.instances["i-b"] |= change
    assert refused(world) == (
        f"Release 1.4.0 has not reached every server in time: 2 of 3 new servers serve, {said}. {ADVICE}"
    )
    assert world.elapsed == 45 * 60


@pytest.mark.parametrize("state", ["unhealthy", "initial", "draining", "not registered"])
def test_server_that_the_load_balancer_does_not_use_is_waited_for(world: World, state: str) -> None:
    world.targets["i-b"] = state
    if state == "not registered":
        del world.targets["i-b"]
    assert f"2 of 3 new servers serve, i-b is {state} at the load balancer." in refused(world)


def test_too_few_servers_are_waited_for(world: World) -> None:
    del world.instances["i-b"]
    world.after(200, lambda: world.add_server("i-b", 7))
    ask(world)
    assert world.elapsed == 200 + 300


def test_servers_that_leave_are_not_counted(world: World) -> None:
    world.add_server("i-old", 6, LifecycleState="Terminating:Wait")
    world.add_server("i-aside", 6, LifecycleState="Standby")
    ask(world)
    assert world.parameters("send_command")[0]["InstanceIds"] == ["i-a", "i-b", "i-c"]


def test_deadline_of_one_server_is_its_grace_period(world: World) -> None:
    small = replace(ROLLOUT, min_size=1)
    world.instances = {}
    refused(world, small)
    assert world.elapsed == 900 * 1.5


def test_alarm_during_the_rollout_is_refused(world: World) -> None:
    rolling(world, 900)
    world.after(300, lambda: world.raise_alarm("HighErrorRate"))
    assert refused(world) == f"The rollout raised an alarm: HighErrorRate since 12:05 UTC. {ADVICE}"
    assert world.elapsed == 300


def test_alarm_that_began_between_the_refresh_and_the_gate_is_refused(world: World) -> None:
    rolling(world)
    world.refreshes[0]["StartTime"] = BEGAN - timedelta(minutes=2)
    world.alarms["ResponseTimeHigh"] = {
        "StateValue": "ALARM",
        "StateTransitionedTimestamp": BEGAN - timedelta(minutes=1),
    }
    assert refused(world).startswith("The rollout raised an alarm: ResponseTimeHigh since 11:59 UTC.")


def test_alarm_that_fired_before_is_not_counted(world: World) -> None:
    world.alarms["HighErrorRate"] = {
        "StateValue": "ALARM",
        "StateTransitionedTimestamp": BEGAN - timedelta(minutes=10),
        "StateUpdatedTimestamp": BEGAN + timedelta(minutes=1),
    }
    ask(world)


def test_alarm_after_the_rollout_is_refused(world: World) -> None:
    world.after(290, lambda: world.raise_alarm("ResponseTimeHigh"))
    assert refused(world).startswith("The rollout raised an alarm: ResponseTimeHigh since 12:04 UTC.")


def test_alarm_after_the_settling_time_is_not_the_rollouts(world: World) -> None:
    world.after(310, lambda: world.raise_alarm("ResponseTimeHigh"))
    ask(world)


def test_rollout_without_alarms_does_not_ask_for_all_of_them(world: World) -> None:
    ask(world, replace(ROLLOUT, alarms=[]))
    assert world.times("describe_alarms") == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"Status": "Failed", "Output": "a\nb\nc\ncurl: (22) 503\n"}, "i-b: Failed: b / c / curl: (22) 503"),
        ({"Status": "TimedOut", "Output": ""}, "i-b: TimedOut: no output"),
        ({"Status": "Success", "Output": "release=1.3.0"}, "i-b: runs release 1.3.0, not 1.4.0"),
        ({"Status": "Success", "Output": "nothing"}, "i-b: does not say which release it runs"),
        (None, "i-b: did not answer"),
    ],
)
def test_server_that_is_not_well_by_its_own_account_is_refused(
    world: World, answer: dict[str, str] | None, said: str
) -> None:
    if answer is None:
        del world.invocations["i-b"]
    else:
        world.invocations["i-b"] = answer
    assert refused(world) == f"Not every new server is well:\n  {said}\n{ADVICE}"
    assert world.elapsed >= 300
    assert {tuple(command["InstanceIds"]) for command in world.parameters("send_command")[1:]} <= {("i-b",)}


def test_server_that_gets_well_passes(world: World) -> None:
    world.invocations["i-b"]["Status"] = "Failed"
    world.after(60, lambda: world.invocations["i-b"].update(Status="Success"))
    ask(world)
    assert world.elapsed == 60 + 300


def test_server_that_systems_manager_does_not_know_yet_is_waited_for(world: World) -> None:
    world.unknown_servers_until = 50
    ask(world)
    assert world.elapsed == 50 + 300
    world.elapsed, world.unknown_servers_until = 0, 10_000
    assert "  i-a: Systems Manager does not know it yet\n" in refused(world)


def test_many_servers_are_asked_in_parts(world: World) -> None:
    world.instances, world.targets = {}, {}
    for number in range(101):
        world.add_server(f"i-{number}", 7)
        world.invocations[f"i-{number}"] = {"Status": "Success", "Output": "release=1.4.0"}
    ask(world)
    assert [len(command["InstanceIds"]) for command in world.parameters("send_command")] == [50, 50, 1]


@pytest.mark.parametrize(
    ("url", "answer", "said"),
    [
        (READY, 503, f"{READY}: 503, not 200"),
        (READY, "certificate has expired", f"{READY}: certificate has expired, not 200"),
        (METRICS, 200, f"{METRICS}: 200, not 404"),
    ],
)
def test_public_name_that_answers_otherwise_is_refused(world: World, url: str, answer: int | str, said: str) -> None:
    world.web[url] = answer
    assert refused(world) == f"From outside, the API does not answer as it must:\n  {said}\n{ADVICE}"
    assert world.elapsed == 300


def test_public_name_that_answers_late_passes(world: World) -> None:
    world.web[READY] = 503
    world.after(120, lambda: world.web.update({READY: 200}))
    ask(world)
    assert world.elapsed == 120 + 300


def test_sandbox_says_what_it_does_not_ask(world: World) -> None:
    world.web, world.invocations = {}, {}
    ask(world, replace(ROLLOUT, settle_minutes=0), sandbox=True)
    assert world.times("send_command") == 0
    assert world.told[-1] == (
        "no packets reach emulated servers: neither their health endpoints nor https://api.fixrx.com were asked"
    )
    assert world.elapsed == 0


def test_other_accounts_are_refused(world: World) -> None:
    world.account = "999999999999"
    assert refused(world).startswith("The credentials of the environment are of account 999999999999")
    assert [operation for operation, _ in world.asked] == ["get_caller_identity"]
