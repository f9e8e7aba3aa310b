"""The public hosted zone, created or adopted, its CAA record, its query log and, if asked for, DNSSEC.

Names in the zone are added with `alias`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws

from components.sections.dns import DnsSettings
from components.shared import iam
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.identity import GLOBAL_SERVICES_REGION, StackIdentity
from components.shared.keys import create_key, create_signing_key, logs_statement

CERTIFICATE_AUTHORITY = "amazon.com"
CAA_TTL_SECONDS = 3600
DNSSEC_PERIOD_SECONDS = 4 * 3600
"""How often Route 53 reports on a zone that it signs."""


@dataclass(frozen=True, kw_only=True)
class DnsArgs:
    settings: DnsSettings
    identity: StackIdentity


class Dns(pulumi.ComponentResource):
    """Hosted zone with CAA record, query log and DNSSEC."""

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[Sequence[str]]
    """The name servers to which the registrar must delegate; empty for an adopted zone."""
    ds_record: pulumi.Output[str]
    """The DS record that the registrar must publish for resolvers to verify signatures; empty without DNSSEC."""
    alarms: Sequence[AlarmSpecification]
    """Empty in a stack outside us-east-1: the metrics are there, and an alarm reaches only topics of its own region."""

    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Dns", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        # Route 53 refuses to create a record that exists; a zone of our own has none before its first deployment.
        self._allow_overwrite = True if args.settings.hosted_zone_id is not None else None
        self._find_or_create_zone()
        if args.settings.restrict_certificate_authorities:
            self._restrict_certificate_authorities()
        if args.settings.log_queries:
            self._log_queries()
        self.ds_record, self.alarms = pulumi.Output.from_input(""), []
        if args.settings.dnssec:
            self._sign()

        self.register_outputs({"zone_id": self.zone_id, "name_servers": self.name_servers})

    def alias(
        self,
        name: str,
        domain: str,
        target_dns_name: pulumi.Input[str],
        target_zone_id: pulumi.Input[str],
        *,
        evaluate_target_health: bool = True,
    ) -> None:
        """Point a domain of the zone, IPv4 and IPv6, at an AWS resource. Queries for an alias cost nothing."""
        for record_type in ("A", "AAAA"):
            aws.route53.Record(
                f"{self._name}-{name}-{record_type.lower()}",
                zone_id=self.zone_id,
                name=domain,
                type=record_type,
                aliases=[
                    {
                        "name": target_dns_name,
                        "zone_id": target_zone_id,
                        "evaluate_target_health": evaluate_target_health,
                    },
                ],
                allow_overwrite=self._allow_overwrite,
                opts=self._child,
            )

    def _find_or_create_zone(self) -> None:
        if self._args.settings.hosted_zone_id is not None:
            self.zone_id = pulumi.Output.from_input(self._args.settings.hosted_zone_id)
            self.name_servers = pulumi.Output.from_input([])
            return
        zone = aws.route53.Zone(
            f"{self._name}-zone",
            name=self._args.settings.zone,
            comment=f"{self._args.identity.prefix}: public zone",
            opts=pulumi.ResourceOptions(parent=self, protect=self._args.settings.protect),
        )
        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers
        if not pulumi.runtime.is_dry_run():
            zone.name_servers.apply(partial(self._ask_for_delegation, zone))

    def _ask_for_delegation(self, zone: aws.route53.Zone, name_servers: Sequence[str]) -> None:
        """Tell the name servers while the deployment waits for the certificate: outputs come after its end only."""
        pulumi.log.info(
            f"The certificate of {self._args.settings.api_domain} is issued once the registrar of "
            f"{self._args.settings.zone} delegates to these name servers: {', '.join(name_servers)}",
            zone,
        )

    def _restrict_certificate_authorities(self) -> None:
        """Only Amazon may issue certificates for the domain, wildcard certificates included."""
        aws.route53.Record(
            f"{self._name}-caa",
            zone_id=self.zone_id,
            name=self._args.settings.zone,
            type="CAA",
            ttl=CAA_TTL_SECONDS,
            records=[f'0 issue "{CERTIFICATE_AUTHORITY}"', f'0 issuewild "{CERTIFICATE_AUTHORITY}"'],
            allow_overwrite=self._allow_overwrite,
            opts=self._child,
        )

    def _log_queries(self) -> None:
        account_id = self._args.identity.account_id
        # A key and its log group must be in the same region, and the platform's other keys may be in another one.
        key = create_key(
            f"{self._name}-query-log",
            f"{self._args.identity.prefix}: DNS query log",
            account_id,
            [logs_statement(account_id, GLOBAL_SERVICES_REGION)],
            pulumi.ResourceOptions(parent=self, protect=self._args.settings.protect),
            region=GLOBAL_SERVICES_REGION,
        )
        log_group = aws.cloudwatch.LogGroup(
            f"{self._name}-query-log-group",
            name=f"/aws/route53/{self._args.settings.zone}",
            retention_in_days=self._args.settings.query_log_retention_days,
            kms_key_id=key.arn,
            region=GLOBAL_SERVICES_REGION,
            opts=self._child,
        )
        permission = aws.cloudwatch.LogResourcePolicy(
            f"{self._name}-query-log-permission",
            policy_name=f"{self._args.identity.prefix}-route53-query-log",
            policy_document=iam.document(
                iam.statement(
                    "Route53QueryLog",
                    principals={"Service": "route53.amazonaws.com"},
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[pulumi.Output.concat(log_group.arn, ":*")],
                    conditions={"StringEquals": {"aws:SourceAccount": account_id}},
                )
            ),
            region=GLOBAL_SERVICES_REGION,
            opts=self._child,
        )
        aws.route53.QueryLog(
            f"{self._name}-query-log",
            zone_id=self.zone_id,
            cloudwatch_log_group_arn=log_group.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )

    def _sign(self) -> None:
        """Sign every record of the zone.

        Deleted in the other order: signing ends before its key goes. Route 53 refuses both while the registrar
        publishes the DS record, because the domain would not resolve anywhere.
        """
        settings, account_id = self._args.settings, self._args.identity.account_id
        kept = pulumi.ResourceOptions(parent=self, protect=settings.protect)
        service = {"Service": "dnssec-route53.amazonaws.com"}
        signing_key = create_signing_key(
            f"{self._name}-signing",
            f"{self._args.identity.prefix}: DNSSEC of {settings.zone}",
            account_id,
            [
                iam.statement(
                    "Route53Signs",
                    principals=service,
                    actions=["kms:DescribeKey", "kms:GetPublicKey", "kms:Sign"],
                    resources=["*"],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": account_id},
                        "ArnEquals": {
                            "aws:SourceArn": pulumi.Output.concat("arn:aws:route53:::hostedzone/", self.zone_id)
                        },
                    },
                ),
                iam.statement(
                    "Route53DelegatesToItsSigners",
                    principals=service,
                    actions=["kms:CreateGrant"],
                    resources=["*"],
                    conditions={
                        "StringEquals": {"aws:SourceAccount": account_id},
                        "Bool": {"kms:GrantIsForAWSResource": "true"},
                    },
                ),
            ],
            kept,
            # Route 53 accepts no key of another region.
            region=GLOBAL_SERVICES_REGION,
        )
        key_signing_key = aws.route53.KeySigningKey(
            f"{self._name}-key-signing-key",
            hosted_zone_id=self.zone_id,
            name=self._args.identity.prefix.replace("-", "_"),
            key_management_service_arn=signing_key.arn,
            status="ACTIVE",
            opts=kept,
        )
        signing = aws.route53.HostedZoneDnsSec(
            f"{self._name}-dnssec",
            hosted_zone_id=key_signing_key.hosted_zone_id,
            signing_status="SIGNING",
            opts=kept,
        )
        self.ds_record = key_signing_key.ds_record
        if self._args.identity.region == GLOBAL_SERVICES_REGION:
            self.alarms = _dnssec_alarms(signing.hosted_zone_id)


def _dnssec_alarms(zone_id: pulumi.Output[str]) -> Sequence[AlarmSpecification]:
    def alarm(name: str, metric_name: str, severity: Severity, summary: str) -> AlarmSpecification:
        return AlarmSpecification(
            name=name,
            summary=summary,
            severity=severity,
            measure=Metric(
                namespace="AWS/Route53",
                metric_name=metric_name,
                dimensions={"HostedZoneId": zone_id},
                statistic="Sum",
            ),
            threshold=0,
            unit="failures",
            section=DashboardSection.EDGE,
            period_seconds=DNSSEC_PERIOD_SECONDS,
            evaluation_periods=1,
        )

    return [
        alarm(
            "DnssecInternalFailure",
            "DNSSECInternalFailure",
            Severity.P2,
            "Route 53 cannot sign the zone: resolvers that verify signatures will refuse the whole domain",
        ),
        # Signatures for the coming days have been made in advance.
        alarm(
            "DnssecKeyNeedsAction",
            "DNSSECKeySigningKeysNeedingAction",
            Severity.P3,
            "Route 53 cannot use the key that signs the zone; when the last signatures expire in some days, resolvers "
            "that verify signatures refuse the whole domain",
        ),
    ]
