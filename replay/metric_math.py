"""Metric math, as far as alarms need it: arithmetic, comparisons, and the functions in `_FUNCTIONS`.

Rules of AWS's page "Using math expressions with CloudWatch metrics": where one of two series has a data point and the
other has none, the missing one counts as 0; a data point that would be divided by zero is dropped. FILL fills every
gap; whether AWS does so for a metric that has no point at all is not documented.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce

from replay.metrics import Column, Value

Operand = float | Column
_PYTHON = {"^": "**", "&&": " and ", "||": " or ", "AND": "and", "OR": "or"}


class MathError(ValueError):
    """The expression is wrong, or beyond this module."""


@dataclass(frozen=True)
class Formula:
    """An expression. Raises MathError if it cannot be read."""

    text: str

    def __post_init__(self) -> None:
        self.names()

    def names(self) -> set[str]:
        """Return the ids of what it is calculated from."""
        nodes = list(ast.walk(self._tree()))
        functions = [node.func for node in nodes if isinstance(node, ast.Call)]
        return {node.id for node in nodes if isinstance(node, ast.Name) and node not in functions}

    def column(self, columns: Mapping[str, Column], period: int, reach: int) -> Column:
        """Calculate it for columns with one data point a minute.

        `period` is in minutes; `reach` says in how many periods RATE looks for the data point before.
        """
        result = _Calculation(columns, period, reach).of(self._tree())
        if isinstance(result, float):
            raise MathError(f"{self.text} is a number, not a series")
        return result

    def _tree(self) -> ast.expr:
        translated = re.sub(r"\^|&&|\|\||\b(?:AND|OR)\b", lambda found: _PYTHON[found[0]], " ".join(self.text.split()))
        try:
            return ast.parse(translated, mode="eval").body
        except SyntaxError as error:
            raise MathError(f"the expression {self.text}") from error


@dataclass(frozen=True)
class _Calculation:
    columns: Mapping[str, Column]
    period: int
    reach: int

    def of(self, node: ast.expr) -> Operand:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name) if name in self.columns:
                return self.columns[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _pairwise(operator.sub, 0.0, self.of(operand))
            case ast.BinOp() | ast.BoolOp() | ast.Compare():
                return self._operation(node)
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
            case _:
                raise MathError(f"the expression {ast.unparse(node)}")

    def _operation(self, node: ast.BinOp | ast.BoolOp | ast.Compare) -> Operand:
        operands = node.values if isinstance(node, ast.BoolOp) else [node.left, *_right(node)]
        sign = type(node.ops[0] if isinstance(node, ast.Compare) else node.op)
        if sign not in _OPERATORS or (isinstance(node, ast.Compare) and len(operands) > 2):
            raise MathError(f"the expression {ast.unparse(node)}")
        return reduce(partial(_pairwise, _OPERATORS[sign]), map(self.of, operands))

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Operand:
        match name, arguments:
            case "SUM" | "AVG" | "MIN" | "MAX", [ast.List(elts=elements)] if elements:
                return _merge(_MERGES[name], [self._series(element) for element in elements])
            case "ABS" | "CEIL" | "FLOOR", [argument]:
                return [None if value is None else float(_ROUNDINGS[name](value)) for value in self._series(argument)]
            case "FILL", [argument, filler]:
                return _fill(self._series(argument), self.of(filler))
            case "IF", [condition, then, otherwise]:
                return _if(self.of(condition), self.of(then), self.of(otherwise))
            case "PERIOD", [ast.Name()]:
                return 60.0 * self.period
            case "RATE", [argument]:
                return self._rate(self._series(argument))
            case _:
                raise MathError(f"the function {name} of {len(arguments)} values")

    def _series(self, node: ast.expr) -> Column:
        result = self.of(node)
        if isinstance(result, float):
            raise MathError(f"{ast.unparse(node)} is a number, not a series")
        return result

    def _rate(self, column: Column) -> Column:
        result: list[Value] = []
        for index, value in enumerate(column):
            earlier = range(index - self.period, max(-1, index - self.period * self.reach), -self.period)
            before = next((each for each in earlier if column[each] is not None), None)
            if value is None or before is None:
                result.append(None)
            else:
                result.append((value - (column[before] or 0)) / (60 * (index - before)))
        return result


def _right(node: ast.BinOp | ast.Compare) -> Sequence[ast.expr]:
    return [node.right] if isinstance(node, ast.BinOp) else node.comparators


def _pairwise(apply: Callable[[float, float], float], left: Operand, right: Operand) -> Operand:
    if isinstance(left, float):
        if isinstance(right, float):
            return _number(_or_dropped(apply, left, right))
        return [None if value is None else _or_dropped(apply, left, value) for value in right]
    if isinstance(right, float):
        return [None if value is None else _or_dropped(apply, value, right) for value in left]
    return [
        None if first is None and second is None else _or_dropped(apply, first or 0.0, second or 0.0)
        for first, second in zip(left, right, strict=True)
    ]


def _number(value: Value) -> float:
    if value is None:
        raise MathError("a division by zero")
    return value


def _if(condition: Operand, then: Operand, otherwise: Operand) -> Operand:
    if isinstance(condition, float):
        return then if condition else otherwise
    rows = zip(condition, _wide(then, condition), _wide(otherwise, condition), strict=True)
    return [None if test is None else (first if test else second) for test, first, second in rows]


def _fill(column: Column, filler: Operand) -> Column:
    rows = zip(column, _wide(filler, column), strict=True)
    return [other if value is None else value for value, other in rows]


def _wide(operand: Operand, column: Column) -> Column:
    """Return a number as a series as long as the column."""
    return [operand] * len(column) if isinstance(operand, float) else operand


def _or_dropped(apply: Callable[[float, float], float], left: float, right: float) -> Value:
    try:
        return float(apply(left, right))
    except (ArithmeticError, ValueError):
        return None


def _merge(merge: Callable[[Sequence[float], int], float], columns: Sequence[Column]) -> Column:
    result: list[Value] = []
    for row in zip(*columns, strict=True):
        present = [value for value in row if value is not None]
        result.append(merge(present, len(columns)) if present else None)
    return result


_OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.And: lambda left, right: bool(left and right),
    ast.Or: lambda left, right: bool(left or right),
}

_MERGES: Mapping[str, Callable[[Sequence[float], int], float]] = {
    "SUM": lambda present, _: math.fsum(present),
    "AVG": lambda present, series: math.fsum(present) / series,
    "MIN": lambda present, _: min(present),
    "MAX": lambda present, _: max(present),
}

_ROUNDINGS: Mapping[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
