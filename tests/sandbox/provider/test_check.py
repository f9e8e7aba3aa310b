"""Check against deliberate mistakes: each is found in a preview, at its property, in a sentence that helps."""

from typing import Any

import pytest

from sandbox.provider.values import UNKNOWN
from tests.sandbox.provider.services import TRUST, Services

pytestmark = pytest.mark.emulator

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
DESCRIPTION = "must be at most 255 letters, digits, spaces and signs among ._-:/()#,@[]+=&;{}!$*"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
LISTENER = "aws:lb/listener:Listener"
ROLE = "aws:iam/role:Role"
BUCKET = "aws:s3/bucket:Bucket"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
KEY = "aws:kms/key:Key"
RULE = "aws:wafv2/webAclRule:WebAclRule"
RECORD = "aws:route53/record:Record"
CERTIFICATE = "aws:acm/certificate:Certificate"
GROUP = "aws:autoscaling/group:Group"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"

VISIBILITY = {"cloudwatchMetricsEnabled": True, "metricName": "rate", "sampledRequestsEnabled": True}
ACL = "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/gone/11111111-1111-1111-1111-111111111111"

UNKNOWN_INPUTS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        VPC,
        {"cidrBlok": "10.0.0.0/16"},
        [("cidrBlok", "unknown input 'cidrBlok'; did you mean 'cidrBlock'?")],
    ),
    (
        TARGET_GROUP,
        {"healthCheck": {"intervall": 10}},
        [("healthCheck.intervall", "unknown input 'intervall'; did you mean 'interval'?")],
    ),
    (
        TARGET_GROUP,
        {"healthCheck": {"healthy_treshold": 2}},
        [("healthCheck.healthy_treshold", "unknown input 'healthy_treshold'; did you mean 'healthy_threshold'?")],
    ),
    (BUCKET, {"zzz": 1}, [("zzz", "unknown input 'zzz'")]),
]

WRONG_TYPES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (VPC, {"cidrBlock": ["10.0.0.0/16"]}, [("cidrBlock", "expected a string, got a list")]),
    (VPC, {"cidrBlock": "10.0.0.0/16", "tags": "x"}, [("tags", "expected a map, got a string")]),
    (
        VPC,
        {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": "yes"},
        [("enableDnsSupport", "expected a boolean, got a string")],
    ),
    (TARGET_GROUP, {"port": "http"}, [("port", "expected an integer, got a string")]),
    (TARGET_GROUP, {"port": 80.5}, [("port", "expected an integer, got a number")]),
    (TARGET_GROUP, {"healthCheck": [{}]}, [("healthCheck", "expected an object, got a list")]),
    (
        LOAD_BALANCER,
        {"subnets": "subnet-1"},
        [("subnets", "expected a list, got a string")],
    ),
]

MISSING: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (SUBNET, {"cidrBlock": "10.0.0.0/24"}, [("vpcId", "required input 'vpcId' is missing")]),
    (ROLE, {}, [("assumeRolePolicy", "required input 'assumeRolePolicy' is missing")]),
    (
        LISTENER,
        {"port": 80},
        [
            ("defaultActions", "required input 'defaultActions' is missing"),
            ("loadBalancerArn", "required input 'loadBalancerArn' is missing"),
        ],
    ),
    (
        VERSIONING,
        {"bucket": UNKNOWN, "versioningConfiguration": {}},
        [
            ("versioningConfiguration.status", "required input 'status' is missing"),
        ],
    ),
    (
        LISTENER,
        {"loadBalancerArn": UNKNOWN, "port": 443, "protocol": "HTTPS", "defaultActions": [{"type": "forward"}]},
        [("certificateArn", "a listener for HTTPS needs a certificate")],
    ),
    (
        RECORD,
        {"zoneId": UNKNOWN, "name": "a.fixrx.com", "type": "A", "records": ["10.0.0.1"]},
        [("ttl", "a record with values needs a ttl")],
    ),
]

