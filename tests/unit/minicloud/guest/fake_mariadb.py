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


def chunk(path: str, data: bytes | None = None, offset: int = 0, crc: int | None = None) -> bytes:
    """A payload, or without data the end of the file."""
    name = path.encode("utf-8", "surrogateescape")
    head = struct.pack("<8sBcI", b"XBSTCK01", 0, b"E" if data is None else b"P", len(name)) + name
    if data is None:
        return head
    crc = zlib.crc32(data) if crc is None else crc
    return head + struct.pack("<QQI", len(data), offset, crc) + data


def backup(files: dict[str, bytes]) -> bytes:
    """The files, those that are long in two chunks, with the ends of one file after the next's."""
    stream = b""
    for path, content in files.items():
        half = len(content) // 2
        if content:
            stream += chunk(path, content[:half]) + chunk(path, content[half:], half)
        stream += chunk(path)
    return stream
