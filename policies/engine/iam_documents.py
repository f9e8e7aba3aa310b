"""IAM policy documents as AWS reads them: a single value is a list of one, and the order of keys has no meaning.

The only place that compares actions, resources, principals and conditions. Rules ask a statement, or ask for the
permissions that a whole document gives; `policies.engine.iam_evaluation` decides single requests.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, Final

from policies.engine.iam_conditions import Condition, UnknownOperator, conditions_of, demanded, values_of
from policies.engine.iam_patterns import (
    arn_parts,
    covers,
    has_wildcard,
    is_any_text,
    matches,
    overlap,
    variables,
)
from policies.engine.resource import SecretText, StackResource, Unknown, mark_secret, walk

ARN_KEYS: Final = frozenset({"aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "s3:dataaccesspointarn"})
ARN_OPERATORS: Final = ("arnequals", "arnlike")
PATTERN_OPERATORS: Final = ("stringlike", *ARN_OPERATORS)
PATH_KEYS: Final = frozenset({"aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths"})
ADDRESS_KEYS: Final = frozenset({"aws:sourceip", "aws:vpcsourceip"})
CALLER_CONDITION_KEYS: Final = (
    ARN_KEYS
    | PATH_KEYS
    | {
        "aws:principalaccount",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpceaccount",
        "aws:vpceorgid",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
    }
)
"""Condition keys, in lower case, whose value AWS sets and that says who calls, or on whose behalf.

