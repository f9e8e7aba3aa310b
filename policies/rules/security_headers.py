"""Security headers implemented: the guide's headers with its values, on every HTTPS response.

A load balancer can send three of the four; X-XSS-Protection, which browsers no longer support, is not among them. A CDN
can send all.
"""

import re
from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, rule

HEADER_TYPES: Final = (aws.LISTENER, aws.RESPONSE_HEADERS_POLICY)
LISTENER_PREFIX: Final = "routingHttpResponse"
CDN_PREFIX: Final = "securityHeadersConfig"
YEAR_SECONDS: Final = 31_536_000
MAX_AGE: Final = re.compile(r"max-age=(\d+)")
HEADER_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html"
CDN_GUIDE: Final = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html"
)


def _sends_headers(resource: StackResource) -> bool:
    return resource.type == aws.RESPONSE_HEADERS_POLICY or aws.is_https(resource)


def _cdn_sends(policy: StackResource, header: str, **wanted: object) -> bool:
    """Tell whether a CDN's policy sends a header with these properties, and overrides the origin's."""
    properties = {"override": True, **wanted}
    return all(policy.get(f"{CDN_PREFIX}.{header}.{name}") == value for name, value in properties.items())


@rule(
    "headers-frame-options-are-set",
    item=ChecklistItem.SECURITY_HEADERS,
    severity=RuleSeverity.MEDIUM,
    resource_types=HEADER_TYPES,
    applies_to=_sends_headers,
    documentation=HEADER_GUIDE,
    remediation='Set routing_http_response_x_frame_options_header_value="DENY" (of a CDN, frame_option="DENY").',
)
def frame_options_are_set(sender: StackResource, _: Context) -> Iterator[Problem]:
    """Responses have the header X-Frame-Options: DENY."""
    if sender.type == aws.RESPONSE_HEADERS_POLICY:
        sent = _cdn_sends(sender, "frameOptions", frameOption="DENY")
    else:
        sent = sender.get(f"{LISTENER_PREFIX}XFrameOptionsHeaderValue") == "DENY"
    if not sent:
        yield "does not send X-Frame-Options: DENY: other sites can frame the application (clickjacking)"


@rule(
    "headers-content-type-options-are-set",
    item=ChecklistItem.SECURITY_HEADERS,
    severity=RuleSeverity.MEDIUM,
    resource_types=HEADER_TYPES,
    applies_to=_sends_headers,
    documentation=HEADER_GUIDE,
    remediation=(
        'Set routing_http_response_x_content_type_options_header_value="nosniff" (of a CDN, content_type_options).'
    ),
)
def content_type_options_are_set(sender: StackResource, _: Context) -> Iterator[Problem]:
    """Responses have the header X-Content-Type-Options: nosniff."""
    if sender.type == aws.RESPONSE_HEADERS_POLICY:
        sent = _cdn_sends(sender, "contentTypeOptions")
    else:
        sent = sender.get(f"{LISTENER_PREFIX}XContentTypeOptionsHeaderValue") == "nosniff"
    if not sent:
        yield "does not send X-Content-Type-Options: nosniff: browsers may run an uploaded file as a script"


@rule(
    "headers-strict-transport-security-is-set",
    item=ChecklistItem.SECURITY_HEADERS,
    severity=RuleSeverity.HIGH,
    resource_types=HEADER_TYPES,
    applies_to=_sends_headers,
    documentation=HEADER_GUIDE,
    remediation=(
        'Set routing_http_response_strict_transport_security_header_value="max-age=31536000; includeSubDomains" '
        "(of a CDN, strict_transport_security with the same)."
    ),
)
def strict_transport_security_is_set(sender: StackResource, _: Context) -> Iterator[Problem]:
    """Responses have the header Strict-Transport-Security for a year, including subdomains."""
    if sender.type == aws.RESPONSE_HEADERS_POLICY:
        seconds = sender.number(f"{CDN_PREFIX}.strictTransportSecurity.accessControlMaxAgeSec") or 0
        subdomains = _cdn_sends(sender, "strictTransportSecurity", includeSubdomains=True)
    else:
        value = str(sender.get(f"{LISTENER_PREFIX}StrictTransportSecurityHeaderValue") or "").lower()
        age = MAX_AGE.search(value)
        seconds, subdomains = int(age[1]) if age else 0, "includesubdomains" in value
    if seconds < YEAR_SECONDS or not subdomains:
        yield (
            "does not send Strict-Transport-Security for a year including subdomains: a first request over plain HTTP "
            "can be intercepted"
        )


@rule(
    "headers-xss-protection-is-set",
    item=ChecklistItem.SECURITY_HEADERS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.RESPONSE_HEADERS_POLICY],
    documentation=CDN_GUIDE,
    remediation="Set xss_protection with protection=True and mode_block=True in security_headers_config.",
)
def xss_protection_is_set(policy: StackResource, _: Context) -> Iterator[Problem]:
    """Responses of the CDN have the header X-XSS-Protection: 1; mode=block."""
    if not _cdn_sends(policy, "xssProtection", protection=True, modeBlock=True):
        yield "does not send X-XSS-Protection: 1; mode=block, which the guide demands for old browsers"


@rule(
    "headers-cdn-policy-is-attached",
    item=ChecklistItem.SECURITY_HEADERS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DISTRIBUTION],
    documentation=CDN_GUIDE,
    remediation="Set response_headers_policy_id on every cache behavior.",
)
def cdn_policy_is_attached(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Every response of a distribution has the security headers."""
    if not all(behavior.is_set("responseHeadersPolicyId") for behavior in aws.cache_behaviors(distribution)):
        yield "has a cache behavior without a response headers policy: its responses lack the security headers"


@rule(
    "headers-server-is-removed",
    item=ChecklistItem.SECURITY_HEADERS,
    severity=RuleSeverity.LOW,
    resource_types=[aws.LISTENER],
    applies_to=aws.is_https,
    documentation=HEADER_GUIDE,
    remediation="Set routing_http_response_server_enabled=False.",
)
def server_is_removed(listener: StackResource, _: Context) -> Iterator[Problem]:
    """Responses do not have the header Server."""
    if listener.get(f"{LISTENER_PREFIX}ServerEnabled") is not False:
        yield "sends the header Server, which tells attackers the software in use"
