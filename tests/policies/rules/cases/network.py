"""What breaks the rules of `policies.rules.network`."""

from tests.policies.changes import Case, add, put, remove
from tests.policies.exported import Reference

CASES = (
    Case(
        "vpc-network-acl-denies-remote-login",
        "public-acl",
        put("public-acl", "ingress.0.action", "allow"),
        ("public-acl", "ingress"),
    ),
    Case(
        "vpc-network-acl-denies-remote-login",
        "public-acl",
        add(
            "aws:ec2/networkAclRule",
            "ssh",
            {
                "networkAclId": Reference("public-acl", "id"),
                "ruleNumber": 50,
                "ruleAction": "allow",
                "protocol": "6",
                "fromPort": 22,
                "toPort": 22,
                "ipv6CidrBlock": "::/0",
            },
        ),
        None,
    ),
    Case(
        "vpc-network-acl-denies-remote-login",
        "ssh",
        add(
            "aws:ec2/networkAclRule",
            "ssh",
            {
                "networkAclId": "acl-of-another-stack",
                "ruleNumber": 50,
                "ruleAction": "allow",
                "protocol": "-1",
                "egress": False,
                "cidrBlock": "0.0.0.0/0",
            },
        ),
        None,
        also=(("vpc-network-acl-denies-remote-login", "ssh"),),
    ),
    Case(
        "vpc-peering-routes-are-narrow",
        "peering",
        add(
            "aws:ec2/route",
            "peering",
            {"routeTableId": "rtb-1", "destinationCidrBlock": "0.0.0.0/0", "vpcPeeringConnectionId": "pcx-1"},
        ),
        ("app-internet", "vpcPeeringConnectionId"),
    ),
    Case(
        "vpc-peering-routes-are-narrow",
        "data-table",
        put("data-table", "routes", [{"ipv6CidrBlock": "::/0", "vpcPeeringConnectionId": "pcx-1"}]),
        None,
    ),
    Case("vpc-flow-log-is-complete", "vpc", remove("flow-log"), ("flow-log", "vpcId")),
    Case("vpc-flow-log-is-complete", "vpc", put("flow-log", "trafficType", "REJECT"), None),
    Case(
        "vpc-subnet-public-ip-disabled",
        "app-a",
        put("app-a", "mapPublicIpOnLaunch", True),
        ("app-a", "mapPublicIpOnLaunch"),
    ),
    Case(
        "vpc-subnet-public-ip-disabled",
        "app-b",
        put("app-b", "assignIpv6AddressOnCreation", True),
        None,
    ),
    Case(
        "vpc-private-subnets-have-no-internet-route",
        "data-table",
        add(
            "aws:ec2/route",
            "leak",
            {"routeTableId": Reference("data-table", "id"), "gatewayId": Reference("gateway", "id")},
        ),
        ("public-internet", "routeTableId"),
        also=(("vpc-private-subnets-have-no-internet-route", "data-table"),) * 2,
    ),
)
