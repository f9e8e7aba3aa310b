"""What rules know about AWS."""

import pytest

from policies.aws import is_internet


@pytest.mark.parametrize(
    ("block", "internet"),
    [
        ("0.0.0.0/0", True),
        ("0.0.0.0/1", True),
        ("::/0", True),
        ("2000::/3", True),
        ("10.0.0.0/8", False),
        ("fc00::/7", False),
        ("203.0.113.7/32", False),
    ],
)
def test_block_wider_than_any_private_network_is_the_internet(block: str, internet: bool) -> None:
    assert is_internet(block) is internet
