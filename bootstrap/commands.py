"""Names and commands that follow from a stack's file."""

import shlex
from collections.abc import Mapping

from bootstrap.access import Access
from bootstrap.stack_file import StackFile
from settings import PROJECT


def access_to(file: StackFile) -> Access:
    """The account of a stack."""
    return Access(account_id=file.settings.account.id, region=file.settings.account.region)


def bucket_name(file: StackFile) -> str:
    """The setting, or one name for each account: bucket names are shared by all of AWS's customers."""
    return file.settings.continuous_integration.state_bucket or f"{PROJECT}-pulumi-state-{file.settings.account.id}"


def tags(file: StackFile) -> Mapping[str, str]:
    """Tags of bucket and key, which belong to all stacks of the account and therefore to no environment."""
    return {"Project": PROJECT, "Owner": file.settings.owner, "ManagedBy": "bootstrap"}


def login_command(file: StackFile, bucket: str) -> str:
    """The command that makes the bucket the backend."""
    return f"pulumi login {shlex.quote(f's3://{bucket}?region={file.settings.account.region}')}"


def init_command(file: StackFile, key_id: str) -> str:
    """The command that makes the stack, its secrets encrypted with the key for this stack only."""
    return f"pulumi stack init {file.stack} --secrets-provider {_provider(file, key_id)}"


def change_command(file: StackFile, key_id: str) -> str:
    """The command that encrypts the secrets of a stack that exists already in the same way."""
    return f"pulumi stack change-secrets-provider --stack {file.stack} {_provider(file, key_id)}"


def _provider(file: StackFile, key_id: str) -> str:
    region, context = file.settings.account.region, file.settings.environment
    return shlex.quote(f"awskms://{key_id}?region={region}&context_stack={context}")
