"""Certificate: issued by DNS validation, renewed for as long as the record stands."""

from tests.recorder import Recording

CERTIFICATE_ARN = "arn:aws:acm:us-east-1:111122223333:certificate-certificate"


def test_certificate_is_validated_by_dns(production: Recording) -> None:
    assert production.named("certificate-certificate").pick("domainName", "validationMethod") == {
        "domainName": "api.fixrx.com",
        "validationMethod": "DNS",
    }


def test_validation_waits_for_the_record(production: Recording) -> None:
    validation = production.named("certificate-validation")

    assert validation.plain == {
        "certificateArn": CERTIFICATE_ARN,
        "validationRecordFqdns": ["_token.api.fixrx.com."],
    }
    assert "certificate-validation-record" in validation.depends_on
