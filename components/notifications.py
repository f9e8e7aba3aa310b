"""Messages to operators: one encrypted SNS topic for each of the guide's severities."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.sections.notifications import NotificationsSettings
from components.shared.alarm_specification import Severity
from components.shared.keys import StackContext
from components.shared.topics import ALARM_PUBLISHERS, COST_PUBLISHERS, create_topic, subscribe

OF_COSTS = (Severity.P3, Severity.P4)
"""Severities of messages about costs: components/costs.py."""


@dataclass(frozen=True, kw_only=True)
class NotificationsArgs:
    settings: NotificationsSettings
    stack: StackContext


class Notifications(pulumi.ComponentResource):
    """SNS topics P1 to P4. P1 is mailed as it comes, so that an outage is told without any code of ours."""

    topic_arns: Mapping[Severity, pulumi.Output[str]]
    """Known only after the topic's policy allows alarms to publish."""

    def __init__(self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Notifications", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.topic_arns = {severity: self._create_topic(severity) for severity in Severity}
        subscribe(f"{name}-p1", self.topic_arns[Severity.P1], args.settings.email, self._child)

        self.register_outputs({"topic_arns": {str(s): arn for s, arn in self.topic_arns.items()}})

    def _create_topic(self, severity: Severity) -> pulumi.Output[str]:
        return create_topic(
            f"{self._name}-{severity.lower()}",
            f"{severity}: {severity.meaning}",
            self._args.stack,
            [*ALARM_PUBLISHERS, *(COST_PUBLISHERS if severity in OF_COSTS else ())],
            self._child,
        )
