"""Least privilege: what identities may do, and who may assume roles and use resources.

Reads policy documents of roles, keys, topics, buckets, endpoints and log groups.
"""

from collections.abc import Iterator
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, has_narrow_values, is_every_resource, statements
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

IDENTITY_POLICIES: Final = frozenset({aws.IAM_POLICY, aws.ROLE_POLICY, aws.USER_POLICY, aws.GROUP_POLICY, aws.ROLE})
"""Types that say what an identity may do."""
RESOURCE_POLICIES: Final = {
    aws.BUCKET_POLICY: "policy",
    aws.BUCKET: "policy",
    aws.TOPIC_POLICY: "policy",
    aws.TOPIC: "policy",
    aws.QUEUE_POLICY: "policy",
    aws.QUEUE: "policy",
    aws.KMS_KEY: "policy",
    aws.SECRET_POLICY: "policy",
    aws.SECRET: "policy",
    aws.LOG_RESOURCE_POLICY: "policyDocument",
    aws.ECR_REPOSITORY_POLICY: "policy",
    aws.BACKUP_VAULT_POLICY: "policy",
}
"""Types that say who may use a resource, and the property that says it."""
ATTACHMENTS: Final = frozenset(
    {
        aws.ROLE_POLICY_ATTACHMENT,
        aws.USER_POLICY_ATTACHMENT,
        aws.GROUP_POLICY_ATTACHMENT,
        aws.IAM_POLICY_ATTACHMENT,
    }
)
WITHOUT_RESOURCE_LEVEL: Final = (
    "cloudwatch:PutMetricData",
    "ec2:Describe",
    "ecr:GetAuthorizationToken",
    "logs:DescribeLogGroups",
    "rds:Describe",
    "route53:List",
    "s3:ListAllMyBuckets",
    "ssm:DescribeParameters",
    "sts:GetCallerIdentity",
    "tag:GetResources",
    "xray:Put",
)
"""Actions that AWS does not allow to limit to a resource."""
SESSION_MANAGER_AGENT: Final = (
    "ec2messages:",
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
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
    "ssmmessages:",
)
"""Actions of Session Manager's agent; AWS's own policy for it names no resource."""
WITHOUT_RESOURCE: Final = WITHOUT_RESOURCE_LEVEL + SESSION_MANAGER_AGENT
RESOURCE_CONDITION_KEYS: Final = ("aws:resourceaccount", "aws:resourceorgid", "cloudwatch:namespace", "ecs:cluster")
"""Keys of conditions that limit `Resource: *` as a name does, in lower case."""
RESOURCE_TAG: Final = ":resourcetag/"
"""In the keys of conditions on a tag of the resource: `aws:ResourceTag/Project`, `ec2:ResourceTag/Project`."""
DECRYPTION_CONDITION_KEYS: Final = ("kms:viaservice", "kms:encryptioncontext")
"""Beginnings of condition keys on the service that requests the decryption, or on what was encrypted."""
SERVICES_WITH_SOURCE_ACCOUNT: Final = frozenset(
    {
        "backup.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "config.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "scheduler.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }
)
"""Services that send the source account when they assume a role. EC2 and Lambda do not."""
SOURCE_CONDITION_KEYS: Final = (
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "kms:EncryptionContext:aws:logs:arn",
)
"""Condition keys for the account or resource on whose behalf a service acts."""
ROLE_CREATION_ACTIONS: Final = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
"""Actions that decide what a role may do."""
OIDC_PROVIDER: Final = ":oidc-provider/"
IAM_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
REGISTRY: Final = "https://www.pulumi.com/registry/packages/aws/api-docs"


def _allowing(resource: StackResource) -> Iterator[Statement]:
    owners = resource.items("inlinePolicies") if resource.type == aws.ROLE else [resource]
    for owner in owners:
        yield from (statement for statement in statements(owner, "policy") if statement.allows)


def _is_limited(statement: Statement) -> bool:
    """Tell whether a condition limits `Resource: *` to some resources, or to those of this account.

    IfExists counts: where a request has no such key, AWS knows no resource for the action.
    """
    return any(
        condition.key in RESOURCE_CONDITION_KEYS or RESOURCE_TAG in condition.key
        for condition in statement.conditions
        if condition.demands_value_where_present and has_narrow_values(condition)
    )


def _has_source_condition(statement: Statement) -> bool:
    return statement.narrows(SOURCE_CONDITION_KEYS)


@rule(
    "iam-policy-actions-are-explicit",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=IDENTITY_POLICIES,
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
    resource_types=IDENTITY_POLICIES,
    documentation=f"{IAM_GUIDE}/best-practices.html#grant-least-privilege",
    remediation="Name the ARNs instead of the wildcard, or add a condition.",
)
def policy_resources_are_explicit(resource: StackResource, _: Context) -> Iterator[Problem]:
    """IAM policies name the resources that they allow, where AWS supports it."""
    for statement in _allowing(resource):
        everywhere = statement.not_resources or any(map(is_every_resource, statement.resources))
        limitable = [action for action in statement.actions if not action.startswith(WITHOUT_RESOURCE)]
        if everywhere and limitable and not _is_limited(statement):
            yield f"allows {comma_separated(limitable)} on every resource of the account ({statement.label})"


@rule(
    "cloudwatch-logs-policy-resources-are-explicit",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.LOW,
    resource_types=[aws.LOG_RESOURCE_POLICY],
    documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html",
    remediation="Name the log group's ARN in the statement's Resource.",
)
def log_policy_resources_are_explicit(policy: StackResource, _: Context) -> Iterator[Problem]:
    """Services may write to named log groups only."""
    for statement in statements(policy, "policyDocument"):
        if statement.allows and "*" in statement.resources:
            yield f"allows a service to write to every log group of the account ({statement.label})"


@rule(
    "iam-kms-decrypt-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.LOW,
    resource_types=IDENTITY_POLICIES,
    security_hub=["KMS.1", "KMS.2"],
    remediation="Add a condition on kms:ViaService to the statement.",
)
def kms_decrypt_is_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Identities may decrypt only through the service that stores the data."""
    for statement in _allowing(resource):
        decrypts = any(action.startswith("kms:Decrypt") for action in statement.actions)
        if decrypts and not any(
            each.key.startswith(DECRYPTION_CONDITION_KEYS) and each.values for each in statement.conditions
        ):
            yield f"allows kms:Decrypt of all data that the key encrypts ({statement.label})"


@rule(
    "iam-role-trust-has-source-account",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ROLE],
    documentation=f"{IAM_GUIDE}/confused-deputy.html",
    remediation="Add a condition on aws:SourceAccount to the trust policy.",
)
def role_trust_has_source_account(role: StackResource, _: Context) -> Iterator[Problem]:
    """AWS services assume roles on behalf of this account only."""
    for statement in statements(role, "assumeRolePolicy"):
        services = [name for name in statement.principals.get("Service", ()) if name in SERVICES_WITH_SOURCE_ACCOUNT]
        if statement.allows and services and not _has_source_condition(statement):
            names = comma_separated(services)
            yield f"can be assumed by {names} on behalf of another account ({statement.label})"


@rule(
    "iam-resource-policy-actions-are-explicit",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=RESOURCE_POLICIES,
    documentation=f"{IAM_GUIDE}/best-practices.html#grant-least-privilege",
    remediation="List the actions that the service needs, instead of the wildcard.",
)
def resource_policy_actions_are_explicit(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Resource policies name the actions that they allow AWS services."""
    for statement in statements(resource, RESOURCE_POLICIES[resource.type]):
        services = statement.principals.get("Service", ())
        if statement.allows and services and statement.whole_services:
            actions = comma_separated(statement.whole_services)
            yield f"allows {comma_separated(services)} the actions {actions} ({statement.label})"


@rule(
    "iam-role-trust-is-not-public",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.ROLE],
    documentation=f"{IAM_GUIDE}/id_roles_create_for-service.html",
    remediation="Name the service or account in the trust policy's Principal, and sts:AssumeRole in its Action.",
)
def role_trust_is_not_public(role: StackResource, _: Context) -> Iterator[Problem]:
    """Trust policies name the principals that may assume the role."""
    for statement in statements(role, "assumeRolePolicy"):
        if statement.is_open_to_everyone:
            yield f"can be assumed by every AWS account ({statement.label})"
        elif statement.allows and statement.whole_services:
            actions = comma_separated(statement.whole_services)
            yield f"has a trust policy that allows {actions}, more than assuming the role ({statement.label})"


