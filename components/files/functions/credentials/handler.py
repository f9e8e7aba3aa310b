"""What AWS Lambda calls: by a deployment, to bootstrap, and by Secrets Manager, for each step of a rotation.

Bootstrap makes the roles of the database and the first values of the secrets. It is repeated after a restore, and then
sets the database to what the secrets say, because a copy has the passwords of its moment. No message has a value.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, Protocol

import boto3

from .cache import CacheLogin
from .database import PAIRS, Database, DatabaseLogin, make_roles
from .signing_keys import SigningKeys

CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"


class Credential(Protocol):
    """One secret that rotates."""

    def first(self) -> str:
        """Make a value that works, and return it."""
        ...

    def keep(self, value: str) -> str | None:
        """Make the present value work; return it as it has to be now, or None if it is none of ours."""
        ...

    def successor(self, value: str) -> str:
        """Return the value that follows, which does not work yet."""
        ...

    def introduce(self, pending: str, value: str) -> None:
        """Make the pending value work, beside the present one."""
        ...

    def test(self, pending: str) -> None:
        """Raise an error if the pending value does not work."""
        ...


def handle(event: Mapping[str, Any], _: object) -> dict[str, Any]:
    """Do what the event asks for. Raises an error that says what is wrong, on which Lambda reports a failure."""
    arns = json.loads(os.environ["CREDENTIAL_ARNS"])
    credentials = credentials_of(os.environ)
    secrets = boto3.client("secretsmanager")
    if "bootstrap" in event:
        database = Database(endpoint=os.environ["DATABASE_ENDPOINT"], name=os.environ["DATABASE_NAME"])
        make_roles(database, event["bootstrap"]["password"])
        return {name: _bootstrap(secrets, arns[name], credential) for name, credential in credentials.items()}
    by_arn = {arn: credentials[name] for name, arn in arns.items()}
    _rotate(secrets, by_arn[event["SecretId"]], event["SecretId"], event["ClientRequestToken"], event["Step"])
    return {}


def credentials_of(settings: Mapping[str, str]) -> Mapping[str, Credential]:
    """Environment variable of the application to its secret."""
    name = settings["DATABASE_NAME"]
    primary = Database(endpoint=settings["DATABASE_ENDPOINT"], name=name)
    replica = Database(endpoint=settings["REPLICA_ENDPOINT"], name=name)
    options = settings["DATABASE_URL_OPTIONS"]
    return {
        "DATABASE_URL": DatabaseLogin(users=PAIRS["fixrx_app"], primary=primary, used=primary, options=options),
        "REPLICA_DATABASE_URL": DatabaseLogin(
            users=PAIRS["fixrx_reader"], primary=primary, used=replica, options=options
        ),
        "REDIS_URL": CacheLogin(user_id=settings["CACHE_USER_ID"], endpoint=settings["CACHE_ENDPOINT"]),
        "JWT_SECRET": SigningKeys("JWT_SECRET"),
    }


def _bootstrap(secrets: Any, arn: str, credential: Credential) -> str:
    """Return what was done, for the deployment's output."""
    present = _value(secrets, arn, VersionStage=CURRENT)
    kept = None if present is None else credential.keep(present)
    if kept is not None and kept == present:
        return "kept"
    secrets.put_secret_value(SecretId=arn, SecretString=credential.first() if kept is None else kept)
    return "made" if kept is None else "changed"


def _rotate(secrets: Any, credential: Credential, arn: str, token: str, step: str) -> None:
    """Do one step. Secrets Manager may repeat each of them."""
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if CURRENT in stages.get(token, ()):
        return
    present = secrets.get_secret_value(SecretId=arn, VersionStage=CURRENT)["SecretString"]
    if step == "createSecret":
        if _value(secrets, arn, VersionId=token, VersionStage=PENDING) is None:
            successor = credential.successor(present)
            secrets.put_secret_value(
                SecretId=arn, ClientRequestToken=token, SecretString=successor, VersionStages=[PENDING]
            )
        return
    pending = secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage=PENDING)["SecretString"]
    if step == "setSecret":
        credential.introduce(pending, present)
    elif step == "testSecret":
        credential.test(pending)
    elif step == "finishSecret":
        (current,) = [version for version, names in stages.items() if CURRENT in names]
        secrets.update_secret_version_stage(
            SecretId=arn, VersionStage=CURRENT, MoveToVersionId=token, RemoveFromVersionId=current
        )
    else:
        raise ValueError(f"{step} is no step of a rotation")


def _value(secrets: Any, arn: str, **version: str) -> str | None:
    """Return the value of a version, None without one."""
    try:
        value: str = secrets.get_secret_value(SecretId=arn, **version)["SecretString"]
    except secrets.exceptions.ResourceNotFoundException:
        return None
    return value
