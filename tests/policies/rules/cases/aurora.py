"""What breaks the rules of `policies.rules.aurora`."""

from tests.policies.changes import Case, put, remove

CASES = (
    Case("rds-cluster-has-standby", "cluster", remove("reader"), ("reader", "clusterIdentifier")),
    Case(
        "rds-snapshots-are-private",
        "cluster-snapshot",
        put("cluster-snapshot", "sharedAccounts", ["444455556666", "all"]),
        ("cluster-snapshot", "sharedAccounts"),
    ),
    Case("rds-snapshots-are-private", "snapshot", put("snapshot", "sharedAccounts", ["all"]), None),
    Case("rds-proxy-tls-is-required", "proxy", put("proxy", "requireTls", False), ("proxy", "requireTls")),
    Case("rds-proxy-queries-are-not-logged", "proxy", put("proxy", "debugLogging", True), ("proxy", "debugLogging")),
)
