"""The CDN of the static files: a private bucket, and CloudFront as the only one that reads it.

How long a file may be kept is said by the file's own Cache-Control, which `python -m delivery assets publish` sets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi
import pulumi_aws as aws

from components.sections.cdn import CdnSettings
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.assets import HASHED_PATTERN, SITE_PREFIX, assets_bucket_name
from components.shared.identity import GLOBAL_SERVICES_REGION, StackIdentity
from components.shared.private_bucket import LogDestination, PrivateBucket, PrivateBucketArgs
from components.shared.security_headers import FRAME_OPTIONS, HSTS_SECONDS

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
"""Id of AWS's cache policy CachingOptimized: as long as the file says, compressed."""
YEAR_SECONDS = 365 * 24 * 3600
MISSING_SECONDS = 10
"""How long an edge remembers that a file is missing: a page may ask for a file a moment before it is published."""
ORIGIN = "assets"
LOG_FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
)
"""CloudFront's fields without cookies and query strings: a browser sends the API's cookies here too if they are the
whole domain's."""


class Issued(Protocol):
    """A certificate, as far as the CDN needs it."""

    arn: pulumi.Output[str]
    alarms: Sequence[AlarmSpecification]


class Guard(Protocol):
    """A web ACL, as far as the CDN needs it."""

    arn: pulumi.Output[str]


class Alias(Protocol):
    """What makes the records of a domain."""

    def __call__(
        self,
        name: str,
        domain: str,
        target_dns_name: pulumi.Input[str],
        target_zone_id: pulumi.Input[str],
        *,
        evaluate_target_health: bool,
    ) -> None: ...


@dataclass(frozen=True, kw_only=True)
class CdnArgs:
    settings: CdnSettings
    identity: StackIdentity
    domain: str
    issue_certificate: Callable[[], Issued]
    """Called only if there is a CDN, like the next one. Both must make it in us-east-1: CloudFront accepts no other."""
    create_web_acl: Callable[[], Guard]
    alias: Alias
    request_logs: LogDestination
    bucket_logs: LogDestination


