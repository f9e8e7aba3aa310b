"""What a stack has only if it is asked for: Client VPN, EC2 Instance Connect Endpoint, DNS firewall."""

from functools import cache
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from components.dns_firewall import ALLOWED
from components.sections.vpn import VpnSettings
from tests.recorder import Recording, record_stack

VPN = {
    "enabled": True,
    "server_certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/vpn",
    "saml_provider_arn": "arn:aws:iam::111122223333:saml-provider/sso",
    "group_ids": ["operators", "auditors"],
}
RULES = "aws:vpc/securityGroup{}Rule:SecurityGroup{}Rule"


@cache
def with_options(mode: str = "alert") -> Recording:
    return record_stack(
        "production",
        {
            "app_servers": {"ssh_daemon": True},
            "admin_access": {"instance_connect": True},
            "vpn": VPN,
            "dns_firewall": {"mode": mode, "allow": ["maps.example.com"]},
        },
    )


def test_a_stack_has_none_of_them_unless_it_asks(stack: Recording) -> None:
    kinds = ("clientvpn", "instanceConnect", "resolverFirewall")
    assert [each.name for each in stack.registrations if any(kind in each.type for kind in kinds)] == []


def test_the_vpn_is_logged_and_takes_only_what_is_for_the_data_tier() -> None:
    endpoint = with_options().named("vpn-endpoint")

    assert endpoint.pick(
        "splitTunnel", "sessionTimeoutHours", "disconnectOnSessionTimeout", "authenticationOptions", "clientCidrBlock"
    ) == {
        "splitTunnel": True,
        "sessionTimeoutHours": 8,
        "disconnectOnSessionTimeout": True,
        "authenticationOptions": [
            {"type": "federated-authentication", "samlProviderArn": "arn:aws:iam::111122223333:saml-provider/sso"}
        ],
        "clientCidrBlock": "10.200.0.0/22",
    }
    assert endpoint.plain["connectionLogOptions"] == {"enabled": True, "cloudwatchLogGroup": "/fixrx/production/vpn"}


def test_groups_reach_the_data_tier_and_nothing_else() -> None:
    rules = with_options().of_type("aws:ec2clientvpn/authorizationRule:AuthorizationRule")
    data = {
        each.plain["cidrBlock"]
        for each in with_options().of_type("aws:ec2/subnet:Subnet")
        if each.name.startswith("network-data-")
    }

    assert {(each.plain["targetNetworkCidr"], each.plain["accessGroupId"]) for each in rules} == {
        (block, group) for block in data for group in ("operators", "auditors")
    }


def test_certificates_authorise_everybody_who_has_one() -> None:
    certificate = {"saml_provider_arn": None, "client_certificate_arn": VPN["server_certificate_arn"], "group_ids": []}
    stack = record_stack("production", {"vpn": {**VPN, **certificate}})
    rules = stack.of_type("aws:ec2clientvpn/authorizationRule:AuthorizationRule")

    assert [each.plain.get("authorizeAllGroups") for each in rules] == [True] * 3


def test_what_the_options_add_to_the_connection_table(production: Recording) -> None:
    def opened(stack: Recording, side: str) -> dict[str, tuple[str, int]]:
        return {
            each.name: (each.plain["ipProtocol"], each.plain["fromPort"])
            for each in stack.of_type(RULES.format(side, side))
        }

    added = {
        side: dict(opened(with_options(), side).items() - opened(production, side).items())
        for side in ("Ingress", "Egress")
    }
    assert added == {
        "Ingress": {
            "connections-database-from-vpn-5432": ("tcp", 5432),
            "connections-cache-from-vpn-6379": ("tcp", 6379),
            "connections-app-servers-from-instance-connect-22": ("tcp", 22),
        },
        "Egress": {
            "connections-vpn-to-database-5432": ("tcp", 5432),
            "connections-vpn-to-cache-6379": ("tcp", 6379),
            "connections-instance-connect-to-app-servers-22": ("tcp", 22),
        },
    }


def test_servers_see_the_address_of_the_instance_connect_endpoint() -> None:
    assert with_options().named("instance-connect-endpoint").plain["preserveClientIp"] is False


@pytest.mark.parametrize(
    ("mode", "others"),
    [("alert", {"action": "ALERT"}), ("block", {"action": "BLOCK", "blockResponse": "NXDOMAIN"})],
)
def test_other_domains_are_logged_or_refused(mode: str, others: dict[str, str]) -> None:
    stack = with_options(mode)

    assert {
        key: value
        for key, value in stack.named("dns-firewall-others").plain.items()
        if key in ("action", "blockResponse")
    } == others
    assert stack.named("dns-firewall-allowed").plain["action"] == "ALLOW"
    assert stack.named("dns-firewall-allowed-domains").plain["domains"] == [
        *ALLOWED,
        "fixrx.com",
        "*.fixrx.com",
        "maps.example.com",
    ]
    assert stack.named("dns-firewall-fail-open").plain["firewallFailOpen"] == "ENABLED"
    priorities = [stack.named(f"dns-firewall-{name}").plain["priority"] for name in ("allowed", "others")]
    assert priorities == sorted(priorities)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"server_certificate_arn": None}, "server_certificate_arn is missing"),
        ({"saml_provider_arn": None}, "needs either saml_provider_arn or client_certificate_arn"),
        ({"client_certificate_arn": VPN["server_certificate_arn"]}, "needs either"),
        ({"group_ids": []}, "group_ids is empty"),
        ({"client_block": "10.200.1.0/20"}, "client_block is no network"),
    ],
)
def test_a_vpn_that_lets_in_the_wrong_people_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        VpnSettings.model_validate({**VPN, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"admin_access": {"instance_connect": True}}, "needs an SSH daemon on the servers"),
        ({"vpn": {**VPN, "client_block": "10.0.0.0/16"}}, "meets network.cidr_block"),
    ],
)
def test_options_that_cannot_work_are_refused(changes: dict[str, dict[str, Any]], said: str) -> None:
    with pytest.raises(pulumi.RunError, match=said):
        record_stack("production", changes)
