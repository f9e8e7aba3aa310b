"""For every rule: how the good platform is broken so that this rule finds it, and a value whose lack leaves it open."""

from tests.policies.changes import Case, add, both, drop, granting, put, refer, remove, session, trusting, unprotect
from tests.policies.exported import Reference, arn, document, encoded, tags
from tests.policies.platform import GIB, MAKE_ROLES, PASS_ROLES, TLS_ONLY, workflow_trust

FIREWALL = (
    Case(
        "firewall-internet-reaches-web-ports-only",
        "web-443",
        both(put("web-443", "fromPort", 8080), put("web-443", "toPort", 8080)),
        ("web-443", "fromPort"),
    ),
    Case(
        "firewall-internet-reaches-web-ports-only",
        "web-443",
        both(put("web-443", "cidrIpv4", "128.0.0.0/1"), put("web-443", "toPort", 444)),
        None,
    ),
    Case(
        "firewall-internet-reaches-web-ports-only",
        "web-443",
        put("web-443", "ipProtocol", "-1"),
        None,
        also=(("admin-no-remote-login-from-the-internet", "web-443"),),
    ),
    Case(
        "firewall-internet-meets-load-balancer-first",
        "app-from-alb",
        both(
            drop("app-from-alb", "referencedSecurityGroupId"),
            put("app-from-alb", "cidrIpv6", "::/0"),
            put("app-from-alb", "fromPort", 443),
            put("app-from-alb", "toPort", 443),
        ),
        ("web-443", "securityGroupId"),
        also=(
            ("database-is-not-reached-from-the-edge", "db-from-app"),
            ("database-is-not-reached-from-the-edge", "redis-from-app"),
        ),
    ),
    Case(
        "firewall-egress-is-narrow",
        "app-to-internet",
        put("app-to-internet", "ipProtocol", "-1"),
        ("app-to-internet", "cidrIpv4"),
    ),
    Case(
        "firewall-egress-is-narrow",
        "app-to-internet",
        both(put("app-to-internet", "cidrIpv4", "10.0.0.0/16"), put("app-to-internet", "toPort", 1000)),
        None,
    ),
    Case(
        "firewall-ingress-is-narrow",
        "app-from-alb",
        put("app-from-alb", "toPort", 3200),
        ("app-from-alb", "toPort"),
    ),
    Case(
        "firewall-members-name-their-groups",
        "template",
        drop("template", "vpcSecurityGroupIds"),
        ("template", "vpcSecurityGroupIds"),
    ),
    Case(
        "firewall-members-name-their-groups",
        "balancer",
        both(
            put("balancer", "securityGroups", []),
            put("web-80", "securityGroupId", "elsewhere"),
            put("web-443", "securityGroupId", "elsewhere"),
        ),
        None,
    ),
    Case(
        "firewall-rules-are-separate-resources",
        "app-group",
        put(
            "app-group",
            "ingress",
            [{"protocol": "tcp", "fromPort": 3000, "toPort": 3000, "cidrBlocks": ["10.0.0.0/16"]}],
        ),
        ("app-group", "egress"),
    ),
    Case(
        "firewall-groups-refuse-other-rules",
        "db-group",
        remove("db-exclusive"),
        ("db-exclusive", "securityGroupId"),
    ),
    Case("firewall-rules-are-described", "app-group", drop("app-group", "description"), ("app-group", "description")),
    Case(
        "firewall-rules-are-described",
        "app-group",
        put("app-group", "description", "Managed by Pulumi"),
        None,
    ),
    Case(
        "firewall-default-group-is-empty",
        "default",
        put("default", "ingress", [{"protocol": "-1", "self": True, "fromPort": 0, "toPort": 0}]),
        ("default", "ingress"),
    ),
    Case("firewall-default-group-is-adopted", "vpc", remove("default"), ("default", "vpcId")),
    Case(
        "firewall-network-acl-refuses-remote-login",
        "public-acl",
        put("public-acl", "ingress.0.action", "allow"),
        ("public-acl", "ingress"),
    ),
    Case("firewall-flow-log-records-everything", "vpc", remove("flow-log"), ("flow-log", "vpcId")),
    Case("firewall-flow-log-records-everything", "vpc", put("flow-log", "trafficType", "REJECT"), None),
    Case(
        "firewall-subnets-hand-out-no-public-addresses",
        "app-a",
        put("app-a", "mapPublicIpOnLaunch", True),
        ("app-a", "mapPublicIpOnLaunch"),
    ),
    Case(
        "firewall-subnets-hand-out-no-public-addresses",
        "app-b",
        put("app-b", "assignIpv6AddressOnCreation", True),
        None,
    ),
    Case(
        "firewall-private-subnets-stay-private",
        "data-table",
        add(
            "aws:ec2/route",
            "leak",
            {"routeTableId": Reference("data-table", "id"), "gatewayId": Reference("gateway", "id")},
        ),
        ("public-internet", "routeTableId"),
        also=(("firewall-private-subnets-stay-private", "data-table"),) * 2,
    ),
)

ADMIN_ACCESS = (
    Case(
        "admin-no-remote-login-from-the-internet",
        "web-443",
        both(put("web-443", "fromPort", 22), put("web-443", "toPort", 22)),
        ("web-443", "cidrIpv4"),
    ),
    Case(
        "admin-no-remote-login-from-the-internet",
        "web-443",
        both(put("web-443", "fromPort", 3389), put("web-443", "toPort", 3389)),
        None,
    ),
    Case(
        "admin-no-ssh-port",
        "office",
        add(
            "aws:vpc/securityGroupIngressRule",
            "office",
            {
                "securityGroupId": Reference("app-group", "id"),
                "ipProtocol": "tcp",
                "fromPort": 22,
                "toPort": 22,
                "cidrIpv4": "203.0.113.0/24",
                "description": "Office",
                "tags": tags("office"),
            },
        ),
        ("web-443", "ipProtocol"),
    ),
    Case(
        "admin-session-manager-reaches-servers",
        "template",
        remove("session-manager"),
        ("session-manager", "role"),
    ),
    Case(
        "admin-sessions-are-recorded",
        "session",
        put("session", "content", session(cloudWatchLogGroupName="")),
        ("session", "content"),
    ),
    Case(
        "admin-sessions-are-recorded",
        "session",
        put("session", "content", session(cloudWatchEncryptionEnabled=False)),
        None,
    ),
    Case(
        "admin-sessions-end",
        "session",
        put("session", "content", session(idleSessionTimeout="")),
        ("session", "content"),
    ),
    Case("admin-session-document-exists", "template", remove("session"), ("session", "documentType")),
    Case(
        "admin-documents-are-private",
        "session",
        put("session", "permissions", {"type": "Share", "accountIds": "All"}),
        ("session", "permissions"),
    ),
    Case("admin-no-key-pair", "template", put("template", "keyName", "laptop"), ("template", "keyName")),
    Case(
        "admin-no-password-login",
        "template",
        put("template", "userData", encoded("echo 'PasswordAuthentication yes' >> /etc/ssh/sshd_config\n")),
        ("template", "userData"),
    ),
)

