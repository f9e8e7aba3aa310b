"""Rules that involve several sections: a mistake in one is an error at import, not a rule that never runs."""

from collections.abc import Iterator

import pytest

from components.sections.cdn import CdnSettings
from components.sections.database import DatabaseSettings
from components.sections.dns import DnsSettings
from components.sections.network import NetworkSettings
from settings import Problem
from settings.rules import RULES, rule_of, static_files_have_a_domain_of_their_own
from settings.stack import cdn_domain


def test_rules_are_these() -> None:
    assert [rule.sections for rule in RULES] == [
        ("account", "network"),
        ("account", "continuous_integration"),
        ("network",),
        ("app_servers", "database"),
        ("cdn", "dns"),
        ("admin_access", "app_servers"),
        ("vpn", "network"),
    ]


def test_misspelt_section_is_an_error() -> None:
    def rule(netwrk: NetworkSettings) -> Iterator[Problem]:
        yield Problem(key="network", what="is wrong")

    with pytest.raises(TypeError, match="a rule reads netwrk, which is not a section of StackSettings"):
        rule_of(rule)


def test_section_of_another_type_is_an_error() -> None:
    def rule(network: DatabaseSettings) -> Iterator[Problem]:
        yield Problem(key="network", what="is wrong")

    with pytest.raises(TypeError, match=r"a rule declares network as .*DatabaseSettings.*NetworkSettings"):
        rule_of(rule)


def test_rule_does_not_run_without_a_valid_section() -> None:
    def rule(network: NetworkSettings) -> Iterator[Problem]:
        yield Problem(key="network", what="is wrong")

    assert [str(problem) for problem in rule_of(rule).check({})] == []
    assert [str(problem) for problem in rule_of(rule).check({"network": NetworkSettings()})] == [
        "fixrx:network: is wrong"
    ]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, ""),
        ({"domain": "assets.fixrx.com"}, ""),
        ({"domain": "fixrx.com"}, ""),
        ({"domain": "static.fixrx.net"}, "is not inside fixrx.com; make it dns.zone or a name that ends in it"),
        ({"domain": "notfixrx.com"}, "is not inside fixrx.com; make it dns.zone or a name that ends in it"),
        ({"domain": "api.fixrx.com"}, "is api.fixrx.com, which is the API's; choose another name in the zone"),
        ({"domain": "api.fixrx.com", "enabled": False}, ""),
        (
            {"domain": f"{'a' * 55}.fixrx.com"},
            f"{'a' * 55}.fixrx.com is longer than the 64 characters that ACM accepts; set a shorter one",
        ),
        ({"domain": f"{'a' * 54}.fixrx.com"}, ""),
    ],
)
def test_static_files_have_a_domain_of_their_own(settings: dict[str, object], problem: str) -> None:
    cdn = CdnSettings.model_validate(settings)

    found = list(static_files_have_a_domain_of_their_own(cdn, DnsSettings()))

    assert [str(each) for each in found] == ([f"fixrx:cdn.domain: {problem}"] if problem else [])


def test_the_domain_of_static_files_follows_from_the_zone() -> None:
    dns = DnsSettings(zone="staging.fixrx.com", api_domain="api.staging.fixrx.com")

    assert cdn_domain(CdnSettings(), dns) == "static.staging.fixrx.com"
    assert cdn_domain(CdnSettings(domain="files.staging.fixrx.com"), dns) == "files.staging.fixrx.com"
