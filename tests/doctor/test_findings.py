"""Every check against moto, where things are right and where they are wrong: the exact finding of each.

moto confirms a subscription by itself, knows no default quotas, and has no registrar: those answers are put in place.
"""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from bootstrap.__main__ import ensure
from bootstrap.commands import access_to, tags
from bootstrap.stack_file import StackFile, read_stack_file
from bootstrap.state_bucket import StateBucket
from bootstrap.state_key import ALIAS, StateKey
from doctor.context import Context
from doctor.finding import Check, Finding, Status
from doctor.run import CHECKS, CREDENTIALS

ACCOUNT = "111122223333"
STATE_BUCKET = f"fixrx-pulumi-state-{ACCOUNT}"
BACKUPS = f"fixrx-backups-production-{ACCOUNT}"
GITHUB_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
OWN_TAGS = [{"Key": "Project", "Value": "fixrx"}, {"Key": "Environment", "Value": "production"}]
ARM_IMAGE = "ami-08a311a6aaa3cd94a"
X86_IMAGE = "ami-03c3da4cfa8e8943a"
"""Both are in moto's list of images, which is AWS's."""
FIND_IMAGE = (
    "aws ssm get-parameter --region us-east-1 --query Parameter.Value --output text "
    "--name /aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    # AWS's zone ids begin with this letter, and moto's with any.
    monkeypatch.setattr("moto.route53.models.create_route53_zone_id", lambda **_: f"Z{uuid.uuid4().hex[:20].upper()}")
    with mock_aws():
        yield


@dataclass
class Situation:
    """An account and a stack's file, which a case changes before the check looks at them."""

    folder: Path
    config: dict[str, Any]
    file_content: dict[str, Any] = field(default_factory=dict)
    name_servers: frozenset[str] | None = None
    zone_id: str = ""
    key_id: str = ""

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="us-east-1")

    def set(self, section: str, **values: Any) -> None:
        self.config[f"fixrx:{section}"] = {**self.config.get(f"fixrx:{section}", {}), **values}

    def file(self) -> StackFile:
        content = {"config": self.config, **self.file_content}
        (self.folder / "Pulumi.production.yaml").write_text(json.dumps(content))
        return read_stack_file("production", self.folder)

    def context(self) -> Context:
        file = self.file()
        return Context(file=file, access=access_to(file), name_servers_of=lambda _: self.name_servers)

    def make_bucket(self) -> None:
        file = self.file()
        ensure(StateBucket(access_to(file), STATE_BUCKET, tags(file)))
        self.set("continuous_integration", state_bucket=STATE_BUCKET)

    def make_key(self) -> None:
        file = self.file()
        key = StateKey(access_to(file), None, tags(file))
        ensure(key)
        self.key_id = key.key_id
        self.set("continuous_integration", state_key_arn=key.arn)

    def make_zone(self, tagged: bool = True, name: str = "fixrx.com", private: bool = False) -> None:
        route53 = self.client("route53")
        config = {"PrivateZone": private}
        vpc = {"VPC": {"VPCRegion": "us-east-1", "VPCId": self.first_vpc()}} if private else {}
        zone = route53.create_hosted_zone(Name=name, CallerReference=name, HostedZoneConfig=config, **vpc)
        self.zone_id = zone["HostedZone"]["Id"].rpartition("/")[2]
        if tagged:
            route53.change_tags_for_resource(ResourceType="hostedzone", ResourceId=self.zone_id, AddTags=OWN_TAGS)

    def first_vpc(self) -> str:
        return str(self.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])

    def servers_of_zone(self) -> frozenset[str]:
        zone = self.client("route53").get_hosted_zone(Id=self.zone_id)
        # A private zone has none.
        return frozenset(zone.get("DelegationSet", {}).get("NameServers", []))

    def make_secret(self, variable: str, value: str | None) -> None:
        secrets = self.client("secretsmanager")
        name = f"fixrx/production/{variable}-20261125"
        secrets.create_secret(Name=name, **({} if value is None else {"SecretString": value}))

    def make_release(self, body: bytes) -> None:
        self.client("s3").create_bucket(Bucket=BACKUPS)
        self.client("s3").put_object(Bucket=BACKUPS, Key="releases/1.0.0.tar.gz", Body=body)


