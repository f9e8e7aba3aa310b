"""CDN setup for static assets: encrypted on both sides, logged, behind a web ACL, and the only way to its bucket."""

from collections.abc import Iterator, Sequence
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be_one_of, must_be_set, must_have
from policies.engine.resource import StackResource, named
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope

DISTRIBUTION: Final = "aws:cloudfront/distribution"
LOG_DELIVERY_SOURCE: Final = "aws:cloudwatch/logDeliverySource"
ENCRYPTED_PROTOCOLS: Final = frozenset({"redirect-to-https", "https-only"})
MODERN_PROTOCOLS: Final = frozenset({"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"})
MODERN_ORIGIN_PROTOCOL: Final = "TLSv1.2"
CERTIFICATE_REGION: Final = "us-east-1"
"""Where CloudFront looks for certificates, whatever region the stack is in."""


def behaviours(distribution: StackResource) -> Sequence[StackResource]:
    """Return how a distribution answers: in general, and on the paths for which it says something else."""
    return [*distribution.items("defaultCacheBehavior"), *distribution.items("orderedCacheBehaviors")]


def _viewers_use_https(distribution: StackResource, _: Context) -> Iterator[Problem]:
    if any(each.get("viewerProtocolPolicy") not in ENCRYPTED_PROTOCOLS for each in behaviours(distribution)):
        yield "serves files over plain HTTP: scripts can be changed on the way"


def _buckets_know_their_distribution(distribution: StackResource, _: Context) -> Iterator[Problem]:
    for origin in distribution.items("origins"):
        is_bucket = not origin.is_set("customOriginConfig") and not origin.is_set("vpcOriginConfig")
        if is_bucket and not origin.is_set("originAccessControlId"):
            yield "reads a bucket that anybody can read past it"


def _logs_requests(distribution: StackResource, context: Context) -> Iterator[Problem]:
    """Either way counts; only log delivery can write to a bucket without ACLs."""
    if not distribution.is_set("loggingConfig"):
        problem = "logs no requests: an attack cannot be reconstructed"
        yield from must_have(LOG_DELIVERY_SOURCE, "resourceArn", problem)(distribution, context)


def _origins_use_modern_tls(distribution: StackResource, _: Context) -> Iterator[Problem]:
    for origin in distribution.items("origins"):
        if not origin.is_set("customOriginConfig"):
            continue
        name = origin.get("domainName")
        if origin.get("customOriginConfig.originProtocolPolicy") != "https-only":
            yield f"fetches from {name} over plain HTTP: what it caches for everybody can be changed on the way"
        older = set(origin.texts("customOriginConfig.originSslProtocols")) - {MODERN_ORIGIN_PROTOCOL}
        if older:
            yield f"fetches from {name} by {named(sorted(older))}, which have been broken"


def _certificate_is_where_cloudfront_looks(distribution: StackResource, _: Context) -> Iterator[Problem]:
    arn = distribution.get("viewerCertificate.acmCertificateArn")
    if arn and str(arn).split(":")[3] != CERTIFICATE_REGION:
        yield f"has a certificate in {str(arn).split(':')[3]}: CloudFront takes it from {CERTIFICATE_REGION} only"


RULES = (
    Rule(
        name="cdn-viewers-use-https",
        description="Distributions serve over HTTPS only.",
        item=ChecklistItem.CDN,
        severity=RuleSeverity.HIGH,
        security_hub=("CloudFront.3",),
        resource_types=frozenset({DISTRIBUTION}),
        check=_viewers_use_https,
        remediation='Set viewer_protocol_policy="redirect-to-https" on every behaviour.',
    ),
    Rule(
        name="cdn-tls-version-is-current",
        description="Distributions negotiate TLS 1.2 or newer.",
        item=ChecklistItem.CDN,
        severity=RuleSeverity.HIGH,
        security_hub=("CloudFront.7", "CloudFront.8"),
        resource_types=frozenset({DISTRIBUTION}),
        check=must_be_one_of(
            "viewerCertificate.minimumProtocolVersion", MODERN_PROTOCOLS, "accepts TLS versions that have been broken"
        ),
        remediation='Set minimum_protocol_version="TLSv1.2_2021" and a certificate of our own.',
    ),
    Rule(
        name="cdn-requests-are-logged",
        description="Distributions log every request.",
        item=ChecklistItem.CDN,
        severity=RuleSeverity.LOW,
        security_hub=("CloudFront.5",),
        scope=Scope.STACK,
        resource_types=frozenset({DISTRIBUTION}),
        check=_logs_requests,
        remediation="Declare a cloudwatch.LogDeliverySource for the distribution's ARN, and its delivery.",
    ),
    Rule(
        name="cdn-web-acl-is-associated",
        description="Distributions stand behind a web ACL.",
        item=ChecklistItem.CDN,
        severity=RuleSeverity.MEDIUM,
        security_hub=("CloudFront.6",),
        resource_types=frozenset({DISTRIBUTION}),
        check=must_be_set("webAclId", "has no web ACL: nothing slows down an attacker"),
        remediation="Set web_acl_id.",
    ),
    Rule(
        name="cdn-origin-access-control-enabled",
        description="Buckets behind a distribution answer the distribution only.",
        item=ChecklistItem.CDN,
        severity=RuleSeverity.MEDIUM,
        security_hub=("CloudFront.13",),
        resource_types=frozenset({DISTRIBUTION}),
        check=_buckets_know_their_distribution,
        remediation="Set origin_access_control_id on the origin.",
    ),
    Rule(
        name="cdn-default-root-object-is-set",
        description="Distributions answer a request for their root with a file.",
        item=ChecklistItem.CDN,
        severity=RuleSeverity.LOW,
        security_hub=("CloudFront.1",),
        resource_types=frozenset({DISTRIBUTION}),
        check=must_be_set("defaultRootObject", "asks its origin for the root, which may answer with a list of files"),
        remediation='Set default_root_object, for instance to "index.html".',
    ),
    Rule(
        name="cdn-origin-tls-version-is-current",
        description="Distributions fetch over TLS 1.2.",
        item=ChecklistItem.CDN,
        severity=RuleSeverity.MEDIUM,
        security_hub=("CloudFront.9", "CloudFront.10"),
        resource_types=frozenset({DISTRIBUTION}),
        check=_origins_use_modern_tls,
        remediation='Set origin_protocol_policy="https-only" and origin_ssl_protocols=["TLSv1.2"].',
    ),
    Rule(
        name="cdn-certificate-is-in-us-east-1",
        description="Certificates of distributions are in us-east-1.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html",
        resource_types=frozenset({DISTRIBUTION}),
        check=_certificate_is_where_cloudfront_looks,
        remediation='Declare the acm.Certificate with region="us-east-1".',
    ),
)
