"""API rate limiting: public load balancers have a web ACL that blocks an address with too many requests.

The guide's nginx allows an address 10 requests a second with bursts of 20: 620 in a minute, which is the shortest
window of AWS WAF's rate-based rules. A stricter limit satisfies the rule too.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Level, Problem, RuleSeverity, Scope, Setting, rule

DEFAULT_WINDOW_SECONDS: Final = 300
"""AWS WAF's default evaluation window."""
MINUTE_SECONDS: Final = 60
RATE_STATEMENT: Final = "statement.rateBasedStatement"
MANAGED: Final = "statement.managedRuleGroupStatement"
BLOCKING_GROUPS: Final = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")
"""Groups of AWS's rules with few false positives."""
COUNTING_GROUPS: Final = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet")
"""Groups that need to count first."""
MOST_PAID_MESSAGES: Final = 50
"""Requests of one address for a paid message in five minutes."""
LOWER_CASE: Final = "LOWERCASE"
UNAVAILABLE: Final = 503
CREDENTIAL_HEADERS: Final = ("authorization", "cookie")
WAF_GUIDE: Final = "https://docs.aws.amazon.com/waf/latest/developerguide"


@rule(
    "load-balancer-web-acl-is-associated",
    item=ChecklistItem.RATE_LIMITING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LOAD_BALANCER],
    scope=Scope.STACK,
    applies_to=aws.is_public_application_load_balancer,
    security_hub=["ELB.16"],
    remediation="Declare a wafv2.WebAclAssociation with this load balancer's ARN as resource_arn.",
)
def web_acl_is_associated(balancer: StackResource, context: Context) -> Iterator[Problem]:
    """Public load balancers have a web ACL."""
    if not context.stack.has_referrer(balancer, aws.WEB_ACL_ASSOCIATION, "resourceArn"):
        yield "has no web ACL: requests are not rate limited"


@rule(
    "waf-rate-limit-is-enforced",
    item=ChecklistItem.RATE_LIMITING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.WEB_ACL],
    scope=Scope.STACK,
    security_hub=["WAF.10"],
    remediation='Lower requests_per_second or burst in `fixrx:web_acl`, and leave its action at "block".',
    settings={
        "requests_per_minute": Setting(
            default=620, minimum=10, maximum=100_000, description="Most requests of one address in a minute"
        ),
        "cdn_requests_per_minute": Setting(
            default=6000, minimum=10, maximum=100_000, description="The same for static files, of which a page has many"
        ),
    },
)
def rate_limit_is_enforced(acl: StackResource, context: Context) -> Iterator[Problem]:
    """Web ACLs block an address that exceeds the guide's rate limit, and those of a CDN ten times as much."""
    of_cdn = acl.get("scope") == "CLOUDFRONT"
    allowed = context.settings["cdn_requests_per_minute" if of_cdn else "requests_per_minute"]
    limits = [
        limit
        for each in _rules_of(acl, context)
        if each.is_set(RATE_STATEMENT) and _blocks(each)
        for limit in [_requests_per_minute(each)]
        if limit is not None
    ]
    if not limits:
        context.stack.require_known_referrers(acl, aws.WEB_ACL_RULE, "webAclArn")
        yield "has no rule that blocks an address with too many requests: one client can exhaust the API"
    elif min(limits) > allowed:
        yield (
            f"allows one address {min(limits):.0f} requests a minute; {allowed} are the most: "
            f"{'one client can run up the bill' if of_cdn else 'passwords and SMS codes can be tried too fast'}"
        )


def _rules_of(acl: StackResource, context: Context) -> Sequence[StackResource]:
    return [*acl.items("rules"), *context.stack.referrers(acl, aws.WEB_ACL_RULE, "webAclArn")]


def _blocks(each: StackResource) -> bool:
    return each.get("action.block") is not None


def _requests_per_minute(each: StackResource) -> float | None:
    """Return the rate limit of one address, or None where the rule counts something else or only some requests."""
    if (each.get(f"{RATE_STATEMENT}.aggregateKeyType") or "IP") not in ("IP", "FORWARDED_IP"):
        return None
    if each.is_set(f"{RATE_STATEMENT}.scopeDownStatement"):
        return None
    window = each.number(f"{RATE_STATEMENT}.evaluationWindowSec") or DEFAULT_WINDOW_SECONDS
    limit = each.number(f"{RATE_STATEMENT}.limit")
    return None if limit is None else float(limit * MINUTE_SECONDS / window)


@rule(
    "waf-managed-groups-are-used",
    item=ChecklistItem.FIREWALL,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.WEB_ACL],
    scope=Scope.STACK,
    documentation=f"{WAF_GUIDE}/aws-managed-rule-groups-list.html",
    remediation="Keep the groups of components/web_acl.py; `block_managed` in `fixrx:web_acl` says which block.",
)
def managed_groups_are_used(acl: StackResource, context: Context) -> Iterator[Problem]:
    """Web ACLs have AWS's groups against known attackers and known exploits, which block, and those that count."""
    managed = {
        str(each.get(f"{MANAGED}.name")): each.get("overrideAction.none") is not None
        for each in _rules_of(acl, context)
        if each.is_set(MANAGED)
    }
    missing = [group for group in (*BLOCKING_GROUPS, *COUNTING_GROUPS) if group not in managed]
    if missing:
        context.stack.require_known_referrers(acl, aws.WEB_ACL_RULE, "webAclArn")
        yield f"lacks {comma_separated(missing)}: exploits that AWS knows reach the API, and nobody sees them"
    counting = [group for group in BLOCKING_GROUPS if managed.get(group) is False]
    if counting:
        yield f"only counts what {comma_separated(counting)} finds"


