"""The function that makes the database's roles and rotates credentials, against PostgreSQL and Redis."""

import base64
import json
import re
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from components.files.functions.credentials.cache import CacheLogin
from components.files.functions.credentials.database import Database, scram_verifier, statements
from components.files.functions.credentials.signing_keys import SigningKeys
from drill.command import STATEMENTS
from drill.jobs import Jobs
from drill.postgresql import Pair
from sandbox import UserError
from tests.functions.conftest import NAME, URL_OPTIONS, VARIABLES, Function, may
from tests.functions.redis_server import USER, Redis
from tests.jobs.connections import most_at_once

pytestmark = pytest.mark.host

USERS = "CREATE TABLE users (id bigserial PRIMARY KEY, email text)"
CLIENTS, ROTATIONS = 50, 10


def log_in(url: str) -> None:
    """Raises an error if the database refuses."""
    found = urlsplit(url)
    with Database(endpoint=f"{found.hostname}:{found.port}", name=NAME).connected(str(found.username), found.password):
        pass


def test_bootstrap_makes_values_once(function: Function) -> None:
    made = function.bootstrap()
    values = {variable: function.value(variable) for variable in VARIABLES}

    assert made == dict.fromkeys(VARIABLES, "made")
    assert function.bootstrap(password="wrong by now") == dict.fromkeys(VARIABLES, "kept")
    assert {variable: function.value(variable) for variable in VARIABLES} == values
    assert re.fullmatch(
        rf"postgresql://fixrx_app_a:[A-Za-z0-9]{{32}}@localhost:\d+/{NAME}\?{re.escape(URL_OPTIONS)}",
        values["DATABASE_URL"],
    )
    assert re.match(r"postgresql://fixrx_reader_a:", values["REPLICA_DATABASE_URL"])
    assert re.fullmatch(rf"rediss://{USER}:[A-Za-z0-9_-]{{64}}@localhost:\d+/0", values["REDIS_URL"])
    assert list(json.loads(values["JWT_SECRET"])) == ["JWT_SECRET", "JWT_SECRET_NEXT"]
    log_in(values["DATABASE_URL"])
    log_in(values["REPLICA_DATABASE_URL"])


def test_wrong_password_of_the_administrator_is_said_without_it(function: Function) -> None:
    with pytest.raises(Exception, match="password authentication failed") as raised:
        function.bootstrap(password="not-the-password")

    assert "not-the-password" not in str(raised.value)


MAY = {
    ("fixrx_migrate", "CREATE TABLE made (id int)"): True,
    ("fixrx_migrate", "ALTER TABLE users ADD COLUMN name text"): True,
    ("fixrx_migrate", "CREATE EXTENSION pgcrypto"): True,
    ("fixrx_migrate", "CREATE SCHEMA reports"): True,
    ("fixrx_migrate", "CREATE ROLE somebody"): False,
    ("fixrx_migrate", "ALTER ROLE fixrx_app_a PASSWORD 'mine'"): False,
    ("fixrx_app_a", "INSERT INTO users (email) VALUES ('a')"): True,
    ("fixrx_app_b", "UPDATE users SET email = 'b'"): True,
    ("fixrx_app_a", "DELETE FROM users"): True,
    ("fixrx_app_a", "CREATE TEMPORARY TABLE t (id int)"): True,
    ("fixrx_app_a", "SELECT * FROM later"): True,
    ("fixrx_app_a", "INSERT INTO old (id) VALUES (1)"): True,
    ("fixrx_app_a", "CREATE TABLE mine (id int)"): False,
    ("fixrx_app_a", "DROP TABLE users"): False,
    ("fixrx_app_a", "TRUNCATE users"): False,
    ("fixrx_app_a", "SET ROLE fixrx_owner"): False,
    ("fixrx_app_a", "CREATE EXTENSION citext"): False,
    ("fixrx_app_a", "SELECT rolpassword FROM pg_authid"): False,
    ("fixrx_reader_a", "SELECT * FROM users"): True,
    ("fixrx_reader_b", "SELECT * FROM later"): True,
    ("fixrx_reader_a", "INSERT INTO users (email) VALUES ('a')"): False,
    ("fixrx_reader_a", "CREATE TEMPORARY TABLE t (id int)"): False,
    ("fixrx_backup", "SELECT * FROM users"): True,
    ("fixrx_backup", "DELETE FROM users"): False,
    ("fixrx_backup", "SET ROLE fixrx_owner"): False,
    ("fixrx_maintenance", "VACUUM (ANALYZE) users"): True,
    ("fixrx_maintenance", "REINDEX TABLE CONCURRENTLY users"): True,
    ("fixrx_maintenance", "SELECT (pgstatindex('users_pkey')).avg_leaf_density"): True,
    ("fixrx_maintenance", "SELECT query FROM pg_stat_statements"): True,
    ("fixrx_maintenance", "CREATE ROLE somebody"): False,
    ("fixrx_rotator", "ALTER ROLE fixrx_app_b PASSWORD 'next'"): True,
    ("fixrx_rotator", "SELECT usename FROM pg_stat_activity"): True,
    ("fixrx_rotator", "SELECT * FROM users"): False,
    ("fixrx_rotator", "ALTER ROLE postgres PASSWORD 'mine'"): False,
}