An encryption context is not among them, nor a principal's tag: the caller chooses it.
"""
WIDEST_SOURCE_PREFIX: Final = {4: 8, 6: 32}
"""S3 takes a policy for wider ranges of addresses to be public."""
OWN_VARIABLES: Final = "aws:resource"
"""Beginning of the variables that hold something of the resource, which the caller cannot choose."""
ELEMENTS: Final = frozenset(
    {
        *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"),
        *("Principal", "NotPrincipal", "Condition"),
    }
)
VERSION_WITH_VARIABLES: Final = "2012-10-17"
ACTION: Final = re.compile(r"\*+|[A-Za-z0-9-]+:[A-Za-z0-9*?]+|[A-Za-z0-9*?-]*[*?][A-Za-z0-9*?-]*(?::[A-Za-z0-9*?]+)?")
"""A service and a name. A wildcard may stand for several of them: `*`, `s3*`."""
KIND: Final = re.compile(r"[A-Za-z-]+[:/](\*:[A-Za-z]+/)?")
"""The kind of a resource in the last part of its ARN: `role/`, `autoScalingGroup:*:autoScalingGroupName/`."""


class InvalidDocument(Exception):
    """A policy document that AWS refuses. The message is the end of a sentence that begins with the document.

    One rule reports it; to the others the resource has no policy to judge.
    """


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a document."""

    label: str
    """Its Sid, or its place."""
    allows: bool
    actions: Sequence[str] = ()
    not_actions: Sequence[str] = ()
    resources: Sequence[str] = ()
    not_resources: Sequence[str] = ()
    """Neither in a trust policy: it is about the role that has it."""
    principals: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Identifiers by type (`AWS`, `Service`, `Federated`); the principal `*` is `{"AWS": ["*"]}`."""
    not_principals: Mapping[str, Sequence[str]] = field(default_factory=dict)
    conditions: Sequence[Condition] = ()

    def matches_action(self, action: str) -> bool:
        """Tell whether an action is one of the statement's."""
        if self.not_actions:
            return not any(matches(each, action, ignore_case=True) for each in self.not_actions)
        return any(matches(each, action, ignore_case=True) for each in self.actions)

    def may_match_action(self, pattern: str) -> bool:
        """Tell whether any action that matches a pattern is one of the statement's."""
        if self.not_actions:
            return not any(covers(each, pattern, ignore_case=True) for each in self.not_actions)
        return any(overlap(each, pattern, ignore_case=True) for each in self.actions)

    def covers_action(self, pattern: str) -> bool:
        """Tell whether every action that matches a pattern is one of the statement's."""
        if self.not_actions:
            return not any(overlap(each, pattern, ignore_case=True) for each in self.not_actions)
        return any(covers(each, pattern, ignore_case=True) for each in self.actions)

    def may_match_resource(self, pattern: str) -> bool:
        """Tell whether any resource that matches a pattern is one of the statement's."""
        if self.not_resources:
            return not any(covers(each, pattern) for each in self.not_resources)
        return not self.resources or any(overlap(each, pattern) for each in self.resources)

    def covers_resource(self, pattern: str) -> bool:
        """Tell whether every resource that matches a pattern is one of the statement's."""
        if self.not_resources:
            return not any(overlap(each, pattern) for each in self.not_resources)
        return not self.resources or any(covers(each, pattern) for each in self.resources)

    @property
    def whole_services(self) -> Sequence[str]:
        """Actions that stand for everything a service can do, or for everything there is: `s3:*`, `*`, `s3:**`."""
        return [action for action in self.actions if is_whole_service(action)]

    def names_any(self, actions: Iterable[str]) -> bool:
        """Tell whether any of these actions is among the statement's, by name or by a pattern.

        A whole service does not count, nor NotAction: that is a finding of its own, and one is enough.
        """
        named = [action for action in self.actions if not is_whole_service(action)]
        return any(overlap(each, action, ignore_case=True) for action in actions for each in named)

    @property
    def is_for_everyone(self) -> bool:
        """Whether its principal is any AWS account, whatever the conditions: `*`, `arn:aws:iam::*:root`."""
        return bool(self.not_principals) or any(map(_is_everyone, self._identifiers))

    @property
    def denies_everyone(self) -> bool:
        """Whether it denies every principal, none excepted; the conditions may still except some requests."""
        return not self.allows and any(map(is_any_text, self.principals.get("AWS", ())))

    def always_holds_for(self, context: Mapping[str, Sequence[str]]) -> bool:
        """Tell whether the conditions hold for every request that has these values, whatever else it has."""
        return all(each.key in context and each.holds(context) for each in self.conditions)

    @property
    def is_open_to_everyone(self) -> bool:
        """Whether it allows any principal, without a condition that narrows who calls or on whose behalf."""
        return self.allows and self.is_for_everyone and not self.narrows(CALLER_CONDITION_KEYS)

    def narrows(self, keys: Iterable[str]) -> bool:
        """Tell whether a condition demands narrow values for one of these keys: names, not what anybody has."""
        return any(narrows(self.conditions, key) for key in keys)

    def demands(self, keys: Iterable[str]) -> bool:
        """Tell whether only requests with a value for one of these keys satisfy the conditions."""
        return any(demanded(self.conditions, key) for key in keys)

    def exact_values(self, key: str) -> Sequence[str]:
        """Return the values that a condition key must be equal to, letter by letter."""
        return exact_values(self.conditions, key)

    def services(self, names: Iterable[str]) -> Sequence[str]:
        """Return which of these service principals it names."""
        own = self.principals.get("Service", ())
        return [name for name in names if name in own or "*" in own]

    @property
    def _identifiers(self) -> Sequence[str]:
        return [identifier for identifiers in self.principals.values() for identifier in identifiers]


@dataclass(frozen=True)
class Permission:
    """An action that a document allows, with all conditions that a request must satisfy."""

    action: str
    statement: Statement
    conditions: Sequence[Condition]
    """Those of the statement, and those that statements with Deny leave over."""

    def demands(self, key: str) -> bool:
        """Tell whether a request is allowed only with one of the listed values for a condition key."""
        return bool(demanded(self.conditions, key))


def permissions(document: Iterable[Statement], actions: Iterable[str]) -> Iterator[Permission]:
    """Yield which of these actions a document allows on any resource, by statement.

    An action counts as denied where one Deny covers it, without a condition, for all resources of the Allow.
    """
    found = list(document)
    denials = [statement for statement in found if not statement.allows]
    for statement in found:
        if not statement.allows:
            continue
        for action in actions:
            if not statement.may_match_action(action):
                continue
            relevant = [denial for denial in denials if _covers(denial, statement, action)]
            if all(denial.conditions for denial in relevant):
                yield Permission(action, statement, [*statement.conditions, *_left_over(relevant)])


