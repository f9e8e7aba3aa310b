"""Section `fixrx:network`."""

import re
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from components.shared import cidr
from components.shared.production import Production, Protected
from components.shared.section import RETENTION_AUDIT_DAYS, LogRetentionDays, Section, TextFormat

PRIVATE_RANGES = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))


class NatMode(StrEnum):
    """How the application tier reaches the internet."""

    SINGLE = "single"
    PER_ZONE = "per_zone"
    REGIONAL = "regional"
    NONE = "none"


def _require_text(value: object) -> object:
    """Refuse what is no text as pydantic refuses a wrong text: ipaddress reads true as the address 0.0.0.1."""
    if not isinstance(value, str | IPv4Network):
        raise PydanticCustomError("ip_v4_network", "is not an address block")
    return value


def _check_vpc_block(block: IPv4Network) -> IPv4Network:
    if not cidr.LARGEST_VPC_PREFIX <= block.prefixlen <= cidr.SMALLEST_VPC_PREFIX:
        raise ValueError(f"must be a block from /{cidr.LARGEST_VPC_PREFIX} to /{cidr.SMALLEST_VPC_PREFIX}")
    if not any(block.subnet_of(private) for private in PRIVATE_RANGES):
        raise ValueError("must be a private range (10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16)")
    return block


def _check_zones(zones: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(zones)) != len(zones):
        raise ValueError("names a zone twice")
    if len({re.sub(r"[a-p]$", "", zone) for zone in zones}) != 1:
        raise ValueError("names zones of more than one region")
    return zones


AvailabilityZone = Annotated[
    str, TextFormat(pattern=r"[a-z]{2}(-[a-z]+)+-[0-9][a-p]", description="an availability zone", example="us-east-1a")
]


class NetworkSettings(Section):
    """Section `fixrx:network`."""

    cidr_block: Annotated[IPv4Network, BeforeValidator(_require_text), AfterValidator(_check_vpc_block)] = IPv4Network(
        "10.0.0.0/16"
    )
    """Address block of the VPC, /16 to /20. Changing it replaces the network and everything in it."""
    availability_zones: Annotated[
        tuple[AvailabilityZone, ...],
        Field(min_length=2, max_length=6),
        AfterValidator(_check_zones),
        Production(at_least=3, because="two zones must carry the load while a third one fails"),
    ] = ("us-east-1a", "us-east-1b", "us-east-1c")
    """Adding one changes nothing in the others."""
    nat: Annotated[
        NatMode,
        Production(
            one_of=(NatMode.PER_ZONE, NatMode.REGIONAL), because="a single NAT gateway fails together with its zone"
        ),
    ] = NatMode.PER_ZONE
    """How servers reach the internet; `single` is the cheapest and fails together with its zone."""
    flow_log_retention_days: LogRetentionDays = RETENTION_AUDIT_DAYS
    protect: Protected = True
    """Refuse to delete or replace the VPC and with it everything inside."""
