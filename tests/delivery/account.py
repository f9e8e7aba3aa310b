"""An account in moto with the bucket of releases, and stack files that a test may change."""

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import boto3

from bootstrap.stack_file import ROOT

ACCOUNTS = {"production": "111122223333", "staging": "444455556666"}
REGION = "us-east-1"
NO_SHA256 = "0" * 64


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def bucket_name(stack: str) -> str:
    return f"fixrx-backups-{stack}-{ACCOUNTS[stack]}"


def make_bucket(stack: str) -> str:
    """The backup bucket as the stack makes it: object lock, and so every version kept."""
    name = bucket_name(stack)
    s3 = client("s3")
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    return name


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put_release(stack: str, release: str, commit: str = "", *, sha256: str | None = None) -> str:
    """An archive in the bucket whose content is its name; returns the digest that is noted beside it."""
    content = release.encode()
    noted = sha256_of(content) if sha256 is None else sha256
    client("s3").put_object(
        Bucket=bucket_name(stack),
        Key=f"releases/{release}.tar.gz",
        Body=content,
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=base64.b64encode(hashlib.sha256(content).digest()).decode(),
        Metadata={name: value for name, value in (("sha256", noted), ("commit", commit)) if value},
    )
    return noted


def serve(stack: str, release: str) -> None:
    """What a deployment notes when a release serves."""
    value = {"release": release, "sha256": sha256_of(release.encode()), "template": 7}
    client("ssm").put_parameter(Name=f"/fixrx/{stack}/released", Value=json.dumps(value), Type="String", Overwrite=True)


def stack_files(folder: Path) -> Path:
    """Copies of both stacks' files."""
    folder.mkdir()
    for stack in ACCOUNTS:
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", folder)
    return folder


def releases_in(stack: str) -> list[str]:
    """What the bucket shows."""
    found = client("s3").list_objects_v2(Bucket=bucket_name(stack)).get("Contents", [])
    return [each["Key"] for each in found]
