"""CloudFront in the sandbox: distributions, the access to their origins, policies, and the delivery of their logs."""

from typing import Any

import pytest

from sandbox.provider.resource_provider import ProviderError
from tests.sandbox.provider.services import ACCOUNT, Resource, Services

pytestmark = pytest.mark.emulator

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
CACHE_POLICY = "aws:cloudfront/cachePolicy:CachePolicy"
HEADERS_POLICY = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"


def inputs(**more: Any) -> dict[str, Any]:
    behavior = {
        "targetOriginId": "assets",
        "viewerProtocolPolicy": "redirect-to-https",
        "allowedMethods": ["GET", "HEAD"],
        "cachedMethods": ["GET", "HEAD"],
        "compress": True,
        "cachePolicyId": OPTIMIZED,
    }
    return {
        "enabled": True,
        "comment": "static files",
        "aliases": ["static.fixrx.com"],
        "defaultRootObject": "index.html",
        "httpVersion": "http2and3",
        "isIpv6Enabled": True,
        "origins": [{"originId": "assets", "domainName": "assets.s3.us-east-1.amazonaws.com", "originPath": "/site"}],
        "defaultCacheBehavior": behavior,
        "orderedCacheBehaviors": [{**behavior, "pathPattern": "/assets/*"}],
        "customErrorResponses": [
            {"errorCode": 404, "responseCode": 404, "responsePagePath": "/404.html", "errorCachingMinTtl": 10}
        ],
        "restrictions": {"geoRestriction": {"restrictionType": "none"}},
        "viewerCertificate": {"cloudfrontDefaultCertificate": True},
        **more,
    }


def distribution(services: Services, **more: Any) -> Resource:
    return services.create(DISTRIBUTION, inputs(**more))


def config(services: Services, made: Resource) -> dict[str, Any]:
    found: dict[str, Any] = services.client("cloudfront").get_distribution(Id=made.id)["Distribution"]
    assert found["ARN"] == f"arn:aws:cloudfront::{ACCOUNT}:distribution/{made.id}"
    described: dict[str, Any] = found["DistributionConfig"]
    return described


