# SPDX-License-Identifier: Apache-2.0
"""Real servers of each kind, backed up and restored by the guest's own functions."""

from __future__ import annotations

import dataclasses
import re
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.end_to_end.damage import flipped_byte
from tests.end_to_end.databases import DATABASES, Database
from tests.end_to_end.guest import Guest
from trove_minicloud.errors import (
    BackupToolError,
    BrokenChainError,
    CheckFailedError,
    ChecksumMismatchError,
    InvalidCheckError,
    QueryError,
    ServerUnavailableError,
)
from trove_minicloud.guest import copy_check, proving
from trove_minicloud.guest.copy_check import Check
from trove_minicloud.guest.instances import Instance, find
from trove_minicloud.supervision import processes


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.name)
def guest(request: pytest.FixtureRequest) -> Iterator[Guest]:
    with Guest.of(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def source(guest: Guest) -> Iterator[Instance]:
    with guest.source() as instance:
        yield instance


def test_a_chain_taken_under_load_restores_to_the_rows_of_each_moment(
    guest: Guest, source: Instance
) -> None:
    taken = []
    parent = None
    for round_ in range(3):
        guest.execute(source, f"UPDATE account SET balance = {round_} WHERE id % 50 = {round_}")
        rows, before = guest.accounts(source), guest.last_tick(source)
        with guest.ticking(source):
            parent = guest.back_up(source, parent)
        taken.append((parent, rows, before, guest.last_tick(source)))
    guest.execute(source, "UPDATE account SET balance = -1")

    assert [backup.kind for backup, *_ in taken] == ["full", "incremental", "incremental"]
    for backup, rows, before, after in taken:
        copy = guest.restore(backup)
        with guest.running(copy):
            assert guest.accounts(copy) == rows
            ((count, highest),) = guest.execute(copy, "SELECT count(*), max(number) FROM tick")
            # Whatever was committed before is there, and there are no holes in what came during.
            assert before <= (highest or 0) <= after
            assert count == (highest or 0)


def test_a_copy_proves_its_rows_by_the_check_of_its_source(guest: Guest, source: Instance) -> None:
    backup, copy_rows = guest.back_up(source), 20_000
    query = "SELECT count(*) FROM account WHERE owner LIKE '%'"
    copy_check.store(guest.root, source, Check(query, str(copy_rows), guest.database.place))
    copy = guest.restore(backup, "proven")
    said: list[str] = []
    with guest.running(copy):
        proving.prove(guest.root, copy, backup, said.append)
        assert f"account {copy_rows}" in said[0]
        assert said[1] == "the check of source is answered as expected"

        guest.execute(copy, "DELETE FROM account WHERE id = 1")
        with pytest.raises(CheckFailedError, match="with '19999' instead of '20000': SELECT count"):
            proving.prove(guest.root, copy, backup, said.append)
    copy_check.clear(guest.root, source)


def test_a_check_is_one_value_of_one_query_that_changes_nothing(
    guest: Guest, source: Instance
) -> None:
    place = guest.database.place
    before = guest.accounts(source)
    for wrong in (
        "DELETE FROM account",
        "CREATE TABLE other (n int)",
        "SELECT 1; DELETE FROM account",
        "COMMIT; DELETE FROM account",
        "SELECT id FROM account",
        "SELECT 1, 2",
        "SELECT nothing FROM nowhere",
        "not SQL",
        "",
    ):
        with pytest.raises(QueryError):
            copy_check.store(guest.root, source, Check(wrong, "1", place))
    with pytest.raises(QueryError, match="nowhere"):
        copy_check.store(guest.root, source, Check("SELECT 1", "1", "nowhere"))
    with pytest.raises(InvalidCheckError, match="'42' now, and not '41'"):
        copy_check.store(guest.root, source, Check("SELECT 42", "41", None))
    assert copy_check.load(guest.root, source.id) is None
    assert guest.accounts(source) == before

    true = {"postgresql": "t", "mariadb": "1"}[guest.database.name]
    for query, answer in (
        ("SELECT count(*) > 10 FROM account", true),
        ("SELECT NULL", "NULL"),
        ("SELECT '50 %s'", "50 %s"),
        ("SELECT cast(1.50 AS decimal(5, 2))", "1.50"),
        ("SELECT date '2026-07-01'", "2026-07-01"),
        ("SELECT 'Zoë'", "Zoë"),
    ):
        copy_check.store(guest.root, source, Check(query, answer, place))
    copy_check.clear(guest.root, source)


def test_a_restored_copy_has_its_own_passwords_port_and_history(
    guest: Guest, source: Instance
) -> None:
    backup = guest.back_up(source)
    copy = guest.restore(backup, "copy")

    assert find(guest.root, copy.id) == copy
    assert (copy.wanted, copy.managed, copy.project_id) == ("running", True, "project-1")
    assert copy.port != source.port
    assert copy.incarnation != source.incarnation
    with guest.running(copy):
        guest.execute(copy, "SELECT 1")
        own = copy.superuser_password_file(guest.root)
        text = source.superuser_password_file(guest.root).read_text()
        own.write_text(text.replace(str(source.port), str(copy.port)))
        with pytest.raises(Exception, match=r"password authentication failed|Access denied"):
            guest.execute(copy, "SELECT 1")

        after = guest.back_up(copy, backup)
        assert after.kind == "full"
        assert after.reason is not None and "a backup of instance" in after.reason
        assert guest.back_up(copy, after).kind == "incremental"


def test_a_parent_of_another_incarnation_makes_a_full_backup_and_says_so(
    guest: Guest, source: Instance
) -> None:
    parent = guest.back_up(source)

    backup = guest.back_up(dataclasses.replace(source, incarnation="other"), parent)

    assert (backup.kind, backup.parent_id) == ("full", None)
    assert backup.reason is not None and "another history of the server" in backup.reason


def test_a_flipped_byte_is_refused_and_leaves_no_instance(guest: Guest, source: Instance) -> None:
    full = guest.back_up(source)
    last = guest.back_up(source, full)
    path = guest.file(full)
    before = sorted(guest.root.instances.iterdir())

    with (
        flipped_byte(path),
        pytest.raises(ChecksumMismatchError, match=full.sha256) as caught,
    ):
        guest.restore(last)
    assert str(path) in str(caught.value)
    assert sorted(guest.root.instances.iterdir()) == before


def test_a_chain_with_a_hole_is_refused(guest: Guest, source: Instance) -> None:
    full = guest.back_up(source)
    middle = guest.back_up(source, full)
    last = guest.back_up(source, middle)
    guest.store.delete(middle.key)

    with pytest.raises(BrokenChainError, match=f"{middle.backup_id}, which is gone"):
        guest.restore(last)


def test_a_server_that_stops_in_the_middle_fails_the_backup_with_its_cause(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = guest.create("stopping")
    database: Database = guest.database
    feed = database.check.feed
    with guest.running(instance) as server:

        def stop_then_feed(check: Any, data: memoryview) -> None:
            processes.stop_group(server)
            feed(check, data)

        monkeypatch.setattr(database.check, "feed", stop_then_feed)
        with pytest.raises(BackupToolError, match=f"{database.tool} exited 1"):
            guest.back_up(instance)
        monkeypatch.undo()

        assert not guest.kind.is_serving(guest.root, instance)
        with pytest.raises(ServerUnavailableError, match="Connection refused"):
            guest.back_up(instance)
    assert not list(guest.root.backups.glob(f"{instance.id}/*"))


def test_a_killed_server_comes_back_with_its_rows(guest: Guest) -> None:
    instance = guest.create("killed")
    with guest.running(instance) as server:
        guest.execute(instance, "CREATE TABLE kept AS SELECT 1 AS a")
        others = psutil.Process(server.pid).children(recursive=True)
        processes.stop_group(
            processes.ProcessRecord(server.pid, server.start_time, signal.SIGKILL, 10)
        )
    # A supervisor would try again.
    assert not psutil.wait_procs(others, timeout=120)[1]
    with guest.running(instance):
        assert guest.execute(instance, "SELECT a FROM kept") == [(1,)]


def test_no_password_can_be_read_by_others_or_in_a_process_list(
    guest: Guest, source: Instance
) -> None:
    files = (source.password_file(guest.root), source.superuser_password_file(guest.root))
    secrets = {re.split("[:=]", file.read_text().strip())[-1] for file in files}

    assert all(len(secret) >= 24 for secret in secrets)
    arguments = subprocess.run(("ps", "-eo", "args"), capture_output=True, text=True, check=True)
    log = source.log(guest.root).read_text()
    assert not [secret for secret in secrets if secret in arguments.stdout or secret in log]
    for path in source.folder(guest.root).glob("*.password"):
        assert path.stat().st_mode & 0o077 == 0
