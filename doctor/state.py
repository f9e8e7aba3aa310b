"""Checks of Pulumi's state and of the workflows that deploy: bucket, key, encryption of secrets, identity provider."""

from bootstrap.access import CommandError
from bootstrap.commands import bucket_name, change_command, init_command, tags
from bootstrap.feature import missing_features
from bootstrap.state_bucket import StateBucket
from bootstrap.state_key import StateKey
from components.sections.continuous_integration import GITHUB
from doctor.context import Context
from doctor.finding import Check, Finding, Stage, missing, ok


def check_bucket(context: Context) -> Finding:
    """The bucket of the state exists, is ours, and has every feature that `bootstrap` gives it."""
    bucket = StateBucket(context.access, bucket_name(context.file), tags(context.file))
    try:
        exists = bucket.exists()
    except CommandError as error:
        return missing(str(error), _edit(context))
    if not exists:
        return missing(f"The bucket {bucket.name} of Pulumi's state does not exist.", _bootstrap(context))
    if (region := bucket.region()) != context.region:
        return missing(
            f"The bucket {bucket.name} is in {region}, and account.region is {context.region}; set "
            "continuous_integration.state_bucket to another name.",
            _edit(context),
        )
    lacking = [feature.description for feature in missing_features(bucket.features())]
    if lacking:
        return missing(
            f"The bucket {bucket.name} lacks something that it should have: {', '.join(lacking)}.", _bootstrap(context)
        )
    if context.settings.continuous_integration.state_bucket is None:
        return missing(
            f"The bucket {bucket.name} is there, but no workflow may use it: set continuous_integration.state_bucket.",
            _edit(context),
        )
    return ok(f"The bucket {bucket.name} is versioned, encrypted and private.")


def check_key(context: Context) -> Finding:
    """The key of the state's secrets exists and has every feature that `bootstrap` gives it."""
    arn = context.settings.continuous_integration.state_key_arn
    key = StateKey(context.access, arn, tags(context.file))
    try:
        exists = key.exists()
    except CommandError as error:
        return missing(str(error), _edit(context))
    if not exists:
        return missing("The KMS key of the state's secrets does not exist.", _bootstrap(context))
    lacking = [feature.description for feature in missing_features(key.features())]
    if lacking:
        return missing(f"The KMS key lacks something that it should have: {', '.join(lacking)}.", _bootstrap(context))
    if arn is None:
        return missing(
            f"The KMS key is there, but no workflow may use it: set continuous_integration.state_key_arn to {key.arn}.",
            _edit(context),
        )
    return ok("The KMS key of the state's secrets is enabled, rotates, and demands the stack's encryption context.")


def check_secrets_provider(context: Context) -> Finding:
    """The stack's file says with which key the stack's secrets are encrypted, and holds their encrypted data key."""
    file = context.file
    key = StateKey(context.access, file.settings.continuous_integration.state_key_arn, tags(file))
    try:
        key_exists = key.exists()
    except CommandError:
        key_exists = False
    init = init_command(file, key.key_id) if key_exists else _bootstrap(context)
    change = change_command(file, key.key_id) if key_exists else _bootstrap(context)
    if not file.secrets_provider or not file.encrypted_key:
        return missing(
            f"{file.file_name} has no secretsprovider and encryptedkey: the stack is not made yet, or the two lines "
            "were not committed.",
            init,
        )
    if not file.secrets_provider.startswith("awskms://"):
        return missing(f"secretsprovider in {file.file_name} is no KMS key, so workflows cannot use it.", change)
    if file.encryption_context != file.settings.environment:
        return missing(
            f"secretsprovider in {file.file_name} lacks context_stack={file.settings.environment}: the workflows' "
            "roles may use the key with that encryption context only.",
            change,
        )
    return ok(f"{file.file_name} has secretsprovider and encryptedkey, with the stack's encryption context.")


def check_identity_provider(context: Context) -> Finding:
    """GitHub's identity provider is there if the settings adopt it, and is not there if the stack creates it."""
    settings = context.settings.continuous_integration
    iam = context.client("iam")
    arn = f"arn:aws:iam::{context.access.account_id}:oidc-provider/{GITHUB}"
    listing = "aws iam list-open-id-connect-providers"
    exists = arn in {each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]}
    if settings.repository is None:
        return ok("No workflows deploy this stack: continuous_integration.repository is not set.")
    if settings.identity_provider_arn is not None:
        if exists and settings.identity_provider_arn == arn:
            return ok("GitHub's identity provider is there to be adopted.")
        return missing(
            "continuous_integration.identity_provider_arn names no identity provider of this account; remove it, and "
            "the stack creates one.",
            listing,
        )
    if exists and not context.owns(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn).get("Tags", [])):
        return missing(
            "The account has GitHub's identity provider already, and can have only one: set "
            f"continuous_integration.identity_provider_arn to {arn}.",
            listing,
        )
    return ok("The stack has or creates GitHub's identity provider.")


def _bootstrap(context: Context) -> str:
    return f"make bootstrap STACK={context.file.stack}"


def _edit(context: Context) -> str:
    return f"$EDITOR {context.file.file_name}"


CHECKS = (
    Check(title="State bucket", stage=Stage.BEFORE_UP, run=check_bucket),
    Check(title="State key", stage=Stage.BEFORE_UP, run=check_key),
    Check(title="Secrets provider", stage=Stage.BEFORE_UP, run=check_secrets_provider),
    Check(title="Identity provider", stage=Stage.BEFORE_UP, run=check_identity_provider),
)
