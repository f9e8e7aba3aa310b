"""Messages to operators: one encrypted SNS topic for each of the guide's severities."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.notifications import NotificationsSettings
from components.shared import iam
from components.shared.alarm_specification import Severity
from components.shared.keys import StackContext


@dataclass(frozen=True, kw_only=True)
class NotificationsArgs:
    settings: NotificationsSettings
    stack: StackContext


class Notifications(pulumi.ComponentResource):
    """SNS topics P1 to P4 and their e-mail subscriptions."""

    topic_arns: Mapping[Severity, pulumi.Output[str]]
    """Known only after the topic's policy allows alarms to publish."""

    def __init__(self, name: str, args: NotificationsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Notifications", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.topic_arns = {severity: self._create_topic(severity) for severity in Severity}

        self.register_outputs({"topic_arns": {str(s): arn for s, arn in self.topic_arns.items()}})

    def _create_topic(self, severity: Severity) -> pulumi.Output[str]:
        name = f"{self._name}-{severity.lower()}"
        topic = aws.sns.Topic(
            name,
            display_name=f"{self._args.stack.identity.prefix} {severity}: {severity.meaning}",
            kms_master_key_id=self._args.stack.keys.notifications,
            opts=self._child,
        )
        policy = aws.sns.TopicPolicy(
            f"{name}-policy", arn=topic.arn, policy=self._policy_document(topic.arn), opts=self._child
        )
        for number, address in enumerate(self._args.settings.email, start=1):
            aws.sns.TopicSubscription(
                f"{name}-email-{number}", topic=topic.arn, protocol="email", endpoint=address, opts=self._child
            )
        return pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))

    def _policy_document(self, topic_arn: pulumi.Output[str]) -> pulumi.Output[str]:
        return iam.document(
            iam.statement(
                "AlarmsAndEventsPublish",
                principals={"Service": ["cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]},
                actions=["sns:Publish"],
                resources=[topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self._args.stack.identity.account_id}},
            ),
            iam.statement(
                "TlsOnly",
                effect="Deny",
                principals=iam.ANY_PRINCIPAL,
                actions=["sns:Publish"],
                resources=[topic_arn],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            ),
        )
