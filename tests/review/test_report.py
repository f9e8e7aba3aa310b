"""What a reviewer reads of a plan: losses first, then interruptions with old and new values, then the rest."""

from datetime import date
from pathlib import Path

import pytest

from review import Approvals, Plan, lines, refusal, renames, total
from review.consequences import INTERRUPTIONS, LOST_WITH, REPLACEMENTS
from tests.policies.sdk import check_path, is_known_type
from tests.review.changes import STACK, plan_of, step, urn

DATABASE = "aws:rds/instance:Instance"
RECORD = "aws:route53/record:Record"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
API = {"name": "api.fixrx.com", "type": "A", "zoneId": "Z1"}
STACK_STEP = step("update", "pulumi:pulumi:Stack", "fixrx-production", parent="")
TODAY = date(2026, 11, 26)


def report(plan: Plan) -> list[str]:
    return list(lines(plan))


def test_losses_stand_first() -> None:
    plan = plan_of(
        STACK_STEP,
        step("same", GROUP, "servers", old={}, new={}),
        step("create", GROUP, "other", new={"description": "other"}),
        step("update", DATABASE, "primary", old={"instanceClass": "a"}, new={"instanceClass": "b"}),
        step("create-replacement", GROUP, "cache", old={"vpcId": "1"}, new={"vpcId": "2"}, keys=["vpcId"]),
        step("replace", GROUP, "cache", old={"vpcId": "1"}, new={"vpcId": "2"}, keys=["vpcId"]),
        step("delete", "aws:sns/topic:Topic", "p4", old={}),
        step("delete", RECORD, "api", old=API),
        step("delete-replaced", GROUP, "cache", old={"vpcId": "1"}),
    )
    assert report(plan) == [
        "DELETED (2)",
        "  - Record api; lost: the name api.fixrx.com: it no longer resolves, and what it leads to cannot be reached",
        "  - Topic p4",
        "REPLACED (1)",
        "  ! SecurityGroup cache; its members change groups first; connections stay if the rules do",
        '      vpcId: "1" -> "2"  (forces the replacement)',
        "UPDATED (1)",
        "  ~ Instance primary; failover: 60 to 120 s without database writes",
        '      instanceClass: "a" -> "b"',
        "CREATED (1)",
        "  + SecurityGroup other",
        "UNCHANGED (1): all of servers",
    ]
    assert total(plan) == "2 deleted, 1 replaced, 1 updated, 1 created, 1 unchanged"


RULE = "aws:wafv2/webAclRule:WebAclRule"


@pytest.mark.parametrize(
    ("operation", "statement", "line"),
    [
        ("create", {"sizeConstraintStatement": {}}, "MAINTENANCE: everybody gets 503 in place of the API."),
        (
            "update",
            {"notStatement": {}},
            "MAINTENANCE: everybody but fixrx:maintenance.except_networks gets 503 in place of the API.",
        ),
        ("same", {"sizeConstraintStatement": {}}, "MAINTENANCE: everybody gets 503 in place of the API."),
        ("delete", {"sizeConstraintStatement": {}}, "MAINTENANCE ENDS: users reach the API again."),
    ],
)
def test_maintenance_is_the_first_line(operation: str, statement: dict[str, object], line: str) -> None:
    inputs = {"statement": statement}
    change = step(operation, RULE, "web-acl-maintenance", old=inputs, new=inputs)
    plan = plan_of(STACK_STEP, step("delete", "aws:sns/topic:Topic", "p4", old={}), change)

    assert report(plan)[0] == line
    assert not [
        line for line in report(plan_of(STACK_STEP, step("create", RULE, "web-acl-rate", new={}))) if "503" in line
    ]


def test_a_new_stack_is_counted_by_component() -> None:
    network = step("create", "fixrx:components:Network", "network", new={})
    parent = urn("fixrx:components:Network", "network")
    subnets = [step("create", GROUP, f"group-{number}", new={}, parent=parent) for number in range(30)]
    assert report(plan_of(STACK_STEP, network, *subnets)) == ["CREATED (31)", "  + network: 31 resources"]