DATABASE_ACCESS = (
    Case(
        "database-is-not-public",
        "primary",
        put("primary", "publiclyAccessible", True),
        ("primary", "publiclyAccessible"),
    ),
    Case(
        "database-names-its-security-groups",
        "replica",
        drop("replica", "vpcSecurityGroupIds"),
        ("replica", "vpcSecurityGroupIds"),
    ),
    Case(
        "cache-names-its-security-groups",
        "cache",
        drop("cache", "securityGroupIds"),
        ("cache", "securityGroupIds"),
    ),
    Case(
        "database-is-reached-by-group",
        "redis-from-app",
        both(drop("redis-from-app", "referencedSecurityGroupId"), put("redis-from-app", "cidrIpv4", "10.0.0.0/16")),
        ("redis-from-app", "cidrIpv4"),
    ),
    Case(
        "database-is-reached-on-one-port",
        "redis-from-app",
        put("redis-from-app", "toPort", 6380),
        ("redis-from-app", "toPort"),
    ),
    Case(
        "database-is-not-reached-from-the-edge",
        "redis-from-app",
        refer("redis-from-app", "referencedSecurityGroupId", "alb-group"),
        ("redis-from-app", "referencedSecurityGroupId"),
    ),
    Case(
        "database-has-its-own-subnet-group",
        "primary",
        drop("primary", "dbSubnetGroupName"),
        ("primary", "dbSubnetGroupName"),
    ),
    Case("cache-has-its-own-subnet-group", "cache", drop("cache", "subnetGroupName"), ("cache", "subnetGroupName")),
    Case(
        "database-knows-iam-identities",
        "primary",
        drop("primary", "iamDatabaseAuthenticationEnabled"),
        ("primary", "iamDatabaseAuthenticationEnabled"),
    ),
    Case(
        "database-has-its-own-administrator",
        "primary",
        put("primary", "username", "postgres"),
        ("primary", "username"),
    ),
    Case("cache-asks-who-connects", "cache", drop("cache", "authToken"), ("cache", "authToken")),
)

RATE_LIMITS = (
    Case(
        "rate-limit-guards-every-load-balancer",
        "balancer",
        remove("acl-association"),
        ("acl-association", "resourceArn"),
    ),
    Case(
        "rate-limit-is-within-budget",
        "acl",
        put("rate-limit", "statement.rateBasedStatement.limit", 621),
        ("rate-limit", "statement.rateBasedStatement.limit"),
    ),
    Case(
        "rate-limit-is-within-budget",
        "acl",
        put("rate-limit", "action", {"count": {}}),
        ("rate-limit", "webAclArn"),
    ),
    Case("rate-limit-is-within-budget", "acl", remove("rate-limit"), None),
    Case(
        "rate-limit-is-within-budget",
        "acl",
        put("rate-limit", "statement.rateBasedStatement.aggregateKeyType", "CONSTANT"),
        None,
    ),
    Case(
        "rate-limit-is-within-budget",
        "acl",
        put("rate-limit", "statement.rateBasedStatement.scopeDownStatement", {"geoMatchStatement": {}}),
        None,
    ),
    Case("rate-limit-log-is-kept", "acl", remove("acl-log"), ("acl-log", "resourceArn")),
    Case(
        "rate-limit-log-holds-no-credentials",
        "acl-log",
        put("acl-log", "redactedFields", [{"singleHeader": {"name": "cookie"}}]),
        ("acl-log", "redactedFields"),
    ),
    Case(
        "rate-limit-rules-are-measured",
        "rate-limit",
        put("rate-limit", "visibilityConfig.cloudwatchMetricsEnabled", False),
        ("rate-limit", "visibilityConfig"),
    ),
    Case(
        "rate-limit-firewall-fails-closed",
        "balancer",
        put("balancer", "enableWafFailOpen", True),
        ("balancer", "enableWafFailOpen"),
    ),
)

HEADER = "routingHttpResponse"
SECURITY_HEADERS = (
    Case(
        "headers-forbid-framing",
        "https",
        put("https", f"{HEADER}XFrameOptionsHeaderValue", "SAMEORIGIN"),
        ("https", f"{HEADER}XFrameOptionsHeaderValue"),
    ),
    Case(
        "headers-forbid-type-guessing",
        "https",
        drop("https", f"{HEADER}XContentTypeOptionsHeaderValue"),
        ("https", f"{HEADER}XContentTypeOptionsHeaderValue"),
    ),
    Case(
        "headers-bind-browsers-to-https",
        "https",
        put("https", f"{HEADER}StrictTransportSecurityHeaderValue", "max-age=31536000"),
        ("https", f"{HEADER}StrictTransportSecurityHeaderValue"),
    ),
    Case(
        "headers-bind-browsers-to-https",
        "https",
        put("https", f"{HEADER}StrictTransportSecurityHeaderValue", "max-age=3600; includeSubDomains"),
        None,
    ),
    Case(
        "headers-do-not-name-the-server",
        "https",
        put("https", f"{HEADER}ServerEnabled", True),
        ("https", f"{HEADER}ServerEnabled"),
    ),
)

