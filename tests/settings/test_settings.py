"""What is read from a stack's file, and everything that is said about one that is wrong."""

import json
import re
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import InvalidSettings, Problem, StackSettings, parse_settings
from settings.engine import load_settings
from settings.wording import HOW_SECRETS_ARE_SET
from tests.settings.configuration import MISSING, as_pulumi_hands_it_over, changed, stack_file

SMALL = {
    "environment": "development",
    "account": {"id": "111122223333"},
    "app_servers": {"image_id": "ami-0123456789abcdef0", "release": "1.0.0", "release_sha256": "0" * 64},
}
"""The least that a stack must say."""
MARKER = "Zk8qLw2vXr9TnB4mPd7s"
"""Like a token."""


def problems_of(configuration: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidSettings) as refusal:
        parse_settings(as_pulumi_hands_it_over(configuration))
    return [str(problem) for problem in refusal.value.problems]


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_stack_file_is_valid(environment: str) -> None:
    settings = parse_settings(as_pulumi_hands_it_over(stack_file(environment)))

    assert settings.environment == environment


def test_stack_that_says_little_has_productions_posture() -> None:
    settings = parse_settings(as_pulumi_hands_it_over(SMALL))

    assert settings == StackSettings.model_validate(SMALL)
    assert parse_settings(as_pulumi_hands_it_over({**SMALL, "environment": "production"})).environment == "production"


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = parse_settings(as_pulumi_hands_it_over(SMALL))

    with pytest.raises(ValueError, match="frozen"):
        settings.database.multi_az = False  # type: ignore[misc]


def test_configuration_of_the_engine_is_read() -> None:
    pulumi.runtime.set_all_config(
        {
            **{f"fixrx:{key}": value for key, value in as_pulumi_hands_it_over(SMALL).items()},
            "pulumi:disable-default-providers": '["*"]',
        }
    )

    assert load_settings() == parse_settings(as_pulumi_hands_it_over(SMALL))


def test_application_learns_its_share_of_the_connections() -> None:
    settings = parse_settings(as_pulumi_hands_it_over(stack_file("production")))

    assert settings.application_environment == {
        "NODE_ENV": "production",
        "PORT": "3000",
        "PG_POOL_MAX": "3",
        "LOG_DIRECTORY": "/var/log/fixrx",
    }


def test_configured_pool_is_taken_as_it_is() -> None:
    configuration = changed(stack_file("production"), {"app_servers.pool_size": 2})

    assert parse_settings(as_pulumi_hands_it_over(configuration)).pool_size == 2


