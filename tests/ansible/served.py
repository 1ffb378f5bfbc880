# SPDX-License-Identifier: Apache-2.0
"""The fake cloud of this process, for other programs: they ask it through a proxy."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer

import requests

#: Headers of an answer that are about its transport.
_ABOUT_TRANSPORT = {"connection", "content-encoding", "content-length", "transfer-encoding"}


class _Proxy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # The fakes answer all that this process asks.
        answer = requests.request(
            self.command, self.path, headers=dict(self.headers), data=body, timeout=60
        )
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in _ABOUT_TRANSPORT:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_DELETE = do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Leave it out of the tests' output."""


class Served(HTTPServer):
    """It answers in this thread, in which the fakes were made, and only when it is told to."""

    timeout = 0.05

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Proxy)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"
