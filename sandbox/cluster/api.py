"""A client of the API server: plain HTTP, and objects as Kubernetes writes them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

Object = dict[str, Any]
"""A Kubernetes object, or any other answer of the API server."""

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

_FIELD_MANAGER = "fixrx-sandbox"
_POLL_SECONDS = 0.2
_REQUEST_SECONDS = 30


class NotAcceptedError(Exception):
    """The API server has refused a request."""


class Api:
    """The API server on a port of loopback, as one user sees it."""

    def __init__(self, port: int, authority: Path, certificate: Path) -> None:
        """`authority` signed the server's certificate; `certificate` is the user's, with its key."""
        self._url = f"https://127.0.0.1:{port}"
        self._pool = urllib3.PoolManager(ca_certs=str(authority), cert_file=str(certificate), retries=False)

    def call(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> "Answer":
        """One request; an answer that refuses it is an answer like another."""
        response = self._pool.request(
            method, self._url + path, json=body, headers={"Content-Type": kind}, timeout=_REQUEST_SECONDS
        )
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(response.status, response.json() if is_json else {})

    def get(self, path: str) -> Object:
        """What is there. Raises NotAcceptedError if there is nothing."""
        return self.call("GET", path).accepted()

    def items(self, path: str) -> list[Object]:
        """The objects of a list."""
        listed: list[Object] = self.get(path)["items"]
        return listed

    def apply(self, path: str, body: Object) -> Object:
        """Makes an object what `body` says, new or not."""
        return self.call("PATCH", f"{path}?fieldManager={_FIELD_MANAGER}&force=true", body, APPLY).accepted()

    def merge(self, path: str, body: Object) -> Object:
        """Changes some fields of an object."""
        return self.call("PATCH", path, body, MERGE).accepted()


class Answer:
    """What the API server has answered."""

    def __init__(self, status: int, body: Object) -> None:
        self.status = status
        self.body = body

    def accepted(self) -> Object:
        """The body. Raises NotAcceptedError if the request was refused."""
        if self.status not in (200, 201):
            raise NotAcceptedError(f"{self.status} {self.body.get('message', '')}")
        return self.body


def await_condition(what: str, condition: Callable[[], bool], seconds: float) -> None:
    """Waits until a condition holds. Raises TimeoutError, which says what did not come true.

    The API server that does not answer yet, or lacks what is asked for, is waited for as well.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (NotAcceptedError, urllib3.exceptions.HTTPError, KeyError):
            pass
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(_POLL_SECONDS)
