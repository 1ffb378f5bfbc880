# SPDX-License-Identifier: Apache-2.0
"""Real PostgreSQL servers, backed up and restored by the guest's own functions, without a cloud."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest

from tests.end_to_end.cloud import wait_for
from tests.end_to_end.databases import PostgreSQL
from tests.end_to_end.guest import Guest
from tests.end_to_end.tls_door import tls_door
from tests.tls_receiver import sign
from trove_minicloud.errors import (
    BackupError,
    BackupToolError,
    DatastoreError,
    QueryError,
    RestoreError,
)
from trove_minicloud.guest import datastores
from trove_minicloud.guest.accounts import give_to
from trove_minicloud.guest.instances import Instance, all_instances
from trove_minicloud.guest.postgresql import wal
from trove_minicloud.guest.postgresql.binaries import Programs, account
from trove_minicloud.guest.postgresql.connection import Server
from trove_minicloud.guest.postgresql.stream_check import TarCheck

_POSTGRESQL = datastores.named("postgresql")


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with Guest.of(PostgreSQL()) as made:
        yield made


@pytest.fixture(scope="module")
def source(guest: Guest) -> Iterator[Instance]:
    with guest.source() as instance:
        yield instance


def test_a_restored_copy_is_on_a_timeline_of_its_own(guest: Guest, source: Instance) -> None:
    # PostgreSQL alone would take a parent from before the restore if the copy had stayed on the
    # source's timeline.
    copy = guest.restore(guest.back_up(source))

    with guest.running(copy):
        ((timeline,),) = guest.execute(copy, "SELECT timeline_id FROM pg_control_checkpoint()")
        assert timeline == 2


def test_a_server_that_has_lost_the_summaries_makes_a_full_backup_and_says_so(
    guest: Guest, source: Instance
) -> None:
    parent = guest.back_up(source)
    guest.execute(source, "UPDATE account SET balance = balance + 1", "CHECKPOINT")

    def wait_until(summarizes: str) -> None:
        # By a new session: the server takes its time to read its settings again.
        wait_for(
            f"summarize_wal = {summarizes}",
            lambda: guest.execute(source, "SHOW summarize_wal") == [(summarizes,)],
            60,
        )

    guest.execute(source, "ALTER SYSTEM SET summarize_wal = off", "SELECT pg_reload_conf()")
    try:
        wait_until("off")
        off = guest.back_up(source, parent)
    finally:
        guest.execute(source, "ALTER SYSTEM RESET summarize_wal", "SELECT pg_reload_conf()")
        wait_until("on")

    assert (off.kind, off.parent_id) == ("full", None)
    assert off.reason is not None and "summarize_wal is off" in off.reason


def test_a_parent_that_the_server_refuses_makes_a_full_backup_and_says_so(
    guest: Guest, source: Instance
) -> None:
    parent = guest.back_up(source)
    basis = guest.store.read_basis(parent.key).replace(b"base/1/", b"base/2/", 1)
    guest.replace_basis(parent, basis)

    backup = guest.back_up(source, parent)

    assert (backup.kind, backup.parent_id) == ("full", None)
    assert backup.reason is not None and "the server refused: pg_basebackup" in backup.reason


def test_a_running_server_can_be_added_and_backed_up_incrementally(
    guest: Guest, source: Instance
) -> None:
    guest.execute(source, "CREATE ROLE taker LOGIN REPLICATION PASSWORD 'it:s \\ secret'")
    # Replication is open to the managed backup role only.
    hba = source.data(guest.root) / "pg_hba.conf"
    hba.write_text("host all,replication taker 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    guest.execute(source, "SELECT pg_reload_conf()")
    dsn = f"postgresql://taker@127.0.0.1:{source.port}/"

    added = _POSTGRESQL.add_server(guest.root, "added", "project-1", dsn, "it:s \\ secret")

    assert (added.managed, added.version) == (False, source.version)
    assert _POSTGRESQL.is_serving(guest.root, added)
    assert _POSTGRESQL.ask(guest.root, added, "SELECT current_user", None) == "taker"
    with pytest.raises(QueryError, match="permission denied for table account"):
        _POSTGRESQL.ask(guest.root, added, "SELECT count(*) FROM account", None)
    # Autovacuum would write all of it between the two backups.
    guest.execute(source, "VACUUM (FREEZE, ANALYZE) account", "CHECKPOINT")
    full = guest.back_up(added)
    incremental = guest.back_up(added, full)
    assert incremental.kind == "incremental"
    # MariaDB's carry the whole log since the last checkpoint.
    assert incremental.stored_size < full.stored_size / 2
    copy = guest.restore(incremental)
    with guest.running(copy):
        assert guest.accounts(copy) == guest.accounts(source)


def test_a_server_can_be_added_over_tls_with_the_programs_of_the_wheel(
    guest: Guest, source: Instance, tmp_path: Path
) -> None:
    guest.execute(source, "CREATE ROLE far_taker LOGIN REPLICATION PASSWORD 'far'")
    hba = source.data(guest.root) / "pg_hba.conf"
    hba.write_text("host all,replication far_taker 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    guest.execute(source, "SELECT pg_reload_conf()")
    with tls_door(source.port, tmp_path) as door, tablespace(guest, source, "far"):
        guest.execute(source, "CREATE TABLE of_far TABLESPACE far AS SELECT 1 AS n")
        plain = f"postgresql://far_taker@127.0.0.1:{door.port}/"
        with pytest.raises(DatastoreError, match="closed the connection"):
            _POSTGRESQL.add_server(guest.root, "plain", "project-1", plain, "far")
        stranger = tmp_path / "stranger.pem"
        sign(stranger, tmp_path / "stranger.key")
        encrypted = f"{plain}?sslmode=verify-full&sslrootcert="
        with pytest.raises(DatastoreError, match="certificate verify failed"):
            _POSTGRESQL.add_server(guest.root, "s", "p", f"{encrypted}{stranger}", "far")

        far = _POSTGRESQL.add_server(
            guest.root, "far", "project-1", f"{encrypted}{door.certificate}", "far"
        )

        assert _POSTGRESQL.is_serving(guest.root, far)
        assert _POSTGRESQL.ask(guest.root, far, "SELECT current_user", None) == "far_taker"
        full = guest.back_up(far)
        incremental = guest.back_up(far, full)
        assert (full.kind, incremental.kind) == ("full", "incremental")
        copy = guest.restore(incremental)
        with guest.running(copy):
            assert guest.accounts(copy) == guest.accounts(source)
            assert guest.execute(copy, "SELECT n FROM of_far") == [(1,)]


@pytest.mark.parametrize(
    ("role", "password", "complaint"),
    [
        ("stranger", "x", "password authentication failed|no pg_hba.conf entry"),
        ("plain", "plain", "permission denied to start WAL sender"),
    ],
)
def test_a_server_that_does_not_let_the_role_replicate_is_not_added(
    guest: Guest, source: Instance, role: str, password: str, complaint: str
) -> None:
    hba = source.data(guest.root) / "pg_hba.conf"
    if role == "plain":
        guest.execute(source, "CREATE ROLE plain LOGIN PASSWORD 'plain'")
        hba.write_text("host replication plain 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
        guest.execute(source, "SELECT pg_reload_conf()")
    before = all_instances(guest.root)

    with pytest.raises(DatastoreError, match=complaint):
        _POSTGRESQL.add_server(
            guest.root, "never", "p", f"postgresql://{role}@127.0.0.1:{source.port}", password
        )
    assert all_instances(guest.root) == before


def test_more_wal_than_the_server_would_keep_is_in_the_backup(
    guest: Guest, source: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"wal_keep_size": "0", "max_wal_size": "32MB", "min_wal_size": "32MB"}
    guest.execute(
        source, *(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in small.items())
    )
    guest.execute(source, "SELECT pg_reload_conf()")
    feed = TarCheck.feed
    written = False

    def write_then_feed(check: TarCheck, data: memoryview) -> None:
        nonlocal written
        if not written:
            written = True
            for _ in range(6):
                guest.execute(source, "CREATE TABLE w AS SELECT 1", "DROP TABLE w")
                guest.execute(source, "SELECT pg_switch_wal()")
            guest.execute(source, "CHECKPOINT", "CHECKPOINT")
        feed(check, data)

    monkeypatch.setattr(TarCheck, "feed", write_then_feed)
    try:
        backup = guest.back_up(source)
        # Nothing of ours holds it any longer.
        slots = guest.execute(source, "SELECT count(*) FROM pg_replication_slots")

        # Where no slot is to be had it is as it was, and the reason says what helps.
        written = False
        monkeypatch.setattr(wal, "_slot", _no_slot)
        with pytest.raises(BackupToolError, match="has already been removed") as caught:
            guest.back_up(source)
    finally:
        monkeypatch.undo()
        guest.execute(source, *(f"ALTER SYSTEM RESET {name}" for name in small))
        guest.execute(source, "SELECT pg_reload_conf()")
    assert written
    assert slots == [(0,)]
    assert "or a larger wal_keep_size" in caught.value.reason
    copy = guest.restore(backup)
    with guest.running(copy):
        assert guest.accounts(copy) == guest.accounts(source)


def _no_slot(_programs: Programs, _server: Server) -> NoReturn:
    raise psycopg.OperationalError("all replication slots are in use")


def test_the_last_wal_sender_is_left_to_the_backup(guest: Guest) -> None:
    instance = guest.create("one sender")
    with guest.running(instance):
        guest.execute(instance, "ALTER SYSTEM SET max_wal_senders = 1")
    with guest.running(instance):
        assert guest.back_up(instance).kind == "full"


def test_a_copy_of_a_standby_is_no_standby(guest: Guest, source: Instance) -> None:
    signal_file = source.data(guest.root) / "standby.signal"
    # A running server doesn't look at it.
    signal_file.touch()
    try:
        backup = guest.back_up(source)
    finally:
        signal_file.unlink()

    copy = guest.restore(backup)
    with guest.running(copy):
        assert guest.execute(copy, "SELECT pg_is_in_recovery()") == [(False,)]
        assert guest.accounts(copy) == guest.accounts(source)


@contextlib.contextmanager
def tablespace(guest: Guest, source: Instance, name: str) -> Iterator[Path]:
    """One in a folder outside of the server's data directory."""
    with tempfile.TemporaryDirectory(dir=source.folder(guest.root)) as folder:
        give_to(account(), Path(folder))
        guest.execute(source, f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        try:
            yield Path(folder)
        finally:
            guest.execute(
                source, f"DROP TABLE IF EXISTS of_{name}", "CHECKPOINT", f"DROP TABLESPACE {name}"
            )


def test_a_copy_has_its_tablespaces_inside(guest: Guest, source: Instance) -> None:
    def rows(instance: Instance) -> list[tuple[Any, ...]]:
        return guest.execute(instance, "SELECT n FROM of_far ORDER BY 1")

    with tablespace(guest, source, "far") as folder, tablespace(guest, source, "empty"):
        guest.execute(
            source,
            "CREATE TABLE of_far TABLESPACE far AS SELECT n FROM generate_series(1, 9000) n",
            "CREATE INDEX ON of_far (n) TABLESPACE far",
        )
        full = guest.back_up(source)
        guest.execute(source, "INSERT INTO of_far SELECT generate_series(9001, 9100)")
        incremental = guest.back_up(source, full)
        assert (full.kind, incremental.kind) == ("full", "incremental")
        assert incremental.stored_size < full.stored_size / 2

        copy = guest.restore(incremental)
        with guest.running(copy):
            assert rows(copy) == rows(source)
            guest.execute(copy, "DELETE FROM of_far WHERE n > 1", "CHECKPOINT")
            # Nor is a copy of the copy any other.
            of_copy = guest.restore(guest.back_up(copy, guest.back_up(copy)))
            guest.execute(copy, "DROP TABLE of_far", "DROP TABLESPACE far")
        with guest.running(of_copy):
            assert rows(of_copy) == [(1,)]

        # The original has lost nothing by all that.
        guest.execute(source, "CHECKPOINT")
        assert len(rows(source)) == 9100
        assert any(folder.rglob("PG_*/*/*"))


@contextlib.contextmanager
def late_tablespace(
    guest: Guest, source: Instance, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """One is made during the first backup of this block."""
    feed = TarCheck.feed
    with contextlib.ExitStack() as made:

        def make_then_feed(check: TarCheck, data: memoryview) -> None:
            monkeypatch.undo()
            made.enter_context(tablespace(guest, source, "late"))
            feed(check, data)

        monkeypatch.setattr(TarCheck, "feed", make_then_feed)
        yield


def test_a_tablespace_that_is_made_during_a_backup_fails_it(
    guest: Guest, source: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with late_tablespace(guest, source, monkeypatch):
        with pytest.raises(BackupError, match="tablespace late was made during the backup"):
            guest.back_up(source)
        assert guest.back_up(source).kind == "full"


def test_a_copy_does_not_make_a_tablespace_where_its_original_did(
    guest: Guest, source: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server that isn't ours is not asked.
    added = dataclasses.replace(source, managed=False)
    with late_tablespace(guest, source, monkeypatch):
        backup = guest.back_up(added)

    with pytest.raises(RestoreError, match=r"A tablespace was made in /.* during this backup"):
        guest.restore(backup)
