"""Which values may be secrets: no message quotes them, and in plain text they are refused under a name of their own."""

import math
import re
from collections import Counter

SECRET_WORDS = frozenset(
    {
        "apikey",
        "credential",
        "credentials",
        "key",
        "passphrase",
        "passwd",
        "password",
        "pin",
        "pwd",
        "secret",
        "token",
        "webhook",
    }
)
LONGEST_QUOTED = 60
"""In characters; every setting is shorter, but for ARNs and names of domains."""
SHORTEST_RANDOM = 16
RANDOM_BITS = 3.0
"""Bits a character (Shannon): words of a language that are not repetitive have about 2.5 at this length."""
SHORTEST_PASSWORD = 8

_KNOWN = re.compile(
    r"""
    -----BEGIN                                      # a private key or a certificate
    | ://[^/\s]*:[^/\s]*@                           # a URL with a password
    | \b(AKIA|ASIA)[A-Z0-9]{12,}                    # AWS
    | \b(gh[opsur]_|github_pat_)                    # GitHub
    | \bSG\.[\w-]{5,}                               # SendGrid
    | \b(sk|pk|rk)_(live|test)_                     # Stripe
    | \bxox[abprs]-                                 # Slack
    | \b(AC|SK)[0-9a-f]{20,}                        # Twilio
    | \beyJ[\w-]{8,}                                # a JSON web token
    | \bAIza[\w-]{10,}                              # Google
    | hooks\.slack\.com/services/ | /api/webhooks/      # Slack, Discord
    | \bpul-[0-9a-f]{8,}                            # Pulumi
    | \bsk-[\w-]{8,}                                # OpenAI and others
    """,
    re.VERBOSE,
)
_NO_SECRET = re.compile(r"arn:aws[\w-]*:[\w:/.@-]*|(ami|vpc|subnet|sg)-[0-9a-f]*")
_KEY = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
"""Base64 of a length that keys have."""
_CHARACTER_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")


def is_named_like_a_secret(name: str) -> bool:
    """Tell whether a key, in any spelling (`twilio_auth_token`, `twilioAuthToken`), is that of a secret."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return any(word.lower() in SECRET_WORDS or word.lower().endswith(("password", "token")) for word in words)


def looks_like_a_secret(value: str) -> bool:
    """Tell whether a text may be a password, a token or a key."""
    if _KNOWN.search(value):
        return True
    if _NO_SECRET.fullmatch(value):
        return False
    if _KEY.fullmatch(value) and all(re.search(each, value) for each in _CHARACTER_CLASSES[:3]):
        return True
    return any(_is_random(word) or _is_password(word) for word in re.split(r"[\s,;:/@._-]+", value))


def may_be_quoted(value: str) -> bool:
    """Tell whether a message may repeat a text."""
    return len(value) <= LONGEST_QUOTED and not looks_like_a_secret(value)


def _is_random(word: str) -> bool:
    """Tell whether a word is long, mixes digits and letters, and repeats little."""
    if len(word) < SHORTEST_RANDOM or not re.search(r"[0-9]", word) or not re.search(r"[A-Za-z]", word):
        return False
    counts = Counter(word).values()
    return -sum(count / len(word) * math.log2(count / len(word)) for count in counts) >= RANDOM_BITS


def _is_password(word: str) -> bool:
    """Tell whether a word mixes at least three of small letters, capitals, digits and signs."""
    return len(word) >= SHORTEST_PASSWORD and sum(bool(re.search(each, word)) for each in _CHARACTER_CLASSES) >= 3
