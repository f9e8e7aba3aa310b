"""API rate limiting: public load balancers have a web ACL that blocks an address with too many requests.

The guide's nginx allows an address 10 requests a second with bursts of 20: 620 in a minute, which is the shortest
window of AWS WAF's rate-based rules. A stricter limit satisfies the rule too.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, Setting, rule

DEFAULT_WINDOW_SECONDS: Final = 300
"""AWS WAF's default evaluation window."""
MINUTE_SECONDS: Final = 60
RATE_STATEMENT: Final = "statement.rateBasedStatement"
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
        )
    },
)
def rate_limit_is_enforced(acl: StackResource, context: Context) -> Iterator[Problem]:
    """Web ACLs block an address that exceeds the guide's rate limit."""
    allowed = context.settings["requests_per_minute"]
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
            f"allows one address {min(limits):.0f} requests a minute; the guide allows {allowed}: passwords and SMS "
            "codes can be tried too fast"
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
