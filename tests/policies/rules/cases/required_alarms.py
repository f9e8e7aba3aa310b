"""What breaks the rules of `policies.rules.required_alarms`."""

from tests.policies.changes import Case, put, remove
from tests.policies.platform import GIB

CASES = (
    Case(
        "monitoring-has-required-alarms",
        "cache",
        remove("EngineCPUUtilization-002"),
        ("EngineCPUUtilization-001", "dimensions.CacheClusterId"),
    ),
    Case("monitoring-has-required-alarms", "cdn", remove("CdnErrors"), None),
    Case("monitoring-has-required-alarms", "cdn", put("CdnErrors", "threshold", 50), ("CdnErrors", "threshold")),
    Case("monitoring-has-required-alarms", "replica", remove("replica-lag"), None),
    Case("monitoring-has-required-alarms", "replica", remove("ReplicaStopped"), None),
    Case(
        "monitoring-has-required-alarms", "primary", put("primary-cpu", "threshold", 95), ("primary-cpu", "threshold")
    ),
    Case("monitoring-has-required-alarms", "primary", put("DatabaseStorageLow", "threshold", GIB), None),
    Case(
        "monitoring-has-required-alarms",
        "balancer",
        put("NoHealthyServer", "comparisonOperator", "GreaterThanThreshold"),
        None,
    ),
    Case("monitoring-has-required-alarms", "servers", put("server-cpu", "evaluationPeriods", 100), None),
    Case("monitoring-has-required-alarms", "schedules", remove("not-started"), None),
    Case("monitoring-scheduled-builds-have-alarm", "nightly", remove("dump-failed"), ("nightly", "target.input")),
    Case("monitoring-scheduled-builds-have-alarm", "nightly", put("dump-failed", "threshold", 3), None),
    Case("monitoring-has-required-alarms", "dnssec", remove("dnssec-key"), None),
    Case(
        "monitoring-rotations-have-alarm",
        "jwt_secret-rotation",
        put("rotation-failed", "threshold", 1),
        ("rotation-failed", "dimensions.FunctionName"),
        also=tuple(
            ("monitoring-rotations-have-alarm", f"{variable}-rotation")
            for variable in ("database_url", "replica_database_url", "redis_url")
        ),
    ),
    Case("monitoring-has-required-alarms", "dnssec", put("dnssec-fails", "dimensions.HostedZoneId", "Z2"), None),
    Case("monitoring-has-required-alarms", "servers", put("server-disk", "threshold", 99), None),
    Case(
        "monitoring-has-required-alarms",
        "certificate",
        put("CertificateExpiresSoon", "threshold", 1),
        ("CertificateExpiresSoon", "threshold"),
    ),
)
