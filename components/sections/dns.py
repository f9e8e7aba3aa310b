"""Section `fixrx:dns`."""

from typing import Annotated, Self

from pydantic import model_validator

from components.shared.production import Protected
from components.shared.section import DomainName, LogRetentionDays, Section, TextFormat

LONGEST_CERTIFICATE_DOMAIN = 64
"""ACM accepts no longer domain name as the first one of a certificate."""


class DnsSettings(Section):
    """Section `fixrx:dns`."""

    zone: DomainName = "fixrx.com"
    hosted_zone_id: (
        Annotated[
            str,
            TextFormat(
                pattern=r"Z[A-Z0-9]{5,31}", description="the id of a hosted zone", example="Z0123456789ABCDEFGHIJ"
            ),
        ]
        | None
    ) = None
    """Adopt the zone with this id; without it a zone is created, to which the registrar must then delegate. Records of
    the API's domain that the zone already has are taken over: from then on the domain leads to this stack. A CNAME
    cannot be taken over: delete it right before the first deployment."""
    api_domain: DomainName = "api.fixrx.com"
    restrict_certificate_authorities: bool = True
    """Let only Amazon issue certificates for the zone's domains (CAA record), in place of a CAA record that an adopted
    zone already has. With `false` that record is kept; it must allow amazon.com."""
    log_queries: bool = True
    """A zone has one query log: `false` keeps the one that an adopted zone already has."""
    query_log_retention_days: LogRetentionDays = 90
    dnssec: bool = False
    """Sign the zone. Resolvers verify nothing until the registrar publishes the DS record of output `ds_record`; before
    this is set to false again the DS record must be deleted there for two days (docs/access.md)."""
    protect: Protected = True
    """Refuse to delete a zone created here: a new one has other name servers, and the domain does not resolve until
    the registrar delegates to them."""

    @model_validator(mode="after")
    def _api_is_in_zone(self) -> Self:
        if self.api_domain != self.zone and not self.api_domain.endswith(f".{self.zone}"):
            raise ValueError("api_domain is not inside zone; make it the zone's name or one that ends in it")
        if len(self.api_domain) > LONGEST_CERTIFICATE_DOMAIN:
            raise ValueError(
                f"api_domain is longer than the {LONGEST_CERTIFICATE_DOMAIN} characters that ACM accepts; shorten it"
            )
        return self
