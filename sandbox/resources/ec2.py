"""EC2 and VPC."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sandbox.emulator import Api
from sandbox.resources import references, rules
from sandbox.resources.model import Autoname, Feature, Inputs, Live, Request, ResourceType, Tagging, arn, call, constant
from sandbox.schema import Failure

_TAGGING = Tagging(call("create_tags", Resources="id"), call("delete_tags", Resources="id"))
_MANAGED = "Managed by Pulumi"


def _attribute_requests(operation: str, id_parameter: str, attributes: Mapping[str, str]) -> Any:
    """Requests that set one attribute each: EC2 refuses two in one call."""

    def requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
        for key, member in attributes.items():
            if inputs.get(key) is not None:
                yield Request(operation, {id_parameter: identifier, member: {"Value": inputs[key]}})

    return requests


# Support goes before hostnames, which cannot be enabled without it.
_VPC_ATTRIBUTES = {
    "enableDnsSupport": "EnableDnsSupport",
    "enableDnsHostnames": "EnableDnsHostnames",
    "enableNetworkAddressUsageMetrics": "EnableNetworkAddressUsageMetrics",
}


def _read_vpc_attributes(api: Api, live: Live) -> Mapping[str, Any]:
    return {
        key: api("describe_vpc_attribute", VpcId=live.id, Attribute=key)[member]["Value"]
        for key, member in _VPC_ATTRIBUTES.items()
    }


def _describe_vpc(api: Api, live: Live) -> Mapping[str, Any]:
    """The VPC with what AWS made along with it."""
    ours = [{"Name": "vpc-id", "Values": [live.id]}]
    vpc = api("describe_vpcs", VpcIds=[live.id])["Vpcs"][0]
    main = [*ours, {"Name": "association.main", "Values": ["true"]}]
    default = [*ours, {"Name": "default", "Values": ["true"]}]
    tables = api("describe_route_tables", Filters=main)["RouteTables"]
    groups = api("describe_security_groups", Filters=[*ours, {"Name": "group-name", "Values": ["default"]}])
    acls = api("describe_network_acls", Filters=default)["NetworkAcls"]
    return {
        **vpc,
        "mainRouteTableId": tables[0]["RouteTableId"],
        "defaultSecurityGroupId": groups["SecurityGroups"][0]["GroupId"],
        "defaultNetworkAclId": acls[0]["NetworkAclId"],
    }


_VPC = ResourceType(
    token="aws:ec2/vpc:Vpc",
    service="ec2",
    create="create_vpc",
    id="Vpc.VpcId",
    tag_specification="vpc",
    tagging=_TAGGING,
    renames={"assignGeneratedIpv6CidrBlock": "AmazonProvidedIpv6CidrBlock"},
    read=_describe_vpc,
    attributes={
        "arn": arn("ec2", "vpc/{id}"),
        "defaultRouteTableId": "mainRouteTableId",
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        "ipv6AssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
        "assignGeneratedIpv6CidrBlock": "Ipv6CidrBlockAssociationSet && true",
    },
    empty="ipv6AssociationId ipv6CidrBlock ipv6CidrBlockNetworkBorderGroup",
    delete=call("delete_vpc", VpcId="id"),
    # Tenancy and the IPv6 block can be changed in place in AWS; the sandbox replaces the VPC, which is the safe plan.
    replace="cidrBlock ipv4IpamPoolId ipv4NetmaskLength instanceTenancy assignGeneratedIpv6CidrBlock",
    defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
    features=(
        Feature(
            inputs=" ".join(_VPC_ATTRIBUTES),
            requests=_attribute_requests("modify_vpc_attribute", "VpcId", _VPC_ATTRIBUTES),
            read=_read_vpc_attributes,
        ),
    ),
    rules={"cidrBlock": rules.vpc_network, "instanceTenancy": rules.one_of("default", "dedicated")},
)

_SUBNET = ResourceType(
    token="aws:ec2/subnet:Subnet",
    service="ec2",
    create="create_subnet",
    id="Subnet.SubnetId",
    tag_specification="subnet",
    tagging=_TAGGING,
    read=call("describe_subnets", SubnetIds="id"),
    description="Subnets[0]",
    attributes={
        "arn": "SubnetArn",
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        "ipv6CidrBlockAssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
        "privateDnsHostnameTypeOnLaunch": constant("ip-name"),
    },
    empty="ipv6CidrBlock ipv6CidrBlockAssociationId",
    delete=call("delete_subnet", SubnetId="id"),
    replace="cidrBlock vpcId availabilityZone availabilityZoneId ipv6CidrBlock ipv6Native outpostArn",
    defaults={"assignIpv6AddressOnCreation": False, "mapPublicIpOnLaunch": False},
    features=(
        Feature(
            inputs="mapPublicIpOnLaunch assignIpv6AddressOnCreation",
            requests=_attribute_requests(
                "modify_subnet_attribute",
                "SubnetId",
                {
                    "mapPublicIpOnLaunch": "MapPublicIpOnLaunch",
                    "assignIpv6AddressOnCreation": "AssignIpv6AddressOnCreation",
                },
            ),
        ),
    ),
    rules={
        "cidrBlock": rules.vpc_network,
        "ipv6CidrBlock": rules.ipv6_network,
        "availabilityZone": rules.availability_zone,
    },
    references={"vpcId": references.VPC},
)


def _attach_gateway(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("vpcId"):
        yield Request("attach_internet_gateway", {"InternetGatewayId": identifier, "VpcId": inputs["vpcId"]})


def _move_gateway(api: Api, live: Live) -> None:
    _detach_gateway(api, live)
    for request in _attach_gateway(live.state, live.id):
        api(request.operation, **request.parameters)


def _detach_gateway(api: Api, live: Live) -> None:
    gateways = api("describe_internet_gateways", InternetGatewayIds=[live.id])["InternetGateways"]
    for attachment in gateways[0]["Attachments"]:
        api("detach_internet_gateway", InternetGatewayId=live.id, VpcId=attachment["VpcId"])


def _delete_gateway(api: Api, live: Live) -> None:
    _detach_gateway(api, live)
    api("delete_internet_gateway", InternetGatewayId=live.id)


_INTERNET_GATEWAY = ResourceType(
    token="aws:ec2/internetGateway:InternetGateway",
    service="ec2",
    create="create_internet_gateway",
    id="InternetGateway.InternetGatewayId",
    tag_specification="internet-gateway",
    tagging=_TAGGING,
    read=call("describe_internet_gateways", InternetGatewayIds="id"),
    description="InternetGateways[0]",
    attributes={"arn": arn("ec2", "internet-gateway/{id}"), "vpcId": "Attachments[0].VpcId"},
    empty="vpcId",
    delete=_delete_gateway,
    features=(Feature(inputs="vpcId", requests=_attach_gateway, apply=_move_gateway),),
    references={"vpcId": references.VPC},
)

_EIP = ResourceType(
    token="aws:ec2/eip:Eip",
    service="ec2",
    create="allocate_address",
    id="AllocationId",
    tag_specification="elastic-ip",
    tagging=_TAGGING,
    read=call("describe_addresses", AllocationIds="id"),
    description="Addresses[0]",
    attributes={
        "allocationId": "AllocationId",
        "arn": arn("ec2", "elastic-ip/{id}"),
        "networkBorderGroup": lambda live: live.region,
        "publicIpv4Pool": constant("amazon"),
        "publicDns": lambda live: f"ec2-{live.description['PublicIp'].replace('.', '-')}.compute-1.amazonaws.com",
        # What the address is attached to belongs to the NAT gateway: it would change right after creation.
        **dict.fromkeys(("associationId", "instance", "networkInterface", "privateIp", "privateDns"), constant("")),
    },
    empty="carrierIp customerOwnedIp ipamPoolId ptrRecord",
    delete=call("release_address", AllocationId="id"),
    replace="address customerOwnedIpv4Pool domain ipamPoolId networkBorderGroup publicIpv4Pool",
    rules={"domain": rules.one_of("vpc")},
)


def _read_nat_gateway(api: Api, live: Live) -> Mapping[str, Any] | None:
    """A deleted gateway stays visible for an hour, as `deleted`."""
    gateways = api("describe_nat_gateways", NatGatewayIds=[live.id])["NatGateways"]
    return next((one for one in gateways if one["State"] not in ("deleting", "deleted")), None)


def _nat_gateway_rules(inputs: Inputs) -> Iterable[Failure]:
    regional = inputs.get("availabilityMode") == "regional"
    if regional and inputs.get("vpcId") is None:
        yield Failure("vpcId", "a regional NAT gateway needs vpcId")
    if not regional and inputs.get("subnetId") is None:
        yield Failure("subnetId", "a zonal NAT gateway needs subnetId")
    public = inputs.get("connectivityType", "public") == "public"
    if public and not regional and inputs.get("allocationId") is None:
        yield Failure("allocationId", "a public NAT gateway needs the allocationId of an Elastic IP")


_NAT_GATEWAY = ResourceType(
    token="aws:ec2/natGateway:NatGateway",
    service="ec2",
    create="create_nat_gateway",
    id="NatGateway.NatGatewayId",
    tag_specification="natgateway",
    tagging=_TAGGING,
    renames={"privateIp": "PrivateIpAddress"},
    read=_read_nat_gateway,
    attributes={
        "associationId": "NatGatewayAddresses[0].AssociationId",
        "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
        "privateIp": "NatGatewayAddresses[0].PrivateIp",
        "publicIp": "NatGatewayAddresses[0].PublicIp",
        "allocationId": "NatGatewayAddresses[0].AllocationId",
        "availabilityMode": constant("zonal"),
    },
    empty="associationId autoProvisionZones autoScalingIps networkInterfaceId publicIp regionalNatGatewayAddresses "
    "regionalNatGatewayAutoMode routeTableId secondaryAllocationIds secondaryPrivateIpAddressCount "
    "secondaryPrivateIpAddresses privateIp vpcId",
    delete=call("delete_nat_gateway", NatGatewayId="id"),
    replace="allocationId availabilityMode connectivityType privateIp subnetId vpcId secondaryPrivateIpAddressCount",
    defaults={"connectivityType": "public"},
    validate=_nat_gateway_rules,
    references={
        "subnetId": references.SUBNET,
        "vpcId": references.VPC,
        "allocationId": references.ELASTIC_IP,
    },
)

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
    tagging=_TAGGING,
    read=call("describe_route_tables", RouteTableIds="id"),
    description="RouteTables[0]",
    attributes={"arn": arn("ec2", "route-table/{id}"), "propagatingVgws": constant([])},
    delete=call("delete_route_table", RouteTableId="id"),
    replace="vpcId",
    features=(
        Feature(
            inputs="routes", requests=_inline_routes, apply=_replace_inline_routes, read=_read_inline_routes, whole=True
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


def _exactly_one(*keys: str) -> Any:
    def validate(inputs: Inputs) -> Iterable[Failure]:
        given = [key for key in keys if inputs.get(key) is not None]
        if len(given) != 1:
            yield Failure("", f"exactly one of {', '.join(keys)} must be given, not {len(given)}")

    return validate


_ROUTE = ResourceType(
    token="aws:ec2/route:Route",
    service="ec2",
    create="create_route",
    id=lambda live: f"r-{live.state['routeTableId']}-{'-'.join(_route_destination(live.state).values())}",
    renames={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
    read=_read_route,
    attributes={"origin": constant("CreateRoute"), "state": constant("active")},
    empty="instanceId instanceOwnerId networkInterfaceId",
    write_only="routeTableId",
    amend=_amend_route,
    delete=_delete_route,
    replace="routeTableId destinationCidrBlock destinationIpv6CidrBlock destinationPrefixListId",
    validate=_exactly_one(*_ROUTE_DESTINATIONS),
    rules={"destinationCidrBlock": rules.ipv4_network, "destinationIpv6CidrBlock": rules.ipv6_network},
    references={
        "routeTableId": references.ROUTE_TABLE,
        "gatewayId": references.INTERNET_GATEWAY,
        "natGatewayId": references.NAT_GATEWAY,
    },
)


def _read_association(api: Api, live: Live) -> Mapping[str, Any] | None:
    found = api("describe_route_tables", Filters=[_filter("association.route-table-association-id", live.id)])
    associations = [one for table in found["RouteTables"] for one in table["Associations"]]
    return next((one for one in associations if one["RouteTableAssociationId"] == live.id), None)


def _filter(name: str, *values: str) -> dict[str, Any]:
    return {"Name": name, "Values": list(values)}


_ROUTE_TABLE_ASSOCIATION = ResourceType(
    token="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    create="associate_route_table",
    id="AssociationId",
    read=_read_association,
    delete=call("disassociate_route_table", AssociationId="id"),
    # AWS can move an association to another table, under another id, which Pulumi could not follow.
    replace="subnetId gatewayId routeTableId",
    validate=_exactly_one("subnetId", "gatewayId"),
    references={"subnetId": references.SUBNET, "routeTableId": references.ROUTE_TABLE},
)


def _read_endpoint(api: Api, live: Live) -> Mapping[str, Any] | None:
    found = api("describe_vpc_endpoints", VpcEndpointIds=[live.id])["VpcEndpoints"]
    return next((one for one in found if one["State"] not in ("deleting", "deleted")), None)


def _amend_endpoint(api: Api, live: Live) -> None:
    """AWS takes what to add and what to remove."""
    now = _read_endpoint(api, live) or {}
    lists = {
        "subnetIds": ("SubnetIds", now.get("SubnetIds", [])),
        "routeTableIds": ("RouteTableIds", now.get("RouteTableIds", [])),
        "securityGroupIds": ("SecurityGroupIds", [group["GroupId"] for group in now.get("Groups", [])]),
    }
    parameters: dict[str, Any] = {}
    for key, (member, present) in lists.items():
        if live.state.get(key) is None:
            continue
        added = [value for value in live.state[key] if value not in present]
        removed = [value for value in present if value not in live.state[key]]
        parameters |= {f"Add{member}": added} if added else {}
        parameters |= {f"Remove{member}": removed} if removed else {}
    if live.state.get("policy"):
        parameters["PolicyDocument"] = live.state["policy"]
    api("modify_vpc_endpoint", VpcEndpointId=live.id, **parameters)


_VPC_ENDPOINT = ResourceType(
    token="aws:ec2/vpcEndpoint:VpcEndpoint",
    service="ec2",
    create="create_vpc_endpoint",
    id="VpcEndpoint.VpcEndpointId",
    tag_specification="vpc-endpoint",
    tagging=_TAGGING,
    renames={"policy": "PolicyDocument"},
    read=_read_endpoint,
    attributes={
        "arn": arn("ec2", "vpc-endpoint/{id}"),
        "securityGroupIds": "Groups[].GroupId",
        "prefixListId": lambda live: "pl-63a5400a" if live.description["VpcEndpointType"] == "Gateway" else "",
        "ipAddressType": constant("ipv4"),
        "serviceRegion": lambda live: live.region,
        "ownerId": lambda live: live.account_id,
        "policy": "PolicyDocument",
    },
    empty="cidrBlocks dnsEntries dnsOptions networkInterfaceIds requesterManaged privateDnsEnabled routeTableIds "
    "securityGroupIds subnetConfigurations subnetIds policy",
    # The emulator turns private DNS on for every interface endpoint and reports nothing of the options.
    write_only="dnsOptions ipAddressType privateDnsEnabled serviceRegion",
    amend=_amend_endpoint,
    delete=call("delete_vpc_endpoints", VpcEndpointIds="id"),
    replace="vpcId serviceName vpcEndpointType serviceRegion privateDnsEnabled ipAddressType dnsOptions",
    defaults={"vpcEndpointType": "Gateway"},
    rules={
        "serviceName": rules.matches(
            r"com\.amazonaws\.[a-z0-9-]+\.[a-z0-9.-]+|[a-z.]+vpce[a-z0-9.-]+|aws\..+", "a service name"
        )
    },
    references={
        "vpcId": references.VPC,
        "subnetIds": references.SUBNET,
        "securityGroupIds": references.SECURITY_GROUP,
        "routeTableIds": references.ROUTE_TABLE,
    },
)


def _permissions(given: Any) -> list[dict[str, Any]]:
    """Inline rules of a security group in EC2's form; a rule with unknown parts is left out of the validation."""
    permissions = []
    for rule in given if isinstance(given, list) else []:
        if not isinstance(rule, dict):
            continue
        note = {"Description": rule["description"]} if rule.get("description") else {}
        ranges = {
            "IpRanges": [{"CidrIp": value, **note} for value in rule.get("cidrBlocks") or []],
            "Ipv6Ranges": [{"CidrIpv6": value, **note} for value in rule.get("ipv6CidrBlocks") or []],
            "PrefixListIds": [{"PrefixListId": value, **note} for value in rule.get("prefixListIds") or []],
            "UserIdGroupPairs": [{"GroupId": value, **note} for value in rule.get("securityGroups") or []],
        }
        ports = {} if rule["protocol"] == "-1" else {"FromPort": rule["fromPort"], "ToPort": rule["toPort"]}
        present = {key: value for key, value in ranges.items() if value}
        permissions.append({"IpProtocol": rule["protocol"], **ports, **present})
    return permissions


