"""How old backups, drills, rotations and secrets are, and which addresses do not receive mail.

Each check asks AWS what is there, and not what was started: a job that ran and left nothing is noticed as well.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import boto3

Check = Callable[[datetime], float]
SECONDS_PER_HOUR = 3600
SECONDS_PER_DAY = 24 * SECONDS_PER_HOUR
CONFIRMED = "arn:"
"""While its owner has not agreed, and after he ended it, a word stands in place of a subscription's ARN."""


class Nothing(LookupError):
    """There is nothing whose age could be measured."""


def checks_of(watched: Mapping[str, Any]) -> Mapping[str, Check]:
    """Return each check by its name. `watched` is what the deployment tells the function; docs/monitoring.md."""
    bucket = watched["bucket"]
    vaults = {
        f"recovery-point-{region}": partial(_recovery_point_hours, watched["vault"], region)
        for region in watched["vault_regions"]
    }
    return {
        "dump": lambda now: _object_age(bucket, watched["dumps"], now) / SECONDS_PER_HOUR,
        "drill": lambda now: _object_age(bucket, watched["drills"], now) / SECONDS_PER_DAY,
        "automated-backup": lambda now: _restorable_minutes(watched["database"], now),
        "rotation": lambda now: _oldest_secret_days(watched["rotated"], "LastRotatedDate", now),
        "vendor-secret": lambda now: _oldest_secret_days(watched["vendors"], "LastChangedDate", now),
        "subscription": lambda now: _addresses_without_mail(watched["topics"]),
        **vaults,
    }


def _age(moments: Iterable[datetime], now: datetime, what: str) -> float:
    """Return the age of the newest, in seconds."""
    newest = max(moments, default=None)
    if newest is None:
        raise Nothing(f"there is no {what}")
    return (now - newest).total_seconds()


def _object_age(bucket: str, prefix: str, now: datetime) -> float:
    """Of manifests and reports alone: they are written last, when the rest is complete."""
    pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = (
        each["LastModified"] for page in pages for each in page.get("Contents", []) if each["Key"].endswith(".json")
    )
    return _age(found, now, f"object {prefix}*.json")


def _recovery_point_hours(vault: str, region: str, now: datetime) -> float:
    pages = (
        boto3.client("backup", region_name=region)
        .get_paginator("list_recovery_points_by_backup_vault")
        .paginate(BackupVaultName=vault)
    )
    complete = (
        each["CreationDate"] for page in pages for each in page["RecoveryPoints"] if each["Status"] == "COMPLETED"
    )
    return _age(complete, now, f"complete recovery point in {vault} of {region}") / SECONDS_PER_HOUR


def _restorable_minutes(database: str, now: datetime) -> float:
    (instance,) = boto3.client("rds").describe_db_instances(DBInstanceIdentifier=database)["DBInstances"]
    moments = [instance["LatestRestorableTime"]] if "LatestRestorableTime" in instance else []
    return _age(moments, now, f"moment to which {database} can be restored") / 60


def _oldest_secret_days(arns: Iterable[str], key: str, now: datetime) -> float:
    """A secret that was never rotated or changed is as old as itself."""
    client = boto3.client("secretsmanager")
    described = [client.describe_secret(SecretId=arn) for arn in arns]
    seconds = [(now - each.get(key, each["CreatedDate"])).total_seconds() for each in described]
    return float(max(seconds)) / SECONDS_PER_DAY


def _addresses_without_mail(topics: Mapping[str, int]) -> float:
    """Of the addresses that each topic should have: AWS forgets a subscription that ended, or was never confirmed."""
    paginator = boto3.client("sns").get_paginator("list_subscriptions_by_topic")
    missing = 0
    for topic, addresses in topics.items():
        found = [each for page in paginator.paginate(TopicArn=topic) for each in page["Subscriptions"]]
        confirmed = [
            each for each in found if each["Protocol"] == "email" and each["SubscriptionArn"].startswith(CONFIRMED)
        ]
        missing += max(0, addresses - len(confirmed))
    return float(missing)
