"""Least privilege: who may use a resource. Reads policies of keys, topics, buckets, endpoints and log groups."""

from collections.abc import Iterator, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, is_every_of_a_kind, is_every_resource, statements
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

IAM_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
ENDPOINT_GUIDE: Final = "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html"
SERVICES_WITHOUT_SOURCE: Final = frozenset({aws.EVENT_BRIDGE})
"""Services that use a topic's key without saying for whom: a condition on the source shuts them out."""


def _statements(resource: StackResource) -> Sequence[Statement]:
    return statements(resource, aws.RESOURCE_DOCUMENTS[resource.type])


@rule(
    "iam-policy-document-is-valid",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types={*aws.RESOURCE_DOCUMENTS, *aws.IDENTITY_DOCUMENTS, *aws.ENDPOINT_DOCUMENTS, aws.ROLE},
    documentation=f"{IAM_GUIDE}/reference_policies_grammar.html",
    remediation="Correct the document; json.dumps of a dictionary is always valid JSON.",
)
def policy_document_is_valid(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Policy documents are JSON that AWS accepts."""
    yield from aws.invalid_documents(resource)


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
        wide = any(is_every_resource(each) or is_every_of_a_kind(each) for each in statement.resources)
        if statement.allows and (wide or statement.not_resources):
            yield f"allows a service to write to every log group of the account ({statement.label})"


@rule(
    "iam-resource-policy-actions-are-explicit",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.RESOURCE_DOCUMENTS,
    documentation=f"{IAM_GUIDE}/best-practices.html#grant-least-privilege",
    remediation="List the actions that the service needs, instead of the wildcard.",
)
def resource_policy_actions_are_explicit(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Resource policies name the actions that they allow AWS services."""
    for statement in _statements(resource):
        services = statement.principals.get("Service", ())
        if statement.allows and services and (statement.whole_services or statement.not_actions):
            actions = comma_separated(statement.whole_services) or "with exceptions"
            yield f"allows {comma_separated(services)} the actions {actions} ({statement.label})"


@rule(
    "iam-resource-policy-is-limited-for-other-accounts",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=aws.RESOURCE_DOCUMENTS,
    scope=Scope.STACK,
    documentation=f"{IAM_GUIDE}/reference_policies_evaluation-logic-cross-account.html",
    remediation="List the actions that the other account needs, instead of the wildcard.",
)
def resource_policy_is_limited_for_other_accounts(resource: StackResource, context: Context) -> Iterator[Problem]:
    """Resource policies name the actions that they allow another account."""
    for statement in _statements(resource):
        everything = statement.whole_services or statement.not_actions
        if not statement.allows or not everything or statement.is_for_everyone:
            continue
        others = aws.other_accounts(statement, resource, context.stack)
        if others:
            actions = comma_separated(statement.whole_services) or "all actions with exceptions"
            yield f"allows account {comma_separated(others)} {actions} ({statement.label})"


@rule(
    "iam-resource-policy-is-not-public",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.CRITICAL,
    resource_types=aws.RESOURCE_DOCUMENTS,
    security_hub=["S3.6", "SNS.4", "KMS.5"],
    remediation="Name the accounts, roles or services in the statement's Principal.",
)
def resource_policy_is_not_public(resource: StackResource, _: Context) -> Iterator[Problem]:
    """Resource policies do not allow every AWS account."""
    for statement in _statements(resource):
        if statement.is_open_to_everyone:
            yield f"allows every AWS account ({statement.label})"


@rule(
    "iam-resource-policy-has-source-account",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.RESOURCE_DOCUMENTS,
    documentation=f"{IAM_GUIDE}/confused-deputy.html",
    remediation="Add a condition on aws:SourceAccount or aws:SourceArn to the statement.",
)
def resource_policy_has_source_account(resource: StackResource, _: Context) -> Iterator[Problem]:
    """AWS services may use resources on behalf of this account only."""
    for statement in _statements(resource):
        services = [name for name in statement.principals.get("Service", ()) if not _sends_no_source(name, resource)]
        if statement.allows and services and not statement.narrows(aws.SOURCE_CONDITION_KEYS):
            yield f"can be used by {comma_separated(services)} on behalf of another account ({statement.label})"


def _sends_no_source(service: str, resource: StackResource) -> bool:
    return resource.type in aws.KEY_POLICY_TYPES and service in SERVICES_WITHOUT_SOURCE


@rule(
    "vpc-endpoint-policy-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=aws.ENDPOINT_DOCUMENTS,
    documentation=ENDPOINT_GUIDE,
    remediation="Give the endpoint a policy with a condition on aws:PrincipalAccount.",
)
def endpoint_policy_is_restricted(endpoint: StackResource, _: Context) -> Iterator[Problem]:
    """Policies of VPC endpoints allow this account only."""
    found = statements(endpoint, aws.ENDPOINT_DOCUMENTS[endpoint.type])
    if not found:
        yield "has no policy: data can be copied through it to any account"
    for statement in found:
        anything = statement.whole_services or statement.not_actions or statement.not_resources
        if statement.is_open_to_everyone and (anything or any(map(is_every_resource, statement.resources))):
            yield f"allows every account everything ({statement.label}): data can be copied through it to any account"


@rule(
    "kms-key-policy-is-set",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.LOW,
    resource_types=[aws.KMS_KEY],
    scope=Scope.STACK,
    documentation="https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
    remediation="Set `policy`.",
)
def key_policy_is_set(key: StackResource, context: Context) -> Iterator[Problem]:
    """KMS keys have a key policy of their own."""
    if not key.is_set("policy") and not context.stack.has_referrer(key, aws.KMS_KEY_POLICY, "keyId"):
        yield "has the default key policy: every administrator of the account may use it"
