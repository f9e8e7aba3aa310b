"""Frequent changes that weaken nothing: no rule may report them."""

from collections.abc import Callable

import pytest

from policies.engine.evaluation import RuleIndex, evaluate_all
from policies.engine.state import state_of
from policies.rules import ALL_RULES
from tests.policies.changes import add, both, drop, put, refer, remove
from tests.policies.exported import Reference, State, arn, document, tags
from tests.policies.platform import TLS_ONLY, good_platform, watch_cache_node, workflow_trust

INDEX = RuleIndex(ALL_RULES)


def one_more_zone(state: State) -> None:
    for tier, tenant, path in (
        ("public", "balancer", "subnets"),
        ("app", "servers", "vpcZoneIdentifiers"),
        ("data", "db-subnets", "subnetIds"),
    ):
        name = f"{tier}-c"
        subnet = state.add("aws:ec2/subnet", name, {"vpcId": Reference("vpc", "id"), "tags": tags(name)})
        state.add(
            "aws:ec2/routeTableAssociation",
            f"{name}-association",
            {"routeTableId": Reference(f"{tier}-table", "id"), "subnetId": subnet.id},
        )
        put(tenant, path, [*state.find(tenant)["inputs"][path], f"{name}-id"])(state)


def one_more_cache_node(state: State) -> None:
    put("cache", "numCacheClusters", 3)(state)
    watch_cache_node(state, "003")


def one_more_service(state: State) -> None:
    state.add(
        "aws:ec2/securityGroup",
        "worker-group",
        {"vpcId": Reference("vpc", "id"), "description": "Background jobs", "tags": tags("worker-group")},
    )
    state.add(
        "aws:ec2/vpcSecurityGroupRulesExclusive",
        "worker-exclusive",
        {"securityGroupId": Reference("worker-group", "id")},
    )
    state.add(
        "aws:vpc/securityGroupIngressRule",
        "redis-from-worker",
        {
            "securityGroupId": Reference("redis-group", "id"),
            "referencedSecurityGroupId": Reference("worker-group", "id"),
            "ipProtocol": "tcp",
            "fromPort": 6379,
            "toPort": 6379,
            "description": "Redis, from the background jobs",
            "tags": tags("redis-from-worker"),
        },
    )


def files_for_everybody(state: State) -> None:
    """A bucket without a key of its own, which a distribution serves to everybody."""
    name = state.find("backups")["inputs"]["bucket"]
    put("backups-encryption", "rules", [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}])(state)
    put("cdn", "origins.0.domainName", f"{name}.s3.us-east-1.amazonaws.com")(state)


def in_another_region(state: State) -> None:
    """CloudFront's metrics stay in us-east-1, where an alarm reaches no topic of the stack."""
    for each in state.entries:
        if "availabilityZone" in each["inputs"]:
            zone = each["inputs"]["availabilityZone"].replace("us-east-1", "eu-west-1")
            put(each["urn"].rpartition("::")[2], "availabilityZone", zone)(state)
    remove("CdnErrors")(state)


def mail_by_a_function(state: State) -> None:
    put("mail", "protocol", "sqs")(state)
    refer("mail", "endpoint", "jobs", "arn")(state)
    refer("jobs-source", "eventSourceArn", "jobs", "arn")(state)


