"""For every rule: how the good platform is broken so that this rule finds it, and a value whose lack leaves it open."""

from tests.policies.changes import Case, add, both, drop, granting, put, refer, remove, session, trusting, unprotect
from tests.policies.exported import Reference, arn, document, encoded, tags
from tests.policies.platform import GIB, MAKE_ROLES, PASS_ROLES, TLS_ONLY, workflow_trust

FIREWALL = (
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
    Case("security-group-default-is-managed", "vpc", remove("default"), ("default", "vpcId")),
    Case(
        "vpc-network-acl-denies-remote-login",
        "public-acl",
        put("public-acl", "ingress.0.action", "allow"),
        ("public-acl", "ingress"),
    ),
    Case("vpc-flow-log-is-complete", "vpc", remove("flow-log"), ("flow-log", "vpcId")),
    Case("vpc-flow-log-is-complete", "vpc", put("flow-log", "trafficType", "REJECT"), None),
    Case(
        "vpc-subnet-public-ip-disabled",
        "app-a",
        put("app-a", "mapPublicIpOnLaunch", True),
        ("app-a", "mapPublicIpOnLaunch"),
    ),
    Case(
        "vpc-subnet-public-ip-disabled",
        "app-b",
        put("app-b", "assignIpv6AddressOnCreation", True),
        None,
    ),
    Case(
        "vpc-private-subnets-have-no-internet-route",
        "data-table",
        add(
            "aws:ec2/route",
            "leak",
            {"routeTableId": Reference("data-table", "id"), "gatewayId": Reference("gateway", "id")},
        ),
        ("public-internet", "routeTableId"),
        also=(("vpc-private-subnets-have-no-internet-route", "data-table"),) * 2,
    ),
)

ADMIN_ACCESS = (
    Case(
        "admin-remote-login-is-not-public",
        "web-443",
        both(put("web-443", "fromPort", 22), put("web-443", "toPort", 22)),
        ("web-443", "cidrIpv4"),
    ),
    Case(
        "admin-remote-login-is-not-public",
        "web-443",
        both(put("web-443", "fromPort", 3389), put("web-443", "toPort", 3389)),
        None,
    ),
    Case(
        "admin-ssh-port-is-closed",
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
        "admin-session-manager-enabled",
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
        "admin-session-timeout-is-set",
        "session",
        put("session", "content", session(idleSessionTimeout="")),
        ("session", "content"),
    ),
    Case("admin-session-document-exists", "template", remove("session"), ("session", "documentType")),
    Case(
        "admin-documents-are-private",
        "session",
        put("session", "permissions", {"type": "Share", "account_ids": "All"}),
        ("session", "permissions"),
    ),
    Case("admin-ssh-key-pairs-are-not-used", "template", put("template", "keyName", "laptop"), ("template", "keyName")),
    Case(
        "admin-password-login-disabled",
        "template",
        put("template", "userData", encoded("echo 'PasswordAuthentication yes' >> /etc/ssh/sshd_config\n")),
        ("template", "userData"),
    ),
)

DATABASE_ACCESS = (
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
)

