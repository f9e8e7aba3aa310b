"""CDN: a private bucket that one distribution reads, its behaviors, headers, log and alarm."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.cdn import Cdn, CdnArgs
from components.sections.cdn import CdnSettings
from components.shared.alarm_specification import AlarmSpecification
from components.shared.private_bucket import LogDestination
from tests.recorder import IDENTITY, Recording, record, record_stack

BUCKET = "fixrx-assets-production-111122223333"
DISTRIBUTION_ARN = "arn:aws:cloudfront::111122223333:distribution/E1"


class Made:
    """A certificate or a web ACL of another component."""

    def __init__(self, made: str, calls: list[str]) -> None:
        calls.append(made)
        self.arn: pulumi.Output[str] = pulumi.Output.from_input(f"arn:of-the-{made}")
        self.alarms: Sequence[AlarmSpecification] = []


def record_cdn(region: str = "us-east-1", **settings: Any) -> tuple[Recording, list[str], list[str]]:
    """What is registered, what else was asked for, and the names of the alarms."""
    calls: list[str] = []
    alarms: list[str] = []

    def alias(
        name: str,
        domain: str,
        target_dns_name: pulumi.Input[str],
        target_zone_id: pulumi.Input[str],
        *,
        evaluate_target_health: bool,
    ) -> None:
        calls.append(f"{name}: {domain}, health {evaluate_target_health}")

    def program() -> None:
        cdn = Cdn(
            "cdn",
            CdnArgs(
                settings=CdnSettings(**settings),
                identity=replace(IDENTITY, region=region),
                domain="static.fixrx.com",
                issue_certificate=lambda: Made("certificate", calls),
                create_web_acl=lambda: Made("acl", calls),
                alias=alias,
                request_logs=LogDestination(bucket="logs", prefix="cdn"),
                bucket_logs=LogDestination(bucket="logs", prefix="s3/"),
            ),
        )
        alarms.extend(alarm.name for alarm in cdn.alarms)

    return record(program), calls, alarms


def test_distribution_serves_the_bucket_to_everybody_over_tls(production: Recording) -> None:
    distribution = dict(production.named("cdn-distribution").plain)
    behavior = {
        "targetOriginId": "assets",
        "viewerProtocolPolicy": "redirect-to-https",
        "allowedMethods": ["GET", "HEAD"],
        "cachedMethods": ["GET", "HEAD"],
        "compress": True,
        "responseHeadersPolicyId": "cdn-headers-id",
    }

    assert distribution == {
        "enabled": True,
        "comment": "fixrx-production: static files",
        "aliases": ["static.fixrx.com"],
        "defaultRootObject": "index.html",
        "httpVersion": "http2and3",
        "isIpv6Enabled": True,
        "priceClass": "PriceClass_All",
        "webAclId": distribution["webAclId"],
        "origins": [
            {
                "originId": "assets",
                "domainName": f"{BUCKET}.s3.us-east-1.amazonaws.com",
                "originPath": "/site",
                "originAccessControlId": "cdn-access-id",
            }
        ],
        "defaultCacheBehavior": {**behavior, "cachePolicyId": "cdn-cache-id"},
        "orderedCacheBehaviors": [
            {**behavior, "pathPattern": "/assets/*", "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"}
        ],
        "customErrorResponses": [
            {"errorCode": 404, "responseCode": 404, "responsePagePath": "/404.html", "errorCachingMinTtl": 10}
        ],
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
        "viewerCertificate": {
            "acmCertificateArn": "arn:aws:acm:us-east-1:111122223333:cdn-certificate-certificate",
            "sslSupportMethod": "sni-only",
            "minimumProtocolVersion": "TLSv1.2_2021",
        },
    }
    assert "cdn-web-acl-acl" in distribution["webAclId"]
    limited = production.named("cdn-web-acl-rate-limit").plain["statement"]["rateBasedStatement"]
    assert limited == {"limit": 6000, "evaluationWindowSec": 60, "aggregateKeyType": "IP"}


def test_all_four_headers_are_sent_whatever_the_origin_says(production: Recording) -> None:
    assert production.named("cdn-headers").plain["securityHeadersConfig"] == {
        "frameOptions": {"frameOption": "DENY", "override": True},
        "contentTypeOptions": {"override": True},
        "xssProtection": {"protection": True, "modeBlock": True, "override": True},
        "strictTransportSecurity": {"accessControlMaxAgeSec": 31536000, "includeSubdomains": True, "override": True},
    }


def test_nothing_is_kept_that_does_not_ask_for_it(production: Recording) -> None:
    assert production.named("cdn-cache").pick("minTtl", "defaultTtl", "maxTtl") == {
        "minTtl": 0,
        "defaultTtl": 0,
        "maxTtl": 31536000,
    }


def test_only_this_distribution_reads_the_files_and_nothing_else_in_the_bucket(production: Recording) -> None:
    only = {"StringEquals": {"aws:SourceArn": DISTRIBUTION_ARN}}
    cloudfront = {"Service": "cloudfront.amazonaws.com"}

    tls_only, *others = production.named("cdn-store-policy").document("policy")["Statement"]

    assert tls_only["Sid"] == "TlsOnly"
    assert others == [
        {
            "Sid": "CdnReadsFiles",
            "Effect": "Allow",
            "Principal": cloudfront,
            "Action": ["s3:GetObject"],
            "Resource": [f"arn:aws:s3:::{BUCKET}/site/*"],
            "Condition": only,
        },
        {
            "Sid": "CdnSeesMissingFiles",
            "Effect": "Allow",
            "Principal": cloudfront,
            "Action": ["s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{BUCKET}"],
            "Condition": only,
        },
    ]
    assert production.named("cdn-access").pick(
        "originAccessControlOriginType", "signingBehavior", "signingProtocol"
    ) == {"originAccessControlOriginType": "s3", "signingBehavior": "always", "signingProtocol": "sigv4"}


def test_replaced_files_can_be_brought_back_for_a_while() -> None:
    recording, _, _ = record_cdn(retention_days=45)

    rules = recording.named("cdn-store-lifecycle").plain["rules"]
    assert rules[0] == {
        "id": "expire-replaced",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"expiredObjectDeleteMarker": True},
        "noncurrentVersionExpiration": {"noncurrentDays": 45},
    }


def test_requests_are_logged_without_cookies_and_queries(production: Recording) -> None:
    assert production.named("cdn-log-source").plain == {
        "name": "fixrx-production-cdn",
        "logType": "ACCESS_LOGS",
        "resourceArn": DISTRIBUTION_ARN,
        "region": "us-east-1",
    }
    destination = production.named("cdn-log-destination").plain
    assert destination["deliveryDestinationConfiguration"] == {
        "destinationResourceArn": "arn:aws:s3:::fixrx-access-logs-production-111122223333/cdn"
    }
    assert (destination["outputFormat"], destination["region"]) == ("json", "us-east-1")
    fields = production.named("cdn-log").plain["recordFields"]
    assert {"c-ip", "cs-uri-stem", "sc-status", "x-edge-result-type"} <= set(fields)
    assert {"cs(Cookie)", "cs-uri-query"} & set(fields) == set()


def test_a_stack_without_cdn_has_nothing_of_it() -> None:
    recording, calls, alarms = record_cdn(enabled=False)

    assert ([each.name for each in recording.registrations], calls, alarms) == (["cdn"], [], [])
    whole = record_stack("production", {"cdn": {"enabled": False}})
    assert [each.name for each in whole.registrations if each.name.startswith(("cdn-", "dns-cdn"))] == []


@pytest.mark.parametrize(("region", "names"), [("us-east-1", ["CdnErrors"]), ("eu-west-1", [])])
def test_alarms_are_where_the_metrics_are(region: str, names: list[str]) -> None:
    recording, calls, alarms = record_cdn(region)

    assert alarms == names
    assert calls == ["certificate", "acl", "cdn: static.fixrx.com, health False"]
    origin = recording.named("cdn-distribution").plain["origins"][0]
    assert origin["domainName"] == f"{BUCKET}.s3.{region}.amazonaws.com"
    assert recording.named("cdn-log-source").plain["region"] == "us-east-1"