def test_a_distribution_is_what_it_was_given(services: Services) -> None:
    made = distribution(services, tags={"Team": "web"})

    found = config(services, made)
    assert found["Aliases"] == {"Quantity": 1, "Items": ["static.fixrx.com"]}
    assert (found["HttpVersion"], found["IsIPV6Enabled"], found["DefaultRootObject"]) == (
        "http2and3",
        True,
        "index.html",
    )
    assert found["Origins"]["Items"][0]["OriginPath"] == "/site"
    assert found["CacheBehaviors"]["Items"][0]["PathPattern"] == "/assets/*"
    assert found["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert found["DefaultCacheBehavior"]["AllowedMethods"]["Items"] == ["GET", "HEAD"]
    tags = services.client("cloudfront").list_tags_for_resource(Resource=made.state["arn"])["Tags"]["Items"]
    assert {each["Key"]: each["Value"] for each in tags} == {"Project": "fixrx", "Team": "web"}
    assert services.drift(made) == {}


def test_a_change_is_in_place_and_keeps_the_rest(services: Services) -> None:
    made = distribution(services, tags={"Team": "web"})

    assert services.changes(made, priceClass="PriceClass_100") == {"priceClass": False}
    services.update(made, priceClass="PriceClass_100", tags={"Owner": "ops"})

    found = config(services, made)
    assert (found["PriceClass"], found["Aliases"]["Items"]) == ("PriceClass_100", ["static.fixrx.com"])
    tags = services.client("cloudfront").list_tags_for_resource(Resource=made.state["arn"])["Tags"]["Items"]
    assert {each["Key"] for each in tags} == {"Project", "Owner"}
    assert services.drift(made) == {}


def test_a_change_by_hand_is_drift(services: Services) -> None:
    made = distribution(services)
    cloudfront = services.client("cloudfront")
    current = cloudfront.get_distribution_config(Id=made.id)
    changed = current["DistributionConfig"]
    changed["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"
    cloudfront.update_distribution(Id=made.id, IfMatch=current["ETag"], DistributionConfig=changed)

    drift = services.drift(made)

    assert drift is not None
    assert drift["defaultCacheBehavior"]["viewerProtocolPolicy"] == "allow-all"


def test_a_distribution_that_is_gone_is_seen(services: Services) -> None:
    made = distribution(services)
    current = services.client("cloudfront").get_distribution_config(Id=made.id)
    services.client("cloudfront").delete_distribution(Id=made.id, IfMatch=current["ETag"])

    assert services.drift(made) is None


def test_a_domain_leads_to_one_distribution(services: Services) -> None:
    first = distribution(services)

    with pytest.raises(ProviderError, match=f"the distribution {first.id} already has the alias static.fixrx.com"):
        distribution(services)
    services.delete(first)
    distribution(services)


@pytest.mark.parametrize(
    ("more", "where", "what"),
    [
        (
            {
                "viewerCertificate": {
                    "acmCertificateArn": f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/1",
                    "sslSupportMethod": "sni-only",
                }
            },
            "viewerCertificate.acmCertificateArn",
            "must be the ARN of a certificate in us-east-1",
        ),
        (
            {"webAclId": f"arn:aws:wafv2:us-east-1:{ACCOUNT}:regional/webacl/acl/1"},
            "webAclId",
            "must be the ARN of a web ACL of scope CLOUDFRONT, in us-east-1",
        ),
        (
            {"origins": [{"originId": "other", "domainName": "assets.s3.us-east-1.amazonaws.com"}]},
            "origins",
            "has no origin assets, to which a cache behavior leads",
        ),
        ({"comment": None}, "comment", "CloudFront asks for a comment, which may be empty"),
    ],
)
def test_what_cloudfront_refuses_is_refused(services: Services, more: dict[str, Any], where: str, what: str) -> None:
    assert (where, what) in services.failures(DISTRIBUTION, inputs(**more))


def test_a_behavior_refers_to_policies_that_exist(services: Services) -> None:
    cache = services.create(
        CACHE_POLICY,
        {
            "name": "as-files-say",
            "minTtl": 0,
            "parametersInCacheKeyAndForwardedToOrigin": {
                "cookiesConfig": {"cookieBehavior": "none"},
                "headersConfig": {"headerBehavior": "none"},
                "queryStringsConfig": {"queryStringBehavior": "none"},
                "enableAcceptEncodingGzip": True,
            },
        },
    )
    headers = services.create(
        HEADERS_POLICY,
        {"name": "headers", "securityHeadersConfig": {"frameOptions": {"frameOption": "DENY", "override": True}}},
    )
    behavior = inputs()["defaultCacheBehavior"]

    good = {**behavior, "cachePolicyId": cache.id, "responseHeadersPolicyId": headers.id}
    assert services.failures(DISTRIBUTION, inputs(defaultCacheBehavior=good)) == []
    bad = {**behavior, "cachePolicyId": "none", "responseHeadersPolicyId": "none"}
    assert services.failures(DISTRIBUTION, inputs(defaultCacheBehavior=bad)) == [
        ("defaultCacheBehavior.cachePolicyId", "there is no cache policy none"),
        ("defaultCacheBehavior.responseHeadersPolicyId", "there is no response headers policy none"),
    ]


def test_access_is_changed_in_place(services: Services) -> None:
    made = services.create(
        ACCESS,
        {
            "name": "access",
            "originAccessControlOriginType": "s3",
            "signingBehavior": "always",
            "signingProtocol": "sigv4",
        },
    )
    services.update(made, signingBehavior="never")

    found = services.client("cloudfront").get_origin_access_control(Id=made.id)["OriginAccessControl"]
    assert found["OriginAccessControlConfig"]["SigningBehavior"] == "never"
    assert services.drift(made) == {}


def test_a_log_is_delivered_from_a_distribution_that_exists(services: Services) -> None:
    made = distribution(services)
    token = "aws:cloudwatch/logDelivery{}:LogDelivery{}"
    source_inputs = {"name": "cdn", "logType": "ACCESS_LOGS", "resourceArn": made.state["arn"]}
    source = services.create(token.format("Source", "Source"), source_inputs)
    destination = services.create(
        token.format("Destination", "Destination"),
        {
            "name": "cdn",
            "outputFormat": "json",
            "deliveryDestinationConfiguration": {"destinationResourceArn": "arn:aws:s3:::logs/cdn"},
        },
    )
    delivery = services.create(
        token.format("", ""),
        {
            "deliverySourceName": source.id,
            "deliveryDestinationArn": destination.state["arn"],
            "recordFields": ["date", "sc-status"],
        },
    )

    (found,) = services.client("logs").describe_deliveries()["deliveries"]
    assert (found["id"], found["deliverySourceName"]) == (delivery.id, "cdn")
    assert found["recordFields"] == ["date", "sc-status"]
    services.update(delivery, recordFields=["date"])
    assert [services.drift(each) for each in (source, destination, delivery)] == [{}, {}, {}]
    missing = {**source_inputs, "resourceArn": f"{made.state['arn']}X"}
    assert services.failures(token.format("Source", "Source"), missing) == [
        ("resourceArn", f"there is no source of logs {missing['resourceArn']}")
    ]
