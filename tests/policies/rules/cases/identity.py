"""What breaks the rules of `policies.rules.identity`."""

from tests.policies.changes import Case, add, drop, granting, put, remove, trusting
from tests.policies.exported import arn, document, tags
from tests.policies.platform import MAKE_ROLES, PASS_ROLES, TLS_ONLY, workflow_trust

CASES = (
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
)
