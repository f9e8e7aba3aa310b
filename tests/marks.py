"""Which tests need the Pulumi engine, the emulator or the programs of a server, and the guard that keeps them out of
`make unit`.

Code that starts one of them calls `require`, so a test cannot start it without the mark and slow `make unit` down.
"""

import pytest


class _Current:
    """The test that runs in this process."""

    item: pytest.Item | None = None


def set_current(item: pytest.Item | None) -> None:
    """Remember the test that runs now."""
    _Current.item = item


def require(mark: str) -> None:
    """Fail the running test if it does not have this mark."""
    item = _Current.item
    if item is not None and item.get_closest_marker(mark) is None:
        raise AssertionError(f"{item.nodeid} starts the {mark}: mark it with `pytest.mark.{mark}`")
