"""The load balancer: TLS, security headers and health checks in front of the app servers.

Each server has the guide's nginx in front of its workers. Over the servers, `least_conn` is least outstanding requests,
and `max_fails=3 fail_timeout=30s` is three failed checks ten seconds apart. Plain HTTP on port 80 redirects instead of
being served.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.load_balancer import LoadBalancerSettings
from components.shared.alarm_specification import (
    AlarmSpecification,
    DashboardSection,
    Metric,
    MetricMath,
    PrometheusQuery,
    Severity,
)
from components.shared.connections import Placement
from components.shared.identity import StackIdentity
from components.shared.ports import HTTP_PORT, HTTPS_PORT
from components.shared.private_bucket import LogDestination
from components.shared.runtime import TargetGroup
from components.shared.security_headers import CONTENT_TYPE_OPTIONS, FRAME_OPTIONS, HSTS

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3 only. AWS's default for this field dates from 2016."""

HEALTH_CHECK_INTERVAL_SECONDS = 10
UNHEALTHY_CHECKS = 3
HEALTHY_CHECKS = 2

PUBLIC_HEALTH_PATH = "/health"
"""The path that the guide's nginx offers to monitoring."""

OPERATIONAL_PATHS = ("/api/v1/system/metrics", "/api/v1/system/database/status")
"""The guide's endpoints that tell about the inside."""

SERVER_ERRORS_PER_SECOND = 0.1
"""The guide's HighErrorRate: more than 0.1 errors a second over 5 minutes."""
ERROR_WINDOW_SECONDS = 300
ERROR_SHARE_PERCENT = 5
ERROR_SHARE_REQUEST_FLOOR = 100
"""Below this number of requests in 5 minutes a share of errors is not significant."""
SERVER_ERRORS = "SUM([FILL(target, 0), FILL(balancer, 0)])"
"""Errors of the servers and of the load balancer. SUM ignores a metric that never had data; `+` would not."""
REQUEST_DURATION = "http_request_duration_seconds"
"""The histogram of the guide's prom-client: the application exports it. It counts requests too."""
SLOW_RESPONSE_SECONDS = 1
"""The guide's ResponseTimeHigh: the 95th percentile."""


def any_spelling(path: str) -> str:
    """Return a regular expression for a path, and what is below it, in capitals or not: as Express reads it.

    The other patterns of a load balancer heed case. A regular expression may have 128 characters.
    """
    letters = "".join(f"[{each.upper()}{each}]" if each.isalpha() else re.escape(each) for each in path)
    return f"^{letters}(/.*)?$"


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    settings: LoadBalancerSettings
    identity: StackIdentity
    placement: Placement
    certificate_arn: pulumi.Input[str]
    access_logs: LogDestination


