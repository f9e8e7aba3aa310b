"""What breaks the rules of `policies.rules.trust`."""

from tests.policies.changes import Case, add, put, trusting
from tests.policies.exported import ACCOUNT, arn, document, tags
from tests.policies.platform import workflow_trust

CASES = (
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
        "iam-cross-account-trust-is-restricted",
        "app-role",
        put(
            "app-role",
            "assumeRolePolicy",
            document(
                {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
                {"Effect": "Allow", "Principal": {"AWS": [ACCOUNT, "444455556666"]}, "Action": "sts:AssumeRole"},
            ),
        ),
        ("app-role", "assumeRolePolicy"),
    ),
    Case(
        "iam-federated-trust-is-restricted",
        "workflow-role",
        put(
            "workflow-role",
            "assumeRolePolicy",
            document(
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:saml-provider/directory"},
                    "Action": "sts:AssumeRoleWithSAML",
                }
            ),
        ),
        ("workflow-role", "assumeRolePolicy"),
    ),
)
