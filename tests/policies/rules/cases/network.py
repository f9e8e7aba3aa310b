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