def test_identity_comes_from_environment_owner_and_account() -> None:
    identity = parse_settings(as_pulumi_hands_it_over(stack_file("staging"))).identity

    assert (identity.prefix, identity.owner, identity.account_id, identity.region) == (
        "fixrx-staging",
        "ops@fixrx.com",
        "444455556666",
        "us-east-1",
    )


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"databse": {}}, ["fixrx:databse: is not a setting; did you mean database"]),
        (
            {"frobnicate": {}},
            ["fixrx:frobnicate: is not a setting; remove it, or see docs/settings.md for the settings"],
        ),
        ({"multi_az": True}, ["fixrx:multi_az: is not a setting here; did you mean multi_az below fixrx:database"]),
        (
            {"cache.multi_az": True},
            ["fixrx:cache.multi_az: is not a setting here; did you mean multi_az below fixrx:database"],
        ),
        ({"database.multi_azz": True}, ["fixrx:database.multi_azz: is not a setting; did you mean multi_az"]),
        (
            {"maintenance_windows.daily.length": 3},
            [
                "fixrx:maintenance_windows.daily.length: is not a setting; remove it, or see docs/settings.md for the "
                "settings"
            ],
        ),
        (
            {"environment": MISSING},
            ["fixrx:environment: is missing; add it to the stack's file, such as `fixrx:environment: production`"],
        ),
        (
            {"account": MISSING},
            ['fixrx:account: is missing; add the section to the stack\'s file, with `id: "111122223333"`'],
        ),
        (
            {"account.id": MISSING},
            ['fixrx:account.id: is missing; add it to the stack\'s file, such as `id: "111122223333"`'],
        ),
        (
            {"app_servers.release": MISSING},
            ["fixrx:app_servers.release: is missing; add it to the stack's file, such as `release: 1.0.0`"],
        ),
        (
            {"environment": "prod"},
            [
                'fixrx:environment: "prod" is not a value of this setting; did you mean production; choose '
                "production, staging or development"
            ],
        ),
        (
            {"network.nat": "singel"},
            [
                'fixrx:network.nat: "singel" is not a value of this setting; did you mean single; choose single, '
                "per_zone, regional or none"
            ],
        ),
        (
            {"network.nat": False},
            [
                "fixrx:network.nat: false is not a value of this setting; choose single, per_zone, regional or none; "
                "put it in quotes"
            ],
        ),
        (
            {"database.engine_version": 14},
            [
                "fixrx:database.engine_version: 14 is not a value of this setting; did you mean 15; choose 15, 16, 17 "
                "or 18; put it in quotes"
            ],
        ),
        (
            {"database.engine_version": 17.4},
            [
                "fixrx:database.engine_version: 17.4 is not a value of this setting; did you mean 17; choose 15, 16, "
                "17 or 18; put it in quotes"
            ],
        ),
        (
            {"app_servers.min_size": True},
            ["fixrx:app_servers.min_size: true is not a whole number from 1 to 100; write `min_size: 3`"],
        ),
        (
            {"secrets.recovery_window_days": False},
            ["fixrx:secrets.recovery_window_days: false is not a value of this setting; choose 0, 7, 14 or 30"],
        ),
        (
            {"account_id": "111122223333"},
            ["fixrx:account_id: is not a setting here; did you mean id below fixrx:account"],
        ),
        (
            {"database.multi_azone.x": 1},
            ["fixrx:database.multi_azone: is not a setting; did you mean multi_az"],
        ),
        (
            {"database": "large"},
            [
                'fixrx:database: "large" is not a section; write its settings below it, indented, one a line, such as '
                '`engine_version: "17"`'
            ],
        ),
        (
            {"cache": 5},
            [
                "fixrx:cache: 5 is not a section; write its settings below it, indented, one a line, such as "
                "`engine: redis`"
            ],
        ),
        (
            {"account": ["111122223333"]},
            [
                "fixrx:account: is not a section; write its settings below it, indented, one a line, such as "
                '`id: "111122223333"`'
            ],
        ),
        (
            {"web_acl": ""},
            [
                "fixrx:web_acl: is empty; write its settings below it, indented, one a line, such as "
                "`requests_per_second: 10`"
            ],
        ),
        ({"account.id": "1111"}, ['fixrx:account.id: 1111 is not an AWS account id; it looks like "111122223333"']),
        (
            {"account.id": 12345678901},
            ['fixrx:account.id: 12345678901 is not an AWS account id; it looks like "111122223333"; put it in quotes'],
        ),
        (
            {"maintenance_windows.daily.start": 120},
            [
                'fixrx:maintenance_windows.daily.start: 120 is not a time of day in UTC; did you mean "02:00"; put it '
                "in quotes"
            ],
        ),
        (
            {"maintenance_windows.daily.start": "2:00"},
            ['fixrx:maintenance_windows.daily.start: "2:00" is not a time of day in UTC; did you mean "02:00"'],
        ),
        (
            {"app_servers.release": 1.1},
            [
                "fixrx:app_servers.release: 1.1 is a number without quotes, and text is meant; put it in quotes, such "
                'as `release: "1.0.0"`'
            ],
        ),
        (
            {"app_servers.release": 1},
            [
                "fixrx:app_servers.release: 1 is a number without quotes, and text is meant; put it in quotes, such "
                'as `release: "1.0.0"`'
            ],
        ),
        (
            {"database.backup_retention_days": 36},
            [
                "fixrx:database.backup_retention_days: 36 is not a whole number from 1 to 35; write "
                "`backup_retention_days: 35`"
            ],
        ),
        (
            {"app_servers.heap_mib": 0},
            ["fixrx:app_servers.heap_mib: 0 is not a whole number of at least 256; write `heap_mib: 768`"],
        ),
        (
            {"app_servers.min_size": 3.5},
            ["fixrx:app_servers.min_size: 3.5 is not a whole number from 1 to 100; write `min_size: 3`"],
        ),
        (
            {"database.multi_az": "perhaps"},
            [
                'fixrx:database.multi_az: "perhaps" is neither true nor false; write `multi_az: true` or `multi_az: '
                "false`"
            ],
        ),
        (
            {"access_logs.retention_days": None},
            ["fixrx:access_logs.retention_days: is empty; write `retention_days: 365`"],
        ),
        (
            {"dns.query_log_retention_days": 100},
            [
                "fixrx:dns.query_log_retention_days: 100 is not a value of this setting; did you mean 90; choose 30, "
                "60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653"
            ],
        ),
        (
            {"notifications.email": "ops@x"},
            ['fixrx:notifications.email: "ops@x" is not a list; write `email: [ops@fixrx.com]`'],
        ),
        (
            {"notifications.email": ["ops@x"]},
            ['fixrx:notifications.email.0: "ops@x" is not an e-mail address; it looks like ops@fixrx.com'],
        ),
        (
            {"notifications.email": []},
            ["fixrx:notifications.email: has 0 entries; at least 1 is needed"],
        ),
        (
            {"network.availability_zones": ["us-east-1a", "us-east-1b", "Europe"]},
            [
                'fixrx:network.availability_zones.2: "Europe" is not an availability zone; it looks like us-east-1a',
            ],
        ),
        (
            {"network.cidr_block": "10.0.0.0/8"},
            ['fixrx:network.cidr_block: "10.0.0.0/8" must be a block from /16 to /20'],
        ),
        (
            {"network.cidr_block": False},
            ['fixrx:network.cidr_block: false is not an address block; write `cidr_block: "10.0.0.0/16"`'],
        ),
        (
            {"network.cidr_block": "10.0.0.1/16"},
            [
                'fixrx:network.cidr_block: "10.0.0.1/16" is not an address block; it is an address inside of one: did '
                "you mean 10.0.0.0/16"
            ],
        ),
        (
            {"network.cidr_block": "10.0.0/16"},
            [
                'fixrx:network.cidr_block: "10.0.0/16" is not an address block; write `cidr_block: "10.0.0.0/16"`',
            ],
        ),
        (
            {"app_servers.min_size": 11},
            ["fixrx:app_servers: min_size is greater than max_size; swap or change them"],
        ),
        (
            {"app_servers.instance_type": "m7g"},
            ['fixrx:app_servers.instance_type: "m7g" is not an instance type; it looks like m7g.large'],
        ),
        (
            {"backup_bucket.object_lock_days": 8},
            [
                "fixrx:backup_bucket: object_lock_days is longer than a retention: the lifecycle could not delete what "
                "the lock holds; lower object_lock_days or raise the retention"
            ],
        ),
        (
            {"dns.api_domain": "api.example.com"},
            ["fixrx:dns: api_domain is not inside zone; make it the zone's name or one that ends in it"],
        ),
        (
            {"load_balancer.ready_path": "/api/v1/system/health"},
            [
                "fixrx:load_balancer: ready_path is deep_health_path: an outage of one third party would take all "
                "servers out of service; set ready_path to a path that does not depend on third parties"
            ],
        ),
        (
            {"notifications.email": ["ops@fixrx.com", "ops@fixrx.com"]},
            ["fixrx:notifications.email: names an address twice"],
        ),
        (
            {"maintenance_windows.daily.start": "02:30"},
            [
                "fixrx:maintenance_windows: daily and weekly overlap: a cache snapshot from 02:30 needs 60 minutes; "
                "weekly begins at 03:00; move one of the two"
            ],
        ),
        (
            {"account.region": "eu-central-1"},
            [
                f"fixrx:network.availability_zones: us-east-1{zone} is not in eu-central-1; name zones of the region "
                "in account.region"
                for zone in "abc"
            ],
        ),
        (
            {"network.nat": "none"},
            [
                "fixrx:network.nat: production requires per_zone or regional, because a single NAT gateway fails "
                "together with its zone",
                "fixrx:network.nat: none: servers cannot reach Twilio, SendGrid and Firebase; choose single, per_zone "
                "or regional",
            ],
        ),
        (
            {"app_servers.pool_size": 20},
            [
                "fixrx:app_servers.pool_size: is too large: 11 servers x 2 processes may hold 72 connections (alarm at "
                "80, database accepts 811); at most 3 for each process, or lower max_size"
            ],
        ),
        (
            {"app_servers.max_size": 50},
            [
                "fixrx:app_servers.max_size: leaves less than one connection for each process: 55 servers x 2 "
                "processes may hold 72 connections (alarm at 80, database accepts 811); lower max_size or choose an "
                "instance type with fewer processors"
            ],
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(changes: dict[str, Any], problems: list[str]) -> None:
    assert problems_of(changed(stack_file("production"), changes)) == problems


def test_guides_pool_of_20_is_accepted_where_it_fits() -> None:
    changes = {"app_servers.pool_size": 20, "database.connection_alarm_threshold": 600}

    assert parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), changes))).pool_size == 20