@pytest.fixture
def situation(tmp_path: Path) -> Situation:
    return Situation(
        folder=tmp_path,
        config={
            "fixrx:environment": "production",
            "fixrx:account": {"id": ACCOUNT},
            "fixrx:network": {"availability_zones": ["us-east-1a", "us-east-1b", "us-east-1c"]},
            "fixrx:app_servers": {"image_id": ARM_IMAGE, "release": "1.0.0", "release_sha256": "0" * 64},
            "fixrx:continuous_integration": {"repository": "fixrx/fixrx-infrastructure"},
        },
    )


Arrange = Callable[[Situation], None]
Case = tuple[str, str, Arrange, Status, str, str]
"""Its name, the title of the check, what is arranged, and the finding: status, sentence, command."""


def nothing(_: Situation) -> None:
    """The account is new."""


def all_of(*steps: Arrange) -> Arrange:
    def arrange(situation: Situation) -> None:
        for step in steps:
            step(situation)

    return arrange


def setting(section: str, **values: Any) -> Arrange:
    return lambda situation: situation.set(section, **values)


def provider(text: str, key: str | None = "AQID") -> Arrange:
    """secretsprovider and encryptedkey of the stack's file; KEY stands for the key's id."""

    def arrange(situation: Situation) -> None:
        situation.file_content = {
            "secretsprovider": text.replace("KEY", situation.key_id),
            **({"encryptedkey": key} if key else {}),
        }

    return arrange


def register_github(tagged: bool) -> Arrange:
    def arrange(situation: Situation) -> None:
        situation.client("iam").create_open_id_connect_provider(
            Url="https://token.actions.githubusercontent.com",
            ClientIDList=["sts.amazonaws.com"],
            Tags=OWN_TAGS if tagged else [],
        )

    return arrange


def public_dns(*servers: str, right: bool = False) -> Arrange:
    def arrange(situation: Situation) -> None:
        situation.name_servers = situation.servers_of_zone() if right else frozenset(servers)

    return arrange


def adopt_zone(situation: Situation) -> None:
    situation.set("dns", hosted_zone_id="Z0123456789ABC" if not situation.zone_id else situation.zone_id)


def own_image(situation: Situation) -> None:
    """An image of the account itself, with the stack's tags."""
    ec2 = situation.client("ec2")
    instance = ec2.run_instances(ImageId=ARM_IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    specification = [{"ResourceType": "image", "Tags": OWN_TAGS}]
    image = ec2.create_image(InstanceId=instance, Name="own-image", TagSpecifications=specification)["ImageId"]
    situation.set("app_servers", image_id=image)


def addresses(count: int, tagged: bool = False) -> Arrange:
    def arrange(situation: Situation) -> None:
        for _ in range(count):
            found = situation.client("ec2").allocate_address(Domain="vpc")
            if tagged:
                situation.client("ec2").create_tags(Resources=[found["AllocationId"]], Tags=OWN_TAGS)

    return arrange


def vpcs(count: int, tagged: bool = False) -> Arrange:
    def arrange(situation: Situation) -> None:
        for _ in range(count):
            specification = [{"ResourceType": "vpc", "Tags": OWN_TAGS}] if tagged else []
            situation.client("ec2").create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)

    return arrange


def gateways(count: int) -> Arrange:
    """NAT gateways of others, in the zone us-east-1a."""

    def arrange(situation: Situation) -> None:
        ec2 = situation.client("ec2")
        subnets = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": ["us-east-1a"]}])["Subnets"]
        for _ in range(count):
            ec2.create_nat_gateway(SubnetId=subnets[0]["SubnetId"], ConnectivityType="private")

    return arrange


def instances(count: int, instance_type: str) -> Arrange:
    def arrange(situation: Situation) -> None:
        situation.client("ec2").run_instances(
            ImageId=ARM_IMAGE, InstanceType=instance_type, MinCount=count, MaxCount=count
        )

    return arrange


def databases(count: int) -> Arrange:
    def arrange(situation: Situation) -> None:
        for number in range(count):
            situation.client("rds").create_db_instance(
                DBInstanceIdentifier=f"db-{number}",
                Engine="postgres",
                DBInstanceClass="db.m7g.large",
                MasterUsername="root",
                MasterUserPassword="password",
                AllocatedStorage=20,
            )

    return arrange


