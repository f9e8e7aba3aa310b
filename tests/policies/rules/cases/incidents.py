"""What breaks the rules of `policies.rules.incidents`."""

from tests.policies.changes import Case, drop, put

CASES = (
    Case("monitoring-alarms-have-severity", "latency", put("latency", "tags.Severity", "urgent"), ("latency", "tags")),
    Case(
        "monitoring-alarms-have-runbook",
        "latency",
        put("latency", "alarmDescription", "Slow"),
        ("latency", "alarmDescription"),
    ),
    Case(
        "monitoring-p1-alarms-are-not-muted",
        "mute",
        put("server-cpu", "tags.Severity", "P1"),
        ("mute", "muteTargets.alarmNames.0"),
    ),
    Case(
        "monitoring-p1-alarms-are-not-muted",
        "mute",
        put("mute", "muteTargets.alarmNames.0", "fixrx-ApiDown"),
        None,
    ),
    Case(
        "monitoring-chat-guardrails-are-restricted",
        "chat",
        put("chat", "guardrailPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        ("chat", "guardrailPolicyArns"),
    ),
    Case("monitoring-chat-guardrails-are-restricted", "chat", drop("chat", "guardrailPolicyArns"), None),
)
