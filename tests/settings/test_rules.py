"""Rules that involve several sections: a mistake in one is an error at import, not a rule that never runs."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from pydantic import ValidationError

from components.sections.backup_vault import BackupVaultSettings
from components.sections.cdn import CdnSettings
from components.sections.database import DatabaseSettings
from components.sections.dns import DnsSettings
from components.sections.network import NetworkSettings
from components.shared.maintenance_windows import MaintenanceWindows
from settings import Problem
from settings.rules import (
    RULES,
    backups_start_away_from_windows,
    copies_leave_the_region,
    rule_of,
    static_files_have_a_domain_of_their_own,
)
from settings.stack import AccountSettings, cdn_domain


def test_rules_are_these() -> None:
    assert [rule.sections for rule in RULES] == [
        ("account", "network"),
        ("account", "continuous_integration"),
        ("network",),
        ("runtime", "app_servers", "kubernetes", "database"),
        ("cdn", "dns"),
        ("admin_access", "app_servers"),
        ("vpn", "network"),
        ("account", "backup_vault"),
        ("backup_vault", "maintenance_windows"),
        ("runtime", "kubernetes"),
        ("runtime", "kubernetes"),
        ("account", "kubernetes"),
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


@pytest.mark.parametrize(
    ("region", "problem"),
    [
        ("us-west-2", ""),
        (None, ""),
        (
            "us-east-1",
            "is us-east-1, as account.region: copies there are lost together with it; choose another region, or null "
            "for no copies",
        ),
        ("us-west2", "is not a region of AWS; did you mean us-west-2"),
    ],
)
def test_copies_leave_the_region(region: str | None, problem: str) -> None:
    account = AccountSettings(id="111122223333", region="us-east-1")

    found = list(copies_leave_the_region(account, BackupVaultSettings(dr_region=region)))

    assert [str(each) for each in found] == ([f"fixrx:backup_vault.dr_region: {problem}"] if problem else [])


@pytest.mark.parametrize(
    ("start", "windows", "apart"),
    [
        ("05:00", {}, None),
        ("04:59", {}, 59),
        ("04:30", {}, 30),
        ("02:10", {}, 0),
        ("01:30", {}, 0),
        ("00:01", {}, 59),
        ("00:00", {}, None),
        ("05:00", {"daily": {"start": "06:59"}}, 59),
        ("05:00", {"weekly": {"day": "wed", "start": "03:01"}}, 59),
        ("23:30", {"daily": {"start": "00:15"}}, 0),
    ],
)
def test_backups_start_away_from_windows(start: str, windows: dict[str, object], apart: int | None) -> None:
    """By default 02:00 to 02:30 and 03:00 to 04:00; a backup may start an hour late."""
    found = list(
        backups_start_away_from_windows(BackupVaultSettings(start=start), MaintenanceWindows.model_validate(windows))
    )

    assert [str(each) for each in found] == (
        []
        if apart is None
        else [
            f"fixrx:backup_vault.start: is {start}, and a backup may start until 60 minutes later: that is {apart} "
            "minutes from maintenance_windows.daily or weekly, and RDS refuses backups within 60; choose another time"
        ]
    )


@pytest.mark.parametrize(
    ("days", "accepted"),
    [
        ({}, True),
        ({"daily_retention_days": 90, "weekly_retention_days": 90}, True),
        ({"daily_retention_days": 91}, False),
        ({"weekly_retention_days": 366}, False),
        ({"daily_retention_days": 6}, False),
        ({"monthly_retention_days": 401}, False),
    ],
)
def test_retentions_of_the_vault(days: dict[str, int], accepted: bool) -> None:
    """No shorter and no longer than its lock allows, and rarer backups no shorter than more frequent ones."""
    with nullcontext() if accepted else pytest.raises(ValidationError):
        BackupVaultSettings.model_validate(days)
