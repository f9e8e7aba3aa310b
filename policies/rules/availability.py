"""No single point of failure: standbys, Availability Zones, deletion protection, replacement of failed servers.

What only production needs (three servers, deletion protection) is not demanded of a resource whose Environment tag
names a lesser environment.
"""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule

STATEFUL_TYPES: Final = frozenset(
    {
        *(aws.DB_INSTANCE, aws.DB_CLUSTER, aws.TABLE, aws.BUCKET, aws.CACHE, aws.SERVERLESS_CACHE),
        *(aws.BACKUP_VAULT, aws.LOAD_BALANCER, aws.KMS_KEY, aws.DNS_ZONE),
    }
)
POSTGRES_ENGINES: Final = ("postgres", "aurora-postgresql")
SCALED_TYPES: Final = {
    aws.AUTO_SCALING_GROUP: ("minSize", "maxSize"),
    aws.SCALABLE_TARGET: ("minCapacity", "maxCapacity"),
}
"""Types whose size follows the load, and where each has its limits."""
FLOATING_VERSIONS: Final = frozenset({None, "", "$Latest", "$Default"})
DEFAULT_CHECK_INTERVAL_SECONDS: Final = 30
DEFAULT_UNHEALTHY_THRESHOLD: Final = 3
"""AWS's defaults for a target group."""
CONNECTION_PROTOCOLS: Final = ("TCP", "TLS", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC", "GENEVE")
"""Protocols of target groups of network and gateway load balancers, whose default health check is by TCP."""
DEEP_HEALTH_PATH: Final = "/api/v1/system/health"
"""The guide's report on database, Redis and third parties."""
OLDEST_POSTGRES: Final = 15
OLDEST_REDIS: Final = 7
EXTENDED_SUPPORT_DISABLED: Final = "open-source-rds-extended-support-disabled"
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
ELASTICACHE_GUIDE: Final = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg"
AUTO_SCALING_GUIDE: Final = "https://docs.aws.amazon.com/autoscaling/ec2/userguide"
TARGET_GROUP_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"


def _is_primary_in_production(database: StackResource) -> bool:
    return aws.is_primary(database) and aws.in_production(database)


def _is_postgres_primary(database: StackResource) -> bool:
    return aws.is_primary(database) and database.get("engine") in POSTGRES_ENGINES


def _is_redis(cache: StackResource) -> bool:
    return aws.is_separate_cache(cache) and bool(cache.get("engine") != "memcached")


def _major_version(resource: StackResource) -> int | None:
    major = str(resource.get("engineVersion") or "").partition(".")[0]
    return int(major) if major.isdecimal() else None


@rule(
    "rds-multi-az-enabled",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE],
    applies_to=aws.is_primary,
    security_hub=["RDS.5"],
    remediation="Set `multi_az: true` in `fixrx:database`.",
)
def multi_az_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases have a standby in another Availability Zone."""
    if database.get("multiAz") is not True:
        yield "has no standby: it is unavailable while its Availability Zone is"


@rule(
    "rds-read-replica-exists",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE],
    scope=Scope.STACK,
    applies_to=_is_primary_in_production,
    documentation=f"{RDS_GUIDE}/USER_ReadRepl.html",
    remediation="Declare an rds.Instance with replicate_source_db set to this one's identifier.",
)
def read_replica_exists(database: StackResource, context: Context) -> Iterator[Problem]:
    """The production database has a read replica."""
    if not context.stack.has_referrer(database, aws.DB_INSTANCE, "replicateSourceDb"):
        yield "has no read replica: reports slow down the queries of users"


@rule(
    "rds-deletion-protection-enabled",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=aws.in_production,
    security_hub=["RDS.8"],
    remediation="Set `deletion_protection: true` in `fixrx:database`.",
)
def database_deletion_protection_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Production databases have deletion protection."""
    if database.get("deletionProtection") is not True:
        yield "has no deletion protection: one API call deletes it"


@rule(
    "rds-engine-version-is-supported",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=_is_postgres_primary,
    documentation="https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html",
    remediation='Set `engine_version: "17"` in `fixrx:database`.',
)
def postgres_version_is_supported(database: StackResource, _: Context) -> Iterator[Problem]:
    """PostgreSQL runs in a major version that gets security fixes."""
    major = _major_version(database)
    if major is None or major < OLDEST_POSTGRES:
        yield f"runs a PostgreSQL older than {OLDEST_POSTGRES}, which gets no security fixes"


