# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest
from trove.instance.service_status import ServiceStatuses
from trove.instance.tasks import InstanceTasks

from tests.unit.minicloud import examples
from trove_minicloud.errors import CheckFailedError, DiskFullError, ProgramsMissingError
from trove_minicloud.guest import proving
from trove_minicloud.guest.postgresql.datastore import PostgreSQL
from trove_minicloud.inside_trove import making
from trove_minicloud.root import Root
from trove_minicloud.stores.local import LocalStore


class Row:
    """An instance in Trove's database, and its status."""

    def __init__(self) -> None:
        self.id, self.name, self.tenant_id = "instance-1", "m", "project-1"
        self.datastore_version_id = "version-1"
        self.task_status, self.status = InstanceTasks.BUILDING, ServiceStatuses.NEW

    def update(self, task_status: Any) -> None:
        self.task_status = task_status

    def set_status(self, status: Any) -> None:
        self.status = status

    def save(self) -> None:
        """It is written at once."""


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> Row:
    row = Row()
    monkeypatch.setattr(making.DBInstance, "find_by", lambda id: row)
    monkeypatch.setattr(making.InstanceServiceStatus, "find_by", lambda instance_id: row)
    monkeypatch.setattr(
        making.DatastoreVersion, "load_by_uuid", lambda _id: SimpleNamespace(manager="postgresql")
    )
    return row


def test_a_new_server_is_that_instance_and_of_its_project(
    root: Root, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def create_server(
        _self: PostgreSQL, _root: Root, name: str, project_id: str, *, instance_id: str
    ) -> Any:
        asked.append((name, project_id, instance_id))
        return SimpleNamespace(name=name, id=instance_id)

    monkeypatch.setattr(PostgreSQL, "create_server", create_server)
    making.make(root, "instance-1", None, None)
    assert asked == [("m", "project-1", "instance-1")]
    # Trove itself ends the task, when the server serves.
    assert row.task_status == InstanceTasks.BUILDING


def test_a_restored_server_is_that_instance_and_of_its_project_and_has_to_prove_its_rows(
    root: Root, store: LocalStore, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    backup = examples.put(store, examples.manifest("backup-1"))
    prove = create_autospec(proving.prove)
    monkeypatch.setattr(proving, "prove", prove)

    def restore(_root: Root, _store: Any, key: Any, name: str, **who: str) -> Any:
        asked.append((tuple(key), name, who))
        return SimpleNamespace(name=name, id=who["instance_id"])

    monkeypatch.setattr(making, "restore", restore)
    location = {"location": store.location(backup.key)}
    making.make(root, "instance-1", location, "token")
    who = {"project_id": "project-1", "instance_id": "instance-1"}
    assert asked == [(("instance-1", "backup-1"), "m", who)]
    (_root, copy, proven, _report), _ = prove.call_args
    assert (copy.id, proven) == ("instance-1", backup)

    faults: list[str] = []
    monkeypatch.setattr(
        making, "save_instance_fault", lambda _id, text, _details: faults.append(text)
    )
    prove.side_effect = CheckFailedError("The check of m is answered with 'f'")
    with pytest.raises(CheckFailedError):
        making.make(root, "instance-1", location, "token")
    assert faults == ["The check of m is answered with 'f'"]
    assert row.task_status == InstanceTasks.BUILDING_ERROR_SERVER


def test_a_server_that_can_not_be_made_makes_an_instance_in_error_that_says_why(
    root: Root, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[tuple[str, str]] = []
    monkeypatch.setattr(
        making, "save_instance_fault", lambda id, text, _details: faults.append((id, text))
    )

    def create_server(*_args: Any, **_kwargs: Any) -> Any:
        raise ProgramsMissingError("There is no PostgreSQL here.")

    monkeypatch.setattr(PostgreSQL, "create_server", create_server)
    with pytest.raises(ProgramsMissingError):
        making.make(root, "instance-1", None, None)
    assert faults == [("instance-1", "There is no PostgreSQL here.")]
    assert row.status == ServiceStatuses.FAILED
    assert row.task_status == InstanceTasks.BUILDING_ERROR_SERVER


def test_a_restore_that_does_not_fit_does_not_begin(
    root: Root, store: LocalStore, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = examples.put(store, examples.manifest("backup-1", raw_size=2**60))
    restore = create_autospec(making.restore)
    monkeypatch.setattr(making, "restore", restore)
    monkeypatch.setattr(making, "save_instance_fault", lambda *_what: None)
    with pytest.raises(DiskFullError, match="The restore needs about"):
        making.make(root, "instance-1", {"location": store.location(backup.key)}, "token")
    restore.assert_not_called()
