"""Environment variables: no secret in plain text, none missing, none deleted by mistake.

The guide's `.env` file is replaced by one secret in Secrets Manager for each variable. The secrets for the credentials
of Twilio, SendGrid, Firebase and the OAuth providers have to exist before the application is deployed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.resource import SecretText, StackResource, walk
from policies.engine.rule import ANY_TYPE, Context, Problem, RuleSeverity, Scope, Setting, rule
from policies.engine.stack import StackGraph

SECRETS_GUIDE: Final = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"
PULUMI_SECRETS_GUIDE: Final = "https://www.pulumi.com/docs/iac/concepts/secrets/"
SECRET_PROPERTIES: Final[Mapping[str, Sequence[str]]] = {
    aws.DB_INSTANCE: ("password",),
    aws.DB_CLUSTER: ("masterPassword",),
    aws.CACHE: ("authToken",),
    aws.CACHE_USER: ("authenticationMode.passwords.0", "authenticationMode.passwords.1", "passwords.0"),
    aws.FUNCTION_CALL: ("input",),
    aws.SECRET_VERSION: ("secretString", "secretBinary"),
    aws.DOCDB_CLUSTER: ("masterPassword",),
    aws.REDSHIFT_CLUSTER: ("masterPassword",),
}
"""Properties that hold secrets, by resource type."""
CREDENTIAL: Final = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bSG\.[\w-]{16,}\.[\w-]{16,}"
    r"|\b(?:sk|rk)_live_\w{16,}"
    r"|\bxox[abprs]-[\w-]{10,}"
    r"|\bgh[pousr]_\w{30,}"
    r"|\b(?:postgres(?:ql)?|mysql|rediss?|amqps?|mongodb(?:\+srv)?)://[^\s:/@]*:[^\s@/$]+@"
)
"""Keys of AWS, SendGrid, Stripe, Slack and GitHub, private keys, and addresses with a password in them."""
ASSIGNED_SECRET: Final = re.compile(
    r"^\s*(?:export\s+)?\w*(?:PASSWORD|SECRET|TOKEN|API_KEY|PRIVATE_KEY)\w*=['\"]?(?![$'\"\s]|arn:)\S",
    re.IGNORECASE | re.MULTILINE,
)
"""A shell variable that is assigned the value of a secret, not a reference to one."""
VARIABLE: Final = re.compile(r"(?:^|/)([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:-|$)")
"""The environment variable in the name of a secret."""
RATE: Final = re.compile(r"rate\((?P<number>\d+) (?P<unit>hour|day)s?\)")
"""How often a secret rotates, as a schedule."""
CRON: Final = re.compile(r"cron\((?:\S+ ){3}(?:\*|[*1]/(?P<step>\d+)) \S+ \*\)")
"""A schedule for some days of every month, or of every second and so on."""
HOURS_OF_A_DAY: Final = 24
DAYS_OF_A_MONTH: Final = 31
ROTATED_VARIABLES: Final = ("DATABASE_URL", "REPLICA_DATABASE_URL", "REDIS_URL", "JWT_SECRET")
"""Whose secrets a function of the platform rotates."""
CREATE_SECRET: Final = "Declare the secret in components/secrets.py; an operator sets the value."


def _variable_of(secret: StackResource) -> str | None:
    """Return the environment variable that a secret is named after, if it is named after one."""
    for path in ("namePrefix", "name"):
        match = VARIABLE.search(str(secret.get(path) or ""))
        if match:
            return match[1]
    return None


def _is_named_after_variable(secret: StackResource) -> bool:
    return _variable_of(secret) is not None


@rule(
    "secrets-are-marked",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.CRITICAL,
    resource_types=SECRET_PROPERTIES,
    documentation=PULUMI_SECRETS_GUIDE,
    remediation="Take the value from config.require_secret, RandomPassword.result or pulumi.Output.secret.",
)
def secrets_are_marked(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Passwords and tokens are Pulumi secrets."""
    for path in SECRET_PROPERTIES[resource.type]:
        if path.partition(".")[0] in resource.properties and resource.is_set(path) and not resource.is_secret(path):
            yield f"has a {path} that is no Pulumi secret: it is readable in the state and in previews"


