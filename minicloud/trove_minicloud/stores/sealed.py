# SPDX-License-Identifier: Apache-2.0
"""What nobody can read or change without the recovery key: AES-256-GCM in chunks.

A text is sealed with a key of its own, derived from the recovery key and a random salt. Each chunk
has its number in its nonce, and the last one is marked: none can be left out, moved or added.
"""

import hashlib
import os
from collections.abc import Callable
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trove_minicloud.errors import RecoveryError

#: In bytes.
KEY_LENGTH = 32
_MAGIC = b"trove-minicloud sealed 1\n"
_SALT_LENGTH = 16
_CHUNK = 1 << 20
_TAG_LENGTH = 16


def fingerprint(key: bytes) -> str:
    """A name for the key, which tells nothing of it."""
    return hashlib.sha256(b"trove-minicloud recovery key " + key).hexdigest()[:16]


class Sealer:
    """A file to write to. What was sealed goes to `append`; it is whole when this is closed."""

    def __init__(self, key: bytes, append: Callable[[bytes], None]) -> None:
        salt = os.urandom(_SALT_LENGTH)
        self._cipher = _cipher(key, salt)
        self._append = append
        self._buffer = bytearray()
        self._number = 0
        append(_MAGIC + salt)

    def write(self, data: bytes) -> int:
        self._buffer += data
        # The last one is left for the end.
        while len(self._buffer) > _CHUNK:
            self._seal(bytes(self._buffer[:_CHUNK]), last=False)
            del self._buffer[:_CHUNK]
        return len(data)

    def close(self) -> None:
        self._seal(bytes(self._buffer), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._append(self._cipher.encrypt(_nonce(self._number, last), chunk, None))
        self._number += 1


class Opener:
    """Reads what a `Sealer` has written.

    :raises RecoveryError: from every call, where it isn't that, or was sealed with another key.
    """

    def __init__(self, key: bytes, stream: BinaryIO) -> None:
        self._stream = stream
        head = _read(stream, len(_MAGIC) + _SALT_LENGTH)
        if not head.startswith(_MAGIC) or len(head) < len(_MAGIC) + _SALT_LENGTH:
            raise RecoveryError("It was not written by a mini cloud, or not to its end.")
        self._cipher = _cipher(key, head[len(_MAGIC) :])
        self._ahead = self._read_chunk()
        self._opened = b""
        self._number = 0

    def read(self, size: int = -1) -> bytes:
        while self._ahead and (size < 0 or len(self._opened) < size):
            chunk, self._ahead = self._ahead, self._read_chunk()
            try:
                nonce = _nonce(self._number, not self._ahead)
                self._opened += self._cipher.decrypt(nonce, chunk, None)
            except InvalidTag:
                raise RecoveryError("It is damaged, or belongs to another recovery key.") from None
            self._number += 1
        size = len(self._opened) if size < 0 else size
        data, self._opened = self._opened[:size], self._opened[size:]
        return data

    def _read_chunk(self) -> bytes:
        return _read(self._stream, _CHUNK + _TAG_LENGTH)


def _read(stream: BinaryIO, size: int) -> bytes:
    """As much, or what there is; a network gives less at a time."""
    found = bytearray()
    while len(found) < size and (data := stream.read(size - len(found))):
        found += data
    return bytes(found)


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"trove-minicloud state")
    return AESGCM(derivation.derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")
