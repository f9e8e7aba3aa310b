"""Security-group rules in one shape, whichever of AWS's four notations a program uses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from policies.engine.resource import StackResource, UnknownValue

SEPARATE_INGRESS: Final = "aws:vpc/securityGroupIngressRule"
SEPARATE_EGRESS: Final = "aws:vpc/securityGroupEgressRule"
OLDER_SEPARATE_RULE: Final = "aws:ec2/securityGroupRule"
GROUP: Final = "aws:ec2/securityGroup"
DEFAULT_GROUP: Final = "aws:ec2/defaultSecurityGroup"

RULE_KINDS: Final = frozenset({SEPARATE_INGRESS, SEPARATE_EGRESS, OLDER_SEPARATE_RULE, GROUP, DEFAULT_GROUP})

PROTOCOL_NUMBERS: Final = {"-1": "all", "6": "tcp", "17": "udp"}
"""AWS takes a protocol by number as well as by name."""

ALL_PORTS: Final = range(65536)
WIDEST_PRIVATE_PREFIX: Final = {4: 8, 6: 7}
"""10.0.0.0/8 and fc00::/7 are the widest blocks that anybody has at home; what is wider is the internet."""


@dataclass(frozen=True)
class SecurityGroupRule:
    """One permission, to or from anything."""

    protocol: str
    """`tcp`, `udp`, another protocol, or `all`."""
    ports: range
    blocks: Sequence[str]

    @property
    def is_open_to_the_internet(self) -> bool:
        """Whether the other side is all of the internet, or so much of it that it makes no difference."""
        return any(is_internet(block) for block in self.blocks)

    def admits(self, port: int) -> bool:
        """Tell whether a TCP connection on the port is permitted."""
        return self.protocol in ("tcp", "all") and port in self.ports

    @property
    def what(self) -> str:
        """Protocol and ports in words."""
        if self.protocol == "all":
            return "every port"
        if len(self.ports) == 1:
            return f"{self.protocol} port {self.ports.start}"
        return f"{self.protocol} ports {self.ports.start}-{self.ports.stop - 1}"


def is_internet(block: str) -> bool:
    """Tell whether an address block is wider than any private network, `0.0.0.0/1` included."""
    network = ip_network(block, strict=False)
    return network.prefixlen < WIDEST_PRIVATE_PREFIX[network.version]


def ingress_rules(resource: StackResource) -> Iterator[SecurityGroupRule | UnknownValue]:
    """Yield what may come in by this group or rule resource, and each rule that cannot be known."""
    yield from _rules(resource, "ingress", SEPARATE_INGRESS)


def egress_rules(resource: StackResource) -> Iterator[SecurityGroupRule | UnknownValue]:
    """Yield what may go out by this group or rule resource, and each rule that cannot be known."""
    yield from _rules(resource, "egress", SEPARATE_EGRESS)


def _rules(resource: StackResource, direction: str, separate_kind: str) -> Iterator[SecurityGroupRule | UnknownValue]:
    if resource.type in (GROUP, DEFAULT_GROUP):
        yield from map(_known, resource.items(direction))
    elif resource.type == separate_kind or _is_older_rule(resource, direction):
        yield _known(resource)


def _is_older_rule(resource: StackResource, direction: str) -> bool:
    return bool(resource.type == OLDER_SEPARATE_RULE and resource.get("type") == direction)


def _known(item: StackResource) -> SecurityGroupRule | UnknownValue:
    try:
        return _security_group_rule(item)
    except UnknownValue as unknown:
        return unknown


def _security_group_rule(item: StackResource) -> SecurityGroupRule:
    named = str(item.get("ipProtocol") or item.get("protocol")).lower()
    protocol = PROTOCOL_NUMBERS.get(named, named)
    every_protocol = protocol == "all"
    first, last = item.get("fromPort"), item.get("toPort")
    whole_range = every_protocol or first in (None, -1)
    return SecurityGroupRule(
        protocol=protocol,
        ports=ALL_PORTS if whole_range else range(int(first), int(last if last is not None else first) + 1),
        blocks=[
            block for path in ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks") for block in item.texts(path)
        ],
    )
