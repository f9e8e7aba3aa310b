"""Monitoring services integrated: the guide's three alarms with its numbers, and a way from every alarm to a person."""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, statements
from policies.engine.patterns import must_be, must_be_at_least, must_be_set, must_contain, must_have, must_not_be
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope, Setting
from policies.rules.database_access import CACHE, DATABASE, is_primary
from policies.rules.encryption import KEY, LOG_GROUP, TOPIC
from policies.rules.rate_limits import LOAD_BALANCER, is_public_application_load_balancer
from policies.rules.required_alarms import ABOVE
from policies.watch import ALARM, Measurement, index_alarms

ALARM_SERVICE: Final = "cloudwatch.amazonaws.com"
CLOUDWATCH_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest"
ALARMS_GUIDE: Final = f"{CLOUDWATCH_GUIDE}/monitoring/AlarmThatSendsEmail.html"
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
SERVER_ERROR_METRICS: Final = frozenset({"HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count"})
HIGH_PERCENTILES: Final = frozenset({"p95", "p99", "p99.9"})
PERCENT_METRICS: Final = frozenset(
    {
        "BurstBalance",
        "CPUUtilization",
        "DatabaseMemoryUsagePercentage",
        "EngineCPUUtilization",
        "MemoryUtilization",
    }
)
EXPORTED_LOGS: Final = ("postgresql", "upgrade")
DECRYPT_ACTIONS: Final = ("kms:Decrypt", "kms:GenerateDataKey")


def _is_ratio(alarm: StackResource) -> bool:
    """A share of errors is another thing than a number of errors: at night one error is a high share."""
    return any("/" in str(query.get("expression") or "") for query in alarm.items("metricQueries"))


def _rises_above(alarm: StackResource, threshold: float, window_seconds: int, measurement: Measurement) -> bool:
    """Tell whether an alarm fires at this threshold, or a lower one, within this time, or sooner."""
    return bool(
        alarm.get("comparisonOperator") in ABOVE
        and alarm.get("actionsEnabled") is not False
        and alarm.get("threshold") <= threshold
        and 0 < measurement.period_seconds * alarm.get("evaluationPeriods") <= window_seconds
    )


def _server_errors_are_watched(balancer: StackResource, context: Context) -> Iterator[Problem]:
    errors = context.settings["errors_in_300_seconds"]
    watch = context.stack.derived(index_alarms)
    for alarm, measurement in watch.on(balancer):
        if (
            measurement.metric in SERVER_ERROR_METRICS
            and measurement.statistic == "Sum"
            and not _is_ratio(alarm)
            and _rises_above(alarm, errors, 300, measurement)
        ):
            return
    watch.require_known()
    yield f"has no alarm for more than {errors} server errors in 300 s (the guide's HighErrorRate): users notice first"


def _response_time_is_watched(balancer: StackResource, context: Context) -> Iterator[Problem]:
    seconds = context.settings["seconds"]
    watch = context.stack.derived(index_alarms)
    for alarm, measurement in watch.on(balancer):
        if (
            measurement.metric == "TargetResponseTime"
            and measurement.statistic in HIGH_PERCENTILES
            and _rises_above(alarm, seconds, 300, measurement)
        ):
            return
    watch.require_known()
    yield f"has no alarm for a 95th percentile above {seconds} s for 5 minutes (the guide's ResponseTimeHigh)"


def _connections_are_watched(database: StackResource, context: Context) -> Iterator[Problem]:
    connections = context.settings["connections"]
    watch = context.stack.derived(index_alarms)
    for alarm, measurement in watch.on(database):
        if measurement.metric == "DatabaseConnections" and _rises_above(alarm, connections, 120, measurement):
            return
    watch.require_known()
    yield (
        f"has no alarm for more than {connections} connections for 2 minutes (the guide's DatabaseConnectionHigh): "
        "the next request gets none"
    )


def _is_in_percent(alarm: StackResource) -> bool:
    return str(alarm.get("metricName") or "") in PERCENT_METRICS


def _can_fire(alarm: StackResource, _: Context) -> Iterator[Problem]:
    if not 0 <= alarm.get("threshold") <= 100:
        yield f"waits for {alarm.get('threshold')} percent and can never fire"


def _logs_have_their_groups(database: StackResource, context: Context) -> Iterator[Problem]:
    for log in database.texts("enabledCloudwatchLogsExports"):
        group = f"/aws/rds/instance/{database.get('identifier')}/{log}"
        if not context.stack.named(LOG_GROUP, group):
            yield f"makes its log group for {log} itself: without a key of ours, and for ever"