def test_each_role_may_do_what_it_must_and_nothing_else(function: Function, fresh: Pair) -> None:
    """Also on tables of before the roles, and on those that a migration makes afterwards."""
    fresh.primary.ask(NAME, "CREATE TABLE old (id serial)", user="fixrx_admin")
    function.bootstrap()
    fresh.primary.ask(NAME, USERS, "CREATE TABLE later (id int)", user="fixrx_migrate")

    assert {(user, statement): may(fresh.primary, user, statement) for user, statement in MAY} == MAY
    owners = "SELECT string_agg(tableowner, ' ') FROM pg_tables WHERE schemaname = 'public'"
    assert fresh.primary.ask(NAME, owners).split() == ["fixrx_owner"] * 4
    assert fresh.primary.ask(NAME, "SELECT datdba::regrole FROM pg_database WHERE datname = current_database()") == (
        "fixrx_admin"
    )


@pytest.mark.parametrize(
    ("job", "told", "said"),
    [
        ("dump", {"DATABASE_USER": "fixrx_backup"}, "and its manifest: 1000 users, 2 tables"),
        ("maintenance", {"DATABASE_USER": "fixrx_maintenance", "TASK": "weekly"}, "weekly maintenance is done"),
        ("maintenance", {"DATABASE_USER": "fixrx_maintenance", "TASK": "monthly"}, "monthly maintenance is done"),
    ],
)
def test_jobs_do_their_work_as_their_own_roles(
    function: Function, fresh: Pair, tmp_path: Path, job: str, told: dict[str, str], said: str
) -> None:
    function.bootstrap()
    fresh.primary.ask(NAME, *STATEMENTS, user="fixrx_migrate")
    fresh.wait_for_standby()

    done = Jobs(function.account, fresh, NAME, tmp_path).run(job, told)

    assert (done.status, done.lines[-1].partition(said)[1:]) == (0, (said, ""))


def test_large_objects_that_the_dump_would_not_hold_are_said(function: Function, fresh: Pair, tmp_path: Path) -> None:
    function.bootstrap()
    fresh.primary.ask(NAME, *STATEMENTS, "SELECT lo_create(0)", user="fixrx_migrate")
    fresh.wait_for_standby()

    done = Jobs(function.account, fresh, NAME, tmp_path).run("dump", {"DATABASE_USER": "fixrx_backup"})

    assert done.status == 1
    assert "fixrx_backup may not read 1 large objects; GRANT SELECT ON LARGE OBJECT to it" in "\n".join(done.lines)


def test_nobody_else_may_connect(function: Function, fresh: Pair) -> None:
    function.bootstrap()
    fresh.primary.ask(NAME, "CREATE ROLE fixrx_stranger LOGIN")

    with pytest.raises(UserError, match="permission denied for database"):
        fresh.primary.ask(NAME, "SELECT 1", user="fixrx_stranger")


def test_restored_database_gets_the_passwords_of_the_secrets(function: Function, fresh: Pair) -> None:
    function.bootstrap()
    wanted = function.value("DATABASE_URL")
    function.put("DATABASE_URL", wanted.replace("localhost:", "old.example.com:"))
    fresh.primary.ask(NAME, "ALTER ROLE fixrx_app_a PASSWORD 'of its moment'")

    assert function.bootstrap()["DATABASE_URL"] == "changed"
    assert function.value("DATABASE_URL") == wanted
    log_in(wanted)


