# SPDX-License-Identifier: Apache-2.0
import errno
import io
import shutil
import stat
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from trove_minicloud import files
from trove_minicloud.errors import (
    BackupNotFoundError,
    DamagedManifestError,
    DiskFullError,
    StoreError,
)
from trove_minicloud.root import Root
from trove_minicloud.stores import local
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key

KEY = Key("instance-1", "backup-1")


def names(root: Root) -> list[str]:
    return sorted(path.name for path in root.backups.glob("*/*"))


def test_what_was_committed_can_be_read_and_nobody_else_can(store: LocalStore, root: Root) -> None:
    manifest = examples.put(store, examples.manifest("backup-1"), b"content", b"basis")

    assert store.head(KEY) == manifest
    assert store.stored_size(KEY) == 7
    assert store.read_basis(KEY) == b"basis"
    with store.open_read(KEY) as stream:
        assert stream.read() == b"content"
    assert names(root) == ["backup-1.basis", "backup-1.json", "backup-1.tar.zst"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in root.backups.glob("*/*")}
    assert modes == {0o600}


def test_a_location_names_its_backup_even_after_the_root_has_moved(store: LocalStore) -> None:
    moved = store.location(KEY).replace("/root/", "/elsewhere/")

    assert store.key_of(moved) == KEY


def test_an_upload_is_no_backup_before_its_commit(store: LocalStore) -> None:
    store.begin(KEY).append(b"some")

    with pytest.raises(BackupNotFoundError):
        store.head(KEY)
    with pytest.raises(BackupNotFoundError):
        store.open_read(KEY)


def test_abort_leaves_nothing(store: LocalStore, root: Root) -> None:
    upload = store.begin(KEY)
    upload.append(b"some")

    upload.abort()

    assert names(root) == []


@pytest.mark.parametrize("writes_before_the_crash", [0, 1])
def test_a_crash_in_the_commit_leaves_no_backup_and_a_deletion_cleans_up(
    store: LocalStore, root: Root, monkeypatch: pytest.MonkeyPatch, writes_before_the_crash: int
) -> None:
    written: list[Path] = []

    def write(path: Path, text: str) -> None:
        if len(written) == writes_before_the_crash:
            raise RuntimeError("crash")
        files.write_private(path, text)
        written.append(path)

    monkeypatch.setattr(local, "write_private", write)
    with pytest.raises(RuntimeError, match="crash"):
        examples.put(store, examples.manifest("backup-1"), b"content")

    assert names(root)
    with pytest.raises(BackupNotFoundError):
        store.head(KEY)
    store.delete(KEY)
    assert names(root) == []


def test_the_manifest_is_written_last(
    store: LocalStore, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def write(path: Path, text: str) -> None:
        seen.append(names(root))
        files.write_private(path, text)

    monkeypatch.setattr(local, "write_private", write)
    examples.put(store, examples.manifest("backup-1"))

    assert seen[-1] == ["backup-1.basis", "backup-1.tar.zst"]


def test_deletion_removes_partial_files_and_spares_other_backups(
    store: LocalStore, root: Root
) -> None:
    examples.put(store, examples.manifest("backup-1"))
    before = names(root)
    store.begin(Key("instance-1", "backup-2")).append(b"some")
    (root.backups / "instance-1" / ".backup-2.json.1.partial").touch()

    store.delete(Key("instance-1", "backup-2"))

    assert names(root) == before


def test_a_full_disk_is_said_to_be_full(store: LocalStore, root: Root) -> None:
    class FullDisk(io.RawIOBase):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    upload = store.begin(KEY)
    upload._writer._stream = FullDisk()  # type: ignore[attr-defined]

    with pytest.raises(DiskFullError, match=r"No space left in .*instance-1"):
        upload.append(b"some")
    upload.abort()
    assert names(root) == []


def test_a_short_write_is_continued(store: LocalStore) -> None:
    written = bytearray()

    class Reluctant(io.RawIOBase):
        def write(self, data: memoryview) -> int:  # type: ignore[override]
            written.extend(data[:3])
            return min(3, len(data))

    upload = store.begin(KEY)
    upload._writer._stream = Reluctant()  # type: ignore[attr-defined]
    upload.append(b"0123456789")

    assert written == b"0123456789"


def test_two_uploads_of_one_backup_are_refused(store: LocalStore) -> None:
    store.begin(KEY)

    with pytest.raises(FileExistsError):
        store.begin(KEY)


def test_delete_removes_all_and_can_be_repeated(store: LocalStore, root: Root) -> None:
    examples.put(store, examples.manifest("backup-1"))

    store.delete(KEY)
    store.delete(KEY)

    assert names(root) == []


def test_a_deletion_that_fails_half_way_leaves_no_backup_and_can_be_finished(
    store: LocalStore, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples.put(store, examples.manifest("backup-1"))
    unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name.endswith(".tar.zst"):
            raise PermissionError(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        store.delete(KEY)
    with pytest.raises(BackupNotFoundError):
        store.head(KEY)
    monkeypatch.undo()
    store.delete(KEY)
    assert names(root) == []


def test_bytes_that_are_gone_are_reported_with_their_backup(store: LocalStore, root: Root) -> None:
    manifest = examples.put(store, examples.manifest("backup-1"))
    path = root.backups / "instance-1" / "backup-1.tar.zst"
    path.unlink()

    with pytest.raises(BackupNotFoundError, match=f"{path} is gone: its backup was deleted"):
        store.open_read(manifest.key)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"started_at": 1, "finished_at": 2}'])
def test_a_damaged_manifest_is_an_error_that_names_its_file(
    store: LocalStore, root: Root, content: str
) -> None:
    manifest = examples.put(store, examples.manifest("backup-1"))
    path = root.backups / "instance-1" / "backup-1.json"
    path.write_text(content)

    with pytest.raises(DamagedManifestError, match=f"{path} is damaged"):
        store.head(manifest.key)


def test_a_backup_ends_before_it_takes_what_stays_for_the_databases(root: Root) -> None:
    free = shutil.disk_usage(root.backups).free
    upload = LocalStore(root.backups, reserve=lambda: free * 2).begin(Key("i", "b"))
    with pytest.raises(DiskFullError, match=r"MiB of the disk stay for the databases"):
        upload.append(b"some")
    upload.abort()
    assert not list(root.backups.glob("*/*"))


def test_a_disk_that_is_not_mounted_is_not_taken_for_an_empty_store(
    root: Root, tmp_path: Path
) -> None:
    target = tmp_path / "disk" / "backups"
    root.backups.rmdir()
    root.backups.symlink_to(target)
    store = LocalStore(root.backups)
    for call in (
        lambda: store.head(KEY),
        lambda: store.stored_size(KEY),
        lambda: store.open_read(KEY),
        lambda: store.delete(KEY),
        lambda: store.begin(KEY),
    ):
        with pytest.raises(StoreError, match="mount its disk"):
            call()
    target.mkdir(parents=True)
    manifest = examples.put(store, examples.manifest(KEY.backup_id))
    assert store.head(KEY) == manifest
