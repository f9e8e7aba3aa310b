"""The permissions boundary: every role has one, and it leaves each role what the role needs."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pulumi_aws as aws

from components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArgs
from tests.recorder import IDENTITY, Recording, record

ROLE = "aws:iam/role:Role"
BOUNDARY_ARN = "arn:aws:iam:us-east-1:111122223333:permissions-boundary-policy"
BACKUPS_ARN = "arn:aws:iam:us-east-1:111122223333:permissions-boundary-backups"
Statement = Mapping[str, Any]
BACKUPS = {"production": ("backup", "dr-replication", "restore"), "staging": ()}


def boundary(stack: Recording, name: str = "policy") -> list[Statement]:
    found: list[Statement] = stack.named(f"permissions-boundary-{name}").document("policy")["Statement"]
    return found


LOGICAL_NAMES = (
    *("ReadOwnSecrets", "ReplaceValues", "SetCachePasswords", "StartJobs"),
    *("KeepIncidents", "KeepDeadLetters", "LetSchedulerSend", "ReadAddress", "Remind", "Send", "TakeMessages"),
    *("Call", "SeeDatabase", "SeeSecrets"),
)
"""Statements about secrets, users of the cache, projects, queues, tables and schedules, and the scheduler's role."""


def granted(stack: Recording) -> Iterator[tuple[str, Statement]]:
    """What the program's own policies give to roles; AWS's managed policies cannot be read here."""
    for policy in stack.of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in policy.document("policy")["Statement"]:
            yield policy.name, statement


def is_within(statement: Statement, bounds: list[Statement]) -> bool:
    return all(
        any(_covers(bound, action, resource, statement) for bound in bounds)
        for action in statement["Action"]
        for resource in statement["Resource"]
    )


