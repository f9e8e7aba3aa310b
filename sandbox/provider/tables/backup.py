"""AWS Backup: vaults, plans, restore tests. The emulator has vaults with their locks, and plans that never change."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.provider.emulator import Api
from sandbox.provider.model import Autoname, Inputs, Live, ResourceType, arn, call, template
from sandbox.provider.resource_provider import ProviderError
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import given, recorded_uuid, tagging, under
from sandbox.provider.values import UNKNOWN

_TAGGING = tagging("tag_resource untag_resource list_tags", ResourceArn="arn")
_NAME = rules.matches(r"[a-zA-Z0-9_-]{2,50}", "2 to 50 letters, digits, hyphens and underscores")
_TESTING_NAME = rules.matches(r"[a-zA-Z0-9_]{1,50}", "at most 50 letters, digits and underscores")
_VAULTS = rules.matches(r"\*|arn:aws:backup:[a-z0-9-]+:\d{12}:backup-vault:.+", "the ARN of a backup vault, or *")


def _check_lock(api: Api, live: Live) -> None:
    """The emulator has no backups, so a vault that is locked counts as one with backups, which AWS keeps."""
    if api("describe_backup_vault", BackupVaultName=live.id).get("Locked"):
        raise ProviderError(f"the backup vault {live.id} is locked: AWS deletes no vault with backups")


_VAULT = ResourceType(
    token="aws:backup/vault:Vault",
    service="backup",
    create="create_backup_vault",
    id=template("{name}"),
    renames={"name": "BackupVaultName", "kmsKeyArn": "EncryptionKeyArn"},
    tagging=_TAGGING,
    read=call("describe_backup_vault", BackupVaultName="id"),
    attributes={"arn": "BackupVaultArn"},
    absent_outputs="kmsKeyArn recoveryPoints",
    before_delete=_check_lock,
    delete=call("delete_backup_vault", BackupVaultName="id"),
    replace="kmsKeyArn name",
    autoname=Autoname("name", longest=50),
    defaults={"forceDestroy": False},
    provider_only="forceDestroy",
    rules={"kmsKeyArn": rules.arn, "name": _NAME},
    references={"kmsKeyArn": references.KMS_KEY},
)


def _lock_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    shortest, longest = inputs.get("minRetentionDays"), inputs.get("maxRetentionDays")
    if isinstance(shortest, int | float) and isinstance(longest, int | float) and shortest > longest:
        yield CheckFailure("minRetentionDays", f"must not exceed maxRetentionDays ({longest:g}), is {shortest:g}")


def _read_lock(api: Api, live: Live) -> Mapping[str, Any] | None:
    vault = api("describe_backup_vault", BackupVaultName=live.id)
    return vault if vault.get("Locked") else None


_LOCK = ResourceType(
    token="aws:backup/vaultLockConfiguration:VaultLockConfiguration",
    service="backup",
    create="put_backup_vault_lock_configuration",
    id=template("{backupVaultName}"),
    read=_read_lock,
    attributes={"backupVaultArn": "BackupVaultArn"},
    # AWS reports the date from which the lock is for ever instead.
    write_only="changeableForDays",
    delete=call("delete_backup_vault_lock_configuration", BackupVaultName="id"),
    replace="backupVaultName changeableForDays maxRetentionDays minRetentionDays",
    validate=_lock_rules,
    rules={
        "changeableForDays": rules.between(3, 36500),
        "maxRetentionDays": rules.between(1, 36500),
        "minRetentionDays": rules.between(1, 36500),
    },
    references={"backupVaultName": references.BACKUP_VAULT},
)


def _vault_policy(value: str) -> str | None:
    wrong = rules.policy_document(value)
    if wrong:
        return wrong
    statements = json.loads(value)["Statement"]
    listed = [each.get("Action") for each in (statements if isinstance(statements, list) else [statements])]
    actions = [action for each in listed for action in (each if isinstance(each, list) else [each])]
    wildcards = [action for action in actions if "*" in str(action)]
    return f"has the action {wildcards[0]}: a vault's policy takes no wildcards" if wildcards else None


_POLICY = ResourceType(
    token="aws:backup/vaultPolicy:VaultPolicy",
    service="backup",
    create="put_backup_vault_access_policy",
    # The provider's is the name, which a vault of another region may have as well.
    id=arn("backup", "backup-vault:{backupVaultName}"),
    attributes={"backupVaultArn": arn("backup", "backup-vault:{backupVaultName}")},
    replace="backupVaultName",
    rules={"policy": _vault_policy},
    references={"backupVaultName": references.BACKUP_VAULT},
    stored_only=True,
)


def _read_plan(api: Api, live: Live) -> Mapping[str, Any] | None:
    """The emulator still tells about a deleted plan."""
    plan = api("get_backup_plan", BackupPlanId=live.id)
    return None if plan.get("DeletionDate") else plan


def _plan_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    listed = inputs.get("rules")
    for index, rule in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(rule, dict):
            continue
        lifecycles = {"lifecycle": rule.get("lifecycle")}
        copies = rule.get("copyActions")
        for number, copy in enumerate(copies if isinstance(copies, list) else []):
            lifecycles[f"copyActions[{number}].lifecycle"] = copy.get("lifecycle") if isinstance(copy, dict) else None
        for path, lifecycle in lifecycles.items():
            if isinstance(lifecycle, dict) and _too_soon(lifecycle):
                yield CheckFailure(
                    f"rules[{index}].{path}.deleteAfter",
                    "must be 90 days or more after coldStorageAfter: cold storage is billed for 90",
                )
        start, completion = rule.get("startWindow", 60), rule.get("completionWindow", 180)
        if isinstance(start, int | float) and start < 60:
            yield CheckFailure(f"rules[{index}].startWindow", "must be 60 minutes or more")
        if UNKNOWN not in (start, completion) and completion < start + 60:
            yield CheckFailure(f"rules[{index}].completionWindow", "must be 60 minutes or more after startWindow")


def _too_soon(lifecycle: Mapping[str, Any]) -> bool:
    cold, end = lifecycle.get("coldStorageAfter"), lifecycle.get("deleteAfter")
    return isinstance(cold, int | float) and isinstance(end, int | float) and end < cold + 90


_PLAN = ResourceType(
    token="aws:backup/plan:Plan",
    service="backup",
    create="create_backup_plan",
    id="BackupPlanId",
    renames={
        **under("BackupPlan", "advancedBackupSettings rules scanSettings"),
        "name": "BackupPlan.BackupPlanName",
        "rules.targetVaultName": "TargetBackupVaultName",
        "rules.schedule": "ScheduleExpression",
        "rules.startWindow": "StartWindowMinutes",
        "rules.completionWindow": "CompletionWindowMinutes",
        "rules.copyActions.destinationVaultArn": "DestinationBackupVaultArn",
        "*.coldStorageAfter": "MoveToColdStorageAfterDays",
        "*.deleteAfter": "DeleteAfterDays",
    },
    tagging=_TAGGING,
    read=_read_plan,
    attributes={"arn": "BackupPlanArn", "version": "VersionId"},
    update=call("update_backup_plan", BackupPlanId="id"),
    replaces_all=True,
    update_stored_only="advancedBackupSettings name rules scanSettings",
    delete=call("delete_backup_plan", BackupPlanId="id"),
    autoname=Autoname("name", longest=50),
    validate=_plan_rules,
    rules={
        "name": rules.matches(r"[a-zA-Z0-9_.-]{1,50}", "at most 50 letters, digits, hyphens, underscores and periods"),
        "rules.schedule": rules.schedule_expression,
        "rules.copyActions.destinationVaultArn": rules.arn,
    },
    references={
        "rules.targetVaultName": references.BACKUP_VAULT,
        "rules.copyActions.destinationVaultArn": references.BACKUP_VAULT,
    },
)

_SELECTED = ("conditions", "resources", "selectionTags")


def _selection_rules(inputs: Inputs) -> Iterable[CheckFailure]:
    if not given(inputs, *_SELECTED):
        yield CheckFailure("resources", f"one of {', '.join(_SELECTED)} must be given")


_SELECTION = ResourceType(
    token="aws:backup/selection:Selection",
    service="backup",
    create="create_backup_selection",
    id=recorded_uuid("backup-selection", "planId", "name"),
    renames={
        **under("BackupSelection", "conditions iamRoleArn notResources resources"),
        "name": "BackupSelection.SelectionName",
        "planId": "BackupPlanId",
        "selectionTags": "BackupSelection.ListOfTags",
        "*.key": "ConditionKey",
        "*.type": "ConditionType",
        "*.value": "ConditionValue",
    },
    absent_outputs="conditions notResources",
    replace="conditions iamRoleArn name notResources planId resources selectionTags",
    autoname=Autoname("name", longest=50),
    validate=_selection_rules,
    rules={"iamRoleArn": rules.arn},
    references={"iamRoleArn": references.ROLE},
    stored_only=True,
)

_TESTING_PLAN = ResourceType(
    token="aws:backup/restoreTestingPlan:RestoreTestingPlan",
    service="backup",
    create="create_restore_testing_plan",
    id=template("{name}"),
    renames={
        **under(
            "RestoreTestingPlan",
            "recoveryPointSelection scheduleExpression scheduleExpressionTimezone startWindowHours",
        ),
        "name": "RestoreTestingPlan.RestoreTestingPlanName",
    },
    attributes={"arn": lambda live: f"{_testing_arn(live)}-{recorded_uuid('restore-testing-plan', 'name')(live)}"},
    replace="name",
    # Pulumi's own names have hyphens, which AWS refuses here: a program must give one.
    autoname=Autoname("name", longest=50),
    defaults={"scheduleExpressionTimezone": "Etc/UTC", "startWindowHours": 24},
    rules={
        "name": _TESTING_NAME,
        "recoveryPointSelection.includeVaults": _VAULTS,
        "recoveryPointSelection.excludeVaults": _VAULTS,
        "recoveryPointSelection.recoveryPointTypes": rules.one_of("CONTINUOUS", "SNAPSHOT"),
        "recoveryPointSelection.selectionWindowDays": rules.between(1, 365),
        "scheduleExpression": rules.schedule_expression,
        "startWindowHours": rules.between(1, 168),
    },
    stored_only=True,
)


def _testing_arn(live: Live) -> str:
    return f"arn:aws:backup:{live.region}:{live.account_id}:restore-testing-plan:{live.state['name']}"


_TESTING_SELECTION = ResourceType(
    token="aws:backup/restoreTestingSelection:RestoreTestingSelection",
    service="backup",
    create="create_restore_testing_selection",
    id=template("{name}:{restoreTestingPlanName}"),
    renames={
        **under(
            "RestoreTestingSelection",
            "iamRoleArn protectedResourceArns protectedResourceConditions protectedResourceType "
            "restoreMetadataOverrides validationWindowHours",
        ),
        "name": "RestoreTestingSelection.RestoreTestingSelectionName",
    },
    absent_outputs="protectedResourceArns restoreMetadataOverrides",
    replace="name protectedResourceType restoreTestingPlanName",
    autoname=Autoname("name", longest=50),
    defaults={"validationWindowHours": 0},
    rules={
        "name": _TESTING_NAME,
        "iamRoleArn": rules.arn,
        "restoreTestingPlanName": _TESTING_NAME,
        "validationWindowHours": rules.between(0, 168),
    },
    references={"iamRoleArn": references.ROLE, "restoreTestingPlanName": references.RESTORE_TESTING_PLAN},
    stored_only=True,
)

_REPLICATION = ResourceType(
    token="aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
    service="rds",
    create="start_db_instance_automated_backups_replication",
    id=lambda live: f"arn:aws:rds:{live.region}:{live.account_id}:auto-backup:{_automated_backup(live)}",
    renames={"retentionPeriod": "BackupRetentionPeriod"},
    absent_outputs="kmsKeyId preSignedUrl",
    replace="kmsKeyId preSignedUrl retentionPeriod sourceDbInstanceArn",
    defaults={"retentionPeriod": 7},
    rules={"kmsKeyId": rules.arn, "retentionPeriod": rules.between(1, 35), "sourceDbInstanceArn": rules.arn},
    references={"kmsKeyId": references.KMS_KEY, "sourceDbInstanceArn": references.DB_INSTANCE},
    stored_only=True,
)


def _automated_backup(live: Live) -> str:
    return f"ab-{recorded_uuid('auto-backup', 'sourceDbInstanceArn')(live).hex[:24]}"


TYPES = (_LOCK, _PLAN, _POLICY, _REPLICATION, _SELECTION, _TESTING_PLAN, _TESTING_SELECTION, _VAULT)
