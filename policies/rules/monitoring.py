"""Monitoring services integrated: the guide's three alarms with its numbers, delivered to a person, and logs."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from policies import aws
from policies.aws import Measurement
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, statements
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule
from policies.engine.stack import StackGraph

ALARM_SERVICE: Final = "cloudwatch.amazonaws.com"
CLOUDWATCH_GUIDE: Final = "https://docs.aws.amazon.com/AmazonCloudWatch/latest"
ALARMS_GUIDE: Final = f"{CLOUDWATCH_GUIDE}/monitoring/AlarmThatSendsEmail.html"
ELB_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
SNS_GUIDE: Final = "https://docs.aws.amazon.com/sns/latest/dg"
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
DATABASE_LOG_GROUPS: Final = {
    aws.DB_CLUSTER: ("cluster", "clusterIdentifier"),
    aws.DB_INSTANCE: ("instance", "identifier"),
}
"""How AWS names the log groups of a database: by its kind and identifier."""
EXPORTED_LOGS: Final = {
    "postgres": ("postgresql", "upgrade"),
    "mysql": ("error", "slowquery"),
    "mariadb": ("error", "slowquery"),
    "oracle": ("alert", "audit"),
    "sqlserver": ("error",),
    "aurora-postgresql": ("postgresql",),
    "aurora-mysql": ("error", "slowquery"),
    "db2": ("diag.log",),
}
"""Logs that have to be exported, by the beginning of the engine's name."""
LOGS_OF_USERS: Final = re.compile(r".+/(application|nginx|postgresql)")
"""Names of log groups in which requests of users, or their values, are."""
ENDPOINT_CHECKS: Final = ("HTTP", "HTTPS", "HTTP_STR_MATCH", "HTTPS_STR_MATCH", "TCP")
"""Health checks that open a connection; others combine alarms and other checks."""
DEAD_LETTERS_METRIC: Final = "ApproximateNumberOfMessagesVisible"
WHOLE_BUDGET_PERCENT: Final = 100
BUDGETS_SERVICE: Final = "budgets.amazonaws.com"
ANOMALIES_SERVICE: Final = "costalerts.amazonaws.com"
PUBLISH: Final = "sns:Publish"
ENCRYPT_ACTIONS: Final = ("kms:Decrypt", "kms:GenerateDataKey")


def _fires_above(alarm: StackResource, threshold: float, window_seconds: int, measurement: Measurement) -> bool:
    """Tell whether an alarm fires at this threshold or a lower one, within this time or sooner."""
    given = alarm.number("threshold")
    return bool(
        alarm.get("comparisonOperator") in aws.ABOVE
        and alarm.get("actionsEnabled") is not False
        and given is not None
        and given <= threshold
        and 0 < measurement.period_seconds * (alarm.number("evaluationPeriods") or 0) <= window_seconds
    )


@rule(
    "monitoring-server-error-alarm-exists",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LOAD_BALANCER],
    scope=Scope.STACK,
    applies_to=aws.is_public_application_load_balancer,
    documentation=ALARMS_GUIDE,
    remediation="Keep the alarm HighErrorRate: Sum of HTTPCode_Target_5XX_Count over 300 s, threshold 30.",
    settings={
        "errors_in_300_seconds": Setting(default=30, minimum=1, maximum=10_000, description="Errors in 5 minutes")
    },
)
def server_error_alarm_exists(balancer: StackResource, context: Context) -> Iterator[Problem]:
    """An alarm fires at more than 30 server errors in 5 minutes."""
    errors = context.settings["errors_in_300_seconds"]
    alarms = context.stack.derived(aws.index_alarms)
    for alarm, measurement in alarms.on(balancer):
        if (
            measurement.metric in SERVER_ERROR_METRICS
            and measurement.statistic == "Sum"
            and not _is_ratio(alarm)
            and _fires_above(alarm, errors, 300, measurement)
        ):
            return
    alarms.require_known()
    yield f"has no alarm for more than {errors} server errors in 300 s (the guide's HighErrorRate)"


def _is_ratio(alarm: StackResource) -> bool:
    """Tell whether an alarm watches the share of errors: with little traffic, one error is a high share."""
    return any("/" in str(query.get("expression") or "") for query in alarm.items("metricQueries"))


