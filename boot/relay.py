"""QEMU starts this for each connection of the machine, with the connection as standard input: relay.py PORT.

It imports nothing of the project, because it must start in milliseconds.
"""

import select
import socket
import sys


def main() -> None:
    """Copies both ways until one side closes."""
    guest = socket.socket(fileno=0)
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    other = {guest: server, server: guest}
    while True:
        for readable in select.select([guest, server], [], [])[0]:
            data = readable.recv(65536)
            if not data:
                return
            other[readable].sendall(data)


if __name__ == "__main__":
    main()
