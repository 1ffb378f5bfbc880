# SPDX-License-Identifier: Apache-2.0
"""Executions as Mistral's database holds them: requests to ask Mistral would be counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file

RUNNING = "RUNNING"
_ENDED = ("SUCCESS", "ERROR", "CANCELLED")


@dataclass(frozen=True)
class Left:
    """What executions left in Mistral's database.

    :ivar rows: of workflows, their tasks and their actions.
    :ivar size: bytes, the lengths of all columns of these rows.
    """

    rows: int
    size: int


_ROWS = {
    "workflow_executions_v2": "{roots} in (id, root_execution_id)",
    "task_executions_v2": "workflow_execution_id in (select id from workflow_executions_v2"
    " where {roots} in (id, root_execution_id))",
    "action_executions_v2": "task_execution_id in (select id from task_executions_v2 where"
    " workflow_execution_id in (select id from workflow_executions_v2"
    " where {roots} in (id, root_execution_id)))",
}


class Mistral:
    """What the database says."""

    def __init__(self, root: Root) -> None:
        self._file = database_file(root.service("mistral"))

    def roots(self, instance: str = "") -> dict[str, str]:
        """The states of the executions of an instance, or of all, by ids; see `states`."""
        rows = self._rows(
            "select id, root_execution_id, state from workflow_executions_v2"
            " where workflow_name like 'trove.%' and input like ?",
            [f"%{instance}%"],
        )
        return states(rows)

    def left(self, root_execution: str) -> Left:
        """What an execution left, its sub-workflows included."""
        rows = [
            row
            for table, condition in _ROWS.items()
            for row in self._rows(
                f"select * from {table} where " + condition.format(roots="?"), [root_execution]
            )
        ]
        return Left(len(rows), sum(len(str(cell).encode()) for row in rows for cell in row if cell))

    def size(self) -> int:
        """Bytes of the database's pages that are in use."""
        [[size]] = self._rows(
            "select (page_count - freelist_count) * page_size"
            " from pragma_page_count, pragma_freelist_count, pragma_page_size",
            [],
        )
        return int(size)

    def _rows(self, statement: str, values: Sequence[str]) -> list[Any]:
        with closing(sqlite3.connect(self._file, timeout=60)) as connection:
            return connection.execute(statement, values).fetchall()


def states(rows: Iterable[tuple[str, str | None, str]]) -> dict[str, str]:
    """The state of each root execution; it runs until all that it has started is over.

    :param rows: id, id of the root execution (None for a root), state.
    """
    found: dict[str, str] = {}
    for execution, root, state in rows:
        key = root or execution
        if state not in _ENDED:
            found[key] = RUNNING
        elif root is None:
            found.setdefault(key, state)
    return found
