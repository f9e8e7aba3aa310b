"""What breaks the rules of `policies.rules.cdn`."""

from tests.policies.changes import Case, drop, put, remove

CASES = (
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
    Case("cdn-requests-are-logged", "cdn", remove("cdn-log-source"), ("cdn-log-source", "resourceArn")),
    Case("cdn-requests-are-logged", "cdn", remove("cdn-log"), ("cdn-log", "deliverySourceName")),
    Case("cdn-logs-have-no-cookies", "cdn", drop("cdn-log", "recordFields"), ("cdn-log", "recordFields")),
    Case("cdn-logs-have-no-cookies", "cdn", put("cdn-log", "recordFields", ["date", "cs(Cookie)"]), None),
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
        "cdn-origin-access-control-enabled",
        "cdn",
        put("cdn", "origins", [{"domainName": "assets", "originId": "assets"}]),
        ("cdn", "origins"),
    ),
)
