# SPDX-License-Identifier: Apache-2.0
"""Large objects for stores that take them in parts: Swift's segments, S3's multipart uploads."""

from abc import ABC, abstractmethod

# S3 takes 10,000 parts of an object, and so does the mini cloud's Swift: 312 GiB compressed.
PART_SIZE = 32 * 2**20


class PartWriter(ABC):
    """Cuts what it gets into parts, and names them all at the end."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._count = 0

    def append(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= PART_SIZE:
            self._send(bytes(self._buffer[:PART_SIZE]))
            del self._buffer[:PART_SIZE]

    def finish(self) -> None:
        if self._buffer or not self._count:
            self._send(bytes(self._buffer))
        self.complete()

    def _send(self, part: bytes) -> None:
        self._count += 1
        self.put_part(self._count, part)

    @abstractmethod
    def put_part(self, number: int, part: bytes) -> None:
        """Store a part, of which there is a first."""

    @abstractmethod
    def complete(self) -> None:
        """Make an object of the parts."""

    @abstractmethod
    def abort(self) -> None: ...
