"""Security headers implemented: the guide's headers with its values, on every answer that leaves over HTTPS.

The load balancer sends three of the four. It cannot send X-XSS-Protection, which browsers have dropped; the app
servers' nginx does.
"""

import re
from collections.abc import Iterator
from typing import Final

from policies.items import Item
from policies.patterns import must_be
from policies.resource import Resource
from policies.rule import Context, Problem, Rule, Severity

LISTENER: Final = "aws:lb/listener"
PREFIX: Final = "routingHttpResponse"
YEAR_SECONDS: Final = 31_536_000
MAX_AGE: Final = re.compile(r"max-age=(\d+)")
HEADER_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html"


def is_https(listener: Resource) -> bool:
    """Tell whether browsers talk HTTPS to this listener."""
    return bool(listener.get("protocol") == "HTTPS")


def _strict_transport(listener: Resource, _: Context) -> Iterator[Problem]:
    value = str(listener.get(f"{PREFIX}StrictTransportSecurityHeaderValue") or "").lower()
    age = MAX_AGE.search(value)
    if age is None or int(age[1]) < YEAR_SECONDS or "includesubdomains" not in value:
        yield "does not bind browsers to HTTPS for a year, subdomains included: a first request can be intercepted"


RULES = (
    Rule(
        name="headers-forbid-framing",
        description="Answers carry X-Frame-Options: DENY.",
        item=Item.SECURITY_HEADERS,
        severity=Severity.MEDIUM,
        reading=HEADER_GUIDE,
        kinds=frozenset({LISTENER}),
        only_if=is_https,
        check=must_be(f"{PREFIX}XFrameOptionsHeaderValue", "DENY", "lets other sites frame ours and steal clicks"),
        remediation='Set routing_http_response_x_frame_options_header_value="DENY".',
    ),
    Rule(
        name="headers-forbid-type-guessing",
        description="Answers carry X-Content-Type-Options: nosniff.",
        item=Item.SECURITY_HEADERS,
        severity=Severity.MEDIUM,
        reading=HEADER_GUIDE,
        kinds=frozenset({LISTENER}),
        only_if=is_https,
        check=must_be(
            f"{PREFIX}XContentTypeOptionsHeaderValue", "nosniff", "lets browsers run an uploaded file as a script"
        ),
        remediation='Set routing_http_response_x_content_type_options_header_value="nosniff".',
    ),
    Rule(
        name="headers-bind-browsers-to-https",
        description="Answers carry Strict-Transport-Security for a year, subdomains included.",
        item=Item.SECURITY_HEADERS,
        severity=Severity.HIGH,
        reading=HEADER_GUIDE,
        kinds=frozenset({LISTENER}),
        only_if=is_https,
        check=_strict_transport,
        remediation=(
            'Set routing_http_response_strict_transport_security_header_value="max-age=31536000; includeSubDomains".'
        ),
    ),
    Rule(
        name="headers-do-not-name-the-server",
        description="Answers do not tell what software sends them.",
        item=Item.SECURITY_HEADERS,
        severity=Severity.LOW,
        reading=HEADER_GUIDE,
        kinds=frozenset({LISTENER}),
        only_if=is_https,
        check=must_be(f"{PREFIX}ServerEnabled", False, "tells attackers which software answers"),
        remediation="Set routing_http_response_server_enabled=False.",
    ),
)
