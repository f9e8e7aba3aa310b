"""AWS WAF in the sandbox: IP sets, and what AWS refuses to a web ACL and its rules."""

from typing import Any

import pytest

from sandbox.provider.resource_provider import ProviderError
from tests.sandbox.provider.services import Resource, Services

pytestmark = pytest.mark.emulator

ACL, RULE, IP_SET = "aws:wafv2/webAcl:WebAcl", "aws:wafv2/webAclRule:WebAclRule", "aws:wafv2/ipSet:IpSet"
VISIBILITY = {"cloudwatchMetricsEnabled": True, "metricName": "edge", "sampledRequestsEnabled": True}
NOTICE = {"key": "notice", "content": "Back soon", "contentType": "TEXT_PLAIN"}
OFFICE = {"name": "office", "scope": "REGIONAL", "ipAddressVersion": "IPV4", "addresses": ["203.0.113.0/24"]}


def acl(services: Services, **more: Any) -> Resource:
    inputs = {"name": "edge", "scope": "REGIONAL", "defaultAction": {"allow": {}}, "visibilityConfig": VISIBILITY}
    return services.create(ACL, {**inputs, **more}, "acl")


def rule(
    services: Services,
    acl: Resource,
    statement: dict[str, Any],
    action: dict[str, Any],
    name: str = "maintenance",
    priority: int = 0,
) -> Resource:
    inputs = {
        "webAclArn": acl.state["arn"],
        "name": name,
        "priority": priority,
        "action": action,
        "statement": statement,
        "visibilityConfig": VISIBILITY,
    }
    return services.create(RULE, inputs, name)


def all_but(*sets: Resource) -> dict[str, Any]:
    named = [{"ipSetReferenceStatement": {"arn": each.state["arn"]}} for each in sets]
    return {"notStatement": {"statement": named[0] if len(named) == 1 else {"orStatement": {"statements": named}}}}


def addresses(services: Services, ip_set: Resource) -> list[str]:
    found = services.client("wafv2").get_ip_set(Name=ip_set.state["name"], Scope="REGIONAL", Id=ip_set.id)["IPSet"]
    return list(found["Addresses"])


def test_ip_set_through_its_life(services: Services) -> None:
    office = services.create(IP_SET, OFFICE)
    assert addresses(services, office) == ["203.0.113.0/24"]

    services.update(office, addresses=["203.0.113.0/24", "192.0.2.1/32"], description="who works here")
    assert sorted(addresses(services, office)) == ["192.0.2.1/32", "203.0.113.0/24"]
    assert services.drift(office) == {}
    assert services.changes(office, ipAddressVersion="IPV6", addresses=["2001:db8::/32"])["ipAddressVersion"] is True

    services.delete(office)
    assert services.client("wafv2").list_ip_sets(Scope="REGIONAL")["IPSets"] == []


def test_addresses_that_somebody_else_adds_are_seen(services: Services) -> None:
    office = services.create(IP_SET, OFFICE)
    client, named = services.client("wafv2"), {"Name": "office", "Scope": "REGIONAL", "Id": office.id}
    token = client.get_ip_set(**named)["LockToken"]
    client.update_ip_set(**named, LockToken=token, Addresses=["198.51.100.0/24"])

    assert services.drift(office) == {"addresses": ["198.51.100.0/24"]}


@pytest.mark.parametrize(
    ("version", "address", "accepted"),
    [
        ("IPV4", "203.0.113.0/24", True),
        ("IPV6", "2001:db8::/32", True),
        ("IPV4", "203.0.113.9", False),
        ("IPV4", "0.0.0.0/0", False),
        ("IPV4", "2001:db8::/32", False),
        ("IPV6", "203.0.113.0/24", False),
        ("IPV4", "the office", False),
    ],
)
def test_address_of_an_ip_set(services: Services, version: str, address: str, accepted: bool) -> None:
    failures = services.failures(IP_SET, {**OFFICE, "ipAddressVersion": version, "addresses": [address]})

    assert [path for path, _ in failures] == ([] if accepted else ["addresses"])


def test_a_rule_refers_to_ip_sets_that_exist_and_keeps_them(services: Services) -> None:
    edge, office = acl(services), services.create(IP_SET, OFFICE, "office")
    vpn = services.create(
        IP_SET, {**OFFICE, "name": "vpn", "ipAddressVersion": "IPV6", "addresses": ["2001:db8::/32"]}, "vpn"
    )
    blocking = rule(services, edge, all_but(office, vpn), {"block": {}})

    assert services.drift(blocking) == {}
    with pytest.raises(ProviderError, match="the rule maintenance of the web ACL edge refers to this IP set"):
        services.delete(vpn)
    services.update(blocking, statement=all_but(office))
    services.delete(vpn)
    assert services.drift(blocking) == {}


def test_a_rule_does_not_refer_to_an_ip_set_that_is_missing(services: Services) -> None:
    edge, office = acl(services), services.create(IP_SET, OFFICE, "office")
    services.delete(office)

    inputs = {"webAclArn": edge.state["arn"], "name": "m", "priority": 0, "action": {"block": {}}}
    failures = services.failures(RULE, {**inputs, "statement": all_but(office), "visibilityConfig": VISIBILITY})
    assert [path for path, _ in failures] == ["statement.notStatement.statement.ipSetReferenceStatement.arn"]


def test_a_rule_answers_with_a_body_that_its_web_acl_has(services: Services) -> None:
    """So the body comes before the rule, and goes after it."""
    edge = acl(services)
    everybody = {"geoMatchStatement": {"countryCodes": ["DE"]}}
    answer = {"block": {"customResponse": {"responseCode": 503, "customResponseBodyKey": "notice"}}}
    with pytest.raises(ProviderError, match="answers with the body notice, which the web ACL lacks"):
        rule(services, edge, everybody, answer)

    services.update(edge, customResponseBodies=[NOTICE])
    # The emulator keeps the last rule of a web ACL.
    rule(services, edge, everybody, {"count": {}}, "another", 1)
    blocking = rule(services, edge, everybody, answer)
    with pytest.raises(ProviderError, match="answers with the body notice, which the web ACL lacks"):
        services.update(edge, customResponseBodies=None)
    services.delete(blocking)
    services.update(edge, customResponseBodies=None)
