"""Decides single requests as AWS does: a Deny anywhere wins, then every kind of policy has to allow.

For tests of what an identity may do. It knows identity policies, a permissions boundary and resource policies of the
same account; not organisations' policies and not sessions' policies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policies.engine.iam_conditions import Values, values_of
from policies.engine.iam_documents import Statement, statements_of
from policies.engine.iam_patterns import arn_parts, matches, substitute

Document = str | Mapping[str, Any]
"""A policy document as text or as an object."""


class Decision(StrEnum):
    """What AWS decides about a request, and why."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not allowed by any statement"
    DENIED = "denied by a statement"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call of AWS's API."""

    action: str
    """`iam:PassRole`; its case does not matter."""
    resource: str = "*"
    """The ARN that the action is about, or `*` where AWS knows none for it."""
    context: Mapping[str, str | bool | float | Sequence[str]] = field(default_factory=dict)
    """Values by condition key, in any case. A key that is missing is missing in the request."""
    principal: str | None = None
    """Who calls, where a document has principals: an ARN, an account's number, or a service's name."""


def is_allowed(documents: Iterable[Document], request: Request, boundary: Iterable[Document] | None = None) -> bool:
    """Tell whether policies allow a request. With a boundary, its documents have to allow the request too.

    Raises InvalidDocument where AWS would refuse a document.
    """
    return decide(documents, request, boundary) is Decision.ALLOWED


def decide(documents: Iterable[Document], request: Request, boundary: Iterable[Document] | None = None) -> Decision:
    """Decide a request; see `is_allowed`."""
    decisions = [_decide(documents, request)]
    if boundary is not None:
        decisions.append(_decide(boundary, request))
    if Decision.DENIED in decisions:
        return Decision.DENIED
    return Decision.NOT_ALLOWED if Decision.NOT_ALLOWED in decisions else Decision.ALLOWED


def _decide(documents: Iterable[Document], request: Request) -> Decision:
    context = {key.lower(): values_of(value) for key, value in request.context.items()}
    applying = [
        statement
        for document in documents
        for statement in statements_of(document)
        if _applies(statement, request, context)
    ]
    if not all(statement.allows for statement in applying):
        return Decision.DENIED
    return Decision.ALLOWED if applying else Decision.NOT_ALLOWED


def _applies(statement: Statement, request: Request, context: Values) -> bool:
    return (
        statement.matches_action(request.action)
        and _matches_resource(statement, request.resource, context)
        and _matches_principal(statement, request.principal)
        and all(condition.holds(context) for condition in statement.conditions)
    )


def _matches_resource(statement: Statement, resource: str, context: Values) -> bool:
    def matches_any(patterns: Iterable[str]) -> bool:
        known = (substitute(pattern, context) for pattern in patterns)
        return any(pattern is not None and matches(pattern, resource) for pattern in known)

    if statement.not_resources:
        return not matches_any(statement.not_resources)
    return not statement.resources or matches_any(statement.resources)


def _matches_principal(statement: Statement, principal: str | None) -> bool:
    if statement.not_principals:
        return principal is not None and not _names(statement.not_principals, principal)
    return not statement.principals or (principal is not None and _names(statement.principals, principal))


def _names(principals: Mapping[str, Sequence[str]], principal: str) -> bool:
    """Tell whether principals of a document name a caller: itself, its role for a session, or its account."""
    accepted = [principal, *_wider_names(principal)]
    return any(matches(each, name) for named in principals.values() for each in named for name in accepted)


def _wider_names(principal: str) -> Iterable[str]:
    if principal.isdecimal():
        yield f"arn:aws:iam::{principal}:root"
    elif principal.startswith("arn:"):
        partition, _, _, account, name = arn_parts(principal)
        yield account
        yield f"arn:{partition}:iam::{account}:root"
        if name.startswith("assumed-role/"):
            yield f"arn:{partition}:iam::{account}:role/{name.split('/')[1]}"