WRONG_VALUES: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    # Words that are not among those that AWS knows.
    (
        TARGET_GROUP,
        {"protocol": "HTP"},
        [
            (
                "protocol",
                "must be one of HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, GENEVE, QUIC, TCP_QUIC "
                "(CreateTargetGroup: Protocol)",
            )
        ],
    ),
    (
        VERSIONING,
        {"bucket": UNKNOWN, "versioningConfiguration": {"status": "On"}},
        [
            (
                "versioningConfiguration.status",
                "must be one of Enabled, Suspended (PutBucketVersioning: VersioningConfiguration.Status)",
            )
        ],
    ),
    (
        VPC,
        {"cidrBlock": "10.0.0.0/16", "instanceTenancy": "shared"},
        [
            ("instanceTenancy", "must be one of default, dedicated, host (CreateVpc: InstanceTenancy)"),
            ("instanceTenancy", "must be one of default, dedicated"),
        ],
    ),
    # Patterns.
    (
        ROLE,
        {"assumeRolePolicy": TRUST, "name": "my role"},
        [("name", "must match ^(?:[\\w+=,.@-]+)$ (CreateRole: RoleName)")],
    ),
    (VPC, {"cidrBlock": "10.0.0.0"}, [("cidrBlock", "must be an IPv4 CIDR block such as 10.0.0.0/16")]),
    (VPC, {"cidrBlock": "10.0.0.0/8"}, [("cidrBlock", "must have a netmask from /16 to /28")]),
    (
        VPC,
        {"cidrBlock": "10.0.0.1/16"},
        [("cidrBlock", "must be an IPv4 CIDR block: 10.0.0.1/16 has host bits set")],
    ),
    (
        SUBNET,
        {"vpcId": UNKNOWN, "cidrBlock": "10.0.0.0/24", "availabilityZone": "us-east-1"},
        [("availabilityZone", "must be an availability zone such as us-east-1a")],
    ),
    (
        BUCKET,
        {"bucket": "FixRx_Backups"},
        [("bucket", "must be a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens")],
    ),
    (
        ROLE,
        {"assumeRolePolicy": "{"},
        [
            (
                "assumeRolePolicy",
                "must be JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            )
        ],
    ),
    (
        ROLE,
        {"assumeRolePolicy": '{"Version": "2012-10-17", "Statement": [{"Effect": "Permit", "Action": "*"}]}'},
        [("assumeRolePolicy", "has a statement whose Effect is neither Allow nor Deny")],
    ),
    (TEMPLATE, {"userData": "#!/bin/sh"}, [("userData", "must be base64")]),
    # Ranges.
    (
        TARGET_GROUP,
        {"healthCheck": {"interval": 1}},
        [
            (
                "healthCheck.interval",
                "must be at least 5, is 1 (CreateTargetGroup: HealthCheckIntervalSeconds)",
            )
        ],
    ),
    (TARGET_GROUP, {"deregistrationDelay": 3601}, [("deregistrationDelay", "must be between 0 and 3600")]),
    (KEY, {"deletionWindowInDays": 3}, [("deletionWindowInDays", "must be between 7 and 30")]),
    (
        ROLE,
        {"assumeRolePolicy": TRUST, "maxSessionDuration": 60},
        [("maxSessionDuration", "must be at least 3600, is 60 (CreateRole: MaxSessionDuration)")],
    ),
    (
        GROUP,
        {"minSize": 4, "maxSize": 3, "launchTemplate": {"id": UNKNOWN}},
        [("minSize", "must not exceed maxSize (3), is 4")],
    ),
    (
        INGRESS,
        {"securityGroupId": UNKNOWN, "ipProtocol": "tcp", "fromPort": 443, "toPort": 80, "cidrIpv4": "0.0.0.0/0"},
        [("toPort", "must not be below fromPort (443)")],
    ),
    *[
        (
            token,
            {"securityGroupId": UNKNOWN, "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0", "description": description},
            [("description", DESCRIPTION)],
        )
        for token in (INGRESS, EGRESS)
        for description in ("servers -> database", "the platform's", "a" * 256, "caf\u00e9", "line\nbreak")
    ],
    (
        SECURITY_GROUP,
        {
            "description": "servers -> database",
            "ingress": [
                {"protocol": "tcp", "fromPort": 1, "toPort": 2, "cidrBlocks": ["10.0.0.0/8"], "description": "it's"}
            ],
        },
        [("description", DESCRIPTION), ("ingress[0].description", DESCRIPTION)],
    ),
    (
        RULE,
        {
            "webAclArn": UNKNOWN,
            "name": "rate",
            "priority": 1,
            "action": {"block": {}},
            "statement": {"rateBasedStatement": {"limit": 5, "aggregateKeyType": "ADDRESS"}},
            "visibilityConfig": VISIBILITY,
        },
        [
            (
                "statement.rateBasedStatement.limit",
                "must be at least 10, is 5 (Rule: Statement.RateBasedStatement.Limit)",
            ),
            (
                "statement.rateBasedStatement.aggregateKeyType",
                "must be one of IP, FORWARDED_IP, CUSTOM_KEYS, CONSTANT "
                "(Rule: Statement.RateBasedStatement.AggregateKeyType)",
            ),
        ],
    ),
]

