# SPDX-License-Identifier: Apache-2.0
"""A door before a PostgreSQL server that lets in who speaks TLS, and nobody else."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

from tests.tls_receiver import ADDRESS, sign

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class TlsDoor(ThreadingTCPServer):
    """:ivar certificate: the file with its certificate, for those who are to trust it."""

    daemon_threads = True

    def __init__(self, server_port: int, directory: Path) -> None:
        super().__init__((ADDRESS, 0), _Handler)
        self.server_port = server_port
        self.port: int = self.server_address[1]
        self.certificate = directory / "door.pem"
        sign(self.certificate, directory / "door.key")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, directory / "door.key")


class _Handler(BaseRequestHandler):
    server: TlsDoor
    request: socket.socket

    def handle(self) -> None:
        if self.request.recv(len(_SSL_REQUEST), socket.MSG_WAITALL) != _SSL_REQUEST:
            return
        self.request.sendall(b"S")
        # A client that doesn't trust the certificate goes.
        with (
            contextlib.suppress(ssl.SSLError),
            self.server.context.wrap_socket(self.request, server_side=True) as client,
            socket.create_connection((ADDRESS, self.server.server_port)) as server,
        ):
            _hand_on(client, server)


def _hand_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    """What either sends, until one of them goes; in one thread, as OpenSSL wants it."""
    other = {client: server, server: client}
    with contextlib.suppress(OSError):
        while True:
            ready = [client] if client.pending() else select.select(list(other), [], [])[0]
            for giver in ready:
                if not (data := giver.recv(1 << 16)):
                    return
                other[giver].sendall(data)


@contextlib.contextmanager
def tls_door(server_port: int, directory: Path) -> Iterator[TlsDoor]:
    """One before the server at this port of this machine, with files in the directory."""
    with TlsDoor(server_port, directory) as door:
        thread = threading.Thread(target=door.serve_forever, daemon=True)
        thread.start()
        yield door
        door.shutdown()
        thread.join()
