"""The deployed archives, handlers and variables under AWS Lambda's own client: what goes in, what comes out, what is
reported as an error, and what the log has."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.elasticache.responses import ElastiCacheResponse

from components.files.functions.credentials import database
from components.files.functions.credentials.database import CERTIFICATES_URL
from drill.jobs import Account
from drill.postgresql import PASSWORD, Pair
from tests.functions.conftest import VARIABLES, Function
from tests.functions.lambda_runtime import FunctionError, RunningFunction, running_function
from tests.functions.notifier_world import MARKER, START, Slack, alarm, envelope
from tests.functions.redis_server import USER, Redis
from tests.functions.test_credentials import log_in
from tests.functions.truststore import Truststore, running_truststore
from tests.recorder import Recording, Registration

pytestmark = pytest.mark.host

NAME = "fixrx-production-HighErrorRate"
WRONG_PASSWORD = "Zk8qLw2vXr9TnB4mPd7s"


@pytest.fixture
def truststore(tmp_path: Path, fresh: Pair, redis: Redis) -> Iterator[Truststore]:
    with running_truststore(tmp_path, fresh.primary.authority, redis.authority) as found:
        yield found


@pytest.fixture
def told(
    variables: Mapping[str, str],
    truststore: Truststore,
    redis: Redis,
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> Mapping[str, str]:
    """What the function is told here. The emulator has users of ElastiCache, but cannot change them."""

    def modify_user(self: ElastiCacheResponse) -> ActionResult:
        asked = self._get_params()
        redis.modify_user(UserId=asked["UserId"], AuthenticationMode=asked["AuthenticationMode"])
        return EmptyResult()

    monkeypatch.setattr(ElastiCacheResponse, "modify_user", modify_user, raising=False)
    account.client("elasticache").create_user(
        UserId=USER, UserName=USER, Engine="redis", AccessString="on", Passwords=["a-password-of-nobody"]
    )
    # The log-in of the tests themselves.
    monkeypatch.setattr(database, "CERTIFICATES", Path(truststore.variables["SSL_CERT_FILE"]).parent / "rds.pem")
    return {**variables, **truststore.variables}


@pytest.fixture
def credentials(production: Recording, told: Mapping[str, str], tmp_path: Path) -> Iterator[RunningFunction]:
    deployed = production.named("credentials-function")
    own = deployed.plain["environment"]["variables"]
    # Whatever it is told here, it is told under a name that is deployed, or Lambda and the network have it.
    assert {name for name in told if not name.startswith(("AWS_", "SSL_", "https_"))} == own.keys()
    with running_function(deployed, tmp_path, told) as running:
        yield running


@pytest.fixture
def called(credentials: RunningFunction, account: Account, arns: Mapping[str, str]) -> Function:
    return Function(account, arns, credentials.invoke)


def test_bootstrap_and_rotations_in_one_process(
    called: Function, credentials: RunningFunction, truststore: Truststore, fresh: Pair, redis: Redis
) -> None:
    files = sorted(credentials.directory.rglob("*"))
    database.CERTIFICATES.write_bytes(fresh.primary.authority.read_bytes())

    assert called.bootstrap() == dict.fromkeys(VARIABLES, "made")
    assert called.bootstrap(WRONG_PASSWORD) == dict.fromkeys(VARIABLES, "kept")
    before = {variable: called.value(variable) for variable in VARIABLES}
    after = {variable: called.rotate(variable, "1") for variable in VARIABLES}

    users = [str(urlsplit(after[name]).username) for name in ("DATABASE_URL", "REPLICA_DATABASE_URL", "REDIS_URL")]
    assert users == ["fixrx_app_b", "fixrx_reader_b", USER]
    for url in (before["DATABASE_URL"], after["DATABASE_URL"], after["REPLICA_DATABASE_URL"]):
        log_in(url)
    for url in (before["REDIS_URL"], after["REDIS_URL"]):
        assert redis.ask(("AUTH", USER, str(urlsplit(url).password))) == ["+OK"]
    # Fetched once, over TLS, into the one folder that may be written.
    assert truststore.asked == [urlsplit(CERTIFICATES_URL).path]
    assert sorted(credentials.directory.rglob("*")) == files
    secrets = [str(urlsplit(url).password) for url in (*before.values(), *after.values()) if "://" in url]
    secrets += [key for value in (before, after) for key in json.loads(value["JWT_SECRET"]).values()]
    assert [secret for secret in [*secrets, PASSWORD, WRONG_PASSWORD] if secret in credentials.log] == []


def test_an_error_is_one_for_lambda_and_names_no_secret(called: Function, credentials: RunningFunction) -> None:
    with pytest.raises(FunctionError) as raised:
        called.bootstrap(WRONG_PASSWORD)
    report = raised.value.report

    assert report["errorType"] == "DatabaseError"
    assert 'password authentication failed for user "fixrx_admin"' in report["errorMessage"]
    # A line of the log is JSON with its level, as Lambda's log format says.
    (line,) = [each for each in map(json.loads, credentials.log.splitlines()) if each["level"] == "ERROR"]
    assert line["errorMessage"] == report["errorMessage"]
    assert WRONG_PASSWORD not in json.dumps(report) + credentials.log
    # The process goes on.
    assert called.bootstrap() == dict.fromkeys(VARIABLES, "made")


def test_a_rotation_that_must_wait_says_so(called: Function, fresh: Pair, credentials: RunningFunction) -> None:
    database.CERTIFICATES.write_bytes(fresh.primary.authority.read_bytes())
    called.bootstrap()
    first = urlsplit(called.value("DATABASE_URL"))
    late = database.Database(endpoint=f"localhost:{fresh.primary.port}", name="fixrx_production")
    with late.connected(str(first.username), first.password):
        second = urlsplit(called.rotate("DATABASE_URL", "1"))
        with pytest.raises(FunctionError, match=r"^RuntimeError: 1 connections of fixrx_app_a are left") as raised:
            called.rotate("DATABASE_URL", "2")

    pending = urlsplit(called.value("DATABASE_URL", "AWSPENDING"))
    said = json.dumps(raised.value.report) + credentials.log
    assert [url.username for url in (first, second, pending) if str(url.password) in said] == []


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("scramp", "Unable to import module 'credentials.handler': No module named 'scramp'"),
        ("credentials/handler.py", "Unable to import module 'credentials.handler': No module named"),
    ],
)
def test_what_the_archive_lacks_is_nowhere_else(production: Recording, tmp_path: Path, without: str, said: str) -> None:
    """So whatever runs here needs no package of this repository."""
    with (
        running_function(production.named("credentials-function"), tmp_path, {}, without) as running,
        pytest.raises(FunctionError) as raised,
    ):
        running.invoke({})

    assert raised.value.report["errorType"] == "Runtime.ImportModuleError"
    assert raised.value.report["errorMessage"].startswith(said)


def variables_of(deployed: Registration) -> dict[str, str]:
    return dict(deployed.plain["environment"]["variables"])


class Notifier:
    """The function, its queue and table, and Slack."""

    def __init__(self, deployed: Registration, account: Account, slack: Slack) -> None:
        self.account = account
        own = variables_of(deployed)
        self.topics = {severity: topic for topic, severity in json.loads(own["SEVERITIES"]).items()}
        self._sqs = account.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="incidents")["QueueUrl"]
        self._sqs.create_queue(QueueName="reader")
        self.mail = account.client("sns").create_topic(Name="mail")["TopicArn"]
        account.client("sns").subscribe(
            TopicArn=self.mail, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:reader"
        )
        secret = account.client("secretsmanager").create_secret(Name="slack", SecretString=slack.address)["ARN"]
        account.client("scheduler").create_schedule_group(Name=own["SCHEDULE_GROUP"])
        keys = {"subject": "HASH", "detail": "RANGE"}
        account.client("dynamodb").create_table(
            TableName=own["TABLE"],
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        )
        self.variables = {
            "AWS_ENDPOINT_URL": account.url,
            "QUEUE_URL": self._queue,
            "MAIL_TOPIC_ARN": self.mail,
            "SLACK_SECRET_ARN": secret,
        }

    def batch(self, *bodies: str) -> dict[str, Any]:
        """Return what an event source mapping gives the function, of messages that are in the queue."""
        for body in bodies:
            self._sqs.send_message(QueueUrl=self._queue, MessageBody=body)
        received = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )["Messages"]
        return {
            "Records": [
                {
                    "messageId": each["MessageId"],
                    "receiptHandle": each["ReceiptHandle"],
                    "body": each["Body"],
                    "attributes": each["Attributes"],
                    "messageAttributes": {},
                    "md5OfBody": each["MD5OfBody"],
                    "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:incidents",
                    "awsRegion": "us-east-1",
                }
                for each in received
            ]
        }

    def of_alarm(self, message_id: str) -> str:
        message = envelope("P2", json.dumps(alarm("P2", NAME, "ALARM", START)), message_id)
        return json.dumps({**json.loads(message), "TopicArn": self.topics["P2"]})


@pytest.fixture
def slack() -> Iterator[Slack]:
    found = Slack()
    try:
        yield found
    finally:
        found.close()


def test_a_message_of_the_queue_reaches_slack_and_is_acknowledged(
    production: Recording, account: Account, slack: Slack, tmp_path: Path
) -> None:
    deployed = production.named("incidents-function")
    notifier = Notifier(deployed, account, slack)
    with running_function(deployed, tmp_path, notifier.variables) as running:
        delivered = running.invoke(notifier.batch(notifier.of_alarm("m1")))
        slack.faults = ["500"]
        (record,) = notifier.batch(notifier.of_alarm("m2"))["Records"]
        kept = running.invoke({"Records": [record]})
        incident = f"{NAME}@2026-11-27T09:00:00.000Z"
        acknowledged = running.invoke({"acknowledge": incident, "by": "Ada"})

    assert delivered == {"batchItemFailures": []}
    assert kept == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    (text,) = slack.texts
    assert text.splitlines()[:3] == [
        "INCIDENT NOTIFICATION",
        "Status: INVESTIGATING",
        f"Impact: P2 {NAME}: Requests fail",
    ]
    assert (acknowledged["outcome"], acknowledged["by"]) == ("acknowledged", "Ada")
    assert MARKER not in running.log


def test_an_error_of_the_notifier_is_one_for_lambda(
    production: Recording, account: Account, slack: Slack, tmp_path: Path
) -> None:
    """Lambda counts it, and gives the message back to the queue."""
    deployed = production.named("incidents-function")
    notifier = Notifier(deployed, account, slack)
    account.client("dynamodb").delete_table(TableName=variables_of(deployed)["TABLE"])
    with (
        running_function(deployed, tmp_path, notifier.variables) as running,
        pytest.raises(FunctionError) as raised,
    ):
        running.invoke(notifier.batch(notifier.of_alarm("m1")))

    assert raised.value.report["errorType"] == "ResourceNotFoundException"
    assert MARKER not in json.dumps(raised.value.report) + running.log
    assert slack.texts == []


class Watched:
    """What the watchman is told to look at, as far as the emulator can have it."""

    def __init__(self, deployed: Registration, account: Account) -> None:
        told = json.loads(variables_of(deployed)["WATCHED"])
        secrets, s3, sns = (account.client(service) for service in ("secretsmanager", "s3", "sns"))
        for kind in ("rotated", "vendors"):
            names = [arn.rpartition(":")[2] for arn in told[kind]]
            told[kind] = [secrets.create_secret(Name=name, SecretString=MARKER)["ARN"] for name in names]
        told["topics"] = {
            sns.create_topic(Name=arn.rpartition(":")[2])["TopicArn"]: addresses
            for arn, addresses in told["topics"].items()
        }
        for topic, addresses in told["topics"].items():
            for number in range(addresses):
                sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"{number}@example.com")
        s3.create_bucket(Bucket=told["bucket"])
        for key in (f"{told['dumps']}20261126.json", f"{told['drills']}20261101.json"):
            s3.put_object(Bucket=told["bucket"], Key=key, Body=b"{}")
        account.client("rds").create_db_instance(
            DBInstanceIdentifier=told["database"], DBInstanceClass="db.t4g.medium", Engine="postgres"
        )
        self.variables = {"AWS_ENDPOINT_URL": account.url, "WATCHED": json.dumps(told)}


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the mute rules that are written, which the emulator does not have."""
    found: list[str] = []

    def put_alarm_mute_rule(self: CloudWatchResponse) -> ActionResult:
        found.append(self._get_params()["Name"])
        return EmptyResult()

    monkeypatch.setattr(CloudWatchResponse, "put_alarm_mute_rule", put_alarm_mute_rule, raising=False)
    return found