@rule(
    "monitoring-response-time-alarm-exists",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOAD_BALANCER],
    scope=Scope.STACK,
    applies_to=aws.is_public_application_load_balancer,
    documentation=ALARMS_GUIDE,
    remediation="Keep the alarm ResponseTimeHigh: p95 of TargetResponseTime, 5 periods of 60 s, threshold 1.",
    settings={"seconds": Setting(default=1, minimum=1, maximum=60, description="Seconds")},
)
def response_time_alarm_exists(balancer: StackResource, context: Context) -> Iterator[Problem]:
    """An alarm fires at a 95th percentile of the response time above 1 s for 5 minutes."""
    seconds = context.settings["seconds"]
    alarms = context.stack.derived(aws.index_alarms)
    for alarm, measurement in alarms.on(balancer):
        if (
            measurement.metric == "TargetResponseTime"
            and measurement.statistic in HIGH_PERCENTILES
            and _fires_above(alarm, seconds, 300, measurement)
        ):
            return
    alarms.require_known()
    yield f"has no alarm for a 95th percentile above {seconds} s for 5 minutes (the guide's ResponseTimeHigh)"


@rule(
    "monitoring-database-connection-alarm-exists",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE],
    scope=Scope.STACK,
    applies_to=aws.is_primary,
    documentation=ALARMS_GUIDE,
    remediation="Set `connection_alarm_threshold` in `fixrx:database` to 80 or less.",
    settings={"connections": Setting(default=80, minimum=1, maximum=5000, description="Connections")},
)
def database_connection_alarm_exists(database: StackResource, context: Context) -> Iterator[Problem]:
    """An alarm fires at more than 80 database connections for 2 minutes."""
    connections = context.settings["connections"]
    alarms = context.stack.derived(aws.index_alarms)
    for alarm, measurement in alarms.on(database):
        if measurement.metric == "DatabaseConnections" and _fires_above(alarm, connections, 120, measurement):
            return
    alarms.require_known()
    yield f"has no alarm for more than {connections} connections for 2 minutes (the guide's DatabaseConnectionHigh)"


@rule(
    "monitoring-alarms-have-actions",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.ALARM, aws.COMPOSITE_ALARM],
    scope=Scope.STACK,
    security_hub=["CloudWatch.15"],
    remediation="Set alarm_actions to the topic of its severity, or name it in the rule of a composite that has them.",
)
def alarms_have_actions(alarm: StackResource, context: Context) -> Iterator[Problem]:
    """Alarms have an action, or begin a composite alarm that has one."""
    if alarm.is_set("alarmActions"):
        return
    unknown: UnknownValue | None = None
    for composite in context.stack.of_type(aws.COMPOSITE_ALARM):
        try:
            if _notifies(composite) and aws.begins(composite, alarm):
                return
        except UnknownValue as error:
            unknown = error
    if unknown is not None:
        raise unknown
    yield "has no action: it notifies no one"


def _notifies(alarm: StackResource) -> bool:
    return alarm.is_set("alarmActions") and alarm.get("actionsEnabled") is not False


@rule(
    "monitoring-suppressors-notify",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.COMPOSITE_ALARM],
    scope=Scope.STACK,
    documentation=f"{CLOUDWATCH_GUIDE}/monitoring/alarm-suppression.html",
    remediation="Suppress an alarm by one that has alarm_actions, such as ApiDown.",
)
def suppressors_notify(alarm: StackResource, context: Context) -> Iterator[Problem]:
    """What holds the actions of an alarm back notifies somebody itself."""
    for kind in (aws.ALARM, aws.COMPOSITE_ALARM):
        for suppressor in context.stack.targets(alarm, "actionsSuppressor.alarm", kind):
            if not _notifies(suppressor):
                yield f"is held back by {suppressor.name}, which notifies no one: an outage can pass in silence"


@rule(
    "monitoring-alarm-actions-enabled",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.ALARM, aws.COMPOSITE_ALARM],
    security_hub=["CloudWatch.17"],
    remediation="Remove actions_enabled.",
)
def alarm_actions_enabled(alarm: StackResource, _: Context) -> Iterator[Problem]:
    """The actions of alarms are enabled."""
    if alarm.get("actionsEnabled") is False:
        yield "has its actions disabled: it notifies no one"