RATE_LIMITS = (
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
        put("rate-limit", "statement.rateBasedStatement.aggregateKeyType", "CONSTANT"),
        None,
    ),
    Case(
        "waf-rate-limit-is-enforced",
        "acl",
        put("rate-limit", "statement.rateBasedStatement.scopeDownStatement", {"geoMatchStatement": {}}),
        None,
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

HEADER = "routingHttpResponse"
SECURITY_HEADERS = (
    Case(
        "headers-frame-options-are-set",
        "https",
        put("https", f"{HEADER}XFrameOptionsHeaderValue", "SAMEORIGIN"),
        ("https", f"{HEADER}XFrameOptionsHeaderValue"),
    ),
    Case(
        "headers-content-type-options-are-set",
        "https",
        drop("https", f"{HEADER}XContentTypeOptionsHeaderValue"),
        ("https", f"{HEADER}XContentTypeOptionsHeaderValue"),
    ),
    Case(
        "headers-strict-transport-security-is-set",
        "https",
        put("https", f"{HEADER}StrictTransportSecurityHeaderValue", "max-age=31536000"),
        ("https", f"{HEADER}StrictTransportSecurityHeaderValue"),
    ),
    Case(
        "headers-strict-transport-security-is-set",
        "https",
        put("https", f"{HEADER}StrictTransportSecurityHeaderValue", "max-age=3600; includeSubDomains"),
        None,
    ),
    Case(
        "headers-server-is-removed",
        "https",
        put("https", f"{HEADER}ServerEnabled", True),
        ("https", f"{HEADER}ServerEnabled"),
    ),
)

TLS = (
    Case(
        "tls-http-listener-redirects",
        "http",
        put("http", "defaultActions", [{"type": "forward", "targetGroupArn": arn("targets")}]),
        ("http", "defaultActions"),
    ),
    Case(
        "tls-http-listener-redirects",
        "http",
        put("http", "defaultActions.0.redirect.statusCode", "HTTP_302"),
        None,
    ),
    Case(
        "tls-http-listener-rules-redirect",
        "health",
        refer("health", "listenerArn", "http", "arn"),
        ("health", "listenerArn"),
    ),
    Case("tls-load-balancer-has-https-listener", "balancer", remove("https"), ("https", "loadBalancerArn")),
    Case(
        "tls-listener-policy-is-current",
        "https",
        put("https", "sslPolicy", "ELBSecurityPolicy-2016-08"),
        ("https", "sslPolicy"),
    ),
    Case("tls-listener-policy-is-current", "https", drop("https", "sslPolicy"), None),
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
        "tls-certificate-transparency-enabled",
        "certificate",
        put("certificate", "options.certificateTransparencyLoggingPreference", "DISABLED"),
        ("certificate", "options"),
    ),
    Case(
        "rds-tls-is-required",
        "primary",
        drop("primary", "parameterGroupName"),
        ("parameters", "parameters"),
    ),
    Case(
        "rds-tls-is-required",
        "replica",
        put("parameters", "parameters", [{"name": "rds.force_ssl", "value": "0"}]),
        ("replica", "parameterGroupName"),
        also=(("rds-tls-is-required", "primary"),),
    ),
    Case(
        "rds-certificate-authority-is-current",
        "primary",
        put("primary", "caCertIdentifier", "rds-ca-2019"),
        ("primary", "caCertIdentifier"),
    ),
    Case(
        "elasticache-tls-is-required",
        "cache",
        put("cache", "transitEncryptionMode", "preferred"),
        ("cache", "transitEncryptionEnabled"),
    ),
    Case("elasticache-tls-is-required", "cache", drop("cache", "transitEncryptionEnabled"), None),
    Case(
        "sns-tls-is-required",
        "topic",
        put("topic-policy", "policy", document(granting())),
        ("topic-policy", "arn"),
    ),
    Case("s3-tls-is-required", "logs", remove("logs-policy"), ("logs-policy", "bucket")),
    Case(
        "s3-tls-is-required",
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
    Case("rds-multi-az-enabled", "primary", put("primary", "multiAz", False), ("primary", "multiAz")),
    Case(
        "rds-read-replica-exists",
        "primary",
        both(drop("replica", "replicateSourceDb"), put("replica", "tags.Environment", "staging")),
        ("replica", "replicateSourceDb"),
        also=(
            ("rds-multi-az-enabled", "replica"),
            ("rds-backup-retention-is-sufficient", "replica"),
            ("rds-automated-backups-are-retained", "replica"),
            ("rds-subnet-group-is-set", "replica"),
            ("maintenance-backup-window-is-used", "replica"),
            ("monitoring-database-connection-alarm-exists", "replica"),
            ("tagging-environment-is-consistent", "replica"),
        ),
    ),
    Case(
        "rds-deletion-protection-enabled",
        "replica",
        put("replica", "deletionProtection", False),
        ("replica", "deletionProtection"),
    ),
    Case(
        "rds-engine-version-is-supported",
        "primary",
        put("primary", "engineVersion", "14.9"),
        ("primary", "engineVersion"),
    ),
    Case(
        "rds-extended-support-disabled",
        "primary",
        drop("primary", "engineLifecycleSupport"),
        ("primary", "engineLifecycleSupport"),
    ),
    Case(
        "maintenance-changes-wait-for-window",
        "cache",
        put("cache", "applyImmediately", True),
        ("cache", "applyImmediately"),
    ),
    Case(
        "rds-minor-upgrades-enabled",
        "primary",
        put("primary", "autoMinorVersionUpgrade", False),
        ("primary", "autoMinorVersionUpgrade"),
    ),
    Case(
        "rds-storage-autoscaling-enabled",
        "primary",
        drop("primary", "maxAllocatedStorage"),
        ("primary", "maxAllocatedStorage"),
    ),
    Case(
        "elasticache-automatic-failover-enabled",
        "cache",
        put("cache", "multiAzEnabled", False),
        ("cache", "multiAzEnabled"),
    ),
    Case("elasticache-automatic-failover-enabled", "cache", put("cache", "numCacheClusters", 1), None),
    Case("elasticache-automatic-failover-enabled", "cache", drop("cache", "numCacheClusters"), None),
    Case(
        "elasticache-engine-version-is-supported",
        "cache",
        put("cache", "engineVersion", "6.2"),
        ("cache", "engineVersion"),
    ),
    Case(
        "elasticache-minor-upgrades-enabled",
        "cache",
        put("cache", "autoMinorVersionUpgrade", False),
        ("cache", "autoMinorVersionUpgrade"),
    ),
    Case(
        "load-balancer-deletion-protection-enabled",
        "balancer",
        put("balancer", "enableDeletionProtection", False),
        ("balancer", "enableDeletionProtection"),
    ),
    Case(
        "availability-zones-are-multiple",
        "servers",
        put("servers", "vpcZoneIdentifiers", ["app-a-id"]),
        ("servers", "vpcZoneIdentifiers"),
    ),
    Case("availability-zones-are-multiple", "balancer", put("balancer", "subnets", ["public-a-id"]), None),
    Case(
        "load-balancer-invalid-headers-dropped",
        "balancer",
        drop("balancer", "dropInvalidHeaderFields"),
        ("balancer", "dropInvalidHeaderFields"),
    ),
    Case(
        "load-balancer-desync-mitigation-enabled",
        "balancer",
        put("balancer", "desyncMitigationMode", "monitor"),
        ("balancer", "desyncMitigationMode"),
    ),
    Case(
        "load-balancer-health-check-configured",
        "targets",
        put("targets", "healthCheck.path", "/api/v1/system/health"),
        ("targets", "healthCheck"),
    ),
    Case(
        "load-balancer-health-check-configured",
        "targets",
        put("targets", "healthCheck.enabled", False),
        None,
    ),
    Case(
        "load-balancer-health-check-is-timely",
        "targets",
        put("targets", "healthCheck.unhealthyThreshold", 10),
        ("targets", "healthCheck.unhealthyThreshold"),
    ),
    Case("auto-scaling-minimum-size-is-sufficient", "servers", put("servers", "minSize", 2), ("servers", "minSize")),
    Case(
        "auto-scaling-elb-health-check-enabled",
        "servers",
        put("servers", "healthCheckType", "EC2"),
        ("servers", "healthCheckType"),
    ),
    Case(
        "auto-scaling-launch-template-used",
        "servers",
        put("servers", "launchConfiguration", "old"),
        ("servers", "launchConfiguration"),
    ),
    Case(
        "auto-scaling-launch-template-version-is-pinned",
        "servers",
        put("servers", "launchTemplate.version", "$Latest"),
        ("servers", "launchTemplate"),
    ),
    Case("auto-scaling-policy-exists", "servers", remove("by-cpu"), ("by-cpu", "autoscalingGroupName")),
    Case("availability-stateful-resources-are-protected", "data-key", unprotect("data-key"), None),
    Case("availability-stateful-resources-are-protected", "cache", unprotect("cache"), ("cache", "tags")),
)

DNS_AND_CDN = (
    Case("dns-queries-are-logged", "zone", remove("query-log"), ("query-log", "zoneId")),
    Case("dns-caa-record-exists", "zone", remove("caa"), ("caa", "type")),
    Case(
        "dns-alias-targets-exist",
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
        "cdn-tls-version-is-current",
        "cdn",
        put("cdn", "viewerCertificate.minimumProtocolVersion", "TLSv1"),
        ("cdn", "viewerCertificate"),
    ),
    Case("cdn-requests-are-logged", "cdn", drop("cdn", "loggingConfig"), ("cdn", "loggingConfig")),
    Case("cdn-web-acl-is-associated", "cdn", drop("cdn", "webAclId"), ("cdn", "webAclId")),
    Case("cdn-default-root-object-is-set", "cdn", drop("cdn", "defaultRootObject"), ("cdn", "defaultRootObject")),
    Case(
        "cdn-origin-tls-version-is-current",
        "cdn",
        put("cdn", "origins.1.customOriginConfig.originProtocolPolicy", "match-viewer"),
        ("cdn", "origins.1.customOriginConfig"),
    ),
    Case(
        "cdn-origin-tls-version-is-current",
        "cdn",
        put("cdn", "origins.1.customOriginConfig.originSslProtocols", ["TLSv1", "TLSv1.2"]),
        None,
    ),
    Case(
        "cdn-certificate-is-in-us-east-1",
        "cdn",
        put("cdn", "viewerCertificate.acmCertificateArn", "arn:aws:acm:eu-west-1:111122223333:certificate/1"),
        ("cdn", "viewerCertificate"),
    ),
    Case(
        "headers-cdn-policy-is-attached",
        "cdn",
        put("cdn", "orderedCacheBehaviors", [{"viewerProtocolPolicy": "https-only"}]),
        ("cdn", "defaultCacheBehavior"),
    ),
    Case(
        "headers-xss-protection-is-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.xssProtection.modeBlock", False),
        ("cdn-headers", "securityHeadersConfig"),
    ),
    Case(
        "headers-frame-options-are-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.frameOptions.frameOption", "SAMEORIGIN"),
        ("cdn-headers", "securityHeadersConfig"),
    ),
    Case(
        "headers-content-type-options-are-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.contentTypeOptions", None),
        None,
    ),
    Case(
        "headers-strict-transport-security-is-set",
        "cdn-headers",
        put("cdn-headers", "securityHeadersConfig.strictTransportSecurity.includeSubdomains", False),
        None,
    ),
    Case(
        "admin-vpn-connections-are-logged",
        "vpn",
        put("vpn", "connectionLogOptions.enabled", False),
        ("vpn", "connectionLogOptions"),
    ),
    Case("secrets-rotation-enabled", "jwt_secret", remove("jwt-rotation"), ("jwt-rotation", "secretId")),
    Case(
        "secrets-rotation-enabled",
        "jwt_secret",
        put("jwt-rotation", "rotationRules.automaticallyAfterDays", 365),
        None,
    ),
    Case(
        "cdn-origin-access-control-enabled",
        "cdn",
        put("cdn", "origins", [{"domainName": "assets", "originId": "assets"}]),
        ("cdn", "origins"),
    ),
    Case(
        "ec2-nodejs-version-is-supported",
        "template",
        put("template", "userData", encoded("curl https://rpm.nodesource.com/setup_18.x | bash\n")),
        ("template", "userData"),
    ),
)

