"""Database access restrictions: who can connect to PostgreSQL and Redis, and how they authenticate."""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.aws import SecurityGroupRule
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule
from policies.engine.stack import StackGraph

STORES: Final = (
    (aws.CACHE, "securityGroupIds"),
    (aws.CACHE_CLUSTER, "securityGroupIds"),
    (aws.DB_CLUSTER, "vpcSecurityGroupIds"),
    (aws.DB_INSTANCE, "vpcSecurityGroupIds"),
    (aws.DB_PROXY, "vpcSecurityGroupIds"),
    (aws.SERVERLESS_CACHE, "securityGroupIds"),
)
"""Types of data stores and where they name their security groups."""
USERNAMES: Final = {aws.DB_INSTANCE: "username", aws.DB_CLUSTER: "masterUsername"}
CACHE_SUBNETS: Final = {
    aws.CACHE: "subnetGroupName",
    aws.CACHE_CLUSTER: "subnetGroupName",
    aws.SERVERLESS_CACHE: "subnetIds",
}
DEFAULT_USERNAMES: Final = frozenset({"postgres", "admin", "administrator", "root", "rdsadmin", "master"})
SECURITY_GROUP_GUIDE: Final = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.RDSSecurityGroups.html"


def _guarded_stores(resource: StackResource, stack: StackGraph) -> list[StackResource]:
    """Return the data stores in the security group that a rule belongs to."""
    return [
        store
        for group in aws.groups_of_rule(resource, stack)
        for store_type, path in STORES
        for store in stack.referrers(group, store_type, path)
    ]


@rule(
    "rds-public-access-disabled",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER_INSTANCE],
    security_hub=["RDS.2"],
    remediation="Set publicly_accessible=False.",
)
def public_access_disabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases are not publicly accessible."""
    if database.get("publiclyAccessible") is True:
        yield "is publicly accessible: it has an address that the internet can connect to"


@rule(
    "rds-security-groups-are-set",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    documentation=SECURITY_GROUP_GUIDE,
    remediation="Set vpc_security_group_ids to the database's own group.",
)
def database_security_groups_are_set(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases name their security groups."""
    if not database.is_set("vpcSecurityGroupIds"):
        yield "names no security group: it is assigned the VPC's default group"


