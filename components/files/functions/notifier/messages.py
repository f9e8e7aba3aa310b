"""What the queue brings, and what people read. Texts of alarms are data: they can hold anything."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

ALARM, OK = "ALARM", "OK"
DESCRIPTION = re.compile(r"^P[1-4] \([^)]*\)\. (?P<summary>.*)\. Runbook: (?P<runbook>\S+)$", re.DOTALL)
"""How components/alarms.py describes an alarm."""
RUNBOOKS = "docs/runbooks.md"
UPDATES_MINUTES = 30
REVIEWED = ("P1", "P2")
"""Severities after which the guide's post-incident review is held."""
LONGEST_SLACK_TEXT = 3000
"""Characters that Slack shows in one block of text."""
LONGEST_SUBJECT = 100
"""Characters that SNS accepts as a subject."""
LONGEST_MAIL_BYTES = 100_000
"""Less than half of what SNS accepts."""
CUT = "\n(cut)"
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


@dataclass(frozen=True, kw_only=True)
class StateChange:
    """An alarm began, or ended."""

    message_id: str
    alarm: str
    severity: str
    state: str
    at: datetime
    summary: str
    runbook: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Any other message of a topic, such as an event of RDS: somebody should read it, and nobody has to answer."""

    message_id: str
    severity: str
    subject: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """A deadline has come."""

    incident: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """The queue and the function work."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """A message to people."""

    subject: str
    body: str
    escalated: bool = False


def read(message_id: str, body: str, severities: Mapping[str, str]) -> StateChange | Notice | Reminder | Heartbeat:
    """Return what a message of the queue says. Nothing is refused: what is not understood is a notice to people.

    `severities` maps topics to severities; a topic that it lacks is taken for the most urgent one.
    """
    found = _json(body)
    if "heartbeat" in found:
        return Heartbeat()
    if isinstance(found.get("remind"), dict):
        return Reminder(incident=str(found["remind"]["incident"]), number=int(found["remind"]["number"]))
    message_id = str(found.get("MessageId") or message_id)
    severity = severities.get(str(found.get("TopicArn")), "P1")
    text = str(found.get("Message") or body)
    change = _state_change(message_id, severity, _json(text))
    subject = str(found.get("Subject") or "Message that is not from an alarm")
    return change or Notice(message_id=message_id, severity=severity, subject=subject, text=text)


def _json(text: str) -> Mapping[str, Any]:
    """Return an object, which is empty if the text is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _state_change(message_id: str, severity: str, alarm: Mapping[str, Any]) -> StateChange | None:
    name, state = alarm.get("AlarmName"), alarm.get("NewStateValue")
    try:
        at = datetime.fromisoformat(str(alarm.get("StateChangeTime")))
    except ValueError:
        return None
    if not isinstance(name, str) or state not in (ALARM, OK) or at.tzinfo is None:
        return None
    description = str(alarm.get("AlarmDescription") or "")
    parts = DESCRIPTION.match(description)
    return StateChange(
        message_id=message_id,
        alarm=name,
        severity=severity,
        state=state,
        at=at.astimezone(UTC),
        summary=parts["summary"] if parts else description or str(alarm.get("NewStateReason") or name),
        runbook=parts["runbook"] if parts else RUNBOOKS,
    )


def investigating(incident: str, severity: str, summary: str, runbook: str, deadline: datetime) -> Text:
    """The guide's first template."""
    alarm = incident.rpartition("@")[0]
    return Text(
        subject=f"{severity} INVESTIGATING {alarm}",
        body="\n".join(
            [
                "INCIDENT NOTIFICATION",
                "Status: INVESTIGATING",
                f"Impact: {severity} {alarm}: {summary}",
                f"ETA: Investigating, answer due {deadline:%Y-%m-%d %H:%M} UTC, updates in {UPDATES_MINUTES} minutes",
                f"Actions: {runbook}",
                f"Acknowledge: make acknowledge INCIDENT='{incident}' BY=<your name>",
            ]
        ),
    )


def resolved(incident: str, severity: str, started: datetime, ended: datetime) -> Text:
    """The guide's second template."""
    alarm = incident.rpartition("@")[0]
    return Text(
        subject=f"{severity} RESOLVED {alarm}",
        body="\n".join(
            [
                "INCIDENT RESOLVED",
                "Status: RESOLVED",
                f"Resolution: {alarm} is back to normal",
                f"Duration: {duration(ended - started)}",
                "Next Steps: "
                + ("Post-incident review scheduled" if severity in REVIEWED else "None, a review is for P1 and P2"),
            ]
        ),
    )


def escalated(text: Text, number: int, most: int) -> Text:
    """The first template again, to everybody."""
    return Text(
        subject=f"ESCALATION {number} of {most}: {text.subject}",
        body=f"ESCALATION {number} of {most}: nobody has acknowledged this incident in time\n{text.body}",
        escalated=True,
    )


def notice(found: Notice) -> Text:
    return Text(subject=f"{found.severity} {found.subject}", body=f"NOTICE\n{found.subject}\n{found.text}")


def duration(length: timedelta) -> str:
    """Whole minutes; less than one is said so."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 1:
        return "less than 1 minute"
    hours, rest = divmod(minutes, 60)
    parts = [
        f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in ((hours, "hour"), (rest, "minute")) if count
    ]
    return " ".join(parts)


def for_slack(text: Text) -> str:
    """The text as Slack wants it: nothing in it is a mention or a link but our own mention of the channel."""
    mention = "<!channel> " if text.escalated else ""
    room = LONGEST_SLACK_TEXT - len(mention) - len(CUT)
    escaped = [ESCAPES.get(character, character) for character in text.body]
    if sum(map(len, escaped)) <= room + len(CUT):
        return mention + "".join(escaped)
    kept: list[str] = []
    for character in escaped:
        room -= len(character)
        if room < 0:
            break
        kept.append(character)
    return mention + "".join(kept) + CUT


def subject_of_mail(text: Text) -> str:
    """SNS accepts printable ASCII, which begins with a letter or digit."""
    plain = re.sub(r"[^ -~]+", " ", text.subject).strip()
    return plain[:LONGEST_SUBJECT]


def body_of_mail(text: Text) -> str:
    encoded = text.body.encode(errors="replace")
    if len(encoded) <= LONGEST_MAIL_BYTES:
        return encoded.decode()
    return encoded[:LONGEST_MAIL_BYTES].decode(errors="ignore") + CUT
