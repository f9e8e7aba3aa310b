"""Firewall rules configured: network ACLs, flow logs, and subnets that the internet does not reach."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule
from policies.engine.stack import StackGraph

ACL_TYPES: Final = (aws.NETWORK_ACL, aws.DEFAULT_NETWORK_ACL)
PRIVATE_MEMBERS: Final = (
    (aws.AUTO_SCALING_GROUP, "vpcZoneIdentifiers", "servers"),
    (aws.DB_SUBNET_GROUP, "subnetIds", "databases"),
    (aws.CACHE_SUBNET_GROUP, "subnetIds", "caches"),
)
"""What belongs into private subnets: resource type, its list of subnets, and what it is."""


@dataclass(frozen=True)
class AclEntry:
    """One entry of a network ACL, inline or a resource of its own."""

    number: float
    allows: bool
    protocol: str
    ports: range
    block: str

    def decides(self, version: int, port: int) -> bool:
        """Tell whether the entry is about TCP connections from the internet to a port, by this version of IP."""
        return (
            self.protocol in ("all", "tcp")
            and port in self.ports
            and bool(self.block)
            and ip_network(self.block, strict=False).version == version
            and aws.is_internet(self.block)
        )


def _entry(entry: StackResource, number: str, action: str) -> AclEntry:
    named = str(entry.get("protocol")).lower()
    protocol = aws.PROTOCOL_NUMBERS.get(named, named)
    first, last = entry.number("fromPort"), entry.number("toPort")
    all_ports = protocol == "all" or first is None
    return AclEntry(
        number=entry.number(number) or 0,
        allows=entry.get(action) == "allow",
        protocol=protocol,
        ports=aws.ALL_PORTS if all_ports else range(int(first or 0), int(last or first or 0) + 1),
        block=entry.get("cidrBlock") or entry.get("ipv6CidrBlock") or "",
    )


def _entries(acl: StackResource, stack: StackGraph) -> Iterator[AclEntry]:
    """Yield the ingress entries of a network ACL; of an entry whose ACL is not in the stack, itself."""
    alone = acl.type == aws.NETWORK_ACL_RULE
    separate = [acl] if alone else stack.referrers(acl, aws.NETWORK_ACL_RULE, "networkAclId")
    for entry in separate:
        if entry.get("egress") is not True:
            yield _entry(entry, "ruleNumber", "ruleAction")
    if not alone:
        yield from (_entry(entry, "ruleNo", "action") for entry in acl.items("ingress"))


@rule(
    "vpc-network-acl-denies-remote-login",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.NETWORK_ACL, aws.DEFAULT_NETWORK_ACL, aws.NETWORK_ACL_RULE],
    scope=Scope.STACK,
    security_hub=["EC2.21"],
    remediation="Put a `deny` for the port before the entry that allows it (a lower rule_no or rule_number).",
)
def network_acl_denies_remote_login(acl: StackResource, context: Context) -> Iterator[Problem]:
    """Network ACLs deny ingress from the internet to ports 22 and 3389."""
    stack = context.stack
    if acl.type == aws.NETWORK_ACL_RULE and any(stack.targets(acl, "networkAclId", acl_type) for acl_type in ACL_TYPES):
        # It is judged together with the other entries of its ACL.
        return
    entries = sorted(_entries(acl, stack), key=lambda entry: entry.number)
    for port in sorted(aws.REMOTE_LOGIN_PORTS):
        for version in (4, 6):
            first = next((entry for entry in entries if entry.decides(version, port)), None)
            if first is not None and first.allows:
                yield f"allows ingress from the internet on port {port}"


@rule(
    "vpc-peering-routes-are-narrow",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.ROUTE, aws.ROUTE_TABLE, aws.DEFAULT_ROUTE_TABLE],
    documentation="https://docs.aws.amazon.com/vpc/latest/peering/peering-configurations-partial-access.html",
    remediation="Set the destination to the address block of the peer's subnets.",
)
def peering_routes_are_narrow(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Routes to a peered VPC name its addresses, not the internet."""
    alone = resource.type == aws.ROUTE
    paths = ("destinationCidrBlock", "destinationIpv6CidrBlock") if alone else ("cidrBlock", "ipv6CidrBlock")
    for route in [resource] if alone else resource.items("routes"):
        if not route.is_set("vpcPeeringConnectionId"):
            continue
        for block in (block for path in paths if (block := route.get(path))):
            if aws.is_internet(block):
                yield f"sends {block} to a peered VPC: its owner can read and answer traffic for the internet"


@rule(
    "vpc-flow-log-is-complete",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.VPC],
    scope=Scope.STACK,
    security_hub=["EC2.6"],
    remediation='Declare an ec2.FlowLog with this vpc_id and traffic_type="ALL".',
)
def flow_log_is_complete(vpc: StackResource, context: Context) -> Iterator[Problem]:
    """Every VPC has a flow log of accepted and rejected traffic."""
    if not context.stack.has_referrer(
        vpc, aws.FLOW_LOG, "vpcId", where=lambda log: bool(log.get("trafficType") == "ALL")
    ):
        yield "has no flow log of ALL traffic: connections cannot be investigated after an incident"


@rule(
    "vpc-subnet-public-ip-disabled",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SUBNET],
    security_hub=["EC2.15"],
    remediation="Set map_public_ip_on_launch=False and assign_ipv6_address_on_creation=False.",
)
def subnet_public_ip_disabled(subnet: StackResource, _: Context) -> Iterator[Problem]:
    """Subnets do not assign public IP addresses automatically."""
    # Every IPv6 address is a public one.
    if subnet.get("mapPublicIpOnLaunch") is True or subnet.get("assignIpv6AddressOnCreation") is True:
        yield "assigns a public IP address to every server in it: one wrong security group rule exposes it"


@rule(
    "vpc-private-subnets-have-no-internet-route",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.ROUTE_TABLE],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html",
    remediation="Route the subnet through a NAT gateway (nat_gateway_id), or remove the route.",
)
def private_subnets_have_no_internet_route(table: StackResource, context: Context) -> Iterator[Problem]:
    """Servers, databases and caches are in subnets without a route to an internet gateway."""
    stack = context.stack
    routes = [(route, "gatewayId") for route in stack.referrers(table, aws.ROUTE, "routeTableId")]
    routes += [(table, f"routes.{index}.gatewayId") for index in range(len(table.items("routes")))]
    if not any(stack.targets(route, path, aws.INTERNET_GATEWAY) for route, path in routes):
        return
    for association in stack.referrers(table, aws.ROUTE_TABLE_ASSOCIATION, "routeTableId"):
        for subnet in stack.targets(association, "subnetId", aws.SUBNET):
            for member_type, path, what in PRIVATE_MEMBERS:
                for member in stack.referrers(subnet, member_type, path):
                    yield f"routes {subnet.name} to an internet gateway: {member.name} ({what}) is in that subnet"
