"""Monitoring services integrated: an alarm says how urgent it is and what to do, and urgent alarms are not muted."""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

SEVERITY_TAG: Final = "Severity"
SEVERITIES: Final = ("P1", "P2", "P3", "P4")
NEVER_MUTED: Final = "P1"
RUNBOOK: Final = "Runbook:"
CLOUDWATCH_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"


@rule(
    "monitoring-alarms-have-severity",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.ALARM, aws.COMPOSITE_ALARM],
    documentation=f"{CLOUDWATCH_GUIDE}/AlarmThatSendsEmail.html",
    remediation="Set the tag Severity to P1, P2, P3 or P4.",
)
def alarms_have_severity(alarm: StackResource, _: Context) -> Iterator[Problem]:
    """Alarms have one of the guide's severities, P1 to P4."""
    if aws.tags_of(alarm).get(SEVERITY_TAG) not in SEVERITIES:
        yield "has no severity: the required response time is unknown"


@rule(
    "monitoring-alarms-have-runbook",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.ALARM, aws.COMPOSITE_ALARM],
    documentation=f"{CLOUDWATCH_GUIDE}/AlarmThatSendsEmail.html",
    remediation='End alarm_description with "Runbook: " and the place, such as docs/runbooks.md#higherrorrate.',
)
def alarms_have_runbook(alarm: StackResource, _: Context) -> Iterator[Problem]:
    """Alarms name their runbook."""
    if RUNBOOK not in str(alarm.get("alarmDescription") or ""):
        yield "names no runbook: the person on call does not know what to do"


@rule(
    "monitoring-p1-alarms-are-not-muted",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.ALARM_MUTE_RULE],
    scope=Scope.STACK,
    documentation=f"{CLOUDWATCH_GUIDE}/alarm-mute-rules.html",
    remediation="Remove the alarm from mute_targets.",
)
def p1_alarms_are_not_muted(mute_rule: StackResource, context: Context) -> Iterator[Problem]:
    """Mute rules do not mute alarms of severity P1."""
    kinds = (aws.ALARM, aws.COMPOSITE_ALARM)
    for alarm in (each for kind in kinds for each in context.stack.targets(mute_rule, "muteTargets.alarmNames", kind)):
        if aws.tags_of(alarm).get(SEVERITY_TAG) == NEVER_MUTED:
            yield f"mutes {alarm.name}, which has severity P1: an outage during maintenance is not reported"


@rule(
    "monitoring-chat-guardrails-are-restricted",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.SLACK_CHANNEL, aws.TEAMS_CHANNEL],
    documentation="https://docs.aws.amazon.com/chatbot/latest/adminguide/understanding-permissions.html",
    remediation="Set guardrail_policy_arns, for instance to CloudWatchReadOnlyAccess.",
)
def chat_guardrails_are_restricted(channel: StackResource, _: Context) -> Iterator[Problem]:
    """Chat channels have guardrail policies without administrator permissions."""
    guardrails = channel.texts("guardrailPolicyArns")
    if not guardrails or any(policy.endswith(aws.ADMINISTRATOR_POLICIES) for policy in guardrails):
        yield "has no restricting guardrail policy: AWS's default is AdministratorAccess"
