"""Firewall rules configured: network ACLs, flow logs, and subnets that the internet does not reach."""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

PRIVATE_MEMBERS: Final = (
    (aws.AUTO_SCALING_GROUP, "vpcZoneIdentifiers", "servers"),
    (aws.DB_SUBNET_GROUP, "subnetIds", "databases"),
    (aws.CACHE_SUBNET_GROUP, "subnetIds", "caches"),
)
"""What belongs into private subnets: resource type, its list of subnets, and what it is."""


@rule(
    "vpc-network-acl-denies-remote-login",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.NETWORK_ACL, aws.DEFAULT_NETWORK_ACL],
    security_hub=["EC2.21"],
    remediation="Put a `deny` for the port before the entry that allows it (a lower rule_no).",
)
def network_acl_denies_remote_login(acl: StackResource, _: Context) -> Iterator[Problem]:
    """Network ACLs deny ingress from the internet to ports 22 and 3389."""
    entries = sorted(acl.items("ingress"), key=lambda entry: int(entry.get("ruleNo") or 0))
    for port in sorted(aws.REMOTE_LOGIN_PORTS):
        for block_path in ("cidrBlock", "ipv6CidrBlock"):
            first = next((entry for entry in entries if _covers(entry, block_path, port)), None)
            if first is not None and first.get("action") == "allow":
                yield f"allows ingress from the internet on port {port}"


def _covers(entry: StackResource, block_path: str, port: int) -> bool:
    block = entry.get(block_path)
    if not block or not aws.is_internet(block):
        return False
    if str(entry.get("protocol")) in ("-1", "all"):
        return True
    return int(entry.get("fromPort") or 0) <= port <= int(entry.get("toPort") or 0)


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
