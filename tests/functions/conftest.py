"""A real PostgreSQL that looks like RDS, a real Redis, an emulated account, and the function's own way to them."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.files.functions.credentials import cache, database
from components.files.functions.credentials.handler import handle
from drill.jobs import CREDENTIALS, Account, running_account
from drill.postgresql import PASSWORD, Pair, Server, running_pair
from sandbox import UserError
from tests import marks
from tests.functions.redis_server import USER, Redis, running_redis

NAME = "fixrx_production"
VARIABLES = ("DATABASE_URL", "REPLICA_DATABASE_URL", "REDIS_URL", "JWT_SECRET")
URL_OPTIONS = "sslmode=verify-full&sslrootcert=/etc/fixrx/rds.pem&options=-c%20statement_timeout%3D30000"
OF_BEFORE = "^fixrx_(?!admin$)|^rds_"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """As on RDS, the administrator is no superuser. Whoever has `rds_iam` is let in without a token.

    What this does not show: that RDS takes the token, and refuses the password of a role with `rds_iam`.
    """
    marks.require("host")
    # Not in pytest's folder, which only this user may enter: PostgreSQL runs as another one.
    with tempfile.TemporaryDirectory(prefix="fixrx-") as directory, running_pair(Path(directory)) as found:
        for server in (found.primary, found.standby):
            rules = server.data / "pg_hba.conf"
            rules.write_text("hostssl all +rds_iam localhost trust\n" + rules.read_text())
        yield found


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    marks.require("host")
    with running_redis(tmp_path_factory.mktemp("redis")) as found:
        yield found


@pytest.fixture
def fresh(pair: Pair) -> Pair:
    """An empty database, and no role but the administrator's."""
    drop = f"""DO $$ DECLARE role name; BEGIN
        FOR role IN SELECT rolname FROM pg_roles WHERE rolname ~ '{OF_BEFORE}' LOOP
        EXECUTE format('DROP OWNED BY %1$I', role); EXECUTE format('DROP ROLE %1$I', role); END LOOP; END $$"""
    pair.primary.ask(
        "postgres",
        f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)",
        drop,
        f"CREATE DATABASE {NAME} OWNER fixrx_admin",
        "CREATE ROLE rds_iam",
    )
    # RDS lets its administrator make these, and PostgreSQL only a superuser.
    pair.primary.ask(NAME, "CREATE EXTENSION pg_stat_statements", "CREATE EXTENSION pgstattuple")
    for server in (pair.primary, pair.standby):
        server.control("reload")
    pair.wait_for_standby()
    return pair


def may(server: Server, user: str, statement: str) -> bool:
    """Whether a role may run a statement; the statement must not fail for another reason."""
    try:
        server.ask(NAME, statement, user=user)
    except UserError as error:
        assert re.search("permission denied|must be", str(error)), error
        return False
    return True


Call = Callable[[Mapping[str, Any]], Any]
"""Gives a function an event, and returns its answer."""


class Function:
    """The function with its environment, and the secrets of the account."""

    def __init__(
        self, account: Account, arns: Mapping[str, str], call: Call = lambda event: handle(event, None)
    ) -> None:
        self.account = account
        self.arns = arns
        self._call = call
        self._secrets = account.client("secretsmanager")

    def bootstrap(self, password: str = PASSWORD) -> Any:
        return self._call({"bootstrap": {"password": password}})

    def value(self, variable: str, stage: str = "AWSCURRENT") -> str:
        return str(self._secrets.get_secret_value(SecretId=self.arns[variable], VersionStage=stage)["SecretString"])

    def put(self, variable: str, value: str) -> None:
        self._secrets.put_secret_value(SecretId=self.arns[variable], SecretString=value)

    def step(self, variable: str, step: str, token: str) -> None:
        self._call({"SecretId": self.arns[variable], "ClientRequestToken": token, "Step": step})

    def rotate(self, variable: str, token: str) -> str:
        """Do what Secrets Manager does; return the new value. A token has at least 32 characters."""
        token = token.rjust(32, "0")
        for step in ("createSecret", "setSecret", "testSecret", "finishSecret"):
            self.step(variable, step, token)
        return self.value(variable)


@pytest.fixture
def account() -> Iterator[Account]:
    with running_account() as found:
        yield found


@pytest.fixture
def arns(account: Account) -> Mapping[str, str]:
    """Of empty secrets, by variable."""
    secrets = account.client("secretsmanager")
    return {variable: str(secrets.create_secret(Name=variable)["ARN"]) for variable in VARIABLES}


@pytest.fixture
def variables(account: Account, arns: Mapping[str, str], fresh: Pair, redis: Redis) -> Mapping[str, str]:
    """What the function is told, and the account that it finds."""
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": account.url,
        "CREDENTIAL_ARNS": json.dumps(arns),
        "DATABASE_ENDPOINT": f"localhost:{fresh.primary.port}",
        "REPLICA_ENDPOINT": f"localhost:{fresh.standby.port}",
        "DATABASE_NAME": NAME,
        "DATABASE_URL_OPTIONS": URL_OPTIONS,
        "CACHE_ENDPOINT": f"localhost:{redis.port}",
        "CACHE_USER_ID": USER,
    }


@pytest.fixture
def function(
    account: Account,
    arns: Mapping[str, str],
    variables: Mapping[str, str],
    fresh: Pair,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> Function:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(database, "CERTIFICATES", fresh.primary.authority)
    monkeypatch.setattr(cache, "tls", redis.tls)
    monkeypatch.setattr(cache, "_elasticache", lambda: redis)
    return Function(account, arns)
