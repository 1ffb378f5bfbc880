# SPDX-License-Identifier: Apache-2.0
import hashlib

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.guest import fake_postgresql
from trove_minicloud.errors import VerificationError
from trove_minicloud.guest.postgresql.stream_check import TarCheck

FILES = {"PG_VERSION": b"18\n", "base/1/1259": b"rows" * 5000, "empty": b""}


def check(content: bytes, step: int = 1 << 20) -> bytes:
    tar_check = TarCheck()
    for start in range(0, len(content), step):
        tar_check.feed(memoryview(content)[start : start + step])
    return tar_check.finish()


def refused(content: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        check(content)
    return str(caught.value)


@pytest.mark.parametrize("step", [1 << 20, 4096, 777])
def test_a_whole_backup_passes_and_its_manifest_is_returned(step: int) -> None:
    assert check(fake_postgresql.backup(), step) == fake_postgresql.manifest_of(FILES)


def test_a_tar_that_ends_early_is_refused_wherever_it_ends() -> None:
    content = fake_postgresql.backup()

    for size in [0, 100, 512, 1024, 5000, len(content) // 2, len(content) - 10240]:
        assert "ends early" in refused(content[:size])


def test_a_changed_byte_in_a_file_is_refused_with_its_name() -> None:
    content = bytearray(fake_postgresql.backup())
    content[content.index(b"rowsrows") + 1] ^= 1

    assert refused(bytes(content)) == "The content of base/1/1259 isn't what the server read."


def test_a_missing_file_is_named() -> None:
    content = fake_postgresql.backup(FILES, listed=FILES | {"global/pg_control": b"x"})

    assert refused(content) == "The backup lacks global/pg_control."


def test_a_file_of_another_size_is_named() -> None:
    content = fake_postgresql.backup(FILES, listed=FILES | {"PG_VERSION": b"18.6\n"})

    assert refused(content) == "PG_VERSION should be 5 bytes, is 3."


def test_a_file_that_the_manifest_does_not_know_is_named() -> None:
    content = fake_postgresql.backup(FILES | {"stranger": b"x"}, listed=FILES)

    assert refused(content) == "The manifest knows nothing of stranger."


def test_missing_wal_is_named() -> None:
    manifest = {"backup_manifest": fake_postgresql.manifest_of(FILES)}
    segment = {"pg_wal/000000010000000000000003": fake_postgresql.SEGMENT}

    assert refused(examples.tar(FILES | manifest)) == "The backup holds no WAL."
    assert refused(examples.tar(FILES | segment | manifest)) == (
        "The backup lacks the whole of pg_wal/000000010000000000000002."
    )


def test_a_changed_manifest_is_refused() -> None:
    manifest = fake_postgresql.manifest_of(FILES).replace(b"PG_VERSION", b"PG_VERSIOM")

    assert "own checksum" in refused(examples.tar(FILES | {"backup_manifest": manifest}))


def test_something_else_than_a_tar_is_refused() -> None:
    assert "no tar" in refused(b"pg_basebackup: error" * 100)


def test_names_that_are_not_utf_8_are_compared_by_their_bytes() -> None:
    manifest = fake_postgresql.manifest_of({"name": b"x"})
    body = manifest.replace(b'"Path": "name"', b'"Encoded-Path": "ff6e"').split(b'"Manifest-C')[0]
    digest = hashlib.sha256(body).hexdigest().encode()
    content = examples.tar(
        {
            "\udcffn": b"x",
            "pg_wal/000000010000000000000002": fake_postgresql.SEGMENT,
            "backup_manifest": body + b'"Manifest-Checksum": "' + digest + b'"}\n',
        }
    )

    check(content)
