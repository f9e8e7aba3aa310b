"""Slack, by an incoming webhook. Its address is a secret: no error and no log names it."""

import http.client
import json
import re
import urllib.error
import urllib.request
from typing import IO, Any

TIMEOUT_SECONDS = 3
ADDRESS = re.compile(r"https://[^\s]+|http://127\.0\.0\.1:\d+/[^\s]*")
"""A webhook; without TLS on this machine only, for tests."""


class NotDelivered(Exception):
    """A channel has not taken a message."""

    def __init__(self, reason: str, retry_after_seconds: float = 0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A webhook does not redirect, and its messages are for nobody else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def post(address: str, text: str) -> None:
    """Post a message. Raises NotDelivered, with what Slack wants to be waited."""
    if not ADDRESS.fullmatch(address.strip()):
        raise NotDelivered("the value of the secret is no address of a webhook")
    request = urllib.request.Request(
        address.strip(), json.dumps({"text": text}).encode(), {"Content-Type": "application/json; charset=utf-8"}
    )
    # None of the errors is chained: they name the address.
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
        reason, wait = f"Slack answered {error.code}", _seconds(error.headers.get("Retry-After"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason, wait = f"Slack gave no answer ({type(error).__name__})", 0
    raise NotDelivered(reason, wait)


def _seconds(header: str | None) -> float:
    """Slack sends whole seconds; anything else is none."""
    return float(header) if header and re.fullmatch(r"\d{1,6}", header.strip()) else 0
