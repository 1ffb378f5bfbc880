# SPDX-License-Identifier: Apache-2.0
"""Firings and runs as Mistral's database has them: for those who move the clock to the next one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from trove_minicloud.root import Root
from trove_minicloud.services.preparation import database_file

_TIME = "%Y-%m-%d %H:%M:%S.%f"


class Runs:
    """Of all triggers of a mini cloud."""

    def __init__(self, root: Root) -> None:
        self._file = database_file(root.service("mistral"))

    def next_firing(self) -> datetime | None:
        """The first firing to come."""
        [[text]] = self._rows("select min(next_execution_time) from cron_triggers_v2")
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None

    def due(self, at: datetime) -> int:
        """How many triggers fire at this time or before."""
        query = "select count(*) from cron_triggers_v2 where next_execution_time <= ?"
        return self._count(query, f"{at:{_TIME}}")

    def begun(self, since: datetime) -> int:
        """How many runs have begun since then. A trigger is advanced before its run begins."""
        query = (
            "select count(*) from workflow_executions_v2"
            " where task_execution_id is null and created_at >= ?"
        )
        return self._count(query, f"{since:{_TIME}}")

    def in_progress(self, since: datetime) -> int:
        """How many of those that have begun since then have not ended."""
        query = (
            "select count(*) from workflow_executions_v2"
            " where state not in (?, ?) and created_at >= ?"
        )
        return self._count(query, "SUCCESS", "ERROR", f"{since:{_TIME}}")

    def acting(self) -> int:
        """How many actions of theirs are under way; a run that waits has none."""
        return self._count("select count(*) from action_executions_v2 where state = ?", "RUNNING")

    def next_call(self) -> datetime | None:
        """When the first of those that wait goes on."""
        [[text]] = self._rows("select min(execution_time) from delayed_calls_v2")
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None

    def _count(self, query: str, *values: str) -> int:
        [[count]] = self._rows(query, *values)
        return int(count)

    def _rows(self, query: str, *values: str) -> list[Any]:
        with closing(sqlite3.connect(self._file, timeout=60)) as database:
            return database.execute(query, values).fetchall()