def _inline_rules(direction: str) -> Feature:
    """Ingress or egress rules inside the group. Without any, AWS's own first rule ("all out") is removed as well."""
    member = "IpPermissions" if direction == "ingress" else "IpPermissionsEgress"

    def requests(inputs: Inputs, identifier: str) -> Iterable[Request]:
        permissions = _permissions(inputs.get(direction))
        if permissions:
            parameters = {"GroupId": identifier, "IpPermissions": permissions}
            yield Request(f"authorize_security_group_{direction}", parameters)

    def apply(api: Api, live: Live) -> None:
        present = api("describe_security_groups", GroupIds=[live.id])["SecurityGroups"][0][member]
        if present:
            api(f"revoke_security_group_{direction}", GroupId=live.id, IpPermissions=present)
        for request in requests(live.state, live.id):
            api(request.operation, **request.parameters)

    def read(api: Api, live: Live) -> Mapping[str, Any]:
        """Only for a group that declares its rules itself: others have theirs as resources of their own."""
        if not live.state.get(direction):
            return {direction: []}
        return {direction: [_inline_rule(permission) for permission in live.description[member]]}

    return Feature(inputs=direction, requests=requests, apply=apply, read=read, whole=True)


def _inline_rule(permission: Mapping[str, Any]) -> dict[str, Any]:
    rule = {
        "protocol": permission["IpProtocol"],
        "fromPort": permission.get("FromPort", 0),
        "toPort": permission.get("ToPort", 0),
        "cidrBlocks": [one["CidrIp"] for one in permission.get("IpRanges", [])],
        "ipv6CidrBlocks": [one["CidrIpv6"] for one in permission.get("Ipv6Ranges", [])],
        "prefixListIds": [one["PrefixListId"] for one in permission.get("PrefixListIds", [])],
        "securityGroups": [one["GroupId"] for one in permission.get("UserIdGroupPairs", [])],
    }
    noted = [one for key in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs") for one in permission.get(key, [])]
    if noted and noted[0].get("Description"):
        rule["description"] = noted[0]["Description"]
    return rule


_SECURITY_GROUP = ResourceType(
    token="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    create="create_security_group",
    noun="Group",
    id="GroupId",
    tag_specification="security-group",
    tagging=_TAGGING,
    read=call("describe_security_groups", GroupIds="id"),
    description="SecurityGroups[0]",
    attributes={"arn": arn("ec2", "security-group/{id}")},
    delete=call("delete_security_group", GroupId="id"),
    replace="name namePrefix description vpcId",
    autoname=Autoname("name"),
    defaults={"description": _MANAGED, "revokeRulesOnDelete": False},
    local="revokeRulesOnDelete",
    features=(_inline_rules("ingress"), _inline_rules("egress")),
    rules={
        "name": rules.matches(
            r"(?!sg-)[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]{1,255}", "a name that does not begin with sg-"
        ),
        "description": rules.matches(
            r"[a-zA-Z0-9 ._:/()#,@\[\]+=&;{}!$*-]{0,255}", "at most 255 of EC2's characters for descriptions"
        ),
        "ingress.cidrBlocks": rules.ipv4_network,
        "egress.cidrBlocks": rules.ipv4_network,
        "ingress.ipv6CidrBlocks": rules.ipv6_network,
        "egress.ipv6CidrBlocks": rules.ipv6_network,
    },
    references={
        "vpcId": references.VPC,
        "ingress.securityGroups": references.SECURITY_GROUP,
        "egress.securityGroups": references.SECURITY_GROUP,
    },
)


def _find_default_group(api: Api, live: Live) -> Any:
    filters = [_filter("vpc-id", live.state["vpcId"]), _filter("group-name", "default")]
    return api("describe_security_groups", Filters=filters)["SecurityGroups"][0]["GroupId"]


_DEFAULT_SECURITY_GROUP = ResourceType(
    token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    adopt=_find_default_group,
    adopts="vpcId",
    tagging=_TAGGING,
    read=call("describe_security_groups", GroupIds="id"),
    description="SecurityGroups[0]",
    attributes={"arn": arn("ec2", "security-group/{id}"), "name": "GroupName"},
    replace="vpcId",
    local="revokeRulesOnDelete",
    features=(_inline_rules("ingress"), _inline_rules("egress")),
    references={"vpcId": references.VPC},
)


def _acl_entries(inputs: Inputs, identifier: str) -> Iterable[Request]:
    for direction in ("ingress", "egress"):
        given = inputs.get(direction)
        for rule in given if isinstance(given, list) else []:
            if isinstance(rule, dict):
                parameters = {
                    "NetworkAclId": identifier,
                    "Egress": direction == "egress",
                    "RuleNumber": rule["ruleNo"],
                    "RuleAction": rule["action"],
                    "Protocol": rule["protocol"],
                    "PortRange": {"From": rule["fromPort"], "To": rule["toPort"]},
                }
                blocks = {"CidrBlock": rule.get("cidrBlock"), "Ipv6CidrBlock": rule.get("ipv6CidrBlock")}
                parameters |= {key: value for key, value in blocks.items() if value}
                yield Request("create_network_acl_entry", parameters)


_LAST_RULE = 32767
"""Number of the rule that denies the rest, which AWS keeps in every network ACL."""


def _replace_acl_entries(api: Api, live: Live) -> None:
    acl = api("describe_network_acls", NetworkAclIds=[live.id])["NetworkAcls"][0]
    for entry in acl["Entries"]:
        if entry["RuleNumber"] < _LAST_RULE:
            api(
                "delete_network_acl_entry", NetworkAclId=live.id, RuleNumber=entry["RuleNumber"], Egress=entry["Egress"]
            )
    for request in _acl_entries(live.state, live.id):
        api(request.operation, **request.parameters)


def _read_acl_entries(api: Api, live: Live) -> Mapping[str, Any]:
    entries = [entry for entry in live.description["Entries"] if entry["RuleNumber"] < _LAST_RULE]
    return {
        direction: [_acl_rule(entry) for entry in entries if entry["Egress"] == (direction == "egress")]
        for direction in ("ingress", "egress")
    }


def _acl_rule(entry: Mapping[str, Any]) -> dict[str, Any]:
    ports = entry.get("PortRange", {})
    rule = {
        "ruleNo": entry["RuleNumber"],
        "action": entry["RuleAction"],
        "protocol": entry["Protocol"],
        "fromPort": ports.get("From", 0),
        "toPort": ports.get("To", 0),
    }
    blocks = {"cidrBlock": entry.get("CidrBlock"), "ipv6CidrBlock": entry.get("Ipv6CidrBlock")}
    return rule | {key: value for key, value in blocks.items() if value}


_NETWORK_ACL_RULES = {
    f"{direction}.{key}": rule
    for direction in ("ingress", "egress")
    for key, rule in {
        "action": rules.one_of("allow", "deny"),
        "cidrBlock": rules.ipv4_network,
        "ipv6CidrBlock": rules.ipv6_network,
        "fromPort": rules.between(0, 65535),
        "toPort": rules.between(0, 65535),
        "ruleNo": rules.between(1, 32766),
    }.items()
}
_NETWORK_ACL_ENTRIES = Feature(
    inputs="ingress egress",
    requests=_acl_entries,
    apply=_replace_acl_entries,
    read=_read_acl_entries,
    whole=True,
)


def _set_acl_subnets(api: Api, live: Live) -> None:
    """A subnet always has one ACL: leaving this one means going back to the VPC's default ACL."""
    wanted = set(live.state.get("subnetIds") or [])
    acls = api("describe_network_acls", Filters=[_filter("vpc-id", live.state["vpcId"])])["NetworkAcls"]
    default = next(acl["NetworkAclId"] for acl in acls if acl["IsDefault"])
    for acl in acls:
        for association in acl["Associations"]:
            here, meant = acl["NetworkAclId"] == live.id, association["SubnetId"] in wanted
            if here != meant:
                api(
                    "replace_network_acl_association",
                    AssociationId=association["NetworkAclAssociationId"],
                    NetworkAclId=live.id if meant else default,
                )


def _acl_subnets(inputs: Inputs, identifier: str) -> Iterable[Request]:
    """The associations to replace are only known to AWS: there is nothing to hold against its service model before."""
    return ()


def _delete_acl(api: Api, live: Live) -> None:
    _set_acl_subnets(api, replace(live, state={**live.state, "subnetIds": []}))
    api("delete_network_acl", NetworkAclId=live.id)


_NETWORK_ACL = ResourceType(
    token="aws:ec2/networkAcl:NetworkAcl",
    service="ec2",
    create="create_network_acl",
    id="NetworkAcl.NetworkAclId",
    tag_specification="network-acl",
    tagging=_TAGGING,
    read=call("describe_network_acls", NetworkAclIds="id"),
    description="NetworkAcls[0]",
    attributes={"arn": arn("ec2", "network-acl/{id}"), "subnetIds": "Associations[].SubnetId"},
    delete=_delete_acl,
    replace="vpcId",
    features=(
        _NETWORK_ACL_ENTRIES,
        Feature(inputs="subnetIds", requests=_acl_subnets, apply=_set_acl_subnets, whole=True),
    ),
    rules=_NETWORK_ACL_RULES,
    references={"vpcId": references.VPC, "subnetIds": references.SUBNET},
)

_DEFAULT_NETWORK_ACL = ResourceType(
    token="aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
    service="ec2",
    adopt=lambda api, live: live.state["defaultNetworkAclId"],
    adopts="defaultNetworkAclId",
    tagging=_TAGGING,
    read=call("describe_network_acls", NetworkAclIds="id"),
    description="NetworkAcls[0]",
    attributes={"arn": arn("ec2", "network-acl/{id}"), "defaultNetworkAclId": "NetworkAclId"},
    replace="defaultNetworkAclId",
    # Subnets without another ACL belong to the default one by themselves.
    local="subnetIds",
    features=(_NETWORK_ACL_ENTRIES,),
    rules=_NETWORK_ACL_RULES,
    references={"defaultNetworkAclId": references.NETWORK_ACL},
)


_FLOW_LOG_SOURCES = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}