@rule(
    "monitoring-health-checks-see-what-clients-see",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.HEALTH_CHECK],
    applies_to=lambda check: str(check.get("type")) in ENDPOINT_CHECKS,
    documentation="https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-creating-values.html",
    remediation="Set type=HTTPS, enable_sni=True, a failure_threshold of at most 5, and not invert_healthcheck.",
    settings={"failures": Setting(default=5, minimum=1, maximum=10, description="Failures in a row")},
)
def health_checks_see_what_clients_see(check: StackResource, context: Context) -> Iterator[Problem]:
    """Health checks speak TLS with the name that clients use, and fail within minutes."""
    if not str(check.get("type")).startswith("HTTPS") or check.get("enableSni") is False:
        yield "asks in another way than clients do: a wrong certificate is not noticed"
    if check.get("invertHealthcheck") is True:
        yield "takes a failure for a success"
    failures = context.settings["failures"]
    if (check.number("failureThreshold") or 0) > failures:
        yield f"fails after more than {failures} failures in a row: an outage is noticed late"


@rule(
    "monitoring-alarm-thresholds-are-reachable",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ALARM],
    applies_to=lambda alarm: str(alarm.get("metricName") or "") in PERCENT_METRICS,
    documentation=ALARMS_GUIDE,
    remediation="Set a threshold from 0 to 100.",
)
def alarm_thresholds_are_reachable(alarm: StackResource, _: Context) -> Iterator[Problem]:
    """Alarms on percentages have a threshold from 0 to 100."""
    threshold = alarm.number("threshold")
    # Without one the alarm compares with a band that CloudWatch learns.
    if threshold is not None and not 0 <= threshold <= 100:
        yield f"has a threshold of {threshold} percent: it can never fire"


@rule(
    "load-balancer-connection-logs-enabled",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.LOAD_BALANCER],
    applies_to=aws.is_public_application_load_balancer,
    documentation=f"{ELB_GUIDE}/load-balancer-connection-logs.html",
    remediation="Set connection_logs with a bucket and enabled=True.",
)
def connection_logs_enabled(balancer: StackResource, _: Context) -> Iterator[Problem]:
    """Load balancers log connections."""
    if balancer.get("connectionLogs.enabled") is not True:
        yield "does not log connections: failed TLS handshakes cannot be investigated"


@rule(
    "monitoring-topic-key-allows-cloudwatch",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.TOPIC],
    scope=Scope.STACK,
    documentation=f"{CLOUDWATCH_GUIDE}/monitoring/Notify_Users_Alarm_Changes.html",
    remediation="Allow cloudwatch.amazonaws.com kms:Decrypt and kms:GenerateDataKey* in the key's policy.",
)
def topic_key_allows_cloudwatch(topic: StackResource, context: Context) -> Iterator[Problem]:
    """The key of a topic for alarms allows CloudWatch to use it."""
    stack = context.stack
    if not aws.notifying_alarms(topic, stack) or not topic.is_set("kmsMasterKeyId"):
        return
    for key in aws.keys_of(topic, "kmsMasterKeyId", stack):
        if not any(_allows(statement, ALARM_SERVICE) for statement in aws.key_grants(key, stack)):
            yield f"is encrypted with {key.name}, which CloudWatch may not use: messages of alarms are lost"


def _allows(statement: Statement, service: str) -> bool:
    """Tell whether a statement of a key's policy lets a service encrypt what it sends."""
    return bool(statement.services([service]) and all(map(statement.matches_action, ENCRYPT_ACTIONS)))


