# SPDX-License-Identifier: Apache-2.0
"""A database that is written to all the while it is backed up, and what a copy of it has to hold.

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
from typing import Any

from tests.end_to_end.cloud import NEVER_SOON, LiveCloud, run_by_hand
from tests.end_to_end.databases import Database
from tests.end_to_end.ticks import hurried
from trove_minicloud.guest import instances
from trove_schedules import ScheduledBackups

ACCOUNTS, BALANCE = 1000, 100
WRITERS = (1, 2)
#: N chunks that don't compress, how many there are to a megabyte, and what tells whether they are
#: the same.
BALLAST = {
    "postgresql": (
        "INSERT INTO ballast SELECT chunk, decode(string_agg(md5(random()::text), ''), 'hex')"
        " FROM generate_series(1, {}) chunk, generate_series(1, 4096) part GROUP BY chunk",
        16,
        "SELECT md5(string_agg(md5(content), '' ORDER BY chunk)) FROM ballast",
    ),
    "mariadb": (
        "INSERT INTO ballast SELECT seq, random_bytes(1024) FROM seq_1_to_{}",
        1000,
        "SELECT sum(chunk * crc32(content)) FROM ballast",
    ),
}


@dataclass(frozen=True)
class Link:
    """A backup of the chain, and how far the journals were before and after it was taken."""

    backup: dict[str, Any]
    before: list[int]
    after: list[int]


class Ledger:
    """The source, and copies of it.

    :param megabytes: of ballast, which nobody writes to.
    :param pause: seconds between two moves of a writer.
    """

    def __init__(
        self, cloud: LiveCloud, database: Database, *, megabytes: int, pause: float = 0
    ) -> None:
        self.cloud = cloud
        self.database = database
        self.megabytes = megabytes
        self.pause = pause
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
        ballast, chunks, _digest = BALLAST[self.database.name]
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
            (ballast.format(self.megabytes * chunks),),
        )
        if self.database.name == "postgresql":
            # Or autovacuum marks all of it in mid-chain, and an increment has to hold it.
            self.execute(self.name, ("VACUUM (FREEZE) ballast",))
        ((stored,),) = self.execute(self.name, ("SELECT sum(length(content)) FROM ballast",))
        assert stored >= self.megabytes * 10**6

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
                stop.wait(self.pause)

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
                thread.join(180)
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

    def take_chain(self, schedules: ScheduledBackups, runs: int, full_every: int) -> list[Link]:
        """Backups of a schedule of its own, while the writers are at work."""
        schedule = schedules.schedule_create(
            self.name, NEVER_SOON, self.name, incremental=True, full_every=full_every
        )
        links: list[Link] = []
        with self.writing(), hurried(self.cloud, every=2):
            for _run in range(runs):
                before = self.lengths(self.name)
                run = run_by_hand(schedules, schedule.id)
                assert run.state == "SUCCESS", run
                backup = self.cloud.backup(str(run.backup_id))
                links.append(Link(backup, before, self.lengths(self.name)))
        return links

    def require_moment(self, link: Link, name: str) -> None:
        """Fail unless the restored copy of this name holds the rows of the backup's moment."""
        moment = self.lengths(name)
        for before, reached, after in zip(link.before, moment, link.after, strict=True):
            assert before <= reached <= after
        assert self.journal(name, moment) == self.journal(self.name, moment)
        assert self.money(name) == ACCOUNTS * BALANCE
        assert self.ballast(name) == self.ballast(self.name)
