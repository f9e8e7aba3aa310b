"""Database access restrictions: who can open a connection to PostgreSQL and Redis, and how they prove who they are."""

from collections.abc import Iterator

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be, must_be_set, must_not_be
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.engine.stack import StackGraph
from policies.network_rules import GROUP, OLDER_SEPARATE_RULE, SEPARATE_INGRESS, SecurityGroupRule, ingress_rules
from policies.rules.security_groups import groups_of_rule

DATABASE = "aws:rds/instance"
CACHE = "aws:elasticache/replicationGroup"
STORES = ((DATABASE, "vpcSecurityGroupIds"), (CACHE, "securityGroupIds"))
"""Kinds of data stores and where they name their security groups."""
GUESSABLE_NAMES = frozenset({"postgres", "admin", "administrator", "root", "rdsadmin", "master"})
INGRESS_KINDS = frozenset({SEPARATE_INGRESS, OLDER_SEPARATE_RULE, GROUP})


def is_replica(database: StackResource) -> bool:
    """Tell whether an instance is a read replica, which inherits most of its settings from its source."""
    return database.is_set("replicateSourceDb")


def is_primary(database: StackResource) -> bool:
    """Tell whether an instance has data of its own."""
    return not is_replica(database)


def _guarded_stores(resource: StackResource, stack: StackGraph) -> list[StackResource]:
    """Return the data stores behind the security group that a rule belongs to."""
    return [
        store
        for group in groups_of_rule(resource, stack)
        for kind, path in STORES
        for store in stack.referrers(group, kind, path)
    ]


def _reached_by_group(resource: StackResource, context: Context) -> Iterator[Problem]:
    for store in _guarded_stores(resource, context.stack):
        for rule in ingress_rules(resource):
            if isinstance(rule, UnknownValue):
                yield rule
            elif rule.blocks and not rule.is_open_to_the_internet:
                yield f"lets a whole address range reach {store.name}: every server in it becomes a way to the data"


def _reached_on_one_port(resource: StackResource, context: Context) -> Iterator[Problem]:
    for store in _guarded_stores(resource, context.stack):
        for rule in ingress_rules(resource):
            if isinstance(rule, UnknownValue):
                yield rule
            elif len(rule.ports) > 1:
                yield f"opens {rule.what} of {store.name}, which listens on one"


def _not_reached_from_the_edge(resource: StackResource, context: Context) -> Iterator[Problem]:
    """The group that may connect must not itself be open to the internet: then one hop separates it from the data."""
    stack = context.stack
    if resource.type == GROUP or not _guarded_stores(resource, stack):
        return
    path = "referencedSecurityGroupId" if resource.type == SEPARATE_INGRESS else "sourceSecurityGroupId"
    for source in stack.targets(resource, path, GROUP):
        if _is_open_to_the_internet(source, stack):
            yield f"lets {source.name} reach the data, and the internet reaches {source.name}"


def _is_open_to_the_internet(group: StackResource, stack: StackGraph) -> bool:
    carriers = [group, *stack.referrers(group, SEPARATE_INGRESS, "securityGroupId")]
    carriers += stack.referrers(group, OLDER_SEPARATE_RULE, "securityGroupId")
    return any(
        isinstance(rule, SecurityGroupRule) and rule.is_open_to_the_internet
        for carrier in carriers
        for rule in ingress_rules(carrier)
    )


def _has_own_administrator(database: StackResource, _: Context) -> Iterator[Problem]:
    if str(database.get("username") or "").lower() in GUESSABLE_NAMES:
        yield "has an administrator whose name everybody knows: half of a login is given away"


def _asks_who_connects(cache: StackResource, _: Context) -> Iterator[Problem]:
    if not cache.is_set("authToken") and not cache.is_set("userGroupIds"):
        yield "answers whoever reaches it: without a token every process in the network reads the sessions"


