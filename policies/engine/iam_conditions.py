"""Conditions of IAM statements: whether a request satisfies one, and what one demands of every request.

Operators: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any, Final

from policies.engine.iam_patterns import matches, matches_arn, substitute

Comparison = Callable[[str, str], bool]
"""Of a value of the policy and a value of the request."""
Values = Mapping[str, Sequence[str]]
"""The request's values by condition key, the keys in lower case."""

ANY_VALUE: Final = "foranyvalue"
ALL_VALUES: Final = "forallvalues"
IF_EXISTS: Final = "ifexists"
NULL: Final = "null"
SUBSTITUTED_PREFIXES: Final = ("string", "arn")
"""Operators whose values may hold policy variables."""


def _number(text: str) -> float:
    return float(text)


def _moment(text: str) -> float:
    """Return seconds since 1970 of a time in ISO 8601 or of a number of seconds."""
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _in_network(network: str, address: str) -> bool:
    return ip_address(address) in ip_network(network, strict=False)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _by(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Comparison:
    return lambda wanted, given: compare(read(given), read(wanted))


POSITIVE: Final[Mapping[str, Comparison]] = {
    "stringequals": lambda wanted, given: matches(_literal(wanted), given),
    "stringequalsignorecase": lambda wanted, given: matches(_literal(wanted), given, ignore_case=True),
    "stringlike": matches,
    "arnequals": matches_arn,
    "arnlike": matches_arn,
    "bool": lambda wanted, given: wanted.lower() == given.lower(),
    "binaryequals": _by(_decoded, lambda given, wanted: given == wanted),
    "ipaddress": _in_network,
    "numericequals": _by(_number, lambda given, wanted: given == wanted),
    "numericlessthan": _by(_number, lambda given, wanted: given < wanted),
    "numericlessthanequals": _by(_number, lambda given, wanted: given <= wanted),
    "numericgreaterthan": _by(_number, lambda given, wanted: given > wanted),
    "numericgreaterthanequals": _by(_number, lambda given, wanted: given >= wanted),
    "dateequals": _by(_moment, lambda given, wanted: given == wanted),
    "datelessthan": _by(_moment, lambda given, wanted: given < wanted),
    "datelessthanequals": _by(_moment, lambda given, wanted: given <= wanted),
    "dategreaterthan": _by(_moment, lambda given, wanted: given > wanted),
    "dategreaterthanequals": _by(_moment, lambda given, wanted: given >= wanted),
}
NEGATED: Final[Mapping[str, str]] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
"""Operators that are true where the other is false, and where the request has no value."""
OPPOSITES: Final[Mapping[str, str]] = {
    **NEGATED,
    **{positive: negated for negated, positive in NEGATED.items()},
    "numericlessthan": "numericgreaterthanequals",
    "numericlessthanequals": "numericgreaterthan",
    "numericgreaterthan": "numericlessthanequals",
    "numericgreaterthanequals": "numericlessthan",
    "datelessthan": "dategreaterthanequals",
    "datelessthanequals": "dategreaterthan",
    "dategreaterthan": "datelessthanequals",
    "dategreaterthanequals": "datelessthan",
}


class UnknownOperator(ValueError):
    """A condition uses an operator that AWS does not have."""


@dataclass(frozen=True)
class Condition:
    """One line of a Condition element: an operator, a key, and the values that the policy lists for it."""

    operator: str
    """In lower case, without quantifier and IfExists: `stringequals`, `null`."""
    key: str
    """In lower case: AWS ignores the case of a key."""
    values: Sequence[str]
    quantifier: str = ""
    """`foranyvalue`, `forallvalues`, or nothing for a key with a single value."""
    if_exists: bool = False

    def holds(self, context: Values) -> bool:
        """Tell whether a request satisfies the condition."""
        given = context.get(self.key, ())
        if self.operator == NULL:
            return any((value.lower() == "true") is (not given) for value in self.values)
        if not given:
            absent = self.operator in NEGATED and self.quantifier != ANY_VALUE
            return absent or self.if_exists or self.quantifier == ALL_VALUES
        wanted = [value for value in map(self._substituted(context), self.values) if value is not None]
        results = [self._satisfies(wanted, value) for value in given]
        # A negated operator holds only if no value of the request is listed, whatever AWS calls single-valued.
        every = self.quantifier == ALL_VALUES or (self.operator in NEGATED and self.quantifier != ANY_VALUE)
        return all(results) if every else any(results)

    @property
    def demands_value(self) -> bool:
        """Whether only requests that have one of the values satisfy it: `StringEquals`, not `StringNotEquals`."""
        return self.operator in POSITIVE and not self.if_exists and self.quantifier != ALL_VALUES

    @property
    def demands_value_where_present(self) -> bool:
        """Whether a request satisfies it only without a value for the key, or with one of the values."""
        return self.operator in POSITIVE and self.quantifier != ANY_VALUE

    @property
    def opposite(self) -> "Condition | None":
        """The condition that a request satisfies if it does not satisfy this one; None where no operator says that.

        A Deny under `StringNotEquals` lets the same requests pass as an Allow under `StringEquals`.
        """
        pair = self.operator in NEGATED or self.operator in NEGATED.values()
        if self.quantifier or not (pair or len(self.values) == 1):
            return None
        if self.operator in (NULL, "bool"):
            other = "false" if self.values[0].lower() == "true" else "true"
            return Condition(self.operator, self.key, [other], if_exists=self.operator != NULL and not self.if_exists)
        if self.operator not in OPPOSITES:
            return None
        # Without a value a negated condition holds, so its opposite demands one. The same is true with IfExists.
        holds_when_absent = self.operator in NEGATED or self.if_exists
        if holds_when_absent and OPPOSITES[self.operator] in NEGATED:
            return None
        return Condition(OPPOSITES[self.operator], self.key, self.values, if_exists=not holds_when_absent)

    def _satisfies(self, wanted: Sequence[str], value: str) -> bool:
        compare = POSITIVE[NEGATED.get(self.operator, self.operator)]
        return any(_safely(compare, each, value) for each in wanted) is not (self.operator in NEGATED)

    def _substituted(self, context: Values) -> Callable[[str], str | None]:
        if not self.operator.startswith(SUBSTITUTED_PREFIXES):
            return lambda value: value
        return lambda value: substitute(value, context)


def conditions_of(element: Mapping[str, Mapping[str, Any]]) -> Sequence[Condition]:
    """Return the conditions of a Condition element. Raises UnknownOperator."""
    return [_condition(operator, key, values) for operator, tests in element.items() for key, values in tests.items()]


def values_of(element: Any) -> Sequence[str]:
    """Return a value, or each of a list, as the text that AWS compares: `true` for True."""
    if element is None:
        return []
    listed = element if isinstance(element, list | tuple | set | frozenset) else [element]
    return [value if isinstance(value, str) else _written(value) for value in listed]


def demanded(conditions: Iterable[Condition], key: str) -> Sequence[Condition]:
    """Return the conditions that let pass only requests with one of their values for a key.

    An operator with IfExists or ForAllValues counts together with a Null condition that demands the key.
    """
    about = [condition for condition in conditions if condition.key == key.lower() and condition.values]
    present = any(each.operator == NULL and [v.lower() for v in each.values] == ["false"] for each in about)
    return [each for each in about if each.demands_value or (present and each.demands_value_where_present)]


def _condition(operator: str, key: str, values: Any) -> Condition:
    quantifier, _, base = operator.lower().rpartition(":")
    if_exists = base.endswith(IF_EXISTS)
    base = base.removesuffix(IF_EXISTS)
    known = base in POSITIVE or base in NEGATED or (base == NULL and not if_exists)
    if not known or quantifier not in ("", ANY_VALUE, ALL_VALUES):
        raise UnknownOperator(operator)
    return Condition(base, key.lower(), values_of(values), quantifier, if_exists)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{int(value)}" if isinstance(value, float) and value.is_integer() else f"{value}"


def _literal(text: str) -> str:
    """Return a text whose wildcards stand for themselves, as StringEquals reads them."""
    escaped = text.replace("*", "${*}").replace("?", "${?}")
    return escaped.replace("${${*}}", "${*}").replace("${${?}}", "${?}")


def _safely(compare: Comparison, wanted: str, given: str) -> bool:
    """Tell whether two values compare; one of the wrong kind, such as a number that is none, never does."""
    try:
        return compare(wanted, given)
    except (ValueError, binascii.Error):
        return False
