# SPDX-License-Identifier: Apache-2.0
"""Real PostgreSQL servers, backed up and restored by the guest's own functions, without a cloud."""

import contextlib
import dataclasses
import hashlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from trove_minicloud import processes
from trove_minicloud.guest import postgresql
from trove_minicloud.guest.backup import Parent, take_backup
from trove_minicloud.guest.errors import (
    BackupToolError,
    BrokenChainError,
    ChecksumMismatchError,
    DatastoreError,
    ServerUnavailableError,
)
from trove_minicloud.guest.instances import Instance, all_instances, find
from trove_minicloud.guest.manifest import Manifest
from trove_minicloud.guest.postgresql.check import TarCheck
from trove_minicloud.guest.restore import restore
from trove_minicloud.guest.storage.local import LocalStore
from trove_minicloud.root import Root


@pytest.fixture(scope="module")
def root() -> Iterator[Root]:
    # Not below pytest's own folder: as root, the servers run as a user who must get there.
    folder = Path(tempfile.mkdtemp(prefix="trove-guest-"))
    folder.chmod(0o711)
    yield Root.at(folder / "root")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def store(root: Root) -> LocalStore:
    return LocalStore(root.backups)


@pytest.fixture(scope="module")
def source(root: Root) -> Iterator[Instance]:
    """A running server with a table of rows that change only between backups."""
    instance = postgresql.create_server(root, "source", "project-1")
    with running(root, instance):
        execute(
            root,
            instance,
            "CREATE TABLE account AS SELECT g AS id, md5(g::text) AS owner, 0 AS balance"
            " FROM generate_series(1, 20000) g",
            "CREATE TABLE tick (number integer PRIMARY KEY)",
        )
        yield instance


def running(
    root: Root, instance: Instance
) -> contextlib.AbstractContextManager[processes.ProcessRecord]:
    return processes.running(postgresql.server_program(root, instance))


def execute(root: Root, instance: Instance, *statements: str) -> list[tuple[object, ...]]:
    """Run the statements, and return the rows of the last one if it has any."""
    with psycopg.connect(postgresql.connection_string(root, instance), autocommit=True) as session:
        for statement in statements:
            cursor = session.execute(statement)
        return cursor.fetchall() if cursor.description else []


def accounts(root: Root, instance: Instance) -> list[tuple[object, ...]]:
    return execute(root, instance, "SELECT * FROM account ORDER BY id")


def back_up(
    root: Root, store: LocalStore, instance: Instance, parent: Manifest | None = None
) -> Manifest:
    reference = Parent(parent.key, parent.sha256) if parent else None
    return take_backup(root, store, instance, str(uuid.uuid4()), reference)


@contextlib.contextmanager
def ticking(root: Root, instance: Instance, first: int) -> Iterator[None]:
    """Meanwhile, commit one number after the other."""
    stop = threading.Event()
    errors: list[Exception] = []

    def tick() -> None:
        try:
            with psycopg.connect(
                postgresql.connection_string(root, instance), autocommit=True
            ) as session:
                number = first
                while not stop.is_set():
                    session.execute("INSERT INTO tick VALUES (%s)", (number,))
                    number += 1
        except psycopg.Error as error:
            errors.append(error)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not errors


def last_tick(root: Root, instance: Instance) -> int:
    ((number,),) = execute(root, instance, "SELECT coalesce(max(number), 0) FROM tick")
    assert isinstance(number, int)
    return number


def test_a_chain_taken_under_load_restores_to_the_rows_of_each_moment(
    root: Root, store: LocalStore, source: Instance
) -> None:
    taken = []
    parent = None
    for round_ in range(3):
        execute(root, source, f"UPDATE account SET balance = {round_} WHERE id % 50 = {round_}")
        rows, before = accounts(root, source), last_tick(root, source)
        with ticking(root, source, before + 1):
            parent = back_up(root, store, source, parent)
        taken.append((parent, rows, before, last_tick(root, source)))
    execute(root, source, "UPDATE account SET balance = -1")

    assert [backup.kind for backup, *_ in taken] == ["full", "incremental", "incremental"]
    assert taken[1][0].stored_size < taken[0][0].stored_size
    for backup, rows, before, after in taken:
        copy = restore(root, store, backup.backup_id, f"copy of {backup.backup_id}")
        with running(root, copy):
            assert accounts(root, copy) == rows
            ticks = execute(root, copy, "SELECT count(*), max(number) FROM tick")
            ((count, highest),) = ticks
            # Whatever was committed before is there, and there are no holes in what came during.
            assert before <= (highest or 0) <= after
            assert count == (highest or 0)


