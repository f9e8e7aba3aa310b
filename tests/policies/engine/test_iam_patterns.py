"""Patterns of IAM, held against fnmatch and against one another."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.iam_patterns import (
    arn_parts,
    covers,
    has_wildcard,
    is_any_text,
    matches,
    matches_arn,
    overlap,
    substitute,
)

TEXTS = st.text("aB:/", max_size=6)
PATTERNS = st.text("aB:*?", max_size=6)


@given(PATTERNS, TEXTS)
def test_simple_pattern_matches_like_a_file_name(pattern: str, text: str) -> None:
    assert matches(pattern, text) is fnmatchcase(text, pattern)


@given(PATTERNS, TEXTS)
def test_case_is_ignored_where_the_caller_says_so(pattern: str, text: str) -> None:
    assert matches(pattern, text, ignore_case=True) is fnmatchcase(text.lower(), pattern.lower())


@given(PATTERNS, PATTERNS, TEXTS)
def test_what_covers_a_pattern_matches_whatever_it_matches(wider: str, narrower: str, text: str) -> None:
    if covers(wider, narrower) and matches(narrower, text):
        assert matches(wider, text)


@given(PATTERNS, PATTERNS, TEXTS)
def test_patterns_that_match_the_same_text_overlap(first: str, second: str, text: str) -> None:
    if matches(first, text) and matches(second, text):
        assert overlap(first, second)


@given(PATTERNS, PATTERNS)
def test_overlap_has_a_witness_and_no_direction(first: str, second: str) -> None:
    shared = overlap(first, second)

    assert overlap(second, first) is shared
    assert (_witness(first, second) is not None) is shared


def _witness(first: str, second: str) -> str | None:
    """Return a text that matches both patterns, found by trying every way through them."""
    if not first and not second:
        return ""
    for one, other in ((first, second), (second, first)):
        if one.startswith("*"):
            found = _witness(one[1:], other)
            if found is None and other:
                # The wildcard stands for the first of the other: a text matches there that the other decides.
                rest = _witness(one, other[1:])
                found = None if rest is None else other[0].replace("*", "").replace("?", "a") + rest
            if found is not None:
                return found
    if first and second and "*" not in (first[0], second[0]):
        same = first[0] == second[0] or "?" in (first[0], second[0])
        rest = _witness(first[1:], second[1:]) if same else None
        return None if rest is None else (first[0] if first[0] != "?" else second[0].replace("?", "a")) + rest
    return None


@given(PATTERNS, TEXTS)
def test_pattern_covers_a_text_exactly_if_it_matches_it(pattern: str, text: str) -> None:
    assert covers(pattern, text) is matches(pattern, text)


@pytest.mark.parametrize(
    ("wider", "narrower", "expected"),
    [
        ("*", "a*b", True),
        ("a?*", "a*?", True),
        ("a*?", "a?*", True),
        ("**", "*", True),
        ("a?", "a*", False),
        ("?", "", False),
        ("arn:aws:s3:::*", "arn:aws:s3:::bucket/*", True),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::*", False),
        ("*", "${aws:username}", True),
        ("home/*", "home/${aws:username}/*", True),
        ("home/a", "home/${aws:username}", False),
    ],
)
def test_covers(wider: str, narrower: str, expected: bool) -> None:
    assert covers(wider, narrower) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("s3:Get*", "s3:*Object", True),
        ("s3:Get*", "s3:Put*", False),
        ("a*b", "b*a", False),
        ("home/${aws:username}", "home/alice", True),
        ("home/${aws:username}", "public/alice", False),
        ("???", "*ab*", True),
        ("??", "a*b*c", False),
    ],
)
def test_overlap(first: str, second: str, expected: bool) -> None:
    assert overlap(first, second) is expected


def test_wildcards_in_braces_are_literal() -> None:
    assert matches("a${*}", "a*") and not matches("a${*}", "ab")
    assert matches("${?}${$}", "?$")
    assert not has_wildcard("a${*}b") and has_wildcard("a${aws:username}b")


@pytest.mark.parametrize(
    ("pattern", "expected"), [("*", True), ("**", True), ("?*", True), ("?", False), ("a*", False)]
)
def test_any_text(pattern: str, expected: bool) -> None:
    assert is_any_text(pattern) is expected


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        ("arn:aws:iam::*:role/x", "arn:aws:iam::111122223333:role/x", True),
        ("arn:aws:iam::*:role/x", "arn:aws:iam::1:role/y:role/x", False),
        ("arn:aws:sns:*:1:*", "arn:aws:sns:us-east-1:1:topic:subscription", True),
        ("arn:aws:sns:*", "arn:aws:sns:us-east-1:1:topic", False),
        ("*", "arn:aws:sns:us-east-1:1:topic", True),
        ("arn:*:s3:::b", "arn:aws:s3:::b", True),
        ("arn:aws:s3:::b", "b", False),
    ],
)
def test_arn_is_compared_part_by_part(pattern: str, arn: str, expected: bool) -> None:
    assert matches_arn(pattern, arn) is expected


@pytest.mark.parametrize(
    ("arn", "parts"),
    [
        ("arn:aws:iam::1:role/a:b", ["aws", "iam", "", "1", "role/a:b"]),
        ("arn:aws:s3*", ["aws", "s3*", "*", "*", "*"]),
        ("*", ["*", "*", "*", "*", "*"]),
        ("bucket", ["", "", "", "", ""]),
    ],
)
def test_parts_of_an_arn(arn: str, parts: list[str]) -> None:
    assert arn_parts(arn) == parts


def test_variables_are_replaced_by_the_values_of_the_request() -> None:
    context = {"aws:username": ["al*ice"], "aws:principaltag/team": ["a", "b"]}

    assert substitute("home/${aws:UserName}/*", context) == "home/al${*}ice/*"
    assert substitute("${aws:PrincipalTag/team, 'none'}", context) == "none"
    assert substitute("${aws:userid}", context) is None
    assert substitute("${*}", context) == "${*}"
