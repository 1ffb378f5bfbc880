# SPDX-License-Identifier: Apache-2.0
"""A full backup and two incremental ones of a database that is written to all the while.

Money moves between accounts, and each move is a row of a journal. A restored copy must hold a
moment: no money made or lost, and the journal exactly as far as it was written then.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.end_to_end.cloud import LiveCloud, wait_for

ACCOUNTS, BALANCE = 1000, 100
BALLAST_MEGABYTES = 300
_MOVE = """
with journalled as (insert into journal (source, target, amount)
    select (random() * 999)::int, (random() * 999)::int, 1 + (random() * 9)::int returning *),
  taken as (update accounts set balance = balance - amount
    from journalled where accounts.id = source and source <> target),
  given as (update accounts set balance = balance + amount
    from journalled where accounts.id = target and source <> target)
select 1
"""


@dataclass(frozen=True)
class Link:
    """A backup of the chain, and how far the journal was before and after it was taken."""

    backup: dict[str, Any]
    before: int
    after: int


@pytest.fixture(scope="module")
def chain(cloud: LiveCloud) -> list[Link]:
    instance = cloud.create_instance("ledger")
    with cloud.connect("ledger") as connection:
        _create_tables(connection)
    links: list[Link] = []
    with _writing(cloud):
        for incremental in (0, 1, 1):
            before = _journal_length(cloud, "ledger")
            backup = cloud.take_backup(instance, incremental=incremental)
            links.append(Link(backup, before, _journal_length(cloud, "ledger")))
    return links


def _create_tables(connection: psycopg.Connection[Any]) -> None:
    connection.execute("create table accounts (id int primary key, balance bigint)")
    connection.execute(
        "insert into accounts select n, %s from generate_series(0, %s) n", [BALANCE, ACCOUNTS - 1]
    )
    connection.execute(
        "create table journal (id bigserial primary key, source int, target int, amount int)"
    )
    connection.execute("create table ballast (chunk int, content bytea)")
    connection.execute("alter table ballast alter column content set storage external")
    connection.execute(
        "insert into ballast select chunk, decode(string_agg(md5(random()::text), ''), 'hex')"
        " from generate_series(1, %s) chunk, generate_series(1, 4096) part group by chunk",
        [BALLAST_MEGABYTES * 16],
    )
    size = connection.execute("select pg_database_size(current_database())").fetchone()
    assert size is not None
    assert size[0] > BALLAST_MEGABYTES * 2**20


@contextmanager
def _writing(cloud: LiveCloud) -> Iterator[None]:
    """Move money until the block ends; a failure of the writer is a failure of the test."""
    stop = threading.Event()
    failures: list[Exception] = []

    def write() -> None:
        try:
            with cloud.connect("ledger") as connection:
                while not stop.is_set():
                    connection.execute(_MOVE)
        except psycopg.Error as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join(30)
    assert not failures
    assert not writer.is_alive()


def _journal_length(cloud: LiveCloud, name: str) -> int:
    return int(_ask(cloud, name, "select coalesce(max(id), 0) from journal"))


def _ask(cloud: LiveCloud, name: str, query: str, *values: Any) -> Any:
    with cloud.connect(name) as connection:
        row = connection.execute(query, values).fetchone()
    assert row is not None
    return row[0]


def _digest(cloud: LiveCloud, name: str, until: int) -> str:
    return str(
        _ask(
            cloud,
            name,
            "select md5(string_agg(journal::text, ',' order by id)) from journal where id <= %s",
            until,
        )
    )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_every_link_restores_to_the_rows_of_its_moment(
    cloud: LiveCloud, chain: list[Link], number: int
) -> None:
    link = chain[number]
    name = f"ledger-{number}"
    cloud.run("trove-minicloud", "restore", link.backup["id"], "--name", name)
    try:
        moment = _journal_length(cloud, name)
        assert link.before <= moment <= link.after
        assert _digest(cloud, name, moment) == _digest(cloud, "ledger", moment)
        assert _ask(cloud, name, "select count(*) from journal") == _ask(
            cloud, "ledger", "select count(*) from journal where id <= %s", moment
        )
        assert _ask(cloud, name, "select sum(balance) from accounts") == ACCOUNTS * BALANCE
        same = "select md5(string_agg(md5(content), '' order by chunk)) from ballast"
        assert _ask(cloud, name, same) == _ask(cloud, "ledger", same)
    finally:
        cloud.run("trove-minicloud", "instance", "delete", name)


def test_the_increments_name_their_parents_and_are_small(
    cloud: LiveCloud, chain: list[Link]
) -> None:
    full, first, second = (link.backup for link in chain)
    assert [full["parent_id"], first["parent_id"], second["parent_id"]] == [
        None,
        full["id"],
        first["id"],
    ]
    sizes = [_stored(backup).stat().st_size for backup in (full, first, second)]
    assert sizes[1] < sizes[0] / 3, sizes
    assert sizes[2] < sizes[0] / 3, sizes


def test_one_flipped_byte_makes_the_restore_refuse(cloud: LiveCloud, chain: list[Link]) -> None:
    stored = _stored(chain[1].backup)
    original = stored.read_bytes()
    damaged = bytearray(original)
    damaged[len(damaged) // 2] ^= 1
    stored.chmod(0o600)
    stored.write_bytes(damaged)
    try:
        done = cloud.run(
            "trove-minicloud", "restore", chain[2].backup["id"], "--name", "never", check=False
        )
    finally:
        stored.write_bytes(original)
    assert done.status != 0
    assert str(stored) in done.err
    assert "sha256" in done.err.lower() or "checksum" in done.err.lower(), done.err
    names = cloud.run("trove-minicloud", "instance", "list", "-f", "json").json
    assert "never" not in {row["name"] for row in names}


def test_deleting_the_full_backup_deletes_what_builds_on_it(
    cloud: LiveCloud, chain: list[Link]
) -> None:
    files = [_stored(link.backup) for link in chain]
    cloud.openstack("delete", chain[0].backup["id"])
    wait_for("end of the files", lambda: not any(file.exists() for file in files), 30)
    listed = {row["ID"] for row in cloud.openstack("list", "-f", "json").json}
    assert not listed & {link.backup["id"] for link in chain}


def _stored(backup: dict[str, Any]) -> Path:
    return Path(backup["locationRef"].removeprefix("file://"))