BOOTSTRAP = "make bootstrap STACK=production"
EDIT = "$EDITOR Pulumi.production.yaml"
LIST_ZONES = "aws route53 list-hosted-zones-by-name --dns-name fixrx.com"
LIST_PROVIDERS = "aws iam list-open-id-connect-providers"
SECRETS_PROVIDER = "awskms://KEY?region=us-east-1&context_stack=production"
CHANGE_PROVIDER = f"pulumi stack change-secrets-provider --stack production '{SECRETS_PROVIDER}'"

CASES: list[Case] = [
    (
        "credentials of the account",
        "Credentials",
        nothing,
        Status.OK,
        f"The credentials are arn:aws:sts::{ACCOUNT}:user/moto, of account {ACCOUNT}.",
        "",
    ),
    (
        "credentials of another account",
        "Credentials",
        setting("account", id="444455556666"),
        Status.MISSING,
        "The credentials are of account 111122223333, and the stack's account.id is 444455556666; sign in to that "
        "account.",
        "aws configure sso --profile PROFILE && export AWS_PROFILE=PROFILE",
    ),
    (
        "region and zones",
        "Region",
        nothing,
        Status.OK,
        "us-east-1 is enabled, and so are its zones us-east-1a, us-east-1b, us-east-1c.",
        "",
    ),
    (
        "a zone that the account does not have",
        "Region",
        all_of(
            setting("account", id=ACCOUNT, region="eu-west-3"),
            setting("network", availability_zones=["eu-west-3a", "eu-west-3b", "eu-west-3d"]),
        ),
        Status.MISSING,
        "network.availability_zones names eu-west-3d, which the account does not have in eu-west-3.",
        "aws ec2 describe-availability-zones --region eu-west-3 --query 'AvailabilityZones[].ZoneName'",
    ),
    (
        "a region that is not enabled",
        "Region",
        all_of(
            setting("account", id=ACCOUNT, region="ap-east-1"),
            setting("network", availability_zones=["ap-east-1a", "ap-east-1b", "ap-east-1c"]),
        ),
        Status.MISSING,
        "The account has not enabled the region ap-east-1.",
        "aws account enable-region --region-name ap-east-1",
    ),
    (
        "no state bucket",
        "State bucket",
        nothing,
        Status.MISSING,
        f"The bucket {STATE_BUCKET} of Pulumi's state does not exist.",
        BOOTSTRAP,
    ),
    (
        "the state bucket",
        "State bucket",
        Situation.make_bucket,
        Status.OK,
        f"The bucket {STATE_BUCKET} is versioned, encrypted and private.",
        "",
    ),
    (
        "a state bucket that keeps no versions and is encrypted with KMS",
        "State bucket",
        all_of(
            Situation.make_bucket,
            lambda situation: situation.client("s3").put_bucket_versioning(
                Bucket=STATE_BUCKET, VersioningConfiguration={"Status": "Suspended"}
            ),
            lambda situation: situation.client("s3").put_bucket_encryption(
                Bucket=STATE_BUCKET,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
                },
            ),
        ),
        Status.MISSING,
        f"The bucket {STATE_BUCKET} lacks something that it should have: encrypts with S3's own key (SSE-S3), keeps "
        "earlier versions.",
        BOOTSTRAP,
    ),
    (
        "a state bucket that the settings do not name",
        "State bucket",
        all_of(
            Situation.make_bucket,
            lambda situation: situation.config["fixrx:continuous_integration"].pop("state_bucket"),
        ),
        Status.MISSING,
        f"The bucket {STATE_BUCKET} is there, but no workflow may use it: set continuous_integration.state_bucket.",
        EDIT,
    ),
    (
        "a state bucket in another region",
        "State bucket",
        all_of(
            Situation.make_bucket,
            setting("account", id=ACCOUNT, region="us-east-2"),
            setting("network", availability_zones=["us-east-2a", "us-east-2b", "us-east-2c"]),
        ),
        Status.MISSING,
        f"The bucket {STATE_BUCKET} is in us-east-1, and account.region is us-east-2; set "
        "continuous_integration.state_bucket to another name.",
        EDIT,
    ),
    (
        "no state key",
        "State key",
        nothing,
        Status.MISSING,
        "The KMS key of the state's secrets does not exist.",
        BOOTSTRAP,
    ),
    (
        "the state key",
        "State key",
        Situation.make_key,
        Status.OK,
        "The KMS key of the state's secrets is enabled, rotates, and demands the stack's encryption context.",
        "",
    ),
    (
        "a state key that is disabled",
        "State key",
        all_of(Situation.make_key, lambda situation: situation.client("kms").disable_key(KeyId=situation.key_id)),
        Status.MISSING,
        "The KMS key lacks something that it should have: is enabled.",
        BOOTSTRAP,
    ),
    (
        "a state key that the settings do not name",
        "State key",
        all_of(
            Situation.make_key,
            lambda situation: situation.config["fixrx:continuous_integration"].pop("state_key_arn"),
        ),
        Status.MISSING,
        "The KMS key is there, but no workflow may use it: set continuous_integration.state_key_arn to "
        f"arn:aws:kms:us-east-1:{ACCOUNT}:key/KEY.",
        EDIT,
    ),
    (
        "a state key that does not exist",
        "State key",
        setting(
            "continuous_integration",
            state_key_arn=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ),
        Status.MISSING,
        f"The key of continuous_integration.state_key_arn does not exist in account {ACCOUNT}; correct the setting, or "
        f"remove it to use {ALIAS}.",
        EDIT,
    ),
    (
        "a stack that is not made",
        "Secrets provider",
        Situation.make_key,
        Status.MISSING,
        "Pulumi.production.yaml has no secretsprovider and encryptedkey: the stack is not made yet, or the two lines "
        "were not committed.",
        f"pulumi stack init production --secrets-provider '{SECRETS_PROVIDER}'",
    ),
    (
        "a stack that is not made, and no key",
        "Secrets provider",
        nothing,
        Status.MISSING,
        "Pulumi.production.yaml has no secretsprovider and encryptedkey: the stack is not made yet, or the two lines "
        "were not committed.",
        BOOTSTRAP,
    ),
    (
        "an encrypted key that was not committed",
        "Secrets provider",
        all_of(Situation.make_key, provider(SECRETS_PROVIDER, key=None)),
        Status.MISSING,
        "Pulumi.production.yaml has no secretsprovider and encryptedkey: the stack is not made yet, or the two lines "
        "were not committed.",
        f"pulumi stack init production --secrets-provider '{SECRETS_PROVIDER}'",
    ),
    (
        "secrets encrypted with a passphrase",
        "Secrets provider",
        all_of(Situation.make_key, provider("passphrase")),
        Status.MISSING,
        "secretsprovider in Pulumi.production.yaml is no KMS key, so workflows cannot use it.",
        CHANGE_PROVIDER,
    ),
    (
        "the encryption context of another stack",
        "Secrets provider",
        all_of(Situation.make_key, provider("awskms://KEY?region=us-east-1&context_stack=staging")),
        Status.MISSING,
        "secretsprovider in Pulumi.production.yaml lacks context_stack=production: the workflows' roles may use the "
        "key with that encryption context only.",
        CHANGE_PROVIDER,
    ),
    (
        "the stack's own encryption context",
        "Secrets provider",
        all_of(Situation.make_key, provider(SECRETS_PROVIDER)),
        Status.OK,
        "Pulumi.production.yaml has secretsprovider and encryptedkey, with the stack's encryption context.",
        "",
    ),
    (
        "no identity provider",
        "Identity provider",
        nothing,
        Status.OK,
        "The stack has or creates GitHub's identity provider.",
        "",
    ),
    (
        "the stack's own identity provider",
        "Identity provider",
        register_github(tagged=True),
        Status.OK,
        "The stack has or creates GitHub's identity provider.",
        "",
    ),
    (
        "an identity provider of somebody else",
        "Identity provider",
        register_github(tagged=False),
        Status.MISSING,
        "The account has GitHub's identity provider already, and can have only one: set "
        f"continuous_integration.identity_provider_arn to {GITHUB_ARN}.",
        LIST_PROVIDERS,
    ),
    (
        "an identity provider that is adopted",
        "Identity provider",
        all_of(register_github(tagged=False), setting("continuous_integration", identity_provider_arn=GITHUB_ARN)),
        Status.OK,
        "GitHub's identity provider is there to be adopted.",
        "",
    ),
    (
        "an identity provider that is adopted and not there",
        "Identity provider",
        setting("continuous_integration", identity_provider_arn=GITHUB_ARN),
        Status.MISSING,
        "continuous_integration.identity_provider_arn names no identity provider of this account; remove it, and the "
        "stack creates one.",
        LIST_PROVIDERS,
    ),
    (
        "no workflows",
        "Identity provider",
        lambda situation: situation.config.pop("fixrx:continuous_integration"),
        Status.OK,
        "No workflows deploy this stack: continuous_integration.repository is not set.",
        "",
    ),
    ("no zone", "DNS zone", nothing, Status.OK, "The stack has or creates the zone fixrx.com.", ""),
    (
        "the stack's own zone",
        "DNS zone",
        Situation.make_zone,
        Status.OK,
        "The stack has or creates the zone fixrx.com.",
        "",
    ),
    (
        "a private zone of the same name",
        "DNS zone",
        lambda situation: situation.make_zone(tagged=False, private=True),
        Status.OK,
        "The stack has or creates the zone fixrx.com.",
        "",
    ),
    (
        "a zone of a longer name",
        "DNS zone",
        lambda situation: situation.make_zone(tagged=False, name="api.fixrx.com"),
        Status.OK,
        "The stack has or creates the zone fixrx.com.",
        "",
    ),
    (
        "a zone of somebody else",
        "DNS zone",
        lambda situation: situation.make_zone(tagged=False),
        Status.MISSING,
        "A zone fixrx.com exists already, and `up` would create a second one that nobody asks. Set dns.hosted_zone_id "
        "to ZONE.",
        "aws route53 get-hosted-zone --id ZONE",
    ),
    (
        "a zone that is adopted",
        "DNS zone",
        all_of(lambda situation: situation.make_zone(tagged=False), adopt_zone),
        Status.OK,
        "The zone ZONE of fixrx.com is there to be adopted.",
        "",
    ),
    (
        "a zone that is adopted and not there",
        "DNS zone",
        adopt_zone,
        Status.MISSING,
        "The zone Z0123456789ABC of dns.hosted_zone_id does not exist in this account; correct it.",
        LIST_ZONES,
    ),
    (
        "a zone of another domain that is adopted",
        "DNS zone",
        all_of(lambda situation: situation.make_zone(name="example.com"), adopt_zone),
        Status.MISSING,
        "dns.hosted_zone_id is the zone example.com, and dns.zone is fixrx.com; correct one of them.",
        LIST_ZONES,
    ),
    (
        "a private zone that is adopted",
        "DNS zone",
        all_of(lambda situation: situation.make_zone(private=True), adopt_zone),
        Status.MISSING,
        "dns.hosted_zone_id is a private zone; adopt the public zone fixrx.com.",
        LIST_ZONES,
    ),
    (
        "a zone that does not exist yet",
        "Zone delegation",
        nothing,
        Status.LATER,
        "`up` creates the zone fixrx.com and then waits for its certificate: meanwhile enter the zone's name servers "
        "at the registrar.",
        LIST_ZONES,
    ),
    (
        "a delegated zone",
        "Zone delegation",
        all_of(Situation.make_zone, public_dns(right=True)),
        Status.OK,
        "The registrar delegates fixrx.com to the zone ZONE.",
        "",
    ),
    (
        "a delegated zone that is adopted",
        "Zone delegation",
        all_of(lambda situation: situation.make_zone(tagged=False), adopt_zone, public_dns(right=True)),
        Status.OK,
        "The registrar delegates fixrx.com to the zone ZONE.",
        "",
    ),
    (
        "a zone that the registrar does not know",
        "Zone delegation",
        all_of(Situation.make_zone, public_dns()),
        Status.MISSING,
        "The public DNS knows no name server for fixrx.com; enter SERVERS at the registrar.",
        "aws route53 get-hosted-zone --id ZONE --query DelegationSet.NameServers",
    ),
    (
        "a domain that is delegated to others",
        "Zone delegation",
        all_of(Situation.make_zone, public_dns("ns2.example.net", "ns1.example.net")),
        Status.MISSING,
        "The public DNS knows ns1.example.net, ns2.example.net for fixrx.com; enter SERVERS at the registrar.",
        "aws route53 get-hosted-zone --id ZONE --query DelegationSet.NameServers",
    ),
    (
        "no public DNS",
        "Zone delegation",
        Situation.make_zone,
        Status.CANNOT_TELL,
        "The public DNS could not be asked for the name servers of fixrx.com.",
        "dig NS fixrx.com",
    ),
    (
        "the image",
        "Image",
        nothing,
        Status.OK,
        f"The image {ARM_IMAGE} is al2023-ami-2023.12.20260930.0-kernel-6.12-arm64, for arm64.",
        "",
    ),
    (
        "an image of the account itself",
        "Image",
        own_image,
        Status.OK,
        "The image IMAGE is own-image, for arm64.",
        "",
    ),
    (
        "an image of another region",
        "Image",
        setting("app_servers", image_id="ami-0123456789abcdef0"),
        Status.MISSING,
        "The image ami-0123456789abcdef0 does not exist in us-east-1: each region has image ids of its own. Set "
        "app_servers.image_id.",
        FIND_IMAGE,
    ),
    (
        "an image for other processors",
        "Image",
        setting("app_servers", image_id=X86_IMAGE),
        Status.MISSING,
        f"The image {X86_IMAGE} is for x86_64, and app_servers.image_architecture is arm64. Set app_servers.image_id.",
        FIND_IMAGE,
    ),
    ("the instance type", "Instance type", nothing, Status.OK, "Every zone offers m7g.large.", ""),
    (
        "an instance type that a zone does not offer",
        "Instance type",
        setting("network", availability_zones=["us-east-1a", "us-east-1b", "us-east-1e"]),
        Status.MISSING,
        "us-east-1e does not offer m7g.large; change app_servers.instance_type or network.availability_zones.",
        "aws ec2 describe-instance-type-offerings --region us-east-1 --location-type availability-zone "
        "--filters Name=instance-type,Values=m7g.large",
    ),
    (
        "no backup bucket",
        "Release",
        nothing,
        Status.LATER,
        f"When `up` has created the bucket {BACKUPS}, upload the release 1.0.0.",
        "python -m delivery release upload --stack production .releases/1.0.0.tar.gz",
    ),
    (
        "the release",
        "Release",
        lambda situation: situation.make_release(b"archive"),
        Status.OK,
        f"The release 1.0.0 is in the bucket {BACKUPS}.",
        "",
    ),
    (
        "another release",
        "Release",
        all_of(lambda situation: situation.make_release(b"archive"), setting("app_servers", release="1.0.1")),
        Status.MISSING,
        f"The release 1.0.1 is not in the bucket {BACKUPS}.",
        "python -m delivery release upload --stack production .releases/1.0.1.tar.gz",
    ),
    (
        "an empty release",
        "Release",
        lambda situation: situation.make_release(b""),
        Status.MISSING,
        f"The release 1.0.0 in the bucket {BACKUPS} is empty; upload it again.",
        "python -m delivery release upload --stack production .releases/1.0.0.tar.gz",
    ),
    (
        "no secrets",
        "Vendors' secrets",
        nothing,
        Status.LATER,
        "When `up` has created the vendors' secrets, write their values: run this command again then.",
        "",
    ),
    (
        "secrets with values",
        "Vendors' secrets",
        all_of(
            lambda situation: situation.make_secret("JWT_SECRET", "generated"),
            lambda situation: situation.make_secret("TWILIO_AUTH_TOKEN", "a-token-of-twilio"),
        ),
        Status.OK,
        "All 2 secrets have a value.",
        "",
    ),
    (
        "secrets without values",
        "Vendors' secrets",
        all_of(
            lambda situation: situation.make_secret("JWT_SECRET", "generated"),
            lambda situation: situation.make_secret("TWILIO_AUTH_TOKEN", None),
            lambda situation: situation.make_secret("SENDGRID_API_KEY", None),
        ),
        Status.MISSING,
        "These secrets have no value: SENDGRID_API_KEY, TWILIO_AUTH_TOKEN.",
        "\n".join(
            f"aws secretsmanager put-secret-value --region us-east-1 --secret-id "
            f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:fixrx/production/{variable}-20261125-RANDOM "
            "--secret-string file:///dev/stdin"
            for variable in ("SENDGRID_API_KEY", "TWILIO_AUTH_TOKEN")
        ),
    ),
]


