"""What breaks the rules of `policies.rules.security_headers`."""

from tests.policies.changes import Case, drop, put

HEADER = "routingHttpResponse"
CASES = (
    Case(
        "headers-frame-options-are-set",
        "https",
        put("https", f"{HEADER}XFrameOptionsHeaderValue", "SAMEORIGIN"),
        ("https", f"{HEADER}XFrameOptionsHeaderValue"),
    ),
    Case(
        "headers-content-type-options-are-set",
        "https",
        drop("https", f"{HEADER}XContentTypeOptionsHeaderValue"),
        ("https", f"{HEADER}XContentTypeOptionsHeaderValue"),
    ),
    Case(
        "headers-strict-transport-security-is-set",
        "https",
        put("https", f"{HEADER}StrictTransportSecurityHeaderValue", "max-age=31536000"),
        ("https", f"{HEADER}StrictTransportSecurityHeaderValue"),
    ),
    Case(
        "headers-strict-transport-security-is-set",
        "https",
        put("https", f"{HEADER}StrictTransportSecurityHeaderValue", "max-age=3600; includeSubDomains"),
        None,
    ),
    Case(
        "headers-server-is-removed",
        "https",
        put("https", f"{HEADER}ServerEnabled", True),
        ("https", f"{HEADER}ServerEnabled"),
    ),
    Case(
        "headers-cdn-policy-is-attached",
        "cdn",
        put("cdn", "orderedCacheBehaviors", [{"viewerProtocolPolicy": "https-only"}]),
        ("cdn", "defaultCacheBehavior"),
    ),
    Case(
        "headers-xss-protection-is-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.xssProtection.modeBlock", False),
        ("cdn-headers", "securityHeadersConfig"),
    ),
    Case(
        "headers-frame-options-are-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.frameOptions.frameOption", "SAMEORIGIN"),
        ("cdn-headers", "securityHeadersConfig"),
    ),
    Case(
        "headers-content-type-options-are-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.contentTypeOptions", None),
        None,
    ),
    Case(
        "headers-strict-transport-security-is-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.strictTransportSecurity.includeSubdomains", False),
        None,
    ),
)
