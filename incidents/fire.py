"""The way of an alarm's message in the sandbox, with the function's own code.

What is real: the emulator's topics, subscriptions, queue, table and schedules, as the program deployed them, and the
handler. What is not: the emulator runs no alarm actions and no functions and has no composite alarms, so this publishes
what CloudWatch would, and takes the message from the queue to the handler as AWS Lambda would. Slack is a local server,
and the reader of the mail a queue. The times in which an alarm waits whether an outage begins are left out.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from rich.table import Table

from components.files.functions.notifier.handler import Notifier, environment_of

FUNCTION = "aws:lambda/function:Function"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
LONGEST_SECONDS = 10
"""For each step; all of them take milliseconds."""


class FireError(Exception):
    """There is nothing to follow, or it did not arrive."""


@dataclass(frozen=True, kw_only=True)
class _Alarm:
    """A deployed alarm."""

    title: str
    """In the program: the logical name without that of its component."""
    name: str
    """In AWS."""
    metric: bool
    """Whether the emulator has it."""
    inputs: Mapping[str, Any]

    @property
    def tells(self) -> bool:
        return bool(self.inputs.get("alarmActions"))

    def begins_with(self, other: "_Alarm") -> bool:
        return f'ALARM("{other.name}")' in str(self.inputs.get("alarmRule"))


def fire(state: Path, alarm: str) -> Table:
    """Follow the alarm, and its end, to both channels; return the times. Raises FireError."""
    resources = _resources(state)
    found = _that_tells(_alarms(resources), alarm)
    variables = next(
        (
            each["outputs"]["environment"]["variables"]
            for each in resources
            if each["type"] == FUNCTION and each["inputs"].get("handler") == "notifier.handler.handle"
        ),
        None,
    )
    if variables is None:
        raise FireError("The function that tells of incidents is not deployed; run `make up`.")
    return _Way(variables, found).follow()


def _alarms(resources: Sequence[Any]) -> Sequence[_Alarm]:
    return [
        _Alarm(
            title=each["urn"].rpartition("::")[2].partition("-")[2],
            name=each["inputs"]["name" if each["type"] == ALARM else "alarmName"],
            metric=each["type"] == ALARM,
            inputs=each["inputs"],
        )
        for each in resources
        if each["type"] in (ALARM, COMPOSITE)
    ]


def _that_tells(alarms: Sequence[_Alarm], name: str) -> _Alarm:
    """Return the alarm, or the one that tells of it."""
    found = next((each for each in alarms if name in (each.title, each.name)), None)
    if found is None:
        what = f"There is no alarm {name}" if name else "Name an alarm: make fire ALARM=ApiDown"
        raise FireError(f"{what}; the alarms are {', '.join(sorted(each.title for each in alarms)) or 'not deployed'}.")
    if found.tells:
        return found
    telling = next((each for each in alarms if each.tells and each.begins_with(found)), None)
    if telling is None:
        raise FireError(f"The alarm {name} has no actions, and no other alarm tells of it.")
    return telling


def _resources(state: Path) -> list[Any]:
    try:
        exported: list[Any] = json.loads(state.read_text())["deployment"]["resources"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FireError(f"{state} cannot be read; run `make up` first.") from None
    return exported


class _Way:
    """From one alarm to people."""

    def __init__(self, variables: Mapping[str, str], alarm: _Alarm) -> None:
        self._variables = variables
        self._alarm = alarm
        self._queue = variables["QUEUE_URL"]
        address = urlsplit(self._queue)
        self._endpoint = f"{address.scheme}://{address.netloc}"
        self._region = variables["QUEUE_ARN"].split(":")[3]
        self._notifier = Notifier(environment_of(variables), self._client)

    def follow(self) -> Table:
        table = Table("step", "after", "seen", title=f"{self._alarm.name}, times in the sandbox")
        with _slack() as (address, texts), self._mail() as reader, self._secret(address):
            for alarm_state in ("ALARM", "OK"):
                for step, seconds, seen in self._follow(alarm_state, texts, reader):
                    table.add_row(step, f"{seconds * 1000:.0f} ms", seen)
        return table

    def _follow(self, alarm_state: str, texts: list[str], reader: str) -> Iterator[tuple[str, float, str]]:
        begun = time.monotonic()
        texts.clear()
        for topic in self._set_state(alarm_state):
            yield f"{alarm_state} published", time.monotonic() - begun, topic.rpartition(":")[2]
        # What another alarm has left in the queue is delivered as well.
        while not texts:
            message = self._receive(self._queue)
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            yield "in the queue", time.monotonic() - begun, message["MessageId"]
            if self._notifier.take([record]):
                raise FireError("The function could not deliver the message; its log is above.")
            self._client("sqs").delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        yield "in Slack", time.monotonic() - begun, texts[-1].splitlines()[1]
        mail = json.loads(self._receive(reader)["Body"])
        yield "in the mail", time.monotonic() - begun, mail["Subject"]

    def _set_state(self, alarm_state: str) -> list[str]:
        """Set the alarm's state, and do its actions, which the emulator does not do."""
        reason = "Set by `make fire`"
        if self._alarm.metric:
            self._client("cloudwatch").set_alarm_state(
                AlarmName=self._alarm.name, StateValue=alarm_state, StateReason=reason
            )
        message = {
            "AlarmName": self._alarm.name,
            "AlarmDescription": self._alarm.inputs.get("alarmDescription"),
            "NewStateValue": alarm_state,
            "NewStateReason": reason,
            "StateChangeTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
        }
        topics: list[str] = self._alarm.inputs["alarmActions" if alarm_state == "ALARM" else "okActions"]
        for topic in topics:
            self._client("sns").publish(
                TopicArn=topic, Subject=f"{alarm_state}: {self._alarm.name}"[:100], Message=json.dumps(message)
            )
        return topics

    def _receive(self, queue: str) -> dict[str, Any]:
        until = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < until:
            found = self._client("sqs").receive_message(
                QueueUrl=queue, MaxNumberOfMessages=1, WaitTimeSeconds=1, AttributeNames=["All"]
            )
            if found.get("Messages"):
                message: dict[str, Any] = found["Messages"][0]
                return message
        raise FireError(f"Nothing came to {queue.rpartition('/')[2]} within {LONGEST_SECONDS} seconds.")

    @contextmanager
    def _mail(self) -> Iterator[str]:
        """A queue that reads what the topic `mail` sends."""
        sqs, sns = self._client("sqs"), self._client("sns")
        reader = sqs.create_queue(QueueName="fire-mail-reader")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=reader, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = self._variables["MAIL_TOPIC_ARN"]
        subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        try:
            yield reader
        finally:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
            sqs.delete_queue(QueueUrl=reader)

    @contextmanager
    def _secret(self, address: str) -> Iterator[None]:
        """The local server's address in the secret; afterwards what was there before."""
        secret, secrets = self._variables["SLACK_SECRET_ARN"], self._client("secretsmanager")
        if not secret:
            raise FireError("The stack has no Slack: `slack` of fixrx:notifications is false.")
        try:
            before = secrets.get_secret_value(SecretId=secret)["SecretString"]
        except secrets.exceptions.ResourceNotFoundException:
            before = None
        secrets.put_secret_value(SecretId=secret, SecretString=address)
        try:
            yield
        finally:
            if before is not None:
                secrets.put_secret_value(SecretId=secret, SecretString=before)

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self._endpoint,
            region_name=self._region,
            aws_access_key_id=self._variables["QUEUE_ARN"].split(":")[4],
            aws_secret_access_key="sandbox",
        )


@contextmanager
def _slack() -> Iterator[tuple[str, list[str]]]:
    """A local server in Slack's place: its address, and the texts that it gets."""
    texts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/services/sandbox", texts
    finally:
        server.shutdown()
        server.server_close()