@rule(
    "monitoring-topic-key-allows-eventbridge",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.TOPIC],
    scope=Scope.STACK,
    documentation=f"{SNS_GUIDE}/sns-key-management.html",
    remediation="Allow events.amazonaws.com kms:Decrypt and kms:GenerateDataKey* without a source condition.",
)
def topic_key_allows_eventbridge(topic: StackResource, context: Context) -> Iterator[Problem]:
    """The key of a topic for events allows EventBridge to use it, without a condition on the source."""
    stack = context.stack
    for key in aws.keys_of(topic, "kmsMasterKeyId", stack):
        granted = [each for each in aws.key_grants(key, stack) if each.services([aws.EVENT_BRIDGE])]
        if any(_allows(each, aws.EVENT_BRIDGE) and not each.demands(aws.SOURCE_CONDITION_KEYS) for each in granted):
            continue
        if granted:
            yield (
                f"is encrypted with {key.name}, whose policy demands a source account or ARN of EventBridge, "
                "which EventBridge does not send with the key of a topic: events are lost"
            )
        elif stack.referrers(topic, aws.EVENT_TARGET, "arn"):
            yield f"is encrypted with {key.name}, which EventBridge may not use: events are lost"


@rule(
    "monitoring-topic-policy-allows-cloudwatch",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.TOPIC],
    scope=Scope.STACK,
    documentation=f"{SNS_GUIDE}/sns-access-policy-use-cases.html",
    remediation="Allow cloudwatch.amazonaws.com sns:Publish in the topic's policy.",
)
def topic_policy_allows_cloudwatch(topic: StackResource, context: Context) -> Iterator[Problem]:
    """The policy of a topic for alarms allows CloudWatch to publish."""
    stack = context.stack
    if not aws.notifying_alarms(topic, stack):
        return
    policies = stack.referrers(topic, aws.TOPIC_POLICY, "arn")
    found = [statement for policy in policies for statement in statements(policy, "policy")]
    if found and not any(s.allows and s.services([ALARM_SERVICE]) and s.matches_action(PUBLISH) for s in found):
        yield "has a policy that does not allow CloudWatch to publish: messages of alarms are lost"


@rule(
    "monitoring-topics-have-subscriptions",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.TOPIC],
    scope=Scope.STACK,
    documentation=f"{SNS_GUIDE}/sns-create-subscribe-endpoint-to-topic.html",
    remediation="Name an address in `email` of `fixrx:notifications`.",
)
def topics_have_subscriptions(topic: StackResource, context: Context) -> Iterator[Problem]:
    """Topics have a subscription."""
    if not context.stack.has_referrer(topic, aws.TOPIC_SUBSCRIPTION, "topic"):
        yield "has no subscription: its messages are lost"


PEOPLE: Final = frozenset({"application", "email", "email-json", "http", "https", "lambda", "sms"})
"""Protocols of subscriptions that reach somebody, or something that decides who is told."""


@rule(
    "monitoring-alarms-reach-a-person",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.TOPIC],
    scope=Scope.STACK,
    documentation=f"{SNS_GUIDE}/sns-create-subscribe-endpoint-to-topic.html",
    remediation="Subscribe an address, or a queue whose messages a function takes: components/incidents.py does.",
)
def alarms_reach_a_person(topic: StackResource, context: Context) -> Iterator[Problem]:
    """Messages of alarms are mailed, or come into a queue from which a function takes them."""
    stack = context.stack
    subscriptions = stack.referrers(topic, aws.TOPIC_SUBSCRIPTION, "topic")
    if not subscriptions or not aws.notifying_alarms(topic, stack):
        return
    if not any(
        each.get("protocol") in PEOPLE
        or any(_is_emptied(queue, stack) for queue in stack.targets(each, "endpoint", aws.QUEUE))
        for each in subscriptions
    ):
        yield "brings alarms into a queue only, from which nothing takes them: nobody is told"


def _is_emptied(queue: StackResource, stack: StackGraph) -> bool:
    return stack.has_referrer(
        queue, aws.FUNCTION_EVENT_SOURCE, "eventSourceArn", where=lambda source: source.get("enabled") is not False
    )


@rule(
    "monitoring-dead-letters-are-watched",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.QUEUE],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html",
    remediation="Keep an alarm on ApproximateNumberOfMessagesVisible of the queue, threshold 0.",
)
def dead_letters_are_watched(queue: StackResource, context: Context) -> Iterator[Problem]:
    """Queues of messages that failed have an alarm on the first one."""
    stack = context.stack
    index = stack.derived(aws.index_alarms)
    if any(measured.metric == DEAD_LETTERS_METRIC for _, measured in index.on(queue)):
        return
    if _keeps_failed_messages(queue, stack):
        index.require_known()
        yield "keeps messages that failed, and no alarm tells that there are any"


