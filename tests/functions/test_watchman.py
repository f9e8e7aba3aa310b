"""The function that looks for what is old, against an emulated account, and the days on which alarms are quiet."""

import calendar
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from components.files.functions.watchman import checks, first_weekday, handler

BUCKET = "fixrx-backups-production-111122223333"
PREFIX = "fixrx-production"
ALARMS = [f"{PREFIX}-{number}" for number in range(150)]


class World:
    """An account with everything that is watched, as new as can be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rules: list[dict[str, Any]] = []
        # The emulator dates objects by the clock, and this module may be imported long before.
        self.now = datetime.now(tz=UTC)
        self.topic = boto3.client("sns").create_topic(Name="notifications-p1")["TopicArn"]
        self.secrets = boto3.client("secretsmanager")
        arns = [self.secrets.create_secret(Name=name, SecretString="x")["ARN"] for name in ("rotated", "vendor")]
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        self.put("database/20261126.json")
        self.put("drills/20261101.json")
        self.watched = {
            "bucket": BUCKET,
            "dumps": "database/",
            "drills": "drills/",
            "database": f"{PREFIX}-primary",
            "vault": f"{PREFIX}-backups",
            "vault_regions": ["us-west-2"],
            "rotated": arns[:1],
            "vendors": arns[1:],
            "topics": {self.topic: 3},
            "prefix": PREFIX,
            "window": {"day": "sun", "start": "02:00", "minutes": 240},
            "alarms": ALARMS,
        }
        monkeypatch.setenv("METRIC_NAMESPACE", PREFIX)
        monkeypatch.setenv("WATCHED", json.dumps(self.watched))

    def put(self, key: str) -> None:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{}")

    def measure(self, check: str, later: timedelta = timedelta()) -> float:
        return checks.checks_of(self.watched)[check](self.now + later)

    def published(self) -> dict[str, float]:
        client = boto3.client("cloudwatch")
        names = [each["Dimensions"][0]["Value"] for each in client.list_metrics(Namespace=PREFIX)["Metrics"]]
        return {
            name: client.get_metric_statistics(
                Namespace=PREFIX,
                MetricName="Age",
                Dimensions=[{"Name": "Check", "Value": name}],
                StartTime=self.now - timedelta(hours=1),
                EndTime=self.now + timedelta(hours=1),
                Period=7200,
                Statistics=["Maximum"],
            )["Datapoints"][0]["Maximum"]
            for name in names
        }


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "emulated",
        "AWS_SECRET_ACCESS_KEY": "emulated",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield World(monkeypatch)


@pytest.mark.parametrize(
    ("check", "unit"),
    [
        ("dump", timedelta(hours=1)),
        ("drill", timedelta(days=1)),
        ("rotation", timedelta(days=1)),
        ("vendor-secret", timedelta(days=1)),
    ],
)
def test_age_is_counted_from_the_newest(world: World, check: str, unit: timedelta) -> None:
    assert world.measure(check, 3 * unit) == pytest.approx(3, abs=0.05)


def test_a_dump_without_its_manifest_is_none(world: World) -> None:
    boto3.client("s3").delete_object(Bucket=BUCKET, Key="database/20261126.json")
    world.put("database/20261127.dump")

    with pytest.raises(checks.Nothing, match=r"there is no object database/\*\.json"):
        world.measure("dump")


@pytest.mark.parametrize(
    ("found", "age"),
    [
        ([("COMPLETED", 5), ("COMPLETED", 29)], 5),
        # What is still being copied, or was given up, restores nothing.
        ([("CREATING", 1), ("PARTIAL", 2), ("COMPLETED", 29)], 29),
    ],
)
def test_only_complete_recovery_points_count(
    world: World, monkeypatch: pytest.MonkeyPatch, found: list[tuple[str, int]], age: int
) -> None:
    """The emulator has no recovery points; these are of the form that AWS documents."""

    class Backups:
        def get_paginator(self, _: str) -> "Backups":
            return self

        def paginate(self, **asked: str) -> list[dict[str, Any]]:
            assert asked == {"BackupVaultName": f"{PREFIX}-backups"}
            points = [{"Status": status, "CreationDate": world.now - timedelta(hours=hours)} for status, hours in found]
            return [{"RecoveryPoints": points[:1]}, {"RecoveryPoints": points[1:]}]

    def client(service: str, region_name: str | None = None) -> Backups:
        assert (service, region_name) == ("backup", "us-west-2")
        return Backups()

    monkeypatch.setattr(boto3, "client", client)

    assert world.measure("recovery-point-us-west-2") == pytest.approx(age)


@pytest.mark.parametrize(("restorable", "age"), [(4, 4), (50, 50)])
def test_the_database_can_be_restored_to_a_recent_moment(
    world: World, monkeypatch: pytest.MonkeyPatch, restorable: int, age: int
) -> None:
    """The emulator knows no LatestRestorableTime."""

    class Databases:
        def describe_db_instances(self, **asked: str) -> dict[str, Any]:
            assert asked == {"DBInstanceIdentifier": f"{PREFIX}-primary"}
            return {"DBInstances": [{"LatestRestorableTime": world.now - timedelta(minutes=restorable)}]}

    monkeypatch.setattr(boto3, "client", lambda _: Databases())

    assert world.measure("automated-backup") == pytest.approx(age)


def test_addresses_that_get_no_mail_are_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator confirms at once. AWS writes these words in place of the ARN."""

    class Topics:
        def get_paginator(self, _: str) -> "Topics":
            return self

        def paginate(self, **asked: str) -> list[dict[str, Any]]:
            assert asked == {"TopicArn": world.topic}
            mail = ("PendingConfirmation", "Deleted", f"{world.topic}:0a1b2c3d")
            found = [*(("email", arn) for arn in mail), ("sqs", f"{world.topic}:4e5f6a7b")]
            return [{"Subscriptions": [{"Protocol": kind, "SubscriptionArn": arn}]} for kind, arn in found]

    monkeypatch.setattr(boto3, "client", lambda _: Topics())

    assert world.measure("subscription") == 2