def test_a_restored_copy_has_its_own_passwords_port_timeline_and_history(
    root: Root, store: LocalStore, source: Instance
) -> None:
    backup = back_up(root, store, source)
    copy = restore(root, store, backup.backup_id, "copy")

    assert find(root, copy.id) == copy
    assert (copy.wanted, copy.managed, copy.project_id) == ("running", True, "project-1")
    assert copy.port != source.port
    assert copy.incarnation != source.incarnation
    with running(root, copy):
        ((timeline,),) = execute(root, copy, "SELECT timeline_id FROM pg_control_checkpoint()")
        assert timeline == 2
        by_sources_password = (
            f"host={copy.host} port={copy.port} user=postgres dbname=postgres"
            f" passfile={copy.folder(root) / 'sources.password'}"
        )
        password = source.superuser_password_file(root).read_text()
        passfile = copy.folder(root) / "sources.password"
        passfile.write_text(password.replace(f":{source.port}:", f":{copy.port}:"))
        passfile.chmod(0o600)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(by_sources_password)

        # PostgreSQL alone would have taken a parent from before the restore if the copy had
        # stayed on the source's timeline.
        after = back_up(root, store, copy, backup)
        assert after.kind == "full"
        assert after.reason is not None and "a backup of instance" in after.reason
        assert back_up(root, store, copy, after).kind == "incremental"


def test_a_server_that_has_lost_the_summaries_makes_a_full_backup_and_says_so(
    root: Root, store: LocalStore, source: Instance
) -> None:
    parent = back_up(root, store, source)
    execute(root, source, "UPDATE account SET balance = balance + 1", "CHECKPOINT")
    execute(root, source, "ALTER SYSTEM SET summarize_wal = off", "SELECT pg_reload_conf()")
    try:
        time.sleep(1)
        off = back_up(root, store, source, parent)
    finally:
        execute(root, source, "ALTER SYSTEM RESET summarize_wal", "SELECT pg_reload_conf()")

    assert (off.kind, off.parent_id) == ("full", None)
    assert off.reason is not None and "summarize_wal is off" in off.reason


def test_a_parent_that_the_server_refuses_makes_a_full_backup_and_says_so(
    root: Root, store: LocalStore, source: Instance
) -> None:
    parent = back_up(root, store, source)
    # Damaged before it was stored, so that only the server can tell.
    basis = store.read_basis(parent.key).replace(b"base/1/", b"base/2/", 1)
    changed = dataclasses.replace(parent, basis_sha256=hashlib.sha256(basis).hexdigest())
    folder = root.backups / source.id
    (folder / f"{parent.backup_id}.basis").write_bytes(basis)
    (folder / f"{parent.backup_id}.json").write_text(changed.to_json())

    backup = back_up(root, store, source, parent)

    assert (backup.kind, backup.parent_id) == ("full", None)
    assert backup.reason is not None and "the server refused: pg_basebackup" in backup.reason


def test_a_parent_of_another_incarnation_makes_a_full_backup_and_says_so(
    root: Root, store: LocalStore, source: Instance
) -> None:
    parent = back_up(root, store, source)

    backup = back_up(root, store, dataclasses.replace(source, incarnation="other"), parent)

    assert (backup.kind, backup.parent_id) == ("full", None)
    assert backup.reason is not None and "another history of the server" in backup.reason


