"""Firewall rules configured: which connections security groups allow, in and out.

The internet reaches the load balancer on ports 80 and 443 only. Ports for remote login and for databases have rules of
their own in `admin_access` and `database_access`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from policies import aws
from policies.aws import SecurityGroupRule
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

WEB_PORTS: Final = frozenset({80, 443})
PATH_MTU_MESSAGES: Final = frozenset({("icmp", 3, 4), ("1", 3, 4), ("icmpv6", 2, 0), ("58", 2, 0)})
"""Protocol, type and code of the message that a packet is too large. AWS recommends that load balancers accept it."""
GENERATED_DESCRIPTION: Final = "Managed by Pulumi"
"""What the provider writes where the author gave no description."""
WIDEST_PORT_RANGE: Final = 100
"""A server does not run more services than this: a wider range means that the author did not know the port."""
SECURITY_GROUP_GUIDE: Final = "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"
REGISTRY: Final = "https://www.pulumi.com/registry/packages/aws/api-docs"


def _problems(
    rules: Iterable[SecurityGroupRule | UnknownValue], problem_of: Callable[[SecurityGroupRule], str | None]
) -> Iterator[Problem]:
    """Evaluate every rule that is known, and leave a verdict undetermined for every one that is not."""
    for each in rules:
        problem = each if isinstance(each, UnknownValue) else problem_of(each)
        if problem is not None:
            yield problem


@rule(
    "security-group-public-ports-are-restricted",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.CRITICAL,
    resource_types=aws.INGRESS_TYPES | {aws.DEFAULT_SECURITY_GROUP},
    security_hub=["EC2.18", "EC2.19"],
    remediation="Set referenced_security_group_id to the group that may connect, instead of the address block.",
)
def public_ports_are_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Security groups open no ports to the internet except 80 and 443, and path MTU discovery."""

    def problem_of(each: SecurityGroupRule) -> str | None:
        if not each.is_open_to_the_internet or _is_remote_login_only(each):
            return None
        if each.protocol == "tcp" and set(each.ports) <= WEB_PORTS:
            return None
        # Of an ICMP message, the type and the code stand in the place of the first and the last port.
        if (each.protocol, each.ports.start, each.ports.stop - 1) in PATH_MTU_MESSAGES:
            return None
        return f"allows ingress from the internet on {each.described_ports}"

    yield from _problems(aws.ingress_rules(resource), problem_of)


def _is_remote_login_only(each: SecurityGroupRule) -> bool:
    return each.protocol == "tcp" and len(each.ports) == 1 and each.ports.start in aws.REMOTE_LOGIN_PORTS


@rule(
    "security-group-public-ingress-is-load-balancer-only",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.CRITICAL,
    resource_types=aws.INGRESS_TYPES,
    scope=Scope.STACK,
    security_hub=["EC2.18"],
    remediation="Set referenced_security_group_id to the load balancer's group, instead of the address block.",
)
def public_ingress_is_load_balancer_only(resource: StackResource, context: Context) -> Iterator[Problem]:
    """Only security groups of load balancers are open to the internet."""
    rules = list(aws.ingress_rules(resource))
    yield from (each for each in rules if isinstance(each, UnknownValue))
    if not any(isinstance(each, SecurityGroupRule) and each.is_open_to_the_internet for each in rules):
        return
    for group in aws.groups_of_rule(resource, context.stack):
        if not context.stack.referrers(group, aws.LOAD_BALANCER, "securityGroups"):
            yield (
                f"opens {group.name}, which is not a load balancer's group, to the internet: requests bypass the web "
                "ACL, the rate limit and TLS"
            )


@rule(
    "security-group-egress-ports-are-restricted",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.EGRESS_TYPES | {aws.DEFAULT_SECURITY_GROUP},
    documentation=SECURITY_GROUP_GUIDE,
    remediation="Open the ports that are used, mostly 443 (ip_protocol, from_port, to_port).",
)
def egress_ports_are_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Security groups allow egress on the necessary ports only."""

    def problem_of(each: SecurityGroupRule) -> str | None:
        logs_in = len(each.ports) > 1 and any(map(each.admits, aws.REMOTE_LOGIN_PORTS))
        if len(each.ports) <= WIDEST_PORT_RANGE and not logs_in:
            return None
        return f"allows egress on {each.described_ports}: stolen data can leave on a port that is not monitored"

    yield from _problems(aws.egress_rules(resource), problem_of)


@rule(
    "security-group-ingress-ports-are-restricted",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.INGRESS_TYPES,
    documentation=SECURITY_GROUP_GUIDE,
    remediation="Open the port on which the service listens (ip_protocol, from_port, to_port).",
)
def ingress_ports_are_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Security groups allow ingress on the necessary ports only."""

    def problem_of(each: SecurityGroupRule) -> str | None:
        if each.is_open_to_the_internet or len(each.ports) <= WIDEST_PORT_RANGE:
            return None
        return f"allows ingress on {each.described_ports}: a compromised neighbour reaches every service"

    yield from _problems(aws.ingress_rules(resource), problem_of)


