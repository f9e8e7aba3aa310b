"""Redis: nodes in several zones, encrypted, with a token."""

from typing import Any

import pytest

from components.cache import Cache, CacheArgs, CacheSettings
from components.maintenance_windows import MaintenanceWindows
from tests.components.recorder import CANARY, LABEL, Recording, record

GROUP = "cache-replication-group"


def record_cache(**settings: Any) -> Recording:
    def program() -> None:
        Cache(
            "cache",
            CacheArgs(
                settings=CacheSettings(**settings),
                windows=MaintenanceWindows(),
                label=LABEL,
                vpc_id="vpc-1",
                subnet_ids=["subnet-1", "subnet-2"],
                data_key_arn="arn:of-the-data-key",
                logs_key_arn="arn:of-the-logs-key",
            ),
        )

    return record(program)


def test_cache_survives_the_loss_of_a_zone_and_is_encrypted(production: Recording) -> None:
    assert production.named(GROUP).plain == {
        "replicationGroupId": "fixrx-production-cache",
        "description": "fixrx-production: cache of the API",
        "engine": "redis",
        "engineVersion": "7.1",
        "nodeType": "cache.m7g.large",
        "numCacheClusters": 2,
        "automaticFailoverEnabled": True,
        "multiAzEnabled": True,
        "port": 6379,
        "subnetGroupName": "cache-subnets",
        "securityGroupIds": ["cache-id"],
        "parameterGroupName": "cache-parameters",
        "atRestEncryptionEnabled": True,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-data-key",
        "transitEncryptionEnabled": True,
        "transitEncryptionMode": "required",
        "authToken": f"{CANARY}-cache-token",
        "snapshotRetentionLimit": 7,
        "finalSnapshotIdentifier": "fixrx-production-cache-final-0a1b2c3d",
        "snapshotWindow": "02:00-03:00",
        "maintenanceWindow": "sun:03:00-sun:04:00",
        "autoMinorVersionUpgrade": True,
        "applyImmediately": False,
        "logDeliveryConfigurations": [
            {
                "logType": log_type,
                "destination": f"/fixrx/production/cache/{log_type}",
                "destinationType": "cloudwatch-logs",
                "logFormat": "json",
            }
            for log_type in ("slow-log", "engine-log")
        ],
    }


def test_cache_stands_in_the_data_tier(production: Recording) -> None:
    assert production.named("cache-subnets").plain["subnetIds"] == [f"network-data-{letter}-id" for letter in "abc"]


@pytest.mark.parametrize("log_type", ["slow-log", "engine-log"])
def test_logs_are_kept_for_a_month(production: Recording, log_type: str) -> None:
    assert production.named(f"cache-{log_type}-group").plain == {
        "name": f"/fixrx/production/cache/{log_type}",
        "retentionInDays": 30,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-logs-key",
    }


@pytest.mark.parametrize(("engine", "version", "family"), [("redis", "7.1", "redis7"), ("valkey", "8.1", "valkey8")])
def test_either_engine_gets_its_version_and_family(engine: str, version: str, family: str) -> None:
    cache = record_cache(engine=engine)

    group = cache.named(GROUP).plain
    parameters = cache.named("cache-parameters").plain
    assert (group["engine"], group["engineVersion"], parameters["family"]) == (engine, version, family)


@pytest.mark.parametrize("policy", ["volatile-lru", "allkeys-lru", "noeviction"])
def test_what_is_evicted_is_configured(policy: str) -> None:
    parameters = record_cache(eviction_policy=policy).named("cache-parameters").plain["parameters"]

    assert parameters == [{"name": "maxmemory-policy", "value": policy}]


def test_single_node_has_nobody_to_fail_over_to() -> None:
    group = record_cache(nodes=1).named(GROUP).plain

    assert (group["numCacheClusters"], group["automaticFailoverEnabled"], group["multiAzEnabled"]) == (1, False, False)


def test_token_is_of_a_length_and_alphabet_that_elasticache_takes(stack: Recording) -> None:
    assert stack.named("cache-token").plain == {"length": 64, "special": False}


def test_url_asks_for_tls_and_carries_the_token(production: Recording) -> None:
    assert production.named("secrets-redis-url-value").plain["secretString"] == (
        f"rediss://:{CANARY}-cache-token@master.cache.example.amazonaws.com:6379/0"
    )
