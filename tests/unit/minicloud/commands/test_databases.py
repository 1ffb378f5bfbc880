# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from unittest.mock import Mock, create_autospec

import pytest

from tests.unit.minicloud import examples
from tests.unit.minicloud.conftest import MakeProgram
from trove_minicloud.clients import schedules
from trove_minicloud.clients.administrator import Administrator
from trove_minicloud.clients.user import User
from trove_minicloud.commands import databases
from trove_minicloud.errors import (
    InstanceBusyError,
    InvalidNameError,
    MiniCloudError,
    ProgramsMissingError,
    ScheduledError,
)
from trove_minicloud.guest import copy_check, datastores, instances, proving, stopping
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance
from trove_minicloud.root import Root
from trove_minicloud.supervision import processes, state
from trove_minicloud.supervision.child import Child
from trove_minicloud.supervision.state import CloudStatus


@pytest.fixture
def instance(root: Root) -> Instance:
    return examples.saved(root)


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> datastores.Datastore:
    """A kind of database none of whose servers serves."""
    made: datastores.Datastore = create_autospec(datastores.Datastore, instance=True)
    monkeypatch.setattr(made, "is_serving", lambda *_: False)
    monkeypatch.setattr(datastores, "named", lambda _name: made)
    monkeypatch.setattr(stopping, "LOCK_WAIT", 0)
    return made


