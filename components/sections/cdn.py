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
    retention_days: Annotated[int, Field(ge=7, le=365)] = 30
    """Days for which a file stays that is no longer published, because open pages still ask for it, and for which its
    bytes can be brought back afterwards."""
    protect: Protected = True
    """Refuse to delete the bucket. Without it, deleting the bucket deletes what is in it as well."""
