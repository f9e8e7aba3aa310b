"""Least privilege: no identity can give itself, or take over, the permissions of another.

The methods are those of public lists: Rhino Security Labs' "AWS IAM Privilege Escalation" and pathfinding.cloud.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import (
    Permission,
    Statement,
    exact_values,
    has_narrow_values,
    is_every_of_a_kind,
    is_every_resource,
    permissions,
)
from policies.engine.iam_patterns import arn_parts, overlap
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Problem, RuleSeverity, rule

BOUNDARY: Final = "iam:PermissionsBoundary"
RESOURCE_TAG: Final = ":resourcetag/"


@dataclass(frozen=True)
class Method:
    """One way to more permissions."""

    actions: Sequence[str]
    """All of them are needed."""
    anywhere: bool = True
    """Whether it works on any resource; otherwise only where the first action is allowed on all of its kind."""


OWN_PERMISSIONS: Final = tuple(
    Method([f"iam:{name}"])
    for name in (
        "AddUserToGroup",
        "AttachGroupPolicy",
        "AttachUserPolicy",
        "CreateAccessKey",
        "CreateLoginProfile",
        "CreatePolicyVersion",
        "CreateServiceSpecificCredential",
        "DeleteRolePermissionsBoundary",
        "DeleteUserPermissionsBoundary",
        "PutGroupPolicy",
        "PutUserPermissionsBoundary",
        "PutUserPolicy",
        "ResetServiceSpecificCredential",
        "SetDefaultPolicyVersion",
        "UpdateLoginProfile",
        "UploadSigningCertificate",
        "UploadSSHPublicKey",
    )
)
"""Changes of a user, a group or a policy that take effect at once. Roles' policies are a rule of their own."""
TRUST: Final = tuple(
    Method([action], anywhere=False)
    for action in (
        "iam:AddClientIDToOpenIDConnectProvider",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateSAMLProvider",
        "sts:AssumeRole",
    )
)
"""Ways into a role. Named roles may be meant; every role is not."""
PASSED_ROLE: Final = tuple(
    Method(["iam:PassRole", *actions], anywhere=False)
    for actions in (
        ["apprunner:CreateService"],
        ["autoscaling:CreateLaunchConfiguration"],
        ["batch:RegisterJobDefinition", "batch:SubmitJob"],
        ["bedrock-agentcore:CreateCodeInterpreter"],
        ["cloudformation:CreateStack"],
        ["cloudformation:CreateStackSet"],
        ["codebuild:CreateProject"],
        ["codepipeline:CreatePipeline"],
        ["codestar:CreateProject"],
        ["datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition"],
        ["ec2:AssociateIamInstanceProfile"],
        ["ec2:ReplaceIamInstanceProfileAssociation"],
        ["ec2:RequestSpotInstances"],
        ["ec2:RunInstances"],
        ["ecs:RegisterTaskDefinition"],
        ["elasticmapreduce:RunJobFlow"],
        ["glue:CreateDevEndpoint"],
        ["glue:CreateJob"],
        ["glue:CreateSession"],
        ["glue:UpdateJob"],
        ["imagebuilder:CreateInfrastructureConfiguration"],
        ["lambda:CreateFunction"],
        ["sagemaker:CreateNotebookInstance"],
        ["sagemaker:CreateProcessingJob"],
        ["sagemaker:CreateTrainingJob"],
        ["scheduler:CreateSchedule"],
        ["ssm:StartAutomationExecution"],
        ["states:CreateStateMachine"],
    )
)
"""Every role of the account can be passed to something that runs the caller's code or calls."""
RUNNING_CODE: Final = tuple(
    Method(actions, anywhere=False)
    for actions in (
        ["apprunner:UpdateService"],
        ["cloudformation:ExecuteChangeSet"],
        ["cloudformation:UpdateStack"],
        ["codebuild:StartBuild"],
        ["codebuild:UpdateProject"],
        ["cognito-identity:SetIdentityPoolRoles"],
        ["ec2-instance-connect:SendSSHPublicKey"],
        ["ec2:ModifyInstanceAttribute", "ec2:StartInstances", "ec2:StopInstances"],
        ["ecs:ExecuteCommand"],
        ["eks:AssociateAccessPolicy"],
        ["glue:UpdateDevEndpoint"],
        ["lambda:UpdateFunctionCode"],
        ["lambda:UpdateFunctionConfiguration"],
        ["sagemaker:CreatePresignedNotebookInstanceUrl"],
        ["ssm:SendCommand"],
        ["ssm:StartSession"],
    )
)
"""Everything of a kind that runs with a role can be made to run the caller's code."""
METHODS: Final = OWN_PERMISSIONS + TRUST + PASSED_ROLE + RUNNING_CODE


@rule(
    "iam-privilege-escalation-is-impossible",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.CRITICAL,
    resource_types=aws.IDENTITY_DOCUMENTS,
    documentation="https://pathfinding.cloud/paths/",
    remediation="Remove the actions, name the roles and functions in Resource, or demand a permissions boundary.",
)
def privilege_escalation_is_impossible(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Identities cannot give themselves the permissions of another identity."""
    ways = [method for document in aws.identity_statements(resource) for method in _open_methods(document)]
    if ways:
        named = [" with ".join(method.actions) for method in ways[:3]]
        more = f" and {len(ways) - 3} more ways" if len(ways) > 3 else ""
        yield f"allows {comma_separated(named)}{more}: who has it can take over other permissions of the account"


def _open_methods(document: Sequence[Statement]) -> Iterator[Method]:
    """Yield the methods that a document as a whole leaves open, statements with Deny included."""
    for method in METHODS:
        first, *others = method.actions
        if _is_open(document, first, anywhere=method.anywhere) and all(
            _is_open(document, action, anywhere=True) for action in others
        ):
            yield method


def _is_open(document: Sequence[Statement], action: str, *, anywhere: bool) -> bool:
    return any(
        _reaches(permission, action) and not _is_guarded(permission) and (anywhere or _is_wide(permission.statement))
        for permission in permissions(document, [action])
    )


def _reaches(permission: Permission, action: str) -> bool:
    """Tell whether the statement's resources can be the action's at all: a bucket is no user."""
    service = action.partition(":")[0]
    wanted = ARN_SERVICES.get(service, service)
    resources = permission.statement.resources
    return not resources or any(overlap(arn_parts(resource)[1], wanted) for resource in resources)


ARN_SERVICES: Final = {"sts": "iam", "cognito-identity": "*", "ec2-instance-connect": "ec2", "ssm": "*"}
"""Whose resources a service's actions are about, where that is another service."""


def _is_wide(statement: Statement) -> bool:
    return bool(statement.not_resources) or any(
        is_every_resource(resource) or is_every_of_a_kind(resource) for resource in statement.resources
    )


def _is_guarded(permission: Permission) -> bool:
    """Tell whether the identity can reach only what has a boundary, or what carries a tag."""
    return bool(exact_values(permission.conditions, BOUNDARY)) or any(
        RESOURCE_TAG in condition.key and condition.demands_value and has_narrow_values(condition)
        for condition in permission.conditions
    )