def quota_case(name: str, title: str, arrange: Arrange, limit: int, needed: int, taken: int, command: str = "") -> Case:
    if needed + taken <= limit:
        sentence = f"The quota of {title} is {limit}: the stack takes {needed}, and others have {taken}."
        return (name, f"Quota of {title}", arrange, Status.OK, sentence, "")
    sentence = f"The quota of {title} is {limit}: the stack takes {needed}, and others have {taken} already."
    return (name, f"Quota of {title}", arrange, Status.MISSING, sentence, command)


def raise_quota(service: str, code: str, value: int) -> str:
    return (
        "aws service-quotas request-service-quota-increase --region us-east-1 "
        f"--service-code {service} --quota-code {code} --desired-value {value}"
    )


# The account of the emulator has the default VPC.
QUOTA_CASES: list[Case] = [
    quota_case("room for a VPC", "VPCs", vpcs(3), 5, 1, 4),
    quota_case("the stack's own VPC", "VPCs", all_of(vpcs(1, tagged=True), vpcs(3)), 5, 1, 4),
    quota_case("no room for a VPC", "VPCs", vpcs(4), 5, 1, 5, raise_quota("vpc", "L-F678F1CE", 6)),
    quota_case("room for addresses", "Elastic IP addresses", addresses(2), 5, 3, 2),
    quota_case(
        "the stack's own addresses", "Elastic IP addresses", all_of(addresses(3, tagged=True), addresses(2)), 5, 3, 2
    ),
    quota_case(
        "no room for addresses", "Elastic IP addresses", addresses(3), 5, 3, 3, raise_quota("ec2", "L-0263D0A3", 6)
    ),
    quota_case(
        "addresses of a regional gateway",
        "Elastic IP addresses",
        all_of(addresses(5), setting("network", nat="regional")),
        5,
        0,
        5,
    ),
    quota_case("room for gateways", "NAT gateways in a zone", gateways(4), 5, 1, 4),
    quota_case(
        "no room for gateways",
        "NAT gateways in a zone",
        gateways(5),
        5,
        1,
        5,
        raise_quota("vpc", "L-FE5A380F", 6),
    ),
    quota_case("room for servers", "vCPUs of servers", instances(3, "m7g.large"), 32, 22, 6),
    quota_case("servers of another quota", "vCPUs of servers", instances(3, "p3.2xlarge"), 32, 22, 0),
    quota_case(
        "no room for servers",
        "vCPUs of servers",
        instances(6, "m7g.large"),
        32,
        22,
        12,
        raise_quota("ec2", "L-1216C47A", 34),
    ),
    quota_case("room for databases", "database instances", databases(2), 4, 2, 2),
    quota_case(
        "no room for databases", "database instances", databases(3), 4, 2, 3, raise_quota("rds", "L-7B6409FD", 5)
    ),
]
LIMITS: Mapping[str, float] = {
    "L-F678F1CE": 5.0,
    "L-0263D0A3": 5.0,
    "L-FE5A380F": 5.0,
    "L-1216C47A": 32.0,
    "L-7B6409FD": 4.0,
}


