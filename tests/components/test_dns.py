"""DNS: a zone that is created or adopted, who may issue certificates for it, and the log of its queries."""

import json
from dataclasses import replace
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from components.dns import Dns, DnsArgs
from components.sections.dns import DnsSettings
from components.shared.alarm_specification import Metric
from tests.recorder import IDENTITY, Recording, record

RECORD = "aws:route53/record:Record"
ZONE = "aws:route53/zone:Zone"


def record_dns(region: str = "us-east-1", **settings: Any) -> Recording:
    identity = replace(IDENTITY, region=region)

    def program() -> None:
        dns = Dns("dns", DnsArgs(settings=DnsSettings(**settings), identity=identity))
        dns.alias("api", "api.fixrx.com", "balancer.example.elb.amazonaws.com", "Z35SXDOTRQ7X7K")

    return record(program)


def test_zone_is_created(production: Recording) -> None:
    assert production.named("dns-zone").plain["name"] == "fixrx.com"


def test_records_are_these(production: Recording) -> None:
    alias = {"name": "balancer.example.elb.amazonaws.com", "zoneId": "Z35SXDOTRQ7X7K", "evaluateTargetHealth": True}
    api = {"zoneId": "Z0123456789", "name": "api.fixrx.com", "aliases": [alias]}
    to_cdn = {"name": "d1.cloudfront.net", "zoneId": "Z2FDTNDATAQYW2", "evaluateTargetHealth": False}
    cdn = {"zoneId": "Z0123456789", "name": "static.fixrx.com", "aliases": [to_cdn]}

    assert {each.name: each.plain for each in production.of_type(RECORD)} == {
        "dns-api-a": {**api, "type": "A"},
        "dns-api-aaaa": {**api, "type": "AAAA"},
        "dns-cdn-a": {**cdn, "type": "A"},
        "dns-cdn-aaaa": {**cdn, "type": "AAAA"},
        "dns-caa": {
            "zoneId": "Z0123456789",
            "name": "fixrx.com",
            "type": "CAA",
            "ttl": 3600,
            "records": ['0 issue "amazon.com"', '0 issuewild "amazon.com"'],
        },
        "certificate-validation-record": {
            "zoneId": "Z0123456789",
            "name": "_token.api.fixrx.com.",
            "type": "CNAME",
            "ttl": 300,
            "records": ["_answer.acm-validations.aws."],
            "allowOverwrite": True,
        },
        "cdn-certificate-validation-record": {
            "zoneId": "Z0123456789",
            "name": "_token.static.fixrx.com.",
            "type": "CNAME",
            "ttl": 300,
            "records": ["_answer.acm-validations.aws."],
            "allowOverwrite": True,
        },
    }


def test_zone_that_exists_is_adopted() -> None:
    """Route 53 refuses a second record set of a name and type: those that the zone has are taken over."""
    dns = record_dns(hosted_zone_id="Z00000ADOPTED")

    assert {each.name: each.plain["allowOverwrite"] for each in dns.of_type(RECORD)} == {
        "dns-api-a": True,
        "dns-api-aaaa": True,
        "dns-caa": True,
    }

    assert dns.of_type(ZONE) == []
    assert dns.named("dns-caa").plain["zoneId"] == "Z00000ADOPTED"
    assert dns.named("dns-query-log").plain["zoneId"] == "Z00000ADOPTED"
    assert dns.registered_outputs[dns.named("dns").urn] == {"zone_id": "Z00000ADOPTED", "name_servers": []}


def test_caa_record_and_query_log_of_an_adopted_zone_are_kept() -> None:
    dns = record_dns(hosted_zone_id="Z00000ADOPTED", restrict_certificate_authorities=False, log_queries=False)

    assert [each.name for each in dns.registrations if each.name.startswith(("dns-caa", "dns-query"))] == []
    assert sorted(each.name for each in dns.of_type(RECORD)) == ["dns-api-a", "dns-api-aaaa"]


@pytest.mark.parametrize(("dry_run", "told"), [(False, 1), (True, 0)])
def test_name_servers_are_told_as_soon_as_the_zone_exists(
    monkeypatch: pytest.MonkeyPatch, dry_run: bool, told: int
) -> None:
    """The deployment waits for the certificate, which waits for the registrar; outputs come after its end only."""
    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda message, *_: messages.append(message))
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: dry_run)

    record_dns()

    expected = (
        "The certificate of api.fixrx.com is issued once the registrar of fixrx.com delegates to these name servers: "
        "ns-1.awsdns-01.org"
    )
    assert messages == [expected] * told


