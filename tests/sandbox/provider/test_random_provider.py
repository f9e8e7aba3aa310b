"""Random values: what they are made of, that they differ, and that only a change of their inputs makes new ones."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.provider.random_provider import ID, PASSWORD, STRING, Random
from sandbox.provider.resource_provider import Identity, ProviderConfiguration
from sandbox.provider.values import UNKNOWN, Properties

CONFIGURATION = ProviderConfiguration("us-east-1")


def make(token: str, **inputs: Any) -> tuple[str, Properties]:
    package, identity = Random(), Identity(token, "it")
    checked, failures = package.check(identity, inputs, {}, b"", None, CONFIGURATION)
    assert failures == []
    return package.create(identity, checked, CONFIGURATION)


def failures(token: str, **inputs: Any) -> list[tuple[str, str]]:
    _, found = Random().check(Identity(token, "it"), inputs, {}, b"", None, CONFIGURATION)
    return [(one.property, one.reason) for one in found]


minima = st.integers(min_value=0, max_value=8)


@given(minima, minima, minima, minima, st.integers(min_value=1, max_value=40))
def test_a_password_has_its_length_and_its_minima(
    lower: int, upper: int, numeric: int, special: int, more: int
) -> None:
    length = lower + upper + numeric + special + more
    identifier, state = make(
        PASSWORD, length=length, minLower=lower, minUpper=upper, minNumeric=numeric, minSpecial=special
    )
    result = state["result"]
    assert (identifier, len(result)) == ("none", length)
    counts = [
        sum(character.islower() for character in result) - lower,
        sum(character.isupper() for character in result) - upper,
        sum(character.isdigit() for character in result) - numeric,
        sum(not character.isalnum() for character in result) - special,
    ]
    assert min(counts) >= 0


def test_only_the_wanted_characters_are_used() -> None:
    _, state = make(PASSWORD, length=500, special=False, upper=False)
    assert set(state["result"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    _, state = make(PASSWORD, length=500, overrideSpecial="_-", lower=False, upper=False, numeric=False)
    assert set(state["result"]) == set("_-")


def test_two_passwords_differ() -> None:
    assert make(PASSWORD, length=32)[1]["result"] != make(PASSWORD, length=32)[1]["result"]


def test_a_string_is_its_own_id() -> None:
    identifier, state = make(STRING, length=12, special=False)
    assert (identifier, len(identifier)) == (state["result"], 12)


def test_an_id_in_all_its_forms() -> None:
    identifier, state = make(ID, byteLength=8, prefix="x-", keepers={"a": "b"})
    value = bytes.fromhex(state["hex"].removeprefix("x-"))
    assert len(value) == 8
    assert identifier == state["b64Url"] == "x-" + base64.urlsafe_b64encode(value).decode().rstrip("=")
    assert state["b64Std"] == "x-" + base64.b64encode(value).decode()
    assert state["dec"] == f"x-{int.from_bytes(value, 'big')}"


@pytest.mark.parametrize(
    ("token", "inputs", "expected"),
    [
        (PASSWORD, {}, [("length", "required input 'length' is missing")]),
        (PASSWORD, {"length": 0}, [("length", "must be at least 1, is 0")]),
        (
            PASSWORD,
            {"length": 3, "minLower": 2, "minUpper": 2},
            [("length", "must be at least 4, the sum of the minima, is 3")],
        ),
        (
            STRING,
            {"length": 3, "lower": False, "upper": False, "numeric": False, "special": False},
            [("lower", "at least one of lower, upper, numeric and special must be true")],
        ),
        (PASSWORD, {"length": 8, "lenght": 9}, [("lenght", "unknown input 'lenght'; did you mean 'length'?")]),
        (ID, {"byteLength": 0}, [("byteLength", "must be at least 1, is 0")]),
        (PASSWORD, {"length": UNKNOWN}, []),
        (
            "random:index/randomPet:RandomPet",
            {},
            [("", "the sandbox does not support the type random:index/randomPet:RandomPet")],
        ),
    ],
)
def test_mistakes_are_found(token: str, inputs: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert failures(token, **inputs) == expected


def test_every_change_makes_a_new_value_and_nothing_else_does() -> None:
    identity = Identity(PASSWORD, "it")
    old = {"length": 24, "keepers": {"rotation": "1"}}

    def replaced(**new: Any) -> list[str]:
        difference = Random().difference(identity, old, {}, {**old, **new}, (), CONFIGURATION)
        return [key for key, change in difference.changes.items() if change.replaces]

    assert replaced() == []
    assert replaced(keepers={"rotation": "2"}) == ["keepers"]
    assert replaced(length=32) == ["length"]


def test_a_refresh_changes_nothing() -> None:
    inputs = {"length": 24}
    identifier, state = make(PASSWORD, **inputs)
    existing = Random().read(Identity(PASSWORD, "it"), identifier, inputs, state, CONFIGURATION)
    assert existing is not None
    assert (existing.inputs, existing.properties) == (inputs, state)