def _keeps_failed_messages(queue: StackResource, stack: StackGraph) -> bool:
    """Tell whether another queue moves what failed into this one."""
    return any(
        target.urn == queue.urn
        for other in stack.of_type(aws.QUEUE)
        for target in aws.queues_in(other, "redrivePolicy", "deadLetterTargetArn", stack)
    )


def _cost_publishers(topic: StackResource, stack: StackGraph) -> Iterator[str]:
    """Yield the services that tell a topic of costs."""
    budgets = (
        target
        for budget in stack.of_type(aws.BUDGET)
        for index, _ in enumerate(budget.items("notifications"))
        for target in stack.targets(budget, f"notifications.{index}.subscriberSnsTopicArns", aws.TOPIC)
    )
    if topic in budgets:
        yield BUDGETS_SERVICE
    anomalies = (
        target
        for each in stack.of_type(aws.COST_ANOMALIES)
        for index, _ in enumerate(each.items("subscribers"))
        for target in stack.targets(each, f"subscribers.{index}.address", aws.TOPIC)
    )
    if topic in anomalies:
        yield ANOMALIES_SERVICE


@rule(
    "monitoring-cost-messages-arrive",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.TOPIC],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html",
    remediation="Allow budgets.amazonaws.com and costalerts.amazonaws.com in the policies of the topic and of its key.",
)
def cost_messages_arrive(topic: StackResource, context: Context) -> Iterator[Problem]:
    """Budgets and anomalies may publish to the topics that they name, and use their keys."""
    stack = context.stack
    for service in _cost_publishers(topic, stack):
        policies = stack.referrers(topic, aws.TOPIC_POLICY, "arn")
        found = [statement for policy in policies for statement in statements(policy, "policy") if statement.allows]
        if not any(each.services([service]) and each.matches_action(PUBLISH) for each in found):
            yield f"has no policy that allows {service} to publish: its messages are lost"
        for key in aws.keys_of(topic, "kmsMasterKeyId", stack):
            if not any(_allows(statement, service) for statement in aws.key_grants(key, stack)):
                yield f"is encrypted with {key.name}, which {service} may not use: its messages are lost"


@rule(
    "monitoring-budgets-notify",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.BUDGET],
    documentation="https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-best-practices.html",
    remediation="Give the budget notifications on the actual and on the forecasted amount, each with a topic.",
)
def budgets_notify(budget: StackResource, _: Context) -> Iterator[Problem]:
    """Budgets tell somebody before the money is spent, and when it is expected to be."""
    told = {
        str(each.get("notificationType"))
        for each in budget.items("notifications")
        if (each.is_set("subscriberSnsTopicArns") or each.is_set("subscriberEmailAddresses"))
        and (each.get("thresholdType") == "ABSOLUTE_VALUE" or (each.number("threshold") or 0) <= WHOLE_BUDGET_PERCENT)
    }
    kinds = {"ACTUAL": "is spent", "FORECASTED": "is expected to be exceeded"}
    if untold := [what for kind, what in kinds.items() if kind not in told]:
        yield f"tells nobody that it {' or '.join(untold)}"


@rule(
    "cloudwatch-logs-retention-is-sufficient",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOG_GROUP],
    security_hub=["CloudWatch.16"],
    remediation="Raise the component's `log_retention_days`; 0 keeps logs permanently, which is expensive.",
    settings={"days": Setting(default=30, minimum=1, maximum=3653, description="Days of logs")},
)
def log_retention_is_sufficient(group: StackResource, context: Context) -> Iterator[Problem]:
    """Log groups have a retention period of 30 days or more, and one that ends."""
    days, least = group.number("retentionInDays") or 0, context.settings["days"]
    if days < least:
        yield f"keeps logs for {days} days; the guide demands {least}"


