"""The staging stack: deployed beside nothing else, then deleted without a trace."""

from typing import Any

import pytest

from tests.end_to_end.driver import Sandbox, summary

pytestmark = pytest.mark.engine


def inventory(sandbox: Sandbox) -> dict[str, list[str]]:
    """What the emulator holds, by kind, without what every AWS account has from the start.

    The cache is not among it: moto has no delete for some of ElastiCache, so the sandbox only records that.
    """
    ec2 = sandbox.client("ec2")
    default = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["IsDefault"]}

    def beyond_default(found: list[dict[str, Any]], key: str) -> list[str]:
        return [item[key] for item in found if item.get("VpcId") not in default]

    return {
        "vpcs": beyond_default(ec2.describe_vpcs()["Vpcs"], "VpcId"),
        "subnets": beyond_default(ec2.describe_subnets()["Subnets"], "SubnetId"),
        "security groups": beyond_default(ec2.describe_security_groups()["SecurityGroups"], "GroupId"),
        "gateways": [
            gateway["NatGatewayId"]
            for gateway in ec2.describe_nat_gateways()["NatGateways"]
            if gateway["State"] != "deleted"
        ],
        "addresses": [address["AllocationId"] for address in ec2.describe_addresses()["Addresses"]],
        "launch templates": [
            template["LaunchTemplateName"] for template in ec2.describe_launch_templates()["LaunchTemplates"]
        ],
        "load balancers": _names(sandbox, "elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerName"),
        "target groups": _names(sandbox, "elbv2", "describe_target_groups", "TargetGroups", "TargetGroupName"),
        "server groups": _names(
            sandbox, "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"
        ),
        "databases": _names(sandbox, "rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
        "buckets": _names(sandbox, "s3", "list_buckets", "Buckets", "Name"),
        "zones": _names(sandbox, "route53", "list_hosted_zones", "HostedZones", "Name"),
        "certificates": _names(sandbox, "acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
        "alarms": _names(sandbox, "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        "log groups": _names(sandbox, "logs", "describe_log_groups", "logGroups", "logGroupName"),
        "topics": _names(sandbox, "sns", "list_topics", "Topics", "TopicArn"),
        "roles": _names(sandbox, "iam", "list_roles", "Roles", "RoleName"),
        "identity providers": _names(
            sandbox, "iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"
        ),
        "policies": [policy["PolicyName"] for policy in sandbox.client("iam").list_policies(Scope="Local")["Policies"]],
        "secrets": _names(sandbox, "secretsmanager", "list_secrets", "SecretList", "Name"),
    }


def _names(sandbox: Sandbox, service: str, operation: str, member: str, key: str) -> list[str]:
    return [item[key] for item in getattr(sandbox.client(service), operation)()[member]]


def test_staging_comes_and_goes_without_a_trace(staging: Sandbox) -> None:
    created = summary(staging.succeed("up"))
    held = inventory(staging)
    assert [kind for kind, items in held.items() if not items] == []
    destroyed = summary(staging.succeed("destroy"))
    assert destroyed == {"deleted": created["created"]}
    left = inventory(staging)
    assert {kind: items for kind, items in left.items() if items} == {}
    assert staging.state() == {}
