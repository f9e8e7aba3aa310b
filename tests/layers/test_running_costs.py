"""The README's table of what AWS bills by the hour or the month, against what the program registers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recorder import Recording

README = Path(__file__).parents[2] / "README.md"


def table() -> Iterator[tuple[str, str, str]]:
    section = README.read_text().partition("## What it costs\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    for what, production, staging in rows[2:]:
        yield what.strip(), production.strip(), staging.strip()


def billed(stack: Recording) -> dict[str, str]:
    def count(kind: str) -> str:
        return str(len(stack.of_type(kind)))

    instances = stack.of_type("aws:rds/instance:Instance")
    (cache,) = stack.of_type("aws:elasticache/replicationGroup:ReplicationGroup")
    (servers,) = stack.of_type("aws:autoscaling/group:Group")
    (template,) = stack.of_type("aws:ec2/launchTemplate:LaunchTemplate")
    standbys = sum(bool(instance.plain.get("multiAz")) for instance in instances)
    (database_class,) = {instance.plain["instanceClass"] for instance in instances}
    zones = [
        len(endpoint.plain["subnetIds"])
        for endpoint in stack.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")
        if endpoint.plain["vpcEndpointType"] == "Interface"
    ]
    return {
        "app servers, at least": f"{servers.plain['minSize']:g} {template.plain['instanceType']}",
        "PostgreSQL, with standby and replica": f"{len(instances) + standbys} {database_class}",
        "Redis nodes": f"{cache.plain['numCacheClusters']:g} {cache.plain['nodeType']}",
        "NAT gateways, each with a public address": count("aws:ec2/natGateway:NatGateway"),
        "interface endpoints, times zones": str(sum(zones)),
        "load balancers": count("aws:lb/loadBalancer:LoadBalancer"),
        "web ACLs": count("aws:wafv2/webAcl:WebAcl"),
        "rules of web ACLs": count("aws:wafv2/webAclRule:WebAclRule"),
        "keys": count("aws:kms/key:Key"),
        "secrets": count("aws:secretsmanager/secret:Secret"),
        "alarms": count("aws:cloudwatch/metricAlarm:MetricAlarm"),
        "composite alarms": count("aws:cloudwatch/compositeAlarm:CompositeAlarm"),
        "health checks, with HTTPS": count("aws:route53/healthCheck:HealthCheck"),
        "dashboards": count("aws:cloudwatch/dashboard:Dashboard"),
    }


@pytest.mark.parametrize("column", ["production", "staging"])
def test_the_readme_lists_what_is_billed(column: str, production: Recording, staging: Recording) -> None:
    stack = {"production": production, "staging": staging}[column]
    position = ["production", "staging"].index(column)

    assert {row[0]: row[1 + position] for row in table()} == billed(stack)
