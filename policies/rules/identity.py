"""Least privilege: what identities may do. Reads the policies of roles, users and groups."""

from collections.abc import Iterator, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_conditions import Condition
from policies.engine.iam_documents import (
    Permission,
    Statement,
    exact_values,
    has_narrow_values,
    is_every_of_a_kind,
    is_every_resource,
    narrows,
    permissions,
    statements,
)
from policies.engine.iam_patterns import covers, has_wildcard, overlap
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

ATTACHMENTS: Final = frozenset(
    {
        aws.ROLE_POLICY_ATTACHMENT,
        aws.USER_POLICY_ATTACHMENT,
        aws.GROUP_POLICY_ATTACHMENT,
        aws.IAM_POLICY_ATTACHMENT,
    }
)
WITHOUT_RESOURCE_LEVEL: Final = (
    "backup:ListRestoreJobs",
    "backup:PutRestoreValidationResult",
    "ec2:Describe*",
    "ecr:GetAuthorizationToken",
    "elasticloadbalancing:Describe*",
    "logs:DescribeLogGroups",
    "rds:Describe*",
    "route53:List*",
    "s3:ListAllMyBuckets",
    "secretsmanager:BatchGetSecretValue",
    "ssm:DescribeParameters",
    "sts:GetCallerIdentity",
    "tag:GetResources",
    "xray:Put*",
)
"""Actions that AWS does not allow to limit to a resource or by a condition, and reads of names and settings."""
SESSION_MANAGER_AGENT: Final = (
    "ec2messages:*",
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument*",
    "ssm:GetDeployablePatchSnapshotForInstance",
    "ssm:GetDocument",
    "ssm:GetManifest",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:PutComplianceItems",
    "ssm:PutConfigurePackageResult",
    "ssm:PutInventory",
    "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:*",
)
"""Actions of Session Manager's agent; AWS's own policy for it names no resource."""
WITHOUT_RESOURCE: Final = WITHOUT_RESOURCE_LEVEL + SESSION_MANAGER_AGENT
HARMLESS_ON_A_KIND: Final = ("*:Describe*", "*:Get*", "*:List*", "*:Tag*", "*:Untag*", "logs:*")
"""Actions that may be allowed on all resources of a kind: reads of settings; names of log groups arise at run time."""
DATA_READS: Final = (
    "dynamodb:GetItem",
    "ecr:GetDownloadUrlForLayer",
    "kinesis:GetRecords",
    "lambda:GetFunction",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:GetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "sts:GetFederationToken",
)
"""Reads that give data or credentials, and not settings."""
RESOURCE_CONDITION_KEYS: Final = (
    "aws:resourceaccount",
    "aws:resourceorgid",
    "cloudwatch:namespace",
    "ecs:cluster",
    "lambda:functionarn",
)
"""Keys of conditions that limit `Resource: *` as a name does, in lower case."""
RESOURCE_TAG: Final = ":resourcetag/"
"""In the keys of conditions on a tag of the resource: `aws:ResourceTag/Project`, `ec2:ResourceTag/Project`."""
CONDITIONS_ABOUT_THE_CALL: Final = (
    "aws:multifactorauth",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:source",
    "aws:principal",
)
"""Beginnings of condition keys that say nothing about the resource."""
DECRYPTION_ACTIONS: Final = ("kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant")
"""Actions that decrypt, or let somebody else decrypt."""
VIA_SERVICE: Final = "kms:ViaService"
ENCRYPTION_CONTEXT: Final = "kms:encryptioncontext:"
GRANT_CONDITION_KEYS: Final = ("kms:GrantIsForAWSResource", "kms:GranteePrincipal")
"""Condition keys that limit who receives a grant."""
ROLE_CREATION_ACTIONS: Final = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
"""Actions that decide what a role may do."""
USER_PERMISSIONS: Final = {
    aws.ACCESS_KEY: "a long-term access key",
    aws.IAM_POLICY_ATTACHMENT: "permissions",
    aws.USER_LOGIN_PROFILE: "a password",
    aws.USER_POLICY: "permissions",
    aws.USER_POLICY_ATTACHMENT: "permissions",
}
"""Types that an IAM user works with, and what they give him."""
BOUNDARY: Final = "iam:PermissionsBoundary"
PASSED_TO_SERVICE: Final = "iam:PassedToService"
IAM_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
REGISTRY: Final = "https://www.pulumi.com/registry/packages/aws/api-docs"


def _allowing(resource: StackResource) -> Iterator[Statement]:
    for document in aws.identity_statements(resource):
        yield from (statement for statement in document if statement.allows)


