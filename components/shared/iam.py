"""IAM roles and policy documents, all built in one form."""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.shared.identity import StackIdentity

Principals = Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]]
Conditions = Mapping[str, Mapping[str, pulumi.Input[str] | Sequence[str]]]
POLICY_VERSION = "2012-10-17"
ANY_PRINCIPAL: Mapping[str, str] = {"AWS": "*"}
"""Principal of a statement that denies, or whose conditions restrict it."""


class Statement(TypedDict):
    """One statement of a policy document, with AWS's own keys."""

    Sid: str
    Effect: Literal["Allow", "Deny"]
    Principal: NotRequired[Principals]
    Action: Sequence[str] | str
    Resource: NotRequired[Sequence[pulumi.Input[str]] | str]
    Condition: NotRequired[Conditions]


def statement(
    sid: str,
    *,
    actions: Sequence[str],
    resources: Sequence[pulumi.Input[str]] | str,
    effect: Literal["Allow", "Deny"] = "Allow",
    principals: Principals | None = None,
    conditions: Conditions | None = None,
) -> Statement:
    """Return one statement of a policy document. `principals` belongs to resource policies only."""
    result: Statement = {
        "Sid": sid,
        "Effect": effect,
        "Action": list(actions),
        "Resource": resources if isinstance(resources, str) else list(resources),
    }
    if principals is not None:
        result["Principal"] = principals
    if conditions:
        result["Condition"] = conditions
    return result


def actions(service: str, names: str) -> Sequence[str]:
    """Return actions of a service; `names` holds their names, separated by spaces."""
    return [f"{service}:{action}" for action in names.split()]


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return the JSON of a policy document."""
    return pulumi.Output.json_dumps({"Version": POLICY_VERSION, "Statement": list(statements)})


def allow_account(resource: pulumi.Input[str], account_id: str) -> Statement:
    """Return a statement of an endpoint's policy that admits identities of this account only.

    The permissions of each identity stay in its own policies.
    """
    return statement(
        "OwnAccountOnly",
        principals=ANY_PRINCIPAL,
        actions=["*"],
        resources=[resource],
        conditions={"StringEquals": {"aws:PrincipalAccount": account_id}},
    )


def role_path(identity: StackIdentity) -> str:
    """Return the IAM path of the platform's roles, by which a policy can allow managing these roles and no others."""
    return f"/{identity.prefix}/"


def service_role(name: str, service: str, account_id: str | None, options: pulumi.ResourceOptions) -> aws.iam.Role:
    """Declare a role that only the given AWS service can assume.

    With an account id the service may assume it only on behalf of this account, which prevents the confused deputy
    problem. EC2 sends no such context, so instance roles pass None.
    """
    trust: Statement = {
        "Sid": "ServiceMayAssume",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if account_id is not None:
        trust["Condition"] = {"StringEquals": {"aws:SourceAccount": account_id}}
    return aws.iam.Role(
        f"{name}-role",
        assume_role_policy=document(trust),
        opts=options,
    )


def role_policy(
    name: str, role: aws.iam.Role, policy: pulumi.Input[str], options: pulumi.ResourceOptions
) -> aws.iam.RolePolicy:
    """Declare an inline policy of this role."""
    return aws.iam.RolePolicy(f"{name}-role-policy", role=role.name, policy=policy, opts=options)
