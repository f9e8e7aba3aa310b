"""What breaks the rules of `policies.rules.tls`."""

from tests.policies.changes import Case, drop, granting, put, refer, remove
from tests.policies.exported import arn, document

CASES = (
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
    Case(
        "sqs-tls-is-required",
        "failed",
        put("failed-policy", "policy", document(granting())),
        ("failed-policy", "queueUrl"),
    ),
    Case("sqs-tls-is-required", "jobs", drop("jobs", "policy"), None),
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