@pytest.mark.parametrize(
    ("token", "name", "expected"),
    [
        (DATABASE, "instanceClass", "failover: 60 to 120 s without database writes"),
        (DATABASE, "backupWindow", "no interruption"),
        (DATABASE, "tags", "no interruption"),
        (DATABASE, "timezone", "not in the table: look the property up in AWS's documentation"),
        (
            "aws:autoscaling/group:Group",
            "launchTemplate",
            "rolling refresh: servers are replaced one at a time, websockets reconnect",
        ),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", "threshold", "no interruption"),
        ("fixrx:components:Database", "engine_version", "what is in it says what that interrupts"),
        ("fixrx:components:Database", "allocated_storage_gib", "what is in it says what that interrupts"),
        ("fixrx:components:Cache", "engine_version", "what is in it says what that interrupts"),
    ],
)
def test_interruption_of_an_update(token: str, name: str, expected: str) -> None:
    plan = plan_of(step("update", token, "it", old={name: "a"}, new={name: "b"}))
    assert report(plan)[1] == f"  ~ {token.rpartition(':')[2]} it; {expected}"


def test_secret_cause_of_a_replacement_is_named_and_not_shown() -> None:
    inputs = {"secretString": "[secret]"}
    plan = plan_of(
        step(
            "replace",
            "aws:secretsmanager/secretVersion:SecretVersion",
            "it",
            old=inputs,
            new=inputs,
            keys=["secretString"],
        )
    )
    assert report(plan)[2] == "      secretString: another value, which is secret  (forces the replacement)"


def test_causes_of_a_replacement_are_paths_or_whole_inputs() -> None:
    """The Kubernetes provider names paths, and what it wants replaced though nothing has changed in it."""
    unready = '.metadata.annotations["pulumi.com/replaceUnready"]'
    metadata = {"name": "migration-1", "annotations": {"pulumi.com/replaceUnready": "true"}}
    old = {"metadata": metadata, "spec": {"containers": [{"image": "api:1"}], "backoffLimit": 0, "backoffLimits": 0}}
    new = {"metadata": metadata, "spec": {"containers": [{"image": "api:2"}], "backoffLimit": 1, "backoffLimits": 1}}
    keys = [unready, "spec.containers[0].image", "spec.backoffLimit"]
    plan = plan_of(step("replace", "kubernetes:batch/v1:Job", "it", old=old, new=new, keys=keys))
    assert report(plan)[2:] == [
        "      spec.backoffLimit: 0 -> 1  (forces the replacement)",
        '      spec.containers[0].image: "api:1" -> "api:2"  (forces the replacement)',
        "      spec.backoffLimits: 0 -> 1",
        '      metadata.annotations["pulumi.com/replaceUnready"]  (forces the replacement)',
    ]


def test_many_differences_of_one_resource_are_cut() -> None:
    old, new = ({f"input{number:02}": value for number in range(20)} for value in (1, 2))
    assert report(plan_of(step("update", GROUP, "it", old=old, new=new)))[-1] == "      and 8 more"


NO_LOSS = {
    "record that proves ownership": step("delete", RECORD, "it", old={**API, "name": "_abc.api.fixrx.com"}),
    "mail record": step("delete", RECORD, "it", old={**API, "type": "MX"}),
    "record that is replaced in its place": step("replace", RECORD, "it", old=API, new={**API, "ttl": 60}),
    "bucket that stays in AWS": step("delete", "aws:s3/bucket:Bucket", "it", old={}, retained=True),
    "bucket that is updated": step("update", "aws:s3/bucket:Bucket", "it", old={}, new={"a": 1}),
    "topic": step("delete", "aws:sns/topic:Topic", "it", old={}),
}
LOSS = {
    "name": step("delete", RECORD, "it", old=API),
    "name in IPv6": step("delete", RECORD, "it", old={**API, "type": "AAAA"}),
    "name that moves": step("replace", RECORD, "it", old=API, new={**API, "name": "other.fixrx.com"}),
    "database": step("delete", DATABASE, "it", old={}),
    "database that is replaced": step("replace", DATABASE, "it", old={}, new={}),
    **{token: step("delete", token, "it", old={}) for token in LOST_WITH},
}


