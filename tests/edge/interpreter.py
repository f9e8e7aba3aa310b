"""What a web ACL and the rules of a listener do with a request, by AWS's documented rules.

Rules are evaluated by priority. In a web ACL the first one that blocks ends it; one that counts goes on. A listener
does what its first rule with matching conditions says. AWS's own groups of rules are not here: their labels are given
with a request. A rule that limits a rate is matched by an address that is over the limit.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from posixpath import normpath
from typing import Any
from urllib.parse import unquote

Inputs = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request from the internet."""

    path: str
    address: str = "198.51.100.7"
    over_limits: frozenset[str] = frozenset()
    """Names of the rate-based rules whose limit this address has passed."""
    labels: frozenset[str] = frozenset()
    """What AWS's groups of rules have found."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a web ACL does with a request."""

    blocked_by: str | None
    counted_by: tuple[str, ...] = ()
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None


def transformed(text: str, transformations: Sequence[Inputs]) -> str:
    """A field after the text transformations of a statement."""
    for each in sorted(transformations, key=lambda one: one["priority"]):
        match each["type"]:
            case "NONE":
                pass
            case "URL_DECODE":
                text = unquote(text)
            case "NORMALIZE_PATH":
                text = re.sub(r"^/+", "/", normpath(text)) + ("/" if text.endswith("/") and text != "/" else "")
            case "LOWERCASE":
                text = text.lower()
            case other:
                raise NotImplementedError(other)
    return text


def matches(statement: Inputs, rule: str, request: Request, sets: Mapping[str, Sequence[str]]) -> bool:
    """Whether a statement matches, if it is no group of AWS's. Raises NotImplementedError for one that is not used."""
    (kind, one), *others = statement.items()
    assert not others
    match kind:
        case "andStatement":
            return all(matches(each, rule, request, sets) for each in one["statements"])
        case "notStatement":
            return not matches(one["statement"], rule, request, sets)
        case "orStatement":
            return any(matches(each, rule, request, sets) for each in one["statements"])
        case "rateBasedStatement":
            narrowed = one.get("scopeDownStatement")
            return rule in request.over_limits and (narrowed is None or matches(narrowed, rule, request, sets))
        case _:
            return _matches_request(kind, one, request, sets)


def _matches_request(kind: str, one: Inputs, request: Request, sets: Mapping[str, Sequence[str]]) -> bool:
    match kind:
        case "regexMatchStatement":
            assert set(one["fieldToMatch"]) == {"uriPath"}
            return bool(re.search(one["regexString"], transformed(request.path, one["textTransformations"])))
        case "sizeConstraintStatement":
            assert (one["comparisonOperator"], one["size"]) == ("GE", 0)
            return True
        case "ipSetReferenceStatement":
            return any(ip_address(request.address) in ip_network(block) for block in sets[one["arn"]])
        case "labelMatchStatement":
            return one["key"] in request.labels
        case other:
            raise NotImplementedError(other)


MANAGED_LABELS: Mapping[str, str] = {
    "AWSManagedRulesAmazonIpReputationList": "awswaf:managed:aws:amazon-ip-list:",
    "AWSManagedRulesKnownBadInputsRuleSet": "awswaf:managed:aws:known-bad-inputs:",
    "AWSManagedRulesCommonRuleSet": "awswaf:managed:aws:core-rule-set:",
    "AWSManagedRulesSQLiRuleSet": "awswaf:managed:aws:sql-database:",
}
"""Beginnings of the labels that AWS's groups add."""
COUNTED_IN_GROUP = {"SizeRestrictions_BODY": "awswaf:managed:aws:core-rule-set:SizeRestrictions_Body"}


def _group_matches(rule: Inputs, request: Request) -> bool:
    """Whether a group of AWS's has a match among those of its rules that are not set to count."""
    group = rule["statement"]["managedRuleGroupStatement"]
    counted = {COUNTED_IN_GROUP[each["name"]] for each in group.get("ruleActionOverrides", ())}
    return any(label.startswith(MANAGED_LABELS[group["name"]]) for label in request.labels - counted)


def judge(acl: Inputs, rules: Sequence[Inputs], sets: Mapping[str, Sequence[str]], request: Request) -> Verdict:
    """What a web ACL with rules that are resources of their own does."""
    counted: list[str] = []
    for rule in sorted(rules, key=lambda each: each["priority"]):
        name = rule["name"]
        managed = "managedRuleGroupStatement" in rule["statement"]
        if not (_group_matches(rule, request) if managed else matches(rule["statement"], name, request, sets)):
            continue
        block = {} if managed and rule["overrideAction"] == {"none": {}} else rule.get("action", {}).get("block")
        if block is None:
            counted.append(name)
            continue
        answer = block.get("customResponse", {})
        bodies = {each["key"]: each["content"] for each in acl.get("customResponseBodies", ())}
        return Verdict(
            blocked_by=name,
            counted_by=tuple(counted),
            status=int(answer.get("responseCode", 403)),
            headers={each["name"]: each["value"] for each in answer.get("responseHeaders", ())},
            body=bodies.get(answer.get("customResponseBodyKey")),
        )
    assert acl["defaultAction"] == {"allow": {}}
    return Verdict(blocked_by=None, counted_by=tuple(counted))


@dataclass(frozen=True, kw_only=True)
class Routed:
    """What a listener does with a request."""

    action: str
    path: str
    """As the target gets it."""
    status: int | None = None
    shares: Mapping[str, float] = field(default_factory=dict, compare=False)
    """How many percent of such requests each target group gets, by its ARN."""


def route(listener: Inputs, rules: Sequence[Inputs], path: str) -> Routed:
    """The action for a path, and the path after its transforms."""
    for rule in sorted(rules, key=lambda each: each["priority"]):
        if all(_meets(condition, path) for condition in rule["conditions"]):
            for each in rule.get("transforms", ()):
                rewrite = each["urlRewriteConfig"]["rewrite"]
                path = re.sub(rewrite["regex"], rewrite["replace"], path)
            return _routed(rule["actions"], path)
    return _routed(listener["defaultActions"], path)


def _meets(condition: Inputs, path: str) -> bool:
    assert set(condition) == {"pathPattern"}
    matcher = condition["pathPattern"]
    patterns = matcher.get("values") or ()
    return any(re.fullmatch(_pattern(value), path) for value in patterns) or any(
        re.search(regex, path) for regex in matcher.get("regexValues") or ()
    )


def _pattern(value: str) -> str:
    """Case counts; `*` is any number of characters, `?` one."""
    return re.escape(value).replace(r"\*", ".*").replace(r"\?", ".")


def _routed(actions: Sequence[Inputs], path: str) -> Routed:
    (action,) = actions
    fixed = action.get("fixedResponse")
    return Routed(
        action=action["type"], path=path, status=int(fixed["statusCode"]) if fixed else None, shares=_shares(action)
    )


def _shares(action: Inputs) -> Mapping[str, float]:
    """A group gets its weight's part of all weights."""
    if arn := action.get("targetGroupArn"):
        return {arn: 100}
    weights = {each["arn"]: each["weight"] for each in action.get("forward", {}).get("targetGroups", ())}
    return {arn: 100 * weight / sum(weights.values()) for arn, weight in weights.items()}
