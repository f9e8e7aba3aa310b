"""What AWS Lambda calls: with a message of the queue of incidents, and by `make acknowledge`.

A message goes to each channel once. It stays in the queue until every channel has taken it, for an hour and more; then
it is a dead letter, of which the watchdog's alarm tells. No log has a text of a message, nor the webhook.

Once, as far as that is possible: if Slack takes a message and its answer is lost, the message is posted again.
"""

import hashlib
import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from .deadlines import Calendar
from .messages import (
    ALARM,
    Heartbeat,
    Notice,
    Reminder,
    StateChange,
    Text,
    body_of_mail,
    escalated,
    for_slack,
    investigating,
    notice,
    read,
    resolved,
    subject_of_mail,
)
from .slack import NotDelivered, post
from .table import Claim, Incident, Table

SLACK, MAIL = "slack", "mail"
FIRST_DELAY_SECONDS = 10
LONGEST_DELAY_SECONDS = 900
SECONDS_FOR_SEVERITY = {"P1": 0, "P2": 5, "P3": 10, "P4": 15}
"""Added to every delay, so that after an outage of Slack the most severe incidents come first."""
MOST_ESCALATIONS = 8
SOONEST = timedelta(minutes=1)
"""EventBridge Scheduler's precision: a deadline that is nearer, or over, is a minute away."""
LONGEST_NAME = 100
HEARTBEAT = "NotifierHeartbeat"
AWS = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 2})
"""AWS answers in milliseconds. What takes longer is done again later, from the queue."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What the function is told (components/incidents.py)."""

    table: str
    queue_url: str
    queue_arn: str
    dead_letters_arn: str
    """Queue of reminders that could not be put into the first one."""
    mail_topic: str
    slack_secret: str
    """ARN; empty without Slack."""
    severities: Mapping[str, str]
    """Topic to severity."""
    schedule_group: str
    schedule_role: str
    metric_namespace: str
    calendar: Calendar


def environment_of(settings: Mapping[str, str]) -> Environment:
    return Environment(
        table=settings["TABLE"],
        queue_url=settings["QUEUE_URL"],
        queue_arn=settings["QUEUE_ARN"],
        dead_letters_arn=settings["DEAD_LETTERS_ARN"],
        mail_topic=settings["MAIL_TOPIC_ARN"],
        slack_secret=settings["SLACK_SECRET_ARN"],
        severities=json.loads(settings["SEVERITIES"]),
        schedule_group=settings["SCHEDULE_GROUP"],
        schedule_role=settings["SCHEDULE_ROLE_ARN"],
        metric_namespace=settings["METRIC_NAMESPACE"],
        calendar=Calendar(
            business_days=json.loads(settings["BUSINESS_DAYS"]),
            end_hour=int(settings["BUSINESS_DAY_END_HOUR"]),
            holidays=[date.fromisoformat(day) for day in json.loads(settings["HOLIDAYS"])],
        ),
    )


