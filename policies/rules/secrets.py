"""Environment variables: no secret in plain text, none missing, none lost by mistake.

The guide's `.env` file is replaced by one container per variable in Secrets Manager. What Twilio, SendGrid, Firebase
and the OAuth providers hand out has to have its container before the application is deployed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.patterns import must_be_at_least, must_have
from policies.engine.resource import SecretText, StackResource, walk
from policies.engine.rule import ANY_TYPE, Context, Problem, Rule, RuleSeverity, Scope, Setting
from policies.engine.stack import StackGraph
from policies.rules.admin_access import SERVER_KINDS, user_data
from policies.rules.encryption import SECRET

SECRETS_GUIDE: Final = "https://docs.aws.amazon.com/secretsmanager/latest/userguide"
PULUMI_SECRETS_GUIDE: Final = "https://www.pulumi.com/docs/iac/concepts/secrets/"
SECRET_PROPERTIES: Final = ("password", "masterPassword", "authToken", "secretString", "secretBinary")
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
"""A variable of a start-up script that is given a secret's value, and not a reference to one."""
VARIABLE: Final = re.compile(r"(?:^|/)([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:-|$)")
FIREBASE: Final = ("FIREBASE_PROJECT_ID", "FIREBASE_SERVICE_ACCOUNT")
"""The guide names the project; without a service account nothing can be sent to it."""
VERSION: Final = "aws:secretsmanager/secretVersion"
ROTATION: Final = "aws:secretsmanager/secretRotation"
GENERATED: Final = ("DATABASE_URL", "REPLICA_DATABASE_URL", "REDIS_URL", "JWT_SECRET")


def variable_of(secret: StackResource) -> str | None:
    """Return the environment variable that a secret is named after, if it is named after one."""
    for path in ("namePrefix", "name"):
        match = VARIABLE.search(str(secret.get(path) or ""))
        if match:
            return match[1]
    return None


def _is_in_inventory(secret: StackResource) -> bool:
    return variable_of(secret) is not None


def _secret_properties_are_secret(resource: StackResource, _: Context) -> Iterator[Problem]:
    for path in SECRET_PROPERTIES:
        if path in resource.properties and resource.is_set(path) and not resource.is_secret(path):
            yield f"has a {path} that Pulumi does not keep secret: it is readable in the state and in every preview"


def _no_credential_in_plain_text(resource: StackResource, _: Context) -> Iterator[Problem]:
    for path, value in walk(resource.properties):
        if isinstance(value, str) and not isinstance(value, SecretText) and CREDENTIAL.search(value):
            yield f"has a credential in plain text in `{path}`: withdraw it, it is in the state and in the history"


def _user_data_holds_no_secret(server: StackResource, _: Context) -> Iterator[Problem]:
    script = user_data(server)
    if CREDENTIAL.search(script) or ASSIGNED_SECRET.search(script):
        yield "has a secret in its start-up script, which everybody reads who may describe the server"


def _can_be_had_back(secret: StackResource, context: Context) -> Iterator[Problem]:
    days, least = secret.get("recoveryWindowInDays"), context.settings["days"]
    if days is not None and days < least:
        yield f"is gone {days} days after its deletion: the application stops, and nobody knows the value"


def _secrets_by_variable(stack: StackGraph) -> Mapping[str, StackResource]:
    return {variable: secret for secret in stack.of_type(SECRET) if (variable := variable_of(secret))}


def _rotates(secret: StackResource, context: Context) -> Iterator[Problem]:
    """Of secrets whose value the program writes: what a person puts in, the program cannot replace."""
    longest = context.settings["days"]

    def often_enough(rotation: StackResource) -> bool:
        days = rotation.get("rotationRules.automaticallyAfterDays")
        return rotation.is_set("rotationRules.scheduleExpression") or (days is not None and days <= longest)

    if context.stack.referrers(secret, VERSION, "secretId"):
        problem = f"keeps its value for longer than {longest} days: whoever has read it once can use it for ever"
        yield from must_have(ROTATION, "secretId", problem, where=often_enough)(secret, context)


