"""RDS: database instances and read replicas, their groups, and event subscriptions."""

import base64
import datetime
import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import (
    Autoname,
    Feature,
    Inputs,
    Live,
    Reference,
    Request,
    ResourceType,
    call,
    constant,
    template,
)
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules, windows
from sandbox.provider.tables.helpers import (
    MANAGED,
    capital,
    constants,
    each,
    parameter_changes,
    regular_type,
    tagging,
    without,
)
from sandbox.provider.values import UNKNOWN

_TAGGING = tagging(
    "add_tags_to_resource remove_tags_from_resource list_tags_for_resource", "TagList", ResourceName="arn"
)


def _tags(state: Inputs) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted((state.get("tagsAll") or {}).items())]


def _change_subnet_group(api: Api, live: Live) -> None:
    """The emulator forgets the name of a group that it modifies, so its name is set again."""
    group = {
        "DBSubnetGroupName": live.id,
        "DBSubnetGroupDescription": live.state["description"],
        "SubnetIds": live.state["subnetIds"],
    }
    api("modify_db_subnet_group", **group)
    api("create_db_subnet_group", **group, Tags=_tags(live.state))


_SUBNET, _PARAMETERS = "DBSubnetGroupName", "DBParameterGroupName"
_GROUP_NAME = "lower-case letters, digits, spaces, '.', '_' or '-', and not 'default'"

_SUBNET_GROUP = regular_type(
    "aws:rds/subnetGroup:SubnetGroup",
    "rds",
    "DBSubnetGroup",
    _SUBNET,
    listed=_SUBNET,
    parameter_prefix="DBSubnetGroup",
    tagging=_TAGGING,
    attributes={"subnetIds": "Subnets[].SubnetIdentifier", "supportedNetworkTypes": constant(["IPV4"])},
    custom_update=_change_subnet_group,
    custom_update_inputs="description subnetIds",
    replace="name namePrefix",
    autoname=Autoname("name", lower_case=True),
    defaults={"description": MANAGED},
    rules={"name": rules.matches(r"(?!default$)[a-z0-9 ._-]{1,255}", _GROUP_NAME)},
    references={"subnetIds": references.SUBNET},
)


def _set_parameters(inputs: Inputs, identifier: str) -> Iterable[Request]:
    listed = [one for one in inputs.get("parameters") or [] if isinstance(one, dict)]
    complete = [{**one, "applyMethod": one.get("applyMethod") or "immediate"} for one in listed]
    calls = parameter_changes("modify_db_parameter_group", "DBParameterGroupName", "Parameters")
    return calls({"parameters": complete}, identifier)


def _read_parameters(api: Api, live: Live) -> Mapping[str, Any]:
    found = api("describe_db_parameters", DBParameterGroupName=live.id, Source="user")["Parameters"]
    names = {"name": "ParameterName", "value": "ParameterValue", "applyMethod": "ApplyMethod"}
    return {"parameters": [{key: one[member] for key, member in names.items()} for one in found]}


def _clear_parameters(api: Api, live: Live) -> None:
    """The emulator cannot reset parameters. Instances refer to a group by its name, so it is created again."""
    wanted = {one["name"] for one in live.state.get("parameters") or []}
    if all(one["name"] in wanted for one in _read_parameters(api, live)["parameters"]):
        return
    api("delete_db_parameter_group", DBParameterGroupName=live.id)
    api(
        "create_db_parameter_group",
        DBParameterGroupName=live.id,
        DBParameterGroupFamily=live.state["family"],
        Description=live.state["description"],
        Tags=_tags(live.state),
    )


