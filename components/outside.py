"""What the internet sees: Route 53 asks the API for its health from other regions, by the name that clients use.

So it notices what no server does: a domain that is not found, a certificate that is not trusted, a web ACL that refuses
everybody. Alarms read metrics of their own region only, and these are in us-east-1: the watchman of a stack elsewhere
brings them over.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.maintenance import MaintenanceSettings
from components.shared.alarm_specification import (
    AlarmSpecification,
    DashboardSection,
    InOutage,
    Metric,
    Severity,
)
from components.shared.identity import GLOBAL_SERVICES_REGION, StackIdentity
from components.shared.probe import probe_metric

REGIONS = ("eu-west-1", "us-east-1", "us-west-2")
"""Route 53 wants three or more; each has several checkers."""
INTERVAL_SECONDS = 30
FAILURES = 3
"""In a row, until a checker takes the API for failed."""


@dataclass(frozen=True, kw_only=True)
class OutsideArgs:
    identity: StackIdentity
    domain: str
    path: str
    """Answers with 2xx or 3xx while the API is healthy."""
    maintenance: MaintenanceSettings


class Outside(pulumi.ComponentResource):
    """The health check and its alarm, which shows a complete outage."""

    health_check_id: pulumi.Output[str]
    relayed: pulumi.Output[str] | None
    """Id of the check, if its metric has to be brought to the stack's region."""
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: OutsideArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Outside", name, None, opts)
        check = aws.route53.HealthCheck(
            f"{name}-health-check",
            type="HTTPS",
            fqdn=args.domain,
            port=443,
            resource_path=args.path,
            enable_sni=True,
            request_interval=INTERVAL_SECONDS,
            failure_threshold=FAILURES,
            regions=REGIONS,
            # Everybody gets 503 then, and that is no outage. A check that is disabled counts as healthy.
            disabled=args.maintenance.enabled,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.health_check_id = check.id
        near = args.identity.region == GLOBAL_SERVICES_REGION
        self.relayed = None if near else check.id
        of_route53 = Metric(
            namespace="AWS/Route53",
            metric_name="HealthCheckStatus",
            dimensions={"HealthCheckId": check.id},
            statistic="Minimum",
        )
        self.alarms = [_unreachable(of_route53 if near else probe_metric(args.identity.prefix, "reached"))]
        self.register_outputs({"health_check": check.id})


def _unreachable(metric: Metric) -> AlarmSpecification:
    return AlarmSpecification(
        name="ApiUnreachable",
        summary="The API does not answer from outside that it is healthy",
        severity=Severity.P1,
        measure=metric,
        comparison="LessThanThreshold",
        threshold=1,
        unit="healthy",
        section=DashboardSection.SERVICE,
        in_outage=InOutage.SHOWS_IT,
        period_seconds=60,
        evaluation_periods=2,
    )
