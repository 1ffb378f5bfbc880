# SPDX-License-Identifier: Apache-2.0
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.guest import fake_postgresql
from trove_minicloud.errors import (
    BackupToolError,
    InstanceBusyError,
    ServerUnavailableError,
    StoreError,
    VerificationError,
)
from trove_minicloud.guest import folders, instances, taking
from trove_minicloud.guest.instances import Instance
from trove_minicloud.guest.postgresql import backing_up
from trove_minicloud.guest.postgresql.binaries import FOLDER_VARIABLE
from trove_minicloud.guest.taking import Parent, Title, take_backup
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key, Manifest


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = fake_postgresql.install(tmp_path / "bin")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def instance(root: Root) -> Instance:
    with folders.building(root) as folder:
        instances.write(folder, examples.instance())
    return examples.instance()


@pytest.fixture
def parent(root: Root, store: LocalStore, instance: Instance, tools: Path) -> Manifest:
    manifest = take_backup(root, store, instance, "parent", None)
    (tools / "calls").unlink()
    return manifest


def reference(manifest: Manifest) -> Parent:
    return Parent(f"file:///root/{'/'.join(manifest.key)}.tar.zst", manifest.sha256[:32])


def calls(tools: Path) -> list[str]:
    path = tools / "calls"
    return path.read_text().split() if path.exists() else []


def test_a_full_backup_is_stored_with_what_the_next_one_needs(
    root: Root, store: LocalStore, instance: Instance, tools: Path
) -> None:
    title = Title("nightly", "by a schedule")
    manifest = take_backup(root, store, instance, "b", None, title)

    assert store.head(Key(instance.id, "b")) == manifest
    assert (manifest.name, manifest.description) == ("nightly", "by a schedule")
    assert (manifest.kind, manifest.parent_id, manifest.reason) == ("full", None, None)
    assert manifest.incarnation == instance.incarnation
    assert manifest.raw_size == len(fake_postgresql.backup())
    assert b'"Manifest-Checksum"' in store.read_basis(manifest.key)


def test_a_backup_on_a_parent_is_incremental(
    root: Root, store: LocalStore, instance: Instance, tools: Path, parent: Manifest
) -> None:
    manifest = take_backup(root, store, instance, "b", reference(parent))

    assert (manifest.kind, manifest.parent_id, manifest.reason) == ("incremental", "parent", None)
    assert calls(tools) == ["incremental"]
    assert not list(instance.folder(root).glob("*.basis"))


def test_an_incremental_backup_that_the_server_refuses_becomes_full_and_says_why(
    root: Root, store: LocalStore, instance: Instance, tools: Path, parent: Manifest
) -> None:
    (tools / "refuses").touch()

    manifest = take_backup(root, store, instance, "b", reference(parent))

    assert (manifest.kind, manifest.parent_id) == ("full", None)
    assert manifest.reason is not None
    assert "instead of incremental on file:///root/instance-1/parent.tar.zst" in manifest.reason
    assert "WAL summaries are required" in manifest.reason
    assert calls(tools) == ["incremental", "full"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("tar.zst", "The bytes of backup parent are gone"),
        ("json", "no backup parent"),
        ("basis", "what to build on is gone"),
    ],
)
def test_a_parent_that_is_not_whole_makes_it_full(
    root: Root,
    store: LocalStore,
    instance: Instance,
    tools: Path,
    parent: Manifest,
    damage: str,
    reason: str,
) -> None:
    (root.backups / instance.id / f"parent.{damage}").unlink()

    manifest = take_backup(root, store, instance, "b", reference(parent))

    assert manifest.kind == "full"
    assert manifest.reason is not None and reason in manifest.reason
    assert calls(tools) == ["full"]


def test_a_damaged_basis_makes_it_full(
    root: Root, store: LocalStore, instance: Instance, tools: Path, parent: Manifest
) -> None:
    (root.backups / instance.id / "parent.basis").write_text("{}")

    manifest = take_backup(root, store, instance, "b", reference(parent))

    assert manifest.kind == "full"
    assert manifest.reason is not None and "damaged" in manifest.reason