def handle(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Do what the event asks for. An error that no channel is to blame for is raised: Lambda counts it."""
    notifier = Notifier(environment_of(os.environ), lambda service: boto3.client(service, config=AWS))
    if "acknowledge" in event:
        return notifier.acknowledge(str(event["acknowledge"]), str(event.get("by", "")))
    return {"batchItemFailures": notifier.take(event["Records"])}


class Notifier:
    """The function with its clients. Time and chance are given, so that a test can take their place."""

    def __init__(
        self,
        environment: Environment,
        client: Callable[[str], Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._environment = environment
        self._sqs, self._sns = client("sqs"), client("sns")
        self._secrets, self._scheduler = client("secretsmanager"), client("scheduler")
        self._metrics = client("cloudwatch")
        self._table = Table(client("dynamodb"), environment.table)
        self._now = now
        self._chance = chance

    def take(self, records: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
        """Return the messages that stay in the queue, as AWS Lambda wants them."""
        failed = [record["messageId"] for record in records if not self._take(record)]
        return [{"itemIdentifier": message_id} for message_id in failed]

    def acknowledge(self, incident_id: str, by: str) -> dict[str, Any]:
        """Return what was done, for the one who asked."""
        if not (0 < len(by) <= LONGEST_NAME and by.isprintable()):
            return {"outcome": "refused", "reason": f"BY must be a name of 1 to {LONGEST_NAME} characters"}
        incident = self._table.get(incident_id)
        if incident is None:
            return {"outcome": "unknown", "incident": incident_id}
        first = incident.acknowledged is None and incident.resolved is None
        if first:
            incident = self._table.acknowledge(incident, by, self._now())
        outcome = "acknowledged" if first and incident.acknowledged_by == by else "already acknowledged"
        if incident.acknowledged is None and incident.resolved is not None:
            return {"outcome": "already resolved", "incident": incident.id, "at": incident.resolved.isoformat()}
        _log("acknowledge", incident=incident.id, outcome=outcome)
        at = incident.acknowledged.isoformat() if incident.acknowledged else None
        return {"outcome": outcome, "incident": incident.id, "by": incident.acknowledged_by, "at": at}

    def _take(self, record: Mapping[str, Any]) -> bool:
        """Whether a message is done with. If it is not, it comes back after a while, and later each time."""
        found = read(record["messageId"], record["body"], self._environment.severities)
        try:
            failures = self._deliver(found)
        except Exception as error:
            _log("error", message=record["messageId"], error=type(error).__name__)
            self._postpone(record, found, 0)
            raise
        if failures:
            self._postpone(record, found, max(failure.retry_after_seconds for failure in failures))
        return not failures

    def _deliver(self, found: StateChange | Notice | Reminder | Heartbeat) -> Sequence[NotDelivered]:
        match found:
            case Heartbeat():
                data = {"MetricName": HEARTBEAT, "Value": 1, "Unit": "Count"}
                self._metrics.put_metric_data(Namespace=self._environment.metric_namespace, MetricData=[data])
                return []
            case Notice():
                return self._tell(found.message_id, notice(found))
            case Reminder():
                return self._remind(found)
            case StateChange() if found.state == ALARM:
                return self._begin(found)
            case StateChange():
                return self._end(found)

    def _begin(self, change: StateChange) -> Sequence[NotDelivered]:
        deadline = self._environment.calendar.deadline(change.severity, change.at)
        incident = self._table.begin(change, deadline, self._now())
        if incident.resolved is None:
            # Before anything is sent: a reminder must come above all when Slack does not answer.
            self._schedule(incident, 1, incident.deadline)
        failures = self._tell_of_beginning(incident)
        if change.message_id != incident.message_id:
            failures = failures or self._tell(change.message_id, _text_of(incident))
        return failures or self._tell_of_end(incident)

    def _end(self, change: StateChange) -> Sequence[NotDelivered]:
        incident = self._table.end(change, self._now())
        # The end is not told before the beginning, which may still be in the queue.
        return [] if incident is None else self._tell_of_beginning(incident) or self._tell_of_end(incident)

    def _remind(self, reminder: Reminder) -> Sequence[NotDelivered]:
        incident = self._table.get(reminder.incident)
        if incident is None or incident.acknowledged is not None or incident.resolved is not None:
            return []
        if reminder.number < MOST_ESCALATIONS:
            due = incident.deadline
            for _ in range(reminder.number):
                due = self._environment.calendar.deadline(incident.severity, due)
            self._schedule(incident, reminder.number + 1, due)
        text = escalated(_text_of(incident), reminder.number, MOST_ESCALATIONS)
        return self._tell(f"{incident.id} {reminder.number}", text)

    def _tell_of_beginning(self, incident: Incident) -> Sequence[NotDelivered]:
        return self._tell(incident.message_id, _text_of(incident))

    def _tell_of_end(self, incident: Incident) -> Sequence[NotDelivered]:
        if incident.resolved is None or incident.resolved_by is None:
            return []
        text = resolved(incident.id, incident.severity, incident.started, incident.resolved)
        return self._tell(incident.resolved_by, text)

    def _tell(self, message_id: str, text: Text) -> Sequence[NotDelivered]:
        """Send a text to every channel that has not taken it yet; mail first, which seldom fails."""
        channels: dict[str, Callable[[Text], None]] = {MAIL: self._send_mail}
        if self._environment.slack_secret:
            channels[SLACK] = self._send_slack
        return [
            failure
            for channel, send in channels.items()
            if (failure := self._send(message_id, channel, send, text)) is not None
        ]

    def _send(self, message_id: str, channel: str, send: Callable[[Text], None], text: Text) -> NotDelivered | None:
        claim = self._table.claim(message_id, channel, self._now())
        if claim is Claim.DONE:
            return None
        if claim is Claim.ANOTHER:
            return NotDelivered("is being delivered")
        try:
            send(text)
        except NotDelivered as failure:
            self._table.not_delivered(message_id, channel)
            _log("not delivered", message=message_id, channel=channel, reason=str(failure))
            return failure
        self._table.delivered(message_id, channel, self._now())
        _log("delivered", message=message_id, channel=channel)
        return None

    def _send_mail(self, text: Text) -> None:
        # SNS sends a message with this attribute to the escalation address as well.
        attribute = {"DataType": "String", "StringValue": "true" if text.escalated else "false"}
        try:
            self._sns.publish(
                TopicArn=self._environment.mail_topic,
                Subject=subject_of_mail(text),
                Message=body_of_mail(text),
                MessageAttributes={"escalated": attribute},
            )
        except Exception as error:
            raise NotDelivered(f"SNS refused ({type(error).__name__})") from None

    def _send_slack(self, text: Text) -> None:
        try:
            found = self._secrets.get_secret_value(SecretId=self._environment.slack_secret)
        except self._secrets.exceptions.ResourceNotFoundException:
            # Nobody has put an address into the secret yet: people read the mail.
            _log("no address of Slack", secret="SLACK_WEBHOOK_URL")
            return
        except Exception as error:
            raise NotDelivered(f"Secrets Manager refused ({type(error).__name__})") from None
        post(found["SecretString"], for_slack(text))

    def _schedule(self, incident: Incident, number: int, due: datetime) -> None:
        """Remind of an incident, once: the name of a schedule follows from the incident and the number."""
        due = max(due, self._now() + SOONEST)
        # There already, if the same message has come again.
        with suppress(self._scheduler.exceptions.ConflictException):
            self._scheduler.create_schedule(
                GroupName=self._environment.schedule_group,
                Name=_schedule_name(incident, number),
                ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self._environment.queue_arn,
                    "RoleArn": self._environment.schedule_role,
                    "Input": json.dumps({"remind": {"incident": incident.id, "number": number}}),
                    "DeadLetterConfig": {"Arn": self._environment.dead_letters_arn},
                },
            )

    def _postpone(
        self, record: Mapping[str, Any], found: StateChange | Notice | Reminder | Heartbeat, wait_seconds: float
    ) -> None:
        """Hide a message in the queue for some time."""
        tries = int(record["attributes"]["ApproximateReceiveCount"])
        delay = max(wait_seconds, FIRST_DELAY_SECONDS * 2 ** min(tries - 1, 10))
        severity = found.severity if isinstance(found, StateChange | Notice) else "P1"
        delay = min(delay * (1 + self._chance() / 10), LONGEST_DELAY_SECONDS) + SECONDS_FOR_SEVERITY[severity]
        self._sqs.change_message_visibility(
            QueueUrl=self._environment.queue_url,
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=round(delay),
        )


def _text_of(incident: Incident) -> Text:
    return investigating(incident.id, incident.severity, incident.summary, incident.runbook, incident.deadline)


def _schedule_name(incident: Incident, number: int) -> str:
    """At most 64 characters, none of which is the alarm's."""
    return f"remind-{hashlib.sha256(incident.id.encode()).hexdigest()[:40]}-{number}"


def _log(what: str, **details: str | None) -> None:
    print(json.dumps({"event": what, **details}))
