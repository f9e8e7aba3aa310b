"""Web ACL: the guide's rate limit as AWS WAF can count it."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.sections.web_acl import WebAclSettings
from components.web_acl import WebAcl, WebAclArgs
from tests.recorder import STACK, Recording, record

WEB_ACL_ARN = "arn:aws:wafv2:us-east-1:111122223333:web-acl-acl"


def record_web_acl(**settings: Any) -> Recording:
    def program() -> None:
        WebAcl(
            "web-acl",
            WebAclArgs(settings=WebAclSettings(**settings), stack=STACK, load_balancer_arn="arn:of-the-load-balancer"),
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
    assert WebAclSettings(**settings).requests_per_window == limit


@pytest.mark.parametrize("window_seconds", [0, 30, 61, 3600])
def test_window_that_waf_does_not_offer_is_refused(window_seconds: int) -> None:
    with pytest.raises(ValidationError, match="Input should be 60, 120, 300 or 600"):
        WebAclSettings.model_validate({"window_seconds": window_seconds})


def test_web_acl_allows_what_no_rule_blocks(stack: Recording) -> None:
    assert stack.named("web-acl-acl").pick("scope", "defaultAction") == {
        "scope": "REGIONAL",
        "defaultAction": {"allow": {}},
    }


def test_too_many_requests_are_refused_with_429(stack: Recording) -> None:
    assert stack.named("web-acl-rate-limit").pick("webAclArn", "action", "statement") == {
        "webAclArn": WEB_ACL_ARN,
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
    }


def test_rule_can_count_without_blocking() -> None:
    assert record_web_acl(action="count").named("web-acl-rate-limit").plain["action"] == {"count": {}}


def test_web_acl_is_associated_with_the_load_balancer(stack: Recording) -> None:
    assert stack.named("web-acl-association").plain == {
        "resourceArn": "arn:aws:lb:us-east-1:111122223333:load-balancer-alb",
        "webAclArn": WEB_ACL_ARN,
    }


def test_log_has_no_credentials(production: Recording) -> None:
    assert production.named("web-acl-log").plain == {
        "resourceArn": WEB_ACL_ARN,
        "logDestinationConfigs": ["arn:aws:logs:us-east-1:111122223333:log-group:aws-waf-logs-fixrx-production"],
        "redactedFields": [{"singleHeader": {"name": "authorization"}}, {"singleHeader": {"name": "cookie"}}],
    }
    assert production.named("web-acl-log-group").plain == {
        "name": "aws-waf-logs-fixrx-production",
        "retentionInDays": 365,
        "kmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/encryption-logs-key",
    }


def test_rules_are_these_in_this_order(stack: Recording) -> None:
    rules = sorted(stack.of_type("aws:wafv2/webAclRule:WebAclRule"), key=lambda each: each.plain["priority"])

    assert [(each.plain["priority"], each.name) for each in rules if each.name.startswith("web-acl-")] == [
        (10, "web-acl-rate-limit"),
        (20, "web-acl-paid-messages-per-address"),
        (30, "web-acl-aws-reputation"),
        (31, "web-acl-aws-known-bad-inputs"),
        (32, "web-acl-aws-common"),
        (33, "web-acl-aws-sql-injection"),
        (40, "web-acl-large-body"),
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"message_requests": 9},
        {"message_paths": ["/api/v1/OTP"]},
        {"message_paths": ["/api/.*"]},
        {"message_paths": []},
        {"upload_paths": ["uploads"]},
        {"block_managed": ["everything"]},
    ],
)
def test_settings_that_waf_would_not_take_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WebAclSettings.model_validate(settings)
