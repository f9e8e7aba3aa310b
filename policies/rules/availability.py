"""No single point of failure: standbys, zones, protection from deletion, servers that replace themselves.

What only production promises (three servers, protection from deletion) is not asked of a resource whose
Environment tag a lesser environment.
"""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be, must_be_set, must_have, must_not_be, must_not_be_set
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope, Setting
from policies.environment import in_production
from policies.rules.database_access import CACHE, DATABASE, is_primary
from policies.rules.rate_limits import LOAD_BALANCER

SERVER_GROUP: Final = "aws:autoscaling/group"
TARGET_GROUP: Final = "aws:lb/targetGroup"
STATEFUL_KINDS: Final = frozenset({DATABASE, CACHE, LOAD_BALANCER, "aws:kms/key", "aws:route53/zone", "aws:s3/bucket"})
FLOATING_VERSIONS: Final = frozenset({None, "", "$Latest", "$Default"})
DEFAULT_CHECK_INTERVAL_SECONDS: Final = 30
DEFAULT_STRIKES: Final = 3
"""AWS's own, where a target group does not say."""
DEEP_HEALTH_PATH: Final = "/api/v1/system/health"
"""The guide's report on database, Redis and third parties."""
OLDEST_POSTGRES: Final = 15
OLDEST_REDIS: Final = 7
RDS_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide"
ELASTICACHE_GUIDE: Final = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg"
AUTO_SCALING_GUIDE: Final = "https://docs.aws.amazon.com/autoscaling/ec2/userguide"
TARGET_GROUP_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"


def _is_primary_in_production(database: StackResource) -> bool:
    return is_primary(database) and in_production(database)


def _cache_fails_over(cache: StackResource, _: Context) -> Iterator[Problem]:
    nodes = cache.get("numCacheClusters") or cache.get("replicasPerNodeGroup") or 0
    if cache.get("automaticFailoverEnabled") is not True or cache.get("multiAzEnabled") is not True or nodes < 2:
        yield "is lost with its zone: every user is signed out and every request meets an empty cache"


def _spans_zones(resource: StackResource, context: Context) -> Iterator[Problem]:
    path = "vpcZoneIdentifiers" if resource.type == SERVER_GROUP else "subnets"
    count = len(resource.get(path) or resource.get("subnetMappings") or ())
    if count < context.settings["zones"]:
        yield "stands in one zone and is gone with it"


def _has_enough_servers(group: StackResource, context: Context) -> Iterator[Problem]:
    least = context.settings["production" if in_production(group) else "elsewhere"]
    servers = group.get("minSize") or 0
    if servers < least:
        yield f"may shrink to {servers} servers, and {least} carry the load when one fails"


def _version_is_pinned(group: StackResource, _: Context) -> Iterator[Problem]:
    paths = ("launchTemplate", "mixedInstancesPolicy.launchTemplate.launchTemplateSpecification")
    for path in paths:
        if group.is_set(path) and not _is_pinned(group, f"{path}.version"):
            yield "follows whatever version of its launch template is newest: servers differ, and no refresh starts"


def _is_pinned(group: StackResource, path: str) -> bool:
    if not group.is_set(path):
        return False
    try:
        return group.get(path) not in FLOATING_VERSIONS
    except UnknownValue:
        # A number that comes out of the template itself; a floating version is a word that the program writes.
        return True


def _major_version(resource: StackResource) -> int | None:
    major = str(resource.get("engineVersion") or "").partition(".")[0]
    return int(major) if major.isdecimal() else None


def _postgres_is_supported(database: StackResource, _: Context) -> Iterator[Problem]:
    major = _major_version(database)
    if major is None or major < OLDEST_POSTGRES:
        yield f"runs a PostgreSQL older than {OLDEST_POSTGRES}, whose security holes nobody closes"


def _is_postgres_primary(database: StackResource) -> bool:
    return is_primary(database) and database.get("engine") == "postgres"


