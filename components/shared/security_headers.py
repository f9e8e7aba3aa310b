"""The guide's four security headers, with its values. nginx on the servers has them in its own file."""

from collections.abc import Mapping

FRAME_OPTIONS = "DENY"
CONTENT_TYPE_OPTIONS = "nosniff"
HSTS_SECONDS = 31_536_000
"""One year."""
HSTS = f"max-age={HSTS_SECONDS}; includeSubDomains"
SECURITY_HEADERS: Mapping[str, str] = {
    "X-Frame-Options": FRAME_OPTIONS,
    "X-Content-Type-Options": CONTENT_TYPE_OPTIONS,
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": HSTS,
}
