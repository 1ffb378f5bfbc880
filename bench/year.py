# SPDX-License-Identifier: Apache-2.0
"""How large the databases of a mini cloud get in a year of hourly schedules.

A run with retention and a further attempt are made by a real Mistral. Their rows, with new ids and
times, are then put into copies of the databases for every run of the year. Each simulated day ends
as a real one does: Mistral's executions beyond the mini cloud's limit go, and Trove's old rows.

``--part 10`` does so for a tenth of the schedules, with a tenth of the limit.
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from bench import report
from bench.crowd import Crowd
from bench.minicloud import import_path, mini_cloud
from bench.report import Report
from bench.requests import OPTIONS, USUAL, Mistral, Subject
from trove_minicloud.inside_trove import purging
from trove_minicloud.root import Root
from trove_minicloud.services.mistral_history import LIMIT
from trove_minicloud.services.preparation import copy_database, database_file

SCHEDULES, ATTEMPTS, KEPT_HOURS = 100, 3, 24
#: Bytes of the three databases together.
AT_MOST = 2 * 10**9
_TABLES = ("workflow_executions_v2", "task_executions_v2", "action_executions_v2")
_TIMES = {"created_at", "updated_at", "started_at", "finished_at"}
_MEGABYTE = 10**6


class Row(NamedTuple):
    """One to be written again and again.

    :ivar ids: positions of ids of the execution's rows.
    :ivar fresh: positions of texts that have to be unique.
    :ivar times: positions of times.
    """

    statement: str
    values: tuple[Any, ...]
    ids: tuple[int, ...]
    fresh: tuple[int, ...]
    times: tuple[int, ...]


def template(database: Path, execution: str) -> list[Row]:
    """The rows of an execution and of all that it started."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        workflows = "SELECT id FROM workflow_executions_v2 WHERE ? IN (id, root_execution_id)"
        tasks = f"SELECT id FROM task_executions_v2 WHERE workflow_execution_id IN ({workflows})"
        found = {
            table: connection.execute(
                f"SELECT * FROM {table} WHERE {where}", [execution]
            ).fetchall()
            for table, where in zip(
                _TABLES,
                (
                    "? IN (id, root_execution_id)",
                    f"workflow_execution_id IN ({workflows})",
                    f"task_execution_id IN ({tasks})",
                ),
                strict=True,
            )
        }
    known = {row["id"] for rows in found.values() for row in rows}
    return [_row(table, row, known) for table, rows in found.items() for row in rows]


def _row(table: str, row: sqlite3.Row, known: set[str]) -> Row:
    names, values = row.keys(), tuple(row)
    marks = ", ".join("?" * len(names))
    return Row(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
        values,
        tuple(at for at, value in enumerate(values) if value in known),
        tuple(at for at, name in enumerate(names) if name == "unique_key" and values[at]),
        tuple(at for at, name in enumerate(names) if name in _TIMES and values[at]),
    )


def again(rows: list[Row], at: str) -> Iterator[tuple[str, list[Any]]]:
    """The same rows as of another execution that was over at this time."""
    new: dict[str, str] = {}
    for row in rows:
        values = list(row.values)
        for place in row.ids:
            values[place] = new.setdefault(values[place], _new_id())
        for place in row.fresh:
            values[place] = _new_id()
        for place in row.times:
            values[place] = at
        yield row.statement, values


def _new_id() -> str:
    # As random as Mistral's, because their order decides how full the pages of indexes are.
    return str(uuid.UUID(int=random.getrandbits(128)))


