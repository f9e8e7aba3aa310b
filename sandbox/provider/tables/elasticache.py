"""ElastiCache.

All of it is only recorded: the emulator can neither change nor delete a subnet group, has no parameter groups, and
keeps a deleted replication group permanently, so that its name could never be used again.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.provider.model import (
    Autoname,
    Feature,
    Inputs,
    Live,
    ResourceType,
    arn,
    constant,
    template,
)
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules, windows
from sandbox.provider.tables.helpers import MANAGED, parameter_changes, unless_given
from sandbox.provider.values import UNKNOWN

_NAME = rules.hyphenated(255, "lower-case letters, digits and single hyphens, beginning with a letter")


_SUBNET_GROUP = ResourceType(
    token="aws:elasticache/subnetGroup:SubnetGroup",
    service="elasticache",
    stored_only=True,
    create="create_cache_subnet_group",
    id=template("{name}"),
    parameter_prefix="CacheSubnetGroup",
    attributes={"arn": arn("elasticache", "subnetgroup:{id}")},
    absent_outputs="vpcId",
    replace="name",
    autoname=Autoname("name", lower_case=True),
    defaults={"description": MANAGED},
    rules={"name": _NAME},
    references={"subnetIds": references.SUBNET},
)


_FAMILIES = "memcached1.4 memcached1.5 memcached1.6 redis6.x redis7 valkey7 valkey8 valkey9"

_SET_PARAMETERS = parameter_changes("modify_cache_parameter_group", "CacheParameterGroupName", "ParameterNameValues")

_PARAMETER_GROUP = ResourceType(
    token="aws:elasticache/parameterGroup:ParameterGroup",
    service="elasticache",
    stored_only=True,
    create="create_cache_parameter_group",
    id=template("{name}"),
    parameter_prefix="CacheParameterGroup",
    attributes={"arn": arn("elasticache", "parametergroup:{id}")},
    replace="name family description",
    autoname=Autoname("name", lower_case=True),
    defaults={"description": MANAGED},
    features=(Feature("parameters", _SET_PARAMETERS, stored_only=True),),
    rules={
        "name": _NAME,
        "family": rules.one_word_of(_FAMILIES),
    },
)

_NEWEST = {"redis": "7.1", "valkey": "8.1"}
"""The version of a group for which none is asked."""
_NODES_OF_A_SHARD = 6


def _cluster_mode(inputs: Inputs) -> bool:
    """Whether the data are spread over shards: asked for, or by more shards than one."""
    return inputs.get("clusterMode") == "enabled" or _shards(inputs) > 1


def _shards(inputs: Inputs) -> int:
    return int(inputs.get("numNodeGroups") or len(inputs.get("nodeGroupConfigurations") or []) or 1)


def _replicas(inputs: Inputs) -> int:
    """Replicas of each shard."""
    if inputs.get("numCacheClusters"):
        return int(inputs["numCacheClusters"]) - 1
    return int(inputs.get("replicasPerNodeGroup") or 0)


def _member_clusters(live: Live) -> list[str]:
    inputs = live.description
    nodes = range(1, _replicas(inputs) + 2)
    if not _cluster_mode(inputs):
        return [f"{live.id}-{node:03d}" for node in nodes]
    return [f"{live.id}-{shard:04d}-{node:03d}" for shard in range(1, _shards(inputs) + 1) for node in nodes]


def _node_groups(live: Live) -> list[dict[str, Any]]:
    shards, replicas = _shards(live.description), _replicas(live.description)
    return [{"nodeGroupId": f"{shard:04d}", "replicaCount": replicas} for shard in range(1, shards + 1)]


def _impossible_change(old: Inputs, new: Inputs) -> str | None:
    """ElastiCache goes to newer versions only, from Redis to Valkey only, and from a token to users only by a strategy
    (errors of ModifyReplicationGroup)."""
    group = new.get("replicationGroupId")
    if old.get("authToken") and new.get("userGroupIds") and new.get("authTokenUpdateStrategy") != "DELETE":
        return f"{group}: User group can't be associated with auth token enabled. Pass AuthStrategy delete to proceed"
    before, after = old.get("engine") or "redis", new.get("engine") or "redis"
    if (before, after) == ("valkey", "redis"):
        return f"{group}: ElastiCache cannot go back from valkey to redis: restore a snapshot into a new group"
    versions = [str(one.get("engineVersion") or "") for one in (old, new)]
    numbers = [[int(part) for part in re.findall(r"\d+", version)] for version in versions if version != UNKNOWN]
    common = min((len(each) for each in numbers), default=0)
    if before == after and len(numbers) == len(versions) and numbers[1][:common] < numbers[0][:common]:
        return f"{group}: ElastiCache cannot go back from engineVersion {versions[0]} to {versions[1]}"
    return None


def _short_region(region: str) -> str:
    """`use1` of us-east-1, `apse2` of ap-southeast-2."""
    area, *middle, number = region.split("-")
    directions = re.findall("north|south|east|west|central", "".join(middle))
    return area + "".join(direction[0] for direction in directions) + number


def _address(role: str, suffix: str, cluster_mode: bool) -> Callable[[Live], str]:
    """An address in ElastiCache's form: with TLS the role is at the start, without it at the end of the name."""

    def address(live: Live) -> str:
        if _cluster_mode(live.description) != cluster_mode:
            return ""
        unique = hashlib.sha256(f"{live.account_id}/{live.region}".encode()).hexdigest()[:6]
        domain = f"{_short_region(live.region)}.cache.amazonaws.com"
        if live.description.get("transitEncryptionEnabled"):
            return f"{role}.{live.id}.{unique}.{domain}"
        return f"{live.id}{suffix}.{unique}.{'clustercfg' if cluster_mode else 'ng.0001'}.{domain}"

    return address


