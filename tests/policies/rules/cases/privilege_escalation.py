"""What breaks the rules of `policies.rules.privilege_escalation`."""

from tests.policies.changes import Case, put
from tests.policies.exported import ACCOUNT, document

CASES = (
    Case(
        "iam-privilege-escalation-is-impossible",
        "app-policy",
        put(
            "app-policy",
            "policy",
            document(
                {
                    "Effect": "Allow",
                    "Action": "iam:CreatePolicyVersion",
                    "Resource": f"arn:aws:iam::{ACCOUNT}:policy/fixrx/app",
                }
            ),
        ),
        ("app-policy", "policy"),
    ),
)
