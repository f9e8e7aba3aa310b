"""What the tests of the provider side share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox.provider.services import Services, serve


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Single resources over an empty emulator and an empty record."""
    with serve(tmp_path) as running:
        yield running
