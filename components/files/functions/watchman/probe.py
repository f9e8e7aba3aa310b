"""What a client sees of the API: whether a websocket opens, and what Route 53's checks from other regions say.

The standard library alone: TLS as a client verifies it, and the request of RFC 6455.
"""

import base64
import hashlib
import http.client
import json
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import boto3

PORT = 443
TIMEOUT_SECONDS = 5
SWITCHING_PROTOCOLS = 101
OF_RFC_6455 = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server appends to the key before it hashes it."""
CLOSE = b"\x88\x80\x00\x00\x00\x00"
"""The frame that ends a websocket, empty and masked with zeros."""
HEALTHY_SHARE = 0.18
"""Route 53 takes an endpoint for healthy if more than 18 % of its checkers reach it."""


def probe(watched: Mapping[str, Any]) -> Mapping[str, float]:
    """Return 1 for each check that succeeds and 0 for each that fails, by its name."""
    api = watched["api"]
    found = {"websocket": float(_answer(api["host"], api["path"]) == api["status"])}
    if watched["health_check"]:
        found["reached"] = float(_is_reached(watched["health_check"]))
    return found


def _answer(host: str, path: str) -> int:
    """Return the status of the answer to a client that asks for a websocket; 0 if there is none that can be trusted."""
    key = base64.b64encode(os.urandom(16)).decode()
    try:
        with (
            socket.create_connection((host, PORT), timeout=TIMEOUT_SECONDS) as connection,
            ssl.create_default_context().wrap_socket(connection, server_hostname=host) as tls,
        ):
            tls.sendall(_request(host, path, key))
            with http.client.HTTPResponse(tls, method="GET") as response:
                response.begin()
                if response.status != SWITCHING_PROTOCOLS:
                    return response.status
                tls.sendall(CLOSE)
                if response.headers.get("Sec-WebSocket-Accept") == _accepted(key):
                    return response.status
                failure = "another key is accepted"
    except (OSError, http.client.HTTPException) as error:
        failure = f"{type(error).__name__}: {error}"
    print(json.dumps({"event": "no websocket", "host": host, "reason": failure}))
    return 0


def _request(host: str, path: str, key: str) -> bytes:
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        # The web ACL refuses a client that does not say what it is.
        "User-Agent: fixrx-watchman",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _accepted(key: str) -> str:
    return base64.b64encode(hashlib.sha1((key + OF_RFC_6455).encode(), usedforsecurity=False).digest()).decode()


def _is_reached(health_check: str) -> bool:
    """Whether the checkers reach the API: their metric is in us-east-1 only, and an alarm reads those of its region."""
    seen = boto3.client("route53").get_health_check_status(HealthCheckId=health_check)["HealthCheckObservations"]
    reached = sum(each["StatusReport"]["Status"].startswith("Success") for each in seen)
    return bool(reached > HEALTHY_SHARE * len(seen))
