"""Incidents, and which message was delivered where, in one DynamoDB table.

subject          detail             what
alarm <name>     time it began      an incident
ok <name>        time of the OK     the end of an incident, also one whose beginning has not arrived yet
message <id>     channel            a delivery
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .messages import StateChange

KEPT = timedelta(days=400)
LEASE = timedelta(seconds=60)
"""After this time a delivery that was begun and not ended is begun again: the function had crashed."""


class Claim(StrEnum):
    """Who delivers a message to a channel."""

    MINE = "mine"
    DONE = "done"
    ANOTHER = "another"


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What began with an alarm."""

    alarm: str
    started: datetime
    severity: str
    deadline: datetime
    summary: str
    runbook: str
    message_id: str
    """Of the message that began it."""
    resolved: datetime | None = None
    resolved_by: str | None = None
    """The message that ended it."""
    acknowledged: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def id(self) -> str:
        return f"{self.alarm}@{text_of(self.started)}"


def text_of(moment: datetime) -> str:
    """UTC with milliseconds, so that texts sort as times do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


class Table:
    """The table. `client` is boto3's of DynamoDB."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def begin(self, change: StateChange, deadline: datetime, now: datetime) -> Incident:
        """Return the incident that this alarm belongs to: one that goes on, or a new one."""
        present = self._latest("alarm", change.alarm, change.at)
        if present is not None:
            incident = _incident(present)
            if incident.resolved is None or incident.resolved > change.at:
                return incident
        fields = {
            "severity": change.severity,
            "deadline": text_of(deadline),
            "summary": change.summary,
            "runbook": change.runbook,
            "message_id": change.message_id,
        }
        begun = _incident(self._put_new(f"alarm {change.alarm}", text_of(change.at), fields, now))
        early = self._first_ok(change.alarm, begun.started)
        return self._resolve(begun, early) if early else begun

    def end(self, change: StateChange, now: datetime) -> Incident | None:
        """Return the incident that this OK ends; None if it ends none, or none that is known yet.

        Written first and read then, here and in `begin`: whichever of two messages is later sees the other one.
        """
        moment = text_of(change.at)
        self._put_new(f"ok {change.alarm}", moment, {"message_id": change.message_id}, now)
        present = self._latest("alarm", change.alarm, change.at)
        if present is None:
            return None
        incident = _incident(present)
        if incident.resolved is None:
            incident = self._resolve(incident, {"detail": {"S": moment}, "message_id": {"S": change.message_id}})
        return incident if incident.resolved_by == change.message_id else None

    def get(self, incident: str) -> Incident | None:
        alarm, _, started = incident.rpartition("@")
        key = {"subject": {"S": f"alarm {alarm}"}, "detail": {"S": started or "-"}}
        item = self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True).get("Item")
        return _incident(item) if item else None

    def acknowledge(self, incident: Incident, by: str, now: datetime) -> Incident:
        """The first one to acknowledge stays."""
        return self._set(incident, "acknowledged", {"acknowledged": text_of(now), "acknowledged_by": by})

    def claim(self, message_id: str, channel: str, now: datetime) -> Claim:
        """Begin a delivery, which nobody else then does."""
        epoch = int(now.timestamp())
        item = {
            "subject": {"S": f"message {message_id}"},
            "detail": {"S": channel},
            "lease": {"N": str(epoch + int(LEASE.total_seconds()))},
            "expires": _expires(now),
        }
        try:
            self._client.put_item(
                TableName=self._name,
                Item=item,
                ConditionExpression="attribute_not_exists(subject) OR lease < :now",
                ExpressionAttributeValues={":now": {"N": str(epoch)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            return Claim.DONE if "delivered" in error.response["Item"] else Claim.ANOTHER
        return Claim.MINE

    def delivered(self, message_id: str, channel: str, now: datetime) -> None:
        """End a delivery: without a lease, nobody begins it again."""
        self._client.update_item(
            TableName=self._name,
            Key={"subject": {"S": f"message {message_id}"}, "detail": {"S": channel}},
            UpdateExpression="SET delivered = :now REMOVE lease",
            ExpressionAttributeValues={":now": {"S": text_of(now)}},
        )

    def not_delivered(self, message_id: str, channel: str) -> None:
        """Let the delivery be begun again."""
        self._client.delete_item(
            TableName=self._name, Key={"subject": {"S": f"message {message_id}"}, "detail": {"S": channel}}
        )

    def _resolve(self, incident: Incident, ok: Mapping[str, Any]) -> Incident:
        values = {"resolved": ok["detail"]["S"], "resolved_by": ok["message_id"]["S"]}
        return self._set(incident, "resolved", values)

    def _set(self, incident: Incident, once: str, values: Mapping[str, str]) -> Incident:
        """Set values unless `once` is set; return the incident as it then is."""
        key = {"subject": {"S": f"alarm {incident.alarm}"}, "detail": {"S": text_of(incident.started)}}
        try:
            changed = self._client.update_item(
                TableName=self._name,
                Key=key,
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
                ConditionExpression=f"attribute_not_exists({once})",
                ExpressionAttributeValues={f":{name}": {"S": value} for name, value in values.items()},
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            return _incident(error.response["Item"])
        return _incident(changed["Attributes"])

    def _put_new(self, subject: str, detail: str, fields: Mapping[str, str], now: datetime) -> Mapping[str, Any]:
        """Return the new item, or the one that is there: then the same message has come again."""
        texts = {"subject": subject, "detail": detail, **fields}
        item: dict[str, Any] = {**{name: {"S": value} for name, value in texts.items()}, "expires": _expires(now)}
        try:
            self._client.put_item(
                TableName=self._name,
                Item=item,
                ConditionExpression="attribute_not_exists(subject)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            present: Mapping[str, Any] = error.response["Item"]
            return present
        return item

    def _latest(self, kind: str, alarm: str, until: datetime) -> Mapping[str, Any] | None:
        return self._one(f"{kind} {alarm}", "<=", text_of(until), forward=False)

    def _first_ok(self, alarm: str, after: datetime) -> Mapping[str, Any] | None:
        return self._one(f"ok {alarm}", ">", text_of(after), forward=True)

    def _one(self, subject: str, comparison: str, detail: str, *, forward: bool) -> Mapping[str, Any] | None:
        found = self._client.query(
            TableName=self._name,
            KeyConditionExpression=f"subject = :subject AND detail {comparison} :detail",
            ExpressionAttributeValues={":subject": {"S": subject}, ":detail": {"S": detail}},
            ScanIndexForward=forward,
            ConsistentRead=True,
            Limit=1,
        )["Items"]
        return found[0] if found else None


def _expires(now: datetime) -> Mapping[str, str]:
    return {"N": str(int((now + KEPT).timestamp()))}


def _incident(item: Mapping[str, Any]) -> Incident:
    def text(name: str) -> str:
        return str(item[name]["S"])

    def moment(name: str) -> datetime | None:
        return datetime.fromisoformat(text(name)) if name in item else None

    return Incident(
        alarm=text("subject").partition(" ")[2],
        started=datetime.fromisoformat(text("detail")),
        severity=text("severity"),
        deadline=datetime.fromisoformat(text("deadline")),
        summary=text("summary"),
        runbook=text("runbook"),
        message_id=text("message_id"),
        resolved=moment("resolved"),
        resolved_by=text("resolved_by") if "resolved_by" in item else None,
        acknowledged=moment("acknowledged"),
        acknowledged_by=text("acknowledged_by") if "acknowledged_by" in item else None,
    )