def _flow_log_source(inputs: Inputs) -> dict[str, Any]:
    prepared = {key: value for key, value in inputs.items() if key not in _FLOW_LOG_SOURCES}
    for key, kind in _FLOW_LOG_SOURCES.items():
        if inputs.get(key):
            prepared |= {"resourceIds": [inputs[key]], "resourceType": kind}
    return prepared


_FLOW_LOG = ResourceType(
    token="aws:ec2/flowLog:FlowLog",
    service="ec2",
    create="create_flow_logs",
    id="FlowLogIds[0]",
    tag_specification="vpc-flow-log",
    tagging=_TAGGING,
    prepare=_flow_log_source,
    renames={"iamRoleArn": "DeliverLogsPermissionArn"},
    read=call("describe_flow_logs", FlowLogIds="id"),
    description="FlowLogs[0]",
    attributes={
        "arn": arn("ec2", "vpc-flow-log/{id}"),
        "vpcId": "ResourceId",
        "subnetId": "ResourceId",
        "eniId": "ResourceId",
    },
    empty="logDestination",
    # The emulator keeps the name of the log group, not its ARN.
    write_only="logDestination destinationOptions",
    delete=call("delete_flow_logs", FlowLogIds="id"),
    replace="deliverCrossAccountRole destinationOptions eniId iamRoleArn logDestination logDestinationType logFormat "
    "maxAggregationInterval subnetId trafficType vpcId transitGatewayId transitGatewayAttachmentId",
    defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
    rules={"maxAggregationInterval": rules.one_of("60", "600")},
    references={"vpcId": references.VPC, "subnetId": references.SUBNET, "iamRoleArn": references.ROLE},
)

