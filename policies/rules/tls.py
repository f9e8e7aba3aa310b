"""SSL certificates configured, and no connection without TLS: browsers, databases, caches, buckets, topics."""

import re
from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, statements
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

CURRENT_TLS_POLICY: Final = re.compile(r"ELBSecurityPolicy-(TLS13-1-[23]|TLS-1-2|FS-1-2)(-[A-Za-z0-9-]+)?")
"""Security policies that refuse TLS 1.1 and older: AWS's names say the oldest version, post-quantum ones included."""
STRONG_KEYS: Final = frozenset({"RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"})
EXPIRED_AUTHORITIES: Final = frozenset({"rds-ca-2015", "rds-ca-2019"})
PARAMETER_GROUPS: Final = {
    aws.DB_CLUSTER: ("dbClusterParameterGroupName", aws.DB_CLUSTER_PARAMETER_GROUP),
    aws.DB_INSTANCE: ("parameterGroupName", aws.DB_PARAMETER_GROUP),
}
"""Where a database names its parameter group, and the type of that."""
TLS_PARAMETERS: Final = {
    "aurora-mysql": ("require_secure_transport", ("1", "ON")),
    "aurora-postgresql": ("rds.force_ssl", ("1",)),
    "mariadb": ("require_secure_transport", ("1", "ON")),
    "mysql": ("require_secure_transport", ("1", "ON")),
    "postgres": ("rds.force_ssl", ("1",)),
}
"""The parameter of each engine that refuses connections without TLS, and its values."""
PLAIN_HTTP: Final = {"aws:securetransport": ["false"], "s3:tlsversion": ["0"]}
"""What a request without TLS has for the condition keys about TLS."""
ELB_GUIDE: Final = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
ACM_GUIDE: Final = "https://docs.aws.amazon.com/acm/latest/userguide"


def _is_http(listener: StackResource) -> bool:
    return bool(listener.get("protocol") in (None, "HTTP") and listener.is_set("defaultActions"))


def _redirects_to_https(action: StackResource) -> bool:
    return bool(
        action.get("type") == "redirect"
        and action.get("redirect.protocol") == "HTTPS"
        and action.get("redirect.statusCode") == "HTTP_301"
    )


@rule(
    "tls-http-listener-redirects",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.LISTENER],
    applies_to=_is_http,
    security_hub=["ELB.1"],
    remediation='Make the default action a redirect to protocol "HTTPS" with status code "HTTP_301".',
)
def http_listener_redirects(listener: StackResource, _: Context) -> Iterator[Problem]:
    """HTTP listeners redirect every request to HTTPS."""
    for action in listener.items("defaultActions"):
        if not _redirects_to_https(action):
            yield "serves plain HTTP: passwords and sessions can be read in transit"


@rule(
    "tls-http-listener-rules-redirect",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.LISTENER_RULE],
    scope=Scope.STACK,
    security_hub=["ELB.1"],
    remediation="Attach the rule to the HTTPS listener (listener_arn).",
)
def http_listener_rules_redirect(listener_rule: StackResource, context: Context) -> Iterator[Problem]:
    """Rules of HTTP listeners redirect every request to HTTPS."""
    for listener in context.stack.targets(listener_rule, "listenerArn", aws.LISTENER):
        if not _is_http(listener):
            continue
        for action in listener_rule.items("actions"):
            if not _redirects_to_https(action):
                yield f"serves plain HTTP on {listener.name}: passwords and sessions can be read in transit"


@rule(
    "tls-load-balancer-has-https-listener",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LOAD_BALANCER],
    scope=Scope.STACK,
    applies_to=aws.is_public_application_load_balancer,
    security_hub=["ELB.1"],
    remediation='Declare an lb.Listener with protocol="HTTPS", port=443 and a certificate.',
)
def load_balancer_has_https_listener(balancer: StackResource, context: Context) -> Iterator[Problem]:
    """Public load balancers have an HTTPS listener."""
    if not context.stack.has_referrer(balancer, aws.LISTENER, "loadBalancerArn", where=aws.is_https):
        yield "has no HTTPS listener: clients cannot connect with encryption"