class Year:
    """Copies of Mistral's and Trove's databases, day by day."""

    def __init__(self, folder: Path, run: list[Row], further: list[Row], part: int) -> None:
        self._schedules, self._limit = SCHEDULES // part, LIMIT // part
        self.files = {name: folder / name for name in ("keystone", "mistral", "trove")}
        self._run, self._further = run, further
        self._mistral = sqlite3.connect(self.files["mistral"])
        self._trove = sqlite3.connect(self.files["trove"])
        self._backup = self._first(
            "SELECT * FROM backups WHERE state = 'COMPLETED' ORDER BY created DESC LIMIT 1"
        )
        self._reservation = self._first("SELECT * FROM reservations LIMIT 1")

    def _first(self, query: str) -> dict[str, Any]:
        cursor = self._trove.execute(query)
        return dict(zip([each[0] for each in cursor.description], cursor.fetchone(), strict=True))

    def day(self, began: datetime) -> None:
        """24 due times of all schedules, and what a day's end removes."""
        with self._mistral, self._trove:
            for hour in range(24):
                due = began + timedelta(hours=hour)
                for number in range(self._schedules):
                    for attempt in range(ATTEMPTS):
                        at = f"{due + timedelta(minutes=15 * attempt, seconds=number % 60)}"
                        for statement, values in again(self._further if attempt else self._run, at):
                            self._mistral.execute(statement, values)
                    self._back_up(f"{due}.000000")
        with self._mistral:
            self._forget()
        with self._trove:
            self._trove.execute(
                "UPDATE backups SET deleted = 1, state = 'DELETED', deleted_at = ?"
                " WHERE NOT deleted AND created < ?",
                [f"{began}.000000", f"{began}.000000"],
            )
            before = f"{began + timedelta(days=1) - purging.KEPT_FOR}.000000"
            for statement in purging.STATEMENTS:
                self._trove.execute(statement, {"before": before})

    def _back_up(self, at: str) -> None:
        # Of the backup, and of the deletion of another one.
        for table, row in (
            ("backups", self._backup),
            *[("reservations", self._reservation)] * 2,
        ):
            values = row | {"id": _new_id(), "created": at, "updated": at}
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            self._trove.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values())
            )

    def _forget(self) -> None:
        """What the mini cloud has Mistral delete."""
        self._mistral.execute(
            "CREATE TEMP TABLE gone AS SELECT id FROM workflow_executions_v2 WHERE"
            " task_execution_id IS NULL ORDER BY updated_at DESC LIMIT -1 OFFSET ?",
            [self._limit],
        )
        self._mistral.execute(
            "INSERT INTO gone SELECT id FROM workflow_executions_v2"
            " WHERE root_execution_id IN (SELECT id FROM gone)"
        )
        tasks = "SELECT id FROM task_executions_v2 WHERE workflow_execution_id IN gone"
        for statement in (
            f"DELETE FROM action_executions_v2 WHERE task_execution_id IN ({tasks})",
            "DELETE FROM task_executions_v2 WHERE workflow_execution_id IN gone",
            "DELETE FROM workflow_executions_v2 WHERE id IN gone",
            "DROP TABLE gone",
        ):
            self._mistral.execute(statement)

    def sizes(self) -> dict[str, float]:
        """MB of each file, its log of writes included."""
        return {
            name: sum(each.stat().st_size for each in file.parent.glob(f"{name}*")) / _MEGABYTE
            for name, file in self.files.items()
        }


def real_rows(root: Root) -> tuple[list[Row], list[Row]]:
    """A run with retention, and a further attempt, of a real Mistral."""
    crowd, mistral = Crowd(root), Mistral(root)
    before = mistral.roots().keys()
    keeping = Subject(crowd, crowd.project(), USUAL, ATTEMPTS, keeps=True)
    keeping.by_hand()
    [run] = mistral.roots().keys() - before
    three = Subject(crowd, crowd.project(), USUAL, ATTEMPTS)
    three.firing()
    before = mistral.roots().keys()
    three.firing()
    [further] = mistral.roots().keys() - before
    file = database_file(root.service("mistral"))
    return template(file, run), template(file, further)


def run(days: int, part: int) -> Report:
    import_path()
    found = Report(f"year-{part}")
    quick = mock.patch.dict(os.environ, TROVE_MINICLOUD_LIGHT_SECONDS="0.2")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with quick, mini_cloud(overrides=OPTIONS) as root:
            rows = real_rows(root)
            for name in ("keystone", "mistral", "trove"):
                copy_database(database_file(root.service(name)), folder / name)
        year = Year(folder, *rows, part)
        seen = {}
        for day in range(days):
            year.day(datetime(2027, 1, 1) + timedelta(days=day))  # noqa: DTZ001 - as Mistral's
            if (day + 1) % 10 == 0 or day + 1 == days:
                seen[day + 1] = year.sizes()
                print(f"day {day + 1}: {seen[day + 1]}", file=sys.stderr, flush=True)
        found.series["MB by day"] = {str(day): sizes for day, sizes in seen.items()}
        for name, size in seen[days].items():
            found.add(f"{name} after {days} days", "MB", size)
        total = sum(seen[days].values())
        found.add(f"all three after {days} days", "MB", total)
        found.expect("less than 2 GB", total * part * _MEGABYTE < AT_MOST, True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--part", type=int, default=1, metavar="N", help="an N-th of the schedules")
    chosen = parser.parse_args()
    report.end_when_told()
    found = run(chosen.days, chosen.part)
    print(f"written: {found.write()}", file=sys.stderr)
    return report.finish([found])


if __name__ == "__main__":
    sys.exit(main())
