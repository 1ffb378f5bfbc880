# SPDX-License-Identifier: Apache-2.0
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from trove.common.context import TroveContext
from trove.extensions.common.models import Schemas, Users

from tests.unit.minicloud import examples
from tests.unit.minicloud.guest import fake_postgresql
from trove_minicloud.errors import (
    BackupError,
    BackupNotFoundError,
    InstanceBusyError,
    StoreError,
)
from trove_minicloud.guest import folders, instances
from trove_minicloud.guest.postgresql.binaries import FOLDER_VARIABLE
from trove_minicloud.guest.postgresql.datastore import PostgreSQL
from trove_minicloud.inside_trove import guest_agent, report
from trove_minicloud.root import ROOT_VARIABLE, Root
from trove_minicloud.services import state_copies
from trove_minicloud.stores import destination
from trove_minicloud.stores.local import LocalStore
from trove_minicloud.stores.manifest import Key, Manifest

KEY = Key("instance-1", "backup-1")


class Reports:
    """What Trove was told, in place of a conductor and a database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[tuple[str, str]] = []
        self.causes: list[str] = []
        self.fields: dict[str, Any] = {}
        self.done = threading.Event()
        monkeypatch.setattr(report, "started", lambda _key, *what: self.started.append(what))
        monkeypatch.setattr(report, "explain_failure", lambda _key, why: self.causes.append(why))
        monkeypatch.setattr(report, "ended", self._ended)

    def _ended(self, key: Key, fields: dict[str, Any]) -> None:
        assert key == KEY
        self.fields = fields
        self.done.set()


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    return Reports(monkeypatch)


@pytest.fixture
def tools(root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with folders.building(root) as folder:
        instances.write(folder, examples.instance())
    tools = fake_postgresql.install(tmp_path / "bin")
    monkeypatch.setenv(ROOT_VARIABLE, str(root.path))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tools))
    monkeypatch.setattr(guest_agent, "_failed_with_leftovers", lambda _instance: [])
    monkeypatch.setattr(guest_agent, "_last_size", lambda _instance, _kind: 0)
    monkeypatch.setattr(state_copies, "after_backup", lambda *_what: None)
    return tools


def back_up(reports: Reports, parent: dict[str, str] | None = None) -> None:
    start_backup(parent)
    assert reports.done.wait(60)


def start_backup(parent: dict[str, str] | None = None) -> None:
    info = {
        "id": "backup-1",
        "name": "nightly",
        "description": None,
        "backup_type": "full",
        "parent": parent,
        "storage_driver": "local",
    }
    guest_agent.guest_client(TroveContext(), "instance-1").create_backup(info)


def processes_with(argument: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if argument in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_a_backup_is_reported_from_its_start_to_its_end(
    reports: Reports, tools: Path, store: LocalStore
) -> None:
    back_up(reports)

    assert reports.started == [("full", store.location(KEY))]
    assert (store.head(KEY).name, store.head(KEY).description) == ("nightly", "")
    assert reports.fields["state"] == "COMPLETED"
    assert reports.fields["checksum"] == store.head(KEY).sha256[:32]
    assert reports.causes == []


def test_the_cloud_s_own_state_is_copied_when_a_backup_is_completed(
    reports: Reports, tools: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[tuple[bool, str]] = []
    done = threading.Event()

    def after_backup(_root: Root, location: str) -> None:
        copied.append((reports.done.is_set(), location))
        done.set()

    monkeypatch.setattr(state_copies, "after_backup", after_backup)
    back_up(reports)
    assert done.wait(30)
    store.delete(KEY)
    reports.done.clear()
    (tools / "down").touch()
    back_up(reports)

    assert reports.fields["state"] == "FAILED"
    assert copied == [(True, store.location(KEY))], "once, and after Trove was told"


def test_the_parent_is_what_trove_says(reports: Reports, tools: Path, store: LocalStore) -> None:
    # One that was never stored: the worker gets to know of it, and says why it can't be used.
    location = store.location(Key("instance-1", "parent-1"))

    back_up(reports, {"location": location, "checksum": "00"})

    reason = store.head(KEY).reason
    assert reason is not None and "parent-1" in reason
    assert reports.fields["parent_id"] is None


def test_a_failed_backup_is_reported_with_its_cause(reports: Reports, tools: Path) -> None:
    (tools / "down").touch()

    back_up(reports)

    assert reports.fields == {"state": "FAILED", "location": None}
    assert "connection refused" in reports.causes[0]


def test_a_killed_worker_is_reported_and_its_tool_and_files_are_gone(
    reports: Reports, tools: Path, root: Root
) -> None:
    (tools / "waits").touch()
    start_backup()
    deadline = time.monotonic() + 30
    while not (tools / "reached").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (tool,) = processes_with(str(tools / "pg_basebackup"))
    worker = int(Path(f"/proc/{tool}/stat").read_text().split()[3])

    os.kill(worker, signal.SIGKILL)

    assert reports.done.wait(30)
    assert reports.fields == {"state": "FAILED", "location": None}
    assert "ended by signal 9" in reports.causes[0]
    while processes_with(str(tools / "pg_basebackup")):
        assert time.monotonic() < deadline + 30
    assert not list(root.backups.glob("*/*"))


def test_an_end_that_the_conductor_does_not_take_is_written_directly(
    reports: Reports, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(_key: Key, _fields: dict[str, Any]) -> None:
        raise TimeoutError("no conductor")

    monkeypatch.setattr(report, "ended", ended)
    monkeypatch.setattr(report, "set_ended", reports._ended)

    back_up(reports)

    assert reports.fields["state"] == "COMPLETED"


def test_a_damaged_manifest_is_a_failure_that_says_so_and_removes_nothing(
    reports: Reports, store: LocalStore, tools: Path, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_worker(_job: object) -> Manifest:
        examples.put(store, examples.manifest(KEY.backup_id), b"content")
        (root.backups / KEY.instance_id / "backup-1.json").write_text("{")
        raise BackupError("The worker process was ended by signal 9.")

    monkeypatch.setattr(guest_agent, "run_worker", run_worker)

    back_up(reports)

    assert reports.fields == {"state": "FAILED", "location": store.location(KEY)}
    assert "backup-1.json is damaged" in reports.causes[0]
    assert store.stored_size(KEY) > 0


def test_a_good_backup_is_completed_though_its_store_can_not_be_read_afterwards(
    reports: Reports, tools: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise StoreError("the access key may not do that: 403")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "get", refuse)
        back_up(reports)

    assert (reports.fields["state"], reports.causes) == ("COMPLETED", [])
    assert reports.fields["checksum"] == store.head(KEY).sha256[:32]


def test_a_backup_whose_worker_died_at_the_end_in_a_store_that_can_not_be_read_is_kept(
    reports: Reports, tools: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_worker(_job: object) -> Manifest:
        examples.put(store, examples.manifest(KEY.backup_id), b"content")
        raise BackupError("The worker process was ended by signal 9.")

    looks: list[object] = []

    def refuse(*arguments: object) -> None:
        looks.append(arguments)
        raise StoreError("its disk is full, or one of its servers is down: 503")

    monkeypatch.setattr(guest_agent, "_LOOK_INTERVAL", 0)
    monkeypatch.setattr(guest_agent, "run_worker", run_worker)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "get", refuse)
        back_up(reports)
    assert len(looks) == 5
    assert reports.fields == {"state": "FAILED", "location": store.location(KEY)}
    assert "ended by signal 9" in reports.causes[0]
    assert "503" in reports.causes[0]

    # The instance's next backup looks again.
    row = Row(KEY.backup_id, store.location(KEY))
    monkeypatch.setattr(guest_agent, "_failed_with_leftovers", lambda _instance: [row])
    guest_agent._sweep(Root.default(), "instance-1", "token")
    assert row.fields["state"] == "COMPLETED"
    assert row.fields["location"] == store.location(KEY)
    assert store.head(KEY).backup_id == KEY.backup_id


def test_a_store_that_can_not_be_cleaned_still_ends_the_backup_and_is_cleaned_by_the_next(
    reports: Reports, tools: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError("input/output error")

    (tools / "down").touch()
    left = {"state": "FAILED", "location": store.location(KEY)}
    monkeypatch.setattr(LocalStore, "delete", fail)
    back_up(reports)
    assert reports.fields == left
    assert "connection refused" in reports.causes[0]

    reports.done.clear()
    monkeypatch.setattr(guest_agent, "_LOOK_INTERVAL", 0)
    monkeypatch.setattr(LocalStore, "head", fail)
    back_up(reports)
    assert reports.fields == left
    assert "input/output error" in reports.causes[1]


def test_the_disks_use_is_in_gigabytes(tools: Path) -> None:
    info = guest_agent.guest_client(TroveContext(), "instance-1").get_volume_info()

    assert 0 < info["used"] <= info["total"]


def test_databases_and_users_are_listed_page_by_page_as_trove_reads_them(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["b", "C", "a"]
    monkeypatch.setattr(PostgreSQL, "databases", lambda _self, _root, _instance: names)
    monkeypatch.setattr(PostgreSQL, "users", lambda _self, _root, _instance: ["app"])
    guest = guest_agent.guest_client(TroveContext(), "instance-1")

    schemas, marker = Schemas.load_with_client(guest, 2, None, include_marker=False)
    assert ([each.name for each in schemas], marker) == (["C", "a"], "a")
    schemas, marker = Schemas.load_with_client(guest, 2, marker, include_marker=False)
    assert ([each.name for each in schemas], marker) == (["b"], None)
    users, marker = Users.load_with_client(guest, 20, None, include_marker=False)
    assert ([(each.name, each.host) for each in users], marker) == ([("app", "%")], None)


def test_an_instance_serves_if_its_server_answers(tools: Path, root: Root) -> None:
    assert guest_agent.is_serving(root, examples.instance())
    (tools / "down").touch()
    assert not guest_agent.is_serving(root, examples.instance())


class Row:
    """A backup that Trove takes for running."""

    instance_id = "instance-1"

    def __init__(self, id: str, location: str | None) -> None:
        self.id = id
        self.location = location
        self.fields: dict[str, Any] = {}

    def update(self, **fields: Any) -> None:
        self.fields = fields


def test_what_a_failed_backup_has_left_goes_with_the_next_one(
    reports: Reports, tools: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = Key("instance-1", "failed")
    store.begin(failed).append(b"some")
    gone, elsewhere = (
        Row("failed", store.location(failed)),
        Row("other", "s3://none/i/other.tar.zst"),
    )
    monkeypatch.setattr(guest_agent, "_failed_with_leftovers", lambda _instance: [elsewhere, gone])

    back_up(reports)

    assert reports.fields["state"] == "COMPLETED"
    assert gone.fields == {"location": None}
    assert elsewhere.fields == {}
    with pytest.raises(BackupNotFoundError):
        store.stored_size(failed)


def test_a_backup_for_a_store_that_is_not_there_fails_with_the_cause(
    reports: Reports, tools: Path
) -> None:
    info = {
        "id": "backup-1",
        "name": "nightly",
        "description": None,
        "backup_type": "full",
        "parent": None,
        "storage_driver": "s3",
    }
    guest_agent.guest_client(TroveContext(), "instance-1").create_backup(info)
    assert reports.done.wait(60)

    assert reports.fields == {"state": "FAILED", "location": None}
    assert "no bucket of S3" in reports.causes[0]


def test_at_the_next_start_a_backup_in_swift_has_failed_and_keeps_its_location(
    reports: Reports, tools: Path, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = destination.want_swift(root).url
    row = Row(KEY.backup_id, f"{url}p/c/instance-1_backup-1.tar.zst")
    monkeypatch.setattr(guest_agent, "_unfinished_backups", lambda: [row])

    guest_agent.recover()

    assert row.fields == {"state": "FAILED", "location": row.location}
    assert "The mini cloud ended in the middle of it" in reports.causes[0]


def test_at_the_next_start_an_unfinished_backup_has_failed_and_its_files_are_gone(
    reports: Reports, tools: Path, root: Root, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.begin(KEY).append(b"some")
    (root.instances / ".new-left").mkdir()
    row = Row(KEY.backup_id, store.location(KEY))
    monkeypatch.setattr(guest_agent, "_unfinished_backups", lambda: [row])

    guest_agent.recover()

    assert row.fields == {"state": "FAILED", "location": None}
    assert reports.causes == ["The mini cloud ended in the middle of it."]
    assert not list(root.backups.glob("*/*"))
    assert not (root.instances / ".new-left").exists()


def test_at_the_next_start_a_backup_that_was_stored_but_not_reported_is_completed(
    reports: Reports, tools: Path, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = examples.put(store, examples.manifest(KEY.backup_id), b"content")
    row = Row(KEY.backup_id, store.location(KEY))
    monkeypatch.setattr(guest_agent, "_unfinished_backups", lambda: [row])

    guest_agent.recover()

    assert row.fields["state"] == "COMPLETED"
    assert row.fields["checksum"] == manifest.sha256[:32]
    assert store.head(KEY) == manifest


def test_at_the_next_start_a_damaged_manifest_is_a_failure_that_removes_nothing(
    reports: Reports, tools: Path, root: Root, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples.put(store, examples.manifest(KEY.backup_id), b"content")
    (root.backups / KEY.instance_id / "backup-1.json").write_text("{}")
    row = Row(KEY.backup_id, store.location(KEY))
    monkeypatch.setattr(guest_agent, "_unfinished_backups", lambda: [row])

    guest_agent.recover()

    assert row.fields == {"state": "FAILED", "location": store.location(KEY)}
    assert "is damaged" in reports.causes[0]
    assert store.stored_size(KEY) > 0


def test_recovery_waits_for_a_worker_that_is_still_there(
    reports: Reports, tools: Path, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guest_agent, "_LOCK_WAIT", 0.1)

    lock = instances.backup_lock(root, "instance-1", "backup b1")
    with lock, pytest.raises(InstanceBusyError):
        guest_agent.recover()


def test_a_backup_that_does_not_fit_does_not_begin(
    reports: Reports, tools: Path, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def last_size(instance_id: str, kind: str) -> int:
        asked.append((instance_id, kind))
        return 2**60

    monkeypatch.setattr(guest_agent, "_last_size", last_size)
    back_up(reports)

    assert asked == [("instance-1", "full")]
    assert reports.fields == {"state": "FAILED", "location": None}
    assert "The backup needs about" in reports.causes[0]
    assert not (tools / "reached").exists()
