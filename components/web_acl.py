"""An AWS WAF web ACL: the guide's rate limit for each client address, AWS's managed rules, a guard of paid messages.

The guide's nginx admits 10 requests a second with bursts of 20, so at most 620 in any minute. The shortest window of
AWS WAF is a minute: its limit of 620 never blocks a client that nginx would admit, but does not smooth a burst within
the minute. That part is left to the token bucket on each server.

AWS's groups have false positives that only real traffic shows. They count first; their log says what they would block.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

import pulumi
import pulumi_aws as aws

from components.sections.cdn import CdnSettings
from components.sections.maintenance import MaintenanceSettings
from components.sections.web_acl import MANAGED_GROUPS, WebAclSettings
from components.shared.alarm_specification import AlarmSpecification, DashboardSection, Metric, Severity
from components.shared.identity import GLOBAL_SERVICES_REGION
from components.shared.keys import StackContext, create_key, logs_statement
from components.shared.security_headers import SECURITY_HEADERS

CREDENTIAL_HEADERS = ("authorization", "cookie")
METRIC_NAME = "web-acl"
TOO_MANY_REQUESTS = 429
UNAVAILABLE = 503
MAINTENANCE_PRIORITY = 0
RATE_LIMIT_PRIORITY = 10
MESSAGES_PRIORITY = 20
MANAGED_PRIORITY = 30
LARGE_BODY_PRIORITY = 40
LARGE_BODY = "SizeRestrictions_BODY"
"""Rule of AWS's common rules: a body of more than 8 KiB."""
LARGE_BODY_LABEL = "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body"
MAINTENANCE_BODY = "maintenance"
MESSAGES_RULE = "paid-messages-per-address"
MESSAGES_BLOCKED = 50
"""Refused requests in five minutes that are no user who is impatient."""


@dataclass(frozen=True, kw_only=True)
class WebAclArgs:
    settings: WebAclSettings
    stack: StackContext
    load_balancer_arn: pulumi.Input[str] | None = None
    maintenance: MaintenanceSettings | None = None
    cdn: CdnSettings | None = None
    """Of the CDN, if it is its web ACL. CloudFront admits more requests of an address than the API, and none there is
    maintenance or a paid message."""


