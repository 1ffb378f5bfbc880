# SPDX-License-Identifier: Apache-2.0
"""Streams like those of mariadb-backup."""

import struct
import zlib

#: Of a full backup whose server was at LSN 900 at its end.
CHECKPOINTS = b"""\
backup_type = full-backuped
from_lsn = 0
to_lsn = 500
last_lsn = 900
recover_binlog_info = 0
"""
FILES = {
    "ib_logfile0": b"log" * 1000,
    "ibdata1": b"pages" * 1000,
    "test/account.ibd": b"rows" * 5000,
    "mysql/general_log.CSV": b"",
    "xtrabackup_checkpoints": CHECKPOINTS,
    "xtrabackup_info": b"uuid = 1\n",
}


def chunk(
    path: str, data: bytes | None = None, offset: int = 0, crc: int | None = None, flags: int = 0
) -> bytes:
    """A payload, or without data the end of the file. Flags of 2 rewrite a file."""
    if data is None:
        return _head(b"E", path, flags)
    crc = zlib.crc32(data) if crc is None else crc
    return _head(b"P", path, flags) + struct.pack("<QQI", len(data), offset, crc) + data


def seek(path: str, offset: int) -> bytes:
    return _head(b"S", path) + struct.pack("<Q", offset)


def remove(path: str) -> bytes:
    return _head(b"D", path)


def rename(path: str, new_path: str) -> bytes:
    return _head(b"R", path) + struct.pack("<I", len(new_path)) + new_path.encode()


def _head(kind: bytes, path: str, flags: int = 0) -> bytes:
    name = path.encode("utf-8", "surrogateescape")
    return struct.pack("<8sBcI", b"XBSTCK01", flags, kind, len(name)) + name


def backup(files: dict[str, bytes]) -> bytes:
    """The files, those that are long in two chunks, with the ends of one file after the next's."""
    stream = b""
    for path, content in files.items():
        half = len(content) // 2
        if content:
            stream += chunk(path, content[:half]) + chunk(path, content[half:], half)
        stream += chunk(path)
    return stream
