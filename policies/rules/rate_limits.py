"""API rate limiting: every public load balancer stands behind a web ACL that blocks an address which asks too often.

The guide's nginx lets an address make 10 requests a second with bursts of 20: 620 in any minute, the shortest window
over which AWS WAF counts. A stricter limit is always welcome.
"""

from collections.abc import Iterator, Sequence

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_have, must_not_be
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope, Setting

LOAD_BALANCER = "aws:lb/loadBalancer"
WEB_ACL = "aws:wafv2/webAcl"
WEB_ACL_RULE = "aws:wafv2/webAclRule"
ASSOCIATION = "aws:wafv2/webAclAssociation"
LOGGING = "aws:wafv2/webAclLoggingConfiguration"
DEFAULT_WINDOW_SECONDS = 300
"""AWS WAF's own, where a rule does not say."""
MINUTE_SECONDS = 60
CREDENTIAL_HEADERS = ("authorization", "cookie")
WAF_GUIDE = "https://docs.aws.amazon.com/waf/latest/developerguide"


def is_public_application_load_balancer(load_balancer: StackResource) -> bool:
    """Tell whether the internet sends HTTP requests to this load balancer."""
    kind = load_balancer.get("loadBalancerType") or "application"
    return bool(kind == "application" and load_balancer.get("internal") is not True)


def _limits_requests_per_address(acl: StackResource, context: Context) -> Iterator[Problem]:
    allowed = context.settings["requests_per_minute"]
    limits = [
        limit
        for rule in _rules_of(acl, context)
        if rule.is_set("statement.rateBasedStatement") and _blocks(rule)
        for limit in [_requests_per_minute(rule)]
        if limit is not None
    ]
    if not limits:
        context.stack.require_known_referrers(acl, WEB_ACL_RULE, "webAclArn")
        yield "blocks no address that asks too often: one client can use up the API and the SMS budget"
    elif min(limits) > allowed:
        yield (
            f"lets one address make {min(limits):.0f} requests a minute, and the guide's limit admits {allowed}: "
            "passwords and SMS codes can be tried faster than planned"
        )


def _rules_of(acl: StackResource, context: Context) -> Sequence[StackResource]:
    return [*acl.items("rules"), *context.stack.referrers(acl, WEB_ACL_RULE, "webAclArn")]


def _blocks(rule: StackResource) -> bool:
    return rule.get("action.block") is not None


def _requests_per_minute(rule: StackResource) -> float | None:
    """Return what a rate rule admits from one address, or None where it counts something else or only some requests."""
    statement = "statement.rateBasedStatement"
    if (rule.get(f"{statement}.aggregateKeyType") or "IP") not in ("IP", "FORWARDED_IP"):
        return None
    if rule.is_set(f"{statement}.scopeDownStatement"):
        return None
    window = rule.get(f"{statement}.evaluationWindowSec") or DEFAULT_WINDOW_SECONDS
    return float(rule.get(f"{statement}.limit") * MINUTE_SECONDS / window)


def _keeps_credentials_out_of_logs(logging: StackResource, _: Context) -> Iterator[Problem]:
    redacted = {str(field.get("singleHeader.name")).lower() for field in logging.items("redactedFields")}
    missing = [header for header in CREDENTIAL_HEADERS if header not in redacted]
    if missing:
        yield f"writes the headers {' and '.join(missing)} into its log: whoever reads the log can sign in as a user"


def _metrics(resource: StackResource, _: Context) -> Iterator[Problem]:
    for owner in [resource, *resource.items("rules")]:
        if owner.get("visibilityConfig.cloudwatchMetricsEnabled") is not True:
            yield "has no metrics: nobody sees whom it blocks"


RULES = (
    Rule(
        name="load-balancer-web-acl-is-associated",
        description="Every public load balancer stands behind a web ACL.",
        item=ChecklistItem.RATE_LIMITING,
        severity=RuleSeverity.HIGH,
        security_hub=("ELB.16",),
        scope=Scope.STACK,
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=is_public_application_load_balancer,
        check=must_have(ASSOCIATION, "resourceArn", "has no web ACL: nothing slows down an attacker"),
        remediation="Declare a wafv2.WebAclAssociation with this load balancer's ARN as resource_arn.",
    ),
    Rule(
        name="waf-rate-limit-is-enforced",
        description="The web ACL blocks an address that asks more often than the guide's limit admits.",
        item=ChecklistItem.RATE_LIMITING,
        severity=RuleSeverity.HIGH,
        security_hub=("WAF.10",),
        scope=Scope.STACK,
        resource_types=frozenset({WEB_ACL}),
        check=_limits_requests_per_address,
        remediation='Lower requests_per_second or burst in `fixrx:firewall`, and leave its action at "block".',
        settings={
            "requests_per_minute": Setting(
                default=620,
                minimum=10,
                maximum=100_000,
                description="Most requests that one address may make in a minute",
            )
        },
    ),
    Rule(
        name="waf-logging-enabled",
        description="Every web ACL logs what it decides.",
        item=ChecklistItem.RATE_LIMITING,
        severity=RuleSeverity.MEDIUM,
        security_hub=("WAF.11",),
        scope=Scope.STACK,
        resource_types=frozenset({WEB_ACL}),
        check=must_have(LOGGING, "resourceArn", "keeps no log: a blocked user cannot be told why"),
        remediation="Declare a wafv2.WebAclLoggingConfiguration with this web ACL's ARN as resource_arn.",
    ),
    Rule(
        name="waf-log-credentials-are-redacted",
        description="The web ACL's log leaves out the headers that carry credentials.",
        item=ChecklistItem.RATE_LIMITING,
        severity=RuleSeverity.HIGH,
        documentation=f"{WAF_GUIDE}/logging-fields.html",
        resource_types=frozenset({LOGGING}),
        check=_keeps_credentials_out_of_logs,
        remediation="Name `authorization` and `cookie` under redacted_fields (single_header).",
    ),
    Rule(
        name="waf-metrics-enabled",
        description="Web ACLs and their rules publish metrics.",
        item=ChecklistItem.RATE_LIMITING,
        severity=RuleSeverity.LOW,
        security_hub=("WAF.12",),
        resource_types=frozenset({WEB_ACL, WEB_ACL_RULE}),
        check=_metrics,
        remediation="Set cloudwatch_metrics_enabled=True in visibility_config.",
    ),
    Rule(
        name="load-balancer-waf-fail-open-disabled",
        description="When the web ACL cannot be asked, requests are refused.",
        item=ChecklistItem.RATE_LIMITING,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{WAF_GUIDE}/waf-chapter.html",
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=is_public_application_load_balancer,
        check=must_not_be("enableWafFailOpen", True, "lets every request through when the web ACL does not answer"),
        remediation="Remove enable_waf_fail_open.",
    ),
)