def _notices_a_dead_server(group: StackResource, context: Context) -> Iterator[Problem]:
    interval = group.get("healthCheck.interval") or DEFAULT_CHECK_INTERVAL_SECONDS
    strikes = group.get("healthCheck.unhealthyThreshold") or DEFAULT_STRIKES
    most = context.settings["seconds"]
    if interval * strikes > most:
        yield f"sends users to a dead server for {interval * strikes} s, and the guide's nginx for {most}"


def _redis_is_supported(cache: StackResource, _: Context) -> Iterator[Problem]:
    major = _major_version(cache)
    if major is None or major < OLDEST_REDIS:
        yield f"runs an engine older than {OLDEST_REDIS}, whose security holes nobody closes"


def _is_protected(resource: StackResource, _: Context) -> Iterator[Problem]:
    if not resource.protect:
        yield "can be deleted or replaced by a rename or a slip of the keyboard, with all it holds"


def _health_is_checked(group: StackResource, _: Context) -> Iterator[Problem]:
    if group.get("healthCheck.enabled") is False or not group.is_set("healthCheck.path"):
        yield "does not ask its servers how they are: users meet the broken one"
    elif group.get("healthCheck.path") == DEEP_HEALTH_PATH:
        yield "asks its servers about third parties: one outage at Twilio takes all of them out of service"


def _behind_load_balancer(group: StackResource) -> bool:
    return group.is_set("targetGroupArns")