_TEMPLATE_KEYS = frozenset({"name", "description", "defaultVersion", "updateDefaultVersion"})
_TEMPLATE_RENAMES = {
    "launchTemplateData.vpcSecurityGroupIds": "SecurityGroupIds",
    "launchTemplateData.disableApiStop": "DisableApiStop",
    "launchTemplateData.networkInterfaces.securityGroups": "Groups",
    "launchTemplateData.networkInterfaces.ipv4AddressCount": "SecondaryPrivateIpAddressCount",
    "launchTemplateData.placement.spreadDomain": "SpreadDomain",
    "description": "VersionDescription",
    "name": "LaunchTemplateName",
}


def _template_data(inputs: Inputs) -> dict[str, Any]:
    data = {key: value for key, value in inputs.items() if key not in _TEMPLATE_KEYS and not key.startswith("__")}
    named = {key: inputs[key] for key in ("name", "description") if inputs.get(key) is not None}
    return {**named, "launchTemplateData": data}


def _read_template(api: Api, live: Live) -> Mapping[str, Any] | None:
    template = api("describe_launch_templates", LaunchTemplateIds=[live.id])["LaunchTemplates"][0]
    versions = api("describe_launch_template_versions", LaunchTemplateId=live.id, Versions=["$Latest"])
    latest = versions["LaunchTemplateVersions"][0]
    return {**latest["LaunchTemplateData"], **template, "description": latest.get("VersionDescription")}


