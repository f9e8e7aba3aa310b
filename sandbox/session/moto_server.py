"""The AWS emulator as a process, moto behind HTTP: `python -m sandbox.session.moto_server --socket N`.

It serves one request at a time. moto keeps its state in plain dictionaries and its own server answers on many threads,
so sometimes a request changes what another one iterates over, and fails with an error that AWS would never return.
Serial requests cost no time: the threads would share one interpreter anyway. N is a socket that the parent process has
bound, so that its address is known before moto is imported. When ready it prints `{"port": N, "pid": N}`.
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
    parser = argparse.ArgumentParser(prog="python -m sandbox.session.moto_server", description=__doc__)
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