def narrows(conditions: Iterable[Condition], key: str) -> bool:
    """Tell whether conditions demand narrow values for a key."""
    return any(map(has_narrow_values, demanded(conditions, key)))


def has_narrow_values(condition: Condition) -> bool:
    """Tell whether all values of a condition are names, and not patterns that any caller can satisfy."""
    return bool(condition.values) and all(_is_narrow(condition, value) for value in condition.values)


def exact_values(conditions: Iterable[Condition], key: str) -> Sequence[str]:
    """Return the values that conditions demand for a key, where they compare letter by letter."""
    return [
        value
        for condition in demanded(conditions, key)
        if condition.operator == "stringequals"
        or (condition.operator in PATTERN_OPERATORS and not any(map(has_wildcard, condition.values)))
        for value in condition.values
    ]


def is_whole_service(action: str) -> bool:
    """Tell whether an action stands for everything that a service can do, or for everything there is."""
    service, colon, name = action.partition(":")
    return has_wildcard(service) or (bool(colon) and is_any_text(name))


def is_every_resource(resource: str) -> bool:
    """Tell whether a resource pattern stands for everything of a service, of an account, or of all accounts.

    `*`, `arn:*`, `arn:aws:s3:::*`, `arn:aws:iam::111122223333:*`, and `arn:aws:iam::*:role/*`: it has no name, and no
    account or no kind.
    """
    if not resource.startswith("arn:"):
        return is_any_text(resource)
    *_, account, name = arn_parts(resource)
    return _has_no_name(name) or (is_every_of_a_kind(resource) and has_wildcard(account))


def is_every_of_a_kind(resource: str) -> bool:
    """Tell whether a resource pattern stands for every resource of a kind: `arn:aws:kms:us-east-1:111122223333:key/*`.

    No part of it is a name that an author chose.
    """
    *_, name = arn_parts(resource)
    kind = KIND.match(name)
    return _has_no_name(name[kind.end() :] if kind else name)


def statements(resource: StackResource, path: str) -> Sequence[Statement]:
    """Return the statements of the document at a path; none where there is no document.

    Raises UnknownValue where the document is not known yet, InvalidDocument where AWS would refuse it.
    """
    value = resource.get(path)
    if value in (None, ""):
        return ()
    document = _decoded(value)
    if isinstance(value, SecretText):
        document = mark_secret(document)
    if any(isinstance(leaf, Unknown) for _, leaf in walk(document)):
        raise resource.unknown(path)
    return statements_of(document)


def statements_of(document: Any) -> Sequence[Statement]:
    """Return the statements of a document, given as text or as an object. Raises InvalidDocument."""
    decoded = _decoded(document)
    if not isinstance(decoded, Mapping) or "Statement" not in decoded:
        raise InvalidDocument("has no Statement")
    found = decoded["Statement"]
    if decoded.get("Version") != VERSION_WITH_VARIABLES:
        found = _without_variables(found)
    return [_statement(index, fields) for index, fields in enumerate(found if isinstance(found, list) else [found])]


def _decoded(document: Any) -> Any:
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document)
    except ValueError as error:
        raise InvalidDocument("is not valid JSON") from error


def _statement(index: int, fields: Any) -> Statement:
    if not isinstance(fields, Mapping):
        raise InvalidDocument(f"has a statement {index + 1} that is no object")
    label = fields.get("Sid") or f"statement {index + 1}"
    _require_shape(fields, label)
    try:
        conditions = conditions_of(fields.get("Condition") or {})
    except UnknownOperator as error:
        raise InvalidDocument(f"has the condition operator {error}, which AWS does not have ({label})") from error
    except AttributeError as error:
        raise InvalidDocument(f"has a Condition that is not operator, key and values ({label})") from error
    return Statement(
        label=label,
        allows=fields["Effect"] == "Allow",
        actions=values_of(fields.get("Action")),
        not_actions=values_of(fields.get("NotAction")),
        resources=values_of(fields.get("Resource")),
        not_resources=values_of(fields.get("NotResource")),
        principals=_principals(fields.get("Principal")),
        not_principals=_principals(fields.get("NotPrincipal")),
        conditions=conditions,
    )


def _require_shape(fields: Mapping[str, Any], label: str) -> None:
    """Raise InvalidDocument if AWS would refuse the statement."""
    unknown = sorted(fields.keys() - ELEMENTS)
    if unknown:
        raise InvalidDocument(f"has the element {unknown[0]}, which AWS does not have ({label})")
    if fields.get("Effect") not in ("Allow", "Deny"):
        raise InvalidDocument(f"has an Effect other than Allow and Deny ({label})")
    if ("Action" in fields) == ("NotAction" in fields):
        raise InvalidDocument(f"needs either Action or NotAction ({label})")
    for first, second in (("Resource", "NotResource"), ("Principal", "NotPrincipal")):
        if first in fields and second in fields:
            raise InvalidDocument(f"has both {first} and {second} ({label})")
    for action in (*values_of(fields.get("Action")), *values_of(fields.get("NotAction"))):
        if not ACTION.fullmatch(action):
            raise InvalidDocument(f"has an action that is not service:name ({label})")


def _without_variables(value: Any) -> Any:
    """Return a part of a document of 2008, where `${` has no meaning."""
    match value:
        case SecretText():
            return SecretText(value.replace("${", "${$}{"))
        case str():
            return value.replace("${", "${$}{")
        case Mapping():
            return {key: _without_variables(item) for key, item in value.items()}
        case list():
            return [_without_variables(item) for item in value]
        case _:
            return value


def _principals(element: Any) -> Mapping[str, Sequence[str]]:
    if isinstance(element, str):
        return {"AWS": [element]}
    return {principal_type: values_of(identifiers) for principal_type, identifiers in (element or {}).items()}


def _has_no_name(text: str) -> bool:
    """Tell whether a pattern is made of wildcards and of what stands between names: `*`, `*/*`, `*-??????`."""
    return "*" in text and not text.strip("*?/:-_.")


def _is_everyone(identifier: str) -> bool:
    """Tell whether a principal is every account, or every principal whose account a wildcard leaves open."""
    if not identifier.startswith("arn:"):
        return has_wildcard(identifier)
    return has_wildcard(arn_parts(identifier)[3])


def _covers(denial: Statement, allow: Statement, action: str) -> bool:
    """Tell whether a Deny is about everything that an Allow gives for an action."""
    reach = allow.resources or ["*"]
    anyone = not denial.principals or denial.is_for_everyone or denial.principals == allow.principals
    return anyone and denial.covers_action(action) and all(map(denial.covers_resource, reach))


def _left_over(denials: Iterable[Statement]) -> Iterator[Condition]:
    """Yield what a request must satisfy so that none of these statements denies it."""
    for denial in denials:
        # With several conditions a request passes if it fails any of them: that demands nothing of a single key.
        opposite = denial.conditions[0].opposite if len(denial.conditions) == 1 else None
        if opposite is not None:
            yield opposite


def _is_narrow(condition: Condition, value: str) -> bool:
    """Tell whether a value that a condition lists is a name, and not a pattern that any caller can satisfy."""
    if variables(value):
        return all(name.lower().startswith(OWN_VARIABLES) for name in variables(value))
    if condition.key in ADDRESS_KEYS:
        return _is_narrow_range(value)
    if condition.operator in ("stringequals", "stringequalsignorecase"):
        return True
    if condition.key in ARN_KEYS or condition.operator in ARN_OPERATORS:
        return _is_narrow_arn(value)
    separator = "/" if condition.key in PATH_KEYS else ":" if condition.key == "aws:userid" else None
    named = value.partition(separator)[0] if separator is not None and separator in value else value
    return not has_wildcard(named)


def _is_narrow_range(value: str) -> bool:
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= WIDEST_SOURCE_PREFIX[network.version]


def _is_narrow_arn(value: str) -> bool:
    """Tell whether an ARN names an account, or, where its service has none in ARNs, a resource."""
    _, service, _, account, name = arn_parts(value)
    if has_wildcard(service) or has_wildcard(account):
        return False
    return bool(account) or not has_wildcard(name[:1])