def test_a_flipped_byte_is_refused_and_leaves_no_instance(
    root: Root, store: LocalStore, source: Instance
) -> None:
    full = back_up(root, store, source)
    last = back_up(root, store, source, full)
    path = Path(store.location(full.key).removeprefix("file://"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    before = sorted(root.instances.iterdir())

    with pytest.raises(ChecksumMismatchError, match=full.sha256) as caught:
        restore(root, store, last.backup_id, "never")
    assert str(path) in str(caught.value)
    assert sorted(root.instances.iterdir()) == before


def test_a_chain_with_a_hole_is_refused(root: Root, store: LocalStore, source: Instance) -> None:
    full = back_up(root, store, source)
    middle = back_up(root, store, source, full)
    last = back_up(root, store, source, middle)
    store.delete(middle.key)

    with pytest.raises(BrokenChainError, match=f"{middle.backup_id}, which is gone"):
        restore(root, store, last.backup_id, "never")


def test_a_server_that_stops_in_the_middle_fails_the_backup_with_its_cause(
    root: Root, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = postgresql.create_server(root, "stopping", "project-1")
    feed = TarCheck.feed
    with running(root, instance) as server:

        def stop_then_feed(check: TarCheck, data: memoryview) -> None:
            processes.stop_group(server)
            feed(check, data)

        monkeypatch.setattr(TarCheck, "feed", stop_then_feed)
        with pytest.raises(BackupToolError, match="pg_basebackup exited 1"):
            back_up(root, store, instance)
        monkeypatch.undo()

        assert not postgresql.is_serving(root, instance)
        with pytest.raises(ServerUnavailableError, match="Connection refused"):
            back_up(root, store, instance)
    assert not list(root.backups.glob(f"{instance.id}/*"))


def test_a_killed_server_comes_back_with_its_rows(root: Root) -> None:
    instance = postgresql.create_server(root, "killed", "project-1")
    with running(root, instance) as server:
        execute(root, instance, "CREATE TABLE kept AS SELECT 1 AS a")
        processes.stop_group(
            processes.ProcessRecord(server.pid, server.start_time, signal.SIGKILL, 10)
        )
    with running(root, instance):
        assert execute(root, instance, "SELECT a FROM kept") == [(1,)]


def test_a_running_server_can_be_added_and_backed_up_incrementally(
    root: Root, store: LocalStore, source: Instance
) -> None:
    execute(root, source, "CREATE ROLE taker LOGIN REPLICATION PASSWORD 'it:s \\ secret'")
    # Replication is open to the managed backup role only.
    hba = source.data(root) / "pg_hba.conf"
    hba.write_text("host all,replication taker 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    execute(root, source, "SELECT pg_reload_conf()")
    dsn = f"postgresql://taker@127.0.0.1:{source.port}/"

    added = postgresql.add_server(root, "added", "project-1", dsn, "it:s \\ secret")

    assert (added.managed, added.version) == (False, source.version)
    assert postgresql.is_serving(root, added)
    full = back_up(root, store, added)
    incremental = back_up(root, store, added, full)
    assert incremental.kind == "incremental"
    copy = restore(root, store, incremental.backup_id, "copy of added")
    with running(root, copy):
        assert accounts(root, copy) == accounts(root, source)


@pytest.mark.parametrize(
    ("role", "password", "complaint"),
    [
        ("stranger", "x", "password authentication failed|no pg_hba.conf entry"),
        ("plain", "plain", "permission denied to start WAL sender"),
    ],
)
def test_a_server_that_does_not_let_the_role_replicate_is_not_added(
    root: Root, source: Instance, role: str, password: str, complaint: str
) -> None:
    hba = source.data(root) / "pg_hba.conf"
    if role == "plain":
        execute(root, source, "CREATE ROLE plain LOGIN PASSWORD 'plain'")
        hba.write_text("host replication plain 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        execute(root, source, "SELECT pg_reload_conf()")
    before = all_instances(root)

    with pytest.raises(DatastoreError, match=complaint):
        postgresql.add_server(
            root, "never", "p", f"postgresql://{role}@127.0.0.1:{source.port}", password
        )
    assert all_instances(root) == before


def test_no_password_can_be_read_by_others_or_in_a_process_list(
    root: Root, source: Instance
) -> None:
    secrets = {
        path.read_text().strip().rsplit(":", 1)[1]
        for path in (source.password_file(root), source.superuser_password_file(root))
    }

    assert all(len(secret) >= 24 for secret in secrets)
    arguments = subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True)
    log = source.log(root).read_text()
    assert not [secret for secret in secrets if secret in arguments.stdout or secret in log]
    for path in source.folder(root).glob("*.password"):
        assert path.stat().st_mode & 0o077 == 0