class Cdn(pulumi.ComponentResource):
    """Bucket, distribution and records of the static files."""

    alarms: Sequence[AlarmSpecification]
    """Empty in a stack outside us-east-1: the metrics are there, and an alarm reaches only topics of its own region."""

    def __init__(self, name: str, args: CdnArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Cdn", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.alarms = []
        if not args.settings.enabled:
            self.register_outputs({})
            return

        certificate = args.issue_certificate()
        bucket_name = assets_bucket_name(args.identity)
        self._distribution = self._distribute(bucket_name, certificate.arn, args.create_web_acl().arn)
        self._create_bucket(bucket_name)
        self._log_requests()
        # Route 53 cannot evaluate the health of a distribution.
        args.alias(
            "cdn",
            args.domain,
            self._distribution.domain_name,
            self._distribution.hosted_zone_id,
            evaluate_target_health=False,
        )
        if args.identity.region == GLOBAL_SERVICES_REGION:
            self.alarms = [*certificate.alarms, _errors_alarm(self._distribution.id)]

        self.register_outputs({"distribution_id": self._distribution.id})

    def _create_bucket(self, bucket_name: str) -> None:
        days = self._args.settings.retention_days
        bucket_arn = f"arn:aws:s3:::{bucket_name}"
        conditions = {"StringEquals": {"aws:SourceArn": self._distribution.arn}}
        cloudfront = {"Service": "cloudfront.amazonaws.com"}
        PrivateBucket(
            f"{self._name}-store",
            PrivateBucketArgs(
                bucket_name=bucket_name,
                # Pages are deleted by the command that publishes, not by age: a page may be right for years.
                lifecycle_rules=[
                    {
                        "id": "expire-replaced",
                        "status": "Enabled",
                        "filter": {"prefix": ""},
                        "expiration": {"expired_object_delete_marker": True},
                        "noncurrent_version_expiration": {"noncurrent_days": days},
                    }
                ],
                policy_statements=[
                    iam.statement(
                        "CdnReadsFiles",
                        principals=cloudfront,
                        actions=["s3:GetObject"],
                        resources=[f"{bucket_arn}/{SITE_PREFIX}*"],
                        conditions=conditions,
                    ),
                    # Without it S3 answers 403 where a file is missing, and CloudFront cannot tell the two apart.
                    iam.statement(
                        "CdnSeesMissingFiles",
                        principals=cloudfront,
                        actions=["s3:ListBucket"],
                        resources=[bucket_arn],
                        conditions=conditions,
                    ),
                ],
                access_logs=self._args.bucket_logs,
                protect=self._args.settings.protect,
            ),
            self._child,
        )

    def _distribute(
        self, bucket_name: str, certificate_arn: pulumi.Input[str], web_acl_arn: pulumi.Input[str]
    ) -> aws.cloudfront.Distribution:
        prefix, region = self._args.identity.prefix, self._args.identity.region
        access = aws.cloudfront.OriginAccessControl(
            f"{self._name}-access",
            description=f"{prefix}: CloudFront signs what it asks of the bucket",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child,
        )
        # Zero where a file says nothing, so that nothing is kept by accident; at most what a file may ask for.
        as_files_say = aws.cloudfront.CachePolicy(
            f"{self._name}-cache",
            comment=f"{prefix}: as long as the file says",
            min_ttl=0,
            default_ttl=0,
            max_ttl=YEAR_SECONDS,
            parameters_in_cache_key_and_forwarded_to_origin={
                "cookies_config": {"cookie_behavior": "none"},
                "headers_config": {"header_behavior": "none"},
                "query_strings_config": {"query_string_behavior": "none"},
                "enable_accept_encoding_brotli": True,
                "enable_accept_encoding_gzip": True,
            },
            opts=self._child,
        )
        headers = self._set_headers()
        return aws.cloudfront.Distribution(
            f"{self._name}-distribution",
            enabled=True,
            comment=f"{prefix}: static files",
            aliases=[self._args.domain],
            default_root_object="index.html",
            http_version="http2and3",
            is_ipv6_enabled=True,
            price_class=self._args.settings.price_class,
            web_acl_id=web_acl_arn,
            origins=[
                {
                    "origin_id": ORIGIN,
                    "domain_name": f"{bucket_name}.s3.{region}.amazonaws.com",
                    "origin_path": f"/{SITE_PREFIX.rstrip('/')}",
                    "origin_access_control_id": access.id,
                }
            ],
            default_cache_behavior={
                **_BEHAVIOR,
                "cache_policy_id": as_files_say.id,
                "response_headers_policy_id": headers,
            },
            ordered_cache_behaviors=[
                {
                    **_BEHAVIOR,
                    "path_pattern": HASHED_PATTERN,
                    "cache_policy_id": CACHING_OPTIMIZED,
                    "response_headers_policy_id": headers,
                }
            ],
            custom_error_responses=[
                {
                    "error_code": 404,
                    "response_code": 404,
                    "response_page_path": "/404.html",
                    "error_caching_min_ttl": MISSING_SECONDS,
                }
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate={
                "acm_certificate_arn": certificate_arn,
                "ssl_support_method": "sni-only",
                "minimum_protocol_version": "TLSv1.2_2021",
            },
            opts=self._child,
        )

    def _set_headers(self) -> pulumi.Output[str]:
        """The guide's four headers, with its values."""
        policy = aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-headers",
            comment=f"{self._args.identity.prefix}: security headers",
            security_headers_config={
                "frame_options": {"frame_option": FRAME_OPTIONS, "override": True},
                "content_type_options": {"override": True},
                "xss_protection": {"protection": True, "mode_block": True, "override": True},
                "strict_transport_security": {
                    "access_control_max_age_sec": HSTS_SECONDS,
                    "include_subdomains": True,
                    "override": True,
                },
            },
            opts=self._child,
        )
        identifier: pulumi.Output[str] = policy.id
        return identifier

    def _log_requests(self) -> None:
        """CloudFront's own logging would need a bucket with ACLs."""
        prefix, logs = self._args.identity.prefix, self._args.request_logs
        source = aws.cloudwatch.LogDeliverySource(
            f"{self._name}-log-source",
            name=f"{prefix}-cdn",
            log_type="ACCESS_LOGS",
            resource_arn=self._distribution.arn,
            region=GLOBAL_SERVICES_REGION,
            opts=self._child,
        )
        destination = aws.cloudwatch.LogDeliveryDestination(
            f"{self._name}-log-destination",
            name=f"{prefix}-cdn",
            output_format="json",
            delivery_destination_configuration={
                "destination_resource_arn": pulumi.Output.concat("arn:aws:s3:::", logs.bucket, "/", logs.prefix)
            },
            region=GLOBAL_SERVICES_REGION,
            opts=self._child,
        )
        # Without a path of its own: AWS puts its own prefix before one at creation and not at a change.
        aws.cloudwatch.LogDelivery(
            f"{self._name}-log",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            record_fields=LOG_FIELDS,
            region=GLOBAL_SERVICES_REGION,
            opts=self._child,
        )


_BEHAVIOR: aws.cloudfront.DistributionDefaultCacheBehaviorArgsDict = {
    "target_origin_id": ORIGIN,
    "viewer_protocol_policy": "redirect-to-https",
    "allowed_methods": ["GET", "HEAD"],
    "cached_methods": ["GET", "HEAD"],
    "compress": True,
}
"""What both behaviors have in common."""


def _errors_alarm(distribution_id: pulumi.Output[str]) -> AlarmSpecification:
    return AlarmSpecification(
        name="CdnErrors",
        summary="More than 5 % of the requests for static files fail with a 5xx: pages load without scripts and styles",
        severity=Severity.P2,
        measure=Metric(
            namespace="AWS/CloudFront",
            metric_name="5xxErrorRate",
            dimensions={"DistributionId": distribution_id, "Region": "Global"},
            statistic="Average",
        ),
        threshold=5,
        unit="%",
        section=DashboardSection.EDGE,
        period_seconds=300,
        evaluation_periods=3,
    )
