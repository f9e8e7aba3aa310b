"""The bucket and the key of the state, made in moto: at once, only once, repaired, and never somebody else's.

moto does not refuse a call for `ExpectedBucketOwner`, and does not judge policies.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bootstrap import __main__ as command
from bootstrap.access import Access, CommandError, NoAccess
from bootstrap.stack_file import StackFile, read_stack_file
from bootstrap.state_bucket import ForeignBucket, StateBucket
from bootstrap.state_key import ALIAS, StateKey

ACCOUNT = "111122223333"
BUCKET = f"fixrx-pulumi-state-{ACCOUNT}"
TAGS = {"Project": "fixrx", "Owner": "ops@fixrx.com", "ManagedBy": "bootstrap"}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


def client(service: str, region: str = "us-east-1") -> Any:
    return boto3.client(service, region_name=region)


def access(region: str = "us-east-1") -> Access:
    return Access(account_id=ACCOUNT, region=region)


def state_bucket() -> StateBucket:
    return StateBucket(access(), BUCKET, TAGS)


def state_key(arn: str | None = None) -> StateKey:
    return StateKey(access(), arn, TAGS)


def everything_about_bucket() -> dict[str, Any]:
    s3 = client("s3")
    return {
        "versioning": s3.get_bucket_versioning(Bucket=BUCKET)["Status"],
        "encryption": s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"],
        "public": s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"],
        "ownership": s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"],
        "lifecycle": s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"],
        "policy": json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]),
        "tags": {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]},
    }


def test_the_bucket_is_versioned_encrypted_private_and_not_deleted() -> None:
    command.ensure(state_bucket())

    everything = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    denied = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": everything}
    assert everything_about_bucket() == {
        "versioning": "Enabled",
        "encryption": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}],
        "public": {
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
        "ownership": [{"ObjectOwnership": "BucketOwnerEnforced"}],
        "lifecycle": [
            {
                "ID": "expire-old-versions",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                "Expiration": {"ExpiredObjectDeleteMarker": True},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
            }
        ],
        "policy": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    **denied,
                    "Action": "s3:*",
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
                {
                    "Sid": "OwnAccountOnly",
                    **denied,
                    "Action": "s3:*",
                    "Condition": {
                        "StringNotEquals": {"aws:PrincipalAccount": ACCOUNT},
                        "Bool": {"aws:PrincipalIsAWSService": "false"},
                    },
                },
                {"Sid": "NoDeletion", **denied, "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"]},
            ],
        },
        "tags": TAGS,
    }


def test_the_key_is_used_with_a_stacks_context_only_and_not_deleted() -> None:
    key = state_key()
    command.ensure(key)

    kms = client("kms")
    policy = json.loads(kms.get_key_policy(KeyId=key.key_id, PolicyName="default")["Policy"])
    denied = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": "*"}
    assert policy["Statement"][:3] == [
        {
            "Sid": "AccountAdministers",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "StackContextOnly",
            **denied,
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            "Condition": {"Null": {"kms:EncryptionContext:stack": "true"}},
        },
        {
            "Sid": "NoDeletion",
            **denied,
            "Action": ["kms:DeleteAlias", "kms:DisableKey", "kms:ScheduleKeyDeletion"],
        },
    ]
    assert kms.get_key_rotation_status(KeyId=key.key_id)["KeyRotationEnabled"] is True
    assert kms.describe_key(KeyId=ALIAS)["KeyMetadata"]["Arn"] == key.arn


@pytest.mark.parametrize("make", [state_bucket, state_key])
def test_a_second_run_changes_nothing(make: Any) -> None:
    assert command.ensure(make())[0] == "is new"

    assert command.ensure(make()) == []
    assert len(client("kms").list_keys()["Keys"]) <= 1


BREAKAGES = {
    "blocks public access": lambda s3: s3.put_public_access_block(
        Bucket=BUCKET,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": True,
        },
    ),
    "has no access control lists": lambda s3: s3.put_bucket_ownership_controls(
        Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "encrypts with S3's own key (SSE-S3)": lambda s3: s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "k"}}]
        },
    ),
    "keeps earlier versions": lambda s3: s3.put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"}
    ),
    "deletes earlier versions after 90 days": lambda s3: s3.delete_bucket_lifecycle(Bucket=BUCKET),
    "accepts TLS only, no other account, and no deletion": lambda s3: s3.delete_bucket_policy(Bucket=BUCKET),
    "has the project's tags": lambda s3: s3.put_bucket_tagging(
        Bucket=BUCKET, Tagging={"TagSet": [{"Key": "Project", "Value": "other"}]}
    ),
}


@pytest.mark.parametrize("feature", BREAKAGES)
def test_one_missing_feature_of_the_bucket_is_repaired(feature: str) -> None:
    command.ensure(state_bucket())
    right = everything_about_bucket()

    BREAKAGES[feature](client("s3"))

    assert command.ensure(state_bucket()) == [feature]
    assert everything_about_bucket() == right


def test_every_feature_of_the_bucket_has_been_broken_once() -> None:
    assert {feature.description for feature in state_bucket().features()} == set(BREAKAGES)


@pytest.mark.parametrize(
    ("feature", "breakage"),
    [
        ("is enabled", lambda kms, key: kms.disable_key(KeyId=key)),
        ("rotates every year", lambda kms, key: kms.disable_key_rotation(KeyId=key)),
        (
            "is used with a stack's encryption context only, and not deleted",
            lambda kms, key: kms.put_key_policy(
                KeyId=key, PolicyName="default", Policy=json.dumps({"Version": "2012-10-17", "Statement": []})
            ),
        ),
        ("has the project's tags", lambda kms, key: kms.untag_resource(KeyId=key, TagKeys=["Owner"])),
    ],
)
def test_one_missing_feature_of_the_key_is_repaired(feature: str, breakage: Any) -> None:
    key = state_key()
    command.ensure(key)

    breakage(client("kms"), key.key_id)

    assert command.ensure(state_key()) == [feature]
    assert command.ensure(state_key()) == []


def test_what_others_added_stays() -> None:
    command.ensure(state_bucket())
    s3 = client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=BUCKET)["Policy"])
    added = {"Sid": "Auditor", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}
    # The state of this statement is not what it should be, so the policy is written again.
    policy["Statement"] = [{**policy["Statement"][0], "Effect": "Allow"}, added]
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))
    s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "Team", "Value": "platform"}]})

    command.ensure(state_bucket())

    found = everything_about_bucket()
    assert [statement["Sid"] for statement in found["policy"]["Statement"]] == [
        "TlsOnly",
        "OwnAccountOnly",
        "NoDeletion",
        "Auditor",
    ]
    assert found["policy"]["Statement"][0]["Effect"] == "Deny"
    assert found["tags"] == {"Team": "platform", **TAGS}


def test_a_bucket_of_another_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")
    client("s3").create_bucket(Bucket=BUCKET)
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)

    with pytest.raises(ForeignBucket, match=f"{BUCKET} exists and is not of account {ACCOUNT}: nothing was changed"):
        command.run("production")

    assert ALIAS not in {each["AliasName"] for each in client("kms").list_aliases()["Aliases"]}


def test_a_bucket_that_another_account_makes_meanwhile_is_refused() -> None:
    """S3 answers "already exists" only if the bucket is somebody else's."""
    bucket = state_bucket()

    def taken(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "BucketAlreadyExists"}}, "CreateBucket")

    bucket._s3.create_bucket = taken

    with pytest.raises(ForeignBucket):
        bucket.create()