@rule(
    "rds-extended-support-disabled",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=_is_postgres_primary,
    documentation=f"{RDS_GUIDE}/extended-support.html",
    remediation=f'Set engine_lifecycle_support="{EXTENDED_SUPPORT_DISABLED}".',
)
def extended_support_disabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """RDS Extended Support, which is charged for, is disabled."""
    if database.get("engineLifecycleSupport") != EXTENDED_SUPPORT_DISABLED:
        yield "has RDS Extended Support enabled, which is the default: AWS charges for it once the version is old"


@rule(
    "maintenance-changes-wait-for-window",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER, aws.DB_CLUSTER_INSTANCE, aws.CACHE, aws.CACHE_CLUSTER],
    applies_to=aws.in_production,
    documentation=f"{RDS_GUIDE}/USER_ModifyInstance.ApplyImmediately.html",
    remediation="Set `apply_immediately: false` in `fixrx:database` or `fixrx:cache`; for the day of an upgrade or an "
    "emergency, waive this rule.",
)
def changes_wait_for_window(store: StackResource, _: Context) -> Iterator[Problem]:
    """Changes of production databases and caches wait for the maintenance window."""
    if store.get("applyImmediately") is True:
        yield "applies changes immediately: one that needs a restart interrupts users during the day"


@rule(
    "rds-minor-upgrades-enabled",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER_INSTANCE],
    security_hub=["RDS.13"],
    remediation="Set auto_minor_version_upgrade=True.",
)
def database_minor_upgrades_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases install minor version upgrades automatically."""
    if database.get("autoMinorVersionUpgrade") is not True:
        yield "does not install minor version upgrades automatically: security fixes are late"


@rule(
    "rds-storage-autoscaling-enabled",
    item=ChecklistItem.POSTGRESQL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE],
    documentation=f"{RDS_GUIDE}/USER_PIOPS.Autoscaling.html",
    remediation="Set max_allocated_storage (`max_allocated_storage_gib` in `fixrx:database`).",
)
def storage_autoscaling_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases have storage autoscaling."""
    if not database.is_set("maxAllocatedStorage"):
        yield "has no storage autoscaling: it stops accepting writes when its storage is full"


