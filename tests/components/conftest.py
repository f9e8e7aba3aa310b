"""Both stacks, recorded once for all tests of the program."""

import hypothesis
import pytest

from tests.components.recorder import Recording, record_stack

# On a busy machine the same example takes a millisecond or a second.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def production() -> Recording:
    return record_stack("production")


@pytest.fixture(scope="session")
def staging() -> Recording:
    return record_stack("staging")


@pytest.fixture(params=["production", "staging"])
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stack(environment: str, request: pytest.FixtureRequest) -> Recording:
    """Each of the two stacks in turn."""
    recording = request.getfixturevalue(environment)
    assert isinstance(recording, Recording)
    return recording