CHANGES: dict[str, Callable[[State], object]] = {
    "another owner": put("primary", "tags.Owner", "database@fixrx.com"),
    "one more tag": put("balancer", "tags.CostCentre", "4711"),
    "bigger database": put("primary", "instanceClass", "db.r7g.4xlarge"),
    "bigger server": put("template", "instanceType", "m7g.2xlarge"),
    "more storage": put("primary", "maxAllocatedStorage", 4000),
    "newer PostgreSQL": put("primary", "engineVersion", "18"),
    "PostgreSQL with its minor version": put("primary", "engineVersion", "17.6"),
    "Valkey": both(put("cache", "engine", "valkey"), put("cache", "engineVersion", "8.1")),
    "three cache nodes": one_more_cache_node,
    "longer backups": put("primary", "backupRetentionPeriod", 35),
    "longer logs": put("flows", "retentionInDays", 365),
    "another address range": both(
        put("vpc", "cidrBlock", "172.16.0.0/16"),
        put("app-a", "cidrBlock", "172.16.1.0/24"),
    ),
    "one more zone": one_more_zone,
    "one more service that uses Redis": one_more_service,
    "more servers": both(put("servers", "minSize", 5), put("servers", "maxSize", 40)),
    "scaling by requests instead": drop("by-cpu", "targetTrackingConfiguration"),
    "stricter TLS": put("https", "sslPolicy", "ELBSecurityPolicy-TLS13-1-3-2021-06"),
    "longer HSTS": put(
        "https",
        "routingHttpResponseStrictTransportSecurityHeaderValue",
        "max-age=63072000; includeSubDomains; preload",
    ),
    "elliptic certificate": put("certificate", "keyAlgorithm", "EC_prime256v1"),
    "stricter rate limit": put("rate-limit", "statement.rateBasedStatement.limit", 300),
    "rate limit over five minutes": both(
        put("rate-limit", "statement.rateBasedStatement.limit", 3000),
        put("rate-limit", "statement.rateBasedStatement.evaluationWindowSec", 300),
    ),
    "earlier alarm": put("connections", "threshold", 60),
    "faster alarm": both(put("latency", "period", 30), put("latency", "evaluationPeriods", 4)),
    "health check on another path": put("targets", "healthCheck.path", "/healthz"),
    "newer Node.js package name": put("template", "userData", "IyEvYmluL3NoCmRuZiBpbnN0YWxsIG5vZGVqczI2Cg=="),
    "internal load balancer without web ACL": both(
        put("balancer", "internal", True), drop("acl-association", "resourceArn")
    ),
    "one more permission": put(
        "app-policy",
        "policy",
        document({"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": arn("queue")}),
    ),
    "decryption of what was encrypted for one stack": put(
        "app-policy",
        "policy",
        document(
            {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": arn("state-key"),
                "Condition": {"StringEquals": {"kms:EncryptionContext:stack": "production"}},
            }
        ),
    ),
    "one named role passed to any service": put(
        "app-policy",
        "policy",
        document({"Effect": "Allow", "Action": "iam:PassRole", "Resource": arn("app-role")}),
    ),
    "CDN that logs by log delivery": both(
        drop("cdn", "loggingConfig"),
        add(
            "aws:cloudwatch/logDeliverySource",
            "cdn-log",
            {"resourceArn": Reference("cdn", "arn"), "logType": "ACCESS_LOGS", "tags": tags("cdn-log")},
        ),
    ),
    "workflow of a repository with its ids": put(
        "workflow-role",
        "assumeRolePolicy",
        workflow_trust(
            StringEquals={
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:fixrx@1/platform@2:pull_request",
            }
        ),
    ),
    "key shared with another account": put(
        "data-key",
        "policy",
        document(
            {"Effect": "Allow", "Principal": {"AWS": arn("root")}, "Action": "kms:*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::444455556666:role/reader"},
                "Action": "kms:Decrypt",
                "Resource": "*",
            },
        ),
    ),
    "access logs that are deleted after 90 days": put("logs-lifecycle", "rules.0.expiration", {"days": 90}),
    "database moved to another of its groups": refer("primary", "parameterGroupName", "parameters", "name"),
    "a queue, a function": both(
        add(
            "aws:sqs/queue",
            "mails",
            {"tags": tags("mails"), "policy": document({**TLS_ONLY, "Action": "sqs:*"})},
        ),
        add("aws:lambda/function", "send", {"runtime": "nodejs22.x", "tags": tags("send")}),
    ),
    "mail by a function instead of a subscription": mail_by_a_function,
    "files for everybody": files_for_everybody,
    "a stack in another region": in_another_region,
    "something that is not on AWS": add("github:index/repository", "repository", {"visibility": "private"}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_harmless_change_breaks_no_rule(change: Callable[[State], object]) -> None:
    state = good_platform()

    change(state)

    read = state_of(state.exported())
    findings = evaluate_all(INDEX, read.inputs, read.outputs).findings
    assert [(finding.rule.name, finding.message) for finding in findings] == []