@pytest.mark.parametrize("case", NO_LOSS)
def test_what_needs_no_approval(case: str) -> None:
    assert Approvals((), Path("approvals.yaml")).missing(plan_of(NO_LOSS[case]), TODAY) == []


@pytest.mark.parametrize("case", LOSS)
def test_what_needs_an_approval(case: str) -> None:
    [missing] = Approvals((), Path("approvals.yaml")).missing(plan_of(LOSS[case]), TODAY)
    assert missing.why == "no entry in approvals.yaml"


def test_refusal_gives_the_entry_to_add() -> None:
    missing = Approvals((), Path("approvals.yaml")).missing(plan_of(step("delete", DATABASE, "primary", old={})), TODAY)
    assert refusal(missing, "approvals.yaml", TODAY) == (
        "The plan deletes or replaces what cannot be had back, and nobody has approved this:\n"
        "  Instance primary (no entry in approvals.yaml); lost: the database's data; a replica's copy of it\n"
        "Change the program so that it keeps them, or add to approvals.yaml:\n"
        f"  - urn: {urn(DATABASE, 'primary')}\n"
        "    action: delete\n"
        "    owner: <who answers for it>\n"
        "    until: 2026-11-26\n"
        "    reason: <why, and where the data is now>"
    )


INPUTS = {"engine": "postgres", "instanceClass": "db.m7g.large", "storageType": "gp3", "identifier": "fixrx-primary"}


def test_renamed_resource_is_recognised() -> None:
    plan = plan_of(
        step("create", DATABASE, "main", new={**INPUTS, "identifier": "fixrx-main"}),
        step("create", DATABASE, "reports", new={"engine": "mysql", "instanceClass": "db.t4g.micro"}),
        step("delete", DATABASE, "primary", old=INPUTS),
    )
    assert [str(rename) for rename in renames(plan)] == [
        "Instance main looks like a rename of primary: to keep what is deployed, give the new one "
        f'aliases=["{urn(DATABASE, "primary")}"]'
    ]


def test_other_resource_of_the_same_type_is_no_rename() -> None:
    plan = plan_of(
        step("create", DATABASE, "reports", new={"engine": "mysql", "instanceClass": "db.t4g.micro"}),
        step("delete", DATABASE, "primary", old=INPUTS),
    )
    assert renames(plan) == []


def test_renamed_component_is_named_in_place_of_what_is_in_it() -> None:
    kind = "fixrx:components:Database"
    old, new = urn(kind, "database"), urn(kind, "postgres")
    plan = plan_of(
        STACK_STEP,
        step("create", kind, "postgres", new={}),
        step("create", DATABASE, "postgres-primary", new=INPUTS, parent=new),
        step("delete", DATABASE, "database-primary", old=INPUTS, parent=old),
        step("delete", kind, "database", old={}),
    )
    assert [(rename.old.name, rename.new.name) for rename in renames(plan)] == [("database", "postgres")]


def test_every_name_in_the_tables_exists_in_the_sdk() -> None:
    assert [token for token in {*LOST_WITH, *INTERRUPTIONS, *REPLACEMENTS} if not is_known_type(token)] == []
    for token, table in INTERRUPTIONS.items():
        for name in table:
            check_path(token, name)


def test_stack_is_no_resource() -> None:
    assert report(plan_of(STACK_STEP)) == []
    assert STACK_STEP["resourcePreEvent"]["metadata"]["urn"] == STACK
