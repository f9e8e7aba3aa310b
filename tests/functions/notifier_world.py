"""A queue with a clock of its own, an emulated account, and a Slack that fails as it is told."""

import heapq
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import SimpleNamespace
from typing import Any

import boto3
from moto import mock_aws

from components.files.functions.notifier.deadlines import Calendar
from components.files.functions.notifier.handler import Environment, Notifier

REGION, ACCOUNT = "us-east-1", "123456789012"
MARKER = "T0SECRETMARKER"
START = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
"""A Friday."""
TOPICS = {f"P{level}": f"arn:aws:sns:{REGION}:{ACCOUNT}:notifications-p{level}-1a2b3c4" for level in range(1, 5)}
MOST_RECEIVES = 12
CALENDAR = Calendar(business_days=(0, 1, 2, 3, 4), end_hour=17, holidays=(date(2026, 12, 25),))


def alarm(severity: str, name: str, state: str, at: datetime, summary: str = "Requests fail") -> dict[str, Any]:
    """What CloudWatch publishes, with the fields of a message of an alarm of one metric."""
    return {
        "AlarmName": name,
        "AlarmDescription": f"{severity} (High, respond within 1 hour). {summary}. Runbook: docs/runbooks.md#x",
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": "2026-11-20T10:00:00.000+0000",
        "NewStateValue": state,
        "NewStateReason": "Threshold Crossed: 1 out of the last 1 datapoints [12.0 (27/11/26 08:59:00)] was greater "
        "than the threshold (0.1) (minimum 1 datapoint for OK -> ALARM transition).",
        "StateChangeTime": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}",
        "OldStateValue": "OK" if state == "ALARM" else "ALARM",
        "OKActions": [TOPICS[severity]],
        "AlarmActions": [TOPICS[severity]],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "HTTPCode_Target_5XX_Count",
            "Namespace": "AWS/ApplicationELB",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [{"value": "app/fixrx-production/50dc6c495c0c9188", "name": "LoadBalancer"}],
            "Period": 60,
            "EvaluationPeriods": 5,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0.1,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


def envelope(severity: str, message: str, message_id: str, subject: str = "ALARM") -> str:
    """What SNS puts into a queue."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": TOPICS[severity],
            "Subject": subject,
            "Message": message,
            "Timestamp": "2026-11-27T09:00:01.000Z",
            "SignatureVersion": "1",
            "Signature": "EXAMPLE",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
            "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
        }
    )


class Slack:
    """A local server in Slack's place. `faults` are used up, one for each request; then it takes messages."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.faults: list[str] = []
        self.requests = 0
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                slack.requests += 1
                fault = slack.faults.pop(0) if slack.faults else "none"
                if fault == "hang":
                    slack.released.wait(5)
                    self.close_connection = True
                elif fault == "reset":
                    # Closed with a linger time of zero, a connection is reset.
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                elif fault == "none":
                    slack.texts.append(body["text"])
                    self._answer(200, b"ok")
                else:
                    self._answer(int(fault.split()[0]), b"no", fault.split()[1:])

            def _answer(self, status: int, body: bytes, retry_after: list[str] | None = None) -> None:
                self.send_response(status)
                for seconds in retry_after or ():
                    self.send_header("Retry-After", seconds)
                if status == 302:
                    self.send_header("Location", f"{slack.address}/elsewhere")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}/services/{MARKER}"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


