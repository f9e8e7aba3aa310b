"""No single point of failure: what carries requests from the internet to the servers is all there."""

from collections.abc import Iterator, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule
from policies.engine.stack import StackGraph

ELB_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
VPC_GUIDE: Final = "https://docs.aws.amazon.com/vpc/latest/userguide"
EVERYWHERE: Final = "0.0.0.0/0"
FORWARDS: Final = ("targetGroupArn", "forward.targetGroups")
ATTACHMENTS: Final = (
    (aws.AUTO_SCALING_GROUP, "targetGroupArns"),
    (aws.AUTO_SCALING_GROUP, "trafficSources.0.identifier"),
    (aws.AUTO_SCALING_ATTACHMENT, "lbTargetGroupArn"),
    (aws.TARGET_GROUP_ATTACHMENT, "targetGroupArn"),
    (aws.ECS_SERVICE, "loadBalancers.0.targetGroupArn"),
    (aws.TARGET_GROUP_BINDING, "spec.targetGroupARN"),
)
"""How servers and containers register with a target group."""


def _forwards(actions: Sequence[StackResource]) -> bool:
    return any(action.is_set(path) for action in actions for path in FORWARDS)


@rule(
    "load-balancer-listener-forwards",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LISTENER],
    scope=Scope.STACK,
    applies_to=aws.is_https,
    documentation=f"{ELB_GUIDE}/load-balancer-listeners.html",
    remediation='Add an action of type "forward" with the target group to the listener or to one of its rules.',
)
def listener_forwards(listener: StackResource, context: Context) -> Iterator[Problem]:
    """HTTPS listeners forward requests to a target group."""
    rules = context.stack.referrers(listener, aws.LISTENER_RULE, "listenerArn")
    if not _forwards(listener.items("defaultActions")) and not any(_forwards(each.items("actions")) for each in rules):
        yield "forwards no request to a target group: clients get no answer from the application"


@rule(
    "load-balancer-target-group-has-targets",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.TARGET_GROUP],
    scope=Scope.STACK,
    documentation=f"{ELB_GUIDE}/target-group-register-targets.html",
    remediation="Name the target group in target_group_arns of the Auto Scaling group, or in a TargetGroupBinding.",
)
def target_group_has_targets(group: StackResource, context: Context) -> Iterator[Problem]:
    """Servers of the stack are attached to its target groups."""
    stack = context.stack
    if stack.of_type(aws.AUTO_SCALING_GROUP, aws.ECS_SERVICE, aws.TARGET_GROUP_BINDING) and not any(
        stack.has_referrer(group, resource_type, path) for resource_type, path in ATTACHMENTS
    ):
        yield "has no servers attached: every request fails"


@rule(
    "load-balancer-subnets-reach-internet",
    item=ChecklistItem.LOAD_BALANCER,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LOAD_BALANCER],
    scope=Scope.STACK,
    applies_to=lambda balancer: balancer.get("internal") is not True,
    documentation=f"{VPC_GUIDE}/VPC_Internet_Gateway.html",
    remediation="Route 0.0.0.0/0 of the subnet's route table to an internet gateway (gateway_id).",
)
def load_balancer_subnets_reach_internet(balancer: StackResource, context: Context) -> Iterator[Problem]:
    """Subnets of public load balancers have a route to an internet gateway."""
    stack = context.stack
    unreachable = [
        subnet.name
        for subnet in stack.targets(balancer, "subnets", aws.SUBNET)
        if (tables := _route_tables(subnet, stack)) and not any(_routes_to_internet(table, stack) for table in tables)
    ]
    if unreachable:
        yield f"has no route from an internet gateway to {', '.join(unreachable)}: clients cannot connect"


def _route_tables(subnet: StackResource, stack: StackGraph) -> Sequence[StackResource]:
    return [
        table
        for association in stack.referrers(subnet, aws.ROUTE_TABLE_ASSOCIATION, "subnetId")
        for table in stack.targets(association, "routeTableId", aws.ROUTE_TABLE)
    ]


def _routes_to_internet(table: StackResource, stack: StackGraph) -> bool:
    def leads_there(route: StackResource) -> bool:
        return bool(route.get("destinationCidrBlock") == EVERYWHERE and route.is_set("gatewayId"))

    inline = (route.get("cidrBlock") == EVERYWHERE and route.is_set("gatewayId") for route in table.items("routes"))
    return any(inline) or stack.has_referrer(table, aws.ROUTE, "routeTableId", where=leads_there)


@rule(
    "vpc-subnets-have-route-table",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SUBNET],
    scope=Scope.STACK,
    documentation=f"{VPC_GUIDE}/subnet-route-tables.html",
    remediation="Declare an ec2.RouteTableAssociation for the subnet.",
)
def subnets_have_route_table(subnet: StackResource, context: Context) -> Iterator[Problem]:
    """Subnets have a route table of their own choice, where the stack declares route tables."""
    stack = context.stack
    if stack.of_type(aws.ROUTE_TABLE) and not stack.has_referrer(subnet, aws.ROUTE_TABLE_ASSOCIATION, "subnetId"):
        yield "has no route table: the main route table of the VPC decides what it reaches"


@rule(
    "vpc-nat-gateways-are-used",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.NAT_GATEWAY],
    scope=Scope.STACK,
    documentation=f"{VPC_GUIDE}/vpc-nat-gateway.html",
    remediation="Route 0.0.0.0/0 of the private subnets' route table to it (nat_gateway_id).",
)
def nat_gateways_are_used(gateway: StackResource, context: Context) -> Iterator[Problem]:
    """Every NAT gateway is the target of a route."""
    stack = context.stack
    inline = (
        stack.targets(table, f"routes.{index}.natGatewayId", aws.NAT_GATEWAY)
        for table in stack.of_type(aws.ROUTE_TABLE)
        for index in range(len(table.items("routes")))
    )
    if any(gateway in targets for targets in inline):
        return
    if not stack.has_referrer(gateway, aws.ROUTE, "natGatewayId"):
        yield "is in no route: servers in private subnets cannot reach Twilio, SendGrid and their updates"
