"""Route 53 Resolver DNS Firewall, an option: queries for other domains than these are logged, or refused.

Security groups let servers reach the internet on 443, whatever the address is. This is about names.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.sections.dns_firewall import DnsFirewallSettings, FirewallMode
from components.shared.keys import StackContext

ALLOWED = (
    # AWS and the packages of Amazon Linux.
    "*.amazonaws.com",
    "*.aws",
    "*.api.aws",
    "*.amazontrust.com",
    # The guide's third parties: SMS, mail, push notifications, sign-in.
    "*.twilio.com",
    "*.sendgrid.com",
    "*.googleapis.com",
    "accounts.google.com",
    "appleid.apple.com",
    "graph.facebook.com",
    # Names inside the VPC, and names of addresses.
    "*.internal",
    "*.in-addr.arpa",
    "*.ip6.arpa",
)
ALLOW_PRIORITY, OTHERS_PRIORITY, ASSOCIATION_PRIORITY = 10, 20, 101


@dataclass(frozen=True, kw_only=True)
class DnsFirewallArgs:
    settings: DnsFirewallSettings
    stack: StackContext
    vpc_id: pulumi.Input[str]
    own_zone: str
    """The platform's own domain, of which every name may be resolved."""


class DnsFirewall(pulumi.ComponentResource):
    """The list, what happens to other names, and the log of the queries."""

    def __init__(self, name: str, args: DnsFirewallArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:DnsFirewall", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        if args.settings.mode is not FirewallMode.OFF:
            self._create()
        self.register_outputs({"mode": str(args.settings.mode)})

    def _create(self) -> None:
        name, args = self._name, self._args
        own = (args.own_zone, f"*.{args.own_zone}")
        group = aws.route53.ResolverFirewallRuleGroup(f"{name}-group", opts=self._child)
        self._rule("allowed", [*ALLOWED, *own, *args.settings.allow], group, ALLOW_PRIORITY)
        self._rule("others", ["*"], group, OTHERS_PRIORITY)
        aws.route53.ResolverFirewallRuleGroupAssociation(
            f"{name}-association",
            firewall_rule_group_id=group.id,
            vpc_id=args.vpc_id,
            priority=ASSOCIATION_PRIORITY,
            mutation_protection="DISABLED",
            opts=self._child,
        )
        # A firewall that does not answer must not be an outage: without this, AWS refuses every query then.
        aws.route53.ResolverFirewallConfig(
            f"{name}-fail-open", resource_id=args.vpc_id, firewall_fail_open="ENABLED", opts=self._child
        )
        self._log_queries()

    def _rule(
        self, purpose: str, domains: list[str], group: aws.route53.ResolverFirewallRuleGroup, priority: int
    ) -> None:
        listed = aws.route53.ResolverFirewallDomainList(
            f"{self._name}-{purpose}-domains", domains=domains, opts=self._child
        )
        blocks = self._args.settings.mode is FirewallMode.BLOCK
        aws.route53.ResolverFirewallRule(
            f"{self._name}-{purpose}",
            firewall_rule_group_id=group.id,
            firewall_domain_list_id=listed.id,
            priority=priority,
            action="ALLOW" if purpose == "allowed" else "BLOCK" if blocks else "ALERT",
            block_response="NXDOMAIN" if purpose == "others" and blocks else None,
            # A name of the list may lead to one that is not on it.
            firewall_domain_redirection_action="TRUST_REDIRECTION_DOMAIN",
            opts=self._child,
        )

    def _log_queries(self) -> None:
        identity = self._args.stack.identity
        log_group = aws.cloudwatch.LogGroup(
            f"{self._name}-log-group",
            name=f"/{identity.project}/{identity.environment}/dns-queries",
            retention_in_days=self._args.settings.log_retention_days,
            kms_key_id=self._args.stack.keys.logs,
            opts=self._child,
        )
        log = aws.route53.ResolverQueryLogConfig(f"{self._name}-log", destination_arn=log_group.arn, opts=self._child)
        aws.route53.ResolverQueryLogConfigAssociation(
            f"{self._name}-log-association",
            resolver_query_log_config_id=log.id,
            resource_id=self._args.vpc_id,
            opts=self._child,
        )
