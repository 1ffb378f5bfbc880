# SPDX-License-Identifier: Apache-2.0
"""What is MariaDB's own about its backups: log sequence numbers, and tools that say success."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from tests.end_to_end.damage import flip_byte
from tests.end_to_end.databases import MariaDB
from tests.end_to_end.guest import Guest
from trove_minicloud.errors import DatastoreError, RestoreError, VerificationError
from trove_minicloud.guest import datastores, stream
from trove_minicloud.guest.instances import Instance, all_instances
from trove_minicloud.guest.mariadb import binaries
from trove_minicloud.guest.mariadb.backing_up import backup_command
from trove_minicloud.guest.mariadb.connection import connect
from trove_minicloud.guest.mariadb.stream_check import BackupCheck, Checkpoints
from trove_minicloud.guest.restoring import fetch
from trove_minicloud.guest.tools import ENVIRONMENT
from trove_minicloud.stores.manifest import Manifest

_MARIADB = datastores.named("mariadb")

FUTURE = 10**12


@pytest.fixture(scope="module")
def guest() -> Iterator[Guest]:
    with Guest.of(MariaDB()) as made:
        yield made


@pytest.fixture(scope="module")
def source(guest: Guest) -> Iterator[Instance]:
    with guest.source() as instance:
        yield instance


@pytest.fixture
def folder(guest: Guest) -> Iterator[Path]:
    """For a server in the making."""
    with tempfile.TemporaryDirectory(dir=guest.root.instances) as made:
        Path(made).chmod(0o711)
        yield Path(made)


class Discarded:
    def append(self, data: bytes) -> None:
        pass


def checkpoints(guest: Guest, backup: Manifest) -> Checkpoints:
    return Checkpoints.parse(guest.store.read_basis(backup.key).decode())


def unpacked(guest: Guest, backup: Manifest, folder: Path) -> Path:
    part = folder / backup.backup_id
    part.mkdir(mode=0o700)
    fetch(guest.store, guest.kind, backup, part)
    return part


def write_and_flush(guest: Guest, source: Instance) -> None:
    # What the purge of old rows writes is to be before the checkpoint too.
    guest.execute(
        source,
        "UPDATE account SET balance = balance + 1",
        "SET GLOBAL innodb_max_purge_lag_wait = 0",
        "SET GLOBAL innodb_log_checkpoint_now = 1",
    )


def test_an_increment_begins_where_its_parent_ended(guest: Guest, source: Instance) -> None:
    full = guest.back_up(source)
    write_and_flush(guest, source)
    increment = guest.back_up(source, full)

    assert checkpoints(guest, full).from_lsn == 0
    assert checkpoints(guest, increment).from_lsn == checkpoints(guest, full).to_lsn
    assert checkpoints(guest, increment).to_lsn > checkpoints(guest, full).to_lsn


def test_a_parent_from_the_servers_future_makes_a_full_backup_and_says_so(
    guest: Guest, source: Instance
) -> None:
    parent = guest.back_up(source)
    basis = re.sub(
        rb"(to|last)_lsn = \d+", rb"\1_lsn = %d" % FUTURE, guest.store.read_basis(parent.key)
    )
    guest.replace_basis(parent, basis)

    backup = guest.back_up(source, parent)

    assert (backup.kind, backup.parent_id) == ("full", None)
    assert backup.reason is not None and f"it is of LSN {FUTURE}" in backup.reason


def test_what_mariadb_backup_calls_ok_on_a_base_of_the_future_is_refused(
    guest: Guest, source: Instance, folder: Path
) -> None:
    argv = backup_command(
        binaries.find(), source.password_file(guest.root), source.data(guest.root), folder, FUTURE
    )

    # Not BackupToolError: the tool exits 0.
    with pytest.raises(VerificationError, match=f"from LSN {FUTURE} to"):
        stream.stream(argv, ENVIRONMENT, BackupCheck(FUTURE, 0), Discarded(), {})


def test_an_increment_is_not_applied_to_another_base_than_its_own(
    guest: Guest, source: Instance, folder: Path
) -> None:
    older = guest.back_up(source)
    write_and_flush(guest, source)
    own = guest.back_up(source)
    increment = guest.back_up(source, own)
    chain = [unpacked(guest, older, folder), unpacked(guest, increment, folder)]

    with pytest.raises(RestoreError, match="mariadb-backup exited 1"):
        _MARIADB.restore_server(guest.root, folder, chain, "never", "p", source.version)


def test_a_damaged_page_is_found_before_the_copy_serves(
    guest: Guest, source: Instance, folder: Path
) -> None:
    # A table whose making is after the last checkpoint is called .new in the backup.
    write_and_flush(guest, source)
    part = unpacked(guest, guest.back_up(source), folder)
    (table,) = part.glob("test/account.ibd")
    # Far behind what the log may still change.
    flip_byte(table, at=5 * 16384 + 5000)

    with pytest.raises(RestoreError, match=r"test/account.ibd .*page::5 invalid"):
        _MARIADB.restore_server(guest.root, folder, [part], "never", "p", source.version)


def test_every_table_of_a_restored_copy_is_sound(guest: Guest, source: Instance) -> None:
    full = guest.back_up(source)
    write_and_flush(guest, source)
    copy = guest.restore(guest.back_up(source, full))

    with guest.running(copy):
        tables = guest.execute(
            copy,
            "SELECT concat(table_schema, '.', table_name) FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema IN ('mysql', 'test')",
        )
        assert ("test.account",) in tables
        names = ", ".join(name for (name,) in tables)
        checked = guest.execute(copy, f"CHECK TABLE {names} EXTENDED")
    assert {row[-1] for row in checked} <= {
        "OK",
        "The storage engine for the table doesn't support check",
    }


def test_the_backup_user_can_read_no_rows(guest: Guest, source: Instance) -> None:
    with (
        connect(source.password_file(guest.root)) as connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.OperationalError, match="SELECT command denied"),
    ):
        cursor.execute("SELECT * FROM test.account")


def test_a_table_is_never_kept_outside_of_the_data_directory(
    guest: Guest, source: Instance, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    guest.execute(source, f"CREATE TABLE outside (a int) DATA DIRECTORY='{tmp_path}'")

    assert not list(tmp_path.iterdir())
    assert (source.data(guest.root) / "test" / "outside.ibd").exists()


def test_a_server_that_runs_already_can_not_be_added(guest: Guest, source: Instance) -> None:
    before = all_instances(guest.root)

    with pytest.raises(DatastoreError, match="can't be added: mariadb-backup reads"):
        _MARIADB.add_server(guest.root, "n", "p", f"mysql://root@127.0.0.1:{source.port}/", None)
    assert all_instances(guest.root) == before
