# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest
from trove.common.context import TroveContext
from trove.common.exception import NotFound, TroveError
from trove.instance.tasks import InstanceTasks
from trove.taskmanager.manager import Manager

from tests.unit.minicloud import examples
from trove_minicloud.errors import BackupNotFoundError, InstanceBusyError
from trove_minicloud.guest import instances
from trove_minicloud.inside_trove import deletion
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.stores.local import LocalStore


class Row:
    """A backup as Trove keeps it."""

    tenant_id = "project-1"
    location = ""
    instance_id = "instance-1"
    datastore_version_id: str | None = "version-1"
    state = "COMPLETED"
    task_status: Any = None
    deleted = False

    def update(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Row:
    row = Row()
    monkeypatch.setattr(deletion.DBBackup, "find_by", lambda id: row)
    return row


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    faults: list[str] = []
    monkeypatch.setattr(deletion, "save_instance_fault", lambda _i, text, _d: faults.append(text))
    return faults


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, int]]]:
    changes: list[tuple[str, dict[str, int]]] = []
    monkeypatch.setattr(
        deletion, "run_with_quotas", lambda tenant, deltas, _f: changes.append((tenant, deltas))
    )
    return changes


def let_trove_fail(monkeypatch: pytest.MonkeyPatch, row: Row) -> None:
    """As its `BackupTasks.delete_backup` does."""

    def delete_backup(_manager: Manager, _context: object, backup_id: str) -> None:
        try:
            raise PermissionError("read-only disk")
        except PermissionError:
            row.update(state="DELETE_FAILED", deleted=True, datastore_version_id=None)
            raise TroveError(f"Failed to delete object for backup {backup_id}.")  # noqa: B904

    monkeypatch.setattr(Manager, "delete_backup", delete_backup)


def test_trove_deletes_the_stored_bytes_through_its_object_storage_client(
    store: LocalStore, root: Root, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(root.path))
    manifest = examples.put(store, examples.manifest("backup-1"), b"content")
    # How Trove takes a location apart.
    container, name = store.location(manifest.key).split("/")[-2:]
    row.location = store.location(manifest.key)
    client = deletion.swift_client(TroveContext(auth_token="t", project_id="project-1"))

    assert client.head_object(container, name) == {"etag": manifest.sha256[:32]}
    client.delete_object(container, name)

    assert not list(root.backups.glob("*/*"))
    # So a deletion can be repeated, and nothing is restored from what isn't whole.
    assert client.head_object(container, name) == {"etag": ""}
    client.delete_object(container, name)


def test_the_backup_of_another_project_is_not_found(store: LocalStore, row: Row) -> None:
    manifest = examples.put(store, examples.manifest("backup-1"), b"content")
    row.location = store.location(manifest.key)
    container, name = row.location.split("/")[-2:]
    stranger = deletion.swift_client(TroveContext(project_id="project-2"))

    for ask in (stranger.head_object, stranger.delete_object):
        with pytest.raises(NotFound):
            ask(container, name)
    assert store.head(manifest.key) == manifest


def test_what_no_store_ever_kept_is_not_deleted(row: Row) -> None:
    with pytest.raises(BackupNotFoundError):
        deletion.swift_client(TroveContext()).delete_object("instance-1", "instance.json")


def test_a_failed_deletion_stays_in_sight_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
    row: Row,
    faults: list[str],
    quota: list[tuple[str, dict[str, int]]],
) -> None:
    let_trove_fail(monkeypatch, row)

    with pytest.raises(TroveError):
        deletion.TaskManager().delete_backup(None, "backup-1")

    assert (row.state, row.deleted, row.datastore_version_id) == (
        "DELETE_FAILED",
        False,
        "version-1",
    )
    assert faults == ["Backup backup-1 DELETE_FAILED: read-only disk"]
    assert quota == [("project-1", {"backups": 1})]


def test_a_backup_that_another_request_has_deleted_stays_deleted(
    monkeypatch: pytest.MonkeyPatch, row: Row
) -> None:
    row.deleted = True

    def delete_backup(*_: object) -> None:
        raise NotFound(uuid="backup-1")

    monkeypatch.setattr(Manager, "delete_backup", delete_backup)

    with pytest.raises(NotFound):
        deletion.TaskManager().delete_backup(None, "backup-1")
    assert row.deleted


def test_a_deletion_that_succeeds_is_left_to_trove(
    monkeypatch: pytest.MonkeyPatch, row: Row, faults: list[str]
) -> None:
    monkeypatch.setattr(Manager, "delete_backup", lambda *_: row.update(deleted=True))

    deletion.TaskManager().delete_backup(None, "backup-1")

    assert row.deleted and faults == []


@pytest.fixture
def instance_row(monkeypatch: pytest.MonkeyPatch) -> Row:
    found = Row()
    monkeypatch.setattr(deletion.DBInstance, "find_by", lambda id: found)
    return found


@pytest.mark.parametrize("made", [True, False])
def test_an_instances_server_is_removed_before_trove_forgets_it(
    root: Root, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    order: list[str] = []
    monkeypatch.setenv(ROOT_VARIABLE, str(root.path))
    monkeypatch.setattr(deletion.stopping, "delete", lambda _root, each: order.append(each.id))
    monkeypatch.setattr(Manager, "delete_instance", lambda _m, _c, id: order.append(f"trove {id}"))
    if made:
        instance = examples.instance()
        instance.folder(root).mkdir()
        instances.save(root, instance)
    deletion.TaskManager().delete_instance(TroveContext(), "instance-1")
    assert order == (["instance-1"] if made else []) + ["trove instance-1"]


def test_an_instance_that_can_not_be_deleted_stays_in_sight_and_in_the_quota(
    root: Root,
    instance_row: Row,
    faults: list[str],
    quota: list[tuple[str, dict[str, int]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(root.path))
    instance = examples.instance()
    instance.folder(root).mkdir()
    instances.save(root, instance)
    with (
        instances.backup_lock(root, instance.id, "backup b"),
        pytest.raises(InstanceBusyError, match="backup b"),
    ):
        deletion.TaskManager().delete_instance(TroveContext(), instance.id)
    assert instance.folder(root).exists()
    assert instance_row.task_status == InstanceTasks.NONE
    assert quota == [("project-1", {"instances": 1})]
    assert ["is busy with backup b" in fault for fault in faults] == [True]
