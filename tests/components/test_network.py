"""Network: addresses, ways out, what is closed, and what is written down."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.network import Network, NetworkArgs
from components.sections.network import NatMode, NetworkSettings
from tests.recorder import STACK, Recording, record

EIP = "aws:ec2/eip:Eip"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
ROUTE = "aws:ec2/route:Route"
ROUTE_TABLE_ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
SUBNET = "aws:ec2/subnet:Subnet"


def record_network(**settings: Any) -> Recording:
    def program() -> None:
        Network(
            "network",
            NetworkArgs(settings=NetworkSettings(**settings), stack=STACK),
        )

    return record(program)


def routes_of(recording: Recording) -> dict[str, dict[str, Any]]:
    return {each.name.removeprefix("network-"): dict(each.plain) for each in recording.of_type(ROUTE)}


def test_vpc_of_each_stack_has_its_own_block(production: Recording, staging: Recording) -> None:
    assert production.named("network-vpc").plain["cidrBlock"] == "10.0.0.0/16"
    assert staging.named("network-vpc").plain["cidrBlock"] == "10.1.0.0/16"


def test_subnets_of_production_are_these(production: Recording) -> None:
    assert {each.name: dict(each.plain) for each in production.of_type(SUBNET)} == {
        f"network-{tier}-{letter}": {
            "vpcId": "network-vpc-id",
            "availabilityZone": f"us-east-1{letter}",
            "cidrBlock": block,
            "mapPublicIpOnLaunch": False,
            **({"ipv6CidrBlock": ipv6} if tier == "public" else {}),
        }
        for tier, letter, block, ipv6 in [
            ("application", "a", "10.0.0.0/21", ""),
            ("application", "b", "10.0.16.0/21", ""),
            ("application", "c", "10.0.32.0/21", ""),
            ("public", "a", "10.0.8.0/22", "2600:1f18:1:2300::/64"),
            ("public", "b", "10.0.24.0/22", "2600:1f18:1:2301::/64"),
            ("public", "c", "10.0.40.0/22", "2600:1f18:1:2302::/64"),
            ("data", "a", "10.0.12.0/22", ""),
            ("data", "b", "10.0.28.0/22", ""),
            ("data", "c", "10.0.44.0/22", ""),
        ]
    }


def test_zone_that_is_added_changes_no_other_resource() -> None:
    """Growing from two zones to three must not replace what runs."""
    two = record_network(availability_zones=("us-east-1a", "us-east-1c"))
    three = record_network(availability_zones=("us-east-1a", "us-east-1b", "us-east-1c"))

    before = {each.identity: each.plain for each in two.registrations if each.type == SUBNET}
    after = {each.identity: each.plain for each in three.registrations}
    assert before.items() <= after.items()
    assert {each.identity for each in two.registrations} <= {each.identity for each in three.registrations}


@pytest.mark.parametrize(
    ("nat", "gateways", "addresses", "ways_out"),
    [
        (NatMode.NONE, {}, [], {}),
        (
            NatMode.SINGLE,
            {
                "network-nat-single": {
                    "subnetId": "network-public-a-id",
                    "allocationId": "eipalloc-network-nat-address-single",
                }
            },
            ["network-nat-address-single"],
            {"a": "network-nat-single-id", "b": "network-nat-single-id"},
        ),
        (
            NatMode.PER_ZONE,
            {
                "network-nat-a": {"subnetId": "network-public-a-id", "allocationId": "eipalloc-network-nat-address-a"},
                "network-nat-b": {"subnetId": "network-public-b-id", "allocationId": "eipalloc-network-nat-address-b"},
            },
            ["network-nat-address-a", "network-nat-address-b"],
            {"a": "network-nat-a-id", "b": "network-nat-b-id"},
        ),
        (
            NatMode.REGIONAL,
            {"network-nat-regional": {"vpcId": "network-vpc-id", "availabilityMode": "regional"}},
            [],
            {"a": "network-nat-regional-id", "b": "network-nat-regional-id"},
        ),
    ],
)
def test_application_tier_reaches_the_internet_as_configured(
    nat: NatMode, gateways: dict[str, Any], addresses: list[str], ways_out: dict[str, str]
) -> None:
    network = record_network(nat=nat, availability_zones=("us-east-1a", "us-east-1b"))

    assert {each.name: each.plain for each in network.of_type(NAT_GATEWAY)} == gateways
    assert sorted(each.name for each in network.of_type(EIP)) == addresses
    assert {name: route for name, route in routes_of(network).items() if not name.startswith("public-")} == {
        f"application-{letter}-internet": {
            "routeTableId": f"network-application-{letter}-routes-id",
            "destinationCidrBlock": "0.0.0.0/0",
            "natGatewayId": gateway,
        }
        for letter, gateway in ways_out.items()
    }


def test_nat_gateways_wait_for_the_internet_gateway(production: Recording) -> None:
    """One that is created before the internet gateway is attached fails."""
    for each in [*production.of_type(NAT_GATEWAY), *production.of_type(EIP)]:
        assert "network-internet-gateway" in each.depends_on


def test_public_tier_alone_has_a_route_from_the_internet(production: Recording) -> None:
    to_gateway = {name: route for name, route in routes_of(production).items() if "gatewayId" in route}

    assert to_gateway == {
        "public-internet-ipv4": {
            "routeTableId": "network-public-routes-id",
            "destinationCidrBlock": "0.0.0.0/0",
            "gatewayId": "network-internet-gateway-id",
        },
        "public-internet-ipv6": {
            "routeTableId": "network-public-routes-id",
            "destinationIpv6CidrBlock": "::/0",
            "gatewayId": "network-internet-gateway-id",
        },
    }


def test_data_tier_has_no_route_at_all(stack: Recording) -> None:
    data_routes = [
        name for name, route in routes_of(stack).items() if route["routeTableId"] == "network-data-routes-id"
    ]

    assert data_routes == []


def test_every_subnet_has_the_route_table_of_its_tier(production: Recording) -> None:
    assert {
        each.plain["subnetId"]: each.plain["routeTableId"] for each in production.of_type(ROUTE_TABLE_ASSOCIATION)
    } == {
        **{f"network-public-{letter}-id": "network-public-routes-id" for letter in "abc"},
        **{f"network-application-{letter}-id": f"network-application-{letter}-routes-id" for letter in "abc"},
        **{f"network-data-{letter}-id": "network-data-routes-id" for letter in "abc"},
    }


def test_default_security_group_and_network_acl_let_nothing_through(stack: Recording) -> None:
    assert stack.named("network-default-security-group").plain == {
        "vpcId": "network-vpc-id",
        "ingress": [],
        "egress": [],
    }
    assert stack.named("network-default-network-acl").plain == {
        "defaultNetworkAclId": "acl-default",
        "ingress": [],
        "egress": [],
    }


def acl_rules(rules: list[dict[str, Any]]) -> list[str]:
    """Return network ACL rules in the order in which they are evaluated, one line each."""
    return [
        f"{rule['ruleNo']:.0f} {rule['action']} {rule['protocol']} {rule['fromPort']:.0f}-{rule['toPort']:.0f} "
        f"{'type {icmpType:.0f} code {icmpCode:.0f} '.format_map(rule) if 'icmpType' in rule else ''}"
        f"{rule.get('cidrBlock') or rule['ipv6CidrBlock']}"
        for rule in sorted(rules, key=lambda rule: float(rule["ruleNo"]))
    ]


EVERYWHERE = ["100 allow -1 0-0 0.0.0.0/0", "101 allow -1 0-0 ::/0"]
NO_REMOTE_ADMINISTRATION = [
    "200 deny tcp 22-22 0.0.0.0/0",
    "201 deny tcp 22-22 ::/0",
    "202 deny tcp 3389-3389 0.0.0.0/0",
    "203 deny tcp 3389-3389 ::/0",
]


@pytest.mark.parametrize(
    ("tier", "ingress", "egress"),
    [
        (
            "public",
            [
                "100 allow -1 0-0 10.0.0.0/16",
                *NO_REMOTE_ADMINISTRATION,
                "300 allow tcp 80-80 0.0.0.0/0",
                "301 allow tcp 80-80 ::/0",
                "302 allow tcp 443-443 0.0.0.0/0",
                "303 allow tcp 443-443 ::/0",
                "400 allow tcp 1024-65535 0.0.0.0/0",
                "401 allow tcp 1024-65535 ::/0",
                "500 allow 1 0-0 type 3 code 4 0.0.0.0/0",
                "501 allow 58 0-0 type 2 code 0 ::/0",
            ],
            EVERYWHERE,
        ),
        (
            "application",
            ["100 allow -1 0-0 10.0.0.0/16", *NO_REMOTE_ADMINISTRATION, "400 allow tcp 1024-65535 0.0.0.0/0"],
            EVERYWHERE,
        ),
        ("data", ["100 allow -1 0-0 10.0.0.0/16"], ["100 allow -1 0-0 10.0.0.0/16"]),
    ],
)
def test_network_acl_of_each_tier(production: Recording, tier: str, ingress: list[str], egress: list[str]) -> None:
    acl = production.named(f"network-{tier}-network-acl").plain

    assert acl_rules(acl["ingress"]) == ingress
    assert acl_rules(acl["egress"]) == egress
    assert acl["subnetIds"] == [f"network-{tier}-{letter}-id" for letter in "abc"]


def test_all_traffic_is_logged(stack: Recording, environment: str) -> None:
    assert stack.named("network-flow-log").pick("vpcId", "trafficType", "logDestination") == {
        "vpcId": "network-vpc-id",
        "trafficType": "ALL",
        "logDestination": f"arn:aws:logs:us-east-1:111122223333:log-group:/fixrx/{environment}/vpc-flow-log",
    }


def test_flow_log_is_kept_for_a_year_under_the_logs_key(production: Recording) -> None:
    assert production.named("network-flow-log-group").pick("retentionInDays", "kmsKeyId") == {
        "retentionInDays": 365,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-logs-key",
    }


def test_flow_log_may_write_to_its_own_group_only(production: Recording) -> None:
    assert production.named("network-flow-log-role-policy").document("policy")["Statement"] == [
        {
            "Sid": "WriteFlowLog",
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            "Resource": ["arn:aws:logs:us-east-1:111122223333:log-group:/fixrx/production/vpc-flow-log:*"],
        },
        {
            "Sid": "FindFlowLog",
            "Effect": "Allow",
            "Action": ["logs:DescribeLogGroups"],
            "Resource": ["arn:aws:logs:us-east-1:111122223333:log-group:*"],
        },
    ]
    assert production.named("network-flow-log-role").document("assumeRolePolicy")["Statement"] == [
        {
            "Sid": "ServiceMayAssume",
            "Effect": "Allow",
            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        }
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cidr_block": "10.0.0.0/15"}, "must be a block from /16 to /20"),
        ({"cidr_block": "10.0.0.0/21"}, "must be a block from /16 to /20"),
        ({"cidr_block": "8.8.0.0/16"}, "must be a private range"),
        ({"cidr_block": "127.0.0.0/16"}, "must be a private range"),
        ({"cidr_block": "169.254.0.0/16"}, "must be a private range"),
        ({"cidr_block": "172.32.0.0/16"}, "must be a private range"),
        ({"availability_zones": ("us-east-1a", "us-east-1a")}, "names a zone twice"),
        ({"availability_zones": ("us-east-1a", "us-west-2b")}, "names zones of more than one region"),
        ({"availability_zones": ("us-east-1a",)}, "at least 2 items"),
    ],
)
def test_network_that_cannot_be_built_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        NetworkSettings(**settings)


@pytest.mark.parametrize("block", ["10.255.0.0/16", "172.16.0.0/16", "172.31.240.0/20", "192.168.0.0/20"])
def test_private_blocks_are_taken(block: str) -> None:
    assert str(NetworkSettings.model_validate({"cidr_block": block}).cidr_block) == block
