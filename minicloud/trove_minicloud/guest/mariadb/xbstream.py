# SPDX-License-Identifier: Apache-2.0
"""The stream that mariadb-backup writes, taken apart while it passes by: `XbstreamReader`.

It is a sequence of chunks: a magic, flags, a kind, a path, and what the kind brings. Most chunks
bring bytes of a file, and an end chunk closes each file. What happened to tables during the backup
follows as chunks that remove, rename or rewrite files which the stream brought before. We read it
ourselves because MariaDB's own mbstream exits 0 when it refuses a file or can't write it.

mariadb-backup retells what happened, whether it had copied a table before or after it. Literally
taken, a table that was dropped and made again is removed, and one is renamed onto itself. But the
definitions (.frm) in the stream are those of the end: they tell which tables there are.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import Protocol

from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.unpacking import Receiver, require_inside

_MAGIC = b"XBSTCK01"
_HEAD = struct.Struct("<8sBcI")
# Length and offset of the bytes, and their CRC-32.
_PAYLOAD_HEAD = struct.Struct("<QQI")
_OFFSET = struct.Struct("<Q")
_PATH_SIZE = struct.Struct("<I")
_PAYLOAD, _END, _SEEK, _REMOVE, _RENAME = b"P", b"E", b"S", b"D", b"R"
#: What follows the path, in each kind of chunk.
_TAILS = {
    _PAYLOAD: _PAYLOAD_HEAD.size,
    _END: 0,
    _SEEK: _OFFSET.size,
    _REMOVE: 0,
    # The size of the new path, which comes behind it.
    _RENAME: _PATH_SIZE.size,
}
#: The flag of a file that the stream has brought already, and brings anew.
_REWRITE = 0x02
_PATH_LIMIT = 4096
#: What an increment holds of a table of InnoDB: the changes of the one that was removed.
_CHANGES = (".ibd.delta", ".ibd.meta")
#: Behind a table's name: all files of its partitions.
_PARTITIONS = "#P#*"


class Editor(Receiver, Protocol):
    """Takes files, and what the stream changes in those that it brought before."""

    def seek(self, path: str, offset: int) -> None:
        """The next bytes of this open file belong there, maybe in the place of others."""

    def remove(self, path: str) -> None:
        """This file, or this folder with all that is in it, is gone, if it was there."""

    def rename(self, path: str, new_path: str) -> None:
        """The file is called so now; one that was called so before is gone."""


class XbstreamReader:
    """Feed it every byte of the stream, then `finish`."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._header = bytearray()
        self._path = ""
        self._missing = 0
        self._expected_crc = 0
        self._crc = 0
        self._sizes: dict[str, int] = {}
        #: Files of tables that were removed and are there again: of the old table or of the new.
        self._doubtful: set[str] = set()
        #: What renamed files are called that the stream hasn't brought.
        self._awaited: set[str] = set()
        #: Of the open files: where the next bytes belong.
        self._offsets: dict[str, int] = {}

    def feed(self, data: memoryview) -> None:
        """:raises VerificationError: this is no such stream, or it is damaged."""
        while data:
            taken = self._feed_payload(data) if self._missing else self._feed_header(data)
            data = data[taken:]

    def finish(self) -> Mapping[str, int]:
        """The files with their sizes.

        :raises VerificationError: the stream ends within a file, or lacks one that was renamed.
        """
        if unfinished := sorted(self._offsets):
            raise VerificationError(f"The backup ends early, within {unfinished[0]}.")
        if self._header or not self._sizes:
            last = next(reversed(self._sizes), "its beginning")
            raise VerificationError(f"The backup ends early, after {last}.")
        if lost := sorted(self._awaited - self._sizes.keys()):
            raise VerificationError(
                f"{lost[0]} got its name during the backup, which lacks it. Try again."
            )
        return self._sizes

    def _feed_header(self, data: memoryview) -> int:
        taken = min(self._header_size() - len(self._header), len(data))
        self._header += data[:taken]
        # The size grows with what is known: the kind and the path's size, then a new path's.
        if len(self._header) == self._header_size():
            self._take_chunk(bytes(self._header))
            self._header.clear()
        return taken

    def _header_size(self) -> int:
        if len(self._header) < _HEAD.size:
            return _HEAD.size
        magic, _flags, kind, path_size = _HEAD.unpack_from(self._header)
        if magic != _MAGIC:
            raise VerificationError("The backup is no stream of mariadb-backup.")
        if kind not in _TAILS:
            raise VerificationError(
                f"The backup's stream holds a chunk of the unknown kind {kind!r}."
            )
        size = _HEAD.size + _require_size(path_size) + _TAILS[kind]
        if kind == _RENAME and len(self._header) >= size:
            (new_size,) = _PATH_SIZE.unpack_from(self._header, size - _PATH_SIZE.size)
            size += _require_size(new_size)
        return size

    def _take_chunk(self, header: bytes) -> None:
        _magic, flags, kind, path_size = _HEAD.unpack_from(header)
        end = _HEAD.size + path_size
        path = _decode(header[_HEAD.size : end])
        if kind == _REMOVE:
            self._remove(path)
        elif kind == _RENAME:
            self._rename(path, _decode(header[end + _PATH_SIZE.size :]))
        else:
            self._open(path, bool(flags & _REWRITE))
            if kind == _SEEK:
                (self._offsets[path],) = _OFFSET.unpack_from(header, end)
                self._editor.seek(path, self._offsets[path])
            elif kind == _END:
                del self._offsets[path]
                self._editor.end(path)
            else:
                self._begin_payload(path, *_PAYLOAD_HEAD.unpack_from(header, end))

    def _open(self, path: str, rewrite: bool) -> None:
        if path in self._offsets:
            return
        if path in self._sizes:
            if not rewrite:
                raise VerificationError(f"The backup holds {path} twice.")
            self._drop(path)
        self._sizes[path] = self._offsets[path] = 0

    def _remove(self, removed: str) -> None:
        self._awaited = {path for path in self._awaited if not _belongs_to(path, removed)}
        for path in [path for path in self._sizes if _belongs_to(path, removed)]:
            self._require_closed(path)
            if _definition_of(path) in self._sizes and not path.endswith(_CHANGES):
                self._doubtful.add(path)
            else:
                self._drop(path)
        if not any(_belongs_to(path, removed) for path in self._sizes):
            # The folder of a database.
            self._editor.remove(removed)

    def _drop(self, path: str) -> None:
        del self._sizes[path]
        self._doubtful.discard(path)
        self._editor.remove(path)

    def _rename(self, path: str, new_path: str) -> None:
        self._require_closed(path)
        self._require_closed(new_path)
        self._awaited.discard(path)
        if path not in self._sizes:
            self._awaited.add(new_path)
        elif new_path not in self._sizes or new_path in self._doubtful:
            self._sizes[new_path] = self._sizes.pop(path)
            self._doubtful -= {path, new_path}
            self._editor.rename(path, new_path)
        # Else it was copied after it got its name, and another table has its old one.

    def _require_closed(self, path: str) -> None:
        if path in self._offsets:
            raise VerificationError(f"The backup removes or renames {path} before its end.")

    def _begin_payload(self, path: str, length: int, offset: int, crc: int) -> None:
        if offset != self._offsets[path]:
            raise VerificationError(
                f"{path} goes on at byte {offset}, and should at {self._offsets[path]}."
            )
        self._path, self._missing, self._expected_crc, self._crc = path, length, crc, 0
        if not length:
            self._check_crc()

    def _feed_payload(self, data: memoryview) -> int:
        part = data[: self._missing]
        self._crc = zlib.crc32(part, self._crc)
        self._editor.write(self._path, part)
        self._missing -= len(part)
        self._offsets[self._path] += len(part)
        self._sizes[self._path] = max(self._sizes[self._path], self._offsets[self._path])
        if not self._missing:
            self._check_crc()
        return len(part)

    def _check_crc(self) -> None:
        if self._crc != self._expected_crc:
            raise VerificationError(f"The content of {self._path} isn't what mariadb-backup sent.")


def _require_size(path_size: int) -> int:
    if not 0 < path_size <= _PATH_LIMIT:
        raise VerificationError("The backup is no stream of mariadb-backup.")
    return path_size


def _decode(path: bytes) -> str:
    decoded = path.decode("utf-8", "surrogateescape")
    require_inside(decoded)
    return decoded


def _definition_of(path: str) -> str:
    """The file that says which columns the table of this file has."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.split('#P#')[0].split('.')[0]}.frm"


def _belongs_to(path: str, removed: str) -> bool:
    if removed.endswith(_PARTITIONS):
        return path.startswith(removed.removesuffix("*"))
    return path == removed or path.startswith(f"{removed}/")
