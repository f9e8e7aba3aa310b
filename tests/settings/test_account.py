"""Where a stack lives: regions of AWS, accounts, and what must be in them."""

import json
from typing import Any

import boto3
import pytest

from settings import InvalidSettings, parse_settings
from settings.regions import REGIONS
from tests.settings.configuration import as_pulumi_hands_it_over, changed, stack_file

PROVIDER = "oidc-provider/token.actions.githubusercontent.com"


def problems(changes: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidSettings) as refusal:
        parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), changes)))
    return [str(problem) for problem in refusal.value.problems]


def test_regions_are_those_of_botocore() -> None:
    partitions = boto3.session.Session()._session.get_component("data_loader").load_data("endpoints")["partitions"]
    (regions,) = [each["regions"] for each in partitions if each["partition"] == "aws"]

    assert {region: described["description"] for region, described in regions.items()} == REGIONS
    assert sorted(boto3.session.Session().get_available_regions("ec2")) == sorted(REGIONS)


@pytest.mark.parametrize(
    ("region", "advice"),
    [
        ("us-easst-1", "did you mean us-east-1"),
        ("us-east-1a", "did you mean us-east-1"),
        ("US-EAST-1", "did you mean us-east-1"),
        ("eu-west-9", "did you mean eu-west-3"),
        ("frankfurt", "did you mean eu-central-1"),
        ("Frankfrut", "did you mean eu-central-1"),
        ("Ireland", "did you mean eu-west-1"),
        ("virginia", "did you mean us-east-1"),
        ("somewhere", "it looks like us-east-1"),
        ("cn-north-1", "did you mean eu-north-1"),
        ("us-east-\u0661", "did you mean us-east-2"),
    ],
    ids=ascii,
)
def test_region_that_does_not_exist_is_refused(region: str, advice: str) -> None:
    said = problems({"account.region": region})

    assert f"fixrx:account.region: {json.dumps(region)} is not a region of AWS; {advice}" in said


@pytest.mark.parametrize(
    ("arn", "problem"),
    [
        (
            f"arn:aws:iam::999999999999:{PROVIDER}",
            "is in another account than 111122223333; give the ARN of the provider in account.id",
        ),
        (
            "arn:aws:iam::111122223333:oidc-provider/tokenXactions.githubusercontent.com",
            f"is not the ARN of GitHub's identity provider; it looks like arn:aws:iam::111122223333:{PROVIDER}",
        ),
    ],
)
def test_identity_provider_of_another_account_is_refused(arn: str, problem: str) -> None:
    key = "continuous_integration.identity_provider_arn"

    assert problems({key: arn}) == [f"fixrx:{key}: {problem}"]


@pytest.mark.parametrize("bucket", ["a..b", "ab", "-ab", "a.-b", "a-.b", "Ab1", "a" * 64])
def test_bucket_that_s3_refuses_is_refused(bucket: str) -> None:
    (problem,) = problems({"continuous_integration.state_bucket": bucket})

    assert problem.startswith("fixrx:continuous_integration.state_bucket: ")
    assert "is longer than 63 characters" in problem or "is not the name of an S3 bucket" in problem


def test_domain_that_acm_refuses_is_refused() -> None:
    label = "a" * 30

    assert problems({"dns.api_domain": f"{label}.{label}.fixrx.com"}) == [
        "fixrx:dns: api_domain is longer than the 64 characters that ACM accepts; shorten it"
    ]


def test_image_of_another_architecture_is_refused() -> None:
    assert problems({"app_servers.instance_type": "m7i.large"}) == [
        "fixrx:app_servers: instance_type is x86_64, but image_architecture is arm64; choose a type of that "
        "architecture, or set image_architecture to x86_64 and image_id to the output of `aws ssm get-parameter "
        "--query Parameter.Value --output text --name "
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`"
    ]


def test_image_of_the_same_architecture_is_accepted() -> None:
    changes = {"app_servers.instance_type": "m7i.large", "app_servers.image_architecture": "x86_64"}

    settings = parse_settings(as_pulumi_hands_it_over(changed(stack_file("production"), changes)))
    assert settings.app_servers.capacity.architecture == settings.app_servers.image_architecture == "x86_64"


def test_more_oauth_providers_than_user_data_holds_are_refused() -> None:
    providers = [f"provider{number}" for number in range(21)]

    assert problems({"secrets.oauth_providers": providers}) == [
        "fixrx:secrets.oauth_providers: has 21 entries; at most 20 are accepted"
    ]