@rule(
    "elasticache-automatic-failover-enabled",
    item=ChecklistItem.REDIS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CACHE, aws.CACHE_CLUSTER],
    applies_to=_is_redis,
    security_hub=["ElastiCache.3"],
    remediation="Set `nodes: 2` or more in `fixrx:cache`.",
)
def automatic_failover_enabled(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches fail over to a node in another Availability Zone."""
    if cache.type == aws.CACHE_CLUSTER:
        yield "is a single node, which cannot fail over: declare an elasticache.ReplicationGroup"
        return
    nodes = cache.number("numCacheClusters") or cache.number("replicasPerNodeGroup") or 0
    if cache.get("automaticFailoverEnabled") is not True or cache.get("multiAzEnabled") is not True or nodes < 2:
        yield "has no automatic failover: when its Availability Zone fails, all sessions and cached data are lost"


@rule(
    "elasticache-engine-version-is-supported",
    item=ChecklistItem.REDIS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CACHE, aws.CACHE_CLUSTER],
    applies_to=_is_redis,
    documentation=f"{ELASTICACHE_GUIDE}/engine-versions.html",
    remediation='Set engine_version="7.1", or `engine: valkey` in `fixrx:cache`.',
)
def redis_version_is_supported(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Redis runs in a major version that gets security fixes."""
    major = _major_version(cache)
    if major is None or major < OLDEST_REDIS:
        yield f"runs an engine version older than {OLDEST_REDIS}, which gets no security fixes"


@rule(
    "elasticache-minor-upgrades-enabled",
    item=ChecklistItem.REDIS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.CACHE, aws.CACHE_CLUSTER],
    applies_to=aws.is_separate_cache,
    security_hub=["ElastiCache.2"],
    remediation="Set auto_minor_version_upgrade=True.",
)
def cache_minor_upgrades_enabled(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches install minor version upgrades automatically."""
    if cache.get("autoMinorVersionUpgrade") is not True:
        yield "does not install minor version upgrades automatically: security fixes are late"


@rule(
    "load-balancer-deletion-protection-enabled",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOAD_BALANCER],
    applies_to=aws.in_production,
    security_hub=["ELB.6"],
    remediation="Set `deletion_protection: true` in `fixrx:load_balancer`.",
)
def load_balancer_deletion_protection_enabled(balancer: StackResource, _: Context) -> Iterator[Problem]:
    """Production load balancers have deletion protection."""
    if balancer.get("enableDeletionProtection") is not True:
        yield "has no deletion protection: one API call deletes it and takes the API offline"


@rule(
    "availability-zones-are-multiple",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LOAD_BALANCER, aws.AUTO_SCALING_GROUP],
    security_hub=["ELB.13", "AutoScaling.2"],
    remediation="Name more zones in `availability_zones` of `fixrx:network`.",
    settings={"zones": Setting(default=2, minimum=2, maximum=6, description="Fewest Availability Zones")},
)
def zones_are_multiple(resource: StackResource, context: Context) -> Iterator[Problem]:
    """Load balancers and servers are in two Availability Zones or more."""
    paths = ("vpcZoneIdentifiers",) if resource.type == aws.AUTO_SCALING_GROUP else ("subnets", "subnetMappings")
    subnets = next((value for value in map(resource.get, paths) if value), ())
    if len(subnets) < context.settings["zones"]:
        yield "is in a single Availability Zone: it fails together with the zone"


@rule(
    "load-balancer-invalid-headers-dropped",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOAD_BALANCER],
    applies_to=aws.is_application_load_balancer,
    security_hub=["ELB.4"],
    remediation="Set drop_invalid_header_fields=True.",
)
def invalid_headers_dropped(balancer: StackResource, _: Context) -> Iterator[Problem]:
    """Load balancers drop header fields that are not valid HTTP."""
    if balancer.get("dropInvalidHeaderFields") is not True:
        yield "forwards invalid header fields: they allow HTTP request smuggling"


@rule(
    "load-balancer-desync-mitigation-enabled",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOAD_BALANCER],
    security_hub=["ELB.12"],
    remediation='Set desync_mitigation_mode="defensive" or "strictest".',
)
def desync_mitigation_enabled(balancer: StackResource, _: Context) -> Iterator[Problem]:
    """Load balancers refuse ambiguous requests (desync mitigation)."""
    if balancer.get("desyncMitigationMode") == "monitor":
        yield "only monitors ambiguous requests and forwards them: they allow HTTP request smuggling"


def _checks_connections(group: StackResource) -> bool:
    """Tell whether a target group's health check opens a connection, and needs no path."""
    protocol = group.get("healthCheck.protocol")
    return bool(protocol == "TCP" or (protocol is None and group.get("protocol") in CONNECTION_PROTOCOLS))


@rule(
    "load-balancer-health-check-configured",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.TARGET_GROUP],
    # A function is not checked: it either answers or fails.
    applies_to=lambda group: bool(group.get("targetType") != "lambda"),
    documentation=f"{TARGET_GROUP_GUIDE}/target-group-health-checks.html",
    remediation="Set `ready_path` in `fixrx:load_balancer` to a path that does not depend on other services.",
)
def health_check_configured(group: StackResource, _: Context) -> Iterator[Problem]:
    """Target groups check the health of their servers, without third parties."""
    if group.get("healthCheck.enabled") is False or not (
        _checks_connections(group) or group.is_set("healthCheck.path")
    ):
        yield "has no health check: failed servers keep receiving requests"
    elif group.get("healthCheck.path") == DEEP_HEALTH_PATH:
        yield "checks a path that depends on third parties: an outage of Twilio makes all servers unhealthy"


@rule(
    "load-balancer-health-check-is-timely",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.LOW,
    resource_types=[aws.TARGET_GROUP],
    documentation=f"{TARGET_GROUP_GUIDE}/target-group-health-checks.html",
    remediation="Lower interval or unhealthy_threshold in health_check; the guide allows 3 failures in 30 s.",
    settings={
        "seconds": Setting(default=30, minimum=10, maximum=600, description="Seconds until a server counts as failed")
    },
)
def health_check_is_timely(group: StackResource, context: Context) -> Iterator[Problem]:
    """A failed server receives no more requests after 30 seconds."""
    interval = group.number("healthCheck.interval") or DEFAULT_CHECK_INTERVAL_SECONDS
    failures = group.number("healthCheck.unhealthyThreshold") or DEFAULT_UNHEALTHY_THRESHOLD
    limit = context.settings["seconds"]
    if interval * failures > limit:
        yield f"sends requests to a failed server for {interval * failures} s; the guide allows {limit} s"


