"""SNS topics: encrypted, and published to over TLS only."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.shared import iam
from components.shared.keys import StackContext

ALARM_PUBLISHERS = ("cloudwatch.amazonaws.com", "events.rds.amazonaws.com")
COST_PUBLISHERS = ("budgets.amazonaws.com", "costalerts.amazonaws.com")
"""AWS Budgets and Cost Anomaly Detection."""


def create_topic(
    name: str, meaning: str, stack: StackContext, publishers: Sequence[str], options: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return the ARN of a new topic, known only after its policy lets these services publish for the account.

    Without any service, the account's own identities publish, each by its own policy.
    """
    topic = aws.sns.Topic(
        name,
        display_name=f"{stack.identity.prefix} {meaning}",
        kms_master_key_id=stack.keys.notifications,
        opts=options,
    )
    policy = aws.sns.TopicPolicy(
        f"{name}-policy",
        arn=topic.arn,
        policy=iam.document(*_statements(topic.arn, publishers, stack.identity.account_id)),
        opts=options,
    )
    return pulumi.Output.all(topic.arn, policy.id).apply(lambda known: str(known[0]))


def subscribe(
    name: str, topic_arn: pulumi.Input[str], addresses: Sequence[str], options: pulumi.ResourceOptions
) -> None:
    """Mail what is published to a topic. Each address must confirm once."""
    for number, address in enumerate(addresses, start=1):
        aws.sns.TopicSubscription(
            f"{name}-email-{number}", topic=topic_arn, protocol="email", endpoint=address, opts=options
        )


def _statements(topic_arn: pulumi.Output[str], publishers: Sequence[str], account_id: str) -> Sequence[iam.Statement]:
    publish = iam.statement(
        "AlarmsAndEventsPublish",
        principals={"Service": list(publishers)},
        actions=["sns:Publish"],
        resources=[topic_arn],
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
    )
    tls_only = iam.statement(
        "TlsOnly",
        effect="Deny",
        principals=iam.ANY_PRINCIPAL,
        actions=["sns:Publish"],
        resources=[topic_arn],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
    return [publish, tls_only] if publishers else [tls_only]
