"""The load balancer: TLS, security headers and health checks in front of the app servers, of pods, or of both.

Each server has the guide's nginx in front of its workers. Over the servers, `least_conn` is least outstanding requests,
and `max_fails=3 fail_timeout=30s` is three failed checks ten seconds apart. Plain HTTP on port 80 redirects instead of
being served. Servers and pods have a target group each; with both, a share of the requests goes to each.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.load_balancer import LoadBalancerSettings
from components.shared.alarm_specification import (
    AlarmSpecification,
    DashboardSection,
    InOutage,
    Metric,
    MetricMath,
    PrometheusQuery,
    Severity,
)
from components.shared.backends import Backend
from components.shared.connections import Placement
from components.shared.identity import StackIdentity
from components.shared.ports import HTTP_PORT, HTTPS_PORT, POD_PORT
from components.shared.private_bucket import LogDestination
from components.shared.runtime import TargetGroup
from components.shared.security_headers import CONTENT_TYPE_OPTIONS, FRAME_OPTIONS, HSTS

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3 only. AWS's default for this field dates from 2016."""

NAMESPACE = "AWS/ApplicationELB"
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
class _Targets:
    """What differs between the target groups."""

    logical_name: str
    """Permanent, without the component's."""
    target_type: str
    port: int
    noun: str
    """What one of them is."""
    one: str
    """The same at the beginning of a sentence."""
    alarms_on: str
    """The same in the names of alarms."""
    unit: str
    """Of a number of them."""


TARGETS: Mapping[Backend, _Targets] = {
    Backend.SERVERS: _Targets(
        logical_name="api",
        target_type="instance",
        port=HTTP_PORT,
        noun="app server",
        one="An app server",
        alarms_on="Server",
        unit="servers",
    ),
    Backend.PODS: _Targets(
        logical_name="pods", target_type="ip", port=POD_PORT, noun="pod", one="A pod", alarms_on="Pod", unit="pods"
    ),
}


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    settings: LoadBalancerSettings
    identity: StackIdentity
    placement: Placement
    certificate_arn: pulumi.Input[str]
    access_logs: LogDestination
    traffic: Mapping[Backend, int]
    """What serves the API, with its share of the requests in percent."""


