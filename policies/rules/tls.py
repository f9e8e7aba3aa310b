"""SSL certificates configured, and no connection without TLS: browsers, databases, caches, buckets."""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, statements
from policies.engine.patterns import must_be, must_be_one_of, must_be_set, must_have, must_not_be
from policies.engine.resource import StackResource
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.rules.database_access import CACHE, DATABASE
from policies.rules.rate_limits import LOAD_BALANCER, is_public_application_load_balancer
from policies.rules.security_headers import LISTENER, is_https

LISTENER_RULE: Final = "aws:lb/listenerRule"
CERTIFICATE: Final = "aws:acm/certificate"
VALIDATION: Final = "aws:acm/certificateValidation"
PARAMETER_GROUP: Final = "aws:rds/parameterGroup"
BUCKET: Final = "aws:s3/bucket"
BUCKET_POLICY: Final = "aws:s3/bucketPolicy"
TOPIC: Final = "aws:sns/topic"
TOPIC_POLICY: Final = "aws:sns/topicPolicy"

MODERN_TLS_POLICIES: Final = frozenset(
    {
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
        "ELBSecurityPolicy-TLS13-1-3-2021-06",
        "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
        "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
    }
)
"""Policies that refuse TLS 1.1 and older."""
STRONG_KEYS: Final = frozenset({"RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"})
RETIRED_AUTHORITIES: Final = frozenset({"rds-ca-2015", "rds-ca-2019"})
TLS_POLICY_GUIDE: Final = (
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html"
)


def _is_plain_http(listener: StackResource) -> bool:
    return bool(listener.get("protocol") in (None, "HTTP") and listener.is_set("defaultActions"))


def _only_redirects(listener: StackResource, _: Context) -> Iterator[Problem]:
    for action in listener.items("defaultActions"):
        if not _redirects_to_https(action):
            yield "answers over plain HTTP: passwords and sessions can be read on the way"


def _redirects_to_https(action: StackResource) -> bool:
    return bool(
        action.get("type") == "redirect"
        and action.get("redirect.protocol") == "HTTPS"
        and action.get("redirect.statusCode") == "HTTP_301"
    )


def _rules_of_plain_listeners_redirect(rule: StackResource, context: Context) -> Iterator[Problem]:
    for listener in context.stack.targets(rule, "listenerArn", LISTENER):
        if not _is_plain_http(listener):
            continue
        for action in rule.items("actions"):
            if not _redirects_to_https(action):
                yield f"answers on {listener.name}, which is plain HTTP: passwords and sessions can be read on the way"


def _database_forces_tls(database: StackResource, context: Context) -> Iterator[Problem]:
    groups = context.stack.targets(database, "parameterGroupName", PARAMETER_GROUP)
    forced = [
        str(parameter.get("value"))
        for group in groups
        for parameter in group.items("parameters")
        if parameter.get("name") == "rds.force_ssl"
    ]
    if forced != ["1"]:
        yield "accepts connections without TLS: passwords and customers' data can be read on the way"


def _is_postgres(database: StackResource) -> bool:
    return str(database.get("engine") or "postgres").startswith("postgres")


def _certificate_authority_is_current(database: StackResource, _: Context) -> Iterator[Problem]:
    if database.get("caCertIdentifier") in RETIRED_AUTHORITIES:
        yield "presents a certificate whose authority has expired: clients that check it cannot connect"


def _cache_forces_tls(cache: StackResource, _: Context) -> Iterator[Problem]:
    mode = cache.get("transitEncryptionMode") or "required"
    if cache.get("transitEncryptionEnabled") is not True or mode != "required":
        yield "accepts connections without TLS: sessions and tokens can be read on the way"


def _bucket_refuses_plain_http(bucket: StackResource, context: Context) -> Iterator[Problem]:
    for policy in context.stack.referrers(bucket, BUCKET_POLICY, "bucket"):
        for statement in statements(policy, "policy"):
            everything = {"*", "s3:*"} & set(statement.actions) and any(
                resource.endswith("/*") or resource == "*" for resource in statement.resources
            )
            if everything and _denies_plain_http(statement):
                return
    context.stack.require_known_referrers(bucket, BUCKET_POLICY, "bucket")
    yield "answers over plain HTTP: backups and logs can be read on the way"


def _topic_refuses_plain_http(topic: StackResource, context: Context) -> Iterator[Problem]:
    for policy in context.stack.referrers(topic, TOPIC_POLICY, "arn"):
        if any(_denies_plain_http(statement) for statement in statements(policy, "policy")):
            return
    context.stack.require_known_referrers(topic, TOPIC_POLICY, "arn")
    yield "takes messages over plain HTTP: alarms can be read and forged on the way"


def _denies_plain_http(statement: Statement) -> bool:
    everyone = any("*" in identifiers for identifiers in statement.principals.values())
    return not statement.allows and everyone and statement.condition_values("aws:SecureTransport") == ["false"]


