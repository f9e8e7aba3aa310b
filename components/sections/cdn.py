"""Section `fixrx:cdn`."""

from typing import Annotated, Literal

from pydantic import Field

from components.shared.production import Protected
from components.shared.section import DomainName, Section


class CdnSettings(Section):
    """Section `fixrx:cdn`."""

    enabled: bool = True
    """`false` leaves out bucket, distribution, certificate and web ACL: nothing serves static files then."""
    domain: DomainName | None = None
    """Domain of the static files, inside the zone; without it `static.` and the zone's name."""
    price_class: Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"] = "PriceClass_All"
    """Where CloudFront answers: `PriceClass_100` only in North America, Europe and Israel, which is the cheapest."""
    requests_per_window: Annotated[int, Field(ge=10, le=100_000)] = 6000
    """Requests of one address in a window of `web_acl.window_seconds`. One page asks for dozens of files, and a mobile
    operator lets hundreds of customers out through one address."""
    retention_days: Annotated[int, Field(ge=7, le=365)] = 30
    """Days for which a file stays that is no longer published, because open pages still ask for it, and for which its
    bytes can be brought back afterwards."""
    protect: Protected = True
    """Refuse to delete the bucket. Without it, deleting the bucket deletes what is in it as well."""
