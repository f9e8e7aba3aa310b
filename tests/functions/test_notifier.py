"""The function that tells people of incidents, against an emulated account and a local server as Slack."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.files.functions.notifier import slack
from components.files.functions.notifier.deadlines import Calendar
from components.files.functions.notifier.handler import MOST_ESCALATIONS, handle
from components.files.functions.notifier.messages import (
    LONGEST_SLACK_TEXT,
    Notice,
    StateChange,
    Text,
    body_of_mail,
    duration,
    for_slack,
    read,
    subject_of_mail,
)
from components.files.functions.notifier.slack import NotDelivered, post
from components.files.functions.notifier.table import Table
from tests.functions.memory_table import MemoryTable
from tests.functions.notifier_world import (
    CALENDAR,
    MARKER,
    REGION,
    START,
    TOPICS,
    World,
    alarm,
    envelope,
    running_world,
)

NAME = "fixrx-production-HighErrorRate"
ID = f"{NAME}@2026-11-27T09:00:00.000Z"
INVESTIGATING = f"""INCIDENT NOTIFICATION
Status: INVESTIGATING
Impact: P2 {NAME}: Requests fail
ETA: Investigating, answer due 2026-11-27 10:00 UTC, updates in 30 minutes
Actions: docs/runbooks.md#x
Acknowledge: make acknowledge INCIDENT='{ID}' BY=<your name>"""
RESOLVED = f"""INCIDENT RESOLVED
Status: RESOLVED
Resolution: {NAME} is back to normal
Duration: 45 minutes
Next Steps: Post-incident review scheduled"""


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setattr(slack, "TIMEOUT_SECONDS", 0.2)


@pytest.fixture
def world() -> Iterator[World]:
    with running_world() as found:
        yield found


def slack_form(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def begin(world: World, severity: str = "P2") -> None:
    world.send_alarm(severity, NAME, "ALARM", START, "m1")
    world.run()


def test_an_incident_and_its_end_reach_both_channels(world: World) -> None:
    begin(world)
    world.send_alarm("P2", NAME, "OK", START + timedelta(minutes=45), "m2")
    world.run()

    assert world.slack.texts == [slack_form(INVESTIGATING), RESOLVED]
    assert sorted(world.mails()) == [
        (f"P2 INVESTIGATING {NAME}", INVESTIGATING, "false"),
        (f"P2 RESOLVED {NAME}", RESOLVED, "false"),
    ]


@pytest.mark.parametrize("severity", ["P3", "P4"])
def test_no_review_follows_what_is_less_severe(world: World, severity: str) -> None:
    begin(world, severity)
    world.send_alarm(severity, NAME, "OK", START + timedelta(seconds=59), "m2")
    world.run()

    assert world.slack.texts[-1].splitlines()[-2:] == [
        "Duration: less than 1 minute",
        "Next Steps: None, a review is for P1 and P2",
    ]


def test_a_message_that_comes_twice_is_delivered_once(world: World) -> None:
    for _ in range(3):
        world.send_alarm("P2", NAME, "ALARM", START, "m1")
    world.run()

    assert (len(world.slack.texts), len(world.mails()), len(world.schedules())) == (1, 1, 1)


def test_the_end_that_comes_first_is_told_second(world: World) -> None:
    world.send_alarm("P2", NAME, "OK", START + timedelta(minutes=45), "m2")
    world.run()
    assert world.slack.texts == []

    begin(world)

    assert world.slack.texts == [slack_form(INVESTIGATING), RESOLVED]
    assert world.schedules() == []


def test_the_end_that_overtakes_a_failed_beginning_is_told_second(world: World) -> None:
    world.slack.faults = ["500"]
    world.send_alarm("P2", NAME, "ALARM", START, "m1")
    world.run(START)
    assert world.slack.texts == []
    world.send_alarm("P2", NAME, "OK", START + timedelta(minutes=45), "m2")
    world.now += timedelta(minutes=45)
    world.run()

    assert world.slack.texts == [slack_form(INVESTIGATING), RESOLVED]


def test_ok_of_a_new_alarm_is_no_message(world: World) -> None:
    """A new alarm goes from INSUFFICIENT_DATA to OK."""
    world.send_alarm("P2", NAME, "OK", START, "m1")
    world.run()

    assert (world.slack.texts, world.mails(), world.dead) == ([], [], [])


def test_an_alarm_again_without_ok_is_the_same_incident(world: World) -> None:
    begin(world)
    world.send_alarm("P2", NAME, "ALARM", START + timedelta(minutes=10), "m2")
    world.run()

    assert world.slack.texts == [slack_form(INVESTIGATING)] * 2
    assert len(world.schedules()) == 1


def test_an_alarm_after_ok_is_another_incident(world: World) -> None:
    begin(world)
    world.send_alarm("P2", NAME, "OK", START + timedelta(minutes=1), "m2")
    world.send_alarm("P2", NAME, "ALARM", START + timedelta(minutes=2), "m3")
    world.run()

    assert "answer due 2026-11-27 10:02 UTC" in world.slack.texts[-1]
    assert [json.loads(sent)["remind"]["incident"] for _, sent in world.schedules()] == [
        ID,
        f"{NAME}@2026-11-27T09:02:00.000Z",
    ]


@pytest.mark.parametrize(
    ("fault", "delay"),
    [("429 120", 125), ("429", 15), ("429 soon", 15), ("500", 15), ("503 40", 45), ("404", 15), ("hang", 15)],
)
def test_slack_gets_what_it_refused_later(world: World, fault: str, delay: int) -> None:
    """Retry-After where Slack says so, and 5 seconds more for P2."""
    world.slack.faults = [fault]
    begin(world)

    assert (world.delays, world.slack.texts, len(world.mails())) == ([delay], [slack_form(INVESTIGATING)], 1)


def test_slack_gets_what_a_reset_connection_lost(world: World) -> None:
    world.slack.faults = ["reset"]
    begin(world)

    assert (world.delays, world.slack.texts) == ([15], [slack_form(INVESTIGATING)])


def test_a_redirect_is_not_followed(world: World) -> None:
    world.slack.faults = ["302"]
    begin(world)

    assert (world.slack.requests, world.slack.texts) == (2, [slack_form(INVESTIGATING)])


def test_delays_grow_to_a_quarter_of_an_hour_and_then_a_message_is_dead(world: World) -> None:
    world.slack.faults = ["500"] * 12
    begin(world)

    assert world.delays == [15, 25, 45, 85, 165, 325, 645, 905, 905, 905, 905, 905]
    assert (len(world.dead), world.slack.texts, len(world.mails())) == (1, [], 1)


def test_a_dead_letter_that_is_sent_again_reaches_slack_alone(world: World) -> None:
    world.slack.faults = ["500"] * 12
    begin(world)
    world.send(world.dead[0])
    world.run()

    assert (world.slack.texts, len(world.mails())) == ([slack_form(INVESTIGATING)], 1)


def test_the_most_severe_come_first_after_an_outage(world: World) -> None:
    world.slack.faults = ["429 60"] * 4
    for severity in ("P4", "P3", "P2", "P1"):
        world.send_alarm(severity, f"alarm-{severity}", "ALARM", START, severity)
    world.run()

    assert [text.splitlines()[2].split()[1] for text in world.slack.texts] == ["P1", "P2", "P3", "P4"]


def test_without_an_address_there_is_mail_only(world: World) -> None:
    secrets = boto3.client("secretsmanager", region_name=REGION)
    empty = secrets.create_secret(Name="empty")["ARN"]
    object.__setattr__(world.environment, "slack_secret", empty)
    begin(world)

    assert (world.slack.requests, len(world.mails()), world.dead) == (0, 1, [])


def test_without_slack_there_is_mail_only(world: World) -> None:
    object.__setattr__(world.environment, "slack_secret", "")
    begin(world)

    assert (world.slack.requests, len(world.mails()), world.dead) == (0, 1, [])


def test_an_address_without_tls_is_not_called() -> None:
    with pytest.raises(NotDelivered, match=r"^the value of the secret is no address of a webhook$"):
        post(f"http://hooks.example/{MARKER}", "text")


@pytest.mark.parametrize(("severity", "due"), [("P1", "09:15"), ("P2", "10:00"), ("P3", "13:00")])
def test_a_reminder_is_scheduled_for_the_deadline(world: World, severity: str, due: str) -> None:
    begin(world, severity)

    assert world.schedules() == [
        (f"at(2026-11-27T{due}:00)", json.dumps({"remind": {"incident": ID, "number": 1}})),
    ]


def test_a_reminder_that_cannot_be_sent_is_a_dead_letter(world: World) -> None:
    begin(world, "P2")

    scheduler = boto3.client("scheduler", region_name=REGION)
    (name,) = [each["Name"] for each in scheduler.list_schedules(GroupName="incidents")["Schedules"]]
    target = scheduler.get_schedule(GroupName="incidents", Name=name)["Target"]
    assert target["DeadLetterConfig"] == {"Arn": "arn:aws:sqs:us-east-1:123456789012:incidents-dead-letters"}


@pytest.mark.parametrize(
    ("severity", "subject", "text"),
    [
        (
            "P4",
            "AWS Budgets: fixrx-production-monthly has exceeded your alert threshold",
            "AWS Budget Notification November 27, 2026\nAWS Account 123456789012\n\nActual Amount: $1,612.40",
        ),
        (
            "P3",
            "AWS Cost Management: Cost anomaly(s) summary for Account: 123456789012",
            json.dumps({"accountId": "123456789012", "anomalyId": "0a1b", "impact": {"totalImpact": 61.5}}),
        ),
    ],
)
def test_costs_are_a_notice(world: World, severity: str, subject: str, text: str) -> None:
    world.send(envelope(severity, text, "m1", subject))
    world.run()

    assert [mail[0] for mail in world.mails()] == [f"{severity} {subject}"[:100]]
    assert world.slack.texts == [f"NOTICE\n{subject}\n{text}"]
    assert world.schedules() == []


def test_p4_has_until_monday_evening(world: World) -> None:
    begin(world, "P4")

    assert [when for when, _ in world.schedules()] == ["at(2026-11-30T17:00:00)"]


def test_nobody_acknowledges(world: World) -> None:
    begin(world, "P1")
    times = []
    while world.schedules():
        times.append(world.schedules()[0][0])
        world.fire_schedules()
        world.run()

    assert times == [f"at(2026-11-27T{9 + n // 4:02}:{n % 4 * 15:02}:00)" for n in range(1, MOST_ESCALATIONS + 1)]
    escalations = world.slack.texts[1:]
    assert [text.splitlines()[0] for text in escalations] == [
        f"<!channel> ESCALATION {n} of 8: nobody has acknowledged this incident in time" for n in range(1, 9)
    ]
    assert Counter(escalated for _, _, escalated in world.mails()) == {"false": 1, "true": 8}


def test_a_reminder_that_comes_twice_is_told_once(world: World) -> None:
    begin(world)
    reminder = json.dumps({"remind": {"incident": ID, "number": 1}})
    for _ in range(2):
        world.send(reminder, START + timedelta(hours=1))
    world.run()

    assert [text.startswith("<!channel> ") for text in world.slack.texts] == [False, True]


def test_who_acknowledges_is_not_reminded(world: World) -> None:
    begin(world)
    at = "2026-11-27T09:00:00+00:00"

    assert world.notifier.acknowledge(ID, "Ada") == {
        "outcome": "acknowledged",
        "incident": ID,
        "by": "Ada",
        "at": at,
    }
    assert world.notifier.acknowledge(ID, "Bob") == {
        "outcome": "already acknowledged",
        "incident": ID,
        "by": "Ada",
        "at": at,
    }
    world.fire_schedules()
    world.run()
    assert (len(world.slack.texts), world.schedules()) == (1, [])


def test_what_is_over_is_not_reminded_of(world: World) -> None:
    begin(world)
    world.send_alarm("P2", NAME, "OK", START + timedelta(minutes=45), "m2")
    world.run()
    world.fire_schedules()
    world.run()

    assert (len(world.slack.texts), world.schedules()) == (2, [])
    assert world.notifier.acknowledge(ID, "Ada") == {
        "outcome": "already resolved",
        "incident": ID,
        "at": "2026-11-27T09:45:00+00:00",
    }


@pytest.mark.parametrize("incident", ["", "nothing", "nothing@2026", f"{NAME}@2026-11-27T09:00:00.001Z"])
def test_an_unknown_incident_is_said_to_be_unknown(world: World, incident: str) -> None:
    begin(world)

    assert world.notifier.acknowledge(incident, "Ada") == {"outcome": "unknown", "incident": incident}


@pytest.mark.parametrize("by", ["", "a" * 101, "a\nb"])
def test_who_acknowledges_has_a_name(world: World, by: str) -> None:
    assert world.notifier.acknowledge(ID, by) == {
        "outcome": "refused",
        "reason": "BY must be a name of 1 to 100 characters",
    }


def test_heartbeat_is_a_metric(world: World) -> None:
    world.send('{"heartbeat": true}')
    world.run()

    metrics = boto3.client("cloudwatch", region_name=REGION).list_metrics(Namespace="fixrx-production")["Metrics"]
    assert [metric["MetricName"] for metric in metrics] == ["NotifierHeartbeat"]


RDS_EVENT = {
    "Event Source": "db-instance",
    "Event Time": "2026-11-27 08:59:00.000",
    "Identifier Link": "https://console.aws.amazon.com/rds/home?region=us-east-1#dbinstance:id=fixrx",
    "Source ID": "fixrx-production-postgres-primary",
    "Event ID": "http://docs.amazonwebservices.com/AmazonRDS/latest/UserGuide/USER_Events.html#RDS-EVENT-0049",
    "Event Message": "Multi-AZ instance failover completed",
}


def test_an_event_is_a_notice_without_a_deadline(world: World) -> None:
    world.send(envelope("P2", json.dumps(RDS_EVENT), "m1", "RDS Notification Message"))
    world.run()

    assert world.slack.texts == [f"NOTICE\nRDS Notification Message\n{json.dumps(RDS_EVENT)}"]
    assert world.schedules() == []


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "{}", '{"Message": 7}', '{"Message": "{}"}'])
def test_what_is_not_understood_is_told_as_well(body: str) -> None:
    found = read("m", body, {})

    assert isinstance(found, Notice)
    assert (found.message_id, found.severity) == ("m", "P1")


@pytest.mark.parametrize(
    "change",
    [
        {"NewStateValue": "INSUFFICIENT_DATA"},
        {"StateChangeTime": "today"},
        {"StateChangeTime": "2026-11-27T09:00:00"},
        {"AlarmName": None},
    ],
)
def test_a_message_that_lacks_something_is_a_notice(change: dict[str, str]) -> None:
    message = {**alarm("P2", NAME, "ALARM", START), **change}

    assert isinstance(read("m", envelope("P2", json.dumps(message), "m1"), {}), Notice)


@pytest.mark.parametrize(
    ("description", "reason", "summary"),
    [
        ("of another tool", "Threshold Crossed", "of another tool"),
        (None, "Threshold Crossed", "Threshold Crossed"),
        (None, None, NAME),
    ],
)
def test_an_alarm_of_another_tool_is_told(description: str | None, reason: str | None, summary: str) -> None:
    message = {
        **alarm("P2", NAME, "ALARM", START),
        "AlarmDescription": description,
        "NewStateReason": reason,
    }
    found = read("m", envelope("P2", json.dumps(message), "m1"), {TOPICS["P2"]: "P2"})

    assert isinstance(found, StateChange)
    assert (found.summary, found.runbook, found.severity) == (summary, "docs/runbooks.md", "P2")


def test_text_of_an_alarm_mentions_nobody_in_slack(world: World) -> None:
    world.send_alarm("P2", NAME, "ALARM", START, "m1", summary="<!channel> <http://evil|ok> & more")
    world.run()

    assert "&lt;!channel&gt; &lt;http://evil|ok&gt; &amp; more" in world.slack.texts[0]
    assert "<" not in world.slack.texts[0]


@given(st.text(alphabet="a<&>é\n", max_size=2 * LONGEST_SLACK_TEXT), st.booleans())
def test_slack_is_told_at_most_what_it_shows(body: str, escalated: bool) -> None:
    found = for_slack(Text(subject="", body=body, escalated=escalated))

    assert len(found) <= LONGEST_SLACK_TEXT
    plain = found.removeprefix("<!channel> ").removesuffix("\n(cut)")
    unescaped = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert body.startswith(unescaped)
    assert found.endswith("\n(cut)") or unescaped == body


@given(st.text(max_size=300))
def test_subjects_are_what_sns_accepts(text: str) -> None:
    found = subject_of_mail(Text(subject=f"P1 {text}", body=""))

    assert found.startswith("P1") and len(found) <= 100
    assert found.isascii() and found.isprintable()


def test_a_long_mail_is_cut() -> None:
    assert len(body_of_mail(Text(subject="", body="é" * 200_000)).encode()) == 100_000 + len("\n(cut)")


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(1, "1 minute"), (59.9, "59 minutes"), (60, "1 hour"), (61, "1 hour 1 minute"), (1500, "25 hours")],
)
def test_durations(minutes: float, text: str) -> None:
    assert duration(timedelta(minutes=minutes)) == text


FIRST_DAY = date(2026, 1, 1)
TEN_YEARS = (date(2036, 1, 1) - FIRST_DAY).days
DAYS = st.integers(0, TEN_YEARS).map(lambda days: FIRST_DAY + timedelta(days=days))


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC)),
    business_days=st.sets(st.integers(0, 6), min_size=1),
    end_hour=st.integers(0, 23),
    holidays=st.sets(DAYS, max_size=60),
)
def test_deadlines_of_ten_years(start: datetime, business_days: set[int], end_hour: int, holidays: set[date]) -> None:
    calendar = Calendar(business_days=business_days, end_hour=end_hour, holidays=holidays)

    assert calendar.deadline("P1", start) - start == timedelta(minutes=15)
    assert calendar.deadline("P2", start) - start == timedelta(hours=1)
    assert calendar.deadline("P3", start) - start == timedelta(hours=4)
    following = (start.date() + timedelta(days=number) for number in count(1))
    worked = next(day for day in following if day.weekday() in business_days and day not in holidays)
    assert calendar.deadline("P4", start) == datetime.combine(worked, time(end_hour), UTC)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-26T09:00", "2026-11-27T17:00"),
        ("2026-11-27T18:00", "2026-11-30T17:00"),
        ("2026-11-28T00:00", "2026-11-30T17:00"),
        ("2026-12-24T23:59", "2026-12-28T17:00"),
        ("2028-02-28T12:00", "2028-02-29T17:00"),
        ("2028-02-29T12:00", "2028-03-01T17:00"),
    ],
)
def test_end_of_the_next_business_day(start: str, due: str) -> None:
    given_start = datetime.fromisoformat(start).replace(tzinfo=UTC)

    assert CALENDAR.deadline("P4", given_start) == datetime.fromisoformat(due).replace(tzinfo=UTC)


FAULTS = ("429 30", "429", "500", "503", "reset", "none", "none", "none", "none", "none", "none")


@pytest.mark.parametrize(("number_of_incidents", "emulated"), [(20, True), (1000, False)])
def test_a_thousand_incidents_with_faults(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number_of_incidents: int,
    emulated: bool,
) -> None:
    """Slack fails often, messages come twice and in any order: each is told once, in both channels."""
    # None of the faults hangs, and on a busy machine a message must not be taken and then be given up.
    monkeypatch.setattr(slack, "TIMEOUT_SECONDS", 10)
    if not emulated:
        monkeypatch.setattr(world.notifier, "_table", Table(MemoryTable(), "incidents"))
        monkeypatch.setattr(world.notifier, "_scheduler", world)
        monkeypatch.setattr(world.notifier, "_secrets", world)
    monkeypatch.setattr(world.notifier, "_sns", world)
    chance = random.Random(20261127)
    world.slack.faults = [chance.choice(FAULTS) for _ in range(2 * number_of_incidents)]
    ended = set()
    for number in range(number_of_incidents):
        severity = f"P{chance.randint(1, 4)}"
        name, at = f"alarm-{number}", START + timedelta(seconds=chance.randint(0, 3600))
        copies = 2 if chance.random() < 0.1 else 1
        changes = [("ALARM", at)]
        if chance.random() < 0.5:
            ended.add(name)
            changes.append(("OK", at + timedelta(minutes=chance.randint(1, 300))))
        for state, moment in changes:
            body = envelope(severity, json.dumps(alarm(severity, name, state, moment)), f"{name}-{state}")
            for _ in range(copies):
                # An OK may come before its ALARM.
                world.send(body, START + timedelta(seconds=chance.randint(0, 20000)))
    world.run()

    wanted = {("INCIDENT NOTIFICATION", f"alarm-{n}") for n in range(number_of_incidents)} | {
        ("INCIDENT RESOLVED", n) for n in ended
    }
    told = [(lines[0], lines[2].split(": ")[1].split(" ")[-1 if "NOTIF" in lines[0] else 0]) for lines in _lines(world)]
    mailed = [(subject.split()[1], subject.split()[2]) for subject, _ in world.published]
    assert Counter(told) == Counter(dict.fromkeys(wanted, 1))
    assert Counter(mailed) == Counter(
        {("INVESTIGATING" if "NOTIF" in first else "RESOLVED", name): 1 for first, name in wanted}
    )
    assert world.dead == []
    seen: set[str] = set()
    for first, name in told:
        assert first == "INCIDENT NOTIFICATION" or name in seen
        seen.add(name)
    assert MARKER not in capsys.readouterr().out


def _lines(world: World) -> list[list[str]]:
    return [text.splitlines() for text in world.slack.texts]


@pytest.mark.parametrize("fault", ["429 1", "500", "404", "302", "hang", "reset", "none"])
def test_the_address_of_slack_is_in_no_log_error_or_message(
    world: World, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.slack.faults = [fault]
    begin(world)

    captured = capsys.readouterr()
    assert MARKER not in captured.out + captured.err + "".join(world.slack.texts) + str(world.mails())
    assert NAME not in captured.out.replace(ID, "")
    world.slack.faults = [fault]
    if fault != "none":
        with pytest.raises(NotDelivered) as raised:
            post(world.slack.address, "text")
        error: BaseException | None = raised.value
        assert MARKER not in repr(error) and raised.value.__cause__ is None and raised.value.__context__ is None


def test_an_error_of_aws_is_raised_and_the_message_comes_back(world: World) -> None:
    boto3.client("dynamodb", region_name=REGION).delete_table(TableName="incidents")
    world.send_alarm("P1", NAME, "ALARM", START, "m1")

    with pytest.raises(Exception, match="ResourceNotFoundException"):
        world.run()

    assert world.delays == [10]


def test_handler_reads_its_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TABLE": "incidents",
        "QUEUE_URL": world.environment.queue_url,
        "QUEUE_ARN": world.environment.queue_arn,
        "DEAD_LETTERS_ARN": world.environment.dead_letters_arn,
        "MAIL_TOPIC_ARN": world.environment.mail_topic,
        "SLACK_SECRET_ARN": world.environment.slack_secret,
        "SEVERITIES": json.dumps(dict(world.environment.severities)),
        "SCHEDULE_GROUP": "incidents",
        "SCHEDULE_ROLE_ARN": world.environment.schedule_role,
        "METRIC_NAMESPACE": "fixrx-production",
        "BUSINESS_DAYS": "[0, 1, 2, 3, 4]",
        "BUSINESS_DAY_END_HOUR": "17",
        "HOLIDAYS": '["2026-12-25"]',
    }.items():
        monkeypatch.setenv(name, value)
    body = envelope("P2", json.dumps(alarm("P2", NAME, "ALARM", START)), "m1")
    record = {"messageId": "1", "receiptHandle": "h", "body": body, "attributes": {"ApproximateReceiveCount": "1"}}

    assert handle({"Records": [record]}, None) == {"batchItemFailures": []}
    assert world.slack.texts == [slack_form(INVESTIGATING)]
    assert handle({"acknowledge": ID, "by": "Ada"}, None)["outcome"] == "acknowledged"