RULES = (
    Rule(
        name="tls-http-listener-redirects",
        description="Port 80 does nothing but redirect to HTTPS.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.CRITICAL,
        security_hub=("ELB.1",),
        resource_types=frozenset({LISTENER}),
        applies_to=_is_plain_http,
        check=_only_redirects,
        remediation='Make the default action a redirect to protocol "HTTPS" with status code "HTTP_301".',
    ),
    Rule(
        name="tls-http-listener-rules-redirect",
        description="No rule of a plain HTTP listener answers by itself.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.CRITICAL,
        security_hub=("ELB.1",),
        scope=Scope.STACK,
        resource_types=frozenset({LISTENER_RULE}),
        check=_rules_of_plain_listeners_redirect,
        remediation="Attach the rule to the HTTPS listener (listener_arn).",
    ),
    Rule(
        name="tls-load-balancer-has-https-listener",
        description="Every public load balancer has an HTTPS listener.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.HIGH,
        security_hub=("ELB.1",),
        scope=Scope.STACK,
        resource_types=frozenset({LOAD_BALANCER}),
        applies_to=is_public_application_load_balancer,
        check=must_have(
            LISTENER, "loadBalancerArn", "has no HTTPS listener: nobody can reach it safely", where=is_https
        ),
        remediation='Declare an lb.Listener with protocol="HTTPS", port=443 and a certificate.',
    ),
    Rule(
        name="tls-listener-policy-is-current",
        description="HTTPS listeners negotiate TLS 1.2 or newer with strong ciphers.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.HIGH,
        documentation=TLS_POLICY_GUIDE,
        resource_types=frozenset({LISTENER}),
        applies_to=is_https,
        check=must_be_one_of(
            "sslPolicy", MODERN_TLS_POLICIES, "accepts TLS versions that have been broken (AWS's default is from 2016)"
        ),
        remediation='Set ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06" or a stricter one.',
    ),
    Rule(
        name="tls-listener-has-certificate",
        description="HTTPS listeners have a certificate.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.HIGH,
        documentation="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html",
        resource_types=frozenset({LISTENER}),
        applies_to=is_https,
        check=must_be_set("certificateArn", "has no certificate: AWS refuses to create it"),
        remediation="Set certificate_arn to the validated certificate's ARN.",
    ),
    Rule(
        name="tls-certificate-is-validated-by-dns",
        description="Certificates are validated by DNS and so renew by themselves.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.MEDIUM,
        security_hub=("ACM.1",),
        resource_types=frozenset({CERTIFICATE}),
        check=must_be(
            "validationMethod", "DNS", "is renewed only if somebody answers an e-mail in time, else the site is down"
        ),
        remediation='Set validation_method="DNS".',
    ),
    Rule(
        name="tls-certificate-is-issued-before-use",
        description="The deployment waits until a certificate has been issued.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html",
        scope=Scope.STACK,
        resource_types=frozenset({CERTIFICATE}),
        check=must_have(
            VALIDATION, "certificateArn", "is never waited for: a listener may start before it has been issued"
        ),
        remediation="Declare an acm.CertificateValidation and use its certificate_arn.",
    ),
    Rule(
        name="tls-certificate-key-is-strong",
        description="Certificates have keys of 2048 bits or more, or elliptic curves.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.HIGH,
        security_hub=("ACM.2",),
        resource_types=frozenset({CERTIFICATE}),
        applies_to=lambda certificate: certificate.is_set("keyAlgorithm"),
        check=must_be_one_of("keyAlgorithm", STRONG_KEYS, "has a key that can be broken"),
        remediation='Set key_algorithm="RSA_2048" or stronger.',
    ),
    Rule(
        name="tls-certificate-transparency-enabled",
        description="Certificates appear in the public transparency logs.",
        item=ChecklistItem.CERTIFICATES,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/acm/latest/userguide/acm-concepts.html#concept-transparency",
        resource_types=frozenset({CERTIFICATE}),
        check=must_not_be(
            "options.certificateTransparencyLoggingPreference", "DISABLED", "is not logged: browsers will distrust it"
        ),
        remediation="Remove certificate_transparency_logging_preference.",
    ),
    Rule(
        name="rds-tls-is-required",
        description="PostgreSQL accepts TLS connections only.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.HIGH,
        security_hub=("RDS.38",),
        scope=Scope.STACK,
        resource_types=frozenset({DATABASE}),
        applies_to=_is_postgres,
        check=_database_forces_tls,
        remediation='Use a parameter group with rds.force_ssl set to "1" (parameter_group_name).',
    ),
    Rule(
        name="rds-certificate-authority-is-current",
        description="Databases present a certificate of an authority that is still in use.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        resource_types=frozenset({DATABASE}),
        check=_certificate_authority_is_current,
        remediation='Set ca_cert_identifier="rds-ca-rsa2048-g1".',
    ),
    Rule(
        name="elasticache-tls-is-required",
        description="Caches accept TLS connections only.",
        item=ChecklistItem.DATABASE_ACCESS,
        severity=RuleSeverity.HIGH,
        security_hub=("ElastiCache.5",),
        resource_types=frozenset({CACHE}),
        check=_cache_forces_tls,
        remediation='Set transit_encryption_enabled=True and leave transit_encryption_mode at "required".',
    ),
    Rule(
        name="s3-tls-is-required",
        description="Buckets refuse requests without TLS.",
        item=ChecklistItem.BACKUPS,
        severity=RuleSeverity.HIGH,
        security_hub=("S3.5",),
        scope=Scope.STACK,
        resource_types=frozenset({BUCKET}),
        check=_bucket_refuses_plain_http,
        remediation="Deny s3:* to everybody where aws:SecureTransport is false, in an s3.BucketPolicy.",
    ),
    Rule(
        name="sns-tls-is-required",
        description="Topics refuse messages without TLS.",
        item=ChecklistItem.MONITORING,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html",
        scope=Scope.STACK,
        resource_types=frozenset({TOPIC}),
        check=_topic_refuses_plain_http,
        remediation="Deny sns:Publish to everybody where aws:SecureTransport is false, in an sns.TopicPolicy.",
    ),
)
