"""Redis: nodes in several zones, encrypted, with a user."""

from typing import Any

import pytest

from components.cache import Cache, CacheArgs, what_only_grows
from components.sections.cache import CacheSettings
from components.shared.maintenance_windows import MaintenanceWindows
from components.shared.only_grows import problems
from tests.recorder import CANARY, PLACEMENT, STACK, Recording, record

GROUP = "cache-replication-group"


def record_cache(**settings: Any) -> Recording:
    def program() -> None:
        Cache(
            "cache",
            CacheArgs(
                settings=CacheSettings(**settings),
                windows=MaintenanceWindows(),
                stack=STACK,
                placement=PLACEMENT,
            ),
        )

    return record(program)


def test_cache_survives_the_loss_of_a_zone(production: Recording) -> None:
    assert production.named(GROUP).pick("numCacheClusters", "automaticFailoverEnabled", "multiAzEnabled") == {
        "numCacheClusters": 2,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
    }


def test_cache_is_encrypted_and_needs_a_user(production: Recording) -> None:
    assert production.named(GROUP).pick(
        "atRestEncryptionEnabled", "kmsKeyId", "transitEncryptionEnabled", "transitEncryptionMode", "userGroupIds"
    ) == {
        "atRestEncryptionEnabled": True,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-data-key",
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "userGroupIds": ["fixrx-production-users"],
    }


def test_cache_keeps_snapshots_for_a_week(production: Recording) -> None:
    assert production.named(GROUP).pick("snapshotRetentionLimit", "snapshotWindow", "finalSnapshotIdentifier") == {
        "snapshotRetentionLimit": 7,
        "snapshotWindow": "02:00-03:00",
        "finalSnapshotIdentifier": "fixrx-production-cache-final-0a1b2c3d",
    }


def test_logs_of_the_cache_are_delivered(production: Recording) -> None:
    deliveries = production.named(GROUP).plain["logDeliveryConfigurations"]

    assert [(each["logType"], each["destination"]) for each in deliveries] == [
        ("slow-log", "/fixrx/production/cache/slow-log"),
        ("engine-log", "/fixrx/production/cache/engine-log"),
    ]


def test_cache_stands_in_the_data_tier(production: Recording) -> None:
    assert production.named("cache-subnets").plain["subnetIds"] == [f"network-data-{letter}-id" for letter in "abc"]


@pytest.mark.parametrize("log_type", ["slow-log", "engine-log"])
def test_logs_are_kept_for_a_month(production: Recording, log_type: str) -> None:
    assert production.named(f"cache-{log_type}-group").plain["retentionInDays"] == 30


@pytest.mark.parametrize(("engine", "version", "family"), [("redis", "7.1", "redis7"), ("valkey", "8.1", "valkey8")])
def test_either_engine_gets_its_version_and_family(engine: str, version: str, family: str) -> None:
    cache = record_cache(engine=engine)

    component = cache.named("cache")
    assert (component.plain, component.before_update) == ({"engine_version": version}, ("cache-only-grows",))
    group = cache.named(GROUP).plain
    parameters = cache.named("cache-parameters").plain
    assert (group["engine"], group["engineVersion"], parameters["family"]) == (engine, version, family)


@pytest.mark.parametrize("settings", [{}, {"apply_immediately": True}])
def test_changes_wait_for_the_maintenance_window_unless_told_otherwise(settings: dict[str, bool]) -> None:
    group = record_cache(**settings).named(GROUP).plain

    assert group["applyImmediately"] is bool(settings)


def test_redis_after_valkey_is_refused() -> None:
    """Its last version is older than the first one of Valkey."""
    wanted = what_only_grows(CacheSettings(engine="redis"))

    assert problems(wanted, {"engine_version": "7.2"}) == [
        "fixrx:cache.engine: 7.1 is lower than the deployed 7.2: redis would replace the cache, and everything in it "
        "would be lost. Keep the deployed engine; the way back from an upgrade is in docs/upgrades.md#back-from-valkey."
    ]


@pytest.mark.parametrize("policy", ["volatile-lru", "allkeys-lru", "noeviction"])
def test_what_is_evicted_is_configured(policy: str) -> None:
    parameters = record_cache(eviction_policy=policy).named("cache-parameters").plain["parameters"]

    assert parameters == [{"name": "maxmemory-policy", "value": policy}]


def test_single_node_has_no_failover() -> None:
    group = record_cache(nodes=1).named(GROUP).plain

    assert (group["numCacheClusters"], group["automaticFailoverEnabled"], group["multiAzEnabled"]) == (1, False, False)


def test_application_has_a_user_whose_password_pulumi_does_not_write_back(production: Recording) -> None:
    user = production.named("cache-user")

    assert user.plain == {
        "userId": "fixrx-production-app",
        "userName": "fixrx-production-app",
        "engine": "redis",
        "accessString": "on ~* &* +@all -@admin -@dangerous +info",
        "authenticationMode": {"type": "password", "passwords": [f"{CANARY}-cache-token"]},
    }
    assert user.ignore_changes == ("authenticationMode",)


def test_nobody_else_may_do_anything(production: Recording) -> None:
    assert production.named("cache-default-user").plain == {
        "userId": "fixrx-production-default",
        "userName": "default",
        "engine": "redis",
        "accessString": "off ~* -@all",
        "authenticationMode": {"type": "no-password-required"},
    }
    assert production.named("cache-users").plain == {
        "userGroupId": "fixrx-production-users",
        "engine": "redis",
        "userIds": ["fixrx-production-default", "fixrx-production-app"],
    }
