# SPDX-License-Identifier: Apache-2.0
"""Checks a pg_basebackup tar against the manifest that it ends with, while it passes by.

pg_verifybackup does this too, but needs the whole uncompressed tar on disk. What it adds, reading
the WAL, is done at every restore.
"""

import hashlib
import json
import re
import tarfile
from dataclasses import dataclass, field
from typing import Any

import google_crc32c

from trove_minicloud.guest.errors import VerificationError

_BLOCK = tarfile.BLOCKSIZE
_MANIFEST = "backup_manifest"
_SEGMENT = re.compile(r"pg_wal/[0-9A-F]{24}")


@dataclass(slots=True)
class _Member:
    name: str
    size: int
    missing: int
    padding: int
    crc: int = 0
    # The bytes themselves, for the manifest only.
    kept: bytearray | None = field(default=None)


class TarCheck:
    """Feed it every byte of the tar, then `finish`."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._member: _Member | None = None
        self._files: dict[str, tuple[int, int]] = {}
        self._manifest: bytes | None = None
        self._ended = False

    def feed(self, data: memoryview) -> None:
        """:raises VerificationError: this is no tar."""
        while data and not self._ended:
            if self._member is None:
                taken = self._feed_header(data)
            else:
                taken = self._feed_member(self._member, data)
            data = data[taken:]

    def finish(self) -> bytes:
        """The backup's own manifest, which an incremental backup on it needs.

        :raises VerificationError: the tar isn't what its manifest says.
        """
        if not self._ended or self._manifest is None:
            last = next(reversed(self._files), "its beginning")
            raise VerificationError(f"The backup ends early, after {last}.")
        content = _parse(self._manifest)
        segments = self._check_files(content["Files"])
        for wal_range in content["WAL-Ranges"]:
            _check_wal(wal_range, segments)
        return self._manifest

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
        size = info.size if info.isreg() else 0
        member = _Member(info.name, size, size, -size % _BLOCK)
        if info.name == _MANIFEST:
            member.kept = bytearray()
        if info.isreg():
            self._member = member
            if not size:
                self._end(member)

    def _feed_member(self, member: _Member, data: memoryview) -> int:
        if member.missing:
            part = bytes(data[: member.missing])
            member.missing -= len(part)
            if member.kept is None:
                member.crc = google_crc32c.extend(member.crc, part)
            else:
                member.kept += part
            taken = len(part)
        else:
            taken = min(member.padding, len(data))
            member.padding -= taken
        if not member.missing and not member.padding:
            self._end(member)
        return taken

    def _end(self, member: _Member) -> None:
        self._member = None
        if member.kept is None:
            self._files[member.name] = (member.size, member.crc)
        else:
            self._manifest = bytes(member.kept)

    def _check_files(self, expected: list[dict[str, Any]]) -> dict[str, int]:
        """Returns the WAL segments with their sizes; these alone aren't in the manifest."""
        found = dict(self._files)
        for entry in expected:
            name = entry["Path"] if "Path" in entry else _decode(entry["Encoded-Path"])
            if name not in found:
                raise VerificationError(f"The backup lacks {name}.")
            size, crc = found.pop(name)
            if size != entry["Size"]:
                raise VerificationError(f"{name} should be {entry['Size']} bytes, is {size}.")
            if entry["Checksum-Algorithm"] != "CRC32C":
                raise VerificationError(f"No CRC32C for {name}: {entry['Checksum-Algorithm']}.")
            # The server writes the sum's bytes in its memory's order: little-endian everywhere.
            if crc.to_bytes(4, "little").hex() != entry["Checksum"]:
                raise VerificationError(f"The content of {name} isn't what the server read.")
        if strange := [name for name in found if not _SEGMENT.fullmatch(name)]:
            raise VerificationError(f"The manifest knows nothing of {strange[0]}.")
        return {name: size for name, (size, _) in found.items()}


def _parse(manifest: bytes) -> dict[str, Any]:
    # The last line holds a checksum of all before it.
    body, _, _ = manifest.rstrip(b"\n").rpartition(b"\n")
    try:
        content: dict[str, Any] = json.loads(manifest)
    except ValueError as error:
        raise VerificationError(f"The backup's manifest is damaged: {error}") from error
    if hashlib.sha256(body + b"\n").hexdigest() != content.get("Manifest-Checksum"):
        raise VerificationError("The backup's manifest doesn't match its own checksum.")
    return content


def _decode(encoded_path: str) -> str:
    return bytes.fromhex(encoded_path).decode("utf-8", "surrogateescape")


def _check_wal(wal_range: dict[str, Any], segments: dict[str, int]) -> None:
    """All WAL between the backup's start and end must be there, or it can't be made consistent."""
    size = max(segments.values(), default=0)
    if size == 0:
        raise VerificationError("The backup holds no WAL.")
    first = _lsn(wal_range["Start-LSN"]) // size
    last = (_lsn(wal_range["End-LSN"]) - 1) // size
    per_log = (1 << 32) // size
    for number in range(first, last + 1):
        log, segment = divmod(number, per_log)
        name = f"pg_wal/{wal_range['Timeline']:08X}{log:08X}{segment:08X}"
        if segments.get(name) != size:
            raise VerificationError(f"The backup lacks the whole of {name}.")


def _lsn(text: str) -> int:
    high, low = text.split("/")
    return (int(high, 16) << 32) | int(low, 16)
