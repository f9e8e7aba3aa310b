"""What breaks the rules of `policies.rules.secrets`."""

from tests.policies.changes import Case, add, put, remove
from tests.policies.exported import Reference, compressed, encoded

CASES = (
    Case("secrets-rotation-enabled", "jwt_secret", remove("jwt_secret-rotation"), ("jwt_secret-rotation", "secretId")),
    Case(
        "secrets-rotation-enabled",
        "jwt_secret",
        put("jwt_secret-rotation", "rotationRules.automaticallyAfterDays", 365),
        None,
    ),
    Case(
        "secrets-are-marked",
        "primary",
        put("primary", "password", "in the clear"),
        ("primary", "password"),
    ),
    Case(
        "secrets-are-marked",
        "cache-user",
        put("cache-user", "authenticationMode.passwords", ["in the clear"]),
        None,
    ),
    Case(
        "secrets-rotated-have-no-version",
        "redis_url-rotation",
        add("aws:secretsmanager/secretVersion", "value", {"secretId": Reference("redis_url", "id")}),
        ("redis_url-rotation", "secretId"),
    ),
    Case(
        "secrets-are-not-in-plain-text",
        "app-group",
        put("app-group", "description", "postgresql://fixrx:hunter2@database:5432/fixrx"),
        None,
    ),
    Case(
        "secrets-are-not-in-plain-text",
        "app-group",
        put("app-group", "description", "AKIAIOSFODNN7EXAMPLE"),
        None,
    ),
    Case(
        "secrets-are-not-in-user-data",
        "template",
        put("template", "userData", encoded("export SENDGRID_API_KEY=SG.example\n")),
        ("template", "userData"),
    ),
    Case(
        "secrets-are-not-in-user-data",
        "template",
        put("template", "userData", compressed("export SENDGRID_API_KEY=SG.example\n")),
        ("template", "userData"),
    ),
    Case(
        "secrets-recovery-window-is-sufficient",
        "jwt_secret",
        put("jwt_secret", "recoveryWindowInDays", 0),
        ("jwt_secret", "recoveryWindowInDays"),
    ),
    Case("secrets-password-length-is-sufficient", "password", put("password", "length", 8), ("password", "length")),
    Case("secrets-inventory-is-complete", "database_url", remove("redis_url"), ("redis_url", "namePrefix")),
    Case(
        "secrets-twilio-credentials-exist",
        "database_url",
        remove("twilio_auth_token"),
        ("twilio_auth_token", "namePrefix"),
    ),
    Case(
        "secrets-sendgrid-credentials-exist",
        "database_url",
        remove("sendgrid_api_key"),
        ("sendgrid_api_key", "namePrefix"),
    ),
    Case(
        "secrets-firebase-credentials-exist",
        "database_url",
        remove("firebase_project_id"),
        ("firebase_project_id", "namePrefix"),
    ),
    Case(
        "secrets-oauth-credentials-exist",
        "database_url",
        remove("oauth_google_client_secret"),
        ("oauth_google_client_secret", "namePrefix"),
    ),
)
