"""What happens with an alarm's message: a function tells Slack and people, and reminds them until somebody answers.

    topics P1..P4 -> queue -> function -> Slack, topic "mail"
    schedules (heartbeat, deadlines) -> queue

A queue, because it keeps a message for two weeks until the function has done its work; SNS would call it a few times,
then drop the message. The function is in components/files/functions/notifier; docs/incidents.md tells more.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.notifications import NotificationsSettings, Weekday
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, MetricMath, Severity
from components.shared.functions import FunctionArgs, Scheduler, create_function, create_scheduler
from components.shared.keys import StackContext
from components.shared.topics import create_topic, subscribe

SECONDS = 30
AT_ONCE = 2
"""Slack takes about one message a second."""
VISIBILITY_SECONDS = 6 * SECONDS
"""AWS's advice for a queue that invokes a function."""
MOST_RECEIVES = 12
"""With the function's delays, an hour and twenty minutes without Slack."""
KEPT_SECONDS = 14 * 24 * 3600
"""The longest that SQS keeps a message."""
LATE_SECONDS = 300
SILENT_HOURS = 2
HEARTBEAT_METRIC = "NotifierHeartbeat"
SLACK_SECRET = "SLACK_WEBHOOK_URL"


@dataclass(frozen=True, kw_only=True)
class IncidentsArgs:
    settings: NotificationsSettings
    stack: StackContext
    topic_arns: Mapping[Severity, pulumi.Output[str]]


