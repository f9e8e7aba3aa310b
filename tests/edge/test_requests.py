"""A table of requests, and what the load balancer's rules and its web ACL do with each."""

import re
from typing import Any

import pytest

from components.load_balancer import OPERATIONAL_PATHS
from components.web_acl import LARGE_BODY_LABEL, MESSAGES_RULE
from tests.edge.interpreter import Request, Routed, Verdict, judge, route
from tests.edge.paths import OPERATIONAL, REACHES
from tests.layers.manifests import IMAGES
from tests.recorder import Recording, record_stack

LISTENER = "load-balancer-https"
MOST_CHARACTERS_OF_A_CONDITION = 128
FORWARD, FIXED = "forward", "fixed-response"
RATE = "rate-limit-per-address"
SQL = "awswaf:managed:aws:sql-database:SQLi_QueryArguments"
LOG4J = "awswaf:managed:aws:known-bad-inputs:Log4JRCE"
SCRIPT = "awswaf:managed:aws:core-rule-set:CrossSiteScripting_Body"
BOTNET = "awswaf:managed:aws:amazon-ip-list:AWSManagedIPReputationList"
SEND = "/api/v1/auth/otp/send"


def routed(stack: Recording, path: str) -> Routed:
    rules = [each.plain for each in stack.of_type("aws:lb/listenerRule:ListenerRule")]
    return route(stack.named(LISTENER).plain, rules, path)


def judged(stack: Recording, request: Request) -> Verdict:
    rules = [
        each.plain for each in stack.of_type("aws:wafv2/webAclRule:WebAclRule") if each.name.startswith("web-acl-")
    ]
    sets = {
        f"arn:aws:wafv2:us-east-1:111122223333:{each.name}": each.plain["addresses"]
        for each in stack.of_type("aws:wafv2/ipSet:IpSet")
    }
    return judge(stack.named("web-acl-acl").plain, rules, sets, request)


@pytest.mark.parametrize(("path", "reaches"), REACHES.items())
def test_where_a_request_goes(stack: Recording, path: str, reaches: str | None) -> None:
    expected = Routed(action=FIXED, path=path, status=404) if reaches is None else Routed(action=FORWARD, path=reaches)

    assert routed(stack, path) == expected


@pytest.mark.parametrize("percent", [0, 5, 50, 100])
def test_pods_get_their_share_of_every_path_that_is_forwarded(percent: int) -> None:
    stack = record_stack("production", {"runtime": "both", "kubernetes": {**IMAGES, "traffic_percent": percent}})
    groups = {f"arn:aws:lb:us-east-1:111122223333:load-balancer-{name}" for name in ("api", "pods")}
    servers, pods = sorted(groups)
    found = {path: routed(stack, path) for path, reaches in REACHES.items() if reaches is not None}

    assert {path for path, each in found.items() if each.shares != {servers: 100 - percent, pods: percent}} == set()


def test_the_load_balancer_hides_the_paths_of_the_guide_with_expressions_that_it_takes(stack: Recording) -> None:
    (condition,) = stack.named("load-balancer-operational").plain["conditions"]
    expressions = condition["pathPattern"]["regexValues"]

    assert OPERATIONAL_PATHS == OPERATIONAL
    assert [bool(re.search(one, path)) for one, path in zip(expressions, OPERATIONAL, strict=True)] == [True, True]
    assert max(map(len, expressions)) <= MOST_CHARACTERS_OF_A_CONDITION


