"""Old and new values: found in depth, short enough to read, never more than the engine shows."""

import base64
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.differences import LONGEST_VALUE, UNKNOWN, differences

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLAIN = st.dictionaries(st.sampled_from("abcd"), st.booleans() | st.sampled_from(["x", "y", "z"]), max_size=4)
INPUTS = st.dictionaries(
    st.text(min_size=1, max_size=5).filter(lambda key: not key.startswith("__")), VALUES, max_size=4
)


def told(old: dict[str, object], new: dict[str, object]) -> list[str]:
    return [str(difference) for difference in differences(old, new)]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"size": 3}, {"size": 4}, ["size: 3 -> 4"]),
        ({"a": 1, "b": "x"}, {"b": "x", "c": True}, ["a: removed 1", "c: added true"]),
        ({"tags": {"Owner": "a", "Name": "n"}}, {"tags": {"Owner": "b", "Name": "n"}}, ['tags.Owner: "a" -> "b"']),
        ({"zones": ["a", "b"]}, {"zones": ["a", "c"]}, ['zones[1]: "b" -> "c"']),
        ({"zones": ["a"]}, {"zones": ["a", "b"]}, ['zones: added "b"']),
        ({"rules": [{"port": 1}, {"port": 2}]}, {"rules": [{"port": 2}]}, ['rules: removed {"port": 1}']),
        ({"id": "vpc-1"}, {"id": UNKNOWN}, ['id: "vpc-1" -> (known after deployment)']),
        ({"ids": ["a"]}, {"ids": [UNKNOWN]}, ['ids[0]: "a" -> (known after deployment)']),
        ({"password": "[secret]"}, {"password": "[secret]"}, []),
        ({"__defaults": ["a"], "a": 1}, {"__defaults": [], "a": 1}, []),
        ({"a": None}, {"a": 0}, ["a: null -> 0"]),
    ],
)
def test_differences(old: dict[str, object], new: dict[str, object], expected: list[str]) -> None:
    assert told(old, new) == expected


def test_documents_are_compared_by_what_they_say() -> None:
    old, new = (json.dumps({"Statement": [{"Sid": "A", "Action": [action]}]}) for action in ("s3:Get", "s3:Put"))
    assert told({"policy": old}, {"policy": new}) == ['policy.Statement[0].Action[0]: "s3:Get" -> "s3:Put"']
    assert told({"policy": old}, {"policy": json.dumps(json.loads(old), indent=2)}) == []


def test_scripts_are_compared_line_by_line() -> None:
    script = "#!/bin/sh\n" + "".join(f"echo {number}\n" for number in range(40))
    other = script.replace("echo 7\n", "echo seven\n")
    encoded = [base64.b64encode(text.encode()).decode() for text in (script, other)]
    assert told({"userData": encoded[0]}, {"userData": encoded[1]}) == ['userData: "echo 7" -> "echo seven"']
    assert told({"userData": script}, {"userData": script + "echo end\n"}) == ['userData: added "echo end"']


def test_compressed_scripts_are_compared_line_by_line_too() -> None:
    script = "#!/bin/sh\n" + "".join(f"echo {number} {number * number} {number**3}\n" for number in range(200))
    other = script.replace("echo 7 ", "echo seven ")
    encoded = [base64.b64encode(gzip.compress(text.encode())).decode() for text in (script, other)]
    assert told({"userData": encoded[0]}, {"userData": encoded[1]}) == [
        'userData: "echo 7 49 343" -> "echo seven 49 343"'
    ]
    # Compressed by another library, or not at all: the same script.
    assert told({"userData": encoded[0]}, {"userData": base64.b64encode(script.encode()).decode()}) == []


def test_what_only_looks_compressed_is_compared_as_it_is() -> None:
    damaged = [base64.b64encode(b"\x1f\x8b" + bytes([byte]) * 300).decode() for byte in (1, 2)]
    assert len(told({"userData": damaged[0]}, {"userData": damaged[1]})) == 1


def test_long_values_are_cut() -> None:
    [difference] = told({"text": "x"}, {"text": "y" * 1000})
    assert len(difference) < LONGEST_VALUE + 40
    assert difference.endswith("(1002 characters)")


@given(INPUTS)
def test_same_inputs_do_not_differ(inputs: dict[str, object]) -> None:
    assert differences(inputs, json.loads(json.dumps(inputs))) == []


@given(PLAIN, PLAIN)
def test_exactly_the_changed_inputs_are_told(old: dict[str, object], new: dict[str, object]) -> None:
    changed = sorted(key for key in {*old, *new} if old.get(key, ...) != new.get(key, ...))
    assert [difference.path for difference in differences(old, new)] == changed
