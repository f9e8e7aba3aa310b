"""Security headers implemented: the guide's headers with its values, on every answer that leaves over HTTPS.

A load balancer can send three of the four; X-XSS-Protection, which browsers have dropped, is not among them. A CDN can
send all.
"""

import re
from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity
from policies.rules.cdn import DISTRIBUTION, behaviours

LISTENER: Final = "aws:lb/listener"
HEADERS_POLICY: Final = "aws:cloudfront/responseHeadersPolicy"
PREFIX: Final = "routingHttpResponse"
YEAR_SECONDS: Final = 31_536_000
MAX_AGE: Final = re.compile(r"max-age=(\d+)")
HEADER_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html"
CDN_GUIDE: Final = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html"
)


def is_https(listener: StackResource) -> bool:
    """Tell whether browsers talk HTTPS to this listener."""
    return bool(listener.get("protocol") == "HTTPS")


def sends_headers(resource: StackResource) -> bool:
    """Tell whether browsers look at the headers that this sends."""
    return resource.type == HEADERS_POLICY or is_https(resource)


def _cdn_sends(policy: StackResource, header: str, **wanted: object) -> bool:
    """Tell whether a CDN's policy sends a header with these properties, whatever the origin says."""
    config = f"securityHeadersConfig.{header}"
    return all(policy.get(f"{config}.{name}") == value for name, value in {"override": True, **wanted}.items())


def _forbids_framing(sender: StackResource, _: Context) -> Iterator[Problem]:
    if sender.type == HEADERS_POLICY:
        sent = _cdn_sends(sender, "frameOptions", frameOption="DENY")
    else:
        sent = sender.get(f"{PREFIX}XFrameOptionsHeaderValue") == "DENY"
    if not sent:
        yield "lets other sites frame ours and steal clicks"


def _forbids_type_guessing(sender: StackResource, _: Context) -> Iterator[Problem]:
    if sender.type == HEADERS_POLICY:
        sent = _cdn_sends(sender, "contentTypeOptions")
    else:
        sent = sender.get(f"{PREFIX}XContentTypeOptionsHeaderValue") == "nosniff"
    if not sent:
        yield "lets browsers run an uploaded file as a script"


def _strict_transport(sender: StackResource, _: Context) -> Iterator[Problem]:
    if sender.type == HEADERS_POLICY:
        seconds = sender.get("securityHeadersConfig.strictTransportSecurity.accessControlMaxAgeSec") or 0
        subdomains = _cdn_sends(sender, "strictTransportSecurity", includeSubdomains=True)
    else:
        value = str(sender.get(f"{PREFIX}StrictTransportSecurityHeaderValue") or "").lower()
        age = MAX_AGE.search(value)
        seconds, subdomains = int(age[1]) if age else 0, "includesubdomains" in value
    if seconds < YEAR_SECONDS or not subdomains:
        yield "does not bind browsers to HTTPS for a year, subdomains included: a first request can be intercepted"


def _asks_browsers_to_block_scripts(policy: StackResource, _: Context) -> Iterator[Problem]:
    if not _cdn_sends(policy, "xssProtection", protection=True, modeBlock=True):
        yield "does not send the guide's X-XSS-Protection: old browsers run scripts that a request smuggled in"


def _behaviours_send_headers(distribution: StackResource, _: Context) -> Iterator[Problem]:
    if not all(behaviour.is_set("responseHeadersPolicyId") for behaviour in behaviours(distribution)):
        yield "sends files without the security headers that the API sends"


RULES = (
    Rule(
        name="headers-frame-options-are-set",
        description="Answers carry X-Frame-Options: DENY.",
        item=ChecklistItem.SECURITY_HEADERS,
        severity=RuleSeverity.MEDIUM,
        documentation=HEADER_GUIDE,
        resource_types=frozenset({LISTENER, HEADERS_POLICY}),
        applies_to=sends_headers,
        check=_forbids_framing,
        remediation='Set routing_http_response_x_frame_options_header_value="DENY", of a CDN frame_option="DENY".',
    ),
    Rule(
        name="headers-content-type-options-are-set",
        description="Answers carry X-Content-Type-Options: nosniff.",
        item=ChecklistItem.SECURITY_HEADERS,
        severity=RuleSeverity.MEDIUM,
        documentation=HEADER_GUIDE,
        resource_types=frozenset({LISTENER, HEADERS_POLICY}),
        applies_to=sends_headers,
        check=_forbids_type_guessing,
        remediation=(
            'Set routing_http_response_x_content_type_options_header_value="nosniff", of a CDN content_type_options.'
        ),
    ),
    Rule(
        name="headers-strict-transport-security-is-set",
        description="Answers carry Strict-Transport-Security for a year, subdomains included.",
        item=ChecklistItem.SECURITY_HEADERS,
        severity=RuleSeverity.HIGH,
        documentation=HEADER_GUIDE,
        resource_types=frozenset({LISTENER, HEADERS_POLICY}),
        applies_to=sends_headers,
        check=_strict_transport,
        remediation=(
            'Set routing_http_response_strict_transport_security_header_value="max-age=31536000; includeSubDomains", '
            "of a CDN strict_transport_security with the same."
        ),
    ),
    Rule(
        name="headers-xss-protection-is-set",
        description="Files from the CDN carry X-XSS-Protection: 1; mode=block.",
        item=ChecklistItem.SECURITY_HEADERS,
        severity=RuleSeverity.LOW,
        documentation=CDN_GUIDE,
        resource_types=frozenset({HEADERS_POLICY}),
        check=_asks_browsers_to_block_scripts,
        remediation="Set xss_protection with protection=True and mode_block=True in security_headers_config.",
    ),
    Rule(
        name="headers-cdn-policy-is-attached",
        description="Every answer of a distribution carries the security headers.",
        item=ChecklistItem.SECURITY_HEADERS,
        severity=RuleSeverity.MEDIUM,
        documentation=CDN_GUIDE,
        resource_types=frozenset({DISTRIBUTION}),
        check=_behaviours_send_headers,
        remediation="Set response_headers_policy_id on every behaviour.",
    ),
    Rule(
        name="headers-server-is-removed",
        description="Answers do not tell what software sends them.",
        item=ChecklistItem.SECURITY_HEADERS,
        severity=RuleSeverity.LOW,
        documentation=HEADER_GUIDE,
        resource_types=frozenset({LISTENER}),
        applies_to=is_https,
        check=must_be(f"{PREFIX}ServerEnabled", False, "tells attackers which software answers"),
        remediation="Set routing_http_response_server_enabled=False.",
    ),
)
