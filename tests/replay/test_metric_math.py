"""Metric math: what each operation and function makes of series with gaps."""

import pytest

from replay.metric_math import Formula, MathError
from replay.metrics import Column

GAP = None
A = [1.0, GAP, 4.0, GAP]
B = [2.0, 3.0, 0.0, GAP]
EXPRESSIONS: list[tuple[str, Column]] = [
    ("a + b", [3.0, 3.0, 4.0, GAP]),
    ("a - b", [-1.0, -3.0, 4.0, GAP]),
    ("-a", [-1.0, GAP, -4.0, GAP]),
    (" 2\n  * a + 1 ", [3.0, GAP, 9.0, GAP]),
    ("(a + 1) * 2", [4.0, GAP, 10.0, GAP]),
    ("1 + a ^ 2", [2.0, GAP, 17.0, GAP]),
    # A data point that would be divided by zero is dropped.
    ("a / b", [0.5, 0.0, GAP, GAP]),
    ("b / a", [2.0, GAP, 0.0, GAP]),
    ("1 / b", [0.5, 1 / 3, GAP, GAP]),
    ("a > 1", [0.0, GAP, 1.0, GAP]),
    ("a >= 1", [1.0, GAP, 1.0, GAP]),
    ("a < b", [1.0, 1.0, 0.0, GAP]),
    ("a <= 4", [1.0, GAP, 1.0, GAP]),
    ("a == 4", [0.0, GAP, 1.0, GAP]),
    ("a != 4", [1.0, GAP, 0.0, GAP]),
    ("a > 1 && b < 1", [0.0, 0.0, 1.0, GAP]),
    ("a > 1 AND b < 1", [0.0, 0.0, 1.0, GAP]),
    ("a > 1 || b > 2", [0.0, 1.0, 1.0, GAP]),
    ("a > 1 OR b > 2", [0.0, 1.0, 1.0, GAP]),
    ("FILL(a, 7)", [1.0, 7.0, 4.0, 7.0]),
    ("FILL(a, b)", [1.0, 3.0, 4.0, GAP]),
    ("SUM([a, b])", [3.0, 3.0, 4.0, GAP]),
    ("SUM([FILL(a, 0), FILL(b, 0)])", [3.0, 3.0, 4.0, 0.0]),
    ("AVG([a, b])", [1.5, 1.5, 2.0, GAP]),
    ("MIN([a, b])", [1.0, 3.0, 0.0, GAP]),
    ("MAX([a, b])", [2.0, 3.0, 4.0, GAP]),
    ("ABS(a - 3)", [2.0, GAP, 1.0, GAP]),
    ("CEIL(a / 3)", [1.0, GAP, 2.0, GAP]),
    ("FLOOR(a / 3)", [0.0, GAP, 1.0, GAP]),
    ("a / PERIOD(a)", [1 / 60, GAP, 4 / 60, GAP]),
    # Without a condition there is no result; a number is one whether its series has a gap or not.
    ("IF(a > 1, b, 9)", [9.0, GAP, 0.0, GAP]),
    ("IF(b > 1, a, b)", [1.0, GAP, 0.0, GAP]),
    ("IF(1 > 2, a, b)", B),
    ("RATE(b)", [GAP, 1 / 60, -3 / 60, GAP]),
    ("RATE(a)", [GAP, GAP, 3 / 120, GAP]),
]


@pytest.mark.parametrize(("text", "expected"), EXPRESSIONS)
def test_expression(text: str, expected: Column) -> None:
    assert Formula(text).column({"a": A, "b": B}, period=1, reach=5) == pytest.approx(expected)


def test_rate_looks_back_by_periods_and_no_farther_than_the_range() -> None:
    column = [0.0, 100.0, 6.0, 100.0, GAP, 100.0, 24.0]
    rate = Formula("RATE(a)")
    assert list(rate.column({"a": column}, period=2, reach=5))[2::2] == [6 / 120, GAP, 18 / 240]
    assert list(rate.column({"a": column}, period=2, reach=2))[2::2] == [6 / 120, GAP, GAP]


@pytest.mark.parametrize(
    "text",
    [
        "IF(b > 1, a)",
        "SUM(a)",
        "METRICS()",
        "FILL(a, REPEAT)",
        "1 < a < 3",
        "a % 2",
        "FILL(1, 2)",
        "1 + 1",
        "a + 1 / 0",
        "c",
        "[a, b]",
        "__import__('os')",
    ],
)
def test_what_is_beyond_is_refused(text: str) -> None:
    with pytest.raises(MathError):
        Formula(text).column({"a": A, "b": B}, period=1, reach=5)


@pytest.mark.parametrize("text", ["a +", "SUM([a", ""])
def test_expression_that_is_none_is_refused_when_it_is_read(text: str) -> None:
    with pytest.raises(MathError, match="the expression"):
        Formula(text)


def test_names_are_those_of_series() -> None:
    assert Formula("IF(requests > 100, SUM([FILL(target, 0), MAX([target])]), 0)").names() == {"requests", "target"}
