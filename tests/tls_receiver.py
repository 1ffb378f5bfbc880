# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks that speaks TLS, with a certificate that it has signed itself."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ADDRESS = "127.0.0.1"


class TlsReceiver(ThreadingHTTPServer):
    """Answers each POST with HTTP 200.

    :ivar certificate: the file with its certificate, for those who are to trust it.
    :ivar sent: what it was sent, parsed.
    """

    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        self.sent: list[Any] = []
        super().__init__((ADDRESS, 0), _Handler)
        self.certificate = directory / f"receiver-{self.server_address[1]}.pem"
        key = self.certificate.with_suffix(".key")
        sign(self.certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        # The handshake is left to the thread of each request: one that fails ends no other.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    @property
    def url(self) -> str:
        return f"https://{ADDRESS}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing is printed about a sender that goes when it has seen the certificate."""


class _Handler(BaseHTTPRequestHandler):
    server: TlsReceiver

    def do_POST(self) -> None:
        self.server.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def tls_receiver(directory: Path) -> Iterator[TlsReceiver]:
    """A receiver that runs, with files in this directory."""
    with TlsReceiver(directory) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sign(certificate: Path, key: Path) -> None:
    """Write a key, and a certificate for it that holds for ADDRESS."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(ADDRESS))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
