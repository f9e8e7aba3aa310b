"""A TLS certificate that ACM renews automatically, instead of the guide's weekly `certbot renew`."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity

VALIDATION_TTL_SECONDS = 300
EXPIRY_WARNING_DAYS = 30
"""ACM renews 45 days before expiry. At 30 days the renewal has failed, most likely because of a deleted DNS record."""


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    domain: str
    zone_id: pulumi.Input[str]
    region: str | None = None
    """Where the certificate is used, if not in the stack's region: CloudFront reads those of us-east-1 only."""
    serves: str = "API"
    """Whose certificate it is, for the operator on call."""
    alarm_name: str = "CertificateExpiresSoon"


class Certificate(pulumi.ComponentResource):
    """Certificate of one domain, validated by a DNS record that must stay in the zone."""

    arn: pulumi.Output[str]
    """Known only after the certificate has been issued; a listener does not accept it before."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: CertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Certificate", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # The logical name does not contain the domain: when the domain changes, the new certificate is issued and in
        # use before the old one is deleted.
        certificate = aws.acm.Certificate(
            f"{name}-certificate",
            domain_name=args.domain,
            validation_method="DNS",
            key_algorithm="RSA_2048",
            options={"certificate_transparency_logging_preference": "ENABLED"},
            region=args.region,
            opts=child,
        )
        option = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-validation-record",
            zone_id=args.zone_id,
            name=option.resource_record_name,
            type=option.resource_record_type,
            records=[option.resource_record_value],
            ttl=VALIDATION_TTL_SECONDS,
            # ACM asks for the same record for every certificate of a domain in an account, so it may exist already.
            allow_overwrite=True,
            opts=child,
        )
        validation = aws.acm.CertificateValidation(
            f"{name}-validation",
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            region=args.region,
            opts=child,
        )
        self.arn = validation.certificate_arn
        self.alarms = [_expiry_alarm(args, certificate.arn)]
        self.register_outputs({"arn": self.arn})


def _expiry_alarm(args: CertificateArgs, arn: pulumi.Output[str]) -> AlarmSpecification:
    return AlarmSpecification(
        name=args.alarm_name,
        summary=f"The {args.serves}'s certificate expires in less than {EXPIRY_WARNING_DAYS} days and has not been "
        "renewed",
        severity=Severity.P3,
        measure=Metric(
            namespace="AWS/CertificateManager",
            metric_name="DaysToExpiry",
            dimensions={"CertificateArn": arn},
            statistic="Minimum",
        ),
        comparison="LessThanThreshold",
        threshold=EXPIRY_WARNING_DAYS,
        unit="days",
        section=DashboardSection.EDGE,
        period_seconds=86400,
        evaluation_periods=1,
    )
