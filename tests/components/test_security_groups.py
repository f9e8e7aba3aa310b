"""Who may talk to whom: every rule of every security group in the stack."""

from tests.components.recorder import Recording, Registration

GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
EXCLUSIVE = "aws:ec2/vpcSecurityGroupRulesExclusive:VpcSecurityGroupRulesExclusive"


def line(rule: Registration) -> str:
    inputs = rule.plain
    peer = inputs.get("referencedSecurityGroupId") or inputs.get("cidrIpv4") or inputs["cidrIpv6"]
    return f"{inputs['securityGroupId']} {peer} {inputs['ipProtocol']} {inputs['fromPort']:.0f}-{inputs['toPort']:.0f}"


def test_who_may_be_reached_from_where(stack: Recording) -> None:
    """The internet reaches the load balancer and nothing else."""
    assert sorted(line(rule) for rule in stack.of_type(INGRESS)) == [
        "app-servers-id load-balancer-id tcp 3000-3000",
        "cache-id app-servers-id tcp 6379-6379",
        "database-id app-servers-id tcp 5432-5432",
        "load-balancer-id 0.0.0.0/0 tcp 443-443",
        "load-balancer-id 0.0.0.0/0 tcp 80-80",
        "load-balancer-id ::/0 tcp 443-443",
        "load-balancer-id ::/0 tcp 80-80",
        "network-endpoints-id app-servers-id tcp 443-443",
    ]


def test_who_may_reach_out_to_where(stack: Recording) -> None:
    """Database and cache reach nothing; servers reach third parties by HTTPS only."""
    assert sorted(line(rule) for rule in stack.of_type(EGRESS)) == [
        "app-servers-id 0.0.0.0/0 tcp 443-443",
        "app-servers-id cache-id tcp 6379-6379",
        "app-servers-id database-id tcp 5432-5432",
        "load-balancer-id app-servers-id tcp 3000-3000",
    ]


def test_every_rule_is_described(stack: Recording) -> None:
    assert [
        rule.name for rule in [*stack.of_type(INGRESS), *stack.of_type(EGRESS)] if not rule.plain["description"]
    ] == []


def test_groups_have_no_rules_of_their_own(stack: Recording) -> None:
    """Rules inside a group and rules as resources delete each other."""
    assert {each.name: dict(each.plain) for each in stack.of_type(GROUP)} == {
        "app-servers": {"vpcId": "network-vpc-id", "description": "App servers"},
        "cache": {"vpcId": "network-vpc-id", "description": "Redis"},
        "database": {"vpcId": "network-vpc-id", "description": "PostgreSQL"},
        "load-balancer": {"vpcId": "network-vpc-id", "description": "Load balancer, open to the internet"},
        "network-endpoints": {"vpcId": "network-vpc-id", "description": "Interface endpoints of AWS services"},
    }


def test_groups_have_the_declared_rules_and_no_others(stack: Recording) -> None:
    """A rule that is declared but not on its group's list would be removed again by the next `pulumi up`."""
    exclusive = {each.plain["securityGroupId"]: each.plain for each in stack.of_type(EXCLUSIVE)}

    assert {group: (set(each["ingressRuleIds"]), set(each["egressRuleIds"])) for group, each in exclusive.items()} == {
        f"{group.name}-id": (ids_of_rules(stack, INGRESS, group), ids_of_rules(stack, EGRESS, group))
        for group in stack.of_type(GROUP)
    }


def ids_of_rules(stack: Recording, rule_type: str, group: Registration) -> set[str]:
    return {
        f"{rule.name}-id" for rule in stack.of_type(rule_type) if rule.plain["securityGroupId"] == f"{group.name}-id"
    }
