"""A real Redis with TLS and users, whose passwords are set as ElastiCache's API sets them."""

import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.files.functions.credentials.cache import resp
from drill.postgresql import make_certificates

USER = "fixrx-app"
ACCESS = "on ~* &* +@all -@admin -@dangerous +info"


@dataclass
class Redis:
    """The server, in the place of `boto3.client("elasticache")` as well."""

    port: int
    authority: Path
    changes: int = 0

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority))

    def ask(self, *commands: tuple[str, ...]) -> list[str]:
        """Run commands on one connection; return the first line of each answer."""
        with (
            socket.create_connection(("localhost", self.port), timeout=10) as plain,
            self.tls().wrap_socket(plain, server_hostname="localhost") as connection,
            connection.makefile("rb") as answers,
        ):
            connection.sendall(b"".join(resp(*command) for command in commands))
            return [answers.readline().decode().strip() for _ in commands]

    def modify_user(self, *, UserId: str, AuthenticationMode: Mapping[str, Any]) -> None:
        assert AuthenticationMode["Type"] == "password"
        passwords = AuthenticationMode["Passwords"]
        assert 1 <= len(passwords) <= 2
        assert all(16 <= len(each) <= 128 for each in passwords)
        self.changes += 1
        set_user = ("ACL", "SETUSER", UserId, "resetpass", *(f">{each}" for each in passwords))
        assert self.ask(("AUTH", "root", "root"), set_user) == ["+OK", "+OK"]

    def describe_users(self, *, UserId: str) -> dict[str, Any]:
        return {"Users": [{"UserId": UserId, "Status": "active"}]}


@contextmanager
def running_redis(directory: Path) -> Iterator[Redis]:
    certificates = make_certificates(directory)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = int(bound.getsockname()[1])
    (directory / "redis.conf").write_text(
        f"""port 0
tls-port {port}
bind 127.0.0.1
tls-cert-file {certificates["server.pem"]}
tls-key-file {certificates["server.key"]}
tls-ca-cert-file {certificates["authority.pem"]}
tls-auth-clients no
save ""
user default off
user root on >root ~* &* +@all
user {USER} {ACCESS} >a-password-of-nobody
"""
    )
    process = subprocess.Popen(["redis-server", directory / "redis.conf"], stdout=subprocess.DEVNULL)
    try:
        redis = Redis(port=port, authority=certificates["authority.pem"])
        for _ in range(100):
            try:
                redis.ask(("PING",))
                break
            except OSError:
                time.sleep(0.1)
        yield redis
    finally:
        process.terminate()
        process.wait(timeout=10)
