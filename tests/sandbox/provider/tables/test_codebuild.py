"""CodeBuild in the sandbox: projects without a source, and builds that run one at a time."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.provider.services import ACCOUNT, REGION, TRUST, Resource, Services, network

pytestmark = pytest.mark.emulator

PROJECT = "aws:codebuild/project:Project"
SOURCE = {"type": "NO_SOURCE", "buildspec": "version: 0.2"}


def inputs(services: Services, **more: Any) -> dict[str, Any]:
    role = services.client("iam").create_role(RoleName="migrate", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    subnets, group = network(services)
    vpc = services.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]
    return {
        "name": "fixrx-migrate",
        "serviceRole": role,
        "source": SOURCE,
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "ARM_CONTAINER",
            "computeType": "BUILD_GENERAL1_SMALL",
            "image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
            "environmentVariables": [{"name": "BUCKET", "value": "backups"}],
        },
        "vpcConfig": {"vpcId": vpc, "subnets": subnets, "securityGroupIds": [group]},
        "concurrentBuildLimit": 1,
        "logsConfig": {"cloudwatchLogs": {"groupName": "/fixrx/migrate", "status": "ENABLED"}},
        **more,
    }


def project(services: Services, **more: Any) -> Resource:
    return services.create(PROJECT, inputs(services, **more))


def described(services: Services) -> dict[str, Any]:
    found: dict[str, Any] = services.client("codebuild").batch_get_projects(names=["fixrx-migrate"])["projects"][0]
    return found


def test_a_project_keeps_what_it_is_given(services: Services) -> None:
    made = project(services, buildTimeout=60, queuedTimeout=30, tags={"Team": "ops"})
    assert made.id == f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/fixrx-migrate"
    found = described(services)
    assert found["source"] == SOURCE
    assert found["concurrentBuildLimit"] == 1
    assert (found["timeoutInMinutes"], found["queuedTimeoutInMinutes"]) == (60, 30)
    assert found["logsConfig"]["cloudWatchLogs"] == {"groupName": "/fixrx/migrate", "status": "ENABLED"}
    assert len(found["vpcConfig"]["subnets"]) == 2
    assert {tag["key"]: tag["value"] for tag in found["tags"]} == {"Project": "fixrx", "Team": "ops"}
    assert services.drift(made) == {}


def test_a_project_changes_in_place(services: Services) -> None:
    made = project(services)
    services.update(made, buildTimeout=30, source={**SOURCE, "buildspec": "version: 0.2\n# another"})
    assert described(services)["timeoutInMinutes"] == 30
    assert described(services)["source"]["buildspec"].endswith("another")
    services.update(made, tags={"Team": "data"})
    assert {tag["key"]: tag["value"] for tag in described(services)["tags"]} == {"Project": "fixrx", "Team": "data"}
    assert services.changes(made, name="other") == {"name": True}


def test_drift_of_a_project_is_seen(services: Services) -> None:
    made = project(services)
    services.client("codebuild").update_project(name="fixrx-migrate", timeoutInMinutes=5)
    assert services.drift(made) == {"buildTimeout": 5}
    services.client("codebuild").delete_project(name="fixrx-migrate")
    assert services.drift(made) is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"source": {"type": "NO_SOURCE"}}, [("source.buildspec", "must be given with type NO_SOURCE")]),
        (
            {"source": {**SOURCE, "location": "s3"}},
            [("source.location", "must not be given with type NO_SOURCE")],
        ),
        ({"source": {"type": "GITHUB"}}, [("source.location", "must be given with type GITHUB")]),
        (
            {"artifacts": {"type": "NO_ARTIFACTS", "location": "b"}},
            [("artifacts.location", "must not be given with type NO_ARTIFACTS")],
        ),
        (
            {"serviceRole": f"arn:aws:iam::{ACCOUNT}:role/none"},
            [("serviceRole", f"there is no IAM role arn:aws:iam::{ACCOUNT}:role/none")],
        ),
    ],
)
def test_check_of_a_project(services: Services, change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert services.failures(PROJECT, inputs(services, **change)) == expected


def start(services: Services, token: str = "t", **variables: str) -> dict[str, Any]:
    override = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
    answer: dict[str, Any] = services.client("codebuild").start_build(
        projectName="fixrx-migrate", idempotencyToken=token, environmentVariablesOverride=override
    )["build"]
    return answer


def build(services: Services, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = services.client("codebuild").batch_get_builds(ids=[identifier])["builds"][0]
    return found


def ended(services: Services, identifier: str) -> str:
    deadline = time.monotonic() + 10
    while (status := str(build(services, identifier)["buildStatus"])) == "IN_PROGRESS":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return status


def test_builds_run_one_at_a_time_and_keep_their_variables(services: Services) -> None:
    project(services)
    first = start(services, TASK="migrate", BUCKET="other")
    assert first["buildStatus"] == "IN_PROGRESS"
    assert start(services)["id"] == first["id"]
    with pytest.raises(ClientError) as caught:
        start(services, "another")
    assert caught.value.response["Error"]["Code"] == "AccountLimitExceededException"
    assert ended(services, first["id"]) == "SUCCEEDED"
    variables = build(services, first["id"])["environment"]["environmentVariables"]
    assert {one["name"]: one["value"] for one in variables} == {"TASK": "migrate", "BUCKET": "other"}
    assert build(services, first["id"])["logs"]["groupName"] == "/fixrx/migrate"
    second = start(services, "another")
    codebuild = services.client("codebuild")
    assert codebuild.list_builds_for_project(projectName="fixrx-migrate")["ids"] == [second["id"], first["id"]]
    assert codebuild.list_builds_for_project(projectName="fixrx-migrate", sortOrder="ASCENDING")["ids"] == [
        first["id"],
        second["id"],
    ]
    assert codebuild.stop_build(id=second["id"])["build"]["buildStatus"] == "STOPPED"
    assert build(services, second["id"])["buildStatus"] == "STOPPED"


def test_builds_of_no_project_are_refused(services: Services) -> None:
    with pytest.raises(ClientError) as caught:
        start(services)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
