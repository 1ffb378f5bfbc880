# SPDX-License-Identifier: Apache-2.0
"""Checks a pg_basebackup tar against the manifest that it ends with, while it passes by.

pg_verifybackup does this too, but needs the whole uncompressed tar on disk. What it adds, reading
the WAL, is done at every restore.
"""

import hashlib
import json
import re
from typing import Any

import google_crc32c

from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.postgresql.tar import TarReader

_MANIFEST = "backup_manifest"
_SEGMENT = re.compile(r"pg_wal/[0-9A-F]{24}")


class TarCheck:
    """Feed it every byte of the tar, then `finish`."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._crcs: dict[str, int] = {}
        # The bytes themselves, for this one only.
        self._manifest = bytearray()
        self._reader = TarReader(self)

    def feed(self, data: memoryview) -> None:
        """:raises VerificationError: this is no tar."""
        self._reader.feed(data)

    def folder(self, path: str) -> None:
        """The manifest knows of files only."""

    def write(self, path: str, data: memoryview) -> None:
        if path == _MANIFEST:
            self._manifest += data
            return
        self._sizes[path] = self._sizes.get(path, 0) + len(data)
        self._crcs[path] = google_crc32c.extend(self._crcs.get(path, 0), bytes(data))

    def end(self, path: str) -> None:
        if path != _MANIFEST:
            self._sizes.setdefault(path, 0)

    def finish(self) -> bytes:
        """The backup's own manifest, which an incremental backup on it needs.

        :raises VerificationError: the tar isn't what its manifest says.
        """
        self._reader.finish()
        manifest = bytes(self._manifest)
        content = _parse(manifest)
        segments = self._check_files(content["Files"])
        for wal_range in content["WAL-Ranges"]:
            _check_wal(wal_range, segments)
        return manifest

    def _check_files(self, expected: list[dict[str, Any]]) -> dict[str, int]:
        """Returns the WAL segments with their sizes; these alone aren't in the manifest."""
        found = dict(self._sizes)
        for entry in expected:
            name = entry["Path"] if "Path" in entry else _decode(entry["Encoded-Path"])
            if name not in found:
                raise VerificationError(f"The backup lacks {name}.")
            size, crc = found.pop(name), self._crcs.get(name, 0)
            if size != entry["Size"]:
                raise VerificationError(f"{name} should be {entry['Size']} bytes, is {size}.")
            if entry["Checksum-Algorithm"] != "CRC32C":
                raise VerificationError(f"No CRC32C for {name}: {entry['Checksum-Algorithm']}.")
            # The server writes the sum's bytes in its memory's order: little-endian everywhere.
            if crc.to_bytes(4, "little").hex() != entry["Checksum"]:
                raise VerificationError(f"The content of {name} isn't what the server read.")
        if strange := [name for name in found if not _SEGMENT.fullmatch(name)]:
            raise VerificationError(f"The manifest knows nothing of {strange[0]}.")
        return found


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
