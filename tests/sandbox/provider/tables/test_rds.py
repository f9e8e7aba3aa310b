"""RDS in the sandbox: what Check refuses, what becomes real in the emulator, how it changes, drifts and goes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.provider.emulator import ApiError
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.tables import rds
from tests.sandbox.provider.services import ACCOUNT, CONFIGURATION, REGION, Resource, Services, network, serve

pytestmark = pytest.mark.emulator

INSTANCE = "aws:rds/instance:Instance"
SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup"
PARAMETER_GROUP = "aws:rds/parameterGroup:ParameterGroup"
EVENT_SUBSCRIPTION = "aws:rds/eventSubscription:EventSubscription"
PRIMARY = {
    "identifier": "orders-primary",
    "instanceClass": "db.m7g.large",
    "engine": "postgres",
    "engineVersion": "17",
    "allocatedStorage": 100,
    "maxAllocatedStorage": 1000,
    "username": "orders",
    "password": "correct-horse-battery",
    "dbName": "orders",
    "port": 5432,
    "backupRetentionPeriod": 7,
    "backupWindow": "02:00-02:30",
    "maintenanceWindow": "Sun:03:00-Sun:04:00",
    "enabledCloudwatchLogsExports": ["postgresql"],
    "multiAz": True,
    "finalSnapshotIdentifier": "orders-final",
    "tags": {"Tier": "data"},
}
REPLICA = {
    "identifier": "orders-replica",
    "instanceClass": "db.m7g.large",
    "replicateSourceDb": "orders-primary",
    "maintenanceWindow": "sun:04:00-sun:05:00",
    "enabledCloudwatchLogsExports": ["postgresql", "upgrade"],
    "skipFinalSnapshot": True,
}

FROM_SOURCE = ("allocatedStorage", "dbName", "password", "username")
RESTORED = {
    **{key: value for key, value in PRIMARY.items() if key not in FROM_SOURCE},
    "identifier": "orders-restored",
    "instanceClass": "db.r7g.large",
    "backupRetentionPeriod": 30,
    "enabledCloudwatchLogsExports": ["postgresql", "upgrade"],
    "multiAz": False,
    "finalSnapshotIdentifier": "orders-restored-final",
    "tags": {"Tier": "restored"},
    "restoreToPointInTime": {
        "restoreTime": "2026-11-26T03:00:00Z",
        "sourceDbInstanceIdentifier": "orders-primary",
    },
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with serve(tmp_path) as running:
        yield running


def describe(services: Services, identifier: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = services.client("rds").describe_db_instances(DBInstanceIdentifier=identifier)[
        "DBInstances"
    ]
    return found[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"instanceClass": "m7g.large"}, [("instanceClass", "must be an instance class such as db.m7g.large")]),
        ({"backupWindow": "02:00-02:10"}, [("backupWindow", "must be at least 30 minutes long")]),
        (
            {"backupWindow": "03:30-04:00"},
            [("backupWindow", "03:30-04:00 overlaps with maintenanceWindow Sun:03:00-Sun:04:00")],
        ),
        (
            {"maintenanceWindow": "sunday"},
            [("maintenanceWindow", "must be ddd:hh24:mi-ddd:hh24:mi in UTC, such as sun:03:00-sun:04:00")],
        ),
        ({"backupRetentionPeriod": 36}, [("backupRetentionPeriod", "must be between 0 and 35")]),
        ({"port": 80}, [("port", "must be between 1150 and 65535")]),
        (
            {"identifier": "Orders"},
            [
                (
                    "identifier",
                    "must be at most 63 lower-case letters, digits and single hyphens, beginning with a letter",
                )
            ],
        ),
        (
            {"password": "with a space"},
            [("password", "must be 8 to 128 printable ASCII characters other than space, slash, quote and @")],
        ),
        (
            {"password": None},
            [("password", "either password or manageMasterUserPassword must be given, and not both")],
        ),
        ({"username": None}, [("username", "an instance that is not a read replica needs username")]),
        ({"maxAllocatedStorage": 100}, [("maxAllocatedStorage", "must be greater than allocatedStorage (100)")]),
        (
            {"monitoringInterval": 60},
            [("monitoringRoleArn", "a monitoringInterval above 0 and a monitoringRoleArn need each other")],
        ),
        ({"dbSubnetGroupName": "none"}, [("dbSubnetGroupName", "there is no database subnet group none")]),
        ({"parameterGroupName": "none"}, [("parameterGroupName", "there is no database parameter group none")]),
        ({"vpcSecurityGroupIds": ["sg-1"]}, [("vpcSecurityGroupIds[0]", "there is no security group sg-1")]),
    ],
)
def test_check_refuses(services: Services, changes: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    inputs = {key: value for key, value in {**PRIMARY, **changes}.items() if value is not None}
    assert services.failures(INSTANCE, inputs) == expected


def test_check_refuses_what_a_replica_takes_from_its_source(services: Services) -> None:
    services.create(INSTANCE, PRIMARY)
    own = {
        "engine": "postgres",
        "username": "orders",
        "password": "correct-horse-battery",
        "dbName": "orders",
        "dbSubnetGroupName": "default.orders",
        "kmsKeyId": "alias/aws/rds",
        "finalSnapshotIdentifier": "orders-final",
        "skipFinalSnapshot": False,
    }
    found = services.failures(INSTANCE, {**REPLICA, **own})
    assert {key: reason for key, reason in found if reason.startswith("a read replica")} == {
        "engine": "a read replica takes this from its source",
        "username": "a read replica takes this from its source",
        "password": "a read replica takes this from its source",
        "dbName": "a read replica takes this from its source",
        "dbSubnetGroupName": "a read replica takes this from its source",
        "kmsKeyId": "a read replica takes this from its source",
        "finalSnapshotIdentifier": "a read replica has no final snapshot",
        "skipFinalSnapshot": "a read replica has no final snapshot: set it to true",
    }


def test_a_replica_needs_a_source_that_exists(services: Services) -> None:
    assert services.failures(INSTANCE, REPLICA) == [
        ("replicateSourceDb", "there is no database instance orders-primary")
    ]


def test_an_instance_becomes_real(services: Services) -> None:
    primary = services.create(INSTANCE, PRIMARY)
    assert primary.id.startswith("db-")
    outputs = ("address", "endpoint", "port", "arn", "resourceId", "hostedZoneId", "engineVersionActual", "status")
    assert {key: primary.state[key] for key in outputs} == {
        "address": f"orders-primary.aaaaaaaaaa.{REGION}.rds.amazonaws.com",
        "endpoint": f"orders-primary.aaaaaaaaaa.{REGION}.rds.amazonaws.com:5432",
        "port": 5432,
        "arn": f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders-primary",
        "resourceId": primary.id,
        "hostedZoneId": "Z2R2ITUGPM61AM",
        "engineVersionActual": "17",
        "status": "available",
    }
    assert describe(services, "orders-primary")["TagList"] == [
        {"Key": "Project", "Value": "fixrx"},
        {"Key": "Tier", "Value": "data"},
    ]
    assert services.drift(primary) == {}


def test_a_replica_has_its_own_settings(services: Services) -> None:
    services.create(INSTANCE, PRIMARY | {"deletionProtection": True})
    replica = services.create(INSTANCE, REPLICA)
    real = describe(services, "orders-replica")
    keys = (
        "ReadReplicaSourceDBInstanceIdentifier",
        "BackupRetentionPeriod",
        "DeletionProtection",
        "MultiAZ",
        "PreferredMaintenanceWindow",
        "TagList",
    )
    assert {key: real[key] for key in keys} == {
        "ReadReplicaSourceDBInstanceIdentifier": "orders-primary",
        "BackupRetentionPeriod": 0,
        "DeletionProtection": False,
        "MultiAZ": False,
        "PreferredMaintenanceWindow": "sun:04:00-sun:05:00",
        "TagList": [{"Key": "Project", "Value": "fixrx"}],
    }
    assert describe(services, "orders-primary")["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert [services.drift(resource) for resource in services.resources] == [{}, {}]
    assert services.resources[0].id != replica.id


def test_a_restored_instance_stands_beside_its_source(services: Services) -> None:
    primary = services.create(INSTANCE, PRIMARY | {"deletionProtection": True})
    restored = services.create(INSTANCE, RESTORED)
    real = describe(services, "orders-restored")
    keys = ("BackupRetentionPeriod", "DBInstanceClass", "DeletionProtection", "EnabledCloudwatchLogsExports", "MultiAZ")
    assert {key: real[key] for key in (*keys, "AllocatedStorage", "MasterUsername", "DBName", "TagList")} == {
        "BackupRetentionPeriod": 30,
        "DBInstanceClass": "db.r7g.large",
        "DeletionProtection": False,
        "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "MultiAZ": False,
        "AllocatedStorage": 100,
        "MasterUsername": "orders",
        "DBName": "orders",
        "TagList": [{"Key": "Project", "Value": "fixrx"}, {"Key": "Tier", "Value": "restored"}],
    }
    assert [services.drift(resource) for resource in services.resources] == [{}, {}]
    assert (primary.id != restored.id, restored.state["replicateSourceDb"]) == (True, "")
    another = {"sourceDbInstanceIdentifier": "orders-primary", "restoreTime": "2026-11-26T04:00:00Z"}
    assert services.changes(restored, restoreToPointInTime=another) == {"restoreToPointInTime": True}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        *(
            ({key: PRIMARY[key]}, (key, "a restored instance has this from its source"))
            for key in ("dbName", "username")
        ),
        (
            {"restoreToPointInTime": {"restoreTime": "2026-11-26T03:00:00Z"}},
            (
                "restoreToPointInTime",
                "needs one source, of sourceDbInstanceIdentifier, sourceDbInstanceAutomatedBackupsArn, "
                "sourceDbiResourceId",
            ),
        ),
        (
            {"restoreToPointInTime": {"sourceDbInstanceIdentifier": "orders-primary"}},
            ("restoreToPointInTime", "needs either restoreTime or useLatestRestorableTime"),
        ),
        (
            {
                "restoreToPointInTime": {
                    "sourceDbInstanceIdentifier": "orders-primary",
                    "restoreTime": "2026-11-26T03:00:00Z",
                    "useLatestRestorableTime": True,
                }
            },
            ("restoreToPointInTime", "needs either restoreTime or useLatestRestorableTime"),
        ),
        (
            {"restoreToPointInTime": {"sourceDbInstanceIdentifier": "none", "useLatestRestorableTime": True}},
            ("restoreToPointInTime.sourceDbInstanceIdentifier", "there is no database instance none"),
        ),
    ],
)
def test_check_refuses_a_restore(services: Services, changes: dict[str, Any], expected: tuple[str, str]) -> None:
    services.create(INSTANCE, PRIMARY)
    assert services.failures(INSTANCE, {**RESTORED, **changes}) == [expected]


def test_backups_of_a_deleted_instance_are_not_in_the_sandbox(services: Services) -> None:
    arn = "arn:aws:rds:us-east-1:111122223333:auto-backup:ab-1"
    source = {"sourceDbInstanceAutomatedBackupsArn": arn, "useLatestRestorableTime": True}
    with pytest.raises(ProviderError, match=f"the sandbox keeps no automated backups such as {arn}"):
        services.create(INSTANCE, RESTORED | {"restoreToPointInTime": source})


def test_an_update_in_place_reaches_the_emulator(services: Services) -> None:
    primary = services.create(INSTANCE, PRIMARY)
    services.update(
        primary,
        instanceClass="db.r7g.large",
        backupRetentionPeriod=35,
        enabledCloudwatchLogsExports=["upgrade"],
        password="another-secret-word",
        port=5433,
        tags={"Tier": "gone"},
    )
    real = describe(services, "orders-primary")
    keys = ("DBInstanceClass", "BackupRetentionPeriod", "EnabledCloudwatchLogsExports", "TagList")
    assert {key: real[key] for key in keys} == {
        "DBInstanceClass": "db.r7g.large",
        "BackupRetentionPeriod": 35,
        "EnabledCloudwatchLogsExports": ["upgrade"],
        "TagList": [{"Key": "Project", "Value": "fixrx"}, {"Key": "Tier", "Value": "gone"}],
    }
    assert primary.state["endpoint"].endswith(":5433")
    assert services.drift(primary) == {}


def test_what_replaces_an_instance(services: Services) -> None:
    primary = services.create(INSTANCE, PRIMARY)
    assert services.changes(primary, identifier="orders-b", dbName="b", instanceClass="db.r7g.large") == {
        "dbName": True,
        "identifier": True,
        "instanceClass": False,
    }


def test_drift_is_seen(services: Services) -> None:
    primary = services.create(INSTANCE, PRIMARY)
    services.client("rds").modify_db_instance(
        DBInstanceIdentifier="orders-primary", BackupRetentionPeriod=1, DeletionProtection=True
    )
    assert services.drift(primary) == {"backupRetentionPeriod": 1}
    services.client("rds").modify_db_instance(DBInstanceIdentifier="orders-primary", DeletionProtection=False)
    services.client("rds").delete_db_instance(DBInstanceIdentifier="orders-primary", SkipFinalSnapshot=True)
    assert services.drift(primary) is None


def test_deletion_protection_refuses(services: Services) -> None:
    primary = services.create(INSTANCE, PRIMARY | {"deletionProtection": True})
    with pytest.raises(ApiError, match="Cannot delete protected DB Instance"):
        services.delete(primary)
    assert describe(services, "orders-primary")["DBInstanceStatus"] == "available"


@pytest.mark.parametrize(
    ("inputs", "snapshots"),
    [
        ({}, [("orders-final", "manual")]),
        ({"skipFinalSnapshot": True}, []),
    ],
)
def test_what_a_deletion_leaves(services: Services, inputs: dict[str, Any], snapshots: list[tuple[str, str]]) -> None:
    services.delete(services.create(INSTANCE, PRIMARY | inputs))
    client = services.client("rds")
    assert client.describe_db_instances()["DBInstances"] == []
    found = client.describe_db_snapshots()["DBSnapshots"]
    assert [(one["DBSnapshotIdentifier"], one["SnapshotType"]) for one in found] == snapshots


def test_backups_are_kept_on_request(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    primary = services.create(INSTANCE, PRIMARY | {"skipFinalSnapshot": True, "deleteAutomatedBackups": False})
    backup = services.client("rds").describe_db_snapshots()["DBSnapshots"]
    assert [one["SnapshotType"] for one in backup] == ["automated"]
    minutes = iter(range(100))
    monkeypatch.setattr(rds, "_minute", lambda moment: next(minutes))
    services.delete(primary)
    assert services.client("rds").describe_db_snapshots()["DBSnapshots"] == backup


def test_an_instance_can_be_made_again_at_once(services: Services) -> None:
    inputs = PRIMARY | {"skipFinalSnapshot": True, "deleteAutomatedBackups": False}
    services.delete(services.create(INSTANCE, inputs))
    services.create(INSTANCE, inputs)
    assert describe(services, "orders-primary")["DBInstanceStatus"] == "available"


def test_a_deletion_without_a_decision_about_the_data_is_refused(services: Services) -> None:
    primary = services.create(INSTANCE, {key: PRIMARY[key] for key in PRIMARY if key != "finalSnapshotIdentifier"})
    with pytest.raises(ProviderError, match="give it a finalSnapshotIdentifier or set skipFinalSnapshot"):
        services.delete(primary)


def groups(services: Services) -> tuple[Resource, Resource]:
    subnets, _ = network(services)
    subnet_group = services.create(SUBNET_GROUP, {"subnetIds": subnets}, "Subnets")
    parameters = [
        {"name": "rds.force_ssl", "value": "1"},
        {"name": "shared_preload_libraries", "value": "auto_explain", "applyMethod": "pending-reboot"},
    ]
    return subnet_group, services.create(PARAMETER_GROUP, {"family": "postgres17", "parameters": parameters}, "it")


def test_groups_change_in_place_and_drift(services: Services) -> None:
    subnet_group, parameter_group = groups(services)
    client = services.client("rds")
    assert [services.drift(one) for one in (subnet_group, parameter_group)] == [{}, {}]
    services.create(
        INSTANCE, PRIMARY | {"dbSubnetGroupName": subnet_group.id, "parameterGroupName": parameter_group.id}
    )

    services.update(subnet_group, description="of the database", tags={"Tier": "data"})
    services.update(parameter_group, parameters=[{"name": "rds.force_ssl", "value": "0"}])

    real = client.describe_db_subnet_groups()["DBSubnetGroups"]
    assert [(one["DBSubnetGroupName"], one["DBSubnetGroupDescription"]) for one in real] == [
        (subnet_group.id, "of the database")
    ]
    assert client.list_tags_for_resource(ResourceName=subnet_group.state["arn"])["TagList"] == [
        {"Key": "Project", "Value": "fixrx"},
        {"Key": "Tier", "Value": "data"},
    ]
    assert client.describe_db_parameters(DBParameterGroupName=parameter_group.id)["Parameters"] == [
        {"ParameterName": "rds.force_ssl", "ParameterValue": "0", "ApplyMethod": "immediate"}
    ]
    assert describe(services, "orders-primary")["DBSubnetGroup"]["DBSubnetGroupDescription"] == "of the database"
    assert [services.drift(one) for one in services.resources] == [{}, {}, {}]

    changed = [{"ParameterName": "rds.force_ssl", "ParameterValue": "1", "ApplyMethod": "immediate"}]
    client.modify_db_parameter_group(DBParameterGroupName=parameter_group.id, Parameters=changed)
    assert services.drift(parameter_group) == {
        "parameters": [{"name": "rds.force_ssl", "value": "1", "applyMethod": "immediate"}]
    }
    services.update(parameter_group, parameters=None)
    assert client.describe_db_parameters(DBParameterGroupName=parameter_group.id)["Parameters"] == []


def test_a_name_from_a_prefix_stays_until_the_prefix_changes(services: Services) -> None:
    subnets, _ = network(services)
    group = services.create(SUBNET_GROUP, {"namePrefix": "orders-", "subnetIds": subnets})
    assert len(group.id) == len("orders-") + 26
    assert services.changes(group, description="new") == {"description": False}
    assert services.changes(group, namePrefix="bills-") == {"name": True, "namePrefix": True}


def test_an_event_subscription_changes_in_place(services: Services) -> None:
    services.create(INSTANCE, PRIMARY)
    topic = services.client("sns").create_topic(Name="events")["TopicArn"]
    inputs = {"snsTopic": topic, "sourceType": "db-instance", "sourceIds": ["orders-primary"]}
    subscription = services.create(EVENT_SUBSCRIPTION, inputs | {"eventCategories": ["failover"]}, "events")
    assert subscription.state["customerAwsId"] == ACCOUNT

    services.update(subscription, eventCategories=["failover", "deletion"], enabled=False)

    found = services.client("rds").describe_event_subscriptions()["EventSubscriptionsList"]
    assert [(one["EventCategoriesList"], one["Enabled"], one["SourceIdsList"]) for one in found] == [
        (["failover", "deletion"], False, ["orders-primary"])
    ]
    assert services.drift(subscription) == {}


def test_check_of_an_event_subscription(services: Services) -> None:
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:none"
    inputs = {"snsTopic": topic, "sourceType": "db-instance", "sourceIds": ["none"], "eventCategories": ["fail-over"]}
    categories = (
        "availability, backtrack, backup, configuration change, creation, deletion, failover, failure, low storage, "
        "maintenance, notification, read replica, recovery, restoration, security, security patching"
    )
    assert services.failures(EVENT_SUBSCRIPTION, inputs) == [
        ("eventCategories[0]", f"must be one of {categories}"),
        ("snsTopic", f"there is no SNS topic {topic}"),
        ("sourceIds[0]", "there is no event source none"),
    ]


def test_destroy_leaves_nothing(services: Services) -> None:
    subnet_group, parameter_group = groups(services)
    own = {"dbSubnetGroupName": subnet_group.id, "parameterGroupName": parameter_group.id, "skipFinalSnapshot": True}
    services.create(INSTANCE, PRIMARY | own)
    services.create(INSTANCE, REPLICA)
    services.destroy()
    client = services.client("rds")
    assert client.describe_db_instances()["DBInstances"] == []
    assert client.describe_db_subnet_groups()["DBSubnetGroups"] == []
    assert client.describe_db_parameter_groups()["DBParameterGroups"] == []
    assert client.describe_db_snapshots()["DBSnapshots"] == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"engineVersion": "16"}, "RDS cannot go back from engineVersion 17 to 16"),
        (
            {"engineVersion": "16.9", "allowMajorVersionUpgrade": True},
            "RDS cannot go back from engineVersion 17 to 16.9",
        ),
        ({"engineVersion": "18"}, "the upgrade from engineVersion 17 to 18 is one of the major version"),
        ({"allocatedStorage": 50}, "RDS cannot shrink allocatedStorage from 100 to 50 GiB"),
    ],
    ids=str,
)
def test_change_that_rds_refuses_is_refused_in_a_preview(
    services: Services, changes: dict[str, Any], reason: str
) -> None:
    primary = services.create(INSTANCE, PRIMARY | {"skipFinalSnapshot": True})

    with pytest.raises(ProviderError, match=f"^orders-primary: {reason}"):
        services.changes(primary, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"engineVersion": "18", "allowMajorVersionUpgrade": True},
        {"engineVersion": "17.6"},
        {"allocatedStorage": 200},
    ],
    ids=str,
)
def test_change_that_rds_takes(services: Services, changes: dict[str, Any]) -> None:
    primary = services.create(INSTANCE, PRIMARY | {"skipFinalSnapshot": True})

    assert services.changes(primary, **changes) == dict.fromkeys(sorted(changes), False)


def test_storage_that_rds_has_added_may_be_ignored(services: Services) -> None:
    """A program that ignores an input does not ask for its change."""
    primary = services.create(INSTANCE, PRIMARY | {"skipFinalSnapshot": True})
    new = {**primary.inputs, "allocatedStorage": 50}

    difference = services.package.difference(
        primary.identity, primary.inputs, primary.state, new, ("allocatedStorage",), CONFIGURATION
    )

    assert difference.changes == {}