class LoadBalancer(pulumi.ComponentResource):
    """Application load balancer with one target group, with which the runtime of the API registers."""

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    target_group: TargetGroup
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:LoadBalancer", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        load_balancer = self._create_load_balancer()
        target_group = self._create_target_group()
        self._redirect_http(load_balancer)
        listener = self._serve_https(load_balancer, target_group)
        self._hide_operational_paths(listener)
        self._serve_public_health_path(listener, target_group)

        self.arn = load_balancer.arn
        self.dns_name = load_balancer.dns_name
        self.zone_id = load_balancer.zone_id
        self.target_group = TargetGroup(
            arn=pulumi.Output.all(target_group.arn, listener.arn).apply(lambda known: str(known[0])),
            request_count_label=pulumi.Output.concat(load_balancer.arn_suffix, "/", target_group.arn_suffix),
            drain_seconds=args.settings.drain_seconds,
            idle_timeout_seconds=args.settings.idle_timeout_seconds,
            ready_path=args.settings.ready_path,
            health_path=args.settings.deep_health_path,
        )
        self.alarms = _alarms(load_balancer, target_group)
        self.register_outputs({"dns_name": self.dns_name})

    def _create_load_balancer(self) -> aws.lb.LoadBalancer:
        settings = self._args.settings
        logs = self._args.access_logs
        return aws.lb.LoadBalancer(
            f"{self._name}-alb",
            name=self._args.identity.physical_name("aws:lb/loadBalancer:LoadBalancer", self._args.identity.prefix),
            load_balancer_type="application",
            internal=False,
            ip_address_type="dualstack",
            subnets=self._args.placement.subnet_ids,
            security_groups=[self._args.placement.security_group_id],
            idle_timeout=settings.idle_timeout_seconds,
            enable_deletion_protection=settings.deletion_protection,
            drop_invalid_header_fields=True,
            desync_mitigation_mode="defensive",
            enable_http2=True,
            enable_zonal_shift=True,
            access_logs={"bucket": logs.bucket, "prefix": logs.prefix, "enabled": True},
            connection_logs={"bucket": logs.bucket, "prefix": logs.prefix, "enabled": True},
            opts=pulumi.ResourceOptions(parent=self, protect=settings.deletion_protection),
        )

    def _create_target_group(self) -> aws.lb.TargetGroup:
        return aws.lb.TargetGroup(
            f"{self._name}-api",
            port=HTTP_PORT,
            protocol="HTTP",
            vpc_id=self._args.placement.vpc_id,
            target_type="instance",
            load_balancing_algorithm_type="least_outstanding_requests",
            deregistration_delay=self._args.settings.drain_seconds,
            health_check={
                "path": self._args.settings.ready_path,
                "protocol": "HTTP",
                "matcher": "200",
                "interval": HEALTH_CHECK_INTERVAL_SECONDS,
                "timeout": HEALTH_CHECK_INTERVAL_SECONDS // 2,
                "healthy_threshold": HEALTHY_CHECKS,
                "unhealthy_threshold": UNHEALTHY_CHECKS,
            },
            # With no healthy server left, requests go to all servers: a wrong health check must not be an outage.
            target_group_health={
                "dns_failover": {"minimum_healthy_targets_count": "1", "minimum_healthy_targets_percentage": "off"},
                "unhealthy_state_routing": {
                    "minimum_healthy_targets_count": 1,
                    "minimum_healthy_targets_percentage": "off",
                },
            },
            opts=self._child,
        )

    def _redirect_http(self, load_balancer: aws.lb.LoadBalancer) -> None:
        aws.lb.Listener(
            f"{self._name}-http",
            load_balancer_arn=load_balancer.arn,
            port=HTTP_PORT,
            protocol="HTTP",
            default_actions=[
                {
                    "type": "redirect",
                    "redirect": {"port": str(HTTPS_PORT), "protocol": "HTTPS", "status_code": "HTTP_301"},
                }
            ],
            opts=self._child,
        )

    def _serve_https(self, load_balancer: aws.lb.LoadBalancer, target_group: aws.lb.TargetGroup) -> aws.lb.Listener:
        """X-XSS-Protection, the guide's fourth header, is not among those that a load balancer can send."""
        return aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=load_balancer.arn,
            port=HTTPS_PORT,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=self._args.certificate_arn,
            default_actions=[{"type": "forward", "target_group_arn": target_group.arn}],
            routing_http_response_x_frame_options_header_value=FRAME_OPTIONS,
            routing_http_response_x_content_type_options_header_value=CONTENT_TYPE_OPTIONS,
            routing_http_response_strict_transport_security_header_value=HSTS,
            routing_http_response_server_enabled=False,
            opts=self._child,
        )

    def _hide_operational_paths(self, listener: aws.lb.Listener) -> None:
        """For the servers' own checks, which ask their workers. nginx on the servers refuses the same paths."""
        aws.lb.ListenerRule(
            f"{self._name}-operational",
            listener_arn=listener.arn,
            priority=50,
            conditions=[{"path_pattern": {"regex_values": [any_spelling(path) for path in OPERATIONAL_PATHS]}}],
            actions=[
                {
                    "type": "fixed-response",
                    "fixed_response": {"content_type": "text/plain", "status_code": "404", "message_body": "Not found"},
                }
            ],
            opts=self._child,
        )

    def _serve_public_health_path(self, listener: aws.lb.Listener, target_group: aws.lb.TargetGroup) -> None:
        aws.lb.ListenerRule(
            f"{self._name}-health",
            listener_arn=listener.arn,
            priority=100,
            conditions=[{"path_pattern": {"values": [PUBLIC_HEALTH_PATH]}}],
            transforms=[
                {
                    "type": "url-rewrite",
                    "url_rewrite_config": {
                        "rewrite": {
                            "regex": f"^{PUBLIC_HEALTH_PATH}$",
                            "replace": self._args.settings.deep_health_path,
                        }
                    },
                }
            ],
            actions=[{"type": "forward", "target_group_arn": target_group.arn}],
            opts=self._child,
        )


