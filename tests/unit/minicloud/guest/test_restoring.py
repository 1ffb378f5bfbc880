# SPDX-License-Identifier: Apache-2.0
import io
import sys
import tarfile
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.unit.minicloud import examples
from trove_minicloud.errors import (
    BackupNotFoundError,
    ChecksumMismatchError,
    DatastoreError,
    ProgramsMissingError,
    RestoreError,
)
from trove_minicloud.guest import datastores
from trove_minicloud.guest.restoring import fetch, restore
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key, Manifest

POSTGRESQL = datastores.named("postgresql")
CONTENT = examples.compressed(examples.tar({"base/1": b"rows" * 1000, "PG_VERSION": b"18\n"}))


def put(store: LocalStore) -> Manifest:
    return examples.put(store, examples.manifest("backup-1"), CONTENT)


def flip(root: Root, position: int) -> Path:
    path = root.backups / "instance-1" / "backup-1.tar.zst"
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    return path


def test_what_was_stored_is_unpacked(store: LocalStore, tmp_path: Path) -> None:
    fetch(store, POSTGRESQL, put(store), tmp_path / "part")

    assert (tmp_path / "part" / "base" / "1").read_bytes() == b"rows" * 1000


@pytest.mark.parametrize("position", range(0, len(CONTENT), 5))
def test_a_flipped_byte_is_reported_as_damage_wherever_it_is(
    store: LocalStore, root: Root, tmp_path: Path, position: int
) -> None:
    manifest = put(store)
    path = flip(root, position)

    with pytest.raises(ChecksumMismatchError) as caught:
        fetch(store, POSTGRESQL, manifest, tmp_path / "part")
    assert str(path) in caught.value.name
    assert caught.value.expected == manifest.sha256
    assert caught.value.expected in str(caught.value)
    assert caught.value.actual in str(caught.value)


def test_bytes_that_can_not_be_decompressed_fail_whatever_unpacks_them(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_all(stream: BinaryIO, folder: Path) -> None:
        while stream.read(1 << 20):
            pass

    monkeypatch.setattr(POSTGRESQL, "unpack", take_all)
    # Stored so, and with the checksum of what was stored.
    damaged = bytearray(CONTENT)
    damaged[len(damaged) // 2] ^= 1
    manifest = examples.put(store, examples.manifest("backup-1"), bytes(damaged))

    with pytest.raises(RestoreError, match=r"can't be unpacked: .*zstd"):
        fetch(store, POSTGRESQL, manifest, tmp_path / "part")


def test_a_refused_restore_leaves_no_instance(store: LocalStore, root: Root) -> None:
    put(store)
    flip(root, 20)

    with pytest.raises(ChecksumMismatchError):
        restore(root, store, Key("instance-1", "backup-1"), "new")
    assert list(root.instances.iterdir()) == []


def test_an_unknown_backup_is_named(store: LocalStore, root: Root) -> None:
    with pytest.raises(BackupNotFoundError, match="no backup backup-9"):
        restore(root, store, Key("instance-1", "backup-9"), "new")


def test_a_path_that_leads_out_of_the_folder_is_refused(store: LocalStore, tmp_path: Path) -> None:
    content = examples.compressed(examples.tar({"../outside": b"x"}))
    manifest = examples.put(store, examples.manifest("backup-1"), content)

    with pytest.raises(RestoreError, match="outside' would lead out of"):
        fetch(store, POSTGRESQL, manifest, tmp_path / "part")
    assert not (tmp_path / "outside").exists()


def test_a_link_in_a_backup_is_refused(store: LocalStore, tmp_path: Path) -> None:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        link = tarfile.TarInfo("base/1")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    content = examples.compressed(output.getvalue())
    manifest = examples.put(store, examples.manifest("backup-1"), content)

    with pytest.raises(RestoreError, match="base/1 is neither a file nor a folder"):
        fetch(store, POSTGRESQL, manifest, tmp_path / "part")


def test_an_unknown_datastore_is_named_with_those_there_are() -> None:
    with pytest.raises(
        DatastoreError, match="no datastore 'oracle'; there is: mariadb, postgresql"
    ):
        datastores.named("oracle")


def test_mariadb_without_its_python_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "trove_minicloud.guest.mariadb.datastore", None)
    with pytest.raises(ProgramsMissingError, match=r"pip install 'trove-minicloud\[mariadb\]'"):
        datastores.named("mariadb")
