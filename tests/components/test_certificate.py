"""Certificate: issued by DNS validation, renewed for as long as the record stands."""

from tests.recorder import Recording

CERTIFICATE_ARN = "arn:aws:acm:us-east-1:111122223333:certificate-certificate"


def test_certificate_is_validated_by_dns(production: Recording) -> None:
    assert production.named("certificate-certificate").pick("domainName", "validationMethod") == {
        "domainName": "api.fixrx.com",
        "validationMethod": "DNS",
    }


def test_the_cdns_certificate_is_where_cloudfront_reads_it(production: Recording) -> None:
    assert production.named("cdn-certificate-certificate").pick("domainName", "region") == {
        "domainName": "static.fixrx.com",
        "region": "us-east-1",
    }
    assert production.named("cdn-certificate-validation").plain["region"] == "us-east-1"
    assert "region" not in production.named("certificate-certificate").plain


def test_validation_waits_for_the_record(production: Recording) -> None:
    validation = production.named("certificate-validation")

    assert validation.plain == {
        "certificateArn": CERTIFICATE_ARN,
        "validationRecordFqdns": ["_token.api.fixrx.com."],
    }
    assert "certificate-validation-record" in validation.depends_on