_PARAMETER_GROUP = regular_type(
    "aws:rds/parameterGroup:ParameterGroup",
    "rds",
    "DBParameterGroup",
    _PARAMETERS,
    listed=_PARAMETERS,
    parameter_prefix="DBParameterGroup",
    tagging=_TAGGING,
    delete_unless="skipDestroy",
    replace="name namePrefix family description",
    autoname=Autoname("name", lower_case=True),
    defaults={"description": MANAGED, "skipDestroy": False},
    provider_only="skipDestroy",
    features=(
        Feature("parameters", _set_parameters, clear=_clear_parameters, read=_read_parameters, replaces_all=True),
    ),
    rules={
        "name": rules.hyphenated(255, "lower-case letters, digits and single hyphens, beginning with a letter"),
        "family": rules.matches(r"[a-z][a-z-]*\d+(\.\d+)?", "a parameter group family such as postgres17"),
        "parameters.applyMethod": rules.one_of("immediate", "pending-reboot"),
    },
)


_SOURCE_TYPES = "blue-green-deployment custom-engine-version db-cluster db-cluster-snapshot db-instance "
_SOURCE_TYPES += "db-parameter-group db-proxy db-security-group db-snapshot"
_INSTANCE_EVENTS = "availability,backtrack,backup,configuration change,creation,deletion,failover,failure,low storage,"
_INSTANCE_EVENTS += "maintenance,notification,read replica,recovery,restoration,security,security patching"
"""Categories that RDS has for events of instances."""


def _event_source_exists(api: Api, value: str) -> bool:
    """The id's resource type is given by sourceType; names of all types that the sandbox has are looked up."""
    return references.DB_INSTANCE.exists(api, value) or references.DB_PARAMETER_GROUP.exists(api, value)


def _subscription_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    if inputs.get("sourceIds") and not inputs.get("sourceType"):
        yield CheckFailure("sourceType", "sourceIds need the sourceType that they are of")
    categories = inputs.get("eventCategories")
    if inputs.get("sourceType") == "db-instance" and isinstance(categories, list):
        for index, category in enumerate(categories):
            wrong = None if category == UNKNOWN else rules.one_of(*_INSTANCE_EVENTS.split(","))(str(category))
            if wrong:
                yield CheckFailure(f"eventCategories[{index}]", wrong)


_SUBSCRIPTION_MEMBERS = {name: capital(name) for name in ["enabled", "eventCategories", "sourceIds", "sourceType"]}
_SUBSCRIPTION_MEMBERS["snsTopic"] = "SnsTopicArn"


def _create_subscription_again(api: Api, live: Live) -> None:
    """The emulator cannot modify a subscription."""
    given = {name: live.state[key] for key, name in _SUBSCRIPTION_MEMBERS.items() if live.state.get(key) is not None}
    api("delete_event_subscription", SubscriptionName=live.id)
    api("create_event_subscription", SubscriptionName=live.id, Tags=_tags(live.state), **given)


_EVENT_SUBSCRIPTION = ResourceType(
    token="aws:rds/eventSubscription:EventSubscription",
    service="rds",
    create="create_event_subscription",
    id="EventSubscription.CustSubscriptionId",
    parameter_prefix="EventSubscription",
    tagging=_TAGGING,
    renames={"name": "SubscriptionName", "snsTopic": "SnsTopicArn"},
    read=call("describe_event_subscriptions", SubscriptionName="id"),
    description="EventSubscriptionsList[0]",
    attributes={"name": "CustSubscriptionId", "customerAwsId": template("{account}")},
    custom_update=_create_subscription_again,
    custom_update_inputs=" ".join(_SUBSCRIPTION_MEMBERS),
    delete=call("delete_event_subscription", SubscriptionName="id"),
    replace="name namePrefix",
    autoname=Autoname("name"),
    defaults={"enabled": True},
    rules={
        "name": rules.matches(r"[a-zA-Z0-9-]{1,255}", "letters, digits and hyphens"),
        "snsTopic": rules.arn,
        "sourceType": rules.one_word_of(_SOURCE_TYPES),
    },
    references={"snsTopic": references.TOPIC, "sourceIds": Reference("event source", _event_source_exists)},
    validate=_subscription_failures,
)

