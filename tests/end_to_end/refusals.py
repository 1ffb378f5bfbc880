# SPDX-License-Identifier: Apache-2.0
"""An S3 server that can be read by nobody, while a test says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
#: Of the connection, and not of the request.
_OF_THE_WAY = ("connection", "transfer-encoding")


class Refusals:
    """Hands on to a server what it is asked; refuses the objects of a suffix while it is to."""

    def __init__(self, endpoint: str) -> None:
        self.suffix = ""
        self.refused: list[str] = []
        refusals, address = self, urlsplit(endpoint)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _hand_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = urlsplit(self.path).path
                if self.command == "GET" and refusals.suffix and path.endswith(refusals.suffix):
                    refusals.refused.append(path)
                    self._answer(403, {}, _DENIED)
                    return
                server = HTTPConnection(str(address.hostname), address.port, timeout=60)
                server.request(self.command, self.path, body, dict(self.headers))
                with server.getresponse() as answer:
                    self._answer(answer.status, dict(answer.getheaders()), answer.read())
                server.close()

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _hand_on  # noqa: N815

            def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response_only(status)
                if "Content-Length" not in headers:
                    headers["Content-Length"] = str(len(body))
                for name, value in headers.items():
                    if name.lower() not in _OF_THE_WAY:
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    @contextmanager
    def refusing(self, suffix: str) -> Iterator[list[str]]:
        """Meanwhile no object of this suffix can be read; the paths that were asked for."""
        self.suffix, self.refused = suffix, []
        try:
            yield self.refused
        finally:
            self.suffix = ""


@contextmanager
def refusals(endpoint: str) -> Iterator[Refusals]:
    """Serve in the place of this server."""
    made = Refusals(endpoint)
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()
