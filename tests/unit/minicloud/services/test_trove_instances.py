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

from tests.unit.minicloud.guest import examples
from trove_minicloud.guest import agent, instances
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.services import trove_instances


class Row:
    """An instance's status in Trove's database."""

    def __init__(self, status: Any, updated_at: datetime) -> None:
        self.status, self.updated_at, self.saved = status, updated_at, 0

    def set_status(self, status: Any) -> None:
        self.status = status

    def save(self) -> None:
        self.updated_at = timeutils.utcnow()
        self.saved += 1


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> dict[str, Row]:
    """Trove knows these instances."""
    known: dict[str, Row] = {}

    def find_all(deleted: bool, flavor_id: str) -> Any:
        return SimpleNamespace(all=lambda: [SimpleNamespace(id=id) for id in known])

    monkeypatch.setattr(trove_instances.DBInstance, "find_all", find_all)
    monkeypatch.setattr(
        trove_instances.InstanceServiceStatus, "find_by", lambda instance_id: known[instance_id]
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

    monkeypatch.setattr(agent, "is_serving", is_serving)
    trove_instances._reconcile(root)
    states = {id: row.status for id, row in rows.items()}
    assert states == {
        "a": ServiceStatuses.SHUTDOWN,
        "b": ServiceStatuses.HEALTHY,
        "c": ServiceStatuses.SHUTDOWN,
    }


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
        agent, "is_serving", lambda _root, instance: instance.id == "d" or saved.wait(10)
    )
    trove_instances._reconcile(root)
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
    monkeypatch.setattr(agent, "is_serving", lambda *_: True)
    trove_instances._reconcile(root)
    assert rows["a"].saved == written


def test_an_answer_from_before_a_change_is_not_written(
    root: Root, rows: dict[str, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = _add(root, rows, "a", timedelta(seconds=60))

    def is_serving(_root: Root, _instance: Instance) -> bool:
        _touch(root, instance, timedelta(seconds=-1))
        return True

    monkeypatch.setattr(agent, "is_serving", is_serving)
    trove_instances._reconcile(root)
    assert rows["a"].saved == 0
