"""What breaks the rules of `policies.rules.identity`."""

from tests.policies.changes import Case, add, drop, put, remove
from tests.policies.exported import arn, document
from tests.policies.platform import MAKE_ROLES, PASS_ROLES

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
        "iam-policy-resources-are-explicit",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document({"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*"}),
        ),
        ("app-policy", "policy"),
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
        "iam-administrator-access-is-not-attached",
        "session-manager",
        put("session-manager", "policyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
        ("session-manager", "policyArn"),
        also=(("admin-session-manager-enabled", "template"),),
    ),
    Case("iam-users-are-not-used", "key", add("aws:iam/accessKey", "key", {"user": "eve"}), None),
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
        "iam-policy-resources-are-explicit",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document(
                {
                    "Effect": "Allow",
                    "Action": "secretsmanager:GetSecretValue",
                    "Resource": "arn:aws:secretsmanager:us-east-1:111122223333:secret:*",
                }
            ),
        ),
        None,
    ),
)