def _covers(bound: Statement, action: str, resource: str, statement: Statement) -> bool:
    services = bound.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
    wanted = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
    return (
        any(fnmatchcase(action, pattern) for pattern in bound["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in bound["Resource"])
        and (services is None or (wanted is not None and {*_listed(wanted)} <= {*services}))
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_every_role_is_bounded(stack: Recording, environment: str) -> None:
    assert sorted((role.name, role.plain["permissionsBoundary"]) for role in stack.of_type(ROLE)) == [
        ("app-servers-role", BOUNDARY_ARN),
        *((f"backup-vault-{purpose}-role", BACKUPS_ARN) for purpose in BACKUPS[environment]),
        (
            "continuous-integration-deploy-role",
            BOUNDARY_ARN.replace("permissions-boundary-policy", "continuous-integration-deploy-boundary"),
        ),
        *(
            (
                f"continuous-integration-{purpose}-role",
                BOUNDARY_ARN.replace("permissions-boundary", f"continuous-integration-{purpose}"),
            )
            for purpose in ("image", "preview", "release")
        ),
        ("credentials-role", BOUNDARY_ARN),
        ("database-jobs-drill-role", BOUNDARY_ARN),
        ("database-jobs-dump-role", BOUNDARY_ARN),
        ("database-jobs-maintenance-role", BOUNDARY_ARN),
        ("database-jobs-migrate-role", BOUNDARY_ARN),
        ("database-jobs-scheduler-role", BOUNDARY_ARN),
        ("database-monitoring-role", BOUNDARY_ARN),
        ("incidents-role", BOUNDARY_ARN),
        ("incidents-scheduler-role", BOUNDARY_ARN),
        ("network-flow-log-role", BOUNDARY_ARN),
        ("watchman-role", BOUNDARY_ARN),
        ("watchman-scheduler-role", BOUNDARY_ARN),
    ]
    assert stack.named("app-servers-role").plain["path"] == f"/fixrx-{environment}/"
    assert stack.named("app-servers-instance-profile").plain["path"] == f"/fixrx-{environment}/"


def test_the_boundary_leaves_every_role_what_it_is_given(stack: Recording) -> None:
    """Without what has a physical name: ARNs, as the recorder makes them, have logical names."""
    outside = [
        f"{name}: {statement['Sid']}"
        for name, statement in granted(stack)
        if statement["Sid"] not in LOGICAL_NAMES
        and not is_within(
            _regional(statement, stack), boundary(stack, "backups" if name.startswith("backup-vault-") else "policy")
        )
    ]

    assert outside == []


JOBS_THAT_LOG_IN = {
    "production": ("drill", "dump", "maintenance", "migrate"),
    "staging": ("dump", "maintenance", "migrate"),
}


def test_only_roles_that_need_them_may_ever_have_credentials(stack: Recording, environment: str) -> None:
    """Whatever is attached to the servers' role later: it neither logs in to the database nor replaces a password."""
    (bound,) = [each for each in boundary(stack) if each["Sid"] == "LogIn"]
    patterns = bound["Condition"]["ArnLike"]["aws:PrincipalArn"]
    path = patterns[0].rpartition("/")[0]
    needs = {
        name.removesuffix("-policy")
        for name, statement in granted(stack)
        # Whoever may describe a secret learns dates and no value.
        if (set(bound["Action"]) - {"secretsmanager:DescribeSecret"}) & set(statement["Action"])
    }

    assert needs == {
        "credentials-replica-role",
        "credentials-role",
        *(f"database-jobs-{job}-role" for job in JOBS_THAT_LOG_IN[environment]),
    }
    assert [name for name in needs if not any(fnmatchcase(f"{path}/{name}", each) for each in patterns)] == []
    assert [each for each in patterns if fnmatchcase(f"{path}/app-servers-role-0a1b2c3", each)] == []


def _regional(statement: Statement, stack: Recording) -> Statement:
    """A staging stack's resources are recorded with the account of production."""
    account = boundary(stack)[0]["Resource"][0].split(":")[4]
    resources = [resource.replace("111122223333", account) for resource in statement["Resource"]]
    return {**statement, "Resource": resources}


def test_the_boundary_lets_servers_read_the_stacks_own_secrets_only(stack: Recording, environment: str) -> None:
    (reading,) = [each for each in boundary(stack) if each["Sid"] == "ReadOwnSecrets"]

    assert [resource.partition(":secret:")[2] for resource in reading["Resource"]] == [f"fixrx/{environment}/*"]
    assert all(
        secret.plain["namePrefix"].startswith(f"fixrx/{environment}/")
        for secret in stack.of_type("aws:secretsmanager/secret:Secret")
    )


RESTORES = ("backup:CopyIntoBackupVault", "rds:CreateDBSnapshot", "rds:RestoreDBInstanceFromDBSnapshot")


def test_only_roles_of_the_backups_may_ever_copy_a_database(stack: Recording) -> None:
    def bounded(name: str) -> set[str]:
        patterns = [pattern for statement in boundary(stack, name) for pattern in statement["Action"]]
        return {action for action in RESTORES if any(fnmatchcase(action, pattern) for pattern in patterns)}

    assert {name: bounded(name) for name in ("policy", "backups")} == {"policy": set(), "backups": set(RESTORES)}


def test_a_role_with_its_own_boundary_keeps_it() -> None:
    def program() -> None:
        PermissionsBoundary("permissions-boundary", PermissionsBoundaryArgs(identity=IDENTITY)).set_on_every_role()
        aws.iam.Role("backup-vault-restore", assume_role_policy="{}")
        aws.iam.Role("confined", assume_role_policy="{}")
        aws.iam.Role("special", assume_role_policy="{}", permissions_boundary="arn:theirs", path="/special/")

    recording = record(program)

    assert {role.name: (role.plain["permissionsBoundary"], role.plain["path"]) for role in recording.of_type(ROLE)} == {
        "backup-vault-restore": (BACKUPS_ARN, "/fixrx-production/"),
        "confined": (BOUNDARY_ARN, "/fixrx-production/"),
        "special": ("arn:theirs", "/special/"),
    }
