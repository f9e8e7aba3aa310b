"""Alarms: the guide's three with their numbers, the baseline, and the way from an alarm to a person."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from components.shared.alarm_specification import AlarmSpecification, DashboardSection, MetricMath, Severity
from replay import Replay, Series
from replay.evaluation import State
from tests.recorder import REPOSITORY, Recording, Registration, record_stack
from tests.replay.stacks import START, at, recorded_stack

PODS: Mapping[str, Mapping[str, str] | str] = {
    "runtime": "both",
    "kubernetes": {
        "image_digest": f"sha256:{'0' * 64}",
        "proxy_image": f"public.ecr.aws/nginx/nginx-unprivileged@sha256:{'0' * 64}",
    },
}
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
PRIMARY = {"DBInstanceIdentifier": "fixrx-production-postgres-primary"}
REPLICA = {"DBInstanceIdentifier": "fixrx-production-postgres-replica"}
SERVERS = {"AutoScalingGroupName": "app-servers-group"}
BALANCER = {"LoadBalancer": "app/load-balancer-alb/1"}
TARGETS = {**BALANCER, "TargetGroup": "targetgroup/load-balancer-api/1"}
FIFTH_OF_100_GIB = 100 * 2**30 // 5
ABOVE, BELOW, AT_LEAST = "GreaterThanThreshold", "LessThanThreshold", "GreaterThanOrEqualToThreshold"


def project(job: str) -> dict[str, str]:
    return {"ProjectName": f"fixrx-production-{job}"}


# Severity, namespace, metric, statistic, comparison, threshold, period in seconds, periods, dimensions.
AGES = {
    "AddressUnconfirmed": ("P3", "subscription", 0),
    "DumpMissing": ("P2", "dump", 26),
    "RestorableTimeOld": ("P2", "automated-backup", 30),
    "RestoreDrillMissing": ("P2", "drill", 36),
    "RotationMissing": ("P3", "rotation", 42),
    "VaultCopyMissing-us-west-2": ("P2", "recovery-point-us-west-2", 36),
    "VendorSecretOld": ("P4", "vendor-secret", 90),
}
SINGLE_METRIC = {
    **{
        f"{name}-00{node}": (severity, "AWS/ElastiCache", metric, "Average", ABOVE, threshold, 300, 3, dimensions)
        for node in (1, 2)
        for dimensions in ({"CacheClusterId": f"cache-replication-group-id-00{node}"},)
        for name, severity, metric, threshold in (
            ("CacheCpuHigh", "P3", "EngineCPUUtilization", 70),
            ("CacheEvictions", "P4", "Evictions", 0),
            ("CacheMemoryHigh", "P3", "DatabaseMemoryUsagePercentage", 80),
        )
    },
    **{
        f"NatPortAllocationErrors-{zone}": (
            "P2",
            "AWS/NATGateway",
            "ErrorPortAllocation",
            "Sum",
            ABOVE,
            0,
            300,
            1,
            {"NatGatewayId": f"network-nat-{zone}-id"},
        )
        for zone in "abc"
    },
    "CertificateExpiresSoon": (
        "P3",
        "AWS/CertificateManager",
        "DaysToExpiry",
        "Minimum",
        BELOW,
        30,
        86400,
        1,
        {"CertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate-certificate"},
    ),
    "CdnCertificateExpiresSoon": (
        "P3",
        "AWS/CertificateManager",
        "DaysToExpiry",
        "Minimum",
        BELOW,
        30,
        86400,
        1,
        {"CertificateArn": "arn:aws:acm:us-east-1:111122223333:cdn-certificate-certificate"},
    ),
    "CdnErrors": (
        "P2",
        "AWS/CloudFront",
        "5xxErrorRate",
        "Average",
        ABOVE,
        5,
        300,
        3,
        {"DistributionId": "cdn-distribution-id", "Region": "Global"},
    ),
    "DatabaseConnectionHigh": ("P3", "AWS/RDS", "DatabaseConnections", "Maximum", ABOVE, 80, 60, 2, PRIMARY),
    "DatabaseConnectionLimitNear": ("P2", "AWS/RDS", "DatabaseConnections", "Maximum", ABOVE, 648, 60, 2, PRIMARY),
    "DatabaseCpuHigh": ("P3", "AWS/RDS", "CPUUtilization", "Average", ABOVE, 80, 300, 3, PRIMARY),
    "DatabaseStorageLow": ("P2", "AWS/RDS", "FreeStorageSpace", "Minimum", BELOW, FIFTH_OF_100_GIB, 300, 1, PRIMARY),
    "ReplicaCpuHigh": ("P3", "AWS/RDS", "CPUUtilization", "Average", ABOVE, 80, 300, 3, REPLICA),
    "ReplicaLagHigh": ("P3", "AWS/RDS", "ReplicaLag", "Minimum", ABOVE, 120, 300, 2, REPLICA),
    "ReplicaStopped": ("P2", "AWS/RDS", "ReplicaLag", "Maximum", BELOW, 0, 300, 3, REPLICA),
    "ReplicationBacklogHigh": (
        "P2",
        "AWS/RDS",
        "OldestReplicationSlotLag",
        "Minimum",
        ABOVE,
        10 * 2**30,
        300,
        3,
        PRIMARY,
    ),
    "ReplicaStorageLow": ("P2", "AWS/RDS", "FreeStorageSpace", "Minimum", BELOW, FIFTH_OF_100_GIB, 300, 1, REPLICA),
    "ServerCpuHigh": ("P3", "AWS/EC2", "CPUUtilization", "Average", ABOVE, 90, 300, 3, SERVERS),
    "ServerGroupAtMaximum": (
        "P3",
        "AWS/AutoScaling",
        "GroupInServiceInstances",
        "Minimum",
        AT_LEAST,
        10,
        300,
        3,
        SERVERS,
    ),
    "ServerDiskFull": ("P3", "fixrx-production", "disk_used_percent", "Maximum", ABOVE, 80, 300, 1, SERVERS),
    "SecretsNotLoaded": ("P3", "fixrx-production", "SecretsBehindSeconds", "Maximum", ABOVE, 3600, 600, 2, {}),
    "DumpFailed": ("P2", "AWS/CodeBuild", "FailedBuilds", "Sum", ABOVE, 0, 300, 1, project("dump")),
    "RestoreDrillFailed": ("P2", "AWS/CodeBuild", "FailedBuilds", "Sum", ABOVE, 0, 300, 1, project("drill")),
    "DatabaseMaintenanceFailed": (
        "P3",
        "AWS/CodeBuild",
        "FailedBuilds",
        "Sum",
        ABOVE,
        0,
        300,
        1,
        project("maintenance"),
    ),
    "JobNotStarted": (
        "P3",
        "AWS/Scheduler",
        "InvocationDroppedCount",
        "Sum",
        ABOVE,
        0,
        300,
        1,
        {"ScheduleGroup": "fixrx-production-database-jobs"},
    ),
    "RotationFailed": (
        "P3",
        "AWS/Lambda",
        "Errors",
        "Sum",
        ABOVE,
        0,
        300,
        1,
        {"FunctionName": "fixrx-production-credentials"},
    ),
    "PaidMessagesLimited": (
        "P3",
        "AWS/WAFV2",
        "BlockedRequests",
        "Sum",
        ABOVE,
        50,
        300,
        1,
        {"WebACL": "web-acl", "Rule": "paid-messages-per-address", "Region": "us-east-1"},
    ),
    "ApiUnreachable": (
        "P1",
        "AWS/Route53",
        "HealthCheckStatus",
        "Minimum",
        BELOW,
        1,
        60,
        2,
        {"HealthCheckId": "outside-health-check-id"},
    ),
    "WebsocketFails": (
        "P2",
        "fixrx-production",
        "Probe",
        "Minimum",
        BELOW,
        1,
        60,
        3,
        {"Check": "websocket"},
    ),
    "NoHealthyServer": ("P1", "AWS/ApplicationELB", "HealthyHostCount", "Maximum", BELOW, 1, 60, 2, TARGETS),
    "UnhealthyServer": ("P2", "AWS/ApplicationELB", "UnHealthyHostCount", "Minimum", ABOVE, 0, 60, 5, TARGETS),
    "RejectedConnections": ("P2", "AWS/ApplicationELB", "RejectedConnectionCount", "Sum", ABOVE, 0, 60, 1, BALANCER),
    "ResponseTimeHigh": ("P3", "AWS/ApplicationELB", "TargetResponseTime", "p95", ABOVE, 1, 60, 5, BALANCER),
    **{
        name: (severity, "fixrx-production", "Age", "Maximum", ABOVE, limit, 3600, 2, {"Check": check})
        for name, (severity, check, limit) in AGES.items()
    },
}
METRIC_MATH = {
    "HighErrorRate": "P1",
    "HighErrorShare": "P1",
    "VaultBackupMissing": "P2",
    "VaultJobFailed": "P2",
    "WatchmanFailed": "P3",
}


TOLD_BY = {
    "ApiUnreachable": "ApiDown",
    "HighErrorRate": "HighErrorRate-unless-down",
    "HighErrorShare": "HighErrorShare-unless-down",
    "NoHealthyServer": "ApiDown",
    "ResponseTimeHigh": "ResponseTimeHigh-unless-down",
    "UnhealthyServer": "UnhealthyServer-unless-down",
    "WebsocketFails": "WebsocketFails-unless-down",
}
"""Alarms that tell nobody themselves, and what tells of them."""


def name_of(alarm: Registration) -> str:
    return alarm.name.removeprefix("alarms-").removeprefix("watchdog-")


def of_watchdog(alarm: Registration) -> bool:
    return alarm.name.startswith("watchdog-")


def severity_of(alarm: Registration) -> str:
    return str(alarm.plain["alarmDescription"]).split()[0]


def facts(alarm: Registration) -> tuple[Any, ...]:
    inputs = alarm.plain
    return (
        severity_of(alarm),
        inputs["namespace"],
        inputs["metricName"],
        inputs.get("statistic") or inputs["extendedStatistic"],
        inputs["comparisonOperator"],
        inputs["threshold"],
        inputs["period"],
        inputs["evaluationPeriods"],
        inputs["dimensions"],
    )


def sum_of(key: str, metric_name: str) -> dict[str, Any]:
    return {
        "id": key,
        "metric": {
            "namespace": "AWS/ApplicationELB",
            "metricName": metric_name,
            "dimensions": BALANCER,
            "stat": "Sum",
            "period": 300,
        },
        "returnData": False,
    }


ERRORS = [sum_of("target", "HTTPCode_Target_5XX_Count"), sum_of("balancer", "HTTPCode_ELB_5XX_Count")]


def test_alarms_on_one_metric_are_these(production: Recording) -> None:
    alarms = [
        alarm for alarm in production.of_type(ALARM) if name_of(alarm) not in METRIC_MATH and not of_watchdog(alarm)
    ]

    assert {name_of(alarm): facts(alarm) for alarm in alarms} == SINGLE_METRIC


@pytest.mark.parametrize(
    ("name", "threshold", "expression", "metrics"),
    [
        ("HighErrorRate", 30, "SUM([FILL(target, 0), FILL(balancer, 0)])", ERRORS),
        (
            "HighErrorShare",
            5,
            "IF(requests > 100, 100 * SUM([FILL(target, 0), FILL(balancer, 0)]) / requests, 0)",
            [*ERRORS, sum_of("requests", "RequestCount")],
        ),
    ],
)
def test_alarms_on_server_errors(
    production: Recording, name: str, threshold: float, expression: str, metrics: list[dict[str, Any]]
) -> None:
    """The guide's 0.1 errors a second over 5 minutes are 30 errors in 300 seconds."""
    alarm = production.named(f"alarms-{name}")

    assert severity_of(alarm) == METRIC_MATH[name]
    assert (alarm.plain["comparisonOperator"], alarm.plain["threshold"]) == (ABOVE, threshold)
    assert alarm.plain["evaluationPeriods"] == 1
    result = {"id": "result", "expression": expression, "label": name, "returnData": True}
    assert alarm.plain["metricQueries"] == [result, *metrics]