RULES = (
    Rule(
        name="rds-multi-az-enabled",
        description="Databases have a standby in another zone.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.HIGH,
        security_hub=("RDS.5",),
        resource_types=frozenset({DATABASE}),
        applies_to=is_primary,
        check=must_be("multiAz", True, "is down for as long as its zone is"),
        remediation="Set `multi_az: true` in `fixrx:database`.",
    ),
    Rule(
        name="rds-read-replica-exists",
        description="Production's database has a read replica.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{RDS_GUIDE}/USER_ReadRepl.html",
        scope=Scope.STACK,
        resource_types=frozenset({DATABASE}),
        applies_to=_is_primary_in_production,
        check=must_have(DATABASE, "replicateSourceDb", "has no replica: reports and users share one machine"),
        remediation="Declare an rds.Instance with replicate_source_db set to this one's identifier.",
    ),
    Rule(
        name="rds-deletion-protection-enabled",
        description="AWS refuses to delete production's databases.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.HIGH,
        security_hub=("RDS.8",),
        resource_types=frozenset({DATABASE}),
        applies_to=in_production,
        check=must_be("deletionProtection", True, "can be deleted with one call"),
        remediation="Set `deletion_protection: true` in `fixrx:database`.",
    ),
    Rule(
        name="rds-engine-version-is-supported",
        description="PostgreSQL is a version that is still maintained.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-release-calendar.html",
        resource_types=frozenset({DATABASE}),
        applies_to=_is_postgres_primary,
        check=_postgres_is_supported,
        remediation='Set `engine_version: "17"` in `fixrx:database`.',
    ),
    Rule(
        name="rds-extended-support-disabled",
        description="A PostgreSQL at its end of support is upgraded and not kept for money.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.LOW,
        documentation=f"{RDS_GUIDE}/extended-support.html",
        resource_types=frozenset({DATABASE}),
        applies_to=_is_postgres_primary,
        check=must_be(
            "engineLifecycleSupport",
            "open-source-rds-extended-support-disabled",
            "slides into paid extended support, which is AWS's default, without anybody noticing",
        ),
        remediation='Set engine_lifecycle_support="open-source-rds-extended-support-disabled".',
    ),
    Rule(
        name="maintenance-changes-wait-for-window",
        description="Production's databases and caches change in their maintenance window.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.LOW,
        documentation=f"{RDS_GUIDE}/USER_ModifyInstance.ApplyImmediately.html",
        resource_types=frozenset({DATABASE, CACHE}),
        applies_to=in_production,
        check=must_not_be("applyImmediately", True, "restarts in the middle of the day when a change needs it"),
        remediation="Set `apply_immediately: false` in `fixrx:database`; in an emergency, waive this for a day.",
    ),
    Rule(
        name="rds-minor-upgrades-enabled",
        description="Databases take minor upgrades by themselves.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.MEDIUM,
        security_hub=("RDS.13",),
        resource_types=frozenset({DATABASE}),
        check=must_be("autoMinorVersionUpgrade", True, "waits for somebody to install security fixes"),
        remediation="Set auto_minor_version_upgrade=True.",
    ),
    Rule(
        name="rds-storage-autoscaling-enabled",
        description="Databases enlarge their storage before it is full.",
        item=ChecklistItem.POSTGRESQL,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{RDS_GUIDE}/USER_PIOPS.Autoscaling.html",
        resource_types=frozenset({DATABASE}),
        check=must_be_set("maxAllocatedStorage", "stops accepting writes when its disk is full"),
        remediation="Set max_allocated_storage (`max_allocated_storage_gib` in `fixrx:database`).",
    ),
    Rule(
        name="elasticache-automatic-failover-enabled",
        description="Caches fail over to a node in another zone.",
        item=ChecklistItem.REDIS,
        severity=RuleSeverity.HIGH,
        security_hub=("ElastiCache.3",),
        resource_types=frozenset({CACHE}),
        check=_cache_fails_over,
        remediation="Set `nodes: 2` or more in `fixrx:cache`.",
    ),
    Rule(
        name="elasticache-engine-version-is-supported",
        description="Redis is a version that is still maintained.",
        item=ChecklistItem.REDIS,
        severity=RuleSeverity.HIGH,
        documentation=f"{ELASTICACHE_GUIDE}/engine-versions.html",
        resource_types=frozenset({CACHE}),
        check=_redis_is_supported,
        remediation='Set engine_version="7.1", or `engine: valkey` in `fixrx:cache`.',
    ),
    Rule(
        name="elasticache-minor-upgrades-enabled",
        description="Caches take minor upgrades by themselves.",
        item=ChecklistItem.REDIS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ElastiCache.2",),
        resource_types=frozenset({CACHE}),
        check=must_be("autoMinorVersionUpgrade", True, "waits for somebody to install security fixes"),
        remediation="Set auto_minor_version_upgrade=True.",
    ),
    Rule(
        name="load-balancer-deletion-protection-enabled",
        description="AWS refuses to delete production's load balancer.",
        item=ChecklistItem.LOAD_BALANCER,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ELB.6",),
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=in_production,
        check=must_be("enableDeletionProtection", True, "can be deleted with one call, and the API with it"),
        remediation="Set `deletion_protection: true` in `fixrx:load_balancer`.",
    ),
    Rule(
        name="availability-zones-are-multiple",
        description="Load balancers and servers stand in two zones or more.",
        item=ChecklistItem.LOAD_BALANCER,
        severity=RuleSeverity.HIGH,
        security_hub=("ELB.13", "AutoScaling.2"),
        resource_types=frozenset({LOAD_BALANCER, SERVER_GROUP}),
        check=_spans_zones,
        remediation="Name more zones in `availability_zones` of `fixrx:network`.",
        settings={"zones": Setting(default=2, minimum=2, maximum=6, description="Zones at the least")},
    ),
    Rule(
        name="load-balancer-invalid-headers-dropped",
        description="Load balancers drop headers that are not valid HTTP.",
        item=ChecklistItem.LOAD_BALANCER,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ELB.4",),
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=lambda balancer: balancer.get("loadBalancerType") in (None, "application"),
        check=must_be("dropInvalidHeaderFields", True, "passes malformed headers on: requests can be smuggled past it"),
        remediation="Set drop_invalid_header_fields=True.",
    ),
    Rule(
        name="load-balancer-desync-mitigation-enabled",
        description="Load balancers refuse requests that two servers would read differently.",
        item=ChecklistItem.LOAD_BALANCER,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ELB.12",),
        resource_types=frozenset({LOAD_BALANCER}),
        check=must_not_be("desyncMitigationMode", "monitor", "only counts requests that can be smuggled past it"),
        remediation='Set desync_mitigation_mode="defensive" or "strictest".',
    ),
    Rule(
        name="load-balancer-health-check-configured",
        description="Target groups check their servers' health, and their own health only.",
        item=ChecklistItem.LOAD_BALANCER,
        severity=RuleSeverity.HIGH,
        documentation=f"{TARGET_GROUP_GUIDE}/target-group-health-checks.html",
        resource_types=frozenset({TARGET_GROUP}),
        check=_health_is_checked,
        remediation="Set `ready_path` in `fixrx:load_balancer` to a path that asks nobody else.",
    ),
    Rule(
        name="load-balancer-health-check-is-timely",
        description="A dead server gets no more requests after 30 seconds.",
        item=ChecklistItem.LOAD_BALANCER,
        severity=RuleSeverity.LOW,
        documentation=f"{TARGET_GROUP_GUIDE}/target-group-health-checks.html",
        resource_types=frozenset({TARGET_GROUP}),
        check=_notices_a_dead_server,
        remediation="Lower interval or unhealthy_threshold in health_check; the guide allows 3 failures in 30 s.",
        settings={"seconds": Setting(default=30, minimum=10, maximum=600, description="Seconds to the last request")},
    ),
    Rule(
        name="auto-scaling-minimum-size-is-sufficient",
        description="Production runs three servers or more.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.HIGH,
        documentation=f"{AUTO_SCALING_GUIDE}/asg-capacity-limits.html",
        resource_types=frozenset({SERVER_GROUP}),
        check=_has_enough_servers,
        remediation="Raise `min_size` in `fixrx:app_servers`.",
        settings={
            "production": Setting(default=3, minimum=2, maximum=100, description="Servers in production"),
            "elsewhere": Setting(default=2, minimum=1, maximum=100, description="Servers in other environments"),
        },
    ),
    Rule(
        name="auto-scaling-elb-health-check-enabled",
        description="A server that fails the load balancer's health check is replaced.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        security_hub=("AutoScaling.1",),
        resource_types=frozenset({SERVER_GROUP}),
        applies_to=_behind_load_balancer,
        check=must_be("healthCheckType", "ELB", "keeps a server whose process has died while its machine runs"),
        remediation='Set health_check_type="ELB".',
    ),
    Rule(
        name="auto-scaling-launch-template-used",
        description="Servers start from a launch template.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        security_hub=("AutoScaling.9",),
        resource_types=frozenset({SERVER_GROUP}),
        check=must_not_be_set("launchConfiguration", "uses a launch configuration, which AWS has retired"),
        remediation="Set launch_template in place of launch_configuration.",
    ),
    Rule(
        name="auto-scaling-launch-template-version-is-pinned",
        description="Server groups name the version of their launch template.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{AUTO_SCALING_GUIDE}/instance-refresh-overview.html",
        resource_types=frozenset({SERVER_GROUP}),
        check=_version_is_pinned,
        remediation="Set the version to launch_template.latest_version.",
    ),
    Rule(
        name="auto-scaling-policy-exists",
        description="Server groups scale with the load.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.LOW,
        documentation=f"{AUTO_SCALING_GUIDE}/as-scaling-target-tracking.html",
        scope=Scope.STACK,
        resource_types=frozenset({SERVER_GROUP}),
        check=must_have("aws:autoscaling/policy", "autoscalingGroupName", "stays as it is, whatever the load"),
        remediation="Declare an autoscaling.Policy for the group; the guide aims at 70 % CPU.",
    ),
    Rule(
        name="availability-stateful-resources-are-protected",
        description="Pulumi refuses to delete what production cannot lose.",
        item=ChecklistItem.AVAILABILITY,
        severity=RuleSeverity.HIGH,
        documentation="https://www.pulumi.com/docs/iac/concepts/options/protect/",
        resource_types=STATEFUL_KINDS,
        applies_to=in_production,
        check=_is_protected,
        remediation="Set protect=True in its ResourceOptions (`protect` or `deletion_protection` in its section).",
    ),
)
