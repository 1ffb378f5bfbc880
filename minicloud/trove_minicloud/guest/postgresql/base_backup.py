# SPDX-License-Identifier: Apache-2.0
"""`python -m trove_minicloud.guest.postgresql.base_backup`: a server with tablespaces as one tar.

pg_basebackup streams servers without tablespaces only, and that of the wheel speaks no TLS. So this
program speaks its protocol. The server sends an archive for each tablespace, then the one of its
data directory, then the backup's manifest. All become members of one tar, under the names that they
have in the manifest. Those of a tablespace are below `pg_tblspc/<its oid>/`, where the server has a
link to another folder.
"""

import argparse
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from trove_minicloud.guest.postgresql.replication import require

# The first version that sends all archives in one stream.
_LEAST_MAJOR = 15
#: What is said of an older server.
TOO_OLD = f"A backup of a server with tablespaces needs PostgreSQL {_LEAST_MAJOR} or newer."
_BLOCK = tarfile.BLOCKSIZE
_BASE = "base.tar"
_MANIFEST = "backup_manifest"
# Of the copied data, by their first byte.
_ARCHIVE, _BEGIN_MANIFEST, _DATA = b"n", b"m", b"d"


class Output(Protocol):
    def write(self, data: memoryview | bytes, /) -> object: ...


class Joined:
    """One tar of the archives that are fed to it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._folder = ""
        self._header = bytearray()
        self._left = 0
        self._ended = True

    def begin(self, folder: str) -> None:
        """The next archive's members belong below this folder.

        :raises ValueError: the archive before it is not whole.
        """
        self._require_end()
        self._folder, self._ended = folder, False

    def feed(self, data: memoryview) -> None:
        """:raises tarfile.HeaderError: this is no tar."""
        while data and not self._ended:
            if self._left:
                part = data[: self._left]
                self._output.write(part)
                self._left -= len(part)
            else:
                part = data[: _BLOCK - len(self._header)]
                self._header += part
                if len(self._header) == _BLOCK:
                    self._member(bytes(self._header))
                    self._header.clear()
            data = data[len(part) :]

    def add(self, name: str, content: bytes) -> None:
        """A file of ours."""
        self._require_end()
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o600
        self._output.write(info.tobuf(tarfile.USTAR_FORMAT))
        self._output.write(content + bytes(-len(content) % _BLOCK))

    def finish(self) -> None:
        self._require_end()
        self._output.write(bytes(2 * _BLOCK))

    def _member(self, header: bytes) -> None:
        if not any(header):
            self._ended = True
            return
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        if info.isreg():
            self._left = info.size + -info.size % _BLOCK
        if self._folder:
            info.name = f"{self._folder}/{info.name}"
            header = info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "surrogateescape")
        self._output.write(header)

    def _require_end(self) -> None:
        if not self._ended:
            raise ValueError("an archive of the server ended early")


def join(messages: Iterator[memoryview], output: Output) -> None:
    """Write what the server copies as one tar.

    :raises ValueError, tarfile.HeaderError: it is not what a backup is made of.
    """
    joined = Joined(output)
    manifest: bytearray | None = None
    for message in messages:
        kind, content = bytes(message[:1]), message[1:]
        if kind == _ARCHIVE:
            name = bytes(content).split(b"\0")[0].decode()
            joined.begin("" if name == _BASE else f"pg_tblspc/{name.removesuffix('.tar')}")
        elif kind == _BEGIN_MANIFEST:
            manifest = bytearray()
        elif kind == _DATA and manifest is not None:
            manifest += content
        elif kind == _DATA:
            joined.feed(content)
    if manifest is None:
        raise ValueError("the server sent no manifest")
    joined.add(_MANIFEST, bytes(manifest))
    joined.finish()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("conninfo")
    parser.add_argument("--incremental", type=Path, help="the parent's backup_manifest")
    arguments = parser.parse_args()
    try:
        with psycopg.connect(f"{arguments.conninfo} replication=true", autocommit=True) as server:
            if server.info.server_version < _LEAST_MAJOR * 10_000:
                raise ValueError(TOO_OLD)
            _back_up(server.pgconn, arguments.incremental)
    except (psycopg.Error, OSError, ValueError, tarfile.HeaderError) as error:
        sys.stderr.write(f"error: {str(error).strip()}\n")
        return 1
    return 0


def _back_up(connection: PGconn, parent: Path | None) -> None:
    options = ["LABEL 'base backup'", "CHECKPOINT 'fast'", "WAL", "TABLESPACE_MAP"]
    options += ["MANIFEST 'yes'", "TARGET 'client'"]
    if parent is not None:
        _upload(connection, parent.read_bytes())
        options.append("INCREMENTAL")
    connection.send_query(f"BASE_BACKUP ({', '.join(options)})".encode())
    # Where it starts, and the tablespaces.
    _expect(connection, ExecStatus.TUPLES_OK)
    _expect(connection, ExecStatus.TUPLES_OK)
    _expect(connection, ExecStatus.COPY_OUT)
    join(_copied(connection), sys.stdout.buffer)
    sys.stdout.buffer.flush()
    # It may still say that the backup has failed.
    _finish(connection)


def _upload(connection: PGconn, manifest: bytes) -> None:
    connection.send_query(b"UPLOAD_MANIFEST")
    _expect(connection, ExecStatus.COPY_IN)
    connection.put_copy_data(manifest)
    connection.put_copy_end()
    _finish(connection)


def _copied(connection: PGconn) -> Iterator[memoryview]:
    while True:
        size, message = connection.get_copy_data(0)
        if size < 0:
            return
        yield message


def _expect(connection: PGconn, status: ExecStatus) -> None:
    require(connection.get_result(), status)


def _finish(connection: PGconn) -> None:
    """Read what is left of a command's answers."""
    while (result := connection.get_result()) is not None:
        require(result, ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


if __name__ == "__main__":
    sys.exit(main())