@pytest.mark.parametrize(
    ("request_", "blocked_by", "counted_by"),
    [
        (Request(path="/api/v1/jobs"), None, ()),
        (Request(path="/api/v1/jobs", over_limits=frozenset({RATE})), RATE, ()),
        (Request(path=SEND, over_limits=frozenset({MESSAGES_RULE})), MESSAGES_RULE, ()),
        (Request(path=f"{SEND}/", over_limits=frozenset({MESSAGES_RULE})), MESSAGES_RULE, ()),
        (Request(path="/API/v1/Auth/OTP/send", over_limits=frozenset({MESSAGES_RULE})), MESSAGES_RULE, ()),
        (Request(path="/api/v1/auth/%6ftp/send", over_limits=frozenset({MESSAGES_RULE})), MESSAGES_RULE, ()),
        (Request(path="/api/v1/x/../auth/otp/send", over_limits=frozenset({MESSAGES_RULE})), MESSAGES_RULE, ()),
        (Request(path=f"{SEND}er", over_limits=frozenset({MESSAGES_RULE})), None, ()),
        (Request(path="/api/v1/auth/login", over_limits=frozenset({MESSAGES_RULE})), None, ()),
        (Request(path="/api/v1/jobs", labels=frozenset({BOTNET})), "aws-reputation", ()),
        (Request(path="/api/v1/jobs", labels=frozenset({LOG4J})), "aws-known-bad-inputs", ()),
        (Request(path="/api/v1/jobs", labels=frozenset({SQL})), None, ("aws-sql-injection",)),
        (Request(path="/api/v1/jobs", labels=frozenset({SCRIPT})), None, ("aws-common",)),
        (Request(path="/api/v1/jobs", labels=frozenset({LARGE_BODY_LABEL})), None, ("large-body",)),
        (Request(path="/api/v1/uploads", labels=frozenset({LARGE_BODY_LABEL})), None, ()),
        (Request(path="/api/v1/uploads/7", labels=frozenset({LARGE_BODY_LABEL})), None, ()),
        (Request(path="/api/v1/uploadsx", labels=frozenset({LARGE_BODY_LABEL})), None, ("large-body",)),
    ],
)
def test_which_rule_blocks_or_counts(
    stack: Recording, request_: Request, blocked_by: str | None, counted_by: tuple[str, ...]
) -> None:
    verdict = judged(stack, request_)

    assert (verdict.blocked_by, verdict.counted_by) == (blocked_by, counted_by)


def test_all_groups_block_when_they_are_told_to() -> None:
    groups = ["reputation", "known_bad_inputs", "common", "sql_injection"]
    stack = record_stack("production", {"web_acl": {"block_managed": groups}})
    found = {label: judged(stack, Request(path="/x", labels=frozenset({label}))).blocked_by for label in (SQL, SCRIPT)}
    large = frozenset({LARGE_BODY_LABEL})

    assert found == {SQL: "aws-sql-injection", SCRIPT: "aws-common"}
    assert judged(stack, Request(path="/x", labels=large)).blocked_by == "large-body"
    assert judged(stack, Request(path="/api/v1/uploads/1", labels=large)).blocked_by is None


def maintained(**settings: Any) -> Recording:
    return record_stack("production", {"maintenance": {"enabled": True, **settings}})


@pytest.mark.parametrize("path", ["/", "/api/v1/jobs", "/health", "/api/v1/system/metrics"])
def test_everybody_gets_the_notice_of_the_maintenance(path: str) -> None:
    verdict = judged(maintained(eta="Updates in 30 minutes"), Request(path=path))

    assert verdict == Verdict(
        blocked_by="maintenance",
        status=503,
        headers={
            "Retry-After": "1800",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "X-XSS-Protection": "1; mode=block",
            "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        },
        body="INCIDENT NOTIFICATION\nStatus: MAINTENANCE\nImpact: The API is not available\n"
        "ETA: Updates in 30 minutes\nActions: Maintenance of the platform\n",
    )


V4, V6 = ("203.0.113.0/24", "192.0.2.1/32"), ("2001:db8::/32",)


@pytest.mark.parametrize(
    ("networks", "address", "blocked_by"),
    [
        (V4, "203.0.113.9", None),
        (V4, "192.0.2.1", None),
        (V4, "203.0.114.9", "maintenance"),
        (V4, "2001:db8::1", "maintenance"),
        (V6, "2001:db8::1", None),
        (V6, "2001:db9::1", "maintenance"),
        (V6, "203.0.113.9", "maintenance"),
        (V4 + V6, "203.0.113.9", None),
        (V4 + V6, "2001:db8::1", None),
        (V4 + V6, "198.51.100.7", "maintenance"),
    ],
)
def test_named_networks_reach_the_api_during_maintenance(
    networks: tuple[str, ...], address: str, blocked_by: str | None
) -> None:
    stack = maintained(except_networks=list(networks))

    assert judged(stack, Request(path="/", address=address)).blocked_by == blocked_by


def test_without_maintenance_nobody_gets_it(stack: Recording) -> None:
    assert [each.name for each in stack.registrations if "maintenance" in each.name and "wafv2" in each.type] == []
    assert judged(stack, Request(path="/")) == Verdict(blocked_by=None)


def test_the_end_of_maintenance_takes_only_the_rule_and_its_networks() -> None:
    """The body of the answer stays: the web ACL is changed before its rule is deleted, which refers to the body."""
    during, after = maintained(except_networks=list(V4 + V6)), record_stack("production")

    assert during.named("web-acl-acl").plain == after.named("web-acl-acl").plain
    assert {each.name for each in during.registrations} - {each.name for each in after.registrations} == {
        "web-acl-maintenance",
        "web-acl-maintenance-exceptions",
        "web-acl-maintenance-exceptions-ipv6",
    }