class Incidents(pulumi.ComponentResource):
    """Queue, table, function and topics. What watches the function itself is mailed without it."""

    watchdog_topic_arn: pulumi.Output[str]
    dead_letters_arn: pulumi.Output[str]
    """Queue of what could not be done, of which an alarm of the watchdog tells."""
    mail_topics: Sequence[tuple[pulumi.Output[str], int]]
    """Topics that mail people, and how many addresses each has."""
    alarms: Sequence[AlarmSpecification]
    """Of the function. They belong to the watchdog's topic and to no other: a broken function reports nothing."""

    def __init__(self, name: str, args: IncidentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Incidents", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._prefix = args.stack.identity.prefix

        self._dead_letters, self._queue = self._create_queues()
        self.dead_letters_arn = self._dead_letters.arn
        self._subscribe_queue()
        self._mail_topic_arn = self._create_mail()
        self.watchdog_topic_arn = self._create_watchdog()
        people, escalation = len(args.settings.email), args.settings.escalation_email
        self.mail_topics = [
            (args.topic_arns[Severity.P1], people),
            (self._mail_topic_arn, people + (escalation is not None)),
            (self.watchdog_topic_arn, people),
        ]
        self._table = self._create_table()
        self._secret_arn = self._create_secret().arn if args.settings.slack else pulumi.Output.from_input("")
        self._scheduler = self._create_schedules()
        function = self._create_function()
        self.alarms = self._alarms(function.name)

        self.register_outputs({"function": function.name, "queue": self._queue.name})

    def _create_queues(self) -> tuple[aws.sqs.Queue, aws.sqs.Queue]:
        dead_letters = self._create_queue("dead-letters", None)
        redrive = dead_letters.arn.apply(
            lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MOST_RECEIVES}, sort_keys=True)
        )
        return dead_letters, self._create_queue("queue", redrive)

    def _create_queue(self, what: str, redrive_policy: pulumi.Output[str] | None) -> aws.sqs.Queue:
        suffix = "incidents" if redrive_policy is not None else "incidents-dead-letters"
        return aws.sqs.Queue(
            f"{self._name}-{what}",
            name=self._args.stack.identity.physical_name("aws:sqs/queue:Queue", f"{self._prefix}-{suffix}"),
            kms_master_key_id=self._args.stack.keys.notifications,
            message_retention_seconds=KEPT_SECONDS,
            visibility_timeout_seconds=VISIBILITY_SECONDS,
            redrive_policy=redrive_policy,
            opts=self._child,
        )

    def _subscribe_queue(self) -> None:
        """Of the topics, only these may send; the scheduler sends by its role."""
        topics = self._args.topic_arns
        policy = aws.sqs.QueuePolicy(
            f"{self._name}-queue-policy",
            queue_url=self._queue.url,
            policy=iam.document(
                iam.statement(
                    "TopicsSend",
                    principals={"Service": "sns.amazonaws.com"},
                    actions=["sqs:SendMessage"],
                    resources=[self._queue.arn],
                    conditions={"ArnEquals": {"aws:SourceArn": list(topics.values())}},
                ),
                _tls_only(self._queue.arn),
            ),
            opts=self._child,
        )
        aws.sqs.QueuePolicy(
            f"{self._name}-dead-letters-policy",
            queue_url=self._dead_letters.url,
            policy=iam.document(_tls_only(self._dead_letters.arn)),
            opts=self._child,
        )
        for severity, topic in topics.items():
            aws.sns.TopicSubscription(
                f"{self._name}-{severity.lower()}",
                topic=topic,
                protocol="sqs",
                endpoint=self._queue.arn,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )

    def _create_mail(self) -> pulumi.Output[str]:
        """By SNS: there is no sender's address to prove, and no password of a mail server to keep."""
        name, settings = f"{self._name}-mail", self._args.settings
        topic = create_topic(name, "incidents", self._args.stack, [], self._child)
        subscribe(name, topic, settings.email, self._child)
        if settings.escalation_email is not None:
            aws.sns.TopicSubscription(
                f"{name}-escalation",
                topic=topic,
                protocol="email",
                endpoint=settings.escalation_email,
                filter_policy=json.dumps({"escalated": ["true"]}),
                opts=self._child,
            )
        return topic

    def _create_watchdog(self) -> pulumi.Output[str]:
        name = f"{self._name}-watchdog"
        publishers = ["cloudwatch.amazonaws.com"]
        topic = create_topic(name, "watchdog of the incidents", self._args.stack, publishers, self._child)
        subscribe(name, topic, self._args.settings.email, self._child)
        return topic

    def _create_table(self) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            f"{self._name}-table",
            name=self._args.stack.identity.physical_name("aws:dynamodb/table:Table", f"{self._prefix}-incidents"),
            billing_mode="PAY_PER_REQUEST",
            hash_key="subject",
            range_key="detail",
            attributes=[{"name": "subject", "type": "S"}, {"name": "detail", "type": "S"}],
            ttl={"attribute_name": "expires", "enabled": True},
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True, "kms_key_arn": self._args.stack.keys.notifications},
            deletion_protection_enabled=self._args.settings.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.settings.protect),
        )

    def _create_secret(self) -> aws.secretsmanager.Secret:
        """Empty: the address of the webhook is its password, and an operator writes it."""
        identity = self._args.stack.identity
        return aws.secretsmanager.Secret(
            f"{self._name}-slack",
            name_prefix=identity.physical_name(
                "aws:secretsmanager/secret:Secret", f"{identity.project}/{identity.environment}/{SLACK_SECRET}-"
            ),
            description="Slack: address of the webhook that incidents are posted to",
            kms_key_id=self._args.stack.keys.secrets,
            recovery_window_in_days=self._args.settings.recovery_window_days,
            opts=self._child,
        )

    def _create_schedules(self) -> Scheduler:
        """What puts heartbeats, and the function's reminders, into the queue."""
        send = [
            iam.statement("Send", actions=["sqs:SendMessage"], resources=[self._queue.arn, self._dead_letters.arn]),
            self._use_key("EncryptMessages", "sqs"),
        ]
        scheduler = create_scheduler(self._name, "incidents", self._args.stack.identity, send, self._child)
        aws.scheduler.Schedule(
            f"{self._name}-heartbeat",
            name="heartbeat",
            group_name=scheduler.group_name,
            description="Shows that the queue of incidents and its function work",
            schedule_expression="rate(1 hour)",
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": self._queue.arn,
                "role_arn": scheduler.role.arn,
                "input": json.dumps({"heartbeat": True}),
                "dead_letter_config": {"arn": self._dead_letters.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[scheduler.policy]),
        )
        return scheduler

    def _create_function(self) -> aws.lambda_.Function:
        _, function = create_function(
            self._name,
            FunctionArgs(
                stack=self._args.stack,
                package="notifier",
                description="Tells Slack and people of incidents; docs/incidents.md",
                seconds=SECONDS,
                variables=self._variables(),
                statements=self._permissions(),
                at_once=AT_ONCE,
            ),
            self._child,
        )
        aws.lambda_.EventSourceMapping(
            f"{self._name}-event-source",
            function_name=function.arn,
            event_source_arn=self._queue.arn,
            batch_size=1,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config={"maximum_concurrency": AT_ONCE},
            opts=self._child,
        )
        return function

    def _variables(self) -> Mapping[str, pulumi.Input[str]]:
        settings = self._args.settings
        severities = {str(severity): arn for severity, arn in self._args.topic_arns.items()}
        days = list(Weekday)
        return {
            "TABLE": self._table.name,
            "QUEUE_URL": self._queue.url,
            "QUEUE_ARN": self._queue.arn,
            "DEAD_LETTERS_ARN": self._dead_letters.arn,
            "MAIL_TOPIC_ARN": self._mail_topic_arn,
            "SLACK_SECRET_ARN": self._secret_arn,
            "SEVERITIES": pulumi.Output.all(**severities).apply(
                lambda arns: json.dumps({arn: severity for severity, arn in arns.items()}, sort_keys=True)
            ),
            "SCHEDULE_GROUP": self._scheduler.group_name,
            "SCHEDULE_ROLE_ARN": self._scheduler.role.arn,
            "METRIC_NAMESPACE": self._prefix,
            "BUSINESS_DAYS": json.dumps(sorted(days.index(day) for day in settings.business_days)),
            "BUSINESS_DAY_END_HOUR": str(settings.business_day_end_hour),
            "HOLIDAYS": json.dumps(sorted(day.isoformat() for day in settings.holidays)),
        }

    def _permissions(self) -> Sequence[iam.Statement]:
        identity = self._args.stack.identity
        schedules = pulumi.Output.concat(
            f"arn:aws:scheduler:{identity.arn_scope}:schedule/", self._scheduler.group_name, "/remind-*"
        )
        statements = [
            iam.statement(
                "TakeMessages",
                actions=iam.actions("sqs", "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage"),
                resources=[self._queue.arn],
            ),
            iam.statement(
                "KeepIncidents",
                actions=iam.actions("dynamodb", "DeleteItem GetItem PutItem Query UpdateItem"),
                resources=[self._table.arn],
            ),
            iam.statement("SendMail", actions=["sns:Publish"], resources=[self._mail_topic_arn]),
            iam.statement("Remind", actions=["scheduler:CreateSchedule"], resources=[schedules]),
            iam.statement(
                "LetSchedulerSend",
                actions=["iam:PassRole"],
                resources=[self._scheduler.role.arn],
                conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
            ),
            iam.statement(
                "WriteHeartbeat",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": self._prefix}},
            ),
            self._use_key("UseKey", "sqs", "sns", "dynamodb"),
        ]
        return [*statements, *self._read_secret()]

    def _read_secret(self) -> Sequence[iam.Statement]:
        if not self._args.settings.slack:
            return []
        identity = self._args.stack.identity
        return [
            iam.statement("ReadAddress", actions=["secretsmanager:GetSecretValue"], resources=[self._secret_arn]),
            iam.statement(
                "DecryptAddress",
                actions=["kms:Decrypt"],
                resources=[self._args.stack.keys.secrets],
                conditions=iam.through(identity.region, "secretsmanager"),
            ),
        ]

    def _use_key(self, sid: str, *services: str) -> iam.Statement:
        """The key of messages and incidents, through these services only."""
        return iam.statement(
            sid,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[self._args.stack.keys.notifications],
            conditions=iam.through(self._args.stack.identity.region, *services),
        )

    def _alarms(self, function: pulumi.Output[str]) -> Sequence[AlarmSpecification]:
        def of_function(metric_name: str) -> Metric:
            return Metric(
                namespace="AWS/Lambda",
                metric_name=metric_name,
                dimensions={"FunctionName": function},
                statistic="Sum",
            )

        def of_queue(metric_name: str, queue: aws.sqs.Queue) -> Metric:
            return Metric(
                namespace="AWS/SQS",
                metric_name=metric_name,
                dimensions={"QueueName": queue.name},
                statistic="Maximum",
            )

        heartbeat = Metric(namespace=self._prefix, metric_name=HEARTBEAT_METRIC, dimensions={}, statistic="Sum")
        dropped = Metric(
            namespace="AWS/Scheduler",
            metric_name="InvocationDroppedCount",
            dimensions={"ScheduleGroup": self._scheduler.group_name},
            statistic="Sum",
        )
        summaries: Mapping[str, tuple[str, Metric, float, str]] = {
            "NotifierFails": ("The function that tells of incidents fails", of_function("Errors"), 0, "errors"),
            "NotifierThrottled": (
                "The function that tells of incidents is refused",
                of_function("Throttles"),
                0,
                "calls",
            ),
            "ReminderNotSent": (
                "A reminder of an incident, or a heartbeat, could not be put into the queue",
                dropped,
                0,
                "messages",
            ),
            "IncidentNotDelivered": (
                "A message of an incident could not be delivered, or the watchman could not be called",
                of_queue("ApproximateNumberOfMessagesVisible", self._dead_letters),
                0,
                "messages",
            ),
            "IncidentLate": (
                f"A message of an incident has waited for more than {LATE_SECONDS} seconds",
                of_queue("ApproximateAgeOfOldestMessage", self._queue),
                LATE_SECONDS,
                "s",
            ),
        }
        alarms = [
            AlarmSpecification(
                name=name,
                summary=summary,
                severity=Severity.P2,
                measure=metric,
                threshold=threshold,
                unit=unit,
                section=DashboardSection.JOBS,
                period_seconds=300,
                evaluation_periods=1,
            )
            for name, (summary, metric, threshold, unit) in summaries.items()
        ]
        silent = AlarmSpecification(
            name="NotifierSilent",
            summary=f"The function that tells of incidents has shown no sign of life for {SILENT_HOURS} hours",
            severity=Severity.P2,
            # An hour without a heartbeat has no metric.
            measure=MetricMath(expression="FILL(beats, 0)", metrics={"beats": heartbeat}),
            comparison="LessThanThreshold",
            threshold=1,
            unit="heartbeats",
            section=DashboardSection.JOBS,
            period_seconds=3600,
            evaluation_periods=SILENT_HOURS,
            treat_missing_data="breaching",
        )
        return [*alarms, silent]


def _tls_only(queue_arn: pulumi.Output[str]) -> iam.Statement:
    return iam.statement(
        "TlsOnly",
        effect="Deny",
        principals=iam.ANY_PRINCIPAL,
        actions=["sqs:*"],
        resources=[queue_arn],
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )
