"""Policies that are attached to a resource: unlike those of a role they name the principal and the resource."""

import json
import re

from sandbox.provider.model import Rule
from sandbox.provider.tables import rules

_PARTS = (("Principal", "NotPrincipal"), ("Resource", "NotResource"))


def resource_policy(service: str = "") -> Rule:
    """A rule for policies of a service that accepts only its own actions; of any service if none is named."""

    def rule(value: str) -> str | None:
        wrong = rules.policy_document(value)
        if wrong:
            return wrong
        statements = json.loads(value)["Statement"]
        found = (_statement(one, service) for one in (statements if isinstance(statements, list) else [statements]))
        return next(filter(None, found), None)

    return rule


def _statement(statement: dict[str, object], service: str) -> str | None:
    for part in _PARTS:
        if not statement.keys() & set(part):
            return f"has a statement without {part[0]}"
    actions = statement.get("Action", statement.get("NotAction"))
    for action in actions if isinstance(actions, list) else [actions]:
        if service and not re.match(f"{service}:", str(action), re.IGNORECASE):
            return f"has the action {action}, which is not one of {service}"
    return None