def test_a_parent_of_another_instance_incarnation_or_checksum_makes_it_full(
    root: Root, store: LocalStore, instance: Instance, tools: Path, parent: Manifest
) -> None:
    other = examples.put(store, examples.manifest("other", instance_id="instance-2"))
    before = examples.put(store, examples.manifest("before", incarnation="before a restore"))
    reasons = [
        take_backup(root, store, instance, f"b{number}", refused).reason or ""
        for number, refused in enumerate(
            [reference(other), reference(before), Parent(store.location(parent.key), "0" * 32)]
        )
    ]

    assert "it is a backup of instance instance-2" in reasons[0]
    assert "another history" in reasons[1]
    assert "another checksum" in reasons[2]
    assert calls(tools) == ["full"] * 3


def test_a_parent_in_another_store_makes_it_full(
    root: Root, store: LocalStore, instance: Instance, tools: Path
) -> None:
    parent = Parent("http://127.0.0.1:8080/v1/AUTH_p/c/instance-1_parent.tar.zst", "00")

    manifest = take_backup(root, store, instance, "b", parent)

    assert manifest.kind == "full"
    assert manifest.reason is not None and "in another store" in manifest.reason


def test_a_server_that_is_down_fails_the_backup_with_its_cause(
    root: Root, store: LocalStore, instance: Instance, tools: Path
) -> None:
    (tools / "down").touch()

    with pytest.raises(ServerUnavailableError, match="connection refused"):
        take_backup(root, store, instance, "b", None)
    assert calls(tools) == []


def test_a_tool_that_fails_in_the_middle_is_not_tried_again_and_leaves_nothing(
    root: Root, store: LocalStore, instance: Instance, tools: Path, parent: Manifest
) -> None:
    (tools / "fails").touch()

    with pytest.raises(BackupToolError, match="the server went away"):
        take_backup(root, store, instance, "b", reference(parent))
    assert calls(tools) == ["incremental"]
    assert not list(root.backups.glob("*/b.*"))


def test_a_store_that_fails_as_well_does_not_hide_the_cause(
    root: Root,
    store: LocalStore,
    instance: Instance,
    tools: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_arguments: object) -> None:
        raise StoreError("the store is gone")

    (tools / "fails").touch()
    monkeypatch.setattr(LocalStore, "delete", fail)

    with pytest.raises(BackupToolError, match="the server went away") as failed:
        take_backup(root, store, instance, "b", None)
    assert failed.value.__notes__ == [
        "What was stored of it could not be removed: the store is gone"
    ]


def test_a_server_with_tablespaces_is_backed_up_by_another_tool(
    root: Root,
    store: LocalStore,
    instance: Instance,
    tools: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tools / "tablespaces").touch()
    instead = ("/bin/cat", str(tools / "backup.tar"))
    monkeypatch.setattr(backing_up, "_joining_command", lambda _server, _basis: instead)

    manifest = take_backup(root, store, instance, "b", None)

    assert manifest.raw_size == (tools / "backup.tar").stat().st_size
    assert calls(tools) == ["full"]
    (tools / "backup.tar").unlink()
    with pytest.raises(BackupToolError, match="cat exited 1"):
        take_backup(root, store, instance, "c", None)


def test_a_short_backup_is_not_stored(
    root: Root, store: LocalStore, instance: Instance, tools: Path
) -> None:
    tar = (tools / "backup.tar").read_bytes()
    (tools / "backup.tar").write_bytes(tar[: len(tar) // 2])

    with pytest.raises(VerificationError, match="ends early"):
        take_backup(root, store, instance, "b", None)
    assert not list(root.backups.glob("*/b.*"))


def test_a_backup_waits_for_the_end_of_another_one(
    root: Root, store: LocalStore, instance: Instance, tools: Path
) -> None:
    with ThreadPoolExecutor() as pool:
        with instances.backup_lock(root, instance.id, "x"):
            waiting = pool.submit(take_backup, root, store, instance, "b", None)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.3)
        assert waiting.result(timeout=60).key.backup_id == "b"


def test_a_backup_that_waits_in_vain_is_refused(
    root: Root,
    store: LocalStore,
    instance: Instance,
    tools: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(taking, "_LOCK_WAIT", 0.1)
    with instances.backup_lock(root, instance.id, "x"), pytest.raises(InstanceBusyError):
        take_backup(root, store, instance, "b", None)
