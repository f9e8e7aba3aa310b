"""Checks of service quotas: what the stack takes, and what others in the account have taken already."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from bootstrap.access import error_code
from components.sections.network import NatMode
from doctor.context import Context
from doctor.finding import Check, Finding, Stage, cannot_tell, missing, ok

STANDARD_FAMILIES = frozenset("acdhimrtz")
"""First letters of the instance types that share the quota "Running On-Demand Standard instances"."""


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One quota of AWS, with its codes of Service Quotas."""

    service: str
    code: str
    what: str
    """What is limited, in the plural."""
    needed: Callable[[Context], int]
    """How much the stack takes at its peak."""
    taken: Callable[[Context], int]
    """How much resources of others take already."""


def check_quota(quota: Quota, context: Context) -> Finding:
    limit = _limit(quota, context)
    if limit is None:
        return cannot_tell(
            f"AWS does not tell the quota of {quota.what}.",
            f"aws service-quotas get-service-quota --region {context.region} --service-code {quota.service} "
            f"--quota-code {quota.code}",
        )
    needed, taken = quota.needed(context), quota.taken(context)
    if needed + taken > limit:
        return missing(
            f"The quota of {quota.what} is {limit}: the stack takes {needed}, and others have {taken} already.",
            f"aws service-quotas request-service-quota-increase --region {context.region} --service-code "
            f"{quota.service} --quota-code {quota.code} --desired-value {needed + taken}",
        )
    return ok(f"The quota of {quota.what} is {limit}: the stack takes {needed}, and others have {taken}.")


def _limit(quota: Quota, context: Context) -> int | None:
    """The account's quota. AWS lists one that was never raised among its defaults only."""
    client = context.client("service-quotas")
    for read in (client.get_service_quota, client.get_aws_default_service_quota):
        try:
            return int(read(ServiceCode=quota.service, QuotaCode=quota.code)["Quota"]["Value"])
        except ClientError as error:
            if error_code(error) != "NoSuchResourceException":
                raise
    return None


def _gateways(context: Context) -> int:
    """NAT gateways with an address of ours; a regional one gets its addresses from AWS."""
    zones = len(context.settings.network.availability_zones)
    return {NatMode.PER_ZONE: zones, NatMode.SINGLE: 1}.get(context.settings.network.nat, 0)


def _foreign(context: Context, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
    """The resources that do not have the stack's tags."""
    found = context.pages(service, operation, key, **parameters)
    return [each for each in found if not context.owns(each.get("Tags", []))]


def _foreign_addresses(context: Context) -> int:
    addresses = context.client("ec2").describe_addresses()["Addresses"]
    return sum(not context.owns(each.get("Tags", [])) for each in addresses)


def _foreign_gateways_in_fullest_zone(context: Context) -> int:
    """The quota is one of each zone, so the zone with the most counts."""
    states = [{"Name": "state", "Values": ["pending", "available"]}]
    gateways = _foreign(context, "ec2", "describe_nat_gateways", "NatGateways", Filter=states)
    zones = context.settings.network.availability_zones
    subnets = context.pages("ec2", "describe_subnets", "Subnets")
    zone_of = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets}
    found = Counter(zone_of.get(gateway.get("SubnetId")) for gateway in gateways)
    return max(found[zone] for zone in zones)


def _foreign_processors(context: Context) -> int:
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    reservations = context.pages("ec2", "describe_instances", "Reservations", Filters=running)
    types = Counter(
        str(instance["InstanceType"])
        for reservation in reservations
        for instance in reservation["Instances"]
        if instance["InstanceType"][0] in STANDARD_FAMILIES and not context.owns(instance.get("Tags", []))
    )
    if not types:
        return 0
    described = context.pages("ec2", "describe_instance_types", "InstanceTypes", InstanceTypes=sorted(types))
    return sum(each["VCpuInfo"]["DefaultVCpus"] * types[each["InstanceType"]] for each in described)


def _foreign_databases(context: Context) -> int:
    instances = context.pages("rds", "describe_db_instances", "DBInstances")
    return sum(not context.owns(each.get("TagList", [])) for each in instances)


QUOTAS = (
    Quota(
        service="vpc",
        code="L-F678F1CE",
        what="VPCs",
        needed=lambda _: 1,
        taken=lambda context: len(_foreign(context, "ec2", "describe_vpcs", "Vpcs")),
    ),
    Quota(service="ec2", code="L-0263D0A3", what="Elastic IP addresses", needed=_gateways, taken=_foreign_addresses),
    Quota(
        service="vpc",
        code="L-FE5A380F",
        what="NAT gateways in a zone",
        needed=lambda context: min(1, _gateways(context)),
        taken=_foreign_gateways_in_fullest_zone,
    ),
    Quota(
        service="ec2",
        code="L-1216C47A",
        what="vCPUs of servers",
        needed=lambda context: context.settings.app_servers.peak_servers * context.settings.app_servers.capacity.vcpus,
        taken=_foreign_processors,
    ),
    # Primary and replica; the standby is part of the primary.
    Quota(service="rds", code="L-7B6409FD", what="database instances", needed=lambda _: 2, taken=_foreign_databases),
)

CHECKS = tuple(
    Check(title=f"Quota of {quota.what}", stage=Stage.BEFORE_UP, run=partial(check_quota, quota)) for quota in QUOTAS
)
