"""What rules know about AWS."""

import base64
import gzip
from typing import Any

import pytest

from policies.aws import is_internet, script_of

SCRIPT = "#!/bin/bash\necho ü\n"
COMPRESSED = gzip.compress(SCRIPT.encode(), mtime=0)


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


def in_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    ("user_data", "script"),
    [
        (in_base64(SCRIPT.encode()), SCRIPT),
        (in_base64(COMPRESSED), SCRIPT),
        (SCRIPT, SCRIPT),
        ("", ""),
        # What cannot be read is searched as it is.
        (in_base64(COMPRESSED[:-9]), in_base64(COMPRESSED[:-9])),
        (
            in_base64(COMPRESSED[:20] + b"damaged" + COMPRESSED[27:]),
            in_base64(COMPRESSED[:20] + b"damaged" + COMPRESSED[27:]),
        ),
        (in_base64(b"\x1f\x8b"), in_base64(b"\x1f\x8b")),
        (in_base64(b"\xff\xfe"), in_base64(b"\xff\xfe")),
    ],
)
def test_user_data_is_read_as_cloud_init_runs_it(user_data: Any, script: str) -> None:
    assert script_of(user_data) == script