def test_every_call_about_the_bucket_names_its_owner() -> None:
    """AWS then refuses the call for a bucket of somebody else. Creating and listing have no such parameter."""
    seen: dict[str, Any] = {}
    bucket = state_bucket()
    bucket._s3.meta.events.register(
        "before-parameter-build.s3", lambda params, model, **_: seen.update({model.name: dict(params)})
    )

    command.ensure(bucket)

    without = {name for name, params in seen.items() if params.get("ExpectedBucketOwner") != ACCOUNT}
    assert without == {"ListBuckets", "HeadBucket", "CreateBucket"}
    assert len(seen) == 16


def test_a_bucket_in_another_region_is_refused() -> None:
    client("s3", "eu-central-1").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )

    with pytest.raises(CommandError, match=r"is in eu-central-1, and the stack's account.region is us-east-1: nothing"):
        command.run("production")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_the_bucket_is_made_in_the_stacks_region(region: str) -> None:
    bucket = StateBucket(access(region), BUCKET, TAGS)

    command.ensure(bucket)

    assert bucket.region() == region


def test_a_key_that_is_about_to_be_deleted_stops_the_command() -> None:
    key = state_key()
    command.ensure(key)
    client("kms").schedule_key_deletion(KeyId=key.key_id, PendingWindowInDays=7)

    with pytest.raises(CommandError, match=f"aws kms cancel-key-deletion --region us-east-1 --key-id {key.key_id}"):
        state_key().exists()