def _engine(live: Live) -> str:
    return str(live.description.get("engine") or "redis")


def _version(live: Live) -> str:
    return str(live.description.get("engineVersion") or _NEWEST[_engine(live)])


def _actual_version(live: Live) -> str:
    """ElastiCache is asked for 7.1 and reports 7.1.0."""
    version = _version(live)
    return version if version.count(".") > 1 else f"{version.replace('x', '2')}.0"


def _default_parameter_group(live: Live) -> str:
    cluster = ".cluster.on" if _cluster_mode(live.description) else ""
    return f"default.{_engine(live)}{_version(live).split('.', maxsplit=1)[0]}{cluster}"


def _transit_encryption_mode(live: Live) -> str:
    return "required" if live.description.get("transitEncryptionEnabled") else ""


def _group_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    yield from _availability_failures(inputs)
    yield from _encryption_failures(inputs)
    yield from windows.overlap(inputs, "snapshotWindow")
    if not inputs.get("nodeType") and not inputs.get("globalReplicationGroupId"):
        yield CheckFailure("nodeType", "required unless the group belongs to a global replication group")
    for key in ("numNodeGroups", "replicasPerNodeGroup"):
        if inputs.get(key) is not None and inputs.get("numCacheClusters") is not None:
            yield CheckFailure(key, "conflicts with numCacheClusters")


def _availability_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    failover = inputs.get("automaticFailoverEnabled")
    if inputs.get("multiAzEnabled") is True and not failover:
        yield CheckFailure("multiAzEnabled", "needs automaticFailoverEnabled")
    nodes = inputs.get("numCacheClusters")
    if failover is True and isinstance(nodes, int) and nodes < 2:
        yield CheckFailure("numCacheClusters", "must be at least 2 where automaticFailoverEnabled is true")


def _encryption_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    # https://github.com/hashicorp/terraform-provider-aws/pull/45518
    if inputs.get("authToken") is None and inputs.get("authTokenUpdateStrategy") not in (None, "DELETE"):
        yield CheckFailure("authTokenUpdateStrategy", "needs authToken")
    if inputs.get("authToken") is not None and inputs.get("userGroupIds"):
        yield CheckFailure("userGroupIds", "conflicts with authToken")
    for key in ("authToken", "transitEncryptionMode"):
        if inputs.get(key) is not None and not inputs.get("transitEncryptionEnabled"):
            yield CheckFailure(key, "needs transitEncryptionEnabled")
    if inputs.get("kmsKeyId") and not inputs.get("atRestEncryptionEnabled"):
        yield CheckFailure("kmsKeyId", "needs atRestEncryptionEnabled")


_AUTH_TOKEN = "16 to 128 letters, digits and characters of ! & # $ ^ < > -"