def check_named(title: str) -> Check:
    (found,) = [check for check in (CREDENTIALS, *CHECKS) if check.title == title]
    return found


def replaced(text: str, situation: Situation) -> str:
    """The identifiers that AWS invents, in place of the words for them."""
    servers = ", ".join(sorted(situation.servers_of_zone())) if situation.zone_id else ""
    image = situation.config["fixrx:app_servers"]["image_id"]
    for word, value in (
        ("ZONE", situation.zone_id),
        ("SERVERS", servers),
        ("KEY", situation.key_id),
        ("IMAGE", image),
    ):
        text = re.sub(rf"\b{word}\b(?!_)", value, text)
    return text


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_finding(case: Case, situation: Situation) -> None:
    _, title, arrange, status, sentence, command = case
    arrange(situation)

    found = check_named(title).run(situation.context())

    expected = Finding(status=status, sentence=replaced(sentence, situation), command=replaced(command, situation))
    random_ends = re.sub(r"(20261125-)\w{6}", r"\1RANDOM", found.command)
    assert Finding(status=found.status, sentence=found.sentence, command=random_ends) == expected


@pytest.mark.parametrize("case", QUOTA_CASES, ids=[case[0] for case in QUOTA_CASES])
def test_quota(case: Case, situation: Situation) -> None:
    _, title, arrange, status, sentence, command = case
    arrange(situation)
    context = situation.context()
    put_quotas(context, "get_service_quota")

    assert check_named(title).run(context) == Finding(status=status, sentence=sentence, command=command)