@rule(
    "cloudwatch-logs-personal-data-is-masked",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOG_GROUP],
    scope=Scope.STACK,
    documentation=f"{CLOUDWATCH_GUIDE}/logs/mask-sensitive-log-data.html",
    remediation="Declare a cloudwatch.LogDataProtectionPolicy for the log group: `mask_personal_data` does.",
)
def personal_data_is_masked(group: StackResource, context: Context) -> Iterator[Problem]:
    """Logs of applications, proxies and databases mask e-mail addresses and telephone numbers."""
    if LOGS_OF_USERS.fullmatch(str(group.get("name") or "")) and not context.stack.has_referrer(
        group, aws.LOG_DATA_PROTECTION, "logGroupName", _masks_personal_data
    ):
        yield "shows e-mail addresses and telephone numbers to everybody who reads it"


def _masks_personal_data(protection: StackResource) -> bool:
    statements = json.loads(str(protection.get("policyDocument") or "{}")).get("Statement", [])
    masked = [
        identifier.rpartition("/")[2]
        for each in statements
        if "MaskConfig" in each.get("Operation", {}).get("Deidentify", {})
        for identifier in each.get("DataIdentifier", [])
    ]
    return "EmailAddress" in masked and any(identifier.startswith("PhoneNumber-") for identifier in masked)


@rule(
    "load-balancer-access-logs-enabled",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOAD_BALANCER],
    security_hub=["ELB.5"],
    remediation="Set access_logs with a bucket and enabled=True.",
)
def access_logs_enabled(balancer: StackResource, _: Context) -> Iterator[Problem]:
    """Load balancers log requests."""
    if balancer.get("accessLogs.enabled") is not True:
        yield "does not log requests: an attack cannot be investigated"


@rule(
    "rds-log-exports-enabled",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    security_hub=["RDS.9", "RDS.36"],
    remediation='Set enabled_cloudwatch_logs_exports=["postgresql", "upgrade"].',
)
def log_exports_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases export their logs to CloudWatch."""
    engine = aws.engine_of(database)
    logs = next((logs for name, logs in EXPORTED_LOGS.items() if engine.startswith(name)), ())
    missing = [log for log in logs if log not in database.texts("enabledCloudwatchLogsExports")]
    if missing:
        yield f"does not export its logs to CloudWatch ({', '.join(missing)}): they are lost with the instance"


@rule(
    "rds-log-groups-are-declared",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.LOW,
    resource_types=DATABASE_LOG_GROUPS,
    scope=Scope.STACK,
    documentation=f"{RDS_GUIDE}/USER_LogAccess.Procedural.UploadtoCloudWatch.html",
    remediation="Declare a cloudwatch.LogGroup named /aws/rds/instance/<identifier>/<log> before the database.",
)
def log_groups_are_declared(database: StackResource, context: Context) -> Iterator[Problem]:
    """The log groups of databases are declared, with a key and a retention period."""
    for log in database.texts("enabledCloudwatchLogsExports"):
        kind, path = DATABASE_LOG_GROUPS[database.type]
        group = f"/aws/rds/{kind}/{database.get(path)}/{log}"
        if not context.stack.named(aws.LOG_GROUP, group):
            yield f"creates its log group for {log} itself: unencrypted by a customer-managed key, and never deleted"


@rule(
    "elasticache-log-delivery-enabled",
    item=ChecklistItem.LOGS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.CACHE, aws.CACHE_CLUSTER],
    applies_to=lambda cache: aws.is_separate_cache(cache) and bool(cache.get("engine") != "memcached"),
    documentation="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Log_Delivery.html",
    remediation="Set log_delivery_configurations for slow-log and engine-log.",
)
def log_delivery_enabled(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches deliver their logs to CloudWatch."""
    if not cache.is_set("logDeliveryConfigurations"):
        yield "does not deliver its logs: slow commands cannot be found"


@rule(
    "rds-enhanced-monitoring-enabled",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER_INSTANCE],
    security_hub=["RDS.6"],
    remediation="Set monitoring_interval=60 and monitoring_role_arn.",
    settings={"seconds": Setting(default=1, minimum=1, maximum=60, description="Shortest interval in seconds")},
)
def enhanced_monitoring_enabled(database: StackResource, context: Context) -> Iterator[Problem]:
    """Databases have Enhanced Monitoring."""
    if (database.number("monitoringInterval") or 0) < context.settings["seconds"]:
        yield "has no Enhanced Monitoring: the load of its operating system is not visible"


