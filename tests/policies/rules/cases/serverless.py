"""What breaks the rules of `policies.rules.serverless`."""

from tests.policies.changes import Case, drop, put

CASES = (
    Case(
        "lambda-permission-is-restricted",
        "events-call",
        drop("events-call", "sourceAccount"),
        ("events-call", "sourceAccount"),
    ),
    Case(
        "lambda-layer-permission-is-restricted",
        "layer-use",
        put("layer-use", "principal", "*"),
        ("layer-use", "principal"),
    ),
    Case(
        "lambda-url-requires-authentication",
        "url",
        put("url", "authorizationType", "NONE"),
        ("url", "authorizationType"),
    ),
    Case("lambda-runtime-is-supported", "resize", put("resize", "runtime", "nodejs18.x"), ("resize", "runtime")),
    Case(
        "lambda-environment-has-no-secrets",
        "resize",
        put("resize", "environment.variables.API_TOKEN", "hunter2"),
        ("resize", "environment"),
    ),
    Case(
        "dynamodb-point-in-time-recovery-enabled",
        "locks",
        put("locks", "pointInTimeRecovery.enabled", False),
        ("locks", "pointInTimeRecovery"),
    ),
    Case(
        "dynamodb-deletion-protection-enabled",
        "locks",
        drop("locks", "deletionProtectionEnabled"),
        ("locks", "deletionProtectionEnabled"),
    ),
    Case(
        "dynamodb-customer-managed-key-used",
        "locks",
        put("locks", "serverSideEncryption.kmsKeyArn", "alias/aws/dynamodb"),
        ("locks", "serverSideEncryption"),
    ),
    Case("dynamodb-customer-managed-key-used", "locks", drop("locks", "serverSideEncryption"), None),
    Case(
        "sqs-queues-encrypted",
        "failed",
        put("failed", "sqsManagedSseEnabled", False),
        ("failed", "sqsManagedSseEnabled"),
    ),
    Case(
        "sqs-queues-keep-failed-messages",
        "jobs",
        put("jobs", "redrivePolicy", '{"maxReceiveCount": 3}'),
        ("jobs", "redrivePolicy"),
    ),
    Case(
        "lambda-failed-messages-return",
        "jobs-source",
        put("jobs-source", "functionResponseTypes", []),
        ("jobs-source", "functionResponseTypes"),
    ),
    Case("lambda-failed-messages-return", "jobs-source", put("jobs-source", "enabled", False), None),
)
