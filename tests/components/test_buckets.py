"""Backup bucket and access logs: private, versioned, kept as long as they should be."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.sections.backup_bucket import BackupBucketSettings
from tests.recorder import Recording

BACKUPS = "fixrx-backups-production-111122223333"
ACCESS_LOGS = "fixrx-access-logs-production-111122223333"
STORES = [("backups-store", BACKUPS), ("access-logs-store", ACCESS_LOGS)]
ABORT_UPLOADS = {
    "id": "abort-unfinished-uploads",
    "status": "Enabled",
    "filter": {"prefix": ""},
    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
}


def tls_only(bucket: str) -> dict[str, Any]:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": ["s3:*"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


@pytest.mark.parametrize(("store", "bucket"), STORES)
def test_bucket_is_closed_to_the_public(production: Recording, store: str, bucket: str) -> None:
    assert production.named(f"{store}-public-access-block").plain == {
        "bucket": bucket,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert production.named(f"{store}-ownership").plain == {
        "bucket": bucket,
        "rule": {"objectOwnership": "BucketOwnerEnforced"},
    }


@pytest.mark.parametrize(("store", "bucket"), STORES)
def test_bucket_keeps_versions(production: Recording, store: str, bucket: str) -> None:
    assert production.named(f"{store}-versioning").plain == {
        "bucket": bucket,
        "versioningConfiguration": {"status": "Enabled"},
    }
    assert f"{store}-versioning" in production.named(f"{store}-lifecycle").depends_on


def test_backups_are_encrypted_under_the_data_key(production: Recording) -> None:
    assert production.named("backups-store-encryption").plain["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {
                "sseAlgorithm": "aws:kms",
                "kmsMasterKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-data-key",
            },
            "bucketKeyEnabled": True,
        }
    ]


def test_access_logs_are_encrypted_by_s3_as_deliveries_demand(production: Recording) -> None:
    assert production.named("access-logs-store-encryption").plain["rules"] == [
        {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    ]


def test_backups_are_kept_as_long_as_in_the_guide(production: Recording) -> None:
    """7 days for dumps, 30 for the application, more than a year for reports; releases without an end."""
    assert production.named("backups-store-lifecycle").plain["rules"] == [
        {
            "id": f"expire-{prefix}",
            "status": "Enabled",
            "filter": {"prefix": f"{prefix}/"},
            "expiration": {"days": days},
            "noncurrentVersionExpiration": {"noncurrentDays": days},
        }
        for prefix, days in (("database", 7), ("application", 30), ("drills", 400))
    ] + [ABORT_UPLOADS]


def test_access_logs_are_kept_for_a_year(production: Recording) -> None:
    assert production.named("access-logs-store-lifecycle").plain["rules"] == [
        {
            "id": "expire-logs",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "expiration": {"days": 365},
            "noncurrentVersionExpiration": {"noncurrentDays": 1},
        },
        ABORT_UPLOADS,
    ]


def test_backups_cannot_be_deleted_before_their_time(production: Recording) -> None:
    assert production.named("backups-store-bucket").plain == {
        "bucket": BACKUPS,
        "objectLockEnabled": True,
        "forceDestroy": False,
    }
    lock = production.named("backups-store-object-lock")
    assert lock.plain == {
        "bucket": BACKUPS,
        "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}},
    }
    assert "backups-store-versioning" in lock.depends_on


def test_only_a_bucket_that_may_be_deleted_is_emptied_for_it(staging: Recording) -> None:
    buckets = staging.of_type("aws:s3/bucket:Bucket")
    assert sorted((each.name, each.protect, each.plain["forceDestroy"]) for each in buckets) == [
        ("access-logs-store-bucket", False, True),
        ("backups-store-bucket", False, True),
        ("cdn-store-bucket", False, True),
    ]


def test_access_logs_have_no_lock(production: Recording) -> None:
    assert production.named("access-logs-store-bucket").plain == {
        "bucket": ACCESS_LOGS,
        "objectLockEnabled": False,
        "forceDestroy": False,
    }
    locks = production.of_type("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
    assert {each.name for each in locks} == {"backups-store-object-lock", "backup-vault-dr-store-object-lock"}


def test_policy_of_the_backups_refuses_plain_http_and_deletion(production: Recording) -> None:
    policy = production.named("backups-store-policy")

    assert policy.plain["bucket"] == BACKUPS
    assert policy.document("policy")["Statement"] == [
        tls_only(BACKUPS),
        {
            "Sid": "NoDeletionByHand",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
            "Resource": [f"arn:aws:s3:::{BACKUPS}", f"arn:aws:s3:::{BACKUPS}/*"],
        },
    ]


def test_policy_of_the_access_logs_lets_only_aws_deliver(production: Recording) -> None:
    policy = production.named("access-logs-store-policy")

    assert policy.plain["bucket"] == ACCESS_LOGS
    assert policy.document("policy")["Statement"] == [
        tls_only(ACCESS_LOGS),
        {
            "Sid": "LoadBalancerLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": ["s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{ACCESS_LOGS}/load-balancer/AWSLogs/111122223333/*"],
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/*"}
            },
        },
        {
            "Sid": "S3ServerAccessLogs",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": ["s3:PutObject"],
            "Resource": f"arn:aws:s3:::{ACCESS_LOGS}/s3/*",
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        },
        {
            "Sid": "CdnLogs",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": ["s3:PutObject"],
            "Resource": [f"arn:aws:s3:::{ACCESS_LOGS}/cdn/*"],
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": "111122223333",
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
                "ArnLike": {
                    "aws:SourceArn": "arn:aws:logs:us-east-1:111122223333:delivery-source:fixrx-production-cdn"
                },
            },
        },
    ]


def test_access_to_backups_is_logged_where_that_is_allowed(production: Recording) -> None:
    logging = production.named("backups-store-access-log")

    assert logging.plain == {"bucket": BACKUPS, "targetBucket": ACCESS_LOGS, "targetPrefix": "s3/"}
    assert "access-logs-store-policy" in logging.depends_on


@pytest.mark.parametrize("shorter", ["database_retention_days", "application_retention_days"])
def test_lock_that_outlasts_a_retention_is_refused(shorter: str) -> None:
    with pytest.raises(ValidationError, match="object_lock_days is longer than a retention"):
        BackupBucketSettings.model_validate({"object_lock_days": 8, shorter: 7})
