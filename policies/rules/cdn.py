"""CDN setup for static assets: encrypted on both sides, logged, behind a web ACL, sole reader of its bucket."""

import re
from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

HTTPS_PROTOCOL_POLICIES: Final = frozenset({"redirect-to-https", "https-only"})
CURRENT_TLS_VERSION: Final = re.compile(r"TLSv1\.[23]_\d{4}")
"""Minimum protocol versions that refuse TLS 1.1 and older."""
ORIGIN_TLS_VERSION: Final = "TLSv1.2"
COOKIE_FIELD: Final = "cs(Cookie)"
"""Among the fields that CloudFront writes if none are listed."""
CERTIFICATE_REGION: Final = "us-east-1"
"""Where CloudFront's certificates have to be, in every stack."""


@rule(
    "cdn-viewers-use-https",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DISTRIBUTION],
    security_hub=["CloudFront.3"],
    remediation='Set viewer_protocol_policy="redirect-to-https" on every cache behavior.',
)
def viewers_use_https(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Distributions serve over HTTPS only."""
    behaviors = aws.cache_behaviors(distribution)
    if any(behavior.get("viewerProtocolPolicy") not in HTTPS_PROTOCOL_POLICIES for behavior in behaviors):
        yield "serves plain HTTP: scripts can be changed in transit"


@rule(
    "cdn-tls-version-is-current",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.DISTRIBUTION],
    security_hub=["CloudFront.7", "CloudFront.8"],
    remediation='Set minimum_protocol_version="TLSv1.2_2021" and a certificate for the domain.',
)
def tls_version_is_current(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Distributions refuse TLS 1.1 and older."""
    version = distribution.get("viewerCertificate.minimumProtocolVersion")
    if not version:
        yield "has no minimum protocol version: with CloudFront's own certificate it accepts TLS 1.0"
    elif not CURRENT_TLS_VERSION.fullmatch(version):
        yield f"has the minimum protocol version {version}, which accepts TLS 1.1 or older"


@rule(
    "cdn-requests-are-logged",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DISTRIBUTION],
    scope=Scope.STACK,
    security_hub=["CloudFront.5"],
    remediation="Declare a cloudwatch.LogDeliverySource for the distribution's ARN, and its delivery.",
)
def requests_are_logged(distribution: StackResource, context: Context) -> Iterator[Problem]:
    """Distributions log requests."""
    # Both ways count; only log delivery can write to a bucket without ACLs.
    if distribution.is_set("loggingConfig"):
        return
    if not context.stack.has_referrer(
        distribution,
        aws.LOG_DELIVERY_SOURCE,
        "resourceArn",
        lambda source: context.stack.has_referrer(source, aws.LOG_DELIVERY, "deliverySourceName"),
    ):
        yield "does not log requests: an attack cannot be investigated"


@rule(
    "cdn-logs-have-no-cookies",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DISTRIBUTION],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html",
    remediation="List the fields in record_fields, without cs(Cookie).",
)
def logs_have_no_cookies(distribution: StackResource, context: Context) -> Iterator[Problem]:
    """The logs of distributions do not contain the cookies of their visitors."""
    for source in context.stack.referrers(distribution, aws.LOG_DELIVERY_SOURCE, "resourceArn"):
        for delivery in context.stack.referrers(source, aws.LOG_DELIVERY, "deliverySourceName"):
            fields = delivery.texts("recordFields")
            if not fields or COOKIE_FIELD in fields:
                yield "writes cookies into its log: whoever reads the log can sign in with a session"


@rule(
    "cdn-web-acl-is-associated",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DISTRIBUTION],
    security_hub=["CloudFront.6"],
    remediation="Set web_acl_id.",
)
def web_acl_is_associated(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Distributions have a web ACL."""
    if not distribution.is_set("webAclId"):
        yield "has no web ACL: requests are not rate limited"


@rule(
    "cdn-origin-access-control-enabled",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DISTRIBUTION],
    security_hub=["CloudFront.13"],
    remediation="Set origin_access_control_id on the origin.",
)
def origin_access_control_enabled(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Distributions read their buckets with origin access control."""
    for origin in distribution.items("origins"):
        is_bucket = not origin.is_set("customOriginConfig") and not origin.is_set("vpcOriginConfig")
        if not is_bucket or origin.is_set("originAccessControlId"):
            continue
        if origin.is_set("s3OriginConfig.originAccessIdentity"):
            yield "reads a bucket with an origin access identity, which AWS has replaced by origin access control"
        else:
            yield "reads a bucket without origin access control: the bucket has to be public"


@rule(
    "cdn-default-root-object-is-set",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.LOW,
    resource_types=[aws.DISTRIBUTION],
    security_hub=["CloudFront.1"],
    remediation='Set default_root_object, for instance to "index.html".',
)
def default_root_object_is_set(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Distributions have a default root object."""
    if not distribution.is_set("defaultRootObject"):
        yield "has no default root object: the origin may answer with a list of its files"


@rule(
    "cdn-origin-tls-version-is-current",
    item=ChecklistItem.CDN,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DISTRIBUTION],
    security_hub=["CloudFront.9", "CloudFront.10"],
    remediation='Set origin_protocol_policy="https-only" and origin_ssl_protocols=["TLSv1.2"].',
)
def origin_tls_version_is_current(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Distributions connect to their origins by TLS 1.2."""
    for origin in distribution.items("origins"):
        if not origin.is_set("customOriginConfig"):
            continue
        name = origin.get("domainName")
        if origin.get("customOriginConfig.originProtocolPolicy") != "https-only":
            yield f"connects to {name} over plain HTTP: what it caches can be changed in transit"
        older = set(origin.texts("customOriginConfig.originSslProtocols")) - {ORIGIN_TLS_VERSION}
        if older:
            yield f"connects to {name} by {comma_separated(sorted(older))}, which are not secure"


@rule(
    "cdn-certificate-is-in-us-east-1",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DISTRIBUTION],
    documentation="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html",
    remediation='Declare the acm.Certificate with region="us-east-1".',
)
def certificate_is_in_us_east_1(distribution: StackResource, _: Context) -> Iterator[Problem]:
    """Certificates of distributions are in us-east-1."""
    arn = distribution.get("viewerCertificate.acmCertificateArn")
    if arn and str(arn).split(":")[3] != CERTIFICATE_REGION:
        yield f"has a certificate in {str(arn).split(':')[3]}: CloudFront demands {CERTIFICATE_REGION}"
