"""One outage is one message: the alarm of a complete outage, and alarms that are quiet while it tells.

The states of the metric alarms stay what they are, for the dashboard and for rollouts. A composite alarm costs 0.50 USD
a month.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared.alarm_specification import AlarmSpecification, InOutage, Severity, describe
from components.shared.identity import StackIdentity

API_DOWN = "ApiDown"
SUMMARY = "The API is down: nobody can use it"
UNLESS_DOWN = "-unless-down"
WAIT_SECONDS = 240
"""Requests fail at once. That no server is healthy is known after three checks of 10 s and two whole minutes."""
EXTENSION_SECONDS = 360
"""Errors of the outage are in the sum of five minutes for so long after its end."""


@dataclass(frozen=True, kw_only=True)
class OutageArgs:
    identity: StackIdentity
    topic_arns: Mapping[Severity, pulumi.Input[str]]
    specifications: Sequence[AlarmSpecification]
    alarms: Mapping[str, aws.cloudwatch.MetricAlarm]
    """By the names of the specifications."""

    def alarm_name(self, name: str) -> str:
        """Physical name."""
        return self.identity.physical_name(
            "aws:cloudwatch/compositeAlarm:CompositeAlarm", f"{self.identity.prefix}-{name}"
        )


def name_of_telling(specification: AlarmSpecification) -> str:
    """Return the name of the alarm that tells of what an alarm sees."""
    names = {InOutage.SHOWS_IT: API_DOWN, InOutage.FOLLOWS: f"{specification.name}{UNLESS_DOWN}"}
    return names.get(specification.in_outage, specification.name)


def create_outage_alarms(
    name: str, args: OutageArgs, child: pulumi.ResourceOptions
) -> Mapping[str, aws.cloudwatch.CompositeAlarm]:
    """Return the alarms that tell of others, by their own names. There is none if no alarm shows an outage."""
    showing = [args.alarms[each.name].name for each in args.specifications if each.in_outage is InOutage.SHOWS_IT]
    if not showing:
        return {}
    p1 = [args.topic_arns[Severity.P1]]
    api_down = aws.cloudwatch.CompositeAlarm(
        f"{name}-{API_DOWN}",
        alarm_name=args.alarm_name(API_DOWN),
        alarm_description=describe(API_DOWN, Severity.P1, SUMMARY),
        alarm_rule=_any_of(showing),
        alarm_actions=p1,
        ok_actions=p1,
        tags={"Severity": str(Severity.P1)},
        opts=child,
    )
    following = [each for each in args.specifications if each.in_outage is InOutage.FOLLOWS]
    quiet = {name_of_telling(each): _unless_down(name, args, each, api_down.alarm_name, child) for each in following}
    return {API_DOWN: api_down, **quiet}


def _unless_down(
    name: str,
    args: OutageArgs,
    specification: AlarmSpecification,
    api_down: pulumi.Input[str],
    child: pulumi.ResourceOptions,
) -> aws.cloudwatch.CompositeAlarm:
    told_as = name_of_telling(specification)
    return aws.cloudwatch.CompositeAlarm(
        f"{name}-{told_as}",
        alarm_name=args.alarm_name(told_as),
        alarm_description=specification.description,
        alarm_rule=_any_of([args.alarms[specification.name].name]),
        actions_suppressor={"alarm": api_down, "wait_period": WAIT_SECONDS, "extension_period": EXTENSION_SECONDS},
        alarm_actions=[args.topic_arns[specification.severity]],
        # CloudWatch sends the end of what it has held back as well. From this topic it reaches the function only, which
        # tells of no end whose beginning it has not told; a mail as it comes would be one more of the same outage.
        ok_actions=[args.topic_arns[Severity.P4]],
        tags={"Severity": str(specification.severity)},
        opts=child,
    )


def _any_of(names: Sequence[pulumi.Output[str]]) -> pulumi.Output[str]:
    return pulumi.Output.all(*names).apply(lambda known: " OR ".join(f'ALARM("{each}")' for each in known))