def test_nobody_is_asked_to_delegate_an_adopted_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "info", lambda message, *_: messages.append(message))

    record_dns(hosted_zone_id="Z00000ADOPTED")

    assert messages == []


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_queries_are_logged_in_the_one_region_that_takes_them(region: str) -> None:
    """Key, log group and permission have to be in us-east-1, wherever the platform is."""
    dns = record_dns(region=region)

    names = ("dns-query-log-key", "dns-query-log-group", "dns-query-log-permission")
    assert {name: dns.named(name).plain["region"] for name in names} == dict.fromkeys(names, "us-east-1")
    assert dns.named("dns-query-log-group").plain == {
        "name": "/aws/route53/fixrx.com",
        "retentionInDays": 90,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/dns-query-log-key",
        "region": "us-east-1",
    }
    grant = json.loads(dns.named("dns-query-log-key").plain["policy"])["Statement"][1]
    assert grant["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}


def test_route_53_may_write_to_the_query_log(production: Recording) -> None:
    log_group_arn = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/route53/fixrx.com"

    assert production.named("dns-query-log-permission").document("policyDocument")["Statement"] == [
        {
            "Sid": "Route53QueryLog",
            "Effect": "Allow",
            "Principal": {"Service": "route53.amazonaws.com"},
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"{log_group_arn}:*"],
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        }
    ]
    query_log = production.named("dns-query-log")
    assert query_log.plain == {"zoneId": "Z0123456789", "cloudwatchLogGroupArn": log_group_arn}
    assert "dns-query-log-permission" in query_log.depends_on


@pytest.mark.parametrize("api_domain", ["api.example.com", "notfixrx.com", "com"])
def test_domain_outside_the_zone_is_refused(api_domain: str) -> None:
    with pytest.raises(ValidationError):
        DnsSettings(zone="fixrx.com", api_domain=api_domain)


@pytest.mark.parametrize("api_domain", ["fixrx.com", "api.fixrx.com", "a.b.fixrx.com"])
def test_domain_inside_the_zone_is_taken(api_domain: str) -> None:
    assert DnsSettings(zone="fixrx.com", api_domain=api_domain).api_domain == api_domain


@pytest.mark.parametrize(
    ("region", "alarms"),
    [
        (
            "us-east-1",
            [
                ("DnssecInternalFailure", "DNSSECInternalFailure"),
                ("DnssecKeyNeedsAction", "DNSSECKeySigningKeysNeedingAction"),
            ],
        ),
        ("eu-central-1", []),
    ],
)
def test_zone_is_signed_with_a_key_that_only_route_53_may_use(region: str, alarms: list[tuple[str, str]]) -> None:
    found: list[Dns] = []

    def program() -> None:
        settings = DnsSettings(dnssec=True, hosted_zone_id="Z00000ADOPTED")
        found.append(Dns("dns", DnsArgs(settings=settings, identity=replace(IDENTITY, region=region))))

    signed = record(program)

    key = signed.named("dns-signing-key").plain
    assert (key["customerMasterKeySpec"], key["keyUsage"], key["region"]) == (
        "ECC_NIST_P256",
        "SIGN_VERIFY",
        "us-east-1",
    )
    service = {"Effect": "Allow", "Principal": {"Service": "dnssec-route53.amazonaws.com"}, "Resource": ["*"]}
    account = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert json.loads(key["policy"])["Statement"][1:] == [
        {
            **service,
            "Sid": "Route53Signs",
            "Action": ["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"],
            "Condition": {**account, "ArnEquals": {"aws:SourceArn": "arn:aws:route53:::hostedzone/Z00000ADOPTED"}},
        },
        {
            **service,
            "Sid": "Route53DelegatesToItsSigners",
            "Action": ["kms:CreateGrant"],
            "Condition": {**account, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]
    assert signed.named("dns-key-signing-key").plain == {
        "hostedZoneId": "Z00000ADOPTED",
        "name": "fixrx_production",
        "keyManagementServiceArn": "arn:aws:kms:us-east-1:111122223333:key/dns-signing-key",
        "status": "ACTIVE",
    }
    assert signed.named("dns-dnssec").plain == {"hostedZoneId": "Z00000ADOPTED", "signingStatus": "SIGNING"}
    assert "dns-key-signing-key" in signed.named("dns-dnssec").depends_on
    assert [
        (each.name, each.measure.metric_name) for each in found[0].alarms if isinstance(each.measure, Metric)
    ] == alarms


def test_zone_is_not_signed_unless_asked(production: Recording) -> None:
    assert [each.name for each in production.registrations if "dnssec" in each.name or "signing" in each.name] == []
    assert production.stack_outputs["ds_record"] == ""
