"""Security groups and their rules, always as separate resources: inline and separate rules delete each other.

Groups know each other by reference only. The one place where an address range may stand is what the internet reaches
and what the servers reach on the internet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

ANYWHERE_IPV4 = "0.0.0.0/0"
ANYWHERE_IPV6 = "::/0"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another group to be reached, and the port on which it listens."""

    security_group_id: pulumi.Input[str]
    port: int


class GuardedGroup:
    """A security group and every rule that it has."""

    id: pulumi.Output[str]

    def __init__(self, name: str, description: str, vpc_id: pulumi.Input[str], options: pulumi.ResourceOptions) -> None:
        """Declare a group without any rule. Its description is part of its identity: changing it replaces the group."""
        self._name = name
        self._options = options
        self._ingress: list[aws.vpc.SecurityGroupIngressRule] = []
        self._egress: list[aws.vpc.SecurityGroupEgressRule] = []
        self.id = aws.ec2.SecurityGroup(name, description=description, vpc_id=vpc_id, opts=options).id

    @property
    def rules(self) -> Sequence[pulumi.Resource]:
        """The rules declared so far."""
        return [*self._ingress, *self._egress]

    def allow_from_group(self, who: str, peer: Peer, description: str) -> None:
        """Let members of the peer's group connect to this group on the peer's port."""
        self._allow_in(f"from-{who}", peer.port, description, referenced_security_group_id=peer.security_group_id)

    def allow_from_internet(self, ports: Sequence[int], description: str) -> None:
        """Let the whole internet, IPv4 and IPv6, connect on these ports."""
        for port in ports:
            self._allow_in(f"from-internet-{port}-ipv4", port, description, cidr_ipv4=ANYWHERE_IPV4)
            self._allow_in(f"from-internet-{port}-ipv6", port, description, cidr_ipv6=ANYWHERE_IPV6)

    def allow_to_group(self, whom: str, peer: Peer, description: str) -> None:
        """Let this group's members connect to the peer's group on the peer's port."""
        self._allow_out(f"to-{whom}", peer.port, description, referenced_security_group_id=peer.security_group_id)

    def allow_to_internet(self, what: str, port: int, description: str) -> None:
        """Let this group's members connect to anybody on this port."""
        self._allow_out(f"to-internet-{what}", port, description, cidr_ipv4=ANYWHERE_IPV4)

    def refuse_other_rules(self) -> None:
        """Make a rule that somebody added by hand a difference, which the next `pulumi up` removes.

        Call it last: rules declared after it would be removed as well.
        """
        aws.ec2.VpcSecurityGroupRulesExclusive(
            f"{self._name}-only-own-rules",
            security_group_id=self.id,
            ingress_rule_ids=[rule.id for rule in self._ingress],
            egress_rule_ids=[rule.id for rule in self._egress],
            opts=self._options,
        )

    def _allow_in(self, role: str, port: int, description: str, **other_side: Any) -> None:
        rule = aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-{role}",
            security_group_id=self.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            opts=self._options,
            **other_side,
        )
        self._ingress.append(rule)

    def _allow_out(self, role: str, port: int, description: str, **other_side: Any) -> None:
        rule = aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-{role}",
            security_group_id=self.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            opts=self._options,
            **other_side,
        )
        self._egress.append(rule)
