"""IAM roles and policy documents, written in one way so that a reviewer and a policy can read them all."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

Statement = Mapping[str, Any]

POLICY_VERSION = "2012-10-17"
ANYBODY: Mapping[str, str] = {"AWS": "*"}
"""Principal of a statement that denies, or that its conditions narrow down."""


def statement(
    sid: str,
    *,
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]] | str,
    effect: str = "Allow",
    principals: Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]] | None = None,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> Statement:
    """Return one statement of a policy document. `principals` belongs to resource policies only."""
    result: dict[str, Any] = {"Sid": sid, "Effect": effect}
    if principals is not None:
        result["Principal"] = principals
    result["Action"] = list(actions)
    result["Resource"] = resources if isinstance(resources, str) else list(resources)
    if conditions:
        result["Condition"] = conditions
    return result


def actions(service: str, several: str) -> Sequence[str]:
    """Return the actions of a service by their names, separated by spaces."""
    return [f"{service}:{action}" for action in several.split()]


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the JSON of a policy document."""
    return pulumi.Output.json_dumps({"Version": POLICY_VERSION, "Statement": list(statements)})


def allow_account(resource: pulumi.Input[str], account_id: str) -> Statement:
    """Return a statement of an endpoint's policy that lets identities of this account through, and nobody else's.

    What each identity may do stays with its own policies.
    """
    return statement(
        "OwnAccountOnly",
        principals=ANYBODY,
        actions=["*"],
        resources=[resource],
        conditions={"StringEquals": {"aws:PrincipalAccount": account_id}},
    )


def service_role(name: str, service: str, account_id: str | None, options: pulumi.ResourceOptions) -> aws.iam.Role:
    """Declare a role that only the given AWS service can take on.

    With an account id the service may do so only on behalf of this account (no confused deputy). EC2 sends no such
    context, so instance roles pass None.
    """
    trust: dict[str, Any] = {
        "Sid": "ServiceMayAssume",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if account_id is not None:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": account_id}}
    return aws.iam.Role(
        f"{name}-role",
        assume_role_policy=json.dumps({"Version": POLICY_VERSION, "Statement": [trust]}),
        opts=options,
    )


def role_policy(
    name: str, role: aws.iam.Role, policy: pulumi.Input[str], options: pulumi.ResourceOptions
) -> aws.iam.RolePolicy:
    """Declare a policy of this role alone."""
    return aws.iam.RolePolicy(f"{name}-role-policy", role=role.name, policy=policy, opts=options)
