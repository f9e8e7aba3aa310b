"""What people read of an outage: the alarms as the program deploys them, and the function that tells of them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from replay import Event, Outcome
from tests.functions.notifier_world import ACCOUNT, REGION, World, envelope, running_world
from tests.recorder import Recording
from tests.replay.test_outage import PARTIAL, Fault, happens

COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with running_world() as found:
        yield found


def composite_message(description: str, event: Event) -> dict[str, Any]:
    """What CloudWatch publishes, with the fields of a message of a composite alarm, which has no trigger."""
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"
    return {
        "AlarmName": event.alarm.name,
        "AlarmDescription": description,
        "AWSAccountId": ACCOUNT,
        "NewStateValue": str(event.state),
        "NewStateReason": f"{arn}child transitioned to {event.state} at Thursday 26 November, 2026 00:24:00 UTC",
        "StateChangeTime": f"{event.time:%Y-%m-%dT%H:%M:%S}.000+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": f"{arn}{event.alarm.name}",
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "OldStateValue": "OK" if event.state == "ALARM" else "ALARM",
        "AlarmRule": f'ALARM("{event.alarm.name}")',
        "TriggeringChildren": [
            {"Arn": f"{arn}child", "State": {"Value": "ALARM", "Timestamp": "2026-11-26T00:24:00.000+0000"}}
        ],
    }


def told(world: World, recording: Recording, events: Sequence[Event]) -> list[str]:
    """The third line of each message in Slack, which says what it is about."""
    descriptions = {each.plain["alarmName"]: each.plain["alarmDescription"] for each in recording.of_type(COMPOSITE)}
    number = 0
    for event in events:
        if event.outcome is Outcome.NOTIFIED:
            for topic in event.topics:
                number += 1
                message = json.dumps(composite_message(descriptions[event.alarm.name], event))
                world.send(envelope(topic.rpartition("-")[2].upper(), message, f"m{number}"), event.time)
    world.run()
    return [text.splitlines()[2] for text in world.slack.texts]


def test_people_read_of_a_total_outage_once_and_of_its_end_once(world: World, production: Recording) -> None:
    events = happens(production, [Fault(1200, 3000)], 120, 600)

    assert told(world, production, events) == [
        "Impact: P1 fixrx-production-ApiDown: The API is down: nobody can use it",
        "Resolution: fixrx-production-ApiDown is back to normal",
    ]
    assert "Actions: docs/runbooks.md#apidown" in world.slack.texts[0]
    assert "answer due 2026-11-26 00:38 UTC" in world.slack.texts[0]
    assert [subject for subject, _, _ in world.mails()] == [
        "P1 INVESTIGATING fixrx-production-ApiDown",
        "P1 RESOLVED fixrx-production-ApiDown",
    ]


def test_people_read_of_a_partial_outage_and_its_end(world: World, production: Recording) -> None:
    """The end comes by another topic, and keeps the severity of the beginning."""
    events = happens(production, [Fault(1200, 3000, PARTIAL)], 120, 600)

    texts = told(world, production, events)
    assert sorted(texts) == [
        "Impact: P1 fixrx-production-HighErrorRate-unless-down: High error rate detected: the API returns more than "
        "0.1 server errors a second",
        "Impact: P1 fixrx-production-HighErrorShare-unless-down: More than 5 % of all requests return a server error",
        "Resolution: fixrx-production-HighErrorRate-unless-down is back to normal",
        "Resolution: fixrx-production-HighErrorShare-unless-down is back to normal",
    ]
    assert {text.splitlines()[-1] for text in world.slack.texts if "RESOLVED" in text} == {
        "Next Steps: Post-incident review scheduled"
    }
