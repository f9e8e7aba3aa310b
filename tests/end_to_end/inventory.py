"""What an emulator holds, read through boto3, past Pulumi and the provider."""

import json
import sqlite3
from typing import Any

from tests.end_to_end.driver import Sandbox


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


def amounts(sandbox: Sandbox) -> dict[str, int]:
    """How much of each kind the emulator holds, details of its resources and what is only recorded included."""
    ec2 = sandbox.client("ec2")
    amounts = {kind: len(items) for kind, items in inventory(sandbox).items()}
    # moto keeps the default network ACL of a VPC that is deleted.
    vpcs = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}
    acls = [acl for acl in ec2.describe_network_acls()["NetworkAcls"] if acl["VpcId"] in vpcs]
    tables = ec2.describe_route_tables()["RouteTables"]
    amounts["route tables"] = len(tables)
    amounts["routes"] = sum(len(table["Routes"]) for table in tables)
    amounts["network ACL entries"] = sum(len(acl["Entries"]) for acl in acls)
    amounts["security group rules"] = len(ec2.describe_security_group_rules()["SecurityGroupRules"])
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    amounts["endpoints"] = sum(endpoint["State"].lower() != "deleted" for endpoint in endpoints)
    amounts["flow logs"] = len(ec2.describe_flow_logs()["FlowLogs"])
    keys = sandbox.client("kms")
    amounts["keys"] = sum(
        keys.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
        for key in keys.list_keys()["Keys"]
    )
    amounts["key aliases"] = len([alias for alias in keys.list_aliases()["Aliases"] if alias.get("TargetKeyId")])
    gone = _gone(sandbox)
    tagged = [
        resource
        for page in sandbox.client("resourcegroupstaggingapi").get_paginator("get_resources").paginate()
        for resource in page["ResourceTagMappingList"]
        # A key that is deleted stays for its waiting period, as in AWS.
        if ":key/" not in resource["ResourceARN"] and resource["ResourceARN"].rpartition("/")[2] not in gone
    ]
    amounts["tagged resources"] = len(tagged)
    amounts["tags"] = sum(len(resource["Tags"]) for resource in tagged)
    return amounts | _recorded(sandbox)


def _gone(sandbox: Sandbox) -> set[str]:
    """Servers and gateways that an interrupted `up` has left and the next one has deleted: for an hour and longer, AWS
    tells of them, and of their tags."""
    ec2 = sandbox.client("ec2")
    gateways = [each for each in ec2.describe_nat_gateways()["NatGateways"] if each["State"] == "deleted"]
    servers = [each for group in ec2.describe_instances()["Reservations"] for each in group["Instances"]]
    return {each["NatGatewayId"] for each in gateways} | {
        each["InstanceId"] for each in servers if each["State"]["Name"] == "terminated"
    }


def _recorded(sandbox: Sandbox) -> dict[str, int]:
    """What the provider records because the emulator lacks it."""
    path = sandbox.directory / sandbox.stack / "provider" / "record.sqlite"
    with sqlite3.connect(path) as record:
        rows = record.execute("SELECT kind, document FROM record").fetchall()
    counts: dict[str, int] = {}
    for kind, document in rows:
        assert json.loads(document) is not None
        counts[f"record of {kind}"] = counts.get(f"record of {kind}", 0) + 1
    return counts


def _names(sandbox: Sandbox, service: str, operation: str, member: str, key: str) -> list[str]:
    return [item[key] for item in getattr(sandbox.client(service), operation)()[member]]
