"""EventBridge Scheduler in the sandbox."""

from typing import Any

import pytest

from tests.sandbox.provider.services import TRUST, Resource, Services

pytestmark = pytest.mark.emulator

GROUP, SCHEDULE = "aws:scheduler/scheduleGroup:ScheduleGroup", "aws:scheduler/schedule:Schedule"


def inputs(services: Services, **more: Any) -> dict[str, Any]:
    role = services.client("iam").create_role(RoleName="scheduler", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    return {
        "name": "dump",
        "groupName": services.create(GROUP, {"name": "fixrx-jobs"}).id,
        "scheduleExpression": "cron(0 2 * * ? *)",
        "scheduleExpressionTimezone": "UTC",
        "flexibleTimeWindow": {"mode": "OFF"},
        "target": {
            "arn": "arn:aws:scheduler:::aws-sdk:codebuild:startBuild",
            "roleArn": role,
            "input": '{"ProjectName": "fixrx-dump"}',
            "retryPolicy": {"maximumRetryAttempts": 5, "maximumEventAgeInSeconds": 1800},
        },
        **more,
    }


def schedule(services: Services, **more: Any) -> Resource:
    return services.create(SCHEDULE, inputs(services, **more))


def test_a_schedule_keeps_what_it_is_given(services: Services) -> None:
    made = schedule(services)
    found = services.client("scheduler").get_schedule(GroupName="fixrx-jobs", Name="dump")
    assert made.id == "fixrx-jobs/dump"
    assert (found["ScheduleExpression"], found["State"]) == ("cron(0 2 * * ? *)", "ENABLED")
    assert found["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 1800}
    assert services.drift(made) == {}


def test_a_schedule_that_somebody_turns_off_is_seen(services: Services) -> None:
    made = schedule(services)
    client = services.client("scheduler")
    found = client.get_schedule(GroupName="fixrx-jobs", Name="dump")
    names = ("Name", "GroupName", "ScheduleExpression", "Target", "FlexibleTimeWindow")
    client.update_schedule(**{name: found[name] for name in names}, State="DISABLED")
    assert services.drift(made) == {"state": "DISABLED"}


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("cron(0 2 * * ? *)", True),
        ("cron(0 2 ? * SUN#1 *)", True),
        ("rate(5 minutes)", True),
        ("at(2026-11-26T03:00:00)", True),
        ("0 2 * * *", False),
        ("cron(0 2 * * ?)", False),
        ("every day", False),
    ],
)
def test_expression_of_a_schedule(services: Services, expression: str, accepted: bool) -> None:
    failures = services.failures(SCHEDULE, inputs(services, scheduleExpression=expression))
    assert [path for path, _ in failures] == ([] if accepted else ["scheduleExpression"])
