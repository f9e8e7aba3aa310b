"""VPCs and what is in them: subnets, gateways, addresses, endpoints, flow logs."""

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Feature, Inputs, Live, Request, call, constant
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.ec2_common import ec2_type
from sandbox.provider.tables.helpers import capital, given, members, send, without


def _attributes(operation: str, parameter: str, inputs: str, read: Any = None) -> Feature:
    """Attributes of which EC2 sets one per call."""

    def requests(values: Inputs, identifier: str) -> Iterable[Request]:
        for key in given(values, *inputs.split()):
            yield Request(operation, {parameter: identifier, capital(key): {"Value": values[key]}})

    return Feature(inputs=inputs, requests=requests, read=read)


# Support goes before hostnames, which cannot be enabled without it.
_VPC_ATTRIBUTES = "enableDnsSupport enableDnsHostnames enableNetworkAddressUsageMetrics"


def _read_vpc_attributes(api: Api, live: Live) -> Mapping[str, Any]:
    return {
        key: api("describe_vpc_attribute", VpcId=live.id, Attribute=key)[capital(key)]["Value"]
        for key in _VPC_ATTRIBUTES.split()
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
        send(api, [] if present else _ipv6_block(live.state, live.id))
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


_VPC = ec2_type(
    "Vpc",
    read=_describe_vpc,
    attributes={
        "defaultRouteTableId": "mainRouteTableId",
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        "ipv6AssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
        "assignGeneratedIpv6CidrBlock": lambda live: bool(live.description.get("Ipv6CidrBlockAssociationSet")),
    },
    absent_outputs="ipv6AssociationId ipv6CidrBlock ipv6CidrBlockNetworkBorderGroup",
    # In AWS a VPC can leave dedicated tenancy, but not enter it; the sandbox replaces it either way.
    replace="cidrBlock ipv4IpamPoolId ipv4NetmaskLength instanceTenancy",
    defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
    features=(
        _attributes("modify_vpc_attribute", "VpcId", _VPC_ATTRIBUTES, _read_vpc_attributes),
        Feature(inputs="assignGeneratedIpv6CidrBlock", requests=_ipv6_block, apply=_set_ipv6_block, replaces_all=True),
    ),
    rules={"cidrBlock": rules.vpc_network, "instanceTenancy": rules.one_of("default", "dedicated")},
)

_SUBNET = ec2_type(
    "Subnet",
    attributes={
        "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
        "ipv6CidrBlockAssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
        "privateDnsHostnameTypeOnLaunch": constant("ip-name"),
    },
    absent_outputs="ipv6CidrBlock ipv6CidrBlockAssociationId",
    replace="cidrBlock vpcId availabilityZone availabilityZoneId ipv6CidrBlock ipv6Native outpostArn",
    defaults={"assignIpv6AddressOnCreation": False, "mapPublicIpOnLaunch": False},
    features=(_attributes("modify_subnet_attribute", "SubnetId", "mapPublicIpOnLaunch assignIpv6AddressOnCreation"),),
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


def _detach_gateway(api: Api, live: Live) -> None:
    gateways = api("describe_internet_gateways", InternetGatewayIds=[live.id])["InternetGateways"]
    for attachment in gateways[0]["Attachments"]:
        api("detach_internet_gateway", InternetGatewayId=live.id, VpcId=attachment["VpcId"])


_INTERNET_GATEWAY = ec2_type(
    "InternetGateway",
    attributes={"vpcId": "Attachments[0].VpcId"},
    absent_outputs="vpcId",
    before_delete=_detach_gateway,
    features=(Feature(inputs="vpcId", requests=_attach_gateway, clear=_detach_gateway),),
    references={"vpcId": references.VPC},
)

_EIP = ec2_type(
    "Eip",
    "Addresses",
    "elastic-ip",
    create="allocate_address",
    id="AllocationId",
    read=call("describe_addresses", AllocationIds="id"),
    attributes={
        "allocationId": "AllocationId",
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


_NOT_DELETED = "{}[?State!='deleting' && State!='deleted'] | [0]"
"""What is deleted stays visible for an hour."""


def _delete_nat_gateway(api: Api, live: Live) -> None:
    """The emulator leaves the gateway's network interface behind, which AWS deletes."""
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


_NAT_GATEWAY = ec2_type(
    "NatGateway",
    noun="natgateway",
    has_arn=False,
    renames={"privateIp": "PrivateIpAddress"},
    description=_NOT_DELETED.format("NatGateways"),
    attributes={
        "associationId": "NatGatewayAddresses[0].AssociationId",
        "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
        "privateIp": "NatGatewayAddresses[0].PrivateIp",
        "publicIp": "NatGatewayAddresses[0].PublicIp",
        "allocationId": "NatGatewayAddresses[0].AllocationId",
        "availabilityMode": constant("zonal"),
    },
    absent_outputs="associationId autoProvisionZones autoScalingIps networkInterfaceId publicIp routeTableId vpcId "
    "privateIp regionalNatGatewayAddresses regionalNatGatewayAutoMode secondaryAllocationIds "
    "secondaryPrivateIpAddressCount secondaryPrivateIpAddresses",
    delete=_delete_nat_gateway,
    replace="allocationId availabilityMode connectivityType privateIp subnetId vpcId secondaryPrivateIpAddressCount",
    defaults={"connectivityType": "public"},
    validate=_nat_gateway_rules,
    references={"subnetId": references.SUBNET, "vpcId": references.VPC, "allocationId": references.ELASTIC_IP},
)


def _amend_endpoint(api: Api, live: Live) -> None:
    """AWS accepts what to add and what to remove."""
    now = api("describe_vpc_endpoints", VpcEndpointIds=[live.id])["VpcEndpoints"][0]
    now["SecurityGroupIds"] = [group["GroupId"] for group in now.get("Groups", [])]
    parameters = members(live.state, {"policy": "PolicyDocument"})
    for key in given(live.state, "subnetIds", "routeTableIds", "securityGroupIds"):
        wanted, present = live.state[key], now.get(capital(key), [])
        added, removed = ([one for one in wanted if one not in present], [one for one in present if one not in wanted])
        parameters |= {f"Add{capital(key)}": added} if added else {}
        parameters |= {f"Remove{capital(key)}": removed} if removed else {}
    api("modify_vpc_endpoint", VpcEndpointId=live.id, **parameters)


_SERVICE_NAME = r"com\.amazonaws\.[a-z0-9-]+\.[a-z0-9.-]+|[a-z.]+vpce[a-z0-9.-]+|aws\..+"

_VPC_ENDPOINT = ec2_type(
    "VpcEndpoint",
    description=_NOT_DELETED.format("VpcEndpoints"),
    renames={"policy": "PolicyDocument"},
    attributes={
        "securityGroupIds": "Groups[].GroupId",
        "prefixListId": lambda live: "pl-63a5400a" if live.description["VpcEndpointType"] == "Gateway" else "",
        "ipAddressType": constant("ipv4"),
        "serviceRegion": lambda live: live.region,
        "ownerId": lambda live: live.account_id,
    },
    absent_outputs="cidrBlocks dnsEntries dnsOptions networkInterfaceIds policy privateDnsEnabled requesterManaged "
    "routeTableIds securityGroupIds subnetConfigurations subnetIds",
    # The emulator turns private DNS on for every interface endpoint and reports nothing of the options.
    write_only="dnsOptions ipAddressType privateDnsEnabled serviceRegion",
    custom_update=_amend_endpoint,
    custom_update_inputs="policy routeTableIds securityGroupIds subnetIds",
    update_stored_only="dnsOptions ipAddressType privateDnsEnabled",
    delete=call("delete_vpc_endpoints", VpcEndpointIds="id"),
    replace="vpcId serviceName vpcEndpointType serviceRegion",
    defaults={"vpcEndpointType": "Gateway"},
    rules={"serviceName": rules.matches(_SERVICE_NAME, "a service name")},
    references={
        "vpcId": references.VPC,
        "subnetIds": references.SUBNET,
        "securityGroupIds": references.SECURITY_GROUP,
        "routeTableIds": references.ROUTE_TABLE,
    },
)

_FLOW_LOG_SOURCES = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}


def _flow_log_source(inputs: Inputs) -> dict[str, Any]:
    prepared = without(inputs, *_FLOW_LOG_SOURCES)
    for key, kind in _FLOW_LOG_SOURCES.items():
        if inputs.get(key):
            prepared |= {"resourceIds": [inputs[key]], "resourceType": kind}
    return prepared


_FLOW_LOG = ec2_type(
    "FlowLog",
    noun="vpc-flow-log",
    create="create_flow_logs",
    id="FlowLogIds[0]",
    prepare=_flow_log_source,
    renames={"iamRoleArn": "DeliverLogsPermissionArn"},
    attributes=dict.fromkeys(_FLOW_LOG_SOURCES, "ResourceId"),
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

TYPES = (_VPC, _SUBNET, _INTERNET_GATEWAY, _EIP, _NAT_GATEWAY, _VPC_ENDPOINT, _FLOW_LOG)