@rule(
    "security-group-assignment-is-explicit",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.SERVER_TYPES | {aws.LOAD_BALANCER},
    applies_to=lambda member: member.type != aws.LOAD_BALANCER or aws.is_application_load_balancer(member),
    security_hub=["EC2.2"],
    remediation="Set vpc_security_group_ids (security_groups of a load balancer).",
)
def assignment_is_explicit(member: StackResource, _: Context) -> Iterator[Problem]:
    """Servers and load balancers name their security groups."""
    paths = {
        aws.LAUNCH_TEMPLATE: ("vpcSecurityGroupIds",),
        aws.EC2_INSTANCE: ("vpcSecurityGroupIds", "securityGroups"),
    }.get(member.type, ("securityGroups",))
    interfaces = member.items("networkInterfaces") if member.type == aws.LAUNCH_TEMPLATE else ()
    by_interface = bool(interfaces) and all(interface.is_set("securityGroups") for interface in interfaces)
    if not any(map(member.is_set, paths)) and not by_interface:
        yield "names no security group: it is assigned the VPC's default group"


@rule(
    "security-group-rules-are-separate-resources",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.LOW,
    resource_types=[aws.SECURITY_GROUP],
    documentation=f"{REGISTRY}/ec2/securitygroup/",
    remediation="Move each rule into a vpc.SecurityGroupIngressRule or vpc.SecurityGroupEgressRule.",
)
def rules_are_separate_resources(group: StackResource, _: Context) -> Iterator[Problem]:
    """Security groups have their rules as separate resources."""
    for direction in ("ingress", "egress"):
        if group.items(direction):
            yield f"has inline {direction} rules: they and separate rule resources delete each other"


@rule(
    "security-group-rules-are-exclusive",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.LOW,
    resource_types=[aws.SECURITY_GROUP],
    scope=Scope.STACK,
    documentation=f"{REGISTRY}/ec2/vpcsecuritygrouprulesexclusive/",
    remediation="Create the group by the connection table (components/connections.py), or declare exclusive rules.",
)
def rules_are_exclusive(group: StackResource, context: Context) -> Iterator[Problem]:
    """Rules that are added to a security group outside Pulumi are removed."""
    if not context.stack.has_referrer(group, aws.SECURITY_GROUP_RULES_EXCLUSIVE, "securityGroupId"):
        yield "has no exclusive list of rules: a rule that is added in the console stays"


@rule(
    "security-group-descriptions-are-set",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.LOW,
    resource_types=aws.INGRESS_TYPES | aws.EGRESS_TYPES,
    documentation=SECURITY_GROUP_GUIDE,
    remediation="Write into `description` who connects, and why.",
)
def descriptions_are_set(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Security groups and their rules have a description of their purpose."""
    if resource.get("description") in (None, "", GENERATED_DESCRIPTION):
        yield "has no description: its purpose is unknown, and it is never removed"


@rule(
    "security-group-default-is-empty",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DEFAULT_SECURITY_GROUP, aws.VPC],
    scope=Scope.STACK,
    security_hub=["EC2.2"],
    remediation="Set ingress=[] and egress=[] on the ec2.DefaultSecurityGroup, and remove rules that name the group.",
)
def default_is_empty(owner: StackResource, context: Context) -> Iterator[Problem]:
    """The VPC's default security group has no rules, neither its own nor separate ones."""
    stack = context.stack
    # The VPC has the group's id too: rules that take it from there are the VPC's.
    inline = owner.type == aws.DEFAULT_SECURITY_GROUP
    directions = [direction for direction in ("ingress", "egress") if inline and owner.items(direction)]
    separate = [
        each.name
        for rule_type in (aws.INGRESS_RULE, aws.EGRESS_RULE, aws.OLDER_SECURITY_GROUP_RULE)
        for each in stack.referrers(owner, rule_type, "securityGroupId")
    ]
    for what in (*(f"{direction} rules" for direction in directions), *separate):
        subject = "has" if owner.type == aws.DEFAULT_SECURITY_GROUP else "has in its default security group"
        yield f"{subject} {what}: they apply to every resource that names no security group"


@rule(
    "security-group-default-is-managed",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.VPC],
    scope=Scope.STACK,
    security_hub=["EC2.2"],
    remediation="Declare an ec2.DefaultSecurityGroup with this vpc_id and no rules.",
)
def default_is_managed(vpc: StackResource, context: Context) -> Iterator[Problem]:
    """The default security group of every VPC is managed by Pulumi."""
    if not context.stack.has_referrer(vpc, aws.DEFAULT_SECURITY_GROUP, "vpcId"):
        yield "has an unmanaged default security group: AWS creates it with rules that connect all its members"
