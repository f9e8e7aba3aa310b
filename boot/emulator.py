"""What a boot reads from the emulator as AWS would tell it, and what a person or a workflow supplies there before."""

import base64
import json
import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

from sandbox import PLACEHOLDER, UserError

SECRET_CHARACTERS = string.ascii_letters + string.digits
SECRET_LENGTH = 40
AWKWARD = """ a'b"c`d$HOME\\e#f%n=g;\nsecond line\\"""
"""Ends a made-up secret: everything that shells, systemd and JSON treat specially."""


@dataclass(frozen=True, kw_only=True)
class LaunchTemplate:
    """The version of a launch template that the Auto Scaling group starts servers from."""

    image_id: str
    instance_type: str
    user_data: bytes
    profile_arn: str
    tokens_required: bool


class Instance:
    """A server as EC2 knows it, which the virtual machine stands for."""

    def __init__(self, emulator: "Emulator", record: Mapping[str, Any], launch_template: LaunchTemplate) -> None:
        self._emulator = emulator
        self.launch_template = launch_template
        self.id = str(record["InstanceId"])
        self.address = str(record["PrivateIpAddress"])
        self.availability_zone = str(record["Placement"]["AvailabilityZone"])
        self.region = emulator.region
        self.account_id = launch_template.profile_arn.split(":")[4]
        self.network = str(
            emulator.client("ec2").describe_subnets(SubnetIds=[record["SubnetId"]])["Subnets"][0]["CidrBlock"]
        )
        name = launch_template.profile_arn.rpartition("/")[2]
        profile = emulator.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        [role] = profile["Roles"]
        self.role_name = str(role["RoleName"])
        self._role_arn = str(role["Arn"])

    def credentials(self) -> Mapping[str, str]:
        """Session credentials of the server's role, as the metadata service tells them."""
        issued = self._emulator.client("sts").assume_role(RoleArn=self._role_arn, RoleSessionName=self.id)
        credentials = issued["Credentials"]
        return {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": str(credentials["AccessKeyId"]),
            "SecretAccessKey": str(credentials["SecretAccessKey"]),
            "Token": str(credentials["SessionToken"]),
            "LastUpdated": "2026-01-01T00:00:00Z",
            "Expiration": credentials["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


class Emulator:
    """The emulator of one deployed stack."""

    def __init__(self, home: Path, region: str) -> None:
        """`home` is the stack's folder in the sandbox. Raises UserError if no emulator runs there."""
        record = home / "emulator.json"
        if not record.exists():
            raise UserError(f"No emulator runs for {home}: run `make up` first.")
        self.url = f"http://127.0.0.1:{json.loads(record.read_text())['port']}"
        self.region = region
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client of boto3, made once."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.url,
                region_name=self.region,
                aws_access_key_id="sandbox",
                aws_secret_access_key="sandbox",
            )
        return self._clients[service]

    def _group(self) -> Mapping[str, Any]:
        groups: Sequence[Mapping[str, Any]] = self.client("autoscaling").describe_auto_scaling_groups()[
            "AutoScalingGroups"
        ]
        if len(groups) != 1:
            raise UserError(f"The stack has {len(groups)} Auto Scaling groups, and one is needed: run `make up` first.")
        return groups[0]

    def launch_template(self) -> LaunchTemplate:
        """The version that the Auto Scaling group starts servers from."""
        reference = self._group()["LaunchTemplate"]
        [version] = self.client("ec2").describe_launch_template_versions(
            LaunchTemplateId=reference["LaunchTemplateId"], Versions=[reference["Version"]]
        )["LaunchTemplateVersions"]
        data = version["LaunchTemplateData"]
        return LaunchTemplate(
            image_id=data["ImageId"],
            instance_type=data["InstanceType"],
            user_data=base64.b64decode(data["UserData"]),
            profile_arn=data["IamInstanceProfile"]["Arn"],
            tokens_required=data["MetadataOptions"]["HttpTokens"] == "required",
        )

    def instances(self) -> Sequence[Instance]:
        """The servers of the Auto Scaling group."""
        template = self.launch_template()
        identifiers = [each["InstanceId"] for each in self._group()["Instances"]]
        reservations = self.client("ec2").describe_instances(InstanceIds=identifiers)["Reservations"]
        return [Instance(self, record, template) for each in reservations for record in each["Instances"]]

    def target_port(self) -> int:
        """The port on which the load balancer reaches a server."""
        arns = self._group()["TargetGroupARNs"]
        [group] = self.client("elbv2").describe_target_groups(TargetGroupArns=arns)["TargetGroups"]
        return int(group["Port"])

    def secret(self, arn: str) -> str | None:
        """A secret's value, or None if it has none yet."""
        client = self.client("secretsmanager")
        try:
            return str(client.get_secret_value(SecretId=arn)["SecretString"])
        except client.exceptions.ResourceNotFoundException:
            return None

    def put_secret(self, arn: str, value: str) -> None:
        """Writes a secret's value, as a person does."""
        self.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=value)

    def supply_secrets(self, arns: Mapping[str, str]) -> Mapping[str, str]:
        """Writes a made-up value into each secret that a person supplies; returns all, by environment variable."""
        values = {}
        for variable, arn in arns.items():
            value = self.secret(arn)
            if value in (None, PLACEHOLDER):
                value = made_up_secret()
                self.put_secret(arn, value)
            values[variable] = value
        return values

    def upload(self, bucket: str, key: str, content: bytes, metadata: Mapping[str, str]) -> None:
        """Puts an object into a bucket, within without_policy."""
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=content, Metadata=dict(metadata))

    def delete(self, bucket: str, key: str) -> None:
        """Deletes an object, so that it looks as if it had never been there, within without_policy."""
        self.client("s3").delete_object(Bucket=bucket, Key=key)

    @contextmanager
    def without_policy(self, bucket: str) -> Iterator[None]:
        """Takes a bucket's policy away for a while.

        It denies requests without TLS, and the emulator applies a denial without its condition, to every request.
        """
        client = self.client("s3")
        policy = self._take_policy(client, bucket)
        try:
            yield
        finally:
            if policy is not None:
                client.put_bucket_policy(Bucket=bucket, Policy=policy)

    @staticmethod
    def _take_policy(client: Any, bucket: str) -> str | None:
        try:
            policy = str(client.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
                raise
            return None
        client.delete_bucket_policy(Bucket=bucket)
        return policy


def made_up_secret() -> str:
    """A value that is found nowhere by chance, with every character that could be mangled on the way."""
    return "".join(SystemRandom().choices(SECRET_CHARACTERS, k=SECRET_LENGTH)) + AWKWARD


def searchable(value: str) -> Sequence[str]:
    """The part of a secret's value that may appear nowhere: its password if it is a URL, else its first word."""
    if password := urlsplit(value).password if "://" in value else None:
        return [password]
    return value.split()[:1]
