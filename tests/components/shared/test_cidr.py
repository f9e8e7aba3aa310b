"""The address plan, for every VPC block and every choice of zones."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from components.shared.cidr import ZONE_LETTERS, ZonePlan, ipv6_subnet, plan_zones

ZONES = [f"us-east-1{letter}" for letter in ZONE_LETTERS]

vpc_blocks = st.builds(
    lambda prefix, index: IPv4Network(
        (int(IPv4Network("10.0.0.0/8").network_address) + (index << (32 - prefix)), prefix)
    ),
    st.integers(min_value=16, max_value=20),
    st.integers(min_value=0, max_value=255),
)
zones = st.lists(st.sampled_from(ZONES), min_size=1, max_size=16, unique=True)


def blocks_of(plans: Mapping[str, ZonePlan]) -> list[IPv4Network]:
    return [block for plan in plans.values() for block in (plan.public, plan.application, plan.data)]


def test_plan_of_production() -> None:
    plans = plan_zones(IPv4Network("10.0.0.0/16"), ZONES[:3])

    assert {zone: tuple(str(block) for block in (p.application, p.public, p.data)) for zone, p in plans.items()} == {
        "us-east-1a": ("10.0.0.0/21", "10.0.8.0/22", "10.0.12.0/22"),
        "us-east-1b": ("10.0.16.0/21", "10.0.24.0/22", "10.0.28.0/22"),
        "us-east-1c": ("10.0.32.0/21", "10.0.40.0/22", "10.0.44.0/22"),
    }


@given(vpc_blocks, zones)
def test_every_subnet_is_inside_the_vpc(vpc_block: IPv4Network, chosen: list[str]) -> None:
    assert all(block.subnet_of(vpc_block) for block in blocks_of(plan_zones(vpc_block, chosen)))


@given(vpc_blocks, zones)
def test_no_two_subnets_overlap(vpc_block: IPv4Network, chosen: list[str]) -> None:
    blocks = blocks_of(plan_zones(vpc_block, chosen))

    assert len(blocks) == 3 * len(chosen)
    assert not any(one.overlaps(other) for one, other in combinations(blocks, 2))


@given(vpc_blocks, zones, zones)
def test_zones_that_come_go_or_change_places_renumber_no_other(
    vpc_block: IPv4Network, before: list[str], after: list[str]
) -> None:
    plan_before, plan_after = plan_zones(vpc_block, before), plan_zones(vpc_block, after)

    assert all(plan_before[zone] == plan_after[zone] for zone in set(before) & set(after))


@given(vpc_blocks, zones)
def test_subnets_are_large_enough_for_a_load_balancer(vpc_block: IPv4Network, chosen: list[str]) -> None:
    """AWS takes /27 at the smallest."""
    assert all(plan.public.prefixlen <= 27 for plan in plan_zones(vpc_block, chosen).values())


@given(st.integers(min_value=0, max_value=2**8 - 1), zones)
def test_ipv6_subnets_are_inside_the_vpc_and_disjoint(index: int, chosen: list[str]) -> None:
    vpc_block = IPv6Network((int(IPv6Network("2600:1f18::/40").network_address) + (index << 72), 56))

    subnets = [IPv6Network(ipv6_subnet(str(vpc_block), zone)) for zone in chosen]

    assert len(set(subnets)) == len(chosen)
    assert all(subnet.prefixlen == 64 and subnet.subnet_of(vpc_block) for subnet in subnets)