def test_a_check_that_fails_hides_no_other_and_publishes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "mute", lambda *told: world.rules.append({"told": told}))

    with pytest.raises(RuntimeError, match="not measured: ") as raised:
        handler.handle({}, None)

    failed = json.loads(str(raised.value).partition(": ")[2])
    # The account has neither the database nor the vault.
    assert sorted(failed) == ["automated-backup", "recovery-point-us-west-2"]
    assert sorted(world.published()) == ["drill", "dump", "rotation", "subscription", "vendor-secret"]
    assert world.rules[0]["told"][:3] == (PREFIX, world.watched["window"], ALARMS)


def test_rules_of_the_monthly_window_are_the_same_each_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, Any]] = []

    class Alarms:
        def put_alarm_mute_rule(self, **rule: Any) -> None:
            written.append(rule)

    monkeypatch.setattr(boto3, "client", lambda _: Alarms())
    window = {"day": "sun", "start": "02:00", "minutes": 240}
    first = first_weekday.mute(PREFIX, window, ALARMS, datetime(2026, 11, 26, 3, tzinfo=UTC))
    again = first_weekday.mute(PREFIX, window, ALARMS, datetime(2026, 12, 6, 5, 59, tzinfo=UTC))

    assert first == again == datetime(2026, 12, 6, 2, tzinfo=UTC)
    assert written[:2] == written[2:]
    assert [rule["Name"] for rule in written[:2]] == [f"{PREFIX}-monthly-1", f"{PREFIX}-monthly-2"]
    assert [len(rule["MuteTargets"]["AlarmNames"]) for rule in written[:2]] == [100, 50]
    assert written[0]["Rule"] == {
        "Schedule": {"Expression": "at(2026-12-06T02:00)", "Duration": "PT240M", "Timezone": "UTC"}
    }


@pytest.mark.parametrize("year", range(2026, 2037))
def test_every_first_sunday_of_ten_years_is_found(year: int) -> None:
    """By the calendar of the standard library, month by month, leap years too."""
    for month in range(1, 13):
        days = [week[calendar.SUNDAY] for week in calendar.monthcalendar(year, month)]
        begin = datetime(year, month, next(filter(None, days)), 2, tzinfo=UTC)

        assert first_weekday.next_window("sun", "02:00", 240, begin - timedelta(days=20)) <= begin
        assert first_weekday.next_window("sun", "02:00", 240, begin) == begin
        assert first_weekday.next_window("sun", "02:00", 240, begin + timedelta(minutes=239)) == begin
        assert first_weekday.next_window("sun", "02:00", 240, begin + timedelta(minutes=240)) > begin


@given(
    now=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2036, 12, 31), timezones=st.just(UTC)),
    day=st.sampled_from(first_weekday.DAYS),
    minutes=st.integers(60, 720),
)
def test_the_next_window_is_the_first_that_has_not_ended(now: datetime, day: str, minutes: int) -> None:
    begin = first_weekday.next_window(day, "23:30", minutes, now)

    assert (first_weekday.DAYS[begin.weekday()], begin.day <= 7) == (day, True)
    assert now < begin + timedelta(minutes=minutes) <= now + timedelta(days=36)