_REFUSED = (
    "allocatedStorage dbName dbSubnetGroupName engine engineVersion finalSnapshotIdentifier kmsKeyId "
    "licenseModel manageMasterUserPassword password username"
)
"""What a read replica has from its source, or does not have."""
_OTHER_REGION = frozenset({"dbSubnetGroupName", "kmsKeyId"})
"""What a replica may have of its own if its source, then named by its ARN, is in another region."""
_NOT_AT_CREATION = {
    *("backupRetentionPeriod", "backupWindow", "engineLifecycleSupport", "maintenanceWindow", "storageEncrypted"),
    *(set(_REFUSED.split()) - _OTHER_REGION),
}
"""What CreateDBInstanceReadReplica does not accept: it is set afterwards, refused, or the same as the source's."""
_SET_AFTERWARDS = {
    "backupRetentionPeriod": ("BackupRetentionPeriod", 0),
    "backupWindow": ("PreferredBackupWindow", None),
    "deletionProtection": ("DeletionProtection", False),
    "engineLifecycleSupport": ("EngineLifecycleSupport", None),
    "maintenanceWindow": ("PreferredMaintenanceWindow", None),
    "multiAz": ("MultiAZ", False),
}
"""What is set once a replica exists, because its creation does not accept it or the emulator copies the source's value;
with the replica's default."""


def _is_replica(inputs: Inputs) -> bool:
    return bool(inputs.get("replicateSourceDb"))


_NOT_AT_RESTORE = (
    "dbName engineVersion identifier kmsKeyId maintenanceWindow monitoringInterval monitoringRoleArn password "
    "performanceInsightsEnabled performanceInsightsKmsKeyId performanceInsightsRetentionPeriod restoreToPointInTime "
    "storageEncrypted username"
)
"""What RestoreDBInstanceToPointInTime does not accept: the provider sets it afterwards, or it is the source's."""
_SET_AFTER_RESTORE = {
    "backupRetentionPeriod": ("BackupRetentionPeriod", None),
    "deletionProtection": ("DeletionProtection", False),
    "maintenanceWindow": ("PreferredMaintenanceWindow", None),
    "monitoringInterval": ("MonitoringInterval", 0),
    "monitoringRoleArn": ("MonitoringRoleArn", None),
    "multiAz": ("MultiAZ", False),
    "password": ("MasterUserPassword", None),
}
_FROM_SOURCE = "dbName username"
"""What a restored instance has from its source. Another password is set afterwards."""
_SOURCES = "sourceDbInstanceIdentifier sourceDbInstanceAutomatedBackupsArn sourceDbiResourceId"


def _is_restored(inputs: Inputs) -> bool:
    return bool(inputs.get("restoreToPointInTime"))


def _create_operation(inputs: Inputs) -> str:
    if _is_replica(inputs):
        return "create_db_instance_read_replica"
    return "restore_db_instance_to_point_in_time" if _is_restored(inputs) else "create_db_instance"


def _creation_inputs(inputs: Inputs) -> dict[str, Any]:
    if _is_replica(inputs):
        return without(inputs, *_NOT_AT_CREATION)
    if _is_restored(inputs):
        target = {"targetDbInstanceIdentifier": inputs.get("identifier")}
        return {**without(inputs, *_NOT_AT_RESTORE.split()), **inputs["restoreToPointInTime"], **target}
    return dict(inputs)


def _refuse_unknown_backups(api: Api, live: Live) -> None:
    source = (live.state.get("restoreToPointInTime") or {}).get("sourceDbInstanceAutomatedBackupsArn")
    if source:
        raise ProviderError(f"{live.state['identifier']}: the sandbox keeps no automated backups such as {source}")


def _complete(api: Api, live: Live) -> None:
    if _is_restored(live.state):
        _complete_restored(api, live)
    elif _is_replica(live.state):
        _complete_replica(api, live)


def _complete_restored(api: Api, live: Live) -> None:
    """What the provider sets afterwards, and false, which the emulator takes for "as the source has it"."""
    state = live.state
    parameters = {name: state.get(key, default) for key, (name, default) in _SET_AFTER_RESTORE.items()}
    given = {name: value for name, value in parameters.items() if value is not None}
    api("modify_db_instance", DBInstanceIdentifier=state["identifier"], ApplyImmediately=True, **given)
    _change_exported_logs(api, live)


