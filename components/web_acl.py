"""The AWS WAF web ACL of the load balancer: the guide's rate limit for each client address.

The guide's nginx admits 10 requests a second with bursts of 20, so at most 620 in any minute. The shortest window of
AWS WAF is a minute: its limit of 620 never blocks a client that nginx would admit, but does not smooth a burst within
the minute. That part is left to the token bucket on each server.
"""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.sections.web_acl import WebAclSettings
from components.shared.identity import GLOBAL_SERVICES_REGION
from components.shared.keys import StackContext, create_key, logs_statement

CREDENTIAL_HEADERS = ("authorization", "cookie")
TOO_MANY_REQUESTS = 429
RATE_LIMIT_PRIORITY = 10


@dataclass(frozen=True, kw_only=True)
class WebAclArgs:
    settings: WebAclSettings
    stack: StackContext
    scope: Literal["REGIONAL", "CLOUDFRONT"] = "REGIONAL"
    load_balancer_arn: pulumi.Input[str] | None = None
    protect: bool = True


class WebAcl(pulumi.ComponentResource):
    """Web ACL of the load balancer, one resource per rule."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: WebAclArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:WebAcl", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._region = None if args.scope == "REGIONAL" else GLOBAL_SERVICES_REGION

        self.arn = self._create_web_acl().arn
        self._limit_rate()
        if args.load_balancer_arn is not None:
            self._associate(args.load_balancer_arn)
        self._log()

        self.register_outputs({"arn": self.arn})

    def _create_web_acl(self) -> aws.wafv2.WebAcl:
        return aws.wafv2.WebAcl(
            f"{self._name}-acl",
            region=self._region,
            scope=self._args.scope,
            description=f"{self._args.stack.identity.prefix}: in front of the load balancer",
            default_action={"allow": {}},
            visibility_config={
                "cloudwatch_metrics_enabled": True,
                "sampled_requests_enabled": True,
                "metric_name": "web-acl",
            },
            # The rules are separate resources; without this Pulumi would remove them from the web ACL again.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["rules"]),
        )

    def _limit_rate(self) -> None:
        settings = self._args.settings
        block: aws.wafv2.WebAclRuleActionArgsDict = {
            "block": {
                "custom_response": {
                    "response_code": TOO_MANY_REQUESTS,
                    "response_headers": [{"name": "Retry-After", "value": str(settings.window_seconds)}],
                }
            }
        }
        aws.wafv2.WebAclRule(
            f"{self._name}-rate-limit",
            region=self._region,
            web_acl_arn=self.arn,
            name="rate-limit-per-address",
            priority=RATE_LIMIT_PRIORITY,
            action=block if settings.action == "block" else {"count": {}},
            statement={
                "rate_based_statement": {
                    "limit": settings.requests_per_window,
                    "evaluation_window_sec": settings.window_seconds,
                    "aggregate_key_type": "IP",
                }
            },
            visibility_config={
                "cloudwatch_metrics_enabled": True,
                "sampled_requests_enabled": True,
                "metric_name": "rate-limit-per-address",
            },
            opts=self._child,
        )

    def _associate(self, load_balancer_arn: pulumi.Input[str]) -> None:
        aws.wafv2.WebAclAssociation(
            f"{self._name}-association",
            resource_arn=load_balancer_arn,
            web_acl_arn=self.arn,
            opts=self._child,
        )

    def _log(self) -> None:
        suffix, key = "", self._args.stack.keys.logs
        if self._region is not None:
            identity = self._args.stack.identity
            suffix = "-cdn"
            key = create_key(
                f"{self._name}-log",
                f"{identity.prefix}: log of the CDN's web ACL",
                identity.account_id,
                [logs_statement(identity.account_id, GLOBAL_SERVICES_REGION)],
                pulumi.ResourceOptions(parent=self, protect=self._args.protect),
                region=GLOBAL_SERVICES_REGION,
            ).arn
        log_group = aws.cloudwatch.LogGroup(
            f"{self._name}-log-group",
            # AWS WAF delivers only to log groups whose name begins with aws-waf-logs-.
            name=f"aws-waf-logs-{self._args.stack.identity.prefix}{suffix}",
            retention_in_days=self._args.settings.log_retention_days,
            kms_key_id=key,
            region=self._region,
            opts=self._child,
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{self._name}-log",
            region=self._region,
            resource_arn=self.arn,
            log_destination_configs=[log_group.arn],
            redacted_fields=[{"single_header": {"name": header}} for header in CREDENTIAL_HEADERS],
            opts=self._child,
        )
