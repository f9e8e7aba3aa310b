"""Least privilege: who may assume a role. Reads trust policies."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from policies import aws
from policies.engine.checklist_items import ChecklistItem
from policies.engine.iam_documents import Statement, statements
from policies.engine.resource import StackResource, comma_separated
from policies.engine.rule import Context, Problem, RuleSeverity, Scope, rule

SERVICES_WITH_SOURCE_ACCOUNT: Final = frozenset(
    {
        "backup.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "codebuild.amazonaws.com",
        "config.amazonaws.com",
        "delivery.logs.amazonaws.com",
        "monitoring.rds.amazonaws.com",
        "scheduler.amazonaws.com",
        "vpc-flow-logs.amazonaws.com",
    }
)
"""Services that send the source account when they assume a role. EC2 and Lambda do not."""
OIDC_PROVIDER: Final = ":oidc-provider/"
SAML_PROVIDER: Final = ":saml-provider/"
WEB_PROVIDERS: Final[Mapping[str, Sequence[str]]] = {
    "accounts.google.com": ("accounts.google.com:aud",),
    "cognito-identity.amazonaws.com": ("cognito-identity.amazonaws.com:aud",),
    "graph.facebook.com": ("graph.facebook.com:app_id",),
    "www.amazon.com": ("www.amazon.com:app_id",),
}
"""Identity providers that AWS knows by name, and the claims that say for which application a token was issued."""
COGNITO: Final = "cognito-identity.amazonaws.com"
COGNITO_LOGIN: Final = "cognito-identity.amazonaws.com:amr"
"""Says whether a user of Cognito has signed in: an identity pool also gives tokens to guests."""
KNOWN_CALLER_KEYS: Final = ("sts:ExternalId", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths")
"""Condition keys that only the intended party of another account satisfies."""
IAM_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"


def _allowing(role: StackResource) -> Iterator[Statement]:
    return (statement for statement in statements(role, "assumeRolePolicy") if statement.allows)


def _federated(role: StackResource) -> Iterator[tuple[Statement, str]]:
    """The identity providers whose users may assume the role, each with the statement that says so."""
    for statement in _allowing(role):
        for provider in statement.principals.get("Federated", ()):
            yield statement, provider


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
    for statement in _allowing(role):
        services = [name for name in statement.principals.get("Service", ()) if name in SERVICES_WITH_SOURCE_ACCOUNT]
        if services and not statement.narrows(aws.SOURCE_CONDITION_KEYS):
            yield f"can be assumed by {comma_separated(services)} on behalf of another account ({statement.label})"


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
    for statement in _allowing(role):
        if statement.is_open_to_everyone:
            yield f"can be assumed by every AWS account ({statement.label})"
        elif statement.whole_services or statement.not_actions:
            actions = comma_separated(statement.whole_services) or "all actions with exceptions"
            yield f"has a trust policy that allows {actions}, more than assuming the role ({statement.label})"


@rule(
    "iam-cross-account-trust-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.MEDIUM,
    resource_types=[aws.ROLE],
    scope=Scope.STACK,
    documentation=f"{IAM_GUIDE}/id_roles_common-scenarios_third-party.html",
    remediation="Compare `sts:ExternalId` or `aws:PrincipalOrgID` by StringEquals in the trust policy.",
)
def cross_account_trust_is_restricted(role: StackResource, context: Context) -> Iterator[Problem]:
    """Trust policies for another account demand an external id, or an organisation."""
    for statement in _allowing(role):
        if statement.is_for_everyone or statement.narrows(KNOWN_CALLER_KEYS):
            continue
        others = aws.other_accounts(statement, role, context.stack)
        if others:
            yield f"can be assumed from account {comma_separated(others)} without an external id ({statement.label})"


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
    for statement, provider in _federated(role):
        issuer = provider.partition(OIDC_PROVIDER)[2]
        if issuer and not all(statement.exact_values(f"{issuer}:{claim}") for claim in ("aud", "sub")):
            yield f"can be assumed by other repositories or branches of {issuer} ({statement.label})"


@rule(
    "iam-federated-trust-is-restricted",
    item=ChecklistItem.IDENTITY,
    severity=RuleSeverity.HIGH,
    resource_types=[aws.ROLE],
    documentation=f"{IAM_GUIDE}/id_roles_create_for-idp.html",
    remediation="Compare the provider's audience by StringEquals: SAML:aud, cognito-identity.amazonaws.com:aud, ...",
)
def federated_trust_is_restricted(role: StackResource, _: Context) -> Iterator[Problem]:
    """Trust policies for SAML, Cognito and other identity providers name the audience of the token."""
    for statement, provider in _federated(role):
        audiences = ("SAML:aud",) if SAML_PROVIDER in provider else WEB_PROVIDERS.get(provider.lower(), ())
        if audiences and not any(map(statement.exact_values, audiences)):
            yield f"can be assumed with a token that {provider} issued for something else ({statement.label})"
        elif provider.lower() == COGNITO and not statement.narrows([COGNITO_LOGIN]):
            yield f"can be assumed by guests of the identity pool who have not signed in ({statement.label})"