SAW = [float(60 * minute + phase) for _ in range(6) for phase in (20,) for minute in range(5)]
"""Lag of a replica whose primary is idle, by the minute: up to 300 s, then down again with a checkpoint."""


@pytest.mark.parametrize(
    ("lags", "firing"),
    [
        (SAW, []),
        ([0.0] * 30, []),
        ([5.0, 400.0, 900.0, 5.0, 5.0] * 6, []),
        ([130.0 + 60 * minute for minute in range(30)], ["ReplicaLagHigh"]),
        ([-1.0] * 30, ["ReplicaStopped"]),
        ([None] * 30, ["ReplicaStopped"]),
    ],
    ids=["idle", "busy", "bulk write", "behind", "stopped", "silent"],
)
def test_replica_that_follows_raises_no_alarm_and_one_that_stopped_does(
    production: Recording, lags: list[float | None], firing: list[str]
) -> None:
    points = [(at(minute), lag) for minute, lag in enumerate(lags) if lag is not None]
    series = [
        Series(alarm=name_of(alarm), points=points)
        for alarm in production.of_type(ALARM)
        if alarm.plain.get("metricName") == "ReplicaLag"
    ]
    events = Replay(recorded_stack(production), series, START).advance(at(len(lags)))

    assert [event.alarm.title for event in events if event.state is State.ALARM] == firing