class WebAcl(pulumi.ComponentResource):
    """Web ACL of a load balancer, or in us-east-1 of the CDN; one resource per rule."""

    arn: pulumi.Output[str]
    alarms: Sequence[AlarmSpecification]

    def __init__(self, name: str, args: WebAclArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:WebAcl", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._region = None if args.cdn is None else GLOBAL_SERVICES_REGION

        self.arn = self._create_web_acl().arn
        self.alarms = []
        if self._maintenance is not None:
            self._answer_maintenance(self._maintenance)
        self._limit_rate()
        if args.cdn is None:
            self._guard_paid_messages()
            self.alarms = [self._alarm_of_paid_messages()]
        self._use_managed_groups()
        if args.cdn is None:
            self._refuse_large_bodies()
        if args.load_balancer_arn is not None:
            self._associate(args.load_balancer_arn)
        self._log()

        self.register_outputs({"arn": self.arn})

    @property
    def _what(self) -> str:
        return "the load balancer" if self._args.cdn is None else "the CDN"

    @property
    def _maintenance(self) -> MaintenanceSettings | None:
        maintenance = self._args.maintenance
        return maintenance if maintenance is not None and maintenance.enabled else None

    def _create_web_acl(self) -> aws.wafv2.WebAcl:
        return aws.wafv2.WebAcl(
            f"{self._name}-acl",
            region=self._region,
            scope="REGIONAL" if self._args.cdn is None else "CLOUDFRONT",
            description=f"{self._args.stack.identity.prefix}: in front of {self._what}",
            default_action={"allow": {}},
            custom_response_bodies=self._bodies(),
            visibility_config={
                "cloudwatch_metrics_enabled": True,
                "sampled_requests_enabled": True,
                "metric_name": METRIC_NAME,
            },
            # The rules are separate resources; without this Pulumi would remove them from the web ACL again.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["rules"]),
        )

    def _bodies(self) -> Sequence[aws.wafv2.WebAclCustomResponseBodyArgsDict] | None:
        """Always there: at the end of maintenance the rule goes last, and AWS keeps no rule without its body."""
        if self._args.maintenance is None:
            return None
        return [{"key": MAINTENANCE_BODY, "content": self._args.maintenance.notice, "content_type": "TEXT_PLAIN"}]

    def _answer_maintenance(self, maintenance: MaintenanceSettings) -> None:
        """A load balancer's own fixed response has no headers, and clients would not know when to come back."""
        everybody: aws.wafv2.WebAclRuleStatementArgsDict = {
            "size_constraint_statement": {
                "field_to_match": {"uri_path": {}},
                "comparison_operator": "GE",
                "size": 0,
                "text_transformations": [{"priority": 0, "type": "NONE"}],
            }
        }
        headers = {"Retry-After": str(maintenance.retry_after_seconds), **SECURITY_HEADERS}
        self._rule(
            "maintenance",
            MAINTENANCE_PRIORITY,
            self._all_but(maintenance.except_networks) if maintenance.except_networks else everybody,
            action={
                "block": {
                    "custom_response": {
                        "response_code": UNAVAILABLE,
                        "custom_response_body_key": MAINTENANCE_BODY,
                        "response_headers": [{"name": name, "value": value} for name, value in headers.items()],
                    }
                }
            },
        )

    def _all_but(self, networks: Sequence[str]) -> aws.wafv2.WebAclRuleStatementArgsDict:
        """AWS WAF wants the addresses of each version of IP in a set of their own."""
        named: list[aws.wafv2.WebAclRuleStatementArgsDict] = []
        for version, suffix in ((4, ""), (6, "-ipv6")):
            addresses = [network for network in networks if ip_network(network).version == version]
            if addresses:
                ip_set = aws.wafv2.IpSet(
                    f"{self._name}-maintenance-exceptions{suffix}",
                    scope="REGIONAL" if self._args.cdn is None else "CLOUDFRONT",
                    ip_address_version=f"IPV{version}",
                    addresses=addresses,
                    description=f"{self._args.stack.identity.prefix}: who reaches the API during maintenance",
                    opts=self._child,
                )
                named.append({"ip_set_reference_statement": {"arn": ip_set.arn}})
        any_of_them = named[0] if len(named) == 1 else {"or_statement": {"statements": named}}
        return {"not_statement": {"statement": any_of_them}}

    def _limit_rate(self) -> None:
        settings = self._args.settings
        cdn = self._args.cdn
        limit = settings.requests_per_window if cdn is None else cdn.requests_per_window
        self._rule(
            "rate-limit-per-address",
            RATE_LIMIT_PRIORITY,
            {
                "rate_based_statement": {
                    "limit": limit,
                    "evaluation_window_sec": settings.window_seconds,
                    "aggregate_key_type": "IP",
                }
            },
            action=self._too_many(settings.window_seconds),
            logical_name="rate-limit",
        )

    def _guard_paid_messages(self) -> None:
        """A code by SMS costs money: who asks for many of them, for numbers of his own, is paid by the operator."""
        settings = self._args.settings
        self._rule(
            MESSAGES_RULE,
            MESSAGES_PRIORITY,
            {
                "rate_based_statement": {
                    "limit": settings.message_requests,
                    "evaluation_window_sec": settings.message_window_seconds,
                    "aggregate_key_type": "IP",
                    "scope_down_statement": {
                        "regex_match_statement": {
                            "regex_string": "^(" + "|".join(settings.message_paths) + ")/?$",
                            "field_to_match": {"uri_path": {}},
                            # Express knows a path in capitals and with a last slash as the same.
                            "text_transformations": [
                                {"priority": 0, "type": "URL_DECODE"},
                                {"priority": 1, "type": "NORMALIZE_PATH"},
                                {"priority": 2, "type": "LOWERCASE"},
                            ],
                        }
                    },
                }
            },
            action=self._too_many(settings.message_window_seconds),
        )

    def _alarm_of_paid_messages(self) -> AlarmSpecification:
        return AlarmSpecification(
            name="PaidMessagesLimited",
            summary=f"More than {MESSAGES_BLOCKED} requests for a code by SMS were over the limit in 5 minutes: "
            "somebody tries to send messages at our expense, or many users share one address",
            severity=Severity.P3,
            measure=Metric(
                namespace="AWS/WAFV2",
                metric_name="BlockedRequests" if self._args.settings.action == "block" else "CountedRequests",
                dimensions={"WebACL": METRIC_NAME, "Rule": MESSAGES_RULE, "Region": self._args.stack.identity.region},
                statistic="Sum",
            ),
            threshold=MESSAGES_BLOCKED,
            unit="requests",
            section=DashboardSection.EDGE,
            period_seconds=300,
            evaluation_periods=1,
        )

    def _use_managed_groups(self) -> None:
        settings = self._args.settings
        for number, (group, name) in enumerate(MANAGED_GROUPS.items()):
            # Files are larger than 8 KiB: the rule of its own below blocks a large body where no upload is meant.
            counted = [LARGE_BODY] if group == "common" else []
            self._rule(
                f"aws-{group.replace('_', '-')}",
                MANAGED_PRIORITY + number,
                {
                    "managed_rule_group_statement": {
                        "vendor_name": "AWS",
                        "name": name,
                        "rule_action_overrides": [{"name": rule, "action_to_use": {"count": {}}} for rule in counted],
                    }
                },
                override={"none": {}} if group in settings.block_managed else {"count": {}},
            )

    def _refuse_large_bodies(self) -> None:
        settings = self._args.settings
        self._rule(
            "large-body",
            LARGE_BODY_PRIORITY,
            {
                "and_statement": {
                    "statements": [
                        {"label_match_statement": {"scope": "LABEL", "key": LARGE_BODY_LABEL}},
                        {
                            "not_statement": {
                                "statement": {
                                    "regex_match_statement": {
                                        "regex_string": "^(" + "|".join(settings.upload_paths) + ")(/|$)",
                                        "field_to_match": {"uri_path": {}},
                                        "text_transformations": [{"priority": 0, "type": "NORMALIZE_PATH"}],
                                    }
                                }
                            }
                        },
                    ]
                }
            },
            action={"block": {}} if "common" in settings.block_managed else {"count": {}},
        )

    def _too_many(self, seconds: int) -> aws.wafv2.WebAclRuleActionArgsDict:
        if self._args.settings.action != "block":
            return {"count": {}}
        return {
            "block": {
                "custom_response": {
                    "response_code": TOO_MANY_REQUESTS,
                    "response_headers": [{"name": "Retry-After", "value": str(seconds)}],
                }
            }
        }

    def _rule(
        self,
        name: str,
        priority: int,
        statement: aws.wafv2.WebAclRuleStatementArgsDict,
        *,
        action: aws.wafv2.WebAclRuleActionArgsDict | None = None,
        override: aws.wafv2.WebAclRuleOverrideActionArgsDict | None = None,
        logical_name: str | None = None,
    ) -> None:
        """A rule, of which the metric has the rule's name. A group of AWS's has an override instead of an action."""
        aws.wafv2.WebAclRule(
            f"{self._name}-{logical_name or name}",
            region=self._region,
            web_acl_arn=self.arn,
            name=name,
            priority=priority,
            action=action,
            override_action=override,
            statement=statement,
            visibility_config={
                "cloudwatch_metrics_enabled": True,
                "sampled_requests_enabled": True,
                "metric_name": name,
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
        suffix, key, cdn = "", self._args.stack.keys.logs, self._args.cdn
        if cdn is not None:
            identity = self._args.stack.identity
            suffix = "-cdn"
            key = create_key(
                f"{self._name}-log",
                f"{identity.prefix}: log of the CDN's web ACL",
                identity.account_id,
                [logs_statement(identity.account_id, GLOBAL_SERVICES_REGION)],
                pulumi.ResourceOptions(parent=self, protect=cdn.protect),
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