MONITORING = (
    Case(
        "monitoring-server-error-alarm-exists",
        "balancer",
        put("errors", "threshold", 300),
        ("errors", "threshold"),
    ),
    Case(
        "monitoring-server-error-alarm-exists",
        "balancer",
        put("errors", "metricQueries.0.expression", "(target + own) / requests"),
        None,
    ),
    Case("monitoring-response-time-alarm-exists", "balancer", put("latency", "threshold", 5), ("latency", "threshold")),
    Case("monitoring-response-time-alarm-exists", "balancer", put("latency", "extendedStatistic", "p50"), None),
    Case("monitoring-response-time-alarm-exists", "balancer", put("latency", "evaluationPeriods", 50), None),
    Case(
        "monitoring-database-connection-alarm-exists",
        "primary",
        put("connections", "threshold", 800),
        ("connections", "threshold"),
    ),
    Case(
        "monitoring-database-connection-alarm-exists",
        "primary",
        put("connections", "comparisonOperator", "LessThanThreshold"),
        None,
    ),
    Case(
        "monitoring-has-required-alarms",
        "cache",
        remove("EngineCPUUtilization-002"),
        ("EngineCPUUtilization-001", "dimensions.CacheClusterId"),
    ),
    Case("monitoring-has-required-alarms", "replica", remove("replica-lag"), None),
    Case(
        "monitoring-has-required-alarms", "primary", put("primary-cpu", "threshold", 95), ("primary-cpu", "threshold")
    ),
    Case("monitoring-has-required-alarms", "primary", put("DatabaseStorageLow", "threshold", GIB), None),
    Case(
        "monitoring-has-required-alarms",
        "balancer",
        put("NoHealthyServer", "comparisonOperator", "GreaterThanThreshold"),
        None,
    ),
    Case("monitoring-has-required-alarms", "servers", put("server-cpu", "evaluationPeriods", 100), None),
    Case(
        "monitoring-has-required-alarms",
        "certificate",
        put("CertificateExpiresSoon", "threshold", 1),
        ("CertificateExpiresSoon", "threshold"),
    ),
    Case("monitoring-alarms-have-actions", "errors", put("errors", "alarmActions", []), ("errors", "alarmActions")),
    Case(
        "monitoring-alarm-actions-enabled",
        "replica-lag",
        put("replica-lag", "actionsEnabled", False),
        ("replica-lag", "actionsEnabled"),
    ),
    Case(
        "monitoring-alarm-thresholds-are-reachable",
        "EngineCPUUtilization-001",
        put("EngineCPUUtilization-001", "threshold", 700),
        ("EngineCPUUtilization-001", "threshold"),
        also=(("monitoring-has-required-alarms", "cache"),),
    ),
    Case(
        "load-balancer-connection-logs-enabled",
        "balancer",
        put("balancer", "connectionLogs.enabled", False),
        ("balancer", "connectionLogs.enabled"),
    ),
    Case(
        "monitoring-topic-key-allows-cloudwatch",
        "topic",
        refer("topic", "kmsMasterKeyId", "data-key", "arn"),
        ("topic-key", "policy"),
    ),
    Case(
        "monitoring-topic-policy-allows-cloudwatch",
        "topic",
        put("topic-policy", "policy", document(TLS_ONLY)),
        ("topic-policy", "policy"),
    ),
    Case("monitoring-topics-have-subscriptions", "topic", remove("mail"), ("mail", "topic")),
    Case(
        "cloudwatch-logs-retention-is-sufficient",
        "flows",
        put("flows", "retentionInDays", 7),
        ("flows", "retentionInDays"),
    ),
    Case("cloudwatch-logs-retention-is-sufficient", "flows", drop("flows", "retentionInDays"), None),
    Case(
        "load-balancer-access-logs-enabled",
        "balancer",
        put("balancer", "accessLogs.enabled", False),
        ("balancer", "accessLogs.enabled"),
    ),
    Case(
        "rds-log-exports-enabled",
        "primary",
        put("primary", "enabledCloudwatchLogsExports", ["upgrade"]),
        ("primary", "enabledCloudwatchLogsExports"),
    ),
    Case(
        "rds-log-groups-are-declared",
        "replica",
        remove("replica-upgrade"),
        ("replica", "enabledCloudwatchLogsExports"),
    ),
    Case(
        "elasticache-log-delivery-enabled",
        "cache",
        drop("cache", "logDeliveryConfigurations"),
        ("cache", "logDeliveryConfigurations"),
    ),
    Case(
        "rds-enhanced-monitoring-enabled",
        "primary",
        put("primary", "monitoringInterval", 0),
        ("primary", "monitoringInterval"),
    ),
    Case(
        "rds-performance-insights-enabled",
        "primary",
        both(
            put("primary", "performanceInsightsEnabled", False),
        ),
        ("primary", "performanceInsightsEnabled"),
    ),
    Case("rds-event-subscription-exists", "primary", put("events", "sourceIds", ["fixrx-replica"]), None),
    Case(
        "rds-event-subscription-exists",
        "replica",
        put("events", "enabled", False),
        ("events", "sourceIds"),
        also=(("rds-event-subscription-exists", "primary"),),
    ),
)

