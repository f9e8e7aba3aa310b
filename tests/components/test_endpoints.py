"""VPC endpoints: which AWS services are reached without the internet, and by which identities."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.endpoints import Endpoints, EndpointsArgs
from components.sections.endpoints import EndpointsSettings
from tests.recorder import IDENTITY, PLACEMENT, Recording, record

ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
OWN_ACCOUNT_ONLY = {
    "Sid": "OwnAccountOnly",
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": ["*"],
    "Resource": ["*"],
    "Condition": {"StringEquals": {"aws:PrincipalAccount": "111122223333"}},
}
PRODUCTION_ENDPOINTS = ["ec2messages", "kms", "logs", "secretsmanager", "ssm", "ssmmessages", "sts"]


def record_endpoints(**settings: Any) -> Recording:
    def program() -> None:
        Endpoints(
            "endpoints",
            EndpointsArgs(
                settings=EndpointsSettings(**settings),
                identity=IDENTITY,
                placement=PLACEMENT,
                route_table_ids=["rtb-1"],
            ),
        )

    return record(program)


def test_interface_endpoints_stand_in_every_application_subnet(production: Recording) -> None:
    interfaces = [each for each in production.of_type(ENDPOINT) if each.plain["vpcEndpointType"] == "Interface"]

    assert sorted(each.name for each in interfaces) == [f"endpoints-{name}" for name in PRODUCTION_ENDPOINTS]
    for each in interfaces:
        service = each.name.removeprefix("endpoints-")
        assert {key: value for key, value in each.plain.items() if key != "policy"} == {
            "vpcId": "network-vpc-id",
            "serviceName": f"com.amazonaws.us-east-1.{service}",
            "vpcEndpointType": "Interface",
            "privateDnsEnabled": True,
            "subnetIds": [f"network-application-{letter}-id" for letter in "abc"],
            "securityGroupIds": ["connections-endpoints-id"],
        }
        assert each.document("policy")["Statement"] == [OWN_ACCOUNT_ONLY]


def test_service_with_a_dot_in_its_name_keeps_it() -> None:
    network = record_endpoints(interface_services=("ecr.api",))

    assert network.named("endpoints-ecr-api").plain["serviceName"] == "com.amazonaws.us-east-1.ecr.api"


def test_s3_is_reached_without_the_internet(production: Recording) -> None:
    endpoint = production.named("endpoints-s3")

    assert endpoint.plain["serviceName"] == "com.amazonaws.us-east-1.s3"
    assert endpoint.plain["vpcEndpointType"] == "Gateway"
    assert endpoint.plain["routeTableIds"] == [f"network-application-{letter}-routes-id" for letter in "abc"]
    assert endpoint.document("policy")["Statement"] == [
        OWN_ACCOUNT_ONLY,
        {
            "Sid": "AmazonLinuxPackages",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["s3:GetObject"],
            "Resource": ["arn:aws:s3:::al2023-repos-us-east-1-de612dc2/*"],
        },
    ]


def test_service_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="names a service twice"):
        EndpointsSettings.model_validate({"interface_services": ("ssm", "kms", "ssm")})
