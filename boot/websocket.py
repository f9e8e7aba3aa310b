"""As much of a websocket as a check needs: one short text, sent through nginx and back. RFC 6455, section 5."""

import base64
import os
import socket

TIMEOUT_SECONDS = 30
_TEXT = 0x81
_MASKED = 0x80
LONGEST = 125
"""A longer text has another kind of length."""


def echo(port: int, path: str, text: str) -> str:
    """Sends a text over a new websocket on loopback, and returns the one that comes back. Raises AssertionError if the
    connection is not made one, or another kind of message comes."""
    content = text.encode()
    assert len(content) <= LONGEST
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
        stream = connection.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: server\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        status = stream.readline().decode().strip()
        assert status.startswith("HTTP/1.1 101 "), f"the answer to the upgrade is {status!r}"
        while stream.readline().strip():
            pass
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(content))
        connection.sendall(bytes([_TEXT, _MASKED | len(content)]) + mask + masked)
        kind, length = stream.read(2)
        assert kind == _TEXT, f"the message is of the kind {kind:#x}"
        return stream.read(length).decode()
