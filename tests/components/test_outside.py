"""What looks at the API from the internet: the health check, the probe, and when maintenance is the right answer."""

import json
from typing import Any

import pytest

from tests.recorder import Recording, record_stack, unwrap

CHECK = "outside-health-check"
EUROPE: dict[str, dict[str, Any]] = {
    "account": {"id": "111122223333", "region": "eu-central-1"},
    "network": {"availability_zones": ["eu-central-1a", "eu-central-1b", "eu-central-1c"]},
}


def watched(recording: Recording) -> dict[str, Any]:
    variables = unwrap(recording.named("watchman-function").inputs["environment"])["variables"]
    found: dict[str, Any] = json.loads(variables["WATCHED"])
    return found


def statements(recording: Recording, policy: str) -> dict[str, dict[str, Any]]:
    return {each["Sid"]: each for each in recording.named(policy).document("policy")["Statement"]}


def measured(recording: Recording) -> tuple[str, str, dict[str, str]]:
    alarm = recording.named("alarms-ApiUnreachable").plain
    return alarm["namespace"], alarm["metricName"], alarm["dimensions"]


def test_route_53_asks_as_clients_do(stack: Recording, environment: str) -> None:
    domain = {"production": "api.fixrx.com", "staging": "api.staging.fixrx.com"}[environment]
    inputs = stack.named(CHECK).plain

    assert {key: value for key, value in inputs.items() if key != "tags"} == {
        "type": "HTTPS",
        "fqdn": domain,
        "port": 443,
        "resourcePath": "/health",
        "enableSni": True,
        "requestInterval": 30,
        "failureThreshold": 3,
        "regions": ["eu-west-1", "us-east-1", "us-west-2"],
        "disabled": False,
    }


def test_the_path_is_one_that_the_load_balancer_serves(production: Recording) -> None:
    path = production.named(CHECK).plain["resourcePath"]

    assert production.named("load-balancer-health").plain["conditions"] == [{"pathPattern": {"values": [path]}}]


def test_in_us_east_1_the_alarm_reads_route_53s_metric(production: Recording) -> None:
    assert measured(production) == ("AWS/Route53", "HealthCheckStatus", {"HealthCheckId": f"{CHECK}-id"})
    assert watched(production)["health_check"] == ""
    assert "SeeOutside" not in statements(production, "watchman-role-policy")
    assert "route53:GetHealthCheckStatus" not in json.dumps(statements(production, "permissions-boundary-policy"))


def test_elsewhere_the_watchman_brings_it_over() -> None:
    recording = record_stack("production", EUROPE)

    assert measured(recording) == ("fixrx-production", "Probe", {"Check": "reached"})
    assert watched(recording)["health_check"] == f"{CHECK}-id"
    see = statements(recording, "watchman-role-policy")["SeeOutside"]
    assert (see["Action"], see["Resource"]) == (
        ["route53:GetHealthCheckStatus"],
        [f"arn:aws:route53:::healthcheck/{CHECK}-id"],
    )
    bound = statements(recording, "permissions-boundary-policy")["LookAfter"]
    assert "route53:GetHealthCheckStatus" in bound["Action"]
    assert "arn:aws:route53:::healthcheck/*" in bound["Resource"]
    assert 'ALARM("fixrx-production-ApiUnreachable")' in recording.named("alarms-ApiDown").plain["alarmRule"]


def test_the_probe_opens_a_websocket_of_the_api(production: Recording) -> None:
    assert watched(production)["api"] == {"host": "api.fixrx.com", "path": "/", "status": 101}
    path = "/socket.io/?EIO=4&transport=websocket"
    assert watched(record_stack("production", {"load_balancer": {"websocket_path": path}}))["api"]["path"] == path


def test_maintenance_is_no_outage() -> None:
    recording = record_stack("production", {"maintenance": {"enabled": True}})

    assert recording.named(CHECK).plain["disabled"] is True
    assert watched(recording)["api"]["status"] == 503


@pytest.mark.parametrize(
    ("schedule", "expression", "task", "attempts", "seconds"),
    [
        ("watchman-schedule", "rate(1 hour)", {}, 10, 3600),
        ("watchman-probe-schedule", "rate(1 minute)", {"task": "probe"}, 0, 60),
    ],
)
def test_the_function_is_called_each_hour_and_each_minute(
    production: Recording, schedule: str, expression: str, task: dict[str, str], attempts: int, seconds: int
) -> None:
    """A call that cannot be made becomes a dead letter before the next one."""
    inputs = production.named(schedule).plain

    assert inputs["scheduleExpression"] == expression
    assert json.loads(inputs["target"]["input"]) == task
    assert inputs["target"]["retryPolicy"] == {
        "maximumRetryAttempts": attempts,
        "maximumEventAgeInSeconds": seconds,
    }
    dead_letters = "arn:aws:sqs:us-east-1:111122223333:incidents-dead-letters"
    assert inputs["target"]["deadLetterConfig"] == {"arn": dead_letters}
    rights = statements(production, "watchman-scheduler-role-policy")
    assert (rights["KeepDeadLetters"]["Action"], rights["KeepDeadLetters"]["Resource"]) == (
        ["sqs:SendMessage"],
        [dead_letters],
    )
    key = production.named("incidents-dead-letters").plain["kmsMasterKeyId"]
    assert rights["EncryptDeadLetters"]["Resource"] == [key]


def test_both_calls_may_run_at_once(production: Recording) -> None:
    assert production.named("watchman-function").plain["reservedConcurrentExecutions"] == 2


def test_the_probes_alarm_may_be_quiet_in_the_monthly_window_and_ages_may_not(production: Recording) -> None:
    quiet = watched(production)["alarms"]

    assert "fixrx-production-WebsocketFails-unless-down" in quiet
    assert "fixrx-production-ResponseTimeHigh-unless-down" in quiet
    assert not {"fixrx-production-DumpMissing", "fixrx-production-ApiDown", "fixrx-production-ResponseTimeHigh"} & {
        *quiet
    }
