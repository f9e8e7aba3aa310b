"""Mapping between properties and API parameters, and validation against the service model, without any emulator."""

from typing import Any

import pytest

from sandbox.provider import diff, mapping, schema
from sandbox.provider.schema import CheckFailure
from sandbox.provider.values import UNKNOWN


def _shape(service: str, method: str) -> Any:
    return mapping.operation(service, method).input_shape


@pytest.mark.parametrize(
    ("service", "method", "properties", "renames", "parameters"),
    [
        ("ec2", "create_subnet", {"vpcId": "v", "cidrBlock": "c"}, {}, {"VpcId": "v", "CidrBlock": "c"}),
        ("iam", "create_role", {"name": "n"}, {}, {"RoleName": "n"}),
        ("elbv2", "create_target_group", {"port": 80}, {}, {"Port": 80}),
        (
            "elbv2",
            "create_target_group",
            {"healthCheck.interval": "10"},
            {"healthCheck.interval": "HealthCheckIntervalSeconds"},
            {"HealthCheckIntervalSeconds": 10},
        ),
        (
            "s3",
            "put_bucket_versioning",
            {"bucket": "b", "versioningConfiguration": [{"status": "Enabled"}]},
            {},
            {"Bucket": "b", "VersioningConfiguration": {"Status": "Enabled"}},
        ),
        (
            "cloudwatch",
            "put_metric_alarm",
            {"dimensions": {"LoadBalancer": "x"}, "threshold": 1},
            {},
            {"Dimensions": [{"Name": "LoadBalancer", "Value": "x"}], "Threshold": 1.0},
        ),
        (
            "s3",
            "put_bucket_lifecycle_configuration",
            {"rules": [{"id": "a", "expiration": {"days": 7}}]},
            {"rules": "LifecycleConfiguration.Rules"},
            {"LifecycleConfiguration": {"Rules": [{"ID": "a", "Expiration": {"Days": 7}}]}},
        ),
        (
            "elbv2",
            "create_listener",
            {"defaultActions": [{"redirect": {"statusCode": "HTTP_301"}}]},
            {"*.redirect": "RedirectConfig"},
            {"DefaultActions": [{"RedirectConfig": {"StatusCode": "HTTP_301"}}]},
        ),
        ("ec2", "create_subnet", {"vpcId": UNKNOWN, "ipv6Native": None}, {}, {"VpcId": UNKNOWN}),
    ],
)
def test_properties_become_parameters(
    service: str, method: str, properties: dict[str, Any], renames: dict[str, str], parameters: dict[str, Any]
) -> None:
    noun = "Role" if service == "iam" else ""
    mapped = mapping.to_parameters(_shape(service, method), properties, renames, noun)
    assert (mapped.parameters, mapped.failures) == (parameters, [])


def test_what_has_no_parameter_is_reported_with_its_path() -> None:
    rules = {"rules": [{"id": "a", "colour": "red"}], "shape": "round"}
    renames = {"rules": "LifecycleConfiguration.Rules"}
    mapped = mapping.to_parameters(_shape("s3", "put_bucket_lifecycle_configuration"), rules, renames)
    assert mapped.failures == [
        CheckFailure("rules[0].colour", mapping.UNMAPPED),
        CheckFailure("shape", mapping.UNMAPPED),
    ]


def test_names_are_not_guessed_beyond_spelling() -> None:
    """`interval` is the end of HealthCheckIntervalSeconds' spelling, but not its name."""
    mapped = mapping.to_parameters(_shape("elbv2", "create_target_group"), {"interval": 10}, {})
    assert (mapped.parameters, [one.property for one in mapped.failures]) == ({}, ["interval"])


