"""VPCs and what stands in them: subnets, gateways, addresses, endpoints, flow logs."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request, ResourceType, arn, call, constant
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import TAGGING


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


def _ipv6_block(inputs: Inputs, identifier: str) -> Iterable[Request]:
    """A block of Amazon's own, which a VPC can get and give back at any time."""
    if inputs.get("assignGeneratedIpv6CidrBlock") is True:
        yield Request("associate_vpc_cidr_block", {"VpcId": identifier, "AmazonProvidedIpv6CidrBlock": True})


def _ipv6_associations(vpc: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Blocks that were given back stay listed for a while."""
    listed = vpc.get("Ipv6CidrBlockAssociationSet", [])
    return [one for one in listed if one["Ipv6CidrBlockState"]["State"] == "associated"]


def _set_ipv6_block(api: Api, live: Live) -> None:
    present = [one["AssociationId"] for one in _ipv6_associations(api("describe_vpcs", VpcIds=[live.id])["Vpcs"][0])]
    if live.state.get("assignGeneratedIpv6CidrBlock"):
        for request in [] if present else _ipv6_block(live.state, live.id):
            api(request.operation, **request.parameters)
        return
    for association in present:
        api("disassociate_vpc_cidr_block", AssociationId=association)


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
        "Ipv6CidrBlockAssociationSet": _ipv6_associations(vpc),
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
    tagging=TAGGING,
    read=_describe_vpc,
    attributes={
        "arn": arn("ec2", "vpc/{id}"),
        "defaultRouteTableId": "mainRouteTableId",
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        "ipv6AssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
        "assignGeneratedIpv6CidrBlock": lambda live: bool(live.description.get("Ipv6CidrBlockAssociationSet")),
    },
    absent_outputs="ipv6AssociationId ipv6CidrBlock ipv6CidrBlockNetworkBorderGroup",
    delete=call("delete_vpc", VpcId="id"),
    # In AWS a VPC can leave dedicated tenancy, but not enter it; the sandbox replaces it either way.
    replace="cidrBlock ipv4IpamPoolId ipv4NetmaskLength instanceTenancy",
    defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
    features=(
        Feature(
            inputs=" ".join(_VPC_ATTRIBUTES),
            requests=_attribute_requests("modify_vpc_attribute", "VpcId", _VPC_ATTRIBUTES),
            read=_read_vpc_attributes,
        ),
        Feature(inputs="assignGeneratedIpv6CidrBlock", requests=_ipv6_block, apply=_set_ipv6_block, replaces_all=True),
    ),
    rules={"cidrBlock": rules.vpc_network, "instanceTenancy": rules.one_of("default", "dedicated")},
)

_SUBNET = ResourceType(
    token="aws:ec2/subnet:Subnet",
    service="ec2",
    create="create_subnet",
    id="Subnet.SubnetId",
    tag_specification="subnet",
    tagging=TAGGING,
    read=call("describe_subnets", SubnetIds="id"),
    description="Subnets[0]",
    attributes={
        "arn": "SubnetArn",
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        "ipv6CidrBlockAssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
        "privateDnsHostnameTypeOnLaunch": constant("ip-name"),
    },
    absent_outputs="ipv6CidrBlock ipv6CidrBlockAssociationId",
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
    tagging=TAGGING,
    read=call("describe_internet_gateways", InternetGatewayIds="id"),
    description="InternetGateways[0]",
    attributes={"arn": arn("ec2", "internet-gateway/{id}"), "vpcId": "Attachments[0].VpcId"},
    absent_outputs="vpcId",
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
    tagging=TAGGING,
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
    absent_outputs="carrierIp customerOwnedIp ipamPoolId ptrRecord",
    delete=call("release_address", AllocationId="id"),
    replace="address customerOwnedIpv4Pool domain ipamPoolId networkBorderGroup publicIpv4Pool",
    rules={"domain": rules.one_of("vpc")},
)


def _read_nat_gateway(api: Api, live: Live) -> Mapping[str, Any] | None:
    """A deleted gateway stays visible for an hour, as `deleted`."""
    gateways = api("describe_nat_gateways", NatGatewayIds=[live.id])["NatGateways"]
    return next((one for one in gateways if one["State"] not in ("deleting", "deleted")), None)


def _delete_nat_gateway(api: Api, live: Live) -> None:
    """The emulator leaves the gateway's network interface behind, which AWS takes away."""
    api("delete_nat_gateway", NatGatewayId=live.id)
    interface = live.state.get("networkInterfaceId")
    if interface:
        api("delete_network_interface", NetworkInterfaceId=interface)


def _nat_gateway_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    regional = inputs.get("availabilityMode") == "regional"
    if regional and inputs.get("vpcId") is None:
        yield CheckFailure("vpcId", "a regional NAT gateway needs vpcId")
    if not regional and inputs.get("subnetId") is None:
        yield CheckFailure("subnetId", "a zonal NAT gateway needs subnetId")
    public = inputs.get("connectivityType", "public") == "public"
    if public and not regional and inputs.get("allocationId") is None:
        yield CheckFailure("allocationId", "a public NAT gateway needs the allocationId of an Elastic IP")


_NAT_GATEWAY = ResourceType(
    token="aws:ec2/natGateway:NatGateway",
    service="ec2",
    create="create_nat_gateway",
    id="NatGateway.NatGatewayId",
    tag_specification="natgateway",
    tagging=TAGGING,
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
    absent_outputs="associationId autoProvisionZones autoScalingIps networkInterfaceId publicIp "
    "regionalNatGatewayAddresses "
    "regionalNatGatewayAutoMode routeTableId secondaryAllocationIds secondaryPrivateIpAddressCount "
    "secondaryPrivateIpAddresses privateIp vpcId",
    delete=_delete_nat_gateway,
    replace="allocationId availabilityMode connectivityType privateIp subnetId vpcId secondaryPrivateIpAddressCount",
    defaults={"connectivityType": "public"},
    validate=_nat_gateway_rules,
    references={
        "subnetId": references.SUBNET,
        "vpcId": references.VPC,
        "allocationId": references.ELASTIC_IP,
    },
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
    tagging=TAGGING,
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
    absent_outputs="cidrBlocks dnsEntries dnsOptions networkInterfaceIds requesterManaged privateDnsEnabled "
    "routeTableIds "
    "securityGroupIds subnetConfigurations subnetIds policy",
    # The emulator turns private DNS on for every interface endpoint and reports nothing of the options.
    write_only="dnsOptions ipAddressType privateDnsEnabled serviceRegion",
    custom_update=_amend_endpoint,
    custom_update_inputs="policy routeTableIds securityGroupIds subnetIds",
    update_stored_only="dnsOptions ipAddressType privateDnsEnabled",
    delete=call("delete_vpc_endpoints", VpcEndpointIds="id"),
    replace="vpcId serviceName vpcEndpointType serviceRegion",
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
    tagging=TAGGING,
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
    absent_outputs="logDestination",
    # The emulator keeps the name of the log group, not its ARN.
    write_only="logDestination destinationOptions",
    delete=call("delete_flow_logs", FlowLogIds="id"),
    replace="deliverCrossAccountRole destinationOptions eniId iamRoleArn logDestination logDestinationType logFormat "
    "maxAggregationInterval subnetId trafficType vpcId transitGatewayId transitGatewayAttachmentId",
    defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
    rules={"maxAggregationInterval": rules.one_of("60", "600")},
    references={"vpcId": references.VPC, "subnetId": references.SUBNET, "iamRoleArn": references.ROLE},
)

TYPES = (
    _VPC,
    _SUBNET,
    _INTERNET_GATEWAY,
    _EIP,
    _NAT_GATEWAY,
    _VPC_ENDPOINT,
    _FLOW_LOG,
)
