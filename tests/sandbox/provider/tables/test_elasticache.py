"""ElastiCache in the sandbox: validated strictly, and kept in the record, as the emulator has too little of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.tables import find
from tests.sandbox.provider.services import ACCOUNT, REGION, Resource, Services, network, serve

pytestmark = pytest.mark.emulator

REPLICATION_GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
SUBNET_GROUP = "aws:elasticache/subnetGroup:SubnetGroup"
PARAMETER_GROUP = "aws:elasticache/parameterGroup:ParameterGroup"
TOKEN = "a-token-of-sufficient-length"
GROUP = {
    "replicationGroupId": "sessions",
    "description": "sessions",
    "engine": "redis",
    "engineVersion": "7.1",
    "nodeType": "cache.m7g.large",
    "numCacheClusters": 2,
    "automaticFailoverEnabled": True,
    "multiAzEnabled": True,
    "atRestEncryptionEnabled": True,
    "transitEncryptionEnabled": True,
    "authToken": TOKEN,
    "snapshotWindow": "04:30-05:30",
    "maintenanceWindow": "sun:06:00-sun:07:00",
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with serve(tmp_path) as running:
        yield running


def test_all_types_are_recorded() -> None:
    kinds = [find(token) for token in (REPLICATION_GROUP, SUBNET_GROUP, PARAMETER_GROUP)]
    assert [kind.stored_only for kind in kinds if kind] == [True, True, True]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nodeType": "db.m7g.large"}, [("nodeType", "must be a node type such as cache.t4g.small")]),
        ({"nodeType": None}, [("nodeType", "required unless the group belongs to a global replication group")]),
        ({"engine": "memcached"}, [("engine", "must be one of redis, valkey")]),
        ({"engineVersion": "7"}, [("engineVersion", "must be a version such as 7.1, 6.2 or 5.0.6")]),
        ({"snapshotWindow": "04:30-05:00"}, [("snapshotWindow", "must be at least 60 minutes long")]),
        (
            {"maintenanceWindow": "sun:05:00-sun:06:00"},
            [("snapshotWindow", "04:30-05:30 overlaps with maintenanceWindow sun:05:00-sun:06:00")],
        ),
        ({"maintenanceWindow": "sun:06:00-sun:06:30"}, [("maintenanceWindow", "must be 60 minutes to 24 hours long")]),
        ({"snapshotRetentionLimit": 36}, [("snapshotRetentionLimit", "must be between 0 and 35")]),
        ({"port": 70000}, [("port", "must be between 1 and 65535")]),
        (
            {"replicationGroupId": "a--b"},
            [
                (
                    "replicationGroupId",
                    "must be at most 40 lower-case letters, digits and single hyphens, beginning with a letter",
                )
            ],
        ),
        (
            {"authToken": "short"},
            [("authToken", "must be 16 to 128 letters, digits and characters of ! & # $ ^ < > -")],
        ),
        ({"transitEncryptionEnabled": False}, [("authToken", "needs transitEncryptionEnabled")]),
        ({"automaticFailoverEnabled": False}, [("multiAzEnabled", "needs automaticFailoverEnabled")]),
        (
            {"numCacheClusters": 1},
            [("numCacheClusters", "must be at least 2 where automaticFailoverEnabled is true")],
        ),
        ({"replicasPerNodeGroup": 1}, [("replicasPerNodeGroup", "conflicts with numCacheClusters")]),
        ({"subnetGroupName": "none"}, [("subnetGroupName", "there is no cache subnet group none")]),
        ({"parameterGroupName": "none"}, [("parameterGroupName", "there is no cache parameter group none")]),
        ({"parameterGroupName": "default.redis7"}, []),
        ({"securityGroupIds": ["sg-1"]}, [("securityGroupIds[0]", "there is no security group sg-1")]),
    ],
)
def test_check_refuses(services: Services, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    inputs = {key: value for key, value in {**GROUP, **changes}.items() if value is not None}
    assert services.failures(REPLICATION_GROUP, inputs) == expected


def test_log_delivery_needs_a_log_group_that_exists(services: Services) -> None:
    services.client("logs").create_log_group(logGroupName="/cache/slow")
    delivery = {"destinationType": "cloudwatch-logs", "logFormat": "json", "logType": "slow-log"}
    wrong = [delivery | {"destination": "/cache/slow"}, delivery | {"destination": "/cache/none"}]
    assert services.failures(REPLICATION_GROUP, GROUP | {"logDeliveryConfigurations": wrong}) == [
        ("logDeliveryConfigurations[1].destination", "there is no log group /cache/none")
    ]
    group = services.create(REPLICATION_GROUP, GROUP | {"logDeliveryConfigurations": wrong[:1]})
    assert services.drift(group) == {}


def cache(services: Services, **inputs: Any) -> Resource:
    subnets, security_group = network(services)
    subnet_group = services.create(SUBNET_GROUP, {"subnetIds": subnets}, "Subnets")
    parameters = [{"name": "maxmemory-policy", "value": "volatile-lru"}]
    parameter_group = services.create(PARAMETER_GROUP, {"family": "redis7", "parameters": parameters}, "parameters")
    own = {
        "subnetGroupName": subnet_group.id,
        "parameterGroupName": parameter_group.id,
        "securityGroupIds": [security_group],
    }
    return services.create(REPLICATION_GROUP, GROUP | own | inputs)


def test_outputs(services: Services) -> None:
    group = cache(services)
    outputs = (
        "arn",
        "primaryEndpointAddress",
        "readerEndpointAddress",
        "configurationEndpointAddress",
        "memberClusters",
        "engineVersionActual",
        "port",
        "clusterEnabled",
    )
    assert {key: group.state[key] for key in outputs} == {
        "arn": f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:sessions",
        "primaryEndpointAddress": "master.sessions.eb805c.use1.cache.amazonaws.com",
        "readerEndpointAddress": "replica.sessions.eb805c.use1.cache.amazonaws.com",
        "configurationEndpointAddress": "",
        "memberClusters": ["sessions-001", "sessions-002"],
        "engineVersionActual": "7.1.0",
        "port": 6379,
        "clusterEnabled": False,
    }
    assert group.state["tagsAll"] == {"Project": "fixrx"}
    assert [services.drift(resource) for resource in services.resources] == [{}, {}, {}]


def test_outputs_in_cluster_mode(services: Services) -> None:
    shards = {"numNodeGroups": 2, "replicasPerNodeGroup": 1}
    plain = {"transitEncryptionEnabled": False, "multiAzEnabled": False}
    inputs = {key: GROUP[key] for key in GROUP if key not in ("numCacheClusters", "authToken")} | shards | plain
    group = services.create(REPLICATION_GROUP, inputs)
    outputs = ("memberClusters", "primaryEndpointAddress", "configurationEndpointAddress", "parameterGroupName")
    assert {key: group.state[key] for key in outputs} == {
        "memberClusters": ["sessions-0001-001", "sessions-0001-002", "sessions-0002-001", "sessions-0002-002"],
        "primaryEndpointAddress": "",
        "configurationEndpointAddress": "sessions.eb805c.clustercfg.use1.cache.amazonaws.com",
        "parameterGroupName": "default.redis7.cluster.on",
    }


def test_changes_in_place(services: Services) -> None:
    group = cache(services)
    services.update(
        group,
        authToken="another-token-of-sufficient-length",
        nodeType="cache.r7g.large",
        numCacheClusters=3,
        tags={"Tier": "data"},
    )
    assert (group.state["nodeType"], group.state["memberClusters"], group.state["tagsAll"]) == (
        "cache.r7g.large",
        ["sessions-001", "sessions-002", "sessions-003"],
        {"Project": "fixrx", "Tier": "data"},
    )
    assert services.drift(group) == {}


def test_a_token_gives_way_to_users_by_the_strategy_that_deletes_it(services: Services) -> None:
    group = cache(services)
    services.update(group, authToken=None, authTokenUpdateStrategy="DELETE", userGroupIds=["app"])
    services.update(group, authTokenUpdateStrategy=None)

    assert group.state["userGroupIds"] == ["app"]
    assert not group.state.get("authToken")


def test_what_replaces_a_group(services: Services) -> None:
    group = cache(services)
    changed = services.changes(
        group, port=6380, replicationGroupId="other", engineVersion="7.0", kmsKeyId="alias/aws/x"
    )
    assert changed == {"engineVersion": False, "kmsKeyId": True, "port": True, "replicationGroupId": True}


def test_parameters_change_in_place(services: Services) -> None:
    parameters = [{"name": "maxmemory-policy", "value": "volatile-lru"}]
    group = services.create(PARAMETER_GROUP, {"family": "redis7", "parameters": parameters})
    services.update(group, parameters=[{"name": "maxmemory-policy", "value": "noeviction"}])
    assert group.state["parameters"] == [{"name": "maxmemory-policy", "value": "noeviction"}]
    assert services.drift(group) == {}


def test_the_token_is_not_in_the_record(services: Services, tmp_path: Path) -> None:
    services.create(REPLICATION_GROUP, GROUP)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"cache.m7g.large" in kept
    assert TOKEN.encode() not in kept


def test_a_name_can_be_used_once_at_a_time(services: Services) -> None:
    group = services.create(REPLICATION_GROUP, GROUP)
    with pytest.raises(ProviderError, match="sessions already exists"):
        services.create(REPLICATION_GROUP, GROUP, "other")
    services.delete(group)
    assert services.drift(group) is None
    services.create(REPLICATION_GROUP, GROUP)


@pytest.mark.parametrize(
    ("before", "changes", "reason"),
    [
        (
            {"engine": "valkey", "engineVersion": "8.1"},
            {"engine": "redis", "engineVersion": "7.1"},
            "ElastiCache cannot go back from valkey to redis",
        ),
        ({}, {"engineVersion": "6.2"}, "ElastiCache cannot go back from engineVersion 7.1 to 6.2"),
        # As a stack would be that was deployed with a token, when it gets users.
        ({}, {"authToken": None, "userGroupIds": ["app"]}, "User group can't be associated with auth token enabled"),
    ],
)
def test_change_that_elasticache_refuses_is_refused_in_a_preview(
    services: Services, before: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    group = services.create(REPLICATION_GROUP, GROUP | before)

    with pytest.raises(ProviderError, match=f"^sessions: {reason}"):
        services.changes(group, **changes)


def test_redis_becomes_valkey(services: Services) -> None:
    group = services.create(REPLICATION_GROUP, GROUP)

    assert services.changes(group, engine="valkey", engineVersion="8.1") == {"engine": False, "engineVersion": False}
