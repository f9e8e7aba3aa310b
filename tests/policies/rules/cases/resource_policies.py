"""What breaks the rules of `policies.rules.resource_policies`."""

from tests.policies.changes import Case, drop, granting, put
from tests.policies.exported import ACCOUNT, document
from tests.policies.platform import TLS_ONLY

CASES = (
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
    Case("kms-key-policy-is-set", "data-key", drop("data-key", "policy"), ("data-key", "policy")),
    Case(
        "iam-policy-document-is-valid",
        "topic-policy",
        put("topic-policy", "policy", "{not: json}"),
        ("topic-policy", "policy"),
    ),
    Case(
        "iam-resource-policy-is-limited-for-other-accounts",
        "data-key",
        put(
            "data-key",
            "policy",
            document(
                {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"},
                {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kms:*", "Resource": "*"},
            ),
        ),
        ("data-key", "policy"),
    ),
)