def test_everything_wrong_is_said_at_once() -> None:
    """Unknown keys, what is missing, wrong values, and rules over those sections that are valid."""
    configuration = changed(
        stack_file("production"),
        {
            "surplus": 1,
            "account": MISSING,
            "cache.nodes": 7,
            "database.multi_az": "perhaps",
            "database.surplus": 1,
            "network.nat": "none",
            "app_servers.max_size": 2,
            "web_acl.action": "count",
        },
    )

    with pytest.raises(InvalidSettings) as refusal:
        parse_settings(as_pulumi_hands_it_over(configuration))

    assert str(refusal.value).splitlines() == [
        "The stack's configuration has 9 problems; nothing was changed:",
        "  fixrx:surplus: is not a setting; remove it, or see docs/settings.md for the settings",
        '  fixrx:account: is missing; add the section to the stack\'s file, with `id: "111122223333"`',
        "  fixrx:app_servers: min_size is greater than max_size; swap or change them",
        '  fixrx:database.multi_az: "perhaps" is neither true nor false; write `multi_az: true` or `multi_az: false`',
        "  fixrx:database.surplus: is not a setting; remove it, or see docs/settings.md for the settings",
        "  fixrx:cache.nodes: 7 is not a whole number from 1 to 6; write `nodes: 2`",
        "  fixrx:network.nat: production requires per_zone or regional, because a single NAT gateway fails together "
        "with its zone",
        "  fixrx:web_acl.action: production requires block, because count lets every request through",
        "  fixrx:network.nat: none: servers cannot reach Twilio, SendGrid and Firebase; choose single, per_zone or "
        "regional",
    ]


