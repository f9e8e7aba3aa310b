"""The check of the e-mail addresses that receive alarms."""

from doctor.context import Context
from doctor.finding import Check, Finding, Stage, later, missing, ok

PENDING = "PendingConfirmation"
"""Stands in place of the ARN of a subscription until its receiver confirms it."""


def check_subscriptions(context: Context) -> Finding:
    """Every address has confirmed its subscriptions: AWS sends nothing before that."""
    subscriptions = [
        each for each in context.pages("sns", "list_subscriptions", "Subscriptions") if each["Protocol"] == "email"
    ]
    sns = context.client("sns")
    own_topics = {
        topic
        for topic in {each["TopicArn"] for each in subscriptions}
        if context.owns(sns.list_tags_for_resource(ResourceArn=topic)["Tags"])
    }
    own = [each for each in subscriptions if each["TopicArn"] in own_topics]
    if not own:
        addresses = ", ".join(context.settings.notifications.email)
        return later(f"`up` makes AWS send e-mails to {addresses}: each must be confirmed by its link.")
    pending = sorted((each for each in own if each["SubscriptionArn"] == PENDING), key=lambda each: each["TopicArn"])
    if pending:
        commands = [
            f"aws sns subscribe --region {context.region} --protocol email --topic-arn {each['TopicArn']} "
            f"--notification-endpoint {each['Endpoint']}"
            for each in pending
        ]
        waiting = ", ".join(sorted({each["Endpoint"] for each in pending}))
        return missing(
            f"{waiting} has not confirmed {len(pending)} of {len(own)} subscriptions. Open the links in the e-mails of "
            "AWS; the commands send them again.",
            "\n".join(commands),
        )
    return ok(f"All {len(own)} e-mail subscriptions are confirmed.")


CHECKS = (Check(title="Alarm e-mails", stage=Stage.BEFORE_ALARMS, run=check_subscriptions),)
