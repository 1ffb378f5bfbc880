# SPDX-License-Identifier: Apache-2.0
import dataclasses
import os
import threading
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from oslo_utils import timeutils
from trove.instance.service_status import ServiceStatuses
from trove.instance.tasks import InstanceTasks

from tests.unit.minicloud import examples
from trove_minicloud.errors import ProgramsMissingError
from trove_minicloud.guest import datastores, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.inside_trove import guest_agent, instance_rows, making
from trove_minicloud.root import Root


class Row:
    """An instance's status in Trove's database."""

    def __init__(self, status: Any, updated_at: datetime) -> None:
        self.status, self.updated_at, self.saved = status, updated_at, 0

    def set_status(self, status: Any) -> None:
        self.status = status

    def save(self) -> None:
        self.updated_at = timeutils.utcnow()
        self.saved += 1


class Usage:
    """How many instances count in a project's quota."""

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id, self.in_use, self.reserved = tenant_id, 5, 1

    def save(self) -> None:
        """It is written at once."""


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[str, Row]:
    """Trove knows these instances."""
    known: dict[str, Row] = {}

    def find_all(deleted: bool, flavor_id: str) -> Any:
        return SimpleNamespace(
            all=lambda: [SimpleNamespace(id=id, task_status=InstanceTasks.NONE) for id in known]
        )

    monkeypatch.setattr(instance_rows.DBInstance, "find_all", find_all)
    monkeypatch.setattr(
        instance_rows.InstanceServiceStatus, "find_by", lambda instance_id: known[instance_id]
    )
    return known


def _add(root: Root, rows: dict[str, Row], id: str, age: timedelta = timedelta()) -> Instance:
    """An instance that last changed a minute ago, and is HEALTHY since `age`."""
    made = dataclasses.replace(examples.instance(), id=id)
    made.folder(root).mkdir()
    instances.save(root, made)
    _touch(root, made, timedelta(minutes=1))
    rows[id] = Row(ServiceStatuses.HEALTHY, timeutils.utcnow() - age)
    return made


def _touch(root: Root, instance: Instance, age: timedelta) -> None:
    moment = timeutils.utcnow_ts(microsecond=True) - age.total_seconds()
    os.utime(instance.folder(root) / "instance.json", (moment, moment))


