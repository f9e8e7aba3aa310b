"""The mute window of a deployment: which alarms are quiet in it, until when, and what is told all the same."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from components.sections.rollout import RELEASE_ALARMS
from incidents import __main__ as command
from incidents.quiet import OF_PODS, OF_SERVERS, muted
from replay import Outcome, Replay
from replay.evaluation import State
from tests.components.test_alarms import PODS
from tests.recorder import IDENTITY, Recording, record_stack
from tests.replay.stacks import START, at, mute_rule, recorded_stack, stack
from tests.replay.test_outage import Fault, minutes_of

NOW = datetime(2026, 11, 27, 9, 30, 20, tzinfo=UTC)
OF_PRODUCTION = ["fixrx-production-ServerGroupAtMaximum", "fixrx-production-UnhealthyServer-unless-down"]


class Clock(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> "Clock":
        return cls(*NOW.timetuple()[:6], tzinfo=tz)


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """Checks each request against the service model; the emulator has no mute rules."""
    client = boto3.client(
        "cloudwatch", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    access = SimpleNamespace(identify=lambda: "arn", client=lambda service: {"cloudwatch": client}[service])
    monkeypatch.setattr(command, "access_to", lambda _: access)
    monkeypatch.setattr(command, "datetime", Clock)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def test_a_deployment_begins_its_window(cloudwatch: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    cloudwatch.add_response(
        "put_alarm_mute_rule",
        {},
        {
            "Name": "fixrx-production-deployment",
            "Description": "A deployment replaces servers or pods; no alarm of severity P1",
            "Rule": {"Schedule": {"Expression": "at(2026-11-27T09:31)", "Duration": "PT240M", "Timezone": "UTC"}},
            "MuteTargets": {"AlarmNames": OF_PRODUCTION},
        },
    )

    assert command.main(["quiet", "--stack", "production"]) == 0

    cloudwatch.assert_no_pending_responses()
    said = f"Until 13:31 UTC at the latest, these tell nobody: {', '.join(OF_PRODUCTION)}.\n"
    assert capsys.readouterr() == (said, "")


def test_a_deployment_ends_its_window(cloudwatch: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
    cloudwatch.add_response("delete_alarm_mute_rule", {}, {"AlarmMuteRuleName": "fixrx-production-deployment"})

    assert command.main(["loud", "--stack", "production"]) == 0

    cloudwatch.assert_no_pending_responses()
    assert capsys.readouterr() == ("All alarms tell again.\n", "")


def test_window_that_is_refused_is_one_sentence(
    cloudwatch: Stubber, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutAlarmMuteRule")

    monkeypatch.setattr(command, "quiet", refuse)

    assert command.main(["quiet", "--stack", "production"]) == 1
    assert capsys.readouterr() == ("", "error: the credentials do not allow PutAlarmMuteRule\n")


@pytest.mark.parametrize("do", ["quiet", "loud"])
def test_stack_that_does_not_exist_is_one_sentence(capsys: pytest.CaptureFixture[str], do: str) -> None:
    assert command.main([do, "--stack", "live"]) == 1

    assert capsys.readouterr().err == "error: There is no stack of that name; the stacks are production, staging.\n"


def test_only_what_a_deployment_causes_is_quiet() -> None:
    assert muted(IDENTITY, servers=True, pods=False) == OF_PRODUCTION
    both = recorded_stack(record_stack("production", PODS)).alarms
    quiet = [both[name] for name in muted(IDENTITY, servers=True, pods=True)]

    assert [alarm.title for alarm in quiet] == [*OF_SERVERS, *OF_PODS]
    assert all(alarm.actions.get(State.ALARM) for alarm in quiet)
    assert {alarm.severity for alarm in quiet} <= {"P2", "P3", "P4"}
    assert not {each.title.partition("-")[0] for each in quiet} & set(RELEASE_ALARMS)


def test_servers_that_are_replaced_are_no_incident_and_an_outage_is(production: Recording) -> None:
    """A deployment until 00:40: a server fails its check from 00:15 to 00:50, and all of them from 00:20 to 00:25."""
    length = 90
    points = [(at(minute), 1.0 if 15 <= minute < 50 else 0.0) for minute in range(length)]
    failing = {"UnHealthyHostCount": points}
    series = [
        each.model_copy(update={"points": failing[each.metric]}) if each.metric in failing else each
        for each in minutes_of([Fault(1200, 1500)], length, 600)
    ]
    rule = mute_rule("deployment", OF_SERVERS, "at(2026-11-26T00:10)", "PT30M")
    deployed = recorded_stack(production)
    windows = stack(rule).mute_rules
    events = Replay(type(deployed)(alarms=deployed.alarms, mute_rules=windows, beyond={}), series, START).advance(
        at(length)
    )

    told = [(event.alarm.title, event.time, event.state) for event in events if event.outcome is Outcome.NOTIFIED]
    unhealthy = [(time, state) for title, time, state in told if title == "UnhealthyServer-unless-down"]
    assert unhealthy[0] == (at(40), State.ALARM)
    down = [time for title, time, state in told if title == "ApiDown" and state is State.ALARM]
    assert len(down) == 1
    assert at(20) < down[0] < at(25)