class LoadBalancer(pulumi.ComponentResource):
    """Application load balancer with a target group for each kind of runtime of the API, which registers with it."""

    arn: pulumi.Output[str]
    dns_name: pulumi.Output[str]
    zone_id: pulumi.Output[str]
    target_groups: Mapping[Backend, TargetGroup]
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:LoadBalancer", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        load_balancer = self._create_load_balancer()
        target_groups = {backend: self._create_target_group(backend) for backend in args.traffic}
        self._redirect_http(load_balancer)
        forward = self._forward(target_groups)
        listener = self._serve_https(load_balancer, forward)
        self._hide_operational_paths(listener)
        self._serve_public_health_path(listener, forward)

        self.arn = load_balancer.arn
        self.dns_name = load_balancer.dns_name
        self.zone_id = load_balancer.zone_id
        self.target_groups = {
            backend: TargetGroup(
                arn=pulumi.Output.all(target_group.arn, listener.arn).apply(lambda known: str(known[0])),
                request_count_label=pulumi.Output.concat(load_balancer.arn_suffix, "/", target_group.arn_suffix),
                drain_seconds=args.settings.drain_seconds,
                idle_timeout_seconds=args.settings.idle_timeout_seconds,
                ready_path=args.settings.ready_path,
                health_path=args.settings.deep_health_path,
            )
            for backend, target_group in target_groups.items()
        }
        self.alarms = _alarms(load_balancer, target_groups)
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

    def _create_target_group(self, backend: Backend) -> aws.lb.TargetGroup:
        targets = TARGETS[backend]
        return aws.lb.TargetGroup(
            f"{self._name}-{targets.logical_name}",
            port=targets.port,
            protocol="HTTP",
            vpc_id=self._args.placement.vpc_id,
            target_type=targets.target_type,
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

    def _forward(self, target_groups: Mapping[Backend, aws.lb.TargetGroup]) -> aws.lb.ListenerRuleActionArgsDict:
        """Return the action that hands a request on; among several target groups by their share."""
        if len(target_groups) == 1:
            (target_group,) = target_groups.values()
            return {"type": "forward", "target_group_arn": target_group.arn}
        traffic = self._args.traffic
        shares: list[aws.lb.ListenerRuleActionForwardTargetGroupArgsDict] = [
            {"arn": group.arn, "weight": traffic[backend]} for backend, group in target_groups.items()
        ]
        return {"type": "forward", "forward": {"target_groups": shares}}

    def _serve_https(
        self, load_balancer: aws.lb.LoadBalancer, forward: aws.lb.ListenerRuleActionArgsDict
    ) -> aws.lb.Listener:
        """X-XSS-Protection, the guide's fourth header, is not among those that a load balancer can send."""
        return aws.lb.Listener(
            f"{self._name}-https",
            load_balancer_arn=load_balancer.arn,
            port=HTTPS_PORT,
            protocol="HTTPS",
            ssl_policy=TLS_POLICY,
            certificate_arn=self._args.certificate_arn,
            default_actions=[forward],
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

    def _serve_public_health_path(self, listener: aws.lb.Listener, forward: aws.lb.ListenerRuleActionArgsDict) -> None:
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
            actions=[forward],
            opts=self._child,
        )


def _alarms(
    load_balancer: aws.lb.LoadBalancer, target_groups: Mapping[Backend, aws.lb.TargetGroup]
) -> Sequence[AlarmSpecification]:
    whole = {"LoadBalancer": load_balancer.arn_suffix}

    def count(metric_name: str) -> Metric:
        return Metric(namespace=NAMESPACE, metric_name=metric_name, dimensions=whole, statistic="Sum")

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
            in_outage=InOutage.FOLLOWS,
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
            in_outage=InOutage.FOLLOWS,
            period_seconds=ERROR_WINDOW_SECONDS,
            evaluation_periods=1,
        ),
        AlarmSpecification(
            name="ResponseTimeHigh",
            summary="High response time detected: 5 % of the requests take longer than 1 s",
            severity=Severity.P3,
            measure=Metric(
                namespace=NAMESPACE,
                metric_name="TargetResponseTime",
                dimensions=whole,
                statistic="p95",
            ),
            threshold=SLOW_RESPONSE_SECONDS,
            unit="seconds",
            section=DashboardSection.SERVICE,
            in_outage=InOutage.FOLLOWS,
            period_seconds=60,
            evaluation_periods=5,
            prometheus=PrometheusQuery(
                expression=f"histogram_quantile(0.95, sum by (le) (rate({REQUEST_DURATION}_bucket[5m])))"
            ),
        ),
        *(
            alarm
            for backend, target_group in target_groups.items()
            for alarm in _health_alarms(TARGETS[backend], {**whole, "TargetGroup": target_group.arn_suffix})
        ),
        AlarmSpecification(
            name="RejectedConnections",
            summary="The load balancer has reached its connection limit and rejects connections",
            severity=Severity.P2,
            measure=Metric(
                namespace=NAMESPACE,
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


def _health_alarms(targets: _Targets, dimensions: Mapping[str, pulumi.Input[str]]) -> Sequence[AlarmSpecification]:
    return [
        AlarmSpecification(
            name=f"NoHealthy{targets.alarms_on}",
            summary=f"No {targets.noun} passes its health check: the API is down or will be soon",
            severity=Severity.P1,
            measure=Metric(
                namespace=NAMESPACE,
                metric_name="HealthyHostCount",
                dimensions=dimensions,
                statistic="Maximum",
            ),
            comparison="LessThanThreshold",
            threshold=1,
            unit=targets.unit,
            section=DashboardSection.SERVICE,
            in_outage=InOutage.SHOWS_IT,
            period_seconds=60,
            evaluation_periods=2,
            treat_missing_data="breaching",
        ),
        AlarmSpecification(
            name=f"Unhealthy{targets.alarms_on}",
            summary=f"{targets.one} has failed its health check for 5 minutes and has not been replaced",
            severity=Severity.P2,
            measure=Metric(
                namespace=NAMESPACE,
                metric_name="UnHealthyHostCount",
                dimensions=dimensions,
                statistic="Minimum",
            ),
            threshold=0,
            unit=targets.unit,
            section=DashboardSection.SERVICE,
            in_outage=InOutage.FOLLOWS,
            period_seconds=60,
            evaluation_periods=5,
        ),
    ]
