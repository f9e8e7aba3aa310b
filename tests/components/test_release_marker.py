"""Markers: what they say, and what they wait for."""

import json

import pytest

from tests.recorder import Recording


@pytest.mark.parametrize(
    ("marker", "says"),
    [
        ("migrated", {"release", "sha256"}),
        ("released", {"release", "sha256", "template"}),
    ],
)
def test_a_marker_says_in_the_open_how_far_a_release_has_come(
    production: Recording, marker: str, says: set[str]
) -> None:
    parameter = production.named(f"{marker}-marker")

    assert parameter.pick("name", "type") == {"name": f"/fixrx/production/{marker}", "type": "String"}
    assert set(json.loads(parameter.plain["insecureValue"])) == says
    assert parameter.secret_inputs() == set()
