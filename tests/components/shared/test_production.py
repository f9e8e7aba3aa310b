"""What `Production` accepts, and how it states its requirement."""

from typing import Any

import pytest

from components.shared.production import NOT_BURSTABLE, Production


@pytest.mark.parametrize(
    ("requirement", "accepted", "refused"),
    [
        (Production(at_least=7, because="of the guide"), 7, 6),
        (Production(at_least=3, because="of the guide"), ("a", "b", "c"), ("a", "b")),
        (Production(one_of=(True,), because="of the guide"), True, False),
        (Production(one_of=("block", "captcha"), because="of the guide"), "captcha", "count"),
        (NOT_BURSTABLE, "db.m7g.large", "db.t4g.large"),
    ],
    ids=["number", "list", "flag", "choice", "instance type"],
)
def test_requirement_accepts_and_refuses(requirement: Production, accepted: Any, refused: Any) -> None:
    assert (requirement.accepts(accepted), requirement.accepts(refused)) == (True, False)


@pytest.mark.parametrize(
    ("requirement", "text"),
    [
        (Production(at_least=7, because="of the guide"), "at least 7"),
        (Production(one_of=(True,), because="of the guide"), "true"),
        (Production(one_of=("per_zone", "regional"), because="of the guide"), "per_zone or regional"),
        (NOT_BURSTABLE, "an instance type that is not burstable, such as the m7g family"),
    ],
    ids=["number", "flag", "choice", "instance type"],
)
def test_requirement_says_what_to_set(requirement: Production, text: str) -> None:
    assert requirement.requirement == text
