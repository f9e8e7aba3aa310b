"""An account in moto: production's, unless a test chooses."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.delivery.account import ACCOUNTS


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Runs a test in moto, in production's account."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "GITHUB_RUN_ID", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", ACCOUNTS["production"])
    with mock_aws():
        yield ACCOUNTS["production"]