@rule(
    "auto-scaling-minimum-size-is-sufficient",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.AUTO_SCALING_GROUP],
    documentation=f"{AUTO_SCALING_GUIDE}/asg-capacity-limits.html",
    remediation="Raise `min_size` in `fixrx:app_servers`.",
    settings={
        "production": Setting(default=3, minimum=2, maximum=100, description="Servers in production"),
        "elsewhere": Setting(default=2, minimum=1, maximum=100, description="Servers in other environments"),
    },
)
def minimum_size_is_sufficient(group: StackResource, context: Context) -> Iterator[Problem]:
    """Production runs three servers or more."""
    least = context.settings["production" if aws.in_production(group) else "elsewhere"]
    servers = group.number("minSize") or 0
    if servers < least:
        yield f"has a minimum size of {servers}: {least} servers are needed to carry the load when one fails"


@rule(
    "auto-scaling-can-grow",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=SCALED_TYPES,
    documentation=f"{AUTO_SCALING_GUIDE}/asg-capacity-limits.html",
    remediation="Raise `max_size` in `fixrx:app_servers`.",
)
def scaling_can_grow(group: StackResource, _: Context) -> Iterator[Problem]:
    """What scales may grow: its maximum is larger than its minimum."""
    least, most = map(group.number, SCALED_TYPES[group.type])
    if most is not None and most <= (least or 0):
        yield f"has a maximum size of {most} and the same minimum: it cannot grow with the load"


@rule(
    "auto-scaling-elb-health-check-enabled",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.AUTO_SCALING_GROUP],
    applies_to=lambda group: group.is_set("targetGroupArns"),
    security_hub=["AutoScaling.1"],
    remediation='Set health_check_type="ELB".',
)
def elb_health_check_enabled(group: StackResource, _: Context) -> Iterator[Problem]:
    """A server that fails the load balancer's health check is replaced."""
    if group.get("healthCheckType") != "ELB":
        yield "does not use the load balancer's health check: an instance whose application has failed is not replaced"


@rule(
    "auto-scaling-launch-template-used",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.AUTO_SCALING_GROUP],
    security_hub=["AutoScaling.9"],
    remediation="Set launch_template instead of launch_configuration.",
)
def launch_template_used(group: StackResource, _: Context) -> Iterator[Problem]:
    """Servers start from a launch template."""
    if group.is_set("launchConfiguration"):
        yield "uses a launch configuration, which AWS has deprecated"


@rule(
    "auto-scaling-launch-template-version-is-pinned",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.AUTO_SCALING_GROUP],
    documentation=f"{AUTO_SCALING_GUIDE}/instance-refresh-overview.html",
    remediation="Set the version to launch_template.latest_version.",
)
def launch_template_version_is_pinned(group: StackResource, _: Context) -> Iterator[Problem]:
    """Auto Scaling groups name the version of their launch template."""
    for path in ("launchTemplate", "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification"):
        if group.is_set(path) and not _is_pinned(group, f"{path}.version"):
            yield "uses a floating version of its launch template: servers differ, and no instance refresh starts"


def _is_pinned(group: StackResource, path: str) -> bool:
    if not group.is_set(path):
        return False
    try:
        return group.get(path) not in FLOATING_VERSIONS
    except UnknownValue:
        # A number that the template's own resource outputs; a floating version is a text that the program writes.
        return True


@rule(
    "auto-scaling-policy-exists",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.LOW,
    resource_types=[aws.AUTO_SCALING_GROUP],
    scope=Scope.STACK,
    documentation=f"{AUTO_SCALING_GUIDE}/as-scaling-target-tracking.html",
    remediation="Declare an autoscaling.Policy for the group; the guide's target is 70 % CPU.",
)
def scaling_policy_exists(group: StackResource, context: Context) -> Iterator[Problem]:
    """Auto Scaling groups scale with the load."""
    if not context.stack.has_referrer(group, aws.AUTO_SCALING_POLICY, "autoscalingGroupName"):
        yield "has no scaling policy: its size does not follow the load"


@rule(
    "availability-stateful-resources-are-protected",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.HIGH,
    resource_types=STATEFUL_TYPES,
    applies_to=aws.in_production,
    documentation="https://www.pulumi.com/docs/iac/concepts/options/protect/",
    remediation="Set protect=True in its ResourceOptions (`protect` or `deletion_protection` in its section).",
)
def stateful_resources_are_protected(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Stateful resources of production have Pulumi's protect option."""
    if not resource.protect:
        yield "is not protected: a renamed or removed line of the program deletes it with its data"