def test_slow_responses_are_not_judged_by_a_handful_of_requests(stack: Recording) -> None:
    assert stack.named("alarms-ResponseTimeHigh").plain["evaluateLowSampleCountPercentiles"] == "ignore"


def test_silence_is_alarming_where_it_means_that_nothing_is_left(stack: Recording, environment: str) -> None:
    breaching = [name_of(alarm) for alarm in stack.of_type(ALARM) if alarm.plain["treatMissingData"] == "breaching"]

    of_vault = {"VaultBackupMissing", "VaultCopyMissing-us-west-2"}
    ages = AGES.keys() if environment == "production" else AGES.keys() - of_vault
    others = {"NoHealthyServer", "NotifierSilent", "ReplicaStopped", "SecretsNotLoaded", "WebsocketFails"}
    assert set(breaching) == ages | others | ({"VaultBackupMissing"} if environment == "production" else set())
    assert {alarm.plain["treatMissingData"] for alarm in stack.of_type(ALARM)} == {"breaching", "notBreaching"}


def test_alarm_that_measures_nothing_cannot_be_written() -> None:
    """Without a measure, mypy and Python refuse it."""
    with pytest.raises(TypeError, match="measure"):
        AlarmSpecification(  # type: ignore[call-arg]
            name="Nothing",
            summary="Nothing",
            severity=Severity.P4,
            threshold=0,
            unit="things",
            section=DashboardSection.JOBS,
            period_seconds=60,
            evaluation_periods=1,
        )
    with pytest.raises(ValueError, match="the expression 1 has no metrics"):
        MetricMath(expression="1", metrics={})


