"""S3. A bucket and the resources that each set one aspect of it."""

from collections.abc import Mapping
from typing import Any

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import (
    Autoname,
    Call,
    Inputs,
    Live,
    Reference,
    ResourceType,
    call,
    constant,
    template,
)
from sandbox.provider.schema import CheckFailure
from sandbox.provider.tables import references, rules
from sandbox.provider.tables.helpers import tagging, under

_HOSTED_ZONES = {"us-east-1": "Z3AQBSTGFYJSTF", "us-east-2": "Z2O1EMRO9K5GLX", "us-west-2": "Z3BJ6K6RIION7M"}
"""Hosted zones of S3's website endpoints, from AWS's table of endpoints; regions beyond these have none here."""


def _location(region: str) -> Mapping[str, Any]:
    """S3 refuses its oldest region as a constraint."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _set_tags(api: Api, bucket: str, tags: Mapping[str, str]) -> None:
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        api("put_bucket_tagging", Bucket=bucket, Tagging={"TagSet": listed})
    else:
        api("delete_bucket_tagging", Bucket=bucket)


def _read_bucket(api: Api, live: Live) -> Mapping[str, Any]:
    api("head_bucket", Bucket=live.id)
    try:
        lock = api("get_object_lock_configuration", Bucket=live.id)["ObjectLockConfiguration"]
    except ApiError as error:
        if not error.missing:
            raise
        lock = {}
    tags: list[Any] = []
    try:
        tags = api("get_bucket_tagging", Bucket=live.id)["TagSet"]
    except ApiError as error:
        if error.code != "NoSuchTagSet":
            raise
    return {"Bucket": live.id, "ObjectLockEnabled": lock.get("ObjectLockEnabled") == "Enabled", "Tags": tags}


def _empty_bucket(api: Api, live: Live) -> None:
    if not live.state.get("forceDestroy"):
        return
    if api("get_bucket_versioning", Bucket=live.id).get("Status") == "Suspended":
        # The emulator fails to delete single versions of a bucket whose versioning is suspended.
        api("put_bucket_versioning", Bucket=live.id, VersioningConfiguration={"Status": "Enabled"})
    versions = api("list_object_versions", Bucket=live.id)
    for one in [*versions.get("Versions", []), *versions.get("DeleteMarkers", [])]:
        version = {key: one[key] for key in ("Key", "VersionId")}
        api("delete_object", Bucket=live.id, BypassGovernanceRetention=True, **version)


_BUCKET = ResourceType(
    token="aws:s3/bucket:Bucket",
    service="s3",
    create="create_bucket",
    id=template("{bucket}"),
    renames={"objectLockEnabled": "ObjectLockEnabledForBucket"},
    regional=_location,
    tagging=tagging("put_bucket_tagging delete_bucket_tagging", replace_all=_set_tags, Bucket="id"),
    read=_read_bucket,
    attributes={
        "objectLockEnabled": "ObjectLockEnabled",
        "arn": template("arn:aws:s3:::{id}"),
        "bucketDomainName": template("{id}.s3.amazonaws.com"),
        "bucketRegionalDomainName": template("{id}.s3.{region}.amazonaws.com"),
        "bucketRegion": lambda live: live.region,
        "hostedZoneId": lambda live: _HOSTED_ZONES.get(live.region),
        "requestPayer": constant("BucketOwner"),
        "bucketNamespace": constant("global"),
    },
    # These are reported by the resources that set them.
    absent_outputs="accelerationStatus acl bucketPrefix corsRules grants hostedZoneId lifecycleRules logging policy "
    "objectLockConfiguration replicationConfiguration serverSideEncryptionConfiguration versioning website "
    "websiteDomain websiteEndpoint",
    before_delete=_empty_bucket,
    delete=call("delete_bucket", Bucket="id"),
    replace="bucket bucketPrefix bucketNamespace objectLockEnabled acl",
    autoname=Autoname("bucket", longest=63, lower_case=True),
    defaults={"forceDestroy": False},
    provider_only="forceDestroy",
    write_only="acl bucketNamespace",
    rules={"bucket": rules.bucket_name},
)


def _aspect(
    name: str,
    operation: str,
    read: str,
    delete: str | Call,
    *,
    owned: bool = True,
    unread: str = "",
    refers: Mapping[str, Reference] | None = None,
    **fields: Any,
) -> ResourceType:
    """A resource that sets one aspect of a bucket as a whole; its id is the bucket's name.

    `owned`: whether it takes an expected owner; `unread`: inputs that are not reported; `refers`: further references.
    """
    fixed = "bucket expectedBucketOwner" if owned else "bucket"
    return ResourceType(
        token=f"aws:s3/{name}:{name[0].upper()}{name[1:]}",
        service="s3",
        create=operation,
        id=template("{bucket}"),
        read=call(read, Bucket="id"),
        delete=call(delete, Bucket="id") if isinstance(delete, str) else delete,
        replaces_all=True,
        replace=fixed,
        write_only=f"{fixed} {unread}",
        references={"bucket": references.BUCKET, **(refers or {})},
        **fields,
    )


_VERSIONING = _aspect(
    "bucketVersioning",
    "put_bucket_versioning",
    "get_bucket_versioning",
    call("put_bucket_versioning", Bucket="id", VersioningConfiguration={"Status": "Suspended"}),
    attributes={"versioningConfiguration": "@"},
)

_ENCRYPTION = _aspect(
    "bucketServerSideEncryptionConfiguration",
    "put_bucket_encryption",
    "get_bucket_encryption",
    "delete_bucket_encryption",
    renames={
        "rules": "ServerSideEncryptionConfiguration.Rules",
        "rules.blockedEncryptionTypes": "BlockedEncryptionTypes.EncryptionType",
    },
    refers={"rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": references.KMS_KEY},
)

_PUBLIC_ACCESS = "blockPublicAcls blockPublicPolicy ignorePublicAcls restrictPublicBuckets"

_PUBLIC_ACCESS_BLOCK = _aspect(
    "bucketPublicAccessBlock",
    "put_public_access_block",
    "get_public_access_block",
    "delete_public_access_block",
    owned=False,
    renames=under("PublicAccessBlockConfiguration", _PUBLIC_ACCESS),
    defaults=dict.fromkeys(_PUBLIC_ACCESS.split(), False),
    provider_only="skipDestroy",
)

_OWNERSHIP = _aspect(
    "bucketOwnershipControls",
    "put_bucket_ownership_controls",
    "get_bucket_ownership_controls",
    "delete_bucket_ownership_controls",
    owned=False,
    renames={"rule": "OwnershipControls.Rules"},
)

_POLICY = _aspect(
    "bucketPolicy",
    "put_bucket_policy",
    "get_bucket_policy",
    "delete_bucket_policy",
    owned=False,
    rules={"policy": rules.policy_document},
)


def _with_filters(inputs: Inputs) -> dict[str, Any]:
    """S3 requires a filter in every rule; without one the rule is for all objects."""
    given = inputs.get("rules")
    if not isinstance(given, list):
        return dict(inputs)
    return {**inputs, "rules": [_with_filter(rule) if isinstance(rule, dict) else rule for rule in given]}


def _with_filter(rule: dict[str, Any]) -> dict[str, Any]:
    return rule if rule.get("filter") or rule.get("prefix") else {**rule, "filter": {"prefix": ""}}


_LIFECYCLE_ACTIONS = "abortIncompleteMultipartUpload expiration noncurrentVersionExpiration "
_LIFECYCLE_ACTIONS += "noncurrentVersionTransitions transitions"


def _lifecycle_rules(inputs: Inputs) -> list[CheckFailure]:
    given = inputs.get("rules")
    actions = set(_LIFECYCLE_ACTIONS.split())
    return [
        CheckFailure(f"rules[{index}]", "needs at least one action: an expiration, a transition or an abort")
        for index, rule in enumerate(given if isinstance(given, list) else [])
        if isinstance(rule, dict) and not actions & rule.keys()
    ]


_LIFECYCLE = _aspect(
    "bucketLifecycleConfiguration",
    "put_bucket_lifecycle_configuration",
    "get_bucket_lifecycle_configuration",
    "delete_bucket_lifecycle",
    prepare=_with_filters,
    renames={"rules": "LifecycleConfiguration.Rules"},
    attributes={"rules": "Rules", "transitionDefaultMinimumObjectSize": constant("all_storage_classes_128K")},
    absent_outputs="expectedBucketOwner",
    provider_only="timeouts",
    validate=_lifecycle_rules,
)

_OBJECT_LOCK = _aspect(
    "bucketObjectLockConfiguration",
    "put_object_lock_configuration",
    "get_object_lock_configuration",
    # A lock is permanent: only the rule for future objects can be removed.
    call("put_object_lock_configuration", Bucket="id", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}),
    renames=under("ObjectLockConfiguration", "objectLockEnabled rule"),
    defaults={"objectLockEnabled": "Enabled"},
    unread="token",
)

_LOGGING = _aspect(
    "bucketLogging",
    "put_bucket_logging",
    "get_bucket_logging",
    call("put_bucket_logging", Bucket="id", BucketLoggingStatus={}),
    renames=under("BucketLoggingStatus.LoggingEnabled", "targetBucket targetPrefix targetGrants targetObjectKeyFormat"),
    attributes=under("LoggingEnabled", "targetBucket targetPrefix targetGrants"),
    # The emulator forgets the key format.
    unread="targetObjectKeyFormat",
    refers={"targetBucket": references.BUCKET},
)


def _replication_rules(inputs: Inputs) -> list[CheckFailure]:
    """What S3 demands of rules with a filter."""
    listed = inputs.get("rules")
    known = [rule for rule in (listed if isinstance(listed, list) else []) if isinstance(rule, dict)]
    failures = [
        CheckFailure(f"rules[{index}].deleteMarkerReplication", "must be given together with filter")
        for index, rule in enumerate(known)
        if rule.get("filter") is not None and rule.get("deleteMarkerReplication") is None
    ]
    failures += [
        CheckFailure(f"rules[{index}].destination.encryptionConfiguration", "must be given for objects under a KMS key")
        for index, rule in enumerate(known)
        if isinstance(rule.get("sourceSelectionCriteria"), dict)
        and rule["sourceSelectionCriteria"].get("sseKmsEncryptedObjects")
        and isinstance(rule.get("destination"), dict)
        and not rule["destination"].get("encryptionConfiguration")
    ]
    priorities = [rule.get("priority") for rule in known]
    if len(known) > 1 and len(set(map(str, priorities))) < len(priorities):
        failures.append(CheckFailure("rules[1].priority", "must be given and different in every rule"))
    return failures


_REPLICATION = _aspect(
    "bucketReplicationConfig",
    "put_bucket_replication",
    "get_bucket_replication",
    "delete_bucket_replication",
    owned=False,
    renames={"rules": "ReplicationConfiguration.Rules", "role": "ReplicationConfiguration.Role"},
    # The emulator keeps all of a rule and reports its id and destination.
    unread="rules token",
    validate=_replication_rules,
    rules={"role": rules.arn, "rules.destination.bucket": rules.matches(r"arn:aws:s3:::.+", "the ARN of a bucket")},
    refers={
        "role": references.ROLE,
        "rules.destination.bucket": references.BUCKET,
        "rules.destination.encryptionConfiguration.replicaKmsKeyId": references.KMS_KEY,
    },
)

TYPES = (
    *(_BUCKET, _VERSIONING, _ENCRYPTION, _PUBLIC_ACCESS_BLOCK, _OWNERSHIP),
    *(_POLICY, _LIFECYCLE, _OBJECT_LOCK, _LOGGING, _REPLICATION),
)
