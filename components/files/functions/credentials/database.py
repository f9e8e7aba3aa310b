"""PostgreSQL: the roles, and the logins of the application, which are two users that take turns.

The users of a pair have the same rights through a role that both are members of. The one whose password was replaced is
valid from then on; the other one stays valid until the next rotation, so no server has to hurry.
"""

import base64
import contextlib
import hashlib
import hmac
import secrets
import ssl
import tempfile
import time
import urllib.request
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from pg8000.exceptions import DatabaseError
from pg8000.native import Connection, identifier, literal

from .random_values import new_password

ADMINISTRATOR, ROTATOR = "fixrx_admin", "fixrx_rotator"
CERTIFICATES_URL = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
CERTIFICATES = Path(tempfile.gettempdir()) / "rds.pem"
SECONDS_TO_CONNECT = 15
SECONDS_TO_REPLAY = 60
"""How long a replica may take to have a password that the primary has."""
ITERATIONS = 4096
"""PostgreSQL's own number, `scram_iterations`."""
REFUSED_LOGINS = ("28000", "28P01")
"""PostgreSQL's codes of a wrong password, and of a way to log in that the role may not use."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database on one instance."""

    endpoint: str
    """Host and port."""
    name: str

    @property
    def host(self) -> str:
        return self.endpoint.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.endpoint.rpartition(":")[2])

    @contextlib.contextmanager
    def connected(self, user: str, password: str | None = None) -> Generator[Connection, None, None]:
        """Log in, with an IAM token if there is no password. Raises DatabaseError."""
        connection = Connection(
            user,
            host=self.host,
            port=self.port,
            database=self.name,
            password=iam_token(self.host, self.port, user) if password is None else password,
            ssl_context=ssl.create_default_context(cafile=str(certificates())),
            timeout=SECONDS_TO_CONNECT,
            application_name="credentials",
        )
        try:
            yield connection
        finally:
            connection.close()


def iam_token(host: str, port: int, user: str) -> str:
    """Return a password that is valid for 15 minutes, made without a call."""
    token: str = boto3.client("rds").generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user)
    return token


def certificates() -> Path:
    """Return the authorities of RDS, which no operating system has."""
    if not CERTIFICATES.exists():
        new = CERTIFICATES.with_suffix(".new")
        with urllib.request.urlopen(CERTIFICATES_URL, timeout=SECONDS_TO_CONNECT) as answer:
            new.write_bytes(answer.read())
        new.replace(CERTIFICATES)
    return CERTIFICATES


def make_roles(database: Database, first_password: str) -> None:
    """Make every role, or bring it back to what it has to be. The first time only the password lets us in."""
    try:
        with database.connected(ADMINISTRATOR) as connection:
            run_statements(connection, database.name)
    except DatabaseError as error:
        if error.args[0].get("C") not in REFUSED_LOGINS:
            raise
        with database.connected(ADMINISTRATOR, first_password) as connection:
            run_statements(connection, database.name)


def run_statements(connection: Connection, database: str) -> None:
    """Make the roles, all or none of them."""
    ((version,),) = connection.run("SELECT current_setting('server_version_num')::int / 10000")
    connection.run("BEGIN")
    # A second bootstrap waits for the first one.
    connection.run("SELECT pg_advisory_xact_lock(hashtext('fixrx-roles'))")
    existing = {name for (name,) in connection.run("SELECT rolname FROM pg_roles")}
    for statement in statements(database, version, existing):
        connection.run(statement)
    connection.run("COMMIT")


GROUPS = ("fixrx_owner", "fixrx_app", "fixrx_reader")
"""Nobody logs in as these."""
PAIRS = {"fixrx_app": ("fixrx_app_a", "fixrx_app_b"), "fixrx_reader": ("fixrx_reader_a", "fixrx_reader_b")}
BY_TOKEN = ("fixrx_migrate", "fixrx_backup", "fixrx_maintenance", ROTATOR)
"""These log in with a token of IAM and have no password."""
EXTENSIONS = ("pg_stat_statements", "pgstattuple")
FIRST_WITH_ADMIN_OF_ROLES = 16
"""Before, who may create roles may alter every role."""
FIRST_WITH_MAINTAIN = 17