def _alarm_may_publish(topic: StackResource, context: Context) -> Iterator[Problem]:
    """An alarm whose message cannot be encrypted is dropped, and nobody is told."""
    stack = context.stack
    if not stack.referrers(topic, ALARM, "alarmActions") or not topic.is_set("kmsMasterKeyId"):
        return
    for key in stack.targets(topic, "kmsMasterKeyId", KEY):
        if not any(_lets_alarms_encrypt(statement) for statement in statements(key, "policy")):
            yield f"is encrypted under {key.name}, which alarms may not use: their messages are dropped in silence"


def _lets_alarms_encrypt(statement: Statement) -> bool:
    granted = [action.rstrip("*") for action in statement.actions]
    return (
        statement.allows
        and ALARM_SERVICE in statement.principals.get("Service", ())
        and all(any(action.startswith(start) for start in granted) for action in DECRYPT_ACTIONS)
    )


def _topic_takes_alarms(topic: StackResource, context: Context) -> Iterator[Problem]:
    """A topic with a policy of its own takes messages from nobody whom the policy does not name."""
    stack = context.stack
    if not stack.referrers(topic, ALARM, "alarmActions"):
        return
    policies = stack.referrers(topic, "aws:sns/topicPolicy", "arn")
    found = [statement for policy in policies for statement in statements(policy, "policy")]
    if found and not any(s.allows and ALARM_SERVICE in s.principals.get("Service", ()) for s in found):
        yield "has a policy that lets alarms publish nothing: nobody is told"


