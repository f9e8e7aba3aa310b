"""The web application firewall in front of the load balancer: the guide's rate limit, per address.

The guide's nginx admits 10 requests a second with bursts of 20, so at most 620 in any minute. AWS WAF counts over a
minute at the shortest: its limit of 620 never blocks a client whom nginx would have let in, but does not smooth a
burst within the minute. That part stays with the token bucket on each server.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.naming import Label
from components.section import RETENTION_AUDIT_DAYS, LogRetentionDays, Section

SMALLEST_LIMIT = 10
"""AWS WAF takes no smaller limit."""
CREDENTIAL_HEADERS = ("authorization", "cookie")
TOO_MANY_REQUESTS = 429
RATE_LIMIT_PRIORITY = 10


class FirewallSettings(Section):
    """Section `fixrx:firewall`."""

    requests_per_second: Annotated[int, Field(ge=1, le=1000)] = 10
    """Of one address, on average; the guide's figure."""
    burst: Annotated[int, Field(ge=0, le=10000)] = 20
    """On top of that at once; the guide's figure."""
    window_seconds: Literal[60, 120, 300, 600] = 60
    """Over which AWS WAF counts; it takes these four values."""
    action: Literal["block", "count"] = "block"
    """`count` only writes down who would have been blocked."""
    log_retention_days: LogRetentionDays = RETENTION_AUDIT_DAYS

    @property
    def requests_per_window(self) -> int:
        """The most that the guide's limit admits from one address in one window."""
        return max(SMALLEST_LIMIT, self.requests_per_second * self.window_seconds + self.burst)


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    settings: FirewallSettings
    label: Label
    load_balancer_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]


class Firewall(pulumi.ComponentResource):
    """Web ACL of the load balancer, one resource per rule."""

    web_acl_arn: pulumi.Output[str]

    def __init__(self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Firewall", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self._web_acl = self._create_web_acl()
        self.web_acl_arn = self._web_acl.arn
        self._limit_rate()
        self._attach()
        self._log()

        self.register_outputs({"web_acl_arn": self.web_acl_arn})

    def _create_web_acl(self) -> aws.wafv2.WebAcl:
        return aws.wafv2.WebAcl(
            f"{self._name}-web-acl",
            scope="REGIONAL",
            description=f"{self._args.label.prefix}: in front of the load balancer",
            default_action={"allow": {}},
            visibility_config=_visibility("web-acl"),
            # The rules are resources of their own; here they would be taken for foreign and removed.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["rules"]),
        )

    def _limit_rate(self) -> None:
        settings = self._args.settings
        refuse = {
            "block": {
                "custom_response": {
                    "response_code": TOO_MANY_REQUESTS,
                    "response_headers": [{"name": "Retry-After", "value": str(settings.window_seconds)}],
                }
            }
        }
        aws.wafv2.WebAclRule(
            f"{self._name}-rate-limit",
            web_acl_arn=self.web_acl_arn,
            name="rate-limit-per-address",
            priority=RATE_LIMIT_PRIORITY,
            action=refuse if settings.action == "block" else {"count": {}},
            statement={
                "rate_based_statement": {
                    "limit": settings.requests_per_window,
                    "evaluation_window_sec": settings.window_seconds,
                    "aggregate_key_type": "IP",
                }
            },
            visibility_config=_visibility("rate-limit-per-address"),
            opts=self._child,
        )

    def _attach(self) -> None:
        aws.wafv2.WebAclAssociation(
            f"{self._name}-association",
            resource_arn=self._args.load_balancer_arn,
            web_acl_arn=self.web_acl_arn,
            opts=self._child,
        )

    def _log(self) -> None:
        log_group = aws.cloudwatch.LogGroup(
            f"{self._name}-log-group",
            # AWS WAF delivers only to log groups whose name begins like this.
            name=f"aws-waf-logs-{self._args.label.prefix}",
            retention_in_days=self._args.settings.log_retention_days,
            kms_key_id=self._args.logs_key_arn,
            opts=self._child,
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{self._name}-log",
            resource_arn=self.web_acl_arn,
            log_destination_configs=[log_group.arn],
            redacted_fields=[{"single_header": {"name": header}} for header in CREDENTIAL_HEADERS],
            opts=self._child,
        )


def _visibility(metric_name: str) -> dict[str, object]:
    return {"cloudwatch_metrics_enabled": True, "sampled_requests_enabled": True, "metric_name": metric_name}
