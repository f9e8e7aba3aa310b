"""Route tables, routes, and which subnet uses which table."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request, ResourceType, call, constant
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import ec2_type, exactly_one
from sandbox.provider.tables.helpers import capital, members, pick, uncapitals

_EGRESS_ONLY = {"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"}
_TARGETS = "carrierGatewayId coreNetworkArn egressOnlyGatewayId gatewayId localGatewayId natGatewayId "
_TARGETS += "networkInterfaceId transitGatewayId vpcEndpointId vpcPeeringConnectionId"
_ROUTE_TARGETS = {name: capital(name) for name in _TARGETS.split()} | _EGRESS_ONLY
_ROUTE_DESTINATIONS = "destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId"
_INLINE_MEMBERS = {
    **_ROUTE_TARGETS,
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}


def _inline_routes(inputs: Inputs, identifier: str) -> Iterable[Request]:
    for route in inputs.get("routes") or []:
        if isinstance(route, dict):
            yield Request("create_route", {"RouteTableId": identifier, **members(route, _INLINE_MEMBERS)})


def _delete_inline_routes(api: Api, live: Live) -> None:
    table = api("describe_route_tables", RouteTableIds=[live.id])["RouteTables"][0]
    for route in table["Routes"]:
        if route.get("GatewayId") != "local":
            api("delete_route", RouteTableId=live.id, **members(uncapitals(route), _ROUTE_DESTINATIONS))


def _read_inline_routes(api: Api, live: Live) -> Mapping[str, Any]:
    """Only for a table that declares its routes itself: others have theirs as resources of their own."""
    if not live.state.get("routes"):
        return {"routes": []}
    properties = {member: key for key, member in _INLINE_MEMBERS.items()}
    return {
        "routes": [
            {properties[member]: value for member, value in route.items() if member in properties}
            for route in live.description["Routes"]
            if route.get("GatewayId") != "local"
        ]
    }


_ROUTE_TABLE = ec2_type(
    "RouteTable",
    attributes={"propagatingVgws": constant([])},
    replace="vpcId",
    features=(
        Feature("routes", _inline_routes, clear=_delete_inline_routes, read=_read_inline_routes, replaces_all=True),
    ),
    references={"vpcId": references.VPC},
)


def _route_destination(state: Inputs) -> dict[str, Any]:
    return members(state, _ROUTE_DESTINATIONS)


def _read_route(api: Api, live: Live) -> Mapping[str, Any] | None:
    table = api("describe_route_tables", RouteTableIds=[live.state["routeTableId"]])["RouteTables"][0]
    wanted = _route_destination(live.state)
    return next((route for route in table["Routes"] if wanted.items() <= route.items()), None)


def _delete_route(api: Api, live: Live) -> None:
    api("delete_route", RouteTableId=live.state["routeTableId"], **_route_destination(live.state))


def _change_route(api: Api, live: Live) -> None:
    where = {"RouteTableId": live.state["routeTableId"], **_route_destination(live.state)}
    api("replace_route", **where, **members(live.state, _ROUTE_TARGETS))


_ROUTE = ResourceType(
    token="aws:ec2/route:Route",
    service="ec2",
    create="create_route",
    id=lambda live: f"r-{live.state['routeTableId']}-{'-'.join(_route_destination(live.state).values())}",
    renames=_EGRESS_ONLY,
    read=_read_route,
    attributes={"origin": constant("CreateRoute"), "state": constant("active")},
    absent_outputs="instanceId instanceOwnerId networkInterfaceId",
    write_only="routeTableId",
    custom_update=_change_route,
    custom_update_inputs=_TARGETS,
    delete=_delete_route,
    replace=f"routeTableId {_ROUTE_DESTINATIONS}",
    validate=exactly_one(*_ROUTE_DESTINATIONS.split()),
    rules={"destinationCidrBlock": rules.ipv4_network, "destinationIpv6CidrBlock": rules.ipv6_network},
    references={
        "routeTableId": references.ROUTE_TABLE,
        "gatewayId": references.INTERNET_GATEWAY,
        "natGatewayId": references.NAT_GATEWAY,
    },
)


_ROUTE_TABLE_ASSOCIATION = ResourceType(
    token="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    create="associate_route_table",
    id="AssociationId",
    read=pick(call("describe_route_tables"), "RouteTables[].Associations[]", RouteTableAssociationId="id"),
    delete=call("disassociate_route_table", AssociationId="id"),
    # AWS can move an association to another table, under another id, which Pulumi could not follow.
    replace="subnetId gatewayId routeTableId",
    validate=exactly_one("subnetId", "gatewayId"),
    references={"subnetId": references.SUBNET, "routeTableId": references.ROUTE_TABLE},
)

TYPES = (_ROUTE_TABLE, _ROUTE, _ROUTE_TABLE_ASSOCIATION)
