"""Kinds of resources that inputs refer to by id, name or ARN, and the calls that find out whether one exists."""

from collections.abc import Callable
from typing import Any

from sandbox.provider.emulator import Api, ApiError
from sandbox.provider.model import Reference


def _asks(service: str, ask: Callable[[Api, str], Any]) -> Callable[[Api, str], bool]:
    """It exists if the call succeeds and its answer is not empty, and does not if the error says that it is missing."""

    def exists(api: Api, value: str) -> bool:
        region = value.split(":")[3] if value.startswith("arn:") else ""
        try:
            return bool(ask(Api(api.emulator, service, region or api.region), value))
        except ApiError as error:
            if error.missing or error.code in ("ValidationError", "ValidationException", "InvalidParameterValue"):
                return False
            raise

    return exists


def _ec2(operation: str, parameter: str) -> Callable[[Api, str], bool]:
    return _asks("ec2", lambda api, value: api(operation, **{parameter: [value]}))


VPC = Reference("VPC", _ec2("describe_vpcs", "VpcIds"))
SUBNET = Reference("subnet", _ec2("describe_subnets", "SubnetIds"))
SECURITY_GROUP = Reference("security group", _ec2("describe_security_groups", "GroupIds"))
INTERNET_GATEWAY = Reference("internet gateway", _ec2("describe_internet_gateways", "InternetGatewayIds"))
NAT_GATEWAY = Reference("NAT gateway", _ec2("describe_nat_gateways", "NatGatewayIds"))
ROUTE_TABLE = Reference("route table", _ec2("describe_route_tables", "RouteTableIds"))
ELASTIC_IP = Reference("Elastic IP allocation", _ec2("describe_addresses", "AllocationIds"))
VPC_ENDPOINT = Reference("VPC endpoint", _ec2("describe_vpc_endpoints", "VpcEndpointIds"))
LAUNCH_TEMPLATE = Reference("launch template", _ec2("describe_launch_templates", "LaunchTemplateIds"))
NETWORK_ACL = Reference("network ACL", _ec2("describe_network_acls", "NetworkAclIds"))
PREFIX_LIST = Reference(
    "prefix list",
    _asks("ec2", lambda api, value: api("describe_managed_prefix_lists", PrefixListIds=[value])["PrefixLists"]),
)


def _last(value: str) -> str:
    return value.rsplit("/", 1)[-1]


ROLE = Reference("IAM role", _asks("iam", lambda api, value: api("get_role", RoleName=_last(value))))
INSTANCE_PROFILE = Reference(
    "instance profile",
    _asks("iam", lambda api, value: api("get_instance_profile", InstanceProfileName=_last(value))),
)


def _policy_exists(api: Api, value: str) -> bool:
    """Only policies of the account are looked up: the emulator has a selection of AWS's managed ones."""
    return value.startswith("arn:aws:iam::aws:policy/") or bool(api("get_policy", PolicyArn=value))


POLICY = Reference("IAM policy", _asks("iam", _policy_exists))


def _key_exists(api: Api, value: str) -> bool:
    """Keys that AWS manages (`alias/aws/...`) are created on first use."""
    return "alias/aws/" in value or bool(api("describe_key", KeyId=value))


KMS_KEY = Reference("KMS key", _asks("kms", _key_exists))
BUCKET = Reference(
    "S3 bucket",
    _asks("s3", lambda api, value: api("head_bucket", Bucket=value.removeprefix("arn:aws:s3:::").split("/")[0])),
)
LOAD_BALANCER = Reference(
    "load balancer", _asks("elbv2", lambda api, value: api("describe_load_balancers", LoadBalancerArns=[value]))
)
TARGET_GROUP = Reference(
    "target group", _asks("elbv2", lambda api, value: api("describe_target_groups", TargetGroupArns=[value]))
)
LISTENER = Reference("listener", _asks("elbv2", lambda api, value: api("describe_listeners", ListenerArns=[value])))
CERTIFICATE = Reference(
    "certificate", _asks("acm", lambda api, value: api("describe_certificate", CertificateArn=value))
)