def test_ages_are_published_and_returned(
    staging: Recording, account: Account, rules: list[str], tmp_path: Path
) -> None:
    """Of staging, which has no vault: the emulator has none either."""
    deployed = staging.named("watchman-function")
    with running_function(deployed, tmp_path, Watched(deployed, account).variables) as running:
        measured = running.invoke({})

    assert measured.keys() == {"dump", "drill", "automated-backup", "rotation", "vendor-secret", "subscription"}
    # The emulator says that a database can be restored to the moment of the question.
    assert all(abs(age) < 1 for age in measured.values()), measured
    now = datetime.now(tz=UTC)
    published = account.client("cloudwatch").get_metric_statistics(
        Namespace="fixrx-staging",
        MetricName="Age",
        Dimensions=[{"Name": "Check", "Value": "dump"}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert [each["Maximum"] for each in published] == [pytest.approx(measured["dump"])]
    assert rules == ["fixrx-staging-monthly-1"]


def test_a_check_that_fails_is_an_error_for_lambda(
    production: Recording, account: Account, rules: list[str], tmp_path: Path
) -> None:
    """Of production, whose vault in the second region does not answer here."""
    deployed = production.named("watchman-function")
    with (
        running_function(deployed, tmp_path, Watched(deployed, account).variables) as running,
        pytest.raises(FunctionError, match=r"^RuntimeError: not measured: ") as raised,
    ):
        running.invoke({})

    failed = json.loads(raised.value.report["errorMessage"].partition(": ")[2])
    assert list(failed) == ["recovery-point-us-west-2"]
    assert MARKER not in json.dumps(raised.value.report) + running.log
    assert rules == ["fixrx-production-monthly-1"]
