"""Calls to AWS from a command line: clients, and errors in one sentence.

`AWS_ENDPOINT_URL` directs every client to an emulator. Credentials come from where the AWS CLI finds them.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

SIGN_IN = "aws configure sso --profile PROFILE && export AWS_PROFILE=PROFILE"
"""PROFILE is a name of the user's choice."""
SIGN_IN_AGAIN = "aws sso login"
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError, ProfileNotFound)
_EXPIRED_CODES = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID_CODES = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"}
)
_DENIED_CODES = frozenset(
    {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403"}
)
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2, "mode": "standard"})


class CommandError(Exception):
    """Ends a command: what is wrong, and what to do."""


class NoAccess(CommandError):
    """There are no credentials, or AWS does not accept them, or they belong to another account."""

    def __init__(self, sentence: str, command: str) -> None:
        super().__init__(f"{sentence} Then: {command}" if command else sentence)
        self.sentence = sentence
        self.command = command


@dataclass(frozen=True, kw_only=True)
class Access:
    """One account and region, with the credentials of the environment."""

    account_id: str
    region: str
    _clients: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    _lock: Lock = field(default_factory=Lock, compare=False, repr=False)

    def client(self, service: str) -> Any:
        """The client of a service, which threads share. Raises BotoCoreError, for instance for an unknown profile."""
        # Making a client takes up to a second, and is not safe in two threads at once; using one is.
        with self._lock:
            if service not in self._clients:
                self._clients[service] = boto3.Session().client(service, region_name=self.region, config=_CONFIG)
            return self._clients[service]

    @property
    def is_emulated(self) -> bool:
        """Whether the clients talk to an emulator."""
        return bool(os.environ.get("AWS_ENDPOINT_URL"))

    def identify(self) -> str:
        """The ARN of the caller. Raises NoAccess if there is none or if it belongs to another account."""
        try:
            caller = self.client("sts").get_caller_identity()
        except _NO_CREDENTIALS:
            raise NoAccess(
                f"There are no AWS credentials for account {self.account_id}; sign in to it first.", SIGN_IN
            ) from None
        except (SSOError, TokenRetrievalError):
            raise NoAccess("The sign-in of the AWS credentials has expired; sign in again.", SIGN_IN_AGAIN) from None
        except ClientError as error:
            raise _no_access(error) from None
        except BotoCoreError as error:
            raise NoAccess(f"AWS could not be asked whose the credentials are: {explain(error)}.", "") from None
        if caller["Account"] != self.account_id:
            raise NoAccess(
                f"The credentials are of account {caller['Account']}, and the stack's account.id is {self.account_id}; "
                "sign in to that account.",
                SIGN_IN,
            )
        return str(caller["Arn"])


def _no_access(error: ClientError) -> NoAccess:
    code = error_code(error)
    if code in _EXPIRED_CODES:
        return NoAccess("The AWS credentials have expired; sign in again.", SIGN_IN_AGAIN)
    if code in _INVALID_CODES:
        return NoAccess("AWS does not know the credentials; sign in again.", SIGN_IN)
    return NoAccess(f"AWS could not be asked whose the credentials are: {explain(error)}.", "")


def find_image(access: Access, image_id: str) -> Mapping[str, Any] | None:
    """What EC2 knows of an image, or None if the region has none of that id."""
    try:
        images = access.client("ec2").describe_images(ImageIds=[image_id], IncludeDeprecated=True)["Images"]
    except ClientError as error:
        if not error_code(error).startswith("InvalidAMIID"):
            raise
        return None
    return images[0] if images else None


def error_code(error: Exception) -> str:
    """AWS's code of an error, or an empty text."""
    return str(error.response["Error"].get("Code", "")) if isinstance(error, ClientError) else ""


def explain(error: Exception) -> str:
    """A failed call as the end of a sentence, without its full stop. No value of a request is in it."""
    if isinstance(error, ClientError):
        if error_code(error) in _DENIED_CODES:
            return f"the credentials do not allow {error.operation_name}"
        return f"{error.operation_name} was refused ({error_code(error)})"
    if isinstance(error, EndpointConnectionError):
        return f"there is no connection to {error.kwargs['endpoint_url']}"
    return f"the call failed ({type(error).__name__})"