@rule(
    "waf-paid-messages-are-limited",
    item=ChecklistItem.RATE_LIMITING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.WEB_ACL],
    scope=Scope.STACK,
    applies_to=lambda acl: acl.get("scope") == "REGIONAL",
    documentation=f"{WAF_GUIDE}/waf-rule-statement-type-rate-based.html",
    remediation="Keep `message_paths` and `message_requests` in `fixrx:web_acl`, and its action at block.",
)
def paid_messages_are_limited(acl: StackResource, context: Context) -> Iterator[Problem]:
    """Web ACLs limit how often an address may ask for a message that costs money, however the path is written."""
    narrowed = f"{RATE_STATEMENT}.scopeDownStatement.regexMatchStatement"
    for each in _rules_of(acl, context):
        if not (each.is_set(narrowed) and _blocks(each)) or each.get(f"{RATE_STATEMENT}.aggregateKeyType") != "IP":
            continue
        seconds = each.number(f"{RATE_STATEMENT}.evaluationWindowSec") or DEFAULT_WINDOW_SECONDS
        limit = each.number(f"{RATE_STATEMENT}.limit")
        changes = {one.get("type") for one in each.items(f"{narrowed}.textTransformations")}
        if limit is not None and limit * 300 / seconds <= MOST_PAID_MESSAGES and LOWER_CASE in changes:
            return
    context.stack.require_known_referrers(acl, aws.WEB_ACL_RULE, "webAclArn")
    yield "does not limit requests for codes by SMS: somebody who has them sent to his own numbers is paid by FixRx"


@rule(
    "waf-maintenance-is-off",
    item=ChecklistItem.AVAILABILITY,
    severity=RuleSeverity.HIGH,
    level=Level.ADVISORY,
    resource_types=[aws.WEB_ACL, aws.WEB_ACL_RULE],
    documentation=f"{WAF_GUIDE}/waf-custom-request-response.html",
    remediation="Set `enabled: false` in `fixrx:maintenance` as soon as the maintenance is over.",
)
def maintenance_is_off(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Web ACLs do not answer with 503 in place of the API."""
    rules = resource.items("rules") if resource.type == aws.WEB_ACL else (resource,)
    if any(each.number("action.block.customResponse.responseCode") == UNAVAILABLE for each in rules):
        yield "answers users with 503 in place of the API"


@rule(
    "waf-logging-enabled",
    item=ChecklistItem.RATE_LIMITING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.WEB_ACL],
    scope=Scope.STACK,
    security_hub=["WAF.11"],
    remediation="Declare a wafv2.WebAclLoggingConfiguration with this web ACL's ARN as resource_arn.",
)
def logging_enabled(acl: StackResource, context: Context) -> Iterator[Problem]:
    """Web ACLs log their decisions."""
    if not context.stack.has_referrer(acl, aws.WEB_ACL_LOGGING, "resourceArn"):
        yield "has no logging configuration: blocked requests cannot be explained"


@rule(
    "waf-log-credentials-are-redacted",
    item=ChecklistItem.RATE_LIMITING,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.WEB_ACL_LOGGING],
    documentation=f"{WAF_GUIDE}/logging-fields.html",
    remediation="Name `authorization` and `cookie` under redacted_fields (single_header).",
)
def log_credentials_are_redacted(logging: StackResource, _: Context) -> Iterator[Problem]:
    """Logs of web ACLs do not contain the header fields with credentials."""
    redacted = {str(field.get("singleHeader.name")).lower() for field in logging.items("redactedFields")}
    missing = [header for header in CREDENTIAL_HEADERS if header not in redacted]
    if missing:
        yield f"logs the header fields {' and '.join(missing)}: everyone with access to the log can sign in as a user"


@rule(
    "waf-metrics-enabled",
    item=ChecklistItem.RATE_LIMITING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.WEB_ACL, aws.WEB_ACL_RULE],
    security_hub=["WAF.12"],
    remediation="Set cloudwatch_metrics_enabled=True in visibility_config.",
)
def metrics_enabled(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Web ACLs and their rules publish CloudWatch metrics."""
    rules = resource.items("rules") if resource.type == aws.WEB_ACL else ()
    for owner in [resource, *rules]:
        if owner.get("visibilityConfig.cloudwatchMetricsEnabled") is not True:
            yield "publishes no CloudWatch metrics: blocked requests are not visible"


@rule(
    "load-balancer-waf-fail-open-disabled",
    item=ChecklistItem.RATE_LIMITING,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.LOAD_BALANCER],
    applies_to=aws.is_public_application_load_balancer,
    documentation=f"{WAF_GUIDE}/waf-chapter.html",
    remediation="Remove enable_waf_fail_open.",
)
def waf_fail_open_disabled(balancer: StackResource, _: Context) -> Iterator[Problem]:
    """Load balancers refuse requests while AWS WAF is unavailable."""
    if balancer.get("enableWafFailOpen") is True:
        yield "forwards every request while AWS WAF is unavailable (WAF fail open)"