TLS = (
    Case(
        "tls-plain-http-only-redirects",
        "http",
        put("http", "defaultActions", [{"type": "forward", "targetGroupArn": arn("targets")}]),
        ("http", "defaultActions"),
    ),
    Case(
        "tls-plain-http-only-redirects",
        "http",
        put("http", "defaultActions.0.redirect.statusCode", "HTTP_302"),
        None,
    ),
    Case(
        "tls-plain-http-has-no-other-answers",
        "health",
        refer("health", "listenerArn", "http", "arn"),
        ("health", "listenerArn"),
    ),
    Case("tls-load-balancer-speaks-https", "balancer", remove("https"), ("https", "loadBalancerArn")),
    Case(
        "tls-listener-negotiates-modern-tls",
        "https",
        put("https", "sslPolicy", "ELBSecurityPolicy-2016-08"),
        ("https", "sslPolicy"),
    ),
    Case("tls-listener-negotiates-modern-tls", "https", drop("https", "sslPolicy"), None),
    Case(
        "tls-listener-has-certificate",
        "https",
        drop("https", "certificateArn"),
        ("https", "certificateArn"),
    ),
    Case(
        "tls-certificate-is-validated-by-dns",
        "certificate",
        put("certificate", "validationMethod", "EMAIL"),
        ("certificate", "validationMethod"),
    ),
    Case(
        "tls-certificate-is-issued-before-use",
        "certificate",
        remove("validation"),
        ("validation", "certificateArn"),
    ),
    Case(
        "tls-certificate-key-is-strong",
        "certificate",
        put("certificate", "keyAlgorithm", "RSA_1024"),
        ("certificate", "keyAlgorithm"),
    ),
    Case(
        "tls-certificate-is-logged-in-public",
        "certificate",
        put("certificate", "options.certificateTransparencyLoggingPreference", "DISABLED"),
        ("certificate", "options"),
    ),
    Case(
        "tls-database-refuses-plain-connections",
        "primary",
        drop("primary", "parameterGroupName"),
        ("parameters", "parameters"),
    ),
    Case(
        "tls-database-refuses-plain-connections",
        "replica",
        put("parameters", "parameters", [{"name": "rds.force_ssl", "value": "0"}]),
        ("replica", "parameterGroupName"),
        also=(("tls-database-refuses-plain-connections", "primary"),),
    ),
    Case(
        "tls-database-certificate-is-current",
        "primary",
        put("primary", "caCertIdentifier", "rds-ca-2019"),
        ("primary", "caCertIdentifier"),
    ),
    Case(
        "tls-cache-refuses-plain-connections",
        "cache",
        put("cache", "transitEncryptionMode", "preferred"),
        ("cache", "transitEncryptionEnabled"),
    ),
    Case("tls-cache-refuses-plain-connections", "cache", drop("cache", "transitEncryptionEnabled"), None),
    Case(
        "tls-topic-refuses-plain-http",
        "topic",
        put("topic-policy", "policy", document(granting())),
        ("topic-policy", "arn"),
    ),
    Case("tls-bucket-refuses-plain-http", "logs", remove("logs-policy"), ("logs-policy", "bucket")),
    Case(
        "tls-bucket-refuses-plain-http",
        "logs",
        put(
            "logs-policy",
            "policy",
            document(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": f"{arn('logs')}/*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ),
        ),
        ("logs-policy", "policy"),
    ),
)

AVAILABILITY = (
    Case("availability-of-databases-standby", "primary", put("primary", "multiAz", False), ("primary", "multiAz")),
    Case(
        "availability-of-databases-replica",
        "primary",
        both(drop("replica", "replicateSourceDb"), put("replica", "tags.Environment", "staging")),
        ("replica", "replicateSourceDb"),
        also=(
            ("availability-of-databases-standby", "replica"),
            ("backup-of-databases-is-kept-long-enough", "replica"),
            ("backup-of-databases-outlives-them", "replica"),
            ("database-has-its-own-subnet-group", "replica"),
            ("maintenance-backs-up-in-the-daily-window", "replica"),
            ("monitoring-of-database-connections", "replica"),
            ("tagging-names-one-environment", "replica"),
        ),
    ),
    Case(
        "availability-of-databases-deletion-protection",
        "replica",
        put("replica", "deletionProtection", False),
        ("replica", "deletionProtection"),
    ),
    Case(
        "availability-of-databases-version",
        "primary",
        put("primary", "engineVersion", "14.9"),
        ("primary", "engineVersion"),
    ),
    Case(
        "availability-of-databases-end-of-support",
        "primary",
        drop("primary", "engineLifecycleSupport"),
        ("primary", "engineLifecycleSupport"),
    ),
    Case(
        "availability-of-databases-changes-in-the-window",
        "cache",
        put("cache", "applyImmediately", True),
        ("cache", "applyImmediately"),
    ),
    Case(
        "availability-of-databases-minor-upgrades",
        "primary",
        put("primary", "autoMinorVersionUpgrade", False),
        ("primary", "autoMinorVersionUpgrade"),
    ),
    Case(
        "availability-of-databases-storage",
        "primary",
        drop("primary", "maxAllocatedStorage"),
        ("primary", "maxAllocatedStorage"),
    ),
    Case("availability-of-caches", "cache", put("cache", "multiAzEnabled", False), ("cache", "multiAzEnabled")),
    Case("availability-of-caches", "cache", put("cache", "numCacheClusters", 1), None),
    Case("availability-of-caches-version", "cache", put("cache", "engineVersion", "6.2"), ("cache", "engineVersion")),
    Case(
        "availability-of-caches-minor-upgrades",
        "cache",
        put("cache", "autoMinorVersionUpgrade", False),
        ("cache", "autoMinorVersionUpgrade"),
    ),
    Case(
        "availability-of-load-balancers-deletion-protection",
        "balancer",
        put("balancer", "enableDeletionProtection", False),
        ("balancer", "enableDeletionProtection"),
    ),
    Case(
        "availability-over-zones",
        "servers",
        put("servers", "vpcZoneIdentifiers", ["app-a-id"]),
        ("servers", "vpcZoneIdentifiers"),
    ),
    Case("availability-over-zones", "balancer", put("balancer", "subnets", ["public-a-id"]), None),
    Case(
        "load-balancer-drops-invalid-headers",
        "balancer",
        drop("balancer", "dropInvalidHeaderFields"),
        ("balancer", "dropInvalidHeaderFields"),
    ),
    Case(
        "load-balancer-mitigates-desync",
        "balancer",
        put("balancer", "desyncMitigationMode", "monitor"),
        ("balancer", "desyncMitigationMode"),
    ),
    Case(
        "load-balancer-asks-servers-how-they-are",
        "targets",
        put("targets", "healthCheck.path", "/api/v1/system/health"),
        ("targets", "healthCheck"),
    ),
    Case(
        "load-balancer-asks-servers-how-they-are",
        "targets",
        put("targets", "healthCheck.enabled", False),
        None,
    ),
    Case(
        "load-balancer-notices-a-dead-server",
        "targets",
        put("targets", "healthCheck.unhealthyThreshold", 10),
        ("targets", "healthCheck.unhealthyThreshold"),
    ),
    Case("availability-of-servers", "servers", put("servers", "minSize", 2), ("servers", "minSize")),
    Case(
        "availability-of-servers-by-load-balancer-health",
        "servers",
        put("servers", "healthCheckType", "EC2"),
        ("servers", "healthCheckType"),
    ),
    Case(
        "availability-of-servers-by-launch-template",
        "servers",
        put("servers", "launchConfiguration", "old"),
        ("servers", "launchConfiguration"),
    ),
    Case(
        "availability-of-servers-by-pinned-version",
        "servers",
        put("servers", "launchTemplate.version", "$Latest"),
        ("servers", "launchTemplate"),
    ),
    Case("availability-of-servers-scales", "servers", remove("by-cpu"), ("by-cpu", "autoscalingGroupName")),
    Case("availability-protects-what-holds-state", "data-key", unprotect("data-key"), None),
    Case("availability-protects-what-holds-state", "cache", unprotect("cache"), ("cache", "tags")),
)

DNS_AND_CDN = (
    Case("dns-queries-are-logged", "zone", remove("query-log"), ("query-log", "zoneId")),
    Case("dns-names-who-issues-certificates", "zone", remove("caa"), ("caa", "type")),
    Case(
        "dns-leads-to-something-of-ours",
        "api",
        put("api", "aliases.0.name", "gone.elb.amazonaws.com"),
        ("api", "aliases.0.name"),
    ),
    Case(
        "cdn-viewers-use-https",
        "cdn",
        put("cdn", "defaultCacheBehavior.viewerProtocolPolicy", "allow-all"),
        ("cdn", "defaultCacheBehavior"),
    ),
    Case(
        "cdn-negotiates-modern-tls",
        "cdn",
        put("cdn", "viewerCertificate.minimumProtocolVersion", "TLSv1"),
        ("cdn", "viewerCertificate"),
    ),
    Case("cdn-logs-requests", "cdn", drop("cdn", "loggingConfig"), ("cdn", "loggingConfig")),
    Case("cdn-stands-behind-a-web-acl", "cdn", drop("cdn", "webAclId"), ("cdn", "webAclId")),
    Case("cdn-has-a-root-object", "cdn", drop("cdn", "defaultRootObject"), ("cdn", "defaultRootObject")),
    Case(
        "cdn-origins-use-modern-tls",
        "cdn",
        put("cdn", "origins.1.customOriginConfig.originProtocolPolicy", "match-viewer"),
        ("cdn", "origins.1.customOriginConfig"),
    ),
    Case(
        "cdn-origins-use-modern-tls",
        "cdn",
        put("cdn", "origins.1.customOriginConfig.originSslProtocols", ["TLSv1", "TLSv1.2"]),
        None,
    ),
    Case(
        "cdn-certificate-is-where-cloudfront-looks",
        "cdn",
        put("cdn", "viewerCertificate.acmCertificateArn", "arn:aws:acm:eu-west-1:111122223333:certificate/1"),
        ("cdn", "viewerCertificate"),
    ),
    Case(
        "headers-are-sent-by-the-cdn",
        "cdn",
        put("cdn", "orderedCacheBehaviors", [{"viewerProtocolPolicy": "https-only"}]),
        ("cdn", "defaultCacheBehavior"),
    ),
    Case(
        "headers-ask-browsers-to-block-scripts",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.xssProtection.modeBlock", False),
        ("cdn-headers", "securityHeadersConfig"),
    ),
    Case(
        "headers-forbid-framing",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.frameOptions.frameOption", "SAMEORIGIN"),
        ("cdn-headers", "securityHeadersConfig"),
    ),
    Case(
        "headers-forbid-type-guessing",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.contentTypeOptions", None),
        None,
    ),
    Case(
        "headers-bind-browsers-to-https",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.strictTransportSecurity.includeSubdomains", False),
        None,
    ),
    Case(
        "admin-vpn-logs-connections",
        "vpn",
        put("vpn", "connectionLogOptions.enabled", False),
        ("vpn", "connectionLogOptions"),
    ),
    Case("secrets-rotate", "jwt_secret", remove("jwt-rotation"), ("jwt-rotation", "secretId")),
    Case(
        "secrets-rotate",
        "jwt_secret",
        put("jwt-rotation", "rotationRules.automaticallyAfterDays", 365),
        None,
    ),
    Case(
        "cdn-is-the-only-way-to-its-bucket",
        "cdn",
        put("cdn", "origins", [{"domainName": "assets", "originId": "assets"}]),
        ("cdn", "origins"),
    ),
    Case(
        "runtime-is-supported",
        "template",
        put("template", "userData", encoded("curl https://rpm.nodesource.com/setup_18.x | bash\n")),
        ("template", "userData"),
    ),
)

MONITORING = (
    Case(
        "monitoring-of-server-errors",
        "balancer",
        put("errors", "threshold", 300),
        ("errors", "threshold"),
    ),
    Case(
        "monitoring-of-server-errors",
        "balancer",
        put("errors", "metricQueries.0.expression", "(target + own) / requests"),
        None,
    ),
    Case("monitoring-of-response-time", "balancer", put("latency", "threshold", 5), ("latency", "threshold")),
    Case("monitoring-of-response-time", "balancer", put("latency", "extendedStatistic", "p50"), None),
    Case("monitoring-of-response-time", "balancer", put("latency", "evaluationPeriods", 50), None),
    Case(
        "monitoring-of-database-connections",
        "primary",
        put("connections", "threshold", 800),
        ("connections", "threshold"),
    ),
    Case(
        "monitoring-of-database-connections",
        "primary",
        put("connections", "comparisonOperator", "LessThanThreshold"),
        None,
    ),
    Case(
        "monitoring-of-what-holds-state",
        "cache",
        remove("EngineCPUUtilization-002"),
        ("EngineCPUUtilization-001", "dimensions.CacheClusterId"),
    ),
    Case("monitoring-of-what-holds-state", "replica", remove("replica-lag"), None),
    Case(
        "monitoring-of-what-holds-state", "primary", put("primary-cpu", "threshold", 95), ("primary-cpu", "threshold")
    ),
    Case("monitoring-of-what-holds-state", "primary", put("DatabaseStorageLow", "threshold", GIB), None),
    Case(
        "monitoring-of-what-holds-state",
        "balancer",
        put("NoHealthyServer", "comparisonOperator", "GreaterThanThreshold"),
        None,
    ),
    Case("monitoring-of-what-holds-state", "servers", put("server-cpu", "evaluationPeriods", 100), None),
    Case(
        "monitoring-of-what-holds-state",
        "certificate",
        put("CertificateExpiresSoon", "threshold", 1),
        ("CertificateExpiresSoon", "threshold"),
    ),
    Case("monitoring-alarms-tell-somebody", "errors", put("errors", "alarmActions", []), ("errors", "alarmActions")),
    Case(
        "monitoring-alarms-are-on",
        "replica-lag",
        put("replica-lag", "actionsEnabled", False),
        ("replica-lag", "actionsEnabled"),
    ),
    Case(
        "monitoring-alarms-can-fire",
        "EngineCPUUtilization-001",
        put("EngineCPUUtilization-001", "threshold", 700),
        ("EngineCPUUtilization-001", "threshold"),
        also=(("monitoring-of-what-holds-state", "cache"),),
    ),
    Case(
        "monitoring-load-balancer-logs-connections",
        "balancer",
        put("balancer", "connectionLogs.enabled", False),
        ("balancer", "connectionLogs.enabled"),
    ),
    Case(
        "monitoring-alarms-can-be-encrypted",
        "topic",
        refer("topic", "kmsMasterKeyId", "data-key", "arn"),
        ("topic-key", "policy"),
    ),
    Case(
        "monitoring-alarms-can-be-published",
        "topic",
        put("topic-policy", "policy", document(TLS_ONLY)),
        ("topic-policy", "policy"),
    ),
    Case("monitoring-topics-reach-a-person", "topic", remove("mail"), ("mail", "topic")),
    Case(
        "monitoring-logs-are-kept-long-enough",
        "flows",
        put("flows", "retentionInDays", 7),
        ("flows", "retentionInDays"),
    ),
    Case("monitoring-logs-are-kept-long-enough", "flows", drop("flows", "retentionInDays"), None),
    Case(
        "monitoring-load-balancer-logs-requests",
        "balancer",
        put("balancer", "accessLogs.enabled", False),
        ("balancer", "accessLogs.enabled"),
    ),
    Case(
        "monitoring-database-exports-logs",
        "primary",
        put("primary", "enabledCloudwatchLogsExports", ["upgrade"]),
        ("primary", "enabledCloudwatchLogsExports"),
    ),
    Case(
        "monitoring-database-logs-have-their-groups",
        "replica",
        remove("replica-upgrade"),
        ("replica", "enabledCloudwatchLogsExports"),
    ),
    Case(
        "monitoring-cache-exports-logs",
        "cache",
        drop("cache", "logDeliveryConfigurations"),
        ("cache", "logDeliveryConfigurations"),
    ),
    Case(
        "monitoring-database-machine-is-measured",
        "primary",
        put("primary", "monitoringInterval", 0),
        ("primary", "monitoringInterval"),
    ),
    Case(
        "monitoring-database-queries-are-measured",
        "primary",
        both(
            put("primary", "performanceInsightsEnabled", False),
        ),
        ("primary", "performanceInsightsEnabled"),
    ),
    Case("monitoring-database-events-are-sent", "primary", put("events", "sourceIds", ["fixrx-replica"]), None),
    Case(
        "monitoring-database-events-are-sent",
        "replica",
        put("events", "enabled", False),
        ("events", "sourceIds"),
        also=(("monitoring-database-events-are-sent", "primary"),),
    ),
)

ENCRYPTION = (
    Case(
        "encryption-of-databases",
        "primary",
        put("primary", "storageEncrypted", False),
        ("primary", "storageEncrypted"),
    ),
    Case("encryption-of-databases-under-own-key", "primary", drop("primary", "kmsKeyId"), ("primary", "kmsKeyId")),
    Case(
        "encryption-of-query-statistics",
        "primary",
        drop("primary", "performanceInsightsKmsKeyId"),
        ("primary", "performanceInsightsKmsKeyId"),
    ),
    Case(
        "encryption-of-caches",
        "cache",
        put("cache", "atRestEncryptionEnabled", False),
        ("cache", "atRestEncryptionEnabled"),
    ),
    Case("encryption-of-caches-under-own-key", "cache", drop("cache", "kmsKeyId"), ("cache", "kmsKeyId")),
    Case(
        "encryption-of-server-disks",
        "template",
        put("template", "blockDeviceMappings.0.ebs.encrypted", "false"),
        ("template", "blockDeviceMappings"),
    ),
    Case("encryption-of-server-disks", "template", drop("template", "blockDeviceMappings"), None),
    Case("encryption-of-volumes", "scratch", put("scratch", "encrypted", False), ("scratch", "encrypted")),
    Case("encryption-of-buckets", "backups", remove("backups-encryption"), ("backups-encryption", "bucket")),
    Case(
        "encryption-of-buckets",
        "backups",
        put("backups-encryption", "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
        ("backups-encryption", "rules"),
    ),
    Case(
        "encryption-of-buckets",
        "backups",
        put("backups-encryption", "rules", [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]),
        None,
    ),
    Case("encryption-of-logs", "flows", drop("flows", "kmsKeyId"), ("flows", "kmsKeyId")),
    Case("encryption-of-notifications", "topic", drop("topic", "kmsMasterKeyId"), ("topic", "kmsMasterKeyId")),
    Case("encryption-of-secrets", "jwt_secret", drop("jwt_secret", "kmsKeyId"), ("jwt_secret", "kmsKeyId")),
    Case("encryption-of-secret-parameters", "token", put("token", "type", "String"), ("token", "type")),
    Case(
        "encryption-keys-rotate",
        "data-key",
        put("data-key", "enableKeyRotation", False),
        ("data-key", "enableKeyRotation"),
    ),
    Case(
        "encryption-keys-outlive-mistakes",
        "data-key",
        put("data-key", "deletionWindowInDays", 7),
        ("data-key", "deletionWindowInDays"),
    ),
)

STORAGE = (
    Case("storage-blocks-public-access", "backups", remove("backups-block"), ("backups-block", "bucket")),
    Case("storage-blocks-public-access", "logs", put("logs-block", "blockPublicPolicy", False), None),
    Case(
        "storage-has-no-acl",
        "logs",
        put("logs-ownership", "rule.objectOwnership", "ObjectWriter"),
        ("logs-ownership", "rule"),
    ),
    Case("storage-is-not-public-by-acl", "logs", put("logs", "acl", "public-read"), ("logs", "acl")),
    Case(
        "storage-keeps-versions",
        "backups",
        put("backups-versioning", "versioningConfiguration.status", "Suspended"),
        ("backups-versioning", "bucket"),
    ),
    Case("storage-tidies-up", "logs", remove("logs-lifecycle"), ("logs-lifecycle", "bucket")),
    Case("storage-logs-access", "backups", remove("backups-logging"), ("backups-logging", "bucket")),
    Case(
        "storage-is-not-emptied-by-destroy",
        "backups",
        put("backups", "forceDestroy", True),
        ("backups", "forceDestroy"),
    ),
    Case(
        "storage-of-backups-can-be-locked",
        "backups",
        put("backups", "objectLockEnabled", False),
        ("backups", "objectLockEnabled"),
    ),
    Case("storage-of-backups-is-locked", "backups", remove("backups-lock"), ("backups-lock", "bucket")),
    Case("storage-of-backups-is-locked", "backups", put("backups-lock", "objectLockEnabled", "Disabled"), None),
    Case("storage-is-not-emptied-by-destroy", "zone", put("zone", "forceDestroy", True), None),
    Case(
        "storage-of-backups-is-locked",
        "backups",
        put("backups-lock", "rule.defaultRetention.days", 1),
        ("backups-lock", "rule"),
    ),
    Case(
        "storage-of-backups-is-locked",
        "backups",
        put(
            "backups-policy",
            "policy",
            document(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": "*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ),
        ),
        ("backups-policy", "policy"),
    ),
    Case(
        "storage-of-access-logs-keeps-them-long-enough",
        "logs",
        put("logs-lifecycle", "rules.0.expiration", {"days": 1}),
        ("logs-lifecycle", "rules.0.expiration"),
    ),
    Case(
        "storage-of-backups-keeps-them-long-enough",
        "backups-lifecycle",
        put("backups-lifecycle", "rules.0.expiration.days", 1),
        ("backups-lifecycle", "rules"),
    ),
)

BACKUPS = (
    Case(
        "backup-of-databases-is-kept-long-enough",
        "primary",
        put("primary", "backupRetentionPeriod", 1),
        ("primary", "backupRetentionPeriod"),
    ),
    Case("backup-of-databases-is-kept-long-enough", "primary", drop("primary", "backupRetentionPeriod"), None),
    Case(
        "backup-of-databases-ends-with-a-snapshot",
        "primary",
        put("primary", "skipFinalSnapshot", True),
        ("primary", "skipFinalSnapshot"),
    ),
    Case(
        "backup-of-databases-outlives-them",
        "primary",
        drop("primary", "deleteAutomatedBackups"),
        ("primary", "deleteAutomatedBackups"),
    ),
    Case(
        "backup-of-databases-is-tagged",
        "replica",
        put("replica", "copyTagsToSnapshot", False),
        ("replica", "copyTagsToSnapshot"),
    ),
    Case(
        "backup-of-caches-is-kept-long-enough",
        "cache",
        put("cache", "snapshotRetentionLimit", 0),
        ("cache", "snapshotRetentionLimit"),
    ),
)

SECRETS = (
    Case(
        "secrets-are-marked",
        "primary",
        put("primary", "password", "in the clear"),
        ("primary", "password"),
    ),
    Case("secrets-are-marked", "jwt-value", put("jwt-value", "secretString", "in the clear"), None),
    Case(
        "secrets-are-not-in-plain-properties",
        "app-group",
        put("app-group", "description", "postgresql://fixrx:hunter2@database:5432/fixrx"),
        None,
    ),
    Case(
        "secrets-are-not-in-plain-properties",
        "app-group",
        put("app-group", "description", "AKIAIOSFODNN7EXAMPLE"),
        None,
    ),
    Case(
        "secrets-are-not-in-user-data",
        "template",
        put("template", "userData", encoded("export SENDGRID_API_KEY=SG.example\n")),
        ("template", "userData"),
    ),
    Case(
        "secrets-can-be-had-back",
        "jwt_secret",
        put("jwt_secret", "recoveryWindowInDays", 0),
        ("jwt_secret", "recoveryWindowInDays"),
    ),
    Case("secrets-cannot-be-guessed", "password", put("password", "length", 8), ("password", "length")),
    Case("secrets-inventory-is-complete", "database_url", remove("redis_url"), ("redis_url", "namePrefix")),
    Case("secrets-of-twilio-exist", "database_url", remove("twilio_auth_token"), ("twilio_auth_token", "namePrefix")),
    Case("secrets-of-sendgrid-exist", "database_url", remove("sendgrid_api_key"), ("sendgrid_api_key", "namePrefix")),
    Case(
        "secrets-of-firebase-exist",
        "database_url",
        remove("firebase_project_id"),
        ("firebase_project_id", "namePrefix"),
    ),
    Case(
        "secrets-of-oauth-exist",
        "database_url",
        remove("oauth_google_client_secret"),
        ("oauth_google_client_secret", "namePrefix"),
    ),
)

IDENTITY = (
    Case(
        "identity-names-actions",
        "app-policy",
        put("app-policy", "policy", document({"Effect": "Allow", "Action": "s3:*", "Resource": arn("backups")})),
        ("app-policy", "policy"),
    ),
    Case(
        "identity-names-actions",
        "app-role",
        put(
            "app-role",
            "inlinePolicies",
            [{"policy": document({"Effect": "Allow", "NotAction": "iam:*", "Resource": arn("backups")})}],
        ),
        None,
    ),
    Case(
        "identity-names-resources",
        "app-policy",
        put("app-policy", "policy", document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})),
        ("app-policy", "policy"),
    ),
    Case(
        "identity-roles-trust-somebody",
        "app-role",
        put(
            "app-role",
            "assumeRolePolicy",
            document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}),
        ),
        ("app-role", "assumeRolePolicy"),
    ),
    Case(
        "identity-roles-trust-somebody",
        "app-role",
        put("app-role", "assumeRolePolicy", trusting("ec2.amazonaws.com", Action="*")),
        None,
    ),
    Case(
        "identity-roles-serve-this-account",
        "flow-log-role",
        add(
            "aws:iam/role",
            "flow-log-role",
            {
                "assumeRolePolicy": trusting("vpc-flow-logs.amazonaws.com"),
                "permissionsBoundary": arn("boundary"),
                "tags": tags("flow-log-role"),
            },
        ),
        ("app-role", "assumeRolePolicy"),
    ),
    Case(
        "identity-workflows-are-pinned",
        "workflow-role",
        put(
            "workflow-role",
            "assumeRolePolicy",
            workflow_trust(
                StringEquals={"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
                StringLike={"token.actions.githubusercontent.com:sub": "repo:fixrx/*"},
            ),
        ),
        ("workflow-role", "assumeRolePolicy"),
    ),
    Case(
        "identity-workflows-are-pinned",
        "workflow-role",
        put(
            "workflow-role",
            "assumeRolePolicy",
            workflow_trust(
                StringEquals={"token.actions.githubusercontent.com:sub": "repo:fixrx/platform:pull_request"}
            ),
        ),
        None,
    ),
    Case(
        "identity-makes-roles-within-a-boundary",
        "workflow-policy",
        put("workflow-policy", "policy", document({**MAKE_ROLES, "Condition": {}})),
        ("workflow-policy", "policy"),
    ),
    Case(
        "identity-makes-roles-within-a-boundary",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document({"Effect": "Allow", "Action": "iam:put*", "Resource": arn("app-role")}),
        ),
        None,
    ),
    Case(
        "identity-passes-roles-to-named-services",
        "workflow-policy",
        put("workflow-policy", "policy", document({**PASS_ROLES, "Condition": {}})),
        ("workflow-policy", "policy"),
    ),
    Case(
        "identity-roles-have-a-boundary",
        "app-role",
        drop("app-role", "permissionsBoundary"),
        ("app-role", "permissionsBoundary"),
    ),
    Case(
        "identity-decrypts-through-a-service",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": arn("data-key")}),
        ),
        ("app-policy", "policy"),
    ),
    Case(
        "identity-decrypts-through-a-service",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document(
                {
                    "Effect": "Allow",
                    "Action": "kms:Decrypt",
                    "Resource": arn("data-key"),
                    "Condition": {"StringEquals": {"kms:ViaService": []}},
                }
            ),
        ),
        None,
    ),
    Case(
        "identity-names-log-groups",
        "query-permission",
        put("query-permission", "policyDocument", document(granting(Resource="*"))),
        ("query-permission", "policyDocument"),
    ),
    Case(
        "identity-resources-are-not-public",
        "topic-policy",
        put(
            "topic-policy",
            "policy",
            document(TLS_ONLY, granting(), {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sns:Publish"}),
        ),
        ("topic-policy", "policy"),
    ),
    Case(
        "identity-resources-are-not-public",
        "data-key",
        put(
            "data-key",
            "policy",
            document(
                granting(
                    Principal="*",
                    Action="kms:Decrypt",
                    Condition={"StringEquals": {"kms:EncryptionContext:app": "fixrx"}},
                )
            ),
        ),
        None,
    ),
    Case(
        "identity-services-act-for-this-account",
        "topic-policy",
        put("topic-policy", "policy", document(TLS_ONLY, granting(Condition={}))),
        ("topic-policy", "policy"),
    ),
    Case(
        "identity-services-get-named-actions",
        "topic-policy",
        put("topic-policy", "policy", document(TLS_ONLY, granting(Action="sns:*"))),
        ("topic-policy", "policy"),
    ),
    Case(
        "identity-endpoints-let-own-account-through",
        "s3-endpoint",
        drop("s3-endpoint", "policy"),
        ("s3-endpoint", "policy"),
    ),
    Case(
        "identity-endpoints-let-own-account-through",
        "s3-endpoint",
        put("s3-endpoint", "policy", document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})),
        None,
    ),
    Case(
        "identity-is-no-administrator",
        "session-manager",
        put("session-manager", "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
        ("session-manager", "policyArn"),
        also=(("admin-session-manager-reaches-servers", "template"),),
    ),
    Case("identity-users-have-no-rights-of-their-own", "key", add("aws:iam/accessKey", "key", {"user": "eve"}), None),
    Case("identity-keys-say-who-uses-them", "data-key", drop("data-key", "policy"), ("data-key", "policy")),
    Case(
        "identity-server-roles-refuse-other-policies",
        "app-role",
        remove("rolePoliciesExclusive"),
        ("rolePoliciesExclusive", "roleName"),
    ),
    Case(
        "identity-server-roles-refuse-other-attachments",
        "app-role",
        remove("rolePolicyAttachmentsExclusive"),
        ("rolePolicyAttachmentsExclusive", "roleName"),
    ),
    Case(
        "identity-servers-have-a-role",
        "template",
        drop("template", "iamInstanceProfile"),
        ("template", "iamInstanceProfile"),
        also=(("admin-session-manager-reaches-servers", "template"),),
    ),
    Case(
        "identity-servers-ask-for-a-token",
        "template",
        put("template", "metadataOptions.httpTokens", "optional"),
        ("template", "metadataOptions"),
    ),
    Case(
        "identity-servers-keep-their-credentials",
        "template",
        put("template", "metadataOptions.httpPutResponseHopLimit", 2),
        ("template", "metadataOptions"),
    ),
    Case(
        "firewall-servers-have-no-public-address",
        "template",
        put("template", "networkInterfaces", [{"associatePublicIpAddress": "true"}]),
        ("template", "networkInterfaces"),
    ),
)

TAGGING = (
    Case("tagging-is-complete", "cache", put("cache", "tags.Owner", ""), ("cache", "tags")),
    Case("tagging-is-complete", "servers", drop("servers", "tags"), None),
    Case(
        "tagging-reaches-servers",
        "template",
        put("template", "tagSpecifications", [{"resourceType": "instance", "tags": tags("server")}]),
        ("template", "tagSpecifications"),
    ),
    Case(
        "tagging-names-one-environment", "targets", put("targets", "tags.Environment", "staging"), ("targets", "tags")
    ),
)

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"

KUBERNETES = (
    *(
        Case(f"kubernetes-{rule}", "api-deployment", put("api-deployment", path, value), ("api-deployment", hidden))
        for rule, path, value, hidden in (
            (
                "containers-are-not-root",
                f"{POD}.securityContext.runAsNonRoot",
                False,
                f"{POD}.securityContext.runAsNonRoot",
            ),
            (
                "containers-gain-no-privileges",
                f"{CONTAINER}.securityContext.capabilities.drop",
                ["NET_RAW"],
                f"{CONTAINER}.securityContext.capabilities",
            ),
            (
                "containers-cannot-change-themselves",
                f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
                False,
                f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
            ),
            ("pods-stay-off-the-node", f"{POD}.hostNetwork", True, f"{POD}.hostNetwork"),
            (
                "containers-have-their-share",
                f"{CONTAINER}.resources.limits",
                {},
                f"{CONTAINER}.resources",
            ),
            ("containers-are-asked-how-they-are", f"{CONTAINER}.readinessProbe", {}, f"{CONTAINER}.readinessProbe"),
            ("images-are-pinned", f"{CONTAINER}.image", "registry.fixrx.com:5000/api", f"{CONTAINER}.image"),
            (
                "containers-hold-no-plain-secrets",
                f"{CONTAINER}.env.0",
                {"name": "JWT_SECRET", "value": "in the clear"},
                f"{CONTAINER}.env.0.name",
            ),
        )
    ),
    Case(
        "kubernetes-containers-gain-no-privileges",
        "api-deployment",
        put("api-deployment", f"{CONTAINER}.securityContext.privileged", True),
        None,
    ),
    Case(
        "kubernetes-pods-stay-off-the-node",
        "api-deployment",
        put("api-deployment", f"{POD}.volumes", [{"name": "node", "hostPath": {"path": "/"}}]),
        None,
    ),
    Case(
        "kubernetes-deployments-scale",
        "api-deployment",
        put("api-autoscaler", "spec.scaleTargetRef.name", "web"),
        ("api-autoscaler", "spec.scaleTargetRef.name"),
    ),
    Case(
        "kubernetes-deployments-leave-replicas-to-their-autoscaler",
        "api-deployment",
        put("api-deployment", "spec.replicas", 3),
        ("api-deployment", "spec.replicas"),
    ),
    *(
        Case(
            "kubernetes-autoscalers-keep-the-guides-figures",
            "api-autoscaler",
            put("api-autoscaler", path, value),
            ("api-autoscaler", path),
        )
        for path, value in (
            ("spec.minReplicas", 1),
            ("spec.maxReplicas", 40),
            ("spec.metrics.0.resource.target.averageUtilization", 95),
        )
    ),
    Case(
        "kubernetes-deployments-survive-drains",
        "api-deployment",
        put("api-budget", "spec.selector.matchLabels", {"app": "web"}),
        ("api-budget", "spec.selector"),
    ),
    Case("kubernetes-deployments-survive-drains", "api-deployment", remove("api-budget"), None),
)

MAINTENANCE = (
    Case(
        "maintenance-happens-in-the-weekly-window",
        "replica",
        put("replica", "maintenanceWindow", "wed:14:00-wed:15:00"),
        ("replica", "maintenanceWindow"),
    ),
    Case(
        "maintenance-happens-in-the-weekly-window",
        "cache",
        put("cache", "maintenanceWindow", "sun:03:00-sun:05:00"),
        ("cache", "maintenanceWindow"),
    ),
    Case("maintenance-happens-in-the-weekly-window", "primary", drop("primary", "maintenanceWindow"), None),
    Case(
        "maintenance-backs-up-in-the-daily-window",
        "primary",
        put("primary", "backupWindow", "12:00-12:30"),
        ("primary", "backupWindow"),
    ),
    Case("maintenance-backs-up-in-the-daily-window", "cache", drop("cache", "snapshotWindow"), None),
)

BACKUP_PLANS = (
    Case("backup-vaults-are-locked", "vault", remove("vault-lock"), ("vault-lock", "minRetentionDays")),
    Case("backup-vaults-are-locked", "vault", put("vault-lock", "minRetentionDays", 1), None),
    Case("backup-vaults-are-under-own-key", "vault", drop("vault", "kmsKeyArn"), ("vault", "kmsKeyArn")),
    Case("backup-plans-select-something", "plan", remove("selection"), ("selection", "resources")),
    Case("backup-plans-select-something", "plan", put("selection", "resources", []), None),
    Case(
        "backup-plans-keep-backups-long-enough",
        "plan",
        put("plan", "rules.0.lifecycle.deleteAfter", 2),
        ("plan", "rules.0.lifecycle"),
    ),
    Case("backup-plans-are-tried", "plan", remove("restore-test"), ("restore-test", "protectedResourceType")),
)

INCIDENTS = (
    Case(
        "monitoring-alarms-name-a-severity", "latency", put("latency", "tags.Severity", "urgent"), ("latency", "tags")
    ),
    Case(
        "monitoring-alarms-name-a-runbook",
        "latency",
        put("latency", "alarmDescription", "Slow"),
        ("latency", "alarmDescription"),
    ),
    Case(
        "monitoring-never-mutes-outages",
        "mute",
        put("server-cpu", "tags.Severity", "P1"),
        ("mute", "muteTargets.alarmNames.0"),
    ),
    Case(
        "monitoring-chat-channels-act-within-limits",
        "chat",
        put("chat", "guardrailPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        ("chat", "guardrailPolicyArns"),
    ),
    Case("monitoring-chat-channels-act-within-limits", "chat", drop("chat", "guardrailPolicyArns"), None),
)

CASES = (
    *FIREWALL,
    *ADMIN_ACCESS,
    *DATABASE_ACCESS,
    *RATE_LIMITS,
    *SECURITY_HEADERS,
    *TLS,
    *AVAILABILITY,
    *DNS_AND_CDN,
    *MONITORING,
    *ENCRYPTION,
    *STORAGE,
    *BACKUPS,
    *SECRETS,
    *IDENTITY,
    *TAGGING,
    *KUBERNETES,
    *MAINTENANCE,
    *BACKUP_PLANS,
    *INCIDENTS,
)
