"""The AWS emulator as a process: `python -m sandbox.moto_server --socket N`, moto behind HTTP, one request at a time.

moto keeps its state in plain dictionaries and its own server answers on many threads, so that now and then a request
changes what another walks through, and ends in an error that AWS would never give. Waiting for each other costs the
requests nothing: they would share one interpreter anyway. N is a socket that the parent process has bound, so that
others can be told the address before moto is imported. When ready it prints `{"port": N, "pid": N}`.
"""

import argparse
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def one_at_a_time(application: Application) -> Application:
    """The same application, which handles a request only when it has answered the one before."""
    lock = threading.Lock()

    def serialised(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with lock:
            return list(application(environ, start_response))

    return serialised


def main() -> None:
    """Serves until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.moto_server", description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of a bound socket")
    arguments = parser.parse_args()
    application = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    with socket.socket(fileno=arguments.socket) as listener:
        host, port = listener.getsockname()
        server = make_server(
            host, port, application, threaded=True, request_handler=MotoRequestHandler, fd=listener.fileno()
        )
    print(json.dumps({"port": port, "pid": os.getpid()}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
