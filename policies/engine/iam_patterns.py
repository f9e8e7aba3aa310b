"""Patterns of IAM: `*` stands for any text, `?` for one character, `${...}` for a value of the request.

AWS compares actions without regard to case and resources with regard to it; the caller says which.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

ANY_TEXT: Final = "\ue000"
ANY_CHARACTER: Final = "\ue001"
"""Stand for the two wildcards once a pattern is parsed: `${*}` is a literal asterisk. No ARN has such a character."""
VARIABLE: Final = re.compile(r"\$\{\s*([^}',\s]+)\s*(?:,\s*'([^']*)'\s*)?\}")
"""A policy variable, with its default value if it has one: `${aws:PrincipalTag/team, 'none'}`."""
LITERALS: Final = frozenset({"*", "?", "$"})
ARN_PARTS: Final = 6


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Tell whether a text matches a pattern."""
    return _expression(_parsed(pattern), ignore_case).fullmatch(text) is not None


def covers(wider: str, narrower: str, *, ignore_case: bool = False) -> bool:
    """Tell whether a pattern matches everything that another pattern matches."""
    return _expression(_parsed(wider), ignore_case).fullmatch(_parsed(narrower)) is not None


def overlap(first: str, second: str, *, ignore_case: bool = False) -> bool:
    """Tell whether there is a text that matches both patterns."""
    one, other = _parsed(first), _parsed(second)
    # Most questions are about one name: the comparison of two patterns costs a hundred times as much.
    if not _is_open(one):
        return _expression(other, ignore_case).fullmatch(one) is not None
    if not _is_open(other):
        return _expression(one, ignore_case).fullmatch(other) is not None
    return _overlap(one, other, ignore_case)


def has_wildcard(pattern: str) -> bool:
    """Tell whether a pattern matches more than one text."""
    return _is_open(_parsed(pattern))


def is_any_text(pattern: str) -> bool:
    """Tell whether a pattern matches every text that is long enough: `*`, `**`, `?*`."""
    parsed = _parsed(pattern)
    return ANY_TEXT in parsed and not parsed.strip(ANY_TEXT + ANY_CHARACTER)


def matches_arn(pattern: str, arn: str) -> bool:
    """Tell whether an ARN matches a pattern as the Arn operators of conditions compare: part by part."""
    parts, patterns = arn.split(":", ARN_PARTS - 1), pattern.split(":", ARN_PARTS - 1)
    if is_any_text(pattern):
        return True
    return len(parts) == len(patterns) == ARN_PARTS and all(map(matches, patterns, parts))


def arn_parts(arn: str) -> Sequence[str]:
    """Return partition, service, region, account and resource of an ARN or of a pattern of ARNs.

    A part that a wildcard before it includes is a wildcard too: `arn:aws:s3*` has any region, account and resource.
    """
    given = arn.split(":", ARN_PARTS - 1)
    swallowed = bool(given) and is_open_ended(given[-1])
    return [*given[1:], *["*" if swallowed else ""] * (ARN_PARTS - len(given))]


def is_open_ended(pattern: str) -> bool:
    """Tell whether a pattern ends with any text."""
    return _parsed(pattern).endswith(ANY_TEXT)


def substitute(pattern: str, context: Mapping[str, Sequence[str]]) -> str | None:
    """Return a pattern with the request's values for its variables, or None where a value without default is missing.

    The names in the context are in lower case. A wildcard inside a value is literal, as it is for AWS.
    """
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        name, default = match[1], match[2]
        if name in LITERALS:
            return match[0]
        values = context.get(name.lower(), ())
        if len(values) != 1 and default is None:
            missing = True
            return ""
        return re.sub(r"[*?$]", r"${\g<0>}", values[0] if len(values) == 1 else default)

    substituted = VARIABLE.sub(value_of, pattern)
    return None if missing else substituted


def variables(pattern: str) -> Sequence[str]:
    """Return the names of the variables in a pattern."""
    return [match[1] for match in VARIABLE.finditer(pattern) if match[1] not in LITERALS]


def _is_open(parsed: str) -> bool:
    return ANY_TEXT in parsed or ANY_CHARACTER in parsed


@lru_cache(maxsize=4096)
def _parsed(pattern: str) -> str:
    """Return a pattern with its wildcards replaced by single characters, `**` and `*?` in their shortest form."""
    parsed: list[str] = []
    end = 0
    for match in VARIABLE.finditer(pattern):
        parsed += [_wildcards(pattern[end : match.start()]), match[1] if match[1] in LITERALS else ANY_TEXT]
        end = match.end()
    parsed.append(_wildcards(pattern[end:]))
    return re.sub(f"[{ANY_TEXT}{ANY_CHARACTER}]+", _shortest, "".join(parsed))


def _wildcards(text: str) -> str:
    return text.replace("*", ANY_TEXT).replace("?", ANY_CHARACTER)


def _shortest(run: re.Match[str]) -> str:
    return ANY_CHARACTER * run[0].count(ANY_CHARACTER) + ANY_TEXT * (ANY_TEXT in run[0])


@lru_cache(maxsize=4096)
def _expression(parsed: str, ignore_case: bool) -> re.Pattern[str]:
    wildcards = {ANY_TEXT: ".*", ANY_CHARACTER: f"[^{ANY_TEXT}]"}
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.compile("".join(wildcards.get(character) or re.escape(character) for character in parsed), flags)


@lru_cache(maxsize=4096)
def _overlap(first: str, second: str, ignore_case: bool) -> bool:
    if ignore_case:
        first, second = first.lower(), second.lower()
    # Row by row from the ends: whether what is left of the first and of the second pattern share a text.
    below = [not second[column:].strip(ANY_TEXT) for column in range(len(second) + 1)]
    for token in reversed(first):
        row = [token == ANY_TEXT and below[-1]]
        for column in reversed(range(len(second))):
            other = second[column]
            if ANY_TEXT in (token, other):
                shared = below[column] or row[-1]
            else:
                shared = (token == other or ANY_CHARACTER in (token, other)) and below[column + 1]
            row.append(shared)
        below = row[::-1]
    return below[0]
