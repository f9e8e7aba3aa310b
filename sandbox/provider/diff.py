"""When two values of a property mean the same, for differences between programs and for drift in AWS."""

import json
from typing import Any

from sandbox.provider import schema
from sandbox.provider.values import UNKNOWN


def same(declared: schema.Type, left: Any, right: Any, *, ordered: bool = False) -> bool:
    """Whether two inputs mean the same: order counts in lists only if `ordered`, spelling of JSON documents never."""
    return _same(declared, left, right, ordered, subset=False)


def matches(declared: schema.Type, expected: Any, actual: Any, *, ordered: bool = False) -> bool:
    """Whether what AWS has is what was asked for; of objects only the properties that were asked for are compared."""
    return _same(declared, expected, actual, ordered, subset=True)


def _same(declared: schema.Type, left: Any, right: Any, ordered: bool, subset: bool) -> bool:
    if UNKNOWN in (left if isinstance(left, str) else "", right if isinstance(right, str) else ""):
        return bool(left == right)
    match declared:
        case schema.ObjectType():
            return _same_object(declared, left or {}, right or {}, ordered, subset)
        case schema.ListOf():
            return _same_list(declared.item, left or [], right or [], ordered, subset)
        case schema.MapOf():
            return _same_map(declared.value, left or {}, right or {}, ordered, subset)
    if left is None or right is None:
        return left is right or (subset and left in (False, "", 0) and right is None)
    return _same_scalar(left, right)


def _same_object(declared: schema.ObjectType, left: Any, right: Any, ordered: bool, subset: bool) -> bool:
    if not isinstance(left, dict) or not isinstance(right, dict):
        return bool(left == right)
    keys = {key for key, value in left.items() if value is not None}
    if not subset:
        keys |= {key for key, value in right.items() if value is not None}
    known = declared.properties
    return all(
        _same(known[key].type if key in known else schema.ANY, left.get(key), right.get(key), ordered, subset)
        for key in keys
    )


def _same_list(item: schema.Type, left: Any, right: Any, ordered: bool, subset: bool) -> bool:
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right):
        return bool(left == right)
    if ordered:
        return all(_same(item, a, b, ordered, subset) for a, b in zip(left, right, strict=True))
    remaining = list(right)
    for value in left:
        found = next((i for i, other in enumerate(remaining) if _same(item, value, other, ordered, subset)), None)
        if found is None:
            return False
        del remaining[found]
    return True


def _same_map(value: schema.Type, left: Any, right: Any, ordered: bool, subset: bool) -> bool:
    if not isinstance(left, dict) or not isinstance(right, dict):
        return bool(left == right)
    return left.keys() == right.keys() and all(_same(value, left[key], right[key], ordered, subset) for key in left)


def _same_scalar(left: Any, right: Any) -> bool:
    if left == right or str(left) == str(right):
        return True
    if isinstance(left, str) and isinstance(right, str) and left[:1] in "{[" and right[:1] in "{[":
        return bool(_document(left) == _document(right))
    return False


def _document(text: str) -> Any:
    """A JSON document in one canonical form; in policies one string and a list of that string mean the same."""
    try:
        return _canonical(json.loads(text))
    except ValueError:
        return text


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [_canonical(item) for item in value]
        if all(isinstance(item, str) for item in items):
            return items[0] if len(items) == 1 else sorted(items)
        return items
    return str(value).lower() if isinstance(value, bool) else value
