"""What breaks the rules of `policies.rules.monitoring`."""

from tests.policies.changes import Case, add, drop, put, refer, remove
from tests.policies.exported import ACCOUNT, arn, data_protection, document
from tests.policies.platform import COST_PUBLISHERS, TLS_ONLY, costs_statement


def key_policy(services: list[str]) -> str:
    """Return a key policy for services that act for this account."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": services},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
    )


CASES = (
    Case(
        "monitoring-server-error-alarm-exists",
        "balancer",
        put("errors", "threshold", 300),
        ("errors", "threshold"),
    ),
    Case(
        "monitoring-server-error-alarm-exists",
        "balancer",
        put("errors", "metricQueries.0.expression", "(target + own) / requests"),
        None,
    ),
    Case("monitoring-response-time-alarm-exists", "balancer", put("latency", "threshold", 5), ("latency", "threshold")),
    Case("monitoring-response-time-alarm-exists", "balancer", put("latency", "extendedStatistic", "p50"), None),
    Case("monitoring-response-time-alarm-exists", "balancer", put("latency", "evaluationPeriods", 50), None),
    Case(
        "monitoring-database-connection-alarm-exists",
        "primary",
        put("connections", "threshold", 800),
        ("connections", "threshold"),
    ),
    Case(
        "monitoring-database-connection-alarm-exists",
        "primary",
        put("connections", "comparisonOperator", "LessThanThreshold"),
        None,
    ),
    Case("monitoring-alarms-have-actions", "errors", put("errors", "alarmActions", []), ("errors", "alarmActions")),
    *(
        Case("monitoring-alarms-have-actions", "NoHealthyServer", put("ApiDown", "alarmRule", rule), None)
        for rule in (
            'ALARM("fixrx-NoHealthyServers")',
            'OK("fixrx-NoHealthyServer")',
            'ALARM("fixrx-errors") AND NOT ALARM("fixrx-NoHealthyServer")',
        )
    ),
    Case(
        "monitoring-alarms-have-actions",
        "bad-server",
        put("bad-server-unless-down", "alarmActions", []),
        ("bad-server-unless-down", "alarmActions"),
        also=(("monitoring-alarms-have-actions", "bad-server-unless-down"),),
    ),
    Case(
        "monitoring-alarms-have-actions",
        "bad-server",
        put("bad-server-unless-down", "actionsEnabled", False),
        ("bad-server-unless-down", "alarmRule"),
        also=(("monitoring-alarm-actions-enabled", "bad-server-unless-down"),),
    ),
    Case(
        "monitoring-alarms-reach-a-person",
        "topic",
        put("mail", "protocol", "sqs"),
        ("mail", "protocol"),
    ),
    Case(
        "monitoring-dead-letters-are-watched",
        "failed",
        put("not-delivered", "metricName", "NumberOfMessagesSent"),
        ("not-delivered", "metricName"),
    ),
    Case("monitoring-dead-letters-are-watched", "failed", remove("not-delivered"), None),
    *(
        Case("monitoring-cost-messages-arrive", "costs-topic", put(of, "policy", policy), (of, "policy"))
        for service in COST_PUBLISHERS
        for of, policy in (
            ("costs-policy", document(costs_statement(service), TLS_ONLY)),
            ("costs-key", key_policy([service])),
        )
    ),
    *(
        Case("monitoring-budgets-notify", "budget", put("budget", path, value), unknown)
        for path, value, unknown in (
            ("notifications.0.subscriberSnsTopicArns", [], ("budget", "notifications")),
            ("notifications.1.notificationType", "ACTUAL", None),
            ("notifications.0.threshold", 800, None),
            ("notifications", [], None),
        )
    ),
    Case(
        "monitoring-health-checks-see-what-clients-see", "outside", put("outside", "type", "HTTP"), ("outside", "type")
    ),
    Case(
        "monitoring-health-checks-see-what-clients-see",
        "outside",
        put("outside", "enableSni", False),
        ("outside", "enableSni"),
    ),
    Case(
        "monitoring-health-checks-see-what-clients-see",
        "outside",
        put("outside", "invertHealthcheck", True),
        None,
    ),
    Case(
        "monitoring-health-checks-see-what-clients-see",
        "outside",
        put("outside", "failureThreshold", 10),
        ("outside", "failureThreshold"),
    ),
    Case(
        "monitoring-suppressors-notify",
        "bad-server-unless-down",
        put("ApiDown", "actionsEnabled", False),
        ("ApiDown", "actionsEnabled"),
        also=(
            ("monitoring-alarm-actions-enabled", "ApiDown"),
            ("monitoring-alarms-have-actions", "NoHealthyServer"),
        ),
    ),
    Case(
        "monitoring-suppressors-notify",
        "bad-server-unless-down",
        put("bad-server-unless-down", "actionsSuppressor.alarm", "fixrx-bad-server"),
        ("bad-server-unless-down", "actionsSuppressor"),
    ),
    Case(
        "monitoring-alarm-actions-enabled",
        "replica-lag",
        put("replica-lag", "actionsEnabled", False),
        ("replica-lag", "actionsEnabled"),
    ),
    Case(
        "monitoring-alarm-thresholds-are-reachable",
        "EngineCPUUtilization-001",
        put("EngineCPUUtilization-001", "threshold", 700),
        ("EngineCPUUtilization-001", "threshold"),
        also=(("monitoring-has-required-alarms", "cache"),),
    ),
    Case(
        "load-balancer-connection-logs-enabled",
        "balancer",
        put("balancer", "connectionLogs.enabled", False),
        ("balancer", "connectionLogs.enabled"),
    ),
    Case(
        "monitoring-topic-key-allows-cloudwatch",
        "topic",
        refer("topic", "kmsMasterKeyId", "data-key", "arn"),
        ("topic-key", "policy"),
    ),
    Case(
        "monitoring-topic-key-allows-eventbridge",
        "topic",
        put("topic-key", "policy", key_policy(["cloudwatch.amazonaws.com", "events.amazonaws.com"])),
        ("topic-key", "policy"),
    ),
    Case(
        "monitoring-topic-key-allows-eventbridge",
        "topic",
        add("aws:cloudwatch/eventTarget", "target", {"rule": "failed-backups", "arn": arn("topic")}),
        None,
    ),
    Case(
        "monitoring-topic-policy-allows-cloudwatch",
        "topic",
        put("topic-policy", "policy", document(TLS_ONLY)),
        ("topic-policy", "policy"),
    ),
    Case("monitoring-topics-have-subscriptions", "topic", remove("mail"), ("mail", "topic")),
    Case(
        "cloudwatch-logs-retention-is-sufficient",
        "flows",
        put("flows", "retentionInDays", 7),
        ("flows", "retentionInDays"),
    ),
    Case("cloudwatch-logs-retention-is-sufficient", "flows", drop("flows", "retentionInDays"), None),
    Case(
        "cloudwatch-logs-personal-data-is-masked",
        "primary-postgresql",
        remove("primary-personal-data"),
        None,
    ),
    Case(
        "cloudwatch-logs-personal-data-is-masked",
        "primary-postgresql",
        put("primary-personal-data", "policyDocument", data_protection(operation="Audit")),
        ("primary-personal-data", "policyDocument"),
    ),
    Case(
        "cloudwatch-logs-personal-data-is-masked",
        "primary-postgresql",
        put("primary-personal-data", "policyDocument", data_protection("PhoneNumber-US")),
        ("primary-personal-data", "policyDocument"),
    ),
    Case(
        "cloudwatch-logs-personal-data-is-masked",
        "replica-postgresql",
        put("replica-personal-data", "policyDocument", data_protection("EmailAddress")),
        ("replica-personal-data", "policyDocument"),
    ),
    Case(
        "load-balancer-access-logs-enabled",
        "balancer",
        put("balancer", "accessLogs.enabled", False),
        ("balancer", "accessLogs.enabled"),
    ),
    Case(
        "rds-log-exports-enabled",
        "primary",
        put("primary", "enabledCloudwatchLogsExports", ["upgrade"]),
        ("primary", "enabledCloudwatchLogsExports"),
    ),
    Case(
        "rds-log-groups-are-declared",
        "replica",
        remove("replica-upgrade"),
        ("replica", "enabledCloudwatchLogsExports"),
    ),
    Case(
        "elasticache-log-delivery-enabled",
        "cache",
        drop("cache", "logDeliveryConfigurations"),
        ("cache", "logDeliveryConfigurations"),
    ),
    Case(
        "rds-enhanced-monitoring-enabled",
        "primary",
        put("primary", "monitoringInterval", 0),
        ("primary", "monitoringInterval"),
    ),
    Case(
        "rds-performance-insights-enabled",
        "primary",
        put("primary", "performanceInsightsEnabled", False),
        ("primary", "performanceInsightsEnabled"),
    ),
    Case("rds-event-subscription-exists", "primary", put("events", "sourceIds", ["fixrx-replica"]), None),
    Case(
        "rds-event-subscription-exists",
        "replica",
        put("events", "enabled", False),
        ("events", "sourceIds"),
        also=(("rds-event-subscription-exists", "primary"),),
    ),
    *(
        Case("monitoring-watchdogs-fire-in-time", "DumpMissing", change, unknown)
        for change, unknown in (
            (put("DumpMissing", "threshold", 300), ("DumpMissing", "threshold")),
            (put("DumpMissing", "evaluationPeriods", 20), None),
            (put("DumpMissing", "comparisonOperator", "LessThanThreshold"), None),
            (put("DumpMissing", "treatMissingData", "notBreaching"), None),
        )
    ),
    *(
        Case("monitoring-watchdogs-fire-in-time", "SecretsNotLoaded", change, None)
        for change in (
            put("SecretsNotLoaded", "threshold", 36000),
            put("SecretsNotLoaded", "evaluationPeriods", 20),
            put("SecretsNotLoaded", "comparisonOperator", "LessThanThreshold"),
            put("SecretsNotLoaded", "treatMissingData", "notBreaching"),
        )
    ),
    Case(
        "monitoring-watchdogs-fire-in-time",
        "IncidentLate",
        put("IncidentLate", "threshold", 9000),
        ("IncidentLate", "threshold"),
    ),
)
