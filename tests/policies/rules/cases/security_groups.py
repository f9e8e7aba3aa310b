"""What breaks the rules of `policies.rules.security_groups`."""

from tests.policies.changes import Case, add, both, drop, put, remove
from tests.policies.exported import Reference, tags

CASES = (
    Case(
        "security-group-public-ports-are-restricted",
        "web-443",
        both(put("web-443", "fromPort", 8080), put("web-443", "toPort", 8080)),
        ("web-443", "fromPort"),
    ),
    Case(
        "security-group-public-ports-are-restricted",
        "web-443",
        both(put("web-443", "cidrIpv4", "128.0.0.0/1"), put("web-443", "toPort", 444)),
        None,
    ),
    Case(
        "security-group-public-ports-are-restricted",
        "web-443",
        put("web-443", "ipProtocol", "-1"),
        None,
        also=(("admin-remote-login-is-not-public", "web-443"),),
    ),
    Case(
        "security-group-public-ports-are-restricted",
        "web-443",
        both(
            put("web-443", "ipProtocol", "icmp"),
            both(put("web-443", "fromPort", 8), put("web-443", "toPort", 0)),
        ),
        None,
    ),
    Case(
        "security-group-public-ingress-is-load-balancer-only",
        "app-from-alb",
        both(
            drop("app-from-alb", "referencedSecurityGroupId"),
            put("app-from-alb", "cidrIpv6", "::/0"),
            put("app-from-alb", "fromPort", 443),
            put("app-from-alb", "toPort", 443),
        ),
        ("web-443", "securityGroupId"),
        also=(
            ("database-ingress-sources-are-not-public", "db-from-app"),
            ("database-ingress-sources-are-not-public", "redis-from-app"),
        ),
    ),
    Case(
        "security-group-egress-ports-are-restricted",
        "app-to-internet",
        put("app-to-internet", "ipProtocol", "-1"),
        ("app-to-internet", "cidrIpv4"),
    ),
    Case(
        "security-group-egress-ports-are-restricted",
        "app-to-internet",
        both(put("app-to-internet", "cidrIpv4", "10.0.0.0/16"), put("app-to-internet", "toPort", 1000)),
        None,
    ),
    Case(
        "security-group-ingress-ports-are-restricted",
        "app-from-alb",
        put("app-from-alb", "toPort", 3200),
        ("app-from-alb", "toPort"),
    ),
    Case(
        "security-group-egress-ports-are-restricted",
        "app-to-internet",
        both(put("app-to-internet", "fromPort", 0), put("app-to-internet", "toPort", 80)),
        None,
    ),
    Case(
        "security-group-assignment-is-explicit",
        "template",
        drop("template", "vpcSecurityGroupIds"),
        ("template", "vpcSecurityGroupIds"),
    ),
    Case(
        "security-group-assignment-is-explicit",
        "balancer",
        both(
            put("balancer", "securityGroups", []),
            put("web-80", "securityGroupId", "elsewhere"),
            put("web-443", "securityGroupId", "elsewhere"),
        ),
        None,
    ),
    Case(
        "security-group-rules-are-separate-resources",
        "app-group",
        put(
            "app-group",
            "ingress",
            [{"protocol": "tcp", "fromPort": 3000, "toPort": 3000, "cidrBlocks": ["10.0.0.0/16"]}],
        ),
        ("app-group", "egress"),
    ),
    Case(
        "security-group-rules-are-exclusive",
        "db-group",
        remove("db-exclusive"),
        ("db-exclusive", "securityGroupId"),
    ),
    Case(
        "security-group-descriptions-are-set",
        "app-group",
        drop("app-group", "description"),
        ("app-group", "description"),
    ),
    Case(
        "security-group-descriptions-are-set",
        "app-group",
        put("app-group", "description", "Managed by Pulumi"),
        None,
    ),
    Case(
        "security-group-default-is-empty",
        "default",
        put("default", "ingress", [{"protocol": "-1", "self": True, "fromPort": 0, "toPort": 0}]),
        ("default", "ingress"),
    ),
    Case(
        "security-group-default-is-empty",
        "default",
        add(
            "aws:vpc/securityGroupIngressRule",
            "from-app",
            {
                "securityGroupId": Reference("default", "id"),
                "referencedSecurityGroupId": Reference("app-group", "id"),
                "ipProtocol": "tcp",
                "fromPort": 3000,
                "toPort": 3000,
                "description": "From the servers",
                "tags": tags("from-app"),
            },
        ),
        None,
    ),
    Case("security-group-default-is-managed", "vpc", remove("default"), ("default", "vpcId")),
)
