"""Redis: one user with two passwords, of which the older one stays valid until the next rotation."""

import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3

from .random_values import new_key

SECONDS_TO_CONNECT = 15
SECONDS_TO_CHANGE = 240
"""ElastiCache needs less than a minute for a user's new passwords."""
DATABASE = 0


@dataclass(frozen=True, kw_only=True)
class CacheLogin:
    """A connection URL of the user."""

    user_id: str
    """Its name for Redis as well."""
    endpoint: str
    """Host and port."""

    def first(self) -> str:
        password = new_key()
        self._set_passwords(password)
        return self._url(password)

    def keep(self, value: str) -> str | None:
        """The cache is not restored with the database, so its passwords are what they were."""
        url = urlsplit(value)
        if url.username != self.user_id or url.password is None:
            return None
        return self._url(url.password)

    def successor(self, value: str) -> str:
        return self._url(new_key())

    def introduce(self, pending: str, value: str) -> None:
        self._set_passwords(*(str(urlsplit(url).password) for url in (pending, value)))

    def test(self, pending: str) -> None:
        """Raises RuntimeError if Redis refuses the login."""
        host, _, port = self.endpoint.rpartition(":")
        command = resp("AUTH", self.user_id, str(urlsplit(pending).password)) + resp("PING")
        plain = socket.create_connection((host, int(port)), timeout=SECONDS_TO_CONNECT)
        with tls().wrap_socket(plain, server_hostname=host) as connection, connection.makefile("rb") as answers:
            connection.sendall(command)
            answer = [answers.readline().decode(errors="replace").strip() for _ in range(2)]
        if answer != ["+OK", "+PONG"]:
            raise RuntimeError(f"Redis refuses {self.user_id}: {answer[0]}")

    def _set_passwords(self, *passwords: str) -> None:
        """Raises TimeoutError if ElastiCache does not get there."""
        client = _elasticache()
        client.modify_user(UserId=self.user_id, AuthenticationMode={"Type": "password", "Passwords": list(passwords)})
        end = time.monotonic() + SECONDS_TO_CHANGE
        while client.describe_users(UserId=self.user_id)["Users"][0]["Status"] != "active":
            if time.monotonic() > end:
                raise TimeoutError(
                    f"the user {self.user_id} of the cache has no new password after {SECONDS_TO_CHANGE} s"
                )
            time.sleep(2)

    def _url(self, password: str) -> str:
        return f"rediss://{self.user_id}:{password}@{self.endpoint}/{DATABASE}"


def _elasticache() -> Any:
    return boto3.client("elasticache")


def tls() -> ssl.SSLContext:
    """ElastiCache's certificates are of Amazon's public authority."""
    return ssl.create_default_context()


def resp(*words: str) -> bytes:
    """Return a command in the protocol of Redis."""
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return (f"*{len(words)}\r\n" + "".join(parts)).encode()