@rule(
    "iam-role-creation-requires-boundary",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=IDENTITY_POLICIES,
    documentation=f"{IAM_GUIDE}/access_policies_boundaries.html#access_policies_boundaries-delegate",
    remediation="Compare `iam:PermissionsBoundary` with the boundary's ARN by StringEquals in the statement.",
)
def role_creation_requires_boundary(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Identities that may create roles can only create roles with a permissions boundary."""
    for statement in _allowing(resource):
        if statement.names_any(ROLE_CREATION_ACTIONS) and not statement.exact_values("iam:PermissionsBoundary"):
            yield f"allows creating a role with any permissions and assuming it ({statement.label})"


@rule(
    "iam-pass-role-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=IDENTITY_POLICIES,
    documentation=f"{IAM_GUIDE}/id_roles_use_passrole.html",
    remediation="Name the one role, or compare `iam:PassedToService` by StringEquals in the statement.",
)
def pass_role_is_restricted(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Identities may pass roles only to the services that they are created for."""
    for statement in _allowing(resource):
        several = any("*" in role for role in statement.resources)
        if several and statement.names_any(["iam:PassRole"]) and not statement.exact_values("iam:PassedToService"):
            yield f"allows passing several roles to any service ({statement.label})"


@rule(
    "iam-oidc-trust-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.CRITICAL,
    resource_types=[aws.ROLE],
    documentation=f"{IAM_GUIDE}/id_roles_create_for-idp_oidc.html",
    remediation="Compare `aud` and `sub` by StringEquals, `sub` as repo:owner/name:environment:name.",
)
def oidc_trust_is_restricted(role: StackResource, _: Context) -> Iterator[Problem]:
    """Trust policies for OIDC providers name the audience and the subject that may assume the role."""
    for statement in statements(role, "assumeRolePolicy"):
        issuers = [
            provider.partition(OIDC_PROVIDER)[2]
            for provider in statement.principals.get("Federated", ())
            if OIDC_PROVIDER in provider
        ]
        for issuer in issuers:
            if statement.allows and not all(statement.exact_values(f"{issuer}:{claim}") for claim in ("aud", "sub")):
                yield f"can be assumed by other repositories or branches of {issuer} ({statement.label})"


@rule(
    "iam-roles-have-permissions-boundary",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ROLE],
    documentation=f"{IAM_GUIDE}/access_policies_boundaries.html",
    remediation="Create the role after set_boundary_on_every_role (components/permissions_boundary.py).",
)
def roles_have_permissions_boundary(role: StackResource, _: Context) -> Iterator[Problem]:
    """Roles have a permissions boundary."""
    if not role.is_set("permissionsBoundary"):
        yield "has no permissions boundary: policies that are attached later are not limited"


