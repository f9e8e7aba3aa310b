"""IAM policy documents as AWS reads them: a single value is a list of one, and the order of keys has no meaning."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from policies.engine.resource import SecretText, StackResource, mark_secret

CALLER_CONDITION_KEYS: Final = (
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "kms:CallerAccount",
)
"""Condition keys whose value AWS sets. An encryption context is not among them: the caller chooses it."""


@dataclass(frozen=True)
class Statement:
    """One statement of a document."""

    label: str
    """Its Sid, or its place."""
    allows: bool
    actions: Sequence[str]
    resources: Sequence[str]
    principals: Mapping[str, Sequence[str]]
    """Identifiers by type (`AWS`, `Service`, `Federated`); the principal `*` is `{"AWS": ["*"]}`."""
    conditions: Mapping[str, Any]
    excludes: frozenset[str]
    """Which of NotAction, NotResource and NotPrincipal it uses."""

    @property
    def is_open_to_everyone(self) -> bool:
        """Whether it allows any principal, without a condition on who calls or on whose behalf."""
        everyone = "NotPrincipal" in self.excludes or any("*" in ids for ids in self.principals.values())
        return self.allows and everyone and not any(self.condition_values(key) for key in CALLER_CONDITION_KEYS)

    @property
    def whole_services(self) -> Sequence[str]:
        """Actions that stand for everything a service can do, or for everything there is."""
        return [action for action in self.actions if action == "*" or action.endswith(":*")]

    def names_any(self, actions: Iterable[str]) -> bool:
        """Tell whether one of these actions is among the statement's, by name or by a pattern.

        A whole service does not count: that is a finding of its own, and one is enough.
        """
        named = [str(action).lower() for action in self.actions if action not in self.whole_services]
        return any(fnmatchcase(action.lower(), pattern) for action in actions for pattern in named)

    def exact_values(self, key: str) -> Sequence[str]:
        """Return the values that a condition key must be equal to, letter by letter."""
        test = self.conditions.get("StringEquals", {})
        return [str(value) for name, values in test.items() if name.lower() == key.lower() for value in _listed(values)]

    @property
    def condition_keys(self) -> Sequence[str]:
        """Return what the conditions with a value are about, in lower case: AWS ignores the case of a key."""
        return [name.lower() for test in self.conditions.values() for name, values in test.items() if _listed(values)]

    def condition_values(self, key: str) -> Sequence[str]:
        """Return the values of a condition key, under any operator."""
        return [
            str(value).lower()
            for test in self.conditions.values()
            for name, values in test.items()
            if name.lower() == key.lower()
            for value in _listed(values)
        ]


def statements(resource: StackResource, path: str) -> Sequence[Statement]:
    """Return the statements of the document at a path; none where there is no document.

    Raises UnknownValue where the document is not known yet.
    """
    value = resource.get(path)
    if value in (None, ""):
        return ()
    document = json.loads(value) if isinstance(value, str) else value
    if isinstance(value, SecretText):
        document = mark_secret(document)
    return [_statement(index, fields) for index, fields in enumerate(_listed(document.get("Statement")))]


def _statement(index: int, fields: Mapping[str, Any]) -> Statement:
    principal = fields.get("Principal", {})
    principals = {"AWS": principal} if isinstance(principal, str) else principal
    return Statement(
        label=str(fields.get("Sid") or f"statement {index + 1}"),
        allows=fields.get("Effect") == "Allow",
        actions=_listed(fields.get("Action")),
        resources=_listed(fields.get("Resource")),
        principals={principal_type: _listed(identifiers) for principal_type, identifiers in principals.items()},
        conditions=fields.get("Condition", {}),
        excludes=frozenset({"NotAction", "NotResource", "NotPrincipal"} & fields.keys()),
    )


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
