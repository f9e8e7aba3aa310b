"""Every policy document of the stack: no identity is allowed everything."""

import json
from collections.abc import Iterator
from typing import Any

from tests.recorder import Recording

DOCUMENT_INPUTS = ("policy", "assumeRolePolicy", "policyDocument")


def allowing_statements(stack: Recording) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in stack.registrations:
        for key in DOCUMENT_INPUTS:
            if key in each.inputs:
                for statement in json.loads(each.plain[key])["Statement"]:
                    # A policy that protects data allows nothing.
                    if statement.get("Effect") == "Allow":
                        yield f"{each.name} {statement['Sid']}", statement


def test_every_action_is_allowed_in_these_places_only(stack: Recording) -> None:
    """Endpoints let the account's own identities through; what each may do is up to its own policies."""
    everything = [name for name, statement in allowing_statements(stack) if statement["Action"] == ["*"]]

    assert sorted(everything) == [
        f"endpoints-{service} OwnAccountOnly"
        for service in ("ec2messages", "kms", "logs", "s3", "secretsmanager", "ssm", "ssmmessages", "sts")
    ]


def test_identities_are_never_allowed_every_resource(stack: Recording, environment: str) -> None:
    """In the policy of a key, "*" is that key; an identity's policy has to name what it is about.

    The exceptions are actions for which AWS knows no resource, such as descriptions of the network.
    """
    role_policies = {each.name for each in stack.of_type("aws:iam/rolePolicy:RolePolicy")}
    broad = [
        name
        for name, statement in allowing_statements(stack)
        if name.split()[0] in role_policies and "*" in statement["Resource"]
    ]

    judge = {"production": ["database-jobs-drill-role-policy JudgeRestores"], "staging": []}
    assert sorted(broad) == [
        "app-servers-role-policy FindOwnGroup",
        "app-servers-role-policy ReadSecretsAtOnce",
        "app-servers-role-policy WriteMetrics",
        *judge[environment],
        "database-jobs-drill-role-policy LookAtNetwork",
        "database-jobs-dump-role-policy LookAtNetwork",
        "database-jobs-maintenance-role-policy LookAtNetwork",
        "database-jobs-migrate-role-policy LookAtNetwork",
        "incidents-role-policy WriteHeartbeat",
        "watchman-role-policy WriteAges",
    ]
    copies = {"backup-vault-dr-replication-role-policy"} if environment == "production" else set()
    assert role_policies == copies | {
        "app-servers-role-policy",
        "credentials-replica-role-policy",
        "credentials-role-policy",
        "database-jobs-drill-role-policy",
        "database-jobs-dump-role-policy",
        "database-jobs-maintenance-role-policy",
        "database-jobs-migrate-role-policy",
        "database-jobs-scheduler-role-policy",
        "incidents-role-policy",
        "incidents-scheduler-role-policy",
        "network-flow-log-role-policy",
        "watchman-role-policy",
        "watchman-scheduler-role-policy",
    }


def test_any_principal_is_allowed_nothing_without_a_condition(stack: Recording) -> None:
    """The one exception is what Amazon publishes for all: packages, read without credentials."""
    open_to_all = [
        name
        for name, statement in allowing_statements(stack)
        if statement.get("Principal") in ("*", {"AWS": "*"}) and "Condition" not in statement
    ]

    assert open_to_all == ["endpoints-s3 AmazonLinuxPackages"]