def test_url_of_the_administrator_is_replaced_and_a_key_goes_on_signing(function: Function) -> None:
    """As the deployment wrote them before there were roles."""
    function.put("DATABASE_URL", f"postgresql://fixrx_admin:old@localhost:1/{NAME}")
    function.put("REDIS_URL", "rediss://:token@localhost:1/0")
    function.put("JWT_SECRET", "k" * 64)

    assert function.bootstrap() == {
        "DATABASE_URL": "made",
        "REPLICA_DATABASE_URL": "made",
        "REDIS_URL": "made",
        "JWT_SECRET": "changed",
    }
    assert urlsplit(function.value("DATABASE_URL")).username == "fixrx_app_a"
    assert json.loads(function.value("JWT_SECRET"))["JWT_SECRET"] == "k" * 64


@pytest.mark.parametrize("variable", ["DATABASE_URL", "REPLICA_DATABASE_URL"])
def test_users_of_a_pair_take_turns_and_the_other_one_stays_valid(function: Function, variable: str) -> None:
    function.bootstrap()
    first = function.value(variable)
    second = function.rotate(variable, "1")
    log_in(first)
    third = function.rotate(variable, "2")

    users = [str(urlsplit(url).username)[-2:] for url in (first, second, third)]
    assert users == ["_a", "_b", "_a"]
    log_in(second)
    log_in(third)
    with pytest.raises(Exception, match="password authentication failed"):
        log_in(first)


def test_steps_may_be_repeated(function: Function) -> None:
    function.bootstrap()
    token = "1" * 32
    for step in ("createSecret", "createSecret", "setSecret", "setSecret", "testSecret"):
        function.step("DATABASE_URL", step, token)
    pending = function.value("DATABASE_URL", "AWSPENDING")
    for step in ("finishSecret", "finishSecret", "createSecret", "setSecret"):
        function.step("DATABASE_URL", step, token)

    assert function.value("DATABASE_URL") == pending
    log_in(pending)


def test_rotation_waits_for_servers_that_have_not_loaded_the_last_one(function: Function, fresh: Pair) -> None:
    function.bootstrap()
    url = urlsplit(function.value("DATABASE_URL"))
    late = Database(endpoint=f"localhost:{fresh.primary.port}", name=NAME).connected("fixrx_app_a", url.password)
    with late:
        function.rotate("DATABASE_URL", "1")
        with pytest.raises(RuntimeError, match=r"^1 connections of fixrx_app_a are left from before the last rotation"):
            function.rotate("DATABASE_URL", "2")
    assert urlsplit(function.value("DATABASE_URL")).username == "fixrx_app_b"


def test_no_password_is_in_the_log_of_the_server(function: Function, fresh: Pair) -> None:
    fresh.primary.ask("postgres", "ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")
    function.bootstrap()
    values = [function.value("DATABASE_URL"), function.rotate("DATABASE_URL", "1")]
    log = (fresh.primary.directory.parent / "log").read_text()
    fresh.primary.ask("postgres", "ALTER SYSTEM RESET log_statement", "SELECT pg_reload_conf()")

    assert "ALTER ROLE" in log
    assert [value for value in values if str(urlsplit(value).password) in log] == []


@pytest.mark.parametrize(
    ("variable", "held"),
    [("DATABASE_URL", {"primary": 1, "standby": 0}), ("REPLICA_DATABASE_URL", {"primary": 1, "standby": 1})],
)
def test_bootstrap_and_rotation_hold_one_connection_at_a_time(
    function: Function, fresh: Pair, variable: str, held: dict[str, int]
) -> None:
    assert most_at_once(fresh, NAME, function.bootstrap) == {"primary": 1, "standby": 0}
    assert most_at_once(fresh, NAME, lambda: function.rotate(variable, "1")) == held


def test_nobody_fails_to_log_in_over_ten_rotations(function: Function) -> None:
    """Clients open a connection for each query, and load a new value only some time after it is there."""
    function.bootstrap()
    loaded, failures, logins, over = [function.value("DATABASE_URL")], list[str](), [0], threading.Event()

    def client() -> None:
        while not over.is_set():
            url = urlsplit(loaded[0])
            try:
                log_in(url.geturl())
                logins[0] += 1
                time.sleep(0.5)
            except Exception as error:
                failures.append(str(error))

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    for number in range(ROTATIONS):
        while True:
            try:
                value = function.rotate("DATABASE_URL", str(number))
                break
            except RuntimeError:
                # A query of before is still under way; Secrets Manager tries again as well.
                time.sleep(0.2)
        time.sleep(0.3)
        loaded[0] = value
    over.set()
    for each in clients:
        each.join()

    print(f"{ROTATIONS} rotations, {logins[0]} logins, {len(failures)} failed")
    assert failures == []
    assert logins[0] > CLIENTS * ROTATIONS // 5


