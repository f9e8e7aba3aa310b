"""Route tables, routes, and which subnet uses which table."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request, ResourceType, arn, call, constant
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import TAGGING, exactly_one, filter_by

_ROUTE_RENAMES = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
}
_ROUTE_TARGETS = {
    "carrierGatewayId": "CarrierGatewayId",
    "coreNetworkArn": "CoreNetworkArn",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "localGatewayId": "LocalGatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
_ROUTE_DESTINATIONS = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}


def _inline_routes(inputs: Inputs, identifier: str) -> Iterable[Request]:
    members = {**_ROUTE_TARGETS, **_ROUTE_RENAMES}
    for route in inputs.get("routes") or []:
        if isinstance(route, dict):
            given = {members[key]: value for key, value in route.items() if value}
            yield Request("create_route", {"RouteTableId": identifier, **given})


def _replace_inline_routes(api: Api, live: Live) -> None:
    table = api("describe_route_tables", RouteTableIds=[live.id])["RouteTables"][0]
    for route in table["Routes"]:
        if route.get("GatewayId") != "local":
            destination = {key: value for key, value in route.items() if key in _ROUTE_DESTINATIONS.values()}
            api("delete_route", RouteTableId=live.id, **destination)
    for request in _inline_routes(live.state, live.id):
        api(request.operation, **request.parameters)


def _read_inline_routes(api: Api, live: Live) -> Mapping[str, Any]:
    """Only for a table that declares its routes itself: others have theirs as resources of their own."""
    if not live.state.get("routes"):
        return {"routes": []}
    properties = {member: key for key, member in {**_ROUTE_TARGETS, **_ROUTE_RENAMES}.items()}
    return {
        "routes": [
            {properties[member]: value for member, value in route.items() if member in properties}
            for route in live.description["Routes"]
            if route.get("GatewayId") != "local"
        ]
    }


_ROUTE_TABLE = ResourceType(
    token="aws:ec2/routeTable:RouteTable",
    service="ec2",
    create="create_route_table",
    id="RouteTable.RouteTableId",
    tag_specification="route-table",
    tagging=TAGGING,
    read=call("describe_route_tables", RouteTableIds="id"),
    description="RouteTables[0]",
    attributes={"arn": arn("ec2", "route-table/{id}"), "propagatingVgws": constant([])},
    delete=call("delete_route_table", RouteTableId="id"),
    replace="vpcId",
    features=(
        Feature(
            inputs="routes",
            requests=_inline_routes,
            apply=_replace_inline_routes,
            read=_read_inline_routes,
            replaces_all=True,
        ),
    ),
    references={"vpcId": references.VPC},
)


def _route_destination(state: Inputs) -> dict[str, Any]:
    return {member: state[key] for key, member in _ROUTE_DESTINATIONS.items() if state.get(key)}


def _read_route(api: Api, live: Live) -> Mapping[str, Any] | None:
    table = api("describe_route_tables", RouteTableIds=[live.state["routeTableId"]])["RouteTables"][0]
    wanted = _route_destination(live.state)
    return next((route for route in table["Routes"] if wanted.items() <= route.items()), None)


def _delete_route(api: Api, live: Live) -> None:
    api("delete_route", RouteTableId=live.state["routeTableId"], **_route_destination(live.state))


def _change_route(inputs: Inputs, identifier: str) -> Iterable[Request]:
    targets = {member: inputs[key] for key, member in _ROUTE_TARGETS.items() if inputs.get(key)}
    yield Request("replace_route", {"RouteTableId": inputs["routeTableId"], **_route_destination(inputs), **targets})


def _amend_route(api: Api, live: Live) -> None:
    for request in _change_route(live.state, live.id):
        api(request.operation, **request.parameters)


_ROUTE = ResourceType(
    token="aws:ec2/route:Route",
    service="ec2",
    create="create_route",
    id=lambda live: f"r-{live.state['routeTableId']}-{'-'.join(_route_destination(live.state).values())}",
    renames={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
    read=_read_route,
    attributes={"origin": constant("CreateRoute"), "state": constant("active")},
    absent_outputs="instanceId instanceOwnerId networkInterfaceId",
    write_only="routeTableId",
    custom_update=_amend_route,
    custom_update_inputs=" ".join(_ROUTE_TARGETS),
    delete=_delete_route,
    replace="routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
    validate=exactly_one(*_ROUTE_DESTINATIONS),
    rules={"destinationCidrBlock": rules.ipv4_network, "destinationIpv6CidrBlock": rules.ipv6_network},
    references={
        "routeTableId": references.ROUTE_TABLE,
        "gatewayId": references.INTERNET_GATEWAY,
        "natGatewayId": references.NAT_GATEWAY,
    },
)


def _read_association(api: Api, live: Live) -> Mapping[str, Any] | None:
    found = api("describe_route_tables", Filters=[filter_by("association.route-table-association-id", live.id)])
    associations = [one for table in found["RouteTables"] for one in table["Associations"]]
    return next((one for one in associations if one["RouteTableAssociationId"] == live.id), None)


_ROUTE_TABLE_ASSOCIATION = ResourceType(
    token="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    create="associate_route_table",
    id="AssociationId",
    read=_read_association,
    delete=call("disassociate_route_table", AssociationId="id"),
    # AWS can move an association to another table, under another id, which Pulumi could not follow.
    replace="subnetId gatewayId routeTableId",
    validate=exactly_one("subnetId", "gatewayId"),
    references={"subnetId": references.SUBNET, "routeTableId": references.ROUTE_TABLE},
)

TYPES = (
    _ROUTE_TABLE,
    _ROUTE,
    _ROUTE_TABLE_ASSOCIATION,
)
