"""What breaks the rules of `policies.rules.database_access`."""

from tests.policies.changes import Case, both, drop, put, refer

CASES = (
    Case(
        "rds-public-access-disabled",
        "primary",
        put("primary", "publiclyAccessible", True),
        ("primary", "publiclyAccessible"),
    ),
    Case(
        "rds-security-groups-are-set",
        "replica",
        drop("replica", "vpcSecurityGroupIds"),
        ("replica", "vpcSecurityGroupIds"),
    ),
    Case(
        "elasticache-security-groups-are-set",
        "cache",
        drop("cache", "securityGroupIds"),
        ("cache", "securityGroupIds"),
    ),
    Case(
        "database-ingress-sources-are-security-groups",
        "redis-from-app",
        both(drop("redis-from-app", "referencedSecurityGroupId"), put("redis-from-app", "cidrIpv4", "10.0.0.0/16")),
        ("redis-from-app", "cidrIpv4"),
    ),
    Case(
        "database-ingress-port-is-single",
        "redis-from-app",
        put("redis-from-app", "toPort", 6380),
        ("redis-from-app", "toPort"),
    ),
    Case(
        "database-ingress-sources-are-not-public",
        "redis-from-app",
        refer("redis-from-app", "referencedSecurityGroupId", "alb-group"),
        ("redis-from-app", "referencedSecurityGroupId"),
    ),
    Case(
        "rds-subnet-group-is-set",
        "primary",
        drop("primary", "dbSubnetGroupName"),
        ("primary", "dbSubnetGroupName"),
    ),
    Case("elasticache-subnet-group-is-set", "cache", drop("cache", "subnetGroupName"), ("cache", "subnetGroupName")),
    Case(
        "rds-iam-authentication-enabled",
        "primary",
        drop("primary", "iamDatabaseAuthenticationEnabled"),
        ("primary", "iamDatabaseAuthenticationEnabled"),
    ),
    Case(
        "rds-master-username-is-not-default",
        "primary",
        put("primary", "username", "postgres"),
        ("primary", "username"),
    ),
    Case("elasticache-authentication-enabled", "cache", drop("cache", "authToken"), ("cache", "authToken")),
    Case(
        "elasticache-users-have-passwords",
        "cache-user",
        put("cache-user", "authenticationMode", {"type": "no-password-required"}),
        ("cache-user", "authenticationMode.type"),
    ),
    Case("elasticache-users-have-passwords", "cache-user", put("cache-user", "noPasswordRequired", True), None),
    Case("elasticache-users-have-passwords", "cache-user", drop("cache-user", "authenticationMode"), None),
)
