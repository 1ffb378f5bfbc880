# SPDX-License-Identifier: Apache-2.0
"""An S3 server as another machine has it: it stays up over reboots, and is away when told."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from trove_minicloud.root import Root
from trove_minicloud.supervision import ports

BUCKET = "backups"
#: rclone is no program in Python, so its clock is the true one: it would refuse this day.
_DAY = "x-amz-date"
#: Of the connection, and not of the request.
_OF_THE_WAY = ("connection", "transfer-encoding")


class S3Server:
    """rclone on a folder, and a door before it that hands on what it is asked.

    It checks no signatures, whose day would be another one than its own.
    """

    def __init__(self, folder: Path) -> None:
        (folder / BUCKET).mkdir(parents=True)
        [self.port] = ports.choose(1, Root.at(folder))
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.door = ThreadingHTTPServer(("127.0.0.1", 0), _door_to(self.port))
        self.endpoint = f"http://127.0.0.1:{self.door.server_address[1]}"

    def start(self) -> None:
        """Serve, as before if it was stopped."""
        self._process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("rclone")),
                *("serve", "s3", "--addr", f"127.0.0.1:{self.port}", "--config", ""),
                str(self._folder),
            ],
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not ports.listener(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"rclone does not serve at port {self.port}.")
            time.sleep(0.05)

    def stop(self) -> None:
        """Answer nobody."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """One that serves what is in the folder."""
    made = S3Server(folder)
    thread = threading.Thread(target=made.door.serve_forever)
    thread.start()
    try:
        made.start()
        yield made
    finally:
        made.stop()
        made.door.shutdown()
        thread.join()
        made.door.server_close()


def _door_to(port: int) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _hand_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = {name: value for name, value in self.headers.items() if name.lower() != _DAY}
            server = HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                server.request(self.command, self.path, body, asked)
                with server.getresponse() as answer:
                    self._answer(answer.status, dict(answer.getheaders()), answer.read())
            except OSError:
                # As a machine that is away.
                self.close_connection = True
            finally:
                server.close()

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _hand_on  # noqa: N815

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            headers.setdefault("Content-Length", str(len(body)))
            for name, value in headers.items():
                if name.lower() not in _OF_THE_WAY:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            """Nobody reads it."""

    return Door
