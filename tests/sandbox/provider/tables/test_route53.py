"""Route 53's health checks in the sandbox."""

from typing import Any

import pytest

from tests.sandbox.provider.services import Services

pytestmark = pytest.mark.emulator

HEALTH_CHECK = "aws:route53/healthCheck:HealthCheck"
BASE: dict[str, Any] = {
    "type": "HTTPS",
    "fqdn": "api.fixrx.com",
    "port": 443,
    "resourcePath": "/health",
    "enableSni": True,
    "requestInterval": 30,
    "failureThreshold": 3,
    "regions": ["us-east-1", "us-west-2", "eu-west-1"],
}


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in BASE.items() if key not in keys}


def test_a_health_check_changes_in_place_and_drifts(services: Services) -> None:
    created = services.create(HEALTH_CHECK, {**BASE, "tags": {"Name": "api"}})
    client = services.client("route53")
    config = client.get_health_check(HealthCheckId=created.id)["HealthCheck"]["HealthCheckConfig"]
    assert {key: config[key] for key in ("Type", "FullyQualifiedDomainName", "ResourcePath", "RequestInterval")} == {
        "Type": "HTTPS",
        "FullyQualifiedDomainName": "api.fixrx.com",
        "ResourcePath": "/health",
        "RequestInterval": 30,
    }
    assert created.state["arn"] == f"arn:aws:route53:::healthcheck/{created.id}"
    assert services.drift(created) == {}

    services.update(created, disabled=True, failureThreshold=2, tags={"Name": "other"})
    config = client.get_health_check(HealthCheckId=created.id)["HealthCheck"]["HealthCheckConfig"]
    assert (config["Disabled"], config["FailureThreshold"]) == (True, 2)
    assert services.drift(created) == {}

    client.update_health_check(HealthCheckId=created.id, Disabled=False, Regions=BASE["regions"])
    assert services.drift(created) == {"disabled": False}
    assert services.changes(created, requestInterval=10) == {"requestInterval": True}
    services.delete(created)
    assert services.drift(created) is None


@pytest.mark.parametrize(
    ("inputs", "failure"),
    [
        (without("fqdn"), ("fqdn", "a check of an endpoint needs fqdn or ipAddress")),
        (
            {**BASE, "type": "HTTPS_STR_MATCH"},
            ("searchString", "belongs to the types that end in _STR_MATCH, and must be given there"),
        ),
        (
            {**BASE, "searchString": "healthy"},
            ("searchString", "belongs to the types that end in _STR_MATCH, and must be given there"),
        ),
        ({**BASE, "requestInterval": 20}, ("requestInterval", "must be one of 10, 30")),
        ({**BASE, "resourcePath": "health"}, ("resourcePath", "must be a path of at most 255 characters")),
    ],
)
def test_check_of_a_health_check(services: Services, inputs: dict[str, Any], failure: tuple[str, str]) -> None:
    assert services.failures(HEALTH_CHECK, inputs) == [failure]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "PING"},
        {"failureThreshold": 11},
        {"regions": ["us-east-1", "us-west-2"]},
        {"regions": ["us-east-1", "us-east-2", "eu-west-1"]},
    ],
)
def test_check_by_the_service_model(services: Services, change: dict[str, Any]) -> None:
    assert services.failures(HEALTH_CHECK, {**BASE, **change}) != []


def test_a_check_without_regions_is_from_all(services: Services) -> None:
    assert services.failures(HEALTH_CHECK, without("regions")) == []
