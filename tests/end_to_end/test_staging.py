"""The staging stack: deployed beside nothing else, then deleted without a trace."""

import pytest

from tests.end_to_end.driver import Sandbox, summary
from tests.end_to_end.inventory import inventory

pytestmark = pytest.mark.engine


def test_staging_comes_and_goes_without_a_trace(staging: Sandbox) -> None:
    created = summary(staging.succeed("up"))
    held = inventory(staging)
    assert [kind for kind, items in held.items() if not items] == []
    destroyed = summary(staging.succeed("destroy"))
    assert destroyed == {"deleted": created["created"]}
    left = inventory(staging)
    assert {kind: items for kind, items in left.items() if items} == {}
    assert staging.state() == {}