ENCRYPTION = (
    Case(
        "rds-storage-encrypted",
        "primary",
        put("primary", "storageEncrypted", False),
        ("primary", "storageEncrypted"),
    ),
    Case("rds-customer-managed-key-used", "primary", drop("primary", "kmsKeyId"), ("primary", "kmsKeyId")),
    Case(
        "rds-performance-insights-customer-managed-key-used",
        "primary",
        drop("primary", "performanceInsightsKmsKeyId"),
        ("primary", "performanceInsightsKmsKeyId"),
    ),
    Case(
        "elasticache-storage-encrypted",
        "cache",
        put("cache", "atRestEncryptionEnabled", False),
        ("cache", "atRestEncryptionEnabled"),
    ),
    Case("elasticache-customer-managed-key-used", "cache", drop("cache", "kmsKeyId"), ("cache", "kmsKeyId")),
    Case(
        "ec2-block-devices-encrypted",
        "template",
        put("template", "blockDeviceMappings.0.ebs.encrypted", "false"),
        ("template", "blockDeviceMappings"),
    ),
    Case("ec2-block-devices-encrypted", "template", drop("template", "blockDeviceMappings"), None),
    Case("ebs-volumes-encrypted", "scratch", put("scratch", "encrypted", False), ("scratch", "encrypted")),
    Case("s3-customer-managed-key-used", "backups", remove("backups-encryption"), ("backups-encryption", "bucket")),
    Case(
        "s3-customer-managed-key-used",
        "backups",
        put("backups-encryption", "rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
        ("backups-encryption", "rules"),
    ),
    Case(
        "s3-customer-managed-key-used",
        "backups",
        put("backups-encryption", "rules", [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]),
        None,
    ),
    Case("cloudwatch-logs-customer-managed-key-used", "flows", drop("flows", "kmsKeyId"), ("flows", "kmsKeyId")),
    Case("sns-topics-encrypted", "topic", drop("topic", "kmsMasterKeyId"), ("topic", "kmsMasterKeyId")),
    Case("secrets-customer-managed-key-used", "jwt_secret", drop("jwt_secret", "kmsKeyId"), ("jwt_secret", "kmsKeyId")),
    Case("ssm-secret-parameters-encrypted", "token", put("token", "type", "String"), ("token", "type")),
    Case(
        "kms-key-rotation-enabled",
        "data-key",
        put("data-key", "enableKeyRotation", False),
        ("data-key", "enableKeyRotation"),
    ),
    Case(
        "kms-deletion-window-is-sufficient",
        "data-key",
        put("data-key", "deletionWindowInDays", 7),
        ("data-key", "deletionWindowInDays"),
    ),
)

STORAGE = (
    Case("s3-public-access-blocked", "backups", remove("backups-block"), ("backups-block", "bucket")),
    Case("s3-public-access-blocked", "logs", put("logs-block", "blockPublicPolicy", False), None),
    Case(
        "s3-acls-disabled",
        "logs",
        put("logs-ownership", "rule.objectOwnership", "ObjectWriter"),
        ("logs-ownership", "rule"),
    ),
    Case("s3-acl-is-not-public", "logs", put("logs", "acl", "public-read"), ("logs", "acl")),
    Case(
        "s3-versioning-enabled",
        "backups",
        put("backups-versioning", "versioningConfiguration.status", "Suspended"),
        ("backups-versioning", "bucket"),
    ),
    Case("s3-incomplete-uploads-are-aborted", "logs", remove("logs-lifecycle"), ("logs-lifecycle", "bucket")),
    Case("s3-access-logging-enabled", "backups", remove("backups-logging"), ("backups-logging", "bucket")),
    Case(
        "storage-force-destroy-disabled",
        "backups",
        put("backups", "forceDestroy", True),
        ("backups", "forceDestroy"),
    ),
    Case(
        "s3-backup-object-lock-enabled",
        "backups",
        put("backups", "objectLockEnabled", False),
        ("backups", "objectLockEnabled"),
    ),
    Case("s3-backup-retention-is-locked", "backups", remove("backups-lock"), ("backups-lock", "bucket")),
    Case("s3-backup-retention-is-locked", "backups", put("backups-lock", "objectLockEnabled", "Disabled"), None),
    Case("storage-force-destroy-disabled", "zone", put("zone", "forceDestroy", True), None),
    Case(
        "s3-backup-retention-is-locked",
        "backups",
        put("backups-lock", "rule.defaultRetention.days", 1),
        ("backups-lock", "rule"),
    ),
    Case(
        "s3-backup-retention-is-locked",
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
        "s3-access-log-retention-is-sufficient",
        "logs",
        put("logs-lifecycle", "rules.0.expiration", {"days": 1}),
        ("logs-lifecycle", "rules.0.expiration"),
    ),
    Case(
        "s3-backup-retention-is-sufficient",
        "backups-lifecycle",
        put("backups-lifecycle", "rules.0.expiration.days", 1),
        ("backups-lifecycle", "rules"),
    ),
)

BACKUPS = (
    Case(
        "rds-backup-retention-is-sufficient",
        "primary",
        put("primary", "backupRetentionPeriod", 1),
        ("primary", "backupRetentionPeriod"),
    ),
    Case("rds-backup-retention-is-sufficient", "primary", drop("primary", "backupRetentionPeriod"), None),
    Case(
        "rds-final-snapshot-enabled",
        "primary",
        put("primary", "skipFinalSnapshot", True),
        ("primary", "skipFinalSnapshot"),
    ),
    Case(
        "rds-automated-backups-are-retained",
        "primary",
        drop("primary", "deleteAutomatedBackups"),
        ("primary", "deleteAutomatedBackups"),
    ),
    Case(
        "rds-snapshot-tags-are-copied",
        "replica",
        put("replica", "copyTagsToSnapshot", False),
        ("replica", "copyTagsToSnapshot"),
    ),
    Case(
        "elasticache-snapshot-retention-is-sufficient",
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
        "secrets-are-not-in-plain-text",
        "app-group",
        put("app-group", "description", "postgresql://fixrx:hunter2@database:5432/fixrx"),
        None,
    ),
    Case(
        "secrets-are-not-in-plain-text",
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
        "secrets-recovery-window-is-sufficient",
        "jwt_secret",
        put("jwt_secret", "recoveryWindowInDays", 0),
        ("jwt_secret", "recoveryWindowInDays"),
    ),
    Case("secrets-password-length-is-sufficient", "password", put("password", "length", 8), ("password", "length")),
    Case("secrets-inventory-is-complete", "database_url", remove("redis_url"), ("redis_url", "namePrefix")),
    Case(
        "secrets-twilio-credentials-exist",
        "database_url",
        remove("twilio_auth_token"),
        ("twilio_auth_token", "namePrefix"),
    ),
    Case(
        "secrets-sendgrid-credentials-exist",
        "database_url",
        remove("sendgrid_api_key"),
        ("sendgrid_api_key", "namePrefix"),
    ),
    Case(
        "secrets-firebase-credentials-exist",
        "database_url",
        remove("firebase_project_id"),
        ("firebase_project_id", "namePrefix"),
    ),
    Case(
        "secrets-oauth-credentials-exist",
        "database_url",
        remove("oauth_google_client_secret"),
        ("oauth_google_client_secret", "namePrefix"),
    ),
)

IDENTITY = (
    Case(
        "iam-policy-actions-are-explicit",
        "app-policy",
        put("app-policy", "policy", document({"Effect": "Allow", "Action": "s3:*", "Resource": arn("backups")})),
        ("app-policy", "policy"),
    ),
    Case(
        "iam-policy-actions-are-explicit",
        "app-role",
        put(
            "app-role",
            "inlinePolicies",
            [{"policy": document({"Effect": "Allow", "NotAction": "iam:*", "Resource": arn("backups")})}],
        ),
        None,
    ),
    Case(
        "iam-policy-resources-are-explicit",
        "app-policy",
        put("app-policy", "policy", document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})),
        ("app-policy", "policy"),
    ),
    Case(
        "iam-role-trust-is-not-public",
        "app-role",
        put(
            "app-role",
            "assumeRolePolicy",
            document({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}),
        ),
        ("app-role", "assumeRolePolicy"),
    ),
    Case(
        "iam-role-trust-is-not-public",
        "app-role",
        put("app-role", "assumeRolePolicy", trusting("ec2.amazonaws.com", Action="*")),
        None,
    ),
    Case(
        "iam-role-trust-has-source-account",
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
        "iam-oidc-trust-is-restricted",
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
        "iam-oidc-trust-is-restricted",
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
        "iam-role-creation-requires-boundary",
        "workflow-policy",
        put("workflow-policy", "policy", document({**MAKE_ROLES, "Condition": {}})),
        ("workflow-policy", "policy"),
    ),
    Case(
        "iam-role-creation-requires-boundary",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document({"Effect": "Allow", "Action": "iam:put*", "Resource": arn("app-role")}),
        ),
        None,
    ),
    Case(
        "iam-pass-role-is-restricted",
        "workflow-policy",
        put("workflow-policy", "policy", document({**PASS_ROLES, "Condition": {}})),
        ("workflow-policy", "policy"),
    ),
    Case(
        "iam-roles-have-permissions-boundary",
        "app-role",
        drop("app-role", "permissionsBoundary"),
        ("app-role", "permissionsBoundary"),
    ),
    Case(
        "iam-kms-decrypt-is-restricted",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": arn("data-key")}),
        ),
        ("app-policy", "policy"),
    ),
    Case(
        "iam-kms-decrypt-is-restricted",
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
        "cloudwatch-logs-policy-resources-are-explicit",
        "query-permission",
        put("query-permission", "policyDocument", document(granting(Resource="*"))),
        ("query-permission", "policyDocument"),
    ),
    Case(
        "iam-resource-policy-is-not-public",
        "topic-policy",
        put(
            "topic-policy",
            "policy",
            document(TLS_ONLY, granting(), {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sns:Publish"}),
        ),
        ("topic-policy", "policy"),
    ),
    Case(
        "iam-resource-policy-is-not-public",
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
        "iam-resource-policy-has-source-account",
        "topic-policy",
        put("topic-policy", "policy", document(TLS_ONLY, granting(Condition={}))),
        ("topic-policy", "policy"),
    ),
    Case(
        "iam-resource-policy-actions-are-explicit",
        "topic-policy",
        put("topic-policy", "policy", document(TLS_ONLY, granting(Action="sns:*"))),
        ("topic-policy", "policy"),
    ),
    Case(
        "vpc-endpoint-policy-is-restricted",
        "s3-endpoint",
        drop("s3-endpoint", "policy"),
        ("s3-endpoint", "policy"),
    ),
    Case(
        "vpc-endpoint-policy-is-restricted",
        "s3-endpoint",
        put("s3-endpoint", "policy", document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})),
        None,
    ),
    Case(
        "iam-administrator-access-is-not-attached",
        "session-manager",
        put("session-manager", "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
        ("session-manager", "policyArn"),
        also=(("admin-session-manager-enabled", "template"),),
    ),
    Case("iam-users-are-not-used", "key", add("aws:iam/accessKey", "key", {"user": "eve"}), None),
    Case("kms-key-policy-is-set", "data-key", drop("data-key", "policy"), ("data-key", "policy")),
    Case(
        "iam-server-role-policies-are-exclusive",
        "app-role",
        remove("rolePoliciesExclusive"),
        ("rolePoliciesExclusive", "roleName"),
    ),
    Case(
        "iam-server-role-attachments-are-exclusive",
        "app-role",
        remove("rolePolicyAttachmentsExclusive"),
        ("rolePolicyAttachmentsExclusive", "roleName"),
    ),
    Case(
        "ec2-instance-profile-is-set",
        "template",
        drop("template", "iamInstanceProfile"),
        ("template", "iamInstanceProfile"),
        also=(("admin-session-manager-enabled", "template"),),
    ),
    Case(
        "ec2-imdsv2-is-required",
        "template",
        put("template", "metadataOptions.httpTokens", "optional"),
        ("template", "metadataOptions"),
    ),
    Case(
        "ec2-metadata-hop-limit-is-one",
        "template",
        put("template", "metadataOptions.httpPutResponseHopLimit", 2),
        ("template", "metadataOptions"),
    ),
    Case(
        "ec2-public-ip-disabled",
        "template",
        put("template", "networkInterfaces", [{"associatePublicIpAddress": "true"}]),
        ("template", "networkInterfaces"),
    ),
)

