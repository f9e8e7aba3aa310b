"""Who may reach whom: the table, and every rule of every security group in the stack."""

import pytest

from components.connections import CONNECTIONS, LISTENERS, Connection
from components.shared.connections import Member
from tests.recorder import Recording, Registration

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
EXCLUSIVE = "aws:ec2/vpcSecurityGroupRulesExclusive:VpcSecurityGroupRulesExclusive"


def line(rule: Registration) -> str:
    inputs = rule.plain
    peer = inputs.get("referencedSecurityGroupId") or inputs.get("cidrIpv4") or inputs["cidrIpv6"]
    members = f"{inputs['securityGroupId']} {peer}".replace("connections-", "").replace("-id", "")
    return f"{members} {inputs['ipProtocol']} {inputs['fromPort']:.0f}-{inputs['toPort']:.0f}"


def test_who_may_be_reached_from_where(stack: Recording, environment: str) -> None:
    """The internet reaches the load balancer and nothing else."""
    judged = {"production": ["restore-test database-jobs tcp 5432-5432"], "staging": []}
    assert sorted(line(rule) for rule in stack.of_type(INGRESS)) == [
        "app-servers load-balancer tcp 80-80",
        "cache app-servers tcp 6379-6379",
        "cache credentials tcp 6379-6379",
        "database app-servers tcp 5432-5432",
        "database credentials tcp 5432-5432",
        "database database-jobs tcp 5432-5432",
        "endpoints app-servers tcp 443-443",
        "endpoints credentials tcp 443-443",
        "endpoints database-jobs tcp 443-443",
        # Type 3 code 4 and type 2 code 0: a packet is too large.
        "load-balancer 0.0.0.0/0 icmp 3-4",
        "load-balancer 0.0.0.0/0 tcp 443-443",
        "load-balancer 0.0.0.0/0 tcp 80-80",
        "load-balancer ::/0 icmpv6 2-0",
        "load-balancer ::/0 tcp 443-443",
        "load-balancer ::/0 tcp 80-80",
        *judged[environment],
    ]


def test_who_may_reach_out_to_where(stack: Recording, environment: str) -> None:
    """Database, cache and endpoints reach nothing; servers and jobs reach the internet by HTTPS only."""
    judges = {"production": ["database-jobs restore-test tcp 5432-5432"], "staging": []}
    assert sorted(line(rule) for rule in stack.of_type(EGRESS)) == [
        "app-servers 0.0.0.0/0 tcp 443-443",
        "app-servers cache tcp 6379-6379",
        "app-servers database tcp 5432-5432",
        "app-servers endpoints tcp 443-443",
        "credentials 0.0.0.0/0 tcp 443-443",
        "credentials cache tcp 6379-6379",
        "credentials database tcp 5432-5432",
        "credentials endpoints tcp 443-443",
        "database-jobs 0.0.0.0/0 tcp 443-443",
        "database-jobs database tcp 5432-5432",
        "database-jobs endpoints tcp 443-443",
        *judges[environment],
        "load-balancer app-servers tcp 80-80",
    ]


def test_every_rule_comes_from_the_table(stack: Recording) -> None:
    """A rule declared anywhere else would be removed again by the exclusive lists."""
    assert {rule.parent for rule in (*stack.of_type(INGRESS), *stack.of_type(EGRESS))} == {"connections"}


OPTIONS = {Member.VPN, Member.INSTANCE_CONNECT, Member.KUBERNETES_API, Member.NODES}
NOT_IN_STAGING = {Member.RESTORE_TEST}
"""What neither stack has: tests/components/test_options.py and test_eks_cluster.py."""


@pytest.mark.parametrize(
    "connection",
    [each for each in CONNECTIONS if not {each.source, each.destination} & OPTIONS],
    ids=lambda each: f"{each.source} to {each.destination}",
)
def test_both_sides_of_a_connection_have_the_same_ports_and_purpose(
    stack: Recording, environment: str, connection: Connection
) -> None:
    """The internet has no security group, so a connection with it has one side."""
    absent = environment == "staging" and bool({connection.source, connection.destination} & NOT_IN_STAGING)
    ingress = f"connections-{connection.destination}-from-{connection.source}-"
    egress = f"connections-{connection.source}-to-{connection.destination}-"
    sides = [
        {
            (rule.plain["fromPort"], rule.plain["description"])
            for rule in stack.of_type(kind)
            if prefix in rule.name and rule.plain["ipProtocol"] == "tcp"
        }
        for kind, prefix, member in (
            (INGRESS, ingress, connection.destination),
            (EGRESS, egress, connection.source),
        )
        if member is not Member.INTERNET
    ]

    assert sides != []
    expected = set() if absent else {(port, connection.purpose) for port in connection.ports}
    assert all(side == expected for side in sides)


def test_groups_have_no_inline_rules(stack: Recording, environment: str) -> None:
    """Inline rules and rules as resources delete each other."""
    absent = OPTIONS if environment == "production" else OPTIONS | NOT_IN_STAGING

    assert {each.name: dict(each.plain) for each in stack.of_type(GROUP)} == {
        f"connections-{member}": {"vpcId": "network-vpc-id", "description": listener.description}
        for member, listener in LISTENERS.items()
        if member not in absent
    }


def test_groups_have_the_declared_rules_and_no_others(stack: Recording) -> None:
    exclusive = {each.plain["securityGroupId"]: each.plain for each in stack.of_type(EXCLUSIVE)}

    assert {group: (set(each["ingressRuleIds"]), set(each["egressRuleIds"])) for group, each in exclusive.items()} == {
        f"{group.name}-id": (ids_of_rules(stack, INGRESS, group), ids_of_rules(stack, EGRESS, group))
        for group in stack.of_type(GROUP)
    }


def ids_of_rules(stack: Recording, rule_type: str, group: Registration) -> set[str]:
    return {
        f"{rule.name}-id" for rule in stack.of_type(rule_type) if rule.plain["securityGroupId"] == f"{group.name}-id"
    }
