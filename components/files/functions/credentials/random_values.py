"""Random values that need no quoting in a URL."""

import secrets
import string

LETTERS = string.ascii_letters + string.digits


def new_password() -> str:
    """32 letters and digits, which are 190 bits."""
    return "".join(secrets.choice(LETTERS) for _ in range(32))


def new_key() -> str:
    """64 characters, which are 384 bits; as a password of Redis it is within ElastiCache's 16 to 128."""
    return secrets.token_urlsafe(48)