@pytest.fixture(autouse=True)
def backing_up(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """No schedule points at any instance, as Mistral says."""
    made: Mock = create_autospec(schedules.backing_up, return_value={})
    monkeypatch.setattr(schedules, "backing_up", made)
    return made


@pytest.fixture(autouse=True)
def administrator(root: Root, monkeypatch: pytest.MonkeyPatch) -> Administrator:
    """Deletes as Trove's task manager does."""
    made: Administrator = create_autospec(Administrator, instance=True)
    monkeypatch.setattr(made, "delete_instance", lambda each: stopping.delete(root, each))
    monkeypatch.setattr(databases, "Administrator", lambda _root: made)
    return made


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> User:
    made: User = create_autospec(User, instance=True)
    made.project_id = "project-1"
    monkeypatch.setattr(databases, "User", lambda _root: made)
    return made


@pytest.fixture
def left(root: Root, make_program: MakeProgram, instance: Instance) -> processes.ProcessRecord:
    """The instance's server, left by a supervisor that was killed."""
    child = Child(make_program(f"postgresql-{instance.id}"))
    child.step()
    status = child.status()
    state.save(root, CloudStatus(1, "running", "", (status,)))
    assert status.process and processes.is_alive(status.process)
    return status.process


@pytest.mark.parametrize("command", [databases.stop, databases.delete])
def test_a_server_that_a_killed_supervisor_left_is_stopped(
    root: Root,
    instance: Instance,
    kind: datastores.Datastore,
    left: processes.ProcessRecord,
    command: object,
) -> None:
    assert callable(command)
    command(root, "m")
    assert not processes.is_alive(left)


@pytest.mark.parametrize("command", [databases.stop, databases.delete])
def test_a_server_that_still_serves_without_a_supervisor_is_not_called_stopped(
    root: Root,
    instance: Instance,
    kind: datastores.Datastore,
    monkeypatch: pytest.MonkeyPatch,
    command: object,
) -> None:
    assert callable(command)
    monkeypatch.setattr(kind, "is_serving", lambda *_: True)
    with pytest.raises(MiniCloudError, match="server of m still runs"):
        command(root, "m")
    assert instance.folder(root).exists()


@pytest.mark.parametrize("command", [databases.stop, databases.delete])
def test_a_server_that_is_backed_up_is_neither_stopped_nor_deleted(
    root: Root, instance: Instance, kind: datastores.Datastore, command: object
) -> None:
    assert callable(command)
    lock = instances.backup_lock(root, instance.id, "backup b1")
    with lock, pytest.raises(InstanceBusyError, match=r"backup b1 .*Try again when that is over"):
        command(root, "m")
    assert instances.all_instances(root) == [instance]


def test_an_instance_that_schedules_point_at_is_deleted_by_force_only(
    root: Root, instance: Instance, kind: datastores.Datastore, backing_up: Mock
) -> None:
    backing_up.return_value = {"id-2": "weekly", "id-1": "nightly"}
    with pytest.raises(ScheduledError, match=r"id-1 \(nightly\)\n +id-2 \(weekly\)\n.*--force"):
        databases.delete(root, "m")
    assert instances.all_instances(root) == [instance]
    databases.delete(root, "m", force=True)
    assert instances.all_instances(root) == []


def test_where_mistral_does_not_say_what_points_at_an_instance_it_is_deleted_by_force_only(
    root: Root, instance: Instance, kind: datastores.Datastore, backing_up: Mock
) -> None:
    backing_up.side_effect = MiniCloudError("Mistral doesn't answer: nobody listens")
    with pytest.raises(ScheduledError, match=r"can't be asked: .*nobody listens\n.*--force"):
        databases.delete(root, "m")
    assert instances.all_instances(root) == [instance]
    databases.delete(root, "m", force=True)
    assert instances.all_instances(root) == []


def test_a_server_that_is_being_stopped_is_not_started(
    root: Root, instance: Instance, kind: datastores.Datastore, user: User
) -> None:
    stopped = replace(instance, wanted="stopped")
    instances.save(root, stopped)
    lock = instances.backup_lock(root, instance.id, "its stop")
    with lock, pytest.raises(InstanceBusyError, match="its stop"):
        databases.start(root, "m", lambda _line: None)
    assert instances.load(root, instance.id) == stopped

    assert databases.start(root, "m", lambda _line: None) == instance
    assert instances.load(root, instance.id) == instance


def test_a_taken_name_is_refused_before_anything_is_made(
    root: Root, instance: Instance, kind: datastores.Datastore, user: User
) -> None:
    def say(_line: str) -> None:
        pass

    with pytest.raises(InvalidNameError, match="already"):
        databases.create(root, "m", "postgresql", say)
    with pytest.raises(InvalidNameError, match="already"):
        databases.add(root, "m", "postgresql", "host=h user=u", None, say)
    with pytest.raises(InvalidNameError, match="already"):
        databases.restore(root, "b", "m", say)
    assert instances.all_instances(root) == [instance]


def test_trove_makes_a_new_instance_of_what_this_machine_has_the_programs_for(
    root: Root, instance: Instance, kind: datastores.Datastore, user: User
) -> None:
    make = user.make_instance
    assert isinstance(make, Mock) and isinstance(kind.newest_version, Mock)
    make.return_value = instance
    said: list[str] = []
    assert databases.create(root, "n", "postgresql", said.append) == instance
    make.assert_called_once_with("n", "postgresql", said.append)

    kind.newest_version.side_effect = ProgramsMissingError("MariaDB is unavailable")
    with pytest.raises(ProgramsMissingError):
        databases.create(root, "o", "mariadb", said.append)
    make.assert_called_once()


def test_trove_makes_an_instance_from_a_backup_and_the_proof_of_its_rows_is_shown(
    root: Root, kind: datastores.Datastore, user: User
) -> None:
    copy = examples.saved(root, id="copy-1", name="n")
    backup = {"id": "id1", "datastore": {"type": "postgresql"}}
    assert isinstance(user.find_backup, Mock) and isinstance(user.make_instance, Mock)
    user.find_backup.return_value = backup
    user.make_instance.return_value = copy
    assert isinstance(kind.look_at, Mock) and isinstance(kind.switched_off, Mock)
    kind.look_at.return_value = datastores.Contents(rows={"t": 3})
    kind.switched_off.return_value = ["switched off in n: events"]
    # What Trove's process does before the instance is healthy.
    kind.is_serving = lambda *_: True  # type: ignore[method-assign]
    proving.prove(root, copy, examples.manifest("id1"), lambda _line: None)

    said: list[str] = []
    assert databases.restore(root, "nightly", "o", said.append) == copy
    user.make_instance.assert_called_once_with("o", "postgresql", said.append, "id1")
    assert said == [
        "restoring backup id1",
        "n, from backup id1 of m, holds 3 rows in 1 tables: t 3",
        "switched off in n: events",
        "m has no check",
    ]


def test_a_check_is_set_shown_and_cleared(
    root: Root, instance: Instance, kind: datastores.Datastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Check("select 1", "1", None)
    monkeypatch.setattr(kind, "ask", lambda *_: "1")
    assert databases.check(root, "m", None, clear=False) is None
    assert databases.check(root, "m", wanted, clear=False) == wanted
    assert databases.check(root, "m", None, clear=False) == wanted
    assert copy_check.load(root, instance.id) == wanted
    assert databases.check(root, "m", None, clear=True) is None
