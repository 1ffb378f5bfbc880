# SPDX-License-Identifier: Apache-2.0
"""The stream that mariadb-backup writes, taken apart while it passes by: `XbstreamReader`.

It is a sequence of chunks: a magic, flags, a type, a path; for a payload also its length, its
offset in the file, a CRC-32, and the bytes. An end chunk closes each file. We read it ourselves
because MariaDB's own mbstream exits 0 when it refuses a file or can't write it.
"""

import struct
import zlib
from collections.abc import Mapping

from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.unpacking import Receiver, require_inside

_MAGIC = b"XBSTCK01"
_HEAD = struct.Struct("<8sBcI")
_PAYLOAD_HEAD = struct.Struct("<QQI")
_PAYLOAD, _END = b"P", b"E"
_PATH_LIMIT = 4096


class XbstreamReader:
    """Feed it every byte of the stream, then `finish`."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._header = bytearray()
        self._path = ""
        self._missing = 0
        self._expected_crc = 0
        self._crc = 0
        self._sizes: dict[str, int] = {}
        self._ended: set[str] = set()

    def feed(self, data: memoryview) -> None:
        """:raises VerificationError: this is no such stream, or it is damaged."""
        while data:
            taken = self._feed_payload(data) if self._missing else self._feed_header(data)
            data = data[taken:]

    def finish(self) -> Mapping[str, int]:
        """The files with their sizes.

        :raises VerificationError: the stream ends within a file.
        """
        if unfinished := sorted(self._sizes.keys() - self._ended):
            raise VerificationError(f"The backup ends early, within {unfinished[0]}.")
        if self._header or not self._ended:
            last = next(reversed(self._sizes), "its beginning")
            raise VerificationError(f"The backup ends early, after {last}.")
        return self._sizes

    def _feed_header(self, data: memoryview) -> int:
        taken = min(self._header_size() - len(self._header), len(data))
        self._header += data[:taken]
        # The size grows with what is known: first the path's length, then the type.
        if len(self._header) == self._header_size():
            self._begin(bytes(self._header))
            self._header.clear()
        return taken

    def _header_size(self) -> int:
        if len(self._header) < _HEAD.size:
            return _HEAD.size
        magic, _flags, kind, path_size = _HEAD.unpack_from(self._header)
        if magic != _MAGIC or kind not in (_PAYLOAD, _END) or not 0 < path_size <= _PATH_LIMIT:
            raise VerificationError("The backup is no stream of mariadb-backup.")
        size: int = _HEAD.size + path_size
        return size + _PAYLOAD_HEAD.size if kind == _PAYLOAD else size

    def _begin(self, header: bytes) -> None:
        _magic, _flags, kind, path_size = _HEAD.unpack_from(header)
        end = _HEAD.size + path_size
        path = header[_HEAD.size : end].decode("utf-8", "surrogateescape")
        require_inside(path)
        if path in self._ended:
            raise VerificationError(f"The backup holds {path} twice.")
        size = self._sizes.setdefault(path, 0)
        if kind == _END:
            self._ended.add(path)
            self._receiver.end(path)
            return
        length, offset, self._expected_crc = _PAYLOAD_HEAD.unpack_from(header, end)
        if offset != size:
            raise VerificationError(f"{path} goes on at byte {offset}, and should at {size}.")
        self._path, self._missing, self._crc = path, length, 0
        if not length:
            self._check_crc()

    def _feed_payload(self, data: memoryview) -> int:
        part = data[: self._missing]
        self._crc = zlib.crc32(part, self._crc)
        self._receiver.write(self._path, part)
        self._missing -= len(part)
        self._sizes[self._path] += len(part)
        if not self._missing:
            self._check_crc()
        return len(part)

    def _check_crc(self) -> None:
        if self._crc != self._expected_crc:
            raise VerificationError(f"The content of {self._path} isn't what mariadb-backup sent.")