@rule(
    "iam-resource-policy-is-not-public",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.CRITICAL,
    resource_types=RESOURCE_POLICIES,
    security_hub=["S3.6", "SNS.4", "KMS.5"],
    remediation="Name the accounts, roles or services in the statement's Principal.",
)
def resource_policy_is_not_public(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Resource policies do not allow every AWS account."""
    for statement in statements(resource, RESOURCE_POLICIES[resource.type]):
        if statement.is_open_to_everyone:
            yield f"allows every AWS account ({statement.label})"


@rule(
    "iam-resource-policy-has-source-account",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=RESOURCE_POLICIES,
    documentation=f"{IAM_GUIDE}/confused-deputy.html",
    remediation="Add a condition on aws:SourceAccount or aws:SourceArn to the statement.",
)
def resource_policy_has_source_account(resource: StackResource, _: Context) -> Iterator[Problem]:
    """AWS services may use resources on behalf of this account only."""
    for statement in statements(resource, RESOURCE_POLICIES[resource.type]):
        services = statement.principals.get("Service", ())
        if statement.allows and services and not _has_source_condition(statement):
            yield f"can be used by {comma_separated(services)} on behalf of another account ({statement.label})"


@rule(
    "vpc-endpoint-policy-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.VPC_ENDPOINT],
    documentation="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
    remediation="Give the endpoint a policy with a condition on aws:PrincipalAccount.",
)
def endpoint_policy_is_restricted(endpoint: StackResource, _: Context) -> Iterator[Problem]:
    """Policies of VPC endpoints allow this account only."""
    found = statements(endpoint, "policy")
    if not found:
        yield "has no policy: data can be copied through it to any account"
    for statement in found:
        if statement.is_open_to_everyone and ("*" in statement.resources or statement.whole_services):
            yield f"allows every account everything ({statement.label}): data can be copied through it to any account"


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
    resource_types=[aws.USER_POLICY, aws.USER_POLICY_ATTACHMENT, aws.ACCESS_KEY],
    security_hub=["IAM.2"],
    remediation="Use a role; people sign in through IAM Identity Center, pipelines through OIDC.",
)
def users_are_not_used(resource: StackResource, _: Context) -> Iterator[Problem]:
    """IAM users have no policies and no access keys."""
    yield f"gives an IAM user {'a long-term access key' if resource.type == aws.ACCESS_KEY else 'permissions'}"


@rule(
    "kms-key-policy-is-set",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.LOW,
    resource_types=[aws.KMS_KEY],
    documentation="https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
    remediation="Set `policy`.",
)
def key_policy_is_set(key: StackResource, _: Context) -> Iterator[Problem]:
    """KMS keys have a key policy of their own."""
    if not key.is_set("policy"):
        yield "has the default key policy: every administrator of the account may use it"


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