DANGLING: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        SUBNET,
        {"vpcId": "vpc-doesnotexist", "cidrBlock": "10.0.0.0/24"},
        [("vpcId", "there is no VPC vpc-doesnotexist")],
    ),
    (
        LOAD_BALANCER,
        {"subnets": ["subnet-doesnotexist", UNKNOWN], "securityGroups": ["sg-doesnotexist"]},
        [
            ("subnets[0]", "there is no subnet subnet-doesnotexist"),
            ("securityGroups[0]", "there is no security group sg-doesnotexist"),
        ],
    ),
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        {
            "bucket": "no-such-bucket",
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": "arn:aws:kms:us-east-1:123456789012:key/gone",
                    }
                }
            ],
        },
        [
            ("bucket", "there is no S3 bucket no-such-bucket"),
            (
                "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId",
                "there is no KMS key arn:aws:kms:us-east-1:123456789012:key/gone",
            ),
        ],
    ),
    (
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        {"role": "nobody", "policyArn": "arn:aws:iam::123456789012:policy/gone"},
        [
            ("role", "there is no IAM role nobody"),
            ("policyArn", "there is no IAM policy arn:aws:iam::123456789012:policy/gone"),
        ],
    ),
    (
        "aws:ec2/flowLog:FlowLog",
        {
            "vpcId": UNKNOWN,
            "trafficType": "ALL",
            "iamRoleArn": "arn:aws:iam::123456789012:role/gone",
            "logDestination": UNKNOWN,
        },
        [("iamRoleArn", "there is no IAM role arn:aws:iam::123456789012:role/gone")],
    ),
    (
        RULE,
        {
            "webAclArn": ACL,
            "name": "rate",
            "priority": 1,
            "action": {"block": {}},
            "statement": {"rateBasedStatement": {"limit": 100, "aggregateKeyType": "IP"}},
            "visibilityConfig": VISIBILITY,
        },
        [("webAclArn", f"there is no web ACL {ACL}")],
    ),
]

OTHERS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    (
        "aws:rum/appMonitor:AppMonitor",
        {"domain": "x.com", "name": "x"},
        [
            ("", "the sandbox does not support the type aws:rum/appMonitor:AppMonitor"),
        ],
    ),
    (
        SUBNET,
        {"vpcId": UNKNOWN, "cidrBlock": "10.0.0.0/24", "enableDns64": True},
        [("enableDns64", "the sandbox does not support this input: it has no API parameter for it")],
    ),
    (VPC, {"cidrBlock": "10.0.0.0/16", "region": "us-east-9"}, [("region", "there is no AWS region us-east-9")]),
    (
        VPC,
        {"ipv4NetmaskLength": 40, "cidrBlock": "x", "tagz": {}, "enableDnsSupport": []},
        [
            ("enableDnsSupport", "expected a boolean, got a list"),
            ("cidrBlock", "must be an IPv4 CIDR block such as 10.0.0.0/16"),
            ("tagz", "unknown input 'tagz'; did you mean 'tags'?"),
        ],
    ),
]