RULES = (
    Rule(
        name="rds-public-access-disabled",
        description="Databases have no public address.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.CRITICAL,
        security_hub=("RDS.2",),
        resource_types=frozenset({DATABASE}),
        check=must_not_be("publiclyAccessible", True, "has a public address: the internet can try passwords on it"),
        remediation="Set publicly_accessible=False.",
    ),
    Rule(
        name="rds-security-groups-are-set",
        description="Databases stand in security groups of their own, not in the VPC's default group.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.RDSSecurityGroups.html",
        resource_types=frozenset({DATABASE}),
        check=must_be_set("vpcSecurityGroupIds", "names no security group, so it lands in the VPC's default group"),
        remediation="Set vpc_security_group_ids to the database's own group.",
    ),
    Rule(
        name="elasticache-security-groups-are-set",
        description="Caches stand in security groups of their own, not in the VPC's default group.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VPCs.EC.html",
        resource_types=frozenset({CACHE}),
        check=must_be_set("securityGroupIds", "names no security group, so it lands in the VPC's default group"),
        remediation="Set security_group_ids to the cache's own group.",
    ),
    Rule(
        name="database-ingress-sources-are-security-groups",
        description="Databases and caches let in security groups, never address ranges.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.RDSSecurityGroups.html",
        scope=Scope.STACK,
        resource_types=INGRESS_KINDS,
        check=_reached_by_group,
        remediation="Name the group that may connect (referenced_security_group_id) in place of the address block.",
    ),
    Rule(
        name="database-ingress-port-is-single",
        description="Databases and caches open the one port on which they listen.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.RDSSecurityGroups.html",
        scope=Scope.STACK,
        resource_types=INGRESS_KINDS,
        check=_reached_on_one_port,
        remediation="Set from_port and to_port to the port of the database.",
    ),
    Rule(
        name="database-ingress-sources-are-not-public",
        description="What the internet can connect to cannot connect to databases and caches.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",
        scope=Scope.STACK,
        resource_types=INGRESS_KINDS,
        check=_not_reached_from_the_edge,
        remediation="Reference the app servers' group in place of this one.",
    ),
    Rule(
        name="rds-subnet-group-is-set",
        description="Databases stand in subnets that were chosen for them.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        resource_types=frozenset({DATABASE}),
        applies_to=is_primary,
        check=must_be_set("dbSubnetGroupName", "names no subnet group, so it lands in public subnets"),
        remediation="Set db_subnet_group_name to a group of isolated subnets.",
    ),
    Rule(
        name="elasticache-subnet-group-is-set",
        description="Caches stand in subnets that were chosen for them.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ElastiCache.7",),
        resource_types=frozenset({CACHE}),
        check=must_be_set("subnetGroupName", "names no subnet group, so it lands in the default VPC's public subnets"),
        remediation="Set subnet_group_name to a group of isolated subnets.",
    ),
    Rule(
        name="rds-iam-authentication-enabled",
        description="People sign in to databases with their own AWS identity.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("RDS.10",),
        resource_types=frozenset({DATABASE}),
        check=must_be(
            "iamDatabaseAuthenticationEnabled", True, "knows only passwords: people will share the administrator's"
        ),
        remediation="Set iam_database_authentication_enabled=True.",
    ),
    Rule(
        name="rds-master-username-is-not-default",
        description="The database's administrator does not have a name that attackers try first.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.LOW,
        security_hub=("RDS.25",),
        resource_types=frozenset({DATABASE}),
        applies_to=is_primary,
        check=_has_own_administrator,
        remediation="Choose another `username`; changing it later replaces the database.",
    ),
    Rule(
        name="elasticache-authentication-enabled",
        description="Caches demand a token or a user.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.HIGH,
        security_hub=("ElastiCache.6",),
        resource_types=frozenset({CACHE}),
        check=_asks_who_connects,
        remediation="Set auth_token to a generated secret, or user_group_ids.",
    ),
)