def test_one_problem_is_said_in_the_singular() -> None:
    with pytest.raises(InvalidSettings, match=r"^The stack's configuration has 1 problem; nothing was changed:\n"):
        parse_settings(as_pulumi_hands_it_over(changed(SMALL, {"surplus": 1})))


def test_refusal_is_shown_without_a_traceback() -> None:
    """The engine prints a RunError as it is. Keys of other namespaces are in it."""
    pulumi.runtime.set_all_config(
        {
            **{f"fixrx:{key}": value for key, value in as_pulumi_hands_it_over(SMALL).items()},
            "fixrx:sendgrid_api_key": "decrypted",
            "aws:region": "eu-central-1",
            "fixrxx:cache": "{}",
            "other:database": "nonsense",
        },
        secret_keys=["fixrx:sendgrid_api_key"],
    )

    with pytest.raises(pulumi.RunError) as refusal:
        load_settings()

    assert str(refusal.value).splitlines() == [
        "The stack's configuration has 4 problems; nothing was changed:",
        "  aws:region: is not used; remove it: the region is the setting fixrx:account.region",
        "  fixrxx:cache: is not used; did you mean fixrx:cache",
        "  other:database: is not used; remove it: every setting of this program begins with fixrx:",
        f"  fixrx:sendgrid_api_key: is not a setting; {HOW_SECRETS_ARE_SET}",
    ]


