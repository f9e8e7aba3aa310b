"""Conditions against the tables of AWS's documentation of condition operators."""

from typing import Any

import pytest

from policies.engine.iam_conditions import Condition, UnknownOperator, conditions_of, demanded, values_of

Context = dict[str, list[str]]


def condition(operator: str, values: Any = "v", key: str = "aws:K") -> Condition:
    return conditions_of({operator: {key: values}})[0]


@pytest.mark.parametrize(
    ("operator", "values", "given", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", ["a", "b"], "c", True),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringLike", "a?c*", "abcd", True),
        ("StringLike", "A*", "abcd", False),
        ("StringNotLike", "a*", "abcd", False),
        ("ArnEquals", "arn:aws:sns:*:1:*", "arn:aws:sns:eu-west-1:1:t", True),
        ("ArnLike", "arn:aws:sns:*:1:*", "arn:aws:sns:eu-west-1:2:t", False),
        ("ArnNotEquals", "arn:aws:sns:*:1:*", "arn:aws:sns:eu-west-1:2:t", True),
        ("ArnNotLike", "arn:aws:sns:*:1:*", "arn:aws:sns:eu-west-1:1:t", False),
        ("Bool", "true", "true", True),
        ("Bool", True, "TRUE", True),
        ("Bool", False, "true", False),
        ("NumericEquals", 10, "10.0", True),
        ("NumericNotEquals", 10, "10", False),
        ("NumericLessThan", "1.2", "1.1", True),
        ("NumericLessThan", "1.2", "1.2", False),
        ("NumericLessThanEquals", "1.2", "1.2", True),
        ("NumericGreaterThan", "10", "9", False),
        ("NumericGreaterThanEquals", "10", "10", True),
        ("NumericEquals", "ten", "10", False),
        ("DateEquals", "2026-11-26T00:00:00Z", "2026-11-26T01:00:00+01:00", True),
        ("DateNotEquals", "2026-11-26", "2026-11-26T00:00:00Z", False),
        ("DateLessThan", "2026-11-26T00:00:00Z", "2026-11-25T23:59:59Z", True),
        ("DateLessThanEquals", "2026-11-26T00:00:00Z", "1", True),
        ("DateGreaterThan", "2026-11-26T00:00:00Z", "2026-11-26T00:00:00Z", False),
        ("DateGreaterThanEquals", "2026-11-26T00:00:00Z", "2026-11-26T00:00:00Z", True),
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", True),
        ("IpAddress", "203.0.113.0/24", "2001:db8::1", False),
        ("IpAddress", ["203.0.113.0/24", "2001:db8::/32"], "2001:db8::1", True),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", False),
        ("BinaryEquals", "YWJj", "YWJj", True),
        ("BinaryEquals", "YWJj", "YWJk", False),
        ("Null", "true", "x", False),
        ("Null", "false", "x", True),
    ],
)
def test_operator_compares_the_value_of_the_request(operator: str, values: Any, given: str, expected: bool) -> None:
    assert condition(operator, values).holds({"aws:k": [given]}) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("ArnLike", False),
        ("Bool", False),
        ("NumericLessThan", False),
        ("DateLessThan", False),
        ("IpAddress", False),
        ("BinaryEquals", False),
        ("StringNotEquals", True),
        ("StringNotEqualsIgnoreCase", True),
        ("StringNotLike", True),
        ("ArnNotLike", True),
        ("NumericNotEquals", True),
        ("DateNotEquals", True),
        ("NotIpAddress", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("StringNotEqualsIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_operator_on_a_request_without_the_key(operator: str, expected: bool) -> None:
    assert condition(operator, "1").holds({}) is expected


def test_null_on_a_request_without_the_key() -> None:
    assert condition("Null", "true").holds({})
    assert not condition("Null", "false").holds({})
    assert condition("Null", True).holds({"aws:k": []})


@pytest.mark.parametrize(
    ("operator", "given", "expected"),
    [
        ("ForAllValues:StringEquals", ["a"], True),
        ("ForAllValues:StringEquals", ["a", "c"], False),
        ("ForAnyValue:StringEquals", ["a", "c"], True),
        ("ForAnyValue:StringEquals", ["c", "d"], False),
        ("ForAllValues:StringNotEquals", ["a", "c"], False),
        ("ForAllValues:StringNotEquals", ["c", "d"], True),
        ("ForAnyValue:StringNotEquals", ["a", "c"], True),
        ("ForAnyValue:StringNotEquals", ["a", "b"], False),
    ],
)
def test_quantifier_over_the_values_of_a_request(operator: str, given: list[str], expected: bool) -> None:
    assert condition(operator, ["a", "b"]).holds({"aws:k": given}) is expected


def test_key_and_operator_are_read_without_regard_to_case() -> None:
    assert condition("stringequalsIFEXISTS", key="AWS:k") == condition("StringEqualsIfExists")


def test_value_of_a_policy_may_hold_a_variable() -> None:
    same_account = condition("StringEquals", "${aws:ResourceAccount}")

    assert same_account.holds({"aws:k": ["1"], "aws:resourceaccount": ["1"]})
    assert not same_account.holds({"aws:k": ["1"], "aws:resourceaccount": ["2"]})
    assert not same_account.holds({"aws:k": ["1"]})


@pytest.mark.parametrize("operator", ["StringIs", "ForSomeValue:StringEquals", "NullIfExists", "", "Equals"])
def test_operator_that_aws_does_not_have_is_an_error(operator: str) -> None:
    with pytest.raises(UnknownOperator):
        condition(operator)


def test_values_are_texts() -> None:
    assert values_of([True, 5, 5.0, 1.5, "x"]) == ["true", "5", "5", "1.5", "x"]
    assert values_of(None) == []


CONTEXTS: list[Context] = [{}, {"aws:k": ["a"]}, {"aws:k": ["b"]}, {"aws:k": ["A"]}]
NUMBERS: list[Context] = [{}, {"aws:k": ["1"]}, {"aws:k": ["2"]}, {"aws:k": ["3"]}]


@pytest.mark.parametrize(
    ("operator", "values", "contexts"),
    [
        ("StringEquals", ["a"], CONTEXTS),
        ("StringNotEquals", ["a", "b"], CONTEXTS),
        ("StringNotEqualsIfExists", ["a"], CONTEXTS),
        ("StringNotLike", ["a*"], CONTEXTS),
        ("StringEqualsIgnoreCase", ["a"], CONTEXTS),
        ("Null", ["true"], CONTEXTS),
        ("Null", ["false"], CONTEXTS),
        ("Bool", ["false"], [{}, {"aws:k": ["true"]}, {"aws:k": ["false"]}]),
        ("BoolIfExists", ["false"], [{}, {"aws:k": ["true"]}, {"aws:k": ["false"]}]),
        ("NumericLessThan", ["2"], NUMBERS),
        ("NumericGreaterThanIfExists", ["2"], NUMBERS),
        ("NumericEquals", ["1", "2"], NUMBERS),
    ],
)
def test_opposite_holds_exactly_where_the_condition_does_not(
    operator: str, values: list[str], contexts: list[Context]
) -> None:
    original = condition(operator, values)
    opposite = original.opposite

    assert opposite is not None
    assert [opposite.holds(context) for context in contexts] == [not original.holds(context) for context in contexts]


@pytest.mark.parametrize(
    "operator", ["ForAnyValue:StringEquals", "NumericLessThan", "BinaryEquals", "StringEqualsIfExists"]
)
def test_condition_without_an_opposite(operator: str) -> None:
    assert condition(operator, ["1", "2"]).opposite is None


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"StringEquals": {"aws:K": "v"}}, True),
        ({"StringLike": {"aws:k": "v"}}, True),
        ({"ForAnyValue:StringLike": {"aws:k": "v"}}, True),
        ({"StringEquals": {"aws:k": []}}, False),
        ({"StringEquals": {"aws:other": "v"}}, False),
        ({"StringNotEquals": {"aws:k": "v"}}, False),
        ({"StringEqualsIfExists": {"aws:k": "v"}}, False),
        ({"ForAllValues:StringEquals": {"aws:k": "v"}}, False),
        ({"Null": {"aws:k": "false"}}, False),
        ({"ForAllValues:StringEquals": {"aws:k": "v"}, "Null": {"aws:k": "false"}}, True),
        ({"StringEqualsIfExists": {"aws:k": "v"}, "Null": {"aws:k": False}}, True),
        ({"StringNotEquals": {"aws:k": "v"}, "Null": {"aws:k": "false"}}, False),
        ({"StringEqualsIfExists": {"aws:k": "v"}, "Null": {"aws:k": "true"}}, False),
    ],
)
def test_conditions_that_demand_a_value(element: dict[str, Any], expected: bool) -> None:
    assert bool(demanded(conditions_of(element), "aws:k")) is expected
