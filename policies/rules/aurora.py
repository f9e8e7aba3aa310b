"""What only database clusters, proxies and snapshots have.

Rules about single instances are about clusters too, where AWS has the same; they are in the modules of their topics.
"""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

SNAPSHOT_TYPES: Final = frozenset(
    {aws.DB_SNAPSHOT, aws.DB_SNAPSHOT_COPY, aws.DB_CLUSTER_SNAPSHOT, aws.DB_CLUSTER_SNAPSHOT_COPY}
)
EVERYONE: Final = "all"
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest"


@rule(
    "rds-cluster-has-standby",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_CLUSTER],
    scope=Scope.STACK,
    # A Multi-AZ DB cluster, which has a class of its own, always has two standbys.
    applies_to=lambda cluster: not cluster.is_set("dbClusterInstanceClass"),
    security_hub=["RDS.15"],
    remediation="Declare two rds.ClusterInstance or more for the cluster.",
)
def cluster_has_standby(cluster: StackResource, context: Context) -> Iterator[Problem]:
    """Database clusters have two instances or more."""
    stack = context.stack
    instances = stack.referrers(cluster, aws.DB_CLUSTER_INSTANCE, "clusterIdentifier")
    if len(instances) < 2:
        stack.require_known_referrers(cluster, aws.DB_CLUSTER_INSTANCE, "clusterIdentifier")
        yield "has fewer than two instances: it is unavailable while AWS replaces the only one"


@rule(
    "rds-snapshots-are-private",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.CRITICAL,
    resource_types=SNAPSHOT_TYPES,
    security_hub=["RDS.1"],
    remediation="Remove `all` from shared_accounts.",
)
def snapshots_are_private(snapshot: StackResource, _: Context) -> Iterator[Problem]:
    """Snapshots of databases are not shared with every AWS account."""
    if EVERYONE in (account.lower() for account in snapshot.texts("sharedAccounts")):
        yield "is public: every AWS account can restore the database from it"


@rule(
    "rds-proxy-tls-is-required",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_PROXY],
    documentation=f"{RDS_GUIDE}/UserGuide/rds-proxy.howitworks.html",
    remediation="Set require_tls=True.",
)
def proxy_tls_is_required(proxy: StackResource, _: Context) -> Iterator[Problem]:
    """Database proxies accept TLS connections only."""
    if proxy.get("requireTls") is not True:
        yield "accepts connections without TLS: passwords and customers' data can be read in transit"


@rule(
    "rds-proxy-queries-are-not-logged",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_PROXY],
    documentation=f"{RDS_GUIDE}/UserGuide/rds-proxy-monitoring.html",
    remediation="Remove debug_logging.",
)
def proxy_queries_are_not_logged(proxy: StackResource, _: Context) -> Iterator[Problem]:
    """Database proxies do not write the text of queries into their log."""
    if proxy.get("debugLogging") is True:
        yield "logs the text of every query: it contains customers' data"