@pytest.mark.parametrize(
    ("service", "method", "parameters", "failures"),
    [
        ("elbv2", "create_target_group", {}, [("Name", "required by the API: Name")]),
        (
            "elbv2",
            "create_target_group",
            {"Name": "n", "Port": 0},
            [("Port", "must be at least 1, is 0")],
        ),
        (
            "elbv2",
            "create_target_group",
            {"Name": "n", "Port": 65536},
            [("Port", "must be at most 65535, is 65536")],
        ),
        ("elbv2", "create_target_group", {"Name": "n", "Colour": 1}, [("Colour", "the API has no such parameter")]),
        ("elbv2", "create_target_group", {"Name": 1}, [("Name", "expected a string")]),
        ("iam", "get_role", {"RoleName": "a" * 65}, [("RoleName", "must have at most 64 characters, has 65")]),
        ("iam", "get_role", {"RoleName": "a b"}, [("RoleName", r"must match ^(?:[\w+=,.@-]+)$")]),
        ("iam", "get_role", {"RoleName": UNKNOWN}, []),
        (
            "ec2",
            "create_volume",
            {"AvailabilityZone": "a", "VolumeType": "gp9"},
            [("VolumeType", "must be one of standard, io1, io2, gp2, sc1, st1, gp3")],
        ),
        ("kms", "create_key", {"Tags": [{"TagKey": "k"}]}, [("Tags[0].TagValue", "required by the API: TagValue")]),
        ("kms", "create_key", {"Tags": {"k": "v"}}, [("Tags", "expected a list")]),
        ("kms", "create_key", {"MultiRegion": "yes"}, [("MultiRegion", "expected a boolean")]),
    ],
)
def test_parameters_are_held_against_the_model(
    service: str, method: str, parameters: dict[str, Any], failures: list[tuple[str, str]]
) -> None:
    found = mapping.validate(_shape(service, method), parameters)
    assert [(one.property, one.reason.replace("'yes'", "")) for one in found] == failures


def _input(token: str, key: str) -> schema.Type:
    declared = schema.resource(token)
    assert declared is not None
    return declared.inputs[key].type


def test_answers_become_properties() -> None:
    kind = _input("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules")
    answer = [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 7}}]
    assert mapping.to_property(kind, answer, {}, "rules") == [
        {"id": "a", "status": "Enabled", "filter": {"prefix": ""}, "expiration": {"days": 7}}
    ]


@pytest.mark.parametrize(
    ("token", "key", "left", "right", "same"),
    [
        ("aws:lb/loadBalancer:LoadBalancer", "subnets", ["a", "b"], ["b", "a"], True),
        ("aws:lb/loadBalancer:LoadBalancer", "subnets", ["a", "a"], ["b", "a"], False),
        ("aws:ec2/vpc:Vpc", "tags", {"a": "b"}, {"a": "b", "c": "d"}, False),
        ("aws:ec2/vpc:Vpc", "tags", {}, None, True),
        ("aws:ec2/vpc:Vpc", "enableDnsSupport", False, None, False),
        ("aws:lb/targetGroup:TargetGroup", "healthCheck", {"path": "/"}, {"path": "/", "port": None}, True),
        ("aws:lb/targetGroup:TargetGroup", "healthCheck", {"path": "/"}, {"path": "/", "port": "80"}, False),
        ("aws:s3/bucketPolicy:BucketPolicy", "policy", '{"a": ["x"]}', '{\n"a":"x"}', True),
        ("aws:s3/bucketPolicy:BucketPolicy", "policy", '{"a": ["x", "y"]}', '{"a": ["y", "x"]}', True),
        ("aws:s3/bucketPolicy:BucketPolicy", "policy", '{"a": "x"}', '{"a": "y"}', False),
        ("aws:ec2/vpc:Vpc", "cidrBlock", "10.0.0.0/16", UNKNOWN, False),
    ],
)
def test_when_two_inputs_mean_the_same(token: str, key: str, left: Any, right: Any, same: bool) -> None:
    assert diff.same(_input(token, key), left, right) is same


def test_aws_may_tell_more_than_was_asked_for() -> None:
    kind = _input("aws:lb/targetGroup:TargetGroup", "healthCheck")
    assert diff.matches(kind, {"path": "/"}, {"path": "/", "port": "traffic-port"})
    assert not diff.matches(kind, {"path": "/", "port": "80"}, {"path": "/", "port": "traffic-port"})


def test_order_counts_where_the_table_says_so() -> None:
    kind = _input("aws:autoscaling/group:Group", "terminationPolicies")
    assert diff.same(kind, ["a", "b"], ["b", "a"])
    assert not diff.same(kind, ["a", "b"], ["b", "a"], ordered=True)


def test_the_schema_of_functions() -> None:
    arguments = schema.function_arguments("aws:ec2/getAmi:getAmi")
    assert arguments is not None
    assert (arguments["mostRecent"].type, arguments["mostRecent"].required) == (schema.Scalar("boolean"), False)
    assert schema.function_arguments("aws:ec2/getNothing:getNothing") is None


def test_a_json_document_may_be_given_as_an_object() -> None:
    kind = _input("aws:iam/role:Role", "assumeRolePolicy")
    assert kind.coerce({"Version": "2012-10-17"}) == '{"Version": "2012-10-17"}'
