# SPDX-License-Identifier: Apache-2.0
"""The tar that pg_basebackup writes, taken apart while it passes by: `TarReader`.

Read by us, because Python's own reader of streams copies every byte more often.
"""

import tarfile
from dataclasses import dataclass

from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.unpacking import Receiver, require_inside

_BLOCK = tarfile.BLOCKSIZE


@dataclass(slots=True)
class _Member:
    path: str
    missing: int
    padding: int


class TarReader:
    """Feed it every byte of the tar, then `finish`."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._header = bytearray()
        self._member: _Member | None = None
        self._last = "its beginning"
        self._ended = False

    def feed(self, data: memoryview) -> None:
        """:raises VerificationError: this is no tar, or not of files and folders alone."""
        while data and not self._ended:
            if self._member is None:
                taken = self._feed_header(data)
            else:
                taken = self._feed_member(self._member, data)
            data = data[taken:]

    def finish(self) -> None:
        """:raises VerificationError: the tar ends early."""
        if not self._ended:
            raise VerificationError(f"The backup ends early, after {self._last}.")

    def _feed_header(self, data: memoryview) -> int:
        taken = min(_BLOCK - len(self._header), len(data))
        self._header += data[:taken]
        if len(self._header) == _BLOCK:
            self._begin(bytes(self._header))
            self._header.clear()
        return taken

    def _begin(self, header: bytes) -> None:
        if not any(header):
            self._ended = True
            return
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise VerificationError(f"The backup is no tar: {error}.") from error
        require_inside(info.name)
        if info.isdir():
            self._receiver.folder(info.name)
        elif info.isreg():
            self._member = _Member(info.name, info.size, -info.size % _BLOCK)
            if not info.size:
                self._end(info.name)
        else:
            raise VerificationError(f"{info.name} is neither a file nor a folder.")

    def _feed_member(self, member: _Member, data: memoryview) -> int:
        if member.missing:
            part = data[: member.missing]
            member.missing -= len(part)
            self._receiver.write(member.path, part)
            taken = len(part)
        else:
            taken = min(member.padding, len(data))
            member.padding -= taken
        if not member.missing and not member.padding:
            self._end(member.path)
        return taken

    def _end(self, path: str) -> None:
        self._member = None
        self._last = path
        self._receiver.end(path)
