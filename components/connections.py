"""The connection table: who listens on which port, who may reach whom, and the security groups that follow from it.

The table is the only place where a port is opened. Each connection becomes two rules, one in the security group of
each side, and every group carries the exclusive list of its rules, so a rule added by hand is removed by the next
`pulumi up`. Rules are resources of their own, because inline rules and separate rules delete each other. Groups refer
to each other; an address range occurs only where the other side is the internet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.shared.connections import Member, Placement, Tier
from components.shared.ports import (
    ANYWHERE_IPV4,
    ANYWHERE_IPV6,
    DNS_PORT,
    HTTP_PORT,
    HTTPS_PORT,
    KUBELET_PORT,
    METRICS_PORT,
    PATH_MTU_MESSAGES,
    POD_PORT,
    POSTGRESQL_PORT,
    REDIS_PORT,
    SSH_PORT,
    WEBHOOK_PORT,
    IcmpMessage,
)


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A part of the platform with a security group of its own."""

    description: str
    """Of its security group. Part of the group's identity: changing it replaces the group."""
    tier: Tier
    ports: tuple[int, ...]
    """On which it accepts connections; none for one that only makes them."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The source may connect to every port of the destination."""

    source: Member
    destination: Member
    purpose: str
    """Description of both rules."""
    messages: tuple[IcmpMessage, ...] = ()
    """ICMP messages that the destination accepts as well."""
    only_ports: tuple[int, ...] = ()
    """Instead of those on which the destination listens for everybody."""
    udp_ports: tuple[int, ...] = ()
    """Ports of UDP besides; all others are of TCP."""

    @property
    def protocol_ports(self) -> Sequence[tuple[str, int]]:
        """Every port with its protocol."""
        return [*(("tcp", port) for port in self.ports), *(("udp", port) for port in self.udp_ports)]

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port on which the destination listens, or others that only this source may reach."""
        if self.only_ports:
            return self.only_ports
        if self.destination is Member.INTERNET:
            return INTERNET_PORTS
        return LISTENERS[self.destination].ports


LISTENERS: Mapping[Member, Listener] = {
    Member.LOAD_BALANCER: Listener(
        description="Load balancer, open to the internet", tier=Tier.PUBLIC, ports=(HTTP_PORT, HTTPS_PORT)
    ),
    Member.APP_SERVERS: Listener(description="App servers", tier=Tier.APPLICATION, ports=(HTTP_PORT,)),
    Member.ENDPOINTS: Listener(
        description="Interface endpoints of AWS services", tier=Tier.APPLICATION, ports=(HTTPS_PORT,)
    ),
    Member.DATABASE: Listener(description="PostgreSQL", tier=Tier.DATA, ports=(POSTGRESQL_PORT,)),
    Member.CACHE: Listener(description="Redis", tier=Tier.DATA, ports=(REDIS_PORT,)),
    Member.DATABASE_JOBS: Listener(description="Jobs on the database", tier=Tier.APPLICATION, ports=()),
    Member.CREDENTIALS: Listener(description="Rotation of credentials", tier=Tier.APPLICATION, ports=()),
    Member.VPN: Listener(description="Client VPN", tier=Tier.APPLICATION, ports=()),
    Member.INSTANCE_CONNECT: Listener(description="EC2 Instance Connect Endpoint", tier=Tier.APPLICATION, ports=()),
    # A restored database is a copy of all data: nobody connects to it but the job that judges it.
    Member.RESTORE_TEST: Listener(description="Restore test of the database", tier=Tier.DATA, ports=(POSTGRESQL_PORT,)),
    Member.KUBERNETES_API: Listener(
        description="Control plane of Kubernetes", tier=Tier.APPLICATION, ports=(HTTPS_PORT,)
    ),
    Member.NODES: Listener(description="Nodes of Kubernetes and their pods", tier=Tier.APPLICATION, ports=(POD_PORT,)),
}
INTERNET_PORTS = (HTTPS_PORT,)
"""What the platform may reach on the internet."""

CONNECTIONS = (
    Connection(
        source=Member.INTERNET,
        destination=Member.LOAD_BALANCER,
        purpose="HTTPS, and HTTP to redirect to HTTPS",
        messages=PATH_MTU_MESSAGES,
    ),
    Connection(source=Member.LOAD_BALANCER, destination=Member.APP_SERVERS, purpose="Requests and health checks"),
    Connection(source=Member.APP_SERVERS, destination=Member.DATABASE, purpose="PostgreSQL of the API"),
    Connection(source=Member.APP_SERVERS, destination=Member.CACHE, purpose="Redis of the API"),
    Connection(
        source=Member.APP_SERVERS, destination=Member.ENDPOINTS, purpose="AWS services through interface endpoints"
    ),
    Connection(
        source=Member.APP_SERVERS,
        destination=Member.INTERNET,
        purpose="Twilio, SendGrid, Firebase, OAuth providers and AWS",
    ),
    Connection(source=Member.DATABASE_JOBS, destination=Member.DATABASE, purpose="PostgreSQL of the migrations"),
    Connection(source=Member.DATABASE_JOBS, destination=Member.RESTORE_TEST, purpose="PostgreSQL of a restored backup"),
    Connection(
        source=Member.DATABASE_JOBS, destination=Member.ENDPOINTS, purpose="AWS services through interface endpoints"
    ),
    Connection(source=Member.DATABASE_JOBS, destination=Member.INTERNET, purpose="AWS and packages"),
    Connection(source=Member.CREDENTIALS, destination=Member.DATABASE, purpose="Roles and passwords of PostgreSQL"),
    Connection(source=Member.CREDENTIALS, destination=Member.CACHE, purpose="Test of a password of Redis"),
    Connection(
        source=Member.CREDENTIALS, destination=Member.ENDPOINTS, purpose="AWS services through interface endpoints"
    ),
    Connection(source=Member.CREDENTIALS, destination=Member.INTERNET, purpose="AWS"),
    Connection(source=Member.VPN, destination=Member.DATABASE, purpose="PostgreSQL of operators"),
    Connection(source=Member.VPN, destination=Member.CACHE, purpose="Redis of operators"),
    Connection(
        source=Member.INSTANCE_CONNECT,
        destination=Member.APP_SERVERS,
        purpose="SSH through the Instance Connect Endpoint",
        only_ports=(SSH_PORT,),
    ),
    Connection(source=Member.LOAD_BALANCER, destination=Member.NODES, purpose="Requests and health checks of pods"),
    Connection(source=Member.NODES, destination=Member.DATABASE, purpose="PostgreSQL of pods"),
    Connection(source=Member.NODES, destination=Member.CACHE, purpose="Redis of pods"),
    Connection(source=Member.NODES, destination=Member.ENDPOINTS, purpose="AWS services through interface endpoints"),
    Connection(
        source=Member.NODES,
        destination=Member.INTERNET,
        purpose="Twilio, SendGrid, Firebase, OAuth providers, images and AWS",
    ),
    Connection(source=Member.NODES, destination=Member.KUBERNETES_API, purpose="Nodes and controllers"),
    Connection(
        source=Member.KUBERNETES_API,
        destination=Member.NODES,
        purpose="Kubelet, webhooks and metrics",
        only_ports=(WEBHOOK_PORT, KUBELET_PORT, METRICS_PORT),
    ),
    Connection(
        source=Member.NODES,
        destination=Member.NODES,
        purpose="DNS of the cluster, and metrics of pods",
        only_ports=(DNS_PORT, KUBELET_PORT),
        udp_ports=(DNS_PORT,),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ConnectionsArgs:
    vpc_id: pulumi.Input[str]
    subnet_ids: Mapping[Tier, Sequence[pulumi.Input[str]]]
    optional: Mapping[Member, bool]
    """Which of the optional members the stack has."""
    adopted: Mapping[Member, str | None] = field(default_factory=dict)
    """Members whose security group somebody else looks after: only what they reach here is opened, on our side."""


class Connections(pulumi.ComponentResource):
    """One security group for each listener, with the rules of the table and no others."""

    placements: Mapping[Member, Placement]

    def __init__(self, name: str, args: ConnectionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("fixrx:components:Connections", name, None, opts)
        self._name = name
        self._child = pulumi.ResourceOptions(parent=self)

        members = [member for member in LISTENERS if args.optional.get(member, True)]
        adopted = {member: group for member, group in args.adopted.items() if group is not None}
        present = {Member.INTERNET, *members, *adopted}
        connections = [each for each in CONNECTIONS if {each.source, each.destination} <= present]
        self._groups = {member: self._create_group(member, args.vpc_id) for member in members}
        self._group_ids: Mapping[Member, pulumi.Input[str]] = {
            **{member: group.id for member, group in self._groups.items()},
            **adopted,
        }
        ingress = {
            connection: [*self._create_ingress_rules(connection), *self._create_message_rules(connection)]
            for connection in connections
        }
        egress = {connection: self._create_egress_rules(connection) for connection in connections}
        self._remove_other_rules(ingress, egress)

        self.placements = {
            member: Placement(
                vpc_id=args.vpc_id,
                subnet_ids=args.subnet_ids[LISTENERS[member].tier],
                security_group_id=self._groups[member].id,
                rules=[
                    rule
                    for connection in connections
                    if member in (connection.source, connection.destination)
                    for rule in (*ingress[connection], *egress[connection])
                ],
            )
            for member in members
        }
        self.register_outputs({"security_group_ids": {str(member): group.id for member, group in self._groups.items()}})

    def _create_group(self, member: Member, vpc_id: pulumi.Input[str]) -> aws.ec2.SecurityGroup:
        return aws.ec2.SecurityGroup(
            f"{self._name}-{member}", description=LISTENERS[member].description, vpc_id=vpc_id, opts=self._child
        )

    def _create_ingress_rules(self, connection: Connection) -> Sequence[aws.vpc.SecurityGroupIngressRule]:
        """Return the destination's side. The internet has no security group; it connects over IPv4 and IPv6."""
        if connection.destination not in self._groups:
            return []
        name = f"{self._name}-{connection.destination}-from-{connection.source}"
        from_internet = connection.source is Member.INTERNET
        return [
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-{_of_port(protocol, port)}{suffix}",
                security_group_id=self._groups[connection.destination].id,
                ip_protocol=protocol,
                from_port=port,
                to_port=port,
                cidr_ipv4=ANYWHERE_IPV4 if suffix == "-ipv4" else None,
                cidr_ipv6=ANYWHERE_IPV6 if suffix == "-ipv6" else None,
                referenced_security_group_id=None if from_internet else self._group_ids[connection.source],
                description=connection.purpose,
                opts=self._child,
            )
            for protocol, port in connection.protocol_ports
            for suffix in (("-ipv4", "-ipv6") if from_internet else ("",))
        ]

    def _create_message_rules(self, connection: Connection) -> Sequence[aws.vpc.SecurityGroupIngressRule]:
        """Of an ICMP message, EC2 takes the type and the code as the first and the last port."""
        return [
            aws.vpc.SecurityGroupIngressRule(
                f"{self._name}-{connection.destination}-from-{connection.source}-{message.protocol}-{message.type}",
                security_group_id=self._groups[connection.destination].id,
                ip_protocol=message.protocol,
                from_port=message.type,
                to_port=message.code,
                cidr_ipv4=message.source if message.source == ANYWHERE_IPV4 else None,
                cidr_ipv6=message.source if message.source == ANYWHERE_IPV6 else None,
                description="Path MTU discovery: a packet is too large",
                opts=self._child,
            )
            for message in connection.messages
        ]

    def _create_egress_rules(self, connection: Connection) -> Sequence[aws.vpc.SecurityGroupEgressRule]:
        """Return the source's side. No part of the platform that reaches the internet has an IPv6 address."""
        if connection.source not in self._groups:
            return []
        to_internet = connection.destination is Member.INTERNET
        return [
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-{connection.source}-to-{connection.destination}-{_of_port(protocol, port)}",
                security_group_id=self._groups[connection.source].id,
                ip_protocol=protocol,
                from_port=port,
                to_port=port,
                cidr_ipv4=ANYWHERE_IPV4 if to_internet else None,
                referenced_security_group_id=None if to_internet else self._group_ids[connection.destination],
                description=connection.purpose,
                opts=self._child,
            )
            for protocol, port in connection.protocol_ports
        ]

    def _remove_other_rules(
        self,
        ingress: Mapping[Connection, Sequence[aws.vpc.SecurityGroupIngressRule]],
        egress: Mapping[Connection, Sequence[aws.vpc.SecurityGroupEgressRule]],
    ) -> None:
        """Make a rule that was added by hand a difference, which the next `pulumi up` removes."""
        for member, group in self._groups.items():
            aws.ec2.VpcSecurityGroupRulesExclusive(
                f"{self._name}-{member}-only-declared-rules",
                security_group_id=group.id,
                ingress_rule_ids=[
                    rule.id for each, rules in ingress.items() if each.destination is member for rule in rules
                ],
                egress_rule_ids=[rule.id for each, rules in egress.items() if each.source is member for rule in rules],
                opts=self._child,
            )


def _of_port(protocol: str, port: int) -> str:
    """Part of a rule's logical name, which is permanent: those of TCP have the number alone."""
    return str(port) if protocol == "tcp" else f"{protocol}-{port}"