@rule(
    "tls-listener-policy-is-current",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LISTENER],
    applies_to=aws.is_https,
    documentation=f"{ELB_GUIDE}/describe-ssl-policies.html",
    remediation='Set ssl_policy="ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09" or another without TLS 1.1.',
)
def listener_policy_is_current(listener: StackResource, _: Context) -> Iterator[Problem]:
    """HTTPS listeners use a security policy that refuses TLS 1.1 and older."""
    policy = listener.get("sslPolicy")
    if not policy:
        yield "names no security policy: AWS's default is from 2016 and accepts TLS 1.0"
    elif not CURRENT_TLS_POLICY.fullmatch(policy):
        yield f"has the security policy {policy}, which accepts TLS 1.1 or older, or is unknown"


@rule(
    "tls-listener-has-certificate",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.LISTENER],
    applies_to=aws.is_https,
    documentation=f"{ELB_GUIDE}/https-listener-certificates.html",
    remediation="Set certificate_arn to the validated certificate's ARN.",
)
def listener_has_certificate(listener: StackResource, _: Context) -> Iterator[Problem]:
    """HTTPS listeners have a certificate."""
    if not listener.is_set("certificateArn"):
        yield "has no certificate: AWS refuses to create it"


@rule(
    "tls-certificate-is-validated-by-dns",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.CERTIFICATE],
    security_hub=["ACM.1"],
    remediation='Set validation_method="DNS".',
)
def certificate_is_validated_by_dns(certificate: StackResource, _: Context) -> Iterator[Problem]:
    """Certificates are validated by DNS, so that they renew automatically."""
    if certificate.get("validationMethod") != "DNS":
        yield "is not validated by DNS: it does not renew automatically, and the site is down when it expires"


@rule(
    "tls-certificate-is-issued-before-use",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.LOW,
    resource_types=[aws.CERTIFICATE],
    scope=Scope.STACK,
    documentation=f"{ACM_GUIDE}/dns-validation.html",
    remediation="Declare an acm.CertificateValidation and use its certificate_arn.",
)
def certificate_is_issued_before_use(certificate: StackResource, context: Context) -> Iterator[Problem]:
    """The deployment waits until a certificate has been issued."""
    if not context.stack.has_referrer(certificate, aws.CERTIFICATE_VALIDATION, "certificateArn"):
        yield "has no CertificateValidation: a listener may be created before it has been issued"


@rule(
    "tls-certificate-key-is-strong",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CERTIFICATE],
    applies_to=lambda certificate: certificate.is_set("keyAlgorithm"),
    security_hub=["ACM.2"],
    remediation='Set key_algorithm="RSA_2048" or stronger.',
)
def certificate_key_is_strong(certificate: StackResource, _: Context) -> Iterator[Problem]:
    """Certificates have RSA keys of 2048 bits or more, or elliptic curve keys."""
    if certificate.get("keyAlgorithm") not in STRONG_KEYS:
        yield "has a key that is too short to be secure"


@rule(
    "tls-certificate-transparency-enabled",
    item=ChecklistItem.CERTIFICATES,
    severity=RuleSeverity.LOW,
    resource_types=[aws.CERTIFICATE],
    documentation=f"{ACM_GUIDE}/acm-concepts.html#concept-transparency",
    remediation="Remove certificate_transparency_logging_preference.",
)
def certificate_transparency_enabled(certificate: StackResource, _: Context) -> Iterator[Problem]:
    """Certificates are recorded in the certificate transparency logs."""
    if certificate.get("options.certificateTransparencyLoggingPreference") == "DISABLED":
        yield "is not recorded in the certificate transparency logs: browsers do not trust it"


@rule(
    "rds-tls-is-required",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=PARAMETER_GROUPS,
    scope=Scope.STACK,
    applies_to=lambda database: aws.engine_of(database) in TLS_PARAMETERS,
    security_hub=["RDS.38", "RDS.39"],
    remediation='Use a parameter group with rds.force_ssl="1" (MySQL: require_secure_transport="1").',
)
def database_tls_is_required(database: StackResource, context: Context) -> Iterator[Problem]:
    """Databases accept TLS connections only."""
    name, required = TLS_PARAMETERS[aws.engine_of(database)]
    path, group_type = PARAMETER_GROUPS[database.type]
    groups = context.stack.targets(database, path, group_type)
    values = [
        str(parameter.get("value"))
        for group in groups
        for parameter in group.items("parameters")
        if parameter.get("name") == name
    ]
    if len(values) != 1 or values[0].upper() not in required:
        yield "accepts connections without TLS: passwords and customers' data can be read in transit"