@rule(
    "rds-performance-insights-enabled",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER_INSTANCE],
    documentation=f"{RDS_GUIDE}/USER_PerfInsights.html",
    remediation="Set performance_insights_enabled=True.",
)
def performance_insights_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases have Performance Insights."""
    if database.get("performanceInsightsEnabled") is not True:
        yield "has no Performance Insights: slow queries cannot be found"


@rule(
    "rds-event-subscription-exists",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DB_INSTANCE],
    scope=Scope.STACK,
    security_hub=["RDS.20"],
    remediation="Name it in source_ids of an rds.EventSubscription.",
)
def event_subscription_exists(database: StackResource, context: Context) -> Iterator[Problem]:
    """Events of databases, such as failovers and failures, are sent to a topic."""
    if not context.stack.has_referrer(
        database,
        aws.DB_EVENT_SUBSCRIPTION,
        "sourceIds",
        where=lambda subscription: subscription.get("enabled") is not False,
    ):
        yield "has no enabled event subscription: failovers and failures are not reported"


@dataclass(frozen=True)
class Watchdog:
    """The latest that an alarm on what watches others may fire."""

    limit: float
    """Threshold beyond which it fires too late."""
    seconds: float
    comparisons: frozenset[str] = aws.ABOVE
    never_silent: bool = False
    """There are values all the time, so that silence is a failure."""


HALF_AN_HOUR: Final = 1800
HOURS: Final = 3600
WATCHDOGS: Final[Mapping[str, Watchdog]] = {
    "ApproximateAgeOfOldestMessage": Watchdog(900, HALF_AN_HOUR),
    "ApproximateNumberOfMessagesVisible": Watchdog(0, HALF_AN_HOUR),
    "Throttles": Watchdog(10, HALF_AN_HOUR),
    "Errors": Watchdog(5, HALF_AN_HOUR),
    "NotifierHeartbeat": Watchdog(0, 6 * HOURS, aws.BELOW),
    "SecretsBehindSeconds": Watchdog(2 * HOURS, 2 * HOURS, never_silent=True),
    "Probe": Watchdog(0, HALF_AN_HOUR / 2, aws.BELOW),
}
AGES: Final[Mapping[str, Watchdog]] = {
    "automated-backup": Watchdog(120, 6 * HOURS),
    "drill": Watchdog(70, 6 * HOURS),
    "dump": Watchdog(50, 6 * HOURS),
    "rotation": Watchdog(100, 6 * HOURS),
    "subscription": Watchdog(0, 6 * HOURS),
    "vendor-secret": Watchdog(180, 6 * HOURS),
}
"""By the check, in its own unit: a second miss of the schedule, and no more."""
OTHER_AGE: Final = Watchdog(72, 6 * HOURS)
"""Hours: of backups in other regions."""


@rule(
    "monitoring-watchdogs-fire-in-time",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ALARM],
    documentation=ALARMS_GUIDE,
    remediation="Keep threshold and periods of the alarm in its component: watchman, incidents or app_servers.",
)
def watchdogs_fire_in_time(alarm: StackResource, _: Context) -> Iterator[Problem]:
    """Alarms on silence, and on what tells people of alarms, fire in time."""
    for measurement in aws.measurements_of(alarm):
        if measurement.metric == "Age":
            check = str(alarm.get(f"{measurement.dimensions_path}.Check"))
            latest = AGES.get(check, OTHER_AGE)
            if alarm.get("treatMissingData") != "breaching":
                yield f"takes silence of the check {check} for success"
        elif measurement.metric in WATCHDOGS:
            latest = WATCHDOGS[measurement.metric]
            if latest.never_silent and alarm.get("treatMissingData") != "breaching":
                yield f"takes silence of {measurement.metric} for success"
        else:
            continue
        threshold = alarm.number("threshold") or 0
        late = threshold > latest.limit if latest.comparisons is aws.ABOVE else threshold <= latest.limit
        lasts = measurement.period_seconds * (alarm.number("evaluationPeriods") or 0)
        if late or lasts > latest.seconds or alarm.get("comparisonOperator") not in latest.comparisons:
            yield f"fires too late, or never, on {measurement.metric}"