_REPLICATION_GROUP = ResourceType(
    token="aws:elasticache/replicationGroup:ReplicationGroup",
    service="elasticache",
    stored_only=True,
    create="create_replication_group",
    id=template("{replicationGroupId}"),
    renames={
        "description": "ReplicationGroupDescription",
        "logDeliveryConfigurations.destination": "DestinationDetails.CloudWatchLogsDetails.LogGroup",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "nodeType": "CacheNodeType",
        "parameterGroupName": "CacheParameterGroupName",
        "securityGroupNames": "CacheSecurityGroupNames",
        "subnetGroupName": "CacheSubnetGroupName",
    },
    attributes={
        "arn": arn("elasticache", "replicationgroup:{id}"),
        "clusterEnabled": lambda live: _cluster_mode(live.description),
        "configurationEndpointAddress": _address("clustercfg", "", cluster_mode=True),
        "engineVersionActual": _actual_version,
        "memberClusters": _member_clusters,
        "primaryEndpointAddress": _address("master", "", cluster_mode=False),
        "readerEndpointAddress": _address("replica", "-ro", cluster_mode=False),
        **unless_given(
            atRestEncryptionEnabled=lambda live: _engine(live) == "valkey",
            autoMinorVersionUpgrade=constant(True),
            clusterMode=constant("disabled"),
            engine=_engine,
            engineVersion=_version,
            ipDiscovery=constant("ipv4"),
            maintenanceWindow=constant("sun:07:00-sun:08:00"),
            networkType=constant("ipv4"),
            nodeGroupConfigurations=_node_groups,
            numCacheClusters=lambda live: len(_member_clusters(live)),
            numNodeGroups=lambda live: _shards(live.description),
            parameterGroupName=_default_parameter_group,
            port=constant(6379),
            replicasPerNodeGroup=lambda live: _replicas(live.description),
            snapshotWindow=constant("05:00-06:00"),
            subnetGroupName=constant("default"),
            transitEncryptionMode=_transit_encryption_mode,
        ),
    },
    absent_outputs="dataTieringEnabled durability globalReplicationGroupId securityGroupIds securityGroupNames "
    "transitEncryptionEnabled",
    write_only="authToken",
    recomputed="memberClusters nodeGroupConfigurations",
    impossible_change=_impossible_change,
    replace="atRestEncryptionEnabled dataTieringEnabled globalReplicationGroupId kmsKeyId networkType "
    "nodeGroupConfigurations port replicationGroupId securityGroupNames snapshotArns snapshotName subnetGroupName",
    autoname=Autoname("replicationGroupId", longest=40, lower_case=True),
    defaults={"applyImmediately": False, "automaticFailoverEnabled": False, "multiAzEnabled": False},
    provider_only="applyImmediately authTokenUpdateStrategy finalSnapshotIdentifier",
    ordered="preferredCacheClusterAzs",
    rules={
        "authToken": rules.matches(r"[A-Za-z0-9!&#$^<>-]{16,128}", _AUTH_TOKEN),
        "authTokenUpdateStrategy": rules.one_of("SET", "ROTATE", "DELETE"),
        "description": rules.matches(r"(?s).+", "at least one character"),
        "engine": rules.one_of("redis", "valkey"),
        "engineVersion": rules.matches(r"[1-5](\.\d+){2}|6\.(\d+|x)|[7-9]\.\d+", "a version such as 7.1, 6.2 or 5.0.6"),
        "finalSnapshotIdentifier": rules.snapshot_name,
        # The sandbox has no Firehose streams to deliver to.
        "logDeliveryConfigurations.destinationType": rules.one_of("cloudwatch-logs"),
        "maintenanceWindow": rules.weekly_window(60),
        "nodeType": rules.cache_node_type,
        "notificationTopicArn": rules.arn,
        "numCacheClusters": rules.between(1, _NODES_OF_A_SHARD),
        "numNodeGroups": rules.between(1, 500),
        "port": rules.between(1, 65535),
        "replicasPerNodeGroup": rules.between(0, _NODES_OF_A_SHARD - 1),
        "replicationGroupId": rules.hyphenated(
            40, "at most 40 lower-case letters, digits and single hyphens, beginning with a letter"
        ),
        "snapshotRetentionLimit": rules.between(0, 35),
        "snapshotWindow": rules.hourly_window,
    },
    references={
        "kmsKeyId": references.KMS_KEY,
        "logDeliveryConfigurations.destination": references.LOG_GROUP,
        "notificationTopicArn": references.TOPIC,
        "parameterGroupName": references.CACHE_PARAMETER_GROUP,
        "securityGroupIds": references.SECURITY_GROUP,
        "subnetGroupName": references.CACHE_SUBNET_GROUP,
    },
    validate=_group_failures,
)


def _user_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    mode = inputs.get("authenticationMode")
    if not isinstance(mode, dict):
        return
    passwords = mode.get("passwords")
    if mode.get("type") == "password" and not passwords:
        yield CheckFailure("authenticationMode.passwords", "must be given with type password")
    if mode.get("type") == "no-password-required" and passwords:
        yield CheckFailure("authenticationMode.passwords", "must not be given with type no-password-required")
    if isinstance(passwords, list) and len(passwords) > _PASSWORDS_OF_A_USER:
        yield CheckFailure("authenticationMode.passwords", f"a user has at most {_PASSWORDS_OF_A_USER} passwords")


_PASSWORDS_OF_A_USER = 2
_USER_ID = rules.hyphenated(40, "at most 40 lower-case letters, digits and single hyphens, beginning with a letter")

_USER = ResourceType(
    token="aws:elasticache/user:User",
    service="elasticache",
    create="create_user",
    id=template("{userId}"),
    attributes={"arn": arn("elasticache", "user:{id}")},
    replace="engine userId userName",
    defaults={"noPasswordRequired": False},
    write_only="authenticationMode passwords",
    rules={"userId": _USER_ID, "engine": rules.one_of("redis", "valkey")},
    validate=_user_rules,
    stored_only=True,
)

_USER_GROUP = ResourceType(
    token="aws:elasticache/userGroup:UserGroup",
    service="elasticache",
    create="create_user_group",
    id=template("{userGroupId}"),
    attributes={"arn": arn("elasticache", "usergroup:{id}")},
    replace="engine userGroupId",
    rules={"userGroupId": _USER_ID, "engine": rules.one_of("redis", "valkey")},
    stored_only=True,
)

TYPES = (_SUBNET_GROUP, _PARAMETER_GROUP, _REPLICATION_GROUP, _USER, _USER_GROUP)