class World:
    """What is around the function. `now` moves only when the queue has nothing that is due earlier."""

    def __init__(self, slack: Slack) -> None:
        self.slack = slack
        self.now = START
        self.dead: list[str] = []
        self.delays: list[int] = []
        self.published: list[tuple[str, str]] = []
        self._numbers = count()
        self._queue: list[tuple[datetime, int, str, str, int]] = []
        # This object stands for several clients, see the test of a thousand incidents.
        self.exceptions = SimpleNamespace(
            ConflictException=boto3.client("scheduler", region_name=REGION).exceptions.ConflictException,
            ResourceNotFoundException=boto3.client(
                "secretsmanager", region_name=REGION
            ).exceptions.ResourceNotFoundException,
        )
        self._make_account()
        self.notifier = Notifier(self.environment, self._client, lambda: self.now, lambda: 0.0)

    def _make_account(self) -> None:
        sqs = boto3.client("sqs", region_name=REGION)
        sns = boto3.client("sns", region_name=REGION)
        self.reader = sqs.create_queue(QueueName="reader")["QueueUrl"]
        mail = sns.create_topic(Name="mail")["TopicArn"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:reader"
        sns.subscribe(TopicArn=mail, Protocol="sqs", Endpoint=arn)
        secrets = boto3.client("secretsmanager", region_name=REGION)
        secret = secrets.create_secret(Name="SLACK_WEBHOOK_URL", SecretString=self.slack.address)["ARN"]
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName="incidents",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "subject", "AttributeType": "S"},
                {"AttributeName": "detail", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "subject", "KeyType": "HASH"},
                {"AttributeName": "detail", "KeyType": "RANGE"},
            ],
        )
        boto3.client("scheduler", region_name=REGION).create_schedule_group(Name="incidents")
        self.environment = Environment(
            table="incidents",
            queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/incidents",
            queue_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:incidents",
            dead_letters_arn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:incidents-dead-letters",
            mail_topic=mail,
            slack_secret=secret,
            severities={arn: severity for severity, arn in TOPICS.items()},
            schedule_group="incidents",
            schedule_role=f"arn:aws:iam::{ACCOUNT}:role/incidents-scheduler",
            metric_namespace="fixrx-production",
            calendar=CALENDAR,
        )

    def _client(self, service: str) -> Any:
        return self if service == "sqs" else boto3.client(service, region_name=REGION)

    def publish(self, **message: Any) -> None:
        """In place of SNS, for many messages: keep the subject and the text."""
        self.published.append((message["Subject"], message["Message"]))

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        """In place of SQS, whose clock is the real one."""
        assert QueueUrl == self.environment.queue_url
        self.delays.append(VisibilityTimeout)
        self._hidden = timedelta(seconds=VisibilityTimeout)

    def create_schedule(self, **schedule: Any) -> None:
        """In place of EventBridge Scheduler, for many messages."""

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        """In place of Secrets Manager, for many messages."""
        return {"SecretString": self.slack.address}

    def send(self, body: str, at: datetime | None = None, message_id: str | None = None) -> None:
        number = next(self._numbers)
        heapq.heappush(self._queue, (at or self.now, number, message_id or f"sqs-{number}", body, 1))

    def send_alarm(self, severity: str, name: str, state: str, at: datetime, message_id: str, **text: str) -> None:
        self.send(envelope(severity, json.dumps(alarm(severity, name, state, at, **text)), message_id), at)

    def run(self, until: datetime | None = None) -> None:
        """Give the function what is due until then, or all there is."""
        while self._queue and (until is None or self._queue[0][0] <= until):
            due, _, message_id, body, receives = heapq.heappop(self._queue)
            self.now = max(self.now, due)
            record = {
                "messageId": message_id,
                "receiptHandle": f"handle-{message_id}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receives)},
            }
            self._hidden = timedelta(seconds=180)
            if self.notifier.take([record]) == []:
                continue
            if receives == MOST_RECEIVES:
                self.dead.append(body)
            else:
                heapq.heappush(
                    self._queue, (self.now + self._hidden, next(self._numbers), message_id, body, receives + 1)
                )
        if until is not None:
            self.now = max(self.now, until)

    def mails(self) -> list[tuple[str, str, str]]:
        """Subject, text and whether the escalation address gets it, of what is new."""
        sqs, found = boto3.client("sqs", region_name=REGION), []
        while received := sqs.receive_message(QueueUrl=self.reader, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                body = json.loads(message["Body"])
                found.append((body["Subject"], body["Message"], body["MessageAttributes"]["escalated"]["Value"]))
                sqs.delete_message(QueueUrl=self.reader, ReceiptHandle=message["ReceiptHandle"])
        return found

    def schedules(self) -> list[tuple[str, str]]:
        """Expression and input of every schedule, in order."""
        scheduler = boto3.client("scheduler", region_name=REGION)
        names = [each["Name"] for each in scheduler.list_schedules(GroupName="incidents")["Schedules"]]
        found = [scheduler.get_schedule(GroupName="incidents", Name=name) for name in names]
        return sorted((each["ScheduleExpression"], each["Target"]["Input"]) for each in found)

    def fire_schedules(self) -> None:
        """Do what EventBridge Scheduler does: send the input of the earliest schedule, and delete it."""
        scheduler = boto3.client("scheduler", region_name=REGION)
        names = [each["Name"] for each in scheduler.list_schedules(GroupName="incidents")["Schedules"]]
        found = [scheduler.get_schedule(GroupName="incidents", Name=name) for name in names]
        first = min(found, key=lambda each: each["ScheduleExpression"])
        scheduler.delete_schedule(GroupName="incidents", Name=first["Name"])
        due = datetime.fromisoformat(first["ScheduleExpression"][3:-1]).replace(tzinfo=UTC)
        self.send(first["Target"]["Input"], due)


@contextmanager
def running_world() -> Iterator[World]:
    slack = Slack()
    try:
        with mock_aws():
            yield World(slack)
    finally:
        slack.close()