def test_redis_takes_the_old_password_until_the_next_rotation(function: Function, redis: Redis) -> None:
    function.bootstrap()
    first = function.value("REDIS_URL")
    second = function.rotate("REDIS_URL", "1")
    taken = [redis.ask(("AUTH", USER, str(urlsplit(url).password)), ("SET", "key", "1")) for url in (first, second)]
    third = function.rotate("REDIS_URL", "2")
    later = [redis.ask(("AUTH", USER, str(urlsplit(url).password)))[0] for url in (first, second, third)]

    assert taken == [["+OK", "+OK"]] * 2
    assert [answer.split()[0] for answer in later] == ["-WRONGPASS", "+OK", "+OK"]
    assert redis.ask(("AUTH", USER, str(urlsplit(third).password)), ("FLUSHALL",))[1].startswith("-NOPERM")


def test_redis_that_refuses_ends_the_rotation(redis: Redis, function: Function) -> None:
    login = CacheLogin(user_id=USER, endpoint=f"localhost:{redis.port}")

    with pytest.raises(RuntimeError, match=r"^Redis refuses fixrx-app: -WRONGPASS") as raised:
        login.test(f"rediss://{USER}:nobody-has-this@localhost/0")
    assert "nobody-has-this" not in str(raised.value)


def test_a_key_is_accepted_for_a_whole_rotation_before_it_signs() -> None:
    keys = SigningKeys("JWT_SECRET")
    first = keys.first()
    second = keys.successor(first)
    third = keys.successor(second)
    one, two, three = map(json.loads, (first, second, third))

    assert two["JWT_SECRET"] == one["JWT_SECRET_NEXT"]
    assert two["JWT_SECRET_PREVIOUS"] == one["JWT_SECRET"]
    assert three["JWT_SECRET"] == two["JWT_SECRET_NEXT"]
    assert len({one["JWT_SECRET"], *two.values(), *three.values()}) == 5 - 1
    for value in (first, second, third):
        keys.test(value)


@pytest.mark.parametrize("broken", [{"JWT_SECRET": "k" * 64}, {"JWT_SECRET": "k" * 64, "JWT_SECRET_NEXT": "short"}, {}])
def test_keys_that_are_missing_or_short_end_the_rotation(broken: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"^JWT_SECRET lacks a key, or has one of less than 32 characters$"):
        SigningKeys("JWT_SECRET").test(json.dumps(broken))


@pytest.mark.parametrize("variable", VARIABLES)
def test_secrets_manager_tests_the_first_value_when_a_rotation_is_set_up(function: Function, variable: str) -> None:
    """With a pending version that is the present one, which it removes again."""
    function.bootstrap()
    token = "5" * 32
    function.account.client("secretsmanager").put_secret_value(
        SecretId=function.arns[variable],
        ClientRequestToken=token,
        SecretString=function.value(variable),
        VersionStages=["AWSPENDING"],
    )

    function.step(variable, "testSecret", token)


def test_verifier_is_that_of_postgresql(fresh: Pair) -> None:
    fresh.primary.ask("postgres", "CREATE ROLE fixrx_verified PASSWORD 'pencil'")
    stored = fresh.primary.ask("postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'fixrx_verified'")
    salt = base64.b64decode(stored.split("$")[1].split(":")[1])

    assert scram_verifier("pencil", salt) == stored


@pytest.mark.parametrize(
    ("version", "maintains", "administers"),
    [(15, "fixrx_owner", False), (16, "fixrx_owner", True), (17, "pg_maintain", True), (18, "pg_maintain", True)],
)
def test_rights_follow_the_version(version: int, maintains: str, administers: bool) -> None:
    made = statements(NAME, version, set())

    assert f"GRANT {maintains} TO fixrx_maintenance" in made
    assert any("WITH ADMIN TRUE, INHERIT FALSE, SET FALSE" in each for each in made) is administers
    # From 16 on whoever makes a role has it.
    assert any(each.endswith(" TO fixrx_admin WITH ADMIN OPTION") for each in made) is not administers
    assert made[-1].startswith("GRANT rds_iam TO fixrx_migrate, ")
