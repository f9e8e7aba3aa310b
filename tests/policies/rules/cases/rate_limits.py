"""What breaks the rules of `policies.rules.rate_limits`."""

from tests.policies.changes import Case, both, put, remove

CASES = (
    Case(
        "load-balancer-web-acl-is-associated",
        "balancer",
        remove("acl-association"),
        ("acl-association", "resourceArn"),
    ),
    Case(
        "waf-rate-limit-is-enforced",
        "acl",
        put("rate-limit", "statement.rateBasedStatement.limit", 621),
        ("rate-limit", "statement.rateBasedStatement.limit"),
    ),
    Case(
        "waf-rate-limit-is-enforced",
        "acl",
        put("rate-limit", "action", {"count": {}}),
        ("rate-limit", "webAclArn"),
    ),
    Case("waf-rate-limit-is-enforced", "acl", remove("rate-limit"), None),
    Case(
        "waf-rate-limit-is-enforced",
        "acl",
        both(put("acl", "scope", "CLOUDFRONT"), put("rate-limit", "statement.rateBasedStatement.limit", 6001)),
        None,
    ),
    Case(
        "waf-rate-limit-is-enforced",
        "acl",
        put("rate-limit", "statement.rateBasedStatement.aggregateKeyType", "CONSTANT"),
        None,
    ),
    Case(
        "waf-rate-limit-is-enforced",
        "acl",
        put("rate-limit", "statement.rateBasedStatement.scopeDownStatement", {"geoMatchStatement": {}}),
        None,
    ),
    Case("waf-managed-groups-are-used", "acl", remove("SQLiRuleSet"), ("KnownBadInputsRuleSet", "webAclArn")),
    Case("waf-managed-groups-are-used", "acl", put("KnownBadInputsRuleSet", "overrideAction", {"count": {}}), None),
    Case("waf-paid-messages-are-limited", "acl", remove("paid-messages"), ("paid-messages", "webAclArn")),
    Case(
        "waf-paid-messages-are-limited",
        "acl",
        put("paid-messages", "statement.rateBasedStatement.limit", 1000),
        None,
    ),
    Case("waf-paid-messages-are-limited", "acl", put("paid-messages", "action", {"count": {}}), None),
    Case(
        "waf-maintenance-is-off",
        "rate-limit",
        put("rate-limit", "action", {"block": {"customResponse": {"responseCode": 503}}}),
        ("rate-limit", "action"),
    ),
    Case(
        "waf-maintenance-is-off",
        "acl",
        put("acl", "rules", [{"name": "m", "action": {"block": {"customResponse": {"responseCode": 503}}}}]),
        None,
        also=(("waf-metrics-enabled", "acl"),),
    ),
    Case("waf-logging-enabled", "acl", remove("acl-log"), ("acl-log", "resourceArn")),
    Case(
        "waf-log-credentials-are-redacted",
        "acl-log",
        put("acl-log", "redactedFields", [{"singleHeader": {"name": "cookie"}}]),
        ("acl-log", "redactedFields"),
    ),
    Case(
        "waf-metrics-enabled",
        "rate-limit",
        put("rate-limit", "visibilityConfig.cloudwatchMetricsEnabled", False),
        ("rate-limit", "visibilityConfig"),
    ),
    Case(
        "load-balancer-waf-fail-open-disabled",
        "balancer",
        put("balancer", "enableWafFailOpen", True),
        ("balancer", "enableWafFailOpen"),
    ),
)