def statements(database: str, version: int, existing: set[str]) -> list[str]:
    """Return what makes the roles, each statement harmless if it is repeated."""
    name = identifier(database)
    logins = [*(user for pair in PAIRS.values() for user in pair), *BY_TOKEN]
    tables, sequences = "SELECT, INSERT, UPDATE, DELETE", "USAGE, SELECT"
    return [
        *(f"CREATE ROLE {role}" for role in (*GROUPS, *logins) if role not in existing),
        *(f"ALTER ROLE {role} NOLOGIN INHERIT" for role in GROUPS),
        *(f"ALTER ROLE {role} LOGIN INHERIT" for role in logins),
        f"ALTER ROLE {ROTATOR} CREATEROLE",
        *_keep_administrator(version, [*GROUPS, *logins]),
        *(f"GRANT {group} TO {', '.join(pair)}" for group, pair in PAIRS.items()),
        f"GRANT fixrx_owner TO {ADMINISTRATOR}, fixrx_migrate",
        # What a migration makes belongs to the owner, whoever runs the next one.
        "ALTER ROLE fixrx_migrate SET role = fixrx_owner",
        # Of a database that the administrator has filled. It takes the database with it, which is given back; that
        # moves rights of the owner as well, so they come afterwards.
        f"REASSIGN OWNED BY {ADMINISTRATOR} TO fixrx_owner",
        f"ALTER DATABASE {name} OWNER TO {ADMINISTRATOR}",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {name} TO {', '.join(logins)}",
        f"GRANT TEMPORARY ON DATABASE {name} TO fixrx_app",
        f"GRANT CREATE, TEMPORARY ON DATABASE {name} TO fixrx_owner",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT CREATE, USAGE ON SCHEMA public TO fixrx_owner",
        "GRANT USAGE ON SCHEMA public TO fixrx_app, fixrx_reader",
        *_for_each_schema(
            f"GRANT {tables} ON ALL TABLES IN SCHEMA %1$I TO fixrx_app",
            f"GRANT {sequences} ON ALL SEQUENCES IN SCHEMA %1$I TO fixrx_app",
            "GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO fixrx_reader",
        ),
        *_for_each_schema("GRANT USAGE ON SCHEMA %1$I TO fixrx_app, fixrx_reader"),
        *(
            f"ALTER DEFAULT PRIVILEGES FOR ROLE fixrx_owner GRANT {rights} TO {role}"
            for rights, role in (
                (f"{tables} ON TABLES", "fixrx_app"),
                (f"{sequences} ON SEQUENCES", "fixrx_app"),
                ("USAGE ON SCHEMAS", "fixrx_app, fixrx_reader"),
                ("SELECT ON TABLES", "fixrx_reader"),
            )
        ),
        *(f"CREATE EXTENSION IF NOT EXISTS {extension}" for extension in EXTENSIONS),
        "GRANT pg_read_all_data TO fixrx_backup",
        f"GRANT pg_read_all_stats TO {ROTATOR}, fixrx_backup, fixrx_maintenance",
        "GRANT pg_stat_scan_tables TO fixrx_maintenance",
        f"GRANT {'pg_maintain' if version >= FIRST_WITH_MAINTAIN else 'fixrx_owner'} TO fixrx_maintenance",
        *_let_rotator_set_passwords(version),
        # Last: whoever has it can no longer log in with a password, the administrator neither.
        f"GRANT rds_iam TO {', '.join(BY_TOKEN)}, {ADMINISTRATOR}",
    ]


def _keep_administrator(version: int, roles: Sequence[str]) -> list[str]:
    """Whoever makes a role may alter it. Of one that was made before 16 nobody may after an upgrade, if not by this."""
    if version >= FIRST_WITH_ADMIN_OF_ROLES:
        return []
    return [f"GRANT {', '.join(roles)} TO {ADMINISTRATOR} WITH ADMIN OPTION"]


def _let_rotator_set_passwords(version: int) -> list[str]:
    users = [user for pair in PAIRS.values() for user in pair]
    if version < FIRST_WITH_ADMIN_OF_ROLES:
        return []
    return [f"GRANT {', '.join(users)} TO {ROTATOR} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"]


def _for_each_schema(*formats: str) -> list[str]:
    """Statements for the schemas that migrations have made."""
    commands = "; ".join(f"EXECUTE format({literal(text)}, schema)" for text in formats)
    return [
        f"""DO $$ DECLARE schema name; BEGIN FOR schema IN
            SELECT nspname FROM pg_namespace WHERE nspowner = 'fixrx_owner'::regrole OR nspname = 'public'
        LOOP {commands}; END LOOP; END $$"""
    ]


@dataclass(frozen=True, kw_only=True)
class DatabaseLogin:
    """A connection URL of a pair of users."""

    users: tuple[str, str]
    primary: Database
    """Where passwords are set."""
    used: Database
    """Where the application logs in: the same, or the replica."""
    options: str
    """Query string of the URL."""

    def first(self) -> str:
        value = self._url(self.users[0], new_password())
        self._set_password(value)
        return value

    def keep(self, value: str) -> str | None:
        url = urlsplit(value)
        if url.username not in self.users or url.password is None:
            return None
        self._set_password(value)
        return self._url(url.username, url.password)

    def successor(self, value: str) -> str:
        return self._url(_other(self.users, urlsplit(value).username), new_password())

    def introduce(self, pending: str, value: str) -> None:
        """Raises RuntimeError while somebody is still logged in as the user whose password would change."""
        user = urlsplit(pending).username
        if user == urlsplit(value).username:
            raise RuntimeError(f"{user} is in use: the pending value is not of the other user")
        with self.used.connected(ROTATOR) as connection:
            ((sessions,),) = connection.run("SELECT count(*) FROM pg_stat_activity WHERE usename = :user", user=user)
        if sessions:
            raise RuntimeError(
                f"{sessions} connections of {user} are left from before the last rotation: a server has not loaded the "
                "value since; reload fixrx-api there"
            )
        self._set_password(pending)

    def test(self, pending: str) -> None:
        url = urlsplit(pending)
        end = time.monotonic() + SECONDS_TO_REPLAY
        while True:
            try:
                with self.used.connected(str(url.username), url.password) as connection:
                    connection.run("SELECT 1")
                return
            except DatabaseError as error:
                if error.args[0].get("C") not in REFUSED_LOGINS or time.monotonic() > end:
                    raise
            time.sleep(1)

    def _set_password(self, value: str) -> None:
        """As a verifier, so that the password is in no statement that the server may log."""
        url = urlsplit(value)
        verifier = scram_verifier(str(url.password))
        with self.primary.connected(ROTATOR) as connection:
            connection.run(f"ALTER ROLE {identifier(str(url.username))} PASSWORD {literal(verifier)}")

    def _url(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@{self.used.endpoint}/{self.used.name}?{self.options}"


def scram_verifier(password: str, salt: bytes | None = None) -> str:
    """Return what PostgreSQL keeps of a password of ASCII characters (RFC 5803)."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def _other(users: Sequence[str], user: str | None) -> str:
    return users[1] if user == users[0] else users[0]
