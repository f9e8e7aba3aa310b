"""All of AWS for the machine: a TLS server under AWS's names that passes every request on to the emulator."""

import http.client
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from boot.image import Image
from boot.servers import Handler, Server

ADDRESS = "169.254.0.4"
CERTIFICATES_HOST = "truststore.pki.rds.amazonaws.com"
_BUCKET_HOST = re.compile(r"(?P<bucket>[a-z0-9.-]+)\.s3\.[a-z0-9-]+\.amazonaws\.com")
_NOT_PASSED_ON = {"connection", "content-length", "transfer-encoding"}
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request of the machine to AWS. Neither bodies nor answers are kept: they have secrets in them."""

    at: float
    """time.monotonic() when it was answered."""
    service: str
    operation: str
    """Of S3 the method and the path."""
    parameters: tuple[tuple[str, str], ...]
    """Of Auto Scaling only, which has no secrets."""
    status: int


def front(image: Image, emulator: str, on_call: Callable[[Call], None]) -> ThreadingHTTPServer:
    """The server on a port of loopback; every call is reported when it is answered."""
    target = urlsplit(emulator)
    assert target.hostname is not None
    authority = image.authority.read_bytes()

    class Front(Handler):
        def pass_on(self) -> None:
            host = self.headers.get("Host", "")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if host == CERTIFICATES_HOST:
                on_call(_call("rds", f"GET {self.path}", (), 200))
                return self.reply(200, authority)
            path = self.path
            # The emulator answers loopback names only, so a bucket goes from the name into the path.
            if bucket := _BUCKET_HOST.fullmatch(host):
                path = f"/{bucket['bucket']}{path}"
            connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=TIMEOUT_SECONDS)
            connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", target.netloc)
            for name, value in self.headers.items():
                if name.lower() not in ("host", "expect", *_NOT_PASSED_ON):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _NOT_PASSED_ON}
            if self.command == "HEAD":
                headers["Content-Length"] = answer.getheader("Content-Length") or "0"
            connection.close()
            service = "s3" if ".s3." in f".{host}" else host.partition(".")[0]
            self.reply(answer.status, content, headers)
            on_call(_call(service, *_operation(service, self, path, body), answer.status))
            return None

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on

    server = Server(("127.0.0.1", 0), Front)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(image.front_certificate)
    # The handshake is left to the thread of the connection.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def _operation(service: str, request: Handler, path: str, body: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The operation's name, in any of AWS's protocols, and the parameters that may be kept."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2], ()
    if "x-www-form-urlencoded" in request.headers.get("Content-Type", ""):
        form = parse_qsl(body.decode(), keep_blank_values=True)
        action = dict(form).get("Action", "")
        return action, tuple(form) if service == "autoscaling" else ()
    return f"{request.command} {path.partition('?')[0]}", ()


def _call(service: str, operation: str, parameters: tuple[tuple[str, str], ...], status: int) -> Call:
    return Call(at=time.monotonic(), service=service, operation=operation, parameters=parameters, status=status)