def test_alarm_has_a_name_severity_summary_and_runbook(stack: Recording, environment: str) -> None:
    for alarm in [*stack.of_type(ALARM), *stack.of_type(COMPOSITE)]:
        name = alarm.plain["name" if alarm.type == ALARM else "alarmName"]
        assert name == f"fixrx-{environment}-{name_of(alarm)}"
        assert alarm.inputs["tags"]["Severity"] == severity_of(alarm)
        assert re.fullmatch(
            r"P[1-4] \((Critical|High|Medium|Low), respond [^)]+\)\. [A-Z].+\. Runbook: docs/runbooks\.md#[a-z]+",
            alarm.plain["alarmDescription"],
        )


def test_alarm_reaches_the_topic_of_its_severity_when_it_begins_and_when_it_ends(stack: Recording) -> None:
    """What is quiet in an outage ends in the topic that nobody gets mail from as it comes."""
    for alarm in [*stack.of_type(ALARM), *stack.of_type(COMPOSITE)]:
        if name_of(alarm) in TOLD_BY:
            continue
        begins = "incidents-watchdog" if of_watchdog(alarm) else f"notifications-{severity_of(alarm).lower()}"
        ends = "notifications-p4" if "actionsSuppressor" in alarm.plain else begins
        assert alarm.plain["alarmActions"] == [f"arn:aws:sns:us-east-1:111122223333:{begins}"]
        assert alarm.plain["okActions"] == [f"arn:aws:sns:us-east-1:111122223333:{ends}"]


def test_what_an_outage_raises_tells_by_another_alarm(stack: Recording, environment: str) -> None:
    silent = [alarm for alarm in stack.of_type(ALARM) if not alarm.plain.get("alarmActions")]
    assert {name_of(alarm) for alarm in silent} == TOLD_BY.keys()
    assert not any(alarm.plain.get("okActions") for alarm in silent)
    rules = {name_of(each): each.plain["alarmRule"] for each in stack.of_type(COMPOSITE)}
    assert {telling: set(rule.split(" OR ")) for telling, rule in rules.items()} == {
        telling: {f'ALARM("fixrx-{environment}-{name}")' for name in TOLD_BY if TOLD_BY[name] == telling}
        for telling in TOLD_BY.values()
    }