def _named_permissions(resource: StackResource, actions: Sequence[str]) -> Iterator[Permission]:
    """Yield the permissions for these actions that are named; a whole service is a finding of its own."""
    for document in aws.identity_statements(resource):
        yield from (each for each in permissions(document, actions) if each.statement.names_any([each.action]))


def _is_limited(statement: Statement) -> bool:
    """Tell whether a condition limits `Resource: *` to some resources, or to those of this account.

    IfExists counts: where a request has no such key, AWS knows no resource for the action.
    """
    return any(
        condition.key in RESOURCE_CONDITION_KEYS or RESOURCE_TAG in condition.key
        for condition in statement.conditions
        if condition.demands_value_where_present and has_narrow_values(condition)
    )


def _has_condition_on_resource(statement: Statement) -> bool:
    return any(
        condition.demands_value_where_present and not condition.key.startswith(CONDITIONS_ABOUT_THE_CALL)
        for condition in statement.conditions
    )


@rule(
    "iam-policy-actions-are-explicit",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=aws.IDENTITY_DOCUMENTS,
    security_hub=["IAM.1", "IAM.21"],
    remediation="List the actions that are used, instead of the wildcard.",
)
def policy_actions_are_explicit(resource: StackResource, _: Context) -> Iterator[Problem]:
    """IAM policies name the actions that they allow."""
    for statement in _allowing(resource):
        if statement.whole_services or statement.not_actions:
            actions = comma_separated(statement.whole_services) or "all actions with exceptions"
            yield f"allows {actions} ({statement.label})"


@rule(
    "iam-policy-resources-are-explicit",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=aws.IDENTITY_DOCUMENTS,
    documentation=f"{IAM_GUIDE}/best-practices.html#grant-least-privilege",
    remediation="Name the ARNs instead of the wildcard, or add a condition.",
)
def policy_resources_are_explicit(resource: StackResource, _: Context) -> Iterator[Problem]:
    """IAM policies name the resources that they allow, where AWS supports it."""
    for statement in _allowing(resource):
        everything = statement.not_resources or any(map(is_every_resource, statement.resources))
        if everything and not _is_limited(statement):
            limitable = [action for action in statement.actions if not _is_covered(action, WITHOUT_RESOURCE)]
            where = "every resource of the account"
        elif any(map(is_every_of_a_kind, statement.resources)) and not _has_condition_on_resource(statement):
            limitable = [action for action in statement.actions if not _is_harmless_on_a_kind(action)]
            where = "every resource of its kind"
        else:
            continue
        if limitable:
            yield f"allows {comma_separated(limitable)} on {where} ({statement.label})"


def _is_covered(action: str, patterns: Sequence[str]) -> bool:
    return any(covers(pattern, action, ignore_case=True) for pattern in patterns)


def _is_harmless_on_a_kind(action: str) -> bool:
    reads_data = any(overlap(action, read, ignore_case=True) for read in DATA_READS)
    return _is_covered(action, HARMLESS_ON_A_KIND) and not reads_data


@rule(
    "iam-kms-decrypt-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.LOW,
    resource_types=aws.IDENTITY_DOCUMENTS,
    security_hub=["KMS.1", "KMS.2"],
    remediation="Add a condition on kms:ViaService to the statement.",
)
def kms_decrypt_is_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Identities may decrypt only through the service that stores the data."""
    found: dict[str, list[str]] = {}
    for permission in _named_permissions(resource, DECRYPTION_ACTIONS):
        if not _limits_decryption(permission):
            found.setdefault(permission.statement.label, []).append(permission.action)
    for label, actions in found.items():
        yield f"allows {comma_separated(actions)} of all data that the key encrypts ({label})"


def _limits_decryption(permission: Permission) -> bool:
    conditions = permission.conditions
    if permission.action == "kms:CreateGrant" and any(narrows(conditions, key) for key in GRANT_CONDITION_KEYS):
        return True
    context = {each.key for each in conditions if each.key.startswith(ENCRYPTION_CONTEXT)}
    return any(narrows(conditions, key) for key in context) or any(map(_names_services, conditions))


def _names_services(condition: Condition) -> bool:
    """Tell whether a condition names the services that may decrypt; their region may be any."""
    services = [value.partition(".")[0] for value in condition.values]
    return (
        condition.key == VIA_SERVICE.lower()
        and condition.demands_value
        and bool(services)
        and not any(map(has_wildcard, services))
    )


@rule(
    "iam-role-creation-requires-boundary",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=aws.IDENTITY_DOCUMENTS,
    documentation=f"{IAM_GUIDE}/access_policies_boundaries.html#access_policies_boundaries-delegate",
    remediation="Compare `iam:PermissionsBoundary` with the boundary's ARN by StringEquals in the statement.",
)
def role_creation_requires_boundary(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Identities that may create roles can only create roles with a permissions boundary."""
    found = {
        permission.statement.label: None
        for permission in _named_permissions(resource, ROLE_CREATION_ACTIONS)
        if not exact_values(permission.conditions, BOUNDARY)
    }
    for label in found:
        yield f"allows creating a role with any permissions and assuming it ({label})"