TAGGING = (
    Case("tagging-required-tags-are-set", "cache", put("cache", "tags.Owner", ""), ("cache", "tags")),
    Case("tagging-required-tags-are-set", "servers", drop("servers", "tags"), None),
    Case(
        "tagging-launch-template-tags-are-set",
        "template",
        put("template", "tagSpecifications", [{"resourceType": "instance", "tags": tags("server")}]),
        ("template", "tagSpecifications"),
    ),
    Case(
        "tagging-environment-is-consistent",
        "targets",
        put("targets", "tags.Environment", "staging"),
        ("targets", "tags"),
    ),
)

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"

KUBERNETES = (
    *(
        Case(f"kubernetes-{rule}", "api-deployment", put("api-deployment", path, value), ("api-deployment", hidden))
        for rule, path, value, hidden in (
            (
                "containers-run-as-non-root",
                f"{POD}.securityContext.runAsNonRoot",
                False,
                f"{POD}.securityContext.runAsNonRoot",
            ),
            (
                "containers-are-unprivileged",
                f"{CONTAINER}.securityContext.capabilities.drop",
                ["NET_RAW"],
                f"{CONTAINER}.securityContext.capabilities",
            ),
            (
                "root-filesystem-is-read-only",
                f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
                False,
                f"{CONTAINER}.securityContext.readOnlyRootFilesystem",
            ),
            ("pods-are-isolated-from-host", f"{POD}.hostNetwork", True, f"{POD}.hostNetwork"),
            (
                "container-resources-are-set",
                f"{CONTAINER}.resources.limits",
                {},
                f"{CONTAINER}.resources",
            ),
            ("readiness-probes-are-set", f"{CONTAINER}.readinessProbe", {}, f"{CONTAINER}.readinessProbe"),
            ("images-are-pinned", f"{CONTAINER}.image", "registry.fixrx.com:5000/api", f"{CONTAINER}.image"),
            (
                "environment-has-no-plain-secrets",
                f"{CONTAINER}.env.0",
                {"name": "JWT_SECRET", "value": "in the clear"},
                f"{CONTAINER}.env.0.name",
            ),
        )
    ),
    Case(
        "kubernetes-containers-are-unprivileged",
        "api-deployment",
        put("api-deployment", f"{CONTAINER}.securityContext.privileged", True),
        None,
    ),
    Case(
        "kubernetes-pods-are-isolated-from-host",
        "api-deployment",
        put("api-deployment", f"{POD}.volumes", [{"name": "node", "hostPath": {"path": "/"}}]),
        None,
    ),
    Case(
        "kubernetes-deployments-have-autoscalers",
        "api-deployment",
        put("api-autoscaler", "spec.scaleTargetRef.name", "web"),
        ("api-autoscaler", "spec.scaleTargetRef.name"),
    ),
    Case(
        "kubernetes-autoscaled-replicas-are-unset",
        "api-deployment",
        put("api-deployment", "spec.replicas", 3),
        ("api-deployment", "spec.replicas"),
    ),
    *(
        Case(
            "kubernetes-autoscaler-limits-match-guide",
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
        "kubernetes-deployments-have-disruption-budgets",
        "api-deployment",
        put("api-budget", "spec.selector.matchLabels", {"app": "web"}),
        ("api-budget", "spec.selector"),
    ),
    Case("kubernetes-deployments-have-disruption-budgets", "api-deployment", remove("api-budget"), None),
)

MAINTENANCE = (
    Case(
        "maintenance-weekly-window-is-used",
        "replica",
        put("replica", "maintenanceWindow", "wed:14:00-wed:15:00"),
        ("replica", "maintenanceWindow"),
    ),
    Case(
        "maintenance-weekly-window-is-used",
        "cache",
        put("cache", "maintenanceWindow", "sun:03:00-sun:05:00"),
        ("cache", "maintenanceWindow"),
    ),
    Case("maintenance-weekly-window-is-used", "primary", drop("primary", "maintenanceWindow"), None),
    Case(
        "maintenance-backup-window-is-used",
        "primary",
        put("primary", "backupWindow", "12:00-12:30"),
        ("primary", "backupWindow"),
    ),
    Case("maintenance-backup-window-is-used", "cache", drop("cache", "snapshotWindow"), None),
)

BACKUP_PLANS = (
    Case("backup-vaults-are-locked", "vault", remove("vault-lock"), ("vault-lock", "minRetentionDays")),
    Case("backup-vaults-are-locked", "vault", put("vault-lock", "minRetentionDays", 1), None),
    Case("backup-vault-customer-managed-key-used", "vault", drop("vault", "kmsKeyArn"), ("vault", "kmsKeyArn")),
    Case("backup-plans-have-selections", "plan", remove("selection"), ("selection", "resources")),
    Case("backup-plans-have-selections", "plan", put("selection", "resources", []), None),
    Case(
        "backup-plan-retention-is-sufficient",
        "plan",
        put("plan", "rules.0.lifecycle.deleteAfter", 2),
        ("plan", "rules.0.lifecycle"),
    ),
    Case("backup-restore-is-tested", "plan", remove("restore-test"), ("restore-test", "protectedResourceType")),
)

INCIDENTS = (
    Case("monitoring-alarms-have-severity", "latency", put("latency", "tags.Severity", "urgent"), ("latency", "tags")),
    Case(
        "monitoring-alarms-have-runbook",
        "latency",
        put("latency", "alarmDescription", "Slow"),
        ("latency", "alarmDescription"),
    ),
    Case(
        "monitoring-p1-alarms-are-not-muted",
        "mute",
        put("server-cpu", "tags.Severity", "P1"),
        ("mute", "muteTargets.alarmNames.0"),
    ),
    Case(
        "monitoring-chat-guardrails-are-restricted",
        "chat",
        put("chat", "guardrailPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
        ("chat", "guardrailPolicyArns"),
    ),
    Case("monitoring-chat-guardrails-are-restricted", "chat", drop("chat", "guardrailPolicyArns"), None),
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
