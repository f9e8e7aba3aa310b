"""Checks of what servers are made of: region, zones, image, instance type, release, the vendors' secrets."""

import shlex
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from bootstrap.access import error_code
from components.shared.instance_types import Architecture
from components.shared.releases import archive_key, backup_bucket_name
from doctor.context import Context
from doctor.finding import Check, Finding, Stage, later, missing, ok

AMAZON = "amazon"
IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-"


def check_region(context: Context) -> Finding:
    """The account may use the region, and the zones of the network are open in it."""
    ec2, region = context.client("ec2"), context.region
    (described,) = ec2.describe_regions(RegionNames=[region], AllRegions=True)["Regions"]
    if described["OptInStatus"] == "not-opted-in":
        return missing(
            f"The account has not enabled the region {region}.", f"aws account enable-region --region-name {region}"
        )
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    available = {zone["ZoneName"] for zone in zones if zone["State"] == "available"}
    wanted = context.settings.network.availability_zones
    closed = [zone for zone in wanted if zone not in available]
    if closed:
        return missing(
            f"network.availability_zones names {', '.join(closed)}, which the account does not have in {region}.",
            f"aws ec2 describe-availability-zones --region {region} --query 'AvailabilityZones[].ZoneName'",
        )
    return ok(f"{region} is enabled, and so are its zones {', '.join(wanted)}.")


def check_image(context: Context) -> Finding:
    """The image exists in the region, can be started, and is for the processors of the instance type."""
    settings = context.settings.app_servers
    command = find_image_command(context.region, settings.image_architecture)
    try:
        images = context.client("ec2").describe_images(ImageIds=[settings.image_id])["Images"]
    except ClientError as error:
        if not error_code(error).startswith("InvalidAMIID"):
            raise
        images = []
    if not images:
        return missing(
            f"The image {settings.image_id} does not exist in {context.region}: each region has image ids of its own. "
            "Set app_servers.image_id.",
            command,
        )
    problem = _problem_of(images[0], settings.image_architecture, context)
    if problem:
        return missing(f"The image {settings.image_id} {problem}. Set app_servers.image_id.", command)
    return ok(f"The image {settings.image_id} is {images[0]['Name']}, for {settings.image_architecture}.")


def check_instance_type(context: Context) -> Finding:
    """Every zone of the network offers the instance type."""
    instance_type, zones = context.settings.app_servers.instance_type, context.settings.network.availability_zones
    filters = [{"Name": "instance-type", "Values": [instance_type]}]
    offered = context.pages(
        "ec2",
        "describe_instance_type_offerings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=filters,
    )
    without = [zone for zone in zones if zone not in {each["Location"] for each in offered}]
    if without:
        return missing(
            f"{', '.join(without)} does not offer {instance_type}; change app_servers.instance_type or "
            "network.availability_zones.",
            f"aws ec2 describe-instance-type-offerings --region {context.region} --location-type availability-zone "
            f"--filters Name=instance-type,Values={instance_type}",
        )
    return ok(f"Every zone offers {instance_type}.")


def check_release(context: Context) -> Finding:
    """The archive of the release is in the backup bucket, which the first `up` creates."""
    identity, release = context.settings.identity, context.settings.app_servers.release
    bucket, key = backup_bucket_name(identity), archive_key(release)
    command = f"python -m delivery release upload --stack {context.file.stack} .releases/{release}.tar.gz"
    if bucket not in {each["Name"] for each in context.pages("s3", "list_buckets", "Buckets", Prefix=bucket)}:
        return later(f"When `up` has created the bucket {bucket}, upload the release {release}.", command)
    found = context.client("s3").list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])
    sizes = [each["Size"] for each in found if each["Key"] == key]
    if not sizes:
        return missing(f"The release {release} is not in the bucket {bucket}.", command)
    if sizes == [0]:
        return missing(f"The release {release} in the bucket {bucket} is empty; upload it again.", command)
    return ok(f"The release {release} is in the bucket {bucket}.")


def check_secrets(context: Context) -> Finding:
    """Every secret that a vendor gives has a value. The values are not read."""
    identity = context.settings.identity
    prefix = f"{identity.project}/{identity.environment}/"
    secrets = context.pages(
        "secretsmanager", "list_secrets", "SecretList", Filters=[{"Key": "name", "Values": [prefix]}]
    )
    if not secrets:
        return later("When `up` has created the vendors' secrets, write their values: run this command again then.")
    empty = sorted((secret for secret in secrets if not _has_value(secret)), key=lambda secret: str(secret["Name"]))
    if empty:
        names = ", ".join(_variable(str(secret["Name"]), prefix) for secret in empty)
        # The value is typed or piped, and so neither in the shell's history nor in the list of processes.
        commands = [
            f"aws secretsmanager put-secret-value --region {context.region} --secret-id {shlex.quote(secret['ARN'])} "
            "--secret-string file:///dev/stdin"
            for secret in empty
        ]
        return missing(f"These secrets have no value: {names}.", "\n".join(commands))
    return ok(f"All {len(secrets)} secrets have a value.")


def find_image_command(region: str, architecture: Architecture) -> str:
    """The command that prints the newest image of Amazon Linux 2023."""
    return (
        f"aws ssm get-parameter --region {region} --query Parameter.Value --output text "
        f"--name {IMAGE_PARAMETER}{architecture}"
    )


def _problem_of(image: Any, architecture: Architecture, context: Context) -> str:
    """What is wrong with an image, as the end of a sentence, or an empty text."""
    if image["Architecture"] != architecture:
        return f"is for {image['Architecture']}, and app_servers.image_architecture is {architecture}"
    if image["State"] != "available":
        return f"cannot be started: it is {image['State']}"
    # The workflows' role may start images of these two only.
    if image.get("ImageOwnerAlias") != AMAZON and not context.owns(image.get("Tags", [])):
        return "is neither Amazon's nor tagged as this stack's (tags Project and Environment)"
    deprecated = image.get("DeprecationTime")
    if deprecated and datetime.fromisoformat(deprecated) < datetime.now(UTC):
        return f"has been deprecated since {deprecated[:10]}"
    return ""


def _has_value(secret: Any) -> bool:
    stages = secret.get("SecretVersionsToStages") or {}
    return any("AWSCURRENT" in each for each in stages.values())


def _variable(name: str, prefix: str) -> str:
    """The environment variable of a secret, whose name ends in a suffix of the provider."""
    return name.removeprefix(prefix).rpartition("-")[0] or name


CHECKS = (
    Check(title="Region", stage=Stage.BEFORE_UP, run=check_region),
    Check(title="Image", stage=Stage.BEFORE_UP, run=check_image),
    Check(title="Instance type", stage=Stage.BEFORE_UP, run=check_instance_type),
    Check(title="Release", stage=Stage.BEFORE_SERVERS, run=check_release),
    Check(title="Vendors' secrets", stage=Stage.BEFORE_SERVERS, run=check_secrets),
)