def _publish_template(api: Api, live: Live) -> None:
    if live.state.get("updateDefaultVersion"):
        template = api("describe_launch_templates", LaunchTemplateIds=[live.id])["LaunchTemplates"][0]
        latest = str(template["LatestVersionNumber"])
        api("modify_launch_template", LaunchTemplateId=live.id, DefaultVersion=latest)


def _default_version(inputs: Inputs, identifier: str) -> Iterable[Request]:
    if inputs.get("defaultVersion"):
        yield Request(
            "modify_launch_template", {"LaunchTemplateId": identifier, "DefaultVersion": str(inputs["defaultVersion"])}
        )


def base64_text(value: str) -> str | None:
    """User data goes to EC2 in base64, and the provider does not encode it."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "must be base64"
    return None if len(decoded) <= _USER_DATA_BYTES else f"must be at most {_USER_DATA_BYTES} bytes before encoding"


_USER_DATA_BYTES = 16 * 1024
"""EC2's limit for user data before base64."""

_LAUNCH_TEMPLATE = ResourceType(
    token="aws:ec2/launchTemplate:LaunchTemplate",
    service="ec2",
    create="create_launch_template",
    id="LaunchTemplate.LaunchTemplateId",
    tag_specification="launch-template",
    tagging=_TAGGING,
    prepare=_template_data,
    renames=_TEMPLATE_RENAMES,
    read=_read_template,
    attributes={
        "arn": arn("ec2", "launch-template/{id}"),
        "latestVersion": "LatestVersionNumber",
        "defaultVersion": "DefaultVersionNumber",
        "vpcSecurityGroupIds": "SecurityGroupIds",
        # The emulator lists the tags of the template itself among those for instances and volumes.
        "tagSpecifications": "TagSpecifications[?ResourceType != 'launch-template']",
    },
    empty="metadataOptions",
    update=call("create_launch_template_version", LaunchTemplateId="id"),
    update_omits="name",
    rewrite=True,
    after_update=_publish_template,
    recomputed="latestVersion defaultVersion",
    delete=call("delete_launch_template", LaunchTemplateId="id"),
    replace="name namePrefix",
    autoname=Autoname("name", longest=128),
    local="updateDefaultVersion",
    features=(Feature(inputs="defaultVersion", requests=_default_version),),
    rules={"userData": base64_text, "blockDeviceMappings.ebs.volumeSize": rules.between(1, 65536)},
    references={
        "vpcSecurityGroupIds": references.SECURITY_GROUP,
        "networkInterfaces.securityGroups": references.SECURITY_GROUP,
        "networkInterfaces.subnetId": references.SUBNET,
        "blockDeviceMappings.ebs.kmsKeyId": references.KMS_KEY,
        "iamInstanceProfile.name": references.INSTANCE_PROFILE,
        "iamInstanceProfile.arn": references.INSTANCE_PROFILE,
    },
)

