# SPDX-License-Identifier: Apache-2.0
import io
from typing import BinaryIO, cast

import pytest

from trove_minicloud.errors import RecoveryError
from trove_minicloud.stores import sealed
from trove_minicloud.stores.sealed import Opener, Sealer, fingerprint

KEY, OTHER = b"k" * 32, b"o" * 32
CHUNK = 100
#: What Python's own reader of a file or a socket may give at a time.
LITTLE = 7


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_CHUNK", CHUNK)


class Slow(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, LITTLE))


def seal(content: bytes, key: bytes = KEY) -> bytes:
    out = bytearray()
    sealer = Sealer(key, out.extend)
    for at in range(0, len(content), 30):
        assert sealer.write(content[at : at + 30]) == len(content[at : at + 30])
    sealer.close()
    return bytes(out)


def unseal(content: bytes, key: bytes = KEY) -> bytes:
    opener = Opener(key, cast(BinaryIO, Slow(content)))
    return b"".join(iter(lambda: opener.read(33), b""))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5])
def test_what_was_sealed_can_be_read_with_its_key(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    written = seal(content)

    assert unseal(written) == content
    assert Opener(KEY, io.BytesIO(written)).read() == content
    assert size < 30 or content[:30] not in written
    assert seal(content) != written


def test_another_key_opens_nothing() -> None:
    with pytest.raises(RecoveryError, match="damaged, or belongs to another recovery key"):
        unseal(seal(b"secret"), OTHER)


@pytest.mark.parametrize("at", [30, 60, 200, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    written = bytearray(seal(b"x" * 250))
    written[at] ^= 1

    with pytest.raises(RecoveryError):
        unseal(bytes(written))


def test_chunks_can_t_be_left_out_moved_or_added() -> None:
    head, step = len(seal(b"")) - 16, CHUNK + 16
    written = seal(bytes(3 * CHUNK))
    chunks = [written[head + step * number : head + step * (number + 1)] for number in range(3)]

    for wrong in (
        chunks[:2],
        chunks[1:],
        [chunks[1], chunks[0], chunks[2]],
        [*chunks, chunks[2]],
    ):
        with pytest.raises(RecoveryError):
            unseal(written[:head] + b"".join(wrong))


@pytest.mark.parametrize("content", [b"", b"something else that is quite long, longer than a head"])
def test_what_is_no_sealed_file_is_refused(content: bytes) -> None:
    with pytest.raises(RecoveryError, match="not written by a mini cloud"):
        unseal(content)


def test_a_key_has_a_name_that_tells_nothing_of_it() -> None:
    assert fingerprint(KEY) == fingerprint(KEY) != fingerprint(OTHER)
    assert len(fingerprint(KEY)) == 16
