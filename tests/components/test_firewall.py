"""Web application firewall: the guide's rate limit as AWS WAF can count it."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.firewall import Firewall, FirewallArgs, FirewallSettings
from tests.components.recorder import LABEL, Recording, record

WEB_ACL_ARN = "arn:aws:wafv2:us-east-1:111122223333:firewall-web-acl"


def record_firewall(**settings: Any) -> Recording:
    def program() -> None:
        Firewall(
            "firewall",
            FirewallArgs(
                settings=FirewallSettings(**settings),
                label=LABEL,
                load_balancer_arn="arn:of-the-load-balancer",
                logs_key_arn="arn:of-the-logs-key",
            ),
        )

    return record(program)


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({}, 620),
        ({"window_seconds": 120}, 1220),
        ({"window_seconds": 300}, 3020),
        ({"window_seconds": 600}, 6020),
        ({"requests_per_second": 1, "burst": 0}, 60),
        ({"requests_per_second": 50, "burst": 100}, 3100),
    ],
)
def test_limit_is_the_most_that_the_guides_nginx_admits(settings: dict[str, Any], limit: int) -> None:
    """10 requests a second for a minute, and a burst of 20."""
    assert FirewallSettings(**settings).requests_per_window == limit


@pytest.mark.parametrize("window_seconds", [0, 30, 61, 3600])
def test_window_that_waf_does_not_offer_is_refused(window_seconds: int) -> None:
    with pytest.raises(ValidationError, match="Input should be 60, 120, 300 or 600"):
        FirewallSettings.model_validate({"window_seconds": window_seconds})


def test_web_acl_lets_through_what_no_rule_blocks(stack: Recording, environment: str) -> None:
    acl = stack.named("firewall-web-acl")

    assert acl.plain == {
        "scope": "REGIONAL",
        "description": f"fixrx-{environment}: in front of the load balancer",
        "defaultAction": {"allow": {}},
        "visibilityConfig": {
            "cloudwatchMetricsEnabled": True,
            "sampledRequestsEnabled": True,
            "metricName": "web-acl",
        },
    }


def test_too_many_requests_are_refused_with_429(stack: Recording) -> None:
    assert stack.named("firewall-rate-limit").plain == {
        "webAclArn": WEB_ACL_ARN,
        "name": "rate-limit-per-address",
        "priority": 10,
        "action": {
            "block": {
                "customResponse": {
                    "responseCode": 429,
                    "responseHeaders": [{"name": "Retry-After", "value": "60"}],
                }
            }
        },
        "statement": {
            "rateBasedStatement": {"limit": 620, "evaluationWindowSec": 60, "aggregateKeyType": "IP"},
        },
        "visibilityConfig": {
            "cloudwatchMetricsEnabled": True,
            "sampledRequestsEnabled": True,
            "metricName": "rate-limit-per-address",
        },
    }


def test_rule_can_be_tried_out_without_blocking() -> None:
    assert record_firewall(action="count").named("firewall-rate-limit").plain["action"] == {"count": {}}


def test_firewall_stands_in_front_of_the_load_balancer(stack: Recording) -> None:
    assert stack.named("firewall-association").plain == {
        "resourceArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-alb",
        "webAclArn": WEB_ACL_ARN,
    }


def test_log_has_no_credentials(production: Recording) -> None:
    assert production.named("firewall-log").plain == {
        "resourceArn": WEB_ACL_ARN,
        "logDestinationConfigs": ["arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-fixrx-production"],
        "redactedFields": [{"singleHeader": {"name": "authorization"}}, {"singleHeader": {"name": "cookie"}}],
    }
    assert production.named("firewall-log-group").plain == {
        "name": "aws-waf-logs-fixrx-production",
        "retentionInDays": 365,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-logs-key",
    }