def test_a_key_that_the_settings_name_and_that_is_not_there_stops_the_command() -> None:
    with pytest.raises(CommandError, match="state_key_arn does not exist in account 111122223333"):
        state_key("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab").exists()


def test_a_key_that_the_settings_name_is_used() -> None:
    arn = client("kms").create_key()["KeyMetadata"]["Arn"]

    command.ensure(state_key(arn))

    assert [each["KeyArn"] for each in client("kms").list_keys()["Keys"]] == [arn]


def test_credentials_of_another_account_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "999999999999")

    with pytest.raises(NoAccess, match=r"are of account 999999999999, and the stack's account.id is 111122223333"):
        command.run("production")

    assert client("s3").list_buckets()["Buckets"] == []


def test_the_commands_that_follow_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    command.run("production")

    key_id = client("kms").describe_key(KeyId=ALIAS)["KeyMetadata"]["KeyId"]
    lines = capsys.readouterr().out.splitlines()
    assert f"  pulumi login 's3://{BUCKET}?region=us-east-1'" in lines
    assert (
        "  pulumi stack init production --secrets-provider "
        f"'awskms://{key_id}?region=us-east-1&context_stack=production'" in lines
    )
    assert f"    state_key_arn: arn:aws:kms:us-east-1:{ACCOUNT}:key/{key_id}" in lines
    assert "  git add Pulumi.production.yaml" in lines


def test_an_error_is_one_sentence_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bootstrap", "--stack", "nowhere"])

    assert command.main() == 1
    assert capsys.readouterr().err == ("error: There is no stack of that name; the stacks are production, staging.\n")


def stack_file(folder: Path, **content: Any) -> StackFile:
    config = {
        "fixrx:environment": "staging",
        "fixrx:account": {"id": ACCOUNT},
        "fixrx:network": {"availability_zones": ["us-east-1a", "us-east-1b"]},
        "fixrx:app_servers": {"image_id": "ami-08a311a6aaa3cd94a", "release": "1.0.0", "release_sha256": "0" * 64},
    }
    (folder / "Pulumi.staging.yaml").write_text(json.dumps({"config": config, **content}))
    return read_stack_file("staging", folder)


def test_the_encryption_of_a_stacks_secrets_is_read_from_its_file(tmp_path: Path) -> None:
    file = stack_file(
        tmp_path, secretsprovider="awskms://k?region=us-east-1&context_stack=staging", encryptedkey="AQID"
    )

    assert (file.encryption_context, file.encrypted_key) == ("staging", "AQID")
    assert stack_file(tmp_path).encryption_context is None


@pytest.mark.parametrize("name", ["../production", "production/..", "", "nowhere"])
def test_a_name_that_is_no_stack_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="the stacks are production, staging"):
        read_stack_file(name)


@pytest.mark.parametrize("text", ["config: [", "config: 1", "[]", ""])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.staging.yaml").write_text(text)

    with pytest.raises(CommandError, match=r"^Pulumi\.staging\.yaml (is not valid YAML|has no section config)"):
        read_stack_file("staging", tmp_path)
