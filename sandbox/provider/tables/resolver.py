"""Route 53 Resolver: the DNS firewall and the log of queries. The emulator has neither: validated and recorded."""

import uuid

from sandbox.provider.model import Autoname, ResourceType, arn, constant, template
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import recorded_id

_REQUEST = {"CreatorRequestId": lambda: uuid.uuid4().hex}

_DOMAINS = ResourceType(
    token="aws:route53/resolverFirewallDomainList:ResolverFirewallDomainList",
    service="route53resolver",
    create="create_firewall_domain_list",
    id=recorded_id("rslvr-fdl", "name"),
    constants=_REQUEST,
    attributes={"arn": arn("route53resolver", "firewall-domain-list/{id}")},
    provider_only="domains",
    replace="name",
    autoname=Autoname("name", longest=64),
    rules={"domains": rules.matches(r"\*|(\*\.)?([a-z0-9-]+\.)+[a-z]+|\*\.[a-z]+", "a domain, *. and a domain, or *")},
    stored_only=True,
)

_GROUP = ResourceType(
    token="aws:route53/resolverFirewallRuleGroup:ResolverFirewallRuleGroup",
    service="route53resolver",
    create="create_firewall_rule_group",
    id=recorded_id("rslvr-frg", "name"),
    constants=_REQUEST,
    attributes={
        "arn": arn("route53resolver", "firewall-rule-group/{id}"),
        "ownerId": template("{account}"),
        "shareStatus": constant("NOT_SHARED"),
    },
    replace="name",
    autoname=Autoname("name", longest=64),
    stored_only=True,
)

_RULE = ResourceType(
    token="aws:route53/resolverFirewallRule:ResolverFirewallRule",
    service="route53resolver",
    create="create_firewall_rule",
    id=template("{firewallRuleGroupId}:{firewallDomainListId}"),
    constants=_REQUEST,
    attributes={"firewallThreatProtectionId": constant("")},
    replace="firewallDomainListId firewallRuleGroupId",
    autoname=Autoname("name", longest=64),
    defaults={"firewallDomainRedirectionAction": "INSPECT_REDIRECTION_DOMAIN"},
    stored_only=True,
)

_ASSOCIATION = ResourceType(
    token="aws:route53/resolverFirewallRuleGroupAssociation:ResolverFirewallRuleGroupAssociation",
    service="route53resolver",
    create="associate_firewall_rule_group",
    id=recorded_id("rslvr-frgassoc", "name"),
    constants=_REQUEST,
    attributes={"arn": arn("route53resolver", "firewall-rule-group-association/{id}")},
    replace="firewallRuleGroupId vpcId",
    autoname=Autoname("name", longest=64),
    references={"vpcId": references.VPC},
    stored_only=True,
)

_LOG = ResourceType(
    token="aws:route53/resolverQueryLogConfig:ResolverQueryLogConfig",
    service="route53resolver",
    create="create_resolver_query_log_config",
    id=recorded_id("rqlc", "name"),
    constants=_REQUEST,
    attributes={
        "arn": arn("route53resolver", "resolver-query-log-config/{id}"),
        "ownerId": template("{account}"),
        "shareStatus": constant("NOT_SHARED"),
    },
    replace="destinationArn name",
    autoname=Autoname("name", longest=64),
    rules={"destinationArn": rules.arn},
    stored_only=True,
)

_LOG_ASSOCIATION = ResourceType(
    token="aws:route53/resolverQueryLogConfigAssociation:ResolverQueryLogConfigAssociation",
    service="route53resolver",
    create="associate_resolver_query_log_config",
    id=template("{resolverQueryLogConfigId},{resourceId}"),
    replace="resolverQueryLogConfigId resourceId",
    references={"resourceId": references.VPC},
    stored_only=True,
)

_CONFIG = ResourceType(
    token="aws:route53/resolverFirewallConfig:ResolverFirewallConfig",
    service="route53resolver",
    create="update_firewall_config",
    id=template("rslvr-fc-{resourceId}"),
    attributes={"ownerId": template("{account}")},
    replace="resourceId",
    references={"resourceId": references.VPC},
    stored_only=True,
)

TYPES = (_CONFIG, _DOMAINS, _GROUP, _RULE, _ASSOCIATION, _LOG, _LOG_ASSOCIATION)