def test_one_instance_that_fails_does_not_keep_the_others_from_being_seen(
    root: Root, rows: dict[str, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    for id in ("a", "b", "c"):
        _add(root, rows, id)

    def is_serving(_root: Root, instance: Instance) -> bool:
        if instance.id == "b":
            raise OSError("too many open files")
        return False

    monkeypatch.setattr(guest_agent, "is_serving", is_serving)
    instance_rows._reconcile(root)
    states = {id: row.status for id, row in rows.items()}
    assert states == {
        "a": ServiceStatuses.SHUTDOWN,
        "b": ServiceStatuses.HEALTHY,
        "c": ServiceStatuses.SHUTDOWN,
    }


def test_an_instance_that_can_not_be_read_stays_in_trove(
    root: Root, rows: dict[str, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest_agent, "is_serving", lambda _root, _instance: True)
    made = _add(root, rows, "a")
    file = made.folder(root) / "instance.json"
    file.unlink()
    file.mkdir()
    # To take it out, its status would be set and its row deleted, which this row can't be.
    instance_rows._reconcile(root)
    assert rows["a"].status == ServiceStatuses.HEALTHY


def test_a_server_that_can_not_be_reached_does_not_delay_the_heartbeat_of_another(
    root: Root, rows: dict[str, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    old = timedelta(seconds=60)
    for id in ("a", "b", "c", "d"):
        _add(root, rows, id, old)
    saved = threading.Event()
    monkeypatch.setattr(rows["d"], "save", saved.set)
    # All but the last wait for the last one's heartbeat.
    monkeypatch.setattr(
        guest_agent, "is_serving", lambda _root, instance: instance.id == "d" or saved.wait(60)
    )
    instance_rows._reconcile(root)
    assert saved.is_set()
    assert all(rows[id].saved == 1 for id in ("a", "b", "c"))


@pytest.mark.parametrize(
    ("status_age", "change_age", "written"), [(2, 60, 0), (25, 60, 1), (10, 5, 1), (5, 5, 1)]
)
def test_a_status_is_written_at_each_heartbeat_and_again_after_a_change(
    root: Root,
    rows: dict[str, Row],
    monkeypatch: pytest.MonkeyPatch,
    status_age: float,
    change_age: float,
    written: int,
) -> None:
    instance = _add(root, rows, "a", timedelta(seconds=status_age))
    _touch(root, instance, timedelta(seconds=change_age))
    monkeypatch.setattr(guest_agent, "is_serving", lambda *_: True)
    instance_rows._reconcile(root)
    assert rows["a"].saved == written


def test_an_answer_from_before_a_change_is_not_written(
    root: Root, rows: dict[str, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = _add(root, rows, "a", timedelta(seconds=60))

    def is_serving(_root: Root, _instance: Instance) -> bool:
        _touch(root, instance, timedelta(seconds=-1))
        return True

    monkeypatch.setattr(guest_agent, "is_serving", is_serving)
    instance_rows._reconcile(root)
    assert rows["a"].saved == 0


class Task:
    """An instance in Trove's database."""

    def __init__(self, id: str, task_status: Any) -> None:
        self.id, self.tenant_id, self.task_status, self.deleted = (
            id,
            "project-1",
            task_status,
            False,
        )

    def update(self, task_status: Any) -> None:
        self.task_status = task_status

    def delete(self) -> None:
        self.deleted = True


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, rows: dict[str, Row]) -> dict[str, Task]:
    """Instances that Trove knows, by id, with what it is doing with them."""
    known: dict[str, Task] = {}
    monkeypatch.setattr(
        instance_rows.DBInstance,
        "find_all",
        lambda deleted, flavor_id: SimpleNamespace(all=lambda: list(known.values())),
    )
    return known


@pytest.fixture
def usage(monkeypatch: pytest.MonkeyPatch) -> Usage:
    found = Usage("project-1")
    monkeypatch.setattr(instance_rows.QuotaUsage, "find_by", lambda tenant_id, resource: found)
    monkeypatch.setattr(
        instance_rows.QuotaUsage,
        "find_all",
        lambda resource: SimpleNamespace(all=lambda: [found]),
    )
    return found


def test_what_trove_is_making_or_deleting_is_not_taken_for_gone(
    root: Root, rows: dict[str, Row], tasks: dict[str, Task], usage: Usage
) -> None:
    kinds = {
        "making": InstanceTasks.BUILDING,
        "deleting": InstanceTasks.DELETING,
        "failed": InstanceTasks.BUILDING_ERROR_SERVER,
        "gone": InstanceTasks.NONE,
    }
    for id, task in kinds.items():
        tasks[id], rows[id] = Task(id, task), Row(ServiceStatuses.NEW, timeutils.utcnow())
    instance_rows._reconcile(root)
    assert [id for id, task in tasks.items() if task.deleted] == ["gone"]
    assert rows["gone"].status == ServiceStatuses.DELETED
    assert usage.in_use == 4


@pytest.mark.parametrize(("serving", "seen"), [(False, "BUILDING"), (True, "HEALTHY")])
def test_a_new_server_that_does_not_serve_yet_is_not_down(
    root: Root,
    rows: dict[str, Row],
    tasks: dict[str, Task],
    monkeypatch: pytest.MonkeyPatch,
    serving: bool,
    seen: str,
) -> None:
    _add(root, rows, "new")
    rows["new"].status = ServiceStatuses.NEW
    tasks["new"] = Task("new", InstanceTasks.BUILDING)
    monkeypatch.setattr(guest_agent, "is_serving", lambda *_: serving)
    instance_rows._reconcile(root)
    assert rows["new"].status == getattr(ServiceStatuses, seen)


def test_a_start_settles_what_a_dead_run_was_doing_and_counts_anew(
    root: Root,
    tasks: dict[str, Task],
    usage: Usage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed: dict[str, str] = {}
    monkeypatch.setattr(making, "fail", lambda row, cause: failed.update({row.id: cause}))
    for id, task in {
        "making": InstanceTasks.BUILDING,
        "deleting": InstanceTasks.DELETING,
        "good": InstanceTasks.NONE,
    }.items():
        tasks[id] = Task(id, task)
    instance_rows.recover()
    assert failed == {"making": "The mini cloud ended in the middle of making its server."}
    assert tasks["deleting"].task_status == InstanceTasks.NONE
    assert (usage.in_use, usage.reserved) == (3, 0)


def test_trove_offers_what_this_machine_can_run_and_what_it_can_run_later(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"postgresql": "18.6"}
    defaults: dict[str, str] = {}

    def named(name: str) -> Any:
        def newest_version(_root: Root) -> str:
            if name not in versions:
                raise ProgramsMissingError(f"{name} is unavailable")
            return versions[name]

        return SimpleNamespace(newest_version=newest_version)

    def update_datastore(name: str, default_version: str) -> None:
        defaults[name] = default_version

    monkeypatch.setattr(datastores, "named", named)
    monkeypatch.setattr(instance_rows, "datastore_version", lambda _name, _version: "id")
    monkeypatch.setattr(instance_rows.datastore_models, "update_datastore", update_datastore)
    offered: set[str] = set()
    instance_rows._offer_datastores(root, offered)
    assert defaults == {"postgresql": "18.6"}

    versions["mariadb"] = "10.11.19"
    defaults.clear()
    instance_rows._offer_datastores(root, offered)
    assert defaults == {"mariadb": "10.11.19"}
