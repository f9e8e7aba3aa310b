"""Client VPN and EC2 Instance Connect Endpoints. The emulator has neither: they are validated and recorded."""

from sandbox.provider.model import ResourceType, arn, constant, template
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import exactly_one, recorded_id

_VPN_ID = rules.matches(r"cvpn-endpoint-[0-9a-f]+", "the id of a Client VPN endpoint")

_ENDPOINT = ResourceType(
    token="aws:ec2clientvpn/endpoint:Endpoint",
    service="ec2",
    create="create_client_vpn_endpoint",
    id=recorded_id("cvpn-endpoint", "clientCidrBlock", "vpcId"),
    renames={
        "authenticationOptions.activeDirectoryId": "ActiveDirectory.DirectoryId",
        "authenticationOptions.rootCertificateChainArn": "MutualAuthentication.ClientRootCertificateChainArn",
        "authenticationOptions.samlProviderArn": "FederatedAuthentication.SAMLProviderArn",
        "authenticationOptions.selfServiceSamlProviderArn": "FederatedAuthentication.SelfServiceSAMLProviderArn",
        "connectionLogOptions.cloudwatchLogGroup": "CloudwatchLogGroup",
        "connectionLogOptions.cloudwatchLogStream": "CloudwatchLogStream",
    },
    attributes={
        "arn": arn("ec2", "client-vpn-endpoint/{id}"),
        "dnsName": template("*.{id}.prod.clientvpn.{region}.amazonaws.com"),
        "selfServicePortalUrl": constant(""),
    },
    absent_outputs="clientConnectOptions clientLoginBannerOptions clientRouteEnforcementOptions "
    "transitGatewayConfiguration",
    replace="authenticationOptions clientCidrBlock transportProtocol",
    defaults={
        "endpointIpAddressType": "ipv4",
        "selfServicePortal": "disabled",
        "sessionTimeoutHours": 24,
        "splitTunnel": False,
        "trafficIpAddressType": "ipv4",
        "transportProtocol": "udp",
        "vpnPort": 443,
    },
    rules={"clientCidrBlock": rules.ipv4_network, "serverCertificateArn": rules.arn},
    references={"vpcId": references.VPC, "securityGroupIds": references.SECURITY_GROUP},
    stored_only=True,
)

_ASSOCIATION = ResourceType(
    token="aws:ec2clientvpn/networkAssociation:NetworkAssociation",
    service="ec2",
    create="associate_client_vpn_target_network",
    id=recorded_id("cvpn-assoc", "clientVpnEndpointId", "subnetId"),
    attributes={"associationId": template("{id}"), "vpcId": constant("vpc-of-the-subnet")},
    replace="clientVpnEndpointId subnetId",
    rules={"clientVpnEndpointId": _VPN_ID},
    references={"subnetId": references.SUBNET},
    stored_only=True,
)

_AUTHORIZATION = ResourceType(
    token="aws:ec2clientvpn/authorizationRule:AuthorizationRule",
    service="ec2",
    create="authorize_client_vpn_ingress",
    id=lambda live: ",".join(
        str(live.state[key])
        for key in ("clientVpnEndpointId", "targetNetworkCidr", "accessGroupId")
        if live.state.get(key)
    ),
    replace="accessGroupId authorizeAllGroups clientVpnEndpointId description targetNetworkCidr",
    rules={"clientVpnEndpointId": _VPN_ID, "targetNetworkCidr": rules.ipv4_network},
    validate=exactly_one("accessGroupId", "authorizeAllGroups"),
    stored_only=True,
)

_INSTANCE_CONNECT = ResourceType(
    token="aws:ec2transitgateway/instanceConnectEndpoint:InstanceConnectEndpoint",
    service="ec2",
    create="create_instance_connect_endpoint",
    id=recorded_id("eice", "subnetId"),
    attributes={
        "arn": arn("ec2", "instance-connect-endpoint/{id}"),
        "availabilityZone": constant(""),
        "dnsName": template("{id}.ec2-instance-connect-endpoint.{region}.amazonaws.com"),
        "fipsDnsName": constant(""),
        "networkInterfaceIds": constant([]),
        "ownerId": template("{account}"),
        "vpcId": constant("vpc-of-the-subnet"),
    },
    replace="preserveClientIp securityGroupIds subnetId",
    defaults={"ipAddressType": "ipv4", "preserveClientIp": True},
    references={"subnetId": references.SUBNET, "securityGroupIds": references.SECURITY_GROUP},
    stored_only=True,
)

TYPES = (_ENDPOINT, _ASSOCIATION, _AUTHORIZATION, _INSTANCE_CONNECT)