def put_quotas(context: Context, operation: str) -> None:
    """Let one of the two operations know all quotas, and the other one none."""
    client = context.client("service-quotas")

    def known(ServiceCode: str, QuotaCode: str) -> Any:
        return {"Quota": {"Value": LIMITS[QuotaCode]}}

    def unknown(ServiceCode: str, QuotaCode: str) -> Any:
        raise ClientError({"Error": {"Code": "NoSuchResourceException"}}, "GetServiceQuota")

    for name in ("get_service_quota", "get_aws_default_service_quota"):
        setattr(client, name, known if name == operation else unknown)


def test_a_quota_that_was_never_raised_is_among_the_defaults(situation: Situation) -> None:
    context = situation.context()
    put_quotas(context, "get_aws_default_service_quota")

    assert check_named("Quota of VPCs").run(context).status is Status.OK


def test_a_quota_that_aws_does_not_tell(situation: Situation) -> None:
    context = situation.context()
    put_quotas(context, "neither")

    assert check_named("Quota of VPCs").run(context) == Finding(
        status=Status.CANNOT_TELL,
        sentence="AWS does not tell the quota of VPCs.",
        command="aws service-quotas get-service-quota --region us-east-1 --service-code vpc --quota-code L-F678F1CE",
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"State": "deregistered"}, "cannot be started: it is deregistered"),
        (
            {"ImageOwnerAlias": None, "OwnerId": "444455556666"},
            "is neither Amazon's nor tagged as this stack's (tags Project and Environment)",
        ),
        ({"DeprecationTime": "2026-01-31T00:00:00.000Z"}, "has been deprecated since 2026-01-31"),
    ],
)
def test_an_image_that_should_not_be_started(situation: Situation, change: dict[str, Any], problem: str) -> None:
    context = situation.context()
    image = context.client("ec2").describe_images(ImageIds=[ARM_IMAGE])["Images"][0]
    context.client("ec2").describe_images = lambda **_: {"Images": [{**image, **change}]}

    assert check_named("Image").run(context) == Finding(
        status=Status.MISSING,
        sentence=f"The image {ARM_IMAGE} {problem}. Set app_servers.image_id.",
        command=FIND_IMAGE,
    )