def _complete_replica(api: Api, live: Live) -> None:
    parameters = {name: live.state.get(key, default) for key, (name, default) in _SET_AFTERWARDS.items()}
    given = {name: value for name, value in parameters.items() if value is not None}
    api("modify_db_instance", DBInstanceIdentifier=live.state["identifier"], ApplyImmediately=True, **given)


def _resource_id(identifier: str, live: Live) -> str:
    """An id of RDS's form: the emulator gives all instances the same."""
    seed = f"{live.region}/{live.account_id}/{identifier}".encode()
    return f"db-{base64.b32encode(hashlib.sha256(seed).digest()).decode()[:26]}"


def _instance(api: Api, identifier: str) -> dict[str, Any]:
    return dict(api("describe_db_instances", DBInstanceIdentifier=identifier)["DBInstances"][0])


def _port(live: Live) -> int:
    """The emulator cannot change the port of an instance."""
    return int(live.state.get("port") or live.description["Endpoint"]["Port"])


def _maintenance_window(live: Live) -> str:
    """RDS writes days in lower case; the same window in other letters is no drift."""
    window, given = live.description["PreferredMaintenanceWindow"], live.state.get("maintenanceWindow")
    return str(given if str(given).lower() == window else window)


def _exported_logs(live: Live) -> list[str]:
    """In the emulator a replica shares this list with its source, so a replica's own is believed."""
    if _is_replica(live.state):
        return list(live.state.get("enabledCloudwatchLogsExports") or [])
    return list(live.description.get("EnabledCloudwatchLogsExports") or [])


def _change_exported_logs(api: Api, live: Live) -> None:
    if _is_replica(live.state):
        return
    identifier = live.state["identifier"]
    present = set(_instance(api, identifier).get("EnabledCloudwatchLogsExports") or [])
    wanted = set(live.state.get("enabledCloudwatchLogsExports") or [])
    if present != wanted:
        change = {"EnableLogTypes": sorted(wanted - present), "DisableLogTypes": sorted(present - wanted)}
        api("modify_db_instance", DBInstanceIdentifier=identifier, CloudwatchLogsExportConfiguration=change)


def _delete_instance(api: Api, live: Live) -> None:
    parameters: dict[str, Any] = {
        "DBInstanceIdentifier": live.state["identifier"],
        "DeleteAutomatedBackups": live.state.get("deleteAutomatedBackups") is not False,
    }
    snapshot = live.state.get("finalSnapshotIdentifier")
    if live.state.get("skipFinalSnapshot"):
        parameters["SkipFinalSnapshot"] = True
    elif snapshot:
        parameters |= {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": snapshot}
    else:
        raise ProviderError(
            f"{live.state['identifier']} cannot be deleted: give it a finalSnapshotIdentifier or set skipFinalSnapshot"
        )
    api("delete_db_instance", **parameters)
    if not parameters["DeleteAutomatedBackups"]:
        _delete_backups_of_this_minute(api, live.state["identifier"])


def _delete_backups_of_this_minute(api: Api, identifier: str) -> None:
    """The emulator names a backup by the minute, so a new instance of the same name would fail on this one.

    AWS would not yet have one of an instance that is deleted in the minute of its creation.
    """
    snapshots = api("describe_db_snapshots", DBInstanceIdentifier=identifier, SnapshotType="automated")["DBSnapshots"]
    for snapshot in snapshots:
        if _minute(snapshot["SnapshotCreateTime"]) == _minute(datetime.datetime.now(datetime.UTC)):
            api("delete_db_snapshot", DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])