def _acl_exists(api: Api, value: str) -> bool:
    scope, _, name, identifier = value.split(":", 5)[5].split("/")
    kind = "CLOUDFRONT" if scope == "global" else "REGIONAL"
    return bool(api("get_web_acl", Name=name, Scope=kind, Id=identifier))


def _ip_set_exists(api: Api, value: str) -> bool:
    scope, _, name, identifier = value.split(":", 5)[5].split("/")
    kind = "CLOUDFRONT" if scope == "global" else "REGIONAL"
    return bool(api("get_ip_set", Name=name, Scope=kind, Id=identifier))


WEB_ACL = Reference("web ACL", _asks("wafv2", _acl_exists))
IP_SET = Reference("IP set", _asks("wafv2", _ip_set_exists))
ORIGIN_ACCESS_CONTROL = Reference(
    "origin access control", _asks("cloudfront", lambda api, value: api("get_origin_access_control", Id=value))
)


def _logged_exists(api: Api, value: str) -> bool:
    """Only distributions are looked up; other services deliver their logs too."""
    return ":cloudfront:" not in value or bool(
        Api(api.emulator, "cloudfront", api.region)("get_distribution", Id=_last(value))
    )


LOGGED = Reference("source of logs", _asks("logs", _logged_exists))
DELIVERY_SOURCE = Reference(
    "log delivery source", _asks("logs", lambda api, value: api("get_delivery_source", name=value))
)
DELIVERY_DESTINATION = Reference(
    "log delivery destination",
    _asks("logs", lambda api, value: api("get_delivery_destination", name=value.rsplit(":", 1)[-1])),
)
HOSTED_ZONE = Reference("hosted zone", _asks("route53", lambda api, value: api("get_hosted_zone", Id=value)))
DB_INSTANCE = Reference(
    "database instance",
    _asks("rds", lambda api, value: api("describe_db_instances", DBInstanceIdentifier=value.rsplit(":", 1)[-1])),
)
BACKUP_VAULT = Reference(
    "backup vault",
    _asks("backup", lambda api, value: api("describe_backup_vault", BackupVaultName=value.rsplit(":", 1)[-1])),
)
RESTORE_TESTING_PLAN = Reference(
    "restore testing plan", lambda api, value: False, "aws:backup/restoreTestingPlan:RestoreTestingPlan"
)
DB_SUBNET_GROUP = Reference(
    "database subnet group",
    _asks("rds", lambda api, value: api("describe_db_subnet_groups", DBSubnetGroupName=value)),
)


def _parameter_group_exists(api: Api, value: str) -> bool:
    """RDS has a default group of every family."""
    return value.startswith("default.") or bool(
        api("describe_db_parameter_groups", DBParameterGroupName=value)["DBParameterGroups"]
    )


DB_PARAMETER_GROUP = Reference("database parameter group", _asks("rds", _parameter_group_exists))
CACHE_SUBNET_GROUP = Reference(
    "cache subnet group", lambda api, value: value == "default", "aws:elasticache/subnetGroup:SubnetGroup"
)
CACHE_PARAMETER_GROUP = Reference(
    "cache parameter group",
    lambda api, value: value.startswith("default."),
    "aws:elasticache/parameterGroup:ParameterGroup",
)
TOPIC = Reference("SNS topic", _asks("sns", lambda api, value: api("get_topic_attributes", TopicArn=value)))
SECRET = Reference(
    "secret",
    # A secret that waits for its deletion is gone for a program.
    _asks("secretsmanager", lambda api, value: "DeletedDate" not in api("describe_secret", SecretId=value)),
)
LOG_GROUP = Reference(
    "log group",
    _asks(
        "logs",
        lambda api, value: [
            group
            for group in api("describe_log_groups", logGroupNamePrefix=_log_group_name(value))["logGroups"]
            if group["logGroupName"] == _log_group_name(value)
        ],
    ),
)
SCALING_GROUP = Reference(
    "Auto Scaling group",
    _asks(
        "autoscaling",
        lambda api, value: api("describe_auto_scaling_groups", AutoScalingGroupNames=[value])["AutoScalingGroups"],
    ),
)


def _log_group_name(value: str) -> str:
    return value.rsplit(":log-group:", maxsplit=1)[-1].removesuffix(":*")
