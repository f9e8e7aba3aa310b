"""The address plan: which block every subnet of the VPC gets. Pure arithmetic, no resources.

The VPC is divided into sixteen equal blocks and a zone uses the block of its letter (us-east-1a the first, us-east-1b
the second), so that adding, removing or reordering zones never renumbers a subnet that exists. Inside its block a
zone gives half to the application tier, where addresses are used up by scaling, and a quarter each to the public and
the data tier.
"""

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

ZONE_BLOCK_BITS = 4
ZONE_LETTERS = string.ascii_lowercase[: 2**ZONE_BLOCK_BITS]

LARGEST_VPC_PREFIX = 16
"""AWS takes VPC blocks from /16 to /28."""
SMALLEST_VPC_PREFIX = 20
"""A load balancer's subnet may not be smaller than /27 (AWS limit); from a /20 its subnets are /26."""


@dataclass(frozen=True, kw_only=True)
class ZonePlan:
    """The blocks of one availability zone."""

    public: IPv4Network
    application: IPv4Network
    data: IPv4Network


def zone_index(zone: str) -> int:
    """Return the position of an availability zone's letter: 0 for `us-east-1a`."""
    return ZONE_LETTERS.index(zone[-1])


def plan_zones(vpc_block: IPv4Network, zones: Iterable[str]) -> Mapping[str, ZonePlan]:
    """Return the blocks of each zone. A zone's plan depends on the VPC's block and its own letter alone."""
    blocks = tuple(vpc_block.subnets(prefixlen_diff=ZONE_BLOCK_BITS))
    return {zone: _plan_zone(blocks[zone_index(zone)]) for zone in zones}


def _plan_zone(block: IPv4Network) -> ZonePlan:
    application, rest = block.subnets(prefixlen_diff=1)
    public, data = rest.subnets(prefixlen_diff=1)
    return ZonePlan(public=public, application=application, data=data)


def ipv6_subnet(vpc_block: str, zone: str) -> str:
    """Return the /64 of a zone's public subnet in the VPC's IPv6 block (AWS hands out a /56, and a subnet is a /64)."""
    first_address = int(IPv6Network(vpc_block).network_address)
    return str(IPv6Network((first_address + (zone_index(zone) << 64), 64)))
