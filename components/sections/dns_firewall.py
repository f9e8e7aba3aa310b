"""Section `fixrx:dns_firewall`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from components.shared.section import LogRetentionDays, Section, TextFormat

DomainPattern = Annotated[
    str,
    TextFormat(
        pattern=r"(\*\.)?([a-z0-9-]+\.)+[a-z]{2,}", description="a domain, or *. and a domain", example="*.twilio.com"
    ),
]


class FirewallMode(StrEnum):
    """What happens to a query for a domain that is not on the list."""

    OFF = "off"
    ALERT = "alert"
    BLOCK = "block"


class DnsFirewallSettings(Section):
    """Section `fixrx:dns_firewall`: which domains may be resolved inside the VPC. Stolen data leaves to a name that
    nobody has thought of, or by the queries themselves."""

    mode: FirewallMode = FirewallMode.OFF
    """`alert` only logs queries for other domains: look at the log for two weeks before `block`."""
    allow: Annotated[tuple[DomainPattern, ...], Field(max_length=100)] = ()
    """Domains besides those of AWS and of the guide's third parties."""
    log_retention_days: LogRetentionDays = 90