@rule(
    "elasticache-security-groups-are-set",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CACHE, aws.CACHE_CLUSTER, aws.SERVERLESS_CACHE],
    applies_to=aws.is_separate_cache,
    documentation="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/VPCs.EC.html",
    remediation="Set security_group_ids to the cache's own group.",
)
def cache_security_groups_are_set(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches name their security groups."""
    if not cache.is_set("securityGroupIds"):
        yield "names no security group: it is assigned the VPC's default group"


@rule(
    "database-ingress-sources-are-security-groups",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=aws.INGRESS_TYPES,
    scope=Scope.STACK,
    documentation=SECURITY_GROUP_GUIDE,
    remediation="Set referenced_security_group_id to the group that may connect, instead of the address block.",
)
def ingress_sources_are_security_groups(resource: StackResource, context: Context) -> Iterator[Problem]:
    """Databases and caches allow security groups to connect, not address ranges."""
    for store in _guarded_stores(resource, context.stack):
        for each in aws.ingress_rules(resource):
            if isinstance(each, UnknownValue):
                yield each
            elif each.blocks and not each.is_open_to_the_internet:
                yield f"allows an address range to connect to {store.name}: every server in it can reach the data"


@rule(
    "database-ingress-port-is-single",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.INGRESS_TYPES,
    scope=Scope.STACK,
    documentation=SECURITY_GROUP_GUIDE,
    remediation="Set from_port and to_port to the port of the database.",
)
def ingress_port_is_single(resource: StackResource, context: Context) -> Iterator[Problem]:
    """Databases and caches open the one port on which they listen."""
    for store in _guarded_stores(resource, context.stack):
        for each in aws.ingress_rules(resource):
            if isinstance(each, UnknownValue):
                yield each
            elif len(each.ports) > 1:
                yield f"opens {each.described_ports} of {store.name}, which listens on one port"


@rule(
    "database-ingress-sources-are-not-public",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=aws.INGRESS_TYPES,
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",
    remediation="Reference the app servers' security group instead of this one.",
)
def ingress_sources_are_not_public(resource: StackResource, context: Context) -> Iterator[Problem]:
    """Security groups that are open to the internet cannot connect to databases and caches."""
    stack = context.stack
    if resource.type == aws.SECURITY_GROUP or not _guarded_stores(resource, stack):
        return
    path = "referencedSecurityGroupId" if resource.type == aws.INGRESS_RULE else "sourceSecurityGroupId"
    for source in stack.targets(resource, path, aws.SECURITY_GROUP):
        if _is_open_to_the_internet(source, stack):
            yield f"allows {source.name} to connect to a database or cache: that group is open to the internet"


def _is_open_to_the_internet(group: StackResource, stack: StackGraph) -> bool:
    owners = [group, *stack.referrers(group, aws.INGRESS_RULE, "securityGroupId")]
    owners += stack.referrers(group, aws.OLDER_SECURITY_GROUP_RULE, "securityGroupId")
    return any(
        isinstance(each, SecurityGroupRule) and each.is_open_to_the_internet
        for owner in owners
        for each in aws.ingress_rules(owner)
    )


@rule(
    "rds-subnet-group-is-set",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    applies_to=aws.is_primary,
    documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
    remediation="Set db_subnet_group_name to a group of isolated subnets.",
)
def database_subnet_group_is_set(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases name their subnet group."""
    if not database.is_set("dbSubnetGroupName"):
        yield "names no subnet group: it is placed in public subnets"


@rule(
    "elasticache-subnet-group-is-set",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=CACHE_SUBNETS,
    applies_to=aws.is_separate_cache,
    security_hub=["ElastiCache.7"],
    remediation="Set subnet_group_name to a group of isolated subnets.",
)
def cache_subnet_group_is_set(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches name their subnet group."""
    if not cache.is_set(CACHE_SUBNETS[cache.type]):
        yield "names no subnet group: it is placed in public subnets of the default VPC"


@rule(
    "rds-iam-authentication-enabled",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER],
    security_hub=["RDS.10"],
    remediation="Set iam_database_authentication_enabled=True.",
)
def iam_authentication_enabled(database: StackResource, _: Context) -> Iterator[Problem]:
    """Databases allow IAM authentication, so that people need no shared password."""
    if database.get("iamDatabaseAuthenticationEnabled") is not True:
        yield "has no IAM authentication: people have to share the administrator's password"


@rule(
    "rds-master-username-is-not-default",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.LOW,
    resource_types=USERNAMES,
    applies_to=aws.is_primary,
    security_hub=["RDS.25"],
    remediation="Set another `username`; changing it replaces the database.",
)
def master_username_is_not_default(database: StackResource, _: Context) -> Iterator[Problem]:
    """The master username of databases is not a well-known default."""
    username = database.get(USERNAMES[database.type])
    if str(username or "").lower() in DEFAULT_USERNAMES:
        yield f"has the master username {username}, which is a well-known default"


@rule(
    "elasticache-authentication-enabled",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CACHE, aws.SERVERLESS_CACHE],
    applies_to=lambda cache: bool(cache.get("engine") != "memcached"),
    security_hub=["ElastiCache.6"],
    remediation="Set user_group_ids, whose passwords can be rotated one by one, or auth_token to a generated secret.",
)
def authentication_enabled(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches require authentication."""
    paths = ("userGroupId",) if cache.type == aws.SERVERLESS_CACHE else ("authToken", "userGroupIds")
    if not any(map(cache.is_set, paths)):
        yield "accepts connections without authentication: any process in the VPC can read sessions"


@rule(
    "elasticache-users-have-passwords",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CACHE_USER],
    documentation="https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html",
    remediation='Set authentication_mode with type "password" or "iam", or begin access_string with "off".',
)
def users_have_passwords(user: StackResource, _: Context) -> Iterator[Problem]:
    """Users of a cache who may log in need a password or a token of IAM."""
    if str(user.get("accessString") or "").split()[:1] == ["off"]:
        return
    # Only a password makes a secret of it, and whoever reads the exported state sees no more than that.
    hidden = user.is_secret("authenticationMode")
    method = "password" if hidden else user.get("authenticationMode.type")
    if user.get("noPasswordRequired") is True or method == "no-password-required":
        yield "needs no password: any process in the VPC can log in"
    elif not user.is_set("authenticationMode") and not user.is_set("passwords"):
        yield "has no way to log in that asks for anything"
