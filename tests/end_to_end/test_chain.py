# SPDX-License-Identifier: Apache-2.0
"""A schedule's chain of backups of a database that is written to all the while, for each datastore.

Money moves between accounts, and each move is a row of its writer's journal. A restored copy must
hold a moment: no money made or lost, and each journal exactly as far as it was written then.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.cloud import LiveCloud, wait_for
from tests.end_to_end.databases import DATABASES, Database, require
from trove_minicloud.guest import instances
from trove_schedules import ScheduledBackups

# The first test of each datastore waits for four runs of a schedule, one with 300 MB.
pytestmark = pytest.mark.timeout(900)

ACCOUNTS, BALANCE = 1000, 100
WRITERS = (1, 2)
#: Chunks that don't compress, and what tells whether they are the same.
BALLAST = {
    "postgresql": (
        "INSERT INTO ballast SELECT chunk, decode(string_agg(md5(random()::text), ''), 'hex')"
        " FROM generate_series(1, 4800) chunk, generate_series(1, 4096) part GROUP BY chunk",
        300 * 2**20,
        "SELECT md5(string_agg(md5(content), '' ORDER BY chunk)) FROM ballast",
    ),
    "mariadb": (
        "INSERT INTO ballast SELECT seq, random_bytes(1024) FROM seq_1_to_100000",
        100 * 10**6,
        "SELECT sum(chunk * crc32(content)) FROM ballast",
    ),
}
NEVER_SOON = "0 0 1 1 *"


@dataclass(frozen=True)
class Link:
    """A backup of the chain, and how far the journals were before and after it was taken."""

    backup: dict[str, Any]
    before: list[int]
    after: list[int]


class Ledger:
    """The source, and copies of it."""

    def __init__(self, cloud: LiveCloud, database: Database) -> None:
        self.cloud = cloud
        self.database = database
        self.name = f"ledger-{database.name}"

    def execute(self, name: str, *statements: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Run statements with their values, and return the rows of the last one."""
        with self._cursor(name) as cursor:
            for statement, *values in statements:
                cursor.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    @contextmanager
    def _cursor(self, name: str) -> Iterator[Any]:
        instance = instances.find(self.cloud.root, name)
        with (
            self.database.connect(self.cloud.root, instance) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def create(self) -> None:
        self.cloud.create_instance(self.name, self.database.name)
        ballast, size, _digest = BALLAST[self.database.name]
        binary = "bytea" if self.database.name == "postgresql" else "blob"
        numbers = f"({self.database.numbers.replace('%s', str(ACCOUNTS))}) numbers"
        self.execute(
            self.name,
            ("CREATE TABLE accounts (id int PRIMARY KEY, balance int)",),
            (f"INSERT INTO accounts SELECT n - 1, {BALANCE} FROM {numbers}",),
            (
                "CREATE TABLE journal (writer int, number int, source int, target int, amount int,"
                " PRIMARY KEY (writer, number))",
            ),
            (f"CREATE TABLE ballast (chunk int, content {binary})",),
            (ballast,),
        )
        ((stored,),) = self.execute(self.name, ("SELECT sum(length(content)) FROM ballast",))
        assert stored >= size

    def move(self, writer: int, stop: threading.Event) -> None:
        """Move money until told to stop."""
        draw = random.Random(writer)
        number = 0
        with self._cursor(self.name) as cursor:
            while not stop.is_set():
                number += 1
                # In order, so that two writers never wait for each other.
                low, high = sorted(draw.sample(range(ACCOUNTS), 2))
                amount = draw.randint(-9, 9)
                cursor.execute("BEGIN")
                cursor.execute(
                    "INSERT INTO journal VALUES (%s, %s, %s, %s, %s)",
                    (writer, number, low, high, amount),
                )
                update = "UPDATE accounts SET balance = balance + %s WHERE id = %s"
                cursor.execute(update, (-amount, low))
                cursor.execute(update, (amount, high))
                cursor.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Have the writers at work; a failure of one is a failure of the test."""
        stop = threading.Event()
        failures: list[Exception] = []

        def write(writer: int) -> None:
            try:
                self.move(writer, stop)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=write, args=(writer,)) for writer in WRITERS]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        assert not failures
        assert not any(thread.is_alive() for thread in threads)

    def lengths(self, name: str) -> list[int]:
        """How far each writer's journal is."""
        rows = self.execute(name, ("SELECT writer, max(number) FROM journal GROUP BY writer",))
        found = dict(rows)
        return [found.get(writer, 0) for writer in WRITERS]

    def journal(self, name: str, until: list[int]) -> str:
        """A digest of the journals up to these numbers."""
        digest = hashlib.sha256()
        for writer, number in zip(WRITERS, until, strict=True):
            rows = self.execute(
                name,
                (
                    "SELECT * FROM journal WHERE writer = %s AND number <= %s ORDER BY number",
                    writer,
                    number,
                ),
            )
            # No holes: what was committed before is there.
            assert [row[1] for row in rows] == list(range(1, number + 1))
            digest.update(repr(rows).encode())
        return digest.hexdigest()

    def ballast(self, name: str) -> Any:
        return self.execute(name, (BALLAST[self.database.name][2],))

    def money(self, name: str) -> int:
        ((total,),) = self.execute(name, ("SELECT sum(balance) FROM accounts",))
        return int(total)


@pytest.fixture(scope="module", params=DATABASES, ids=lambda database: database.name)
def ledger(request: pytest.FixtureRequest, cloud: LiveCloud) -> Ledger:
    require(request.param)
    made = Ledger(cloud, request.param)
    made.create()
    return made


@pytest.fixture(scope="module")
def chain(cloud: LiveCloud, schedules: ScheduledBackups, ledger: Ledger) -> list[Link]:
    schedule = schedules.schedule_create(
        ledger.name, NEVER_SOON, ledger.name, incremental=True, full_every=3
    )
    links: list[Link] = []
    with ledger.writing():
        for _run in range(4):
            before = ledger.lengths(ledger.name)
            started = schedules.schedule_run(schedule.id)
            execution = wait_for(
                f"end of run {started.id}", lambda run=started: _ended(schedules, run.id), 180
            )
            assert execution.state == "SUCCESS", execution
            backup = cloud.backup(execution.backup_id)
            links.append(Link(backup, before, ledger.lengths(ledger.name)))
    return links


def _ended(schedules: ScheduledBackups, execution_id: str) -> Any:
    found = schedules.execution_show(execution_id)
    return found if found.ended else None


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_every_link_restores_to_the_rows_of_its_moment(
    cloud: LiveCloud, ledger: Ledger, chain: list[Link], number: int
) -> None:
    link = chain[number]
    name = f"{ledger.name}-{number}"
    cloud.run("trove-minicloud", "restore", link.backup["id"], "--name", name)
    try:
        moment = ledger.lengths(name)
        for before, reached, after in zip(link.before, moment, link.after, strict=True):
            assert before <= reached <= after
        assert ledger.journal(name, moment) == ledger.journal(ledger.name, moment)
        assert ledger.money(name) == ACCOUNTS * BALANCE
        assert ledger.ballast(name) == ledger.ballast(ledger.name)
    finally:
        cloud.run("trove-minicloud", "instance", "delete", name)


def test_the_increments_name_their_parents_and_are_small(
    cloud: LiveCloud, chain: list[Link]
) -> None:
    full, first, second, next_full = (link.backup for link in chain)
    parents = [backup["parent_id"] for backup in (full, first, second, next_full)]
    assert parents == [None, full["id"], first["id"], None]
    sizes = [_stored(link.backup).stat().st_size for link in chain]
    # How much smaller depends on what the writers got done meanwhile.
    assert sizes[1] < sizes[0] / 2, sizes
    assert sizes[2] < sizes[0] / 2, sizes


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
    files = [_stored(link.backup) for link in chain[:3]]
    cloud.openstack("delete", chain[0].backup["id"])
    wait_for("end of the files", lambda: not any(file.exists() for file in files), 30)
    listed = {row["ID"] for row in cloud.openstack("list", "-f", "json").json}
    assert not listed & {link.backup["id"] for link in chain[:3]}


def _stored(backup: dict[str, Any]) -> Path:
    return Path(backup["locationRef"].removeprefix("file://"))