def _inventory_rule(name: str, item: ChecklistItem, whose: str, wanted: Sequence[str], prefix: str = "") -> Rule:
    """A rule that demands containers for some variables, of a stack that has a container for any."""

    def check(secret: StackResource, context: Context) -> Iterator[Problem]:
        named = context.stack.derived(_secrets_by_variable)
        # One finding for the stack, not one for each of its secrets.
        if named[min(named)].urn != secret.urn:
            return
        missing = [variable for variable in wanted if variable not in named]
        if prefix and not any(variable.startswith(prefix) for variable in named):
            missing.append(f"{prefix}...")
        if missing:
            yield f"and the other secrets lack {', '.join(missing)}: {whose} will not work after the deployment"

    return Rule(
        name=name,
        description=f"The secrets that {whose} needs have their containers.",
        item=item,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{SECRETS_GUIDE}/create_secret.html",
        scope=Scope.STACK,
        resource_types=frozenset({SECRET}),
        applies_to=_is_in_inventory,
        check=check,
        remediation="Declare the container in components/secrets.py; an operator puts the value in.",
    )


RULES = (
    Rule(
        name="secrets-are-marked",
        description="Passwords and tokens are secrets to Pulumi.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.CRITICAL,
        documentation=PULUMI_SECRETS_GUIDE,
        resource_types=frozenset(
            {
                "aws:rds/instance",
                "aws:rds/cluster",
                "aws:elasticache/replicationGroup",
                "aws:secretsmanager/secretVersion",
                "aws:docdb/cluster",
                "aws:redshift/cluster",
            }
        ),
        check=_secret_properties_are_secret,
        remediation="Take the value from config.require_secret, RandomPassword.result or pulumi.Output.secret.",
    ),
    Rule(
        name="secrets-are-not-in-plain-text",
        description="No property holds a credential in plain text.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.CRITICAL,
        documentation=PULUMI_SECRETS_GUIDE,
        resource_types=frozenset({ANY_TYPE}),
        check=_no_credential_in_plain_text,
        remediation="Put the value into Secrets Manager and pass its ARN.",
    ),
    Rule(
        name="secrets-are-not-in-user-data",
        description="Start-up scripts fetch secrets and do not hold them.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.CRITICAL,
        documentation="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html",
        resource_types=SERVER_KINDS,
        check=_user_data_holds_no_secret,
        remediation="Pass the secret's ARN and read it at start: aws secretsmanager get-secret-value.",
    ),
    Rule(
        name="secrets-recovery-window-is-sufficient",
        description="A deleted secret can be had back for a week or longer.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{SECRETS_GUIDE}/manage_delete-secret.html",
        resource_types=frozenset({SECRET}),
        check=_can_be_had_back,
        remediation="Set `recovery_window_days` in `fixrx:secrets` to 7 or more.",
        settings={"days": Setting(default=7, minimum=7, maximum=30, description="Days after deletion")},
    ),
    Rule(
        name="secrets-password-length-is-sufficient",
        description="Generated passwords have 24 characters or more.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.MEDIUM,
        documentation="https://www.pulumi.com/registry/packages/random/api-docs/randompassword/",
        resource_types=frozenset({"random:index/randomPassword"}),
        check=must_be_at_least("length", "characters", "has {value} characters; {least} cannot be tried out"),
        remediation="Raise `length`.",
        settings={"characters": Setting(default=24, minimum=16, maximum=128, description="Characters")},
    ),
    Rule(
        name="secrets-rotation-enabled",
        description="Secrets that the program writes get a new value every 90 days.",
        item=ChecklistItem.SECRETS,
        severity=RuleSeverity.MEDIUM,
        security_hub=("SecretsManager.1", "SecretsManager.4"),
        scope=Scope.STACK,
        resource_types=frozenset({SECRET}),
        check=_rotates,
        remediation="Declare a secretsmanager.SecretRotation for it, with automatically_after_days of 90 or less.",
        settings={"days": Setting(default=90, minimum=1, maximum=1000, description="Longest life of a value in days")},
    ),
    _inventory_rule("secrets-inventory-is-complete", ChecklistItem.SECRETS, "the application", GENERATED),
    _inventory_rule(
        "secrets-twilio-credentials-exist", ChecklistItem.TWILIO, "SMS", ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
    ),
    _inventory_rule("secrets-sendgrid-credentials-exist", ChecklistItem.SENDGRID, "e-mail", ("SENDGRID_API_KEY",)),
    _inventory_rule("secrets-firebase-credentials-exist", ChecklistItem.FIREBASE, "push", FIREBASE),
    _inventory_rule("secrets-oauth-credentials-exist", ChecklistItem.OAUTH, "signing in", (), prefix="OAUTH_"),
)