def _alarms(load_balancer: aws.lb.LoadBalancer, target_group: aws.lb.TargetGroup) -> Sequence[AlarmSpecification]:
    namespace = "AWS/ApplicationELB"
    whole = {"LoadBalancer": load_balancer.arn_suffix}
    group = {**whole, "TargetGroup": target_group.arn_suffix}

    def count(metric_name: str) -> Metric:
        return Metric(namespace=namespace, metric_name=metric_name, dimensions=whole, statistic="Sum")

    errors = {"target": count("HTTPCode_Target_5XX_Count"), "balancer": count("HTTPCode_ELB_5XX_Count")}
    return [
        AlarmSpecification(
            name="HighErrorRate",
            summary="High error rate detected: the API returns more than 0.1 server errors a second",
            severity=Severity.P1,
            measure=MetricMath(expression=SERVER_ERRORS, metrics=errors),
            threshold=SERVER_ERRORS_PER_SECOND * ERROR_WINDOW_SECONDS,
            unit="errors",
            section=DashboardSection.SERVICE,
            period_seconds=ERROR_WINDOW_SECONDS,
            evaluation_periods=1,
            prometheus=PrometheusQuery(
                expression=f'sum(rate({REQUEST_DURATION}_count{{status_code=~"5.."}}[{ERROR_WINDOW_SECONDS // 60}m]))',
                divisor=ERROR_WINDOW_SECONDS,
            ),
        ),
        AlarmSpecification(
            name="HighErrorShare",
            summary=f"More than {ERROR_SHARE_PERCENT} % of all requests return a server error",
            severity=Severity.P1,
            measure=MetricMath(
                expression=f"IF(requests > {ERROR_SHARE_REQUEST_FLOOR}, 100 * {SERVER_ERRORS} / requests, 0)",
                metrics={**errors, "requests": count("RequestCount")},
            ),
            threshold=ERROR_SHARE_PERCENT,
            unit="%",
            section=DashboardSection.SERVICE,
            period_seconds=ERROR_WINDOW_SECONDS,
            evaluation_periods=1,
        ),
        AlarmSpecification(
            name="ResponseTimeHigh",
            summary="High response time detected: 5 % of the requests take longer than 1 s",
            severity=Severity.P3,
            measure=Metric(
                namespace=namespace,
                metric_name="TargetResponseTime",
                dimensions=whole,
                statistic="p95",
            ),
            threshold=SLOW_RESPONSE_SECONDS,
            unit="seconds",
            section=DashboardSection.SERVICE,
            period_seconds=60,
            evaluation_periods=5,
            prometheus=PrometheusQuery(
                expression=f"histogram_quantile(0.95, sum by (le) (rate({REQUEST_DURATION}_bucket[5m])))"
            ),
        ),
        AlarmSpecification(
            name="NoHealthyServer",
            summary="No app server passes its health check: the API is down or will be soon",
            severity=Severity.P1,
            measure=Metric(
                namespace=namespace,
                metric_name="HealthyHostCount",
                dimensions=group,
                statistic="Maximum",
            ),
            comparison="LessThanThreshold",
            threshold=1,
            unit="servers",
            section=DashboardSection.SERVICE,
            period_seconds=60,
            evaluation_periods=2,
            treat_missing_data="breaching",
        ),
        AlarmSpecification(
            name="UnhealthyServer",
            summary="An app server has failed its health check for 5 minutes and has not been replaced",
            severity=Severity.P2,
            measure=Metric(
                namespace=namespace,
                metric_name="UnHealthyHostCount",
                dimensions=group,
                statistic="Minimum",
            ),
            threshold=0,
            unit="servers",
            section=DashboardSection.SERVICE,
            period_seconds=60,
            evaluation_periods=5,
        ),
        AlarmSpecification(
            name="RejectedConnections",
            summary="The load balancer has reached its connection limit and rejects connections",
            severity=Severity.P2,
            measure=Metric(
                namespace=namespace,
                metric_name="RejectedConnectionCount",
                dimensions=whole,
                statistic="Sum",
            ),
            threshold=0,
            unit="connections",
            section=DashboardSection.EDGE,
            period_seconds=60,
            evaluation_periods=1,
        ),
    ]