@rule(
    "secrets-are-not-in-plain-text",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.CRITICAL,
    resource_types=[ANY_TYPE],
    documentation=PULUMI_SECRETS_GUIDE,
    remediation="Put the value into Secrets Manager and pass its ARN.",
)
def secrets_are_not_in_plain_text(resource: StackResource, _: Context) -> Iterator[Problem]:
    """No property contains a credential in plain text."""
    for path, value in walk(resource.properties):
        if isinstance(value, str) and not isinstance(value, SecretText) and CREDENTIAL.search(value):
            yield f"has a credential in plain text in `{path}`: revoke it, it is in the state and in its history"


@rule(
    "secrets-are-not-in-user-data",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.CRITICAL,
    resource_types=aws.SERVER_TYPES,
    documentation="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html",
    remediation="Pass the secret's ARN and read it at start: aws secretsmanager get-secret-value.",
)
def secrets_are_not_in_user_data(server: StackResource, _: Context) -> Iterator[Problem]:
    """User data contains no secrets."""
    script = aws.user_data(server)
    if CREDENTIAL.search(script) or ASSIGNED_SECRET.search(script):
        yield "has a secret in its user data: every identity that may describe the server can read it"


@rule(
    "secrets-recovery-window-is-sufficient",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET],
    documentation=f"{SECRETS_GUIDE}/manage_delete-secret.html",
    remediation="Set `recovery_window_days` in `fixrx:secrets` to 7 or more.",
    settings={"days": Setting(default=7, minimum=7, maximum=30, description="Days after deletion")},
)
def recovery_window_is_sufficient(secret: StackResource, context: Context) -> Iterator[Problem]:
    """A deleted secret can be recovered for 7 days or more."""
    days, least = secret.number("recoveryWindowInDays"), context.settings["days"]
    if days is not None and days < least:
        yield f"has a recovery window of {days} days: {least} are needed to notice that it was deleted by mistake"


@rule(
    "secrets-password-length-is-sufficient",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.MEDIUM,
    resource_types=["random:index/randomPassword"],
    documentation="https://www.pulumi.com/registry/packages/random/api-docs/randompassword/",
    remediation="Raise `length`.",
    settings={"characters": Setting(default=24, minimum=16, maximum=128, description="Characters")},
)
def password_length_is_sufficient(password: StackResource, context: Context) -> Iterator[Problem]:
    """Generated passwords have 24 characters or more."""
    length, least = password.number("length") or 0, context.settings["characters"]
    if length < least:
        yield f"has {length} characters: {least} are needed against guessing"


def _days_between(schedule: str) -> float | None:
    """Return the longest time between two rotations of a schedule, or None where it may be longer than months."""
    rate, cron = RATE.fullmatch(schedule), CRON.fullmatch(schedule)
    if rate:
        return int(rate["number"]) / (HOURS_OF_A_DAY if rate["unit"] == "hour" else 1)
    if cron:
        return int(cron["step"] or 1) * DAYS_OF_A_MONTH
    return None


@rule(
    "secrets-rotation-enabled",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET],
    scope=Scope.STACK,
    security_hub=["SecretsManager.1", "SecretsManager.4"],
    remediation="Declare a secretsmanager.SecretRotation for it, with automatically_after_days of 90 or less.",
    settings={"days": Setting(default=90, minimum=1, maximum=1000, description="Longest life of a value in days")},
)
def rotation_enabled(secret: StackResource, context: Context) -> Iterator[Problem]:
    """Secrets whose value the platform makes are rotated every 90 days."""
    longest = context.settings["days"]

    def is_often_enough(rotation: StackResource) -> bool:
        days = rotation.number("rotationRules.automaticallyAfterDays")
        if days is None:
            days = _days_between(rotation.get("rotationRules.scheduleExpression") or "")
        return days is not None and days <= longest

    # A value that an operator sets cannot be rotated by the program.
    is_ours = _variable_of(secret) in ROTATED_VARIABLES
    if not is_ours and not context.stack.referrers(secret, aws.SECRET_VERSION, "secretId"):
        return
    if not context.stack.has_referrer(secret, aws.SECRET_ROTATION, "secretId", where=is_often_enough):
        yield f"is not rotated every {longest} days: a value that has leaked stays valid"