def subscribe(situation: Situation, own: bool) -> str:
    sns = situation.client("sns")
    topic = str(sns.create_topic(Name="notifications-p1", Tags=OWN_TAGS if own else [])["TopicArn"])
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@fixrx.com")
    return topic


def test_confirmed_addresses(situation: Situation) -> None:
    subscribe(situation, own=True)

    assert check_named("Alarm e-mails").run(situation.context()) == Finding(
        status=Status.OK, sentence="All 1 e-mail subscriptions are confirmed."
    )


def test_addresses_of_somebody_elses_topics_do_not_count(situation: Situation) -> None:
    subscribe(situation, own=False)

    assert check_named("Alarm e-mails").run(situation.context()) == Finding(
        status=Status.LATER,
        sentence="`up` makes AWS send e-mails to ops@fixrx.com: each must be confirmed by its link.",
    )


def test_addresses_that_are_not_confirmed(situation: Situation) -> None:
    topic = subscribe(situation, own=True)
    context = situation.context()
    sns = context.client("sns")
    pages = sns.get_paginator("list_subscriptions").paginate().build_full_result()
    pages["Subscriptions"][0]["SubscriptionArn"] = "PendingConfirmation"

    class Paginator:
        def paginate(self) -> list[Any]:
            return [pages]

    sns.get_paginator = lambda _: Paginator()

    assert check_named("Alarm e-mails").run(context) == Finding(
        status=Status.MISSING,
        sentence="ops@fixrx.com has not confirmed 1 of 1 subscriptions. Open the links in the e-mails of AWS; the "
        "commands send them again.",
        command=f"aws sns subscribe --region us-east-1 --protocol email --topic-arn {topic} "
        "--notification-endpoint ops@fixrx.com",
    )


def test_in_an_emulator_nobody_delegates(situation: Situation, monkeypatch: pytest.MonkeyPatch) -> None:
    situation.make_zone()
    context = situation.context()
    context.client("route53")
    monkeypatch.setitem(os.environ, "AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    assert check_named("Zone delegation").run(context) == Finding(
        status=Status.CANNOT_TELL, sentence="The zone is in an emulator, to which no registrar delegates."
    )


def test_every_check_has_been_right_and_wrong() -> None:
    results = {(case[1], case[3] is Status.OK) for case in [*CASES, *QUOTA_CASES]}
    elsewhere = {("Alarm e-mails", True), ("Alarm e-mails", False)}

    assert results | elsewhere == {(check.title, right) for check in (CREDENTIALS, *CHECKS) for right in (True, False)}
