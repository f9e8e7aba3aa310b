"""Least privilege: who may do what, and which server may become what.

Reads policy documents wherever AWS keeps them: on roles, keys, topics, buckets, endpoints, log groups.
"""

from collections.abc import Iterator
from typing import Final

from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, statements
from policies.engine.patterns import must_be_set, must_have
from policies.engine.resource import StackResource, named
from policies.engine.rule import Context, Problem, Rule, RuleSeverity, Scope
from policies.rules.admin_access import SERVER_KINDS
from policies.rules.encryption import KEY

ROLE: Final = "aws:iam/role"
ENDPOINT: Final = "aws:ec2/vpcEndpoint"
IDENTITY_POLICIES: Final = frozenset(
    {"aws:iam/policy", "aws:iam/rolePolicy", "aws:iam/userPolicy", "aws:iam/groupPolicy", ROLE}
)
"""Kinds that say what an identity may do."""
RESOURCE_POLICIES: Final = {
    "aws:s3/bucketPolicy": "policy",
    "aws:s3/bucket": "policy",
    "aws:sns/topicPolicy": "policy",
    "aws:sns/topic": "policy",
    "aws:sqs/queuePolicy": "policy",
    "aws:sqs/queue": "policy",
    KEY: "policy",
    "aws:secretsmanager/secretPolicy": "policy",
    "aws:secretsmanager/secret": "policy",
    "aws:cloudwatch/logResourcePolicy": "policyDocument",
    "aws:ecr/repositoryPolicy": "policy",
    "aws:backup/vaultPolicy": "policy",
}
"""Kinds that say who may use a resource, and where."""
ATTACHMENTS: Final = frozenset(
    {
        "aws:iam/rolePolicyAttachment",
        "aws:iam/userPolicyAttachment",
        "aws:iam/groupPolicyAttachment",
        "aws:iam/policyAttachment",
    }
)
ADMINISTRATORS: Final = ("AdministratorAccess", "PowerUserAccess", "FullAccess")
UNRESTRICTABLE: Final = (
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
"""Actions that AWS lets nobody limit to a resource."""
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
"""Actions by which a server reports itself to Session Manager; AWS's own policy for its agent names no resource."""
WITHOUT_RESOURCE: Final = UNRESTRICTABLE + SESSION_MANAGER_AGENT
KEYS_THAT_NAME_A_RESOURCE: Final = ("aws:ResourceAccount", "aws:ResourceOrgID", "cloudwatch:namespace", "ecs:cluster")
"""Conditions that do for `StackResource: *` what a name would do."""
KEYS_THAT_LIMIT_DECRYPTION: Final = ("kms:viaservice", "kms:encryptioncontext")
"""Beginnings of conditions on what asks for the decryption, or on what was encrypted."""
SERVICES_THAT_NAME_AN_ACCOUNT: Final = frozenset(
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
"""Services that tell, when they take on a role, on whose behalf. EC2 and Lambda do not."""
CONTEXT_KEYS: Final = ("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "kms:EncryptionContext:aws:logs:arn")
"""Conditions that name on whose behalf a service acts."""
MAKE_ROLES: Final = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
"""Actions that decide what a role may do."""
IDENTITY_PROVIDER: Final = ":oidc-provider/"
IAM_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"


def _allowing(resource: StackResource) -> Iterator[Statement]:
    for owner in [resource, *resource.items("inlinePolicies")]:
        yield from (statement for statement in statements(owner, "policy") if statement.allows)


def _actions_are_named(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in _allowing(resource):
        if statement.whole_services or "NotAction" in statement.excludes:
            yield f"allows {named(statement.whole_services) or 'all actions but some'} ({statement.label})"


def _resources_are_named(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in _allowing(resource):
        everywhere = "*" in statement.resources or "NotResource" in statement.excludes
        limitable = [action for action in statement.actions if not action.startswith(WITHOUT_RESOURCE)]
        if everywhere and limitable and not any(statement.condition_values(key) for key in KEYS_THAT_NAME_A_RESOURCE):
            yield f"allows {named(limitable)} on every resource of the account ({statement.label})"


def _log_groups_are_named(policy: StackResource, _: Context) -> Iterator[Problem]:
    for statement in statements(policy, "policyDocument"):
        if statement.allows and "*" in statement.resources:
            yield f"lets a service write into every log group of the account ({statement.label})"


def _decrypts_through_a_service(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in _allowing(resource):
        decrypts = [action for action in statement.actions if action.startswith("kms:Decrypt")]
        if decrypts and not any(key.startswith(KEYS_THAT_LIMIT_DECRYPTION) for key in statement.condition_keys):
            yield f"may decrypt whatever the key encrypts, wherever it lies ({statement.label})"


def _makes_roles_within_a_boundary(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in _allowing(resource):
        if statement.names_any(MAKE_ROLES) and not statement.exact_values("iam:PermissionsBoundary"):
            yield f"may make a role that can do anything, and take it on ({statement.label})"


def _passes_roles_to_named_services(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in _allowing(resource):
        several = any("*" in role for role in statement.resources)
        if several and statement.names_any(["iam:PassRole"]) and not statement.exact_values("iam:PassedToService"):
            yield f"may start whatever it likes with the rights of other roles ({statement.label})"


def _trust_names_principals(role: StackResource, _: Context) -> Iterator[Problem]:
    for statement in statements(role, "assumeRolePolicy"):
        if statement.is_open_to_everyone:
            yield f"can be taken on by anybody with an AWS account ({statement.label})"
        elif statement.allows and statement.whole_services:
            yield f"trusts with {named(statement.whole_services)} where taking it on is all that is needed"


def _trust_is_for_this_account(role: StackResource, _: Context) -> Iterator[Problem]:
    for statement in statements(role, "assumeRolePolicy"):
        services = [name for name in statement.principals.get("Service", ()) if name in SERVICES_THAT_NAME_AN_ACCOUNT]
        if statement.allows and services and not any(statement.condition_values(key) for key in CONTEXT_KEYS):
            yield f"can be taken on by {named(services)} on behalf of any AWS customer ({statement.label})"


def _workflows_are_pinned(role: StackResource, _: Context) -> Iterator[Problem]:
    for statement in statements(role, "assumeRolePolicy"):
        issuers = [
            provider.partition(IDENTITY_PROVIDER)[2]
            for provider in statement.principals.get("Federated", ())
            if IDENTITY_PROVIDER in provider
        ]
        for issuer in issuers:
            if statement.allows and not all(statement.exact_values(f"{issuer}:{claim}") for claim in ("aud", "sub")):
                yield f"can be taken on by others whom {issuer} knows ({statement.label}): a fork, a branch, a stranger"


def _is_not_public(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in statements(resource, RESOURCE_POLICIES[resource.type]):
        if statement.is_open_to_everyone:
            yield f"lets anybody with an AWS account in ({statement.label})"


def _services_act_for_us(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in statements(resource, RESOURCE_POLICIES[resource.type]):
        services = statement.principals.get("Service", ())
        if statement.allows and services and not any(statement.condition_values(key) for key in CONTEXT_KEYS):
            yield (
                f"lets {named(services)} act on behalf of any AWS customer ({statement.label}): "
                "a stranger can point the service at it"
            )


def _services_get_named_actions(resource: StackResource, _: Context) -> Iterator[Problem]:
    for statement in statements(resource, RESOURCE_POLICIES[resource.type]):
        services = statement.principals.get("Service", ())
        if statement.allows and services and statement.whole_services:
            yield f"lets {named(services)} do {named(statement.whole_services)} ({statement.label})"


def _endpoint_lets_own_account_through(endpoint: StackResource, _: Context) -> Iterator[Problem]:
    found = statements(endpoint, "policy")
    if not found:
        yield "has no policy: stolen data can leave through it to any account"
    for statement in found:
        if statement.is_open_to_everyone and ("*" in statement.resources or statement.whole_services):
            yield f"lets everybody reach everything ({statement.label}): stolen data can leave through it"


def _is_no_administrator(attachment: StackResource, _: Context) -> Iterator[Problem]:
    attached = [*attachment.texts("policyArn"), *attachment.texts("managedPolicyArns")]
    if any(policy_arn.endswith(ADMINISTRATORS) for policy_arn in attached):
        yield "gives an administrator's rights: whoever gets in owns the account"


def _is_for_no_user(resource: StackResource, _: Context) -> Iterator[Problem]:
    yield f"gives a user {'a key that never expires' if 'accessKey' in resource.type else 'rights of its own'}"


def _key_is_governed(key: StackResource, _: Context) -> Iterator[Problem]:
    if not key.is_set("policy"):
        yield "has no policy of its own: every administrator of the account may use it"


def _metadata_needs_a_token(server: StackResource, _: Context) -> Iterator[Problem]:
    if server.get("metadataOptions.httpTokens") != "required":
        yield "gives its credentials to any request that is forged through the application (IMDSv1)"


def _metadata_stays_on_the_server(server: StackResource, _: Context) -> Iterator[Problem]:
    if (server.get("metadataOptions.httpPutResponseHopLimit") or 1) > 1:
        yield "hands its credentials to whatever runs in a container on it"


def _has_no_public_address(server: StackResource, _: Context) -> Iterator[Problem]:
    owners = [server, *server.items("networkInterfaces")]
    if any(owner.get("associatePublicIpAddress") in (True, "true") for owner in owners):
        yield "gets a public address: one forgotten rule, and the internet talks to it directly"


def _is_assumed_by_servers(role: StackResource) -> bool:
    return any(
        "ec2.amazonaws.com" in statement.principals.get("Service", ())
        for statement in statements(role, "assumeRolePolicy")
    )


RULES = (
    Rule(
        name="iam-policy-actions-are-explicit",
        description="Policies name the actions that they allow.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.HIGH,
        security_hub=("IAM.1", "IAM.21"),
        resource_types=IDENTITY_POLICIES,
        check=_actions_are_named,
        remediation="List the actions that are called, in place of the wildcard.",
    ),
    Rule(
        name="iam-policy-resources-are-explicit",
        description="Policies name the resources that they allow, where AWS lets them.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.HIGH,
        documentation=f"{IAM_GUIDE}/best-practices.html#grant-least-privilege",
        resource_types=IDENTITY_POLICIES,
        check=_resources_are_named,
        remediation="Name the ARNs in place of the wildcard, or add a condition.",
    ),
    Rule(
        name="cloudwatch-logs-policy-resources-are-explicit",
        description="Services may write into named log groups.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html",
        resource_types=frozenset({"aws:cloudwatch/logResourcePolicy"}),
        check=_log_groups_are_named,
        remediation="Name the log group's ARN in the statement's Resource.",
    ),
    Rule(
        name="iam-kms-decrypt-is-restricted",
        description="Identities decrypt through the service that keeps the data.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.LOW,
        security_hub=("KMS.1", "KMS.2"),
        resource_types=IDENTITY_POLICIES,
        check=_decrypts_through_a_service,
        remediation="Add a condition on kms:ViaService to the statement.",
    ),
    Rule(
        name="iam-role-trust-has-source-account",
        description="AWS services take on roles on our behalf only.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{IAM_GUIDE}/confused-deputy.html",
        resource_types=frozenset({ROLE}),
        check=_trust_is_for_this_account,
        remediation="Add a condition on aws:SourceAccount to the trust policy.",
    ),
    Rule(
        name="iam-resource-policy-actions-are-explicit",
        description="AWS services may do named things with our resources.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{IAM_GUIDE}/best-practices.html#grant-least-privilege",
        resource_types=frozenset(RESOURCE_POLICIES),
        check=_services_get_named_actions,
        remediation="List the actions that the service needs, in place of the wildcard.",
    ),
    Rule(
        name="iam-role-trust-is-not-public",
        description="Roles name who may take them on.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.CRITICAL,
        documentation=f"{IAM_GUIDE}/id_roles_create_for-service.html",
        resource_types=frozenset({ROLE}),
        check=_trust_names_principals,
        remediation="Name the service or account in the trust policy's Principal.",
    ),
    Rule(
        name="iam-role-creation-requires-boundary",
        description="Who may make roles can only make roles with a permissions boundary.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.HIGH,
        documentation=f"{IAM_GUIDE}/access_policies_boundaries.html#access_policies_boundaries-delegate",
        resource_types=IDENTITY_POLICIES,
        check=_makes_roles_within_a_boundary,
        remediation="Compare `iam:PermissionsBoundary` with the boundary's ARN by StringEquals in the statement.",
    ),
    Rule(
        name="iam-pass-role-is-restricted",
        description="Roles are handed to the services that they are made for.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{IAM_GUIDE}/id_roles_use_passrole.html",
        resource_types=IDENTITY_POLICIES,
        check=_passes_roles_to_named_services,
        remediation="Name the one role, or compare `iam:PassedToService` by StringEquals in the statement.",
    ),
    Rule(
        name="iam-oidc-trust-is-restricted",
        description="Roles for workflows name the one repository and occasion that may take them on.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.CRITICAL,
        documentation=f"{IAM_GUIDE}/id_roles_create_for-idp_oidc.html",
        resource_types=frozenset({ROLE}),
        check=_workflows_are_pinned,
        remediation="Compare `aud` and `sub` by StringEquals, `sub` as repo:owner/name:environment:name.",
    ),
    Rule(
        name="iam-roles-have-permissions-boundary",
        description="Roles have a permissions boundary.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{IAM_GUIDE}/access_policies_boundaries.html",
        resource_types=frozenset({ROLE}),
        check=must_be_set("permissionsBoundary", "has no boundary: what is attached to it later has no limit"),
        remediation="Create the role after confine_every_role (components/permissions_boundary.py).",
    ),
    Rule(
        name="iam-resource-policy-is-not-public",
        description="No resource policy lets everybody in.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.CRITICAL,
        security_hub=("S3.6", "SNS.4", "KMS.5"),
        resource_types=frozenset(RESOURCE_POLICIES),
        check=_is_not_public,
        remediation="Name the accounts, roles or services in the statement's Principal.",
    ),
    Rule(
        name="iam-resource-policy-has-source-account",
        description="AWS services may use our resources on our behalf only.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{IAM_GUIDE}/confused-deputy.html",
        resource_types=frozenset(RESOURCE_POLICIES),
        check=_services_act_for_us,
        remediation="Add a condition on aws:SourceAccount or aws:SourceArn to the statement.",
    ),
    Rule(
        name="vpc-endpoint-policy-is-restricted",
        description="VPC endpoints let our own account through and nobody else.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        documentation="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
        resource_types=frozenset({ENDPOINT}),
        check=_endpoint_lets_own_account_through,
        remediation="Give the endpoint a policy with a condition on aws:PrincipalAccount.",
    ),
    Rule(
        name="iam-administrator-access-is-not-attached",
        description="No identity of the platform is an administrator.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.CRITICAL,
        security_hub=("IAM.1",),
        resource_types=ATTACHMENTS | {ROLE},
        check=_is_no_administrator,
        remediation="Attach a policy that names what is needed.",
    ),
    Rule(
        name="iam-users-are-not-used",
        description="No user has policies or access keys of its own.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.HIGH,
        security_hub=("IAM.2",),
        resource_types=frozenset({"aws:iam/userPolicy", "aws:iam/userPolicyAttachment", "aws:iam/accessKey"}),
        check=_is_for_no_user,
        remediation="Use a role; people sign in through IAM Identity Center, pipelines through OIDC.",
    ),
    Rule(
        name="kms-key-policy-is-set",
        description="Every key has a policy of its own.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.LOW,
        documentation="https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
        resource_types=frozenset({KEY}),
        check=_key_is_governed,
        remediation="Set `policy`.",
    ),
    Rule(
        name="iam-server-role-policies-are-exclusive",
        description="Rights that are given to a server's role by hand are removed again.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.LOW,
        documentation="https://www.pulumi.com/registry/packages/aws/api-docs/iam/rolepoliciesexclusive/",
        scope=Scope.STACK,
        resource_types=frozenset({ROLE}),
        applies_to=_is_assumed_by_servers,
        check=must_have(
            "aws:iam/rolePoliciesExclusive", "roleName", "keeps whatever policy somebody adds to it in the console"
        ),
        remediation="Declare an iam.RolePoliciesExclusive for the role.",
    ),
    Rule(
        name="iam-server-role-attachments-are-exclusive",
        description="Policies that are attached to a server's role by hand are removed again.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.LOW,
        documentation="https://www.pulumi.com/registry/packages/aws/api-docs/iam/rolepolicyattachmentsexclusive/",
        scope=Scope.STACK,
        resource_types=frozenset({ROLE}),
        applies_to=_is_assumed_by_servers,
        check=must_have(
            "aws:iam/rolePolicyAttachmentsExclusive",
            "roleName",
            "keeps whatever policy somebody attaches to it in the console",
        ),
        remediation="Declare an iam.RolePolicyAttachmentsExclusive for the role.",
    ),
    Rule(
        name="ec2-instance-profile-is-set",
        description="Servers have a role, and need no keys.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        documentation=f"{IAM_GUIDE}/id_roles_use_switch-role-ec2_instance-profiles.html",
        resource_types=SERVER_KINDS,
        check=must_be_set("iamInstanceProfile", "has no role: somebody will put a key on its disk"),
        remediation="Set iam_instance_profile.",
    ),
    Rule(
        name="ec2-imdsv2-is-required",
        description="Servers give their credentials to token holders only (IMDSv2).",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.HIGH,
        security_hub=("EC2.8", "AutoScaling.3"),
        resource_types=SERVER_KINDS,
        check=_metadata_needs_a_token,
        remediation='Set http_tokens="required" in metadata_options.',
    ),
    Rule(
        name="ec2-metadata-hop-limit-is-one",
        description="A server's credentials do not travel further than the server.",
        item=ChecklistItem.IDENTITY,
        severity=RuleSeverity.MEDIUM,
        security_hub=("AutoScaling.4",),
        resource_types=SERVER_KINDS,
        check=_metadata_stays_on_the_server,
        remediation="Set http_put_response_hop_limit=1 in metadata_options.",
    ),
    Rule(
        name="ec2-public-ip-disabled",
        description="Servers have no public address.",
        item=ChecklistItem.FIREWALL,
        severity=RuleSeverity.HIGH,
        security_hub=("EC2.9", "EC2.25", "AutoScaling.5"),
        resource_types=SERVER_KINDS,
        check=_has_no_public_address,
        remediation="Remove associate_public_ip_address and stand the server in a private subnet.",
    ),
)