@rule(
    "rds-certificate-authority-is-current",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.DB_INSTANCE, aws.DB_CLUSTER_INSTANCE],
    documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
    remediation='Set ca_cert_identifier="rds-ca-rsa2048-g1".',
)
def certificate_authority_is_current(database: StackResource, _: Context) -> Iterator[Problem]:
    """The certificate authority of databases has not expired."""
    if database.get("caCertIdentifier") in EXPIRED_AUTHORITIES:
        yield "has a certificate of an expired authority: clients that verify it cannot connect"


@rule(
    "elasticache-tls-is-required",
    item=ChecklistItem.DATABASE_ACCESS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.CACHE, aws.CACHE_CLUSTER],
    applies_to=aws.is_separate_cache,
    security_hub=["ElastiCache.5"],
    remediation='Set transit_encryption_enabled=True and leave transit_encryption_mode at "required".',
)
def cache_tls_is_required(cache: StackResource, _: Context) -> Iterator[Problem]:
    """Caches accept TLS connections only."""
    mode = "required" if cache.type == aws.CACHE_CLUSTER else cache.get("transitEncryptionMode") or "required"
    if cache.get("transitEncryptionEnabled") is not True or mode != "required":
        yield "accepts connections without TLS: sessions and tokens can be read in transit"


@rule(
    "s3-tls-is-required",
    item=ChecklistItem.BACKUPS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.BUCKET],
    scope=Scope.STACK,
    security_hub=["S3.5"],
    remediation="Deny s3:* to every principal where aws:SecureTransport is false, in an s3.BucketPolicy.",
)
def bucket_tls_is_required(bucket: StackResource, context: Context) -> Iterator[Problem]:
    """Buckets deny requests without TLS."""
    for policy in [bucket, *context.stack.referrers(bucket, aws.BUCKET_POLICY, "bucket")]:
        for statement in statements(policy, "policy"):
            if _denies_plain_http(statement, "s3:*") and aws.covers_objects(statement, bucket):
                return
    context.stack.require_known_referrers(bucket, aws.BUCKET_POLICY, "bucket")
    yield "allows requests without TLS: backups and logs can be read in transit"


@rule(
    "sns-tls-is-required",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.TOPIC],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html",
    remediation="Deny sns:Publish to every principal where aws:SecureTransport is false, in an sns.TopicPolicy.",
)
def topic_tls_is_required(topic: StackResource, context: Context) -> Iterator[Problem]:
    """Topics deny requests without TLS."""
    for policy in context.stack.referrers(topic, aws.TOPIC_POLICY, "arn"):
        if any(_denies_plain_http(statement, "sns:Publish") for statement in statements(policy, "policy")):
            return
    context.stack.require_known_referrers(topic, aws.TOPIC_POLICY, "arn")
    yield "allows publishing without TLS: alarms can be read and forged in transit"


@rule(
    "sqs-tls-is-required",
    item=ChecklistItem.MONITORING,
    severity=RuleSeverity.LOW,
    resource_types=[aws.QUEUE],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html",
    remediation="Deny sqs:* to every principal where aws:SecureTransport is false, in an sqs.QueuePolicy.",
)
def queue_tls_is_required(queue: StackResource, context: Context) -> Iterator[Problem]:
    """Queues deny requests without TLS."""
    for policy in [queue, *context.stack.referrers(queue, aws.QUEUE_POLICY, "queueUrl")]:
        if any(_denies_plain_http(statement, "sqs:SendMessage") for statement in statements(policy, "policy")):
            return
    context.stack.require_known_referrers(queue, aws.QUEUE_POLICY, "queueUrl")
    yield "allows requests without TLS: its messages can be read and forged in transit"


def _denies_plain_http(statement: Statement, action: str) -> bool:
    """Tell whether a statement denies everyone an action, for every request without TLS."""
    return statement.denies_everyone and statement.covers_action(action) and statement.always_holds_for(PLAIN_HTTP)