def test_value_of_an_encrypted_setting_is_not_repeated() -> None:
    """The engine hands it over decrypted."""
    configuration = as_pulumi_hands_it_over({**SMALL, "cache": {"nodes": 77}})
    pulumi.runtime.set_all_config(
        {f"fixrx:{key}": value for key, value in configuration.items()}, secret_keys=["fixrx:cache"]
    )

    with pytest.raises(pulumi.RunError) as refusal:
        load_settings()

    assert "77" not in str(refusal.value)
    assert "fixrx:cache.nodes: is not a whole number from 1 to 6; write `nodes: 2`" in str(refusal.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"database_password": MARKER},
        {"database.password": MARKER},
        {"secrets.TWILIO_AUTH_TOKEN": MARKER},
        {"account": MARKER},
        {"environment": MARKER},
        {"owner": MARKER},
        {"database": MARKER},
        {"database": [MARKER]},
        {"database.multi_az": MARKER},
        {"database.engine_version": MARKER},
        {"database.allocated_storage_gib": MARKER},
        {"database.instance_class": MARKER},
        {"network.cidr_block": MARKER},
        {"network.nat": MARKER},
        {"network.availability_zones": [MARKER, MARKER]},
        {"app_servers.image_id": MARKER},
        {"dns.api_domain": MARKER},
        {"maintenance_windows.daily.start": MARKER},
        {"notifications.email": [MARKER]},
        {"load_balancer.ready_path": MARKER},
    ],
    ids=str,
)
def test_value_that_may_be_a_secret_is_never_quoted(changes: dict[str, Any]) -> None:
    """It may be a secret that was put under the wrong key."""
    problems = problems_of(changed(stack_file("production"), changes))

    assert problems
    assert MARKER not in "\n".join(problems)


@pytest.mark.parametrize("value", ["[" * 100_000, '{"a":' * 100_000, '{"\\ud800": 1}', "{", "null", "\x00", ""])
def test_text_that_is_no_section_is_refused_by_key(value: str) -> None:
    with pytest.raises(InvalidSettings) as refusal:
        parse_settings({**as_pulumi_hands_it_over(SMALL), "database": value})

    assert [problem.key for problem in refusal.value.problems] == ["database"]


VALIDATORS_WORDS = r"(?i)input should|extra inputs|string should|should have at|value error|validation"
"""Phrases of pydantic, which no operator knows."""
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.just(MARKER),
    st.sampled_from(["10.0.0.0/16", "us-east-1a", "production", "m7g.large", "db.m7g.large", "02:00", "sun", "none"]),
)
section_names = st.sampled_from(sorted(StackSettings.model_fields))
setting_names = st.sampled_from(
    sorted(
        {
            name
            for field in StackSettings.model_fields.values()
            for name in getattr(field.annotation, "model_fields", {})
        }
        | {"daily", "start", "minutes", "surplus"}
    )
)
values: st.SearchStrategy[Any] = st.deferred(
    lambda: leaves | st.lists(values, max_size=3) | st.dictionaries(setting_names, values, max_size=4)
)
configurations = st.dictionaries(section_names | st.text(max_size=5), values, max_size=6)


@given(configurations)
def test_any_configuration_gives_settings_or_a_list_of_keys(configuration: dict[str, Any]) -> None:
    """Pulumi hands over text; JSON that Python alone knows (NaN, Infinity) is among it."""
    assert_settings_or_keys({key: json.dumps(value) for key, value in configuration.items()})


@given(st.dictionaries(section_names, st.text(max_size=20) | st.just(MARKER), max_size=4))
def test_any_text_gives_settings_or_a_list_of_keys(raw: dict[str, str]) -> None:
    assert_settings_or_keys(raw)


@given(section_names, setting_names, values)
def test_any_value_of_a_setting_gives_settings_or_a_list_of_keys(section: str, setting: str, value: Any) -> None:
    """From a valid configuration, so that the rules between sections are reached."""
    configuration = stack_file("production")
    owner = configuration.get(section, {})
    configuration[section] = {**owner, setting: value} if isinstance(owner, dict) else value

    assert_settings_or_keys(
        {key: json.dumps(each) for key, each in configuration.items()} | {"environment": "production"}
    )


def assert_settings_or_keys(raw: dict[str, str]) -> None:
    try:
        assert isinstance(parse_settings(raw), StackSettings)
    except InvalidSettings as refusal:
        assert refusal.problems
        assert all(problem.what and names_a_key(problem, raw) for problem in refusal.problems)
        assert MARKER not in str(refusal)
        assert not re.search(VALIDATORS_WORDS, str(refusal))


def names_a_key(problem: Problem, raw: dict[str, str]) -> bool:
    return any(f"{problem.key}.".startswith(f"{key}.") for key in {*raw, *StackSettings.model_fields})
