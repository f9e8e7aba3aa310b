"""Monitoring services integrated: whoever is woken knows how urgent it is and what to do; nothing urgent is muted."""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.environment import tags_of
from policies.rules.identity import ADMINISTRATORS
from policies.watch import ALARM

COMPOSITE_ALARM: Final = "aws:cloudwatch/compositeAlarm"
MUTE_RULE: Final = "aws:cloudwatch/alarmMuteRule"
SEVERITY_TAG: Final = "Severity"
SEVERITIES: Final = ("P1", "P2", "P3", "P4")
NEVER_MUTED: Final = "P1"
RUNBOOK: Final = "Runbook:"
CHAT_GUIDE: Final = "https://docs.aws.amazon.com/chatbot/latest/adminguide/understanding-permissions.html"
CLOUDWATCH_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring"


def _names_its_severity(alarm: StackResource, _: Context) -> Iterator[Problem]:
    if tags_of(alarm).get(SEVERITY_TAG) not in SEVERITIES:
        yield "does not say how urgent it is: nobody knows whether to get up"


def _names_its_runbook(alarm: StackResource, _: Context) -> Iterator[Problem]:
    if RUNBOOK not in str(alarm.get("alarmDescription") or ""):
        yield "does not say what to do: whoever is woken begins by searching"


def _mutes_nothing_critical(rule: StackResource, context: Context) -> Iterator[Problem]:
    for alarm in context.stack.targets(rule, "muteTargets.alarmNames", ALARM):
        if tags_of(alarm).get(SEVERITY_TAG) == NEVER_MUTED:
            yield f"mutes {alarm.name}, which tells of an outage: maintenance is when outages happen"


def _acts_within_limits(channel: StackResource, _: Context) -> Iterator[Problem]:
    guardrails = channel.texts("guardrailPolicyArns")
    if not guardrails or any(policy.endswith(ADMINISTRATORS) for policy in guardrails):
        yield "lets the channel do whatever its role may, and AWS's default is an administrator's rights"


RULES = (
    Rule(
        name="monitoring-alarms-have-severity",
        description="Alarms carry the guide's severity, P1 to P4.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.LOW,
        documentation=f"{CLOUDWATCH_GUIDE}/AlarmThatSendsEmail.html",
        resource_types=frozenset({ALARM, COMPOSITE_ALARM}),
        check=_names_its_severity,
        remediation="Set the tag Severity to P1, P2, P3 or P4.",
    ),
    Rule(
        name="monitoring-alarms-have-runbook",
        description="Alarms say where it is written what to do.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.LOW,
        documentation=f"{CLOUDWATCH_GUIDE}/AlarmThatSendsEmail.html",
        resource_types=frozenset({ALARM, COMPOSITE_ALARM}),
        check=_names_its_runbook,
        remediation='End alarm_description with "Runbook: " and the place, such as docs/runbooks.md#higherrorrate.',
    ),
    Rule(
        name="monitoring-p1-alarms-are-not-muted",
        description="No mute rule silences an alarm of severity P1.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.HIGH,
        documentation=f"{CLOUDWATCH_GUIDE}/alarm-mute-rules.html",
        scope=Scope.STACK,
        resource_types=frozenset({MUTE_RULE}),
        check=_mutes_nothing_critical,
        remediation="Take the alarm out of mute_targets.",
    ),
    Rule(
        name="monitoring-chat-guardrails-are-restricted",
        description="Chat channels have a guardrail that is no administrator's policy.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.HIGH,
        documentation=CHAT_GUIDE,
        resource_types=frozenset({"aws:chatbot/slackChannelConfiguration", "aws:chatbot/teamsChannelConfiguration"}),
        check=_acts_within_limits,
        remediation="Set guardrail_policy_arns, for instance to CloudWatchReadOnlyAccess.",
    ),
)
