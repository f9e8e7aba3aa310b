"""Firewall rules configured: what may reach the platform, and what it may reach.

The internet reaches the load balancer on 80 and 443 and nothing else. Remote administration and database ports have
rules of their own in `admin_access` and `database_access`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_have
from policies.engine.resource import StackResource, UnknownValue
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.engine.stack import StackGraph
from policies.network_rules import (
    DEFAULT_GROUP,
    GROUP,
    OLDER_SEPARATE_RULE,
    RULE_KINDS,
    SEPARATE_EGRESS,
    SEPARATE_INGRESS,
    SecurityGroupRule,
    egress_rules,
    ingress_rules,
    is_internet,
)
from policies.rules.admin_access import REMOTE_LOGIN_PORTS, SERVER_KINDS

VPC = "aws:ec2/vpc"
LOAD_BALANCER = "aws:lb/loadBalancer"
WEB_PORTS = frozenset({80, 443})
GENERATED_DESCRIPTION = "Managed by Pulumi"
"""What the provider writes where the author gave no description."""
WIDE_PORT_RANGE = 100
"""Nobody runs a hundred services on a server: a wider range means that the author did not know which port it is."""
EXCLUSIVE_RULES = "aws:ec2/vpcSecurityGroupRulesExclusive"
ACL_KINDS = frozenset({"aws:ec2/networkAcl", "aws:ec2/defaultNetworkAcl"})
INTERNET_GATEWAY = "aws:ec2/internetGateway"

_rules_of = Callable[[StackResource], Iterator[SecurityGroupRule | UnknownValue]]


def _each(
    rules: Iterable[SecurityGroupRule | UnknownValue], judge: Callable[[SecurityGroupRule], str | None]
) -> Iterator[Problem]:
    """Judge every rule that is known, and leave a verdict open for every one that is not."""
    for rule in rules:
        problem = rule if isinstance(rule, UnknownValue) else judge(rule)
        if problem is not None:
            yield problem


def _internet_on_other_ports(rule: SecurityGroupRule) -> str | None:
    if not rule.is_open_to_the_internet or _is_only_remote_login(rule):
        return None
    if rule.protocol == "tcp" and set(rule.ports) <= WEB_PORTS:
        return None
    return f"lets the whole internet in on {rule.what}: scanners find an open port within minutes"


def _is_only_remote_login(rule: SecurityGroupRule) -> bool:
    return rule.protocol == "tcp" and len(rule.ports) == 1 and rule.ports.start in REMOTE_LOGIN_PORTS


def _internet_reaches_web_ports_only(resource: StackResource, _: Context) -> Iterator[Problem]:
    yield from _each(ingress_rules(resource), _internet_on_other_ports)


def _internet_meets_load_balancer_first(resource: StackResource, context: Context) -> Iterator[Problem]:
    unknown = [rule for rule in ingress_rules(resource) if isinstance(rule, UnknownValue)]
    yield from unknown
    rules = [rule for rule in ingress_rules(resource) if isinstance(rule, SecurityGroupRule)]
    if not any(rule.is_open_to_the_internet for rule in rules):
        return
    for group in groups_of_rule(resource, context.stack):
        if not context.stack.referrers(group, LOAD_BALANCER, "securityGroups"):
            yield (
                f"opens {group.name} to the internet, which is not a load balancer's group: requests would go round "
                "the firewall, the rate limit and TLS"
            )


def groups_of_rule(resource: StackResource, stack: StackGraph) -> Sequence[StackResource]:
    """Return the security group that a rule resource belongs to, or the group itself where its rules are inline."""
    return [resource] if resource.type == GROUP else stack.targets(resource, "securityGroupId", GROUP)


def _egress_is_narrow(resource: StackResource, _: Context) -> Iterator[Problem]:
    def judge(rule: SecurityGroupRule) -> str | None:
        if len(rule.ports) <= WIDE_PORT_RANGE:
            return None
        return f"lets traffic out on {rule.what}: stolen data leaves by the port that nobody watches"

    yield from _each(egress_rules(resource), judge)


def _ingress_is_narrow(resource: StackResource, _: Context) -> Iterator[Problem]:
    def judge(rule: SecurityGroupRule) -> str | None:
        if rule.is_open_to_the_internet or len(rule.ports) <= WIDE_PORT_RANGE:
            return None
        return f"lets traffic in on {rule.what}, where one port would do: one broken-into neighbour reaches everything"

    yield from _each(ingress_rules(resource), judge)


def _names_security_groups(resource: StackResource, _: Context) -> Iterator[Problem]:
    own = any(resource.is_set(path) for path in ("vpcSecurityGroupIds", "securityGroups"))
    interfaces = resource.items("networkInterfaces")
    if not own and not (interfaces and all(interface.is_set("securityGroups") for interface in interfaces)):
        yield "names no security group, so it lands in the VPC's default group"


def _rules_are_separate(group: StackResource, _: Context) -> Iterator[Problem]:
    for direction in ("ingress", "egress"):
        if group.items(direction):
            yield f"has {direction} rules inside the group: they and separate rule resources delete each other"


def _default_group_is_empty(group: StackResource, _: Context) -> Iterator[Problem]:
    for direction in ("ingress", "egress"):
        if group.items(direction):
            yield f"has {direction} rules: whatever forgets to name a group lands in this one"


def _is_described(resource: StackResource, _: Context) -> Iterator[Problem]:
    if resource.get("description") in (None, "", GENERATED_DESCRIPTION):
        yield "has no description: in a year nobody dares to remove it"


def _acl_keeps_remote_login_out(acl: StackResource, _: Context) -> Iterator[Problem]:
    entries = sorted(acl.items("ingress"), key=lambda entry: int(entry.get("ruleNo") or 0))
    for port in sorted(REMOTE_LOGIN_PORTS):
        for block_path in ("cidrBlock", "ipv6CidrBlock"):
            verdict = next((e for e in entries if _acl_entry_covers(e, block_path, port)), None)
            if verdict is not None and verdict.get("action") == "allow":
                yield f"lets the whole internet in on port {port}: the second line of defence is open"


def _acl_entry_covers(entry: StackResource, block_path: str, port: int) -> bool:
    block = entry.get(block_path)
    if not block or not is_internet(block):
        return False
    if str(entry.get("protocol")) in ("-1", "all"):
        return True
    return int(entry.get("fromPort") or 0) <= port <= int(entry.get("toPort") or 0)


def _hands_out_no_public_addresses(subnet: StackResource, _: Context) -> Iterator[Problem]:
    """Every IPv6 address is a public one."""
    if subnet.get("mapPublicIpOnLaunch") is True or subnet.get("assignIpv6AddressOnCreation") is True:
        yield "gives a public address to every server in it: one forgotten rule exposes it"


def _private_subnets_stay_private(table: StackResource, context: Context) -> Iterator[Problem]:
    """Servers and databases must not stand in a subnet whose routes lead to an internet gateway."""
    stack = context.stack
    routes = [(route, "gatewayId") for route in stack.referrers(table, "aws:ec2/route", "routeTableId")]
    routes += [(table, f"routes.{index}.gatewayId") for index in range(len(table.items("routes")))]
    if not any(stack.targets(route, path, INTERNET_GATEWAY) for route, path in routes):
        return
    for association in stack.referrers(table, "aws:ec2/routeTableAssociation", "routeTableId"):
        for subnet in stack.targets(association, "subnetId", "aws:ec2/subnet"):
            for kind, path, what in PRIVATE_TENANTS:
                for tenant in stack.referrers(subnet, kind, path):
                    yield f"gives {subnet.name} a route to the internet, and {tenant.name} ({what}) stands there"


PRIVATE_TENANTS = (
    ("aws:autoscaling/group", "vpcZoneIdentifiers", "servers"),
    ("aws:rds/subnetGroup", "subnetIds", "databases"),
    ("aws:elasticache/subnetGroup", "subnetIds", "caches"),
)
"""Who lives in private subnets: kind of resource, its list of subnets, and what it is."""


RULES = (
    Rule(
        name="security-group-public-ports-are-restricted",
        description="The internet reaches ports 80 and 443 and no other.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.CRITICAL,
        security_hub=("EC2.18", "EC2.19"),
        resource_types=frozenset({SEPARATE_INGRESS, OLDER_SEPARATE_RULE, GROUP, DEFAULT_GROUP}),
        check=_internet_reaches_web_ports_only,
        remediation="Name the group that may connect (referenced_security_group_id) in place of the address block.",
    ),
    Rule(
        name="security-group-public-ingress-is-load-balancer-only",
        description="Only the load balancer's security group is open to the internet.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.CRITICAL,
        security_hub=("EC2.18",),
        scope=Scope.STACK,
        resource_types=frozenset({SEPARATE_INGRESS, OLDER_SEPARATE_RULE, GROUP}),
        check=_internet_meets_load_balancer_first,
        remediation="Let the load balancer's group connect (referenced_security_group_id) in place of the internet.",
    ),
    Rule(
        name="security-group-egress-ports-are-restricted",
        description="Connections go out on the ports that are needed.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        resource_types=frozenset({SEPARATE_EGRESS, OLDER_SEPARATE_RULE, GROUP, DEFAULT_GROUP}),
        check=_egress_is_narrow,
        remediation="Open the ports that are used, mostly 443 (ip_protocol, from_port, to_port).",
    ),
    Rule(
        name="security-group-ingress-ports-are-restricted",
        description="Connections come in on the ports that are needed.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        resource_types=frozenset({SEPARATE_INGRESS, OLDER_SEPARATE_RULE, GROUP}),
        check=_ingress_is_narrow,
        remediation="Open the port on which the service listens (ip_protocol, from_port, to_port).",
    ),
    Rule(
        name="security-group-assignment-is-explicit",
        description="Servers and load balancers stand in security groups of their own.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.MEDIUM,
        security_hub=("EC2.2",),
        resource_types=SERVER_KINDS | {LOAD_BALANCER},
        applies_to=lambda member: member.get("loadBalancerType") in (None, "application"),
        check=_names_security_groups,
        remediation="Name the group (vpc_security_group_ids, or security_groups of a load balancer).",
    ),
    Rule(
        name="security-group-rules-are-separate-resources",
        description="Security groups have their rules as separate resources.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.LOW,
        documentation="https://www.pulumi.com/registry/packages/aws/api-docs/ec2/securitygroup/",
        resource_types=frozenset({GROUP}),
        check=_rules_are_separate,
        remediation="Move each rule into a vpc.SecurityGroupIngressRule or vpc.SecurityGroupEgressRule.",
    ),
    Rule(
        name="security-group-rules-are-exclusive",
        description="Rules that are added to a security group by hand are removed again.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.LOW,
        documentation="https://www.pulumi.com/registry/packages/aws/api-docs/ec2/vpcsecuritygrouprulesexclusive/",
        scope=Scope.STACK,
        resource_types=frozenset({GROUP}),
        check=must_have(EXCLUSIVE_RULES, "securityGroupId", "keeps whatever rule somebody adds to it in the console"),
        remediation="Declare exclusive rules for the group, listing the rules that the program makes.",
    ),
    Rule(
        name="security-group-descriptions-are-set",
        description="Every security group and every rule says what it is for.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        resource_types=RULE_KINDS - {DEFAULT_GROUP},
        check=_is_described,
        remediation="Write into `description` who connects, and why.",
    ),
    Rule(
        name="security-group-default-is-empty",
        description="The VPC's default security group has no rules.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.HIGH,
        security_hub=("EC2.2",),
        resource_types=frozenset({DEFAULT_GROUP}),
        check=_default_group_is_empty,
        remediation="Set ingress=[] and egress=[] on the ec2.DefaultSecurityGroup.",
    ),
    Rule(
        name="security-group-default-is-managed",
        description="Every VPC has its default security group under our control.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.MEDIUM,
        security_hub=("EC2.2",),
        scope=Scope.STACK,
        resource_types=frozenset({VPC}),
        check=must_have(
            DEFAULT_GROUP, "vpcId", "leaves its default security group as AWS made it: all members reach each other"
        ),
        remediation="Declare an ec2.DefaultSecurityGroup with this vpc_id and no rules.",
    ),
    Rule(
        name="vpc-network-acl-denies-remote-login",
        description="Network ACLs let nobody on the internet connect to ports 22 and 3389.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.MEDIUM,
        security_hub=("EC2.21",),
        resource_types=ACL_KINDS,
        check=_acl_keeps_remote_login_out,
        remediation="Put a `deny` for the port before the entry that allows it (a lower rule_no).",
    ),
    Rule(
        name="vpc-flow-log-is-complete",
        description="Every VPC has a flow log of accepted and refused traffic.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.MEDIUM,
        security_hub=("EC2.6",),
        scope=Scope.STACK,
        resource_types=frozenset({VPC}),
        check=must_have(
            "aws:ec2/flowLog",
            "vpcId",
            "has no flow log of ALL traffic: after an incident nobody can tell who connected",
            where=lambda log: log.get("trafficType") == "ALL",
        ),
        remediation='Declare an ec2.FlowLog with this vpc_id and traffic_type="ALL".',
    ),
    Rule(
        name="vpc-subnet-public-ip-disabled",
        description="Subnets do not give public addresses to whatever starts in them.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.MEDIUM,
        security_hub=("EC2.15",),
        resource_types=frozenset({"aws:ec2/subnet"}),
        check=_hands_out_no_public_addresses,
        remediation="Set map_public_ip_on_launch=False and assign_ipv6_address_on_creation=False.",
    ),
    Rule(
        name="vpc-private-subnets-have-no-internet-route",
        description="Servers, databases and caches stand in subnets without a route to an internet gateway.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html",
        scope=Scope.STACK,
        resource_types=frozenset({"aws:ec2/routeTable"}),
        check=_private_subnets_stay_private,
        remediation="Route the subnet through a NAT gateway (nat_gateway_id), or not at all.",
    ),
)