def test_only_what_an_outage_raises_is_quiet_in_it(stack: Recording, environment: str) -> None:
    suppressor = {"alarm": f"fixrx-{environment}-ApiDown", "waitPeriod": 240, "extensionPeriod": 360}
    suppressed = {name_of(each): each.plain.get("actionsSuppressor") for each in stack.of_type(COMPOSITE)}

    assert suppressed.pop("ApiDown") is None
    assert suppressed == {each: suppressor for each in TOLD_BY.values() if each != "ApiDown"}


def test_outage_of_either_kind_of_server_is_one(production: Recording) -> None:
    both = record_stack("production", PODS)
    rules = {name_of(each): each.plain["alarmRule"] for each in both.of_type(COMPOSITE)}

    alarms = [f'ALARM("fixrx-production-{each}")' for each in ("NoHealthyServer", "NoHealthyPod", "ApiUnreachable")]
    assert rules["ApiDown"] == " OR ".join(alarms)
    assert "UnhealthyPod-unless-down" in rules
    assert "UnhealthyPod-unless-down" not in {name_of(each) for each in production.of_type(COMPOSITE)}


def test_alarms_without_an_outage_tell_themselves(stack: Recording) -> None:
    assert not [each for each in stack.of_type(COMPOSITE) if of_watchdog(each)]
    assert all(each.plain["alarmActions"] for each in stack.of_type(ALARM) if of_watchdog(each))


def test_every_alarm_is_delivered(stack: Recording) -> None:
    """From alarm to topic to key: without one of the links the message is lost."""
    topics = {f"arn:aws:sns:us-east-1:111122223333:{each.name}": each for each in stack.of_type("aws:sns/topic:Topic")}
    policies = {each.plain["arn"]: each.document("policy") for each in stack.of_type("aws:sns/topicPolicy:TopicPolicy")}
    keys = {
        f"arn:aws:kms:us-east-1:111122223333:key/{each.name}": each.document("policy")
        for each in stack.of_type("aws:kms/key:Key")
    }

    for alarm in [*stack.of_type(ALARM), *stack.of_type(COMPOSITE)]:
        for topic_arn in [*alarm.plain.get("alarmActions", ()), *alarm.plain.get("okActions", ())]:
            key_arn = topics[topic_arn].plain["kmsMasterKeyId"]
            assert allows_cloudwatch(policies[topic_arn], {"sns:Publish"})
            assert allows_cloudwatch(keys[key_arn], {"kms:Decrypt", "kms:GenerateDataKey*"})


def allows_cloudwatch(policy: dict[str, Any], actions: set[str]) -> bool:
    return any(
        statement["Effect"] == "Allow"
        and isinstance(statement["Principal"], dict)
        and "cloudwatch.amazonaws.com" in statement["Principal"].get("Service", [])
        and actions <= set(statement["Action"])
        for statement in policy["Statement"]
    )


def test_everything_that_holds_data_is_watched_by_two_alarms_or_more(stack: Recording) -> None:
    databases = [each.plain["identifier"] for each in stack.of_type("aws:rds/instance:Instance")]
    nodes = [
        f"{group.name}-id-{number:03d}"
        for group in stack.of_type("aws:elasticache/replicationGroup:ReplicationGroup")
        for number in range(1, int(group.plain["numCacheClusters"]) + 1)
    ]
    watched = Counter(value for alarm in stack.of_type(ALARM) for value in alarm.plain.get("dimensions", {}).values())

    assert len(databases) == 2
    assert len(nodes) == 2
    assert {each: watched[each] for each in [*databases, *nodes] if watched[each] < 2} == {}


def test_every_alarm_has_a_runbook_and_every_runbook_an_alarm(production: Recording, staging: Recording) -> None:
    sections = re.findall(r"^### (\w+)$", (REPOSITORY / "docs" / "runbooks.md").read_text(), re.MULTILINE)
    anchors = {
        alarm.plain["alarmDescription"].rpartition("Runbook: docs/runbooks.md#")[2]
        for recording in (production, staging, record_stack("production", {"dns": {"dnssec": True}, **PODS}))
        for alarm in [*recording.of_type(ALARM), *recording.of_type(COMPOSITE)]
    }

    assert sorted(section.lower() for section in sections) == sorted(anchors)
