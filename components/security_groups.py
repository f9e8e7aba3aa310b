"""Security groups and their rules, always as separate resources: inline and separate rules delete each other.

Groups know each other by reference only. The one place where an address range may stand is what the internet reaches
and what the servers reach on the internet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

ANYWHERE_IPV4 = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another group to be reached, and the port on which it listens."""

    security_group_id: pulumi.Input[str]
    port: int


def security_group(
    name: str, description: str, vpc_id: pulumi.Input[str], options: pulumi.ResourceOptions
) -> aws.ec2.SecurityGroup:
    """Declare a group without any rule. Its description is part of its identity: changing it replaces the group."""
    return aws.ec2.SecurityGroup(name, description=description, vpc_id=vpc_id, opts=options)


def allow_from_group(
    name: str, group_id: pulumi.Input[str], peer: Peer, description: str, options: pulumi.ResourceOptions
) -> aws.vpc.SecurityGroupIngressRule:
    """Let members of the peer's group connect to this group on the peer's port."""
    return aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group_id,
        referenced_security_group_id=peer.security_group_id,
        ip_protocol="tcp",
        from_port=peer.port,
        to_port=peer.port,
        description=description,
        opts=options,
    )


def allow_to_group(
    name: str, group_id: pulumi.Input[str], peer: Peer, description: str, options: pulumi.ResourceOptions
) -> aws.vpc.SecurityGroupEgressRule:
    """Let this group's members connect to the peer's group on the peer's port."""
    return aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=group_id,
        referenced_security_group_id=peer.security_group_id,
        ip_protocol="tcp",
        from_port=peer.port,
        to_port=peer.port,
        description=description,
        opts=options,
    )


def allow_from_internet(
    name: str, group_id: pulumi.Input[str], ports: Sequence[int], description: str, options: pulumi.ResourceOptions
) -> None:
    """Let the whole internet, IPv4 and IPv6, connect on these ports."""
    for port in ports:
        for family, block in (("ipv4", {"cidr_ipv4": ANYWHERE_IPV4}), ("ipv6", {"cidr_ipv6": ANYWHERE_IPV6})):
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-{port}-{family}",
                security_group_id=group_id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                description=description,
                opts=options,
                **block,
            )