def _minute(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(second=0, microsecond=0)


def _instance_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    kind = _restored_failures if _is_restored(inputs) else _primary_failures
    kind = _replica_failures if _is_replica(inputs) else kind
    yield from itertools.chain(kind(inputs), _monitoring_failures(inputs), windows.overlap(inputs, "backupWindow"))


def _replica_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    source = str(inputs["replicateSourceDb"])
    for key in _REFUSED.split():
        if inputs.get(key) is None or (key in _OTHER_REGION and source.startswith("arn:")):
            continue
        reason = "has no final snapshot" if key == "finalSnapshotIdentifier" else "takes this from its source"
        yield CheckFailure(key, f"a read replica {reason}")
    if not inputs.get("skipFinalSnapshot"):
        yield CheckFailure("skipFinalSnapshot", "a read replica has no final snapshot: set it to true")


def _restored_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    for key in _FROM_SOURCE.split():
        if inputs.get(key) is not None:
            yield CheckFailure(key, "a restored instance has this from its source")
    restore = inputs["restoreToPointInTime"]
    if not isinstance(restore, dict):
        return
    if len([key for key in _SOURCES.split() if restore.get(key)]) != 1:
        yield CheckFailure("restoreToPointInTime", f"needs one source, of {', '.join(_SOURCES.split())}")
    if bool(restore.get("restoreTime")) == bool(restore.get("useLatestRestorableTime")):
        yield CheckFailure("restoreToPointInTime", "needs either restoreTime or useLatestRestorableTime")


def _primary_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    for key in ("allocatedStorage", "engine", "username"):
        if inputs.get(key) is None:
            yield CheckFailure(key, f"an instance that is not a read replica needs {key}")
    if bool(inputs.get("manageMasterUserPassword")) == (inputs.get("password") is not None):
        yield CheckFailure("password", "either password or manageMasterUserPassword must be given, and not both")
    allocated, most = inputs.get("allocatedStorage"), inputs.get("maxAllocatedStorage")
    if isinstance(allocated, int) and isinstance(most, int) and 0 < most <= allocated:
        yield CheckFailure("maxAllocatedStorage", f"must be greater than allocatedStorage ({allocated})")
    if inputs.get("kmsKeyId") and not inputs.get("storageEncrypted"):
        yield CheckFailure("storageEncrypted", "must be true where a kmsKeyId is given")


def _monitoring_failures(inputs: Inputs) -> Iterable[CheckFailure]:
    if bool(inputs.get("monitoringInterval")) != bool(inputs.get("monitoringRoleArn")):
        yield CheckFailure("monitoringRoleArn", "a monitoringInterval above 0 and a monitoringRoleArn need each other")
    if inputs.get("performanceInsightsKmsKeyId") and not inputs.get("performanceInsightsEnabled"):
        yield CheckFailure("performanceInsightsEnabled", "must be true where a performanceInsightsKmsKeyId is given")


def _version(value: Any) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", str(value))]


def _impossible_change(old: Inputs, new: Inputs) -> str | None:
    """RDS goes to newer versions and larger storage only (errors of ModifyDBInstance)."""
    identifier = new.get("identifier")
    before, after = old.get("engineVersion"), new.get("engineVersion")
    if before and after and UNKNOWN not in (before, after):
        # With fewer parts, 17 is whatever minor version is there.
        common = min(len(_version(before)), len(_version(after)))
        if _version(after)[:common] < _version(before)[:common]:
            return (
                f"{identifier}: RDS cannot go back from engineVersion {before} to {after}: restore a snapshot of that "
                "version into a new instance"
            )
        if _version(after)[:1] > _version(before)[:1] and new.get("allowMajorVersionUpgrade") is not True:
            return (
                f"{identifier}: the upgrade from engineVersion {before} to {after} is one of the major version: RDS "
                "needs allowMajorVersionUpgrade, and parameter groups of the new family"
            )
    size, wanted = old.get("allocatedStorage"), new.get("allocatedStorage")
    if isinstance(size, int) and isinstance(wanted, int) and wanted < size:
        return (
            f"{identifier}: RDS cannot shrink allocatedStorage from {size} to {wanted} GiB: move the data to a new "
            "instance"
        )
    return None


_LOGS = "agent alert audit diag.log error general iam-db-auth-error listener notify.log oemagent postgresql slowquery "
_LOGS += "trace upgrade"
_ENGINES = "mariadb mysql oracle-ee oracle-ee-cdb oracle-se2 oracle-se2-cdb postgres sqlserver-ee sqlserver-ex "
_ENGINES += "sqlserver-se sqlserver-web"
_EXTENDED_SUPPORT = "open-source-rds-extended-support"
_IDENTIFIER = "at most 63 lower-case letters, digits and single hyphens, beginning with a letter"
_PASSWORD = "8 to 128 printable ASCII characters other than space, slash, quote and @"
_LETTERS = "letters, digits and underscores, beginning with a letter"

_INSTANCE = ResourceType(
    token="aws:rds/instance:Instance",
    service="rds",
    create=_create_operation,
    id=lambda live: _resource_id(live.state["identifier"], live),
    parameter_prefix="DBInstance",
    tagging=_TAGGING,
    # A replica in the emulator has its source's tags unless it is given some.
    constants={"Tags": []},
    prepare=_creation_inputs,
    before_create=_refuse_unknown_backups,
    after_create=_complete,
    renames={
        "backupWindow": "PreferredBackupWindow",
        "caCertIdentifier": "CACertificateIdentifier",
        "customerOwnedIpEnabled": "EnableCustomerOwnedIp",
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
        "instanceClass": "DBInstanceClass",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "parameterGroupName": "DBParameterGroupName",
        "password": "MasterUserPassword",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
        "replicateSourceDb": "SourceDBInstanceIdentifier",
        "username": "MasterUsername",
    },
    # By the identifier; an import, which has no state yet, gives it as the id.
    read=lambda api, live: _instance(api, live.state.get("identifier") or live.id),
    attributes={
        "address": "Endpoint.Address",
        **constants(backupTarget="region", databaseInsightsMode="standard", engineLifecycleSupport=_EXTENDED_SUPPORT),
        **constants(networkType="IPV4", upgradeRolloutOrder="second"),
        "dbSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
        "enabledCloudwatchLogsExports": _exported_logs,
        "endpoint": lambda live: f"{live.description['Endpoint']['Address']}:{_port(live)}",
        "engineVersionActual": "EngineVersion",
        # That of us-east-1; every region has its own.
        "hostedZoneId": constant("Z2R2ITUGPM61AM"),
        "iamDatabaseAuthenticationEnabled": "IAMDatabaseAuthenticationEnabled",
        # It changes every few minutes, which a refresh would report each time.
        "latestRestorableTime": constant(""),
        "maintenanceWindow": _maintenance_window,
        "optionGroupName": "OptionGroupMemberships[0].OptionGroupName",
        "parameterGroupName": "DBParameterGroups[0].DBParameterGroupName",
        "performanceInsightsEnabled": "PerformanceInsightsEnabled",
        "port": _port,
        "replicas": "ReadReplicaDBInstanceIdentifiers",
        # The emulator says it of a restored instance as well.
        "replicateSourceDb": lambda live: (
            "" if _is_restored(live.state) else live.description.get("ReadReplicaSourceDBInstanceIdentifier", "")
        ),
        "resourceId": lambda live: _resource_id(live.description["DBInstanceIdentifier"], live),
        "vpcSecurityGroupIds": "VpcSecurityGroups[].VpcSecurityGroupId",
    },
    write_only="customerOwnedIpEnabled dedicatedLogVolume engineLifecycleSupport iops manageMasterUserPassword "
    "masterUserSecretKmsKeyId networkType password performanceInsightsEnabled performanceInsightsKmsKeyId "
    "performanceInsightsRetentionPeriod restoreToPointInTime",
    absent_outputs="characterSetName dbName dbSubnetGroupName domainFqdn identifierPrefix iops kmsKeyId timezone "
    "listenerEndpoints masterUserSecretKmsKeyId masterUserSecrets monitoringRoleArn ncharCharacterSetName "
    "performanceInsightsKmsKeyId performanceInsightsRetentionPeriod replicaMode snapshotIdentifier storageThroughput",
    update=call(
        "modify_db_instance",
        DBInstanceIdentifier="identifier",
        ApplyImmediately="applyImmediately",
        AllowMajorVersionUpgrade="allowMajorVersionUpgrade",
    ),
    update_renames={"port": "DBPortNumber"},
    update_omits="enabledCloudwatchLogsExports",
    after_update=_change_exported_logs,
    delete=_delete_instance,
    # RDS can rename an instance in place, which changes the address for all clients: the sandbox shows the safe plan.
    replace="identifier identifierPrefix availabilityZone backupTarget characterSetName customIamInstanceProfile "
    "dbName engine engineLifecycleSupport kmsKeyId ncharCharacterSetName replicateSourceDb restoreToPointInTime "
    "storageEncrypted timezone username",
    autoname=Autoname("identifier", longest=63, lower_case=True),
    defaults={
        **each("applyImmediately copyTagsToSnapshot performanceInsightsEnabled", False),
        **each("publiclyAccessible skipFinalSnapshot", False),
        **each("autoMinorVersionUpgrade deleteAutomatedBackups", True),
        "monitoringInterval": 0,
    },
    provider_only="allowMajorVersionUpgrade applyImmediately deleteAutomatedBackups finalSnapshotIdentifier "
    "skipFinalSnapshot",
    rules={
        "allocatedStorage": rules.between(5, 65536),
        "backupRetentionPeriod": rules.between(0, 35),
        "backupTarget": rules.one_of("outposts", "region"),
        "backupWindow": rules.daily_window,
        "dbName": rules.matches(r"[a-zA-Z_]\w{0,62}", _LETTERS),
        "enabledCloudwatchLogsExports": rules.one_word_of(_LOGS),
        "engine": rules.one_word_of(_ENGINES),
        "engineLifecycleSupport": rules.one_word_of(f"{_EXTENDED_SUPPORT} {_EXTENDED_SUPPORT}-disabled"),
        "engineVersion": rules.matches(r"\d+[0-9a-z._-]*", "a version such as 17 or 17.4"),
        "finalSnapshotIdentifier": rules.snapshot_name,
        "identifier": rules.hyphenated(63, _IDENTIFIER),
        "instanceClass": rules.db_instance_class,
        **each("kmsKeyId performanceInsightsKmsKeyId", rules.arn),
        "maintenanceWindow": rules.weekly_window(30),
        "maxAllocatedStorage": rules.between(0, 65536),
        "monitoringInterval": rules.one_of("0", "1", "5", "10", "15", "30", "60"),
        "networkType": rules.one_of("IPV4", "DUAL"),
        "password": rules.matches(r"(?!.*[/\"@])[!-~]{8,128}", _PASSWORD),
        "performanceInsightsRetentionPeriod": rules.one_of("7", *(str(31 * month) for month in range(1, 24)), "731"),
        "port": rules.between(1150, 65535),
        "storageType": rules.one_of("standard", "gp2", "gp3", "io1", "io2"),
        "username": rules.matches(r"[a-zA-Z]\w{0,62}", _LETTERS),
    },
    references={
        "dbSubnetGroupName": references.DB_SUBNET_GROUP,
        **each("kmsKeyId performanceInsightsKmsKeyId", references.KMS_KEY),
        "monitoringRoleArn": references.ROLE,
        "parameterGroupName": references.DB_PARAMETER_GROUP,
        "replicateSourceDb": references.DB_INSTANCE,
        "restoreToPointInTime.sourceDbInstanceIdentifier": references.DB_INSTANCE,
        "vpcSecurityGroupIds": references.SECURITY_GROUP,
    },
    validate=_instance_failures,
    impossible_change=_impossible_change,
)

TYPES = (_SUBNET_GROUP, _PARAMETER_GROUP, _EVENT_SUBSCRIPTION, _INSTANCE)