@rule(
    "secrets-rotated-have-no-version",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.SECRET_ROTATION],
    scope=Scope.STACK,
    documentation="https://github.com/hashicorp/terraform-provider-aws/issues/37302",
    remediation="Remove the SecretVersion: the function that rotates the secret writes its first value as well.",
)
def rotated_have_no_version(rotation: StackResource, context: Context) -> Iterator[Problem]:
    """Secrets that rotate have no value of the program's."""
    for secret in context.stack.targets(rotation, "secretId", aws.SECRET):
        for version in context.stack.referrers(secret, aws.SECRET_VERSION, "secretId"):
            yield (
                f"rotates a secret of which {version.name} is a version: AWS deletes that after two rotations, and the "
                "next deployment writes the first value back"
            )


def _secrets_by_variable(stack: StackGraph) -> Mapping[str, StackResource]:
    return {variable: secret for secret in stack.of_type(aws.SECRET) if (variable := _variable_of(secret))}


def _missing_variables(
    secret: StackResource, context: Context, purpose: str, wanted: Sequence[str], prefix: str = ""
) -> Iterator[Problem]:
    """Name the variables without a secret, in a stack that has a secret for any variable."""
    by_variable = context.stack.derived(_secrets_by_variable)
    # One finding for the stack, not one for each of its secrets.
    if by_variable[min(by_variable)].urn != secret.urn:
        return
    missing = [variable for variable in wanted if variable not in by_variable]
    if prefix and not any(variable.startswith(prefix) for variable in by_variable):
        missing.append(f"{prefix}...")
    if missing:
        yield f"and the other secrets lack {', '.join(missing)}: {purpose} fails after the deployment"


@rule(
    "secrets-inventory-is-complete",
    item=ChecklistItem.SECRETS,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET],
    scope=Scope.STACK,
    applies_to=_is_named_after_variable,
    documentation=f"{SECRETS_GUIDE}/create_secret.html",
    remediation=CREATE_SECRET,
)
def inventory_is_complete(secret: StackResource, context: Context) -> Iterator[Problem]:
    """The secrets that the application needs exist."""
    yield from _missing_variables(secret, context, "the application", ROTATED_VARIABLES)


@rule(
    "secrets-twilio-credentials-exist",
    item=ChecklistItem.TWILIO,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET],
    scope=Scope.STACK,
    applies_to=_is_named_after_variable,
    documentation=f"{SECRETS_GUIDE}/create_secret.html",
    remediation=CREATE_SECRET,
)
def twilio_credentials_exist(secret: StackResource, context: Context) -> Iterator[Problem]:
    """The secrets for Twilio's credentials exist."""
    yield from _missing_variables(secret, context, "SMS", ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"))


@rule(
    "secrets-sendgrid-credentials-exist",
    item=ChecklistItem.SENDGRID,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET],
    scope=Scope.STACK,
    applies_to=_is_named_after_variable,
    documentation=f"{SECRETS_GUIDE}/create_secret.html",
    remediation=CREATE_SECRET,
)
def sendgrid_credentials_exist(secret: StackResource, context: Context) -> Iterator[Problem]:
    """The secret for SendGrid's API key exists."""
    yield from _missing_variables(secret, context, "e-mail", ("SENDGRID_API_KEY",))


@rule(
    "secrets-firebase-credentials-exist",
    item=ChecklistItem.FIREBASE,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET],
    scope=Scope.STACK,
    applies_to=_is_named_after_variable,
    documentation=f"{SECRETS_GUIDE}/create_secret.html",
    remediation=CREATE_SECRET,
)
def firebase_credentials_exist(secret: StackResource, context: Context) -> Iterator[Problem]:
    """The secrets for Firebase's credentials exist."""
    # The guide names the project only; without a service account nothing can be sent to it.
    variables = ("FIREBASE_PROJECT_ID", "FIREBASE_SERVICE_ACCOUNT")
    yield from _missing_variables(secret, context, "push notification", variables)


@rule(
    "secrets-oauth-credentials-exist",
    item=ChecklistItem.OAUTH,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.SECRET],
    scope=Scope.STACK,
    applies_to=_is_named_after_variable,
    documentation=f"{SECRETS_GUIDE}/create_secret.html",
    remediation=CREATE_SECRET,
)
def oauth_credentials_exist(secret: StackResource, context: Context) -> Iterator[Problem]:
    """A secret for the credentials of an OAuth provider exists."""
    yield from _missing_variables(secret, context, "sign-in with OAuth", (), prefix="OAUTH_")