_RULE_SOURCES = {
    "cidrIpv4": ("IpRanges", "CidrIp"),
    "cidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "prefixListId": ("PrefixListIds", "PrefixListId"),
    "referencedSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}


def _rule_permission(inputs: Inputs) -> dict[str, Any]:
    permission = {key: inputs[key] for key in ("ipProtocol", "fromPort", "toPort") if inputs.get(key) is not None}
    note = {"Description": inputs["description"]} if inputs.get("description") else {}
    for key, (member, name) in _RULE_SOURCES.items():
        if inputs.get(key) is not None:
            permission[member] = [{name: inputs[key], **note}]
    return {"securityGroupId": inputs.get("securityGroupId"), "ipPermissions": [permission]}


def _change_rule(api: Api, live: Live) -> None:
    members = {
        "ipProtocol": "IpProtocol",
        "fromPort": "FromPort",
        "toPort": "ToPort",
        "cidrIpv4": "CidrIpv4",
        "cidrIpv6": "CidrIpv6",
        "prefixListId": "PrefixListId",
        "referencedSecurityGroupId": "ReferencedGroupId",
        "description": "Description",
    }
    rule = {member: live.state[key] for key, member in members.items() if live.state.get(key) is not None}
    group = live.state["securityGroupId"]
    change = {"SecurityGroupRuleId": live.id, "SecurityGroupRule": rule}
    api("modify_security_group_rules", GroupId=group, SecurityGroupRules=[change])


def _rule_ports(inputs: Inputs) -> Iterable[Failure]:
    yield from _exactly_one(*_RULE_SOURCES)(inputs)
    low, high = inputs.get("fromPort"), inputs.get("toPort")
    if inputs.get("ipProtocol") in ("tcp", "udp", "6", "17"):
        for key in ("fromPort", "toPort"):
            if inputs.get(key) is None:
                yield Failure(key, f"{inputs['ipProtocol']} needs {key}")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        yield Failure("toPort", f"must not be below fromPort ({low})")


def _security_group_rule(direction: str) -> ResourceType:
    name = direction.capitalize()
    return ResourceType(
        token=f"aws:vpc/securityGroup{name}Rule:SecurityGroup{name}Rule",
        service="ec2",
        create=f"authorize_security_group_{direction}",
        id="SecurityGroupRules[0].SecurityGroupRuleId",
        tag_specification="security-group-rule",
        tagging=_TAGGING,
        prepare=_rule_permission,
        renames={"securityGroupId": "GroupId"},
        read=call("describe_security_group_rules", SecurityGroupRuleIds="id"),
        description="SecurityGroupRules[0]",
        attributes={
            "arn": arn("ec2", "security-group-rule/{id}"),
            "securityGroupRuleId": "SecurityGroupRuleId",
            "securityGroupId": "GroupId",
            "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId",
        },
        amend=_change_rule,
        delete=call(f"revoke_security_group_{direction}", GroupId="securityGroupId", SecurityGroupRuleIds="id"),
        replace="securityGroupId",
        validate=_rule_ports,
        rules={
            "cidrIpv4": rules.ipv4_network,
            "cidrIpv6": rules.ipv6_network,
            "fromPort": rules.between(-1, 65535),
            "toPort": rules.between(-1, 65535),
            "ipProtocol": rules.matches(
                r"-1|tcp|udp|icmp|icmpv6|\d{1,3}", "-1, tcp, udp, icmp, icmpv6 or a protocol number"
            ),
        },
        references={
            "securityGroupId": references.SECURITY_GROUP,
            "referencedSecurityGroupId": references.SECURITY_GROUP,
            "prefixListId": references.PREFIX_LIST,
        },
    )


TYPES = (
    _VPC,
    _SUBNET,
    _INTERNET_GATEWAY,
    _EIP,
    _NAT_GATEWAY,
    _ROUTE_TABLE,
    _ROUTE,
    _ROUTE_TABLE_ASSOCIATION,
    _VPC_ENDPOINT,
    _SECURITY_GROUP,
    _DEFAULT_SECURITY_GROUP,
    _NETWORK_ACL,
    _DEFAULT_NETWORK_ACL,
    _FLOW_LOG,
    _LAUNCH_TEMPLATE,
    _security_group_rule("ingress"),
    _security_group_rule("egress"),
)