RULES = (
    Rule(
        name="monitoring-server-error-alarm-exists",
        description="More than 30 server errors in 5 minutes raise an alarm.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.HIGH,
        documentation=ALARMS_GUIDE,
        scope=Scope.STACK,
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=is_public_application_load_balancer,
        check=_server_errors_are_watched,
        remediation="Keep the alarm HighErrorRate: Sum of HTTPCode_Target_5XX_Count over 300 s, threshold 30.",
        settings={
            "errors_in_300_seconds": Setting(default=30, minimum=1, maximum=10_000, description="Errors in 5 minutes")
        },
    ),
    Rule(
        name="monitoring-response-time-alarm-exists",
        description="A 95th percentile above 1 s for 5 minutes raises an alarm.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.MEDIUM,
        documentation=ALARMS_GUIDE,
        scope=Scope.STACK,
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=is_public_application_load_balancer,
        check=_response_time_is_watched,
        remediation="Keep the alarm ResponseTimeHigh: p95 of TargetResponseTime, 5 periods of 60 s, threshold 1.",
        settings={"seconds": Setting(default=1, minimum=1, maximum=60, description="Seconds")},
    ),
    Rule(
        name="monitoring-database-connection-alarm-exists",
        description="More than 80 database connections for 2 minutes raise an alarm.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.MEDIUM,
        documentation=ALARMS_GUIDE,
        scope=Scope.STACK,
        resource_types=frozenset({DATABASE}),
        applies_to=is_primary,
        check=_connections_are_watched,
        remediation="Set `connection_alarm_threshold` in `fixrx:database` to 80 or less.",
        settings={"connections": Setting(default=80, minimum=1, maximum=5000, description="Connections")},
    ),
    Rule(
        name="monitoring-alarms-have-actions",
        description="Every alarm has an action.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.HIGH,
        security_hub=("CloudWatch.15",),
        resource_types=frozenset({ALARM, "aws:cloudwatch/compositeAlarm"}),
        check=must_be_set("alarmActions", "tells nobody when it fires"),
        remediation="Set alarm_actions to the topic of its severity.",
    ),
    Rule(
        name="monitoring-alarm-actions-enabled",
        description="No alarm has its actions switched off.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.HIGH,
        security_hub=("CloudWatch.17",),
        resource_types=frozenset({ALARM, "aws:cloudwatch/compositeAlarm"}),
        check=must_not_be("actionsEnabled", False, "is switched off: it fires and tells nobody"),
        remediation="Remove actions_enabled.",
    ),
    Rule(
        name="monitoring-alarm-thresholds-are-reachable",
        description="Alarms on percentages have a threshold that can be reached.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.MEDIUM,
        documentation=ALARMS_GUIDE,
        resource_types=frozenset({ALARM}),
        applies_to=_is_in_percent,
        check=_can_fire,
        remediation="Set a threshold from 0 to 100.",
    ),
    Rule(
        name="load-balancer-connection-logs-enabled",
        description="Load balancers log every connection.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html",
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=is_public_application_load_balancer,
        check=must_be("connectionLogs.enabled", True, "does not log who failed to connect, or with which TLS"),
        remediation="Set connection_logs with a bucket and enabled=True.",
    ),
    Rule(
        name="monitoring-topic-key-allows-cloudwatch",
        description="The key of an alarm's topic lets CloudWatch use it.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.CRITICAL,
        documentation=f"{CLOUDWATCH_GUIDE}/monitoring/Notify_Users_Alarm_Changes.html",
        scope=Scope.STACK,
        resource_types=frozenset({TOPIC}),
        check=_alarm_may_publish,
        remediation="Allow cloudwatch.amazonaws.com kms:Decrypt and kms:GenerateDataKey* in the key's policy.",
    ),
    Rule(
        name="monitoring-topic-policy-allows-cloudwatch",
        description="The policy of an alarm's topic lets CloudWatch publish.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.CRITICAL,
        documentation="https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html",
        scope=Scope.STACK,
        resource_types=frozenset({TOPIC}),
        check=_topic_takes_alarms,
        remediation="Allow cloudwatch.amazonaws.com sns:Publish in the topic's policy.",
    ),
    Rule(
        name="monitoring-topics-have-subscriptions",
        description="Every topic has a subscriber.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html",
        scope=Scope.STACK,
        resource_types=frozenset({TOPIC}),
        check=must_have("aws:sns/topicSubscription", "topic", "has no subscriber: whatever is sent to it is lost"),
        remediation="Name an address in `email` of `fixrx:notifications`.",
    ),
    Rule(
        name="cloudwatch-logs-retention-is-sufficient",
        description="Logs are kept for 30 days or more, and not for ever.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("CloudWatch.16",),
        resource_types=frozenset({LOG_GROUP}),
        check=must_be_at_least("retentionInDays", "days", "keeps logs for {value} days, and the guide keeps {least}"),
        remediation="Raise the component's `log_retention_days`; 0 means for ever, which nobody pays for.",
        settings={"days": Setting(default=30, minimum=1, maximum=3653, description="Days of logs")},
    ),
    Rule(
        name="load-balancer-access-logs-enabled",
        description="Load balancers log every request.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ELB.5",),
        resource_types=frozenset({LOAD_BALANCER}),
        check=must_be("accessLogs.enabled", True, "logs no requests: an attack cannot be reconstructed"),
        remediation="Set access_logs with a bucket and enabled=True.",
    ),
    Rule(
        name="rds-log-exports-enabled",
        description="Databases send their logs to CloudWatch.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("RDS.9", "RDS.36"),
        resource_types=frozenset({DATABASE}),
        check=must_contain(
            "enabledCloudwatchLogsExports", EXPORTED_LOGS, "keeps its logs ({missing}) to itself and loses them with it"
        ),
        remediation='Set enabled_cloudwatch_logs_exports=["postgresql", "upgrade"].',
    ),
    Rule(
        name="rds-log-groups-are-declared",
        description="Log groups of databases are declared, with a key and an end.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.LOW,
        documentation=f"{RDS_GUIDE}/USER_LogAccess.Procedural.UploadtoCloudWatch.html",
        scope=Scope.STACK,
        resource_types=frozenset({DATABASE}),
        check=_logs_have_their_groups,
        remediation="Declare a cloudwatch.LogGroup named /aws/rds/instance/<identifier>/<log> before the database.",
    ),
    Rule(
        name="elasticache-log-delivery-enabled",
        description="Caches send their logs to CloudWatch.",
        item=ChecklistItem.LOGS,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Log_Delivery.html",
        resource_types=frozenset({CACHE}),
        check=must_be_set("logDeliveryConfigurations", "keeps its logs to itself: a slow command cannot be found"),
        remediation="Set log_delivery_configurations for slow-log and engine-log.",
    ),
    Rule(
        name="rds-enhanced-monitoring-enabled",
        description="Databases report what their machine does every minute.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.LOW,
        security_hub=("RDS.6",),
        resource_types=frozenset({DATABASE}),
        check=must_be_at_least("monitoringInterval", "seconds", "does not report what its machine is busy with"),
        remediation="Set monitoring_interval=60 and monitoring_role_arn.",
        settings={"seconds": Setting(default=1, minimum=1, maximum=60, description="Seconds between figures")},
    ),
    Rule(
        name="rds-performance-insights-enabled",
        description="Databases keep statistics about their queries.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.LOW,
        documentation=f"{RDS_GUIDE}/USER_PerfInsights.html",
        resource_types=frozenset({DATABASE}),
        check=must_be("performanceInsightsEnabled", True, "cannot tell which query made it slow"),
        remediation="Set performance_insights_enabled=True.",
    ),
    Rule(
        name="rds-event-subscription-exists",
        description="Failovers, failures and full disks of databases are reported.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.LOW,
        security_hub=("RDS.20",),
        scope=Scope.STACK,
        resource_types=frozenset({DATABASE}),
        check=must_have(
            "aws:rds/eventSubscription",
            "sourceIds",
            "tells nobody about failovers and failures",
            where=lambda subscription: subscription.get("enabled") is not False,
        ),
        remediation="Name it in source_ids of an rds.EventSubscription.",
    ),
)