CASES = [*UNKNOWN_INPUTS, *WRONG_TYPES, *MISSING, *WRONG_VALUES, *DANGLING, *OTHERS]


@pytest.mark.parametrize(("token", "inputs", "expected"), CASES)
def test_mistakes_are_found(
    services: Services, token: str, inputs: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert sorted(services.failures(token, inputs)) == sorted(expected)


@pytest.mark.parametrize(
    ("token", "inputs", "key", "value"),
    [
        (TARGET_GROUP, {"port": "80"}, "port", 80),
        (LISTENER, {"loadBalancerArn": UNKNOWN, "port": "80", "defaultActions": UNKNOWN}, "port", 80),
        (VPC, {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": "false"}, "enableDnsSupport", False),
        (VPC, {"cidrBlock": "10.0.0.0/16", "tags": {"build": 7}}, "tags", {"build": "7"}),
        (TARGET_GROUP, {"healthCheck": {"port": 8080}}, "healthCheck", {"port": "8080"}),
    ],
)
def test_scalars_are_converted_as_the_bridge_does(
    services: Services, token: str, inputs: dict[str, Any], key: str, value: object
) -> None:
    assert services.check(token, inputs)[key] == value


def test_unknown_values_are_not_held_against_anything(services: Services) -> None:
    inputs = {
        "vpcId": UNKNOWN,
        "cidrBlock": UNKNOWN,
        "availabilityZone": UNKNOWN,
        "mapPublicIpOnLaunch": UNKNOWN,
        "tags": {"Name": UNKNOWN},
    }
    assert services.failures(SUBNET, inputs) == []


def test_a_name_of_the_same_program_is_no_dangling_reference(services: Services) -> None:
    services.check(ROLE, {"assumeRolePolicy": TRUST, "name": "declared"})
    assert services.failures("aws:iam/instanceProfile:InstanceProfile", {"role": "declared"}) == []


def test_what_was_deleted_is_asked_for_again(services: Services) -> None:
    vpc = services.create(VPC, {"cidrBlock": "10.9.0.0/16"}, "deleted-later")
    inputs = {"vpcId": vpc.id, "cidrBlock": "10.9.0.0/24"}
    assert services.failures(SUBNET, inputs) == []
    services.delete(vpc)
    assert services.failures(SUBNET, inputs) == [("vpcId", f"there is no VPC {vpc.id}")]


def test_defaults_of_the_provider_are_filled_and_listed(services: Services) -> None:
    assert services.check(VPC, {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": False}) == {
        "cidrBlock": "10.0.0.0/16",
        "enableDnsSupport": False,
        "instanceTenancy": "default",
        "__defaults": ["instanceTenancy"],
    }


@pytest.mark.parametrize(
    "description", ["HTTPS, and HTTP to redirect to HTTPS", "a" * 255, "._-:/()#,@[]+=&;{}!$*", ""]
)
def test_descriptions_that_ec2_takes(services: Services, description: str) -> None:
    for token in (INGRESS, EGRESS):
        rule = {"securityGroupId": UNKNOWN, "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0", "description": description}
        assert services.failures(token, rule) == []


def test_type_and_code_of_icmp_are_no_range_of_ports(services: Services) -> None:
    rule = {"securityGroupId": UNKNOWN, "ipProtocol": "icmpv6", "fromPort": 2, "toPort": 0, "cidrIpv6": "::/0"}

    assert services.failures(INGRESS, rule) == []