@rule(
    "iam-pass-role-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.IDENTITY_DOCUMENTS,
    documentation=f"{IAM_GUIDE}/id_roles_use_passrole.html",
    remediation="Name the one role, or compare `iam:PassedToService` by StringEquals in the statement.",
)
def pass_role_is_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Identities may pass roles only to the services that they are created for."""
    for permission in _named_permissions(resource, ["iam:PassRole"]):
        statement = permission.statement
        several = statement.not_resources or any(map(has_wildcard, statement.resources))
        if several and not exact_values(permission.conditions, PASSED_TO_SERVICE):
            yield f"allows passing several roles to any service ({statement.label})"


@rule(
    "iam-roles-have-permissions-boundary",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ROLE],
    documentation=f"{IAM_GUIDE}/access_policies_boundaries.html",
    remediation="Create the role after PermissionsBoundary.set_on_every_role (components/permissions_boundary.py).",
)
def roles_have_permissions_boundary(role: StackResource, _: Context) -> Iterator[Problem]:
    """Roles have a permissions boundary."""
    if not role.is_set("permissionsBoundary"):
        yield "has no permissions boundary: policies that are attached later are not limited"


@rule(
    "iam-administrator-access-is-not-attached",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.CRITICAL,
    resource_types=ATTACHMENTS | {aws.ROLE},
    security_hub=["IAM.1"],
    remediation="Attach a policy that names the necessary actions.",
)
def administrator_access_is_not_attached(resource: StackResource, _: Context) -> Iterator[Problem]:
    """No identity of the platform has administrator permissions."""
    attached = resource.texts("managedPolicyArns" if resource.type == aws.ROLE else "policyArn")
    if any(policy_arn.endswith(aws.ADMINISTRATOR_POLICIES) for policy_arn in attached):
        yield "has administrator permissions: a compromised identity controls the account"


@rule(
    "iam-users-are-not-used",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=USER_PERMISSIONS,
    applies_to=lambda resource: resource.type != aws.IAM_POLICY_ATTACHMENT or resource.is_set("users"),
    security_hub=["IAM.2"],
    remediation="Use a role; people sign in through IAM Identity Center, pipelines through OIDC.",
)
def users_are_not_used(resource: StackResource, _: Context) -> Iterator[Problem]:
    """IAM users have no policies and no access keys."""
    yield f"gives an IAM user {USER_PERMISSIONS[resource.type]}"


def _is_assumed_by_servers(role: StackResource) -> bool:
    return any(
        "ec2.amazonaws.com" in statement.principals.get("Service", ())
        for statement in statements(role, "assumeRolePolicy")
    )


@rule(
    "iam-server-role-policies-are-exclusive",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.LOW,
    resource_types=[aws.ROLE],
    scope=Scope.STACK,
    applies_to=_is_assumed_by_servers,
    documentation=f"{REGISTRY}/iam/rolepoliciesexclusive/",
    remediation="Declare an iam.RolePoliciesExclusive for the role.",
)
def server_role_policies_are_exclusive(role: StackResource, context: Context) -> Iterator[Problem]:
    """Inline policies that are added to a server's role outside Pulumi are removed."""
    if not context.stack.has_referrer(role, aws.ROLE_POLICIES_EXCLUSIVE, "roleName"):
        yield "has no exclusive list of inline policies: one that is added in the console stays"


@rule(
    "iam-server-role-attachments-are-exclusive",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.LOW,
    resource_types=[aws.ROLE],
    scope=Scope.STACK,
    applies_to=_is_assumed_by_servers,
    documentation=f"{REGISTRY}/iam/rolepolicyattachmentsexclusive/",
    remediation="Declare an iam.RolePolicyAttachmentsExclusive for the role.",
)
def server_role_attachments_are_exclusive(role: StackResource, context: Context) -> Iterator[Problem]:
    """Policies that are attached to a server's role outside Pulumi are removed."""
    if not context.stack.has_referrer(role, aws.ROLE_POLICY_ATTACHMENTS_EXCLUSIVE, "roleName"):
        yield "has no exclusive list of attached policies: one that is attached in the console stays"
