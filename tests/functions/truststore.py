"""RDS's page of certificate authorities, behind a proxy that a process is sent to by its environment."""

import socketserver
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import trustme

from components.files.functions.credentials.database import CERTIFICATES_URL


@dataclass
class Truststore:
    """`asked` has the paths of all requests."""

    variables: Mapping[str, str]
    """Of a process that shall find this page, and trust it."""
    asked: list[str] = field(default_factory=list)


@contextmanager
def running_truststore(directory: Path, page: Path, trusted: Path) -> Iterator[Truststore]:
    """Serve a page in RDS's name. `trusted` is another authority that the process shall trust."""
    url = urlsplit(CERTIFICATES_URL)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(str(url.hostname)).configure_cert(context)
    bundle = directory / "trusted.pem"
    bundle.write_bytes(authority.cert_pem.bytes() + trusted.read_bytes())

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            assert self.rfile.readline().split()[:2] == [b"CONNECT", f"{url.hostname}:443".encode()]
            while self.rfile.readline().strip():
                pass
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            with (
                context.wrap_socket(self.connection, server_side=True) as connection,
                connection.makefile("rb") as sent,
            ):
                found.asked.append(sent.readline().split()[1].decode())
                while sent.readline().strip():
                    pass
                body = page.read_bytes()
                connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        found = Truststore(
            {"https_proxy": f"http://127.0.0.1:{server.server_address[1]}", "SSL_CERT_FILE": str(bundle)}
        )
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield found
        server.shutdown()
